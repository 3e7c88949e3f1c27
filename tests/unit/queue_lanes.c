/* tests/unit/queue_lanes: lanes, batches, what is told of the queue and taken out of it, and
 * sources that are files, over each opener. */
#include "tests/unit/queue_rig.h"

static int put_in(struct queue *q, int64_t id, unsigned lane, const char *keys, const char *body)
{
	struct queue_put p = { .root = "https://r",
			       .has_id = true,
			       .update_id = id,
			       .kind = "message",
			       .keys = keys,
			       .lane = lane,
			       .body = body,
			       .length = strlen(body) };
	return queue_put(q, &p, 1, "https://r", id + 1, &result, NULL);
}

static const char *claim_in(struct queue *q, uint64_t of)
{
	return queue_claim(q, of, &last, NULL) == 1 ? last->body : "";
}

static void settle(struct queue *q, struct claim *c)
{
	queue_done(q, c);
	claim_free(c);
}

static void lanes(void)
{
	struct queue *q = start();
	int64_t oldest;
	put_in(q, 1, 0, "chat:1", "{a}"), put_in(q, 2, 63, "chat:1", "{b}"),
		put_in(q, 3, 7, "", "{c}"), put_in(q, 4, 7, "", "{d}");
	pass(30);
	ok(queue_ready(q, 7, &oldest) == 2 && oldest == 30,
	   "two of a lane have their turn, the first for 30 ms");
	ok(queue_ready(q, 63, &oldest) == 0 && oldest == 0 && queue_waiting(q, 63) == 1,
	   "the one of another waits for its chat");
	is_num(queue_next_due(q, 1), 0, "something of lane 0 can be claimed now");
	is_num(queue_next_due(q, 2), -1, "of lane 1 nothing will");
	crash(q);
	q = start();
	IS(claim_in(q, 1 << 7), "{c}",
	   "lanes are kept across a restart, and an update without keys passes all others");
	is_num(last->lane, 7, "its claim names its lane");
	settle(q, last);
	IS(claim_in(q, UINT64_C(1) << 63), "",
	   "an update waits for its chat, whatever the lane of the one before it");
	IS(claim_in(q, 1), "{a}", "that one");
	settle(q, last);
	IS(claim_in(q, UINT64_C(1) << 63), "{b}", "then it is handed out");
	queue_dead(q, last, "bad", "");
	claim_free(last);
	queue_flush(q, NULL);
	crash(q);
	key_spec = "chat, all to lane 5";
	lane_now = 5;
	q = start();
	IS(claim_in(q, ~(UINT64_C(1) << 5)), "",
	   "after the routes changed, what waits has new lanes");
	IS(claim_in(q, 1 << 5), "{d}", "in which it is found");
	settle(q, last);
	int64_t number = 0;
	sscanf(dead(q, 0), "[%" SCNd64, &number);
	lane_now = 6;
	is_num(change_one(q, QUEUE_RETRY, number, NULL), 1, "a dead letter is retried");
	IS(claim_in(q, 1 << 6), "{b}", "in the lane that is right by now");
	queue_dead(q, last, "bad", "");
	claim_free(last);
	queue_flush(q, NULL);
	crash(q);

	/* The tool works on the store without knowing keys or routes. */
	routes_known = false;
	q = start();
	sscanf(dead(q, 0), "[%" SCNd64, &number);
	is_num(change_one(q, QUEUE_RETRY, number, NULL), 1,
	       "it is retried by one that knows no routes");
	queue_close(q, NULL);
	routes_known = true;
	keys_now = "new:1";
	q = start();
	IS(claim_in(q, 1 << 6), "{b}", "the next start knows its lane");
	IS(last->keys, "new:1", "and its keys");
	claim_free(last);
	key_spec = "chat";
	keys_now = "";
	lane_now = 0;
	finish_test(q);
}

enum { BATCH = 10 };

/* Claims all that may form a batch, and gives their bodies in one text. */
static const char *form(struct queue *q, struct claim **batch, size_t *n)
{
	static char text[200];
	*n = 0;
	text[0] = '\0';
	int rc = queue_claim(q, QUEUE_ALL_LANES, &batch[0], NULL);
	while (rc == 1 && *n < BATCH - 1) {
		strcat(text, batch[(*n)++]->body);
		rc = queue_claim_joining(q, batch, *n, &batch[*n], NULL);
	}
	return rc < 0 ? "!" : text;
}

