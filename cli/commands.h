/* cli/commands: the sub-commands, one row each, and what may follow them. The rows go in; the bits
 * that options are marked with, what main() runs, the names in messages, the completions and the
 * first lines of --help come out of them.
 *
 * To add one: a file that defines its function, and a row; if it takes arguments, rows for those.
 * The rows are a list of arguments and no table of pointers, since main() needs the functions,
 * options/ needs the words, and the functions need options/: so no file asks for one that asks for
 * it. */
#ifndef TGRUN_CLI_COMMANDS_H
#define TGRUN_CLI_COMMANDS_H

/* In the order of --help. bit: its number, in the order in which messages list the names. Rows one
 * below the other with the same usage are one line of --help. */
#define COMMANDS(ROW)                                                                            \
	/*  bit        name      runs         usage, help */                                     \
	ROW(RUN, 0, "run", cmd_run, "[run] --token TOKEN --handler COMMAND", "the main job")     \
	ROW(TRY, 1, "try", cmd_try, "try --handler COMMAND",                                     \
	    "talk to the bot in the terminal, without a token")                                  \
	ROW(CHECK, 2, "check", cmd_check, "check --token TOKEN --handler COMMAND",               \
	    "say what would go wrong, before it does")                                           \
	ROW(DEAD, 3, "dead", cmd_dead, "dead list | show N | retry | drop [N...]",               \
	    "the updates that could not be handled")                                             \
	ROW(QUEUE, 4, "queue", cmd_queue, "queue list | show N | skip N... | clear",             \
	    "the updates that wait")                                                             \
	ROW(OUTBOX, 10, "outbox", cmd_outbox, "outbox list | show N | retry | drop",             \
	    "the messages that are to be sent")                                                  \
	ROW(SEND, 11, "send", cmd_send, "send --chat ID", "send a message")                      \
	ROW(CALL, 12, "call", cmd_call, "call METHOD [NAME=VALUE|NAME@PATH]...",                 \
	    "call a method of the Bot API")                                                      \
	ROW(PUSH, 14, "push", cmd_push, "push [--after DURATION | --at TIME]",                   \
	    "give the handler an update, now or later")                                          \
	ROW(CANCEL, 13, "cancel", cmd_cancel, "cancel [N... | --key KEY | --chat ID]",           \
	    "end what runs")                                                                     \
	ROW(FLEET, 18, "fleet", cmd_fleet, "fleet init | status | import | ...",                 \
	    "several machines that share a queue")                                               \
	ROW(LIST, 15, "list", cmd_list, "list", "the bots of this machine")                      \
	ROW(STATUS, 5, "status", cmd_control, "status", "how the running tgrun does")            \
	ROW(PAUSE, 7, "pause", cmd_control, "pause | resume", "start no handlers for a while")   \
	ROW(RESUME, 8, "resume", cmd_control, "pause | resume", "start no handlers for a while") \
	ROW(RELOAD, 17, "reload", cmd_control, "reload",                                         \
	    "read the configuration again, as by SIGHUP")                                        \
	ROW(DRAIN, 9, "drain", cmd_control, "drain", "handle what is here, then end")            \
	ROW(STOP, 6, "stop", cmd_control, "stop", "stop gracefully, as by SIGTERM")              \
	ROW(HELP, 16, "help", cmd_help, "help [COMMAND]", "what a sub-command takes")

/* What may follow a sub-command: a verb (""; it has none) and its arguments ("": none), and what
 * that does, also what it means without arguments. Where an argument is a number of what the
 * sub-command lists, it begins with N. A sub-command with no row here, or one that is empty but for
 * its help, takes no argument. */
