/* base/secret_find: the text in which somebody has a token comes in: alone, quoted, as NAME=TOKEN,
 * under a comment, as part of @BotFather's message or of a URL, as Windows writes it. The token
 * goes out, or the sentence that says why there is none. Invariant: no token is guessed. What
 * stands alone, but for comments, may be of any length, and so may what a URL of the API has behind
 * `/bot`; among other words it must be as long as a token is, and the only one. */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"

enum {
	AMONG_WORDS = 30, /* letters of the secret part, at least; Telegram's have 35 */
	TEXT_MAX = 4096,
};

struct span {
	const char *at;
	size_t n;
};

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool begins(struct span s, const char *word)
{
	size_t n = strlen(word);
	return s.n >= n && strncasecmp(s.at, word, n) == 0;
}

static struct span from(struct span s, size_t n)
{
	return (struct span){ s.at + n, s.n - n };
}

static struct span trim(struct span s)
{
	for (size_t step = 1; step;) {
		step = begins(s, "\xef\xbb\xbf") || begins(s, "\xe2\x80\x8b") ? 3
		       : begins(s, "\xc2\xa0")                                ? 2
					       : s.n && isspace((unsigned char)*s.at);
		s = from(s, step);
	}
	while (s.n && (isspace((unsigned char)s.at[s.n - 1]) || strchr(",;", s.at[s.n - 1])))
		s.n--;
	return s;
}

/* Without `export` and the name before an equals sign, or before a colon and a space. */
static struct span without_name(struct span s)
{
	if (begins(s, "export ") || begins(s, "export\t"))
		s = trim(from(s, 7));
	size_t n = 0;
	while (n < s.n && (is_letter(s.at[n]) || s.at[n] == '.'))
		n++;
	size_t sign = n;
	while (sign < s.n && isblank((unsigned char)s.at[sign]))
		sign++;
	bool named = n && sign + 1 < s.n &&
		     (s.at[sign] == '=' || (s.at[sign] == ':' && strchr(" \t\"'", s.at[sign + 1])));
	return named ? trim(from(s, sign + 1)) : s;
}

static struct span without_quotes(struct span s)
{
	static const char *const pairs[][2] = { { "\"", "\"" },
						{ "'", "'" },
						{ "`", "`" },
						{ "<", ">" },
						{ "\xe2\x80\x9c", "\xe2\x80\x9d" },
						{ "\xe2\x80\x98", "\xe2\x80\x99" },
						{ "\xc2\xab", "\xc2\xbb" } };
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		size_t open = strlen(pairs[i][0]), close = strlen(pairs[i][1]);
		if (s.n > open + close && begins(s, pairs[i][0]) &&
		    memcmp(s.at + s.n - close, pairs[i][1], close) == 0)
			return trim((struct span){ s.at + open, s.n - open - close });
	}
	return s;
}

/* Copies `s` to `out`, of `s.n` bytes, but for the comments: from a `#` at the beginning of a line
 * or behind a blank to the line's end. */
static struct span without_comments(struct span s, char *out)
{
	struct span rest = { out, 0 };
	bool comment = false, blank = true;
	for (size_t i = 0; i < s.n; i++) {
		comment = s.at[i] != '\n' && (comment || (s.at[i] == '#' && blank));
		blank = isspace((unsigned char)s.at[i]);
		if (!comment)
			out[rest.n++] = s.at[i];
	}
	return trim(rest);
}

static size_t scheme_length(struct span s)
{
	return begins(s, "https://") ? 8 : begins(s, "http://") ? 7 : 0;
}

/* What stands behind `/bot` in a URL, to the next slash; what is no URL, or more than one
 * word, as it is. */
static struct span without_url(struct span s)
{
	size_t n = 0, scheme = scheme_length(s);
	struct span path = from(s, scheme);
	for (size_t i = 0; i < s.n; i++)
		if (isspace((unsigned char)s.at[i]))
			return s;
	const char *bot = scheme ? memmem(path.at, path.n, "/bot", 4) : NULL;
	if (!bot)
		return s;
	path = from(path, (size_t)(bot - path.at) + 4);
	while (n < path.n && !strchr("/?#", path.at[n]))
		n++;
	return (struct span){ path.at, n };
}

