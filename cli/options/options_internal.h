/* cli/options/options_internal: one row for each option, and how a text becomes its value. Inside
 * of cli/options only. */
#ifndef TGRUN_CLI_OPTIONS_OPTIONS_INTERNAL_H
#define TGRUN_CLI_OPTIONS_OPTIONS_INTERNAL_H

#include "cli/options/options.h"

enum option_type {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* char * */
	OPTION_DATA,   /* char *, whatever it begins with: always attached, --text=TEXT */
	OPTION_MAYBE,  /* char *, whose value may be left out, which is "", and is attached else */
	OPTION_LIST,   /* struct texts, an item for each value */
	OPTION_COMMAS, /* struct texts, values are cut at commas */
	OPTION_ENV,    /* struct texts of NAME or NAME=VALUE */
	OPTION_DURATION, /* int64_t, milliseconds */
	OPTION_SIZE,     /* int64_t, bytes */
	OPTION_NUMBER,   /* int */
	OPTION_WORD,     /* int or an enum, an index of `words` */
	OPTION_KEEP,     /* char *, and the two of struct engine_policy */
	OPTION_URL,      /* char * */
	OPTION_STORE,    /* char *: sqlite, memory, or a URL */
	OPTION_RATIO,    /* int, thousandths of a number from 0 to 1 */
	OPTION_RATES,    /* struct outbox_rates: what is named replaces what was there */
	OPTION_ROUTE,    /* struct routes */
};

enum option_group {
	GROUP_BOT,
	GROUP_HANDLER,
	GROUP_ORDER,
	GROUP_ANSWER,
	GROUP_SEND,
	GROUP_CALL,
	GROUP_PUSH,
	GROUP_FAILURE,
	GROUP_RECEIVE,
	GROUP_STATE,
	GROUP_LIFE,
	GROUP_LOG,
	GROUP_OTHER,
	GROUP_COUNT,
};

struct option_row {
	const char *name;
	/* the name of its value in --help; NULL: a flag. With COMMAND in it, the value is cut into
	 * words later, and its quotes stay until then */
	const char *value;
	const char *fallback; /* its default, as it would be written; NULL: none */
	const char *help;
	enum option_type type;
	enum option_group group;
	unsigned commands; /* bits of enum command_bit */
	bool secret;       /* its value is starred out where it was given */
	/* it cannot change while tgrun runs: a reload names it, and leaves it */
	bool fixed;
	/* to a sub-command that handles nothing it means another thing, which has no default, and
	 * as a number no other limit than an int */
	bool twofold;
	unsigned char least;      /* enum origin: the lowest level at which it may stand */
	size_t offset, size;      /* of its member in struct config */
	int64_t min, max;         /* of durations, sizes, numbers */
	const char *const *words; /* of OPTION_WORD, ends in NULL */
};

extern const struct option_row options_table[];
extern const size_t options_table_count;

/* The row of an option's name, of `n` bytes; of a TGRUN_ variable's name; of a member of struct
 * config. NULL if there is none. */
const struct option_row *options_row(const char *name, size_t n);
const struct option_row *options_row_of_variable(const char *name, size_t n);
const struct option_row *options_row_of_member(const struct config *c, const void *member);

/* Writes TGRUN_POLL_TIMEOUT for `poll-timeout`. */
void options_variable(const struct option_row *row, char out[64]);

/* The option nearest in spelling that may stand at level `origin`; NULL if none is near. */
const struct option_row *options_nearest(const char *name, enum origin origin);

/* The sub-command of that name; 0 if there is none; then *near is the one nearest in spelling, or
 * NULL. */
enum command_bit options_command(const char *name, const char **near);

/* The sub-commands of `bits` for a sentence: 'run', 'try' and 'check'. */
void options_command_list(unsigned bits, char *out, size_t n);

/* Whether both say the same of the row's option. */
bool options_same(const struct config *a, const struct config *b, const struct option_row *row);

