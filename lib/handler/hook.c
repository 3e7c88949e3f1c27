/* handler/hook: programs that are told of something (--on-error and its like): an update and what
 * became of it in, a process started when a slot is there. Its end changes nothing. What waits is
 * bounded in number and bytes; beyond, the newest is dropped, counted and logged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "handler/handler_internal.h"
#include "handler/proc.h"

enum { WAITING_BYTES_MAX = 32 << 20, TEXT_MAX = 8 * 1024 };

/* One that waits, then runs. */
struct hook_run {
	struct proc proc;
	struct list link; /* while it waits */
	struct handlers *room;
	struct command *command;
	struct buf vars;
	size_t fixed;       /* bytes of them; what depends on the start comes behind */
	struct claim claim; /* a copy of its body and keys */
	size_t bytes;
	int64_t timeout, kill_after;
	char name[32];
	struct log_field about; /* its update, or its call, in the log */
};

static struct hook_run *run_of(struct proc *p)
{
	return container_of(p, struct hook_run, proc);
}

static void hook_free(struct hook_run *r)
{
	if (!r)
		return;
	list_remove(&r->link);
	command_unref(r->command);
	if (r->vars.data)
		explicit_bzero(r->vars.data, r->vars.cap);
	buf_release(&r->vars);
	free(r->claim.body);
	free(r->claim.keys);
	free(r);
}

static void on_free(struct proc *p)
{
	hook_free(run_of(p));
}

static void on_line(struct proc *p, int which, const char *text, size_t n)
{
	struct hook_run *r = run_of(p);
	(void)n;
	log_event(r->room->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_STR("stream", which == 1 ? "stdout" : "stderr"),
			     LOG_STR("hook", r->name), r->about),
		  "%s", text);
}

static void on_overdue(struct proc *p, const char *limit)
{
	struct hook_run *r = run_of(p);
	log_event(r->room->config.log, LOG_WARN, LOG_FIELDS(LOG_STR("hook", r->name), r->about),
		  "hook timed out after %s: ending it", limit);
}

static void on_finish(struct proc *p, enum proc_end how, int errnum)
{
	(void)errnum;
	static const struct outcome_policy any = { .on_failure = ON_FAILURE_DROP,
						   .max_attempts = 1 };
	struct hook_run *r = run_of(p);
	struct outcome o = { .reason = "" };
	r->room->hooks_running--;
	if (how == PROC_ENDED)
		outcome_of(p->end.status, p->end.stages, p->timed_out ? p->timeout : 0, 0, &any,
			   &o);
	const char *reason = how == PROC_UNSTARTABLE ? p->why
			     : how == PROC_DIED      ? "its slot died"
			     : how == PROC_STOPPED   ? "tgrun was stopped"
			     : how == PROC_CUT       ? ledger_row(RELEASE_CUT)->phrase
			     : how == PROC_UNHEARD ? "nobody reads the standard output that it had"
						   : o.reason;
	log_event(r->room->config.log, *reason ? LOG_WARN : LOG_DEBUG,
		  LOG_FIELDS(LOG_STR("hook", r->name), r->about,
			     LOG_NUM("ms", handler_now(r->room) - p->started)),
		  "hook ended%s%s", *reason ? ": " : "", reason);
}

/* Hooks have the slots that are kept for them; without such, one that is nobody's. */
static bool may_start(const struct handlers *room)
{
	if (room->hooks_running < room->config.hook_slots)
		return slots_idle_count(room->config.slots) > room_slots_reserved(room);
	return room->config.hook_slots == 0 && room_slots_free(room) > 0;
}

/* 0; -1: try again later. */
static int start(struct hook_run *r)
{
	static const struct proc_ops ops = { on_line, on_overdue, on_finish, on_free };
	struct claim *claims[] = { &r->claim };
	const struct clock *clock = r->room->config.clock;
	r->vars.len = r->fixed;
	if (r->timeout &&
	    given_var(&r->vars, "TG_DEADLINE", (clock->wall(clock) + r->timeout) / 1000))
		return -1;
	struct proc_spec spec = {
		.command = r->command,
		.vars = &r->vars,
		.stdin_fd = given_stdin(claims, 1),
		.stdout_fd = -1,
		.timeout = r->timeout,
		.kill_after = r->kill_after,
		.background = BACKGROUND_KILL,
		.max_output = 64 * 1024,
	};
	if (spec.stdin_fd < 0)
		return -1;
	memset(&r->proc, 0, sizeof r->proc);
	r->proc.ops = &ops;
	return proc_start(&r->proc, r->room, &spec);
}

void hook_look(struct handlers *room)
{
	while (!list_empty(&room->hooks) && may_start(room)) {
		struct hook_run *r = container_of(room->hooks.next, struct hook_run, link);
		if (start(r))
			return; /* no room: when a slot is idle again, or with the next hook */
		list_remove(&r->link);
		room->hooks_waiting--;
		room->hook_bytes -= r->bytes;
		room->hooks_running++;
	}
}

