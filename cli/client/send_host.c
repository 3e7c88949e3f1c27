/* cli/client/send_host: the way out of tgrun (engine/out.h) on a loop of its own: requests come in
 * over the control socket, messages go out. Invariant: the slots' lock is this process's as long as
 * the store is open; it is given back when what is in flight has ended, or is on disk as begun. */
#include "cli/client/send_host.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client/push.h"
#include "cli/client/send_out.h"
#include "io/control.h"
#include "queue/local/local.h"
#include "queue/verbs.h"

enum {
	TIME = 30 * 1000,    /* milliseconds for what is due */
	LANDING = 30 * 1000, /* for what is in flight at the end */
	DOUBT = 5 * 1000,    /* after which a token is given up that the server refuses */
	STORE_AGAIN = 1000,  /* between two tries to write */
	PAGE_BYTES = 256 << 10,
	PAGE_ITEMS = 1000,
	SLICE = 20,
};

struct send_host {
	struct setup *setup;
	struct statedir *dir;
	struct log *log;
	struct loop *loop;
	struct queue *queue;
	struct out *out;
	struct control *control;
	struct loop_timer *turn, *end;
	struct loop_signal *signals[2];
	struct sending_taken own;
	bool wait;
	bool doubts;      /* the server refuses the token */
	bool asked, over; /* to end: by a runner; since the time is up, or somebody wants that */
};

static int64_t now(void)
{
	return clock_system.mono(&clock_system);
}

static void on_wake(void *arg)
{
	struct send_host *h = arg;
	loop_timer_set(h->turn, 0);
}

static void on_ended(void *arg, const struct queue_call *call, enum out_end how,
		     const struct verdict *v, const char *reason, const char *body, size_t length)
{
	(void)call, (void)how, (void)v, (void)reason, (void)body, (void)length;
	on_wake(arg);
}

/* ---- when it ends ---- */

static int note_first(void *arg, const struct queue_call *call)
{
	*(int64_t *)arg = call->id;
	return 1;
}

static bool own_wait(struct send_host *h)
{
	int64_t first = 0;
	if (!h->own.first)
		return false;
	/* Who cannot read it takes it for waiting. */
	return queue_calls_each(h->queue, h->own.first, false, false, note_first, &first, NULL) <
		       0 ||
	       (first && first <= h->own.last);
}

static void wind_up(struct send_host *h)
{
	if (h->over)
		return;
	h->over = true;
	out_stop(h->out);
	loop_timer_set(h->end, LANDING);
	loop_timer_set(h->turn, 0);
}

/* The time is up: first for what is due, then for what is in flight. */
static void on_end(void *arg)
{
	struct send_host *h = arg;
	if (h->over)
		loop_stop(h->loop);
	wind_up(h);
}

static void on_signal(void *arg, int signo)
{
	(void)signo;
	on_end(arg);
}

/* Sets the time of the end when the token comes into doubt, and when it is good again. */
static void watch_token(struct send_host *h)
{
	bool doubts = out_doubts(h->out);
	if (h->over || doubts == h->doubts)
		return;
	h->doubts = doubts;
	loop_timer_set(h->end, doubts ? DOUBT : h->wait ? -1 : TIME);
}

static void on_turn(void *arg)
{
	struct send_host *h = arg;
	struct out_counts counts;
	struct err err;
	out_turn(h->out);
	if (queue_flush(h->queue, &err)) {
		log_event(h->log, LOG_ERROR, LOG_NONE, "%s", err.text);
		loop_timer_set(h->turn, STORE_AGAIN);
		return;
	}
	out_send(h->out);
	out_counts(h->out, &counts);
	watch_token(h);
	if (h->over && counts.sending == 0)
		loop_stop(h->loop);
	/* What waited here before goes, too, if it may go now. */
	else if (!h->over && !own_wait(h) && (h->wait || !out_busy(h->out, 1)))
		wind_up(h);
}

/* ---- what others ask ---- */

static int reply_line(void *arg, const char *text, size_t n)
{
	control_reply(arg, text, n);
	return 0;
}

static struct sending_taker taker(const struct send_host *h)
{
	return (struct sending_taker){ h->out, h->queue, &clock_system, h->setup->secret };
}

static void take_request(struct send_host *h, struct control_client *client, const cJSON *request)
{
	struct sending_taken taken = { 0 };
	struct err err = { 0 };
	struct buf line;
	const struct sending_taker by = taker(h);
	buf_init(&line, SENDING_BYTES_MAX);
	int rc = sending_take(&by, request, control_descriptor(client), &taken, &err) ||
		 queue_flush(h->queue, &err);
	rc = rc ? sending_told_failure(&err, &line) : sending_told(&taken, &line);
	if (rc == 0)
		control_reply(client, line.data, line.len);
	buf_release(&line);
	sending_taken_release(&taken);
}

