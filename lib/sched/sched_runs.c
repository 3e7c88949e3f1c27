/* sched/sched_runs: which updates are gathered into one batch. Updates of one group that stand
 * directly behind each other in the queues of the same keys are a run. It is open until it is full,
 * until another update stands behind it, or until one of it is claimed; what comes then begins
 * another. What was handed out before and what was not are never of one run: those that an earlier
 * runner had handed out together are a run again, with nothing besides. Invariant: what is in a run
 * stands together in all of its queues, so to take it as a whole overtakes nothing. */
#include <stdlib.h>

#include "sched/sched_internal.h"

/* The run that an update with these keys would stand right behind; NULL: there is none. */
static struct sched_run *run_before(const struct sched_item *item, uint64_t group)
{
	const struct sched_item *last = item->links[0].key->last;
	for (size_t i = 1; i < item->links_count; i++)
		if (item->links[i].key->last != last)
			return NULL;
	struct sched_run *run = last ? sched_run_of(last) : NULL;
	bool same = run && last->lane == item->lane && last->links_count == item->links_count &&
		    last->redelivered == item->redelivered && run->group == group && !run->closed;
	return same ? run : NULL;
}

static void set_run(struct sched_item *item, struct sched_run *run)
{
	memcpy(&item->links[item->links_count], &run, sizeof run);
}

int sched_run_join(struct sched_item *item, uint64_t group)
{
	struct sched_run *run = item->links_count ? run_before(item, group) : NULL;
	set_run(item, NULL);
	if (item->links_count == 0)
		return 0;
	if (!run)
		run = calloc(1, sizeof *run);
	if (!run)
		return -1;
	run->group = group;
	run->items++;
	set_run(item, run);
	return 0;
}

void sched_run_leave(struct sched_item *item)
{
	struct sched_run *run = sched_run_of(item);
	if (run && --run->items == 0)
		free(run);
}

void sched_run_came(const struct sched *s, struct sched_item *item, int64_t now)
{
	struct sched_run *run = sched_run_of(item);
	if (!run)
		return;
	if (!run->came)
		run->first = now;
	run->last = now;
	run->closed = ++run->came >= s->gather[item->lane].most;
}

int64_t sched_run_until(const struct sched *s, const struct sched_item *item)
{
	const struct sched_run *run = sched_run_of(item);
	const struct sched_gather *rule = &s->gather[item->lane];
	if (!run || run->closed || item->redelivered || item->solo || item->first ||
	    item->deaths >= LEDGER_ALONE)
		return 0;
	int64_t longest = run->first + rule->longest, quiet = run->last + rule->wait;
	return longest < quiet ? longest : quiet;
}
