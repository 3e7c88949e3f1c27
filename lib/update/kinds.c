/* update/kinds: a name in, the row of its kind out; and the age after which an update of a kind is
 * not worth handling. The rows come from the types of Bot API 10.3; which answers are refused after
 * what time, from Client.cpp of telegram-bot-api 10.0. A kind that has no row yet is read by the
 * paths of kinds_generic, which suit all those that have one. */
#include "update/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/nearest.h"

enum { QUERY_AGE = 150 * 1000, INLINE_AGE = 30 * 1000 };

static const struct kind kinds[] = {
	{ "message", true, "chat.id", "from.id", "sender_chat.id", 0 },
	{ "edited_message", true, "chat.id", "from.id", "sender_chat.id", 0 },
	{ "channel_post", true, "chat.id", "from.id", "sender_chat.id", 0 },
	{ "edited_channel_post", true, "chat.id", "from.id", "sender_chat.id", 0 },
	{ "business_connection", true, "user_chat_id", "user.id", NULL, 0 },
	{ "business_message", true, "chat.id", "from.id", "sender_chat.id", 0 },
	{ "edited_business_message", true, "chat.id", "from.id", "sender_chat.id", 0 },
	{ "deleted_business_messages", true, "chat.id", NULL, NULL, 0 },
	{ "guest_message", true, "chat.id", "from.id", "sender_chat.id", 0 },
	{ "stopped_message_generation", true, "chat.id", "chat.id", NULL, 0 },
	{ "message_reaction", false, "chat.id", "user.id", "actor_chat.id", 0 },
	{ "message_reaction_count", false, "chat.id", NULL, NULL, 0 },
	{ "inline_query", true, NULL, "from.id", NULL, INLINE_AGE },
	{ "chosen_inline_result", true, NULL, "from.id", NULL, 0 },
	{ "callback_query", true, "message.chat.id", "from.id", NULL, QUERY_AGE },
	{ "shipping_query", true, NULL, "from.id", NULL, QUERY_AGE },
	{ "pre_checkout_query", true, NULL, "from.id", NULL, QUERY_AGE },
	{ "purchased_paid_media", true, NULL, "from.id", NULL, 0 },
	{ "poll", true, NULL, NULL, NULL, 0 },
	{ "poll_answer", true, NULL, "user.id", "voter_chat.id", 0 },
	{ "my_chat_member", true, "chat.id", "from.id", NULL, 0 },
	{ "chat_member", false, "chat.id", "from.id", NULL, 0 },
	{ "chat_join_request", true, "chat.id", "from.id", NULL, 0 },
	{ "chat_boost", true, "chat.id", "boost.source.user.id", NULL, 0 },
	{ "removed_chat_boost", true, "chat.id", "source.user.id", NULL, 0 },
	{ "managed_bot", true, NULL, "user.id", NULL, 0 },
	{ "subscription", true, NULL, "user.id", NULL, 0 },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const struct kind kinds_generic = {
	"",
	true,
	"chat.id|message.chat.id",
	"from.id|user.id|boost.source.user.id|source.user.id",
	"sender_chat.id|actor_chat.id|voter_chat.id",
	0,
};

struct max_age {
	int64_t limit[KINDS];
};

const struct kind *kinds_all(size_t *count)
{
	*count = KINDS;
	return kinds;
}

const struct kind *kinds_find(const char *name, size_t n)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, name, n) == 0)
			return &kinds[i];
	return NULL;
}

const char *kinds_nearest(const char *name)
{
	const char *names[KINDS];
	for (size_t i = 0; i < KINDS; i++)
		names[i] = kinds[i].name;
	return nearest_find(name, names, KINDS);
}

struct max_age *max_age_new(void)
{
	struct max_age *m = malloc(sizeof *m);
	for (size_t i = 0; m && i < KINDS; i++)
		m->limit[i] = kinds[i].answerable;
	return m;
}

void max_age_free(struct max_age *m)
{
	free(m);
}

/* One KIND=DURATION; `item` is changed. */
static int set_one(struct max_age *m, char *item, struct err *err)
{
	char *value = strchr(item, '=');
	if (!value)
		return err_set(
			err, ERR_USAGE,
			"'%.100s' is no age limit; write none or KIND=DURATION, as in message=1h",
			item);
	*value++ = '\0';
	const struct kind *kind = kinds_find(item, strlen(item));
	if (!kind) {
		const char *near = kinds_nearest(item);
		return near ? err_set(err, ERR_USAGE,
				      "'%.100s' is no kind of update; did you mean '%s'?", item,
				      near)
			    : err_set(err, ERR_USAGE, "'%.100s' is no kind of update", item);
	}
	int64_t limit = 0;
	if (strcmp(value, "none") != 0) {
		if (duration_parse(value, &limit, err))
			return -1;
		if (limit == 0)
			return err_set(
				err, ERR_USAGE,
				"an age limit of '%.100s' would skip every '%s'; write none for no limit",
				value, item);
	}
	m->limit[kind - kinds] = limit;
	return 0;
}

int max_age_set(struct max_age *m, const char *text, struct err *err)
{
	struct max_age changed = { { 0 } };
	if (strcmp(text, "none") != 0) {
		changed = *m;
		char *copy = strdup(text), *rest = copy, *item;
		if (!copy)
			return err_set(err, ERR_INTERNAL, "out of memory");
		int rc = 0;
		while (rc == 0 && (item = strsep(&rest, ",")))
			rc = set_one(&changed, item, err);
		free(copy);
		if (rc)
			return -1;
	}
	*m = changed;
	return 0;
}

int64_t max_age_of(const struct max_age *m, const char *kind)
{
	const struct kind *row = kinds_find(kind, strlen(kind));
	return row ? m->limit[row - kinds] : 0;
}
