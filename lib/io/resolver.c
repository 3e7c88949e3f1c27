/* io/resolver: host names in, a turn of the loop or many later their addresses out. What the thread
 * and the loop share is written by the thread until it reports, and read by the loop after that; it
 * is freed by the last of the two, since a thread that waits for a name server cannot be ended. */
#include "io/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/thread.h"

enum { ADDRESSES_MAX = 65536 /* bytes, of one name */ };

struct question {
	char *name;
	struct buf addresses;
};

struct job {
	atomic_int users; /* the thread and the loop */
	int report;       /* an eventfd: wakes the loop */
	char *why;
	size_t count;
	struct question questions[];
};

struct resolver {
	struct job *job;
	struct loop_watch *watch; /* of the job's descriptor */
	void (*done)(void *arg);
	void *arg;
};

static void job_free(struct job *job)
{
	for (size_t i = 0; i < job->count; i++) {
		free(job->questions[i].name);
		buf_release(&job->questions[i].addresses);
	}
	if (job->report >= 0)
		close(job->report);
	free(job->why);
	free(job);
}

static void job_leave(struct job *job)
{
	if (atomic_fetch_sub(&job->users, 1) == 1)
		job_free(job);
}

/* ---- the thread ---- */

static void note_why(struct job *job, const char *why)
{
	free(job->why);
	job->why = strdup(why);
}

/* 0 or EAI_MEMORY: what is there stays. */
static int add_address(struct buf *out, const struct addrinfo *a)
{
	char text[NI_MAXHOST];
	int rc = getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
	if (rc)
		return rc;
	size_t before = out->len;
	if ((before && buf_addc(out, ',')) || buf_adds(out, text)) {
		if (out->data)
			out->data[out->len = before] = '\0';
		return EAI_MEMORY;
	}
	return 0;
}

static void ask(struct job *job, struct question *q)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(q->name, NULL, &hints, &found);
	int errnum = errno;
	for (const struct addrinfo *a = found; a && rc == 0; a = a->ai_next)
		rc = add_address(&q->addresses, a);
	if (found)
		freeaddrinfo(found);
	if (q->addresses.len == 0)
		note_why(job, rc == EAI_SYSTEM ? strerror(errnum)
			      : rc             ? gai_strerror(rc)
					       : "it has no address");
}

static void *work(void *arg)
{
	struct job *job = arg;
	for (size_t i = 0; i < job->count; i++)
		ask(job, &job->questions[i]);
	thread_report(job->report);
	job_leave(job);
	return NULL;
}

static int start(struct job *job)
{
	pthread_t thread;
	int rc = thread_start(&thread, work, job, 0);
	return rc ? rc : pthread_detach(thread);
}

/* ---- the loop ---- */

static void on_report(void *arg, int events)
{
	struct resolver *r = arg;
	uint64_t n;
	(void)events;
	if (read(r->job->report, &n, sizeof n) != sizeof n)
		return; /* it can still be read, and the loop says so again */
	r->done(r->arg);
}

static struct job *job_new(const char *const *names, size_t count)
{
	struct job *job = calloc(1, sizeof *job + count * sizeof job->questions[0]);
	if (!job)
		return NULL;
	bool fine = (job->report = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0;
	job->users = 1;
	job->count = count;
	for (size_t i = 0; i < count; i++) {
		buf_init(&job->questions[i].addresses, ADDRESSES_MAX);
		fine = fine && (job->questions[i].name = strdup(names[i]));
	}
	if (fine)
		return job;
	int errnum = errno;
	job_free(job);
	errno = errnum;
	return NULL;
}

struct resolver *resolver_new(struct loop *l, const char *const *names, size_t count,
			      void (*done)(void *arg), void *arg)
{
	struct resolver *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->done = done;
	r->arg = arg;
	r->job = job_new(names, count);
	r->watch = r->job ? loop_watch_new(l, r->job->report, on_report, r) : NULL;
	int errnum = errno;
	if (r->watch) {
		r->job->users = 2;
		errnum = start(r->job);
		if (errnum == 0) {
			loop_watch_set(r->watch, LOOP_READ);
			return r;
		}
		r->job->users = 1;
	}
	resolver_free(r);
	errno = errnum;
	return NULL;
}

const char *resolver_addresses(const struct resolver *r, size_t name)
{
	return buf_str(&r->job->questions[name].addresses);
}

const char *resolver_why(const struct resolver *r)
{
	return r->job->why;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	loop_watch_free(r->watch, 0);
	if (r->job)
		job_leave(r->job);
	free(r);
}
