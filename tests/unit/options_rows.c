/* tests/unit/options_rows: every row of the table of options can be given by argv, the environment
 * and the config file, as far as it may stand there, and is named by the help of its sub-commands.
 */
#include "tests/unit/options_rig.h"

/* A value of each row that is not its default. */
static const char *sample(const struct option_row *row)
{
	static const struct {
		const char *name, *value;
	} samples[] = { { "key", "user" },
			{ "max-age", "message=1h" },
			{ "dead-keep", "7d" },
			{ "api-url", "http://127.0.0.1:81" },
			{ "store", "postgresql://db/bots" },
			{ "env", "A=b" },
			{ "poll-timeout", "7s" },
			{ "retry-delay", "2m" },
			{ "only", "message,poll" },
			{ "ignore", "message,poll" },
			{ "bypass", "message,poll" },
			{ "route", "/a=./a=b" },
			{ "allowed-updates", "message,poll" },
			{ "kind", "message,poll" },
			{ "allow-user", "42,43" },
			{ "allow-chat", "42,-43" },
			{ "rate", "chat=2/m" },
			{ "batch-by", "/message/photo" },
			{ "button", "Tea=tea" },
			{ "reply-with", "protect=true" } };
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
		if (strcmp(samples[i].name, row->name) == 0)
			return samples[i].value;
	switch (row->type) {
	case OPTION_FLAG:
		return "yes";
	case OPTION_DURATION:
		return "90s";
	case OPTION_SIZE:
		return "3K";
	case OPTION_RATIO:
		return "0.25";
	case OPTION_NUMBER:
		return "17";
	case OPTION_WORD:
		return row->words[1];
	default:
		return "text";
	}
}

/* Whether the row's member holds its sample. */
static bool holds(const struct config *c, const struct option_row *row)
{
	const void *m = (const char *)c + row->offset;
	const struct texts *t = m;
	switch (row->type) {
	case OPTION_FLAG:
		return *(const bool *)m;
	case OPTION_DURATION:
		return *(const int64_t *)m == (strcmp(sample(row), "90s") == 0  ? 90000
					       : strcmp(sample(row), "2m") == 0 ? 120000
										: 7000);
	case OPTION_SIZE:
		return *(const int64_t *)m == 3072;
	case OPTION_RATIO:
		return *(const int *)m == 250;
	case OPTION_RATES:
		return c->engine.out.rates.chat.count == 2 && c->engine.out.rates.bulk.count == 30;
	case OPTION_NUMBER:
		return *(const int *)m == 17;
	case OPTION_WORD:
		return *(const int *)m == 1;
	case OPTION_ROUTE:
		return c->route.count == 1 && strcmp(c->route.items[0].match, "/a") == 0 &&
		       strcmp(c->route.items[0].handler, "./a=b") == 0;
	case OPTION_KEEP:
		return strcmp(c->dead_keep, "7d") == 0 &&
		       c->engine.dead_keep_age == 7 * 86400000LL && c->engine.dead_keep == -1;
	case OPTION_COMMAS: {
		char both[64] = "";
		if (t->count == 2 && !t->items[2])
			snprintf(both, sizeof both, "%s,%s", t->items[0], t->items[1]);
		return strcmp(both, sample(row)) == 0;
	}
	case OPTION_LIST:
	case OPTION_ENV:
		return t->count == 1 && strcmp(t->items[0], sample(row)) == 0 && !t->items[1];
	case OPTION_MAYBE:
		return *(char *const *)m && (strcmp(*(char *const *)m, sample(row)) == 0 ||
					     strcmp(*(char *const *)m, "") == 0);
	case OPTION_TEXT:
	case OPTION_DATA:
	case OPTION_URL:
	case OPTION_STORE:
		return *(char *const *)m && strcmp(*(char *const *)m, sample(row)) == 0;
	}
	return false;
}

/* A row points into a struct of some room: the type that it says must be the type that is there. */
static void test_sizes(void)
{
	for (size_t i = 0; i < options_table_count; i++) {
		const struct option_row *row = &options_table[i];
		size_t size = 0;
		switch (row->type) {
		case OPTION_FLAG:
			size = sizeof(bool);
			break;
		case OPTION_DURATION:
		case OPTION_SIZE:
			size = sizeof(int64_t);
			break;
		case OPTION_NUMBER:
		case OPTION_RATIO:
		case OPTION_WORD:
			size = sizeof(int);
			break;
		case OPTION_TEXT:
		case OPTION_MAYBE:
		case OPTION_DATA:
		case OPTION_KEEP:
		case OPTION_URL:
		case OPTION_STORE:
			size = sizeof(char *);
			break;
		case OPTION_LIST:
		case OPTION_COMMAS:
		case OPTION_ENV:
			size = sizeof(struct texts);
			break;
		case OPTION_RATES:
			size = sizeof(struct outbox_rates);
			break;
		case OPTION_ROUTE:
			size = sizeof(struct routes);
			break;
		}
		ok(row->size == size, "--%s: the member is as large as its type", row->name);
	}
}

