/* handler/proc: a command in, its end out. It goes through: running → (timeout) terminating →
 * killing → over.
 *
 * Only `over`, `failed` or `died` of its slot ends it: then nothing that it started is left, and
 * keys may be released (invariant 3). The one exception is what the user asked to be left
 * behind. */
#include "handler/proc.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "handler/handler_internal.h"

static void set_phase(struct proc *p, enum proc_phase phase)
{
	p->phase = phase;
	slots_signal(p->job.slot, phase == PROC_TERMINATING ? SIGTERM : SIGKILL);
	loop_timer_set(p->timer, phase == PROC_TERMINATING ? p->kill_after : -1);
}

static void on_deadline(void *arg)
{
	struct proc *p = arg;
	if (!jobs_still(&p->job))
		return;
	if (p->phase == PROC_TERMINATING) {
		set_phase(p, PROC_KILLING);
		return;
	}
	p->timed_out = !p->ended;
	char limit[DURATION_TEXT];
	duration_format(p->timeout, limit, sizeof limit);
	p->ops->overdue(p, limit);
	set_phase(p, PROC_TERMINATING);
}

static void on_line(void *arg, int which, char *text, size_t n)
{
	struct proc *p = arg;
	p->ops->line(p, which, text, n);
}

void proc_free(struct proc *p)
{
	list_remove(&p->link);
	loop_timer_free(p->timer);
	output_release(&p->output);
	p->ops->free(p);
}

static void finish(struct proc *p, enum proc_end how, int errnum)
{
	output_end(&p->output);
	p->room->live--;
	p->ops->finish(p, how, errnum);
	proc_free(p);
}

static void finish_ended(struct proc *p)
{
	bool well = outcome_stage(p->end.status, p->end.stages) < 0;
	if (!well && p->end.expired)
		finish(p, PROC_CUT, 0);
	else if (well || p->timed_out)
		finish(p, PROC_ENDED, 0);
	else
		finish(p, p->stopped ? PROC_STOPPED : p->unheard ? PROC_UNHEARD : PROC_ENDED, 0);
}

static void take_end(struct proc *p, const struct slot_end *end)
{
	p->end = *end;
	p->unheard = slots_stdout_lost(p->job.slot);
}

static void on_ended(struct job *job, const struct slot_end *end)
{
	struct proc *p = container_of(job, struct proc, job);
	p->ended = true;
	take_end(p, end);
	if (p->phase != PROC_RUNNING)
		return;
	switch (p->background) {
	case BACKGROUND_WAIT:
		break;
	case BACKGROUND_KILL:
		set_phase(p, PROC_KILLING);
		break;
	case BACKGROUND_LEAVE:
		slots_leave(job->slot);
		/* It waits like the others when it cannot be left. */
		if (slots_job(job->slot) != job)
			finish_ended(p);
		break;
	}
}

static void on_over(struct job *job, const struct slot_end *end)
{
	struct proc *p = container_of(job, struct proc, job);
	take_end(p, end);
	p->begun = slots_pid(job->slot) > 0;
	finish_ended(p);
}

static void on_failed(struct job *job, const char *why, int errnum)
{
	struct proc *p = container_of(job, struct proc, job);
	p->why = why;
	/* When one stage cannot be executed, another may run already. */
	p->begun = slots_stages(job->slot) > 1 && slots_pid(job->slot);
	finish(p, PROC_UNSTARTABLE, errnum);
}

static void on_died(struct job *job, bool started)
{
	struct proc *p = container_of(job, struct proc, job);
	p->begun = started;
	finish(p, PROC_DIED, 0);
}

static void on_output(struct job *job, int which, char *bytes, size_t n)
{
	output_feed(&container_of(job, struct proc, job)->output, which, bytes, n);
}

int proc_start(struct proc *p, struct handlers *room, const struct proc_spec *spec)
{
	static const struct job_ops ops = {
		.ended = on_ended,
		.over = on_over,
		.failed = on_failed,
		.died = on_died,
		.output = on_output,
	};
	p->job.ops = &ops;
	p->room = room;
	p->timeout = spec->timeout;
	p->kill_after = spec->kill_after;
	p->background = spec->background;
	p->timer = loop_timer_new(room->config.loop, on_deadline, p);
	if (!p->timer) {
		close(spec->stdin_fd);
		if (spec->stdout_fd >= 0)
			close(spec->stdout_fd);
		errno = ENOMEM;
		return -1;
	}
	struct slot_job with = {
		.command = spec->command,
		.vars = buf_str(spec->vars),
		.vars_length = spec->vars->len,
		.stdin_fd = spec->stdin_fd,
		.extra_fd = spec->stdout_fd,
		.extra_is_stdout = true,
	};
	if (jobs_start(room->config.slots, &p->job, &with)) {
		int saved = errno;
		loop_timer_free(p->timer);
		p->timer = NULL;
		errno = saved;
		return -1;
	}
	output_init(&p->output, spec->max_output, room->config.secret, on_line, p);
	if (spec->keep_stdout)
		output_keep(&p->output);
	p->started = room->config.clock->mono(room->config.clock);
	list_add_before(&room->procs, &p->link);
	room->live++;
	if (p->timeout)
		loop_timer_set(p->timer, p->timeout);
	return 0;
}

void proc_stop(struct proc *p, int signo)
{
	if (!jobs_still(&p->job))
		return;
	if (!p->ended)
		p->stopped = true;
	if (signo == SIGKILL ? p->phase != PROC_KILLING : p->phase == PROC_RUNNING)
		set_phase(p, signo == SIGKILL ? PROC_KILLING : PROC_TERMINATING);
}
