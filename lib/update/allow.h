/* update/allow: whose updates are handled, as --allow-user and --allow-chat say it. */
#ifndef TGRUN_UPDATE_ALLOW_H
#define TGRUN_UPDATE_ALLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "update/update.h"

struct allow;

/* Checks one id of a user (above 0) or of a chat (not 0; those of groups and channels are
 * below). 0, or -1 with `err` (ERR_USAGE), which says for a name where its id is found. */
int allow_check_user(const char *text, struct err *err);
int allow_check_chat(const char *text, struct err *err);

/* Of checked ids. Without any, everybody is allowed. NULL when memory is out. */
struct allow *allow_new(const char *const *users, size_t user_count, const char *const *chats,
			size_t chat_count);
void allow_free(struct allow *a); /* NULL is fine */

/* Whether the update's user or its chat is named. Chats of business connections and guest chats
 * are none that can be named: others choose who is in them, and their ids may be those of the
 * bot's own chats. */
bool allow_passes(const struct allow *a, const struct update *u);

#endif
