/* engine/pushing: a request and a file come in, an update that is to come goes to the queue.
 * Invariant: what is kept is one update with a kind, and who was told its number finds it on disk.
 */
#include "engine/pushing.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/sending.h"
#include "io/sealed.h"
#include "queue/later.h"
#include "update/pushed.h"
#include "update/update.h"

enum { ROW = 4096 }; /* bytes of the disk that a row takes beside its update */

int pushing_key_check(const char *key, struct err *err)
{
	size_t n = strlen(key);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)key[i] <= ' ' || key[i] == 0x7f)
			return err_set(err, ERR_USAGE,
				       "'%.80s' is no key: it has white space in it", key);
	if (!strchr(key, ':'))
		return err_set(err, ERR_USAGE,
			       "'%.80s' is no key: write it as TG_KEY has it, such as chat:42",
			       key);
	return 0;
}

/* The same of several. */
static int check_keys(const char *keys, struct err *err)
{
	char one[PUSHING_KEYS_MAX + 1];
	size_t n;
	if (strlen(keys) > PUSHING_KEYS_MAX)
		return err_set(err, ERR_USAGE, "the keys are longer than %d bytes",
			       PUSHING_KEYS_MAX);
	for (; *keys; keys += n + (keys[n] == ' ')) {
		n = strcspn(keys, " ");
		memcpy(one, keys, n);
		one[n] = '\0';
		if (pushing_key_check(one, err))
			return -1;
	}
	return 0;
}

int pushing_write(const struct pushing *p, struct buf *request)
{
	return buf_addc(request, '{') || json_add_text(request, "verb", "push") ||
			       json_add_number(request, p->elapsed ? "after" : "at", p->due) ||
			       json_add_text(request, "key", p->keys) || buf_addc(request, '}')
		       ? -1
		       : 0;
}

static int read_time(const struct clock *clock, const cJSON *request, struct queue_push *push,
		     struct err *err)
{
	int64_t now = clock->wall(clock);
	bool at = json_has_number(request, "at");
	double due = json_number(request, at ? "at" : "after");
	if (at == json_has_number(request, "after") || !isfinite(due))
		return err_set(err, ERR_USAGE, "the request to push cannot be understood");
	if (due - (at ? (double)now : 0) > (double)PUSHING_LATEST)
		return err_set(
			err, ERR_USAGE,
			"the time is more than ten years away, so it is no time that was meant%s",
			at && due > 1e15 ? " (--at takes seconds, not milliseconds)" : "");
	push->elapsed = !at || due <= (double)now;
	push->due = !push->elapsed ? (int64_t)due : at || due < 0 ? 0 : (int64_t)due;
	return 0;
}

static int read_bytes(int fd, char **bytes, size_t *n, struct err *err)
{
	if (fd >= 0 && sealed_read(fd, PUSHED_MAX + 3, bytes, n) == 0)
		return 0;
	if (fd >= 0 && errno == EFBIG)
		return err_set(
			err, ERR_REFUSED,
			"what is pushed is larger than %d bytes, which is what an update may have",
			PUSHED_MAX);
	return fd >= 0 && errno == ENOMEM ? err_set(err, ERR_INTERNAL, "out of memory")
					  : err_set(err, ERR_IO, "what is pushed cannot be read");
}

/* What it is kept in order by, for who lists it: the queue finds the keys anew when it is due. */
static int chat_of(const struct pushed *p, struct buf *out, struct err *err)
{
	struct key_spec *spec = key_spec_new(NULL, 0, err);
	struct update *u = spec ? update_parse(p->bytes, p->length, err) : NULL;
	int rc = u && update_keys(u, spec, out) == 0 ? 0
						     : err_set(err, ERR_INTERNAL, "out of memory");
	update_free(u);
	key_spec_free(spec);
	return rc;
}

int pushing_take(struct queue *q, const struct clock *clock, const cJSON *request, int fd,
		 int64_t *number, struct err *err)
{
	struct queue_push push = { .keys = json_text(request, "key") };
	struct pushed pushed;
	struct buf keys;
	char *bytes = NULL;
	size_t n = 0;
	buf_init(&keys, SIZE_MAX / 2);
	int rc = read_time(clock, request, &push, err) || check_keys(push.keys, err) ||
				 read_bytes(fd, &bytes, &n, err) ||
				 pushed_read(bytes, n, &pushed, err)
			 ? -1
			 : 0;
	push.pinned = push.keys[0];
	if (rc == 0 && !push.pinned)
		rc = chat_of(&pushed, &keys, err);
	if (rc == 0) {
		push.keys = push.pinned ? push.keys : buf_str(&keys);
		push.kind = pushed.kind;
		push.body = pushed.bytes;
		push.length = pushed.length;
		rc = queue_push(q, &push, number, err);
	}
	buf_release(&keys);
	free(bytes);
	return rc;
}

int64_t pushing_size(int fd)
{
	return sending_size(fd) + ROW;
}

int pushing_told(int64_t number, struct buf *out)
{
	return buf_addc(out, '{') || json_add_number(out, "number", number) || buf_addc(out, '}')
		       ? -1
		       : 0;
}

int pushing_answer(const cJSON *answer, int64_t *number, struct err *err)
{
	if (json_has_number(answer, "status"))
		return err_set(err, (int)json_number(answer, "status"), "%s",
			       json_text(answer, "why"));
	*number = (int64_t)json_number(answer, "number");
	return 0;
}
