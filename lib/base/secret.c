/* base/secret: token in, redacted text out. Only the part after the colon is secret, so it is found in whatever form
 * the rest was written (percent-encoded, split off by a shell). */
#include "base/secret.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STARS "***"

enum { TOKEN_MAX = 200, SECRET_MIN = 3 };

struct secret {
	int64_t bot_id;
	size_t length;     /* of the secret part */
	const char *part;  /* the secret part, inside token */
	char shown[32];
	char token[TOKEN_MAX + 1];
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
	if (n > TOKEN_MAX || digits == 0 || digits > 18 || digits >= n || token[digits] != ':' || n - digits - 1 < SECRET_MIN) {
		err_set(err, ERR_NOPERM, "the token does not look like '123456:ABC…'; copy it again from @BotFather");
		return NULL;
	}
	for (size_t i = digits + 1; i < n; i++)
		if (!isalnum((unsigned char)token[i]) && token[i] != '_' && token[i] != '-') {
			err_set(err, ERR_NOPERM, "the token has a character that no token has; copy it again from @BotFather");
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
	*s = *from;
	s->part = s->token + (from->part - from->token);
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

size_t secret_redact(const struct secret *s, char *text, size_t n)
{
	_Static_assert(SECRET_MIN >= sizeof STARS - 1, "a text never grows");
	char *out = text, *from = text, *end = text + n, *found;
	if (!s)
		return n;
	while ((found = memmem(from, (size_t)(end - from), s->part, s->length))) {
		memmove(out, from, (size_t)(found - from));
		out += found - from;
		memcpy(out, STARS, sizeof STARS - 1);
		out += sizeof STARS - 1;
		from = found + s->length;
	}
	memmove(out, from, (size_t)(end - from));
	n = (size_t)(out - text) + (size_t)(end - from);
	/* What stood there is not left behind the new end. */
	explicit_bzero(text + n, (size_t)(end - text) - n);
	return n;
}
