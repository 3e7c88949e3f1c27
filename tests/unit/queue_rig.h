/* tests/unit/queue_rig: the queue, opened in each way that there is, with a clock of its own and a
 * store that fails when told to; and short words for what tests do with it. */
#ifndef TGRUN_TESTS_UNIT_QUEUE_RIG_H
#define TGRUN_TESTS_UNIT_QUEUE_RIG_H

#include <fcntl.h>
#include <unistd.h>

#include "base/list.h"
#include "io/loop.h"
#include "queue/local/local.h"
#include "tests/tap.h"

/* No test needs all of this. */
#pragma GCC diagnostic ignored "-Wunused-function"

/* ---- a clock, a directory, a store that fails ---- */

static int64_t mono_now = 1000, wall_now = 1700000000000;
static int64_t mono_step; /* by which each look at the clock moves it on */

static int64_t fake_mono(const struct clock *c)
{
	(void)c;
	return mono_now += mono_step;
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
	/* FAILS: nothing is done; LIES: all is done and said to have failed */
	enum { WORKS, FAILS, LIES } how;
	int applied, synced; /* lists; those that were to be on disk */
	bool keeps_itself;   /* the next queue finds in its files what this one leaves */
	int sync_fd;         /* -1: that of the store behind */
} front;

static int front_apply(struct store *s, const struct store_op *ops, size_t count, bool sync,
		       struct err *err)
{
	struct front *f = container_of(s, struct front, store);
	if (f->how == FAILS)
		return err_set(err, ERR_IO, "no space in this test");
	f->applied++;
	f->synced += sync;
	int rc = f->behind->ops->apply(f->behind, ops, count, sync, err);
	return f->how == LIES ? err_set(err, ERR_IO, "a lie of this test") : rc;
}

static struct store_ops front_ops;

static int front_known(struct store *s, const struct store_op *put, struct err *err)
{
	(void)s;
	return front.behind->ops->known(front.behind, put, err);
}

static int front_load(struct store *s, int64_t from, int (*row)(void *, const struct store_row *),
		      void *arg, struct err *err)
{
	(void)s;
	return front.behind->ops->load(front.behind, from, row, arg, err);
}

static int body_missing, bodies_read;

static int front_body(struct store *s, int64_t seq, struct buf *out, struct store_facts *facts,
		      struct err *err)
{
	(void)s;
	bodies_read++;
	return body_missing ? 0 : front.behind->ops->body(front.behind, seq, out, facts, err);
}

static int rekeyed, rekey_ends;

static int front_rekey(struct store *s, int64_t seq, const char *keys, unsigned lane,
		       struct err *err)
{
	(void)s;
	rekeyed++;
	return front.behind->ops->rekey(front.behind, seq, keys, lane, err);
}

static int front_rekey_end(struct store *s, struct err *err)
{
	(void)s;
	rekey_ends++;
	return front.behind->ops->rekey_end(front.behind, err);
}

static int front_offset(struct store *s, const char *root, int64_t *offset, bool *found,
			struct err *err)
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

static int front_dead(struct store *s, int64_t from, bool bodies,
		      int (*letter)(void *, const struct store_dead *), void *arg, struct err *err)
{
	(void)s;
	return front.behind->ops->dead(front.behind, from, bodies, letter, arg, err);
}

static int64_t front_dead_count(struct store *s)
{
	(void)s;
	return front.behind->ops->dead_count(front.behind);
}

static int64_t front_last_call(struct store *s)
{
	(void)s;
	return front.behind->ops->last_call(front.behind);
}

static int64_t front_failed_count(struct store *s)
{
	(void)s;
	return front.behind->ops->failed_count(front.behind);
}

static int front_calls(struct store *s, int64_t from, bool failed, bool params,
		       int (*each)(void *, const struct queue_call *), void *arg, struct err *err)
{
	(void)s;
	return front.behind->ops->calls(front.behind, from, failed, params, each, arg, err);
}

static int front_lines(struct store *s, int (*each)(void *, const struct queue_line *), void *arg,
		       struct err *err)
{
	(void)s;
	return front.behind->ops->lines(front.behind, each, arg, err);
}

