/* queue/queue_ops: what a backend of the queue is: a table of the verbs of queue.h, calls.h,
 * later.h and sharing.h, each with the contract that stands there. For queue.c and the backends
 * only. */
#ifndef TGRUN_QUEUE_QUEUE_OPS_H
#define TGRUN_QUEUE_QUEUE_OPS_H

#include "queue/calls.h"
#include "queue/later.h"
#include "queue/queue.h"
#include "queue/sharing.h"

struct queue_ops {
	int (*close)(struct queue *q, struct err *err); /* `q` is not NULL */
	/* NULL: the store is no shared one */
	void (*fleet)(const struct queue *q, struct queue_fleet *out);

	int (*put)(struct queue *q, const struct queue_put *puts, size_t count, const char *root,
		   int64_t offset, struct queue_put_result *result, struct err *err);
	int (*durable)(struct queue *q, bool wait, struct err *err);
	void (*confirmed)(struct queue *q, const char *root, int64_t offset);
	int64_t (*offset)(struct queue *q, const char *root);
	int (*meta_get)(struct queue *q, const char *name, struct buf *out, struct err *err);
	void (*meta_set)(struct queue *q, const char *name, const char *value);

	int (*claim)(struct queue *q, uint64_t lanes, struct claim **out, struct err *err);
	int (*claim_joining)(struct queue *q, struct claim *const *batch, size_t n,
			     struct claim **out, struct err *err);
	bool (*marked)(const struct queue *q, const struct claim *c);
	void (*done)(struct queue *q, const struct claim *c);
	void (*drop)(struct queue *q, const struct claim *c);
	void (*dead)(struct queue *q, const struct claim *c, const char *reason,
		     const char *last_stderr);
	void (*retry)(struct queue *q, const struct claim *c, int64_t delay, const char *reason);
	void (*keep)(struct queue *q, const struct claim *c, int64_t delay, const char *reason);
	const char *(*release)(struct queue *q, const struct claim *c,
			       const struct queue_release *how);
	bool (*proven)(const struct queue *q, const struct claim *c);
	int (*flush)(struct queue *q, struct err *err);
	bool (*dirty)(const struct queue *q);
	uint64_t (*ticket)(const struct queue *q);
	bool (*written)(const struct queue *q, uint64_t ticket);
	/* NULL, the next two: there is no other machine */
	void (*take)(struct queue *q, enum queue_take take);
	int (*cancel)(struct queue *q, const char *keys, const char *chat, const int64_t *numbers,
		      size_t count);

	int64_t (*next_due)(const struct queue *q, uint64_t lanes);
	size_t (*ready)(const struct queue *q, unsigned lane, int64_t *oldest_ms);
	size_t (*waiting)(const struct queue *q, unsigned lane);
	int (*oldest)(struct queue *q, int64_t *arrived, struct err *err);
	bool (*batch_full)(const struct queue *q, unsigned lane, size_t size);
	void (*counts)(const struct queue *q, struct queue_counts *out);
	void (*gather)(struct queue *q, unsigned lane, const struct sched_gather *rule);
	void (*set_backlog)(struct queue *q, int64_t backlog);

	int (*stands)(struct queue *q, struct err *err);
	void (*files)(struct queue *q, struct queue_files *out);
	int64_t (*spare_bytes)(const struct queue *q);
	int (*give_back)(struct queue *q, struct err *err);

	int (*each)(struct queue *q, int64_t from,
		    int (*each)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err);
	int (*show)(struct queue *q, int64_t seq,
		    int (*show)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err);
	int (*dead_each)(struct queue *q, int64_t from,
			 int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
			 struct err *err);
	int (*many)(struct queue *q, struct queue_many *m, int64_t until,
		    void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
		    struct err *err);
	int (*dead_trim)(struct queue *q, int64_t keep, int64_t max_age, int64_t until,
			 int64_t *dropped, struct err *err);

	int64_t (*call_add)(struct queue *q, const struct queue_call *call);
	int64_t (*call_next)(struct queue *q, int64_t count);
	int (*message_add)(struct queue *q, const struct queue_message *message);
	int (*call_begin)(struct queue *q, const struct queue_call *call, bool sync);
	void (*call_done)(struct queue *q, int64_t id);
	void (*call_again)(struct queue *q, const struct queue_call *call);
	void (*call_fail)(struct queue *q, const struct queue_call *call);
	int (*call_give_up)(struct queue *q, const struct queue_call *call);
	int (*call_drop)(struct queue *q, int64_t id, bool failed);
	int (*call_replace)(struct queue *q, const struct queue_call *call);
	void (*line_keep)(struct queue *q, const struct queue_line *line);
	void (*lines_rest)(struct queue *q, int64_t wall);
	void (*clock_set)(struct queue *q, int64_t by);
	int (*move_keep)(struct queue *q, const char *from, const char *to);
	int (*calls_each)(struct queue *q, int64_t from, bool failed, bool params,
			  int (*each)(void *arg, const struct queue_call *call), void *arg,
			  struct err *err);
	int (*lines_each)(struct queue *q, int (*each)(void *arg, const struct queue_line *line),
			  void *arg, struct err *err);
	int (*moves_each)(struct queue *q, int (*each)(void *arg, const char *from, const char *to),
			  void *arg, struct err *err);
	int (*job_get)(struct queue *q, const char *name, const char *chat, int64_t *number,
		       struct err *err);
	int (*job_keep)(struct queue *q, const char *name, const char *chat, int64_t number,
			int64_t at);
	void (*jobs_rest)(struct queue *q, int64_t wall);
	int (*call_show)(struct queue *q, int64_t id,
			 void (*show)(void *arg, const struct queue_call *call,
				      const struct queue_message *message),
			 void *arg, struct err *err);
	int64_t (*calls_failed)(const struct queue *q);

	int (*push)(struct queue *q, const struct queue_push *push, int64_t *number,
		    struct err *err);
	int64_t (*push_due)(struct queue *q);
	int (*push_ripen)(struct queue *q, int64_t until,
			  bool (*wanted)(void *arg, const char *body, size_t length), void *arg,
			  struct queue_ripe *out, struct err *err);
	int (*push_each)(struct queue *q, int64_t from,
			 int (*each)(void *arg, const struct queue_item *item), void *arg,
			 struct err *err);
	int (*push_show)(struct queue *q, int64_t number,
			 int (*show)(void *arg, const struct queue_item *item), void *arg,
			 struct err *err);
};

/* A backend's own struct begins with this. */
struct queue {
	const struct queue_ops *ops;
};

#endif
