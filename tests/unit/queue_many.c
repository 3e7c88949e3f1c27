/* tests/unit/queue_many: work on many letters and updates is done in slices: few transactions, none
 * longer than it may be, each of them whole. */
#include "tests/unit/queue_rig.h"

enum { MANY = 5000, SLICE = 5 };

static struct queue_put batch[MANY];

/* MANY updates, from `id` on, that wait for nobody, or letters. */
static void put_many(struct queue *q, int64_t id, const char *dead_)
{
	for (int i = 0; i < MANY; i++)
		batch[i] = (struct queue_put){ .root = "https://r",
					       .has_id = true,
					       .update_id = id + i,
					       .kind = "message",
					       .keys = "",
					       .body = "{}",
					       .length = 2,
					       .dead = dead_ };
	if (queue_put(q, batch, MANY, "https://r", id + MANY, &result, NULL))
		diag("cannot put");
}

/* A slice by a clock that goes on with each look at it: how long it took at most is kept in
 * *longest. */
static int slice(struct queue *q, struct queue_many *m, int64_t *changed, int64_t *longest)
{
	int64_t begun = mono_now;
	int rc = queue_many(q, m, begun + SLICE, count_fate, changed, NULL);
	*longest = mono_now - begun > *longest ? mono_now - begun : *longest;
	return rc;
}

static void slices(void)
{
	struct queue *q = start();
	struct queue_many retry = { .change = QUEUE_RETRY, .all = true },
			  drop = { .change = QUEUE_DROP, .all = true };
	int64_t changed = 0, longest = 0;
	int n = 1, claimed = 0;
	put_many(q, 1, "bad");
	front.applied = 0;
	mono_step = 1;
	while (slice(q, &retry, &changed, &longest) > 0 && n++ < MANY)
		if (*claim(q) == '{') {
			claimed++;
			queue_dead(q, last, "bad again", "");
			claim_free(last);
			front.applied--; /* which goes with the next slice */
		}
	mono_step = 0;
	ok(changed == MANY && longest <= 3 * SLICE,
	   "%s: %d letters are put again by slices of %d ms (%d, the longest %d ms)", backend, MANY,
	   SLICE, (int)changed, (int)longest);
	ok(claimed == n - 1, "%s: between two of them updates are handed out (%d, %d)", backend,
	   claimed, n);
	ok(front.applied <= n, "%s: a slice is one transaction (%d for %d)", backend, front.applied,
	   n);
	queue_flush(q, NULL);
	is_counts(q, MANY - claimed, 0, claimed,
		  "what died again meanwhile is not put again by the same command");
	int parts = 0;
	front.applied = 0;
	is_num(change_all(q, QUEUE_SKIP, &parts, NULL), MANY - claimed,
	       "all that waits is skipped");
	ok(front.applied <= parts && parts <= MANY / 250,
	   "%s: without haste in few transactions (%d, %d)", backend, parts, front.applied);
	is_num(queue_many(q, &drop, mono_now, count_fate, &changed, NULL), 1,
	       "time that is up is enough for one");
	is_counts(q, 0, 0, claimed - 1, "and for no more");
	finish_test(q);
}

static char fates[256];

static void note_fate(void *arg, int64_t number, enum queue_fate fate)
{
	(void)arg;
	sprintf(fates + strlen(fates), "%d%c ", (int)number,
		fate == QUEUE_CHANGED ? '+'
		: fate == QUEUE_RUNS  ? 'r'
				      : '-');
}

static const char *change(struct queue *q, enum queue_change how, const int64_t *numbers,
			  size_t count, int64_t until)
{
	struct queue_many m = { .change = how, .numbers = numbers, .count = count };
	fates[0] = '\0';
	int rc = queue_many(q, &m, until, note_fate, NULL, NULL);
	sprintf(fates + strlen(fates), "%d %d", rc, (int)m.count);
	return fates;
}

static void by_number(void)
{
	struct queue *q = start();
	for (int i = 1; i <= 4; i++)
		put_kind(q, i, "message", "chat:1", "{}", i < 3 ? "bad" : NULL);
	claim(q);
	IS(change(q, QUEUE_RETRY, (int64_t[]){ 2, 2, 9, 0, -1, 1 }, 6, INT64_MAX),
	   "2+ 2- 9- 0- -1- 1+ 0 0", "each number is told of, and done once");
	IS(change(q, QUEUE_SKIP, (int64_t[]){ 3, 4, 4, 5, 1 }, 5, INT64_MAX), "3r 4+ 4- 5+ 1- 0 0",
	   "so is each that is skipped, and what runs is let run");
	IS(change(q, QUEUE_SKIP, (int64_t[]){ 3, 6 }, 2, mono_now), "3r 1 1",
	   "what was not reached is left to be asked again");
	IS(change(q, QUEUE_SKIP, (int64_t[]){ 6 }, 1, mono_now), "6+ 0 0", "and is done then");
	IS(change(q, QUEUE_SKIP, NULL, 0, INT64_MAX), "0 0", "no numbers are no work");
	queue_release(q, last, &(struct queue_release){ .why = RELEASE_STOP, .started = true });
	claim_free(last);
	finish_test(q);
}

