/* engine/door_file: files of the server: the one that a path of getFile names is fetched to a file
 * without a name, and given to the caller from there; one that lies on this machine, since the
 * server does, is opened here. Invariant: a path of this machine comes from the server's own
 * answer, never from a request. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "engine/door_internal.h"

#define FILE_MAX UINT64_C(2000000000) /* bytes: what a server gives out at most */

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

static void on_fetched(void *arg, const struct verdict *v, char *body, size_t length)
{
	struct door_call *c = arg;
	(void)body, (void)length;
	int fd = c->fetched;
	c->request = NULL;
	c->fetched = -1;
	if (v->kind == VERDICT_OK) {
		give(c, fd);
	} else {
		close(fd);
		door_refuse(c, v->code >= 400 ? v->code : 502, door_outcome_of(v), "%s", v->text);
	}
	if (!c->http)
		door_call_free(c);
}

static struct api_request *fetch(struct door_call *c, const char *path)
{
	const struct secret *s = c->door->config.secret;
	struct api *api = out_api(c->door->config.out);
	struct api_request *request = NULL;
	struct buf true_path;
	/* What was answered with another token for the true one comes back with it. */
	buf_init(&true_path, 1 << 16);
	if (!secret_handed(s))
		request = api_fetch(api, path, c->fetched, FILE_MAX, on_fetched, c);
	else if (secret_exchange(s, path, strlen(path), true, &true_path) == 0)
		request = api_fetch(api, true_path.data, c->fetched, FILE_MAX, on_fetched, c);
	if (true_path.data)
		explicit_bzero(true_path.data, true_path.cap);
	buf_release(&true_path);
	return request;
}

void door_file_fetch(struct door_call *c, const char *path)
{
	if (!door_has_space(c->door, 0)) {
		door_refuse(c, 507, DOOR_LATER,
			    "Insufficient Storage: the disk has less than --min-free left");
		return;
	}
	c->fetched = door_spool(c->door);
	if (c->fetched < 0) {
		door_refuse(c, 507, DOOR_LATER, "Insufficient Storage: it cannot be kept: %s",
			    strerror(errno));
		return;
	}
	c->stage = DOOR_FETCHES;
	c->request = fetch(c, path);
	if (!c->request) {
		close(c->fetched);
		c->fetched = -1;
		door_refuse(c, 503, DOOR_LATER, "Service Unavailable: out of memory");
	}
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
