/* outbox/outbox: which waiting call of the Bot API may be sent now. Pure: no I/O, no clock of its
 * own, no texts; time comes in as milliseconds of one clock that never goes back.
 *
 * A call stands in the line of its chat. Within a line the calls go in the order in which they
 * were added, one at a time: the next goes when the one before has ended for good. Between lines:
 * whose turn came first, but a line in which a reply waits goes before a line of bulk alone, and
 * counts as a reply's until that reply was handed out. The limits are token buckets: one for each
 * chat or group, one for the whole bot, which all calls empty and only bulk waits for. A server's
 * "429, retry after" is a cool-down of a line or of the whole bot: nothing of it is handed out
 * before. Invariants: of a line one call at most is in flight (two lines that became one while
 * both had one may have both); nothing is handed out that is too old. O(log n) for each
 * operation, where not said otherwise; at most 200 bytes for a waiting call, and as much for a
 * line, which is forgotten when it is empty, its bucket full and its cool-down over. */
#ifndef TGRUN_OUTBOX_OUTBOX_H
#define TGRUN_OUTBOX_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OUTBOX_FLIGHT = 8,      /* calls in flight, at most */
	OUTBOX_FLIGHT_BULK = 7, /* of them bulk: slow uploads to many never stop a reply */
	OUTBOX_COST_MAX = 100,  /* a dearer call is counted as this */
};

struct outbox;

/* Up to `count` messages each `period` milliseconds, after a first burst; count 0: no limit. */
struct outbox_rate {
	int64_t count, period;
};

/* The bursts are 5 for a chat, 5 for a group, 30 for bulk. */
struct outbox_rates {
	struct outbox_rate chat, group, bulk;
};

enum outbox_kind {
	OUTBOX_CHAT,
	OUTBOX_GROUP, /* a chat with a group's limit: its id is below 0, or it is an @name */
	OUTBOX_QUERY, /* an answer to a query: a line of its own, and no limit counts it */
	OUTBOX_NONE,  /* to no chat: in no line, behind nobody */
};

/* What the outbox knows of a call. */
struct outbox_entry {
	int64_t id; /* unique; below 0: a caller waits for its end, and it is stored nowhere */
	enum outbox_kind kind;
	const char *line; /* copied; "" for OUTBOX_NONE. */
	int cost;         /* what it takes from the buckets, in messages; 0: it is not counted */
	bool bulk;        /* else it is a reply, or as urgent as one */
	bool paid;        /* paid broadcast: no limit but 1000 a second for all of these */
	int64_t due;      /* not before; 0: at once */
	int64_t expires;  /* from then on it is too old; INT64_MAX: never */
};

struct outbox *outbox_new(void);    /* no limits; NULL when memory is out */
void outbox_free(struct outbox *o); /* NULL is fine */

/* Replaces the rates, for what waits, too. O(lines). */
void outbox_set_rates(struct outbox *o, int64_t now, const struct outbox_rates *rates);

/* ---- a call's way ---- */

/* Adds a call behind all of its line. Stored ones of an earlier run are to be added in the order of
 * their ids, after outbox_recall() and outbox_move(). 0, or -1 when memory is out (then nothing
 * changed). */
int outbox_add(struct outbox *o, int64_t now, const struct outbox_entry *entry);

/* Takes out a waiting call whose time is over, wherever it stands. False: none is too old. */
bool outbox_too_old(struct outbox *o, int64_t now, int64_t *id);

/* Hands out a call that may be sent now. It is counted by its buckets, and in flight until
 * outbox_end(), outbox_again() or outbox_flood(). False: none may now; so too while
 * outbox_too_old() has one to take out first. */
bool outbox_next(struct outbox *o, int64_t now, int64_t *id);

/* Ends a call in flight, however it ended: it leaves, and the next of its line may come up. */
void outbox_end(struct outbox *o, int64_t now, int64_t id);

/* Gives a call in flight back: it stays at the head of its line, and its turn comes up at `due`.
 * With a `due` that is not after `now` it comes up at once, before all other replies or bulk, and
 * is not counted a second time: what is sent again in another form, as the first was refused. */
void outbox_again(struct outbox *o, int64_t now, int64_t id, int64_t due);

