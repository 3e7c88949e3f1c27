/* tests/tools/queue_fleet: the contract of queue.h, kept by the queue that several machines share:
 * what comes in, in which order it is handed out, how it ends, and what is counted. Run by
 * tests/flow/fleet_queue.t. */
#include "tests/tools/fleet_rig.h"

#include "sched/ledger.h"

/* ---- in ---- */

static void test_put(void)
{
	open_node(A);
	ok(queue_shared(A->q), "the store is a shared one");
	ok(!try_claim(A), "before its role there is nothing to claim");
	UNTIL(A->asks, "the first machine is told that it may ask for updates");
	is_num(A->offset, 0, "… from the first on");
	struct queue_put three[] = { update(10, "k1", "one"), update(11, "k1", "two"),
				     update(12, "k2", "three") };
	three[2].lane = 3;
	is_num(put_all(A, three, 3, 13), 0, "three are put");
	is_num((int64_t)result.taken, 3, "… and told as if none were known");
	bool there = durable(A);
	ok(!there || COUNT("item") == 3, "what is durable is in the store");
	UNTIL(durable(A), "they become durable");
	is_num(COUNT("item"), 3, "… and are in the store then");

	struct claim *one = claim(A);
	ok(!queue_marked(A->q, one), "before a flush its start is not marked");
	struct claim *three_ = claim(A);
	is_str(one->body, "one", "the first is handed out first");
	is_num((int64_t)one->length, 3, "… with all its bytes");
	is_str(one->keys, "k1", "… its keys");
	is_num(one->update_id, 10, "… its number");
	ok(!one->failures && !one->deaths && !one->interruptions && !one->redelivered &&
		   !one->expired && !one->solo && !one->lane,
	   "… and fresh");
	ok(one->arrived > rig_wall(NULL) - HOUR && one->arrived <= rig_wall(NULL) + 2,
	   "… with the time at which it came");
	is_str(three_->body, "three", "the other key goes on meanwhile");
	is_num(three_->lane, 3, "… in its lane");
	ok(!try_claim(A), "the first key does not");
	ok(queue_dirty(A->q), "that they start waits to be written");
	UNTIL(queue_marked(A->q, one) && queue_marked(A->q, three_), "that they start is marked");

	queue_done(A->q, one);
	uint64_t ticket = queue_ticket(A->q);
	ok(!queue_written(A->q, ticket), "its end is recorded, and not written");
	struct claim *two = NULL;
	while (!queue_written(A->q, ticket) && !two) {
		two = try_claim(A);
		if (!two)
			turn();
	}
	ok(!two, "the next of its key is not handed out before the end of it is written");
	two = claim(A);
	is_str(two->body, "two", "then it is");
	is_num(NUMBER("SELECT count(*) FROM @S@.item i JOIN @S@.body b USING (seq) "
		      "WHERE b.update_id = 10"),
	       0, "… and the first is out of the store");
	ok(queue_written(A->q, ticket), "what is written stays so");
	claim_free(one);
	queue_drop(A->q, two);
	queue_done(A->q, two); /* of two ends the first counts */
	queue_done(A->q, three_);
	claim_free(two);
	claim_free(three_);
	written(A);
	is_num(COUNT("item"), 0, "what is done, and what is dropped, is gone");
	is_num(COUNT("letters"), 0, "… and no dead letter");
	UNTIL(idle(A), "nothing more is to be written");
	is_num(queue_flush(A->q, NULL), 0, "so a flush has nothing on its way");
}

