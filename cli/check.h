/* cli/check: what the files of `tgrun check` share: cmd_check.c (the order of things),
 * check_state.c (where the queue is kept). */
#ifndef TGRUN_CLI_CHECK_H
#define TGRUN_CLI_CHECK_H

#include "api/api.h"
#include "base/json.h"
#include "cli/setup/setup.h"

struct check {
	struct setup *setup;
	int status; /* of the first thing that would stop a run */
	struct loop *loop;
	struct api *api;
	char text[512]; /* of the call in flight */
	enum api_class class;
	cJSON *answer;
};

/* Prints a line: `mark` is ok, note, warning or wrong. */
void check_say(const char *mark, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints what would stop a run, with whose status the check ends if it is the first. */
void check_bad(struct check *c, const struct err *err);

/* Cuts a path to the directory above it; "." and "/" stay. */
void check_go_up(char *path);

/* Looks at the state directory, and at the queue, wherever it is. After setup_token(). */
void check_state(struct check *c);

#endif
