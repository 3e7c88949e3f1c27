/* sched/ledger: why an attempt ended in, what is counted and what follows out. The table names
 * all ways, and the rules below it are few. Invariant: what has a class has a bound, and what
 * has none waits for something that paces all updates alike. */
#include "sched/ledger.h"

#include <stdio.h>

#include "base/backoff.h"

enum { PAUSE_FIRST = 1000, PAUSE_LAST = 60 * 1000 };

#define DAY (INT64_C(24) * 3600 * 1000)

static const struct ledger_row rows[RELEASE_WAYS] = {
	/* The store is away, and nothing is handed out, until it is back. */
	[RELEASE_CUT] = { LEDGER_NOTHING, false, "this machine was cut off from the store" },
	/* The pause is that of its route: 1 s to 60 s, for all alike, until something starts. */
	[RELEASE_NO_START] = { LEDGER_NOTHING, false, "it was not started" },
	/* The pause is that of the breaker: one at a time, 1 s to 60 s, until one succeeds. */
	[RELEASE_BREAKER] = { LEDGER_NOTHING, false, "it failed while everything did" },
	/* The next start of tgrun is pause enough. */
	[RELEASE_STOP] = { LEDGER_INTERRUPTION, false, "tgrun was stopped" },
	[RELEASE_REPLACED] = { LEDGER_INTERRUPTION, true,
			       "nobody read the standard output that it had" },
	[RELEASE_NOT_GIVEN] = { LEDGER_INTERRUPTION, true, "it was given out and never begun" },
	[RELEASE_OTHER] = { LEDGER_INTERRUPTION, true,
			    "its process was ended because of another update" },
	/* The next attempt is alone, and charged. It comes at once: who has to be alone is known to
	 * this runner only. */
	[RELEASE_SHARED] = { LEDGER_INTERRUPTION, false,
			     "its process ended while it held several" },
	[RELEASE_SLOT] = { LEDGER_DEATH, true, "its slot died" },
	[RELEASE_SIZE] = { LEDGER_DEATH, true,
			   "its variables are too large to start a program with" },
	[RELEASE_RUNNER] = { LEDGER_DEATH, true, "tgrun died while it ran" },
};

const struct ledger_row *ledger_row(enum release_why why)
{
	return &rows[why];
}

bool ledger_enter(struct ledger *l, enum release_why why, bool proven)
{
	switch (rows[why].class) {
	case LEDGER_NOTHING:
		break;
	case LEDGER_INTERRUPTION:
		return ++l->interruptions >=
		       (proven ? LEDGER_INTERRUPTIONS_PROVEN : LEDGER_INTERRUPTIONS);
	case LEDGER_DEATH:
		return ++l->deaths >= LEDGER_DEATHS;
	}
	return false;
}

int64_t ledger_pause(const struct ledger *l)
{
	return backoff_delay(PAUSE_FIRST, PAUSE_LAST, l->deaths + l->interruptions);
}

void ledger_story(const struct ledger *l, enum release_why why, const char *reason, char *out,
		  size_t n)
{
	char counts[80];
	if (l->deaths && l->interruptions)
		snprintf(counts, sizeof counts, "%d deaths and %d interruptions", l->deaths,
			 l->interruptions);
	else if (l->deaths)
		snprintf(counts, sizeof counts, "%d deaths", l->deaths);
	else
		snprintf(counts, sizeof counts, "%d interruptions", l->interruptions);
	snprintf(out, n, "given up after %s, at last: %s", counts,
		 reason && *reason ? reason : rows[why].phrase);
}

bool ledger_may_give_up(bool proven, int64_t first, int64_t now)
{
	return proven || now - first >= DAY;
}
