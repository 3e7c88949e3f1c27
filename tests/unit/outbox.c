/* tests/unit/outbox: the order and the limits of what the bot sends, rule by rule, and what a
 * hundred thousand waiting calls cost. Times are milliseconds of a clock that the test passes. */
#include <malloc.h>
#include <time.h>

#include "outbox/outbox.h"
#include "tests/tap.h"

static const struct outbox_rates usual = { { 1, 1000 }, { 20, 60000 }, { 30, 1000 } },
				 none = { { 0, 0 }, { 0, 0 }, { 0, 0 } };

static struct outbox *make(const struct outbox_rates *rates)
{
	struct outbox *o = outbox_new();
	outbox_set_rates(o, 0, rates);
	return o;
}

static struct outbox_entry call(int64_t id, const char *line)
{
	return (struct outbox_entry){ .id = id,
				      .kind = !*line                ? OUTBOX_NONE
					      : strchr(line, ':')   ? OUTBOX_QUERY
					      : strchr("-@", *line) ? OUTBOX_GROUP
								    : OUTBOX_CHAT,
				      .line = line,
				      .cost = 1,
				      .expires = INT64_MAX };
}

/* A message to the chat `line`; "-1", "@x": a group; "query:1": an answer to a query; "": no chat.
 */
static int add(struct outbox *o, int64_t now, int64_t id, const char *line)
{
	struct outbox_entry e = call(id, line);
	return outbox_add(o, now, &e);
}

static int add_bulk(struct outbox *o, int64_t now, int64_t id, const char *line)
{
	struct outbox_entry e = call(id, line);
	e.bulk = true;
	return outbox_add(o, now, &e);
}

/* The call that is handed out at `now`; 0: none. */
static int64_t next(struct outbox *o, int64_t now)
{
	int64_t id;
	return outbox_next(o, now, &id) ? id : 0;
}

/* Hands out and ends all that may go at `now`: "1 2 3". */
static const char *all(struct outbox *o, int64_t now)
{
	static char text[2000];
	text[0] = '\0';
	for (int64_t id; (id = next(o, now)) && strlen(text) < sizeof text - 20;) {
		sprintf(text + strlen(text), "%s%" PRId64, *text ? " " : "", id);
		outbox_end(o, now, id);
	}
	return text;
}

/* What is sent from `*now` to `until`, each call ending at once, and when, in seconds; the outbox
 * says when to look. */
static const char *sent(struct outbox *o, int64_t *now, int64_t until)
{
	static char text[4000];
	text[0] = '\0';
	while (*now <= until) {
		for (int64_t id; (id = next(o, *now));) {
			sprintf(text + strlen(text), "%s%g", *text ? " " : "", (double)*now / 1000);
			outbox_end(o, *now, id);
		}
		int64_t due = outbox_due(o, *now);
		if (due <= *now)
			return "outbox_due() says now, and there is nothing";
		*now = due;
	}
	return text;
}

