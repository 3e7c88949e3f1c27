/* api/api_root: where a Bot API server is, as users say it: https://api.telegram.org, or
 * http://user:password@10.0.0.7:8081/path. */
#ifndef TGRUN_API_API_ROOT_H
#define TGRUN_API_API_ROOT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

struct api_root {
	char *url;   /* scheme, host and path, no slash at its end: may be shown and stored */
	char *login; /* `user:password`, escaped as it stands in a URL; NULL: none. A secret */
	bool tls;    /* https */
	bool plain;  /* http to another machine: all can be read on the way */
};

/* Reads `text`. 0, or -1 with `err` (ERR_USAGE), which quotes nothing that may be secret; `r` is
 * then empty. */
int api_root_read(struct api_root *r, const char *text, struct err *err);

/* Whether the server at `url` is Telegram's own, by its host. */
bool api_root_is_telegrams(const char *url);

/* Wipes and frees. Fine with a zeroed one. */
void api_root_release(struct api_root *r);

/* Appends the root with the login in it, as handlers and their libraries want it. `login` NULL:
 * none. 0, or -1 when the buffer is full. */
int api_root_add(const char *url, const char *login, struct buf *out);

/* The user and the password of a login, unescaped. They are the caller's, to be wiped and freed;
 * both NULL without a login. 0, or -1 when memory is out. */
int api_root_unescape(const char *login, char **user, char **password);

/* Lets `secret` hide the password (the user, where that is all), as it is, escaped, and as the
 * header of a request holds it. 0, or -1 with `err` when it is too short to be hidden anywhere, or
 * too long. NULL login: does nothing. */
int api_root_hide(const char *login, struct secret *secret, struct err *err);

#endif