void hook_clear(struct handlers *room)
{
	if (room->hooks_waiting)
		log_event(room->config.log, LOG_WARN,
			  LOG_FIELDS(LOG_NUM("hooks", room->hooks_waiting)),
			  "hooks that waited were not run");
	room->hooks_dropped += (uint64_t)room->hooks_waiting;
	while (!list_empty(&room->hooks))
		hook_free(container_of(room->hooks.next, struct hook_run, link));
	room->hooks_waiting = 0;
	room->hook_bytes = 0;
}

static int add_text(struct buf *v, const char *name, const char *text)
{
	size_t n = strlen(text);
	n = n > TEXT_MAX ? utf8_cut(text, TEXT_MAX) : n;
	bool full = buf_adds(v, name) || buf_addc(v, '=') || buf_add(v, text, n) ||
		    buf_addc(v, '\0');
	return full ? -1 : 0;
}

/* The variables of an update and what became of it. */
static int add_update(struct hook_run *r, const struct hook *hook)
{
	const struct claim *c = hook->claim;
	struct buf *v = &r->vars;
	return add_text(v, "TG_REASON", hook->reason) ||
			       (hook->status >= 0 && given_var(v, "TG_STATUS", hook->status)) ||
			       (hook->sentence && *hook->sentence &&
				add_text(v, "TG_STDERR", hook->sentence)) ||
			       given_var(v, "TG_ATTEMPT", c->failures + 1) ||
			       given_var(v, "TG_MAX_ATTEMPTS", hook->max_attempts) ||
			       (c->redelivered && given_var(v, "TG_REDELIVERED", 1)) ||
			       given_update(v, &r->claim, hook->bot_username)
		       ? -1
		       : 0;
}

static int add_texts(struct hook_run *r, const struct hook *hook)
{
	int rc = 0;
	for (size_t i = 0; i < hook->text_count && rc == 0; i++)
		if (*hook->texts[i].text)
			rc = add_text(&r->vars, hook->texts[i].name, hook->texts[i].text);
	return rc;
}

static struct log_field about(const struct hook *hook)
{
	return hook->claim ? CLAIM_LOG_ID(hook->claim) : LOG_NUM("call", hook->call);
}

static struct hook_run *copy(struct handlers *room, const struct hook *hook)
{
	static const struct claim none = { .keys = "" };
	const struct claim *c = hook->claim ? hook->claim : &none;
	const char *body = hook->claim ? c->body : hook->body;
	size_t length = hook->claim ? c->length : hook->body_length;
	struct hook_run *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	list_init(&r->link);
	buf_init(&r->vars, SLOT_VARS_MAX);
	r->room = room;
	r->command = command_ref(hook->command);
	r->timeout = hook->timeout;
	r->kill_after = hook->kill_after;
	snprintf(r->name, sizeof r->name, "%s", hook->name);
	r->about = about(hook);
	r->claim = (struct claim){
		.seq = c->seq, .failures = c->failures, .update_id = c->update_id, .length = length
	};
	r->claim.keys = strdup(c->keys);
	r->claim.body = malloc(length + 1);
	if (!r->claim.keys || !r->claim.body)
		goto fail;
	memcpy(r->claim.body, body, length);
	r->claim.body[length] = '\0';
	if (hook->claim ? add_update(r, hook) : add_texts(r, hook))
		goto fail;
	r->fixed = r->vars.len;
	r->bytes = sizeof *r + r->vars.cap + length;
	return r;
fail:
	hook_free(r);
	return NULL;
}

int handlers_hook(struct handlers *room, const struct hook *hook)
{
	struct hook_run *r = NULL;
	bool full = room->hooks_waiting >= HANDLER_HOOKS_MAX ||
		    room->hook_bytes >= WAITING_BYTES_MAX;
	if (room->stopping || full || !(r = copy(room, hook))) {
		room->hooks_dropped++;
		log_paced(room->config.log, &room->hook_pace, LOG_WARN,
			  LOG_FIELDS(LOG_STR("hook", hook->name), about(hook)),
			  "a hook is not run: %s",
			  room->stopping ? "tgrun stops"
			  : full         ? "too many wait"
					 : "out of memory");
		return -1;
	}
	list_add_before(&room->hooks, &r->link);
	room->hooks_waiting++;
	room->hook_bytes += r->bytes;
	hook_look(room);
	return 0;
}

int handlers_hooks(const struct handlers *room)
{
	return room->hooks_running + room->hooks_waiting;
}

uint64_t handlers_hooks_dropped(const struct handlers *room)
{
	return room->hooks_dropped;
}