static void order(void)
{
	struct outbox *o = make(&none);
	int64_t id;
	add(o, 0, 1, "7"), add(o, 0, 2, "7"), add(o, 0, 3, "8"), add(o, 0, 4, "7");
	is_num(next(o, 0), 1, "the first call goes first");
	is_num(next(o, 0), 3, "while it is in flight, the next is another chat's");
	is_num(next(o, 0), 0, "a chat has one call in flight");
	is_num((int64_t)outbox_in_flight(o), 2, "two are in flight");
	is_num((int64_t)outbox_waiting(o, false), 2, "two wait");
	is_num(outbox_due(o, 0), INT64_MAX, "time alone brings nothing");
	outbox_end(o, 0, 1);
	is_num(outbox_due(o, 0), 0, "when the first has ended, there is something to do");
	is_num(next(o, 0), 2, "the chat's second goes");
	outbox_again(o, 0, 2, 500);
	is_num(next(o, 499), 0, "a call that is to be tried again holds its chat");
	is_num(outbox_due(o, 0), 500, "until its time, which is known");
	is_num(next(o, 500), 2, "then it goes, before the later ones of its chat");
	add(o, 500, 5, "9");
	outbox_again(o, 500, 2, 0);
	is_num(next(o, 500), 2, "tried again at once it goes before all others");
	outbox_end(o, 500, 2);
	is_num(next(o, 500), 5, "the others follow in the order in which their turns came");
	is_num(next(o, 500), 4, "the last one, too");
	outbox_end(o, 500, 3), outbox_end(o, 500, 4), outbox_end(o, 500, 5);
	ok(!outbox_next(o, 500, &id) && outbox_in_flight(o) == 0 && outbox_waiting(o, false) == 0 &&
		   outbox_lines(o) == 0,
	   "at the end nothing is left, not even the chats");
	outbox_end(o, 500, 99), outbox_again(o, 500, 99, 0), outbox_flood(o, 500, 99, 900);
	ok(!outbox_remove(o, 500, 99) && outbox_due(o, 500) == INT64_MAX,
	   "to end an unknown call does nothing");
	outbox_free(o);

	o = make(&none);
	for (int64_t i = 1; i <= 100; i++)
		add(o, 0, i, "7");
	add(o, 0, 101, "8");
	is_num(next(o, 0), 1, "a chat with a hundred calls goes first when it came first");
	outbox_end(o, 0, 1);
	is_num(next(o, 0), 101, "then it is another chat's turn");
	outbox_free(o);

	o = make(&none);
	for (int64_t i = 1; i <= 20; i++) {
		char line[20];
		sprintf(line, "%d", (int)i);
		add(o, 0, i, line);
	}
	int64_t n = 0;
	while (next(o, 0))
		n++;
	is_num(n, 8, "eight are in flight at most");
	outbox_end(o, 0, 1);
	is_num(next(o, 0), 9, "when one has ended, the next goes");
	outbox_free(o);

	o = make(&none);
	add(o, 0, -1, "7"), add(o, 0, 1, "7"), add(o, 0, -2, "7");
	is_str(all(o, 0), "-1 1 -2", "who calls by the local API stands in the same line");
	add(o, 0, 2, ""), add(o, 0, 3, ""), add(o, 0, 4, "");
	ok(next(o, 0) == 2 && next(o, 0) == 3, "calls to no chat wait for nobody");
	outbox_free(o);
}

static void replies_and_bulk(void)
{
	struct outbox *o = make(&usual);
	char line[20];
	for (int64_t i = 1; i <= 1000; i++) {
		sprintf(line, "%d", (int)i);
		add_bulk(o, 0, i, line);
	}
	is_num(next(o, 0), 1, "bulk goes in its order");
	add(o, 0, 2001, "5000");
	is_num(next(o, 0), 2001, "a reply goes before a thousand bulk messages");
	add(o, 0, 2002, "500");
	is_num(next(o, 0), 500,
	       "of a chat in which a reply waits, the bulk message before it goes first, as urgent");
	outbox_end(o, 0, 500);
	is_num(next(o, 0), 2002, "then that reply");
	outbox_end(o, 0, 2002);
	is_num(next(o, 0), 2, "then bulk goes on");
	is_num((int64_t)outbox_waiting(o, true), 997, "so many of it wait");
	outbox_free(o);

	o = make(&usual);
	for (int64_t i = 1; i <= 20; i++) {
		sprintf(line, "%d", (int)i);
		add_bulk(o, 0, i, line);
	}
	int64_t n = 0;
	while (next(o, 0))
		n++;
	is_num(n, 7, "bulk never takes the last place in flight");
	add(o, 0, 100, "3");
	is_num(next(o, 0), 0, "a reply waits for the call that its chat has in flight");
	outbox_end(o, 0, 3);
	is_num(next(o, 0), 100, "and then has a place, while bulk waits");
	is_num(next(o, 0), 8, "as a place is free again, bulk has it");
	is_num(next(o, 0), 0, "all eight are taken");
	outbox_free(o);

	o = make(&none);
	add_bulk(o, 0, 1, "1"), add_bulk(o, 0, 2, "2"), add_bulk(o, 0, 3, "2"), add(o, 0, 4, "2");
	is_num(next(o, 0), 2, "all that stands before the reply goes as urgent");
	ok(outbox_remove(o, 0, 4), "the reply is taken back");
	outbox_end(o, 0, 2);
	is_num(next(o, 0), 1, "then its chat is a chat of bulk again");
	outbox_free(o);
}

