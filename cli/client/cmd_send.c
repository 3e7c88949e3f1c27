/* cli/client/cmd_send: a message from the command line, a cron job or a handler goes to the outbox
 * of a bot. Invariant: exit status 0 means that it is on disk, or with --wait that it has arrived;
 * what was stored and is not known to have arrived is never called lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client/send_host.h"
#include "cli/client/send_shared.h"
#include "cli/client/shared.h"
#include "cli/cmd.h"
#include "cli/print.h"

enum { REQUEST_MAX = 64 << 10 };

struct send {
	struct setup *setup;
	struct send_input input;
	struct statedir *dir;
	struct sending_taken taken;
	struct err refusal; /* status 0: it was taken */
	enum send_host_end end;
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

/* ---- by a runner, or where none runs by this process ---- */

/* Nobody has the state but this process: it stores and sends. `request` NULL: it is stored. */
static int host(struct send *o, const char *request, int fd, struct err *err)
{
	struct err why;
	struct send_host *h = send_host_new(o->setup, o->dir, err);
	int rc = h ? 0 : -1;
	if (rc == 0 && request)
		rc = send_host_take(h, request, fd, &o->taken, err);
	if (rc == 0 && o->taken.first)
		o->end = send_host_run(h, &o->taken, o->setup->config.wait);
	if (send_host_free(h, &why) && rc == 0) {
		*err = why;
		rc = -1;
	}
	return rc;
}

/* Has it stored. 0, or -1 with `err`. */
static int store(struct send *o, struct err *err)
{
	struct buf request;
	int fd = -1;
	buf_init(&request, REQUEST_MAX);
	int rc = sending_write(&o->input.sending, &request, &fd, err);
	o->end = SEND_HOST_ASKED; /* somebody else sends it */
	if (rc == 0 && shared_is(o->setup))
		rc = send_shared(o->setup, buf_str(&request), fd, &o->taken, err);
	else if (rc == 0)
		rc = client_hand_over(o->setup, o->dir, buf_str(&request), fd, on_answer, o, err);
	if (rc == 1)
		rc = host(o, buf_str(&request), fd, err);
	buf_release(&request);
	if (fd >= 0)
		close(fd);
	if (rc == 0 && o->refusal.status) {
		*err = o->refusal;
		return -1;
	}
	return rc;
}

/* Waits until it has ended, whoever sends it. 0, or -1 with `err`. */
static int await(struct send *o, struct err *err)
{
	int rc = 0;
	while (rc == 0 && o->end == SEND_HOST_ASKED) {
		rc = send_wait_for(o->setup, o->dir, &o->taken, err);
		if (rc == 1)
			rc = host(o, NULL, -1, err);
		else
			o->end = SEND_HOST_DONE;
	}
	if (rc < 0) {
		struct err why = *err;
		err_set(err, ERR_TEMPFAIL, "stored, and not waited for, do not repeat it; %s",
			why.text);
	}
	return rc;
}

/* Says how it ended. 0, 1: some of many failed, or -1 with `err`. */
static int tell(struct send *o, struct err *err)
{
	struct send_end end;
	if (o->end == SEND_HOST_ASKED)
		return 0;
	if (o->end == SEND_HOST_TOKEN)
		return err_set(err, ERR_NOPERM,
			       "the server refuses the token; the message is stored, and not sent");
	if (o->end == SEND_HOST_TIME)
		return err_set(
			err, ERR_TEMPFAIL,
			"stored, and not sent yet%s: the next tgrun sends it; do not repeat it",
			o->setup->secret ? "" : " (there is no token)");
	int rc = send_wait_tell(o->setup, o->dir, &o->input, &o->taken, &end, err);
	if (rc || !end.failed)
		return rc;
	if (o->input.sending.chat)
		return err_set(err, end.status, "not delivered: %s", end.why);
	print_line(stderr, "tgrun: %zu of %zu were not delivered; 'tgrun outbox list' tells why",
		   end.failed, (size_t)((o->taken.last + 1 - o->taken.first) / o->taken.calls));
	return 1;
}

int cmd_send(struct setup *s)
{
	struct err err = { 0 };
	struct send o = { .setup = s };
	cmd_warn(&s->config);
	int rc = send_input_read(&o.input, &s->config, &err) ? -1 : 0;
	rc = rc || client_open_or_make(s, &o.dir, &err) || store(&o, &err) ? -1 : 0;
	if (rc == 0 && o.taken.first) {
		rc = s->config.wait ? await(&o, &err) : 0;
		rc = rc ? rc : tell(&o, &err);
	}
	struct err why;
	if (rc == 0 && print_end(&why))
		rc = err_set(&err, why.status, "the message is stored, do not repeat it; but %s",
			     why.text);
	sending_taken_release(&o.taken);
	statedir_close(o.dir);
	send_input_release(&o.input);
	return rc < 0 ? cmd_fail(&err) : rc;
}
