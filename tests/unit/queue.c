/* tests/unit/queue: the local queue over both stores, with a clock of its own and a store that fails when told to. */
#include <fcntl.h>
#include <unistd.h>

#include "base/list.h"
#include "queue/queue.h"
#include "tests/tap.h"

/* ---- a clock, a directory, a store that fails ---- */

static int64_t mono_now = 1000, wall_now = 1700000000000;

static int64_t fake_mono(const struct clock *c)
{
	(void)c;
	return mono_now;
}

static int64_t fake_wall(const struct clock *c)
{
	(void)c;
	return wall_now;
}

static const struct clock fake_clock = { fake_mono, fake_wall };

static void pass(int64_t ms)
{
	mono_now += ms;
	wall_now += ms;
}

static const char *backend;
static char dir[] = "/tmp/tgrun-queue-XXXXXX";
static struct store *kept; /* the memory store between two queues of a test */

static void clear_dir(void)
{
	const char *names[] = { "queue.db", "queue.db-wal", "queue.db-journal", "mark" };
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlinkat(fd, names[i], 0);
	close(fd);
}

/* A store in front of another. */
static struct front {
	struct store store;
	struct store *behind;
	enum { WORKS, FAILS, LIES } how; /* FAILS: nothing is done; LIES: all is done and said to have failed */
	int applied;
} front;

static int front_apply(struct store *s, const struct store_op *ops, size_t count, bool sync, struct err *err)
{
	struct front *f = container_of(s, struct front, store);
	if (f->how == FAILS)
		return err_set(err, ERR_IO, "no space in this test");
	f->applied++;
	int rc = f->behind->ops->apply(f->behind, ops, count, sync, err);
	return f->how == LIES ? err_set(err, ERR_IO, "a lie of this test") : rc;
}

static struct store_ops front_ops;

static int front_known(struct store *s, const char *root, int64_t id, uint64_t hash, struct err *err)
{
	(void)s;
	return front.behind->ops->known(front.behind, root, id, hash, err);
}

static int front_load(struct store *s, int64_t from, int (*row)(void *, const struct store_row *), void *arg, struct err *err)
{
	(void)s;
	return front.behind->ops->load(front.behind, from, row, arg, err);
}

static int body_missing;

static int front_body(struct store *s, int64_t seq, struct buf *out, int64_t *received, struct err *err)
{
	(void)s;
	return body_missing ? 0 : front.behind->ops->body(front.behind, seq, out, received, err);
}

static int front_rekey(struct store *s, int64_t seq, const char *keys, unsigned lane, struct err *err)
{
	(void)s;
	return front.behind->ops->rekey(front.behind, seq, keys, lane, err);
}

static int front_rekey_end(struct store *s, struct err *err)
{
	(void)s;
	return front.behind->ops->rekey_end(front.behind, err);
}

static int front_offset(struct store *s, const char *root, int64_t *offset, bool *found, struct err *err)
{
	(void)s;
	return front.behind->ops->offset(front.behind, root, offset, found, err);
}

static int64_t front_last_seq(struct store *s)
{
	(void)s;
	return front.behind->ops->last_seq(front.behind);
}

static int front_meta(struct store *s, const char *name, struct buf *out, struct err *err)
{
	(void)s;
	return front.behind->ops->meta(front.behind, name, out, err);
}

static int front_dead(struct store *s, int64_t n, int (*letter)(void *, const struct store_dead *), void *arg, struct err *err)
{
	(void)s;
	return front.behind->ops->dead(front.behind, n, letter, arg, err);
}

static int front_trim(struct store *s, int64_t keep, int64_t before, int64_t *dropped, struct err *err)
{
	(void)s;
	return front.behind->ops->dead_trim(front.behind, keep, before, dropped, err);
}

static int64_t front_dead_count(struct store *s)
{
	(void)s;
	return front.behind->ops->dead_count(front.behind);
}

/* The memory store outlives its queue, so that "the next start" can be tested over both backends. */
static void front_close(struct store *s)
{
	(void)s;
	if (strcmp(backend, "sqlite") == 0) {
		front.behind->ops->close(front.behind);
		front.behind = NULL;
	} else
		kept = front.behind;
}

