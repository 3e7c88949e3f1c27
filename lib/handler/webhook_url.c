/* handler/webhook_url: a handler's text in; whether it is a URL, whether it will do, and what may
 * be shown of it out. Pure. Invariant: no error quotes a path, a user or a password. */
#include "handler/webhook_url.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/host.h"

/* The length of the scheme with its slashes; 0: it is none of ours. */
static size_t scheme_of(const char *text)
{
	return strncasecmp(text, "https://", 8) == 0  ? 8
	       : strncasecmp(text, "http://", 7) == 0 ? 7
						      : 0;
}

/* Where the host and the port end. */
static size_t authority_of(const char *host)
{
	return strcspn(host, "/?#");
}

/* Where the name or the address of the host ends; `n`: of authority_of(). */
static size_t name_of(const char *host, size_t n)
{
	const char *end = host[0] == '[' ? memchr(host, ']', n) : memchr(host, ':', n);
	return !end ? n : (size_t)(end - host) + (*end == ']');
}

/* Whether what follows the name is nothing, or a port, 1 to 65535. */
static bool is_port(const char *text, size_t n)
{
	size_t digits = n > 1 && *text == ':' ? strspn(text + 1, "0123456789") : 0;
	if (n == 0)
		return true;
	if (digits != n - 1 || digits == 0 || digits > 5)
		return false;
	long port = strtol(text + 1, NULL, 10);
	return port >= 1 && port <= UINT16_MAX;
}

bool webhook_url_is(const char *text)
{
	return scheme_of(text) > 0;
}

int webhook_url_check(const char *text, struct err *err)
{
	const char *host = text + scheme_of(text);
	size_t n = authority_of(host);
	if (memchr(host, '@', n))
		return err_set(err, ERR_USAGE,
			       "the URL of a handler takes no user and no password; "
			       "--webhook-secret is what tells its server who asks");
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			return err_set(err, ERR_USAGE,
				       "the URL of a handler has white space or a character that "
				       "no URL has; a URL takes no arguments");
	if (n == 0 || host[0] == ':')
		return err_set(err, ERR_USAGE,
			       "the URL of a handler names no host, as 'http://127.0.0.1:8080/' "
			       "does");
	if (!is_port(host + name_of(host, n), n - name_of(host, n)))
		return err_set(err, ERR_USAGE,
			       "the URL of a handler has no port, 1 to 65535, behind its host's "
			       "':', as 'http://127.0.0.1:8080/' has");
	if (strchr(host, '#'))
		return err_set(err, ERR_USAGE,
			       "the URL of a handler has a '#', behind which nothing is sent; "
			       "write %%23 for one that belongs to it");
	return 0;
}

bool webhook_url_plain(const char *url)
{
	const char *host = url + scheme_of(url);
	return scheme_of(url) == 7 && !host_is_loopback(host, name_of(host, authority_of(host)));
}

void webhook_url_show(const char *url, char out[WEBHOOK_SHOWN_MAX])
{
	const char *host = url + scheme_of(url);
	const char *path = host + authority_of(host);
	snprintf(out, WEBHOOK_SHOWN_MAX, "%.*s%s", (int)(path - url), url,
		 strcmp(path, "/") == 0 || !*path ? path : "/…");
}