static void limits(void)
{
	struct outbox *o = make(&usual);
	int64_t now = 0;
	for (int64_t i = 1; i <= 30; i++)
		add(o, 0, i, "-100");
	is_str(sent(o, &now, 200 * 1000),
	       "0 0 0 0 0 3 6 9 12 15 18 21 24 27 30 33 36 39 42 45 48 51 54 57 60 63 66 69 72 75",
	       "of thirty messages to a group five go at once, then one each three seconds");
	is_num(outbox_due(o, now), INT64_MAX, "then time alone brings nothing");
	outbox_free(o);

	o = make(&usual);
	now = 0;
	for (int64_t i = 1; i <= 8; i++)
		add(o, 0, i, "@news");
	is_str(sent(o, &now, 20 * 1000), "0 0 0 0 0 3 6 9", "who is named by @name is a group");
	outbox_free(o);

	o = make(&usual);
	now = 0;
	for (int64_t i = 1; i <= 8; i++)
		add(o, 0, i, "5");
	is_str(sent(o, &now, 20 * 1000), "0 0 0 0 0 1 2 3",
	       "in a private chat five go at once, then one a second");
	now = 10 * 1000;
	for (int64_t i = 1; i <= 6; i++)
		add(o, now, i, "5");
	is_str(sent(o, &now, 20 * 1000), "10 10 10 10 10 11", "after a rest five go at once again");
	outbox_free(o);

	o = make(&usual);
	now = 0;
	for (int64_t i = 1; i <= 3; i++) {
		struct outbox_entry album = call(i, "-100");
		album.cost = 10;
		outbox_add(o, 0, &album);
	}
	add(o, 0, 4, "-100");
	is_str(sent(o, &now, 200 * 1000), "0 30 60 78",
	       "albums of ten are counted as ten messages, and none waits for ever");
	outbox_free(o);

	o = make(&usual);
	now = 0;
	for (int64_t i = 1; i <= 6; i++)
		add(o, 0, i, "5");
	struct outbox_entry sign = call(7, "5");
	sign.cost = 0;
	outbox_add(o, 0, &sign);
	add(o, 0, 8, "5");
	is_str(sent(o, &now, 20 * 1000), "0 0 0 0 0 1 1 2",
	       "what the limits do not count waits for no limit, but stays in its order");
	outbox_free(o);

	o = make(&usual);
	now = 0;
	for (int64_t i = 1; i <= 20; i++)
		add(o, 0, i, "query:1");
	is_str(all(o, 0), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
	       "answers to queries are counted by nothing");
	ok(!outbox_mark(o, 0, NULL, &(struct outbox_mark){ 0 }), "not even by bulk's limit");
	outbox_free(o);

	o = make(&none);
	for (int64_t i = 1; i <= 20; i++)
		add_bulk(o, 0, i, "-100");
	is_str(all(o, 0), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
	       "a rate of 0 is no limit");
	outbox_free(o);

	o = make(&usual);
	add(o, 0, 1, "-100"), add(o, 0, 2, "-100"), add(o, 0, 3, "-100"), add(o, 0, 4, "-100"),
		add(o, 0, 5, "-100"), add(o, 0, 6, "-100");
	is_str(all(o, 0), "1 2 3 4 5", "a group's burst goes");
	ok(next(o, 3000) == 6, "the next goes after three seconds");
	outbox_again(o, 3000, 6, 0);
	is_num(next(o, 3000), 6,
	       "what is sent again in another form goes at once, and is not counted twice");
	outbox_again(o, 3000, 6, 4000);
	is_num(next(o, 5999), 0, "what is repeated later is counted again");
	is_num(next(o, 6000), 6, "and waits for its limit");
	outbox_free(o);
}