static int64_t age_of(void *arg, const char *kind)
{
	(void)arg;
	return strcmp(kind, "callback_query") == 0 ? 150000 : 0;
}

/* What route_of gives for any body. */
static const char *keys_now;
static unsigned lane_now;

static int route_of(void *arg, const char *body, size_t length, struct buf *out, unsigned *lane)
{
	(void)arg, (void)body, (void)length;
	*lane = lane_now;
	return buf_adds(out, keys_now);
}

static const char *key_spec = "chat";

static struct queue *start(void)
{
	struct err err = { 0 };
	front.how = WORKS;
	front.store.ops = &front_ops;
	if (strcmp(backend, "sqlite") == 0) {
		int fd = open(dir, O_RDONLY | O_DIRECTORY);
		front.behind = sqlite_open(fd, dir, 42, &err);
		close(fd);
	} else
		front.behind = kept ? kept : memory_open(&err);
	kept = NULL;
	struct queue_config config = { .clock = &fake_clock, .store = &front.store, .key_spec = key_spec, .backlog = 5,
				       .route_of = route_of, .max_age = age_of };
	struct queue *q = front.behind ? queue_open(&config, &err) : NULL;
	if (!q)
		diag("%s", err.text);
	return q;
}

/* The end of a runner that was killed: nothing that is not flushed gets written. */
static void crash(struct queue *q)
{
	front.how = FAILS;
	queue_close(q, NULL);
	front.how = WORKS;
}

static void finish_test(struct queue *q)
{
	struct err err = { 0 };
	if (q && queue_close(q, &err))
		diag("close: %s", err.text);
	if (kept)
		kept->ops->close(kept);
	kept = NULL;
	clear_dir();
}

/* ---- shorthands ---- */

static struct queue_put_result result;

static int put_kind(struct queue *q, int64_t id, const char *kind, const char *keys, const char *body, const char *dead)
{
	struct queue_put p = { .root = "https://r", .has_id = true, .update_id = id, .kind = kind, .keys = keys, .body = body,
			       .length = strlen(body), .dead = dead };
	return queue_put(q, &p, 1, "https://r", id + 1, &result, NULL);
}

static int put(struct queue *q, int64_t id, const char *keys, const char *body)
{
	return put_kind(q, id, "message", keys, body, NULL);
}

/* Claims, and gives the body ("" if none is due, "!" if the store fails); the claim in `last`. */
static struct claim *last;

static const char *claim(struct queue *q)
{
	struct err err = { 0 };
	int rc = queue_claim(q, QUEUE_ALL_LANES, &last, &err);
	return rc == 1 ? last->body : rc == 0 ? "" : "!";
}

static void done(struct queue *q)
{
	queue_done(q, last);
	claim_free(last);
	queue_flush(q, NULL);
}

static char letters[2048];

static int letter(void *arg, const struct store_dead *d)
{
	(void)arg;
	sprintf(letters + strlen(letters), "[%d %s %s %d %s %s %.*s]", (int)d->number, d->kind_name, d->keys, d->attempts, d->reason,
		d->last_stderr, (int)d->body_length, d->body);
	return 0;
}

static const char *dead(struct queue *q, int64_t number)
{
	letters[0] = '\0';
	queue_dead_each(q, number, letter, NULL, NULL);
	return letters;
}

#define IS(got, want, what) is_str(got, want, what)

static void is_counts(struct queue *q, int waiting, int running, int dead_, const char *what)
{
	struct queue_counts c;
	queue_counts(q, &c);
	if (!ok((int)c.waiting == waiting && (int)c.running == running && (int)c.dead == dead_, "%s: %s", backend, what))
		diag("waiting %zu, running %zu, dead %d; wanted %d %d %d", c.waiting, c.running, (int)c.dead, waiting, running, dead_);
}

/* ---- tests ---- */

