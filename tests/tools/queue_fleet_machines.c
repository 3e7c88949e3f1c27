/* tests/tools/queue_fleet_machines: the contract of sharing.h, kept by the queue that several
 * machines share: who has what, who takes over, what is ended elsewhere, and what becomes of it
 * when a machine is cut off, or loses its connection or an answer. Run by tests/flow/fleet_queue.t.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/tools/fleet_rig.h"

/* What it has is others' from now on. */
static void evict(const struct node *n)
{
	sql("SELECT @S@.evict(id, NULL) FROM @S@.node WHERE name = '%s'", n->name);
}

/* ---- several machines ---- */

static void test_machines(void)
{
	A->slots = B->slots = 1;
	join(A);
	for (int i = 1; i <= 6; i++) {
		char key[8];
		snprintf(key, sizeof key, "k%d", i);
		put(A, i, key, key);
	}
	join(B);
	struct claim *first = run(A), *second = run(B);
	ok(first->seq != second->seq, "each machine has updates of its own");
	ok(!B->asks, "one of them asks");
	struct queue_fleet f;
	queue_fleet(B->q, &f);
	ok(f.attached && !f.asks && !f.sends && f.held >= 1, "and each knows how it stands");
	is_num(NUMBER("SELECT count(*) FROM (SELECT unnest(keys) k, count(DISTINCT node) n FROM "
		      "@S@.item WHERE node IS NOT NULL GROUP BY k) x WHERE n > 1"),
	       0, "no key is held by two");
	claim_free(first);
	is_num(close_node(A), 0, "one leaves");
	int64_t held = NUMBER("SELECT count(*) FROM @S@.item i LEFT JOIN @S@.node n ON n.id = "
			      "i.node WHERE i.node IS NOT NULL AND n.name IS DISTINCT FROM 'b'");
	is_num(held, 0, "… and holds nothing any more");
	UNTIL(B->asks, "the other is told that it may ask");
	is_num(B->offset, 7, "… from where the first had come");
	done(B, second);
	handle_all(B);
	is_num(COUNT("item"), 0, "and handles all, what the first had begun, too");
	queue_fleet(B->q, &f);
	ok(f.asks && f.held == 0 && f.cut_offs == 0 && f.refusals == 0, "nothing was refused");
}

static void test_take(void)
{
	struct queue_fleet f;
	A->slots = B->slots = 4;
	join(A);
	for (int i = 1; i <= 4; i++) {
		char key[8];
		snprintf(key, sizeof key, "k%d", i);
		put(A, i, key, key);
	}
	struct claim *c = run(A);
	QUIETLY(COUNT("item WHERE node IS NOT NULL") == 4);
	queue_take(A->q, QUEUE_PAUSES);
	ok(!try_claim(A), "who pauses is handed out nothing");
	UNTIL(COUNT("item WHERE node IS NOT NULL") == 1, "… and what it holds goes back");
	UNTIL((queue_fleet(A->q, &f), f.held == 1), "but for what runs");
	ok(f.asks, "it still asks");
	queue_take(A->q, QUEUE_TAKES);
	struct claim *other = claim(A);
	ok(other->seq != c->seq, "who takes again is handed out the others");
	done(A, other);
	join(B);
	queue_take(A->q, QUEUE_LEAVES);
	ok(!try_claim(A), "who leaves is handed out nothing, either");
	UNTIL(!A->asks && B->asks, "and gives its roles up, to another");
	is_num(B->offset, 5, "… which goes on where it was");
	UNTIL(COUNT("item i JOIN @S@.node n ON n.id = i.node AND n.name = 'a'") == 1,
	      "it holds what runs");
	while (COUNT("item") > 1)
		done(B, claim(B));
	done(A, c);
	is_num(COUNT("item"), 0, "and ends that");

	sql("SELECT @S@.wish('b', 'drain')");
	UNTIL(B->wish == QUEUE_WISH_DRAIN, "an operator wishes that it drains");
	sql("SELECT @S@.wish('b', 'stop')");
	UNTIL(B->wish == QUEUE_WISH_STOP, "… or that it stops");
	sql("SELECT @S@.wish('b', '')");
	UNTIL(B->wish == QUEUE_WISH_RESUME, "… or that it goes on");
	ok(A->wish == QUEUE_WISH_RESUME, "the other is told nothing of it");
	queue_take(A->q, QUEUE_TAKES);
	QUIETLY(A->asks || B->asks);
	ok(!(A->asks && B->asks), "one of them asks after all that");
	put(A->asks ? A : B, 9, "p", "more");
	struct node *taker = NULL;
	UNTIL((c = try_claim(A))   ? (taker = A)
	      : (c = try_claim(B)) ? (taker = B)
				   : NULL,
	      "and one of them handles");
	done(taker, c);
}

