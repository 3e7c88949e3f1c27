/* sched/ledger: what an attempt that is charged to nobody leaves on the account of its update,
 * and when the account is full. Pure. See "What is not charged" in tgrun-handler(7).
 *
 * Every way in which an attempt can end without an outcome of the update's own is one row of a
 * table (ledger.c). It is a death, an interruption, or neither; deaths and interruptions are
 * counted for ever, each against a bound of its own, so nothing is handed out for ever. */
#ifndef TGRUN_SCHED_LEDGER_H
#define TGRUN_SCHED_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why an attempt ended so. */
enum release_why {
	/* Nothing was asked to run it, or what was asked could not start for the machine's or the
	 * configuration's sake. */
	RELEASE_NO_START,
	/* Its handler was killed, since other machines that share the store may have taken over. */
	RELEASE_CUT,
	/* It failed while the breaker was open: failures are not counted. */
	RELEASE_BREAKER,
	/* tgrun stops. */
	RELEASE_STOP,
	/* Its program had a standard output that nobody read any more. */
	RELEASE_REPLACED,
	/* An order that never led to a start: its slot died, or its worker ended, before it could
	 * see the update. */
	RELEASE_NOT_GIVEN,
	/* Its process was ended because of another update that it held. */
	RELEASE_OTHER,
	/* Its batch failed, or its worker died while it held several: whose fault it was is not
	 * known. It is handed out apart from now on. */
	RELEASE_SHARED,
	/* Its slot died, and the program had begun. */
	RELEASE_SLOT,
	/* Its start was refused for its own size. */
	RELEASE_SIZE,
	/* tgrun itself died; found at the next start. */
	RELEASE_RUNNER,
};

enum { RELEASE_WAYS = RELEASE_RUNNER + 1 };

enum ledger_class {
	LEDGER_NOTHING,      /* not the update's doing; what it waits for has a pace of its own */
	LEDGER_INTERRUPTION, /* tgrun's own doing */
	LEDGER_DEATH,        /* perhaps the update's doing */
};

enum {
	LEDGER_ALONE = 2,  /* deaths from which it runs while nothing else does */
	LEDGER_DEATHS = 5, /* at which it is given up */
	/* At which it is, if another update ended well since its first attempt; or if none did. */
	LEDGER_INTERRUPTIONS_PROVEN = 20,
	LEDGER_INTERRUPTIONS = 50,
	LEDGER_STORY = 256, /* bytes of a reason */
};

struct ledger {
	int deaths, interruptions;
};

/* What is on a row of the table. */
struct ledger_row {
	enum ledger_class class;
	bool pauses;        /* the next attempt waits for ledger_pause() */
	const char *phrase; /* `its slot died` */
};
const struct ledger_row *ledger_row(enum release_why why);

/* Enters an end. `proven`: another update ended well since this one's first attempt. Returns
 * whether it is to be given up. */
bool ledger_enter(struct ledger *l, enum release_why why, bool proven);

/* The milliseconds before the next attempt of an account that is not empty: 1 s, doubling with
 * each entry up to 60 s. */
int64_t ledger_pause(const struct ledger *l);

/* The reason of the dead letter: how often, and what happened last. `reason`: in other words
 * than the table's, or NULL. */
void ledger_story(const struct ledger *l, enum release_why why, const char *reason, char *out,
		  size_t n);

/* Whether an update that asked for another time (status 75 or 111) until its attempts were used
 * up may be given up: only if it is not everybody who is asked to wait. `proven` as above;
 * `first` and `now`: wall clock in milliseconds, of its first attempt, and now. */
bool ledger_may_give_up(bool proven, int64_t first, int64_t now);

#endif
