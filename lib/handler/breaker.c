/* handler/breaker: failures and successes in, open or closed out. One chat that fails by itself
 * never opens it: that may be one strange chat, and its dead letters harm nobody else. */
#include "handler/breaker.h"

#include <string.h>

#include "base/hash.h"

enum { FIRST_DELAY = 1000, LAST_DELAY = 60000 };

void breaker_init(struct breaker *b, int limit)
{
	*b = (struct breaker){ .limit = limit,
			       .backoff = { .first = FIRST_DELAY, .cap = LAST_DELAY } };
}

void breaker_set_limit(struct breaker *b, int limit)
{
	if (limit == 0)
		breaker_init(b, limit);
	b->limit = limit;
}

bool breaker_fail(struct breaker *b, const char *chat, int64_t began, int64_t now, uint32_t random,
		  int64_t *delay)
{
	*delay = -1;
	if (b->limit == 0)
		return false;
	bool was_open = b->open;
	if (!was_open) {
		uint64_t hash = hash_bytes(chat, strlen(chat));
		if (b->failures == 0)
			b->first_chat = hash;
		else if (hash != b->first_chat)
			b->many_chats = true;
		if (b->failures < b->limit)
			b->failures++;
		b->open = b->failures >= b->limit && b->many_chats;
	}
	if (b->open)
		*delay = backoff_fail_of(&b->backoff, began, now, random);
	return b->open && !was_open;
}

bool breaker_success(struct breaker *b)
{
	bool was_open = b->open;
	breaker_init(b, b->limit);
	return was_open;
}
