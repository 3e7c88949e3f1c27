/* update/match: which updates are meant by `KIND` or `/command`, as --only, --ignore, --bypass and
 * --route say it. */
#ifndef TGRUN_UPDATE_MATCH_H
#define TGRUN_UPDATE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "update/update.h"

/* Checks one match: a known kind, a slash and a command's name, or a name that is like no known
 * kind and may be that of what is pushed (update/pushed.h). 0, or -1 with `err` (ERR_USAGE), which
 * offers the nearest kind, or the command. */
int match_check(const char *text, struct err *err);

/* Whether a checked match is a kind that the server does not send. */
bool match_is_pushed(const char *text);

/* Whether the update is meant by `text`, which was checked. A command counts as in TG_COMMAND (case
 * matters not to Telegram's clients, but it does here); `bot_username` NULL: not known. */
bool match_one(const char *text, const struct update *u, const char *bot_username);

/* The first of `count` matches that means the update; -1 if none does. */
int match_first(char *const *texts, size_t count, const struct update *u, const char *bot_username);

#endif
