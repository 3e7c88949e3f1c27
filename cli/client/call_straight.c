/* cli/client/call_straight: a call where no tgrun runs: it goes to the server from here. A 429 is
 * waited for as a runner does; nothing that may have arrived is sent again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/json.h"
#include "cli/client/call.h"

enum { SPARE = 200 /* milliseconds beyond what a 429 tells */ };

struct straight {
	struct client_call *call;
	struct loop *loop;
	struct http *http;
	struct api *api;
	struct loop_timer *timer;
	int64_t until; /* monotonic milliseconds */
	bool given;    /* what comes is the file */
	struct err err;
};

static void finish(struct straight *s, const struct verdict *v, const char *text, size_t n)
{
	struct client_call *c = s->call;
	c->outcome = door_outcome_of(v);
	buf_clear(&c->answer);
	/* The server's own words, where it said some. */
	if (n && *text == '{' && buf_add(&c->answer, text, n) == 0)
		c->answer.len = secret_redact(c->setup->secret, c->answer.data, c->answer.len);
	else if (buf_addc(&c->answer, '{') == 0 &&
		 json_add_text(&c->answer, "description", v->text) == 0)
		buf_addc(&c->answer, '}');
	loop_stop(s->loop);
}

static void on_fetched(void *arg, const struct verdict *v, char *body, size_t length)
{
	finish(arg, v, body, length);
}

static void on_head(void *arg, int status, uint64_t length)
{
	struct straight *s = arg;
	(void)length;
	s->given = status == 200;
}

static enum http_took on_piece(void *arg, const char *bytes, size_t n)
{
	struct straight *s = arg;
	while (s->given && n) {
		ssize_t done = write(s->call->to_fd, bytes, n);
		if (done < 0 && errno != EINTR) {
			err_sys(&s->err, ERR_IO, errno, "cannot write what came");
			return HTTP_STOP;
		}
		bytes += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return HTTP_TOOK;
}

/* A file that lies on this machine, since the server does. */
static int copy_file(struct client_call *c, const char *path, struct err *err)
{
	char bytes[8192];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	while (fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0)
		if (write(c->to_fd, bytes, (size_t)n) != n) {
			n = -1;
			break;
		}
	if (n < 0)
		err_sys(err, ERR_IO, errno, "cannot copy the file that the server names");
	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

static void fetch(struct straight *s, const struct verdict *v, const char *body, size_t length)
{
	static const struct http_sink sink = { on_head, on_piece };
	static const struct verdict nothing = { .kind = VERDICT_REFUSED,
						.text = "the server names no file" };
	cJSON *answer = cJSON_ParseWithLength(body, length);
	const char *path = json_text(json_member(answer, "result"), "file_path");
	if (*path == '/') {
		copy_file(s->call, path, &s->err);
		finish(s, v, body, length);
	} else if (!*path) {
		finish(s, &nothing, NULL, 0);
	} else if (!api_fetch(s->api, path, &sink, on_fetched, s)) {
		err_set(&s->err, ERR_INTERNAL, "out of memory");
		loop_stop(s->loop);
	}
	cJSON_Delete(answer);
}

static void on_sent(void *arg, const struct verdict *v, char *body, size_t length)
{
	struct straight *s = arg;
	int64_t delay = v->retry_after * 1000 + SPARE;
	if (v->kind == VERDICT_FLOOD && clock_system.mono(&clock_system) + delay < s->until)
		loop_timer_set(s->timer, delay);
	else if (v->kind == VERDICT_OK && s->call->to_fd >= 0)
		fetch(s, v, body, length);
	else
		finish(s, v, body, length);
}

static void send_call(void *arg)
{
	struct straight *s = arg;
	if (api_send(s->api, s->call->method, &s->call->body, on_sent, s))
		return;
	err_set(&s->err, ERR_INTERNAL, "out of memory");
	loop_stop(s->loop);
}

int call_straight(struct client_call *c, struct err *err)
{
	struct setup *setup = c->setup;
	struct straight s = { .call = c };
	if ((!setup->secret && setup_token(setup, err)) || setup_api(setup, err))
		return -1;
	s.until = clock_system.mono(&clock_system) + c->patience;
	s.loop = loop_new(&s.err);
	s.http = s.loop ? http_new(s.loop, &s.err) : NULL;
	s.api = s.http && http_trust(s.http, setup->ca_file, setup->ca_dirs) == 0
			? api_new(s.http, setup->api.url, setup->api.login, setup->secret)
			: NULL;
	s.timer = s.api ? loop_timer_new(s.loop, send_call, &s) : NULL;
	if (s.timer) {
		loop_timer_set(s.timer, 0);
		loop_run(s.loop);
	} else if (!s.err.status) {
		err_set(&s.err, ERR_INTERNAL, "out of memory");
	}
	loop_timer_free(s.timer);
	api_free(s.api);
	http_free(s.http);
	loop_free(s.loop);
	*err = s.err;
	return err->status ? -1 : 0;
}
