/* queue/verbs_outbox: what people ask of the calls that are to be sent. outbox-list (what waits and
 * is being sent) takes "from":N, outbox-failed (entries) and outbox-waits (the first one that waits
 * or is being sent) take "to":N, too, outbox-show "number":N, outbox-retry
 * and outbox-drop "numbers":[…], or "from":N,"to":N,"changed":N, or neither, which is all that
 * failed.
 *
 * Invariant: no request takes more than a slice. What it tells is written, and known to who sends.
 */
#include <stdio.h>

#include "queue/entry_json.h"
#include "queue/queue.h"
#include "queue/verbs_internal.h"

enum { NUMBERS_MAX_BYTES = 16 << 20, RANGE_AT_ONCE = 128 };

/* ---- list and show ---- */

static int list_call(void *arg, const struct queue_call *call)
{
	struct verbs_call *c = arg;
	struct buf line;
	if (verbs_full(c, call->id))
		return 1;
	buf_init(&line, VERBS_LINE_MAX);
	int rc = entry_json_open(call, &line) || buf_addc(&line, '}');
	verbs_tell_made(c, rc, &line);
	return c->failed;
}

int verbs_outbox_list(struct verbs_call *c, struct err *err)
{
	int64_t from = verbs_member(c, "from");
	return verbs_tell_next(c,
			       queue_calls_each(c->queue, from, false, false, list_call, c, err));
}

static int note_first(void *arg, const struct queue_call *call)
{
	*(int64_t *)arg = call->id;
	return 1;
}

int verbs_outbox_waits(struct verbs_call *c, struct err *err)
{
	int64_t id = 0, from = verbs_member(c, "from"), to = verbs_member(c, "to");
	if (queue_calls_each(c->queue, from, false, false, note_first, &id, err) < 0)
		return -1;
	if (id && (to == 0 || id <= to))
		verbs_tell_number(c, "waits", id);
	return 0;
}

/* The entry whose calls are being read. */
struct gathered {
	struct verbs_call *call;
	int64_t to;    /* those behind are not meant; 0: all are */
	int64_t group; /* 0: none */
	int calls, rc;
	struct buf line;
};

static void tell_gathered(struct gathered *g)
{
	char end[48];
	if (!g->group)
		return;
	snprintf(end, sizeof end, ",\"calls\":%d}", g->calls);
	g->rc = g->rc || buf_adds(&g->line, end);
	verbs_tell_made(g->call, g->rc, &g->line);
	g->group = 0;
}

static int gather(void *arg, const struct queue_call *call)
{
	struct gathered *g = arg;
	if (g->to && call->id > g->to)
		return 1;
	if (g->group == call->group) {
		g->calls++;
		return 0;
	}
	tell_gathered(g);
	if (g->call->failed || verbs_full(g->call, call->id))
		return 1;
	buf_init(&g->line, VERBS_LINE_MAX);
	g->group = call->group;
	g->calls = 1;
	g->rc = entry_json_open(call, &g->line);
	return 0;
}

int verbs_outbox_failed(struct verbs_call *c, struct err *err)
{
	struct gathered g = { .call = c, .to = verbs_member(c, "to") };
	int rc = queue_calls_each(c->queue, verbs_member(c, "from"), true, false, gather, &g, err);
	tell_gathered(&g);
	return verbs_tell_next(c, rc);
}

static void show_call(void *arg, const struct queue_call *call, const struct queue_message *message)
{
	struct buf line;
	buf_init(&line, VERBS_LINE_MAX);
	int rc = entry_json_open(call, &line) || entry_json_close(call, message, &line);
	verbs_tell_made(arg, rc, &line);
}

int verbs_outbox_show(struct verbs_call *c, struct err *err)
{
	return entry_show(c->queue, verbs_member(c, "number"), show_call, c, err) < 0 ? -1 : 0;
}

/* ---- change ---- */

/* One number, and what became of it, for its line. */
struct changed {
	int64_t number, fresh;
	enum entry_fate fate;
};

struct change {
	struct verbs_call *call;
	bool retry;
	struct buf told; /* of struct changed */
};

static bool time_is_up(const struct verbs_call *c)
{
	return c->slice->clock->mono(c->slice->clock) >= c->slice->until;
}