static void batches(void)
{
	struct claim *batch[BATCH], *none;
	size_t n;
	struct queue *q = start();
	put(q, 1, "a", "1"), put(q, 2, "a", "2"), put(q, 3, "b", "3"), put(q, 4, "a b", "4"),
		put_in(q, 5, 1, "b", "5"), put(q, 6, "b", "6");
	IS(form(q, batch, &n), "1324",
	   "a batch has what is ready and what follows it, up to another lane's");
	is_num(queue_claim_joining(q, batch, 0, &none, NULL), 0, "nothing joins an empty batch");
	ok(queue_flush(q, NULL) == 0 && !queue_dirty(q), "all starts are written at once");
	crash(q);
	for (int i = 0; i < 4; i++)
		claim_free(batch[i]);
	q = start();
	pass(1000);
	IS(form(q, batch, &n), "1324", "after a death it forms again");
	ok(batch[0]->deaths == 1 && batch[3]->deaths == 1 && batch[3]->redelivered,
	   "and each of it was charged");
	queue_flush(q, NULL);
	queue_retry(q, batch[0], 1000, "exit 75");
	settle(q, batch[1]), settle(q, batch[2]);
	IS(claim(q), "", "while one of it runs, what shares its keys waits");
	settle(q, batch[3]);
	claim_free(batch[0]);
	is_num(queue_flush(q, NULL), 0, "a batch is settled one by one, in order");
	is_counts(q, 3, 0, 0, "one is left of it");
	IS(form(q, batch, &n), "5", "the chat of those that ended goes on");
	settle(q, batch[0]);
	IS(form(q, batch, &n), "6", "in order");
	settle(q, batch[0]);
	IS(claim(q), "", "the one that is retried waits for its time");
	pass(1000);
	IS(form(q, batch, &n), "1", "then it comes up");
	ok(batch[0]->failures == 1, "with its failure");
	settle(q, batch[0]);
	finish_test(q);

	q = start();
	put(q, 1, "a", "1"), put(q, 2, "a", "2"), put(q, 3, "b", "3");
	form(q, batch, &n);
	for (size_t i = 0; i < n; i++) {
		queue_release(q, batch[i],
			      &(struct queue_release){ .why = RELEASE_SHARED, .started = true });
		claim_free(batch[i]);
	}
	IS(form(q, batch, &n), "1", "what is given back to run alone");
	ok(batch[0]->solo && batch[0]->redelivered && !batch[0]->failures, "is handed out as such");
	settle(q, batch[0]);
	IS(form(q, batch, &n), "2", "each by itself, in its place");
	queue_retry(q, batch[0], 0, "exit 75");
	claim_free(batch[0]);
	IS(form(q, batch, &n), "2", "after a failure of its own it is one like others");
	ok(!batch[0]->solo, "not alone any more");
	settle(q, batch[0]);
	queue_flush(q, NULL);
	crash(q);
	q = start();
	claim(q);
	ok(!last->solo, "a restart forgets who was to run alone");
	settle(q, last);
	finish_test(q);
}

static char listed[1000];
static int listed_max;

static int list_item(void *arg, const struct queue_item *item)
{
	static const char *const names[] = { "ready", "running", "behind", "delayed" };
	int64_t *next = arg;
	*next = item->seq + 1;
	sprintf(listed + strlen(listed), "[%d %d %s %s %u %s", (int)item->seq,
		item->has_id ? (int)item->update_id : -1, item->kind, item->keys, item->lane,
		names[item->state]);
	if (item->state == QUEUE_DELAYED)
		sprintf(listed + strlen(listed), " in %d", (int)(item->due - wall_now));
	sprintf(listed + strlen(listed), " %d %d %.*s]", item->failures, item->deaths,
		(int)item->length, item->body ? item->body : "");
	return --listed_max == 0;
}

static const char *list(struct queue *q, int64_t *from, int max)
{
	int64_t next = *from;
	listed[0] = '\0';
	listed_max = max;
	int rc = queue_each(q, *from, list_item, &next, NULL);
	*from = next;
	sprintf(listed + strlen(listed), "%d", rc);
	return listed;
}