/* A row that takes 0 says in its help what that is, or is one of those where nothing is just what
 * it says: no wait, nothing kept. */
static void test_zeros(void)
{
	static const char *const plain[] = { "batch-wait", "retry-delay", "poll-timeout",
					     "max-delay",  "nice",        "dead-keep" };
	for (size_t i = 0; i < options_table_count; i++) {
		const struct option_row *row = &options_table[i];
		bool number = row->type == OPTION_NUMBER || row->type == OPTION_DURATION ||
			      row->type == OPTION_SIZE || row->type == OPTION_KEEP ||
			      row->type == OPTION_RATIO;
		bool said = strstr(row->help, "0: ") != NULL;
		for (size_t j = 0; j < sizeof plain / sizeof plain[0]; j++)
			said = said || strcmp(row->name, plain[j]) == 0;
		if (number && row->min <= 0)
			ok(said, "--%s 0 is what it says, or what its help says", row->name);
	}
	static const char *const none[] = { "0", "0s", "0ms", "0m", "0d" };
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		struct config c;
		struct err err;
		char value[8];
		char *argv[] = { (char *)(void *)"tgrun",
				 (char *)(void *)"--handler",
				 (char *)(void *)"h",
				 (char *)(void *)"--dead-keep",
				 value,
				 NULL };
		char *envp[] = { NULL };
		snprintf(value, sizeof value, "%s", none[i]);
		ok(options_parse(&c, 5, argv, envp, &err) == 0 &&
			   (c.engine.dead_keep == 0 || c.engine.dead_keep_age == 0),
		   "--dead-keep %s keeps none", none[i]);
		config_release(&c);
	}
}

/* The words before the option that make the rest of the command line complete. */
static const char *lead(const struct option_row *row)
{
	if (strcmp(row->name, "batch-by") == 0)
		return "--handler h --mode batch";
	if (row->commands & COMMAND_RUN)
		return "--handler h";
	if (row->commands & COMMAND_TRY)
		return "try --handler h";
	return row->commands & COMMAND_DEAD     ? "dead list"
	       : row->commands & COMMAND_OUTBOX ? "outbox list"
	       : row->commands & COMMAND_SEND   ? "send"
	       : row->commands & COMMAND_CALL   ? "call"
	       : row->commands & COMMAND_CANCEL ? "cancel"
	       : row->commands & COMMAND_PUSH   ? "push"
	       : row->commands & COMMAND_STATUS ? "status"
	       : row->commands & COMMAND_FLEET  ? "fleet"
						: "stop";
}

static void test_each_row(void)
{
	char words[8192], variable[64];
	struct config c;
	struct err err;
	for (size_t i = 0; i < options_table_count; i++) {
		const struct option_row *row = &options_table[i];
		const void *member = (const char *)&c + row->offset;
		const char *value = strcmp(row->name, "config") == 0 ? file : sample(row);
		bool config = value == file;
		write_file("", 0);
		for (int form = 0; form < 2; form++) {
			const char *between = form == 0 || row->type == OPTION_DATA ? "="
					      : row->value                          ? " "
										    : NULL;
			snprintf(words, sizeof words, "%s --%s%s%s", lead(row), row->name,
				 between ? between : "", between ? value : "");
			int rc = parse(&c, words, "", &err);
			if (!ok(rc == 0 && (config || holds(&c, row)) &&
					config_origin(&c, member) == ORIGIN_ARGUMENT,
				"argv: %s", words))
				diag("got %d '%s'", rc, err.text);
			config_release(&c);
		}
		if (row->least <= ORIGIN_ENVIRONMENT) {
			options_variable(row, variable);
			snprintf(words, sizeof words, "%s=%s", variable, value);
			int rc = parse(&c, strcmp(row->name, "handler") == 0 ? "" : lead(row),
				       words, &err);
			if (!ok(rc == 0 && (config || holds(&c, row)) &&
					config_origin(&c, member) == ORIGIN_ENVIRONMENT,
				"environment: %s", words))
				diag("got %d '%s'", rc, err.text);
			config_release(&c);
		}
		char line[256];
		snprintf(line, sizeof line, "# a comment\n  %s = %s  \r\n", row->name, value);
		write_file(line, strlen(line));
		snprintf(words, sizeof words, "%s --config %s",
			 strcmp(row->name, "handler") == 0 ? "" : lead(row), file);
		int rc = parse(&c, words, "", &err);
		bool fine = row->least > ORIGIN_FILE
				    ? rc == -1 && err.status == ERR_USAGE &&
					      strstr(err.text, "cannot stand in a config file")
				    : rc == 0 && holds(&c, row) &&
					      config_origin(&c, member) == ORIGIN_FILE;
		if (!ok(fine, "file: %s = %s", row->name, value))
			diag("got %d '%s'", rc, err.text);
		config_release(&c);
		if (row->type == OPTION_FLAG && row->least == ORIGIN_FILE) {
			snprintf(words, sizeof words, "%s --%s --no-%s", lead(row), row->name,
				 row->name);
			rc = parse(&c, words, "", &err);
			ok(rc == 0 && !*(const bool *)member, "argv: --no-%s turns it off again",
			   row->name);
			config_release(&c);
		}
	}
}

