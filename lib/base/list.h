/* base/list: an intrusive doubly linked list. A head and a link are the same thing: a circle. */
#ifndef TGRUN_BASE_LIST_H
#define TGRUN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

/* The struct of `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Puts `item`, which is in no list, before `at`: at the end of the list when `at` is its head. */
static inline void list_add_before(struct list *at, struct list *item)
{
	item->prev = at->prev;
	item->next = at;
	at->prev->next = item;
	at->prev = item;
}

/* Takes `item` out of its list and leaves it alone in a circle; taking it out twice does nothing.
 */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

#endif
