/* tests/unit/queue: the queue over each of its openers: what it takes, keeps, hands out and buries,
 * also when the disk fails. */
#include <errno.h>

#include "queue/sharing.h"
#include "tests/unit/queue_rig.h"

static void plain(void)
{
	struct queue *q = start();
	struct queue_counts c;
	put(q, 10, "chat:1", "{a}"), put(q, 11, "chat:1", "{b}"), put(q, 12, "chat:2", "{c}");
	is_counts(q, 3, 0, 0, "three wait");
	IS(claim(q), "{a}", "the first is handed out first");
	IS(last->keys, "chat:1", "with its keys");
	is_num(last->arrived, wall_now, "and the time at which it arrived");
	ok(!last->redelivered && !last->failures && !last->expired, "it is fresh");
	ok(queue_dirty(q), "its start waits to be written");
	struct claim *first = last;
	IS(claim(q), "{c}", "the other chat goes on meanwhile");
	struct claim *second = last;
	IS(claim(q), "", "the first chat does not");
	queue_done(q, first);
	claim_free(first);
	IS(claim(q), "{b}", "when it is done, the next of the chat comes up");
	is_num(queue_offset(q, "https://r"), 13, "the offset is remembered");
	is_num(queue_offset(q, "https://other"), 0, "for its root only");
	put(q, 13, "", "{d}"), put(q, 14, "", "{e}"), put(q, 15, "", "{f}");
	queue_counts(q, &c);
	ok(c.full, "the backlog is reached, and what passes it was taken");
	struct buf out;
	buf_init(&out, 100);
	queue_meta_set(q, "x", "1"), queue_meta_set(q, "x", "2");
	queue_meta_get(q, "x", &out, NULL);
	IS(buf_str(&out), "2", "a named value can be read before it is written");
	queue_flush(q, NULL);
	queue_meta_get(q, "x", &out, NULL);
	IS(buf_str(&out), "2", "and after");
	queue_meta_get(q, "y", &out, NULL);
	IS(buf_str(&out), "", "one that was never set is empty");
	buf_release(&out);
	claim_free(second);
	claim_free(last);
	finish_test(q);
}

static void repeats(void)
{
	struct queue *q = start();
	struct queue_put twice[2] = { { .root = "r",
					.has_id = true,
					.update_id = 1,
					.kind = "",
					.keys = "",
					.body = "x",
					.length = 1 } };
	twice[1] = twice[0];
	queue_put(q, twice, 2, NULL, 0, &result, NULL);
	ok(result.taken == 1 && result.repeated == 1, "a repeat inside one batch is recognised");
	queue_put(q, twice, 1, NULL, 0, &result, NULL);
	ok(result.taken == 0 && result.repeated == 1, "a repeat of what waits is recognised");
	claim(q);
	is_num(last->update_id, 1, "a claim has the update's id");
	done(q);
	queue_put(q, twice, 1, NULL, 0, &result, NULL);
	is_num((int64_t)result.repeated, 1,
	       "a repeat of what was finished is recognised while it may come");
	twice[1].body = "y";
	queue_put(q, twice + 1, 1, NULL, 0, &result, NULL);
	is_num((int64_t)result.taken, 1, "the same id with other bytes is no repeat");
	twice[1].root = "other";
	queue_put(q, twice + 1, 1, NULL, 0, &result, NULL);
	is_num((int64_t)result.taken, 1, "nor are the same id and bytes of another root");
	twice[1].root = NULL;
	queue_put(q, twice + 1, 1, NULL, 0, &result, NULL);
	queue_put(q, twice + 1, 1, NULL, 0, &result, NULL);
	is_num((int64_t)result.taken, 1, "a source without a root never repeats");
	queue_confirmed(q, "r", 1);
	queue_flush(q, NULL);
	queue_put(q, twice, 1, NULL, 0, &result, NULL);
	is_num((int64_t)result.repeated, 1,
	       "an offset that does not pass an id keeps what recognises it");
	queue_confirmed(q, "r", 2);
	queue_flush(q, NULL);
	queue_put(q, twice, 1, NULL, 0, &result, NULL);
	is_num((int64_t)result.taken, 1, "one that does lets go of it");
	finish_test(q);

	q = start();
	put(q, 1000, "", "high");
	queue_confirmed(q, "https://r", 2000);
	put(q, 5, "", "low");
	is_num((int64_t)result.taken, 1, "an id lower than all before is taken");
	is_num(queue_offset(q, "https://r"), 6, "and the offset goes down with it");
	claim(q), done(q), claim(q), done(q);
	put(q, 5, "", "low");
	is_num((int64_t)result.repeated, 1,
	       "it is recognised though its id is below an offset that was confirmed before it came");
	put(q, 1000, "", "high");
	is_num((int64_t)result.taken, 1, "what was put before that is not");
	finish_test(q);

	q = start();
	int again = 0;
	for (int id = 1; id < 8; id += 2) {
		put(q, id, "", "x"), put(q, id + 1, "", "x");
		claim(q), done(q), claim(q), done(q);
		queue_confirmed(q, "https://r", id + 2);
		queue_flush(q, NULL);
	}
	for (int id = 1; id <= 8; id++) {
		put(q, id, "", "x");
		again += (int)result.taken;
	}
	is_num(again, 8,
	       "each offset lets go of what it passes, also where ids and tgrun's own numbers go side by side");
	finish_test(q);

	q = start();
	put(q, 7, "", "waits"), put(q, 6, "", "too");
	crash(q);
	q = start();
	put(q, 7, "", "waits");
	is_num((int64_t)result.repeated, 1,
	       "after a restart the repeat of what waits is recognised");
	put(q, 6, "", "too");
	is_num((int64_t)result.repeated, 1, "also of what has not the highest id");
	put(q, 9, "", "new");
	is_num((int64_t)result.taken, 1, "and what is new is taken");
	finish_test(q);
}

