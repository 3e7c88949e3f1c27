/* handler/jobs: the slots know one owner, and tell him all; here what they tell goes on to the job
 * that it is about. So workers, and what is run once (proc.h), share the slots without knowing each
 * other: each embeds a struct job, which names its own functions. */
#ifndef TGRUN_HANDLER_JOBS_H
#define TGRUN_HANDLER_JOBS_H

#include "slot/slots.h"

struct job;

/* What a kind of job does when its slot tells something, as described at struct slots_events. Each
 * job hears `over`, `failed` or `died`, one of them and once: it is the last call, in which the job
 * may be freed. */
struct job_ops {
	/* Only of jobs that are started with tell_stages; NULL in others. */
	void (*stage_ended)(struct job *job, int stage, const struct slot_end *end);
	void (*ended)(struct job *job, const struct slot_end *end);
	void (*over)(struct job *job, const struct slot_end *end);
	/* `why`: what `errnum` means, for people, and of a pipeline which stage it was. Valid
	 * during the call. */
	void (*failed)(struct job *job, const char *why, int errnum);
	void (*died)(struct job *job, bool started);
	void (*output)(struct job *job, int which, char *bytes, size_t n);
};

struct job {
	const struct job_ops *ops; /* set before jobs_start() */
	struct slot *slot;         /* where it runs; set by jobs_start() */
	uint64_t serial;           /* no other job of this process has it; set by jobs_start() */
};

/* Where goes what concerns no job. Filled in by the caller of jobs_attach(). */
struct jobs {
	struct log *log; /* gets the slots' notes */
	/* A slot may be idle that was not. Also called after the last call of each job. */
	void (*idle)(void *arg);
	void *arg;
};

/* slots_attach(), with `jobs` as the owner of the slots; it outlives them. 0, or -1 with `err`. */
int jobs_attach(struct jobs *jobs, struct slots *slots, struct loop *loop, struct err *err);

/* Starts `job`, whose `ops` is set, in an idle slot. `with`: see slots_start(); its tag is set
 * here, and its descriptors are closed here in every case. 0: the calls of `ops` follow, in later
 * turns of the loop; or -1 with errno (EAGAIN: no slot is idle; else as slots_start()): none will.
 */
int jobs_start(struct slots *slots, struct job *job, struct slot_job *with);

/* Writes into `out`, of `n` bytes, what processes of a job run that is not over, for people: see
 * procs_describe(). */
void jobs_describe(const struct job *job, char *out, size_t n);

/* Takes in what the slot of a job that is not over has said but the loop has not delivered, so that
 * a deadline does not overtake an end: calls of `ops` may come from in here. False: the last of
 * them came, and `job` may have been freed. */
bool jobs_still(struct job *job);

#endif