static struct claim *run_on(struct node *n, struct node *other, int64_t id, const char *body)
{
	char key[16];
	snprintf(key, sizeof key, "%s", word_of(body, "key"));
	queue_take(other->q, QUEUE_PAUSES);
	queue_take(n->q, QUEUE_TAKES);
	put(A, id, key, body);
	return run_known(n);
}

static bool was_cancelled(const struct node *n, const struct claim *c)
{
	return has(n->cancelled, n->cancelled_count, c->seq);
}

static void test_cancel(void)
{
	join(A), join(B);
	struct claim *own = run_on(A, B, 1, "own key:p chat:9");
	struct claim *key = run_on(B, A, 2, "key:q chat:1");
	struct claim *chat = run_on(B, A, 3, "key:r chat:9");
	struct claim *number = run_on(B, A, 4, "key:s chat:2");
	struct claim *spared = run_on(B, A, 5, "key:t chat:3");
	is_num(queue_cancel(A->q, "p q", "", NULL, 0), 0, "a cancel by key");
	UNTIL(was_cancelled(B, key), "reaches the machine that runs it");
	is_num(queue_cancel(A->q, "", "chat:9", NULL, 0), 0, "a cancel by chat");
	UNTIL(was_cancelled(B, chat), "… too");
	int64_t numbers[] = { own->seq, number->seq };
	QUIETLY(queue_cancel(A->q, "", "", numbers, 2) == 0);
	UNTIL(was_cancelled(B, number), "and a cancel by number");
	ok(!was_cancelled(A, own), "what runs at home is left alone");
	is_num(COUNT("cancel WHERE seq IN (SELECT seq FROM @S@.item i JOIN @S@.node n ON n.id = "
		     "i.node AND n.name = 'a')"),
	       0, "… in the store, too");
	ok(!was_cancelled(B, spared), "what was not named, too");

	struct queue_release how = { .why = RELEASE_OTHER, .started = true };
	queue_release(B->q, key, &how);
	claim_free(key);
	written(B);
	B->cancelled_count = 0;
	pass(61000);
	pass_beat();
	queue_take(A->q, QUEUE_PAUSES);
	queue_take(B->q, QUEUE_TAKES);
	key = run_known(B);
	int64_t beat = NUMBER("SELECT beat_no FROM @S@.node WHERE name = 'b'");
	pass_beat();
	UNTIL(NUMBER("SELECT beat_no FROM @S@.node WHERE name = 'b'") > beat, "it beats on");
	QUIETLY(idle(B));
	ok(!was_cancelled(B, key), "a cancel is of one attempt");
	int64_t three = 3;
	struct fleet_tools_cancel what = { .chat = &three };
	struct err err = { 0 };
	is_num(fleet_tools_cancel(tool, &what, &err), 0, "a tool cancels by chat");
	UNTIL(was_cancelled(B, spared), "and reaches it");
	done(A, own);
	done(B, key), done(B, chat), done(B, number), done(B, spared);
	is_num(COUNT("cancel"), 0, "with the attempts, cancels are over");
}

/* Some that follow one another at once, and whose connection is lost. */
static const char *skip(int64_t number)
{
	return sql("SELECT o_fate FROM @S@.skip(ARRAY[%lld], true)", (long long)number);
}

