/* cli/try/try_internal: what the files of tgrun try share: cmd_try.c (the start and the end), try.c
 * (what happens meanwhile), try_input.c (what is typed or read), and below them try_say.c. */
#ifndef TGRUN_CLI_TRY_TRY_INTERNAL_H
#define TGRUN_CLI_TRY_TRY_INTERNAL_H

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

struct
try {
	struct setup *setup;
	struct log *log;
	struct slots *slots;
	int slot_count;
	struct loop *loop;
	char *place; /* its path; NULL: not made yet */
	struct statedir *dir;
	struct sandbox *sandbox;
	struct engine *engine;
	struct chat_feed *feed;
	struct loop_timer *patience;
	struct loop_signal *signals[TRY_SIGNALS];
	enum try_mode mode;
	int updates_fd;
	struct chat chat;
	struct buf out; /* to be printed */
	int64_t line_number, bad_lines, query_id;
	int unstartable;  /* starts that failed in a row */
	uint64_t printed; /* bytes on stdout that were no answer, of this update */
	bool hinted;
	bool input_ended, hung_up, write_failed, stopped, over;
	int status;
};

/* Prints what was put in `out`. */
void try_say(struct try *t);

#define SAY(t, style, ...) (chat_put_line(&(t)->chat, &(t)->out, style, __VA_ARGS__), try_say(t))

/* Nothing runs, waits or is on its way to the handler. */
bool try_all_handled(const struct try *t);

/* Nothing more will be said to the bot: it ends when all is handled. */
void try_end_input(struct try *t);

/* A line that was typed; NULL: the end. For chat_prompt_open(). */
void try_typed(void *arg, const char *text);

/* Takes lines of the feed while there is room for what they do: one message at a time, as a person
 * waits for the answer; updates as a server has them. */
void try_take_lines(struct try *t);

/* Events: of the loop (the end of a turn, the patience of struct try, a signal), of the sandbox,
 * and of the engine (engine/engine.h). `arg` is the struct try. */
void try_on_turn(void *arg);
void try_on_patience(void *arg);
void try_on_signal(void *arg, int signo);
void try_on_called(void *arg, const struct sandbox_call *call);
void try_on_started(void *arg, const struct claim *claim);
void try_on_output(void *arg, const struct claim *claim, int which, const char *text, size_t n);
void try_on_settled(void *arg, int64_t seq, bool failed);
void try_on_told(void *arg, const char *line, const char *text);
void try_on_trouble(void *arg, const struct engine_trouble *trouble);
void try_on_finished(void *arg, int status);

#endif
