/* engine/engine_strangers: updates of those whom --allow-user and --allow-chat do not name. They
 * come in on their way to the queue, and end here: counted, and each stranger told of once an hour.
 * Invariant: memory is fixed, whoever writes and however many; where more write than are
 * remembered, some are told of sooner. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/engine_internal.h"

enum { HOUR = 3600 * 1000, SETS = 256, WAYS = 4 };

/* Who was told of when: the id's set has room for four, and the oldest makes place. */
struct strangers {
	struct {
		int64_t id, at; /* monotonic milliseconds; 0: nobody yet */
	} seen[SETS][WAYS];
};

/* Whether to tell of `id` now; remembers that it was. */
static bool is_news(struct engine *e, int64_t id)
{
	int64_t now = e->config.clock->mono(e->config.clock);
	if (!e->strangers)
		e->strangers = calloc(1, sizeof *e->strangers);
	if (!e->strangers)
		return false;
	size_t set = hash_bytes(&id, sizeof id) % SETS, place = 0;
	for (size_t i = 0; i < WAYS; i++) {
		int64_t at = e->strangers->seen[set][i].at;
		if (at && e->strangers->seen[set][i].id == id && now - at < HOUR)
			return false;
		if (at < e->strangers->seen[set][place].at)
			place = i;
	}
	e->strangers->seen[set][place].id = id;
	e->strangers->seen[set][place].at = now;
	return true;
}

/* The names of a stranger: " user 42 in chat -100123". Returns the id that he is remembered by. */
static int64_t describe(const struct update *u, char *who, size_t n)
{
	int64_t user, chat;
	bool in_chat = update_chat(u, &chat);
	if (update_user(u, &user)) {
		int used = snprintf(who, n, "user %" PRId64, user);
		if (in_chat)
			snprintf(who + used, n - (size_t)used, " in chat %" PRId64, chat);
		return user;
	}
	if (!in_chat) {
		snprintf(who, n, "it has neither a user nor a chat");
		return 0;
	}
	snprintf(who, n, "chat %" PRId64, chat);
	return chat;
}

bool engine_is_stranger(struct engine *e, const struct route *r, const struct update *u)
{
	int64_t id = 0;
	char who[96];
	if (allow_passes(r->allow, u))
		return false;
	e->counts.strangers++;
	if (!is_news(e, describe(u, who, sizeof who)))
		return true;
	update_id(u, &id);
	log_event(e->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_NUM("update", id), LOG_STR("kind", update_kind(u))),
		  "left alone, as --allow-user and --allow-chat name others: %s "
		  "(told once an hour)",
		  who);
	return true;
}

void engine_strangers_release(struct engine *e)
{
	free(e->strangers);
}
