/* cli/options/options_table: the table of options. Nothing else knows an option's name, default or
 * place: argv, the environment, the config file, the help, routes, a reload and the test of the
 * manual go through these rows. To add an option is to add a row, a member of the struct that it
 * points into, the use of that, and a paragraph of tgrun(1). What stands in struct config's
 * `policy` may be set for a route, too. */
#include "cli/options/options_internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

enum {
	RUN = COMMAND_RUN | COMMAND_CHECK,
	HANDLING = COMMAND_HANDLING,
	LISTS = COMMAND_DEAD | COMMAND_QUEUE | COMMAND_OUTBOX,
	BOT = COMMAND_ALL & ~(COMMAND_TRY | COMMAND_LIST | COMMAND_HELP),
	ALL = COMMAND_ALL,
	ANY = ORIGIN_FILE,
	FIXED = COMMAND_ALL + 1, /* beside the commands: it cannot change while tgrun runs */
};

#define SECONDS INT64_C(1000)
#define YEAR    (366 * 86400 * SECONDS)

static const char *const background_words[] = { "wait", "kill", "leave", NULL };
static const char *const mode_words[] = { "exec", "batch", NULL };
static const char *const growth_words[] = { "exponential", "quadratic", "constant", NULL };
static const char *const failure_words[] = { "dead", "retry", "drop", NULL };
static const char *const reply_words[] = { "none", "text", "pre", "html", "markdown", "api", NULL };
static const char *const unsure_words[] = { "retry", "fail", NULL };
static const char *const state_words[] = { "waiting", "sending", "failed", NULL };
static const char *const stdout_words[] = { "log", "inherit", "discard", NULL };
static const char *const format_words[] = { "text", "json", NULL };
static const char *const level_words[] = { "error", "warn", "info", "debug", NULL };

/* clang-format off: each is a row, not a block. */
#define ROW(name_, type_, group_, commands_, least_, member_, help_)                             \
	.name = name_, .type = type_, .group = group_, .commands = (commands_)&COMMAND_ALL,      \
	.fixed = ((commands_)&FIXED) != 0, .least = least_,                                      \
	.offset = offsetof(struct config, member_), .size = sizeof((struct config *)0)->member_, \
	.help = help_
#define FLAG(name_, group_, commands_, member_, help_)                          \
	{                                                                       \
		ROW(name_, OPTION_FLAG, group_, commands_, ANY, member_, help_) \
	}
#define TEXT(name_, value_, type_, fallback_, group_, commands_, member_, help_)                 \
	{                                                                                        \
		ROW(name_, type_, group_, commands_, ANY, member_, help_), .value = value_,      \
									   .fallback = fallback_ \
	}
#define RANGE(name_, value_, type_, fallback_, min_, max_, group_, commands_, member_, help_) \
	{                                                                                     \
		ROW(name_, type_, group_, commands_, ANY, member_, help_),                    \
			.value = value_, .fallback = fallback_, .min = min_, .max = max_      \
	}
#define WORD(name_, value_, fallback_, words_, group_, commands_, member_, help_) \
	{                                                                         \
		ROW(name_, OPTION_WORD, group_, commands_, ANY, member_, help_),  \
			.value = value_, .fallback = fallback_, .words = words_   \
	}
#define SECRET(name_, value_, group_, commands_, member_, help_)                                  \
	{                                                                                         \
		ROW(name_, OPTION_TEXT, group_, commands_, ANY, member_, help_), .value = value_, \
										 .secret = true   \
	}
/* Not in a config file (`least_` is where it may stand). */
#define OUTSIDE(name_, value_, type_, group_, commands_, least_, member_, help_)              \
	{                                                                                     \
		ROW(name_, type_, group_, commands_, least_, member_, help_), .value = value_ \
	}
/* clang-format on */

