/* cli/start: the beginning that run and try share. The options come in, forked slots go out. Each slot costs this process descriptors, so
 * the limit is raised first; handlers get the limit as it was. */
#include "cli/start.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	SPARE_DESCRIPTORS = 64,  /* beside those of the slots: store, connections, log */
	PER_SLOT = 4,
};

static int make_room(int count, struct rlimit *before, struct err *err)
{
	struct rlimit now;
	rlim_t need = (rlim_t)count * PER_SLOT + SPARE_DESCRIPTORS;
	getrlimit(RLIMIT_NOFILE, before);
	now = *before;
	if (now.rlim_cur < need) {
		now.rlim_cur = now.rlim_max < need ? now.rlim_max : need;
		setrlimit(RLIMIT_NOFILE, &now);
	}
	if (now.rlim_cur < need)
		return err_set(err, ERR_CONFIG, "%d processes (--concurrency, --workers) need %llu open files, and only %llu are allowed; raise the "
			       "limit (ulimit -n) or lower them", count, (unsigned long long)need, (unsigned long long)now.rlim_cur);
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
