/* queue/verbs: a request comes in as JSON, lines of JSON go out. dead-list and queue-list take
 * "from":N; dead-show and queue-show "number":N; dead-retry, dead-drop and queue-skip "numbers":[…];
 * the first two and queue-clear "from":N,"to":N, or neither, which is all.
 *
 * Invariant: no request takes more than a slice, or more memory than a page, however much there is
 * to list or to change. What was not reached is told, and what was told is done. */
#include "queue/verbs.h"

#include <stdio.h>
#include <string.h>

#include "queue/item.h"
#include "queue/letter.h"

enum { LINE_MAX_BYTES = 16 << 20, NUMBERS_MAX_BYTES = 16 << 20 };

struct verbs_run {
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
	bool clear;   /* how many is told, not which */
	int64_t changed;
};

static void tell(struct verbs_run *r, const char *text, size_t n)
{
	r->failed = r->failed || r->line(r->arg, text, n) != 0;
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
static int64_t member(const struct verbs_run *r, const char *name)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(r->request, name);
	return number ? whole(number) : 0;
}

/* A list of numbers as int64_t in `out`. 0, or -1 with `err`. */
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

/* ---- list and show ---- */

/* Whether the page is full, before `number`. */
static bool is_full(struct verbs_run *r, int64_t number)
{
	const struct verbs_slice *s = r->slice;
	if (r->items && (r->items >= s->items || r->bytes >= s->bytes ||
			 s->clock->mono(s->clock) >= s->until))
		r->next = number;
	return r->next != 0;
}

/* A line that could not be made (`rc` not 0: memory is out, or it is too long) is left out. */
static void tell_one(struct verbs_run *r, int rc, struct buf *line)
{
	r->items++;
	r->bytes += line->len;
	if (rc == 0)
		tell(r, buf_str(line), line->len);
	buf_release(line);
}

static int tell_letter(struct verbs_run *r, const struct queue_letter *letter)
{
	struct buf line;
	buf_init(&line, LINE_MAX_BYTES);
	tell_one(r, letter_json(letter, &line), &line);
	return r->failed;
}

static int tell_item(struct verbs_run *r, const struct queue_item *item)
{
	struct buf line;
	buf_init(&line, LINE_MAX_BYTES);
	tell_one(r, item_json(item, &line), &line);
	return r->failed;
}

static int list_letter(void *arg, const struct queue_letter *letter)
{
	return is_full(arg, letter->number) || tell_letter(arg, letter);
}

static int list_item(void *arg, const struct queue_item *item)
{
	return is_full(arg, item->seq) || tell_item(arg, item);
}

/* Of a walk that begins at the number that is asked for: the first letter is it, or there is none. */
static int show_letter(void *arg, const struct queue_letter *letter)
{
	struct verbs_run *r = arg;
	if (letter->number == member(r, "number"))
		tell_letter(r, letter);
	return 1;
}

static int show_item(void *arg, const struct queue_item *item)
{
	return tell_item(arg, item);
}

static int tell_next(struct verbs_run *r, int rc)
{
	char line[64];
	if (rc < 0)
		return -1;
	if (r->next)
		tell(r, line, (size_t)snprintf(line, sizeof line, "{\"next\":%lld}", (long long)r->next));
	return 0;
}

static int dead_list(struct verbs_run *r, struct err *err)
{
	return tell_next(r, queue_dead_each(r->queue, member(r, "from"), list_letter, r, err));
}

static int queue_list(struct verbs_run *r, struct err *err)
{
	return tell_next(r, queue_each(r->queue, member(r, "from"), list_item, r, err));
}

/* A number that is none of ours is not there. */
static int dead_show(struct verbs_run *r, struct err *err)
{
	int64_t number = member(r, "number");
	return number > 0 && queue_dead_each(r->queue, number, show_letter, r, err) < 0 ? -1 : 0;
}

static int queue_show_one(struct verbs_run *r, struct err *err)
{
	int64_t number = member(r, "number");
	return number > 0 && queue_show(r->queue, number, show_item, r, err) < 0 ? -1 : 0;
}

