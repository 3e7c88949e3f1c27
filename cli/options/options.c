/* cli/options/options: the sources of the configuration in their order. argv is read first, since
 * it may name the config file and the sub-command; then the values are set from the lowest level
 * up: defaults, file, environment, argv. Invariant: nothing is guessed, and no token is left in
 * argv or comes out in an error. */
#include "cli/options/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options/options_internal.h"
#include "queue/shared/fleet_url.h"

/* An option as it stands on the command line. */
struct item {
	const struct option_row *row;
	const char *value;
};

struct reading {
	struct config *c;
	char **argv; /* the caller's, in which a token is overwritten */
	char **copy; /* of argv; values point into it */
	struct item *items;
	size_t count;
};

char **options_copy(char *const *argv)
{
	struct texts t = { 0 };
	for (; *argv; argv++)
		if (options_text_add(&t, *argv, strlen(*argv))) {
			options_free_copy(t.items);
			return NULL;
		}
	return t.items ? t.items : calloc(1, sizeof *t.items);
}

void options_free_copy(char **argv)
{
	for (char **p = argv; p && *p; p++) {
		explicit_bzero(*p, strlen(*p));
		free(*p);
	}
	free(argv);
}

/* Overwrites what follows the bot's id by stars; all of it when it is no token. */
static void hide_secret(char *token)
{
	size_t digits = strspn(token, "0123456789");
	if (digits && token[digits] == ':')
		token += digits + 1;
	memset(token, '*', strlen(token));
}

/* Stars for passwords in URLs, or users where there is nothing else, up to the last `@` of the
 * word: in a password there may be one, too. */
static void hide_logins(char *text)
{
	for (char *p = text; (p = strstr(p, "://"));) {
		p += 3;
		char *end = p + strcspn(p, " \t\n'\""), *at = memrchr(p, '@', (size_t)(end - p));
		char *colon = at ? memchr(p, ':', (size_t)(at - p)) : NULL;
		char *from = colon ? colon + 1 : p;
		if (at)
			memset(from, '*', (size_t)(at - from));
	}
}

void options_redact(char *text)
{
	hide_logins(text);
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	for (char *p = text; (p = strchr(p, ':')); p++) {
		size_t n = strspn(p + 1, alphabet);
		if (p > text && isdigit((unsigned char)p[-1]) && n >= 8)
			memset(p + 1, '*', n);
	}
}

static int unknown_option(const char *name, size_t n, struct err *err)
{
	char word[64];
	const char *bare = name + strspn(name, "-");
	snprintf(word, sizeof word, "%.*s", (int)(n - (size_t)(bare - name)), bare);
	bool off = strncmp(word, "no-", 3) == 0;
	const struct option_row *near = options_nearest(word + (off ? 3 : 0), ORIGIN_ARGUMENT);
	if (near && off && near->type != OPTION_FLAG)
		return err_set(err, ERR_USAGE, "unknown option '%.*s': '--%s' takes a value",
			       (int)n, name, near->name);
	if (near)
		return err_set(err, ERR_USAGE, "unknown option '%.*s'; did you mean '--%s%s'?",
			       (int)n, name, off ? "no-" : "", near->name);
	return err_set(err, ERR_USAGE, "unknown option '%.*s'", (int)n, name);
}

/* The sub-command of that name into *command. 0, or -1 with `err`. */
static int read_command(enum command_bit *command, const char *word, struct err *err)
{
	const char *near;
	*command = options_command(word, &near);
	if (*command)
		return 0;
	if (near)
		return err_set(err, ERR_USAGE, "unknown sub-command '%s'; did you mean '%s'?", word,
			       near);
	if (strchr(word, '/'))
		return err_set(err, ERR_USAGE,
			       "unknown sub-command '%s'; did you mean '--handler %s'?", word,
			       word);
	char list[256];
	options_command_list(COMMAND_ALL, list, sizeof list);
	return err_set(err, ERR_USAGE, "unknown sub-command '%s'; there are %s", word, list);
}

static int read_argument(struct config *c, const char *word, struct err *err)
{
	enum command_bit other;
	if (!c->command_given) {
		c->command_given = true;
		return read_command(&c->command, word, err);
	}
	if (c->command & COMMAND_HANDLING)
		return err_set(err, ERR_USAGE,
			       "unexpected argument '%s'; a handler follows '--handler' or '--'",
			       word);
	if (c->command == COMMAND_HELP && c->arguments.count)
		return err_set(err, ERR_USAGE,
			       "unexpected argument '%s'; 'tgrun help %s' tells all", word,
			       c->arguments.items[0]);
	if (c->command == COMMAND_HELP && read_command(&other, word, err))
		return -1;
	if (!options_command_takes(c->command))
		return err_set(err, ERR_USAGE, "unexpected argument '%s'; 'tgrun %s' takes none",
			       word, options_command_name(c->command));
	return options_text_add(&c->arguments, word, strlen(word))
		       ? err_set(err, ERR_INTERNAL, "out of memory")
		       : 0;
}

