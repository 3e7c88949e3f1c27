/* queue/sched: the scheduler. Every update stands at the end of one queue for each of its keys; at the head of all of them its
 * turn comes up, and it goes to the list of what is ready, or, while it is delayed, to a heap. It leaves its queues only when
 * it is finished, so whatever stands at the head holds the key. Only the head of a queue ever leaves: the queues are
 * singly linked, and a key that nobody waits for costs nothing.
 * Invariant: an update is READY, DELAYED or RUNNING exactly while `behind` is 0. */
#include "queue/sched.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"

enum { SUSPECT = 2 /* deaths from which an update runs alone */ };

enum state { BLOCKED, READY, DELAYED, RUNNING };

struct link {
	struct link *next;
	struct key *key;
	struct item *item;
};

struct key {
	struct map_node node;
	struct link *first, *last;
	size_t length;
	char name[];
};

/* There may be a million of these: 80 bytes and 24 for each key. */
struct item {
	struct map_node node;    /* in sched.items */
	struct heap_node delay;  /* .due holds the time also while it is not in the heap; 0: at once */
	struct list turn;        /* in sched.ready or sched.suspects */
	int64_t seq, expires;
	int failures, deaths;
	uint16_t links_count, behind; /* keys; those of them at whose head another stands */
	uint8_t state;
	bool redelivered;
	struct link links[];
};

struct sched {
	struct map items, keys;
	struct map_seed seed;
	struct heap delayed;
	struct list ready, suspects;
	size_t ready_count, running;
	bool alone; /* a suspect runs */
};

struct sched *sched_new(void)
{
	struct sched *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->seed = map_seed();
	list_init(&s->ready);
	list_init(&s->suspects);
	return s;
}

static void map_free_all(struct map *m)
{
	/* In both structs the node comes first. */
	for (size_t i = 0; i < m->cap; i++)
		for (struct map_node *n = m->slots[i], *next; n; n = next) {
			next = n->next;
			free(n);
		}
	map_release(m);
}

void sched_free(struct sched *s)
{
	if (!s)
		return;
	map_free_all(&s->items);
	map_free_all(&s->keys);
	heap_release(&s->delayed);
	free(s);
}

static struct item *find(const struct sched *s, int64_t seq)
{
	for (struct map_node *n = map_first(&s->items, map_number(seq)); n; n = map_next(n))
		if (container_of(n, struct item, node)->seq == seq)
			return container_of(n, struct item, node);
	return NULL;
}

/* The record of a key, made if there is none. NULL when memory is out. */
static struct key *key_get(struct sched *s, const char *name, size_t length)
{
	uint64_t hash = map_hash(&s->seed, name, length);
	for (struct map_node *n = map_first(&s->keys, hash); n; n = map_next(n)) {
		struct key *k = container_of(n, struct key, node);
		if (k->length == length && memcmp(k->name, name, length) == 0)
			return k;
	}
	struct key *k = calloc(1, sizeof *k + length);
	if (!k)
		return NULL;
	k->length = length;
	memcpy(k->name, name, length);
	if (map_add(&s->keys, &k->node, hash)) {
		free(k);
		return NULL;
	}
	return k;
}

static void key_drop_if_empty(struct sched *s, struct key *k)
{
	if (k->first)
		return;
	map_remove(&s->keys, &k->node);
	free(k);
}

/* Its turn has come: behind all that are ready, or before them. */
static void make_ready(struct sched *s, struct item *item, bool front)
{
	struct list *l = item->deaths >= SUSPECT ? &s->suspects : &s->ready;
	item->state = READY;
	item->delay.due = 0;
	list_add_before(front ? l->next : l, &item->turn);
	s->ready_count++;
}

/* It stands at the head of all its keys: it is ready, or waits for its time. */
static void come_up(struct sched *s, struct item *item, bool front)
{
	int64_t due = item->delay.due;
	if (due <= 0) {
		make_ready(s, item, front);
		return;
	}
	item->state = DELAYED;
	/* Without the memory for the heap its delay is cut short rather than the update forgotten. */
	if (heap_add(&s->delayed, &item->delay, due < item->expires ? due : item->expires))
		make_ready(s, item, false);
}

static const char *next_key(const char *at, size_t *length)
{
	at += strspn(at, " ");
	*length = strcspn(at, " ");
	return at;
}

/* The keys of a new item, each once; its links are not in their queues yet. */
static int find_keys(struct sched *s, struct item *item, const char *keys)
{
	size_t length;
	for (const char *at = next_key(keys, &length); length; at = next_key(at + length, &length)) {
		struct key *k = key_get(s, at, length);
		size_t i = 0;
		if (!k)
			return -1;
		while (i < item->links_count && item->links[i].key != k)
			i++;
		if (i == item->links_count)
			item->links[item->links_count++] = (struct link){ .key = k, .item = item };
	}
	return 0;
}

