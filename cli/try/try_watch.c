/* cli/try/try_watch: what became of each update. Starts, calls and ends come in; what its author is
 * to know besides goes out, faintly: that nothing answered it, that its button waits on, that what
 * it printed would be an answer with --reply. A call names no update, but a chat's updates are
 * handled one at a time: so it belongs to that of its chat, or of its query, else to all that run.
 * Invariant: an update is told of when it was settled and all calls that were to be sent are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/try/try_internal.h"
#include "update/update.h"

enum { LINGER = 1000 }; /* milliseconds until it is looked whether only background work runs */

struct flight {
	struct list link;
	int64_t seq, chat, thread;
	char *query;  /* its id; NULL: it is none */
	bool pressed; /* a button */
	bool called;  /* something was called for it */
	bool replied; /* its query was answered */
	bool settled, cancelled;
};

static void drop(struct flight *f)
{
	list_remove(&f->link);
	free(f->query);
	free(f);
}

void try_watch_release(struct try *t)
{
	while (!list_empty(&t->flights))
		drop(container_of(t->flights.next, struct flight, link));
}

static struct flight *find(struct try *t, int64_t seq)
{
	for (struct list *l = t->flights.next; l != &t->flights; l = l->next) {
		struct flight *f = container_of(l, struct flight, link);
		if (f->seq == seq)
			return f;
	}
	return NULL;
}

void try_watch_started(struct try *t, const struct claim *claim)
{
	loop_timer_set(t->linger, LINGER);
	struct update *u = find(t, claim->seq) ? NULL
					       : update_parse(claim->body, claim->length, NULL);
	struct flight *f = u ? calloc(1, sizeof *f) : NULL;
	if (f) {
		const char *query = update_query_id(u);
		f->seq = claim->seq;
		f->query = query ? strdup(query) : NULL;
		f->pressed = strcmp(update_kind(u), "callback_query") == 0;
		update_chat(u, &f->chat);
		update_thread(u, &f->thread);
		list_init(&f->link);
		list_add_before(&t->flights, &f->link);
	}
	update_free(u);
}

/* The id of the query that a call answers; NULL: it answers none. */
static const char *query_of(const struct sandbox_call *call)
{
	static const char *const names[] = { "callback_query_id", "inline_query_id",
					     "shipping_query_id", "pre_checkout_query_id" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (*json_text(call->params, names[i]))
			return json_text(call->params, names[i]);
	return NULL;
}

void try_watch_called(struct try *t, const struct sandbox_call *call)
{
	const char *query = query_of(call);
	bool known = false;
	/* What only reads, or is a sign, is no answer. */
	if (strncmp(call->method, "get", 3) == 0 || strcmp(call->method, "sendChatAction") == 0)
		return;
	for (struct list *l = t->flights.next; l != &t->flights; l = l->next) {
		struct flight *f = container_of(l, struct flight, link);
		bool replied = query && f->query && strcmp(query, f->query) == 0;
		bool mine = replied || (!query && call->chat && call->chat == f->chat);
		f->replied = f->replied || replied;
		f->called = f->called || mine;
		known = known || mine;
	}
	for (struct list *l = t->flights.next; l != &t->flights && !known; l = l->next)
		container_of(l, struct flight, link)->called = true;
}

/* Whether any handler's output is an answer. */
static bool has_reply(const struct config *c)
{
	size_t i = 0;
	while (i < c->route.count && c->route.items[i].policy.reply == REPLY_NONE)
		i++;
	return c->policy.reply != REPLY_NONE || i < c->route.count;
}

bool try_watch_is_second(struct try *t, const struct sandbox_call *call)
{
	bool refused = call->description && has_reply(&t->setup->config);
	const char *query = refused ? query_of(call) : NULL;
	for (struct list *l = t->flights.next; query && l != &t->flights; l = l->next) {
		const struct flight *f = container_of(l, struct flight, link);
		if (f->replied && f->query && strcmp(query, f->query) == 0)
			return true;
	}
	return false;
}

/* What a worker prints is never an answer. */
static bool has_workers(const struct config *c)
{
	size_t i = 0;
	while (i < c->route.count && c->route.items[i].policy.handler.workers == 0)
		i++;
	return c->policy.handler.workers > 0 || i < c->route.count;
}

static void tell(struct try *t, const struct flight *f)
{
	const char *text = f->cancelled ? "(cancelled)"
			   : f->pressed && !f->replied
				   ? "(the button waits on: no answerCallbackQuery)"
			   : f->query && !f->replied ? "(no answer)"
			   : f->called               ? NULL
						     : "(no answer)";
	if (!text)
		return;
	if (f->chat)
		chat_put_place(&t->chat, &t->out, f->chat, f->thread, "");
	chat_put_line(&t->chat, &t->out, CHAT_DIM, "%s", text);
	try_record_add(t, RECORD_END, 0);
	try_say(t);
}

void try_watch_turn(struct try *t)
{
	struct engine_counts c;
	if (list_empty(&t->flights))
		return;
	engine_counts(t->engine, &c);
	for (struct list *l = t->flights.next, *next; l != &t->flights && !c.outbox && !c.sending;
	     l = next) {
		struct flight *f = container_of(l, struct flight, link);
		next = l->next;
		if (!f->settled)
			continue;
		tell(t, f);
		drop(f);
	}
}

void try_watch_settled(struct try *t, int64_t seq, bool failed)
{
	const struct config *c = &t->setup->config;
	struct engine_counts counts;
	struct flight *f = find(t, seq);
	engine_counts(t->engine, &counts);
	if (f) {
		f->settled = true;
		f->cancelled = counts.cancelled > t->cancelled;
	}
	t->cancelled = counts.cancelled;
	/* Who prints an answer and gets none does not know of the option. */
	bool hint = t->printed && !failed && !t->hinted && !has_workers(c) &&
		    config_origin(c, &c->policy.reply) == ORIGIN_DEFAULT;
	if (hint)
		SAY(t, CHAT_DIM,
		    "the handler printed %" PRIu64 " bytes; with --reply text they would be the "
		    "answer",
		    t->printed);
	t->hinted = t->hinted || hint;
	t->printed = 0;
	if (f && (hint || failed))
		drop(f);
	try_watch_turn(t); /* before the next begins */
}

void try_on_linger(void *arg)
{
	struct try *t = arg;
	char what[256];
	int count = engine_lingering(t->engine, what, sizeof what);
	if (count && !t->lingering_told)
		SAY(t, CHAT_DIM, "background work of the handler runs on, and holds its chat: %s",
		    what);
	t->lingering_told = count != 0;
	if (!list_empty(&t->flights))
		loop_timer_set(t->linger, LINGER);
}
