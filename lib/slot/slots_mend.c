/* slot/slots_mend: what the runner does about slots that died, were retired, or cannot kill. In:
 * SIGCHLD, an end of file, a timer. Out: `died` or `failed` for their jobs, new slots, notes.
 *
 * When a slot dies, all that it kept becomes this process's, which is a subreaper, too. So every
 * child here that is no slot, no keeper and was not there from the start is a stray; it is killed,
 * and the dead are reported only when no stray is left. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "slot/leftover.h"
#include "slot/slots_internal.h"

/* Milliseconds: a slot that does not take an order to kill is itself killed; what is not dead by
 * then is complained of. */
enum { UNHEARD = 5000, UNKILLABLE = 10000, WOKEN_AGAIN = 60000 };

/* Waits for `pid` without waiting. Whether it is gone. */
static bool reaped(pid_t pid, int *status)
{
	pid_t got = waitpid(pid, status, WNOHANG);
	return got == pid || (got < 0 && errno == ECHILD);
}

static bool is_known(const struct slots *s, pid_t pid)
{
	for (const struct list *l = s->keepers.next; l != &s->keepers; l = l->next)
		if (container_of(l, struct slots_keeper, link)->pid == pid)
			return true;
	for (int i = 0; i < s->config.count; i++)
		if (s->slot[i].pid == pid)
			return true;
	for (size_t i = 0; i < s->known_count; i++) {
		struct procs_stat stat;
		if (s->known[i].pid == pid && !procs_stat(pid, &stat) &&
		    stat.start == s->known[i].start)
			return true;
	}
	return false;
}

/* Whether a child that is none of the above was left by a slot. Of most processes all children are,
 * since only descendants come here; process 1 gets the orphans of all others in its name space,
 * such as those of `docker exec`. Its slots' have the mark, or are of the session that a dead slot
 * made. */
static bool is_left_by_slot(const struct slots *s, pid_t pid)
{
	struct procs_stat stat;
	if (getpid() != 1 || !s->config.mark || leftover_carries(pid, s->config.mark))
		return true;
	for (int i = 0; i < s->config.count; i++)
		if (s->slot[i].state == SLOT_DEAD && s->slot[i].page->pid &&
		    procs_stat(pid, &stat) == 0 && stat.session == s->slot[i].page->pid)
			return true;
	return false;
}

bool slots_sweep_strays(struct slots *s, bool kill_them)
{
	bool any = false;
	s->found.count = 0;
	procs_children(getpid(), &s->found);
	for (size_t i = 0; i < s->found.count; i++) {
		pid_t pid = s->found.pids[i], denied = 0;
		int status;
		if (is_known(s, pid))
			continue;
		bool gone = reaped(pid, &status);
		if (!gone && !is_left_by_slot(s, pid))
			continue;
		any = true;
		if (gone || !kill_them)
			continue;
		struct procs tree = { 0 };
		procs_descendants(pid, &tree);
		procs_add(&tree, pid);
		procs_signal(&tree, SIGKILL, &denied);
		procs_release(&tree);
	}
	return any;
}

/* A list of children may miss one while others come and go: twice nothing is nothing. */
static bool no_strays(struct slots *s)
{
	return !slots_sweep_strays(s, true) && !slots_sweep_strays(s, true);
}

static void mend_keepers(struct slots *s)
{
	for (struct list *l = s->keepers.next, *next; l != &s->keepers; l = next) {
		next = l->next;
		struct slots_keeper *k = container_of(l, struct slots_keeper, link);
		int status;
		if (!reaped(k->pid, &status))
			continue;
		list_remove(&k->link);
		free(k);
	}
}

/* No slot is forked for a while, since what began at `began` failed. */
static void pause_forks(struct slots *s, int64_t began)
{
	int64_t delay = backoff_fail_of(&s->fork_again, began, slots_now(), backoff_random());
	if (delay >= 0)
		s->fork_at = slots_now() + delay;
}

/* A slot ends by itself only where the machine refuses something; as a rule it does so to the next
 * one, too. What became of a job is told by itself. */
static void look_at_end(struct slot *slot)
{
	struct slots *s = slot->slots;
	if (!WIFEXITED(slot->wait_status) || WEXITSTATUS(slot->wait_status) == 0)
		return;
	pause_forks(s, slot->forked);
	if (!s->fork_failed && !slot->tag)
		slots_note(s, slot, true,
			   "slot %d ended before it could run anything (status %d), trying again: "
			   "is the machine out of memory or files?",
			   slot->number, WEXITSTATUS(slot->wait_status));
	s->fork_failed = s->fork_failed || !slot->tag;
}

/* Reports the job of a slot of which nothing is left. */
static void bury(struct slot *slot)
{
	struct slots *s = slot->slots;
	bool started = slot->tag && slot->page->started == slot->job;
	look_at_end(slot);
	slots_drain(slot);
	slots_unwatch(slot);
	slot->state = SLOT_VACANT;
	command_unref(slot->command);
	slot->command = NULL;
	/* libpipeline ends the process, by exit(3), when it cannot fork or make a pipe. */
	if (slot->tag && !started && !WIFSIGNALED(slot->wait_status))
		s->events->failed(s->arg, slot, -1, EAGAIN);
	else
		s->events->died(s->arg, slot, started);
	slot->tag = NULL;
}