static int front_moves(struct store *s, int (*each)(void *, const char *, const char *), void *arg,
		       struct err *err)
{
	(void)s;
	return front.behind->ops->moves(front.behind, each, arg, err);
}

static int front_job(struct store *s, const char *name, const char *chat, int64_t *number,
		     struct err *err)
{
	(void)s;
	return front.behind->ops->job(front.behind, name, chat, number, err);
}

static int front_jobs(struct store *s, int (*each)(void *, const char *, const char *, int64_t),
		      void *arg, struct err *err)
{
	(void)s;
	return front.behind->ops->jobs(front.behind, each, arg, err);
}

static int front_message(struct store *s, int64_t id,
			 void (*show)(void *, const struct queue_message *), void *arg,
			 struct err *err)
{
	(void)s;
	return front.behind->ops->message(front.behind, id, show, arg, err);
}

static int64_t front_last_push(struct store *s)
{
	(void)s;
	return front.behind->ops->last_push(front.behind);
}

static int64_t front_push_count(struct store *s)
{
	(void)s;
	return front.behind->ops->push_count(front.behind);
}

static int front_pushes(struct store *s, int64_t from, bool bodies,
			int (*each)(void *, const struct store_push *), void *arg, struct err *err)
{
	(void)s;
	return front.behind->ops->pushes(front.behind, from, bodies, each, arg, err);
}

static int pushes_asked; /* for the next one */

static int front_next_push(struct store *s, bool elapsed, int64_t due, int64_t number, bool bodies,
			   int (*each)(void *, const struct store_push *), void *arg,
			   struct err *err)
{
	(void)s;
	pushes_asked++;
	return front.behind->ops->next_push(front.behind, elapsed, due, number, bodies, each, arg,
					    err);
}

static int front_sync_fd(struct store *s)
{
	(void)s;
	return front.sync_fd >= 0 ? front.sync_fd : front.behind->ops->sync_fd(front.behind);
}

static void front_synced(struct store *s, int64_t seq, bool worked)
{
	(void)s;
	front.behind->ops->synced(front.behind, seq, worked);
}

/* The memory store outlives its queue, so that "the next start" can be tested over
 * each opener. */
