/* engine/door_file: files of the server: the one that a path of getFile names passes through, at
 * the pace of its caller; one that lies on this machine, since the server does, is opened here.
 * Invariants: a path of this machine comes from the server's own answer, never from a request; of a
 * file on its way at most PASSING_MAX bytes are in memory, and one that did not come whole is not
 * given out as if it had. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "engine/door_internal.h"

enum {
	PASSING_MAX = 64 * 1024,
	PASSING_LOW = PASSING_MAX / 2, /* at which more is asked for */
};

/* The caller gets the file, which is the server's from now on. */
static void give(struct door_call *c, int fd)
{
	struct stat st;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		door_refuse(c, 502, DOOR_REFUSED, "Bad Gateway: what the server names is no file");
		return;
	}
	c->stage = DOOR_ENDS;
	if (!c->http) {
		close(fd);
		return;
	}
	httpd_answer_file(c->http,
			  &(struct httpd_answer){ .status = 200,
						  .type = "application/octet-stream",
						  .name = "X-Tgrun-Outcome",
						  .value = door_outcome_word(DOOR_OK) },
			  fd, (uint64_t)st.st_size);
}

/* ---- a file that passes through ---- */

/* The caller takes some. */
static ssize_t hand_on(void *tag, char *out, size_t max)
{
	struct door_call *c = tag;
	struct buf *b = &c->passing;
	size_t n = b->len < max ? b->len : max;
	if (n == 0)
		return c->request ? HTTPD_LATER : c->cut ? HTTPD_CUT : HTTPD_END;
	memcpy(out, b->data, n);
	buf_consume(b, n);
	if (c->request && b->len < PASSING_LOW)
		api_go_on(c->request);
	return (ssize_t)n;
}

static void on_head(void *arg, int status, uint64_t length)
{
	struct door_call *c = arg;
	if (status != 200)
		return;
	c->given = true;
	httpd_answer_stream(c->http,
			    &(struct httpd_answer){ .status = 200,
						    .type = "application/octet-stream",
						    .name = "X-Tgrun-Outcome",
						    .value = door_outcome_word(DOOR_OK) },
			    length == HTTP_UNKNOWN ? HTTPD_UNKNOWN : length, hand_on);
}

static enum http_took on_piece(void *arg, const char *bytes, size_t n)
{
	struct door_call *c = arg;
	if (!c->given) /* the server's words on why there is no file */
		return HTTP_TOOK;
	if (c->passing.len && c->passing.len + n > PASSING_MAX)
		return HTTP_FULL;
	if (buf_add(&c->passing, bytes, n))
		return HTTP_STOP;
	httpd_more(c->http);
	return HTTP_TOOK;
}

static void on_fetched(void *arg, const struct verdict *v, char *body, size_t length)
{
	struct door_call *c = arg;
	(void)body, (void)length;
	c->request = NULL;
	c->cut = v->kind != VERDICT_OK;
	if (c->given)
		httpd_more(c->http);
	else
		door_refuse(c, v->code >= 400 ? v->code : 502, door_outcome_of(v), "%s", v->text);
}

static struct api_request *fetch(struct door_call *c, const char *path)
{
	const struct secret *s = c->door->config.secret;
	struct api *api = out_api(c->door->config.out);
	struct api_request *request = NULL;
	static const struct http_sink sink = { on_head, on_piece };
	struct buf true_path;
	/* What was answered with another token for the true one comes back with it. */
	buf_init(&true_path, 1 << 16);
	if (!secret_handed(s))
		request = api_fetch(api, path, &sink, on_fetched, c);
	else if (secret_exchange(s, path, strlen(path), true, &true_path) == 0)
		request = api_fetch(api, true_path.data, &sink, on_fetched, c);
	if (true_path.data)
		explicit_bzero(true_path.data, true_path.cap);
	buf_release(&true_path);
	return request;
}

void door_file_fetch(struct door_call *c, const char *path)
{
	buf_init(&c->passing, 2 * PASSING_MAX);
	c->stage = DOOR_FETCHES;
	c->request = fetch(c, path);
	if (!c->request)
		door_refuse(c, 503, DOOR_LATER, "Service Unavailable: out of memory");
}

void door_file_of_answer(struct door_call *c, const char *body, size_t length)
{
	cJSON *answer = cJSON_ParseWithLength(body, length);
	const char *path = json_text(json_member(answer, "result"), "file_path");
	if (*path == '/') {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd >= 0)
			give(c, fd);
		else
			door_refuse(c, 502, DOOR_REFUSED,
				    "Bad Gateway: the file that the server names cannot be opened: "
				    "%s",
				    strerror(errno));
	} else if (*path) {
		door_file_fetch(c, path);
	} else {
		door_refuse(c, 502, DOOR_REFUSED, "Bad Gateway: the server names no file");
	}
	cJSON_Delete(answer);
}
