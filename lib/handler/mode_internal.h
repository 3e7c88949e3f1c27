/* handler/mode_internal: what a mode is: a file that ends in one table of operations, and its row
 * in HANDLER_MODES.
 *
 * handler.c calls a mode through this table only, so nothing else in the program asks which mode a
 * handler has: it asks for a trait (struct handler_traits). */
#ifndef TGRUN_HANDLER_MODE_INTERNAL_H
#define TGRUN_HANDLER_MODE_INTERNAL_H

#include "handler/handler.h"

/* `start`, `start_solo`, `room` and `cancel` are there in every mode; each other operation may
 * be NULL: nothing to do. */
struct mode_ops {
	struct handler_traits traits;
	/* Makes the mode's part of a new handler. 0, or -1 when memory is out; `release` follows in
	 * both cases, and perhaps without `init`. */
	int (*init)(struct handler *h);
	/* Starts, or hands over, `n` claims, from 1 to traits.most; see handler_start(). 0: each
	 * goes to room_done() in a later turn of the loop, never from in here; -1 with errno, and
	 * the claims stay the caller's. */
	int (*start)(struct handler *h, struct claim *const *claims, size_t n);
	/* The same for one claim that must be alone in its process; see handler_start_solo(). */
	int (*start_solo)(struct handler *h, struct claim *claim);
	/* As handler_most(). NULL: traits.most. */
	size_t (*most)(const struct handler *h);
	/* How many more calls of `start` would find a process for their claims now. */
	size_t (*room)(const struct handler *h);
	/* Slots that are kept free for a handler of this policy. NULL: none; it shares the
	 * others. */
	int (*slots_needed)(const struct handler_policy *policy);
	/* A slot is idle, or the policy or the command is another: starts and replaces
	 * processes. */
	void (*look)(struct handler *h);
	/* The last start of this turn of the loop is over: what was given is written. */
	void (*flush)(struct handler *h);
	/* No update comes any more: processes that stay see the end of their input. */
	void (*drain)(struct handler *h);
	/* `signo`, SIGTERM or SIGKILL, to the processes that stay, and all that they started. */
	void (*stop)(struct handler *h, int signo);
	/* As handlers_cancel(), for the claims of `h`. */
	void (*cancel)(struct handler *h, handler_chosen *chosen, void *arg);
	/* The command is another: processes of the old one are replaced. */
	void (*outdate)(struct handler *h);
	/* Frees what `init` and `start` made, without calling back. */
	void (*release)(struct handler *h);
	/* Where it posts is another; as handler_set_url(). In modes that have no command. */
	int (*set_url)(struct handler *h, const char *url, const char *secret, struct err *err);
	/* The number of the process that holds `c`, from 1; 0: none does. */
	int (*worker)(const struct handler *h, const struct claim *c);
	/* Adds what only the mode knows: `ready`, `capacity`, `paused`. */
	void (*counts)(const struct handler *h, struct handler_counts *out);
};

#define HANDLER_MODE_OPS(name, ops) extern const struct mode_ops ops;
HANDLER_MODES(HANDLER_MODE_OPS)
#undef HANDLER_MODE_OPS

#endif
