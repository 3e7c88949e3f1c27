/* handler/sentence: lines of stderr in, the one that says what went wrong out. Runtimes put it
 * first (Node, Java, Go), last (Python) or between (Rust), and stack frames, quoted source and
 * remarks of their own around it. So a line is passed over by its form, and of the others the
 * last one counts; but an exception's line holds its place against the further lines of its
 * message. Where frames follow, they end the message, and what stands between is left out; where
 * none do (Python), a message cannot be told from last words, and the sentence has both.
 * Invariant: no line is ever more than one candidate, so the cost is that of reading it, however
 * long a stack is. */
#include "handler/sentence.h"

#include <ctype.h>
#include <stdio.h>
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
	"Extension modules: ", /* Python */
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

/* What comes behind the whole message of an exception: its stack, or a remark in place of it. */
static const char *const stacks[] = {
	"Traceback (",    "Stack trace:", "stack traceback:", "stack backtrace:",
	"Require stack:", "#0 ",          "goroutine ",       "note: ",
};

/* How the line of an exception begins, whatever that is called. */
static const char *const exceptions[] = {
	"Exception in thread ",
	"Caused by: ",
	"Unhandled exception. ",
	"Fatal Python error: ",
	"PHP Fatal error: ",
	"Fatal error: ",
	"panic: ",
	"thread '", /* Rust before 1.73 */
	"lua",
	"error: ",
};

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

static bool is_heading(const char *line)
{
	return line[strlen(line) - 1] == ':';
}

/* A function between frames; what only a runtime says. */
static bool is_remark(const char *line)
{
	return begins_with_any(line, remarks, sizeof remarks / sizeof *remarks) ||
	       (line[0] == '#' && isdigit((unsigned char)line[1])) ||
	       strstr(line, " aborted due to compilation errors");
}

/* Whether the line names a class of errors before its message: `TypeError: …`, also behind other
 * words, `Error [ERR_CLOSED]: …`. */
static bool names_class(const char *line)
{
	static const char *const ends[] = { "Error", "Exception" };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t n = strlen(ends[i]);
		for (const char *p = line; (p = strstr(p, ends[i])); p += n)
			if (p[n] == ':' || strncmp(p + n, " [", 2) == 0)
				return true;
	}
	return false;
}

/* `bot.rb:3:in 'answer': no chat (ChatError)`: Ruby puts the class behind the first line. */
static bool is_ruby(const char *line)
{
	return line[strlen(line) - 1] == ')' && (strstr(line, ":in `") || strstr(line, ":in '"));
}

/* What of a message is to come when the line is an exception's. */
static enum sentence_message message_of(const struct sentence *s, const char *line)
{
	if (s->exception_next || is_ruby(line))
		return SENTENCE_TO_THE_END;
	/* What a message quotes begins no other one. */
	if (s->message == SENTENCE_TO_THE_END || s->in_frames)
		return SENTENCE_NO_MESSAGE;
	if (names_class(line) ||
	    begins_with_any(line, exceptions, sizeof exceptions / sizeof *exceptions))
		return SENTENCE_TO_ITS_STACK;
	return SENTENCE_NO_MESSAGE;
}

static void take_exception(struct sentence *s, const char *line, enum sentence_message message)
{
	strcpy(s->says, line);
	strcpy(s->exception, line);
	s->message = message;
	s->exception_next = false;
}

/* The message is at its end, and the first line of it was the one that counts. */
static void end_message(struct sentence *s)
{
	if (s->message != SENTENCE_NO_MESSAGE)
		strcpy(s->says, s->exception);
	s->message = SENTENCE_NO_MESSAGE;
}

/* Writes `first`, what stands between, and `second` to `to`, as much as there is room for. */
static void join(char to[SENTENCE_MAX + 1], const char *first, const char *between,
		 const char *second)
{
	char both[2 * SENTENCE_MAX + 16];
	size_t n = (size_t)snprintf(both, sizeof both, "%s%s%s", first, between, second);
	if (n > SENTENCE_MAX)
		n = utf8_cut(both, SENTENCE_MAX);
	memcpy(to, both, n);
	to[n] = '\0';
}

/* The next line of a message whose first one ends in a colon belongs to that. */
static bool is_the_point(struct sentence *s, const char *line)
{
	if (s->message == SENTENCE_NO_MESSAGE || !is_heading(s->exception))
		return false;
	join(s->exception, s->exception, " ", line);
	strcpy(s->says, s->exception);
	return true;
}

static void take_sentence(struct sentence *s, const char *line)
{
	strcpy(s->before, s->says);
	if (s->message == SENTENCE_TO_THE_END)
		join(s->says, s->exception, " … ", line);
	else
		strcpy(s->says, line);
	s->fresh = true;
}

void sentence_clear(struct sentence *s)
{
	*s = (struct sentence){ .fresh = false };
}

/* An indented line goes on with what came before it; where nothing else is said, it is better
 * than nothing. */
static void take_indented(struct sentence *s, const char *line)
{
	static const char what[] = "what():";
	line += strspn(line, " \t|+-");
	s->in_quotation = strcmp(line, "while executing") == 0 ||
			  strcmp(line, "invoked from within") == 0;
	if (begins_with_any(line, frames, sizeof frames / sizeof *frames)) {
		if (s->message == SENTENCE_TO_ITS_STACK || strncmp(line, "from ", 5) == 0)
			end_message(s);
		s->exception_next = strncmp(line, "File \"", 6) == 0;
	} else if (strncmp(line, what, sizeof what - 1) == 0) {
		take_exception(s, line, SENTENCE_TO_THE_END); /* C++ */
	} else if (!is_the_point(s, line)) {
		strcpy(s->hint, line);
	}
}

/* A line that begins at the margin and has words. */
static void take_line(struct sentence *s, const char *line)
{
	enum sentence_message message = message_of(s, line);
	if (begins_with_any(line, stacks, sizeof stacks / sizeof *stacks)) {
		end_message(s);
		s->in_frames = strncmp(line, "goroutine ", 10) == 0;
		s->exception_next = line[0] == 'T';
	} else if (is_heading(line) && strstr(line, " panicked at ")) {
		s->exception_next = true;
	} else if (is_the_point(s, line) || (is_remark(line) && !s->exception_next)) {
		return;
	} else if (message != SENTENCE_NO_MESSAGE) {
		take_exception(s, line, message);
	} else if (is_heading(line)) {
		strcpy(s->hint, line);
	} else if (!s->in_frames && !(s->in_quotation && line[0] == '"')) {
		take_sentence(s, line);
	}
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
		take_indented(s, line);
	} else {
		take_line(s, line);
	}
}

const char *sentence_text(const struct sentence *s)
{
	return s->says[0] ? s->says : s->hint;
}