static void retries(void)
{
	struct queue *q = start();
	put(q, 1, "chat:1", "{a}"), put(q, 2, "chat:1", "{b}");
	claim(q);
	queue_retry(q, last, 4000, "exit 75");
	claim_free(last);
	is_num(queue_next_due(q, QUEUE_ALL_LANES), 4000, "a retry comes up after its delay");
	pass(3999);
	IS(claim(q), "", "not before");
	crash(q);
	q = start();
	IS(claim(q), "{a}", "an outcome that was not flushed is as if it had not been");
	queue_flush(q, NULL);
	queue_retry(q, last, 4000, "exit 75");
	claim_free(last);
	queue_flush(q, NULL);
	crash(q);
	q = start();
	is_num(queue_next_due(q, QUEUE_ALL_LANES), 4000,
	       "a flushed retry keeps its time across a restart");
	pass(1000);
	finish_test(q);

	q = start();
	put(q, 1, "chat:1", "{a}"), put(q, 2, "chat:1", "{b}");
	claim(q);
	queue_flush(q, NULL);
	queue_retry(q, last, 60000, "exit 75");
	claim_free(last);
	queue_flush(q, NULL);
	crash(q);
	wall_now -= 86400000;
	q = start();
	ok(queue_next_due(q, QUEUE_ALL_LANES) > 0 && queue_next_due(q, QUEUE_ALL_LANES) <= 330000,
	   "a wall clock that was set back by a day delays a retry by minutes only");
	wall_now += 86400000;
	crash(q);
	q = start();
	pass(60000);
	IS(claim(q), "{a}", "the retry comes before the later one of its chat");
	ok(last->failures == 1 && last->redelivered, "it is the second attempt");
	queue_release(q, last, &(struct queue_release){ .why = RELEASE_NO_START });
	claim_free(last);
	IS(claim(q), "{a}", "what could not be started comes up at once");
	ok(last->failures == 1 && last->redelivered, "and nothing was counted");
	queue_release(q, last,
		      &(struct queue_release){
			      .why = RELEASE_STOP, .started = true, .delay = 500 });
	claim_free(last);
	is_num(queue_next_due(q, QUEUE_ALL_LANES), 500, "an interrupted one may be delayed");
	pass(500);
	claim(q);
	queue_dead(q, last, "exit 1", "oops");
	claim_free(last);
	IS(dead(q, 0), "[1 message chat:1 2 exit 1 oops {a}]",
	   "a dead letter keeps its story, without what was not counted");
	IS(claim(q), "{b}", "and lets its chat go on");
	ok(!last->redelivered, "which was never started");
	queue_release(q, last, &(struct queue_release){ .why = RELEASE_NO_START });
	claim_free(last);
	IS(claim(q), "{b}", "again");
	ok(!last->redelivered, "what could not be started is as if it had never been handed out");
	done(q);
	is_counts(q, 0, 0, 1, "one letter is left");
	finish_test(q);
}

