/* engine/engine_control: the verbs of the control socket. A request is {"verb":"status"}, stop, drain,
 * pause, resume; dead-list and queue-list with "from":N; dead-show and queue-show with "number":N;
 * dead-retry, dead-drop and queue-skip with "numbers":[…]; the first two and queue-clear with
 * "from":N,"to":N, or neither, which is all. The answer is lines of JSON, of which the last is
 * {"end":true}, or {"error":"…"}.
 *
 * Invariant: no request takes more than a slice of a turn, or more memory than a page, however much
 * there is to list or to change. What was not reached is told: {"next":N}, with "to" where there was
 * one, is where to go on; {"left":N} of the numbers are to be asked again. So a client reads at its
 * own pace and holds nothing here meanwhile, and what one that went away was told of is done, and
 * the rest is not.
 *
 * Letters and updates are written by queue/letter.c and queue/item.c, as for the tool that reads
 * the store when nothing runs. */
#include <stdio.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "queue/item.h"
#include "queue/letter.h"

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

/* A number as cJSON has it, -1 for what can be none of ours: no number at all, a broken one, one
 * past what a double tells apart. */
static int64_t whole(const cJSON *json)
{
	double d = cJSON_IsNumber(json) ? json->valuedouble : -1;
	return d >= 0 && d < 0x1p53 && (double)(int64_t)d == d ? (int64_t)d : -1;
}

/* A member of a request; 0 if there is none. */
static int64_t member(const cJSON *request, const char *name)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(request, name);
	return number ? whole(number) : 0;
}

/* ---- change ---- */

struct changing {
	struct engine *engine;
	struct control_client *client;
	enum queue_change change;
	bool clear; /* how many is enough */
	int64_t changed;
};

static void tell_change(void *arg, int64_t number, enum queue_fate fate)
{
	struct changing *c = arg;
	char line[96];
	c->changed += fate == QUEUE_CHANGED;
	if (c->clear)
		return;
	const char *running = c->change != QUEUE_SKIP ? "" :
			      fate == QUEUE_RUNS ? ",\"running\":true" : ",\"running\":false";
	snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s%s}", (long long)number,
		 fate == QUEUE_CHANGED ? "true" : "false", running);
	reply_text(c->client, line);
}

