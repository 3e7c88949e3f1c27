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

#include "base/hash.h"
#include "base/json.h"
#include "io/sealed.h"
#include "queue/queue.h"

enum { REQUEST_FILES_MAX = SEND_FILES_MAX };

#define JOB_KEPT (INT64_C(30) * 86400 * 1000) /* milliseconds after its last chat */

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
	if (s->job)
		rc = rc || json_add_text(out, "job", s->job);
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
	uint64_t hash; /* of what is to be sent */
};

int64_t sending_size(int fd)
{
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}

static int read_bytes(struct reading *r, int fd, struct err *err)
{
	if (fd < 0)
		return (r->bytes = calloc(1, 1)) ? 0 : no_memory(err);
	if (sealed_read(fd, SENDING_BYTES_MAX, &r->bytes, &r->size) == 0)
		return 0;
	if (errno == EFBIG)
		return err_set(err, ERR_USAGE, "the message and its files are larger than %d bytes",
			       SENDING_BYTES_MAX);
	return errno == ENOMEM ? no_memory(err)
			       : err_set(err, ERR_IO, "the message cannot be read");
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

/* Equal for equal messages, however and to whom they are sent. */
static uint64_t hash_of(const struct reading *r)
{
	const struct send_message *m = &r->sending.message;
	uint64_t h = hash_words(r->bytes, r->at);
	h = h * 31 + (uint64_t)m->mode * 4 + m->silent * 2 + m->length;
	h = h * 31 + (uint64_t)m->topic;
	for (size_t i = 0; i < m->file_count; i++)
		h = h * 31 + hash_bytes(m->files[i].name, strlen(m->files[i].name));
	return h & INT64_MAX;
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
	s->job = cJSON_GetStringValue(json_member(request, "job"));
	int rc = !m->text || read_files(r, request);
	r->hash = rc ? 0 : hash_of(r);
	s->chats_length = (size_t)json_number(request, "chats");
	s->chats = rc ? NULL : cut(r, json_number(request, "chats"));
	if (!s->chats || m->mode == REPLY_NONE || m->mode == REPLY_API ||
	    (s->chat && s->chats_length) || s->lifetime <= 0)
		return err_set(err, ERR_USAGE, "the request to send cannot be understood");
	if (s->job && sending_job_check(s->job, err))
		return -1;
	return s->chat ? send_chat_check(s->chat, err) : 0;
}

/* ---- the calls ---- */

static int take_back(struct out *o, int64_t first, struct err *err)
{
	for (int64_t id = first, end = out_next(o, 1); id < end; id++)
		out_drop(o, id);
	return no_memory(err);
}

/* Who is told the first and the last number counts on those between. */
static int no_numbers(struct err *err)
{
	return err_set(
		err, ERR_UNAVAILABLE,
		"the store has given out no numbers for so many messages yet, and nothing was "
		"stored: try again, or name fewer chats at once");
}

static int add_reply(struct out *o, const struct reply *r, const struct out_how *how,
		     struct sending_taken *t, struct err *err)
{
	struct out_how one = *how;
	t->first = out_next(o, (int64_t)r->count);
	if (!t->first)
		return no_numbers(err);
	for (size_t i = 0; i < r->count; i++) {
		one.group = t->first;
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
	int64_t group = out_next(o, 1);
	for (size_t i = 0; i < r->count; i++) {
		struct call c;
		if (call_read(r->calls[i].method, params, (size_t)n, &c, err))
			return -1;
		c.cost = r->calls[i].cost;
		c.plain = r->calls[i].plain;
		one.group = group; /* the numbers are drawn: none is passed over */
		one.message = t->first + (int64_t)i;
		t->last = out_add(o, &c, &one);
		call_release(&c);
		if (!t->last)
			return no_memory(err);
	}
	return 0;
}

static int64_t count_lines(const char *lines)
{
	int64_t n = 0;
	for (const char *at = lines; *at; at += at[0] == '\n') {
		size_t length = strcspn(at, "\n");
		n += length > 0;
		at += length;
	}
	return n;
}

static int add_recipients(struct out *o, const struct reply *r, char *chats,
			  const struct out_how *how, struct sending_taken *t, struct err *err)
{
	char *rest = NULL;
	int rc = 0;
	t->first = out_next(o, count_lines(chats) * (int64_t)r->count);
	if (!t->first)
		return no_numbers(err);
	for (size_t i = 0; i < r->count && rc == 0; i++)
		rc = out_share(o, &r->calls[i], t->first + (int64_t)i) ? no_memory(err) : 0;
	for (char *chat = strtok_r(chats, "\n", &rest); chat && rc == 0;
	     chat = strtok_r(NULL, "\n", &rest))
		rc = send_chat_check(chat, err) ? -1 : add_recipient(o, r, chat, how, t, err);
	if (rc)
		take_back(o, t->first, NULL);
	return rc;
}

/* ---- jobs ---- */

int sending_job_check(const char *name, struct err *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strspn(name, letters);
	return n && n <= 64 && !name[n]
		       ? 0
		       : err_set(err, ERR_USAGE,
				 "'%.80s' is no name of a job: letters, digits, '.', '_' and '-'",
				 name);
}

/* The first call of a reply that failed, and may have arrived. */
struct unsure {
	int64_t group, id; /* id 0: there is none */
};

static int note_unsure(void *arg, const struct queue_call *call)
{
	struct unsure *u = arg;
	if (call->group == u->group && call->unsures && (call->code == 0 || call->code >= 500))
		u->id = call->id;
	return 1;
}

/* A chat that had the job's message before: what is unsure is sent again. */
static int look_after(const struct sending_taker *by, const struct sending *s, const char *chat,
		      int64_t number, struct err *err)
{
	struct unsure u = { .group = number };
	int64_t wall = by->clock->wall(by->clock), fresh;
	struct queue_sender sender = out_sender(by->out);
	if (s->once)
		return 0;
	if (queue_calls_each(by->queue, number, true, false, note_unsure, &u, err) < 0)
		return -1;
	if (!u.id)
		return 0;
	if (entry_retry(by->queue, &sender, wall, u.id, &fresh, err) < 0)
		return -1;
	return queue_job_keep(by->queue, s->job, chat, fresh, 0) ? no_memory(err) : 0;
}

/* Appends the chats that did not have the job's message yet to `fresh`. */
static int sift(const struct sending_taker *by, const struct reading *r, char *chats,
		struct buf *fresh, struct err *err)
{
	const char *job = r->sending.job;
	int64_t number = 0;
	char *rest = NULL;
	queue_jobs_rest(by->queue, by->clock->wall(by->clock) - JOB_KEPT);
	if (queue_flush(by->queue, err))
		return -1;
	int rc = 0, known = queue_job_get(by->queue, job, "", &number, err);
	if (known > 0 && number != (int64_t)r->hash)
		return err_set(err, ERR_REFUSED,
			       "the job '%s' has sent another message; this one wants another name",
			       job);
	for (char *chat = strtok_r(chats, "\n", &rest); chat && rc >= 0 && known >= 0;
	     chat = strtok_r(NULL, "\n", &rest)) {
		if (send_chat_check(chat, err))
			return -1;
		rc = known ? queue_job_get(by->queue, job, chat, &number, err) : 0;
		if (rc > 0)
			rc = look_after(by, &r->sending, chat, number, err);
		else if (rc == 0 && (buf_adds(fresh, chat) || buf_addc(fresh, '\n')))
			rc = no_memory(err);
	}
	return rc < 0 || known < 0 ? -1 : 0;
}

/* Remembers who gets it. The job's own record is the last: without it the others count for nothing.
 */
static int keep_job(const struct sending_taker *by, const struct reading *r,
		    const struct sending_taken *t)
{
	const char *job = r->sending.job;
	int64_t number = t->first, wall = by->clock->wall(by->clock);
	int rc = 0;
	for (const char *chat = t->chats; *chat && rc == 0; number += t->calls) {
		size_t n = strcspn(chat, "\n");
		char name[96];
		snprintf(name, sizeof name, "%.*s", (int)n, chat);
		rc = queue_job_keep(by->queue, job, name, number, wall);
		chat += n + 1;
	}
	return rc || queue_job_keep(by->queue, job, "", (int64_t)r->hash, wall) ? -1 : 0;
}

static int take_job(const struct sending_taker *by, struct reading *r, const struct reply *reply,
		    const struct out_how *how, struct sending_taken *t, struct err *err)
{
	struct buf fresh;
	char one[96], *list = NULL;
	char *chats = (char *)r->sending.chats;
	if (r->sending.chat)
		chats = strcpy(one, r->sending.chat);
	buf_init(&fresh, SENDING_BYTES_MAX);
	int rc = sift(by, r, chats, &fresh, err);
	if (rc == 0 && !(t->chats = strdup(buf_str(&fresh))))
		rc = no_memory(err);
	if (rc == 0 && fresh.len && !(list = strdup(t->chats)))
		rc = no_memory(err);
	if (rc == 0 && list)
		rc = add_recipients(by->out, reply, list, how, t, err);
	if (rc == 0 && list && keep_job(by, r, t))
		rc = take_back(by->out, t->first, err);
	free(list);
	buf_release(&fresh);
	return rc;
}

/* ---- all of it ---- */

void sending_taken_release(struct sending_taken *taken)
{
	free(taken->chats);
	taken->chats = NULL;
}

int sending_take(const struct sending_taker *by, const cJSON *request, int fd,
		 struct sending_taken *taken, struct err *err)
{
	struct reading r = { .at = 0 };
	struct reply reply = { 0 };
	const struct sending *s = &r.sending;
	*taken = (struct sending_taken){ 0 };
	int rc = read_bytes(&r, fd, err) || read_request(&r, request, err) ||
		 send_compose(&s->message, s->job ? NULL : s->chat, by->secret, &reply, err);
	const struct out_how how = { .lifetime = s->lifetime, .once = s->once, .bulk = !s->chat };
	taken->calls = (int64_t)reply.count;
	if (rc == 0 && reply.count && s->job)
		rc = take_job(by, &r, &reply, &how, taken, err);
	else if (rc == 0 && reply.count && s->chat)
		rc = add_reply(by->out, &reply, &how, taken, err);
	else if (rc == 0 && reply.count && s->chats_length)
		rc = add_recipients(by->out, &reply, (char *)s->chats, &how, taken, err);
	reply_release(&reply);
	free(r.bytes);
	if (rc)
		sending_taken_release(taken);
	return rc ? -1 : 0;
}