static void deaths(void)
{
	struct queue *q = start();
	put(q, 1, "chat:1", "{poison}"), put(q, 2, "chat:2", "{good}");
	IS(claim(q), "{poison}", "the poison runs");
	claim_free(last);
	crash(q);
	q = start();
	claim(q);
	is_num(last->deaths, 0, "a start that was not written does not count as a death");
	for (int death = 1; death < 5; death++) {
		queue_flush(q, NULL);
		claim_free(last);
		crash(q);
		q = start();
		IS(claim(q), "{good}", "after a death the other chat goes on");
		struct claim *good = last;
		is_num(queue_next_due(q, QUEUE_ALL_LANES), 1000 << (death - 1),
		       "while it pauses, longer each time");
		pass(1000 << (death - 1));
		IS(claim(q), death < 2 ? "{poison}" : "",
		   death < 2 ? "then it runs with others" : "then it waits to run alone");
		queue_release(q, good, &(struct queue_release){ .why = RELEASE_NO_START });
		claim_free(good);
		if (death >= 2) {
			IS(claim(q), "{poison}", "which it does before all others");
			struct claim *more;
			is_num(queue_claim(q, QUEUE_ALL_LANES, &more, NULL), 0,
			       "and nothing is handed out beside it");
		}
		ok(last->deaths == death && last->redelivered, "%s: death %d is counted", backend,
		   death);
	}
	queue_flush(q, NULL);
	claim_free(last);
	crash(q);
	q = start();
	IS(dead(q, 0),
	   "[1 message chat:1 5 given up after 5 deaths, at last: tgrun died while it ran  {poison}]",
	   "the fifth death makes it a dead letter");
	IS(claim(q), "{good}", "the other goes on");
	is_num(last->deaths, 0, "and was charged nothing");
	done(q);
	finish_test(q);
}

/* What the queue says when the sync that is on its way has ended. */
static int durable_after(struct queue *q, struct err *err)
{
	for (int before = changes; changes == before;)
		loop_turn(loop, 1000);
	return queue_durable(q, false, err);
}

static void syncs(void)
{
	struct err err = { 0 };
	struct queue *q;
	int ends[2], applied;
	changes = 0;
	loop = loop_new(&err);
	q = start();
	put(q, 1, "a", "{a}");
	is_num(queue_durable(q, false, NULL), opener->answers_later,
	       "what was put is to be synced, or the store does it itself");
	if (!opener->answers_later) {
		is_num(queue_durable(q, false, NULL), 0, "then all is durable");
		goto out;
	}
	is_num(queue_durable(q, false, NULL), 1, "while a sync is on its way, that is said");
	applied = front.applied;
	is_num(queue_durable(q, true, NULL), 0, "who cannot wait for it has all written out");
	is_num(front.applied, applied + 1, "by the store");
	is_num(durable_after(q, &err), 0, "then all is durable");
	put(q, 2, "b", "{b}");
	is_num(queue_durable(q, false, NULL), 1, "what came since is synced by the next");
	put(q, 3, "c", "{c}");
	is_num(durable_after(q, &err), 1, "what came while that was under way, by one more");
	is_num(durable_after(q, &err), 0, "then all is durable again");
	applied = front.applied;
	is_num(queue_durable(q, true, NULL), 0, "who waits");
	is_num(front.applied, applied, "has nothing to wait for");
	if (pipe2(ends, O_CLOEXEC))
		exit(1);
	front.sync_fd = ends[0];
	put(q, 4, "d", "{d}");
	is_num(queue_durable(q, false, NULL), 1, "a sync that will fail begins as any other");
	is_num(durable_after(q, &err), -1, "when it has failed, that is said");
	is_str(err.text, "the database cannot be synced: Invalid argument", "with the reason");
	front.sync_fd = -1;
	close(ends[0]), close(ends[1]);
	is_num(queue_durable(q, false, NULL), 1, "once: the next question begins another");
	put(q, 5, "e", "{e}");
out:
	finish_test(q); /* while one is under way */
	loop_free(loop);
	loop = NULL;
}

