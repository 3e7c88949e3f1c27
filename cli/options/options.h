/* cli/options/options: argv, the environment and a config file in, one `struct config` out.
 *
 * One table (options_table.c) has a row for each option; argv, TGRUN_* variables, the file, --help
 * and the tests of the man page all read it. An option's name is also its key in the file, and
 * TGRUN_ plus the name in capitals, with underscores, its variable. Command line beats environment
 * beats file beats default. A list of a higher level replaces that of a lower one. */
#ifndef TGRUN_CLI_OPTIONS_OPTIONS_H
#define TGRUN_CLI_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/texts.h"
#include "cli/commands.h"
#include "engine/engine.h"

/* Where a value came from; a later one beats an earlier one. */
enum origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_ARGUMENT };

/* The values of the options that take one of several words, unless the member is an enum of a room
 * (log_format and log_level: the enums of that name). */
enum { STDOUT_LOG, STDOUT_INHERIT, STDOUT_DISCARD };
enum { STATE_WAITING, STATE_SENDING, STATE_FAILED };

/* milliseconds: of give_up_after with --once, unless it is given */
enum { CONFIG_ONCE_GIVE_UP = 30000 };

/* handlers at once; workers of one handler */
enum { CONFIG_CONCURRENCY_MAX = 4096, CONFIG_WORKERS_MAX = 1024 };

enum { CONFIG_WARNINGS_MAX = 16, CONFIG_OPTIONS_MAX = 128, CONFIG_ROUTES_MAX = 31 };

/* A route: which updates go to a handler of their own. All of `policy` holds what counts: what the
 * route does not set is that of the config, except that its `mode` is then exec and its `workers`
 * 0, since how a program is spoken to is a matter of that program. */
struct route_config {
	char *match;   /* for match_one() */
	char *handler; /* as given */
	int line;      /* in the config file; 0: from elsewhere */
	struct route_policy policy;
	/* by a member's offset in `policy`: the route itself says it */
	bool set[sizeof(struct route_policy)];
	bool set_allow; /* the next two count; else those of the config do */
	struct texts allow_user, allow_chat;
};

struct routes {
	struct route_config *items; /* in the order in which they are tried */
	size_t count;
};

/* What a room takes as a struct of options is a member as it is (policy, engine, lists, poll), and
 * is handed on as it is. Other members are named like the options. Texts are NULL when not given;
 * durations are milliseconds, sizes bytes. Everything belongs to the config. */
struct config {
	enum command_bit command;
	bool command_given;     /* the sub-command was named */
	struct texts arguments; /* after the sub-command (dead, queue, outbox): its verb and
				   numbers; cancel: numbers; help: a sub-command that there is */
	/* what followed `--` (run, try, check); then `handler` is NULL */
	struct texts handler_argv;

	/* at most one of them: the one that was given closer to the command line */
	char *token, *token_file;
	char *webhook_secret, *webhook_secret_file; /* the same */
	char *handler;                              /* a command, or a URL */
	char *config;                               /* as given */
	char *state_dir;
	char *store;   /* sqlite, memory, or a URL as of fleet_url_is() */
	char *node;    /* NULL: the host's name */
	int64_t lease; /* milliseconds */
	struct engine_policy engine;
	struct engine_lists lists;
	char *dead_keep;                     /* as given; `engine` has what it means */
	struct texts allow_user, allow_chat; /* cut at commas; checked, for allow_new() */
	/* of the handler; `mode` is exec or batch: `workers` above 0 is a mode of its own */
	struct route_policy policy;
	struct routes route;
	char *on_timeout, *on_error, *on_undelivered; /* commands, as given */
	int stdout_to;                                /* STDOUT_*; the option is --stdout */
	bool clear_env;
	struct texts env; /* NAME or NAME=VALUE */
	char *chdir;
	int64_t limit_memory, limit_cpu; /* 0: as tgrun has it; so are the next two */
	int limit_files, limit_processes;
	int nice;                     /* added to tgrun's own */
	char *source;                 /* FILE, `-` for stdin, or `exec:COMMAND`; NULL: Telegram */
	struct poll_options poll;     /* give_up_after: 30 s with --once unless given */
	struct texts allowed_updates; /* cut at commas; one item `all` or `default`, or kinds */
	char *api_url;                /* as given; checked, for api_root_read() */
	bool api_login;               /* there is a user or a password in it */
	char *ca_file;
	bool once;
	bool unless_running;
	int log_format, log_level; /* enum log_format, enum log_level */
	char *chat;                /* of `send`, and of `cancel`, whose keys stand in lists.key */
	/* of `send` */
	char *text, *chats, *job;
	struct texts file;
	int topic;      /* 0: none */
	int64_t expire; /* milliseconds */
	bool pre, html, markdown, silent;
	/* of `call`, `expire` too; an item "=" of `button` begins a row of buttons */
	struct texts button;
	char *print; /* a JSON Pointer, "": all of it */
	char *output, *stdin_name;
	bool row, queue, bulk;
	/* of `push`, whose keys stand in lists.key */
	int64_t after; /* milliseconds */
	char *at;      /* for clock_read() */
	bool json, wait, watch, all;
	char *role; /* of `fleet`, and so is the next */
	bool force;
	/* of a list, whose keys stand in lists.key, and the most lines in poll.limit */
	struct texts kind;
	int64_t older; /* milliseconds */
	char *reason;
	/* of `status`, `output` too */
	bool check, prometheus;
	int64_t oldest;                  /* milliseconds; 0: no limit */
	int max_dead;                    /* -1: no limit */
	int state;                       /* STATE_*; any, unless given */
	char *updates, *record, *replay; /* of `try` */
	bool help, version;

