/* cli/client/cmd_push: an update of one's own from standard input goes into the queue of a bot, now
 * or at a time: to the runner, or, when none runs, to the store itself, for the next one.
 * Invariant: exit status 0 means that it is on disk, under the number that was printed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client/push.h"
#include "cli/client/send.h"
#include "cli/client/shared.h"
#include "cli/cmd.h"
#include "cli/print.h"
#include "io/sealed.h"
#include "queue/local/local.h"
#include "update/pushed.h"

enum { REQUEST_MAX = 16 << 10 };

struct push {
	struct setup *setup;
	struct statedir *dir;
	struct pushing pushing;
	struct buf keys, request;
	int fd; /* what is pushed, in memory; -1: not read yet */
	int64_t number;
	struct err refusal; /* status 0: it was taken */
};

/* ---- what is asked ---- */

static int read_keys(struct push *p, struct err *err)
{
	const struct config *c = &p->setup->config;
	const struct texts *keys = &c->lists.key;
	if (config_origin(c, keys) != ORIGIN_ARGUMENT)
		return 0;
	for (size_t i = 0; i < keys->count; i++)
		if (pushing_key_check(keys->items[i], err))
			return -1;
		else if ((i && buf_addc(&p->keys, ' ')) || buf_adds(&p->keys, keys->items[i]))
			return err_set(err, ERR_USAGE, "the keys are longer than %d bytes",
				       PUSHING_KEYS_MAX);
	return 0;
}

static int read_options(struct push *p, struct err *err)
{
	const struct config *c = &p->setup->config;
	struct err why;
	bool after = config_origin(c, &c->after) != ORIGIN_DEFAULT;
	if (after && c->at)
		return err_set(err, ERR_USAGE, "'--after' and '--at' exclude each other");
	p->pushing = (struct pushing){ .elapsed = !c->at, .due = c->after };
	if (c->at && clock_read(c->at, &p->pushing.due, &why))
		return err_set(err, ERR_USAGE, "option '--at': %s", why.text);
	return read_keys(p, err);
}

/* Standard input, into memory; what is no update is refused here, before anybody is asked. */
static int read_update(struct push *p, struct err *err)
{
	struct pushed pushed;
	struct buf in;
	char bytes[4096];
	ssize_t n;
	int rc = 0;
	buf_init(&in, PUSHED_MAX + 2 * sizeof bytes);
	while (in.len <= PUSHED_MAX && rc == 0 &&
	       (n = read(STDIN_FILENO, bytes, sizeof bytes)) != 0) {
		if (n > 0)
			rc = buf_add(&in, bytes, (size_t)n)
				     ? err_set(err, ERR_INTERNAL, "out of memory")
				     : 0;
		else if (errno != EINTR)
			rc = err_sys(err, ERR_IO, errno, "cannot read standard input");
	}
	const struct iovec part = { in.data, in.len };
	if (rc == 0 && (p->fd = sealed_file("tgrun-push", &part, 1)) < 0)
		rc = err_sys(err, ERR_INTERNAL, errno, "cannot hold in memory what is pushed");
	if (rc == 0 && buf_addc(&in, '\0'))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	if (rc == 0)
		rc = pushed_read(in.data, in.len - 1, &pushed, err);
	buf_release(&in);
	return rc;
}

static int write_request(struct push *p, struct err *err)
{
	p->pushing.keys = buf_str(&p->keys);
	return pushing_write(&p->pushing, &p->request) ? err_set(err, ERR_INTERNAL, "out of memory")
						       : 0;
}

/* ---- who takes it ---- */

int push_store(struct queue *q, const struct statedir *dir, int64_t min_free, const cJSON *request,
	       int fd, int64_t *number, struct err *err)
{
	int64_t room = min_free ? statedir_free_bytes(dir) : -1;
	if (room >= 0 && room + queue_spare_bytes(q) < min_free + pushing_size(fd))
		return err_set(err, ERR_CANTCREATE,
			       "the disk is almost full (--min-free), and nothing was kept");
	return pushing_take(q, &clock_system, request, fd, number, err);
}

/* Nobody has the state but this process. */
static int store(struct push *p, struct err *err)
{
	struct setup *s = p->setup;
	int64_t bot = s->secret ? secret_bot_id(s->secret) : 0;
	if (strcmp(s->config.store, "memory") == 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "no tgrun runs with the state directory '%s', and '--store memory' "
			       "keeps nothing for the next one",
			       statedir_path(p->dir));
	struct store *store = sqlite_open(statedir_fd(p->dir), statedir_path(p->dir), bot, err);
	struct queue_config config = { .clock = &clock_system, .backlog = INT32_MAX };
	struct queue *q = store ? local_open(&config, store, err) : NULL;
	cJSON *request = cJSON_Parse(buf_str(&p->request));
	int rc = q ? 0 : -1;
	if (store && !q)
		store->ops->close(store);
	if (q && !request)
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	if (rc == 0)
		rc = push_store(q, p->dir, s->config.engine.min_free, request, p->fd, &p->number,
				err);
	cJSON_Delete(request);
	return q && queue_close(q, rc ? NULL : err) ? -1 : rc;
}

/* Several machines share the queue: the one that polls hands it to a handler. */
static int share(struct push *p, struct err *err)
{
	struct queue *q = shared_open(p->setup, err);
	cJSON *request = cJSON_Parse(buf_str(&p->request));
	int rc = q ? 0 : -1;
	if (q && !request)
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	if (rc == 0)
		rc = pushing_take(q, &clock_system, request, p->fd, &p->number, err);
	cJSON_Delete(request);
	return q && queue_close(q, rc ? NULL : err) ? -1 : rc;
}

static int on_answer(void *arg, const char *line, size_t n)
{
	struct push *p = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	if (json)
		pushing_answer(json, &p->number, &p->refusal);
	cJSON_Delete(json);
	return json ? 0 : -1;
}

static int hand_over(struct push *p, struct err *err)
{
	if (shared_is(p->setup))
		return share(p, err);
	int rc = client_hand_over(p->setup, p->dir, buf_str(&p->request), p->fd, on_answer, p, err);
	if (rc > 0)
		rc = store(p, err);
	if (rc == 0 && p->refusal.status) {
		*err = p->refusal;
		return -1;
	}
	return rc;
}

int cmd_push(struct setup *s)
{
	struct err err = { 0 };
	struct push p = { .setup = s, .fd = -1 };
	cmd_warn(&s->config);
	buf_init(&p.keys, PUSHING_KEYS_MAX + 1);
	buf_init(&p.request, REQUEST_MAX);
	int rc = read_options(&p, &err) || read_update(&p, &err) || write_request(&p, &err) ||
				 client_open_or_make(s, &p.dir, &err) || hand_over(&p, &err)
			 ? -1
			 : 0;
	if (rc == 0) {
		print_line(stdout, "p%lld", (long long)p.number);
		struct err why;
		rc = print_end(&why) ? err_set(&err, why.status,
					       "p%lld is stored, do not push it again; but %s",
					       (long long)p.number, why.text)
				     : 0;
	}
	statedir_close(p.dir);
	if (p.fd >= 0)
		close(p.fd);
	buf_release(&p.keys);
	buf_release(&p.request);
	return rc ? cmd_fail(&err) : 0;
}
