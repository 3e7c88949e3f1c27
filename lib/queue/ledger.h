/* queue/ledger: what an attempt that is charged to nobody leaves on the account of its update. See "Not counted" in tgrun-handler(7). */
#ifndef TGRUN_QUEUE_LEDGER_H
#define TGRUN_QUEUE_LEDGER_H

/* Why an attempt ended without an outcome of the update's own. */
enum release_why {
	RELEASE_NO_START, /* nothing was asked to run it, or what was asked could not start for the machine's or the configuration's sake */
	RELEASE_BREAKER,  /* it failed, and the breaker is open: failures are not counted */
	RELEASE_STOP,     /* tgrun stops */
	RELEASE_REPLACED, /* its worker was asked to end, and did so without an answer */
	RELEASE_NOT_GIVEN, /* an order that never led to a start: its slot died, or its worker ended, before it could see the update */
	RELEASE_OTHER,    /* its worker was ended because of another update */
	RELEASE_SHARED,   /* its batch failed, or its worker died while it held several: whose fault it was is not known. Handed out apart from now on */
	RELEASE_SLOT,     /* its slot died, and the program had begun */
	RELEASE_SIZE,     /* its start was refused for its own size */
	RELEASE_RUNNER,   /* tgrun itself died; found at the next start */
};

#endif