/* Reads the option at place `i`. Returns how many places it takes, or -1. */
static int read_option(struct reading *r, int i, struct err *err)
{
	const char *arg = r->copy[i];
	if (strcmp(arg, "-h") == 0 || strcmp(arg, "-V") == 0)
		arg = arg[1] == 'h' ? "--help" : "--version";
	size_t n = strcspn(arg, "=");
	bool attached = arg[n] == '=', long_form = arg[1] == '-';
	const struct option_row *row = long_form ? options_row(arg + 2, n - 2) : NULL;
	if (!row && long_form && n > 5 && strncmp(arg, "--no-", 5) == 0) {
		row = options_row(arg + 5, n - 5);
		if (row && row->type == OPTION_FLAG) {
			if (attached)
				return err_set(err, ERR_USAGE, "option '%.*s' takes no value",
					       (int)n, arg);
			r->items[r->count++] = (struct item){ row, "no" };
			return 1;
		}
		row = NULL;
	}
	if (!row)
		return unknown_option(arg, n, err);
	const char *value = attached                    ? arg + n + 1
			    : row->type == OPTION_FLAG  ? "yes"
			    : row->type == OPTION_MAYBE ? ""
							: r->copy[i + 1];
	if (row->type == OPTION_DATA && !attached)
		return err_set(err, ERR_USAGE, "option '--%s' takes its value attached: '--%s=%s'",
			       row->name, row->name, row->value);
	bool alone = attached || row->type == OPTION_FLAG || row->type == OPTION_MAYBE;
	int places = alone ? 1 : 2;
	if (!value)
		return err_set(err, ERR_USAGE, "option '--%s' needs a value: %s", row->name,
			       row->value);
	if (places == 2 && strncmp(value, "--", 2) == 0)
		return err_set(
			err, ERR_USAGE,
			"option '--%s' needs a value, but '%.*s' follows; write '--%s=%s' if that is its value",
			row->name, (int)strcspn(value, "="), value, row->name, row->value);
	char *shown = places == 2 ? r->argv[i + 1] : r->argv[i] + (attached ? n + 1 : 0);
	if (row->secret)
		hide_secret(shown);
	else if (row->type == OPTION_URL)
		options_redact(shown);
	else if (row->type == OPTION_STORE && fleet_url_is(shown))
		fleet_url_redact(shown);
	r->items[r->count++] = (struct item){ row, value };
	/* Where a row of buttons begins is a matter of the order. */
	if (strcmp(row->name, "row") == 0)
		r->items[r->count++] = (struct item){ options_row("button", 6), "=" };
	return places;
}

static int read_argv(struct reading *r, int argc, struct err *err)
{
	struct config *c = r->c;
	for (int i = 1; i < argc;) {
		const char *arg = r->copy[i];
		/* Behind the first parameter of a call stands data, whatever it looks like. */
		bool data = c->command == COMMAND_CALL && c->arguments.count > 1;
		if (strcmp(arg, "--") == 0 && !data) {
			bool handling = c->command & COMMAND_HANDLING;
			struct texts *rest = handling ? &c->handler_argv : &c->arguments;
			if (!handling && !options_command_takes(c->command) && i + 1 < argc)
				return read_argument(c, r->copy[i + 1], err);
			for (i++; i < argc; i++)
				if (options_text_add(rest, r->copy[i], strlen(r->copy[i])))
					return err_set(err, ERR_INTERNAL, "out of memory");
			if (rest == &c->handler_argv && rest->count == 0)
				return err_set(err, ERR_USAGE, "no command follows '--'");
			return 0;
		}
		int places = 1;
		if (arg[0] == '-' && arg[1] && !data)
			places = read_option(r, i, err);
		else if (read_argument(c, arg, err))
			places = -1;
		if (places < 0)
			return -1;
		i += places;
	}
	return 0;
}

/* An option on the command line must be meant for the sub-command; a variable or a line of the file
 * may be meant for another. */
static int check_places(const struct reading *r, struct err *err)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct option_row *row = r->items[i].row;
		if (row->commands & r->c->command)
			continue;
		char list[256];
		options_command_list(row->commands, list, sizeof list);
		return err_set(err, ERR_USAGE, "option '--%s' does not belong to '%s' but to %s",
			       row->name, options_command_name(r->c->command), list);
	}
	return 0;
}

/* Sets the help and version flags; true if there was one, and then nothing else matters. */
static bool wants_help(struct reading *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->items[i].row->name, "help") == 0 ||
		    strcmp(r->items[i].row->name, "version") == 0)
			options_set(r->c, r->items[i].row, r->items[i].value, ORIGIN_ARGUMENT, 0,
				    NULL);
	return r->c->help || r->c->version;
}