const struct option_row options_table[] = {
	SECRET("token", "TOKEN", GROUP_BOT, BOT, token, "the bot's token from @BotFather"),
	TEXT("token-file", "FILE", OPTION_TEXT, NULL, GROUP_BOT, BOT, token_file,
	     "read the token from FILE"),
	TEXT("api-url", "URL", OPTION_URL, "https://api.telegram.org", GROUP_BOT,
	     RUN | COMMAND_SEND | COMMAND_CALL | COMMAND_FLEET | FIXED, api_url,
	     "the Bot API server"),
	TEXT("ca-file", "FILE", OPTION_TEXT, NULL, GROUP_BOT,
	     RUN | COMMAND_SEND | COMMAND_CALL | FIXED, ca_file,
	     "trust a server whose certificate the authorities in FILE signed, and no other"),

	TEXT("handler", "COMMAND|URL", OPTION_TEXT, NULL, GROUP_HANDLER, HANDLING, handler,
	     "what runs for each update: a command, or a pipeline of commands; or the URL of a webhook's server, to which it is posted"),
	SECRET("webhook-secret", "SECRET", GROUP_HANDLER, HANDLING, webhook_secret,
	       "sent to webhooks, as setWebhook's secret_token is"),
	TEXT("webhook-secret-file", "FILE", OPTION_TEXT, NULL, GROUP_HANDLER, HANDLING,
	     webhook_secret_file, "read the secret for webhooks from FILE"),
	TEXT("route", "MATCH=COMMAND", OPTION_ROUTE, NULL, GROUP_HANDLER, HANDLING, route,
	     "another handler for updates of a kind, or with a /command; the first match counts; may be repeated"),
	WORD("mode", "exec|batch", "exec", mode_words, GROUP_HANDLER, HANDLING, policy.mode,
	     "a process for each update, or for many that it reads as JSON lines"),
	RANGE("batch-size", "N", OPTION_NUMBER, "100", 1, 1000, GROUP_HANDLER, HANDLING,
	      policy.batch_size, "updates in one batch, at most"),
	RANGE("batch-wait", "DURATION", OPTION_DURATION, "200ms", 0, 300 * SECONDS, GROUP_HANDLER,
	      HANDLING, policy.batch_wait,
	      "how long a batch waits to be full; with --batch-by (then 1s) for more to come"),
	TEXT("batch-by", "POINTER|chat", OPTION_TEXT, NULL, GROUP_HANDLER, HANDLING | FIXED,
	     policy.batch_by,
	     "one batch is what a chat sends in a burst, or what of it has one value at a JSON Pointer"),
	RANGE("workers", "N", OPTION_NUMBER, "0", 0, CONFIG_WORKERS_MAX, GROUP_HANDLER, HANDLING,
	      policy.handler.workers,
	      "processes of the handler that stay and get updates as JSON lines; 0: none"),
	FLAG("sticky", GROUP_HANDLER, HANDLING, policy.handler.sticky,
	     "give a chat's updates to the worker that had its last one"),
	RANGE("max-requests", "N", OPTION_NUMBER, "0", 0, 1000000000, GROUP_HANDLER, HANDLING,
	      policy.handler.max_requests, "updates after which a worker is replaced; 0: no limit"),
	RANGE("max-worker-age", "DURATION", OPTION_DURATION, "0", 0, YEAR, GROUP_HANDLER, HANDLING,
	      policy.handler.max_worker_age, "age at which a worker is replaced; 0: no limit"),
	RANGE("timeout", "DURATION", OPTION_DURATION, "60s", 0, YEAR, GROUP_HANDLER, HANDLING,
	      policy.handler.timeout, "how long a handler may run; 0: no limit"),
	RANGE("kill-after", "DURATION", OPTION_DURATION, "5s", 0, YEAR, GROUP_HANDLER, HANDLING,
	      policy.handler.kill_after, "time between SIGTERM and SIGKILL; 0: SIGKILL at once"),
	WORD("background", "wait|kill|leave", "wait", background_words, GROUP_HANDLER, HANDLING,
	     policy.handler.background, "what becomes of processes that a handler leaves behind"),
	WORD("stdout", "log|inherit|discard", "log", stdout_words, GROUP_HANDLER, HANDLING | FIXED,
	     stdout_to, "where a handler's output goes"),
	RANGE("max-output", "SIZE", OPTION_SIZE, "1M", 1, INT64_MAX, GROUP_HANDLER, HANDLING,
	      policy.handler.max_output,
	      "bytes of output that are logged of one run; more is dropped"),
	FLAG("hide-token", GROUP_HANDLER, HANDLING, engine.hide_token,
	     "do not give TG_TOKEN and TG_API_URL to handlers"),
	FLAG("clear-env", GROUP_HANDLER, HANDLING, clear_env,
	     "give handlers nothing of tgrun's own environment"),
	TEXT("env", "NAME[=VALUE]", OPTION_ENV, NULL, GROUP_HANDLER, HANDLING, env,
	     "pass a variable to handlers, or set one; may be repeated"),
	TEXT("chdir", "DIR", OPTION_TEXT, NULL, GROUP_HANDLER, HANDLING, chdir,
	     "the directory handlers start in"),
	RANGE("limit-memory", "SIZE", OPTION_SIZE, "0", 0, INT64_MAX, GROUP_HANDLER, HANDLING,
	      limit_memory, "address space of each process of a handler; 0: no limit of its own"),
	RANGE("limit-cpu", "DURATION", OPTION_DURATION, "0", 0, YEAR, GROUP_HANDLER, HANDLING,
	      limit_cpu, "processor time of each process of a handler; 0: no limit of its own"),
	RANGE("limit-files", "N", OPTION_NUMBER, "0", 0, 1000000000, GROUP_HANDLER, HANDLING,
	      limit_files, "open files of each process of a handler; 0: no limit of its own"),
	RANGE("limit-processes", "N", OPTION_NUMBER, "0", 0, 1000000000, GROUP_HANDLER, HANDLING,
	      limit_processes,
	      "processes of the user at which a handler can start no more; 0: no limit of its own"),
	RANGE("nice", "N", OPTION_NUMBER, "0", -40, 40, GROUP_HANDLER, HANDLING, nice,
	      "added to the niceness of handlers"),

	RANGE("concurrency", "N", OPTION_NUMBER, "16", 1, CONFIG_CONCURRENCY_MAX, GROUP_ORDER,
	      HANDLING, engine.concurrency, "handlers that run at the same time, at most"),
	{ ROW("key", OPTION_LIST, GROUP_ORDER,
	      HANDLING | COMMAND_CANCEL | COMMAND_PUSH | LISTS | FIXED, ANY, lists.key,
	      "what keeps updates in order: chat, topic, user, none, or a JSON Pointer; may be repeated; "
	      "of 'cancel', 'push' and 'list' a TG_KEY, such as chat:42: of what is to end, is pushed, or is listed"),
	  .value = "KEY", .fallback = "chat", .twofold = true },
	TEXT("bypass", "MATCH,...", OPTION_COMMAS, NULL, GROUP_ORDER, HANDLING | FIXED,
	     lists.bypass,
	     "kinds and /commands that neither wait for their chat nor hold it; may be repeated"),
	TEXT("max-age", "KIND=DURATION", OPTION_LIST, NULL, GROUP_ORDER, HANDLING, lists.max_age,
	     "skip updates of a kind that are older, besides those that can no longer be answered; none: no limits; "
	     "may be repeated"),

	WORD("reply", "none|text|pre|html|markdown|api", "none", reply_words, GROUP_ANSWER,
	     HANDLING, policy.reply, "send what the handler prints: it is the answer"),
	FLAG("reply-to", GROUP_ANSWER, HANDLING, policy.reply_to,
	     "let the answer quote the message"),
	FLAG("typing", GROUP_ANSWER, HANDLING, policy.typing,
	     "show that the bot writes, while its handler runs"),
	TEXT("reply-with", "NAME=VALUE", OPTION_LIST, NULL, GROUP_ANSWER, HANDLING,
	     lists.reply_with,
	     "a parameter for each answer, such as protect_content=true; may be repeated"),
	WORD("on-unsure", "retry|fail", "retry", unsure_words, GROUP_ANSWER,
	     HANDLING | COMMAND_SEND, engine.out.unsure,
	     "what becomes of a message of which nobody knows whether it arrived"),
	TEXT("on-undelivered", "COMMAND", OPTION_TEXT, NULL, GROUP_ANSWER, HANDLING, on_undelivered,
	     "what runs when a message could not be delivered"),
	TEXT("rate", "NAME=N/UNIT,...", OPTION_RATES, "chat=1/s,group=20/m,bulk=30/s", GROUP_ANSWER,
	     HANDLING | COMMAND_SEND, engine.out.rates,
	     "messages to a chat, to a group and in bulk, at most; 0: no limit"),
	FLAG("serve-api", GROUP_ANSWER, RUN | FIXED, engine.serve_api,
	     "serve the Bot API on 127.0.0.1, and give handlers a token of its own for it"),
	RANGE("outbox", "N", OPTION_NUMBER, "100000", 1, 10000000, GROUP_ANSWER, RUN,
	      engine.out.limit, "answers that wait to be sent, at which no handler starts"),

	OUTSIDE("chat", "ID|@NAME", OPTION_TEXT, GROUP_SEND, COMMAND_SEND | COMMAND_CANCEL,
		ORIGIN_ARGUMENT, chat,
		"where the message goes; of 'cancel' the chat in which all ends"),
	OUTSIDE("chats", "FILE", OPTION_TEXT, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, chats,
		"send it to each chat in FILE, one a line"),
	{ ROW("topic", OPTION_NUMBER, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, topic,
	      "the topic of the chat; 0: none"),
	  .value = "ID", .fallback = "0", .max = INT32_MAX },
	OUTSIDE("text", "TEXT", OPTION_DATA, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, text,
		"what to send; without it, standard input"),
	OUTSIDE("pre", NULL, OPTION_FLAG, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, pre,
		"in monospace"),
	OUTSIDE("html", NULL, OPTION_FLAG, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, html,
		"the text is HTML"),
	OUTSIDE("markdown", NULL, OPTION_FLAG, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, markdown,
		"the text is MarkdownV2"),
	OUTSIDE("file", "PATH", OPTION_LIST, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, file,
		"a file to send; may be repeated"),
	OUTSIDE("silent", NULL, OPTION_FLAG, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, silent,
		"without a sound"),
	OUTSIDE("stdin", "NAME", OPTION_TEXT, GROUP_CALL, COMMAND_CALL, ORIGIN_ARGUMENT, stdin_name,
		"the parameter NAME is what stands on standard input"),
	OUTSIDE("print", NULL, OPTION_MAYBE, GROUP_CALL, COMMAND_CALL | COMMAND_FLEET,
		ORIGIN_ARGUMENT, print,
		"print the result, or with --print=POINTER a part of it; of fleet init: print the SQL, and do nothing"),
	OUTSIDE("output", "PATH", OPTION_TEXT, GROUP_CALL, COMMAND_CALL | COMMAND_STATUS,
		ORIGIN_ARGUMENT, output,
		"of getFile: fetch the file itself to PATH; of status --prometheus: write it there; "
		"-: to standard output"),
	OUTSIDE("button", "LABEL=DATA", OPTION_LIST, GROUP_CALL, COMMAND_CALL, ORIGIN_ARGUMENT,
		button, "a button below the message; may be repeated"),
	OUTSIDE("row", NULL, OPTION_FLAG, GROUP_CALL, COMMAND_CALL, ORIGIN_ARGUMENT, row,
		"begin another row of buttons"),
	OUTSIDE("queue", NULL, OPTION_FLAG, GROUP_CALL, COMMAND_CALL, ORIGIN_ARGUMENT, queue,
		"leave the call in the outbox, and do not wait for it"),
	OUTSIDE("bulk", NULL, OPTION_FLAG, GROUP_CALL, COMMAND_CALL, ORIGIN_ARGUMENT, bulk,
		"of --queue: answers go first"),
	{ ROW("expire", OPTION_DURATION, GROUP_SEND, COMMAND_SEND | COMMAND_CALL, ORIGIN_ARGUMENT,
	      expire, "after so long it is not sent any more"),
	  .value = "DURATION", .fallback = "24h", .min = 1000, .max = YEAR },

	OUTSIDE("job", "NAME", OPTION_TEXT, GROUP_SEND, COMMAND_SEND, ORIGIN_ARGUMENT, job,
		"send it once to each chat, however often this is begun"),

	{ ROW("after", OPTION_DURATION, GROUP_PUSH, COMMAND_PUSH, ORIGIN_ARGUMENT, after,
	      "it comes when so much time has passed; 0: now"),
	  .value = "DURATION", .fallback = "0", .max = 10 * YEAR },
	OUTSIDE("at", "TIME", OPTION_TEXT, GROUP_PUSH, COMMAND_PUSH, ORIGIN_ARGUMENT, at,
		"it comes at this time, such as 2026-12-24T18:00:00+01:00, or seconds since 1970"),

	WORD("on-failure", "dead|retry|drop", "dead", failure_words, GROUP_FAILURE, HANDLING,
	     policy.handler.outcome.on_failure, "what becomes of an update whose handler failed"),
	RANGE("retry-delay", "DURATION", OPTION_DURATION, "1s", 0, 300 * SECONDS, GROUP_FAILURE,
	      HANDLING, policy.retry_delay,
	      "wait before the second attempt, doubled for each further one up to 5m"),
	RANGE("max-attempts", "N", OPTION_NUMBER, "10", 1, 1000000, GROUP_FAILURE, HANDLING,
	      policy.handler.outcome.max_attempts,
	      "attempts after which an update is a dead letter"),
	TEXT("on-timeout", "COMMAND", OPTION_TEXT, NULL, GROUP_FAILURE, HANDLING, on_timeout,
	     "what runs when a handler was ended by its timeout"),
	TEXT("on-error", "COMMAND", OPTION_TEXT, NULL, GROUP_FAILURE, HANDLING, on_error,
	     "what runs when a handler failed"),
	RANGE("breaker", "N", OPTION_NUMBER, "20", 0, 1000000, GROUP_FAILURE, HANDLING,
	      engine.breaker,
	      "failures in a row after which handlers are tried one at a time; 0: off"),
	TEXT("dead-keep", "all|N|AGE", OPTION_KEEP, "all", GROUP_FAILURE, RUN, dead_keep,
	     "dead letters that are kept: all, the last N, or those younger than AGE"),

	TEXT("only", "MATCH,...", OPTION_COMMAS, NULL, GROUP_RECEIVE, HANDLING, lists.only,
	     "handle these kinds and /commands and no others; may be repeated"),
	TEXT("ignore", "MATCH,...", OPTION_COMMAS, NULL, GROUP_RECEIVE, HANDLING, lists.ignore,
	     "do not handle these kinds and /commands; may be repeated"),
	TEXT("allow-user", "ID,...", OPTION_COMMAS, NULL, GROUP_RECEIVE, HANDLING, allow_user,
	     "handle updates of these users and of --allow-chat, and leave all others alone; may "
	     "be repeated"),
	TEXT("allow-chat", "ID,...", OPTION_COMMAS, NULL, GROUP_RECEIVE, HANDLING, allow_chat,
	     "handle updates of these chats and of --allow-user, and leave all others alone; may "
	     "be repeated"),
	TEXT("source", "FILE|-|exec:COMMAND", OPTION_TEXT, NULL, GROUP_RECEIVE, RUN | FIXED, source,
	     "take updates as JSON lines from a file, standard input or a program instead of Telegram"),
	RANGE("poll-timeout", "DURATION", OPTION_DURATION, "30s", 0, 50 * SECONDS, GROUP_RECEIVE,
	      RUN, poll.timeout, "how long the server holds a request open when there is nothing"),
	{ ROW("limit", OPTION_NUMBER, GROUP_RECEIVE, RUN | LISTS, ANY, poll.limit,
	      "updates in one response, at most; of 'list' lines"),
	  .value = "N", .fallback = "100", .min = 1, .max = 100, .twofold = true },
	TEXT("allowed-updates", "KIND,...|all|default", OPTION_COMMAS, "default", GROUP_RECEIVE,
	     RUN, allowed_updates, "the kinds of updates to ask for"),
	FLAG("drop-pending", GROUP_RECEIVE, RUN | FIXED, poll.drop_pending,
	     "at start, forget what waits at the server"),
	FLAG("delete-webhook", GROUP_RECEIVE, RUN | FIXED, poll.delete_webhook,
	     "at start, remove a webhook that is set"),
	RANGE("poll-delay", "DURATION", OPTION_DURATION, "0", 0, YEAR, GROUP_RECEIVE, RUN,
	      poll.delay, "wait between a response and the next request; 0: none"),
	TEXT("speed-traffic-balance", "0..1", OPTION_RATIO, "0", GROUP_RECEIVE, RUN, poll.balance,
	     "0: ask as fast as possible; towards 1: wait for fuller responses and ask less often"),
	RANGE("max-delay", "DURATION", OPTION_DURATION, "500ms", 0, 300 * SECONDS, GROUP_RECEIVE,
	      RUN, poll.max_delay, "the longest wait that the balance may choose"),
	WORD("retry-interval", "exponential|quadratic|constant", "exponential", growth_words,
	     GROUP_RECEIVE, RUN, poll.growth,
	     "how the waits between failed requests to the server grow, from 1s to 60s"),
	RANGE("backlog", "N", OPTION_NUMBER, "100000", 1, 100000000, GROUP_RECEIVE, RUN,
	      engine.backlog, "unfinished updates at which fetching pauses"),

	TEXT("state-dir", "DIR", OPTION_TEXT, NULL, GROUP_STATE, BOT | FIXED, state_dir,
	     "where the queue is kept"),
	TEXT("store", "sqlite|memory|URL", OPTION_STORE, "sqlite", GROUP_STATE, BOT | FIXED, store,
	     "how the queue is kept; memory: not at all; postgresql://HOST/DATABASE: for several machines"),
	TEXT("node", "NAME", OPTION_TEXT, NULL, GROUP_STATE, RUN | FIXED, node,
	     "this machine's name among those that share a queue, for people"),
	RANGE("lease", "DURATION", OPTION_DURATION, "30s", 5 * SECONDS, 600 * SECONDS, GROUP_STATE,
	      RUN | FIXED, lease,
	      "how long a machine that shares a queue may be silent before others take over"),
	RANGE("min-free", "SIZE", OPTION_SIZE, "64M", 0, INT64_MAX, GROUP_STATE, RUN | COMMAND_PUSH,
	      engine.min_free,
	      "free space on the disk below which fetching pauses; 0: any will do"),

	FLAG("once", GROUP_LIFE, RUN | FIXED, once, "handle what is due, then end"),
	RANGE("max-runtime", "DURATION", OPTION_DURATION, "0", 0, YEAR, GROUP_LIFE, RUN,
	      engine.max_runtime, "stop gracefully after so long; 0: never"),
	FLAG("unless-running", GROUP_LIFE, RUN | FIXED, unless_running,
	     "end silently if another tgrun runs this bot here"),
	RANGE("give-up-after", "DURATION", OPTION_DURATION, "0", 0, YEAR, GROUP_LIFE, RUN,
	      poll.give_up_after,
	      "end when the server could not be reached for so long; 0: never; with --once, 30s unless given"),
	RANGE("shutdown-timeout", "DURATION", OPTION_DURATION, "30s", 0, YEAR, GROUP_LIFE, HANDLING,
	      engine.shutdown_timeout,
	      "how long handlers may finish when tgrun stops; 0: not at all"),

	WORD("log-format", "text|json", "text", format_words, GROUP_LOG, HANDLING, log_format,
	     "lines for people or for machines"),
	WORD("log-level", "error|warn|info|debug", "info", level_words, GROUP_LOG, HANDLING,
	     log_level, "how much is logged"),

	OUTSIDE("config", "FILE", OPTION_TEXT, GROUP_OTHER, ALL, ORIGIN_ENVIRONMENT, config,
		"read options from FILE"),
	OUTSIDE("json", NULL, OPTION_FLAG, GROUP_OTHER,
		COMMAND_DEAD | COMMAND_QUEUE | COMMAND_OUTBOX | COMMAND_SEND | COMMAND_STATUS |
			COMMAND_FLEET | COMMAND_LIST,
		ORIGIN_ARGUMENT, json, "print one JSON object a line"),
	OUTSIDE("kind", "KIND,...", OPTION_COMMAS, GROUP_OTHER, LISTS, ORIGIN_ARGUMENT, kind,
		"list only these kinds, of the outbox these methods; may be repeated"),
	{ ROW("older", OPTION_DURATION, GROUP_OTHER, LISTS, ORIGIN_ARGUMENT, older,
	      "list only what came, failed or was made so long ago, or earlier; 0: all"),
	  .value = "DURATION", .fallback = NULL, .max = 100 * YEAR },
	OUTSIDE("reason", "TEXT", OPTION_TEXT, GROUP_OTHER, COMMAND_DEAD | COMMAND_OUTBOX,
		ORIGIN_ARGUMENT, reason, "list only those in whose reason TEXT stands"),
	OUTSIDE("all", NULL, OPTION_FLAG, GROUP_OTHER, LISTS | COMMAND_STATUS, ORIGIN_ARGUMENT, all,
		"of drop, clear and retry: all dead letters, updates that wait, or messages that failed; "
		"of status: all bots of this machine"),
	{ ROW("state", OPTION_WORD, GROUP_OTHER, COMMAND_OUTBOX, ORIGIN_ARGUMENT, state,
	      "list only the messages that wait, are being sent, or failed"),
	  .value = "waiting|sending|failed", .words = state_words },
	OUTSIDE("check", NULL, OPTION_FLAG, GROUP_OTHER, COMMAND_STATUS, ORIGIN_ARGUMENT, check,
		"end with 1, and a line that says why, if something is wrong"),
	{ ROW("oldest", OPTION_DURATION, GROUP_OTHER, COMMAND_STATUS, ORIGIN_ARGUMENT, oldest,
	      "of --check: how long the oldest update may have waited; 0: for ever"),
	  .value = "DURATION", .fallback = "5m", .max = YEAR },
	{ ROW("max-dead", OPTION_NUMBER, GROUP_OTHER, COMMAND_STATUS, ORIGIN_ARGUMENT, max_dead,
	      "of --check: dead letters that there may be; 0: none, -1: any number"),
	  .value = "N", .fallback = "-1", .min = -1, .max = INT32_MAX },
	OUTSIDE("prometheus", NULL, OPTION_FLAG, GROUP_OTHER, COMMAND_STATUS, ORIGIN_ARGUMENT,
		prometheus, "print the figures as Prometheus reads them"),
	OUTSIDE("role", "ROLE", OPTION_TEXT, GROUP_OTHER, COMMAND_FLEET, ORIGIN_ARGUMENT, role,
		"of fleet init: the PostgreSQL role that machines and tools connect as"),
	OUTSIDE("force", NULL, OPTION_FLAG, GROUP_OTHER, COMMAND_FLEET, ORIGIN_ARGUMENT, force,
		"of fleet evict: at once; what runs there may run twice"),
	OUTSIDE("watch", NULL, OPTION_FLAG, GROUP_OTHER, COMMAND_STATUS, ORIGIN_ARGUMENT, watch,
		"print the status again and again"),
	OUTSIDE("wait", NULL, OPTION_FLAG, GROUP_OTHER, COMMAND_STOP | COMMAND_DRAIN | COMMAND_SEND,
		ORIGIN_ARGUMENT, wait, "end when the runner has ended, or the message has arrived"),
	OUTSIDE("updates", "FILE", OPTION_TEXT, GROUP_OTHER, COMMAND_TRY, ORIGIN_ARGUMENT, updates,
		"handle the updates in FILE, one JSON object a line, and end"),
	OUTSIDE("record", "FILE", OPTION_TEXT, GROUP_OTHER, COMMAND_TRY, ORIGIN_ARGUMENT, record,
		"write the conversation to FILE"),
	OUTSIDE("replay", "FILE", OPTION_TEXT, GROUP_OTHER, COMMAND_TRY, ORIGIN_ARGUMENT, replay,
		"have a recorded conversation again, and show what differs"),
	OUTSIDE("help", NULL, OPTION_FLAG, GROUP_OTHER, ALL, ORIGIN_ARGUMENT, help,
		"print this help (-h)"),
	OUTSIDE("version", NULL, OPTION_FLAG, GROUP_OTHER, ALL, ORIGIN_ARGUMENT, version,
		"print the version (-V)"),
};