static void bulk_limit(void)
{
	struct outbox *o = make(&usual);
	int64_t now = 0, id, n = 0;
	char line[20];
	for (int64_t i = 1; i <= 1000; i++) {
		sprintf(line, "%d", (int)i);
		add_bulk(o, 0, i, line);
	}
	for (; outbox_waiting(o, true); n++) {
		while (!outbox_next(o, now, &id))
			now = outbox_due(o, now);
		outbox_end(o, now, id);
		if (n == 29)
			is_num(now, 0, "of a thousand bulk messages thirty go at once");
	}
	ok(now >= 970 * 1000 / 30 && now <= 970 * 1000 / 30 + 40,
	   "the others take the 32.3 seconds that the limit allows, no less, and no more (%g)",
	   (double)now / 1000);
	outbox_free(o);

	o = make(&usual);
	for (int64_t i = 1; i <= 100; i++) {
		sprintf(line, "%d", (int)i);
		add(o, 0, i, line);
	}
	add_bulk(o, 0, 101, "101");
	n = 0;
	while (next(o, 0) && ++n)
		outbox_end(o, 0, n);
	is_num(n, 100, "replies are never held by the limit of bulk");
	is_num(next(o, 33), 0, "but counted by it");
	is_num(outbox_due(o, 0), 34, "so bulk begins when the bucket has one again");
	is_num(next(o, 34), 101, "and does, however many replies there were");
	outbox_free(o);

	o = make(&usual);
	for (int64_t i = 1; i <= 2000; i++) {
		struct outbox_entry e = call(i, "-5");
		sprintf(line, "%d", (int)i);
		e.line = line;
		e.kind = OUTBOX_CHAT;
		e.bulk = e.paid = true;
		outbox_add(o, 0, &e);
	}
	now = 0;
	for (n = 0; outbox_waiting(o, true); n++) {
		while (!outbox_next(o, now, &id))
			now = outbox_due(o, now);
		outbox_end(o, now, id);
	}
	is_num(now, 1970,
	       "of two thousand paid broadcasts thirty go at once, then a thousand a second");
	ok(!outbox_mark(o, now, NULL, &(struct outbox_mark){ 0 }),
	   "bulk's limit does not count them");
	outbox_free(o);
}

static void too_old(void)
{
	struct outbox *o = make(&usual);
	struct outbox_entry first = call(1, "7"), third = call(3, "7");
	int64_t id = 0;
	first.expires = 1000, third.expires = 500;
	outbox_add(o, 0, &first), add(o, 0, 2, "7"), outbox_add(o, 0, &third);
	is_num(next(o, 0), 1, "the first is in flight");
	is_num(outbox_due(o, 0), 500, "the outbox wants to be asked when one is too old");
	ok(!outbox_too_old(o, 499, &id), "before that none is");
	is_num(outbox_due(o, 500), 500, "then there is something to do");
	ok(outbox_too_old(o, 500, &id) && id == 3,
	   "a call behind others is found too old at its time");
	ok(!outbox_too_old(o, 1000, &id), "one in flight never is");
	outbox_again(o, 1000, 1, 5000);
	is_num(next(o, 5000), 0, "nothing goes while there is one that is too old");
	ok(outbox_too_old(o, 1000, &id) && id == 1,
	   "one that waits to be tried again is, though its next try is later");
	is_num(next(o, 1000), 2, "and the next of its chat goes on");
	outbox_free(o);
}

static void floods(void)
{
	struct outbox *o = make(&usual);
	int64_t id;
	enum outbox_state state;
	int64_t until;
	add(o, 0, 1, "7"), add(o, 0, 2, "7"), add(o, 0, 3, "8");
	next(o, 0);
	outbox_flood(o, 0, 1, 5000);
	ok(outbox_cools(o, 4999, "7") && !outbox_cools(o, 4999, "8") && !outbox_cools(o, 5000, "7"),
	   "after a 429 its chat is told to wait, another is not");
	is_num(next(o, 0), 3, "other chats go on");
	outbox_end(o, 0, 3);
	is_num(next(o, 4999), 0, "to that chat nothing goes before");
	ok(outbox_look(o, 4999, 1, &state, &until) && state == OUTBOX_HELD && until == 5000,
	   "a list says until when it waits");
	is_num(outbox_due(o, 0), 5000, "the time is known");
	is_num(next(o, 5000), 1, "then the same call goes first");
	outbox_end(o, 5000, 1);
	outbox_cool(o, 5000, "7", 9000), outbox_cool(o, 5000, "7", 8000);
	is_num(next(o, 8999), 0,
	       "a 429 to a typing sign holds the chat, too; a shorter one changes nothing");
	ok(outbox_remove(o, 8999, 2) && outbox_cools(o, 8999, "7") && outbox_lines(o) == 1,
	   "the chat is still told to wait when nothing waits for it");
	is_num(next(o, 9000), 0, "until it is forgotten");
	is_num((int64_t)outbox_lines(o), 0, "with its cool-down");

	add(o, 10000, 11, "query:1"), add(o, 10000, 12, "7"), add(o, 10000, 13, "");
	is_num(next(o, 10000), 11, "an answer to a query goes");
	outbox_flood(o, 10000, 11, 12000);
	is_num(next(o, 11999), 0, "a 429 to a call without a chat holds all calls");
	ok(outbox_cools(o, 11999, "9"), "those to any chat");
	is_num(outbox_due(o, 11000), 12000, "until its time");
	is_str(all(o, 12000), "12 13 11", "then they go, each when its turn came");
	outbox_free(o);

	o = make(&usual);
	add(o, 0, -5, "7");
	outbox_next(o, 0, &id);
	outbox_flood(o, 0, -5, 90000);
	ok(outbox_remove(o, 0, -5) && outbox_cools(o, 0, "7"),
	   "a caller that would not wait so long is taken out, and its chat is told to wait all the same");
	outbox_free(o);
}

