/* handler/handler: the room and its handlers: verbs come in and go to the mode's file. Invariant: a slot that a worker or a hook may need is not
 * given to an update of another handler, so neither can starve. */
#include "handler/handler_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/proc.h"
#include "handler/worker_internal.h"
#include "io/sealed.h"
#include "update/update.h"

/* ---- the room ---- */

/* Something may be possible that was not. */
static void on_idle(void *arg)
{
	struct handlers *room = arg;
	if (room->looking)
		return;
	room->looking = true;
	for (struct list *l = room->handlers.next, *next; l != &room->handlers; l = next) {
		next = l->next;
		pool_look(container_of(l, struct handler, link));
	}
	hook_look(room);
	room->looking = false;
	room->config.idle(room->config.arg);
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
	list_init(&room->unwritten);
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

static void free_handler(struct handler *h)
{
	list_remove(&h->link);
	pool_release(h);
	command_unref(h->command);
	free(h->bot_username);
	free(h->name);
	free(h);
}

void handlers_free(struct handlers *room)
{
	if (!room)
		return;
	while (!list_empty(&room->procs))
		proc_free(container_of(room->procs.next, struct proc, link));
	while (!list_empty(&room->handlers))
		free_handler(container_of(room->handlers.next, struct handler, link));
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
	pool_drain(h);
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
	/* Taking in a slot's reports may end the next one in the list, too: so from its beginning each time. */
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
	for_each(room, pool_stop, signo);
}

/* ---- handlers ---- */

struct handler *handler_new(struct handlers *room, enum handler_mode mode, const char *name)
{
	struct handler *h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	list_init(&h->link);
	list_init(&h->pool.workers);
	h->room = room;
	h->mode = mode;
	h->policy.workers = 1;
	h->name = strdup(name);
	if (!h->name || (mode == MODE_WORKER && pool_init(h))) {
		free_handler(h);
		return NULL;
	}
	list_add_before(&room->handlers, &h->link);
	return h;
}

void handler_gone(struct handler *h)
{
	h->live--;
	if (h->retired && h->live == 0)
		free_handler(h);
}

void handler_free(struct handler *h)
{
	if (!h || h->retired)
		return;
	h->retired = true;
	h->live++; /* so that it is not freed on the way */
	pool_drain(h);
	handler_gone(h);
}

void handler_set_policy(struct handler *h, const struct handler_policy *policy)
{
	h->policy = *policy;
	if (h->policy.workers < 1)
		h->policy.workers = 1;
	pool_look(h);
}

void handler_set_command(struct handler *h, struct command *command, const char *bot_username)
{
	struct command *old = h->command;
	bool other = command != old;
	h->command = command_ref(command);
	command_unref(old);
	free(h->bot_username);
	h->bot_username = bot_username ? strdup(bot_username) : NULL;
	if (other)
		pool_outdate(h);
	pool_look(h);
}

int handler_slots_needed(const struct handler *h)
{
	return h->mode == MODE_WORKER ? h->policy.workers + 1 : 0;
}

int handler_slots_reserved(const struct handlers *room)
{
	int reserved = room->config.feed && !room->feeding;
	for (const struct list *l = room->handlers.next; l != &room->handlers; l = l->next) {
		const struct handler *h = container_of(l, struct handler, link);
		int missing = h->retired ? 0 : handler_slots_needed(h) - h->pool.count;
		reserved += missing > 0 ? missing : 0;
	}
	return reserved;
}

int handler_slots_free(const struct handlers *room)
{
	int hooks = room->config.hook_slots - room->hooks_running;
	int n = slots_idle_count(room->config.slots) - handler_slots_reserved(room) - (hooks > 0 ? hooks : 0);
	return n > 0 ? n : 0;
}

static bool takes_updates(const struct handler *h)
{
	return h->command && !h->retired && !h->room->draining;
}

size_t handler_room(const struct handler *h)
{
	if (!takes_updates(h))
		return 0;
	return h->mode == MODE_WORKER ? pool_room(h) : (size_t)handler_slots_free(h->room);
}

static int begin(struct handler *h, struct claim *const *claims, size_t n, bool solo)
{
	int rc;
	if (!takes_updates(h)) {
		errno = EAGAIN;
		return -1;
	}
	if (n == 0 || n > (h->mode == MODE_BATCH ? HANDLER_BATCH_MAX : 1)) {
		errno = EINVAL;
		return -1;
	}
	rc = h->mode == MODE_WORKER ? pool_start(h, claims[0], solo) : exec_start(h, claims, n);
	if (rc)
		return -1;
	h->running += (int)n;
	h->room->running += (int)n;
	return 0;
}

int handler_start(struct handler *h, struct claim *const *claims, size_t n)
{
	return begin(h, claims, n, false);
}

int handler_start_solo(struct handler *h, struct claim *claim)
{
	return begin(h, &claim, 1, true);
}

void handler_done(struct handler *h, struct claim *c, struct handler_result *r)
{
	int64_t now = handler_now(h->room);
	h->running--;
	h->room->running--;
	/* By the kernel's SIGKILL, or a shell that says this of its child. */
	if (r->end == HANDLER_ENDED && r->outcome.status == 128 + SIGKILL && oom_struck(&h->room->oom, now - r->elapsed, now))
		outcome_add(&r->outcome, ": out of memory");
	h->room->config.done(h->room->config.arg, h, c, r);
}

int handler_running(const struct handler *h)
{
	return h->running;
}

enum handler_mode handler_mode(const struct handler *h)
{
	return h->mode;
}

/* ---- what programs are given ---- */

void handler_mask_nul(char *text, size_t n)
{
	for (char *p = memchr(text, '\0', n); p; p = memchr(p, '\0', n - (size_t)(p - text)))
		*p = ' ';
}

int handler_add_var(struct buf *vars, const char *name, int64_t value)
{
	return buf_adds(vars, name) || buf_addc(vars, '=') || buf_add_int(vars, value) || buf_addc(vars, '\0') ? -1 : 0;
}

int handler_update_vars(struct buf *vars, struct claim *c, const char *bot_username)
{
	/* A dead letter that was no update is handed out again as its bytes alone. */
	struct err err = { 0 };
	if (handler_add_var(vars, "TG_NUMBER", c->seq))
		return -1;
	struct update *u = update_parse(c->body, c->length, &err);
	if (!u)
		return err.status == ERR_INTERNAL ? -1 : 0;
	struct vars_context context = { .bot_username = bot_username, .key = c->keys };
	int rc = update_vars(u, &context, vars);
	update_id(u, &c->update_id);
	update_free(u);
	return rc;
}

int handler_stdin(struct claim *const *claims, size_t n)
{
	static char newline[] = "\n";
	struct iovec *parts = calloc(n, 2 * sizeof *parts);
	if (!parts)
		return -1;
	for (size_t i = 0; i < n; i++) {
		parts[2 * i] = (struct iovec){ claims[i]->body, claims[i]->length };
		parts[2 * i + 1] = (struct iovec){ newline, 1 };
	}
	int fd = sealed_file("update", parts, 2 * n);
	int saved = errno;
	free(parts);
	errno = saved;
	return fd;
}