static void test_offset(void)
{
	join(A);
	put(A, 20, "k", "one");
	is_num(close_node(A), 0, "it is closed");
	join(A);
	UNTIL(A->asks, "opened again, it may ask");
	is_num(A->offset, 21, "… from the offset that was put with the last batch");
	is_num(put_all(A, NULL, 0, 30), 0, "a batch of nothing has an offset, too");
	QUIETLY(durable(A));
	is_num(close_node(A), 0, "it is closed again");
	join(B);
	UNTIL(B->asks, "another machine may ask");
	is_num(B->offset, 30, "… from there on");
	struct buf value;
	buf_init(&value, 100);
	queue_meta_set(B->q, "x", "1"), queue_meta_set(B->q, "x", "2");
	is_num(queue_meta_get(B->q, "x", &value, NULL), 0, "a named value is read");
	is_str(buf_str(&value), "2", "… before it is written");
	written(B);
	queue_meta_get(B->q, "x", &value, NULL);
	is_str(buf_str(&value), "2", "… and after");
	queue_meta_get(B->q, "y", &value, NULL);
	is_str(buf_str(&value), "", "one that was never set is empty");
	join(C);
	queue_meta_get(C->q, "x", &value, NULL);
	is_str(buf_str(&value), "2", "whoever starts later finds it");
	queue_meta_set(C->q, "x", "3");
	is_num(close_node(C), 0, "who closes writes what it had recorded");
	is_str(sql("SELECT value FROM @S@.named WHERE name = 'x'"), "3", "… so it is kept");
	buf_release(&value);
}

static void test_repeats(void)
{
	join(A);
	QUIETLY(A->asks);
	struct queue_put p[] = { update(1, "", "x"), update(1, "", "x"), update(1, "", "y"),
				 update(1, "", "x"), update(1, "", "z"), update(1, "", "z") };
	p[3].root = "other";
	is_num(put_all(A, p, 3, 2), 0, "an update, its repeat, and one of the same number");
	is_num(put_all(A, p, 1, 2), 0, "and a repeat of what waits");
	QUIETLY(durable(A));
	is_num(COUNT("item"), 2, "repeats are left out, other bytes are none");
	is_str(handle_all(A), "x,y", "each is handed out once");
	put_all(A, p, 1, 2);
	put_all(A, p + 2, 1, 2);
	QUIETLY(durable(A));
	is_num(COUNT("item"), 0, "a repeat of what was finished is left out");
	is_num(close_node(A), 0, "it is closed");
	join(A);
	QUIETLY(A->asks);
	put_all(A, p, 1, 2);
	QUIETLY(durable(A));
	is_num(COUNT("item"), 0, "… also after another start");
	struct queue_put_result r;
	queue_put(A->q, p + 3, 1, "other", 2, &r, NULL);
	QUIETLY(durable(A));
	is_num(COUNT("item"), 1, "the same bytes of another source are no repeat");
	p[4].root = p[5].root = NULL;
	queue_put(A->q, p + 4, 2, NULL, 0, &r, NULL);
	QUIETLY(durable(A));
	is_num(COUNT("item"), 3, "a source without a name never repeats");
	is_str(handle_all(A), "x,z,z", "each of them is handed out");

	queue_confirmed(A->q, "https://r", 2);
	put_all(A, p, 1, 2);
	QUIETLY(durable(A));
	is_num(COUNT("item"), 1, "what is confirmed is not recognised any more");
	is_str(handle_all(A), "x", "… and handed out");
	put_all(A, p, 1, 2);
	QUIETLY(durable(A));
	is_num(COUNT("item"), 0, "… but what came since is");
	struct queue_put dead = update(7, "k", "bad");
	dead.dead = "no update";
	put_all(A, &dead, 1, 8);
	is_num((int64_t)result.dead, 1, "what is dead from the first is told as such");
	QUIETLY(durable(A));
	is_str(letters(), "[7|k|no update||0|bad]", "… and is a dead letter at once");
	is_num(COUNT("item"), 0, "… and nothing else");
}

/* A ticket names what was recorded while a start was on its way. */
static void test_ticket(void)
{
	join(A);
	put(A, 1, "p", "short");
	struct claim *c = claim(A);
	uint64_t begun = queue_ticket(A->q);
	UNTIL(queue_marked(A->q, c), "a start is on its way");
	queue_done(A->q, c);
	uint64_t ended = queue_ticket(A->q);
	ok(!queue_written(A->q, ended), "the end is not written with it");
	UNTIL(queue_written(A->q, begun), "the start is written");
	ok(!queue_written(A->q, ended) || COUNT("item") == 0, "… which does not mean the end");
	UNTIL(queue_written(A->q, ended), "the end is");
	is_num(COUNT("item"), 0, "… and then it is in the store");
	claim_free(c);
}

