/* source/poll_answer: what is asked of getUpdates, and what an answer holds: the order of its
 * updates, the offset behind them, and the update in it that nothing can read. Pure.
 *
 * One unreadable update would block all later ones for ever. An answer that is broken on its way
 * has other bytes each time, and is asked for again for ever; only the same bytes again and again,
 * of an update that was fetched alone, are that update's fault. */
#include "source/poll_answer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "io/http.h"

/* Answers in a row that brought the same bytes: the update itself is what cannot be read. */
enum { BURY_AFTER = 3 };

int poll_answer_form(struct buf *form, int64_t timeout, int limit, int64_t offset,
		     const char *allowed)
{
	int rc = buf_addf(form, "timeout=%lld&limit=%d", (long long)timeout, limit);
	if (offset)
		rc = rc || buf_addf(form, "&offset=%lld", (long long)offset);
	if (allowed)
		rc = rc || http_form_add(form, "allowed_updates", allowed);
	return rc ? -1 : 0;
}

void poll_answer_check(struct api_answer *answer)
{
	if (answer->class != API_OK || answer->result.is_list)
		return;
	answer->class = API_GARBAGE;
	snprintf(answer->text, sizeof answer->text, "the answer has no list of updates");
}

void poll_answer_sort(struct slice *items, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct slice item = items[i];
		size_t at = i;
		if (!item.has_id)
			continue;
		while (at > 0 && items[at - 1].has_id && items[at - 1].id > item.id) {
			items[at] = items[at - 1];
			at--;
		}
		items[at] = item;
	}
}

int64_t poll_answer_offset(const struct slices *batch, int64_t otherwise)
{
	for (size_t i = batch->count; i > 0; i--) {
		const struct slice *s = &batch->items[i - 1];
		if (s->has_id && s->id >= 0 && s->id < INT64_MAX)
			return s->id + 1;
	}
	return otherwise;
}

bool poll_answer_is_garbage(struct poll_garbage *g, const struct api_answer *answer)
{
	if (g->answers++ < POLL_ISOLATE_AFTER || !answer->body)
		return false;
	uint64_t hash = hash_bytes(answer->body, answer->length);
	g->identical = g->identical && hash == g->hash ? g->identical + 1 : 1;
	g->hash = hash;
	return g->identical >= BURY_AFTER;
}

bool poll_answer_whole(struct api_answer *answer, struct slice *out)
{
	static const char name[] = "\"update_id\"";
	char *at = NULL;
	if (answer->body)
		at = memmem(answer->body, answer->length, name, sizeof name - 1);
	if (!at)
		return false;
	at += sizeof name - 1;
	at += strspn(at, " \t\r\n:");
	char *end;
	long long id = strtoll(at, &end, 10);
	if (end == at || end == answer->body + answer->length || id < 0 || id >= INT32_MAX)
		return false;
	for (char *c = answer->body; c < answer->body + answer->length; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	*out = (struct slice){
		.bytes = answer->body,
		.length = answer->length,
		.has_id = true,
		.id = id,
	};
	return true;
}
