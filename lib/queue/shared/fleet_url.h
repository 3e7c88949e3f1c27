/* queue/shared/fleet_url: where a shared queue is, as users say it:
 * postgresql://tgrun:password@db1,db2/bots?sslmode=require. The syntax is libpq's; here is what
 * must be known of it without libpq. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_URL_H
#define TGRUN_QUEUE_SHARED_FLEET_URL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

/* Whether `text` begins as such a URL does. */
bool fleet_url_is(const char *text);

/* Whether what stands before the `@` is a login to libpq, too: with a slash in it, it is not. */
bool fleet_url_reads(const char *url);

/* Appends what may be shown of it: all but passwords. 0, or -1 as buf_add(). */
int fleet_url_show(const char *url, struct buf *out);

/* Lets `secret` hide the password, as it is and as it stands in the URL; does nothing without one,
 * with a NULL secret, or for what is no such URL. 0, or -1 with `err` (ERR_USAGE) when the password
 * is too short to be hidden anywhere, or too long. */
int fleet_url_hide(const char *url, struct secret *secret, struct err *err);

/* Overwrites the password by stars, in place; and all that may have a part of one, so that the rest
 * can be quoted. */
void fleet_url_redact(char *url);
void fleet_url_mask(char *url);

#endif
