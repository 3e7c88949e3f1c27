/* api/api_root: a server's URL as a user gives it in; what may be shown of it and what is secret
 * out, kept apart from here on.
 *
 * Invariant: no error quotes a URL in which there may be a login or a token. */
#include "api/api_root.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/host.h"
#include "io/http.h"

enum { LOGIN_MAX = 200 };

/* People paste what they call, with the token in it; libraries ask for `…/bot`. */
static bool has_bot(const char *path)
{
	size_t n = strlen(path);
	while (n && path[n - 1] == '/')
		n--;
	if (n >= 4 && memcmp(path + n - 4, "/bot", 4) == 0)
		return true;
	for (; (path = strstr(path, "/bot")); path += 4) {
		size_t digits = strspn(path + 4, "0123456789");
		if (digits &&
		    (path[4 + digits] == ':' || strncasecmp(path + 4 + digits, "%3a", 3) == 0))
			return true;
	}
	return false;
}

static int check(const char *text, size_t scheme, const char *host, struct err *err)
{
	bool quoted = !strchr(text, '@');
	size_t n = strcspn(host, "/?#");
	if (scheme == 0 || n == 0)
		return err_set(err, ERR_USAGE,
			       "%s%s%s is no URL such as 'https://api.telegram.org'",
			       quoted ? "'" : "", quoted ? text : "it", quoted ? "'" : "");
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			return err_set(err, ERR_USAGE,
				       "the URL has white space or a character that no URL has");
	if (strchr(host, '@'))
		return err_set(
			err, ERR_USAGE,
			"the URL has an '@' behind its host; write %%2F for '/' in a password");
	if (has_bot(host + n))
		return err_set(
			err, ERR_USAGE,
			"the URL goes on with '/bot', which tgrun adds, and the token; give the server's root only, "
			"such as 'https://api.telegram.org', and the token by --token-file");
	if (strpbrk(text, "?#"))
		return err_set(err, ERR_USAGE,
			       "%s%s%s has a '?' or a '#'; give the server's root only%s",
			       quoted ? "'" : "", quoted ? text : "the URL", quoted ? "'" : "",
			       quoted ? "" : ", and write them %3F and %23 in a password");
	return 0;
}

int api_root_read(struct api_root *r, const char *text, struct err *err)
{
	bool tls = strncasecmp(text, "https://", 8) == 0;
	size_t scheme = tls ? 8 : strncasecmp(text, "http://", 7) == 0 ? 7 : 0;
	const char *host = text + scheme, *at = memrchr(host, '@', strcspn(host, "/?#"));
	size_t login = at ? (size_t)(at - host) : 0, n = strlen(text);
	*r = (struct api_root){ 0 };
	if (at)
		host = at + 1;
	if (check(text, scheme, host, err))
		return -1;
	if (at && (login == 0 || login > LOGIN_MAX))
		return err_set(err, ERR_USAGE, "the URL has %s before the '@'",
			       login ? "too long a user or password" : "nothing");
	while (n && text[n - 1] == '/')
		n--;
	size_t rest = n - (size_t)(host - text), authority = strcspn(host, "/");
	r->url = malloc(scheme + rest + 1);
	r->login = at ? strndup(text + scheme, login) : NULL;
	if (!r->url || (at && !r->login)) {
		api_root_release(r);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	memcpy(r->url, text, scheme);
	memcpy(r->url + scheme, host, rest);
	r->url[scheme + rest] = '\0';
	const char *end = host[0] == '[' ? memchr(host, ']', authority)
					 : memchr(host, ':', authority);
	r->tls = tls;
	r->plain = !tls &&
		   !host_is_loopback(host, !end ? authority : (size_t)(end - host) + (*end == ']'));
	return 0;
}

bool api_root_is_telegrams(const char *url)
{
	static const char host[] = "api.telegram.org";
	const char *at = strstr(url, "://");
	at = at ? at + 3 : url;
	size_t n = strcspn(at, ":/");
	n -= n && at[n - 1] == '.'; /* a whole name, as resolvers have it */
	return n == strlen(host) && strncasecmp(at, host, n) == 0;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void api_root_release(struct api_root *r)
{
	free(r->url);
	wipe(r->login);
	*r = (struct api_root){ 0 };
}

int api_root_add(const char *url, const char *login, struct buf *out)
{
	size_t scheme = (size_t)(strstr(url, "://") + 3 - url);
	if (!login)
		return buf_adds(out, url);
	return buf_addf(out, "%.*s%s@%s", (int)scheme, url, login, url + scheme);
}

int api_root_unescape(const char *login, char **user, char **password)
{
	*user = *password = NULL;
	if (!login)
		return 0;
	size_t n = strcspn(login, ":");
	*user = strndup(login, n);
	*password = strdup(login[n] ? login + n + 1 : "");
	if (!*user || !*password) {
		wipe(*user);
		wipe(*password);
		*user = *password = NULL;
		return -1;
	}
	http_form_decode(*user, false);
	http_form_decode(*password, false);
	return 0;
}

/* What RFC 7617 puts into a header: base64 of `user:password`. */
static void encode(const char *user, const char *password, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct buf plain;
	buf_init(&plain, 2 * LOGIN_MAX);
	buf_addf(&plain, "%s:%s", user, password);
	for (size_t i = 0; i < plain.len; i += 3) {
		unsigned bits = 0;
		size_t left = plain.len - i;
		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < left ? (unsigned char)plain.data[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_addc(out, k <= left ? digits[bits >> (18 - 6 * k) & 63] : '=');
	}
	if (plain.data)
		explicit_bzero(plain.data, plain.cap);
	buf_release(&plain);
}

int api_root_hide(const char *login, struct secret *secret, struct err *err)
{
	char *user, *password;
	struct buf header;
	if (!login || !secret)
		return 0;
	if (api_root_unescape(login, &user, &password))
		return err_set(err, ERR_INTERNAL, "out of memory");
	const char *colon = strchr(login, ':'), *escaped = colon && colon[1] ? colon + 1 : login,
		   *hidden = *password ? password : user;
	buf_init(&header, 4 * LOGIN_MAX);
	encode(user, password, &header);
	int rc =
		strlen(hidden) < SECRET_MIN || !header.len
			? err_set(err, ERR_USAGE,
				  "the password in the API's URL is shorter than %d characters, which nothing could hide",
				  SECRET_MIN)
			: secret_also(secret, hidden, escaped, buf_str(&header), err);
	if (header.data)
		explicit_bzero(header.data, header.cap);
	buf_release(&header);
	wipe(user);
	wipe(password);
	return rc;
}