/* Ten bulk calls to chats 1 to 10, of which those of 1 to `n` get a 429 a second after another. */
static struct outbox *flooded(int n, int64_t apart)
{
	struct outbox *o = make(&usual);
	char line[20];
	for (int64_t i = 1; i <= 10; i++) {
		sprintf(line, "%d", (int)i);
		add_bulk(o, 0, i, line);
	}
	for (int64_t i = 1; i <= n; i++) {
		next(o, (i - 1) * apart);
		outbox_flood(o, (i - 1) * apart, i, (i - 1) * apart + 20000 + 1000 * i);
	}
	return o;
}

static void bulk_pause(void)
{
	struct outbox *o = flooded(2, 5000);
	is_num(next(o, 5000), 3, "after a 429 of two chats bulk goes on");
	outbox_free(o);

	o = flooded(3, 5001);
	is_num(next(o, 10002), 4, "so it does when three chats get one in more than ten seconds");
	outbox_free(o);

	o = flooded(3, 5000);
	is_num(next(o, 10000), 0, "when three chats get one within ten seconds, bulk pauses");
	add(o, 10000, 100, "50");
	is_num(next(o, 10000), 100, "replies do not");
	outbox_end(o, 10000, 100);
	is_num(outbox_due(o, 10000), 31000, "for the shortest of the three waits");
	is_num(next(o, 30999), 0, "so long nothing of bulk goes");
	is_num(next(o, 31000), 4, "then one is tried");
	is_num(next(o, 31000), 0, "one only");
	is_num(outbox_due(o, 31000), INT64_MAX, "until it has ended");
	outbox_flood(o, 31000, 4, 35000);
	is_num(next(o, 34999), 0, "if that gets a 429, too, bulk pauses for its wait");
	int64_t id = next(o, 35000);
	ok(id > 0 && next(o, 35000) == 0, "then one is tried again");
	outbox_again(o, 35000, id, 36000);
	ok((id = next(o, 35000)) > 0 && next(o, 35000) == 0,
	   "if that did not arrive, another one is");
	outbox_end(o, 35000, id);
	ok(next(o, 35000) > 0 && next(o, 35000) > 0, "if it went well, the others follow");
	outbox_free(o);

	o = flooded(3, 0);
	add(o, 0, 100, "5");
	is_num(next(o, 0), 5, "a bulk message before a reply goes in the pause, too");
	outbox_end(o, 0, 5);
	is_num(next(o, 0), 100, "as the reply does");
	outbox_free(o);

	o = make(&usual);
	for (int64_t i = 1; i <= 3; i++) {
		add_bulk(o, 3000 * i, 1, "7");
		next(o, 3000 * i);
		outbox_flood(o, 3000 * i, 1, 3000 * i + 2000);
		outbox_remove(o, 3000 * i, 1);
	}
	add_bulk(o, 9000, 2, "8");
	is_num(next(o, 9000), 2, "the same chat three times is one chat");
	outbox_free(o);
}

