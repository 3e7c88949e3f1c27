/* queue/shared/fleet_url: where a shared queue is, as users say it:
 * postgresql://tgrun:password@db1,db2/bots?sslmode=require. The syntax is libpq's; here is what
 * must be known of it without libpq. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_URL_H
#define TGRUN_QUEUE_SHARED_FLEET_URL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"

/* Whether `text` begins as such a URL does. */
bool fleet_url_is(const char *text);

/* What may be shown of it: the scheme, the hosts and the database, without user, password and
 * parameters. Cut where `out` is too small. Returns `out`. */
enum { FLEET_URL_SHOWN = 128 };
const char *fleet_url_show(const char *url, char out[FLEET_URL_SHOWN]);

/* Lets `secret` hide the password, as it is and as it stands in the URL; does nothing without one,
 * with a NULL secret, or for what is no such URL. 0, or -1 with `err` (ERR_USAGE) when the password is too short
 * to be hidden anywhere, or too long. */
int fleet_url_hide(const char *url, struct secret *secret, struct err *err);

/* Overwrites the password by stars, in place. */
void fleet_url_redact(char *url);

#endif
