/* cli/cmd: the sub-commands. Each has a file of its own, takes what setup.c made of the options, and returns the exit status. */
#ifndef TGRUN_CLI_CMD_H
#define TGRUN_CLI_CMD_H

#include "cli/setup.h"

int cmd_run(struct setup *s);
int cmd_try(struct setup *s);
int cmd_check(struct setup *s);
int cmd_dead(struct setup *s);
int cmd_queue(struct setup *s);
int cmd_control(struct setup *s);

/* Prints `tgrun: SENTENCE` to stderr, with what must not reach a terminal escaped, and returns the error's status. */
int cmd_fail(const struct err *err);

#endif
