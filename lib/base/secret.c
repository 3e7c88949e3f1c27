/* base/secret: token in, redacted text out. Only the part after the colon is secret, so it is found
 * in whatever form the rest was written (percent-encoded, split off by a shell). */
#include "base/secret.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define STARS "***"

enum { TOKEN_MAX = 200, ALSO = 3, HANDED = 35 /* characters of what is handed out */ };

struct secret {
	int64_t bot_id;
	size_t length;    /* of the secret part */
	const char *part; /* the secret part, inside token */
	char shown[32];
	char token[TOKEN_MAX + 1];
	char also[ALSO][SECRET_ALSO_MAX + 1]; /* other texts; "" for none */
	char others[SECRET_OTHERS][SECRET_OTHER_MAX + 1];
	char handed[24 + HANDED + 1]; /* "": none */
};

struct secret *secret_new(const char *token, struct err *err)
{
	while (isspace((unsigned char)*token))
		token++;
	size_t n = strlen(token);
	while (n && isspace((unsigned char)token[n - 1]))
		n--;
	size_t digits = strspn(token, "0123456789");
	if (n == 0) {
		err_set(err, ERR_NOPERM, "the token is empty");
		return NULL;
	}
	if (n > TOKEN_MAX || digits == 0 || digits > 18 || digits >= n || token[digits] != ':' ||
	    n - digits - 1 < SECRET_MIN) {
		err_set(err, ERR_NOPERM,
			"the token does not look like '123456:ABC…'; copy it again from @BotFather");
		return NULL;
	}
	for (size_t i = digits + 1; i < n; i++)
		if (!isalnum((unsigned char)token[i]) && token[i] != '_' && token[i] != '-') {
			err_set(err, ERR_NOPERM,
				"the token has a character that no token has; copy it again from @BotFather");
			return NULL;
		}
	struct secret *s = calloc(1, sizeof *s);
	if (!s) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	memcpy(s->token, token, n);
	s->bot_id = strtoll(s->token, NULL, 10);
	s->part = s->token + digits + 1;
	s->length = n - digits - 1;
	snprintf(s->shown, sizeof s->shown, "%.*s:" STARS, (int)digits, s->token);
	return s;
}

void secret_free(struct secret *s)
{
	if (!s)
		return;
	explicit_bzero(s, sizeof *s);
	free(s);
}

void secret_assign(struct secret *s, const struct secret *from)
{
	struct secret before = *s;
	*s = *from;
	s->part = s->token + (from->part - from->token);
	memcpy(s->also, before.also, sizeof s->also);
	memcpy(s->handed, before.handed, sizeof s->handed);
	memcpy(s->others[SECRET_OF_STORE], before.others[SECRET_OF_STORE],
	       sizeof s->others[SECRET_OF_STORE]);
	memcpy(s->others[SECRET_OF_STORE_URL], before.others[SECRET_OF_STORE_URL],
	       sizeof s->others[SECRET_OF_STORE_URL]);
	explicit_bzero(&before, sizeof before);
}

const char *secret_token(const struct secret *s)
{
	return s->token;
}

int64_t secret_bot_id(const struct secret *s)
{
	return s->bot_id;
}

const char *secret_shown(const struct secret *s)
{
	return s->shown;
}

size_t secret_length(const struct secret *s)
{
	return s ? s->length : 0;
}

int secret_also(struct secret *s, const char *one, const char *two, const char *three,
		struct err *err)
{
	const char *const texts[ALSO] = { one, two, three };
	for (int i = 0; i < ALSO; i++) {
		size_t n = strlen(texts[i]);
		if (n < SECRET_MIN || n > SECRET_ALSO_MAX)
			return err_set(err, ERR_USAGE,
				       "a password of %zu characters cannot be hidden", n);
	}
	for (int i = 0; i < ALSO; i++)
		strcpy(s->also[i], texts[i]);
	return 0;
}

void secret_hide(struct secret *s, enum secret_of of, const char *text)
{
	snprintf(s->others[of], sizeof s->others[of], "%s", text ? text : "");
}

/* The secret part of what was handed out. */
static const char *handed_part(const struct secret *s)
{
	return strchr(s->handed, ':') + 1;
}

int secret_hand_out(struct secret *s, struct err *err)
{
	static const char letters[64] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	unsigned char random[HANDED];
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_sys(err, ERR_INTERNAL, errno, "no random bytes can be had");
	int n = snprintf(s->handed, sizeof s->handed, "%lld:", (long long)s->bot_id);
	for (int i = 0; i < HANDED; i++)
		s->handed[n + i] = letters[random[i] % sizeof letters];
	s->handed[n + HANDED] = '\0';
	explicit_bzero(random, sizeof random);
	return 0;
}

const char *secret_handed(const struct secret *s)
{
	return s->handed[0] ? s->handed : NULL;
}

int secret_exchange(const struct secret *s, const char *text, size_t n, bool back, struct buf *out)
{
	const char *from = back ? handed_part(s) : s->part, *to = back ? s->part : handed_part(s);
	size_t length = strlen(from);
	const char *end = text + n, *found;
	while ((found = memmem(text, (size_t)(end - text), from, length))) {
		if (buf_add(out, text, (size_t)(found - text)) || buf_adds(out, to))
			return -1;
		text = found + length;
	}
	return buf_add(out, text, (size_t)(end - text));
}

/* Stars for `part`, of `length` bytes. Returns the new length of the text. */
static size_t redact(char *text, size_t n, const char *part, size_t length)
{
	_Static_assert(SECRET_MIN >= sizeof STARS - 1, "a text never grows");
	char *out = text, *from = text, *end = text + n, *found;
	while ((found = memmem(from, (size_t)(end - from), part, length))) {
		memmove(out, from, (size_t)(found - from));
		out += found - from;
		memcpy(out, STARS, sizeof STARS - 1);
		out += sizeof STARS - 1;
		from = found + length;
	}
	memmove(out, from, (size_t)(end - from));
	n = (size_t)(out - text) + (size_t)(end - from);
	/* What stood there is not left behind the new end. */
	explicit_bzero(text + n, (size_t)(end - text) - n);
	return n;
}

size_t secret_redact_text(const char *hidden, char *text, size_t n)
{
	return redact(text, n, hidden, strlen(hidden));
}

size_t secret_redact(const struct secret *s, char *text, size_t n)
{
	if (!s)
		return n;
	n = redact(text, n, s->part, s->length);
	if (s->handed[0])
		n = redact(text, n, handed_part(s), HANDED);
	for (int i = 0; i < SECRET_OTHERS; i++)
		if (s->others[i][0])
			n = secret_redact_text(s->others[i], text, n);
	for (int i = 0; i < ALSO && s->also[i][0]; i++)
		n = secret_redact_text(s->also[i], text, n);
	return n;
}