static void test_skip(void)
{
	join(A);
	put(A, 1, "p", "first");
	put(A, 2, "p", "second");
	put(A, 3, "p", "third");
	put(A, 4, "p", "fourth");
	struct claim *c = run(A);
	int64_t first = c->seq;
	queue_retry(A->q, c, HOUR, "later");
	claim_free(c);
	written(A);
	UNTIL(COUNT("item WHERE state = 'h'") == 4, "a machine holds what waits behind, too");
	is_num(change(QUEUE_SKIP, first), QUEUE_HELD, "who does not give it back is told of");
	is_num(COUNT("skipping"), 0, "… and not asked any more");
	is_str(skip(first), "held", "it is asked");
	UNTIL(strcmp(skip(first), "changed") == 0, "and gives back what waits for its next attempt");
	is_num(COUNT("skipping"), 0, "that is told once");
	is_str(skip(first), "missing", "… and it is gone");
	c = run(A);
	is_str(c->body, "second", "what stood behind it goes on");
	UNTIL(strcmp(skip(c->seq + 1), "changed") == 0, "what is behind one that runs is skipped");
	is_str(skip(c->seq), "runs", "… not the one that runs");
	is_num(COUNT("skipping"), 0, "nor is it when it has run");
	done(A, c);
	c = run(A);
	is_str(c->body, "fourth", "the order is as it was");
	done(A, c);
	is_num(COUNT("item"), 0, "and nothing is left");
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	for (int i = 0; i < 8; i++)
		put(A, 10 + i, keys[i], keys[i]);
	QUIETLY(idle(A));
	ok(COUNT("item WHERE state = 'r'") > 0, "where a machine has as many as it wants,");
	int64_t ready = NUMBER("SELECT max(seq) FROM @S@.item WHERE state = 'h'");
	UNTIL(strcmp(skip(ready), "changed") == 0, "it hears of a skip, too");
	is_num(COUNT("item"), 7, "and all others stay");
	handle_all(A);
}

static void test_cancel_again(void)
{
	join(A), join(B);
	struct claim *c[4];
	for (int i = 0; i < 4; i++) {
		char body[8];
		snprintf(body, sizeof body, "key:k%d", i);
		c[i] = run_on(B, A, i + 1, body);
	}
	QUIETLY(idle(A));
	sql("BEGIN");
	sql("SELECT @S@.lock_()"); /* nothing is carried out meanwhile */
	is_num(queue_cancel(A->q, "k0", "", NULL, 0), 0, "one is recorded");
	queue_flush(A->q, NULL);
	is_num(queue_cancel(A->q, "k1", "", NULL, 0), 0, "another while that is on its way");
	is_num(queue_cancel(A->q, "k2", "", NULL, 0), 0, "… and one more");
	sql("SELECT pg_terminate_backend(pid) FROM @S@.node WHERE name = 'a'");
	sql("ROLLBACK");
	UNTIL(!attached(A), "the connection is lost");
	is_num(queue_cancel(A->q, "none", "", NULL, 0), 0,
	       "so one is recorded while there is none");
	UNTIL(was_cancelled(B, c[0]), "the first reaches the other machine nevertheless");
	UNTIL(was_cancelled(B, c[1]) && was_cancelled(B, c[2]), "… so do those behind it");
	ok(!was_cancelled(B, c[3]), "and what was not named runs on");
	for (int i = 0; i < 4; i++)
		done(B, c[i]);
}

static void test_refused(void)
{
	join(A);
	B->key_spec = "other words";
	open_node(B);
	UNTIL(B->refused, "a machine with other keys is refused");
	ok(strstr(B->refusal.text, "other words") != NULL, "… and told why: %s", B->refusal.text);
	ok(B->refusal.status != 0, "… with an exit status");
	ok(!attached(B) && !B->asks, "it is none of the fleet");
	put(A, 1, "p", "one");
	for (int i = 0; i < 5; i++)
		turn();
	ok(!try_claim(B), "and is handed out nothing");
	is_num(queue_flush(B->q, NULL), -1, "what it says is not written");
	done(A, claim(A));
}

/* ---- it is cut off ---- */

