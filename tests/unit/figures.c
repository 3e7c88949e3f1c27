/* tests/unit/figures: each figure of tgrun status has a name of its own and a sentence, and the
 * manual names it. */
#include "engine/figures.h"
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

static void test_rows(void)
{
	for (size_t i = 0; i < engine_figures_count; i++) {
		const struct engine_figure *f = &engine_figures[i];
		size_t length = strspn(f->name, "abcdefghijklmnopqrstuvwxyz_");
		is_str(f->name + length, "", "a name is of small letters");
		ok(*f->help, "%s has a sentence", f->name);
		for (size_t j = 0; j < i; j++) {
			if (engine_figures[j].member == f->member)
				ok(false, "%s tells what %s tells", f->name,
				   engine_figures[j].name);
			if (strcmp(engine_figures[j].name, f->name) == 0)
				ok(false, "two rows are named %s", f->name);
		}
	}
}

static void test_manual(void)
{
	read_manual();
	for (size_t i = 0; i < engine_figures_count; i++)
		ok(is_documented(engine_figures[i].name), "the manual names %s",
		   engine_figures[i].name);
}

/* A time that is a bound counts in the bucket of that bound, as Prometheus has it. */
static void test_histogram(void)
{
	struct engine_histogram h = { .sum = 0 };
	char bound[ENGINE_BOUND_MAX];
	static const int64_t took[] = { -3, 0, 5, 6, 1000, 1800000, 1800001 };
	for (size_t i = 0; i < sizeof took / sizeof *took; i++)
		engine_observe(&h, took[i]);
	is_num((int64_t)engine_bucket(&h, 0, bound), 3, "what took no longer than the first bound");
	is_str(bound, "0.005", "… which is five milliseconds");
	is_num((int64_t)engine_bucket(&h, 1, bound), 4, "what took a little longer is in the next");
	is_num((int64_t)engine_bucket(&h, ENGINE_BUCKETS - 1, bound), 6, "all but the longest");
	is_str(bound, "1800", "… have a bucket up to half an hour");
	is_num((int64_t)engine_bucket(&h, ENGINE_BUCKETS, bound), 7,
	       "the last bucket has them all");
	is_str(bound, "+Inf", "… and no bound");
	is_num((int64_t)h.sum, 3601012, "the sum has no time below 0");
}

int main(void)
{
	RUN(test_histogram);
	RUN(test_rows);
	RUN(test_manual);
	return done_testing();
}
