/* handler/jobs: lets several kinds of jobs share the slots. The tag of every job in a slot is a
 * struct job, whose first member says who hears of it. */
#ifndef TGRUN_HANDLER_JOBS_H
#define TGRUN_HANDLER_JOBS_H

#include "slot/slots.h"

struct job;

/* See struct slots_events. One of over, failed and died is the last call for a job. */
struct job_ops {
	/* only of jobs that are started with tell_stages; NULL in others */
	void (*stage_ended)(struct job *job, int stage, const struct slot_end *end);
	void (*ended)(struct job *job, const struct slot_end *end);
	void (*over)(struct job *job, const struct slot_end *end);
	void (*failed)(struct job *job, int errnum);
	void (*died)(struct job *job, bool started);
	void (*output)(struct job *job, int which, char *bytes, size_t n);
};

struct job {
	const struct job_ops *ops;
	struct slot *slot; /* set by jobs_start() */
	uint64_t serial;   /* unlike that of any other job */
};

/* What concerns no job. */
struct jobs {
	struct log *log;
	void (*idle)(void *arg); /* a slot is idle that was not, or a job is over */
	void *arg;
};

/* Puts the slots on the loop. `jobs` outlives the slots. 0 or -1 with `err`. */
int jobs_attach(struct jobs *jobs, struct slots *slots, struct loop *loop, struct err *err);

/* Starts `job` in an idle slot; `with` as in slots_start(), whose tag is set here. 0, or -1 with
 * errno (EAGAIN: none is idle); the descriptors are closed here in every case. */
int jobs_start(struct slots *slots, struct job *job, struct slot_job *with);

/* What of the job runs, for people: see procs_describe(). */
void jobs_describe(const struct job *job, char *out, size_t n);

/* Whether the job is still there after its slot's reports were taken in (slots_catch_up()). When
 * not, `job` may have been freed. */
bool jobs_still(struct job *job);

#endif
