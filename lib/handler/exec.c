/* handler/exec: one claimed update in, one result out. A job goes through: running → (timeout) terminating → killing → over.
 *
 * Only `over`, `failed` or `died` of its slot ends a job: then nothing that it started is left, and its keys may be
 * released (invariant 3). The one exception is what the user asked to be left behind. */
#include "handler/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/list.h"
#include "handler/output.h"
#include "update/update.h"

enum phase { RUNNING, TERMINATING, KILLING };

struct job {
	struct list link;
	struct exec *exec;
	struct slot *slot;
	struct claim *claim;
	struct loop_timer *timer;
	struct output output;
	enum phase phase;
	bool timed_out;  /* before its stages ended */
	bool stopped;    /* by exec_stop() */
	bool ended;      /* the stages; `end` holds how */
	struct slot_end end;
	int64_t started; /* monotonic milliseconds */
};

struct exec {
	struct exec_config config;
	struct exec_policy policy;
	struct command *command;
	char *bot_username;
	struct list jobs;
	int running;
	struct buf vars;
};

static void on_ended(void *arg, struct slot *slot, const struct slot_end *end);
static void on_over(void *arg, struct slot *slot, const struct slot_end *end);
static void on_failed(void *arg, struct slot *slot, int stage, int errnum);
static void on_died(void *arg, struct slot *slot, bool started);
static void on_output(void *arg, struct slot *slot, int which, char *bytes, size_t n);
static void on_idle(void *arg);
static void on_note(void *arg, struct slot *slot, bool warn, const char *text);

static const struct slots_events events = { on_ended, on_over, on_failed, on_died, on_output, on_idle, on_note };

struct exec *exec_new(const struct exec_config *config, struct err *err)
{
	struct exec *x = calloc(1, sizeof *x);
	if (!x) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	x->config = *config;
	list_init(&x->jobs);
	buf_init(&x->vars, SLOT_VARS_MAX);
	if (slots_attach(config->slots, config->loop, &events, x, err)) {
		free(x);
		return NULL;
	}
	return x;
}

static void job_free(struct job *j)
{
	list_remove(&j->link);
	loop_timer_free(j->timer);
	output_release(&j->output);
	claim_free(j->claim);
	free(j);
}

void exec_free(struct exec *x)
{
	if (!x)
		return;
	while (!list_empty(&x->jobs))
		job_free(container_of(x->jobs.next, struct job, link));
	command_unref(x->command);
	free(x->bot_username);
	if (x->vars.data)
		explicit_bzero(x->vars.data, x->vars.cap);
	buf_release(&x->vars);
	free(x);
}

void exec_set_policy(struct exec *x, const struct exec_policy *policy)
{
	x->policy = *policy;
}

void exec_set_command(struct exec *x, struct command *command, const char *bot_username)
{
	struct command *old = x->command;
	x->command = command_ref(command);
	command_unref(old);
	free(x->bot_username);
	x->bot_username = bot_username ? strdup(bot_username) : NULL;
}

int exec_running(const struct exec *x)
{
	return x->running;
}

int exec_idle(const struct exec *x)
{
	return slots_idle_count(x->config.slots);
}

/* The update's bytes, a line feed after them, in a sealed memfd: no write can block or fail half-way, and a handler that never reads
 * hinders nobody. Returns the descriptor, at its beginning, or -1. */