static void restarts(void)
{
	char times[400] = "";
	int64_t now = 0;
	struct outbox_mark mark = { 0 };
	for (int64_t i = 1; i <= 8; i++) {
		/* Each message by a process of its own, which is killed while it is in flight. */
		struct outbox *o = make(&usual);
		if (i > 1)
			outbox_recall(o, now, "-100", &mark);
		add(o, now, i, "-100");
		while (!next(o, now))
			now = outbox_due(o, now);
		sprintf(times + strlen(times), "%g ", (double)now / 1000);
		ok(outbox_mark(o, now, "-100", &mark), "there is something to store of the group");
		outbox_free(o);
	}
	is_str(times, "0 0 0 0 0 3 6 9 ", "a group's limit holds over restarts");

	struct outbox *o = make(&usual);
	add(o, 0, 1, "7"), add_bulk(o, 0, 2, "8");
	next(o, 0), next(o, 0);
	outbox_flood(o, 0, 1, 5000);
	struct outbox_mark bot;
	ok(outbox_mark(o, 0, "7", &mark) && mark.cool == 5000 && mark.full == 1000,
	   "a cool-down is stored");
	ok(outbox_mark(o, 0, NULL, &bot) && bot.cool == 0 && bot.full == 67,
	   "so is what bulk has left, to the next millisecond");
	ok(!outbox_mark(o, 5000, "7", &mark) && !outbox_mark(o, 5000, NULL, &bot),
	   "when it is over, nothing is to be stored");
	outbox_free(o);

	o = make(&usual);
	outbox_recall(o, 0, "7", &(struct outbox_mark){ .cool = 5000 });
	outbox_recall(o, 0, NULL, &(struct outbox_mark){ .full = 1300, .cool = 300 });
	add(o, 0, 1, "7"), add(o, 0, 2, "8"), add_bulk(o, 0, 3, "9");
	is_num(next(o, 299), 0, "after a restart the bot is still told to wait");
	is_num(next(o, 300), 2, "then replies go");
	is_num(outbox_due(o, 300), 334, "bulk when there is one in its bucket");
	is_num(next(o, 334), 3, "as before");
	is_num(next(o, 4999), 0, "the chat that was told to wait waits");
	is_num(next(o, 5000), 1, "to its end");
	outbox_free(o);

	o = make(&usual);
	outbox_recall(o, 0, "7", &(struct outbox_mark){ .full = INT64_MAX, .cool = INT64_MAX });
	outbox_mark(o, 0, "7", &mark);
	ok(mark.cool == 24 * 3600 * 1000 && mark.full == 100 * 3000,
	   "a mark from a clock that went wrong holds for a day at most");
	outbox_free(o);
}

static void two_names(void)
{
	struct outbox *o = make(&usual);
	enum outbox_state state;
	int64_t until;
	struct outbox_mark mark;
	add(o, 0, 1, "-100"), add(o, 0, 2, "@news"), add(o, 0, 3, "-100"), add(o, 0, 4, "@news");
	ok(next(o, 0) == 1 && next(o, 0) == 2,
	   "until one knows that they are one, two names are two");
	is_num(outbox_move(o, 0, "@news", "-100"), 0, "an answer shows that they are one");
	add(o, 0, 5, "@news"), add(o, 0, 6, "-100");
	is_str(outbox_name(o, "@news"), "-100", "the limits are kept under the second name");
	is_str(outbox_name(o, "@else"), "@else", "others under their own");
	is_num(next(o, 0), 0, "now they are one line, which has calls in flight");
	outbox_end(o, 0, 1);
	is_num(next(o, 0), 0, "as long as one of them is");
	outbox_again(o, 0, 2, 100);
	ok(outbox_look(o, 0, 2, &state, &until) && state == OUTBOX_HELD && until == 100,
	   "the older one, to be tried again, holds the line");
	is_num(next(o, 100), 2, "and goes first");
	outbox_end(o, 100, 2);
	is_str(all(o, 100), "3 4", "then the others in their order, by the limit of one group");
	is_num(outbox_due(o, 100), 3000, "for which both had been counted");
	ok(outbox_mark(o, 100, "@news", &mark) && mark.full == 15000,
	   "both names have the same limits");
	outbox_cool(o, 100, "@news", 9000);
	ok(outbox_cools(o, 100, "-100"), "and the same cool-down");
	is_str(all(o, 9000), "5 6", "the last ones go after it");
	outbox_move(o, 9000, "-100", "-100200");
	add(o, 9000, 7, "@news"), add(o, 9000, 8, "-100"), add(o, 9000, 9, "-100200");
	is_str(outbox_name(o, "@news"), "-100200", "a name leads through all moves");
	outbox_move(o, 9000, "-100200", "@news");
	is_num(next(o, 9000), 7, "the line of three names has its order");
	is_num(next(o, 9000), 0, "and one in flight");
	outbox_end(o, 9000, 7);
	is_str(all(o, 15000), "8 9", "and goes on");
	is_num((int64_t)outbox_lines(o), 3, "names are remembered");
	outbox_free(o);

	o = make(&usual);
	outbox_move(o, 0, "@news", "-100");
	add(o, 0, 1, "@news"), add(o, 0, 2, "-100");
	ok(next(o, 0) == 1 && next(o, 0) == 0,
	   "names of an earlier run may be told before any call");
	outbox_free(o);
}

