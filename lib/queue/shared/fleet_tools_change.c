/* queue/shared/fleet_tools_change: what tools change of a shared queue: letters, updates and what
 * is to come, by number or all of a range; what is pushed; what is cancelled. Invariant: a slice is
 * one statement, committed before anybody is told of it. */
#include "queue/shared/fleet_tools_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "queue/shared/fleet_text.h"

enum {
	SLICE = 500,
	/* milliseconds: how long a machine is asked to give back what is to be skipped; between two
	   times. One that is told of nothing takes a turn each second. */
	PATIENCE = 5000,
	PAUSE = 50,
};

/* A kind of change: the function that makes it, and the numbers of a range, the first $1 to $2. */
static const struct {
	const char *function, *range;
} kinds[] = {
	[QUEUE_RETRY] = { "SELECT o_number, o_fate FROM @S@.dead_retry($1)",
			  "SELECT number FROM @S@.letters WHERE number BETWEEN $1 AND $2 "
			  "ORDER BY number LIMIT $3" },
	[QUEUE_DROP] = { "SELECT o_number, o_fate FROM @S@.dead_drop($1)",
			 "SELECT number FROM @S@.letters WHERE number BETWEEN $1 AND $2 "
			 "ORDER BY number LIMIT $3" },
	[QUEUE_SKIP] = { "SELECT o_number, o_fate FROM @S@.skip($1, $2)",
			 "SELECT number FROM @S@.queue WHERE state <> 'running' "
			 "AND number BETWEEN $1 AND $2 ORDER BY number LIMIT $3" },
	[QUEUE_TAKE_BACK] = { "SELECT o_number, o_fate FROM @S@.push_drop($1)", NULL },
};

static enum queue_fate fate_of(const char *text)
{
	return strcmp(text, "changed") == 0 ? QUEUE_CHANGED
	       : strcmp(text, "runs") == 0  ? QUEUE_RUNS
	       : strcmp(text, "held") == 0  ? QUEUE_HELD
					    : QUEUE_MISSING;
}

