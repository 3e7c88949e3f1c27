/* cli/setup/setup: from the options to what the engine wants: the token, the handler's command, its
 * environment, the state directory's path. */
#ifndef TGRUN_CLI_SETUP_SETUP_H
#define TGRUN_CLI_SETUP_SETUP_H

#include "api/api_root.h"
#include "base/err.h"
#include "base/secret.h"
#include "cli/options/options.h"
#include "engine/engine.h"
#include "slot/words.h"

struct setup {
	struct config config;
	char **argv, **envp; /* copies, to be parsed again on SIGHUP */
	/* SIGHUP was ignored when this process began: it outlives its terminal */
	bool nohup;
	/* of a SIGHUP: nothing is looked for that cannot change while tgrun runs */
	bool reload;
	struct secret *secret;         /* NULL until setup_token() */
	char *webhook_secret;          /* NULL: none; the same until setup_webhook() */
	struct api_root api;           /* empty until setup_api(), and so are the next two */
	const char *ca_file, *ca_dirs; /* for http_trust(); the config's, or the environment's */
	struct words words;            /* the handler's; empty until setup_handler() */
	/* the same; route_words is one for each route of the config */
	struct words *route_words, on_error, on_timeout, on_undelivered, source;
	struct engine_route *routes; /* one more: the handler's own is the last */
	char **env;                  /* the same */
	char *dir;                   /* --chdir, absolute; NULL: none */
	struct slot_limits limits;   /* until setup_handler(): none */
	char *state_dir;             /* NULL until setup_state_dir() */
	char *allowed_updates;       /* JSON; NULL: not sent */
};

/* Parses the options. `s` is overwritten; setup_release() in every case. 0 or -1 with `err`. */
int setup_options(struct setup *s, char *const *argv, char *const *envp, struct err *err);

/* Reads the token: --token, --token-file, TGRUN_TOKEN, the config file, or
 * $CREDENTIALS_DIRECTORY/token. A file that others may read becomes a warning in the config. 0,
 * with `secret` NULL when there is none and another source than Telegram, or -1 with `err`
 * (ERR_NOPERM; ERR_USAGE when there is none). The secret hides the password of --store, too. */
int setup_token(struct setup *s, struct err *err);

/* Reads the secret of webhooks: --webhook-secret, --webhook-secret-file, TGRUN_WEBHOOK_SECRET, the
 * config file, or $CREDENTIALS_DIRECTORY/webhook-secret; there may be none. After setup_token():
 * what hides the token hides it, too. Before setup_handler(). 0 or -1 with `err`. */
int setup_webhook(struct setup *s, struct err *err);

/* Reads a file with a secret, which may be a pipe, into `text` of SETUP_SECRET_MAX bytes; *n, from
 * 0, counts them. `what` it is: `token file`. One that others may read becomes a warning. 0, or -1
 * with `err` (ERR_NOPERM). */
enum { SETUP_SECRET_MAX = 4096 };
int setup_read_secret(struct setup *s, const char *what, const char *path, char *text, size_t *n,
		      struct err *err);

/* The path of a credential that the service manager gave, in `path` of PATH_MAX bytes; false: it
 * gave none of that name. */
bool setup_credential(const char *name, char *path);

/* Splits and finds the handler, the routes' and the hooks' commands, and builds their environment.
 * `cwd`: a relative path means this directory. 0 or -1 with `err`. */
int setup_handler(struct setup *s, const char *cwd, struct err *err);

/* Warns of each handler whose script names Telegram's own server, and not what handlers are given
 * in its place; `instead` says what becomes of what it sends there. After setup_handler(). */
void setup_look_telegram(struct setup *s, const char *instead);

/* The limits of handlers among the options. 0, or -1 with `err` (ERR_CONFIG) when one of them
 * cannot be set: it is above tgrun's own. */
int setup_limits(struct setup *s, struct slot_limits *out, struct err *err);

/* The directory in which a user's bots have their states, by their ids, where nothing else is said;
 * *path becomes the caller's. 0, or -1 with `err` (ERR_CANTCREATE: this user has no home). */
int setup_state_home(char **path, struct err *err);

/* The state directory's path (not opened). 0 or -1 with `err`. */
int setup_state_dir(struct setup *s, struct err *err);

/* Where the API is, whom to trust there, and allowed_updates as JSON, with a warning for each
 * unknown kind. After setup_token(): the secret hides the server's password, too. 0 or -1 with
 * `err`. */
int setup_api(struct setup *s, struct err *err);

/* The command behind `exec:` of --source; NULL: the source is no program, or none is given. It is
 * part of the config (setup_source.c). */
const char *setup_source_program(const struct config *c);

/* Whether a source that is given could be opened. Opens nothing. 0 or -1 with `err`. */
int setup_source_check(const struct config *c, struct err *err);

/* Opens the source; call it when the slots were forked, so that they do not inherit descriptors.
 * *fd gets the descriptor that updates are read from, *feed the end of a pipe that its program
 * writes; both become the caller's. Without --source *fd stays as it was, without a program *feed.
 * 0, or -1 with `err`. */
int setup_source_open(const struct config *c, int *fd, int *feed, struct err *err);

/* What the engine takes of a setup whose handler was set up: borrowed from `s`, which outlives the
 * use of it. */
struct engine_options setup_engine_options(const struct setup *s);

/* Frees what setup_handler() made; setup_release() does it too, which frees all. */
void setup_release_handlers(struct setup *s);
void setup_release(struct setup *s);

#endif
