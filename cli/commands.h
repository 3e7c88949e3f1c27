/* cli/commands: the sub-commands, one row each. The rows go in; the bits that options are marked
 * with, what main() runs, the names in messages and the first lines of --help come out of them.
 *
 * To add one: a file that defines its function, and a row. The rows are a list of arguments and no
 * table of pointers, since main() needs the functions, options/ needs the words, and the functions
 * need options/: so no file asks for one that asks for it. */
#ifndef TGRUN_CLI_COMMANDS_H
#define TGRUN_CLI_COMMANDS_H

/* In the order of --help. bit: its number, in the order in which messages list the names. words:
 * what a list of its arguments says in messages, NULL: it takes none. Rows one below the other with
 * the same usage are one line of --help. */
#define COMMANDS(ROW)                                                                              \
	/*  bit        name      runs         words, usage, help */                                \
	ROW(RUN, 0, "run", cmd_run, NULL, "[run] --token TOKEN --handler COMMAND", "the main job") \
	ROW(TRY, 1, "try", cmd_try, NULL, "try --handler COMMAND",                                 \
	    "talk to the bot in the terminal, without a token")                                    \
	ROW(CHECK, 2, "check", cmd_check, NULL, "check --token TOKEN --handler COMMAND",           \
	    "say what would go wrong, before it does")                                             \
	ROW(DEAD, 3, "dead", cmd_dead, "list, show N, retry [N...], drop [N...]",                  \
	    "dead list | show N | retry | drop [N...]", "the updates that could not be handled")   \
	ROW(QUEUE, 4, "queue", cmd_queue, "list, show N, skip N..., clear",                        \
	    "queue list | show N | skip N... | clear", "the updates that wait")                    \
	ROW(OUTBOX, 10, "outbox", cmd_outbox, "list, show N, retry N..., drop N...",               \
	    "outbox list | show N | retry | drop", "the messages that are to be sent")             \
	ROW(SEND, 11, "send", cmd_send, NULL, "send --chat ID", "send a message")                  \
	ROW(CALL, 12, "call", cmd_call, "METHOD, NAME=VALUE, NAME@PATH",                           \
	    "call METHOD [NAME=VALUE|NAME@PATH]...", "call a method of the Bot API")               \
	ROW(PUSH, 14, "push", cmd_push, NULL, "push [--after DURATION | --at TIME]",               \
	    "give the handler an update, now or later")                                            \
	ROW(CANCEL, 13, "cancel", cmd_cancel, "N...", "cancel [N... | --key KEY | --chat ID]",     \
	    "end what runs")                                                                       \
	ROW(FLEET, 16, "fleet", cmd_fleet,                                                         \
	    "init, status, drain NODE, resume NODE, evict NODE",                                   \
	    "fleet init | status | drain NODE | resume NODE | evict NODE",                         \
	    "several machines that share a queue")                                                 \
	ROW(LIST, 15, "list", cmd_list, NULL, "list", "the bots of this machine")                  \
	ROW(STATUS, 5, "status", cmd_control, NULL, "status", "how the running tgrun does")        \
	ROW(PAUSE, 7, "pause", cmd_control, NULL, "pause | resume",                                \
	    "start no handlers for a while")                                                       \
	ROW(RESUME, 8, "resume", cmd_control, NULL, "pause | resume",                              \
	    "start no handlers for a while")                                                       \
	ROW(DRAIN, 9, "drain", cmd_control, NULL, "drain", "handle what is here, then end")        \
	ROW(STOP, 6, "stop", cmd_control, NULL, "stop", "stop gracefully, as by SIGTERM")

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