/* ---- order ---- */

static void test_keys(void)
{
	join(A);
	put(A, 1, "p", "one");
	put(A, 2, "p q", "two");
	put(A, 3, "q", "three");
	put(A, 4, "r", "four");
	put(A, 5, "p", "five");
	struct claim *one = claim(A), *four = claim(A);
	is_str(one->body, "one", "the first of its key");
	is_str(four->body, "four", "and what shares no key with it");
	ok(!try_claim(A), "what has two keys waits for both, and what is behind it for it");
	done(A, four);
	ok(!try_claim(A), "the end of another key changes nothing of that");
	done(A, one);
	struct claim *two = claim(A);
	is_str(two->body, "two", "then it has its turn");
	ok(!try_claim(A), "and keeps both of its keys");
	done(A, two);
	struct claim *three = claim(A), *five = claim(A);
	ok(strcmp(three->body, five->body) != 0 && strcmp(three->body, "four") != 0,
	   "until it is done: then those of both go on, at once");
	done(A, five);
	done(A, three);
	is_num(COUNT("item"), 0, "all are done");
}

/* ---- ends ---- */

static void test_dead(void)
{
	join(A);
	put(A, 1, "p", "bad");
	put(A, 2, "p", "next");
	struct claim *c = run(A);
	queue_dead(A->q, c, "status 100", "oh\nno");
	ok(!try_claim(A), "nothing of its key goes on before that is written");
	claim_free(c);
	written(A);
	is_str(letters(), "[1|p|status 100|oh\nno|1|bad]",
	       "a dead letter says why, and what the program said");
	pass(16000);
	struct queue_counts k = { 0 };
	UNTIL((queue_counts(A->q, &k), k.dead == 1), "dead letters are counted");
	c = claim(A);
	is_str(c->body, "next", "the next of its key goes on");
	done(A, c);
	int64_t letter = NUMBER("SELECT number FROM @S@.letters");
	is_num(change(QUEUE_RETRY, letter), QUEUE_CHANGED, "a tool has it once more");
	is_num(change(QUEUE_RETRY, letter), QUEUE_MISSING, "… and not twice");
	c = run(A);
	is_str(c->body, "bad", "it is handed out again");
	is_num(c->failures + c->deaths + c->interruptions, 0, "… with fresh counts");
	is_num(change(QUEUE_SKIP, c->seq), QUEUE_RUNS, "what runs cannot be skipped");
	for (int i = 1; i <= 3; i++) {
		queue_retry(A->q, c, 0, "");
		claim_free(c);
		c = run(A);
		is_num(c->failures, i, "each retry counts one failure");
	}
	queue_dead(A->q, c, "", "");
	claim_free(c);
	written(A);
	is_str(letters(), "[1|p|||4|bad]", "attempts are counted");
	is_num(queue_dead_trim(A->q, 0, -1, INT64_MAX, &(int64_t){ 0 }, NULL), 0,
	       "who asks is told how many are kept");
	pass(31000);
	UNTIL(COUNT("letters") == 0, "… and forgets the others");
}

