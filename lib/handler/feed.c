/* handler/feed: the program behind --source exec: runs in a slot that is kept for it, beside the
 * handlers. What it prints goes to the descriptor it was given; what it says on stderr is logged.
 * Its end, with all that it started, comes back once. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/handler_internal.h"
#include "handler/proc.h"

struct feed {
	struct proc proc;
	feed_ended *ended;
	void *arg;
};

static struct feed *feed_of(struct proc *p)
{
	return container_of(p, struct feed, proc);
}

static void on_line(struct proc *p, int which, const char *text, size_t n)
{
	(void)which;
	(void)n;
	log_event(p->room->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_STR("stream", "stderr"), LOG_STR("source", "exec")), "%s", text);
}

/* It has no timeout of its own: only a stop ends it. */
static void on_overdue(struct proc *p, const char *limit)
{
	(void)p;
	(void)limit;
}

static void on_finish(struct proc *p, enum proc_end how, int errnum)
{
	(void)errnum;
	static const struct outcome_policy any = { .on_failure = ON_FAILURE_DROP,
						   .max_attempts = 1 };
	struct feed *f = feed_of(p);
	struct outcome o = { .reason = "" };
	p->room->feeding = NULL;
	if (how == PROC_ENDED)
		outcome_of(p->end.status, p->end.stages, 0, 0, &any, &o);
	const char *reason = how == PROC_UNSTARTABLE ? p->why
			     : how == PROC_DIED      ? "its slot died"
			     : how == PROC_STOPPED   ? "tgrun was stopped"
			     : how == PROC_CUT       ? ledger_row(RELEASE_CUT)->phrase
						     : o.reason;
	f->ended(f->arg, *reason ? reason : NULL);
}

static void on_free(struct proc *p)
{
	free(feed_of(p));
}

int handlers_feed(struct handlers *room, struct command *command, int fd, int64_t kill_after,
		  feed_ended *ended, void *arg)
{
	static const struct proc_ops ops = { on_line, on_overdue, on_finish, on_free };
	struct buf none;
	buf_init(&none, 0);
	struct proc_spec spec = {
		.command = command,
		.vars = &none,
		.stdin_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.stdout_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3),
		.kill_after = kill_after,
		.background = BACKGROUND_WAIT,
		.max_output = UINT64_MAX,
	};
	struct feed *f = calloc(1, sizeof *f);
	if (!f || spec.stdin_fd < 0 || spec.stdout_fd < 0)
		goto fail;
	f->proc.ops = &ops;
	f->ended = ended;
	f->arg = arg;
	if (proc_start(&f->proc, room, &spec)) {
		spec.stdin_fd = spec.stdout_fd = -1;
		goto fail;
	}
	room->feeding = &f->proc;
	return 0;
fail:;
	int saved = errno;
	if (spec.stdin_fd >= 0)
		close(spec.stdin_fd);
	if (spec.stdout_fd >= 0)
		close(spec.stdout_fd);
	free(f);
	errno = saved;
	return -1;
}

void handlers_feed_stop(struct handlers *room)
{
	if (room->feeding)
		proc_stop(room->feeding, SIGTERM);
}
