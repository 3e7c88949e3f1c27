/* engine/engine_cancel: tgrun cancel: a request that names updates comes in, those of them that
 * were handed out are ended. The request has one of "numbers":[…], "key":TEXT, "chat":ID and
 * "own":true, the chat of the caller; and "caller":NUMBER if that is a handler.
 *
 * Invariant: the caller's own update, or its batch, is never ended, and what waits is left alone.
 * Who runs is settled when all of its processes are gone (engine_on_done()), so its keys are locked
 * till then. What other machines run is theirs to end: a shared store passes the request on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/engine_internal.h"
#include "queue/sharing.h"

enum { NUMBERS_MAX_BYTES = 1 << 20 };

struct wish {
	struct engine *engine;
	int64_t caller;     /* 0: the caller is no handler */
	uint64_t batch;     /* the caller's; 0: it does not run */
	struct buf numbers; /* int64_t, rising */
	const char *key;    /* NULL: it names none */
	struct buf chat;    /* the key of a chat, as of engine.chats; "": it names none */
};

/* ---- which ---- */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* What is no whole number of this size is nobody's: 0. */
static int64_t whole(const cJSON *number)
{
	const double most = 9007199254740992.0; /* 2^53 */
	double d = cJSON_IsNumber(number) ? cJSON_GetNumberValue(number) : 0;
	return d >= -most && d <= most ? (int64_t)d : 0;
}

static int read_numbers(const cJSON *request, struct buf *out)
{
	const cJSON *one;
	cJSON_ArrayForEach(one, json_member(request, "numbers"))
	{
		int64_t number = whole(one);
		if (buf_add(out, &number, sizeof number))
			return -1;
	}
	if (out->len)
		qsort(out->data, out->len / sizeof(int64_t), sizeof(int64_t), compare);
	return 0;
}

static bool is_named(const struct wish *w, int64_t seq)
{
	return w->numbers.len &&
	       bsearch(&seq, w->numbers.data, w->numbers.len / sizeof seq, sizeof seq, compare);
}

/* Whether `keys`, with a space between, has one of those in `wanted`. */
static bool has_key(const char *keys, const char *wanted)
{
	for (size_t n; *wanted; wanted += n + (wanted[n] == ' ')) {
		n = strcspn(wanted, " ");
		for (const char *k = keys; n && *k; k += strcspn(k, " "), k += *k == ' ')
			if (strcspn(k, " ") == n && strncmp(k, wanted, n) == 0)
				return true;
	}
	return false;
}

static bool is_of_chat(const struct wish *w, const struct claim *c)
{
	struct buf chat;
	buf_init(&chat, ENGINE_CHAT_MAX);
	bool is = engine_chat_of(w->engine, c, &chat) == 0 &&
		  strcmp(buf_str(&chat), w->chat.data) == 0;
	buf_release(&chat);
	return is;
}

static bool is_meant(const struct wish *w, const struct claim *c)
{
	if (((const struct flight *)c->owner)->batch == w->batch)
		return false;
	return is_named(w, c->seq) || (w->key && has_key(c->keys, w->key)) ||
	       (w->chat.len && is_of_chat(w, c));
}

/* The flight of the caller; NULL: it is not running any more. */
static const struct flight *find_caller(const struct wish *w)
{
	const struct list *all = &w->engine->starts.running;
	for (const struct list *l = all->next; l != all; l = l->next) {
		const struct flight *f = container_of(l, struct flight, link);
		if (f->claim->seq == w->caller)
			return f;
	}
	return NULL;
}

/* 0, or -1 when memory is out; wish_release() follows in both cases. */
static int wish_read(struct wish *w, struct engine *e, const cJSON *request)
{
	const cJSON *chat = json_member(request, "chat");
	*w = (struct wish){ .engine = e,
			    .caller = whole(json_member(request, "caller")),
			    .key = cJSON_GetStringValue(json_member(request, "key")) };
	buf_init(&w->numbers, NUMBERS_MAX_BYTES);
	buf_init(&w->chat, ENGINE_CHAT_MAX);
	if (read_numbers(request, &w->numbers))
		return -1;
	const struct flight *own = w->caller ? find_caller(w) : NULL;
	w->batch = own ? own->batch : 0;
	/* Without it, its chat is not known. */
	if (json_true(request, "own"))
		return own ? engine_chat_of(e, own->claim, &w->chat) : 0;
	return chat && (buf_adds(&w->chat, "chat:") || buf_add_int(&w->chat, whole(chat))) ? -1 : 0;
}

static void wish_release(struct wish *w)
{
	buf_release(&w->numbers);
	buf_release(&w->chat);
}

/* ---- the end of them ---- */

/* It was claimed, and waits for the mark of its start. Who follows it leads the batch. */
static void cancel_start(struct engine *e, struct flight *f)
{
	struct claim *c = f->claim;
	struct flight *next = f->link.next == &e->starts.starting
				      ? NULL
				      : container_of(f->link.next, struct flight, link);
	if (f->leader && next && !next->leader) {
		next->leader = true;
		f->leader = false;
	}
	engine_land(e, f);
	engine_cancelled(e, c, 0);
	claim_free(c);
}

static bool is_cancelled(void *arg, const struct claim *c)
{
	(void)arg;
	return ((const struct flight *)c->owner)->cancelled;
}

int engine_cancel(struct engine *e, const cJSON *request)
{
	struct wish w;
	int rc = wish_read(&w, e, request);
	for (struct list *l = e->starts.running.next; rc == 0 && l != &e->starts.running;
	     l = l->next) {
		struct flight *f = container_of(l, struct flight, link);
		f->cancelled = f->cancelled || is_meant(&w, f->claim);
	}
	for (struct list *l = e->starts.starting.next, *next; rc == 0 && l != &e->starts.starting;
	     l = next) {
		struct flight *f = container_of(l, struct flight, link);
		next = l->next;
		if (is_meant(&w, f->claim))
			cancel_start(e, f);
	}
	if (rc == 0)
		rc = queue_cancel(e->queue, w.key ? w.key : "", buf_str(&w.chat),
				  (const int64_t *)(const void *)w.numbers.data,
				  w.numbers.len / sizeof(int64_t));
	wish_release(&w);
	if (rc == 0)
		handlers_cancel(e->handlers, is_cancelled, e);
	return rc;
}

void engine_cancel_one(struct engine *e, int64_t seq)
{
	for (struct list *l = e->starts.running.next; l != &e->starts.running; l = l->next) {
		struct flight *f = container_of(l, struct flight, link);
		f->cancelled = f->cancelled || (f->claim->seq == seq && !f->is_void);
	}
	for (struct list *l = e->starts.starting.next, *next; l != &e->starts.starting; l = next) {
		struct flight *f = container_of(l, struct flight, link);
		next = l->next;
		if (f->claim->seq == seq)
			cancel_start(e, f);
	}
	handlers_cancel(e->handlers, is_cancelled, e);
}
