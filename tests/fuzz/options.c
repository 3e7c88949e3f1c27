/* tests/fuzz/options: a line of arguments, a line of environment (words with spaces between) and a
 * config file. What is accepted is inside the table's bounds; what is refused is refused in words,
 * the same each time. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/options/options_internal.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "options";

enum { WORDS_MAX = 64 };

/* Takes `text` apart. No word may name another file to read: what is on this machine is no input.
 */
static bool split(char *text, char **words, int count)
{
	char *save;
	for (char *w = strtok_r(text, " ", &save); w && count < WORDS_MAX - 1;
	     w = strtok_r(NULL, " ", &save)) {
		if (strncmp(w, "--c", 3) == 0 && strncmp(w, "--concurrency", 13) != 0)
			return false;
		if (strncmp(w, "TGRUN_CONFIG", 12) == 0)
			return false;
		words[count++] = w;
	}
	words[count] = NULL;
	return true;
}

static void check_bounds(const struct config *c)
{
	for (size_t i = 0; i < options_table_count; i++) {
		const struct option_row *row = &options_table[i];
		const char *member = (const char *)c + row->offset;
		char where[256] = "";
		int64_t value;
		if (row->type == OPTION_DURATION || row->type == OPTION_SIZE)
			value = *(const int64_t *)(const void *)member;
		else if (row->type == OPTION_NUMBER || row->type == OPTION_WORD)
			value = *(const int *)(const void *)member;
		else
			continue;
		HOLDS(config_where(c, member, where, sizeof where) == where && where[0], "%s",
		      row->name);
		if (config_origin(c, member) == ORIGIN_DEFAULT)
			continue;
		if (row->type == OPTION_WORD)
			for (int64_t k = 0; k <= value; k++)
				HOLDS(value >= 0 && row->words[k], "%s is %lld", row->name,
				      (long long)value);
		else
			HOLDS(value >= row->min && value <= row->max, "%s is %lld", row->name,
			      (long long)value);
	}
	HOLDS(c->warning_count <= CONFIG_WARNINGS_MAX && c->route.count <= CONFIG_ROUTES_MAX,
	      "lists");
}

static int parse(char **argv, char **envp, struct err *err)
{
	struct config c;
	int argc = 0;
	char **copy = options_copy(argv);
	if (!copy)
		abort();
	while (copy[argc])
		argc++;
	*err = (struct err){ 0 };
	int rc = options_parse(&c, argc, copy, envp, err);
	if (rc)
		HOLDS(rc == -1 && (err->status == ERR_USAGE || err->status == ERR_CONFIG) &&
			      err->text[0],
		      "%d '%s'", err->status, err->text);
	else if (!c.help && !c.version)
		check_bounds(&c);
	config_release(&c);
	options_free_copy(copy);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	char path[64], *argv[WORDS_MAX] = { "tgrun", "--config", path }, *envp[WORDS_MAX];
	struct err first, second;
	if (fd < 0)
		fd = memfd_create("config", MFD_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	size_t k = fuzz_line(data, n);
	char *arguments = fuzz_string(data, k);
	data += k < n ? k + 1 : k, n -= k < n ? k + 1 : k;
	k = fuzz_line(data, n);
	char *environment = fuzz_string(data, k);
	data += k < n ? k + 1 : k, n -= k < n ? k + 1 : k;
	if (ftruncate(fd, 0) || pwrite(fd, data, n, 0) != (ssize_t)n)
		abort();
	if (split(arguments, argv, 3) && split(environment, envp, 0)) {
		int rc = parse(argv, envp, &first);
		HOLDS(parse(argv, envp, &second) == rc && strcmp(first.text, second.text) == 0,
		      "'%s', then '%s'", first.text, second.text);
	}
	free(arguments);
	free(environment);
	return 0;
}
