/* queue/verbs: a request comes in as JSON, lines of JSON go out. dead-list and queue-list take
 * "from":N; dead-show and queue-show "number":N; dead-retry, dead-drop and queue-skip
 * "numbers":[…]; the first two and queue-clear "from":N,"to":N, or neither, which is all.
 *
 * Invariant: no request takes more than a slice, or more memory than a page, however much there
 * is to list or to change. What was not reached is told, and what was told is done. */
#include "queue/verbs.h"

#include <stdio.h>
#include <string.h>

#include "queue/item.h"
#include "queue/letter.h"

enum { LINE_MAX_BYTES = 16 << 20, NUMBERS_MAX_BYTES = 16 << 20 };

struct verbs_call {
	struct queue *queue;
	const cJSON *request;
	const struct verbs_slice *slice;
	int (*line)(void *arg, const char *text, size_t n);
	void *arg;
	struct verbs_done *done;
	bool failed; /* `line` returned not 0 */
	size_t items, bytes;
	int64_t next; /* a list ended before this number; 0: that was all */
	enum queue_change change;
	bool clear; /* how many is told, not which */
	int64_t changed;
};

static void tell(struct verbs_call *c, const char *text, size_t n)
{
	c->failed = c->failed || c->line(c->arg, text, n) != 0;
}

static void tell_number(struct verbs_call *c, const char *name, int64_t number)
{
	char line[64];
	int n = snprintf(line, sizeof line, "{\"%s\":%lld}", name, (long long)number);
	tell(c, line, (size_t)n);
}

/* ---- what a request says ---- */

/* A number as cJSON has it, -1 for what can be none of ours: no number at all, a broken one, one
 * past what a double tells apart. */
static int64_t whole(const cJSON *json)
{
	double d = cJSON_IsNumber(json) ? json->valuedouble : -1;
	return d >= 0 && d < 0x1p53 && (double)(int64_t)d == d ? (int64_t)d : -1;
}

/* A member of the request; 0 if there is none. */
static int64_t member(const struct verbs_call *c, const char *name)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(c->request, name);
	return number ? whole(number) : 0;
}

