/* cli/client/call_way: a call and its way through a running tgrun: the one that started the handler
 * in which this process is, or the one that the options mean. Invariant: a handler's call never
 * goes past the tgrun that started it, since then nobody would keep the order of its chat. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client/call.h"
#include "cli/client/client.h"
#include "io/http_local.h"
#include "io/listener.h"

enum {
	CONNECT_TIME = 10 * 1000, /* milliseconds */
	SEND_TIME = 150 * 1000,   /* beyond its patience: what one request to the server may take */
	BEGINS = 2000,            /* milliseconds for a runner that has just begun, or ends */
	STEP = 50,
};

/* A connection to `name` in the directory `path`; -1 with `err`. */
static int connect_in(const char *path, const char *name, struct err *err)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, ERR_TEMPFAIL, errno, "cannot open '%s'", path);
	int fd = listener_connect(dir, name, CONNECT_TIME, err);
	close(dir);
	if (fd < 0 && engine_door_built(err) == 0)
		err_set(err, ERR_TEMPFAIL,
			"the tgrun that started this handler does not listen any more");
	return fd;
}

static int connect_socket(const char *path, struct err *err)
{
	char *dir = strdup(path), *slash = dir ? strrchr(dir, '/') : NULL;
	int fd = -1;
	if (slash) {
		*slash = '\0';
		fd = connect_in(*dir ? dir : "/", slash + 1, err);
	} else {
		err_set(err, ERR_TEMPFAIL, "TG_API_SOCKET names no socket");
	}
	free(dir);
	return fd;
}

/* To the runner that the options mean. -1 with *none: there is none; else with `err`. */
static int connect_runner(struct setup *s, bool *none, struct err *err)
{
	struct statedir *dir;
	pid_t holder;
	int fd = -1;
	if (client_open(s, &dir, err))
		return -1;
	for (int waited = 0; dir && statedir_runs(dir, &holder); waited += STEP) {
		fd = listener_connect(statedir_fd(dir), "api", CONNECT_TIME, err);
		if (fd >= 0 || err->status != ERR_UNAVAILABLE || waited >= BEGINS ||
		    engine_door_built(err))
			goto out;
		client_wait(STEP);
	}
	*none = true;
out:
	statedir_close(dir);
	return fd;
}

static bool is_given(const struct config *c)
{
	return config_origin(c, &c->token) == ORIGIN_ARGUMENT ||
	       config_origin(c, &c->token_file) == ORIGIN_ARGUMENT ||
	       config_origin(c, &c->state_dir) == ORIGIN_ARGUMENT;
}

static int connect_any(struct client_call *c, bool *none, struct err *err)
{
	const char *state = getenv("TG_STATE_DIR"), *path = getenv("TG_API_SOCKET");
	if (is_given(&c->setup->config))
		return connect_runner(c->setup, none, err);
	if (state && *state)
		return connect_in(state, "api", err);
	if (path && *path)
		return connect_socket(path, err);
	return connect_runner(c->setup, none, err);
}

static int add_headers(const struct client_call *c, struct buf *out)
{
	const struct config *o = &c->setup->config;
	int rc = buf_addf(out, "X-Tgrun-Patience: %lld\r\n", (long long)c->patience);
	if (o->queue)
		rc = rc || buf_addf(out, "X-Tgrun-Queue: %s\r\nX-Tgrun-Expire: %lld\r\n",
				    o->bulk ? "bulk" : "reply", (long long)o->expire);
	if (o->output)
		rc = rc || buf_adds(out, "X-Tgrun-File: 1\r\n");
	return rc ? -1 : 0;
}

int call_by_runner(struct client_call *c, bool *none, struct err *err)
{
	char path[80];
	struct buf headers;
	struct http_local_answer answer = { .body = c->answer };
	const struct config *o = &c->setup->config;
	*none = false;
	int fd = connect_any(c, none, err);
	if (fd < 0)
		return -1;
	buf_init(&headers, 1024);
	snprintf(path, sizeof path, "/%s", c->method);
	int rc = add_headers(c, &headers) ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
	const struct http_local request = { .path = path,
					    .headers = buf_str(&headers),
					    .body = &c->body,
					    .silence = c->patience + SEND_TIME,
					    .outcome = "X-Tgrun-Outcome",
					    .to_fd = c->to_fd };
	if (rc == 0) {
		rc = http_local(fd, &request, &answer, err);
		c->answer = answer.body;
		c->outcome = door_outcome_read(answer.word);
		/* All of it was handed over, and nobody knows what became of it; a file that is
		 * fetched is only not there. */
		if (rc && answer.sent && err->status == ERR_TEMPFAIL && !o->output) {
			c->outcome = DOOR_UNSURE;
			buf_clear(&c->answer);
			rc = 0;
		}
	}
	buf_release(&headers);
	close(fd);
	return rc;
}