static void marks(void)
{
	struct queue *q = start();
	put(q, 1, "a", "{a}"), put(q, 2, "b", "{b}");
	claim(q);
	struct claim *first = last;
	ok(!queue_marked(q, first), "a start is not on disk when its update is handed out");
	front.how = FAILS;
	is_num(queue_flush(q, NULL), -1, "nor when writing it fails");
	ok(!queue_marked(q, first), "which is said");
	front.how = WORKS;
	is_num(queue_flush(q, NULL), 0, "a flush that works");
	ok(queue_marked(q, first), "puts it there");
	claim(q);
	ok(queue_marked(q, first) && !queue_marked(q, last), "each claim has a mark of its own");
	put(q, 3, "c", "{c}");
	ok(queue_marked(q, last), "a batch that is stored takes it along");
	queue_done(q, first);
	claim_free(first);
	claim_free(last);
	finish_test(q);
}

static void closing(void)
{
	struct queue *q = start();
	put(q, 1, "a", "{a}"), put(q, 2, "b", "{b}");
	claim(q);
	claim_free(last);
	claim(q);
	queue_flush(q, NULL);
	ok(queue_close(q, NULL) == 0, "a queue with claims closes");
	claim_free(last);
	q = start();
	claim(q);
	ok(last->deaths == 0 && last->redelivered,
	   "what ran at the end is handed out again, and no death is counted");
	claim_free(last);
	queue_flush(q, NULL);
	crash(q);
	q = start();
	crash(q);
	q = start();
	pass(2000);
	IS(claim(q), "{b}", "which comes up behind the other now");
	claim_free(last);
	IS(claim(q), "{a}", "for it paused, now the second time that it is not charged");
	ok(last->deaths == 1 && last->redelivered,
	   "a start after which nothing was handed out counts no second death");
	claim_free(last);
	finish_test(q);
}

static void ages(void)
{
	struct queue *q = start();
	put_kind(q, 1, "callback_query", "a", "{q}", NULL),
		put_kind(q, 2, "callback_query", "a", "{r}", NULL);
	pass(149999);
	IS(claim(q), "{q}", "an update is handed out while it is answerable");
	ok(!last->expired, "as such");
	pass(1);
	done(q);
	IS(claim(q), "{r}", "one whose time is over, too");
	ok(last->expired, "as expired");
	claim_free(last);
	crash(q);
	wall_now += 3600000;
	mono_now = 5; /* the machine was started anew */
	q = start();
	claim(q);
	ok(last->expired, "its age counts across a restart");
	queue_dead(q, last, "x", "");
	claim_free(last);
	is_num(change_one(q, QUEUE_RETRY, 2, NULL), 1, "a dead letter can be retried");
	IS(claim(q), "{r}", "it is an update again");
	ok(!last->expired && last->failures == 0 && last->seq > 2,
	   "behind all others, with fresh counts and no age limit");
	claim_free(last);
	crash(q);
	q = start();
	claim(q);
	ok(!last->expired, "and has none after a restart either");
	claim_free(last);
	crash(q);
	wall_now -= 7200000;
	q = start();
	put_kind(q, 3, "callback_query", "b", "{s}", NULL);
	wall_now -= 86400000;
	crash(q);
	q = start();
	claim(q);
	claim_free(last);
	claim(q);
	ok(!last->expired, "a clock that was set back makes nothing older");
	claim_free(last);
	finish_test(q);
	wall_now = 1700000000000;
}

