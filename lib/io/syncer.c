/* io/syncer: in comes a descriptor, out goes whether its fdatasync(2) worked, a turn of the loop or
 * many later. All that the loop and the thread share is under one lock, which nobody holds while he
 * waits for anything. */
#include "io/syncer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/thread.h"

enum { STACK = 256 * 1024 };

enum step { IDLE, ORDERED, SYNCED, OVER };

struct syncer {
	void (*done)(void *arg, int errnum);
	void *arg;
	struct loop_watch *watch;
	int report; /* an eventfd: wakes the loop */
	pthread_t thread;
	pthread_mutex_t lock;
	sem_t ordered;  /* an order, or the end */
	enum step step; /* this and the rest: under the lock */
	int fd, errnum;
};

/* The step that the thread was woken for. */
static enum step wait_for_order(struct syncer *s)
{
	while (sem_wait(&s->ordered))
		;
	pthread_mutex_lock(&s->lock);
	enum step step = s->step;
	pthread_mutex_unlock(&s->lock);
	return step;
}

static void *work(void *arg)
{
	struct syncer *s = arg;
	while (wait_for_order(s) != OVER) {
		int errnum = fdatasync(s->fd) ? errno : 0;
		pthread_mutex_lock(&s->lock);
		s->errnum = errnum;
		if (s->step == ORDERED)
			s->step = SYNCED;
		pthread_mutex_unlock(&s->lock);
		thread_report(s->report);
	}
	return NULL;
}

static void set_step(struct syncer *s, enum step step)
{
	pthread_mutex_lock(&s->lock);
	s->step = step;
	pthread_mutex_unlock(&s->lock);
	if (step != IDLE) /* which is no news to the thread */
		sem_post(&s->ordered);
}

static void on_report(void *arg, int events)
{
	struct syncer *s = arg;
	uint64_t n;
	(void)events;
	if (read(s->report, &n, sizeof n) != sizeof n)
		return; /* it can still be read, and the loop says so again */
	set_step(s, IDLE);
	s->done(s->arg, s->errnum);
}

struct syncer *syncer_new(struct loop *l, void (*done)(void *arg, int errnum), void *arg)
{
	struct syncer *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	*s = (struct syncer){ .done = done,
			      .arg = arg,
			      .report = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			      .lock = PTHREAD_MUTEX_INITIALIZER };
	sem_init(&s->ordered, 0, 0);
	s->watch = s->report < 0 ? NULL : loop_watch_new(l, s->report, on_report, s);
	int errnum = s->watch ? thread_start(&s->thread, work, s, STACK) : errno;
	if (errnum == 0) {
		loop_watch_set(s->watch, LOOP_READ);
		return s;
	}
	loop_watch_free(s->watch, 0);
	if (s->report >= 0)
		close(s->report);
	free(s);
	errno = errnum;
	return NULL;
}

void syncer_start(struct syncer *s, int fd)
{
	s->fd = fd; /* the thread waits for the order, which has the lock between */
	set_step(s, ORDERED);
}

bool syncer_busy(struct syncer *s)
{
	if (!s)
		return false;
	pthread_mutex_lock(&s->lock);
	bool busy = s->step != IDLE;
	pthread_mutex_unlock(&s->lock);
	return busy;
}

void syncer_free(struct syncer *s)
{
	if (!s)
		return;
	set_step(s, OVER);
	pthread_join(s->thread, NULL);
	loop_watch_free(s->watch, 1);
	sem_destroy(&s->ordered);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
