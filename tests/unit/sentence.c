/* tests/unit/sentence: what went wrong is found in what programs print when they crash
 * (tests/data/crashes), and in odd lines. */
#include <dirent.h>

#include "base/utf8.h"
#include "handler/sentence.h"
#include "tests/tap.h"

static struct sentence s;

/* The sentence of a text that is cut into lines. */
static const char *of(const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;
	sentence_clear(&s);
	while ((line = strsep(&rest, "\n")))
		if (line != rest && (rest || *line))
			sentence_line(&s, line);
	free(copy);
	return sentence_text(&s);
}

static char *whole(const char *path)
{
	static char text[64 * 1024];
	FILE *f = fopen(path, "r");
	if (!f)
		return NULL;
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* Each row of SENTENCES; and each file has one. */
static void crashes(void)
{
	char name[64], want[1024], path[128];
	int rows = 0, files = 0;
	FILE *f = fopen("tests/data/crashes/SENTENCES", "r");
	while (f && fscanf(f, "%63[^\t]\t%1023[^\n]\n", name, want) == 2) {
		snprintf(path, sizeof path, "tests/data/crashes/%s", name);
		const char *text = whole(path);
		if (strlen(want) > SENTENCE_MAX)
			want[SENTENCE_MAX] = '\0';
		is_str(text ? of(text) : "no such file", want, name);
		rows++;
	}
	if (f)
		fclose(f);
	DIR *d = opendir("tests/data/crashes");
	while (d && readdir(d))
		files++;
	if (d)
		closedir(d);
	is_num(rows, files - 3, "each file has its sentence");
	ok(rows >= 60, "there are %d", rows);
}

static void odd_lines(void)
{
	char line[1001];
	is_str(of(""), "", "nothing says nothing");
	is_str(of("  \n\t\r\n"), "", "nor do blanks");
	is_str(of("cannot answer\n\n---\n}\n"), "cannot answer", "nor does punctuation");
	is_str(of("    at answer (/srv/bot/bot.js:4:25)\nNode.js v20.20.2\n"), "",
	       "nor do frames and a banner alone");
	is_str(of("   error: no chat\n"), "error: no chat",
	       "an indented line is better than nothing");
	is_str(of("error: no chat\n   in the update\n"), "error: no chat", "and no more");
	is_str(of("what failed:\n"), "what failed:", "so is a heading");
	is_str(of("\033[31merror\033[0m: no chat\033[0m\n\033[0m\n"), "error: no chat",
	       "colours are left out");
	is_str(of("\033["), "", "a sequence without an end, too");
	is_str(of("first\nsecond\n   ^^^\n"), "first", "source that is underlined is no sentence");
	is_str(of("first\n   second\n   ^^^\n"), "first", "nor is it when it is indented");
	is_str(of("^\n"), "", "an underline under nothing");
	is_str(of("\xff\xfe no text\n"), "\xff\xfe no text", "what is no UTF-8 is taken as it is");
	is_str(of("TypeError: no chat\ngiving up\n"), "giving up",
	       "an error that is named, and has no stack, is a line like others");
	is_str(of("error: these are unknown:\n  chat\n"), "error: these are unknown: chat",
	       "what follows a colon is the point");
	for (int i = 0; i < 500; i++)
		memcpy(line + 2 * i, "\xc3\xa9", 2);
	line[1000] = '\0';
	const char *cut = of(line);
	ok(strlen(cut) <= SENTENCE_MAX && utf8_length(cut + strlen(cut) - 2, 2) == 2,
	   "a long line is cut between characters");
	of("Traceback (most recent call last):");
	sentence_line(&s, line);
	sentence_line(&s, line);
	ok(strlen(sentence_text(&s)) <= SENTENCE_MAX, "so are two that are put together");
	of("first\nsecond");
	sentence_clear(&s);
	is_str(sentence_text(&s), "", "what was forgotten is not said");
	sentence_line(&s, "^");
	is_str(sentence_text(&s), "", "nor found again");
}

int main(void)
{
	RUN(crashes);
	RUN(odd_lines);
	return done_testing();
}
