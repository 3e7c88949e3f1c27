/* queue/shared/fleet_ops: changes of what is to be sent, as the database takes them: a list of JSON
 * objects, carried out in their order in one transaction, and the bytes of their files. Times go as
 * milliseconds from now, since the clocks of machines may differ. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_OPS_H
#define TGRUN_QUEUE_SHARED_FLEET_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "queue/calls.h"

struct fleet_ops {
	struct buf json;  /* the objects, a comma between */
	struct buf files; /* what they refer to */
	size_t count;
};

void fleet_ops_init(struct fleet_ops *o);
void fleet_ops_release(struct fleet_ops *o); /* frees; it is empty then */
void fleet_ops_clear(struct fleet_ops *o);   /* empty; the memory is kept */

/* Each adds one operation: 0, or -1 when memory is out (then nothing is added). `wall` is this
 * machine's wall clock in milliseconds, by which the times of the call count. */
int fleet_ops_call(struct fleet_ops *o, const struct queue_call *call, int64_t wall);
int fleet_ops_message(struct fleet_ops *o, const struct queue_message *message);
int fleet_ops_begin(struct fleet_ops *o, const struct queue_call *call, int64_t wall);
int fleet_ops_again(struct fleet_ops *o, const struct queue_call *call, int64_t wall);
int fleet_ops_done(struct fleet_ops *o, int64_t id);
int fleet_ops_fail(struct fleet_ops *o, const struct queue_call *call);
int fleet_ops_drop(struct fleet_ops *o, int64_t id, bool failed);
int fleet_ops_replace(struct fleet_ops *o, const struct queue_call *call);
int fleet_ops_line(struct fleet_ops *o, const struct queue_line *line, int64_t wall);
int fleet_ops_lines_rest(struct fleet_ops *o);
int fleet_ops_move(struct fleet_ops *o, const char *from, const char *to);
int fleet_ops_job(struct fleet_ops *o, const char *name, const char *chat, int64_t number);
int fleet_ops_jobs_rest(struct fleet_ops *o, int64_t age); /* used last so many ms ago */
int fleet_ops_value(struct fleet_ops *o, const char *name, const char *value);

/* Appends the whole list to `out`: `[…]`. 0, or -1 as buf_add(). */
int fleet_ops_list(const struct fleet_ops *o, struct buf *out);

#endif
