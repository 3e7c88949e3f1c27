/* queue/verbs: a request comes in as JSON, lines of JSON go out. Those of the outbox are in
 * verbs_outbox.c; dead-list and queue-list take "from":N; dead-show, queue-show and later-show
 * "number":N; dead-retry, dead-drop, queue-skip and later-skip "numbers":[…]; dead-retry, dead-drop
 * and queue-clear "from":N,"to":N,"changed":N, or neither, which is all. `counts` takes nothing.
 *
 * Invariant: no request takes more than a slice, or more memory than a page, however much there
 * is to list or to change. What was not reached is told, and what was told is done. */
#include "queue/verbs.h"

#include <stdio.h>
#include <string.h>

#include "queue/calls.h"
#include "queue/item.h"
#include "queue/later.h"
#include "queue/letter.h"
#include "queue/verbs_internal.h"

enum { NUMBERS_MAX_BYTES = 16 << 20 };

/* queue-list tells what is to come behind all updates: its numbers are "from" here on. */
#define LATER_FROM (INT64_C(1) << 52)

/* ---- list and show ---- */

static int tell_letter(struct verbs_call *c, const struct queue_letter *letter)
{
	struct buf line;
	buf_init(&line, VERBS_LINE_MAX);
	verbs_tell_made(c, letter_json(letter, &line), &line);
	return c->failed;
}

static int tell_item(struct verbs_call *c, const struct queue_item *item)
{
	struct buf line;
	buf_init(&line, VERBS_LINE_MAX);
	verbs_tell_made(c, item_json(item, &line), &line);
	return c->failed;
}

static int list_letter(void *arg, const struct queue_letter *letter)
{
	return verbs_full(arg, letter->number) || tell_letter(arg, letter);
}

static int list_item(void *arg, const struct queue_item *item)
{
	return verbs_full(arg, item->seq + (item->later ? LATER_FROM : 0)) || tell_item(arg, item);
}

/* The walk begins at the number that is asked for: the first letter is it, or there is none. */
static int show_letter(void *arg, const struct queue_letter *letter)
{
	struct verbs_call *c = arg;
	if (letter->number == verbs_member(c, "number"))
		tell_letter(c, letter);
	return 1;
}

static int show_item(void *arg, const struct queue_item *item)
{
	return tell_item(arg, item);
}

static int dead_list(struct verbs_call *c, struct err *err)
{
	return verbs_tell_next(c, queue_dead_each(c->queue, verbs_member(c, "from"), list_letter, c,
						  err));
}

static int queue_list(struct verbs_call *c, struct err *err)
{
	int64_t from = verbs_member(c, "from");
	int rc = from < LATER_FROM ? queue_each(c->queue, from, list_item, c, err) : 0;
	if (rc == 0)
		rc = queue_push_each(c->queue, from > LATER_FROM ? from - LATER_FROM : 0, list_item,
				     c, err);
	return verbs_tell_next(c, rc);
}

/* A number that is none of ours is not there. */
static int dead_show(struct verbs_call *c, struct err *err)
{
	int64_t number = verbs_member(c, "number");
	return number > 0 && queue_dead_each(c->queue, number, show_letter, c, err) < 0 ? -1 : 0;
}

static int later_show(struct verbs_call *c, struct err *err)
{
	int64_t number = verbs_member(c, "number");
	return number > 0 && queue_push_show(c->queue, number, show_item, c, err) < 0 ? -1 : 0;
}

static int queue_show_one(struct verbs_call *c, struct err *err)
{
	int64_t number = verbs_member(c, "number");
	return number > 0 && queue_show(c->queue, number, show_item, c, err) < 0 ? -1 : 0;
}

/* ---- change ---- */

/* A change of updates or letters. */
struct change {
	struct verbs_call *call;
	enum queue_change what;
	bool clear; /* how many is told, not which, but of what a machine keeps */
	int64_t changed;
};

static void tell_fate(void *arg, int64_t number, enum queue_fate fate)
{
	struct change *c = arg;
	char line[96];
	c->changed += fate == QUEUE_CHANGED;
	if (c->clear && fate != QUEUE_HELD)
		return;
	const char *running = c->what <= QUEUE_DROP ? ""
			      : fate == QUEUE_RUNS  ? ",\"running\":true"
			      : fate == QUEUE_HELD  ? ",\"running\":false,\"held\":true"
						    : ",\"running\":false";
	int n = snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s%s}", (long long)number,
			 fate == QUEUE_CHANGED ? "true" : "false", running);
	verbs_tell(c->call, line, (size_t)n);
}

