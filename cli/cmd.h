/* cli/cmd: the sub-commands. Each has a file of its own, takes what setup.c made of the options, and returns the exit status. */
#ifndef TGRUN_CLI_CMD_H
#define TGRUN_CLI_CMD_H

#include "cli/setup/setup.h"

int cmd_run(struct setup *s);
int cmd_try(struct setup *s);
int cmd_check(struct setup *s);
int cmd_dead(struct setup *s);
int cmd_queue(struct setup *s);
int cmd_control(struct setup *s);

/* Prints the config's warnings likewise, when there will be no log for them: they may say why the rest failed. */
void cmd_warn(const struct config *c);

/* Prints `tgrun: SENTENCE` to stderr, with what must not reach a terminal escaped, and returns the error's status. */
int cmd_fail(const struct err *err);

#endif