/* ---- change ---- */

static void tell_fate(void *arg, int64_t number, enum queue_fate fate)
{
	struct verbs_run *r = arg;
	char line[96];
	r->changed += fate == QUEUE_CHANGED;
	if (r->clear)
		return;
	const char *running = r->change != QUEUE_SKIP ? "" :
			      fate == QUEUE_RUNS      ? ",\"running\":true" : ",\"running\":false";
	int n = snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s%s}", (long long)number,
			 fate == QUEUE_CHANGED ? "true" : "false", running);
	tell(r, line, (size_t)n);
}

/* What the slice left to do. */
static void tell_rest(struct verbs_run *r, const struct queue_many *m)
{
	char line[96];
	int n = m->all ? snprintf(line, sizeof line, "{\"next\":%lld,\"to\":%lld}",
				  (long long)m->from, (long long)m->to)
		       : snprintf(line, sizeof line, "{\"left\":%zu}", m->count);
	tell(r, line, (size_t)n);
}

static int change(struct verbs_run *r, enum queue_change change, bool clear, struct err *err)
{
	struct buf numbers;
	const cJSON *given = clear ? NULL : cJSON_GetObjectItemCaseSensitive(r->request, "numbers");
	struct queue_many many = { .change = change,
				   .all = clear || (!given && change != QUEUE_SKIP),
				   .from = member(r, "from"),
				   .to = member(r, "to") };
	char line[64];
	r->change = change;
	r->clear = clear;
	buf_init(&numbers, NUMBERS_MAX_BYTES);
	int rc = many.all ? 0 : read_numbers(given, &numbers, err);
	many.numbers = (const int64_t *)(void *)numbers.data;
	many.count = numbers.len / sizeof(int64_t);
	if (rc == 0)
		rc = queue_many(r->queue, &many, r->slice->until, tell_fate, r, err);
	buf_release(&numbers);
	if (rc < 0)
		return -1;
	r->done->skipped = change == QUEUE_SKIP ? r->changed : 0;
	r->done->cleared = clear && rc == 0;
	if (clear)
		tell(r, line, (size_t)snprintf(line, sizeof line, "{\"cleared\":%lld}", (long long)r->changed));
	if (rc)
		tell_rest(r, &many);
	return 0;
}

static int dead_retry(struct verbs_run *r, struct err *err)
{
	return change(r, QUEUE_RETRY, false, err);
}

static int dead_drop(struct verbs_run *r, struct err *err)
{
	return change(r, QUEUE_DROP, false, err);
}

static int queue_skip(struct verbs_run *r, struct err *err)
{
	return change(r, QUEUE_SKIP, false, err);
}

static int queue_clear(struct verbs_run *r, struct err *err)
{
	return change(r, QUEUE_SKIP, true, err);
}

/* ---- the rows ---- */

static const struct verbs_row rows[] = {
	{ "dead-list", dead_list, true },
	{ "dead-show", dead_show, false },
	{ "dead-retry", dead_retry, true },
	{ "dead-drop", dead_drop, true },
	{ "queue-list", queue_list, true },
	{ "queue-show", queue_show_one, false },
	{ "queue-skip", queue_skip, true },
	{ "queue-clear", queue_clear, true },
};

const struct verbs_row *verbs_find(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

int verbs_run(const struct verbs_row *row, struct queue *q, const cJSON *request,
	      const struct verbs_slice *slice,
	      int (*line)(void *arg, const char *text, size_t n), void *arg,
	      struct verbs_done *done, struct err *err)
{
	*done = (struct verbs_done){ 0 };
	struct verbs_run run = { .queue = q,
				 .request = request,
				 .slice = slice,
				 .line = line,
				 .arg = arg,
				 .done = done };
	int rc = row->run(&run, err);
	return rc == 0 && run.failed ? err_set(err, ERR_INTERNAL, "out of memory") : rc;
}
