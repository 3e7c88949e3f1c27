/* cli/cmd: the sub-commands. Each has a file of its own and a row in cli/commands.h, takes what
 * setup.c made of the options, and returns the exit status. */
#ifndef TGRUN_CLI_CMD_H
#define TGRUN_CLI_CMD_H

#include "cli/setup/setup.h"

/* All that cli/commands.h names: cmd_run(), cmd_try() ... */
typedef int cmd_function(struct setup *s);
#define CMD_DECLARE(bit_, number_, name_, run_, ...) cmd_function run_;
COMMANDS(CMD_DECLARE)

/* Prints `tgrun: SENTENCE` to stderr, with what must not reach a terminal escaped, and returns the
 * error's status. */
int cmd_fail(const struct err *err);

/* Prints each warning of the config as cmd_fail() prints an error. For a command that ends before
 * it has a log: the warnings may say why. */
void cmd_warn(const struct config *c);

#endif