static char *help_of(const char *words)
{
	struct config c;
	struct err err;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	ok(out && parse(&c, words, "", &err) == 0 && options_help(&c, out) == 0, "tgrun %s prints",
	   words);
	fclose(out);
	config_release(&c);
	return text;
}

/* The help of those sub-commands names each option that they take, and no other. */
static void check_help(const char *words, const char *text, unsigned bits)
{
	bool right = true, narrow = true;
	for (size_t row = 0; row < options_table_count; row++) {
		char line[128];
		snprintf(line, sizeof line, "\n  --%s ", options_table[row].name);
		bool there = strstr(text, line) != NULL;
		if (there != ((options_table[row].commands & bits) != 0))
			right = false, diag("--%s", options_table[row].name);
	}
	for (const char *p = text, *q; (q = strchr(p, '\n')); p = q + 1)
		narrow = narrow && q - p <= 110;
	ok(right, "the options of tgrun %s, and no other", words);
	ok(narrow, "in lines of at most 110 columns");
}

static void test_help(void)
{
	char *all = help_of("-h");
	check_help("-h", all, ~0u);
	for (int i = 0; i < COMMAND_COUNT; i++) {
		enum command_bit bit = 1 << i;
		const char *name = options_command_name(bit);
		char words[64], head[64], other[64], usage[64];
		snprintf(words, sizeof words, "%s -h", name);
		snprintf(other, sizeof other, "help %s", name);
		snprintf(head, sizeof head, "tgrun %s: ", name);
		snprintf(usage, sizeof usage, "\n\nUsage:\n  tgrun %s%s",
			 bit == COMMAND_RUN ? "[" : "", name);
		char *text = help_of(words), *same = help_of(other);
		check_help(words, text, bit);
		ok(strncmp(text, head, strlen(head)) == 0 && strstr(text, usage),
		   "it begins with that sub-command and its own words");
		ok(strcmp(text, same) == 0, "tgrun %s says the same", other);
		free(text);
		free(same);
	}
	free(all);
	char *text = help_of("dead -h");
	ok(strstr(text, "\n  tgrun dead list ") && strstr(text, "\n  tgrun dead drop ") &&
		   strstr(text, "without a number"),
	   "each verb has a line, which says what no argument means");
	free(text);
}

/* What a reload must know of each option of `run`: whether it changed, and whether it may. The
 * fixed ones are these; a new row that cannot change while tgrun runs stands here and has the mark,
 * and any other is taken over by engine_reload(). */
static void test_reload(void)
{
	static const char *const fixed[] = { "api-url",      "ca-file",        "stdout",
					     "key",          "bypass",         "source",
					     "drop-pending", "delete-webhook", "state-dir",
					     "store",        "once",           "unless-running",
					     "serve-api",    "batch-by",       "node",
					     "lease" };
	size_t fixed_count = sizeof fixed / sizeof *fixed;
	for (size_t i = 0; i < options_table_count; i++) {
		const struct option_row *row = &options_table[i];
		const char *names[CONFIG_OPTIONS_MAX];
		struct config old = { 0 }, same = { 0 }, fresh = { 0 };
		struct err err;
		char words[512];
		bool listed = false;
		if (!(row->commands & COMMAND_RUN) || row->least > ORIGIN_FILE)
			continue;
		for (size_t k = 0; k < fixed_count; k++)
			listed = listed || strcmp(fixed[k], row->name) == 0;
		const char *plain = strcmp(row->name, "handler") == 0 ? "--handler other"
								      : lead(row);
		snprintf(words, sizeof words, "%s --%s=%s",
			 strcmp(row->name, "handler") == 0 ? "" : plain, row->name, sample(row));
		int rc = parse(&old, plain, "", &err) || parse(&same, plain, "", &err) ||
			 parse(&fresh, words, "", &err);
		ok(rc == 0 && options_same(&old, &same, row) && !options_same(&old, &fresh, row),
		   "--%s: a reload sees that it changed", row->name);
		size_t n = rc == 0 ? options_fixed(&old, &fresh, names) : 0;
		ok(row->fixed == listed && n == listed && (!n || strcmp(names[0], row->name) == 0),
		   "--%s: it is %s, and nothing else", row->name,
		   listed ? "named and stays" : "taken over");
		config_release(&old);
		config_release(&same);
		config_release(&fresh);
	}
}

int main(void)
{
	make_file();
	RUN(test_each_row);
	RUN(test_reload);
	RUN(test_help);
	RUN(test_sizes);
	RUN(test_zeros);
	unlink(file);
	return done_testing();
}
