/* handler/handler: the verbs of the room and of its handlers: they come in and go to the modes, by
 * the table that each mode ends in.
 *
 * What the slots report comes back through jobs.c to the mode that started the job; this file hears
 * only that a slot is idle, and lets each handler look again. */
#include "handler/handler_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "handler/mode_internal.h"
#include "handler/proc.h"

#define HANDLER_MODE_ROW(name, ops) [name] = &(ops),
static const struct mode_ops *const modes[] = { HANDLER_MODES(HANDLER_MODE_ROW) };
#undef HANDLER_MODE_ROW

/* ---- the room ---- */

static void look(struct handler *h)
{
	if (h->ops->look)
		h->ops->look(h);
}

/* Something may be possible that was not. */
static void on_idle(void *arg)
{
	struct handlers *room = arg;
	if (room->looking)
		return;
	room->looking = true;
	for (struct list *l = room->handlers.next, *next; l != &room->handlers; l = next) {
		next = l->next;
		look(container_of(l, struct handler, link));
	}
	hook_look(room);
	room->looking = false;
	room->config.idle(room->config.arg);
}

void handlers_flush(struct handlers *room)
{
	loop_timer_set(room->flush_timer, -1);
	for (struct list *l = room->handlers.next; l != &room->handlers; l = l->next) {
		struct handler *h = container_of(l, struct handler, link);
		if (h->ops->flush)
			h->ops->flush(h);
	}
}

static void on_flush(void *arg)
{
	handlers_flush(arg);
}

struct handlers *handlers_new(const struct handlers_config *config, struct err *err)
{
	struct handlers *room = calloc(1, sizeof *room);
	if (!room)
		goto nomem;
	room->config = *config;
	list_init(&room->handlers);
	list_init(&room->procs);
	list_init(&room->hooks);
	buf_init(&room->vars, SLOT_VARS_MAX);
	room->flush_timer = loop_timer_new(config->loop, on_flush, room);
	if (!room->flush_timer)
		goto nomem;
	oom_init(&room->oom, "", handler_now(room));
	room->jobs = (struct jobs){ .log = config->log, .idle = on_idle, .arg = room };
	if (jobs_attach(&room->jobs, config->slots, config->loop, err)) {
		handlers_free(room);
		return NULL;
	}
	return room;
nomem:
	err_set(err, ERR_INTERNAL, "out of memory");
	free(room);
	return NULL;
}

void handlers_free(struct handlers *room)
{
	if (!room)
		return;
	while (!list_empty(&room->procs))
		proc_free(container_of(room->procs.next, struct proc, link));
	while (!list_empty(&room->handlers))
		room_release(container_of(room->handlers.next, struct handler, link));
	hook_clear(room);
	loop_timer_free(room->flush_timer);
	if (room->vars.data)
		explicit_bzero(room->vars.data, room->vars.cap);
	buf_release(&room->vars);
	free(room);
}

void handlers_begin(struct handlers *room)
{
	if (room->begun)
		return;
	room->begun = true;
	on_idle(room);
}

int handlers_running(const struct handlers *room)
{
	return room->running;
}

int handlers_lingering(const struct handlers *room)
{
	int n = 0;
	for (const struct list *l = room->procs.next; l != &room->procs; l = l->next) {
		const struct proc *p = container_of(l, struct proc, link);
		n += p->ended ? p->updates : 0;
	}
	return n;
}

void handlers_describe_lingering(const struct handlers *room, char *out, size_t n)
{
	struct procs found = { 0 };
	for (const struct list *l = room->procs.next; l != &room->procs; l = l->next) {
		const struct proc *p = container_of(l, struct proc, link);
		if (p->ended && p->updates)
			slots_descendants(p->job.slot, &found);
	}
	procs_describe(&found, out, n);
	procs_release(&found);
}

bool handlers_quiet(const struct handlers *room)
{
	return room->live == 0 && room->hooks_waiting == 0;
}

static void for_each(struct handlers *room, void (*fn)(struct handler *h, int signo), int signo)
{
	for (struct list *l = room->handlers.next, *next; l != &room->handlers; l = next) {
		next = l->next;
		fn(container_of(l, struct handler, link), signo);
	}
}

static void drain(struct handler *h, int signo)
{
	(void)signo;
	if (h->ops->drain)
		h->ops->drain(h);
}

static void stop(struct handler *h, int signo)
{
	if (h->ops->stop)
		h->ops->stop(h, signo);
}

void handlers_drain(struct handlers *room)
{
	if (room->draining)
		return;
	room->draining = true;
	for_each(room, drain, 0);
}

/* KILL is more than TERM. */
static int signo_rank(int signo)
{
	return signo == SIGKILL ? 2 : 1;
}

