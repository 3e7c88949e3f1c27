/* engine/engine_fleet: a store that several machines share says what this one may do: ask the
 * source, send, run handlers for a time, or nothing more. The queue's events come in; the source,
 * the slots, the flights and the way out follow. Invariant: what is void, since other machines may
 * have it by now, is killed, and whatever its handlers say changes nothing. */
#include "base/crashpoint.h"
#include "engine/engine_internal.h"
#include "queue/sharing.h"

/* ---- roles ---- */

static void on_role(void *arg, bool may_ask, int64_t offset)
{
	struct engine *e = arg;
	bool could = e->fleet.may_ask, news = could != may_ask || !e->fleet.attached;
	e->fleet.may_ask = may_ask;
	if (news)
		log_event(e->config.log, LOG_INFO, LOG_NONE,
			  may_ask ? "this machine asks for updates"
			  : could ? "this machine asks for updates no more"
				  : "another machine asks for updates: standing by");
	if (!e->fleet.attached && !may_ask)
		notify_ready(e->config.notify);
	e->fleet.attached = true;
	e->asking.begun = true;
	if (!e->source || e->asking.stopped)
		return;
	if (e->source->ops->seek)
		e->source->ops->seek(e->source, offset);
	e->asking.waits = !may_ask;
	e->asking.syncing = false;
	if (may_ask)
		e->source->ops->resume(e->source);
	engine_turn_in(e, 0);
}

static void on_sender(void *arg, bool may_send)
{
	struct engine *e = arg;
	e->fleet.may_send = may_send;
	if (!e->out)
		return;
	log_event(e->config.log, LOG_INFO, LOG_NONE,
		  may_send ? "this machine sends what waits in the outbox"
			   : "this machine sends no more what waits in the outbox");
	out_role(e->out, may_send);
	engine_turn_in(e, 0);
}

static void on_move_came(void *arg, const char *from, const char *to)
{
	struct engine *e = arg;
	if (e->out)
		out_move_came(e->out, from, to);
}

static void on_line_came(void *arg, const struct queue_line *line)
{
	struct engine *e = arg;
	if (e->out)
		out_line_came(e->out, line);
}

static int on_call_came(void *arg, const struct queue_call *call)
{
	struct engine *e = arg;
	return e->out ? out_call_came(e->out, call) : 0;
}

static void on_call_gone(void *arg, int64_t id)
{
	struct engine *e = arg;
	if (e->out)
		out_call_gone(e->out, id);
}

/* ---- claims ---- */

static void on_trust_until(void *arg, int64_t boottime)
{
	struct engine *e = arg;
	e->fleet.trust = boottime;
	/* an answer that came late gives none any more */
	if (engine_trusted(e))
		e->fleet.cut = 0;
	slots_trust(e->config.slots, boottime);
	engine_turn_in(e, 0);
}

static bool is_void(void *arg, const struct claim *c)
{
	(void)arg;
	return ((const struct flight *)c->owner)->is_void;
}

/* What had ended, and was void before that was written. */
static bool tell_unwritten(struct engine *e)
{
	struct queue_fleet f;
	queue_fleet(e->queue, &f);
	uint64_t lost = f.unwritten - e->fleet.unwritten;
	e->fleet.unwritten = f.unwritten;
	if (lost)
		log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("updates", (int64_t)lost)),
			  "what ended last is not written, and will be handled once more");
	return lost > 0;
}

static void on_void_claims(void *arg)
{
	struct engine *e = arg;
	int killed = e->fleet.cut;
	e->fleet.cut = 0;
	while (!list_empty(&e->starts.starting)) {
		struct flight *f = container_of(e->starts.starting.next, struct flight, link);
		claim_free(f->claim);
		engine_land(e, f);
	}
	for (struct list *l = e->starts.running.next; l != &e->starts.running; l = l->next) {
		struct flight *f = container_of(l, struct flight, link);
		killed += f->leader && !f->is_void;
		f->is_void = true;
		f->typing.due = 0;
	}
	if (killed)
		log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("handlers", killed)),
			  "cut off from the store: %d handlers killed, they will be run elsewhere",
			  killed);
	else
		log_event(e->config.log, LOG_ERROR, LOG_NONE,
			  "cut off from the store: no handler ran here");
	bool lost = tell_unwritten(e);
	if (e->phase != ENGINE_RUNNING && !e->end.status)
		e->end.status = lost ? ERR_UNAVAILABLE : killed ? 1 : 0;
	engine_remember_error(e, "this machine was cut off from the store");
	CRASHPOINT("fleet-void");
	/* A slot kills all that it has when its time is over, the rest is cut here: requests. */
	on_trust_until(e, 0);
	handlers_cancel(e->handlers, is_void, e);
	engine_door_lost(e);
	engine_send_lost(e);
}

static void on_cancel_came(void *arg, int64_t seq)
{
	engine_cancel_one(arg, seq);
}

/* ---- operators ---- */

static void on_wish(void *arg, enum queue_wish wish)
{
	struct engine *e = arg;
	bool drain = wish == QUEUE_WISH_DRAIN;
	if (e->phase != ENGINE_RUNNING)
		return;
	if (wish == QUEUE_WISH_STOP) {
		log_event(e->config.log, LOG_INFO, LOG_NONE, "stopping: as tgrun fleet asked");
		engine_stop(e, 0, false);
		return;
	}
	if (drain != e->fleet.holds_back)
		log_event(e->config.log, LOG_INFO, LOG_NONE,
			  drain ? "draining, as tgrun fleet asked: no update starts here until it "
				  "says resume"
				: "resumed, as tgrun fleet asked");
	e->fleet.holds_back = drain;
	engine_take_change(e);
	engine_turn_in(e, 0);
}

static void on_refused(void *arg, const struct err *err)
{
	struct engine *e = arg;
	e->fleet.refused = true;
	if (e->phase != ENGINE_RUNNING)
		return;
	log_event(e->config.log, LOG_ERROR, LOG_NONE, "the store takes this tgrun no more: %s",
		  err->text);
	engine_remember_error(e, err->text);
	engine_stop(e, err->status, false);
}

/* ---- its place in the engine ---- */

void engine_fleet_events(struct queue_config *config)
{
	config->role = on_role;
	config->void_claims = on_void_claims;
	config->trust_until = on_trust_until;
	config->sender = on_sender;
	config->move_came = on_move_came;
	config->line_came = on_line_came;
	config->call_came = on_call_came;
	config->call_gone = on_call_gone;
	config->cancel_came = on_cancel_came;
	config->wish = on_wish;
	config->refused = on_refused;
}

void engine_fleet_init(struct engine *e)
{
	e->fleet.shared = queue_shared(e->queue);
	e->fleet.may_ask = !e->fleet.shared;
	e->fleet.trust = e->fleet.shared ? 0 : INT64_MAX;
	if (e->fleet.shared)
		slots_trust(e->config.slots, 0);
}
