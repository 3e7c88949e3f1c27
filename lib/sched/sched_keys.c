/* sched/sched_keys: the queue of each key. An update stands in the queue of every key that it
 * has, from its arrival to its end. A key is free for the first of its queue while none of the
 * queue runs; a key that nobody has costs nothing. Neighbours know each other by the update
 * alone, whose few keys are looked through for the link: that keeps a link at 24 bytes. */
#include <stdlib.h>
#include <string.h>

#include "sched/sched_internal.h"

struct sched_item *sched_find(const struct sched *s, int64_t seq)
{
	for (struct map_node *n = map_first(&s->items, map_number(seq)); n; n = map_next(n))
		if (container_of(n, struct sched_item, node)->seq == seq)
			return container_of(n, struct sched_item, node);
	return NULL;
}

/* The record of a key, made if there is none. NULL when memory is out. */
static struct sched_key *key_get(struct sched *s, const char *name, size_t length)
{
	uint64_t hash = map_hash(&s->seed, name, length);
	for (struct map_node *n = map_first(&s->keys, hash); n; n = map_next(n)) {
		struct sched_key *k = container_of(n, struct sched_key, node);
		if (k->length == length && memcmp(k->name, name, length) == 0)
			return k;
	}
	struct sched_key *k = calloc(1, sizeof *k + length);
	if (!k)
		return NULL;
	k->length = (uint32_t)length;
	memcpy(k->name, name, length);
	if (map_add(&s->keys, &k->node, hash)) {
		free(k);
		return NULL;
	}
	return k;
}

static const char *next_key(const char *at, size_t *length)
{
	while (*at == ' ')
		at++;
	*length = (size_t)(strchrnul(at, ' ') - at);
	return at;
}

/* The keys of a new item, each once. */
static int find_keys(struct sched *s, struct sched_item *item, const char *keys)
{
	size_t length;
	for (const char *at = next_key(keys, &length); length;
	     at = next_key(at + length, &length)) {
		struct sched_key *k = length <= UINT32_MAX ? key_get(s, at, length) : NULL;
		size_t i = 0;
		if (!k)
			return -1;
		while (i < item->links_count && item->links[i].key != k)
			i++;
		if (i == item->links_count)
			item->links[item->links_count++] = (struct link){ .key = k };
	}
	return 0;
}

static uint8_t small(int count)
{
	return count < UINT8_MAX ? (uint8_t)count : UINT8_MAX;
}

void sched_item_note(struct sched_item *item, const struct sched_entry *entry)
{
	item->failures = entry->failures;
	item->deaths = small(entry->deaths);
	item->interruptions = small(entry->interruptions);
	item->redelivered = entry->redelivered;
	item->solo = entry->solo;
	item->kept = entry->kept;
}

struct sched_item *sched_item_new(struct sched *s, const struct sched_entry *entry,
				  const char *keys)
{
	size_t count = 0, length;
	for (const char *at = next_key(keys, &length); length; at = next_key(at + length, &length))
		count++;
	if (count > UINT16_MAX)
		return NULL;
	unsigned lane = entry->lane < SCHED_LANES ? entry->lane : 0;
	bool grouped = entry->group && s->gather[lane].most;
	struct sched_item *item = malloc(sizeof *item + count * sizeof item->links[0] +
					 grouped * sizeof(struct sched_run *));
	if (!item)
		return NULL;
	*item = (struct sched_item){ .delay.due = entry->due,
				     .seq = entry->seq,
				     .expires = entry->expires,
				     .state = SCHED_BLOCKED,
				     .lane = (uint8_t)lane };
	sched_item_note(item, entry);
	list_init(&item->turn);
	if (find_keys(s, item, keys) || (grouped && sched_run_join(item, entry->group))) {
		sched_item_free(s, item);
		return NULL;
	}
	item->grouped = grouped;
	return item;
}

void sched_item_free(struct sched *s, struct sched_item *item)
{
	sched_run_leave(item);
	for (size_t i = 0; i < item->links_count; i++) {
		struct sched_key *k = item->links[i].key;
		if (k->first)
			continue;
		map_remove(&s->keys, &k->node);
		free(k);
	}
	free(item);
}

static struct link *link_of(struct sched_item *item, const struct sched_key *k)
{
	struct link *l = item->links;
	while (l->key != k)
		l++;
	return l;
}

void sched_enqueue(struct sched_item *item)
{
	for (struct link *l = item->links; l < item->links + item->links_count; l++) {
		struct sched_key *k = l->key;
		l->prev = k->last;
		l->next = NULL;
		if (k->last) {
			link_of(k->last, k)->next = item;
			item->behind++;
		} else
			k->first = item;
		k->last = item;
	}
}

void sched_dequeue(struct link *l)
{
	struct sched_key *k = l->key;
	if (l->prev)
		link_of(l->prev, k)->next = l->next;
	else
		k->first = l->next;
	if (l->next)
		link_of(l->next, k)->prev = l->prev;
	else
		k->last = l->prev;
}

bool sched_follows(const struct sched_item *item, uint64_t batch)
{
	if (item->state != SCHED_BLOCKED)
		return false;
	for (const struct link *l = item->links; l < item->links + item->links_count; l++) {
		const struct sched_item *before = l->prev;
		if (!before && l->key->running == 0)
			continue;
		/* What stands before a member of the batch is of the batch, too, unless it was
		 * given back. */
		if (!before || before->state != SCHED_RUNNING || before->batch != batch ||
		    l->key->broken)
			return false;
	}
	return true;
}