	char *warnings[CONFIG_WARNINGS_MAX]; /* sentences for the log */
	size_t warning_count;

	/* For each row of the table: where its value came from. Read it by config_origin(). */
	struct {
		unsigned char origin; /* enum origin */
		int line;             /* in the config file */
	} from[CONFIG_OPTIONS_MAX];
};

/* Fills in `c`, which is overwritten without looking at it. The secret part of a token in `argv` is
 * overwritten by `*` (the length stays), so parse a copy (options_copy) when it is to be parsed
 * again. `argv[0]` is skipped. With --help or --version nothing else is checked: look at `help` and
 * `version` first. Returns 0, or -1 with `err`: ERR_USAGE, or ERR_CONFIG for a config file that
 * cannot be read or is no config file. A token never stands in `err`. After either,
 * config_release() frees what `c` holds. */
int options_parse(struct config *c, int argc, char **argv, char **envp, struct err *err);

/* Frees and wipes; `c` is then empty. An empty config, `{ 0 }`, is fine. */
void config_release(struct config *c);

/* Where the value of a member came from: config_origin(c, &c->timeout). */
enum origin config_origin(const struct config *c, const void *member);

/* The same for a sentence, in `out`: `option '--timeout'`, `TGRUN_TIMEOUT`, `config file 'x', line
 * 3`, `the default of '--timeout'`. Returns `out`. */
const char *config_where(const struct config *c, const void *member, char *out, size_t n);

/* Adds a warning, a sentence for the log. Beyond CONFIG_WARNINGS_MAX, or when memory is out, it is
 * dropped. */
void options_warn(struct config *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The URL that the handler of a route is, or with NULL the handler that takes all others; NULL: it
 * is a command. It belongs to the config. */
const char *config_url(const struct config *c, const struct route_config *route);

/* Whether a file with a secret is open to others, in a way that its owner could mend: not on what
 * is mounted read-only or at /run/secrets. */
bool options_others_may_read(const char *path);

/* The names of the options that differ and cannot change while tgrun runs. Returns how many. */
size_t options_fixed(const struct config *old, const struct config *fresh,
		     const char *names[CONFIG_OPTIONS_MAX]);

/* The name of a sub-command; whether it takes arguments; what a list of them says in messages:
 * `list, show N`. */
const char *options_command_name(enum command_bit command);
bool options_command_takes(enum command_bit command);
void options_command_words(enum command_bit command, char *out, size_t n);

/* A deep copy of a vector of strings that ends in NULL. NULL when memory is out. */
char **options_copy(char *const *argv);
void options_free_copy(char **argv); /* wipes; NULL is fine */

/* Writes the help: of what `tgrun help COMMAND` or `tgrun COMMAND --help` names, else of all.
 * Returns 0, or -1 when writing fails. */
int options_help(const struct config *c, FILE *out);

/* Writes `tgrun VERSION` and a line feed; behind it what the build was made without. */
int options_version(FILE *out);

/* Stars for what looks like a token or a URL's password, in place: one may have been typed at a
 * wrong place, and errors quote what was typed. */
void options_redact(char *text);

#endif
