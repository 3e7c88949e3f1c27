/* source/poll: getUpdates, long polling. See https://core.telegram.org/bots/api#getupdates. */
#ifndef TGRUN_SOURCE_POLL_H
#define TGRUN_SOURCE_POLL_H

#include "api/api.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"
#include "source/source.h"

struct poll_config {
	struct loop *loop;
	struct api *api;
	struct log *log;
	const struct clock *clock;
	struct source_events events;
	int64_t offset;         /* to begin with; 0: none is known */
	int64_t timeout;        /* seconds, 0 to 50 */
	int limit;              /* 1 to 100 */
	const char *allowed;    /* the JSON array of allowed_updates, NULL: not sent (the token's previous setting stays). Copied */
	int64_t delay;          /* milliseconds between an answer and the next request, at least */
	int balance;            /* thousandths: how far waiting may make answers fuller, see source/pace.h; not with `once` */
	int64_t max_delay;      /* milliseconds, of what the balance chooses */
	enum backoff_growth growth; /* of the delays between failed requests */
	int64_t give_up_after;  /* milliseconds without a good answer, 0: never */
	bool drop_pending, delete_webhook;
	bool once;              /* do not wait at the server for updates to come */
};

/* NULL with `err` (ERR_INTERNAL). */
struct source *poll_new(const struct poll_config *config, struct err *err);

/* Asks in another way from the next request on: `timeout` to `give_up_after` are taken over. 0, or -1 with `err` (ERR_INTERNAL). */
int poll_change(struct source *source, const struct poll_config *fresh, struct err *err);

#endif