void handlers_stop(struct handlers *room, int signo)
{
	room->stopping = true;
	handlers_drain(room);
	hook_clear(room);
	/* Taking in a slot's reports may end the next one in the list, too: so from its beginning
	 * each time. */
	struct list *l = room->procs.next;
	while (l != &room->procs) {
		struct proc *p = container_of(l, struct proc, link);
		l = l->next;
		if (p->stopped_by < signo_rank(signo)) {
			p->stopped_by = signo_rank(signo);
			proc_stop(p, signo);
			l = room->procs.next;
		}
	}
	for_each(room, stop, signo);
}

void handlers_cancel(struct handlers *room, handler_chosen *chosen, void *arg)
{
	room->cancels++;
	for (struct list *l = room->handlers.next, *next; l != &room->handlers; l = next) {
		struct handler *h = container_of(l, struct handler, link);
		h->live++; /* so that it is not freed on the way */
		h->ops->cancel(h, chosen, arg);
		next = l->next;
		room_gone(h);
	}
}

/* ---- handlers ---- */

struct handler *handler_new(struct handlers *room, enum handler_mode mode, const char *name)
{
	struct handler *h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	list_init(&h->link);
	h->room = room;
	h->mode = mode;
	h->ops = modes[mode];
	h->policy.workers = 1;
	h->name = strdup(name);
	if (!h->name || (h->ops->init && h->ops->init(h))) {
		room_release(h);
		return NULL;
	}
	list_add_before(&room->handlers, &h->link);
	return h;
}

void handler_free(struct handler *h)
{
	if (!h || h->retired)
		return;
	h->retired = true;
	h->live++; /* so that it is not freed on the way */
	drain(h, 0);
	room_gone(h);
}

void handler_set_policy(struct handler *h, const struct handler_policy *policy)
{
	h->policy = *policy;
	if (h->policy.workers < 1)
		h->policy.workers = 1;
	look(h);
}

void handler_set_command(struct handler *h, struct command *command, const char *bot_username)
{
	struct command *old = h->command;
	bool other = command != old;
	h->command = command_ref(command);
	command_unref(old);
	free(h->bot_username);
	h->bot_username = bot_username ? strdup(bot_username) : NULL;
	if (other && h->ops->outdate)
		h->ops->outdate(h);
	look(h);
}

int handler_set_url(struct handler *h, const char *url, const char *secret, struct err *err)
{
	if (h->ops->set_url(h, url, secret, err))
		return -1;
	h->located = true;
	return 0;
}

const struct handler_traits *handler_mode_traits(enum handler_mode mode)
{
	return &modes[mode]->traits;
}

int handler_slots_for(enum handler_mode mode, const struct handler_policy *policy)
{
	return modes[mode]->slots_needed ? modes[mode]->slots_needed(policy) : 0;
}

static bool takes_updates(const struct handler *h)
{
	return (h->command || h->located) && !h->retired && !h->room->draining;
}

size_t handler_room(const struct handler *h)
{
	return takes_updates(h) ? h->ops->room(h) : 0;
}

static int begin(struct handler *h, struct claim *const *claims, size_t n, bool solo)
{
	int rc;
	if (!takes_updates(h)) {
		errno = EAGAIN;
		return -1;
	}
	if (n == 0 || n > h->ops->traits.most) {
		errno = EINVAL;
		return -1;
	}
	rc = solo ? h->ops->start_solo(h, claims[0]) : h->ops->start(h, claims, n);
	if (rc)
		return -1;
	h->running += (int)n;
	h->room->running += (int)n;
	return 0;
}

size_t handler_most(const struct handler *h)
{
	return h->ops->most ? h->ops->most(h) : h->ops->traits.most;
}

int handler_start(struct handler *h, struct claim *const *claims, size_t n)
{
	return begin(h, claims, n, false);
}

int handler_start_solo(struct handler *h, struct claim *claim)
{
	return begin(h, &claim, 1, true);
}

int handler_running(const struct handler *h)
{
	return h->running;
}

enum handler_mode handler_mode(const struct handler *h)
{
	return h->mode;
}

const struct handler_traits *handler_traits(const struct handler *h)
{
	return &h->ops->traits;
}

int handler_worker(const struct handler *h, const struct claim *c)
{
	return h->ops->worker ? h->ops->worker(h, c) : 0;
}

void handler_counts(const struct handler *h, struct handler_counts *out)
{
	*out = (struct handler_counts){ .running = h->running,
					.processes = h->live,
					.starts = h->starts,
					.deaths = h->deaths,
					.recycled = h->recycled,
					.bad_answers = h->bad_answers };
	if (h->ops->counts)
		h->ops->counts(h, out);
}
