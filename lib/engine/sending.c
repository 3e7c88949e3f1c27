/* engine/sending: a message for one chat or many comes in as a request and a file, calls go to the
 * outbox. Invariant: all chats of a request get it or none; what they have in common is stored
 * once. */
#include "engine/sending.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"

enum { REQUEST_FILES_MAX = SEND_FILES_MAX };

static int no_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

/* ---- the request, written ---- */

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t written = write(fd, bytes, n);
		if (written < 0 && errno != EINTR)
			return -1;
		bytes += written > 0 ? written : 0;
		n -= written > 0 ? (size_t)written : 0;
	}
	return 0;
}

static int add_files(const struct send_message *m, struct buf *out)
{
	int rc = json_add_name(out, "files") || buf_addc(out, '[');
	for (size_t i = 0; i < m->file_count && rc == 0; i++)
		rc = (i && buf_addc(out, ',')) || buf_addc(out, '{') ||
		     json_add_text(out, "name", m->files[i].name) ||
		     json_add_number(out, "bytes", (int64_t)m->files[i].length) ||
		     buf_addc(out, '}');
	return rc || buf_addc(out, ']') ? -1 : 0;
}

static int write_request(const struct sending *s, struct buf *out)
{
	const struct send_message *m = &s->message;
	int rc = buf_addc(out, '{') || json_add_text(out, "verb", "send") ||
		 json_add_text(out, "mode", reply_mode_name(m->mode)) ||
		 json_add_number(out, "topic", m->topic) || json_add_name(out, "silent") ||
		 buf_adds(out, m->silent ? "true" : "false") ||
		 json_add_number(out, "expire", s->lifetime) || json_add_name(out, "once") ||
		 buf_adds(out, s->once ? "true" : "false") ||
		 json_add_number(out, "text", (int64_t)m->length) ||
		 json_add_number(out, "chats", (int64_t)s->chats_length);
	if (s->chat)
		rc = rc || json_add_text(out, "chat", s->chat);
	return rc || add_files(m, out) || buf_addc(out, '}') ? -1 : 0;
}

static int write_bytes(const struct sending *s, int fd)
{
	const struct send_message *m = &s->message;
	int rc = write_all(fd, m->text, m->length);
	for (size_t i = 0; i < m->file_count && rc == 0; i++)
		rc = write_all(fd, m->files[i].bytes, m->files[i].length);
	return rc || write_all(fd, s->chats, s->chats_length) ? -1 : 0;
}

int sending_write(const struct sending *s, struct buf *request, int *fd, struct err *err)
{
	if (write_request(s, request))
		return no_memory(err);
	*fd = memfd_create("tgrun-send", MFD_CLOEXEC);
	if (*fd < 0 || write_bytes(s, *fd)) {
		err_sys(err, ERR_INTERNAL, errno, "cannot hold the message in memory");
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		return -1;
	}
	return 0;
}

/* ---- the request, read ---- */

/* A request as it is read: `bytes` is all that is in its file. */
struct reading {
	struct sending sending;
	struct call_file files[REQUEST_FILES_MAX];
	char *bytes;
	size_t size, at;
};

int64_t sending_size(int fd)
{
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}

static int read_bytes(struct reading *r, int fd, struct err *err)
{
	r->size = (size_t)sending_size(fd);
	if (r->size > SENDING_BYTES_MAX)
		return err_set(err, ERR_USAGE, "the message and its files are larger than %d bytes",
			       SENDING_BYTES_MAX);
	r->bytes = malloc(r->size + 1);
	if (!r->bytes)
		return no_memory(err);
	for (size_t n = 0; n < r->size;) {
		ssize_t got = pread(fd, r->bytes + n, r->size - n, (off_t)n);
		if (got <= 0 && errno != EINTR)
			return err_set(err, ERR_IO, "the message cannot be read");
		n += got > 0 ? (size_t)got : 0;
	}
	r->bytes[r->size] = '\0';
	return 0;
}

/* The next so many bytes; NULL: there are not so many. */
static char *cut(struct reading *r, double length)
{
	if (!(length >= 0) || length > (double)(r->size - r->at))
		return NULL;
	char *at = r->bytes + r->at;
	r->at += (size_t)length;
	return at;
}

static int read_files(struct reading *r, const cJSON *request)
{
	struct send_message *m = &r->sending.message;
	const cJSON *one;
	cJSON_ArrayForEach(one, json_member(request, "files"))
	{
		double length = json_number(one, "bytes");
		char *bytes = cut(r, length);
		if (!bytes || m->file_count == REQUEST_FILES_MAX || !*json_text(one, "name"))
			return -1;
		r->files[m->file_count++] = (struct call_file){ (char *)json_text(one, "name"),
								bytes, (size_t)length };
	}
	m->files = r->files;
	return 0;
}

