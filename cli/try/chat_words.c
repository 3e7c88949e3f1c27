/* cli/try/chat_words: typed lines in, what they ask for out. Bots have commands of any name behind
 * a slash, so the words of tgrun try stand behind a colon. Invariant: nothing is guessed. What
 * looks like a word and is none is an error, and all else is said as it was typed. */
#include "cli/try/chat_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/nearest.h"
#include "cli/try/chat_update.h"

#define BLANKS  " \t"
#define LETTERS "abcdefghijklmnopqrstuvwxyz"

const char chat_help[] =
	"What you type is a message to the bot, commands such as /start too. But:\n"
	"  :press N                 press button N of the keyboard shown last\n"
	"  :as ID [NAME]            be another user; :as alone: be yourself again\n"
	"  :in -ID[:TOPIC] [TITLE]  write in a group or its topic; :in alone: in private\n"
	"  :edit N TEXT             change what you said: 1 is your last message\n"
	"  :file FILE [CAPTION]     send a photo, a document, a sound\n"
	"  :inline TEXT             ask the bot from another chat\n"
	"  :json {...}              send any update\n"
	"  :wait 2s                 go on after this time, whatever still runs\n"
	"  :help, :quit             (or Ctrl-D); ::help says :help to the bot\n"
	"Several lines: \"\"\" alone, the lines, and \"\"\" alone again.\n";

/* ---- inputs ---- */

void chat_input_init(struct chat_input *in)
{
	*in = (struct chat_input){ .open = false };
	buf_init(&in->text, CHAT_INPUT_MAX);
}

void chat_input_release(struct chat_input *in)
{
	buf_release(&in->text);
}

/* The length of the line without blanks at its end. */
static size_t trimmed(const char *line)
{
	size_t n = strlen(line);
	while (n && strchr(BLANKS, line[n - 1]))
		n--;
	return n;
}

/* Whether the first `n` bytes end in three quotes, behind a blank unless they stand alone. */
static bool ends_in_quotes(const char *line, size_t n)
{
	return n >= 3 && memcmp(line + n - 3, CHAT_QUOTES, 3) == 0 &&
	       (n == 3 || strchr(BLANKS, line[n - 4]));
}

static size_t word_length(const char *input)
{
	size_t n = *input == ':' ? strspn(input + 1, LETTERS) : 0;
	return n && (!input[1 + n] || strchr(BLANKS "\n", input[1 + n])) ? 1 + n : 0;
}

int chat_input_add(struct chat_input *in, const char *line)
{
	size_t n = trimmed(line);
	bool quotes = ends_in_quotes(line, n);
	int rc = 0;
	if (!in->open) {
		buf_clear(&in->text);
		in->said = quotes && n == 3;
		in->open = quotes && (in->said || word_length(line));
		rc = buf_add(&in->text, line, in->open ? n - 3 : strlen(line));
		if (rc == 0)
			return !in->open;
	} else if (quotes && n == 3) {
		in->open = false;
		/* the last line feed */
		if (in->text.len && in->text.data[in->text.len - 1] == '\n')
			in->text.data[--in->text.len] = '\0';
		return 1;
	} else {
		rc = buf_adds(&in->text, line) || buf_addc(&in->text, '\n');
	}
	if (rc == 0)
		return 0;
	buf_clear(&in->text);
	in->open = false;
	return -1;
}

/* ---- words ---- */

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, BLANKS "\n");
}

/* Reads a whole number other than 0 that ends at a blank, a colon or the end; moves *s behind it.
 */
static bool read_id(const char **s, int64_t *id)
{
	char *end;
	if (!(**s >= '0' && **s <= '9') && !(**s == '-' && (*s)[1] >= '0' && (*s)[1] <= '9'))
		return false;
	errno = 0;
	*id = strtoll(*s, &end, 10);
	*s = end;
	return errno == 0 && *id != 0 && strchr(BLANKS ":", *end) != NULL;
}

static int parse_as(const char *rest, struct chat_line *l, struct err *err)
{
	if (*rest && (!read_id(&rest, &l->id) || *rest == ':' || l->id < 0))
		return err_set(err, ERR_USAGE,
			       ":as wants the id of a user, and perhaps a name: :as 42 Ann");
	l->text = skip_blanks(rest);
	return 0;
}

static int parse_in(const char *rest, struct chat_line *l, struct err *err)
{
	if (*rest && (!read_id(&rest, &l->id) || l->id > 0))
		return err_set(
			err, ERR_USAGE,
			":in wants the id of a group, which is below zero, and perhaps a title: :in -100123 Friends (a person: :as)");
	if (*rest == ':') {
		rest++;
		if (!read_id(&rest, &l->thread) || *rest == ':' || l->thread < 0)
			return err_set(err, ERR_USAGE, "a topic has a number: :in -100123:7");
	}
	l->text = skip_blanks(rest);
	return 0;
}

static int parse_press(const char *rest, struct chat_line *l, struct err *err)
{
	if (read_id(&rest, &l->id) && l->id > 0 && !*skip_blanks(rest))
		return 0;
	return err_set(err, ERR_USAGE, ":press wants the number of a button: :press 1");
}