/* Others put variables of these forms there for a service called "tgrun": Kubernetes, and links
 * between containers. */
static bool is_discovered(const char *name, const char *value)
{
	static const char *const parts[] = { "_SERVICE_", "_PORT_", "_ENV_" }, *const ends[] = {
		"_PORT", "_NAME"
	};
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strstr(name, parts[i]))
			return true;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n >= strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return strstr(value, "://") != NULL;
}

/* A name that is no option's ends nothing. What looks misspelt is told of by itself, the rest in
 * one line: *others is its end. */
static void strange_variable(struct config *c, const char *entry, char *others, size_t size)
{
	char name[64], word[64], variable[64];
	size_t n = strcspn(entry, "="), used = strlen(others);
	snprintf(name, sizeof name, "%.*s", (int)n, entry);
	snprintf(word, sizeof word, "%s", name + 6);
	for (char *p = word; *p; p++)
		*p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
	const struct option_row *near = is_discovered(name, entry + n)
						? NULL
						: options_nearest(word, ORIGIN_ENVIRONMENT);
	if (near) {
		options_variable(near, variable);
		options_warn(
			c,
			"the environment variable '%s' is no option's and left alone; did you mean '%s'?",
			name, variable);
	} else if (used + strlen(name) + 8 < size) {
		snprintf(others + used, size - used, "%s%s", used ? ", " : "", name);
	} else if (used + 4 < size && strcmp(others + used - 3, "...") != 0) {
		strcpy(others + used, "...");
	}
}

/* Sets what the environment says: the config file's name if `config`, else all else. An empty
 * variable is as good as none; items of a list stand on lines of their own. */
static int read_environment(struct config *c, char **envp, bool config, struct err *err)
{
	char others[300] = "";
	for (; envp && *envp; envp++) {
		if (strncmp(*envp, "TGRUN_", 6) != 0)
			continue;
		size_t n = strcspn(*envp, "=");
		const struct option_row *row = options_row_of_variable(*envp, n);
		if (!row) {
			if (!config)
				strange_variable(c, *envp, others, sizeof others);
			continue;
		}
		const char *value = (*envp)[n] ? *envp + n + 1 : "";
		if (!*value || (strcmp(row->name, "config") == 0) != config)
			continue;
		if (row->type != OPTION_LIST && row->type != OPTION_ENV &&
		    row->type != OPTION_ROUTE) {
			if (options_set(c, row, value, ORIGIN_ENVIRONMENT, 0, err))
				return -1;
			continue;
		}
		for (size_t length; *value; value += length + (value[length] == '\n')) {
			length = strcspn(value, "\n");
			char *line = strndup(value, length);
			int rc = !line ? err_set(err, ERR_INTERNAL, "out of memory")
				 : length && options_set(c, row, line, ORIGIN_ENVIRONMENT, 0, err)
					 ? -1
					 : 0;
			free(line);
			if (rc)
				return -1;
		}
	}
	if (*others)
		options_warn(
			c,
			"environment variables that are no option's are left alone: %s (service discovery sets such names)",
			others);
	return 0;
}

static int set_items(const struct reading *r, bool config, struct err *err)
{
	for (size_t i = 0; i < r->count; i++)
		if ((strcmp(r->items[i].row->name, "config") == 0) == config &&
		    options_set(r->c, r->items[i].row, r->items[i].value, ORIGIN_ARGUMENT, 0, err))
			return -1;
	return 0;
}

static int read_all(struct reading *r, int argc, char **envp, struct err *err)
{
	struct config *c = r->c;
	int rc = read_argv(r, argc, err);
	if (wants_help(r))
		return 0;
	if (rc || check_places(r, err))
		return -1;
	if (c->command == COMMAND_HELP)
		return 0; /* whatever is wrong elsewhere */
	if (read_environment(c, envp, true, err) || set_items(r, true, err))
		return -1;
	if (c->config && config_file_read(c, err))
		return -1;
	if (read_environment(c, envp, false, err) || set_items(r, false, err))
		return -1;
	return options_check(c, err);
}

int options_parse(struct config *c, int argc, char **argv, char **envp, struct err *err)
{
	struct err why = { 0 };
	struct reading r = { .c = c, .argv = argv };
	int rc = options_defaults(c, &why);
	if (rc)
		goto out;
	r.copy = options_copy(argv);
	r.items = calloc(2 * (size_t)argc + 1, sizeof *r.items);
	if (!r.copy || !r.items) {
		rc = err_set(&why, ERR_INTERNAL, "out of memory");
		goto out;
	}
	rc = read_all(&r, argc, envp, &why);
out:
	free(r.items);
	options_free_copy(r.copy);
	if (rc) {
		options_redact(why.text);
		err_set(err, why.status, "%s", why.text);
	}
	return rc;
}
