/* source/poll_internal: what poll.c and poll_beside.c share: a poll. */
#ifndef TGRUN_SOURCE_POLL_INTERNAL_H
#define TGRUN_SOURCE_POLL_INTERNAL_H

#include "source/pace.h"
#include "source/poll.h"
#include "source/poll_answer_internal.h"
#include "source/poll_setup_internal.h"
#include "source/poll_trouble_internal.h"

enum { POLL_SHORT_CALL = 20000 /* milliseconds for a call that does not wait for updates */ };

struct poll {
	struct source source;
	struct poll_config config;
	char *allowed;
	enum poll_step step;
	struct poll_setup setup;
	struct api_request *request; /* in flight, NULL: none */
	struct api_request *hello;   /* getMe beside the long poll, in flight; NULL: none */
	struct loop_timer *timer;    /* until the next request */
	struct poll_trouble failures;
	struct backoff idle; /* of answers that came at once and brought nothing */
	struct pace pace;
	int64_t offset;                        /* of the next request */
	int64_t asked_offset;                  /* of the request in flight */
	int64_t confirmed;                     /* the highest offset that was answered */
	int64_t asked_at;                      /* monotonic milliseconds */
	struct log_pace paces[2][API_CLASSES]; /* of the warnings: contradicted, class */
	/* while counts.failing; what getMe is asked about, not getMe */
	enum poll_step failed;
	bool told;                   /* a warning was given since the last good answer */
	bool webhook_unknown;        /* getWebhookInfo told nothing, getUpdates has not yet */
	struct poll_garbage garbage; /* unreadable answers */
	bool waits;                  /* may_ask() said no: source_resume() follows */
	bool stopping, stopped, ready;
	struct source_counts counts;
	char trouble[400]; /* what failed last, for people; "" for nothing */
};

/* poll_beside.c: takes over how to ask; as source_ops.hello and source_ops.seek. */
void poll_take_options(struct poll *p, const struct poll_options *o);
void poll_hello(struct source *s);
void poll_seek(struct source *s, int64_t offset);

#endif
