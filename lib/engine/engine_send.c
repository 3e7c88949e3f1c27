/* engine/engine_send: a message that another program wants sent comes in over the control socket,
 * and goes to the outbox. Invariant: who was told its number finds it on disk. */
#include <stdio.h>
#include <stdlib.h>
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

/* An answer that waits until what it tells of is stored. */
struct sent {
	struct list link; /* in fleet.sends */
	struct control_client *client;
	uint64_t ticket;
	struct buf line;
};

static void sent_free(struct sent *s)
{
	list_remove(&s->link);
	buf_release(&s->line);
	free(s);
}

static void on_gone(void *arg)
{
	sent_free(arg);
}

static void answer(struct sent *s, const char *line, size_t n)
{
	static const char end[] = "{\"end\":true}";
	control_reply(s->client, line, n);
	control_reply(s->client, end, sizeof end - 1);
	control_end(s->client);
	sent_free(s);
}

void engine_send_stored(struct engine *e)
{
	for (struct list *l = e->fleet.sends.next, *next; l != &e->fleet.sends; l = next) {
		struct sent *s = container_of(l, struct sent, link);
		next = l->next;
		if (queue_written(e->queue, s->ticket))
			answer(s, s->line.data, s->line.len);
	}
}

void engine_send_lost(struct engine *e)
{
	struct err err;
	struct buf line;
	buf_init(&line, SENDING_BYTES_MAX);
	err_set(&err, ERR_TEMPFAIL,
		"this machine was cut off from the store, and it is not known whether the message "
		"was stored");
	int rc = sending_told_failure(&err, &line);
	while (rc == 0 && !list_empty(&e->fleet.sends))
		answer(container_of(e->fleet.sends.next, struct sent, link), line.data, line.len);
	buf_release(&line);
}

/* 0: stored; 1: that is on its way; -1 with `err`. */
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
	return queue_flush(e->queue, err);
}

/* Answers with `line`, which is taken over, when all that was recorded so far is stored. 0, or -1
 * when memory is out: it is as it was. */
static int hold(struct engine *e, struct control_client *client, const struct buf *line)
{
	struct sent *s = calloc(1, sizeof *s);
	if (!s)
		return -1;
	*s = (struct sent){ .client = client, .ticket = queue_ticket(e->queue), .line = *line };
	list_add_before(&e->fleet.sends, &s->link);
	control_hold(client, on_gone, s);
	return 0;
}

bool engine_send(struct engine *e, struct control_client *client, const cJSON *request)
{
	struct sending_taken taken = { 0 };
	struct err err = { 0 };
	struct buf line;
	buf_init(&line, SENDING_BYTES_MAX);
	int rc = take(e, request, control_descriptor(client), &taken, &err);
	int told = rc < 0 ? sending_told_failure(&err, &line) : sending_told(&taken, &line);
	sending_taken_release(&taken);
	if (rc > 0 && told == 0 && hold(e, client, &line) == 0)
		return false;
	if (rc > 0) {
		buf_clear(&line);
		err_set(&err, ERR_INTERNAL, "out of memory; the message may be stored");
		told = sending_told_failure(&err, &line);
	}
	if (told == 0)
		control_reply(client, line.data, line.len);
	buf_release(&line);
	return true;
}
