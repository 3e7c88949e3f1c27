/* cli/setup/setup_limits: the limits among the options in, what slots set between fork and exec
 * out. A limit that could not be set is an error here, at the start, not a handler that cannot be
 * started later. */
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/setup/setup.h"

static int check_limit(const struct config *c, const void *member, int resource, uint64_t want,
		       const char *letter, struct err *err)
{
	struct rlimit now;
	char where[256];
	if (getrlimit(resource, &now) || now.rlim_max == RLIM_INFINITY || want <= now.rlim_max)
		return 0;
	return err_set(
		err, ERR_CONFIG,
		"%s: %llu is more than tgrun itself may use, %llu (ulimit -H%s); lower the one or raise the other",
		config_where(c, member, where, sizeof where), (unsigned long long)want,
		(unsigned long long)now.rlim_max, letter);
}

/* To be nicer is always allowed. Whether the opposite is, is seen by doing it and going back. */
static int check_nice(const struct config *c, struct err *err)
{
	char where[256];
	errno = 0;
	int now = getpriority(PRIO_PROCESS, 0), least = now + c->nice < -20 ? -20 : now + c->nice;
	if (c->nice >= 0 || errno)
		return 0;
	if (setpriority(PRIO_PROCESS, 0, least))
		return err_sys(err, ERR_CONFIG, errno,
			       "%s: handlers cannot have a niceness below tgrun's own (%d)",
			       config_where(c, &c->nice, where, sizeof where), now);
	setpriority(PRIO_PROCESS, 0, now);
	return 0;
}

int setup_limits(struct setup *s, struct slot_limits *out, struct err *err)
{
	const struct config *c = &s->config;
	*out = (struct slot_limits){
		.memory = (uint64_t)c->limit_memory,
		.cpu = ((uint64_t)c->limit_cpu + 999) / 1000,
		.files = (uint64_t)c->limit_files,
		.processes = (uint64_t)c->limit_processes,
		.nice = c->nice,
	};
	if (out->processes && geteuid() == 0)
		options_warn(
			&s->config,
			"--limit-processes does not bind handlers that run as root; run tgrun as another user");
	return check_limit(c, &c->limit_memory, RLIMIT_AS, out->memory, "v", err) ||
			       check_limit(c, &c->limit_cpu, RLIMIT_CPU, out->cpu, "t", err) ||
			       check_limit(c, &c->limit_files, RLIMIT_NOFILE, out->files, "n",
					   err) ||
			       check_limit(c, &c->limit_processes, RLIMIT_NPROC, out->processes,
					   "u", err) ||
			       check_nice(c, err)
		       ? -1
		       : 0;
}