static void drains(void)
{
	struct outbox *o = make(&usual);
	is_num(outbox_due_reply(o, 0), INT64_MAX,
	       "with nothing to send there is nothing to wait for");
	add_bulk(o, 0, 1, "7");
	is_num(outbox_due_reply(o, 0), INT64_MAX, "a drain does not wait for bulk");
	for (int64_t i = 2; i <= 8; i++)
		add(o, 0, i, "-100");
	is_num(outbox_due_reply(o, 0), 0, "a reply may go");
	is_str(all(o, 0), "2 3 4 5 6 1", "five go, and bulk");
	is_num(outbox_due_reply(o, 0), 3000, "the next waits for its limit");
	outbox_cool(o, 0, "-100", 90000);
	is_num(outbox_due_reply(o, 0), 90000, "or for a cool-down");
	outbox_cool(o, 0, NULL, 100000);
	is_num(outbox_due_reply(o, 0), 100000, "or for that of the bot");
	outbox_free(o);
}

static void new_rates(void)
{
	struct outbox *o = make(&usual);
	struct outbox_rates slow = usual;
	for (int64_t i = 1; i <= 8; i++)
		add(o, 0, i, "-100");
	is_str(all(o, 0), "1 2 3 4 5", "a group has had its burst");
	slow.group = (struct outbox_rate){ 6, 60000 };
	outbox_set_rates(o, 0, &slow);
	is_num(outbox_due(o, 0), 10000, "with a slower rate the next waits longer");
	slow.group = (struct outbox_rate){ 60, 60000 };
	outbox_set_rates(o, 0, &slow);
	is_num(outbox_due(o, 0), 1000, "with a faster one shorter");
	outbox_set_rates(o, 0, &none);
	is_str(all(o, 0), "6 7 8", "without one, not at all");
	outbox_free(o);
}

static void states(void)
{
	struct outbox *o = make(&usual);
	enum outbox_state state;
	int64_t until;
	add(o, 0, 1, "7"), add(o, 0, 2, "7"), add(o, 0, 3, "8");
	next(o, 0);
	ok(outbox_look(o, 0, 1, &state, &until) && state == OUTBOX_SENDING, "one is being sent");
	ok(outbox_look(o, 0, 2, &state, &until) && state == OUTBOX_BEHIND, "one is behind it");
	ok(outbox_look(o, 0, 3, &state, &until) && state == OUTBOX_READY, "one may go");
	ok(!outbox_look(o, 0, 4, &state, &until), "one is not known");
	ok(!outbox_remove(o, 0, 1), "what is being sent cannot be taken back");
	ok(outbox_remove(o, 0, 2) && !outbox_look(o, 0, 2, &state, &until), "what waits can");
	outbox_free(o);
}

static double seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

enum { N = 100000 };

/* What N waiting calls cost, to so many chats. */
static void measure(int chats)
{
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	struct outbox *o = make(&usual);
	char line[32];
	double start = seconds();
	for (int64_t i = 1; i <= N; i++) {
		sprintf(line, "%d", 100000000 + (int)(i % chats));
		struct outbox_entry e = call(i, line);
		e.expires = 3600 * 1000 + i;
		if (outbox_add(o, 0, &e))
			return;
	}
	double added = seconds();
	size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	diag("%.1f bytes for each of %d waiting calls to %d chats, %.2f us to add one",
	     (double)used / N, N, chats, (added - start) * 1e6 / N);
	ok(used <= (size_t)200 * N + (size_t)200 * (size_t)chats,
	   "at most 200 bytes for each of %d waiting calls, and for each of %d chats", N, chats);
	int64_t now = 0, n = 0, due = 0;
	for (int64_t id; outbox_waiting(o, false) && due != INT64_MAX; now = due) {
		for (; outbox_next(o, now, &id); n++)
			outbox_end(o, now, id);
		due = outbox_due(o, now);
	}
	diag("%.2f us to hand out and end one", (seconds() - added) * 1e6 / N);
	is_num(n, N, "all are handed out");
	outbox_free(o);
}

int main(void)
{
	RUN(order);
	RUN(replies_and_bulk);
	RUN(limits);
	RUN(bulk_limit);
	RUN(too_old);
	RUN(floods);
	RUN(bulk_pause);
	RUN(restarts);
	RUN(two_names);
	RUN(drains);
	RUN(new_rates);
	RUN(states);
	RUN(measure, 1000);
	RUN(measure, N);
	return done_testing();
}