/* Whether no dead slot is left. */
static bool mend_dead(struct slots *s)
{
	bool dead = false, waiting = false;
	for (int i = 0; i < s->config.count; i++) {
		struct slot *slot = &s->slot[i];
		if (slot->state != SLOT_DEAD)
			continue;
		dead = true;
		if (slot->pid && reaped(slot->pid, &slot->wait_status))
			slot->pid = 0;
		if (slot->pid) {
			kill(slot->pid, SIGKILL);
			waiting = true;
		}
	}
	if (!dead) {
		/* left by a keeper that was killed: only waited for */
		slots_sweep_strays(s, false);
		return true;
	}
	if (waiting || !no_strays(s))
		return false;
	for (int i = 0; i < s->config.count; i++)
		if (s->slot[i].state == SLOT_DEAD && !s->slot[i].pid)
			bury(&s->slot[i]);
	return true;
}

static void mend_vacant(struct slots *s)
{
	for (int i = 0; i < s->config.count && slots_now() >= s->fork_at; i++) {
		struct slot *slot = &s->slot[i];
		if (slot->state != SLOT_VACANT)
			continue;
		if (slots_spawn(slot)) {
			int errnum = errno;
			pause_forks(s, slots_now());
			if (!s->fork_failed)
				slots_note(s, slot, true,
					   "slot %d cannot be forked, trying again: %s",
					   slot->number, strerror(errnum));
			s->fork_failed = true;
			return;
		}
		s->events->idle(s->arg);
	}
}

/* A slot that was told to kill. */
static void look_at_killing(struct slots *s, struct slot *slot)
{
	int64_t since = slots_now() - slot->killed;
	if (since >= UNHEARD && slot->page->orders != slot->signals) {
		slots_note(s, slot, true, "slot %d does not answer and is replaced", slot->number);
		slots_condemn(slot);
		return;
	}
	if (since < UNKILLABLE || slot->complained)
		return;
	slot->complained = true;
	pid_t denied = slot->page->denied;
	if (denied)
		slots_note(
			s, slot, true,
			"process %d, which a handler started, cannot be killed (it belongs to another user); "
			"its chat waits for its end",
			(int)denied);
	else
		slots_note(
			s, slot, true,
			"something that a handler started cannot be killed; its chat waits for its end");
}

static bool being_killed(const struct slot *slot)
{
	return slot->killed && (slot->state == SLOT_BUSY || slot->state == SLOT_LINGERS);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || b < a ? b : a;
}

/* Milliseconds until something is to be looked at again, -1: nothing is. */
static int64_t next_due(struct slots *s)
{
	int64_t next = -1, now = slots_now();
	bool dead = false;
	for (int i = 0; i < s->config.count; i++) {
		struct slot *slot = &s->slot[i];
		dead = dead || slot->state == SLOT_DEAD;
		if (slot->state == SLOT_VACANT)
			next = sooner(next, s->fork_at > now ? s->fork_at - now : 0);
		if (being_killed(slot) && !slot->complained)
			next = sooner(next, 1000);
	}
	if (dead)
		next = sooner(next, backoff_fail(&s->sweep_again, backoff_random()));
	return next;
}

/* A slot that was stopped takes no order and reports no end. */
static void wake_stopped(struct slots *s)
{
	for (int i = 0; i < s->config.count; i++) {
		struct slot *slot = &s->slot[i];
		siginfo_t info = { .si_pid = 0 };
		if (!slot->pid || waitid(P_PID, (id_t)slot->pid, &info, WSTOPPED | WNOHANG) ||
		    !info.si_pid)
			continue;
		kill(slot->pid, SIGCONT);
		if (s->woken_at && slots_now() - s->woken_at < WOKEN_AGAIN)
			continue;
		s->woken_at = slots_now();
		slots_note(s, slot, true,
			   "slot %d was stopped, by its handler perhaps, and is continued",
			   slot->number);
	}
}

void slots_mend(void *slots)
{
	struct slots *s = slots;
	wake_stopped(s);
	mend_keepers(s);
	if (mend_dead(s)) {
		backoff_reset(&s->sweep_again);
		s->dead_since = 0;
		s->dead_complained = false;
	} else if (!s->dead_since) {
		s->dead_since = slots_now();
	} else if (!s->dead_complained && slots_now() - s->dead_since >= UNKILLABLE) {
		s->dead_complained = true;
		slots_note(
			s, NULL, true,
			"something that a dead slot left behind cannot be killed; its chat waits for its end");
	}
	mend_vacant(s);
	for (int i = 0; i < s->config.count; i++)
		if (being_killed(&s->slot[i]))
			look_at_killing(s, &s->slot[i]);
	loop_timer_set(s->timer, next_due(s));
}

void slots_wait_for_all(struct slots *s)
{
	int64_t began = slots_now(), elapsed = 0;
	for (int64_t pause = 1; elapsed < UNKILLABLE; pause = pause < 20 ? pause * 2 : 20) {
		int alive = 0;
		for (int i = 0; i < s->config.count; i++) {
			struct slot *slot = &s->slot[i];
			if (slot->pid && reaped(slot->pid, &slot->wait_status))
				slot->pid = 0;
			if (!slot->pid)
				continue;
			alive++;
			if (slot->state == SLOT_DEAD ||
			    (elapsed >= UNHEARD && !slot->page->sweeping))
				kill(slot->pid, SIGKILL);
		}
		if (no_strays(s) && !alive)
			return;
		struct timespec ts = { .tv_nsec = (long)pause * 1000000 };
		nanosleep(&ts, NULL);
		elapsed = slots_now() - began;
	}
}
