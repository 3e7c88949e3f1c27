/* handler/breaker: failures and successes in, open or closed out. One key that fails by itself never opens it: that may be one
 * strange chat, and its dead letters harm nobody else. */
#include "handler/breaker.h"

#include <string.h>

#include "base/hash.h"

enum { FIRST_DELAY = 1000, LAST_DELAY = 60000 };

void breaker_init(struct breaker *b, int limit)
{
	*b = (struct breaker){ .limit = limit, .backoff = { .first = FIRST_DELAY, .cap = LAST_DELAY } };
}

bool breaker_fail(struct breaker *b, const char *keys, uint32_t random, int64_t *delay)
{
	*delay = 0;
	if (b->limit == 0)
		return false;
	bool was_open = b->open;
	if (!was_open) {
		uint64_t key = hash_bytes(keys, strlen(keys));
		if (b->failures == 0)
			b->first_key = key;
		else if (key != b->first_key)
			b->many_keys = true;
		if (b->failures < b->limit)
			b->failures++;
		b->open = b->failures >= b->limit && b->many_keys;
	}
	if (b->open)
		*delay = backoff_fail(&b->backoff, random);
	return b->open && !was_open;
}

bool breaker_success(struct breaker *b)
{
	bool was_open = b->open;
	breaker_init(b, b->limit);
	return was_open;
}