/* What is gone after a change. */
static const enum verbs_all deletes[] = { [QUEUE_RETRY] = VERBS_NOT_ALL,
					  [QUEUE_DROP] = VERBS_LETTERS,
					  [QUEUE_SKIP] = VERBS_UPDATES,
					  [QUEUE_TAKE_BACK] = VERBS_NOT_ALL };

static int change(struct verbs_call *c, enum queue_change what, bool clear, struct err *err)
{
	struct buf numbers;
	const cJSON *given = clear ? NULL : cJSON_GetObjectItemCaseSensitive(c->request, "numbers");
	struct change w = { .call = c, .what = what, .clear = clear };
	struct queue_many many = { .change = what,
				   .all = clear || (!given && what <= QUEUE_DROP),
				   .from = verbs_member(c, "from"),
				   .to = verbs_member(c, "to") };
	buf_init(&numbers, NUMBERS_MAX_BYTES);
	int rc = many.all ? 0 : verbs_numbers(given, &numbers, err);
	many.numbers = (const int64_t *)(void *)numbers.data;
	many.count = numbers.len / sizeof(int64_t);
	if (rc == 0)
		rc = queue_many(c->queue, &many, c->slice->until, tell_fate, &w, err);
	buf_release(&numbers);
	if (rc < 0)
		return -1;
	c->done->skipped = what == QUEUE_SKIP ? w.changed : 0;
	int64_t sum = many.all ? verbs_note_all(c, deletes[what], w.changed, rc > 0) : 0;
	if (clear)
		verbs_tell_number(c, "cleared", w.changed);
	if (rc && many.all)
		verbs_tell_range(c, many.from, many.to, sum);
	else if (rc)
		verbs_tell_left(c, many.count);
	return 0;
}

static int dead_retry(struct verbs_call *c, struct err *err)
{
	return change(c, QUEUE_RETRY, false, err);
}

static int dead_drop(struct verbs_call *c, struct err *err)
{
	return change(c, QUEUE_DROP, false, err);
}

static int queue_skip(struct verbs_call *c, struct err *err)
{
	return change(c, QUEUE_SKIP, false, err);
}

static int later_skip(struct verbs_call *c, struct err *err)
{
	return change(c, QUEUE_TAKE_BACK, false, err);
}

static int queue_clear(struct verbs_call *c, struct err *err)
{
	return change(c, QUEUE_SKIP, true, err);
}

/* ---- how many there are ---- */

static int counts(struct verbs_call *c, struct err *err)
{
	struct queue_counts q;
	char line[128];
	(void)err;
	queue_counts(c->queue, &q);
	int n = snprintf(line, sizeof line, "{\"waiting\":%zu,\"dead\":%lld,\"failed\":%lld}",
			 q.waiting, (long long)q.dead, (long long)queue_calls_failed(c->queue));
	verbs_tell(c, line, (size_t)n);
	return 0;
}

/* ---- the rows ---- */

static const struct verbs_row rows[] = {
	{ "counts", counts, false },
	{ "dead-list", dead_list, true },
	{ "dead-show", dead_show, false },
	{ "dead-retry", dead_retry, true },
	{ "dead-drop", dead_drop, true },
	{ "queue-list", queue_list, true },
	{ "queue-show", queue_show_one, false },
	{ "queue-skip", queue_skip, true },
	{ "queue-clear", queue_clear, true },
	{ "later-show", later_show, false },
	{ "later-skip", later_skip, true },
	{ "outbox-list", verbs_outbox_list, true },
	{ "outbox-failed", verbs_outbox_failed, true },
	{ "outbox-waits", verbs_outbox_waits, false },
	{ "outbox-show", verbs_outbox_show, false },
	{ "outbox-retry", verbs_outbox_retry, true },
	{ "outbox-drop", verbs_outbox_drop, true },
};

const struct verbs_row *verbs_find(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

int verbs_run(const struct verbs_row *row, struct queue *q, const struct queue_sender *sender,
	      const cJSON *request, const struct verbs_slice *slice,
	      int (*line)(void *arg, const char *text, size_t n), void *arg,
	      struct verbs_done *done, struct err *err)
{
	*done = (struct verbs_done){ 0 };
	struct verbs_call call = { .queue = q,
				   .sender = sender,
				   .request = request,
				   .slice = slice,
				   .line = line,
				   .arg = arg,
				   .done = done };
	int rc = row->run(&call, err);
	return rc == 0 && call.failed ? err_set(err, ERR_INTERNAL, "out of memory") : rc;
}
