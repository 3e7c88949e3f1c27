/* tests/unit/queue_later: updates that are pushed and come at a time of their own, over each
 * opener. */
#include "queue/later.h"
#include "tests/unit/queue_rig.h"

static struct err why;
static int64_t number;

static int push_as(struct queue *q, bool elapsed, int64_t due, const char *keys, bool pinned,
		   const char *body)
{
	struct queue_push p = { .elapsed = elapsed,
				.due = due,
				.kind = "reminder",
				.keys = keys,
				.pinned = pinned,
				.body = body,
				.length = strlen(body) };
	return queue_push(q, &p, &number, &why);
}

static int after(struct queue *q, int64_t ms, const char *body)
{
	return push_as(q, true, ms, "", false, body);
}

static int at(struct queue *q, int64_t wall, const char *body)
{
	return push_as(q, false, wall, "", false, body);
}

static const char *unwanted; /* a body; NULL: all are wanted */

static bool wants(void *arg, const char *body, size_t length)
{
	(void)arg;
	return !unwanted || strlen(unwanted) != length || memcmp(body, unwanted, length) != 0;
}

static struct queue_ripe ripe;

/* Makes updates of all that are due: how many, or -1. */
static int ripen(struct queue *q)
{
	int n = 0, rc;
	do {
		rc = queue_push_ripen(q, INT64_MAX, wants, NULL, &ripe, &why);
		n += (int)ripe.taken;
	} while (rc > 0 && ripe.taken);
	return rc < 0 ? -1 : n;
}

static int64_t later(struct queue *q)
{
	struct queue_counts c;
	queue_counts(q, &c);
	return c.later;
}

static char list[1024];

static int note(void *arg, const struct queue_item *item)
{
	(void)arg;
	sprintf(list + strlen(list), "[%s%d %s %s %d%s%s]", item->later ? "p" : "", (int)item->seq,
		item->kind, item->keys, (int)(item->due - wall_now), item->body ? " " : "",
		item->body ? item->body : "");
	return 0;
}

static const char *told(struct queue *q)
{
	list[0] = '\0';
	queue_push_each(q, 0, note, NULL, &why);
	return list;
}

static const char *shown(struct queue *q, int64_t n)
{
	list[0] = '\0';
	queue_push_show(q, n, note, NULL, &why);
	return list;
}

static void times(void)
{
	struct queue *q = start();
	is_num(queue_push_due(q), -1, "nothing is to come");
	ok(after(q, 60000, "{a}") == 0 && number == 1, "what is pushed has number 1");
	is_num(queue_push_due(q), 500, "it is looked at again before its time");
	pass(59900);
	is_num(queue_push_due(q), 100, "it comes in what is left");
	is_num(ripen(q), 0, "not before");
	is_counts(q, 0, 0, 0, "until then it is no update");
	pass(100);
	is_num(queue_push_due(q), 0, "its time has come");
	is_num(ripen(q), 1, "and it becomes an update");
	is_num(queue_push_due(q), -1, "and is to come no more");
	IS(claim(q), "{a}", "which is handed out with its bytes");
	ok(last->seq == 1 && last->arrived == wall_now && last->update_id == 0,
	   "with a number of all updates, no id of the server's, and an age that begins now");
	done(q);
	put(q, 5, "", "{arrived}");
	at(q, wall_now, "{b}"), at(q, wall_now - 5, "{c}"), after(q, 0, "{d}");
	is_num(number, 4, "numbers rise, and are a series of their own");
	is_num(ripen(q), 3, "what is due at once comes at once");
	IS(claim(q), "{arrived}", "behind what has arrived");
	done(q);
	IS(claim(q), "{c}", "those of one instant in the order of their times");
	done(q);
	IS(claim(q), "{b}", "and of one time");
	done(q);
	IS(claim(q), "{d}", "in the order of their numbers");
	done(q);
	finish_test(q);
}

/* The wall clock is set while tgrun runs, and between two runs. */
static void clocks(void)
{
	struct queue *q = start();
	after(q, 10000, "{after}"), at(q, wall_now + 10000, "{at}");
	wall_now += 3600000;
	ok(queue_push_due(q) == 0 && ripen(q) == 1,
	   "a clock that is set ahead brings what it passes");
	IS(claim(q), "{at}", "which is that of the wall clock");
	done(q);
	pass(9999);
	is_num(ripen(q), 0, "elapsed time goes on as before");
	pass(1);
	is_num(ripen(q), 1, "until it has elapsed");
	claim(q), done(q);
	after(q, 10000, "{after}"), at(q, wall_now + 10000, "{at}");
	wall_now -= 3600000;
	pass(10000);
	queue_push_due(q);
	ok(ripen(q) == 1 && !strcmp(claim(q), "{after}"),
	   "a clock that is set back delays no elapsed time");
	done(q);
	IS(told(q), "[p4 reminder  3600000]", "and the wall clock's waits for it");
	change_one(q, QUEUE_TAKE_BACK, 4, &why);

	after(q, 60000, "{over}");
	wall_now += 7200000;
	queue_push_due(q);
	queue_flush(q, NULL);
	crash(q);
	pass(20000);
	mono_now = 5; /* the machine was started anew */
	q = start();
	IS(told(q), "[p5 reminder  40000]",
	   "over a restart the wall clock tells how long it was, though it had been set before");
	wall_now -= 1000000000;
	crash(q);
	q = start();
	is_num(queue_push_due(q), 500, "one that was set back over a restart");
	ok(told(q)[0] && atoi(strstr(list, "reminder") + 10) <= 60000,
	   "makes it no longer than it was: %s", list);
	pass(60000);
	is_num(ripen(q), 1, "and it comes");
	finish_test(q);
}

