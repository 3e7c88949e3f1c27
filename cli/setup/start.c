/* cli/setup/start: the beginning that run and try share. The options come in, forked slots go out.
 * Each slot costs this process descriptors, so the limit is raised first; handlers get the limit as
 * it was. */
#include "cli/setup/start.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	SPARE_DESCRIPTORS = 64, /* beside those of the slots: store, connections, log */
	PER_SLOT = 4,
};

/* Places, and as many for what bypasses; the workers of each handler, and one that replaces; hooks,
 * and a source. */
_Static_assert(2 * CONFIG_CONCURRENCY_MAX + (CONFIG_ROUTES_MAX + 1) * (CONFIG_WORKERS_MAX + 1) +
			       3 <=
		       SLOTS_MAX,
	       "what the options allow, only the machine may refuse");

static rlim_t descriptors_of(int count)
{
	return (rlim_t)count * PER_SLOT + SPARE_DESCRIPTORS;
}

int start_has_room(int count, struct err *err)
{
	struct rlimit now;
	rlim_t need = descriptors_of(count);
	getrlimit(RLIMIT_NOFILE, &now);
	if (now.rlim_max < need)
		return err_set(
			err, ERR_CONFIG,
			"%d processes (--concurrency, which --bypass doubles, and --workers) need %llu open files, and "
			"only %llu are allowed; raise the limit (ulimit -n) or lower them",
			count, (unsigned long long)need, (unsigned long long)now.rlim_max);
	return 0;
}

/* Raises the limit of open files where it must; *before gets what it was then. */
static int make_room(int count, struct rlimit *before, struct err *err)
{
	struct rlimit now;
	getrlimit(RLIMIT_NOFILE, &now);
	*before = (struct rlimit){ 0 };
	if (start_has_room(count, err))
		return -1;
	if (now.rlim_cur < descriptors_of(count)) {
		*before = now;
		now.rlim_cur = descriptors_of(count);
		setrlimit(RLIMIT_NOFILE, &now);
	}
	return 0;
}

struct slots *start_slots(const struct config *c, int count, int lock_fd, const char *run_id,
			  struct err *err)
{
	char mark[128];
	struct slots_config slots = {
		.count = count, .lock_fd = lock_fd, .mark = run_id[0] ? mark : NULL, .stdout_fd = -1
	};
	snprintf(mark, sizeof mark, "TG_RUN_ID=%s", run_id);
	if (make_room(count, &slots.nofile, err))
		return NULL;
	/* What is opened here stays open: slots that are forked later need it too. */
	if (c->stdout_to == STDOUT_INHERIT)
		slots.stdout_fd = STDOUT_FILENO;
	if (c->stdout_to == STDOUT_DISCARD)
		slots.stdout_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return slots_fork(&slots, err);
}