/* A disk that fails: nothing of the slice; one that lies: what was done is found. */
static void failures(void)
{
	struct queue *q = start();
	struct queue_many m = { .change = QUEUE_RETRY, .all = true };
	int64_t changed = 0;
	put_many(q, 1, "bad");
	front.how = FAILS;
	is_num(queue_many(q, &m, INT64_MAX, count_fate, &changed, NULL), -1,
	       "on a disk that fails a slice fails");
	front.how = WORKS;
	queue_flush(q, NULL);
	ok(changed == 0 && m.from == 0, "%s: nobody is told, and it can be asked again", backend);
	is_counts(q, 0, 0, MANY, "nothing of it was done");
	front.how = LIES;
	is_num(queue_many(q, &m, INT64_MAX, count_fate, &changed, NULL), -1,
	       "on one that says so and did it, too");
	front.how = WORKS;
	queue_flush(q, NULL);
	struct queue_counts c;
	queue_counts(q, &c);
	ok(c.dead < MANY && (int64_t)c.waiting + c.dead == MANY, "%s: no letter is lost (%zu, %d)",
	   backend, c.waiting, (int)c.dead);
	finish_test(q);
}

static void trimming(void)
{
	struct queue *q = start();
	int64_t dropped, sum = 0, longest = 0;
	int n = 0, rc;
	put_many(q, 1, "bad");
	is_num(queue_dead_trim(q, -1, -1, INT64_MAX, &dropped, NULL) + dropped, 0,
	       "all letters are kept");
	pass(1000);
	mono_step = 1;
	front.applied = 0;
	do {
		int64_t begun = mono_now;
		rc = queue_dead_trim(q, 10, -1, begun + SLICE, &dropped, NULL);
		longest = mono_now - begun > longest ? mono_now - begun : longest;
		sum += dropped;
	} while (rc > 0 && n++ < MANY);
	mono_step = 0;
	ok(rc == 0 && sum == MANY - 10 && longest <= SLICE + 2,
	   "%s: all but ten are dropped in slices (%d, %d ms)", backend, (int)sum, (int)longest);
	is_counts(q, 0, 0, 10, "ten are left");
	front.applied = 0;
	queue_dead_trim(q, 10, -1, INT64_MAX, &dropped, NULL);
	queue_dead_trim(q, -1, 2000, INT64_MAX, &dropped, NULL);
	ok(dropped == 0 && front.applied == 0,
	   "%s: what is young is kept, which costs no transaction", backend);
	pass(1500);
	put_kind(q, MANY + 1, "message", "", "{}", "bad");
	queue_dead_trim(q, -1, 2000, INT64_MAX, &dropped, NULL);
	is_num(dropped, 10, "when it has grown old, it is dropped");
	is_counts(q, 0, 0, 1, "and what died since is kept");
	queue_dead_trim(q, -1, 0, INT64_MAX, &dropped, NULL);
	is_counts(q, 0, 0, 0, "an age of nothing keeps none");
	put_kind(q, MANY + 2, "message", "", "{}", "bad");
	queue_dead_trim(q, -1, 0, INT64_MAX, &dropped, NULL);
	is_counts(q, 0, 0, 0, "not even of this very moment");
	finish_test(q);
}

/* A start: what all rows cost is one transaction, or none. */
static void starting(void)
{
	struct queue *q = start();
	put_many(q, 1, NULL);
	queue_close(q, NULL);
	front.applied = rekeyed = rekey_ends = 0;
	q = start();
	ok(q && front.applied + rekeyed == 0, "%s: a start with %d that wait writes nothing",
	   backend, MANY);
	queue_close(q, NULL);
	key_spec = "other";
	q = start();
	key_spec = "chat";
	ok(rekeyed == MANY && rekey_ends == 1 && front.applied == 1,
	   "%s: new keys for all are one transaction, and their rule another (%d, %d, %d)", backend,
	   rekeyed, rekey_ends, front.applied);
	is_counts(q, MANY, 0, 0, "and all of them wait");
	finish_test(q);
}

static void tests(void)
{
	starting();
	slices();
	by_number();
	failures();
	trimming();
}

int main(void)
{
	return on_each(tests);
}