static void restarts(void)
{
	struct queue *q = start();
	after(q, 1000, "{a}"), after(q, 2000, "{b}"), at(q, wall_now + 1500, "{c}");
	crash(q);
	q = start();
	is_num(later(q), 3, "what was pushed survives a kill");
	pass(5000);
	front.how = FAILS;
	is_num(ripen(q), -1, "when the store fails nothing becomes an update");
	front.how = WORKS;
	is_counts(q, 0, 0, 0, "and nothing is lost");
	is_num(later(q), 3, "all wait still");
	front.how = LIES;
	is_num(ripen(q), -1, "when it says that it failed");
	front.how = WORKS;
	queue_flush(q, NULL);
	is_counts(q, 3, 0, 0, "and did not, each is an update once");
	is_num(later(q), 0, "and is to come no more");
	is_num(ripen(q), 0, "nor comes again");
	crash(q);
	q = start();
	is_counts(q, 3, 0, 0, "also after a kill");
	IS(claim(q), "{a}", "in the order");
	done(q);
	IS(claim(q), "{c}", "of both times");
	done(q);
	IS(claim(q), "{b}", "together");
	done(q);
	front.how = FAILS;
	ok(after(q, 0, "{e}") && why.status == ERR_IO, "what cannot be written is not kept: %s",
	   why.text);
	front.how = WORKS;
	is_num(later(q), 0, "nor half of it");
	after(q, 0, "{f}");
	is_num(number, 5, "and no number is used twice");
	finish_test(q);
}

static void order(void)
{
	struct queue *q = start();
	keys_now = "chat:1";
	put(q, 1, "chat:1", "{first}");
	after(q, 0, "{second}"), after(q, 0, "{third}");
	push_as(q, true, 0, "chat:9", true, "{pinned}");
	is_num(ripen(q), 3, "three come");
	IS(claim(q), "{first}", "a chat's update runs");
	struct claim *first = last;
	IS(claim(q), "{pinned}", "one with a key of its own does not wait for the chat");
	IS(last->keys, "chat:9", "but for that key");
	queue_dead(q, last, "bad", "");
	claim_free(last);
	queue_flush(q, NULL);
	IS(claim(q), "", "the others wait");
	queue_done(q, first), claim_free(first);
	IS(claim(q), "{second}", "and come in their order");
	done(q);
	queue_flush(q, NULL);
	change_one(q, QUEUE_RETRY, 4, &why);
	crash(q);
	key_spec = "other";
	keys_now = "user:7";
	q = start();
	IS(claim(q), "{third}", "when --key changes");
	IS(last->keys, "user:7", "what is pushed is keyed anew");
	done(q);
	IS(claim(q), "{pinned}", "but for one that has a key of its own");
	IS(last->keys, "chat:9", "which it keeps, as a letter that is retried, too");
	done(q);
	key_spec = "chat";
	keys_now = "";
	finish_test(q);
}

static void limits(void)
{
	struct queue *q = start();
	for (int i = 0; i < 7; i++)
		after(q, 0, "{x}");
	ok(ripen(q) == 5 && later(q) == 2, "as many come as the backlog has room for");
	is_num(queue_push_due(q), 0, "the others are due, and wait");
	crash(q);
	q = start();
	is_num(later(q), 2, "also over a restart");
	claim(q), done(q), claim(q), done(q);
	ok(ripen(q) == 2 && later(q) == 0, "and come when there is room");
	for (int i = 0; i < 5; i++)
		claim(q), done(q);
	after(q, 0, "{no}"), after(q, 0, "{yes}");
	unwanted = "{no}";
	ok(ripen(q) == 1 && later(q) == 0, "what nobody wants is forgotten");
	unwanted = NULL;
	IS(claim(q), "{yes}", "and the rest comes");
	done(q);
	for (int i = 0; i < 1000; i++)
		after(q, 3600000 + i, "{x}");
	pass(1000);
	queue_push_due(q);
	pushes_asked = 0;
	for (int i = 0; i < 1000; i++)
		queue_push_due(q);
	is_num(pushes_asked, 0, "a thousand that wait cost no look at the store");
	finish_test(q);
}

static void people(void)
{
	struct queue *q = start();
	push_as(q, true, 1000, "chat:5", false, "{a}");
	at(q, wall_now + 9000, "{bb}");
	IS(told(q), "[p1 reminder chat:5 1000][p2 reminder  9000]",
	   "they are listed by their numbers");
	IS(shown(q, 2), "[p2 reminder  9000 {bb}]", "one is shown with its bytes");
	IS(shown(q, 3), "", "one that is not there is not");
	is_num(change_one(q, QUEUE_TAKE_BACK, 1, &why), 1, "one is taken back");
	is_num(change_one(q, QUEUE_TAKE_BACK, 1, &why), 0, "once");
	is_num(change_one(q, QUEUE_TAKE_BACK, 0, &why), 0, "no number is none");
	IS(told(q), "[p2 reminder  9000]", "and the others stay");
	crash(q);
	q = start();
	IS(told(q), "[p2 reminder  9000]", "also over a kill");
	pass(9000);
	is_num(ripen(q), 1, "when it has come");
	is_num(change_one(q, QUEUE_TAKE_BACK, 2, &why), 0, "it cannot be taken back");
	is_counts(q, 1, 0, 0, "and is an update");
	finish_test(q);
}

static void tests(void)
{
	times();
	clocks();
	restarts();
	order();
	limits();
	people();
}

int main(void)
{
	return on_each(tests);
}
