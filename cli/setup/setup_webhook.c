/* cli/setup/setup_webhook: the secret that webhooks are sent: the options and the credentials in,
 * the text out. Invariant: from here on it is hidden wherever the token is. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/setup/setup.h"

/* As setWebhook takes it, in `n` bytes at `text`; white space around it is not part of it. */
static int take(struct setup *s, const char *where, const char *text, size_t n, struct err *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	static const char blanks[] = " \t\r\n";
	while (n && strchr(blanks, *text))
		text++, n--;
	while (n && strchr(blanks, text[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++)
		if (!text[i] || !strchr(letters, text[i]))
			return err_set(err, ERR_USAGE,
				       "%s: the secret of webhooks has a character that it may not "
				       "have; Telegram takes A-Z, a-z, 0-9, _ and -",
				       where);
	if (n < SECRET_MIN || n > SECRET_OTHER_MAX)
		return err_set(err, ERR_USAGE,
			       "%s: the secret of webhooks has %zu characters; it needs %d to %d",
			       where, n, SECRET_MIN, SECRET_OTHER_MAX);
	s->webhook_secret = strndup(text, n);
	return s->webhook_secret ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

static int take_file(struct setup *s, const char *path, struct err *err)
{
	static const char what[] = "file with the secret of webhooks";
	char text[SETUP_SECRET_MAX], where[320];
	size_t n = 0;
	if (setup_read_secret(s, what, path, text, &n, err))
		return -1;
	snprintf(where, sizeof where, "file '%.300s'", path);
	int rc = take(s, where, text, n, err);
	explicit_bzero(text, sizeof text);
	return rc;
}

int setup_webhook(struct setup *s, struct err *err)
{
	const struct config *c = &s->config;
	char place[PATH_MAX];
	int rc = 0;
	if (c->webhook_secret)
		rc = take(s, config_where(c, &c->webhook_secret, place, sizeof place),
			  c->webhook_secret, strlen(c->webhook_secret), err);
	else if (c->webhook_secret_file)
		rc = take_file(s, c->webhook_secret_file, err);
	else if (setup_credential("webhook-secret", place))
		rc = take_file(s, place, err);
	if (rc == 0 && s->secret)
		secret_hide(s->secret, SECRET_OF_WEBHOOKS, s->webhook_secret);
	return rc;
}
