/* slot/words: the text of a command in, stages of words out. No shell will see the text, so
 * whatever only a shell could do (expand, redirect, put in the background) is refused with the
 * place where it stands. Invariant: what passes means here exactly what it would mean to sh. */
#include "slot/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { WORD_BYTES_MAX = 128 * 1024 }; /* MAX_ARG_STRLEN: the kernel takes no longer argument */

/* The state of a cut. */
struct cut {
	const char *text, *at;
	struct words *out;
	struct err *err;
	struct buf word;
	bool in_word; /* also when the word is still empty: '' */
	bool plain;   /* nothing of the word was quoted */
};

static void stage_free(char **stage)
{
	for (char **p = stage; p && *p; p++)
		free(*p);
	free(stage);
}

static void forget_paths(struct words *w)
{
	for (size_t i = 0; w->paths && i < w->count; i++)
		free(w->paths[i]);
	free(w->paths);
	w->paths = NULL;
}

void words_release(struct words *w)
{
	forget_paths(w);
	for (size_t i = 0; i < w->count; i++)
		stage_free(w->stages[i]);
	free(w->stages);
	*w = (struct words){ 0 };
}

static int out_of_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

/* Characters, not bytes, from 1. */
static int position(const struct cut *c, const char *at)
{
	int n = 1;
	for (const char *p = c->text; p < at; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n;
}

/* What only a shell could do. The advice shows the command itself where it can be quoted simply;
 * only the handler's may follow `--`. */
static int needs_shell(const struct cut *c, const char *what, const char *at)
{
	const char *what_it_is = c->out->what,
		   *dashes = strcmp(what_it_is, "handler") == 0 ? "-- " : "";
	bool simple = strlen(c->text) <= 120 && !strpbrk(c->text, "'\n");
	return err_set(
		c->err, ERR_USAGE,
		"the %s has %s at character %d, and no shell runs it: quote it, or start a shell: %ssh -c '%s'",
		what_it_is, what, position(c, at), dashes, simple ? c->text : "\xe2\x80\xa6");
}

static int put(struct cut *c, char byte)
{
	c->in_word = true;
	if (c->word.len < c->word.max)
		return buf_addc(&c->word, byte) ? out_of_memory(c->err) : 0;
	return err_set(c->err, ERR_USAGE, "a word of the %s is longer than %d bytes", c->out->what,
		       WORD_BYTES_MAX);
}

static int begin_stage(struct cut *c)
{
	struct words *w = c->out;
	if (w->count == WORDS_STAGES_MAX)
		return err_set(c->err, ERR_USAGE, "the %s has more than %d stages", w->what,
			       WORDS_STAGES_MAX);
	char ***stages = reallocarray(w->stages, w->count + 2, sizeof *stages);
	if (!stages)
		return out_of_memory(c->err);
	w->stages = stages;
	stages[w->count] = calloc(1, sizeof *stages[0]);
	if (!stages[w->count])
		return out_of_memory(c->err);
	stages[++w->count] = NULL;
	return 0;
}

static size_t words_in(char **stage)
{
	size_t n = 0;
	while (stage[n])
		n++;
	return n;
}

/* Whether a word reads NAME=…, which sh would take for a variable of the command that follows. */
static bool is_assignment(const char *word)
{
	static const char name[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	size_t n = strspn(word, name);
	return n > 0 && word[n] == '=' && !(word[0] >= '0' && word[0] <= '9');
}

static int add_word(char ***stage, const char *text, struct err *err)
{
	size_t n = words_in(*stage);
	char **longer = reallocarray(*stage, n + 2, sizeof *longer);
	if (!longer)
		return out_of_memory(err);
	*stage = longer;
	longer[n] = strdup(text);
	longer[n + 1] = NULL;
	return longer[n] ? 0 : out_of_memory(err);
}

static int end_word(struct cut *c)
{
	if (!c->in_word)
		return 0;
	const char *text = buf_str(&c->word);
	char ***stage = &c->out->stages[c->out->count - 1];
	if (words_in(*stage) == 0) {
		if (!*text)
			return err_set(c->err, ERR_USAGE,
				       "the name of the %s's program is empty at character %d",
				       c->out->what, position(c, c->at));
		if (c->plain && is_assignment(text))
			return err_set(
				c->err, ERR_USAGE,
				"the %s begins with '%s', and no shell runs it: set a variable by --env '%s'",
				c->out->what, text, text);
	}
	if (add_word(stage, text, c->err))
		return -1;
	buf_clear(&c->word);
	c->in_word = false;
	c->plain = true;
	return 0;
}

static int end_stage(struct cut *c, const char *at)
{
	if (end_word(c))
		return -1;
	if (words_in(c->out->stages[c->out->count - 1]) > 0)
		return 0;
	if (at == c->text + strlen(c->text) && c->out->count == 1)
		return err_set(c->err, ERR_USAGE, "the %s is empty", c->out->what);
	return err_set(c->err, ERR_USAGE, "a stage of the %s's pipeline is empty at character %d",
		       c->out->what, position(c, at));
}

/* 'text': everything as it stands. */
static int single_quoted(struct cut *c)
{
	const char *open = c->at++;
	c->in_word = true;
	c->plain = false;
	for (; *c->at != '\''; c->at++) {
		if (!*c->at)
			return err_set(
				c->err, ERR_USAGE,
				"the quote (') that opens at character %d of the %s is not closed",
				position(c, open), c->out->what);
		if (put(c, *c->at))
			return -1;
	}
	c->at++;
	return 0;
}

/* "text": a backslash goes before $ ` " \ and a line feed; an expansion is not done, so it is
 * refused. */
static int double_quoted(struct cut *c)
{
	const char *open = c->at++;
	c->in_word = true;
	c->plain = false;
	for (; *c->at != '"'; c->at++) {
		if (!*c->at)
			return err_set(
				c->err, ERR_USAGE,
				"the quote (\") that opens at character %d of the %s is not closed",
				position(c, open), c->out->what);
		if (*c->at == '$')
			return needs_shell(c, "a '$' between double quotes", c->at);
		if (*c->at == '`')
			return needs_shell(c, "a backquote (`) between double quotes", c->at);
		if (*c->at == '\\' && c->at[1] == '\n') {
			c->at++;
			continue;
		}
		if (*c->at == '\\' && c->at[1] && strchr("$`\"\\", c->at[1]))
			c->at++;
		if (put(c, *c->at))
			return -1;
	}
	c->at++;
	return 0;
}

static int backslash(struct cut *c)
{
	if (!c->at[1])
		return err_set(c->err, ERR_USAGE, "the %s ends in a backslash", c->out->what);
	if (c->at[1] != '\n') {
		c->plain = false;
		if (put(c, c->at[1]))
			return -1;
	}
	c->at += 2;
	return 0;
}

static int pipe_sign(struct cut *c)
{
	if (c->at[1] == '|')
		return needs_shell(c, "'||'", c->at);
	if (end_stage(c, c->at) || begin_stage(c))
		return -1;
	c->at++;
	return 0;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* An unquoted character that means something to a shell only. */
static int special(struct cut *c)
{
	char what[32];
	switch (*c->at) {
	case '`':
		return needs_shell(c, "an unquoted backquote (`)", c->at);
	case '\n':
		return needs_shell(c, "a line feed", c->at);
	case '\r':
		return needs_shell(c, "a carriage return", c->at);
	default:
		snprintf(what, sizeof what, "an unquoted '%c'", *c->at);
		return needs_shell(c, what, c->at);
	}
}

static int next(struct cut *c)
{
	char byte = *c->at;
	if (byte == '\'')
		return single_quoted(c);
	if (byte == '"')
		return double_quoted(c);
	if (byte == '\\')
		return backslash(c);
	if (byte == '|')
		return pipe_sign(c);
	if (is_blank(byte)) {
		c->at++;
		return end_word(c);
	}
	if (strchr("$><;&`\n\r*?[(){}", byte) || (!c->in_word && (byte == '#' || byte == '~')))
		return special(c);
	c->at++;
	return put(c, byte);
}

int words_split(const char *text, const char *what, struct words *out, struct err *err)
{
	*out = (struct words){ .what = what };
	struct cut c = { .text = text, .at = text, .out = out, .err = err, .plain = true };
	buf_init(&c.word, WORD_BYTES_MAX);
	/* Line ends after the last word come from files and do no harm. */
	const char *end = text + strlen(text);
	while (end > text && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	if (end > text && end[-1] == '\\')
		end = text + strlen(text);
	int rc = begin_stage(&c);
	while (rc == 0 && c.at < end)
		rc = next(&c);
	if (rc == 0)
		rc = end_stage(&c, text + strlen(text));
	buf_release(&c.word);
	if (rc)
		words_release(out);
	return rc;
}

int words_from_argv(char *const *argv, struct words *out, struct err *err)
{
	*out = (struct words){ .what = "handler" };
	struct cut c = { .out = out, .err = err };
	if (!argv || !argv[0] || !*argv[0])
		return err_set(err, ERR_USAGE, "the handler is empty");
	int rc = begin_stage(&c);
	for (; rc == 0 && *argv; argv++)
		rc = add_word(&out->stages[0], *argv, err);
	if (rc)
		words_release(out);
	return rc;
}
