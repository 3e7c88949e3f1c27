/* outbox/fate: what follows from the end of a call of the Bot API. What became of it
 * (api/verdict.h), its method and what has happened to it before come in; whether it is done, sent
 * again, or has failed comes out. Pure. */
#ifndef TGRUN_OUTBOX_FATE_H
#define TGRUN_OUTBOX_FATE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/verdict.h"

enum fate_kind {
	FATE_DONE,
	FATE_AGAIN,  /* it is sent again in `delay`; what waits behind it in its chat waits */
	FATE_FLOOD,  /* the same, and nothing goes to its chat before (outbox_flood()) */
	FATE_MOVE,   /* its chat is verdict.moved_to: sent again at once, to that */
	FATE_PLAIN,  /* sent again at once, without its parse_mode */
	FATE_FAILED, /* it is never sent again */
	FATE_TOKEN,  /* nothing more is sent until getMe has told whether the token is gone */
};

/* What its fate depends on beside the verdict. */
struct fate_call {
	const char *method; /* in any case of letters */
	bool fail_unsure;   /* --on-unsure fail: never sent again when it may have arrived */
	bool paid;          /* with allow_paid_broadcast */
	bool may_be_plain;  /* its parse_mode was chosen by tgrun */
	int tries;          /* earlier ends as VERDICT_UNSENT, in a row */
	int servers;        /* … as VERDICT_SERVER, in all */
	int unsures;        /* … as VERDICT_UNSURE, in all */
};

struct fate {
	enum fate_kind kind;
	int64_t delay;      /* milliseconds, of FATE_AGAIN and FATE_FLOOD; else 0 */
	bool maybe_twice;   /* it is sent again and may have arrived: to be logged */
	bool unsure;        /* nobody knows whether it arrived, whatever follows */
	const char *reason; /* of FATE_AGAIN and FATE_FAILED, a phrase that is never freed; NULL:
			       the verdict's text says it */
};

/* The fate of a call that ended as `v`, or, with VERDICT_UNSURE, that was begun when tgrun died.
 * The counts are those before this end. `random`: any 32 bits, for jitter. A FATE_FLOOD waits as
 * long as the server told, a year at most. */
struct fate fate_of(const struct verdict *v, const struct fate_call *c, uint32_t random);

/* Whether that the call is begun has to be safe from a loss of power before it is sent: who loses
 * that record would send it a second time, unasked. */
bool fate_needs_sync(const struct fate_call *c);

#endif