static void plain(void)
{
	struct queue *q = start();
	struct queue_counts c;
	put(q, 10, "chat:1", "{a}"), put(q, 11, "chat:1", "{b}"), put(q, 12, "chat:2", "{c}");
	is_counts(q, 3, 0, 0, "three wait");
	IS(claim(q), "{a}", "the first is handed out first");
	IS(last->keys, "chat:1", "with its keys");
	is_num(last->received, wall_now, "and the time at which it was received");
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
	struct queue_put twice[2] = { { .root = "r", .has_id = true, .update_id = 1, .kind = "", .keys = "", .body = "x", .length = 1 } };
	twice[1] = twice[0];
	queue_put(q, twice, 2, NULL, 0, &result, NULL);
	ok(result.taken == 1 && result.repeated == 1, "a repeat inside one batch is recognised");
	queue_put(q, twice, 1, NULL, 0, &result, NULL);
	ok(result.taken == 0 && result.repeated == 1, "a repeat of what waits is recognised");
	claim(q);
	done(q);
	queue_put(q, twice, 1, NULL, 0, &result, NULL);
	is_num((int64_t)result.repeated, 1, "a repeat of what was finished is recognised while it may come");
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
	is_num((int64_t)result.repeated, 1, "an offset that does not pass an id keeps what recognises it");
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
	is_num((int64_t)result.repeated, 1, "it is recognised though its id is below an offset that was confirmed before it came");
	put(q, 1000, "", "high");
	is_num((int64_t)result.taken, 1, "what was put before that is not");
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
	is_num(queue_next_due(q, QUEUE_ALL_LANES), 4000, "a flushed retry keeps its time across a restart");
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
	ok(queue_next_due(q, QUEUE_ALL_LANES) > 0 && queue_next_due(q, QUEUE_ALL_LANES) <= 330000, "a wall clock that was set back by a day delays a retry by minutes only");
	wall_now += 86400000;
	crash(q);
	q = start();
	pass(60000);
	IS(claim(q), "{a}", "the retry comes before the later one of its chat");
	ok(last->failures == 1 && last->redelivered, "it is the second attempt");
	queue_release(q, last, false, 0, false);
	claim_free(last);
	IS(claim(q), "{a}", "what could not be started comes up at once");
	ok(last->failures == 1 && last->redelivered, "and nothing was counted");
	queue_release(q, last, true, 500, false);
	claim_free(last);
	is_num(queue_next_due(q, QUEUE_ALL_LANES), 500, "an interrupted one may be delayed");
	pass(500);
	claim(q);
	queue_dead(q, last, "exit 1", "oops");
	claim_free(last);
	IS(dead(q, 0), "[1 message chat:1 2 exit 1 oops {a}]", "a dead letter keeps its story");
	IS(claim(q), "{b}", "and lets its chat go on");
	ok(!last->redelivered, "which was never started");
	queue_release(q, last, false, 0, false);
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
		ok(q != NULL && queue_claim(q, QUEUE_ALL_LANES, &last, NULL) == 1 && last->seq == 1 && last->deaths == death && last->redelivered,
		   "%s: death %d is counted", backend, death);
		struct claim *more;
		int rc = queue_claim(q, QUEUE_ALL_LANES, &more, NULL);
		ok(rc == (death < 2), "%s: after %d it runs %s", backend, death, death < 2 ? "with others" : "alone");
		if (rc == 1) {
			queue_release(q, more, false, 0, false);
			claim_free(more);
		}
	}
	queue_flush(q, NULL);
	claim_free(last);
	crash(q);
	q = start();
	IS(dead(q, 0), "[1 message chat:1 5 tgrun died 5 times while it ran  {poison}]", "the fifth death makes it a dead letter");
	IS(claim(q), "{good}", "the other goes on");
	is_num(last->deaths, 0, "and was charged nothing");
	done(q);
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
	ok(last->deaths == 0 && last->redelivered, "what ran at the end is handed out again, and no death is counted");
	claim_free(last);
	queue_flush(q, NULL);
	crash(q);
	q = start();
	crash(q);
	q = start();
	claim(q);
	ok(last->deaths == 1 && last->redelivered, "a start after which nothing was handed out counts no second death");
	claim_free(last);
	finish_test(q);
}