/* The numbers of a request as int64_t in `out`. 0 or -1 with `err`. */
static int read_numbers(const cJSON *numbers, struct buf *out, struct err *err)
{
	const cJSON *one;
	if (!cJSON_IsArray(numbers))
		return err_set(err, ERR_USAGE, "the request's numbers are no list");
	cJSON_ArrayForEach(one, numbers) {
		int64_t number = whole(one);
		if (buf_add(out, &number, sizeof number))
			return err_set(err, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

/* What a slice left to do. */
static void tell_rest(const struct changing *c, const struct queue_many *m)
{
	char line[96];
	if (m->all)
		snprintf(line, sizeof line, "{\"next\":%lld,\"to\":%lld}", (long long)m->from,
			 (long long)m->to);
	else
		snprintf(line, sizeof line, "{\"left\":%zu}", m->count);
	reply_text(c->client, line);
}

static void change(struct changing *c, const cJSON *request)
{
	struct engine *e = c->engine;
	struct err err = { 0 };
	struct buf numbers;
	const cJSON *given = c->clear ? NULL : cJSON_GetObjectItemCaseSensitive(request, "numbers");
	struct queue_many many = { .change = c->change,
				   .all = c->clear || (!given && c->change != QUEUE_SKIP),
				   .from = member(request, "from"),
				   .to = member(request, "to") };
	char line[64];
	buf_init(&numbers, REPLY_MAX);
	int rc = many.all ? 0 : read_numbers(given, &numbers, &err);
	many.numbers = (const int64_t *)(void *)numbers.data;
	many.count = numbers.len / sizeof(int64_t);
	if (rc == 0)
		rc = queue_many(e->queue, &many, engine_slice(e), tell_change, c, &err);
	buf_release(&numbers);
	if (c->change == QUEUE_SKIP)
		e->counts.skipped += (uint64_t)c->changed;
	if (rc < 0) {
		control_refuse(c->client, err.text);
		return;
	}
	if (c->clear) {
		if (rc == 0)
			log_event(e->config.log, LOG_WARN, LOG_NONE,
				  "the queue was cleared, as was asked for");
		snprintf(line, sizeof line, "{\"cleared\":%lld}", (long long)c->changed);
		reply_text(c->client, line);
	}
	if (rc)
		tell_rest(c, &many);
	end(e, c->client);
}

/* ---- list ---- */

struct page {
	struct engine *engine;
	struct control_client *client;
	size_t items, bytes;
	int64_t next; /* 0: that was all */
	int64_t only; /* its number; 0: all */
};

/* Whether the page is full, before `number`. */
static bool is_full(struct page *p, int64_t number)
{
	const struct clock *clock = p->engine->config.clock;
	if (p->items && (p->items == PAGE_ITEMS || p->bytes >= PAGE_BYTES ||
			 clock->mono(clock) >= engine_slice(p->engine)))
		p->next = number;
	return p->next != 0;
}

static void add_line(struct page *p, int rc, struct buf *line)
{
	p->items++;
	p->bytes += line->len;
	if (rc == 0)
		control_reply(p->client, line->data, line->len);
	buf_release(line);
}

static int add_letter(void *arg, const struct queue_letter *d)
{
	struct page *p = arg;
	struct buf line;
	if (p->only ? p->only != d->number : is_full(p, d->number))
		return 1;
	buf_init(&line, REPLY_MAX);
	add_line(p, letter_json(d, &line), &line);
	return p->only != 0;
}

static int add_item(void *arg, const struct queue_item *item)
{
	struct page *p = arg;
	struct buf line;
	if (!p->only && is_full(p, item->seq))
		return 1;
	buf_init(&line, REPLY_MAX);
	add_line(p, item_json(item, &line), &line);
	return 0;
}

static void list(struct engine *e, struct control_client *client, const cJSON *request,
		 bool letters, bool show)
{
	struct err err = { 0 };
	struct page p = { .engine = e,
			  .client = client,
			  .only = show ? member(request, "number") : 0 };
	int64_t from = show ? p.only : member(request, "from");
	char line[64];
	int rc = 0;
	/* One that is none is not there. */
	if (show && from <= 0)
		;
	else if (letters)
		rc = queue_dead_each(e->queue, from, add_letter, &p, &err);
	else if (show)
		rc = queue_show(e->queue, from, add_item, &p, &err);
	else
		rc = queue_each(e->queue, from, add_item, &p, &err);
	if (rc < 0) {
		control_refuse(client, err.text);
		return;
	}
	if (p.next) {
		snprintf(line, sizeof line, "{\"next\":%lld}", (long long)p.next);
		reply_text(client, line);
	}
	end(e, client);
}

/* ---- the run itself ---- */

static void tell_status(struct engine *e, struct control_client *client)
{
	struct buf b;
	buf_init(&b, REPLY_MAX);
	if (engine_status_json(e, &b))
		control_refuse(client, "out of memory");
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
			control_refuse(client, e->phase == ENGINE_RUNNING ? "it is draining already" : "it is stopping already");
			return true;
		}
		engine_pause(e, verb[0] == 'p');
	} else if (strcmp(verb, "drain") == 0) {
		if (e->phase == ENGINE_RUNNING && e->paused) {
			control_refuse(client, "it is paused, so nothing would be handled; 'tgrun resume' comes first");
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

/* What lists and shows; false: it is no such verb. */
static bool look(struct engine *e, struct control_client *client, const cJSON *request,
		 const char *verb)
{
	static const struct {
		const char *name;
		bool letters, show;
	} verbs[] = {
		{ "dead-list", true, false },
		{ "dead-show", true, true },
		{ "queue-list", false, false },
		{ "queue-show", false, true },
	};
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verb, verbs[i].name) == 0) {
			list(e, client, request, verbs[i].letters, verbs[i].show);
			return true;
		}
	return false;
}

/* What changes letters and updates; false: it is no such verb. */
static bool change_many(struct engine *e, struct control_client *client, const cJSON *request,
			const char *verb)
{
	static const struct {
		const char *name;
		enum queue_change change;
		bool clear;
	} verbs[] = {
		{ "dead-retry", QUEUE_RETRY, false },
		{ "dead-drop", QUEUE_DROP, false },
		{ "queue-skip", QUEUE_SKIP, false },
		{ "queue-clear", QUEUE_SKIP, true },
	};
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verb, verbs[i].name) == 0) {
			change(&(struct changing){ .engine = e,
						   .client = client,
						   .change = verbs[i].change,
						   .clear = verbs[i].clear },
			       request);
			return true;
		}
	return false;
}

void engine_control_request(void *arg, struct control_client *client, const cJSON *request)
{
	struct engine *e = arg;
	const char *verb = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "verb"));
	if (!verb)
		control_refuse(client, "the request has no verb");
	else if (strcmp(verb, "status") == 0)
		tell_status(e, client);
	else if (!look(e, client, request, verb) && !change_many(e, client, request, verb) &&
		 !change_run(e, client, verb))
		control_refuse(client, "this tgrun does not know the verb");
}
