/* source/poll_trouble_internal: what follows a request that failed, as a pure decision: the class
 * of the failure, the time and random bits come in; another try after a pause, or the end of the
 * source, comes out. */
#ifndef TGRUN_SOURCE_POLL_TROUBLE_INTERNAL_H
#define TGRUN_SOURCE_POLL_TROUBLE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "base/backoff.h"

/* The failures so far. Times are monotonic milliseconds. */
struct poll_trouble {
	struct backoff backoff;
	int64_t give_up_after; /* milliseconds without a good answer, 0: never */
	int64_t good_at;       /* the last good answer of what is asked for, or the start */
	bool worked;           /* the token, at least once */
	int refusals;          /* of the token, with no other answer between */
	bool contradicted;     /* getMe said since that the token is good */
	int64_t refused_at;    /* the first of them */
};

enum poll_remedy {
	POLL_ASK_AGAIN, /* the same, after `delay` */
	POLL_ASK_ME,    /* the token is in doubt: getMe, after `delay` */
	POLL_GIVE_UP,   /* the end; poll_trouble_end() says why */
};

struct poll_decision {
	enum poll_remedy remedy;
	int64_t delay; /* milliseconds */
};

/* All is well at `now`. */
void poll_trouble_init(struct poll_trouble *t, enum backoff_growth growth, int64_t give_up_after,
		       int64_t now);

/* A good answer: the token works. `mends`: it is of the call that failed, or nothing has failed;
 * then patience and pauses begin anew. A good getMe beside a getUpdates that is refused mends
 * nothing: it only says that not the token is refused. */
void poll_trouble_good(struct poll_trouble *t, bool mends, int64_t now);

/* A request failed: getMe (`by_me`), or another. `random`: any 32 random bits. */
struct poll_decision poll_trouble_failed(struct poll_trouble *t, bool by_me,
					 const struct api_answer *answer, int64_t now,
					 uint32_t random);

/* What a failure of `class` means now, as a phrase. */
const char *poll_trouble_phrase(const struct poll_trouble *t, enum api_class class);

/* What follows it, as a phrase that goes on with "in 1s". `delete_webhook`: one that was set is
 * removed. */
const char *poll_trouble_next(enum api_class class, bool delete_webhook);

/* After POLL_GIVE_UP: the sentence, of `what` failed last, and the exit status, which is
 * returned. */
int poll_trouble_end(const struct poll_trouble *t, enum api_class class, const char *what,
		     char *text, size_t n);

#endif
