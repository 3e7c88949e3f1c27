/* update/allow: ids and an update in, yes or no out. Ids, not names: a name can be given away,
 * and whoever has it next would be allowed. What has neither a user nor a chat is nobody's, and
 * is not allowed. */
#include "update/allow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct allow {
	size_t users, chats; /* how many of each */
	int64_t ids[];       /* sorted: those of users, then those of chats */
};

static int check(const char *text, int64_t *id, struct err *err)
{
	char *end;
	errno = 0;
	*id = strtoll(text, &end, 10);
	const char *digits = text + (*text == '-');
	if (digits[0] && !digits[strspn(digits, "0123456789")] && !errno && *id)
		return 0;
	if (digits[strspn(digits, "0123456789")] == '\0')
		return err_set(err, ERR_USAGE, "'%.100s' is no id of a user or a chat", text);
	return err_set(
		err, ERR_USAGE,
		"'%.100s' is no id: ids are whole numbers, since a name can "
		"go over to somebody else; have them write to the bot, and the log tells the "
		"id of who is left alone",
		text);
}

int allow_check_user(const char *text, struct err *err)
{
	int64_t id;
	if (check(text, &id, err))
		return -1;
	if (id > 0)
		return 0;
	return err_set(err, ERR_USAGE, "'%.100s' is a chat, and no user; give it to --allow-chat",
		       text);
}

int allow_check_chat(const char *text, struct err *err)
{
	int64_t id;
	return check(text, &id, err);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static bool has(const int64_t *ids, size_t count, int64_t id)
{
	return count && bsearch(&id, ids, count, sizeof *ids, compare);
}

struct allow *allow_new(const char *const *users, size_t user_count, const char *const *chats,
			size_t chat_count)
{
	struct allow *a = malloc(sizeof *a + (user_count + chat_count) * sizeof *a->ids);
	if (!a)
		return NULL;
	a->users = user_count;
	a->chats = chat_count;
	for (size_t i = 0; i < user_count; i++)
		a->ids[i] = strtoll(users[i], NULL, 10);
	for (size_t i = 0; i < chat_count; i++)
		a->ids[user_count + i] = strtoll(chats[i], NULL, 10);
	qsort(a->ids, user_count, sizeof *a->ids, compare);
	qsort(a->ids + user_count, chat_count, sizeof *a->ids, compare);
	return a;
}

void allow_free(struct allow *a)
{
	free(a);
}

bool allow_passes(const struct allow *a, const struct update *u)
{
	int64_t id;
	if (a->users + a->chats == 0)
		return true;
	if (update_user(u, &id) && has(a->ids, a->users, id))
		return true;
	bool own = !update_business(u) && !update_is_guest(u);
	return own && update_chat(u, &id) && has(a->ids + a->users, a->chats, id);
}
