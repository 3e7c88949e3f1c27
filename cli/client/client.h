/* cli/client/client: how a sub-command finds the state of a bot, and the tgrun that runs it. */
#ifndef TGRUN_CLI_CLIENT_CLIENT_H
#define TGRUN_CLI_CLIENT_CLIENT_H

#include <cjson/cJSON.h>

#include "cli/setup/setup.h"
#include "io/statedir.h"
#include "queue/queue.h"

/* One line of an answer, NUL-terminated. Not 0 ends it: it is not what was expected. */
typedef int client_line(void *arg, const char *text, size_t n);

/* Opens the state directory that the options mean, which is found by the token unless it is named. 0, with *dir NULL when there is none yet; -1 with `err`. */
int client_open(struct setup *s, struct statedir **dir, struct err *err);

/* What a runner left for the next request: from which number on and up to which, or how many of the
 * numbers that it was given. */
struct client_rest {
	bool more;
	int64_t from, to;
	size_t left;
};

/* Sends one request to the runner that has `dir`. 0 when the answer was whole; -1 with `err`:
 * ERR_UNAVAILABLE when none runs, or none listens (yet, any more); what the runner refused, as it
 * says it (ERR_TEMPFAIL); or not 0 as `line` returned it. `line` is called when the runner has said
 * all, and sees no {"error":…}, no {"end":true}, and not what goes into `rest` (NULL: the verb
 * leaves none). */
int client_ask(struct statedir *dir, const char *request, client_line *line, void *arg,
	       struct client_rest *rest, struct err *err);

/* Asks again and again until nothing is left: to do something with these numbers, or with all
 * (`count` 0). As client_ask(). */
struct client_many {
	const int64_t *numbers;
	size_t count;
	client_line *line;
	void *arg;
};
int client_ask_many(struct statedir *dir, const char *verb, const struct client_many *m,
		    struct err *err);

/* Does one thing with the queue, whoever has it: `ask` when a runner works (as client_ask(), 0 or -1 with `err`), or `use` on the store itself, when none does. Waits a
 * little for a runner that begins or ends: `*touched` says that something was done or printed already, and then nothing is tried again. */
struct client_way {
	int (*ask)(void *arg, struct statedir *dir, struct err *err);
	int (*use)(void *arg, struct queue *q, struct err *err);
	const bool *touched;
	void *arg;
};
int client_work(struct setup *s, struct statedir *dir, const struct client_way *way, struct err *err);

/* A list, whoever has the queue: pages are read one after the other, and `line` gets the lines of
 * one while nobody is kept waiting, neither a runner nor one that wants to start. `fill` adds lines
 * from page->from on by client_add_line(), which returns not 0, and remembers the number, when the
 * page is full. 0 or -1 with `err`. */
struct client_page {
	struct buf lines; /* each NUL-terminated */
	struct client_rest rest;
	int64_t from;
	bool failed;      /* out of memory */
};
struct client_list {
	const char *verb;
	int (*fill)(struct queue *q, struct client_page *page, struct err *err);
	client_line *line;
	void *arg;
};
int client_list(struct setup *s, struct statedir *dir, const struct client_list *l, struct err *err);
int client_add_line(struct client_page *page, int64_t number, const char *text, size_t n);

/* Reads the numbers from argument `first` on into *numbers, to be freed, and *count; `what` names what they count ("a dead letter"). 0 or -1 with `err` (ERR_USAGE). */
int client_numbers(const struct texts *arguments, size_t first, const char *what, int64_t **numbers, size_t *count, struct err *err);

/* `1.5s`, `12m 05s`, `3h 07m`, `2d 04h`. */
void client_print_seconds(double seconds);

/* The text of a member of an answer, "" if there is none; its number, 0 if there is none. */
const char *client_text(const cJSON *object, const char *name);
double client_number(const cJSON *object, const char *name);

/* Prints the update's own bytes, the last member of the line, escaped like that, and a line feed. */
void client_print_update(const char *line);

void client_wait(long milliseconds);

#endif
