/* cli/cmd: the sub-commands. Each has a file of its own and a row in cli/commands.h, takes what
 * setup.c made of the options, and returns the exit status. */
#ifndef TGRUN_CLI_CMD_H
#define TGRUN_CLI_CMD_H

#include "cli/setup/setup.h"

/* All that cli/commands.h names: cmd_run(), cmd_try() ... */
typedef int cmd_function(struct setup *s);
#define CMD_DECLARE(bit_, number_, name_, run_, ...) cmd_function run_;
COMMANDS(CMD_DECLARE)

/* Prints the config's warnings likewise, when there will be no log for them: they may say why the
 * rest failed. */
void cmd_warn(const struct config *c);

/* Prints `tgrun: SENTENCE` to stderr, with what must not reach a terminal escaped, and returns the
 * error's status. */
int cmd_fail(const struct err *err);

#endif
