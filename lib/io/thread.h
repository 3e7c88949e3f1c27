/* io/thread: the threads that work beside the loop: they take no signals, and report by an eventfd
 * that the loop watches. */
#ifndef TGRUN_IO_THREAD_H
#define TGRUN_IO_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* Starts one that runs `work(arg)`, with a stack of `stack` bytes; 0: as many as is usual. 0, or an
 * errno. */
int thread_start(pthread_t *thread, void *(*work)(void *arg), void *arg, size_t stack);

/* Adds one to an eventfd. However often the machine refuses: whoever waits for the report would
 * wait for ever. */
void thread_report(int fd);

#endif
