/* cli/client/cmd_send: a message from the command line, a cron job or a handler goes to the outbox
 * of a bot. Invariant: exit status 0 means that it is on disk, or with --wait that it has arrived;
 * what was stored and is not known to have arrived is never called lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client/send.h"
#include "cli/cmd.h"
#include "cli/print.h"

enum { REQUEST_MAX = 64 << 10 };

struct send {
	struct setup *setup;
	struct send_input input;
	struct statedir *dir;
	struct sending_taken taken;
	struct err refusal; /* status 0: it was taken */
};

static int on_answer(void *arg, const char *line, size_t n)
{
	struct send *o = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	if (json)
		sending_answer(json, &o->taken, &o->refusal);
	cJSON_Delete(json);
	return json ? 0 : -1;
}

static int no_runner(const struct send *o, struct err *err)
{
	return err_set(err, ERR_UNAVAILABLE, "no tgrun runs with the state directory '%s'",
		       o->setup->state_dir);
}

/* Has it stored. 0, or -1 with `err`. */
static int store(struct send *o, struct err *err)
{
	struct buf request;
	int fd = -1;
	buf_init(&request, REQUEST_MAX);
	int rc = sending_write(&o->input.sending, &request, &fd, err);
	if (rc == 0)
		rc = client_hand_over(o->dir, buf_str(&request), fd, on_answer, o, err);
	buf_release(&request);
	if (fd >= 0)
		close(fd);
	if (rc == 0 && o->refusal.status) {
		*err = o->refusal;
		return -1;
	}
	return rc == 1 ? no_runner(o, err) : rc;
}

/* Waits until it has arrived, or failed. 0, 1: some of many failed, or -1 with `err`. */
static int await(struct send *o, struct err *err)
{
	struct send_end end;
	int rc = send_wait_for(o->dir, &o->taken, err);
	rc = rc == 1 ? no_runner(o, err) : rc;
	rc = rc ? rc : send_wait_tell(o->setup, o->dir, &o->input, &o->taken, &end, err);
	if (rc || !end.failed)
		return rc;
	if (o->input.sending.chat)
		return err_set(err, end.status, "not delivered: %s", end.why);
	print_line(stderr, "tgrun: %zu of %zu were not delivered; 'tgrun outbox list' tells why",
		   end.failed, o->input.chat_count);
	return 1;
}

int cmd_send(struct setup *s)
{
	struct err err = { 0 };
	struct send o = { .setup = s };
	cmd_warn(&s->config);
	int rc = send_input_read(&o.input, &s->config, &err) || send_place_find(s, &err) ? -1 : 0;
	if (rc == 0) {
		o.dir = statedir_visit(s->state_dir, &err);
		rc = o.dir ? store(&o, &err) : err.status ? -1 : no_runner(&o, &err);
	}
	if (rc == 0 && o.taken.first && s->config.wait)
		rc = await(&o, &err);
	if (rc == 0)
		rc = print_end(&err);
	statedir_close(o.dir);
	send_input_release(&o.input);
	return rc < 0 ? cmd_fail(&err) : rc;
}
