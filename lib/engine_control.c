/* engine_control: the verbs of the control socket. A request is {"verb":"status"}, stop, drain, pause, resume; {"verb":"dead-list"}, {"verb":"dead-show",
 * "number":3}, dead-retry or dead-drop with "numbers":[…] (none: all); queue-list with "from":N, queue-show, queue-skip, queue-clear. The answer is lines of
 * JSON, of which the last is {"end":true}, or {"error":"…"}. A long list comes in parts: {"next":N} says where to ask on.
 *
 * Letters and updates are written by queue/letter.c and queue/item.c, as for the tool that reads the store when nothing runs. */
#include <stdio.h>
#include <string.h>

#include "engine_state.h"
#include "queue/item.h"
#include "queue/letter.h"

static const char no_list[] = "the request's numbers are no list";

enum { REPLY_MAX = 16 << 20, ITEMS_AT_ONCE = 1000 };

static void reply_text(struct control_client *client, const char *text)
{
	control_reply(client, text, strlen(text));
}

static void refuse(struct control_client *client, const char *why)
{
	struct buf b;
	buf_init(&b, REPLY_MAX);
	if (buf_adds(&b, "{\"error\":") == 0 && buf_add_json(&b, why, strlen(why)) == 0 && buf_addc(&b, '}') == 0)
		control_reply(client, b.data, b.len);
	buf_release(&b);
	control_end(client);
}

static void end(struct engine *e, struct control_client *client)
{
	reply_text(client, "{\"end\":true}");
	control_end(client);
	engine_turn_in(e, 0);
}

static int send_letter(void *arg, const struct store_dead *d)
{
	struct buf b;
	buf_init(&b, REPLY_MAX);
	if (letter_json(d, &b) == 0)
		control_reply(arg, b.data, b.len);
	buf_release(&b);
	return 0;
}

static int collect_number(void *arg, const struct store_dead *d)
{
	return buf_add(arg, &d->number, sizeof d->number);
}

/* A number as cJSON has it, -1 for what can be none of ours: no number at all, a broken one, one past what a double tells apart. */
static int64_t whole(const cJSON *json)
{
	double d = cJSON_IsNumber(json) ? json->valuedouble : -1;
	return d >= 0 && d < 0x1p53 && (double)(int64_t)d == d ? (int64_t)d : -1;
}

