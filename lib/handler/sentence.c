/* handler/sentence: lines of stderr in, the one that says what went wrong out. Runtimes put it
 * first (Node, Java, Go), last (Python) or between (Rust), and stack frames, quoted source and
 * remarks of their own around it. So a line is passed over by its form, and of the others the
 * last one counts. Invariant: no line is ever more than one candidate, so the cost is that of
 * reading it, however long a stack is. */
#include "handler/sentence.h"

#include <ctype.h>
#include <string.h>

#include "base/utf8.h"

/* What runtimes and their helpers say after the sentence, or before it, at the beginning of a
 * line. */
static const char *const remarks[] = {
	/* JavaScript */
	"Node.js v",
	"(Use `node",
	"npm ERR!",
	"npm error",
	"npm notice",
	"Bun v",
	"note: ", /* Rust */
	/* Go, and `go run` */
	"[signal SIG",
	"exit status ",
	"created by ",
	"BEGIN failed--compilation aborted",
	"Compilation failed in require", /* Perl */
	"Did you mean?",                 /* Ruby */
	"+ ",
	"++ ",
	"+++ ", /* sh -x */
	/* an item of a list */
	"- ",
};

/* Frames, at the beginning of an indented line. */
static const char *const frames[] = { "at ", "File \"", "from ", "thrown in ", "... ", "in " };

static bool begins_with_any(const char *text, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Copies what people would read: no escape sequences (ECMA-48, CSI), nothing behind the last
 * character that shows, and no brace that opens a list of details. */
static void copy_clean(char *to, const char *line)
{
	size_t n = 0, length = strlen(line);
	for (size_t i = 0; i < length && n < SENTENCE_MAX + 4; i++) {
		if (line[i] == '\033' && line[i + 1] == '[') {
			i += 2 +
			     strcspn(line + i + 2,
				     "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");
			continue;
		}
		to[n++] = line[i];
	}
	if (n > SENTENCE_MAX)
		n = utf8_cut(to, SENTENCE_MAX);
	while (n && strchr(" \t\r", to[n - 1]))
		n--;
	if (n > 2 && to[n - 1] == '{' && to[n - 2] == ' ')
		n -= 2;
	to[n] = '\0';
}

/* Whether the line holds a letter, a digit or a character beyond ASCII. */
static bool has_words(const char *line)
{
	while (*line && !isalnum((unsigned char)*line) && !((unsigned char)*line & 0x80))
		line++;
	return *line != '\0';
}

/* `     ^^^^`, under a line of source. */
static bool is_underline(const char *line)
{
	return strchr(line, '^') && line[strspn(line, " \t^~-")] == '\0';
}

/* A heading, of which what follows is the point; a function between frames; what only a runtime
 * says. */
static bool is_remark(const char *line)
{
	size_t n = strlen(line);
	return line[n - 1] == ':' ||
	       begins_with_any(line, remarks, sizeof remarks / sizeof *remarks) ||
	       (line[0] == '#' && isdigit((unsigned char)line[1])) ||
	       strstr(line, " aborted due to compilation errors");
}

void sentence_clear(struct sentence *s)
{
	*s = (struct sentence){ .fresh = false };
}

/* An indented line goes on with what came before it; where nothing else is said, it is better
 * than nothing. */
static void take_hint(struct sentence *s, const char *line)
{
	line += strspn(line, " \t|+-");
	s->in_quotation = strcmp(line, "while executing") == 0 ||
			  strcmp(line, "invoked from within") == 0;
	if (!begins_with_any(line, frames, sizeof frames / sizeof *frames))
		strcpy(s->hint, line);
}

void sentence_line(struct sentence *s, const char *raw)
{
	char line[SENTENCE_MAX + 8];
	bool fresh = s->fresh;
	copy_clean(line, raw);
	s->fresh = false;
	if (line[0] == '\0') {
		s->in_frames = false;
	} else if (is_underline(line)) {
		if (fresh)
			strcpy(s->says, s->before);
	} else if (!has_words(line)) {
		return;
	} else if (line[0] == ' ' || line[0] == '\t') {
		take_hint(s, line);
	} else if (strncmp(line, "goroutine ", 10) == 0) {
		s->in_frames = true;
	} else if (is_remark(line)) {
		if (line[strlen(line) - 1] == ':')
			strcpy(s->hint, line);
	} else if (!s->in_frames && !(s->in_quotation && line[0] == '"')) {
		strcpy(s->before, s->says);
		strcpy(s->says, line);
		s->fresh = true;
	}
}

const char *sentence_text(const struct sentence *s)
{
	return s->says[0] ? s->says : s->hint;
}
