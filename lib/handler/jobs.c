/* handler/jobs: what the slots report comes in; it goes out to the job that it is about, by the
 * job's own table of calls.
 *
 * The slots know one owner; here it is shared among kinds of jobs that do not know each other. */
#include "handler/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static void on_stage_ended(void *arg, struct slot *slot, int stage, const struct slot_end *end)
{
	(void)arg;
	struct job *job = slots_job(slot);
	if (job)
		job->ops->stage_ended(job, stage, end);
}

static void on_ended(void *arg, struct slot *slot, const struct slot_end *end)
{
	(void)arg;
	struct job *job = slots_job(slot);
	if (job)
		job->ops->ended(job, end);
}

static void on_over(void *arg, struct slot *slot, const struct slot_end *end)
{
	struct jobs *jobs = arg;
	struct job *job = slots_job(slot);
	if (job)
		job->ops->over(job, end);
	jobs->idle(jobs->arg);
}

static void on_failed(void *arg, struct slot *slot, int stage, int errnum)
{
	struct jobs *jobs = arg;
	struct job *job = slots_job(slot);
	int stages = slots_stages(slot);
	char why[160];
	if (stage >= 0 && stages > 1)
		snprintf(why, sizeof why, "stage %d of %d: %s", stage + 1, stages,
			 strerror(errnum));
	else
		snprintf(why, sizeof why, "%s", strerror(errnum));
	if (job)
		job->ops->failed(job, why, errnum);
	jobs->idle(jobs->arg);
}

static void on_died(void *arg, struct slot *slot, bool started)
{
	struct jobs *jobs = arg;
	struct job *job = slots_job(slot);
	if (job)
		job->ops->died(job, started);
	jobs->idle(jobs->arg);
}

static void on_output(void *arg, struct slot *slot, int which, char *bytes, size_t n)
{
	struct job *job = slots_job(slot);
	(void)arg;
	if (job)
		job->ops->output(job, which, bytes, n);
}

static void on_idle(void *arg)
{
	struct jobs *jobs = arg;
	jobs->idle(jobs->arg);
}

static void on_note(void *arg, struct slot *slot, bool warn, const char *text)
{
	struct jobs *jobs = arg;
	log_event(jobs->log, warn ? LOG_WARN : LOG_DEBUG,
		  LOG_FIELDS(LOG_NUM("slot", slot ? slots_number(slot) : 0)), "%s", text);
}

int jobs_attach(struct jobs *jobs, struct slots *slots, struct loop *loop, struct err *err)
{
	static const struct slots_events events = { on_stage_ended, on_ended,  on_over, on_failed,
						    on_died,        on_output, on_idle, on_note };
	return slots_attach(slots, loop, &events, jobs, err);
}

int jobs_start(struct slots *slots, struct job *job, struct slot_job *with)
{
	static uint64_t serial;
	struct slot *slot = slots_idle(slots);
	if (!slot) {
		close(with->stdin_fd);
		if (with->extra_fd >= 0)
			close(with->extra_fd);
		errno = EAGAIN;
		return -1;
	}
	with->tag = job;
	if (slots_start(slot, with))
		return -1;
	job->slot = slot;
	job->serial = ++serial;
	return 0;
}

void jobs_describe(const struct job *job, char *out, size_t n)
{
	struct procs found = { 0 };
	slots_descendants(job->slot, &found);
	procs_describe(&found, out, n);
	procs_release(&found);
}

bool jobs_still(struct job *job)
{
	/* Its memory may be another job's afterwards, even in the same slot. */
	struct slot *slot = job->slot;
	uint64_t serial = job->serial;
	slots_catch_up(slot);
	const struct job *now = slots_job(slot);
	return now && now->serial == serial;
}
