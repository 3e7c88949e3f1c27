/* cli/client/send_out: the way out of tgrun (engine/out.h) for a tool: over a queue of its own, or
 * over one that machines share. */
#ifndef TGRUN_CLI_CLIENT_SEND_OUT_H
#define TGRUN_CLI_CLIENT_SEND_OUT_H

#include "cli/setup/setup.h"
#include "engine/out.h"

/* The log of a tool: warnings, on standard error; the caller's to free. NULL when memory is out. */
struct log *send_out_log(const struct setup *s);

/* Opens it for the bot and the server that the options mean. `own` has what is the tool's: loop,
 * log, queue, wake, ended and arg. NULL with `err`. */
struct out *send_out_new(struct setup *s, const struct out_config *own, struct err *err);

#endif