#define COMMAND_WORDS(WORD)                                                                            \
	WORD(RUN, "", "", "receive updates and handle them; 'run' may be left out")                    \
	WORD(TRY, "", "", "a chat; with --updates, --replay or a pipe none")                           \
	WORD(CHECK, "", "",                                                                            \
	     "with the options that 'run' is to have; with --state-dir alone: look at a state")        \
	WORD(DEAD, "list", "", "a line for each")                                                      \
	WORD(DEAD, "show", "N|@ID", "all that is known of one; @ID: by Telegram's id")                 \
	WORD(DEAD, "retry", "[N...]",                                                                  \
	     "hand them to the handler again, behind all others; without a number all, as with --all") \
	WORD(DEAD, "drop", "N...", "forget them; --all: all (without it, it asks on a terminal)")      \
	WORD(QUEUE, "list", "", "a line for each")                                                     \
	WORD(QUEUE, "show", "N|@ID", "all that is known of one; @ID: by Telegram's id")                \
	WORD(QUEUE, "skip", "N...", "settle them as if they had been handled")                         \
	WORD(QUEUE, "clear", "",                                                                       \
	     "the same for all that wait; without --all it asks on a terminal")                        \
	WORD(OUTBOX, "list", "", "a line for each that waits, is being sent, or failed")               \
	WORD(OUTBOX, "show", "N", "all that is known of one, and what it says")                        \
	WORD(OUTBOX, "retry", "N...", "send again what failed; --all: all of it")                      \
	WORD(OUTBOX, "drop", "N...",                                                                   \
	     "forget them; --all: all that failed (without it, it asks on a terminal)")                \
	WORD(SEND, "", "", "the text is standard input, or --text=TEXT")                               \
	WORD(CALL, "", "METHOD [NAME=VALUE|NAME@PATH]...",                                             \
	     "in a handler, without a chat_id: in its chat")                                           \
	WORD(PUSH, "", "",                                                                             \
	     "the JSON object on standard input, at once; with --after or --at: later")                \
	WORD(CANCEL, "", "[N...]",                                                                     \
	     "end what runs for these updates; without a number, --key or --chat: in a "               \
	     "handler, for its chat")                                                                  \
	WORD(FLEET, "init", "", "make or renew the queue of the token's bot in --store")               \
	WORD(FLEET, "status", "", "the machines, what waits, and what is wrong; 1 if anything is")     \
	WORD(FLEET, "import", "", "move the queue of --state-dir into it, which nothing runs of")      \
	WORD(FLEET, "drain", "NODE", "let it finish what it has, and give it no more")                 \
	WORD(FLEET, "resume", "NODE", "end that")                                                      \
	WORD(FLEET, "evict", "NODE", "hand on what a machine had that is silent")                      \
	WORD(LIST, "", "", "a line for each")                                                          \
	WORD(STATUS, "", "", "once, for people")                                                       \
	WORD(PAUSE, "", "", "start no handler from now on")                                            \
	WORD(RESUME, "", "", "end a pause")                                                            \
	WORD(RELOAD, "", "", "wait until it is taken over, or say what is wrong with it")              \
	WORD(DRAIN, "", "", "fetch nothing more, handle what is due, then end")                        \
	WORD(STOP, "", "", "let handlers finish, then end")                                            \
	WORD(HELP, "", "[COMMAND]", "without one: of all")

#define COMMAND_BIT(bit_, number_, ...) COMMAND_##bit_ = 1 << (number_),
#define COMMAND_ADD(...)                +1
#define COMMAND_OR(bit_, ...)           | COMMAND_##bit_

/* Sub-commands, as bits: an option is meant for some of them. */
enum command_bit {
	COMMANDS(COMMAND_BIT) COMMAND_COUNT = COMMANDS(COMMAND_ADD),
	COMMAND_ALL = (1 << COMMAND_COUNT) - 1,
	COMMAND_HANDLING = COMMAND_RUN | COMMAND_TRY | COMMAND_CHECK,
};

_Static_assert((0 COMMANDS(COMMAND_OR)) == COMMAND_ALL,
	       "the numbers of the rows are 0, 1, 2, ... without a gap");
_Static_assert(COMMAND_COUNT < 31, "the bits, and one besides, are those of an int");

#endif
