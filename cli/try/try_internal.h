/* cli/try/try_internal: what the files of tgrun try share: cmd_try.c (the start and the end), try.c
 * (what happens meanwhile), try_input.c (what is typed or read), try_act.c (what that does),
 * try_watch.c (what became of each update), try_record.c (what is kept of it), and below them
 * try_say.c. */
#ifndef TGRUN_CLI_TRY_TRY_INTERNAL_H
#define TGRUN_CLI_TRY_TRY_INTERNAL_H

#include "base/list.h"
#include "cli/setup/setup.h"
#include "cli/try/chat.h"
#include "cli/try/chat_feed.h"
#include "cli/try/chat_record.h"
#include "cli/try/chat_words.h"
#include "sandbox/sandbox.h"

enum { TRY_SIGNALS = 4 };

enum try_mode {
	TRY_TERMINAL, /* somebody types */
	TRY_LINES,    /* typed lines from a pipe or a file */
	TRY_UPDATES,  /* --updates */
	TRY_REPLAY,   /* what was typed in a recorded conversation; nothing is shown */
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
	struct loop_timer *patience, *pause, *linger;
	struct loop_signal *signals[TRY_SIGNALS];
	enum try_mode mode;
	int updates_fd;
	struct chat_record *record; /* NULL: the conversation is not kept */
	int record_fd;              /* where it is written at the end; -1: nowhere */
	struct buf typed_lines;     /* of the input that grows */
	const char *wild;           /* a word of records that the bot said itself; NULL: none */
	int64_t input_began;        /* wall clock, milliseconds */
	struct chat chat;
	struct buf out; /* to be printed */
	/* Lines that were typed in the terminal, each with a NUL behind it. */
	struct buf typed;
	bool typed_ended;
	/* What they say: the input that grows, or is whole and waits for its turn (`ready`). */
	struct chat_input input;
	bool ready, pausing;
	bool early_told; /* that each line waits */
	bool waited;     /* the last input was :wait, but for who speaks where */
	int64_t line_number, input_line; /* of what was read; of the beginning of the input */
	int64_t bad_lines, query_id;
	int unstartable;     /* starts that failed in a row */
	struct list flights; /* try_watch.c */
	uint64_t printed;    /* bytes on stdout that were no answer, of this update */
	uint64_t cancelled;  /* updates, until now */
	bool hinted;         /* of --reply */
	bool old_word_told;  /* that a word of before begins with a colon now */
	bool lingering_told; /* that background work holds a chat */
	bool fleeting;       /* the last line in the terminal says what the bot does just now */
	bool input_ended, hung_up, write_failed, stopped, over;
	int status;
};

/* Prints what was put in `out`. `fleeting`: a line that goes away when the next is printed, where
 * the terminal can do that. */
void try_say(struct try *t);
void try_say_fleeting(struct try *t);

#define SAY(t, style, ...) (chat_put_line(&(t)->chat, &(t)->out, style, __VA_ARGS__), try_say(t))

/* A line that cannot be carried out is named; nobody is there to see it when lines are read: then
 * it counts. */
void try_bad_line(struct try *t, const char *why);

/* Nothing runs, waits or is on its way to the handler. */
bool try_all_handled(const struct try *t);

/* Nothing more will be said to the bot: it ends when all is handled. */
void try_end_input(struct try *t);

/* A line that was typed; NULL: the end. For chat_prompt_open(). */
void try_typed(void *arg, const char *text);

/* Takes what is typed, or read, while there is room for what it does: of lines one message at a
 * time, as a person waits for the answer; updates as a server has them. */
void try_take_lines(struct try *t);

/* The text in front of what is typed. */
void try_show_prompt(struct try *t);

/* try_act.c: does what a whole input asks for, which was parsed from t->input. */
void try_act(struct try *t, const struct chat_line *line);
/* An update of a file, or one that was typed: of `n` bytes, with an update_id or without. */
void try_give_update(struct try *t, const char *update, size_t n);

/* try_record.c: opens what --record and --replay name. 0 or -1 with `err`. */
int try_record_open(struct try *t, struct err *err);
/* An input is carried out; `counts`: it is one that does something. */
void try_record_begin(struct try *t, bool counts);
/* Keeps what stands in `out`, and is about to be said. */
void try_record_add(struct try *t, enum chat_order order, int64_t chat);
/* What `call` showed is kept, if it is seen in a chat or by its author. */
void try_record_call(struct try *t, const struct sandbox_call *call);
/* The end: writes the record, shows what differs. 0, 1 when something does, or -1 with `err`. */
int try_record_end(struct try *t, struct err *err);

/* try_watch.c: what of each update that was handled people are to know, such as that nothing
 * answered it. */
void try_watch_started(struct try *t, const struct claim *claim);
void try_watch_called(struct try *t, const struct sandbox_call *call);
/* Whether the call, which was refused, is tgrun's own answer to a query that its handler has
 * answered: with --reply. */
bool try_watch_is_second(struct try *t, const struct sandbox_call *call);
void try_watch_settled(struct try *t, int64_t seq, bool failed);
void try_watch_turn(struct try *t);
void try_watch_release(struct try *t);

/* Events: of the loop (the end of a turn, the timers of struct try, a signal), of the sandbox,
 * and of the engine (engine/engine.h). `arg` is the struct try. */
void try_on_turn(void *arg);
void try_on_patience(void *arg);
void try_on_pause(void *arg);
void try_on_linger(void *arg);
void try_on_signal(void *arg, int signo);
void try_on_called(void *arg, const struct sandbox_call *call);
void try_on_started(void *arg, const struct claim *claim);
void try_on_output(void *arg, const struct claim *claim, int which, const char *text, size_t n);
void try_on_settled(void *arg, int64_t seq, bool failed);
void try_on_ignored(void *arg, const char *update, size_t n, const char *why);
void try_on_told(void *arg, const char *line, const char *text);
void try_on_trouble(void *arg, const struct engine_trouble *trouble);
void try_on_finished(void *arg, int status);

#endif
