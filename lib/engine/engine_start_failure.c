/* engine/engine_start_failure: a handler that cannot be started. The kernel's word comes in, or a
 * worker's end before it read anything; a pause of the route, a line of the log with what a person
 * can do, and the user's own trouble function go out. Invariant: no update is touched; failures of
 * starts that were under way together count once. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/engine_internal.h"
#include "handler/webhook_url.h"

enum { ONCE_STARTS = 3 /* failures to start the handler in a row at which --once ends */ };

void engine_pause_starts(struct route *r, int64_t delay)
{
	r->pauses = true;
	loop_timer_set(r->pause_timer, delay);
}

void engine_tell_trouble(struct engine *e, const struct claim *c, const char *reason,
			 const char *fate, const char *sentence, int unstartable)
{
	struct engine_trouble trouble = { c, reason, fate, sentence ? sentence : "", unstartable };
	if (e->config.trouble)
		e->config.trouble(e->config.arg, &trouble);
}

/* What a person can do about a handler that cannot be started; each has a pace of its own in the
 * log. */
static const struct {
	int errnum;
	const char *advice;
} start_troubles[ENGINE_START_TROUBLES] = {
	{ ENOENT, "is the handler, or the program after its '#!', gone?" },
	{ ECONNREFUSED, "does its server run, and listen there?" },
	{ EACCES, "is it still executable? try chmod +x." },
	{ ENOEXEC, "does its first line begin with '#!'?" },
	{ ETXTBSY, "is it still being written?" },
	{ EAGAIN, "the machine is out of processes or memory." },
	{ ENOMEM, "the machine is out of processes or memory." },
	{ ENOBUFS, "the machine is out of processes or memory." },
	{ EMFILE, "tgrun may open no more files; raise the limit (ulimit -n)." },
	{ ENFILE, "the machine can open no more files." },
	{ E2BIG,
	  "the environment leaves no room for it; see --clear-env, or raise the limit (ulimit -s)." },
	{ 0, "does it end by itself, or need what is not there?" },
	{ -1, "see to the handler." }, /* all else */
};

/* Before it executes, a handler's process enters its directory, and the errno does not tell which
 * of the two failed. */
static bool is_of_directory(const char *dir, int errnum)
{
	char inside[PATH_MAX];
	struct stat st;
	return dir && snprintf(inside, sizeof inside, "%s/.", dir) < (int)sizeof inside &&
	       stat(inside, &st) && errno == errnum;
}

void engine_cannot_start(struct route *r, const struct claim *c, int64_t began, const char *reason,
			 int errnum)
{
	struct engine *e = r->engine;
	char entering[512], shown[WEBHOOK_SHOWN_MAX];
	size_t row = 0;
	int64_t delay = backoff_fail_of(&r->start_backoff, began,
					e->config.clock->mono(e->config.clock), backoff_random());
	if (delay < 0)
		return; /* it was under way when the last one failed */
	e->counts.start_failures++;
	while (start_troubles[row].errnum >= 0 && start_troubles[row].errnum != errnum)
		row++;
	const char *advice = start_troubles[row].advice;
	if (errnum > 0 && err_of_disk(errnum) == ERR_IO)
		advice = "the disk is full or fails, or files may not grow (ulimit -f).";
	if (is_of_directory(r->command.dir, errnum)) {
		snprintf(entering, sizeof entering, "its directory '%s' cannot be entered: %s",
			 r->command.dir, reason);
		reason = entering;
		advice = "it is that of --chdir.";
	}
	if (r->url)
		webhook_url_show(r->url, shown);
	log_paced(e->config.log, &r->start_paces[row],
		  r->start_backoff.failures == 1 ? LOG_ERROR : LOG_WARN,
		  LOG_FIELDS(LOG_STR("handler", r->url ? shown : r->command.paths[0]),
			     LOG_NUM("failures", r->start_backoff.failures),
			     LOG_NUM("wait_ms", delay)),
		  "the handler cannot be started: %s; %s No update is touched", reason, advice);
	engine_remember_error(e, reason);
	engine_pause_starts(r, delay);
	engine_tell_trouble(e, c, reason, advice, NULL, r->start_backoff.failures);
	if (e->config.once && r->start_backoff.failures >= ONCE_STARTS)
		e->end.gives_up = "the handler cannot be started";
}

void engine_on_unstartable(void *arg, struct handler *h, const char *reason, int errnum)
{
	struct engine *e = arg;
	engine_cannot_start(engine_route_of(e, h), NULL, e->config.clock->mono(e->config.clock),
			    reason, errnum);
}