/* The next numbers of the range, appended to `numbers`. 0 or -1 with `err`. */
static int range(struct fleet_tools *t, const struct queue_many *m, struct buf *numbers,
		 struct err *err)
{
	struct fleet_call call = { .sql = kinds[m->change].range };
	const struct fleet_answer *a;
	fleet_call_number(&call, m->from);
	fleet_call_number(&call, m->to);
	fleet_call_number(&call, SLICE);
	if (fleet_tools_ask(t, &call, &a, err))
		return -1;
	for (int i = 0; i < fleet_answer_rows(a); i++) {
		int64_t number = fleet_answer_number(a, i, 0);
		if (buf_add(numbers, &number, sizeof number))
			return err_set(err, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

/* Up to where "all" goes: what comes later is none of it. */
static int last_of_all(struct fleet_tools *t, struct queue_many *m, struct err *err)
{
	struct fleet_call call = { .sql = m->change == QUEUE_SKIP
						  ? "SELECT max(number) FROM @S@.queue"
						  : "SELECT max(number) FROM @S@.letters" };
	const struct fleet_answer *a;
	if (fleet_tools_ask(t, &call, &a, err))
		return -1;
	m->to = fleet_answer_number(a, 0, 0);
	return 0;
}

/* Makes the change of those that are QUEUE_HELD in `fates`, and takes what became of them. `asks`:
 * machines are to give back what they hold of them. *held: how many still are. 0, or -1 with
 * `err`. */
static int step(struct fleet_tools *t, enum queue_change change, bool asks, const int64_t *numbers,
		enum queue_fate *fates, size_t count, size_t *held, struct err *err)
{
	struct fleet_call call = { .sql = kinds[change].function };
	const struct fleet_answer *a;
	struct fleet_list list;
	int row = 0;
	fleet_list_init(&list);
	for (size_t i = 0; i < count; i++)
		if (fates[i] == QUEUE_HELD)
			fleet_list_number(&list, numbers[i]);
	fleet_call_text(&call, fleet_list_end(&list));
	if (change == QUEUE_SKIP)
		fleet_call_bool(&call, asks);
	int rc = list.failed ? err_set(err, ERR_INTERNAL, "out of memory")
			     : fleet_tools_ask(t, &call, &a, err);
	*held = 0;
	for (size_t i = 0; rc == 0 && i < count && row < fleet_answer_rows(a); i++)
		if (fates[i] == QUEUE_HELD) {
			fates[i] = fate_of(fleet_answer_text(a, row++, 1));
			*held += fates[i] == QUEUE_HELD;
		}
	fleet_list_release(&list);
	return rc;
}

/* Where it fails, what was not changed for sure is not told. */
static int carry_out(struct fleet_tools *t, enum queue_change change, const int64_t *numbers,
		     size_t count, void (*told)(void *arg, int64_t number, enum queue_fate fate),
		     void *arg, struct err *err)
{
	enum queue_fate fates[SLICE];
	int64_t until = clock_system.mono(&clock_system) + PATIENCE;
	bool last = change != QUEUE_SKIP;
	size_t held;
	for (size_t i = 0; i < count; i++)
		fates[i] = QUEUE_HELD;
	int rc = step(t, change, !last, numbers, fates, count, &held, err);
	while (rc == 0 && held && !last) {
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE * 1000 * 1000 }, NULL);
		last = clock_system.mono(&clock_system) >= until;
		rc = step(t, change, !last, numbers, fates, count, &held, err);
	}
	for (size_t i = 0; told && i < count; i++)
		if (rc == 0 || fates[i] != QUEUE_HELD)
			told(arg, numbers[i], fates[i]);
	return rc;
}

int fleet_tools_many(struct queue *q, struct queue_many *m, int64_t until,
		     void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
		     struct err *err)
{
	struct fleet_tools *t = fleet_tools_of(q);
	struct buf found;
	(void)until; /* nobody waits for a tool */
	if (!m->all) {
		size_t n = m->count < SLICE ? m->count : SLICE;
		if (n && carry_out(t, m->change, m->numbers, n, told, arg, err))
			return -1;
		m->numbers += n;
		m->count -= n;
		return m->count > 0;
	}
	buf_init(&found, SIZE_MAX / 2);
	int rc = (m->to == 0 && last_of_all(t, m, err)) || range(t, m, &found, err) ? -1 : 0;
	const int64_t *numbers = (const int64_t *)(const void *)found.data;
	size_t n = found.len / sizeof *numbers;
	if (rc == 0 && n)
		rc = carry_out(t, m->change, numbers, n, told, arg, err);
	if (rc == 0 && n)
		m->from = numbers[n - 1] + 1;
	buf_release(&found);
	return rc ? -1 : n == SLICE;
}

int fleet_tools_push(struct queue *q, const struct queue_push *push, int64_t *number,
		     struct err *err)
{
	struct fleet_call call = {
		.sql = "SELECT @S@.push($1, $2, $3, $4, '', $5, (-1)::smallint, $6)"
	};
	const struct fleet_answer *a;
	struct buf keys;
	buf_init(&keys, SIZE_MAX / 4);
	int rc = fleet_keys_add(&keys, push->keys) ? err_set(err, ERR_INTERNAL, "out of memory")
						   : 0;
	fleet_call_bool(&call, push->elapsed);
	fleet_call_number(&call, push->due);
	fleet_call_text(&call, push->kind);
	fleet_call_text(&call, buf_str(&keys));
	fleet_call_bool(&call, push->pinned);
	fleet_call_bytes(&call, push->body, push->length);
	rc = rc || fleet_tools_ask(fleet_tools_of(q), &call, &a, err) ? -1 : 0;
	buf_release(&keys);
	if (rc == 0)
		*number = fleet_answer_number(a, 0, 0);
	return rc;
}

int fleet_tools_cancel(struct queue *q, const struct fleet_tools_cancel *what, struct err *err)
{
	struct fleet_call call = { .sql = "SELECT @S@.cancel($1, $2, $3, '{}')" };
	struct fleet_list numbers, keys, chats;
	char chat[32];
	int rc;
	fleet_list_init(&numbers);
	fleet_list_init(&keys);
	fleet_list_init(&chats);
	for (size_t i = 0; i < what->count; i++)
		fleet_list_number(&numbers, what->numbers[i]);
	for (size_t i = 0; what->keys && i < what->keys->count; i++)
		fleet_list_keys(&keys, what->keys->items[i], strlen(what->keys->items[i]));
	if (what->chat) {
		snprintf(chat, sizeof chat, "chat:%" PRId64, *what->chat);
		fleet_list_text(&chats, chat);
	}
	fleet_call_text(&call, fleet_list_end(&numbers));
	fleet_call_text(&call, fleet_list_end(&keys));
	fleet_call_text(&call, fleet_list_end(&chats));
	if (numbers.failed || keys.failed || chats.failed)
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	else
		rc = fleet_tools_ask(fleet_tools_of(q), &call, NULL, err);
	fleet_list_release(&numbers);
	fleet_list_release(&keys);
	fleet_list_release(&chats);
	return rc;
}