/* Turns `value` into the row's member (replacing a list that came from a lower level) and remembers
 * where it came from. 0, or -1 with `err` (ERR_USAGE), which says where the value stands. */
int options_set(struct config *c, const struct option_row *row, const char *value,
		enum origin origin, int line, struct err *err);

/* Turns `value` into the value at `member`, whatever struct that is in, for all types but
 * OPTION_KEEP and OPTION_ROUTE. Items are added to a list; a text is replaced. 0, or -1 with `err`
 * (ERR_USAGE), which does not say where the value stands. */
int options_value_set(const struct option_row *row, void *member, const char *value,
		      struct err *err);

/* What follows from handlers that are URLs: which are none, what goes out unencrypted, and which
 * options only a process obeys. 0, or -1 with `err` (ERR_USAGE). After options_route_check(). */
int options_url_check(struct config *c, struct err *err);

/* ---- options_route.c; each returns 0, or -1 with `err` ---- */

/* Adds a route behind the others, from `MATCH=COMMAND`. */
int options_route_add(struct routes *routes, const char *value, struct err *err);

/* Adds a route for the match of `n` bytes, without a handler yet; `line` of the config file. */
int options_route_open(struct routes *routes, const char *match, size_t n, int line,
		       struct err *err);

/* Sets one key of a section: `handler`, `allow-user`, `allow-chat`, or the name of an option whose
 * member is in struct route_policy. */
int options_route_set(struct route_config *route, const char *key, const char *value,
		      struct err *err);

/* Checks what holds for all routes of a whole config, and fills in what a route does not set. */
int options_route_check(struct config *c, struct err *err);

/* Frees the routes; there is none then. */
void options_route_release(struct routes *routes);

/* Opens the route of the file's next section, [MATCH] at `line`, `n` bytes; the first one replaces
 * the routes that came from a lower level. 0, or -1 with `err`. */
int options_section(struct config *c, const char *match, size_t n, int line, struct err *err);

/* Forgets the row's value: back to the default, or nothing. */
void options_unset(struct config *c, const struct option_row *row);

/* Sets all defaults. 0, or -1 with `err`. */
int options_defaults(struct config *c, struct err *err);

/* Appends a text to a list: 0, or -1 when memory is out. */
int options_text_add(struct texts *t, const char *s, size_t n);

/* Appends the items of a list with commas between. 0, or -1 with `err`. */
int options_commas_add(struct texts *t, const char *value, struct err *err);

/* Frees the items; the list is empty then. */
void options_texts_release(struct texts *t);

/* Replaces *text by a copy of `value`. 0, or -1 with `err`, and then it is as it was. */
int options_text_set(char **text, const char *value, struct err *err);

/* Wipes and frees *text, which is NULL then. */
void options_text_release(char **text);

/* Checks ids of --allow-user (`users`) or of --allow-chat. 0, or -1 with `err`. */
int options_check_ids(const struct texts *ids, bool users, struct err *err);

/* Whether `batch_by` of a policy, which is not NULL, says what it may, and can do anything. 0, or
 * -1 with `err`. */
int options_check_batch_by(const struct route_policy *policy, struct err *err);

/* What no single value shows: contradictions, what is missing, what deserves a warning. 0, or -1
 * with `err`. */
int options_check(struct config *c, struct err *err);

/* Rewrites a line of the config file, in place, as `name = value` if it is an argument of a command
 * line (`--name value`) or a variable of a shell (`export TGRUN_NAME=value`). Any other line stays.
 * `line` ends in a NUL and has room for `size` bytes, that NUL too. */
void config_line_tidy(char *line, size_t size);

/* Takes quotes around a value of the file away, and a comment behind it, in place; a command, which
 * is cut into words later, stays. 0, or -1 with `err` (ERR_USAGE). */
int config_line_value(const struct option_row *row, char *value, struct err *err);

/* Reads the file c->config into `c`. 0, or -1 with `err` (ERR_CONFIG, ERR_USAGE). */
int config_file_read(struct config *c, struct err *err);

#endif