static void test_retry(void)
{
	join(A);
	put(A, 1, "p", "first");
	put(A, 2, "p", "second");
	put(A, 3, "q", "other");
	struct claim *c = run(A);
	queue_retry(A->q, c, HOUR, "later");
	claim_free(c);
	written(A);
	c = claim(A);
	is_str(c->body, "other", "while one waits for its retry, other keys go on");
	ok(!try_claim(A), "… and nothing of its own");
	done(A, c);
	int64_t due = queue_next_due(A->q, QUEUE_ALL_LANES);
	ok(due > HOUR / 2 && due <= HOUR, "it is known when it is due");
	ok(!try_claim(A), "not before");
	pass(due);
	ok(queue_next_due(A->q, QUEUE_ALL_LANES) == 0, "then it is");
	c = claim(A);
	is_str(c->body, "first", "it comes again, before what is behind it");
	is_num(c->failures, 1, "with its failure");
	ok(c->redelivered, "… as one that was started before");
	queue_retry(A->q, c, HOUR, "later");
	claim_free(c);
	written(A);

	/* By another machine, the delay goes on. */
	join(B);
	is_num(close_node(A), 0, "the machine leaves");
	pass_beat();
	QUIETLY(B->asks);
	put(B, 4, "r", "there");
	c = claim(B);
	is_str(c->body, "there", "another one handles what is due");
	done(B, c);
	ok(!try_claim(B), "… not what waits for its retry");
	int64_t left = NUMBER("SELECT (extract(epoch FROM due - clock_timestamp()) * 1000)::bigint "
			      "FROM @S@.queue WHERE state = 'delayed' AND failures = 2");
	ok(left > HOUR / 2 && left <= HOUR, "which keeps the delay, and its failures");
	sql("UPDATE @S@.item SET due = clock_timestamp() WHERE state = 'd' RETURNING 1");
	c = claim(B);
	is_str(c->body, "first", "it is handed out there when it is due");
	is_num(c->failures, 2, "with both failures");
	done(B, c);
	c = claim(B);
	is_str(c->body, "second", "and then what is behind it");
	done(B, c);

	/* A short delay, which is waited for. */
	put(B, 5, "p", "short");
	c = run(B);
	int64_t since = rig_mono(NULL);
	queue_retry(B->q, c, 300, "soon");
	claim_free(c);
	c = claim(B);
	ok(rig_mono(NULL) - since >= 300, "no retry comes before its delay is over");
	done(B, c);

	/* Until another one ends well. */
	put(B, 6, "p", "kept");
	put(B, 7, "q", "well");
	c = run(B);
	struct claim *other = run(B);
	ok(!queue_proven(B->q, c), "nothing else ended well since it began");
	queue_keep(B->q, c, HOUR, "perhaps all are");
	claim_free(c);
	written(B);
	ok(!try_claim(B), "one that is kept waits");
	usleep(2000); /* the times of ends are milliseconds */
	done(B, other);
	c = claim(B);
	is_str(c->body, "kept", "until an update of other keys ends well");
	ok(queue_proven(B->q, c), "… which proves that it could");
	is_num(c->failures, 1, "it counts as a failure");
	done(B, c);
}

static void release_each(enum release_why why, bool started)
{
	char what[160];
	const struct ledger_row *row = ledger_row(why);
	struct queue_release how = { .why = why, .started = started, .last_stderr = "end" };
	put(A, 100 + why * 2 + started, "p", "released");
	struct claim *c = run(A);
	int64_t since = rig_mono(NULL);
	ok(queue_release(A->q, c, &how) == NULL, "released: %s", row->phrase);
	claim_free(c);
	written(A);
	c = try_claim(A);
	if (row->pauses)
		ok(!c || rig_mono(NULL) - since >= 1000, "it waits a while");
	if (row->pauses && !c)
		pass(61000);
	c = c ? c : claim(A);
	snprintf(what, sizeof what, "… and counted as it is to be: %d/%d/%d", c->failures,
		 c->deaths, c->interruptions);
	ok(c->failures == 0 && c->deaths == (row->class == LEDGER_DEATH) &&
		   c->interruptions == (row->class == LEDGER_INTERRUPTION),
	   "%s", what);
	ok(c->redelivered == started, "… told as started or not: %d", started);
	ok(c->solo == (why == RELEASE_SHARED), "… apart only when it is not known who failed");
	is_num(NUMBER("SELECT deaths * 10 + interruptions FROM @S@.item"),
	       c->deaths * 10 + c->interruptions, "… and so in the store");
	done(A, c);
}

