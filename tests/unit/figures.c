/* tests/unit/figures: each figure of tgrun status has a name of its own and a sentence, and the manual names it. */
#include "engine/engine_internal.h"
#include "tests/tap.h"

static char manual[1 << 20];

static void read_manual(void)
{
	FILE *f = fopen("man/tgrun.1", "r");
	size_t n = f ? fread(manual, 1, sizeof manual - 1, f) : 0;
	manual[n] = '\0';
	if (f)
		fclose(f);
	ok(n > 0, "the manual can be read");
}

/* Whether the manual has the name as a word of a list of members: ".It Li done , failed". */
static bool is_documented(const char *name)
{
	size_t length = strlen(name);
	for (const char *line = strstr(manual, "\n.It Li "); line;
	     line = strstr(line, "\n.It Li ")) {
		const char *word = line += strlen("\n.It Li ");
		for (size_t n; *word && *word != '\n'; word += n + (word[n] == ' ')) {
			n = strcspn(word, " \n");
			if (n == length && strncmp(word, name, n) == 0)
				return true;
		}
	}
	return false;
}

int main(void)
{
	read_manual();
	for (size_t i = 0; i < engine_figures_count; i++) {
		const struct engine_figure *f = &engine_figures[i];
		const char *name = f->name ? f->name : "";
		ok(*name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")],
		   "row %zu has a name: '%s'", i, name);
		ok(f->help && *f->help, "%s has a sentence", name);
		ok(is_documented(name), "the manual names %s", name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(engine_figures[j].name, name) == 0 ||
			    engine_figures[j].member == f->member)
				ok(false, "%s is no row of its own: %s", name,
				   engine_figures[j].name);
	}
	return done_testing();
}