/* A list of numbers as int64_t in `out`. 0, or -1 with `err`. */
static int read_numbers(const cJSON *numbers, struct buf *out, struct err *err)
{
	const cJSON *one;
	if (!cJSON_IsArray(numbers))
		return err_set(err, ERR_USAGE, "the request's numbers are no list");
	cJSON_ArrayForEach(one, numbers)
	{
		int64_t number = whole(one);
		if (buf_add(out, &number, sizeof number))
			return err_set(err, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

/* ---- list and show ---- */

/* Whether the page is full, before `number`. */
static bool is_full(struct verbs_call *c, int64_t number)
{
	const struct verbs_slice *s = c->slice;
	if (c->items &&
	    (c->items >= s->items || c->bytes >= s->bytes || s->clock->mono(s->clock) >= s->until))
		c->next = number;
	return c->next != 0;
}

/* A line that could not be made (`rc` not 0: memory is out, or it is too long) is left out. */
static void tell_one(struct verbs_call *c, int rc, struct buf *line)
{
	c->items++;
	c->bytes += line->len;
	if (rc == 0)
		tell(c, buf_str(line), line->len);
	buf_release(line);
}

static int tell_letter(struct verbs_call *c, const struct queue_letter *letter)
{
	struct buf line;
	buf_init(&line, LINE_MAX_BYTES);
	tell_one(c, letter_json(letter, &line), &line);
	return c->failed;
}

static int tell_item(struct verbs_call *c, const struct queue_item *item)
{
	struct buf line;
	buf_init(&line, LINE_MAX_BYTES);
	tell_one(c, item_json(item, &line), &line);
	return c->failed;
}

static int list_letter(void *arg, const struct queue_letter *letter)
{
	return is_full(arg, letter->number) || tell_letter(arg, letter);
}

static int list_item(void *arg, const struct queue_item *item)
{
	return is_full(arg, item->seq) || tell_item(arg, item);
}

/* The walk begins at the number that is asked for: the first letter is it, or there is none. */
static int show_letter(void *arg, const struct queue_letter *letter)
{
	struct verbs_call *c = arg;
	if (letter->number == member(c, "number"))
		tell_letter(c, letter);
	return 1;
}

static int show_item(void *arg, const struct queue_item *item)
{
	return tell_item(arg, item);
}

static int tell_next(struct verbs_call *c, int rc)
{
	if (rc < 0)
		return -1;
	if (c->next)
		tell_number(c, "next", c->next);
	return 0;
}

static int dead_list(struct verbs_call *c, struct err *err)
{
	return tell_next(c, queue_dead_each(c->queue, member(c, "from"), list_letter, c, err));
}

static int queue_list(struct verbs_call *c, struct err *err)
{
	return tell_next(c, queue_each(c->queue, member(c, "from"), list_item, c, err));
}

/* A number that is none of ours is not there. */
static int dead_show(struct verbs_call *c, struct err *err)
{
	int64_t number = member(c, "number");
	return number > 0 && queue_dead_each(c->queue, number, show_letter, c, err) < 0 ? -1 : 0;
}

static int queue_show_one(struct verbs_call *c, struct err *err)
{
	int64_t number = member(c, "number");
	return number > 0 && queue_show(c->queue, number, show_item, c, err) < 0 ? -1 : 0;
}

/* ---- change ---- */

static void tell_fate(void *arg, int64_t number, enum queue_fate fate)
{
	struct verbs_call *c = arg;
	char line[96];
	c->changed += fate == QUEUE_CHANGED;
	if (c->clear)
		return;
	const char *running = c->change != QUEUE_SKIP ? ""
			      : fate == QUEUE_RUNS    ? ",\"running\":true"
						      : ",\"running\":false";
	int n = snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s%s}", (long long)number,
			 fate == QUEUE_CHANGED ? "true" : "false", running);
	tell(c, line, (size_t)n);
}

/* What the slice left to do. */
static void tell_rest(struct verbs_call *c, const struct queue_many *m)
{
	char line[96];
	int n = m->all ? snprintf(line, sizeof line, "{\"next\":%lld,\"to\":%lld}",
				  (long long)m->from, (long long)m->to)
		       : snprintf(line, sizeof line, "{\"left\":%zu}", m->count);
	tell(c, line, (size_t)n);
}

static int change(struct verbs_call *c, enum queue_change change, bool clear, struct err *err)
{
	struct buf numbers;
	const cJSON *given = clear ? NULL : cJSON_GetObjectItemCaseSensitive(c->request, "numbers");
	struct queue_many many = { .change = change,
				   .all = clear || (!given && change != QUEUE_SKIP),
				   .from = member(c, "from"),
				   .to = member(c, "to") };
	c->change = change;
	c->clear = clear;
	buf_init(&numbers, NUMBERS_MAX_BYTES);
	int rc = many.all ? 0 : read_numbers(given, &numbers, err);
	many.numbers = (const int64_t *)(void *)numbers.data;
	many.count = numbers.len / sizeof(int64_t);
	if (rc == 0)
		rc = queue_many(c->queue, &many, c->slice->until, tell_fate, c, err);
	buf_release(&numbers);
	if (rc < 0)
		return -1;
	c->done->skipped = change == QUEUE_SKIP ? c->changed : 0;
	c->done->cleared = clear && rc == 0;
	if (clear)
		tell_number(c, "cleared", c->changed);
	if (rc)
		tell_rest(c, &many);
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

static int queue_clear(struct verbs_call *c, struct err *err)
{
	return change(c, QUEUE_SKIP, true, err);
}

/* ---- the rows ---- */

static const struct verbs_row rows[] = {
	{ "dead-list", dead_list, true },   { "dead-show", dead_show, false },
	{ "dead-retry", dead_retry, true }, { "dead-drop", dead_drop, true },
	{ "queue-list", queue_list, true }, { "queue-show", queue_show_one, false },
	{ "queue-skip", queue_skip, true }, { "queue-clear", queue_clear, true },
};

const struct verbs_row *verbs_find(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

int verbs_run(const struct verbs_row *row, struct queue *q, const cJSON *request,
	      const struct verbs_slice *slice, int (*line)(void *arg, const char *text, size_t n),
	      void *arg, struct verbs_done *done, struct err *err)
{
	*done = (struct verbs_done){ 0 };
	struct verbs_call call = { .queue = q,
				   .request = request,
				   .slice = slice,
				   .line = line,
				   .arg = arg,
				   .done = done };
	int rc = row->run(&call, err);
	return rc == 0 && call.failed ? err_set(err, ERR_INTERNAL, "out of memory") : rc;
}
