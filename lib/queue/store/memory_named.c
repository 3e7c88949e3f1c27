/* queue/store/memory_named: named values of the memory store, in a list of their kind: meta values,
 * offsets of sources, limits of chats, chats with another id. A name comes in, the struct that has
 * it goes out. Invariant: no name stands twice in a list. */
#include <stdlib.h>
#include <string.h>

#include "queue/store/memory_internal.h"

int memory_copy_text(char **out, const char *text)
{
	*out = strdup(text ? text : "");
	return *out ? 0 : -1;
}

void memory_named_free(struct memory_named *n)
{
	if (!n)
		return;
	free(n->name);
	free(n->value);
	free(n);
}

struct memory_named *memory_named_find(const struct list *l, const char *name)
{
	for (struct list *at = l->next; at != l; at = at->next)
		if (strcmp(container_of(at, struct memory_named, link)->name, name) == 0)
			return container_of(at, struct memory_named, link);
	return NULL;
}

struct memory_named *memory_named_make(const char *name, const char *value)
{
	struct memory_named *n = calloc(1, sizeof *n);
	if (!n || memory_copy_text(&n->name, name) || memory_copy_text(&n->value, value)) {
		memory_named_free(n);
		return NULL;
	}
	list_init(&n->link);
	return n;
}

struct memory_named *memory_named_settle(struct list *l, struct memory_named **made)
{
	struct memory_named *n = memory_named_find(l, (*made)->name);
	if (n)
		return n;
	n = *made;
	*made = NULL;
	list_add_before(l, &n->link);
	return n;
}
