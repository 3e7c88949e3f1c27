/* queue/shared/fleet_db_where: a URL in; where that is, and what may be told of it, out. libpq
 * tries the next of several hosts only when connecting fails, not when one accepts and hangs up, so
 * the order in which they are tried is turned here. Invariant: a password is in no sentence. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/shared/fleet_db_internal.h"
#include "queue/shared/fleet_url.h"

/* ---- what libpq knows of it ---- */

static const char *option(const PQconninfoOption *all, const char *name)
{
	for (; all && all->keyword; all++)
		if (strcmp(all->keyword, name) == 0)
			return all->val && *all->val ? all->val : NULL;
	return NULL;
}

/* A copy of an option, of the URL or else of the environment. */
static char *copy(const PQconninfoOption *url, const PQconninfoOption *defaults, const char *name,
		  bool *failed)
{
	const char *value = option(url, name);
	if (!value)
		value = option(defaults, name);
	char *text = value ? strdup(value) : NULL;
	*failed = *failed || (value && !text);
	return text;
}

static int commas(const char *text)
{
	int n = 0;
	for (; text && *text; text++)
		n += *text == ',';
	return n;
}

static int take_options(struct fleet_where *w, const PQconninfoOption *url,
			const PQconninfoOption *defaults)
{
	bool failed = false;
	w->hostaddr = copy(url, defaults, "hostaddr", &failed);
	w->host = copy(url, defaults, "host", &failed);
	w->port = copy(url, defaults, "port", &failed);
	w->password = copy(url, NULL, "password", &failed);
	char *database = copy(url, defaults, "dbname", &failed);
	if (!database)
		database = copy(url, defaults, "user", &failed);
	w->hosts = 1 + commas(w->host ? w->host : w->hostaddr);
	const char *host = w->host ? w->host : w->hostaddr;
	if (asprintf(&w->name, "database '%s' on '%s'", database ? database : "",
		     host ? host : "this machine") < 0) {
		w->name = NULL;
		failed = true;
	}
	free(database);
	return failed ? -1 : 0;
}

/* libpq finds that out only when it connects, each time anew. */
static bool are_ports(const char *list)
{
	for (; list; list = *list ? list + 1 : NULL) {
		size_t n = strspn(list, "0123456789");
		long port = n && n < 6 ? strtol(list, NULL, 10) : 0;
		bool fine = n ? port >= 1 && port <= 65535 : true; /* "": the default */
		list += n;
		if (!fine || (*list && *list != ','))
			return false;
	}
	return true;
}

int fleet_where_read(struct fleet_where *w, const char *url, struct err *err)
{
	char *why = NULL, *rest = NULL;
	struct buf shown;
	*w = (struct fleet_where){ 0 };
	buf_init(&shown, SIZE_MAX / 2);
	if (!fleet_url_reads(url))
		return err_set(
			err, ERR_USAGE,
			"the password in the store's URL has a '/', which is written %%2F there");
	if (fleet_db_library_load(err))
		return -1;
	PQconninfoOption *options = PQconninfoParse(url, &why), *defaults = PQconndefaults();
	int rc = 0;
	if (!options && why && fleet_url_show(url, &shown) == 0)
		/* what libpq says quotes the URL: it may be told when nothing was to be hidden */
		rc = err_set(err, ERR_USAGE, "cannot read the store's URL '%s'%s%s",
			     buf_str(&shown), strcmp(url, buf_str(&shown)) == 0 ? ": " : "",
			     strcmp(url, buf_str(&shown)) == 0 ? strtok_r(why, "\n", &rest) : "");
	else if (!options || !defaults || take_options(w, options, defaults) ||
		 !(w->url = strdup(url)))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	else if (!are_ports(w->port))
		rc = err_set(err, ERR_USAGE,
			     "the port '%s' in the store's URL is no number from 1 to 65535",
			     w->port);
	buf_release(&shown);
	PQfreemem(why);
	PQconninfoFree(options);
	PQconninfoFree(defaults);
	return rc;
}

void fleet_where_release(struct fleet_where *w)
{
	if (w->password)
		explicit_bzero(w->password, strlen(w->password));
	if (w->url)
		explicit_bzero(w->url, strlen(w->url));
	free(w->url);
	free(w->host);
	free(w->hostaddr);
	free(w->port);
	free(w->password);
	free(w->name);
	*w = (struct fleet_where){ 0 };
}

/* ---- to connect ---- */

/* The list, of as many as there are hosts, with its member number `turn` first; a shorter one as it
 * is. */
static const char *turned(const char *list, int hosts, unsigned turn, struct buf *out)
{
	const char *at = list;
	if (!list || commas(list) + 1 != hosts)
		return list;
	for (unsigned i = turn % (unsigned)hosts; i > 0; i--)
		at += strcspn(at, ",") + 1;
	if (at == list)
		return list;
	if (buf_adds(out, at) || buf_addc(out, ',') || buf_add(out, list, (size_t)(at - list - 1)))
		return NULL;
	return buf_str(out);
}

PGconn *fleet_where_connect(const struct fleet_where *w, unsigned turn)
{
	struct buf lists[3];
	for (size_t i = 0; i < 3; i++)
		buf_init(&lists[i], SIZE_MAX / 2);
	const char *host = turned(w->host, w->hosts, turn, &lists[0]);
	const char *hostaddr = turned(w->hostaddr, w->hosts, turn, &lists[1]);
	const char *port = turned(w->port, w->hosts, turn, &lists[2]);
	/* What stands before the URL it may say otherwise; what stands behind it not. */
	const char *names[] = { "keepalives_idle",
				"keepalives_interval",
				"keepalives_count",
				"tcp_user_timeout",
				"fallback_application_name",
				"target_session_attrs",
				"dbname",
				"host",
				"hostaddr",
				"port",
				"client_encoding",
				NULL };
	const char *values[] = { "5",     "2",     "3",
				 "10000", "tgrun", w->hosts > 1 ? "read-write" : "any",
				 w->url,  host,    hostaddr,
				 port,    "UTF8",  NULL };
	PGconn *pg = PQconnectStartParams(names, values, 1);
	for (size_t i = 0; i < 3; i++)
		buf_release(&lists[i]);
	return pg;
}
