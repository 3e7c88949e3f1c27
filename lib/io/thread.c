/* io/thread: a function in, a thread that runs it out. Invariant: a signal is always taken by the
 * thread of the loop. */
#include "io/thread.h"

#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int thread_start(pthread_t *thread, void *(*work)(void *arg), void *arg, size_t stack)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int rc = pthread_attr_init(&attributes);
	if (rc)
		return rc;
	if (stack)
		pthread_attr_setstacksize(&attributes, stack);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, &attributes, work, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return rc;
}

void thread_report(int fd)
{
	static const struct timespec while_it_fails = { .tv_nsec = 10 * 1000 * 1000 };
	static const uint64_t one = 1;
	while (write(fd, &one, sizeof one) != sizeof one)
		nanosleep(&while_it_fails, NULL);
}