static void test_void(void)
{
	join(A);
	put(A, 1, "p", "one");
	put(A, 2, "q", "two");
	put(A, 3, "p", "behind");
	struct claim *one = run_known(A), *two = run_known(A);
	queue_take(A->q, QUEUE_PAUSES);
	QUIETLY(COUNT("item WHERE node IS NOT NULL") == 2);
	evict(A);
	/* Said of what is another's already, and not sent: */
	queue_done(A->q, one);
	queue_dead(A->q, two, "bad", "");
	uint64_t ticket = queue_ticket(A->q);
	UNTIL(A->cuts == 1, "who was cut off is told that its claims are void");
	ok(!A->asks, "… and that it asks no more");
	struct queue_fleet f;
	queue_fleet(A->q, &f);
	ok(!f.attached && f.cut_offs == 1 && f.refusals >= 1, "it knows how it stands");
	is_num(COUNT("item"), 3, "what it said of them changed nothing");
	is_num(COUNT("letters"), 0, "… nothing at all");
	queue_retry(A->q, two, 0, "");
	queue_drop(A->q, one);
	ok(!queue_dirty(A->q), "what is said later is not even recorded");
	is_str(one->body, "one", "void claims live until they are freed");
	for (int i = 0; i < 10; i++)
		turn();
	ok(!attached(A), "and until then it does not join again");
	join(B);
	UNTIL(B->asks, "another machine takes its roles");
	claim_free(one);
	claim_free(two);
	UNTIL(attached(A), "when they are freed it does");
	ok(!queue_written(A->q, ticket), "what was lost is never told to be written");
	queue_meta_set(A->q, "more", "is recorded");
	written(A);
	ok(!queue_written(A->q, ticket), "… also when more is");
	/* Its pause ends by the server's clock. */
	one = claim(B), two = claim(B);
	ok(strcmp(one->body, two->body) != 0 && strcmp(one->body, "behind") != 0 &&
		   strcmp(two->body, "behind") != 0,
	   "both are handed out to another machine");
	ok(one->redelivered && two->redelivered, "… as what was started");
	done(B, one);
	done(B, two);
	is_str(handle_all(B), "behind", "and what waited for them goes on");
	is_num(A->cuts, 1, "claims were void once");
}

/* A reply and the end of its update are both there, or neither is. */
static void test_void_reply(void)
{
	struct queue_call call = { .line = "7", .method = "sendMessage", .params = "{}" };
	join(A);
	put(A, 1, "p", "one");
	struct claim *c = run(A);
	QUIETLY(queue_call_next(A->q, 1) != 0);
	written(A);
	evict(A);
	ok(queue_call_add(A->q, &call) != 0, "a reply is recorded");
	queue_done(A->q, c);
	claim_free(c);
	UNTIL(A->cuts == 1, "it was cut off before");
	is_num(COUNT("outbox"), 0, "there is no reply");
	is_num(COUNT("item"), 1, "and no end of the update");
	UNTIL(attached(A), "it joins again by itself");
	c = claim(A);
	is_str(c->body, "one", "and has it once more");
	ok(c->redelivered, "… as what was started");
	queue_call_add(A->q, &call);
	done(A, c);
	ok(COUNT("outbox") == 1 && COUNT("item") == 0, "then both are there");
}

