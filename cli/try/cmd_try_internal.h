/* cli/try/cmd_try_internal: what the two files of tgrun try share: cmd_try.c (the start, what happens, the end) and cmd_try_input.c (what is typed or read). */
#ifndef TGRUN_CLI_TRY_CMD_TRY_INTERNAL_H
#define TGRUN_CLI_TRY_CMD_TRY_INTERNAL_H

#include "cli/setup/setup.h"
#include "cli/try/chat.h"
#include "cli/try/chat_feed.h"
#include "sandbox/sandbox.h"

enum { TRY_SIGNALS = 4 };

enum try_mode {
	TRY_TERMINAL, /* somebody types */
	TRY_LINES,    /* typed lines from a pipe or a file */
	TRY_UPDATES,  /* --updates */
};

struct try {
	struct setup *setup;
	struct log *log;
	struct slots *slots;
	int slot_count;
	struct loop *loop;
	struct sandbox *sandbox;
	struct engine *engine;
	struct chat_feed *feed;
	struct loop_timer *patience;
	struct loop_signal *signals[TRY_SIGNALS];
	enum try_mode mode;
	int updates_fd;
	struct chat chat;
	struct buf out;        /* to be printed */
	int64_t line_number, bad_lines, query_id;
	int unstartable;       /* starts that failed in a row */
	bool input_ended, hung_up, write_failed, stopped, over;
	int status;
};

/* Prints what was put in `out`. */
void cmd_try_say(struct try *t);

#define SAY(t, style, ...) (chat_put_line(&(t)->chat, &(t)->out, style, __VA_ARGS__), cmd_try_say(t))

/* Nothing runs, waits or is on its way to the handler. */
bool cmd_try_all_handled(const struct try *t);

/* Nothing more will be said to the bot: it ends when all is handled. */
void cmd_try_end_input(struct try *t);

/* A line that was typed; NULL: the end. For chat_prompt_open(). */
void cmd_try_typed(void *arg, const char *text);

/* Takes lines of the feed while there is room for what they do: one message at a time, as a person waits for the answer; updates as a
 * server has them. */
void cmd_try_take_lines(struct try *t);

#endif