static void letters_of(void)
{
	struct queue *q = start();
	int64_t dropped;
	put_kind(q, 1, "", "", "garbage", "not an object");
	ok(result.dead == 1 && result.taken == 0, "an update can be put as a dead letter");
	put_kind(q, 1, "", "", "garbage", "not an object");
	is_num((int64_t)result.repeated, 1, "its repeat is recognised");
	IS(claim(q), "", "it is not handed out");
	for (int i = 2; i <= 5; i++) {
		pass(1000);
		put_kind(q, i, "message", "chat:1", "{}", "bad");
	}
	is_counts(q, 0, 0, 5, "there are five letters");
	IS(dead(q, 3), "[3 message chat:1 0 bad  {}]", "one is found by its number");
	IS(dead(q, 77), "", "another is not");
	is_num(change_one(q, QUEUE_DROP, 3, NULL), 1, "one is dropped");
	is_num(change_one(q, QUEUE_DROP, 3, NULL), 0, "once");
	is_num(change_one(q, QUEUE_RETRY, 3, NULL), 0, "then it cannot be retried");
	keys_now = "fresh:1";
	is_num(change_one(q, QUEUE_RETRY, 2, NULL), 1, "one is retried");
	keys_now = "";
	claim(q);
	IS(last->keys, "fresh:1", "with keys computed anew");
	done(q);
	is_counts(q, 0, 0, 3, "three are left");
	queue_dead_trim(q, 2, -1, INT64_MAX, &dropped, NULL);
	ok(dropped == 1 && strcmp(dead(q, 1), "") == 0 && *dead(q, 4),
	   "trimming to two drops the oldest");
	queue_dead_trim(q, -1, 500, INT64_MAX, &dropped, NULL);
	ok(dropped == 1 && strcmp(dead(q, 4), "") == 0 && *dead(q, 5),
	   "trimming by age drops what died before");
	queue_dead_trim(q, -1, -1, INT64_MAX, &dropped, NULL);
	is_num(dropped, 0, "trimming without limits drops nothing");
	queue_dead_trim(q, 0, -1, INT64_MAX, &dropped, NULL);
	is_counts(q, 0, 0, 0, "trimming to none drops all");
	finish_test(q);
}

static void tickets(void)
{
	struct queue *q = start();
	uint64_t before = queue_ticket(q);
	ok(queue_written(q, before), "of nothing, all is written");
	queue_meta_set(q, "x", "1");
	uint64_t first = queue_ticket(q);
	ok(!queue_written(q, first), "what is recorded is not written yet");
	front.how = FAILS;
	queue_flush(q, NULL);
	ok(!queue_written(q, first), "nor after a flush that fails");
	front.how = WORKS;
	queue_flush(q, NULL);
	ok(queue_written(q, first), "but after one that works");
	queue_meta_set(q, "x", "2");
	ok(queue_written(q, first) && queue_written(q, before), "and stays so");
	uint64_t second = queue_ticket(q);
	put(q, 1, "a", "{a}");
	ok(queue_written(q, second), "a put writes what was recorded before it");
	ok(!queue_shared(q), "the store is this machine's alone");
	finish_test(q);
}

static void failures(void)
{
	struct queue *q = start();
	struct err err = { 0 };
	put(q, 1, "a", "{a}"), put(q, 2, "b", "{b}"), put(q, 3, "a", "{c}");
	claim(q);
	queue_flush(q, NULL);
	front.how = FAILS;
	queue_done(q, last);
	claim_free(last);
	ok(queue_flush(q, &err) == -1 && err.status == ERR_IO && queue_dirty(q),
	   "a flush that fails says so, and keeps what it was about");
	IS(claim(q), "!", "meanwhile nothing is handed out");
	is_num(put(q, 4, "d", "{d}"), -1, "and nothing is taken");
	is_num(queue_durable(q, true, NULL), -1, "nor synced");
	front.how = WORKS;
	is_num(queue_flush(q, &err), 0, "the next flush writes it");
	ok(!queue_dirty(q), "then nothing is left to write");
	IS(claim(q), "{b}", "and it goes on");
	done(q);
	put(q, 4, "d", "{d}");
	is_num((int64_t)result.taken, 1, "what was not taken is no repeat");
	is_counts(q, 2, 0, 0, "two wait");
	front.how = LIES;
	is_num(put(q, 5, "e", "{e}"), -1, "a put that was done and said to have failed fails");
	claim(q);
	done(q);
	front.how = WORKS;
	is_num(queue_flush(q, NULL), 0, "after a flush that works");
	put(q, 5, "e", "{e}");
	is_num((int64_t)result.repeated, 1, "it is recognised");
	claim(q);
	IS(last->body, "{d}", "the one before it is handed out");
	done(q);
	IS(claim(q), "{e}", "and so is itself, once");
	queue_dead(q, last, "exit 1", "");
	claim_free(last);
	queue_flush(q, NULL);
	front.how = LIES;
	is_num(change_one(q, QUEUE_RETRY, 777, NULL), 0,
	       "a letter that is not there is not retried");
	int64_t number = 0;
	sscanf(dead(q, 0), "[%" SCNd64, &number);
	is_num(change_one(q, QUEUE_RETRY, number, &err), -1,
	       "a retry of a letter that was done and said to have failed fails");
	front.how = WORKS;
	queue_flush(q, NULL);
	is_counts(q, 1, 0, 0, "but the update is neither lost nor doubled");
	IS(claim(q), "{e}", "and is handed out");
	done(q);

	put(q, 6, "", "{f}");
	claim(q);
	queue_retry(q, last, 0, "again");
	claim_free(last);
	body_missing = 1;
	IS(claim(q), "", "an update whose bytes are missing is not handed out");
	body_missing = 0;
	ok(strstr(dead(q, 0), "its bytes are missing"), "it becomes a dead letter");
	finish_test(q);
}