/* Connections that are lost, with claims, and with a turn on its way. */
static void test_connection(void)
{
	struct queue_call call = { .line = "7", .method = "sendMessage", .params = "{}" };
	join(A);
	put(A, 1, "p", "long");
	struct claim *c = run(A);
	cut_connection(A);
	UNTIL(!attached(A), "it hears that its connection was lost");
	UNTIL(attached(A), "and makes another");
	is_num(A->cuts, 0, "its claims are its own nevertheless");
	UNTIL(A->asks, "and it asks, as before");
	done(A, c);
	is_num(COUNT("item"), 0, "what it says of them counts");
	for (int i = 2; i < 22; i++) {
		put(A, i, "p", "short");
		c = run(A);
		if (strcmp(c->body, "short") != 0 || c->update_id != i)
			break;
		QUIETLY(queue_call_next(A->q, 1) != 0);
		queue_call_add(A->q, &call);
		queue_done(A->q, c);
		claim_free(c);
		uint64_t ticket = queue_ticket(A->q);
		queue_flush(A->q, NULL);
		/* before, while or after it is carried out */
		if (i % 3 == 0)
			turn();
		else if (i % 3 == 1)
			usleep(500 * (unsigned)i);
		cut_connection(A);
		QUIETLY(queue_written(A->q, ticket));
		QUIETLY(attached(A));
	}
	is_num(COUNT("item"), 0, "what was on its way is carried out");
	is_num(COUNT("outbox"), 20, "… once");
	is_num(A->cuts, 0, "… and no claim was void");
	is_num(NUMBER("SELECT count(DISTINCT update_id) FROM @S@.seen"), 21,
	       "all that was put came in");
}

/* ---- an answer that is lost ---- */

enum { SOCKETS = 256 };