static void test_release(void)
{
	join(A);
	for (enum release_why why = 0; why < RELEASE_RUNNER; why++)
		release_each(why, why % 2);
	release_each(RELEASE_NO_START, true);
	release_each(RELEASE_STOP, false);

	struct queue_release later = { .why = RELEASE_BREAKER, .started = true, .delay = HOUR };
	put(A, 1, "p", "delayed");
	struct claim *c = run(A);
	queue_release(A->q, c, &later);
	claim_free(c);
	written(A);
	ok(!try_claim(A) && queue_next_due(A->q, QUEUE_ALL_LANES) > HOUR / 2,
	   "a release may have a delay");
	pass(HOUR);
	done(A, claim(A));

	/* Until its account is full. */
	struct queue_release slot = { .why = RELEASE_SLOT, .started = true, .last_stderr = "end" };
	put(A, 2, "p", "deadly");
	put(A, 3, "p", "behind");
	const char *reason = NULL;
	for (int i = 1; i <= LEDGER_DEATHS; i++) {
		c = run(A);
		is_num(c->deaths, i - 1, "deaths are counted");
		reason = queue_release(A->q, c, &slot);
		ok((reason != NULL) == (i == LEDGER_DEATHS), "… up to five: %d", i);
		claim_free(c);
		written(A);
		pass(61000);
	}
	is_str(reason, "given up after 5 deaths, at last: its slot died", "which is told");
	is_str(letters(), "[2|p|given up after 5 deaths, at last: its slot died|end|5|deadly]",
	       "… and it is a dead letter");
	c = claim(A);
	is_str(c->body, "behind", "what is behind it goes on");
	done(A, c);
}

/* The end of a run. */
static void test_close(void)
{
	join(A);
	put(A, 1, "p", "runs");
	put(A, 2, "q", "ends");
	put(A, 3, "p", "waits");
	struct claim *runs = run(A), *ends = run(A);
	queue_done(A->q, ends);
	claim_free(ends);
	is_num(close_node(A), 0, "a close writes what was recorded");
	is_num(COUNT("item"), 2, "… so what is done is gone");
	is_str(runs->body, "runs", "a claim lives until it is freed");
	claim_free(runs);
	join(A);
	struct claim *c = claim(A);
	is_str(c->body, "runs", "what ran is handed out again");
	ok(c->redelivered, "… as what was started");
	is_num(c->interruptions, 1, "a stop is an interruption");
	is_num(c->deaths, 0, "… and no death");
	done(A, c);
	c = run_known(A);
	is_str(c->body, "waits", "then what is behind it");
	is_num(c->interruptions + c->redelivered, 0, "to which nothing had happened");

	/* A process that dies, and its next start. */
	kill_node(A);
	claim_free(c);
	join(A);
	c = claim(A);
	is_str(c->body, "waits", "what ran when its process died is handed out again");
	is_num(c->deaths, 1, "… with a death");
	ok(c->redelivered, "… as what was started");
	done(A, c);
}

/* ---- what is counted ---- */