/* The numbers of a request, or of all letters, as int64_t in `out`. */
static int numbers_of(struct engine *e, const cJSON *request, struct buf *out, struct err *err)
{
	const cJSON *numbers = cJSON_GetObjectItemCaseSensitive(request, "numbers"), *one;
	if (!numbers)
		return queue_dead_each(e->queue, 0, collect_number, out, err);
	if (!cJSON_IsArray(numbers))
		return err_set(err, ERR_USAGE, "%s", no_list);
	cJSON_ArrayForEach(one, numbers) {
		int64_t number = whole(one);
		if (buf_add(out, &number, sizeof number))
			return err_set(err, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static void change_letters(struct engine *e, struct control_client *client, const cJSON *request,
			   int (*change)(struct queue *q, int64_t number, struct err *err))
{
	struct err err = { 0 };
	struct buf numbers;
	char line[64];
	buf_init(&numbers, REPLY_MAX);
	int rc = numbers_of(e, request, &numbers, &err);
	for (size_t i = 0; rc == 0 && i < numbers.len; i += sizeof(int64_t)) {
		int64_t number;
		memcpy(&number, numbers.data + i, sizeof number);
		int done = change(e->queue, number, &err);
		if (done < 0)
			rc = -1;
		snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s}", (long long)number, done > 0 ? "true" : "false");
		reply_text(client, line);
	}
	buf_release(&numbers);
	if (rc) {
		refuse(client, err.text);
		return;
	}
	end(e, client);
}

/* The numbers of a request are skipped; the answer tells of each what became of it. */
static void skip_updates(struct engine *e, struct control_client *client, const cJSON *request)
{
	struct err err = { 0 };
	const cJSON *numbers = cJSON_GetObjectItemCaseSensitive(request, "numbers"), *one;
	char line[96];
	if (!cJSON_IsArray(numbers)) {
		refuse(client, no_list);
		return;
	}
	cJSON_ArrayForEach(one, numbers) {
		int64_t number = whole(one);
		int rc = queue_skip(e->queue, number, &err);
		if (rc < 0) {
			refuse(client, err.text);
			return;
		}
		e->counts.skipped += rc == 1;
		snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s,\"running\":%s}", (long long)number, rc == 1 ? "true" : "false",
			 rc == 2 ? "true" : "false");
		reply_text(client, line);
	}
	end(e, client);
}

static void clear_updates(struct engine *e, struct control_client *client)
{
	struct err err = { 0 };
	char line[64];
	int64_t count = 0;
	int rc = queue_clear(e->queue, &count, &err);
	e->counts.skipped += (uint64_t)count;
	if (rc < 0) {
		refuse(client, err.text);
		return;
	}
	log_event(e->config.log, LOG_WARN, LOG_FIELDS(LOG_NUM("skipped", count)), "the queue was cleared, as was asked for");
	snprintf(line, sizeof line, "{\"cleared\":%lld}", (long long)count);
	reply_text(client, line);
	end(e, client);
}

struct listing {
	struct control_client *client;
	size_t sent, most;
	int64_t next; /* 0: that was all */
};

static int send_item(void *arg, const struct queue_item *item)
{
	struct listing *l = arg;
	struct buf b;
	if (l->sent++ == l->most) {
		l->next = item->seq;
		return 1;
	}
	buf_init(&b, REPLY_MAX);
	if (item_json(item, &b) == 0)
		control_reply(l->client, b.data, b.len);
	buf_release(&b);
	return 0;
}

/* One update with its bytes, or the next part of the list without them. */
static void list_updates(struct engine *e, struct control_client *client, const cJSON *request, bool show)
{
	struct err err = { 0 };
	struct listing l = { .client = client, .most = ITEMS_AT_ONCE };
	char line[64];
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(request, show ? "number" : "from");
	int64_t from = number ? whole(number) : 0;
	int rc = show ? queue_show(e->queue, from, send_item, &l, &err) : queue_each(e->queue, from, send_item, &l, &err);
	if (rc < 0) {
		refuse(client, err.text);
		return;
	}
	if (l.next) {
		snprintf(line, sizeof line, "{\"next\":%lld}", (long long)l.next);
		reply_text(client, line);
	}
	end(e, client);
}

static void list_letters(struct engine *e, struct control_client *client, const cJSON *request)
{
	struct err err = { 0 };
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(request, "number");
	if (queue_dead_each(e->queue, number ? whole(number) : 0, send_letter, client, &err))
		refuse(client, err.text);
	else
		end(e, client);
}

static void tell_status(struct engine *e, struct control_client *client)
{
	struct buf b;
	buf_init(&b, REPLY_MAX);
	if (engine_status_json(e, &b))
		refuse(client, "out of memory");
	else
		control_reply(client, b.data, b.len), end(e, client);
	buf_release(&b);
}

/* What changes the run itself; false: it is no such verb. */
static bool change_run(struct engine *e, struct control_client *client, const char *verb)
{
	bool ending = e->phase != ENGINE_RUNNING || e->draining;
	if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0) {
		if (ending) {
			refuse(client, e->phase == ENGINE_RUNNING ? "it is draining already" : "it is stopping already");
			return true;
		}
		engine_pause(e, verb[0] == 'p');
	} else if (strcmp(verb, "drain") == 0) {
		if (e->phase == ENGINE_RUNNING && e->paused) {
			refuse(client, "it is paused, so nothing would be handled; 'tgrun resume' comes first");
			return true;
		}
		engine_drain(e);
	} else if (strcmp(verb, "stop") == 0) {
		if (e->phase == ENGINE_RUNNING)
			log_event(e->config.log, LOG_INFO, LOG_NONE, "stopping: as tgrun stop asked");
		engine_stop(e, 0, false);
	} else {
		return false;
	}
	end(e, client);
	return true;
}

void engine_control_request(void *arg, struct control_client *client, const cJSON *request)
{
	struct engine *e = arg;
	const char *verb = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "verb"));
	if (!verb)
		refuse(client, "the request has no verb");
	else if (strcmp(verb, "status") == 0)
		tell_status(e, client);
	else if (strcmp(verb, "dead-retry") == 0)
		change_letters(e, client, request, queue_dead_retry);
	else if (strcmp(verb, "dead-drop") == 0)
		change_letters(e, client, request, queue_dead_drop);
	else if (strcmp(verb, "dead-list") == 0 || strcmp(verb, "dead-show") == 0)
		list_letters(e, client, request);
	else if (strcmp(verb, "queue-list") == 0 || strcmp(verb, "queue-show") == 0)
		list_updates(e, client, request, verb[6] == 's');
	else if (strcmp(verb, "queue-skip") == 0)
		skip_updates(e, client, request);
	else if (strcmp(verb, "queue-clear") == 0)
		clear_updates(e, client);
	else if (!change_run(e, client, verb))
		refuse(client, "this tgrun does not know the verb");
}