static void inspection(void)
{
	struct queue *q = start();
	int64_t from = 0;
	int slices = 0;
	put(q, 11, "a", "{1}"), put(q, 12, "a", "{2}"), put_in(q, 13, 3, "b", "{3}"),
		put(q, 14, "c", "{4}"), put(q, 15, "a c", "{5}");
	claim(q);
	struct claim *first = last;
	claim(q);
	queue_retry(q, last, 5000, "exit 75");
	claim_free(last);
	IS(list(q, &from, 3),
	   "[1 11 message a 0 running 0 0 ][2 12 message a 0 behind 0 0 ][3 13 message b 3 delayed in 5000 1 0 ]1",
	   "what is unfinished is told in order, as far as one asks");
	IS(list(q, &from, 3), "[4 14 message c 0 ready 0 0 ][5 15 message a c 0 behind 0 0 ]0",
	   "and then the rest");
	listed[0] = '\0';
	is_num(queue_show(q, 4, list_item, &from, NULL), 1, "one is shown");
	IS(listed, "[4 14 message c 0 ready 0 0 {4}]", "with its bytes");
	ok(queue_show(q, 6, list_item, &from, NULL) == 0 &&
		   queue_show(q, 0, list_item, &from, NULL) == 0,
	   "another is not there");
	is_num(change_one(q, QUEUE_SKIP, 1, NULL), 2, "what runs is not skipped");
	is_num(change_one(q, QUEUE_SKIP, 99, NULL), 0, "nor what is not there");
	is_num(change_one(q, QUEUE_SKIP, 2, NULL), 1, "what waits is");
	is_num(change_one(q, QUEUE_SKIP, 2, NULL), 0, "once");
	put(q, 12, "a", "{2}");
	is_num((int64_t)result.repeated, 1, "its repeat is recognised");
	settle(q, first);
	from = 0;
	IS(list(q, &from, 9),
	   "[3 13 message b 3 delayed in 5000 1 0 ][4 14 message c 0 ready 0 0 ][5 15 message a c 0 behind 0 0 ]0",
	   "what was settled is not told, though it is not written yet");
	front.how = FAILS;
	struct err err = { 0 };
	ok(change_one(q, QUEUE_SKIP, 4, &err) == -1 && err.status == ERR_IO,
	   "on a disk that fails, skipping says so");
	front.how = WORKS;
	queue_flush(q, NULL);
	is_counts(q, 3, 0, 0, "and does nothing");
	IS(claim(q), "{4}", "what was ready is handed out");
	is_num(change_one(q, QUEUE_SKIP, 5, NULL), 1, "what is behind it is skipped");
	crash(q);
	claim_free(last);
	q = start();
	is_counts(q, 2, 0, 0, "what was skipped stays so after a kill");
	put(q, 16, "b", "{6}");
	pass(1000);
	IS(claim(q), "{4}", "what ran then is handed out again");
	is_num(change_all(q, QUEUE_SKIP, &slices, NULL), 2, "all that waits is cleared: two");
	is_counts(q, 0, 1, 0, "but not what runs");
	crash(q);
	claim_free(last);
	q = start();
	is_counts(q, 1, 0, 0, "nor after a kill");
	ok(change_all(q, QUEUE_SKIP, &slices, NULL) == 1 &&
		   change_all(q, QUEUE_SKIP, &slices, NULL) == 0,
	   "it can be cleared then");
	static char bodies[2500][8];
	static struct queue_put puts[2500];
	for (int i = 0; i < 2500; i++) {
		sprintf(bodies[i], "%d", i);
		puts[i] = (struct queue_put){ .kind = "",
					      .keys = i % 2 ? "a" : "b",
					      .body = bodies[i],
					      .length = strlen(bodies[i]) };
	}
	queue_put(q, puts, 2500, NULL, 0, NULL, NULL);
	claim(q);
	ok(change_all(q, QUEUE_SKIP, &slices, NULL) == 2499,
	   "a long queue is cleared, but for the one that runs");
	settle(q, last);
	put(q, 17, "b", "{7}");
	IS(claim(q), "{7}", "and goes on");
	settle(q, last);
	finish_test(q);
}

/* A file has a position, and its lines never repeat. */
static void files(void)
{
	struct queue *q = start();
	struct queue_put p[2] = { { .has_id = true,
				    .update_id = 1,
				    .kind = "",
				    .keys = "a",
				    .body = "x",
				    .length = 1 } };
	p[1] = p[0];
	ok(queue_put(q, p, 2, "file:8-123 odd 'name\"", 4711, &result, NULL) == 0 &&
		   result.taken == 2,
	   "equal lines of a source without a root are two updates");
	claim(q);
	done(q);
	queue_put(q, p, 2, "file:8-124", 5, &result, NULL);
	crash(q);
	q = start();
	is_num(queue_offset(q, "file:8-123 odd 'name\""), 4711,
	       "its position is kept, by any name");
	is_num(queue_offset(q, "file:8-124"), 5, "each by its own");
	is_counts(q, 3, 0, 0, "and none was taken for a repeat");
	queue_put(q, NULL, 0, "file:8-124", 6, &result, NULL);
	is_num(queue_offset(q, "file:8-124"), 6, "a position moves on without an update, too");
	claim(q);
	done(q);
	queue_put(q, p, 1, "file:8-124", 7, &result, NULL);
	is_num((int64_t)result.taken, 1, "nor is one that equals what was finished");
	finish_test(q);
}

static void tests(void)
{
	lanes();
	batches();
	inspection();
	files();
}

int main(void)
{
	return on_each(tests);
}
