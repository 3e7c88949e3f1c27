/* queue/shared/fleet_text: texts for PostgreSQL: lists as one parameter, and keys that any text
 * type takes. Pure. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_TEXT_H
#define TGRUN_QUEUE_SHARED_FLEET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The literal of an array. Each member is added by one call; `failed` says at the end whether
 * memory was out for any of them. */
struct fleet_list {
	struct buf text;
	bool failed, ended;
};

void fleet_list_init(struct fleet_list *l); /* empty; allocates nothing */
void fleet_list_release(struct fleet_list *l);
void fleet_list_clear(struct fleet_list *l); /* empty again, and its memory kept */

void fleet_list_number(struct fleet_list *l, int64_t value);
void fleet_list_bool(struct fleet_list *l, bool value);
/* Any text, quoted; what PostgreSQL takes for no text (a NUL, bytes that are no UTF-8) becomes
 * U+FFFD. NULL: NULL. */
void fleet_list_text(struct fleet_list *l, const char *text);

/* Keys, `length` bytes, as fleet_keys_add() writes them. */
void fleet_list_keys(struct fleet_list *l, const char *keys, size_t length);

/* The literal: `{}` of an empty one. NULL when memory was out. Nothing is added any more. */
const char *fleet_list_end(struct fleet_list *l);

/* Reads the numbers of an array that was answered, one after the other: *at begins as its text.
 * false: there are no more. */
bool fleet_list_next(const char **at, int64_t *value);

/* Appends a text as PostgreSQL takes it, as fleet_list_text() does. 0, or -1 as buf_add(). */
int fleet_text_add(struct buf *out, const char *text, size_t length);

/* Appends keys (a space between) as text that says the same of them in any database: bytes that are
 * no UTF-8, and `%`, become %XX. And back. 0, or -1 as buf_add(). */
int fleet_keys_add(struct buf *out, const char *keys);
int fleet_keys_read(struct buf *out, const char *text);

#endif