static void front_close(struct store *s)
{
	(void)s;
	if (front.keeps_itself) {
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
static bool routes_known = true;

static int route_of(void *arg, const char *body, size_t length, struct buf *out, unsigned *lane)
{
	(void)arg, (void)body, (void)length;
	*lane = lane_now;
	return buf_adds(out, keys_now);
}

static const char *key_spec = "chat";

/* A queue that is opened in some way. */
struct opener {
	const char *name;
	struct queue *(*open)(const struct queue_config *config, struct err *err);
	bool answers_later; /* a sync is on its way for a while */
};

static struct queue *open_front(const struct queue_config *config, struct store *behind,
				struct err *err)
{
	front.how = WORKS;
	front.store.ops = &front_ops;
	front.behind = behind;
	return behind ? local_open(config, &front.store, err) : NULL;
}

static struct queue *open_memory(const struct queue_config *config, struct err *err)
{
	struct store *store = kept ? kept : memory_open(err);
	kept = NULL;
	front.keeps_itself = false;
	return open_front(config, store, err);
}

static struct queue *open_sqlite(const struct queue_config *config, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	struct store *store = sqlite_open(fd, dir, 42, err);
	close(fd);
	front.keeps_itself = true;
	return open_front(config, store, err);
}

/* Every backend keeps the same contract: queue.h. Add one here, and the tests run over it, too. */
static const struct opener openers[] = {
	{ "memory", open_memory, false },
	{ "sqlite", open_sqlite, true },
};

static const struct opener *opener;
static struct loop *loop; /* of the queues that are started; NULL: none */
static int changes;       /* how often the queue said that an answer has arrived */

static void on_changed(void *arg)
{
	(void)arg;
	changes++;
}

static struct queue *start(void)
{
	struct err err = { 0 };
	struct queue_config config = { .clock = &fake_clock,
				       .loop = loop,
				       .key_spec = key_spec,
				       .backlog = 5,
				       .route_of = routes_known ? route_of : NULL,
				       .max_age = age_of,
				       .changed = on_changed };
	struct queue *q = opener->open(&config, &err);
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

static int put_kind(struct queue *q, int64_t id, const char *kind, const char *keys,
		    const char *body, const char *dead)
{
	struct queue_put p = { .root = "https://r",
			       .has_id = true,
			       .update_id = id,
			       .kind = kind,
			       .keys = keys,
			       .body = body,
			       .length = strlen(body),
			       .dead = dead };
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
static int64_t wanted; /* 0: all */

static int letter(void *arg, const struct queue_letter *d)
{
	(void)arg;
	if (wanted && d->number != wanted)
		return 1;
	sprintf(letters + strlen(letters), "[%d %s %s %d %s %s %.*s]", (int)d->number, d->kind,
		d->keys, d->attempts, d->reason, d->last_stderr, (int)d->length, d->body);
	return 0;
}

static const char *dead(struct queue *q, int64_t number)
{
	letters[0] = '\0';
	wanted = number;
	queue_dead_each(q, number, letter, NULL, NULL);
	return letters;
}

static void on_fate(void *arg, int64_t number, enum queue_fate fate)
{
	(void)number;
	*(int *)arg = fate == QUEUE_CHANGED ? 1 : fate == QUEUE_RUNS ? 2 : 0;
}

/* One by its number: 1 changed, 0 missing, 2 it runs, -1. */
static int change_one(struct queue *q, enum queue_change change, int64_t number, struct err *err)
{
	int fate = -2;
	struct queue_many m = { .change = change, .numbers = &number, .count = 1 };
	return queue_many(q, &m, INT64_MAX, on_fate, &fate, err) < 0 ? -1 : fate;
}

static void count_fate(void *arg, int64_t number, enum queue_fate fate)
{
	(void)number;
	*(int64_t *)arg += fate == QUEUE_CHANGED;
}

/* All of them, in as many slices as it takes: how many, or -1. */
static int64_t change_all(struct queue *q, enum queue_change change, int *slices, struct err *err)
{
	int64_t n = 0;
	int rc;
	struct queue_many m = { .change = change, .all = true };
	do {
		rc = queue_many(q, &m, INT64_MAX, count_fate, &n, err);
		*slices += rc >= 0;
	} while (rc > 0);
	return rc < 0 ? -1 : n;
}

#define IS(got, want, what) is_str(got, want, what)

static void is_counts(struct queue *q, int waiting, int running, int dead_, const char *what)
{
	struct queue_counts c;
	queue_counts(q, &c);
	if (!ok((int)c.waiting == waiting && (int)c.running == running && (int)c.dead == dead_,
		"%s: %s", backend, what))
		diag("waiting %zu, running %zu, dead %d; wanted %d %d %d", c.waiting, c.running,
		     (int)c.dead, waiting, running, dead_);
}

/* Runs the tests over each opener; what main() returns. */
static int on_each(void (*tests)(void))
{
	front_ops = (struct store_ops){
		.apply = front_apply,
		.known = front_known,
		.load = front_load,
		.body = front_body,
		.rekey = front_rekey,
		.rekey_end = front_rekey_end,
		.offset = front_offset,
		.last_seq = front_last_seq,
		.meta = front_meta,
		.dead = front_dead,
		.dead_count = front_dead_count,
		.last_call = front_last_call,
		.failed_count = front_failed_count,
		.calls = front_calls,
		.lines = front_lines,
		.moves = front_moves,
		.job = front_job,
		.jobs = front_jobs,
		.message = front_message,
		.last_push = front_last_push,
		.push_count = front_push_count,
		.pushes = front_pushes,
		.next_push = front_next_push,
		.sync_fd = front_sync_fd,
		.synced = front_synced,
		.close = front_close,
	};
	keys_now = "";
	if (!mkdtemp(dir))
		return 1;
	front.sync_fd = -1;
	for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
		opener = &openers[i];
		backend = opener->name;
		diag("%s", backend);
		tests();
	}
	rmdir(dir);
	return done_testing();
}

#endif
