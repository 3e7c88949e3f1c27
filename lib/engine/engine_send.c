/* engine/engine_send: a message that another program wants sent comes in over the control socket,
 * and goes to the outbox. Invariant: who was told its number finds it on disk. */
#include <stdio.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "engine/sending.h"

/* Whether there is room for it. 0, or -1 with `err` (ERR_CANTCREATE). */
static int has_room(struct engine *e, const cJSON *request, int64_t bytes, struct err *err)
{
	struct out_counts counts;
	bool bulk = !cJSON_GetObjectItemCaseSensitive(request, "chat");
	out_counts(e->out, &counts);
	if (!bulk && (int64_t)counts.waiting >= e->policy.out.limit)
		return err_set(err, ERR_CANTCREATE,
			       "the outbox is full: %zu messages wait, and nothing was stored",
			       counts.waiting);
	if (!engine_disk_has(e, bytes))
		return err_set(err, ERR_CANTCREATE,
			       "the disk is almost full (--min-free), and nothing was stored");
	return 0;
}

static int take(struct engine *e, const cJSON *request, int fd, struct sending_taken *taken,
		struct err *err)
{
	if (!e->out)
		return err_set(err, ERR_UNAVAILABLE,
			       "the running tgrun has no token, so it cannot send");
	if (e->pulse.store_fails)
		return err_set(err, ERR_IO, "the running tgrun cannot write its state");
	const struct sending_taker by = { e->out, e->queue, e->config.clock, e->config.secret };
	if (has_room(e, request, sending_size(fd), err) ||
	    sending_take(&by, request, fd, taken, err))
		return -1;
	return queue_flush(e->queue, err) ? -1 : 0;
}

void engine_send(struct engine *e, struct control_client *client, const cJSON *request)
{
	struct sending_taken taken = { 0 };
	struct err err = { 0 };
	struct buf line;
	buf_init(&line, SENDING_BYTES_MAX);
	int rc = take(e, request, control_descriptor(client), &taken, &err)
			 ? sending_told_failure(&err, &line)
			 : sending_told(&taken, &line);
	if (rc == 0)
		control_reply(client, line.data, line.len);
	buf_release(&line);
	sending_taken_release(&taken);
}