static void push_request(struct send_host *h, struct control_client *client, const cJSON *request)
{
	int64_t number = 0;
	struct err err = { 0 };
	struct buf line;
	buf_init(&line, SENDING_BYTES_MAX);
	int rc = push_store(h->queue, h->dir, h->setup->config.engine.min_free, request,
			    control_descriptor(client), &number, &err);
	rc = rc ? sending_told_failure(&err, &line) : pushing_told(number, &line);
	if (rc == 0)
		control_reply(client, line.data, line.len);
	buf_release(&line);
}

static void on_request(void *arg, struct control_client *client, const cJSON *request)
{
	struct send_host *h = arg;
	const char *verb = json_text(request, "verb");
	const struct verbs_row *row = verbs_find(verb);
	struct queue_sender sender = out_sender(h->out);
	struct verbs_slice slice = { &clock_system, now() + SLICE, PAGE_ITEMS, PAGE_BYTES };
	struct verbs_done done;
	struct err err = { 0 };
	int rc = 0;
	if (row) {
		rc = verbs_run(row, h->queue, &sender, request, &slice, reply_line, client, &done,
			       &err);
	} else if (strcmp(verb, "send") == 0) {
		take_request(h, client, request);
	} else if (strcmp(verb, "push") == 0) {
		push_request(h, client, request);
	} else if (strcmp(verb, "stop") == 0) {
		h->asked = true;
		wind_up(h);
	} else {
		rc = err_set(&err, ERR_TEMPFAIL, "no tgrun runs here but 'tgrun send'");
	}
	if (rc) {
		control_refuse(client, err.text);
		return;
	}
	static const char end[] = "{\"end\":true}";
	control_reply(client, end, sizeof end - 1);
	control_end(client);
	on_wake(h);
}

/* ---- open and close ---- */

static int open_queue(struct send_host *h, struct err *err)
{
	const struct setup *s = h->setup;
	int64_t bot = s->secret ? secret_bot_id(s->secret) : 0;
	struct store *store = sqlite_open(statedir_fd(h->dir), s->state_dir, bot, err);
	if (!store)
		return -1;
	struct queue_config config = { .clock = &clock_system, .backlog = INT32_MAX };
	h->queue = local_open(&config, store, err);
	if (!h->queue)
		store->ops->close(store);
	return h->queue ? 0 : -1;
}

static int open_out(struct send_host *h, struct err *err)
{
	const struct out_config own = { .loop = h->loop,
					.log = h->log,
					.queue = h->queue,
					.wake = on_wake,
					.ended = on_ended,
					.arg = h };
	h->out = send_out_new(h->setup, &own, err);
	return h->out ? 0 : -1;
}

struct send_host *send_host_new(struct setup *s, struct statedir *dir, struct err *err)
{
	struct send_host *h = calloc(1, sizeof *h);
	struct err ignored;
	if (!h) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	h->setup = s;
	h->dir = dir;
	h->log = send_out_log(s);
	h->loop = loop_new(err);
	if (!h->loop)
		goto fail;
	h->turn = loop_timer_new(h->loop, on_turn, h);
	h->end = loop_timer_new(h->loop, on_end, h);
	h->signals[0] = loop_signal_new(h->loop, SIGTERM, on_signal, h);
	h->signals[1] = loop_signal_new(h->loop, SIGINT, on_signal, h);
	if (!h->log || !h->turn || !h->end || !h->signals[0] || !h->signals[1]) {
		err_set(err, ERR_INTERNAL, "out of memory");
		goto fail;
	}
	if (open_queue(h, err) || open_out(h, err))
		goto fail;
	/* Without it others wait. */
	h->control = control_new(h->loop, statedir_fd(dir), on_request, h, &ignored);
	return h;
fail:
	send_host_free(h, &ignored);
	return NULL;
}

int send_host_take(struct send_host *h, const char *request, int fd, struct sending_taken *taken,
		   struct err *err)
{
	cJSON *json = cJSON_Parse(request);
	const struct sending_taker by = taker(h);
	int rc = json ? sending_take(&by, json, fd, taken, err)
		      : err_set(err, ERR_INTERNAL, "out of memory");
	cJSON_Delete(json);
	return rc || queue_flush(h->queue, err) ? -1 : 0;
}

enum send_host_end send_host_run(struct send_host *h, const struct sending_taken *taken, bool wait)
{
	h->own = *taken;
	h->wait = wait;
	if (!wait)
		loop_timer_set(h->end, TIME);
	if (!h->setup->secret)
		wind_up(h);
	loop_timer_set(h->turn, 0);
	loop_run(h->loop);
	return !own_wait(h) ? SEND_HOST_DONE
	       : h->asked   ? SEND_HOST_ASKED
	       : h->doubts  ? SEND_HOST_TOKEN
			    : SEND_HOST_TIME;
}

int send_host_free(struct send_host *h, struct err *err)
{
	int rc = 0;
	if (!h)
		return 0;
	control_free(h->control);
	out_free(h->out);
	if (h->queue)
		rc = queue_close(h->queue, err);
	loop_timer_free(h->turn);
	loop_timer_free(h->end);
	for (int i = 0; i < 2; i++)
		loop_signal_free(h->signals[i]);
	loop_free(h->loop);
	log_free(h->log);
	statedir_unlock_slots(h->dir);
	free(h);
	return rc;
}