static int stdin_of(const struct claim *c)
{
	int fd = memfd_create("update", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	size_t at = 0;
	while (at < c->length) {
		ssize_t n = pwrite(fd, c->body + at, c->length - at, (off_t)at);
		if (n < 0)
			goto fail;
		at += (size_t)n;
	}
	if (pwrite(fd, "\n", 1, (off_t)at) != 1)
		goto fail;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		goto fail;
	return fd;
fail:
	close(fd);
	return -1;
}

static int add_var(struct buf *vars, const char *name, int64_t value)
{
	return buf_addf(vars, "%s=%lld", name, (long long)value) || buf_addc(vars, '\0');
}

static int vars_of(struct exec *x, struct claim *c)
{
	struct buf *v = &x->vars;
	buf_clear(v);
	int rc = add_var(v, "TG_ATTEMPT", c->failures + 1) || add_var(v, "TG_MAX_ATTEMPTS", x->policy.outcome.max_attempts);
	if (c->redelivered)
		rc = rc || add_var(v, "TG_REDELIVERED", 1);
	if (x->policy.timeout)
		rc = rc || add_var(v, "TG_DEADLINE", (x->config.clock->wall(x->config.clock) + x->policy.timeout) / 1000);
	/* A dead letter that was no update is handed out again as its bytes alone. */
	struct update *u = update_parse(c->body, c->length, NULL);
	if (u) {
		struct vars_context context = { .bot_username = x->bot_username, .key = c->keys };
		rc = rc || update_vars(u, &context, v);
		update_id(u, &c->update_id);
		update_free(u);
	}
	return rc ? -1 : 0;
}

static void on_line(void *arg, int which, char *text, size_t n)
{
	struct job *j = arg;
	struct log *log = j->exec->config.log;
	if (j->exec->config.output)
		j->exec->config.output(j->exec->config.arg, j->claim, which, text, n);
	log_event(log, LOG_INFO, LOG_FIELDS(LOG_STR("stream", which == 1 ? "stdout" : "stderr"), LOG_NUM("update", j->claim->update_id),
					    LOG_STR("key", j->claim->keys)), "%s", text);
}

static void on_deadline(void *arg);

int exec_start(struct exec *x, struct claim *claim)
{
	struct slot *slot = slots_idle(x->config.slots);
	if (!slot) {
		errno = EAGAIN;
		return -1;
	}
	struct job *j = calloc(1, sizeof *j);
	if (!j)
		return -1;
	list_init(&j->link);
	int fd = -1;
	j->exec = x;
	output_init(&j->output, x->policy.max_output, x->config.secret, on_line, j);
	j->timer = loop_timer_new(x->config.loop, on_deadline, j);
	if (!j->timer || vars_of(x, claim) || (fd = stdin_of(claim)) < 0)
		goto fail;
	struct slot_job job = {
		.tag = j, .command = x->command, .vars = buf_str(&x->vars), .vars_length = x->vars.len,
		.stdin_fd = fd, .extra_fd = -1,
	};
	if (slots_start(slot, &job))
		goto fail;
	j->slot = slot;
	j->claim = claim;
	j->started = x->config.clock->mono(x->config.clock);
	list_add_before(&x->jobs, &j->link);
	x->running++;
	if (x->policy.timeout)
		loop_timer_set(j->timer, x->policy.timeout);
	log_event(x->config.log, LOG_DEBUG, LOG_FIELDS(LOG_NUM("update", claim->update_id), LOG_STR("key", claim->keys),
		  LOG_NUM("attempt", claim->failures + 1), LOG_NUM("slot", slots_number(slot))), "handler started");
	return 0;
fail:;
	int saved = errno;
	job_free(j);
	errno = saved;
	return -1;
}

static void set_phase(struct job *j, enum phase phase)
{
	j->phase = phase;
	slots_signal(j->slot, phase == TERMINATING ? SIGTERM : SIGKILL);
	loop_timer_set(j->timer, phase == TERMINATING ? j->exec->policy.kill_after : -1);
}

static void on_deadline(void *arg)
{
	struct job *j = arg;
	struct slot *slot = j->slot;
	slots_catch_up(slot);
	if (slots_job(slot) != j)
		return;
	if (j->phase == TERMINATING) {
		set_phase(j, KILLING);
		return;
	}
	if (!j->ended)
		j->timed_out = true;
	struct log *log = j->exec->config.log;
	char limit[32];
	duration_format(j->exec->policy.timeout, limit, sizeof limit);
	log_event(log, LOG_WARN, LOG_FIELDS(LOG_NUM("update", j->claim->update_id), LOG_STR("key", j->claim->keys)),
		  j->ended ? "background work still runs after %s: ending it" : "handler timed out after %s: ending it", limit);
	set_phase(j, TERMINATING);
}

/* Hands the job's claim back and forgets the job. */
static void finish(struct job *j, struct exec_result *result)
{
	struct exec *x = j->exec;
	output_end(&j->output);
	result->last_stderr = output_last_stderr(&j->output);
	result->dropped = j->output.dropped;
	result->elapsed = x->config.clock->mono(x->config.clock) - j->started;
	struct claim *claim = j->claim;
	x->running--;
	x->config.done(x->config.arg, claim, result);
	j->claim = NULL;
	job_free(j);
}

static void finish_ended(struct job *j)
{
	struct exec_result r = { .end = EXEC_ENDED, .usage = j->end.usage, .started = true };
	bool well = outcome_stage(j->end.status, j->end.stages) < 0;
	if (j->stopped && !well && !j->timed_out) {
		r.end = EXEC_INTERRUPTED;
		r.reason = "tgrun was stopped";
	} else {
		outcome_of(j->end.status, j->end.stages, j->timed_out ? j->exec->policy.timeout : 0, j->claim->failures,
			   &j->exec->policy.outcome, &r.outcome);
	}
	finish(j, &r);
}

static void on_ended(void *arg, struct slot *slot, const struct slot_end *end)
{
	struct exec *x = arg;
	struct job *j = slots_job(slot);
	j->ended = true;
	j->end = *end;
	if (j->phase != RUNNING)
		return;
	switch (x->policy.background) {
	case BACKGROUND_WAIT:
		break;
	case BACKGROUND_KILL:
		set_phase(j, KILLING);
		break;
	case BACKGROUND_LEAVE:
		slots_leave(slot);
		finish_ended(j);
		break;
	}
}

static void on_over(void *arg, struct slot *slot, const struct slot_end *end)
{
	(void)arg;
	struct job *j = slots_job(slot);
	if (!j)
		return;
	j->end = *end;
	finish_ended(j);
}

static void on_failed(void *arg, struct slot *slot, int stage, int errnum)
{
	(void)arg;
	(void)stage;
	struct job *j = slots_job(slot);
	struct exec_result r = { .end = EXEC_UNSTARTABLE, .reason = strerror(errnum), .outcome.status = errnum };
	if (j)
		finish(j, &r);
}

static void on_died(void *arg, struct slot *slot, bool started)
{
	(void)arg;
	struct job *j = slots_job(slot);
	struct exec_result r = { .end = EXEC_INTERRUPTED, .reason = "its slot died", .started = started };
	if (j)
		finish(j, &r);
}

static void on_output(void *arg, struct slot *slot, int which, char *bytes, size_t n)
{
	struct exec *x = arg;
	struct job *j = slots_job(slot);
	if (j) {
		output_feed(&j->output, which, bytes, n);
		return;
	}
	log_event(x->config.log, LOG_DEBUG, LOG_FIELDS(LOG_NUM("slot", slots_number(slot)), LOG_NUM("bytes", (int64_t)n)),
		  "output of work that was left behind");
}

static void on_idle(void *arg)
{
	struct exec *x = arg;
	x->config.idle(x->config.arg);
}

static void on_note(void *arg, struct slot *slot, bool warn, const char *text)
{
	struct exec *x = arg;
	log_event(x->config.log, warn ? LOG_WARN : LOG_DEBUG, LOG_FIELDS(LOG_NUM("slot", slot ? slots_number(slot) : 0)), "%s", text);
}

void exec_stop(struct exec *x, int signo)
{
	for (struct list *l = x->jobs.next, *next; l != &x->jobs; l = next) {
		next = l->next;
		struct job *j = container_of(l, struct job, link);
		struct slot *slot = j->slot;
		slots_catch_up(slot);
		if (slots_job(slot) != j)
			continue;
		if (!j->ended)
			j->stopped = true;
		if (signo == SIGKILL ? j->phase != KILLING : j->phase == RUNNING)
			set_phase(j, signo == SIGKILL ? KILLING : TERMINATING);
	}
}