static void test_counts(void)
{
	struct queue_counts k;
	A->backlog = 4;
	join(A);
	QUIETLY(A->asks);
	struct queue_put p[] = { update(1, "p", "lane:1"), update(2, "p", "lane:1"),
				 update(3, "q", "lane:2"), update(4, "r", "lane:1"),
				 update(5, "s", "lane:1") };
	put_all(A, p, 3, 4);
	UNTIL((queue_counts(A->q, &k), k.waiting == 3), "what this machine holds is counted");
	ok(k.ready == 2 && k.running == 0, "… two of it are ready, one behind another");
	is_num((int64_t)queue_waiting(A->q, 1), 2, "two wait in this lane");
	is_num((int64_t)queue_waiting(A->q, 2), 1, "one in the other");
	int64_t oldest = -1;
	is_num((int64_t)queue_ready(A->q, 1, &oldest), 1, "of a key, one has its turn");
	ok(oldest >= 0, "it is known since when");
	pass(5000);
	queue_ready(A->q, 1, &oldest);
	ok(oldest >= 5000, "… and that goes on");
	is_num((int64_t)queue_ready(A->q, 5, &oldest), 0, "nothing is in a third lane");
	is_num(oldest, 0, "… since never");
	is_num(queue_next_due(A->q, QUEUE_ALL_LANES), 0, "one can be claimed now");
	is_num(queue_next_due(A->q, UINT64_C(1) << 5), -1, "none of that lane");
	struct claim *c = NULL;
	is_num(queue_claim(A->q, UINT64_C(1) << 5, &c, NULL), 0, "nor is any handed out");
	is_num(queue_claim(A->q, UINT64_C(1) << 2, &c, NULL), 1, "of another one is");
	queue_counts(A->q, &k);
	ok(k.waiting == 2 && k.running == 1 && k.ready == 1, "it runs, and waits no more");
	is_num((int64_t)queue_waiting(A->q, 2), 0, "… in its lane");
	pass_beat();
	put_all(A, p + 3, 1, 5);
	QUIETLY(durable(A));
	pass_beat();
	UNTIL((queue_counts(A->q, &k), k.full), "four are the backlog of four");
	put_all(A, p + 4, 1, 6);
	QUIETLY(durable(A));
	is_num(COUNT("item"), 5, "what passes it is taken nevertheless");
	queue_set_backlog(A->q, 100);
	pass_beat();
	UNTIL((queue_counts(A->q, &k), !k.full), "another limit holds at once");
	queue_set_backlog(A->q, 5);
	pass_beat();
	UNTIL((queue_counts(A->q, &k), k.full), "… down, too");
	done(A, c);
	pass_beat();
	UNTIL((queue_counts(A->q, &k), !k.full), "and what is done makes room");
	queue_counts(A->q, &k);
	is_num((int64_t)(k.waiting + k.running), 4, "four are left");
	queue_set_backlog(A->q, 100);
	handle_all(A);
	queue_counts(A->q, &k);
	ok(!k.waiting && !k.running && !k.ready && !k.dead && !k.later, "at last all is empty");
}

static void test_age(void)
{
	join(A);
	QUIETLY(A->asks);
	struct queue_put p[] = { update(1, "", "button"), update(2, "", "text") };
	p[0].kind = "callback_query";
	put_all(A, p, 2, 3);
	QUIETLY(queue_waiting(A->q, 0) == 2);
	pass(151000);
	struct claim *c = claim(A);
	is_str(c->body, "button", "an update that is too old");
	ok(c->expired, "… is told as such");
	queue_drop(A->q, c);
	claim_free(c);
	c = claim(A);
	ok(!c->expired, "one of another kind is not");
	done(A, c);
	is_num(COUNT("item"), 0, "both are over");
}

/* ---- batches ---- */

/* Where it stands in a batch of n; n: nowhere. */
static size_t place_of(struct claim *const *batch, size_t n, const char *body)
{
	size_t i = 0;
	while (i < n && strcmp(batch[i]->body, body) != 0)
		i++;
	return i;
}

