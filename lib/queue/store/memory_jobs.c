/* queue/store/memory_jobs: what is remembered of jobs, in the memory store: a named value for each
 * chat of a job, and one for the job itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/store/memory_internal.h"

/* The name of a chat in a job: the job's, a line feed, and the chat. */
static char *job_name(const char *name, const char *chat)
{
	char *both;
	return asprintf(&both, "%s\n%s", name, chat) < 0 ? NULL : both;
}

struct memory_named *memory_jobs_make(const struct store_op *op)
{
	char *name = job_name(op->kind_name, op->keys);
	struct memory_named *made = name ? memory_named_make(name, "") : NULL;
	free(name);
	return made;
}

static void forget(struct memory_named *n)
{
	list_remove(&n->link);
	memory_named_free(n);
}

/* A job is forgotten with all of its chats, whose names begin as its own. */
static void forget_job(struct memory *m, struct memory_named *job)
{
	size_t n = strlen(job->name);
	for (struct list *at = m->jobs.next, *next; at != &m->jobs; at = next) {
		struct memory_named *one = container_of(at, struct memory_named, link);
		next = at->next;
		if (one != job && strncmp(one->name, job->name, n) == 0)
			forget(one);
	}
	forget(job);
}

static struct memory_named *old_job(const struct memory *m, int64_t at_most)
{
	for (const struct list *at = m->jobs.next; at != &m->jobs; at = at->next) {
		struct memory_named *n = container_of(at, struct memory_named, link);
		if (n->name[strlen(n->name) - 1] == '\n' && n->cool <= at_most)
			return n;
	}
	return NULL;
}

void memory_jobs_rest(struct memory *m, int64_t at_most)
{
	for (struct memory_named *job; (job = old_job(m, at_most));)
		forget_job(m, job);
}

int memory_job(struct store *s, const char *name, const char *chat, int64_t *number,
	       struct err *err)
{
	char *both = job_name(name, chat);
	if (!both)
		return err_set(err, ERR_INTERNAL, "out of memory");
	const struct memory_named *n = memory_named_find(&memory_of(s)->jobs, both);
	free(both);
	if (n)
		*number = n->full;
	return n != NULL;
}

/* Neither a job's name nor a chat has a line feed. */
int memory_jobs(struct store *s,
		int (*each)(void *arg, const char *name, const char *chat, int64_t number),
		void *arg, struct err *err)
{
	struct memory *m = memory_of(s);
	for (struct list *at = m->jobs.next; at != &m->jobs; at = at->next) {
		const struct memory_named *n = container_of(at, struct memory_named, link);
		char *name = strndup(n->name, strcspn(n->name, "\n"));
		int rc = name ? each(arg, name, n->name + strlen(name) + 1, n->full)
			      : err_set(err, ERR_INTERNAL, "out of memory");
		free(name);
		if (rc)
			return -1;
	}
	return 0;
}