static void ages(void)
{
	struct queue *q = start();
	put_kind(q, 1, "callback_query", "a", "{q}", NULL), put_kind(q, 2, "callback_query", "a", "{r}", NULL);
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
	is_num(queue_dead_retry(q, 2, NULL), 1, "a dead letter can be retried");
	IS(claim(q), "{r}", "it is an update again");
	ok(!last->expired && last->failures == 0 && last->seq > 2, "behind all others, with fresh counts and no age limit");
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
	is_num(queue_dead_drop(q, 3, NULL), 1, "one is dropped");
	is_num(queue_dead_drop(q, 3, NULL), 0, "once");
	is_num(queue_dead_retry(q, 3, NULL), 0, "then it cannot be retried");
	keys_now = "fresh:1";
	is_num(queue_dead_retry(q, 2, NULL), 1, "one is retried");
	keys_now = "";
	claim(q);
	IS(last->keys, "fresh:1", "with keys computed anew");
	done(q);
	is_counts(q, 0, 0, 3, "three are left");
	queue_dead_trim(q, 2, 0, &dropped, NULL);
	ok(dropped == 1 && strcmp(dead(q, 1), "") == 0 && *dead(q, 4), "trimming to two drops the oldest");
	queue_dead_trim(q, -1, 500, &dropped, NULL);
	ok(dropped == 1 && strcmp(dead(q, 4), "") == 0 && *dead(q, 5), "trimming by age drops what died before");
	queue_dead_trim(q, -1, 0, &dropped, NULL);
	is_num(dropped, 0, "trimming without limits drops nothing");
	queue_dead_trim(q, 0, 0, &dropped, NULL);
	is_counts(q, 0, 0, 0, "trimming to none drops all");
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
	ok(queue_flush(q, &err) == -1 && err.status == ERR_IO && queue_dirty(q), "a flush that fails says so, and keeps what it was about");
	IS(claim(q), "!", "meanwhile nothing is handed out");
	is_num(put(q, 4, "d", "{d}"), -1, "and nothing is taken");
	is_num(queue_sync(q, NULL), -1, "nor synced");
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
	is_num(queue_dead_retry(q, 777, NULL), 0, "a letter that is not there is not retried");
	int64_t number = 0;
	sscanf(dead(q, 0), "[%" SCNd64, &number);
	is_num(queue_dead_retry(q, number, &err), -1, "a retry of a letter that was done and said to have failed fails");
	front.how = WORKS;
	queue_flush(q, NULL);
	is_counts(q, 1, 0, 0, "but the update is neither lost nor doubled");
	IS(claim(q), "{e}", "and is handed out");
	done(q);

	put(q, 6, "", "{f}");
	body_missing = 1;
	IS(claim(q), "", "an update whose bytes are missing is not handed out");
	body_missing = 0;
	ok(strstr(dead(q, 0), "its bytes are missing"), "it becomes a dead letter");
	finish_test(q);
}

static void syncs(void)
{
	struct queue *q = start();
	queue_sync(q, NULL);
	int before = front.applied;
	queue_sync(q, NULL);
	is_num(front.applied - before, 0, "a sync with nothing new writes nothing");
	put(q, 1, "", "{a}");
	before = front.applied;
	is_num(queue_sync(q, NULL), 0, "after a put it works");
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

int main(void)
{
	front_ops = (struct store_ops){
		.apply = front_apply, .known = front_known, .load = front_load, .body = front_body, .rekey = front_rekey,
		.rekey_end = front_rekey_end, .offset = front_offset, .last_seq = front_last_seq, .meta = front_meta,
		.dead = front_dead, .dead_trim = front_trim, .dead_count = front_dead_count, .close = front_close,
	};
	keys_now = "";
	if (!mkdtemp(dir))
		return 1;
	const char *backends[] = { "memory", "sqlite" };
	for (int i = 0; i < 2; i++) {
		backend = backends[i];
		diag("%s", backend);
		plain();
		repeats();
		retries();
		deaths();
		closing();
		ages();
		letters_of();
		failures();
		syncs();
		rekeying();
	}
	rmdir(dir);
	return done_testing();
}