static void test_batch(void)
{
	join(A);
	QUIETLY(A->asks);
	struct queue_put p[] = { update(1, "p", "one"), update(2, "p", "two"),
				 update(3, "q", "three"), update(4, "q", "lane:1"),
				 update(5, "p", "five") };
	put_all(A, p, 5, 6);
	QUIETLY(queue_waiting(A->q, 0) == 4);
	UNTIL(queue_batch_full(A->q, 0, 4), "a batch of the lane would have four");
	ok(!queue_batch_full(A->q, 0, 5), "… and not five");
	struct claim *batch[5] = { claim(A) };
	size_t n = 1;
	while (n < 5 && queue_claim_joining(A->q, batch, n, &batch[n], NULL) == 1)
		n++;
	is_num((int64_t)n, 4, "so many join, of this lane alone");
	size_t first = place_of(batch, n, "one"), second = place_of(batch, n, "two");
	size_t last = place_of(batch, n, "five");
	if (n != 4 || first == n || second == n || last == n)
		give_up("a batch is there");
	ok(first < second && second < last, "those of a key in the order of their arrival");
	ok(!try_claim(A), "what shares a key with one of them waits");
	queue_done(A->q, batch[second]); /* in any order */
	queue_release(A->q, batch[first],
		      &(struct queue_release){ .why = RELEASE_SHARED, .started = true });
	written(A);
	struct claim *c = NULL;
	for (int i = 0; i < 10; i++)
		turn();
	ok(!try_claim(A), "one that is released does not come up while one behind it runs");
	for (size_t i = 0; i < n; i++)
		if (i != first && i != second)
			queue_done(A->q, batch[i]);
	written(A);
	struct claim *again = claim(A), *other = claim(A);
	if (strcmp(again->body, "one") != 0) {
		c = again;
		again = other;
		other = c;
	}
	is_str(again->body, "one", "but when they are settled");
	ok(again->solo, "… apart from others");
	is_str(other->body, "lane:1", "and what waited for one of them goes on");
	put(A, 6, "s", "six");
	QUIETLY(queue_waiting(A->q, 0) == 1);
	is_num(queue_claim_joining(A->q, &again, 1, &c, NULL), 0, "none joins who is to be apart");
	for (size_t i = 0; i < n; i++)
		claim_free(batch[i]);
	done(A, other);
	done(A, again);
	is_str(handle_all(A), "six", "the other is handed out by itself");
}

static void test_gather(void)
{
	struct queue_counts k;
	struct sched_gather rules[QUEUE_LANES] = { [1] = { 3, HOUR, 2 * HOUR } };
	A->gather = rules;
	join(A);
	QUIETLY(A->asks);
	struct queue_put p[] = { update(1, "p", "lane:1 group:5"), update(2, "p", "lane:1 group:5"),
				 update(3, "p", "lane:1 group:5"), update(4, "q", "lane:1 group:6"),
				 update(5, "q", "lane:1 group:6") };
	put_all(A, p, 2, 3);
	UNTIL(queue_waiting(A->q, 1) == 2, "two come");
	ok(!try_claim(A), "they wait for more");
	queue_counts(A->q, &k);
	is_num((int64_t)k.gathering, 1, "… as one group");
	int64_t due = queue_next_due(A->q, QUEUE_ALL_LANES);
	ok(due > HOUR / 2 && due <= HOUR, "… for so long");
	put_all(A, p + 2, 1, 4);
	struct claim *batch[4];
	size_t n = 1;
	UNTIL((batch[0] = try_claim(A)) != NULL, "with the third it is full");
	while (n < 4 && queue_claim_joining(A->q, batch, n, &batch[n], NULL) == 1)
		n++;
	is_num((int64_t)n, 3, "all three are handed out as one");
	for (size_t i = 0; i < n; i++) {
		is_num(batch[i]->update_id, (int64_t)i + 1, "… in order");
		queue_done(A->q, batch[i]);
		claim_free(batch[i]);
	}
	put_all(A, p + 3, 2, 6);
	QUIETLY(queue_waiting(A->q, 1) == 2);
	ok(!try_claim(A), "the next group waits, too");
	pass(2 * HOUR + 1000);
	batch[0] = claim(A);
	is_num(queue_claim_joining(A->q, batch, 1, &batch[1], NULL), 1,
	       "until nothing more came for a while");
	queue_done(A->q, batch[0]);
	queue_done(A->q, batch[1]);
	claim_free(batch[0]);
	claim_free(batch[1]);
	written(A);
	is_num(COUNT("item"), 0, "all are done");
}

int main(void)
{
	if (rig_start())
		return 1;
	TEST(test_put);
	TEST(test_offset);
	TEST(test_repeats);
	TEST(test_ticket);
	TEST(test_keys);
	TEST(test_dead);
	TEST(test_retry);
	TEST(test_release);
	TEST(test_close);
	TEST(test_counts);
	TEST(test_age);
	TEST(test_batch);
	TEST(test_gather);
	return rig_end();
}