/* Whether update `i`, whose body is filled up to `length`, is handed out as it was put. */
static bool comes(struct queue *q, int i, int length)
{
	char body[5000], key[20];
	snprintf(body, sizeof body, "{%0*d}", length - 2, i);
	snprintf(key, sizeof key, "k%d", i);
	bool well = strcmp(claim(q), body) == 0 && strcmp(last->keys, key) == 0 &&
		    last->update_id == i && last->length == strlen(body) &&
		    last->arrived == last->first && !last->redelivered;
	done(q);
	return well;
}

static void put_filled(struct queue *q, int i, int length)
{
	char body[5000], key[20];
	snprintf(body, sizeof body, "{%0*d}", length - 2, i);
	snprintf(key, sizeof key, "k%d", i);
	put(q, i, key, body);
}

static void bytes(void)
{
	enum { MANY = 1500 };
	struct queue *q = start();
	int wrong = 0;
	bodies_read = 0;
	for (int i = 0; i < 3; i++)
		put_filled(q, i, 300);
	ok(comes(q, 0, 300) && comes(q, 1, 300), "what was just put is handed out as it came");
	is_num(bodies_read, 0, "and is not read from the store for that");
	claim(q);
	queue_retry(q, last, 0, "again");
	claim_free(last);
	ok(strlen(claim(q)) == 300 && last->failures == 1 && bodies_read == 1,
	   "what is tried again is read");
	done(q);
	put_filled(q, 3, 4900);
	ok(comes(q, 3, 4900) && bodies_read == 2, "so is what is large");
	queue_set_backlog(q, MANY);
	for (int i = 0; i < MANY; i++)
		put_filled(q, 10 + i, 20 + i % 9);
	for (int i = 0; i < MANY; i++)
		wrong += !comes(q, 10 + i, 20 + i % 9);
	is_num(wrong, 0, "a long queue comes in order, as it came");
	ok(bodies_read > 2, "and most of it is read");
	finish_test(q);
}

static void syncs_when_needed(void)
{
	struct queue *q = start();
	queue_durable(q, true, NULL);
	int before = front.applied;
	queue_durable(q, true, NULL);
	is_num(front.applied - before, 0, "a sync with nothing new writes nothing");
	put(q, 1, "", "{a}");
	before = front.applied;
	is_num(queue_durable(q, true, NULL), 0, "after a put it works");
	is_num(front.applied - before, 1, "and writes once");
	queue_confirmed(q, "r", 5);
	queue_flush(q, NULL);
	queue_confirmed(q, "r", 5);
	ok(!queue_dirty(q), "an idle source that says the same again makes nothing to write");
	finish_test(q);
}

static void rekeying(void)
{
	struct queue *q = start();
	put(q, 1, "a", "{a}"), put(q, 2, "b", "{b}");
	crash(q);
	key_spec = "user";
	keys_now = "same";
	q = start();
	claim(q);
	IS(last->keys, "same", "after --key changed, what waits has new keys");
	claim_free(last);
	IS(claim(q), "", "which it waits by");
	crash(q);
	keys_now = "never";
	q = start();
	claim(q);
	IS(last->keys, "same", "they are computed once");
	claim_free(last);
	key_spec = "chat";
	keys_now = "";
	finish_test(q);
}

static void tests(void)
{
	plain();
	repeats();
	retries();
	deaths();
	syncs();
	marks();
	closing();
	ages();
	letters_of();
	failures();
	tickets();
	bytes();
	syncs_when_needed();
	rekeying();
}

int main(void)
{
	return on_each(tests);
}
