/* cli/client/consent: whether a sub-command may delete what it was not told by numbers. */
#ifndef TGRUN_CLI_CLIENT_CONSENT_H
#define TGRUN_CLI_CLIENT_CONSENT_H

#include "cli/client/client.h"

struct consent {
	const char *verb;   /* as on the command line: "dead drop" */
	const char *does;   /* "drop" */
	const char *member; /* of the answer to the verb `counts` (queue/verbs.h): how many */
	const char *what;   /* those, for a sentence: "dead letters" */
	const char *takes;  /* what the verb takes, for an error that ends so */
};

/* Whether it is a request for all: there is no number, and --all was given, or a terminal is there
 * on which consent_ask() will ask. 0, or -1 with `err` (ERR_USAGE), which names --all. */
int consent_check(const struct config *c, size_t numbers, const struct consent *what,
		  struct err *err);

/* Asks on the terminal, unless --all was given or there are none. 0: all are meant; 1: they are
 * not; -1 with `err`. `dir` NULL: there are none. */
int consent_ask(struct setup *s, struct statedir *dir, const struct consent *what, struct err *err);

#endif