/* As outbox_again(), after a 429: nothing goes before `until` to the chat of the call; if it is
 * to no chat (OUTBOX_QUERY, OUTBOX_NONE), nothing at all. When three chats got one within 10
 * seconds, bulk pauses for the shortest of the three waits; then one bulk call is tried, and the
 * others follow when that one has ended; if it gets a 429, too, bulk pauses for its wait. A call
 * that is not to wait so long is taken out by outbox_remove() afterwards. */
void outbox_flood(struct outbox *o, int64_t now, int64_t id, int64_t until);

/* Takes out a call that waits. False: it is in flight or not known. */
bool outbox_remove(struct outbox *o, int64_t now, int64_t id);

/* When there is something to do: `now` if outbox_next() or outbox_too_old() has a call, else the
 * time at which to look again, never later than the next of these calls; INT64_MAX: by time alone
 * never. */
int64_t outbox_due(struct outbox *o, int64_t now);

/* When the next call of a line in which a reply waits may go, as far as limits, cool-downs and
 * delays go: `now` if at once (even if all places in flight are taken); INT64_MAX if no reply
 * waits. What is in flight is not looked at. For a drain, which waits only for what goes soon. */
int64_t outbox_due_reply(struct outbox *o, int64_t now);

/* ---- lines ---- */

/* Where a function takes a `line`, any name of the chat will do; NULL is the whole bot. */

/* Two names of one chat, as an answer has shown (an @name and an id, a group's id and that of the
 * supergroup which it became): from now on, for later calls too, they are one line under the name
 * `to`, what waits under both in the order in which it was added. What both buckets had counted is
 * added up, the longer cool-down holds, and what is stored of `from` by outbox_mark() is to be
 * deleted. It is remembered as long as the outbox lives. O(calls of both). 0, or -1 when memory is
 * out (then they stay two lines). */
int outbox_move(struct outbox *o, int64_t now, const char *from, const char *to);

/* The name of the chat under which outbox_mark() is to be stored: `line` itself or, after
 * outbox_move(), what it was moved to. Valid until the next function that may change the outbox, or
 * `line`, ends. */
const char *outbox_name(const struct outbox *o, const char *line);

/* Nothing goes to the chat of `line` before `until`: after a 429 to what was no call of the
 * outbox's. A cool-down is never made shorter. 0, or -1 when memory is out. */
int outbox_cool(struct outbox *o, int64_t now, const char *line, int64_t until);

/* Is the chat of `line`, or the whole bot, told to wait? */
bool outbox_cools(const struct outbox *o, int64_t now, const char *line);

/* What is to be stored of the limits of a line, so that they hold over a restart: times in
 * milliseconds of the caller's clock, who turns them into the wall clock's and back. */
struct outbox_mark {
	int64_t full; /* when its bucket is full again; 0: it is */
	int64_t cool; /* until when it cools down; 0: it does not */
};

/* Reads the mark of `line`; the whole bot's bucket is that of bulk. Read after
 * outbox_next() it counts the call that was handed out; so stored with the record that this
 * call was begun, it holds also if the process is killed before its end. False: the bucket is
 * full and there is no cool-down: a stored mark is to be deleted. */
bool outbox_mark(const struct outbox *o, int64_t now, const char *line, struct outbox_mark *mark);

/* Takes a stored mark over. The stricter holds of what is known and what comes in. A mark that lies
 * farther ahead than any can (the clock was set back) is cut to what can be: a bucket that
 * OUTBOX_COST_MAX emptied, a cool-down of a day. The rates are to be set before. 0, or -1 when
 * memory is out. */
int outbox_recall(struct outbox *o, int64_t now, const char *line, const struct outbox_mark *mark);

/* ---- what is asked ---- */

size_t outbox_waiting(const struct outbox *o, bool bulk); /* replies or bulk, none in flight */
size_t outbox_in_flight(const struct outbox *o);          /* both */
size_t outbox_lines(const struct outbox *o);              /* remembered, with second names */

enum outbox_state {
	OUTBOX_BEHIND,  /* another call of its line goes first, or is in flight */
	OUTBOX_HELD,    /* the head of its line, which waits for a time */
	OUTBOX_READY,   /* it goes when those before it have gone, and the bot's limits let it */
	OUTBOX_SENDING, /* in flight */
};

/* Tells the state of a call; *until gets the time at which a held one comes up, else 0. False if
 * the call is not known. */
bool outbox_look(struct outbox *o, int64_t now, int64_t id, enum outbox_state *state,
		 int64_t *until);

#endif
