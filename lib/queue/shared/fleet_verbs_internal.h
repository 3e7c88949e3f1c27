/* queue/shared/fleet_verbs_internal: the verbs of queue.h, calls.h, later.h and sharing.h, as the
 * shared queue carries them out: fleet_open.c puts them into a table. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_VERBS_INTERNAL_H
#define TGRUN_QUEUE_SHARED_FLEET_VERBS_INTERNAL_H

#include "queue/shared/fleet_internal.h"

int fleet_put(struct queue *queue, const struct queue_put *puts, size_t count, const char *root,
	      int64_t offset, struct queue_put_result *result, struct err *err);
int fleet_durable(struct queue *queue, bool wait, struct err *err);
void fleet_confirmed(struct queue *queue, const char *root, int64_t offset);
int fleet_claim(struct queue *queue, uint64_t lanes, struct claim **out, struct err *err);
int fleet_claim_joining(struct queue *queue, struct claim *const *batch, size_t n,
			struct claim **out, struct err *err);
bool fleet_marked(const struct queue *queue, const struct claim *c);
void fleet_done(struct queue *queue, const struct claim *c);
void fleet_drop(struct queue *queue, const struct claim *c);
bool fleet_proven(const struct queue *queue, const struct claim *c);
void fleet_dead(struct queue *queue, const struct claim *c, const char *reason,
		const char *last_stderr);
void fleet_retry(struct queue *queue, const struct claim *c, int64_t delay, const char *reason);
void fleet_keep(struct queue *queue, const struct claim *c, int64_t delay, const char *reason);
const char *fleet_release(struct queue *queue, const struct claim *c,
			  const struct queue_release *how);
int64_t fleet_next_due(const struct queue *queue, uint64_t lanes);
size_t fleet_ready(const struct queue *queue, unsigned lane, int64_t *oldest_ms);
size_t fleet_waiting(const struct queue *queue, unsigned lane);
bool fleet_batch_full(const struct queue *queue, unsigned lane, size_t size);
void fleet_gather(struct queue *queue, unsigned lane, const struct sched_gather *rule);
int64_t fleet_call_next(struct queue *queue, int64_t count);
int64_t fleet_call_add(struct queue *queue, const struct queue_call *call);
int fleet_message_add(struct queue *queue, const struct queue_message *message);
int fleet_call_drop(struct queue *queue, int64_t id, bool failed);
int fleet_job_keep(struct queue *queue, const char *name, const char *chat, int64_t number,
		   int64_t at);
void fleet_jobs_rest(struct queue *queue, int64_t wall);
void fleet_meta_set(struct queue *queue, const char *name, const char *value);
int fleet_call_begin(struct queue *queue, const struct queue_call *call, bool sync);
void fleet_call_done(struct queue *queue, int64_t id);
void fleet_call_again(struct queue *queue, const struct queue_call *call);
void fleet_call_fail(struct queue *queue, const struct queue_call *call);
int fleet_call_give_up(struct queue *queue, const struct queue_call *call);
int fleet_call_replace(struct queue *queue, const struct queue_call *call);
void fleet_line_keep(struct queue *queue, const struct queue_line *line);
void fleet_lines_rest(struct queue *queue, int64_t wall);
void fleet_clock_set(struct queue *queue, int64_t by);
int fleet_move_keep(struct queue *queue, const char *from, const char *to);
int fleet_call_show(struct queue *queue, int64_t id,
		    void (*show)(void *arg, const struct queue_call *call,
				 const struct queue_message *message),
		    void *arg, struct err *err);
int fleet_push(struct queue *queue, const struct queue_push *push, int64_t *number,
	       struct err *err);
int64_t fleet_push_due(struct queue *queue);
int fleet_push_ripen(struct queue *queue, int64_t until,
		     bool (*wanted)(void *arg, const char *body, size_t length), void *arg,
		     struct queue_ripe *out, struct err *err);
bool fleet_dirty(const struct queue *queue);
int fleet_flush(struct queue *queue, struct err *err);
uint64_t fleet_ticket(const struct queue *queue);
bool fleet_written(const struct queue *queue, uint64_t ticket);
void fleet_figures(const struct queue *queue, struct queue_fleet *out);
void fleet_counts(const struct queue *queue, struct queue_counts *out);
void fleet_set_backlog(struct queue *queue, int64_t backlog);
int64_t fleet_offset(struct queue *queue, const char *root);
void fleet_take(struct queue *queue, enum queue_take take);
int fleet_cancel(struct queue *queue, const char *keys, const char *chat, const int64_t *numbers,
		 size_t count);
int fleet_meta_get(struct queue *queue, const char *name, struct buf *out, struct err *err);
int fleet_stands(struct queue *queue, struct err *err);
void fleet_files(struct queue *queue, struct queue_files *out);
int64_t fleet_spare_bytes(const struct queue *queue);
int fleet_give_back(struct queue *queue, struct err *err);
int fleet_oldest(struct queue *queue, int64_t *arrived, struct err *err);
int fleet_each(struct queue *queue, int64_t from,
	       int (*each)(void *arg, const struct queue_item *item), void *arg, struct err *err);
int fleet_dead_each(struct queue *queue, int64_t from,
		    int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
		    struct err *err);
int fleet_many(struct queue *queue, struct queue_many *m, int64_t until,
	       void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
	       struct err *err);
int fleet_dead_trim(struct queue *queue, int64_t keep, int64_t max_age, int64_t until,
		    int64_t *dropped, struct err *err);
int fleet_calls_each(struct queue *queue, int64_t from, bool failed, bool params,
		     int (*each)(void *arg, const struct queue_call *call), void *arg,
		     struct err *err);
int fleet_lines_each(struct queue *queue, int (*each)(void *arg, const struct queue_line *line),
		     void *arg, struct err *err);
int fleet_moves_each(struct queue *queue, int (*each)(void *arg, const char *from, const char *to),
		     void *arg, struct err *err);
int fleet_job_get(struct queue *queue, const char *name, const char *chat, int64_t *number,
		  struct err *err);
int64_t fleet_calls_failed(const struct queue *queue);

#endif