static bool is_socket(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The first one that there was not before; -1: there is none. */
static int new_socket(const bool *before)
{
	for (int fd = 0; fd < SOCKETS; fd++)
		if (is_socket(fd) && !before[fd])
			return fd;
	return -1;
}

/* What A says now is carried out, and the answer does not arrive. */
static void lose_answer(const bool *before, const char *done_when)
{
	sql("BEGIN");
	sql("SELECT @S@.lock_()");
	for (int i = 0; i < 10; i++) /* what is to be said is on its way after that */
		turn();
	shutdown(new_socket(before), SHUT_RD);
	sql("ROLLBACK");
	/* The server is given time to carry it out; if it does not, less is tested. */
	for (int i = 0; i < 100 && NUMBER("SELECT count(*) FROM @S@.%s", done_when); i++)
		usleep(20000);
	UNTIL(!attached(A), "the connection is lost");
	QUIETLY(attached(A));
}

static void note_shown(void *arg, const struct queue_call *c, const struct queue_message *m)
{
	(void)m;
	*(bool *)arg = strcmp(c->method, "sendMessage") == 0;
}

/* Whether nothing else is on its way. */
static bool rests(struct node *n)
{
	struct queue_fleet f;
	queue_fleet(n->q, &f);
	return !f.more;
}

static void test_lost_answer(void)
{
	struct queue_call call = { .line = "7", .method = "sendMessage", .params = "{}" };
	bool before[SOCKETS];
	for (int fd = 0; fd < SOCKETS; fd++)
		before[fd] = is_socket(fd);
	join(A);
	QUIETLY(A->sends && queue_call_next(A->q, 1) != 0);
	for (int i = 1; i <= 3; i++)
		put(A, i, "p", "update");

	struct claim *c = run_known(A);
	queue_done(A->q, c);
	uint64_t ticket = queue_ticket(A->q);
	lose_answer(before, "item WHERE seq = (SELECT min(seq) FROM @S@.seen)");
	UNTIL(queue_written(A->q, ticket), "an end whose answer was lost is written");
	is_num(COUNT("item"), 2, "… once");
	claim_free(c);

	c = run_known(A);
	is_num(c->update_id, 2, "what is behind it goes on");
	int64_t id = queue_call_add(A->q, &call);
	queue_done(A->q, c);
	ticket = queue_ticket(A->q);
	lose_answer(before, "item i JOIN @S@.body USING (seq) WHERE update_id = 2");
	UNTIL(queue_written(A->q, ticket), "so is an end with its reply");
	is_num(COUNT("outbox"), 1, "… which is there once");
	is_num(COUNT("item"), 1, "… and the end, too");
	claim_free(c);

	/* Whoever comes back listens again, and asks for calls. */
	pass(1000);
	for (int i = 0; i < 20; i++)
		turn();
	QUIETLY(A->sends && A->came_count == 1 && rests(A));
	call.id = id;
	is_num(queue_call_begin(A->q, &call, true), 0, "the reply is about to be sent");
	ticket = queue_ticket(A->q);
	lose_answer(before, "outbox WHERE NOT begun");
	UNTIL(queue_written(A->q, ticket), "that is written, too");
	bool told = false;
	UNTIL(queue_call_show(A->q, id, note_shown, &told, NULL) == 1, "and it can be shown");
	ok(told && A->gone_count == 0, "… since it is not gone");
	queue_call_done(A->q, id);
	written(A);
	is_num(COUNT("outbox"), 0, "it is sent");
	is_num(A->cuts, 0, "no claim was void");
	is_str(handle_all(A), "update", "and the last update is handled");
}

/* A batch that was put, and not written, when another machine takes over. */
static void test_void_put(void)
{
	struct queue_put p = update(1, "p", "one");
	struct err err = { 0 };
	join(A);
	QUIETLY(A->asks && idle(A));
	sql("UPDATE @S@.meta SET epoch = epoch + 1 RETURNING 1");
	is_num(put_all(A, &p, 1, 2), 0, "it is put");
	int rc = 0;
	UNTIL(!A->asks, "another machine asks since");
	rc = queue_durable(A->q, false, &err);
	is_num(rc, -1, "what was put and not written is told to be lost");
	ok(err.status != 0, "… with a reason: %s", err.text);
	is_num(COUNT("item"), 0, "nothing of it was taken");
	is_num(queue_durable(A->q, false, &err), 0, "… which is told once");
	pass_beat();
	UNTIL(A->asks, "it asks again, as nobody else does");
	is_num(A->offset, 0, "… from the offset of before");
	put(A, 1, "p", "one");
	is_str(handle_all(A), "one", "and it comes in once");
}

/* ---- in any order ---- */

/* Random updates with up to three of five keys, over three machines which settle them in any way,
 * leave, lose their connections, and are cut off. */
enum { UPDATES = 60, KEYS = 5 };

static struct model {
	unsigned keys; /* bits */
	enum { WAITS, RUNS, OVER } state;
	struct node *node; /* RUNS, OVER */
	struct claim *claim;
	uint64_t ticket; /* OVER */
	bool dead;
	int attempts;
} model[UPDATES];

static unsigned seed;

static unsigned rnd(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static size_t running_on(const struct node *n)
{
	size_t count = 0;
	for (int i = 0; i < UPDATES; i++)
		count += model[i].state == RUNS && model[i].node == n;
	return count;
}

static int misplaced, doubled, early; /* what went wrong, counted */

static void model_claim(struct node *n)
{
	struct claim *c = try_claim(n);
	if (!c)
		return;
	int at = (int)c->update_id - 1;
	struct model *m = &model[at];
	doubled += m->state != WAITS;
	for (int i = 0; i < UPDATES; i++) {
		const struct model *other = &model[i];
		if (i == at || !(other->keys & m->keys))
			continue;
		doubled += other->state == RUNS;
		misplaced += i < at && other->state == WAITS;
		early += i < at && other->state == OVER && other->node == n &&
			 !queue_written(n->q, other->ticket);
	}
	m->state = RUNS;
	m->node = n;
	m->claim = c;
	m->attempts++;
}

static void model_settle(struct node *n, struct model *m)
{
	struct queue_release how = { .why = RELEASE_NO_START, .started = false };
	bool over = true;
	switch (rnd(8)) {
	case 0:
		queue_retry(n->q, m->claim, 0, "again");
		over = false;
		break;
	case 1:
		queue_release(n->q, m->claim, &how);
		over = false;
		break;
	case 2:
		queue_dead(n->q, m->claim, "random", "");
		m->dead = true;
		break;
	case 3:
		queue_drop(n->q, m->claim);
		break;
	default:
		queue_done(n->q, m->claim);
	}
	m->state = over ? OVER : WAITS;
	m->ticket = queue_ticket(n->q);
	claim_free(m->claim);
	m->claim = NULL;
}

/* What ran there may run again; what was settled is written. */
static void model_lose(const struct node *n)
{
	for (int i = 0; i < UPDATES; i++)
		if (model[i].state == OVER && model[i].node == n)
			model[i].ticket = 0;
		else if (model[i].state == RUNS && model[i].node == n) {
			model[i].state = WAITS;
			claim_free(model[i].claim);
			model[i].claim = NULL;
		}
}

static void model_event(struct node *n, int what, int *evictions)
{
	int cuts = n->cuts;
	switch (what) {
	case 0:
		cut_connection(n);
		QUIETLY(!attached(n));
		break;
	case 1:
		QUIETLY(attached(n));
		/* What is settled is written by a close; what runs goes to the others. */
		if (close_node(n))
			give_up("a machine leaves");
		model_lose(n);
		join(n);
		break;
	default:
		(*evictions)++;
		QUIETLY(attached(n));
		written(n);
		evict(n);
		QUIETLY(n->cuts > cuts);
		model_lose(n);
		QUIETLY(attached(n));
		/* no pause after the deaths that were charged */
		sql("WITH u AS (UPDATE @S@.item SET due = 'epoch' WHERE state = 'd' RETURNING 1) "
		    "SELECT count(*), pg_notify('@S@', '') FROM u");
	}
}

static int over_count(void)
{
	int count = 0;
	for (int i = 0; i < UPDATES; i++)
		count += model[i].state == OVER;
	return count;
}

static void put_random(void)
{
	struct queue_put puts[UPDATES];
	char bodies[UPDATES][8], keys[UPDATES][16];
	for (int i = 0; i < UPDATES; i++) {
		model[i] = (struct model){ .keys = 0 };
		snprintf(bodies[i], sizeof bodies[i], "%d", i + 1);
		keys[i][0] = '\0';
		for (unsigned n = rnd(4); n > 0; n--)
			model[i].keys |= 1U << rnd(KEYS);
		for (unsigned k = 0; k < KEYS; k++)
			if (model[i].keys >> k & 1)
				snprintf(keys[i] + strlen(keys[i]), 4, "k%u ", k);
		puts[i] = update(i + 1, keys[i], bodies[i]);
	}
	QUIETLY(A->asks);
	for (int i = 0; i < UPDATES; i += 20)
		put_all(A, puts + i, 20, i + 21);
	QUIETLY(durable(A));
}

static void test_any_order(void)
{
	int evictions = 0, events = 0, dead = 0;
	misplaced = doubled = early = 0;
	seed = 7;
	A->slots = B->slots = C->slots = 2;
	join(A);
	put_random();
	join(B), join(C);
	int64_t until = now() + 3 * DEADLINE;
	for (int step = 0; over_count() < UPDATES && now() < until; step++) {
		struct node *n = &nodes[rnd(NODES)];
		if (running_on(n) < 2)
			model_claim(n);
		for (int i = 0; i < UPDATES; i++)
			if (model[i].state == RUNS && model[i].node == n && rnd(3) == 0)
				model_settle(n, &model[i]);
		/* some before the half is over, each at another place */
		if (events < 9 && over_count() >= events * UPDATES / 11) {
			events++;
			model_event(n, events % 3, &evictions);
		}
		turn();
	}
	is_num(over_count(), UPDATES, "all come to an end, over three machines");
	for (int i = 0; i < UPDATES; i++)
		dead += model[i].dead;
	UNTIL(COUNT("item") == 0, "nothing is left in the store");
	is_num(doubled, 0, "none runs twice at once, nor two of one key");
	is_num(misplaced, 0, "none before an earlier one of its keys");
	is_num(early, 0, "none before the end of the one before it is written");
	is_num(COUNT("letters"), dead, "those that were to be are dead letters");
	ok(events == 9 && evictions == 3, "machines left, lost connections, and were cut off");
}

int main(void)
{
	if (rig_start())
		return 1;
	TEST(test_machines);
	TEST(test_take);
	TEST(test_cancel);
	TEST(test_cancel_again);
	TEST(test_skip);
	TEST(test_refused);
	TEST(test_void);
	TEST(test_void_reply);
	TEST(test_void_put);
	TEST(test_connection);
	TEST(test_lost_answer);
	TEST(test_any_order);
	return rig_end();
}
