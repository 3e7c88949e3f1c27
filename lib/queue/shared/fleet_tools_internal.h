/* queue/shared/fleet_tools_internal: what the files of a tool's queue share: fleet_tools.c (start,
 * end, the table of verbs), fleet_tools_list.c (what is there), fleet_tools_change.c (what is
 * changed), fleet_tools_out.c (what is to be sent). */
#ifndef TGRUN_QUEUE_SHARED_FLEET_TOOLS_INTERNAL_H
#define TGRUN_QUEUE_SHARED_FLEET_TOOLS_INTERNAL_H

#include "base/list.h"
#include "queue/queue_ops.h"
#include "queue/shared/fleet_db.h"
#include "queue/shared/fleet_ops.h"
#include "queue/shared/fleet_tools.h"

struct fleet_tools {
	struct queue queue;
	struct fleet_db *db;
	const struct clock *clock;
	struct fleet_ops ops;         /* for the next flush */
	int64_t next_call, last_call; /* drawn and not given yet; none when next > last */
	struct buf keys, body, file;  /* of what is shown */
};

static inline struct fleet_tools *fleet_tools_of(const struct queue *q)
{
	return container_of(q, struct fleet_tools, queue);
}

/* Asks a database, and waits for the answer. A schema that is not there, or is too old, is told so.
 * 0 with *out, which may be NULL; or -1 with `err`. */
int fleet_tools_ask_db(struct fleet_db *db, const struct fleet_call *call,
		       const struct fleet_answer **out, struct err *err);

/* Asks, and waits for the answer, which is the connection's until the next one. 0, or -1 with
 * `err`. */
int fleet_tools_ask(struct fleet_tools *t, const struct fleet_call *call,
		    const struct fleet_answer **out, struct err *err);

/* The verbs; each as its namesake in queue.h, calls.h or later.h. */
int fleet_tools_each(struct queue *q, int64_t from,
		     int (*each)(void *arg, const struct queue_item *item), void *arg,
		     struct err *err);
int fleet_tools_show(struct queue *q, int64_t seq,
		     int (*show)(void *arg, const struct queue_item *item), void *arg,
		     struct err *err);
int fleet_tools_dead_each(struct queue *q, int64_t from,
			  int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
			  struct err *err);
int fleet_tools_push_each(struct queue *q, int64_t from,
			  int (*each)(void *arg, const struct queue_item *item), void *arg,
			  struct err *err);
int fleet_tools_push_show(struct queue *q, int64_t number,
			  int (*show)(void *arg, const struct queue_item *item), void *arg,
			  struct err *err);
int fleet_tools_many(struct queue *q, struct queue_many *m, int64_t until,
		     void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
		     struct err *err);
int fleet_tools_push(struct queue *q, const struct queue_push *push, int64_t *number,
		     struct err *err);
int fleet_tools_flush(struct queue *q, struct err *err);
bool fleet_tools_dirty(const struct queue *q);
int64_t fleet_tools_call_add(struct queue *q, const struct queue_call *call);
int64_t fleet_tools_call_next(struct queue *q, int64_t count);
int fleet_tools_message_add(struct queue *q, const struct queue_message *message);
int fleet_tools_call_drop(struct queue *q, int64_t id, bool failed);
int fleet_tools_calls_each(struct queue *q, int64_t from, bool failed, bool params,
			   int (*each)(void *arg, const struct queue_call *call), void *arg,
			   struct err *err);
int fleet_tools_call_show(struct queue *q, int64_t id,
			  void (*show)(void *arg, const struct queue_call *call,
				       const struct queue_message *message),
			  void *arg, struct err *err);
int fleet_tools_job_get(struct queue *q, const char *name, const char *chat, int64_t *number,
			struct err *err);
int fleet_tools_job_keep(struct queue *q, const char *name, const char *chat, int64_t number,
			 int64_t at);
void fleet_tools_jobs_rest(struct queue *q, int64_t wall);
int fleet_tools_lines_each(struct queue *q, int (*each)(void *arg, const struct queue_line *line),
			   void *arg, struct err *err);
int fleet_tools_moves_each(struct queue *q,
			   int (*each)(void *arg, const char *from, const char *to), void *arg,
			   struct err *err);

#endif
