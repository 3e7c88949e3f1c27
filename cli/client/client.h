/* cli/client/client: how a sub-command finds the state of a bot, and the tgrun that runs it. */
#ifndef TGRUN_CLI_CLIENT_CLIENT_H
#define TGRUN_CLI_CLIENT_CLIENT_H

#include "base/json.h"
#include "cli/setup/setup.h"
#include "io/statedir.h"
#include "queue/queue.h"

/* One line of an answer, NUL-terminated. Not 0 ends it: -1: it is not what was expected; 1, of a
 * list: that is enough. */
typedef int client_line(void *arg, const char *text, size_t n);

/* Opens the state directory of the bot that is meant (place_find()). 0, with *dir NULL when there
 * is none yet, or when the command is one of CLIENT_SHARED and its queue is in a database
 * (shared.h); -1 with `err`. */
enum { CLIENT_SHARED = COMMAND_DEAD | COMMAND_QUEUE | COMMAND_OUTBOX };
int client_open(struct setup *s, struct statedir **dir, struct err *err);

/* The same for who stores something and may send it: with the token, if there is one, and then the
 * directory is made. 0, with *dir NULL when the queue is in a database; -1 with `err`
 * (ERR_UNAVAILABLE: there is none). */
int client_open_or_make(struct setup *s, struct statedir **dir, struct err *err);

/* The error of one that is not there, or where none runs: -1 with `err` (ERR_UNAVAILABLE). */
int client_none_runs(const char *state_dir, struct err *err);

/* Says on stderr that there is nothing, in the words of `what`; and, without a `dir`, that there is
 * no such directory, which may be a mistake. */
void client_tell_nothing(const struct setup *s, const struct statedir *dir, const char *what);

/* Sends one request to the runner that has `dir`. Returns 0 when the answer was whole; -1 with
 * `err`: ERR_UNAVAILABLE when none runs, or none listens (yet, any more); ERR_TEMPFAIL when it
 * did not answer, or refused, with what it said; or not 0 as `line` returned it. `line` is called
 * when the runner has said all, and sees neither {"error":…} nor {"end":true}. */
int client_ask(struct statedir *dir, const char *request, client_line *line, void *arg,
	       struct err *err);

/* The same with `patience` milliseconds for the answer; 0: half a minute, as of client_ask(). Who
 * asks several, one after the other, has CLIENT_HURRY for each. */
enum { CLIENT_HURRY = 3000 };
int client_ask_within(struct statedir *dir, const char *request, int64_t patience,
		      client_line *line, void *arg, struct err *err);

/* What follows asks a verb of queue/verbs.h of whoever has the queue: the runner, or, when none
 * works, the store itself; or of the database. Runners that begin or end are waited for a little.
 * `dir` NULL: of the database, or there is nothing to ask, and `line` is not called. */

/* Lists by a verb that lists. Pages are read one after the other; `line` gets the lines of one
 * while nobody is kept waiting, neither a runner nor one that wants to start. 0, or -1 with `err`.
 */
int client_list(struct setup *s, struct statedir *dir, const char *verb, client_line *line,
		void *arg, struct err *err);

/* The same for a verb that takes "to", of the numbers from `from` to `to`. */
int client_list_range(struct setup *s, struct statedir *dir, const char *verb, int64_t from,
		      int64_t to, client_line *line, void *arg, struct err *err);

/* Shows or changes: asks again and again until no slice leaves a rest. 0 or -1 with `err`. */
struct client_work {
	const char *verb;
	const int64_t *numbers; /* a verb that shows: of one */
	size_t count;           /* 0: all */
	client_line *line;
	void *arg;
	const bool *touched; /* `line` has printed something: the work is not begun again */
};
int client_work(struct setup *s, struct statedir *dir, const struct client_work *w,
		struct err *err);

/* Hands one request, with the open file `passed` (-1: none), to who has the state; or, with `dir`
 * NULL, a verb of queue/verbs.h to the database. 0: it was answered; 1: nobody has the state, and
 * the slots' lock is this process's; -1 with `err`. */
int client_hand_over(struct setup *s, struct statedir *dir, const char *request, int passed,
		     client_line *line, void *arg, struct err *err);

/* The place of the first argument among `count` verbs of the sub-command, or -1 with `err`
 * (ERR_USAGE), which lists them. */
int client_verb(const struct config *c, const char *const *verbs, size_t count, struct err *err);

/* Reads the numbers from argument `first` on into *numbers, to be freed, and *count; `what`
 * names what they count ("a dead letter"). 0 or -1 with `err` (ERR_USAGE). */
int client_numbers(const struct texts *arguments, size_t first, const char *what, int64_t **numbers,
		   size_t *count, struct err *err);

/* `1.5s`, `12m 05s`, `3h 07m`, `2d 04h`. Returns `out`. */
enum { CLIENT_SECONDS_MAX = 32 };
const char *client_seconds(double seconds, char out[CLIENT_SECONDS_MAX]);

/* `3m ago`; of a time to come `in 3m`. Returns `out`. */
const char *client_age(double seconds, char out[CLIENT_SECONDS_MAX]);

/* Telegram's id of an update, "@1007", into *id. False: `text` is none. */
bool client_read_id(const char *text, int64_t *id);

/* Finds the numbers of all entries of a list that have this id of Telegram, into *numbers, to be
 * freed, and *count. 0 or -1 with `err`. */
int client_find_id(struct setup *s, struct statedir *dir, const char *verb, int64_t id,
		   int64_t **numbers, size_t *count, struct err *err);

/* Prints the own bytes of the last member of a line of JSON, which has that name, and a line
 * feed. */
void client_print_last(const char *line, const char *member);

/* Sleeps. */
void client_wait(long milliseconds);

#endif