int sched_add(struct sched *s, const struct sched_entry *entry, const char *keys)
{
	size_t count = 0, length;
	for (const char *at = next_key(keys, &length); length; at = next_key(at + length, &length))
		count++;
	if (count > UINT16_MAX)
		return -1;
	struct item *item = malloc(sizeof *item + count * sizeof item->links[0]);
	if (!item)
		return -1;
	*item = (struct item){ .delay.due = entry->due, .seq = entry->seq, .expires = entry->expires,
			       .failures = entry->failures, .deaths = entry->deaths, .state = BLOCKED,
			       .redelivered = entry->redelivered };
	list_init(&item->turn);
	if (find_keys(s, item, keys) || map_add(&s->items, &item->node, map_number(item->seq))) {
		for (size_t i = 0; i < item->links_count; i++)
			key_drop_if_empty(s, item->links[i].key);
		free(item);
		return -1;
	}
	for (struct link *l = item->links; l < item->links + item->links_count; l++) {
		if (l->key->first) {
			l->key->last->next = l;
			item->behind++;
		} else
			l->key->first = l;
		l->key->last = l;
	}
	if (item->behind == 0)
		come_up(s, item, false);
	return 0;
}

bool sched_claim(struct sched *s, int64_t now, struct sched_entry *out)
{
	for (struct heap_node *n; (n = heap_first(&s->delayed)) && n->due <= now;) {
		heap_remove(&s->delayed, n);
		make_ready(s, container_of(n, struct item, delay), false);
	}
	if (sched_ready(s) == 0)
		return false;
	s->alone = !list_empty(&s->suspects);
	struct list *first = s->alone ? s->suspects.next : s->ready.next;
	struct item *item = container_of(first, struct item, turn);
	list_remove(first);
	s->ready_count--;
	item->state = RUNNING;
	s->running++;
	*out = (struct sched_entry){ .seq = item->seq, .expires = item->expires, .failures = item->failures,
				     .deaths = item->deaths, .redelivered = item->redelivered,
				     .expired = now >= item->expires };
	return true;
}

int sched_keys(const struct sched *s, int64_t seq, struct buf *out)
{
	const struct item *item = find(s, seq);
	for (size_t i = 0; item && i < item->links_count; i++)
		if ((i && buf_addc(out, ' ')) || buf_add(out, item->links[i].key->name, item->links[i].key->length))
			return -1;
	return 0;
}

/* The claimed update `seq`, no longer counted as running; NULL if it is not claimed. */
static struct item *stop(struct sched *s, int64_t seq)
{
	struct item *item = find(s, seq);
	if (!item || item->state != RUNNING)
		return NULL;
	s->running--;
	s->alone = false;
	return item;
}

void sched_finish(struct sched *s, int64_t seq)
{
	struct item *item = stop(s, seq);
	if (!item)
		return;
	for (struct link *l = item->links; l < item->links + item->links_count; l++) {
		struct key *k = l->key;
		k->first = l->next;
		if (k->first && --k->first->item->behind == 0)
			come_up(s, k->first->item, false);
		key_drop_if_empty(s, k);
	}
	map_remove(&s->items, &item->node);
	free(item);
}

void sched_return(struct sched *s, const struct sched_entry *entry)
{
	struct item *item = stop(s, entry->seq);
	if (!item)
		return;
	item->failures = entry->failures;
	item->deaths = entry->deaths;
	item->redelivered = entry->redelivered;
	item->delay.due = entry->due;
	come_up(s, item, true);
}

int64_t sched_next_due(const struct sched *s)
{
	if (sched_ready(s))
		return 0;
	/* While a suspect runs or waits to run alone, what comes up could not be claimed. */
	if (s->alone || !list_empty(&s->suspects))
		return INT64_MAX;
	const struct heap_node *first = heap_first(&s->delayed);
	return first ? first->due : INT64_MAX;
}

size_t sched_count(const struct sched *s)
{
	return s->items.count;
}

size_t sched_running(const struct sched *s)
{
	return s->running;
}

size_t sched_ready(const struct sched *s)
{
	if (s->alone)
		return 0;
	if (!list_empty(&s->suspects))
		return s->running ? 0 : 1;
	return s->ready_count;
}

bool sched_has(const struct sched *s, int64_t seq, bool *running)
{
	const struct item *item = find(s, seq);
	if (running)
		*running = item && item->state == RUNNING;
	return item != NULL;
}
