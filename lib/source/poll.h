/* source/poll: updates of Telegram by long polling: see
 * https://core.telegram.org/bots/api#getupdates. Its offset is the next update_id. */
#ifndef TGRUN_SOURCE_POLL_H
#define TGRUN_SOURCE_POLL_H

#include "api/api.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"
#include "source/source.h"

/* How the server is asked. These are options of the command line, and their rows point here
 * (cli/options/options_table.c). */
struct poll_options {
	int64_t timeout;   /* milliseconds that the server waits for an update to come: whole
			      seconds, 0 to 50000 */
	int limit;         /* updates in a response, 1 to 100 */
	int64_t delay;     /* milliseconds between an answer and the next request, at least */
	int balance;       /* thousandths: how far waiting may make answers fuller, see
			      source/pace.h; not with `once` */
	int64_t max_delay; /* milliseconds that the balance may wait at most */
	enum backoff_growth growth; /* of the pauses after failed requests */
	int64_t give_up_after;      /* milliseconds without a good answer, and it ends; 0: never */
	bool drop_pending;          /* the server forgets first what waits there */
	bool delete_webhook;        /* a webhook that is set, or comes to be set, is removed; else
				       it ends the source at its start, and is waited out later */
};

/* Everything outlives the source, but for what says otherwise. */
struct poll_config {
	struct loop *loop;
	struct api *api;
	struct log *log;
	const struct clock *clock;
	struct source_events events;
	int64_t offset; /* of the first request; 0: none is known, and none is sent */
	struct poll_options options;
	const char *allowed; /* the JSON array allowed_updates, copied; NULL: not sent, and the
				server keeps what it was told before */
	bool once;           /* the server answers at once, with what waits there */
};

/* The caller frees it by source_ops.free(). NULL with `err` (ERR_INTERNAL). */
struct source *poll_new(const struct poll_config *config, struct err *err);

/* `allowed` and the options of `fresh` hold from the next request on, but for drop_pending and
 * delete_webhook, which stay as they were at the start. `source` is one of poll_new(). 0, or -1
 * with `err` (ERR_INTERNAL): nothing has changed. */
int poll_change(struct source *source, const struct poll_config *fresh, struct err *err);

#endif