static struct secret *make(struct span s, struct err *err)
{
	char token[TEXT_MAX + 1];
	if (s.n > 3 && begins(s, "bot") && isdigit((unsigned char)s.at[3]))
		s = from(s, 3);
	memcpy(token, s.at, s.n);
	token[s.n] = '\0';
	struct secret *found = secret_new(token, err);
	explicit_bzero(token, sizeof token);
	return found;
}

/* The next run of letters and colons that is, but for `bot`, a whole token; empty: none. */
static struct span next_token(struct span *rest)
{
	while (rest->n) {
		size_t n = 0;
		while (n < rest->n && (is_letter(rest->at[n]) || rest->at[n] == ':'))
			n++;
		struct span word = { rest->at, n };
		/* A letter of another alphabet behind it is a letter lost; quotes and dashes of
		 * texts are not letters of a word. */
		bool whole = n == rest->n || !(rest->at[n] & 0x80) ||
			     begins(from(*rest, n), "\xe2\x80\x9d") ||
			     begins(from(*rest, n), "\xe2\x80\x99") ||
			     begins(from(*rest, n), "\xc2\xbb") ||
			     begins(from(*rest, n), "\xc2\xa0");
		*rest = from(*rest, n < rest->n ? n + 1 : n);
		if (begins(word, "bot"))
			word = from(word, 3);
		size_t digits = 0;
		while (digits < word.n && isdigit((unsigned char)word.at[digits]))
			digits++;
		if (whole && digits && word.n > digits + AMONG_WORDS && word.at[digits] == ':' &&
		    !memchr(word.at + digits + 1, ':', word.n - digits - 1))
			return word;
	}
	return (struct span){ 0 };
}

/* What is missing, of what stands alone. */
static void explain(struct span s, struct err *err)
{
	const char *why = NULL;
	size_t letters = 0, digits = 0;
	while (letters < s.n && is_letter(s.at[letters]))
		digits += isdigit((unsigned char)s.at[letters++]) != 0;
	if (s.n && digits == s.n)
		why = "this is only the bot's number; copy all of it from @BotFather";
	else if (s.n >= AMONG_WORDS && letters == s.n)
		why = "the number and the colon before this are missing; copy all of it from @BotFather";
	else if (s.n && memchr(s.at, '\n', s.n))
		why = "there is more than one line, and none is sure to be the token; leave only its line";
	else if (scheme_length(s))
		why = "this is a URL that has no token behind '/bot'; copy the token from @BotFather";
	if (why)
		err_set(err, ERR_NOPERM, "the token does not look like '123456:ABC…': %s", why);
}

struct secret *secret_find(const char *text, size_t n, struct err *err)
{
	char copy[TEXT_MAX], bare[TEXT_MAX];
	struct span all = { copy, 0 }, one = { 0 }, other, rest;
	bool wide = n >= 2 &&
		    (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
	/* UTF-16: a token's letters have a zero byte each. */
	for (size_t i = wide ? 2 : 0; i < n && all.n < sizeof copy; i++)
		if (!wide || text[i])
			copy[all.n++] = text[i];
	struct span said = without_comments(trim(all), bare);
	struct span alone = without_quotes(without_name(without_quotes(said)));
	struct secret *found = make(without_url(alone), err);
	if (!found && err->status == ERR_NOPERM) {
		for (rest = all; (other = next_token(&rest)).n;) {
			if (one.n && (one.n != other.n || memcmp(one.at, other.at, one.n) != 0)) {
				err_set(err, ERR_NOPERM,
					"there are two different tokens; leave one of them");
				goto out;
			}
			one = other;
		}
		if (one.n)
			found = make(one, err);
		else
			explain(alone, err);
	}
out:
	explicit_bzero(copy, sizeof copy);
	explicit_bzero(bare, sizeof bare);
	return found;
}
