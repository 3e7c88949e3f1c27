/* queue/shared/fleet_url: the text of a URL in; what may be shown of it, and what must not be, out.
 * Invariant: what follows a user's colon, or `password=`, is taken for the password, up to the last
 * `@` before the path, or the next parameter, and of the parameters only those are shown that have
 * none: rather too much is hidden than too little. */
#include "queue/shared/fleet_url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const schemes[] = { "postgresql://", "postgres://" };

/* The bytes of the scheme; 0: it is none of them. */
static size_t scheme_of(const char *text)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
			return strlen(schemes[i]);
	return 0;
}

bool fleet_url_is(const char *text)
{
	return scheme_of(text) > 0;
}

/* A part of a text. */
struct part {
	size_t at, length; /* length 0: there is none */
};

/* Where the hosts begin: behind the login. A password may have a slash that was not escaped, so the
 * login ends at the last `@` before the parameters. */
static size_t hosts_of(const char *url)
{
	size_t start = scheme_of(url), n = strcspn(url + start, "?");
	const char *at = memrchr(url + start, '@', n);
	return at ? (size_t)(at - url) + 1 : start;
}

static struct part password_of(const char *url)
{
	size_t start = scheme_of(url), hosts = hosts_of(url);
	const char *colon = hosts > start ? memchr(url + start, ':', hosts - 1 - start) : NULL;
	if (colon) {
		size_t at = (size_t)(colon - url) + 1;
		return (struct part){ at, hosts - 1 - at };
	}
	for (const char *p = strchr(url, '?'); p; p = strchr(p + 1, '&'))
		if (strncmp(p + 1, "password=", 9) == 0)
			return (struct part){ (size_t)(p + 10 - url), strcspn(p + 10, "&") };
	return (struct part){ 0 };
}

bool fleet_url_reads(const char *url)
{
	size_t start = scheme_of(url), hosts = hosts_of(url);
	return !memchr(url + start, '/', hosts - start) &&
	       (hosts == start || !memchr(url + start, '@', hosts - 1 - start));
}

void fleet_url_mask(char *url)
{
	fleet_url_redact(url);
	for (char *p = strchr(url, '?'); p && *p;) {
		size_t n = strcspn(++p, "&"), name = strcspn(p, "=&");
		size_t kept = p[name] == '=' ? name + 1 : 0;
		memset(p + kept, '*', n - kept);
		p += n;
	}
}

int fleet_url_show(const char *url, struct buf *out)
{
	/* what is no name of these may be a password's, or a part of one */
	static const char *const shown[] = { "host=",	 "hostaddr=",	 "port=",
					     "user=",	 "dbname=",	 "service=",
					     "sslmode=", "sslrootcert=", "connect_timeout=",
					     "options=", "application_name=",
					     "target_session_attrs=" };
	size_t start = scheme_of(url), hosts = hosts_of(url);
	const char *colon = hosts > start ? memchr(url + start, ':', hosts - 1 - start) : NULL;
	size_t login = colon ? (size_t)(colon - url) : hosts - (hosts > start);
	const char *rest = url + (hosts > start ? hosts - 1 : hosts), *query = strchrnul(rest, '?');
	if (buf_add(out, url, login) || buf_add(out, rest, (size_t)(query - rest)))
		return -1;
	for (char mark = '?'; *query;) {
		size_t n = strcspn(++query, "&");
		bool hide = true;
		for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
			hide = hide && strncmp(query, shown[i], strlen(shown[i])) != 0;
		if (!hide && (buf_addc(out, mark) || buf_add(out, query, n)))
			return -1;
		mark = hide ? mark : '&';
		query += n;
	}
	return 0;
}

void fleet_url_redact(char *url)
{
	struct part p = password_of(url);
	memset(url + p.at, '*', p.length);
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Percent-encoding undone, in place. */
static void unescape(char *text)
{
	char *to = text;
	for (; *text; text++)
		if (*text == '%' && isxdigit((unsigned char)text[1]) &&
		    isxdigit((unsigned char)text[2])) {
			*to++ = (char)(hex(text[1]) * 16 + hex(text[2]));
			text += 2;
		} else {
			*to++ = *text;
		}
	*to = '\0';
}

int fleet_url_hide(const char *url, struct secret *secret, struct err *err)
{
	char text[SECRET_OTHER_MAX + 1];
	if (!fleet_url_is(url) || !secret)
		return 0;
	struct part p = password_of(url);
	if (p.length == 0)
		return 0;
	if (p.length < SECRET_MIN || p.length > SECRET_OTHER_MAX)
		return err_set(
			err, ERR_USAGE,
			"the password in the store's URL has %zu characters; to be hidden it "
			"needs %d to %d, or put it into ~/.pgpass",
			p.length, SECRET_MIN, SECRET_OTHER_MAX);
	snprintf(text, sizeof text, "%.*s", (int)p.length, url + p.at);
	secret_hide(secret, SECRET_OF_STORE_URL, text);
	unescape(text);
	secret_hide(secret, SECRET_OF_STORE, strlen(text) < SECRET_MIN ? NULL : text);
	explicit_bzero(text, sizeof text);
	return 0;
}
