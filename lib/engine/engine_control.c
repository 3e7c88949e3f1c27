/* engine/engine_control: the verbs of the control socket. A request is {"verb":"status"}, metrics,
 * stop, drain, pause, resume, reload, send, push, cancel, or one of those that queue/verbs.c
 * carries out. The answer is lines of JSON, of which the last is {"end":true}, or {"error":"…"}.
 *
 * Invariant: no request takes more than a slice of a turn, but for `send`, whose list of chats is
 * one transaction. So a client reads at its own pace and holds nothing here meanwhile; and what one
 * that went away was told of is done, and the rest is not. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "engine/engine_internal.h"
#include "queue/verbs.h"

enum { REPLY_MAX = 16 << 20, PAGE_BYTES = 256 << 10, PAGE_ITEMS = 1000 };

static void reply_text(struct control_client *client, const char *text)
{
	control_reply(client, text, strlen(text));
}

static void end(struct engine *e, struct control_client *client)
{
	reply_text(client, "{\"end\":true}");
	control_end(client);
	engine_turn_in(e, 0);
}

/* ---- the queue ---- */

static int reply_line(void *arg, const char *text, size_t n)
{
	control_reply(arg, text, n);
	return 0;
}

/* What was deleted without being named: its end, with the count; where that is far, its beginning,
 * too, for who asked may go away meanwhile. */
static void log_all(struct engine *e, const struct verbs_done *done)
{
	static const struct {
		const char *begins, *ends, *field;
	} told[VERBS_ALL_COUNT] = {
		[VERBS_UPDATES] = { "clearing the queue, as was asked for",
				    "the queue was cleared, as was asked for", "skipped" },
		[VERBS_LETTERS] = { "dropping all dead letters, as was asked for",
				    "all dead letters were dropped, as was asked for", "dropped" },
		[VERBS_CALLS] = { "dropping all messages that failed, as was asked for",
				  "all messages that failed were dropped, as was asked for",
				  "dropped" },
	};
	if (done->all == VERBS_NOT_ALL)
		return;
	if (done->last)
		log_event(e->config.log, LOG_WARN,
			  LOG_FIELDS(LOG_NUM(told[done->all].field, done->deleted)), "%s",
			  told[done->all].ends);
	else if (done->first)
		log_event(e->config.log, LOG_WARN, LOG_NONE, "%s", told[done->all].begins);
}

/* What is asked of the queue; false: it is no such verb. */
static bool ask_queue(struct engine *e, struct control_client *client, const cJSON *request,
		      const char *verb)
{
	struct err err = { 0 };
	struct verbs_done done;
	const struct verbs_row *row = verbs_find(verb);
	if (!row)
		return false;
	struct verbs_slice slice = { .clock = e->config.clock,
				     .until = engine_slice(e),
				     .items = PAGE_ITEMS,
				     .bytes = PAGE_BYTES };
	struct queue_sender sender = e->out ? out_sender(e->out) : (struct queue_sender){ 0 };
	int rc = verbs_run(row, e->queue, e->out ? &sender : NULL, request, &slice, reply_line,
			   client, &done, &err);
	e->counts.skipped += (uint64_t)done.skipped;
	log_all(e, &done);
	if (rc)
		control_refuse(client, err.text);
	else
		end(e, client);
	return true;
}

/* ---- the run itself ---- */

static void tell(struct engine *e, struct control_client *client,
		 int (*make)(struct engine *e, struct buf *b))
{
	struct buf b;
	buf_init(&b, REPLY_MAX);
	if (make(e, &b))
		control_refuse(client, "out of memory");
	else
		control_reply(client, b.data, b.len), end(e, client);
	buf_release(&b);
}

/* {"text":"…"}: a JSON string keeps the line feeds in one line. */
static int metrics_json(struct engine *e, struct buf *b)
{
	struct buf text;
	buf_init(&text, REPLY_MAX);
	int rc = engine_metrics(e, &text) || buf_adds(b, "{\"text\":") ||
				 buf_add_json(b, buf_str(&text), text.len) || buf_addc(b, '}')
			 ? -1
			 : 0;
	buf_release(&text);
	return rc;
}