static int parse_wait(const char *rest, struct chat_line *l, struct err *err)
{
	char text[DURATION_TEXT] = "";
	size_t n = trimmed(rest);
	if (n < sizeof text)
		memcpy(text, rest, n);
	if (*text && duration_parse(text, &l->id, NULL) == 0)
		return 0;
	return err_set(err, ERR_USAGE, ":wait wants a time: :wait 500ms, :wait 2s");
}

/* A name with blanks stands in quotes. */
static int parse_file(const char *rest, struct chat_line *l, struct err *err)
{
	char quote = *rest == '\'' || *rest == '"' ? *rest : '\0';
	const char *end;
	l->file = rest + (quote != '\0');
	if (quote)
		end = strchr(l->file, quote);
	else
		end = l->file + strcspn(l->file, BLANKS "\n");
	l->length = end ? (size_t)(end - l->file) : 0;
	if (l->length == 0)
		return err_set(
			err, ERR_USAGE,
			":file wants the name of a file, and perhaps a caption: :file cat.jpg A cat, :file 'my cat.jpg'");
	l->text = skip_blanks(end + (quote != '\0'));
	return 0;
}

static int parse_edit(const char *rest, struct chat_line *l, struct err *err)
{
	bool number = read_id(&rest, &l->id) && l->id > 0 && *rest != ':';
	l->text = number ? skip_blanks(rest) : "";
	if (*l->text)
		return 0;
	return err_set(
		err, ERR_USAGE,
		":edit wants the number of your message from the end, and its new text: :edit 1 I mean tea");
}

static int parse_text(const char *rest, struct chat_line *l, struct err *err)
{
	(void)err;
	l->text = rest;
	return 0;
}

static int parse_json(const char *rest, struct chat_line *l, struct err *err)
{
	struct err why = { .text = "nothing follows" };
	l->text = rest;
	if (*rest && chat_update_typed(rest, &why) == 0)
		return 0;
	return err_set(
		err, ERR_USAGE,
		":json wants an update, such as {\"message\":{\"chat\":{\"id\":5},\"text\":\"hi\"}}; %s",
		why.text);
}

static int parse_alone(const char *rest, struct chat_line *l, struct err *err)
{
	(void)l;
	if (!*rest)
		return 0;
	return err_set(
		err, ERR_USAGE,
		":help and :quit stand alone; a second colon in front says the line to the bot");
}

static const struct word {
	const char *word;
	enum chat_verb verb;
	int (*parse)(const char *rest, struct chat_line *l, struct err *err);
	bool old; /* it stood behind a slash before */
} words[] = {
	{ ":press", CHAT_PRESS, parse_press, true }, { ":as", CHAT_AS, parse_as, true },
	{ ":in", CHAT_IN, parse_in, true },          { ":edit", CHAT_EDIT, parse_edit, false },
	{ ":file", CHAT_FILE, parse_file, false },   { ":inline", CHAT_INLINE, parse_text, false },
	{ ":json", CHAT_JSON, parse_json, false },   { ":wait", CHAT_WAIT, parse_wait, false },
	{ ":help", CHAT_HELP, parse_alone, true },   { ":quit", CHAT_QUIT, parse_alone, true },
};
enum { WORDS = sizeof words / sizeof *words };

static const struct word *find_word(const char *input, size_t n)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strlen(words[i].word) == n && strncmp(input, words[i].word, n) == 0)
			return &words[i];
	return NULL;
}

static int no_such_word(const char *input, size_t n, struct err *err)
{
	char word[32] = "";
	const char *names[WORDS];
	for (size_t i = 0; i < WORDS; i++)
		names[i] = words[i].word;
	memcpy(word, input, n < sizeof word ? n : sizeof word - 1);
	const char *nearest = nearest_find(word, names, WORDS);
	return err_set(err, ERR_USAGE,
		       "there is no word %s%s%s%s; :help lists them, and :%s says it to the bot",
		       word, nearest ? " (did you mean " : "", nearest ? nearest : "",
		       nearest ? "?)" : "", word);
}

int chat_parse(const char *input, bool said, struct chat_line *out, struct err *err)
{
	*out = (struct chat_line){ .verb = CHAT_SAY, .text = input };
	if (!input[strspn(input, BLANKS "\r\n")]) {
		out->verb = CHAT_NOTHING;
		return 0;
	}
	size_t n = word_length(input);
	if (said || !n) {
		if (!said && *input == ':' && word_length(input + 1))
			out->text++;
		return 0;
	}
	const struct word *w = find_word(input, n);
	if (!w)
		return no_such_word(input, n, err);
	out->verb = w->verb;
	out->text = "";
	return w->parse(skip_blanks(input + n), out, err);
}

const char *chat_word_of_old(const char *input)
{
	if (*input != '/')
		return NULL;
	input += input[1] == '/';
	size_t n = strcspn(input, BLANKS "\n");
	for (size_t i = 0; i < WORDS; i++)
		if (words[i].old && strlen(words[i].word) == n &&
		    strncmp(input + 1, words[i].word + 1, n - 1) == 0)
			return words[i].word;
	return NULL;
}