static int read_request(struct reading *r, const cJSON *request, struct err *err)
{
	struct sending *s = &r->sending;
	struct send_message *m = &s->message;
	if (reply_mode_read(json_text(request, "mode"), &m->mode, err))
		return -1;
	m->topic = (int64_t)json_number(request, "topic");
	m->silent = json_true(request, "silent");
	m->length = (size_t)json_number(request, "text");
	m->text = cut(r, json_number(request, "text"));
	s->lifetime = (int64_t)json_number(request, "expire");
	s->once = json_true(request, "once");
	s->chat = cJSON_GetStringValue(json_member(request, "chat"));
	int rc = !m->text || read_files(r, request);
	s->chats_length = (size_t)json_number(request, "chats");
	s->chats = rc ? NULL : cut(r, json_number(request, "chats"));
	if (!s->chats || m->mode == REPLY_NONE || m->mode == REPLY_API ||
	    (s->chat && s->chats_length) || s->lifetime <= 0)
		return err_set(err, ERR_USAGE, "the request to send cannot be understood");
	return s->chat ? send_chat_check(s->chat, err) : 0;
}

/* ---- the calls ---- */

static int take_back(struct out *o, int64_t first, struct err *err)
{
	for (int64_t id = first, end = out_next(o); id < end; id++)
		out_drop(o, id);
	return no_memory(err);
}

static int add_reply(struct out *o, const struct reply *r, const struct out_how *how,
		     struct sending_taken *t, struct err *err)
{
	struct out_how one = *how;
	t->first = out_next(o);
	for (size_t i = 0; i < r->count; i++) {
		one.group = i ? t->first : 0;
		t->last = out_add(o, &r->calls[i], &one);
		if (!t->last)
			return take_back(o, t->first, err);
	}
	return 0;
}

/* One chat's part of calls that many chats get. */
static int add_recipient(struct out *o, const struct reply *r, const char *chat,
			 const struct out_how *how, struct sending_taken *t, struct err *err)
{
	struct out_how one = *how;
	char params[96];
	int n = *chat == '@' ? snprintf(params, sizeof params, "{\"chat_id\":\"%s\"}", chat)
			     : snprintf(params, sizeof params, "{\"chat_id\":%s}", chat);
	int64_t group = out_next(o);
	for (size_t i = 0; i < r->count; i++) {
		struct call c;
		if (call_read(r->calls[i].method, params, (size_t)n, &c, err))
			return -1;
		c.cost = r->calls[i].cost;
		c.plain = r->calls[i].plain;
		one.group = i ? group : 0;
		one.message = t->first + (int64_t)i;
		t->last = out_add(o, &c, &one);
		call_release(&c);
		if (!t->last)
			return no_memory(err);
	}
	return 0;
}

static int add_recipients(struct out *o, const struct reply *r, char *chats,
			  const struct out_how *how, struct sending_taken *t, struct err *err)
{
	char *rest = NULL;
	int rc = 0;
	t->first = out_next(o);
	for (size_t i = 0; i < r->count && rc == 0; i++)
		rc = out_share(o, &r->calls[i], t->first + (int64_t)i) ? no_memory(err) : 0;
	for (char *chat = strtok_r(chats, "\n", &rest); chat && rc == 0;
	     chat = strtok_r(NULL, "\n", &rest))
		rc = send_chat_check(chat, err) ? -1 : add_recipient(o, r, chat, how, t, err);
	if (rc)
		take_back(o, t->first, NULL);
	return rc;
}

int sending_take(struct out *o, const cJSON *request, int fd, const struct secret *secret,
		 struct sending_taken *taken, struct err *err)
{
	struct reading r = { .at = 0 };
	struct reply reply = { 0 };
	const struct sending *s = &r.sending;
	*taken = (struct sending_taken){ 0 };
	int rc = read_bytes(&r, fd, err) || read_request(&r, request, err) ||
		 send_compose(&s->message, s->chat, secret, &reply, err);
	const struct out_how how = { .lifetime = s->lifetime, .once = s->once, .bulk = !s->chat };
	if (rc == 0 && reply.count && s->chat)
		rc = add_reply(o, &reply, &how, taken, err);
	else if (rc == 0 && reply.count && s->chats_length)
		rc = add_recipients(o, &reply, (char *)s->chats, &how, taken, err);
	taken->calls = (int64_t)reply.count;
	reply_release(&reply);
	free(r.bytes);
	return rc ? -1 : 0;
}

/* ---- the answer ---- */

int sending_told(const struct sending_taken *t, struct buf *out)
{
	return buf_addc(out, '{') || json_add_number(out, "first", t->first) ||
			       json_add_number(out, "last", t->last) ||
			       json_add_number(out, "calls", t->calls) || buf_addc(out, '}')
		       ? -1
		       : 0;
}

int sending_told_failure(const struct err *err, struct buf *out)
{
	return buf_addc(out, '{') || json_add_number(out, "status", err->status) ||
			       json_add_text(out, "why", err->text) || buf_addc(out, '}')
		       ? -1
		       : 0;
}

int sending_answer(const cJSON *answer, struct sending_taken *t, struct err *err)
{
	if (json_has_number(answer, "status"))
		return err_set(err, (int)json_number(answer, "status"), "%s",
			       json_text(answer, "why"));
	*t = (struct sending_taken){ .first = (int64_t)json_number(answer, "first"),
				     .last = (int64_t)json_number(answer, "last"),
				     .calls = (int64_t)json_number(answer, "calls") };
	return 0;
}