static int change_one(struct change *w, int64_t number, struct err *err)
{
	struct verbs_call *c = w->call;
	struct changed one = { .number = number };
	int rc = w->retry ? entry_retry(c->queue, c->sender, c->slice->clock->wall(c->slice->clock),
					number, &one.fresh, err)
			  : entry_drop(c->queue, c->sender, number, err);
	if (rc < 0)
		return -1;
	one.fate = (enum entry_fate)rc;
	return buf_add(&w->told, &one, sizeof one) ? err_set(err, ERR_INTERNAL, "out of memory")
						   : 0;
}

static void tell_changes(struct change *w)
{
	const struct changed *one = (const struct changed *)(void *)w->told.data;
	for (size_t i = 0; i < w->told.len / sizeof *one; i++) {
		char line[128];
		int n = snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s",
				 (long long)one[i].number,
				 one[i].fate == ENTRY_CHANGED ? "true" : "false");
		if (one[i].fresh)
			n += snprintf(line + n, sizeof line - (size_t)n, ",\"now\":%lld",
				      (long long)one[i].fresh);
		n += snprintf(line + n, sizeof line - (size_t)n, ",\"sending\":%s}",
			      one[i].fate == ENTRY_SENDING ? "true" : "false");
		verbs_tell(w->call, line, (size_t)n);
	}
}

static int64_t count_changed(const struct change *w)
{
	const struct changed *one = (const struct changed *)(void *)w->told.data;
	int64_t count = 0;
	for (size_t i = 0; i < w->told.len / sizeof *one; i++)
		count += one[i].fate == ENTRY_CHANGED;
	return count;
}

static int change_numbers(struct change *w, const cJSON *given, struct err *err)
{
	struct buf numbers;
	buf_init(&numbers, NUMBERS_MAX_BYTES);
	int rc = verbs_numbers(given, &numbers, err);
	const int64_t *at = (const int64_t *)(void *)numbers.data;
	size_t count = numbers.len / sizeof *at, i = 0;
	/* A number may be named twice: the second time it finds what is written. */
	for (; rc == 0 && i < count && (i == 0 || !time_is_up(w->call)); i++)
		rc = change_one(w, at[i], err) || queue_flush(w->call->queue, err) ? -1 : 0;
	buf_release(&numbers);
	tell_changes(w);
	if (rc == 0 && i < count)
		verbs_tell_left(w->call, count - i);
	return rc;
}

struct range {
	int64_t to, group, ids[RANGE_AT_ONCE];
	size_t count;
	bool more;
};

static int note_entry(void *arg, const struct queue_call *call)
{
	struct range *r = arg;
	if (call->id > r->to)
		return 1;
	if (call->group == r->group)
		return 0;
	r->more = r->count == RANGE_AT_ONCE;
	if (r->more)
		return 1;
	r->group = call->group;
	r->ids[r->count++] = call->id;
	return 0;
}

/* All that failed, up to the last one that had failed at the first slice: what is tried again and
 * fails anew has a number behind it. */
static int change_range(struct change *w, struct err *err)
{
	struct verbs_call *c = w->call;
	int64_t from = verbs_member(c, "from"), to = verbs_member(c, "to");
	struct range r = { .to = to > 0 ? to : queue_call_next(c->queue, 1) - 1 };
	int rc = queue_calls_each(c->queue, from, true, false, note_entry, &r, err) < 0 ? -1 : 0;
	size_t i = 0;
	for (; rc == 0 && i < r.count && (i == 0 || !time_is_up(c)); i++)
		rc = change_one(w, r.ids[i], err);
	rc = rc || queue_flush(c->queue, err) ? -1 : 0;
	tell_changes(w);
	bool more = rc == 0 && (i < r.count || r.more);
	int64_t sum = rc ? 0
			 : verbs_note_all(c, w->retry ? VERBS_NOT_ALL : VERBS_CALLS,
					  count_changed(w), more);
	if (more)
		verbs_tell_range(c, r.ids[i - 1] + 1, r.to, sum);
	return rc;
}

static int change(struct verbs_call *c, bool retry, struct err *err)
{
	struct change w = { .call = c, .retry = retry };
	const cJSON *given = cJSON_GetObjectItemCaseSensitive(c->request, "numbers");
	buf_init(&w.told, NUMBERS_MAX_BYTES);
	int rc = queue_flush(c->queue, err);
	rc = rc ? -1 : given ? change_numbers(&w, given, err) : change_range(&w, err);
	buf_release(&w.told);
	return rc;
}

int verbs_outbox_retry(struct verbs_call *c, struct err *err)
{
	return change(c, true, err);
}

int verbs_outbox_drop(struct verbs_call *c, struct err *err)
{
	return change(c, false, err);
}