/* What changes the run itself; false: it is no such verb. */
static bool change_run(struct engine *e, struct control_client *client, const char *verb)
{
	bool ending = e->phase != ENGINE_RUNNING || e->draining;
	if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0) {
		if (ending) {
			control_refuse(client, e->phase == ENGINE_RUNNING
						       ? "it is draining already"
						       : "it is stopping already");
			return true;
		}
		engine_pause(e, verb[0] == 'p');
	} else if (strcmp(verb, "drain") == 0) {
		if (e->phase == ENGINE_RUNNING && e->paused) {
			control_refuse(
				client,
				"it is paused, so nothing would be handled; 'tgrun resume' comes first");
			return true;
		}
		/* Other machines handle what waits. */
		e->fleet.leaves = e->fleet.shared;
		engine_drain(e);
		engine_take_change(e);
	} else if (strcmp(verb, "stop") == 0) {
		if (e->phase == ENGINE_RUNNING)
			log_event(e->config.log, LOG_INFO, LOG_NONE,
				  "stopping: as tgrun stop asked");
		engine_stop(e, 0, false);
	} else {
		return false;
	}
	end(e, client);
	return true;
}

static void send(struct engine *e, struct control_client *client, const cJSON *request)
{
	if (engine_send(e, client, request))
		end(e, client);
	else
		engine_turn_in(e, 0);
}

/* A configuration that is refused is told with the status that a start would end with:
 * {"refused":"…","status":78}. */
static void reload(struct engine *e, struct control_client *client)
{
	struct err err = { 0 };
	struct buf line;
	if (e->phase != ENGINE_RUNNING) {
		control_refuse(client, "it is stopping already");
		return;
	}
	buf_init(&line, REPLY_MAX);
	if (engine_read_again(e, &err) == 0)
		end(e, client);
	else if (buf_addc(&line, '{') || json_add_text(&line, "refused", err.text) ||
		 json_add_number(&line, "status", err.status) || buf_addc(&line, '}'))
		control_refuse(client, err.text);
	else
		control_reply(client, line.data, line.len), end(e, client);
	buf_release(&line);
}

static void cancel(struct engine *e, struct control_client *client, const cJSON *request)
{
	if (engine_cancel(e, request))
		control_refuse(client, "out of memory");
	else
		end(e, client);
}

void engine_control_request(void *arg, struct control_client *client, const cJSON *request)
{
	struct engine *e = arg;
	const char *verb = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "verb"));
	if (!verb)
		control_refuse(client, "the request has no verb");
	else if (strcmp(verb, "status") == 0)
		tell(e, client, engine_status_json);
	else if (strcmp(verb, "metrics") == 0)
		tell(e, client, metrics_json);
	else if (strcmp(verb, "send") == 0)
		send(e, client, request);
	else if (strcmp(verb, "push") == 0)
		engine_push(e, client, request), end(e, client);
	else if (strcmp(verb, "reload") == 0)
		reload(e, client);
	else if (strcmp(verb, "cancel") == 0)
		cancel(e, client, request);
	else if (!ask_queue(e, client, request, verb) && !change_run(e, client, verb))
		control_refuse(client, "this tgrun does not know the verb");
}

void engine_control_open(struct engine *e)
{
	struct err err;
	if (e->control && !control_stands(e->control)) {
		control_free(e->control);
		e->control = NULL;
	}
	if (e->control || !e->config.dir)
		return;
	e->control = control_new(e->config.loop, statedir_fd(e->config.dir), engine_control_request,
				 e, &err);
	if (!e->control && !e->control_fails)
		log_event(e->config.log, LOG_WARN, LOG_NONE,
			  "%s; until that is mended no other command can ask this tgrun anything, "
			  "and all else goes on",
			  err.text);
	e->control_fails = !e->control;
}

/* The state was looked at in this turn: the socket may have been removed as well. */
void engine_control_check(struct engine *e)
{
	if (e->control_due) {
		engine_control_open(e);
		engine_door_open(e);
	}
	e->control_due = false;
}
