/* cli/client/send_shared: a request in, rows of the database's outbox out. The way out of tgrun
 * (engine/out.h) makes calls of it as ever; over a shared queue it sends nothing unless it is told
 * to, and nobody tells a tool. */
#include "cli/client/send_shared.h"

#include "cli/client/send_out.h"
#include "cli/client/shared.h"
#include "io/loop.h"

/* It waits for no turn of its own. */
static void no_turn(void *arg)
{
	(void)arg;
}

static void no_end(void *arg, const struct queue_call *call, enum out_end how,
		   const struct verdict *v, const char *reason, const char *body, size_t length)
{
	(void)arg, (void)call, (void)how, (void)v, (void)reason, (void)body, (void)length;
}

/* Where calls are made. */
struct maker {
	struct loop *loop;
	struct log *log;
	struct queue *queue;
	struct out *out;
};

static int open_maker(struct maker *m, struct setup *s, struct err *err)
{
	m->queue = shared_open(s, err);
	if (!m->queue || !(m->loop = loop_new(err)))
		return -1;
	m->log = send_out_log(s);
	if (!m->log)
		return err_set(err, ERR_INTERNAL, "out of memory");
	const struct out_config own = {
		.loop = m->loop, .log = m->log, .queue = m->queue, .wake = no_turn, .ended = no_end
	};
	m->out = send_out_new(s, &own, err);
	return m->out ? 0 : -1;
}

static int close_maker(struct maker *m, struct err *err)
{
	out_free(m->out);
	int rc = m->queue ? queue_close(m->queue, err) : 0;
	loop_free(m->loop);
	log_free(m->log);
	return rc;
}

int send_shared(struct setup *s, const char *request, int fd, struct sending_taken *taken,
		struct err *err)
{
	struct maker m = { 0 };
	cJSON *json = cJSON_Parse(request);
	int rc = json ? open_maker(&m, s, err) : err_set(err, ERR_INTERNAL, "out of memory");
	const struct sending_taker by = { m.out, m.queue, &clock_system, s->secret };
	if (rc == 0)
		rc = sending_take(&by, json, fd, taken, err) || queue_flush(m.queue, err) ? -1 : 0;
	cJSON_Delete(json);
	return close_maker(&m, rc ? NULL : err) ? -1 : rc;
}