const size_t options_table_count = sizeof options_table / sizeof options_table[0];
_Static_assert(sizeof options_table / sizeof options_table[0] <= CONFIG_OPTIONS_MAX,
	       "struct config has room for the origin of each option");

const struct option_row *options_row(const char *name, size_t n)
{
	for (size_t i = 0; i < options_table_count; i++)
		if (strlen(options_table[i].name) == n &&
		    memcmp(options_table[i].name, name, n) == 0)
			return &options_table[i];
	return NULL;
}

void options_variable(const struct option_row *row, char out[64])
{
	snprintf(out, 64, "TGRUN_%s", row->name);
	for (char *p = out; *p; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

const struct option_row *options_row_of_variable(const char *name, size_t n)
{
	char variable[64];
	for (size_t i = 0; i < options_table_count; i++) {
		options_variable(&options_table[i], variable);
		if (strlen(variable) == n && memcmp(variable, name, n) == 0 &&
		    options_table[i].least <= ORIGIN_ENVIRONMENT)
			return &options_table[i];
	}
	return NULL;
}

const struct option_row *options_row_of_member(const struct config *c, const void *member)
{
	size_t offset = (size_t)((const char *)member - (const char *)c);
	for (size_t i = 0; i < options_table_count; i++)
		if (options_table[i].offset == offset)
			return &options_table[i];
	return NULL;
}

const struct option_row *options_nearest(const char *name, enum origin origin)
{
	const char *names[CONFIG_OPTIONS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < options_table_count; i++)
		if (options_table[i].least <= origin)
			names[count++] = options_table[i].name;
	const char *near = nearest_find(name, names, count);
	return near ? options_row(near, strlen(near)) : NULL;
}
