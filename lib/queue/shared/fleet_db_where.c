/* queue/shared/fleet_db_where: a URL in; where that is, and what may be told of it, out. libpq
 * tries the next of several hosts only when connecting fails, not when one accepts and hangs up, so
 * the order in which they are tried is turned here. Invariant: a password is in no sentence. */
#include <arpa/inet.h>
#include <limits.h>
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
	/* What a service's file says of these stands before the environment, and libpq reads it. */
	const char *service = option(url, "service");
	const PQconninfoOption *others = defaults;
	defaults = service ? NULL : defaults;
	w->hostaddr = copy(url, defaults, "hostaddr", &failed);
	w->host = copy(url, defaults, "host", &failed);
	w->port = copy(url, defaults, "port", &failed);
	w->password = copy(url, NULL, "password", &failed);
	char *database = copy(url, defaults, "dbname", &failed);
	if (!database)
		database = copy(url, defaults, "user", &failed);
	w->hosts = 1 + commas(w->host ? w->host : w->hostaddr);
	const char *host = w->host ? w->host : w->hostaddr;
	int rc = service ? asprintf(&w->name, "database of the service '%s'", service)
			 : asprintf(&w->name, "database '%s' on '%s'", database ? database : "",
				    host ? host : "this machine");
	const char *patience = option(url, "connect_timeout");
	patience = patience ? patience : option(others, "connect_timeout");
	char *end = NULL;
	w->patience = patience ? strtol(patience, &end, 10) : 0;
	bool fine = !end || (!*end && w->patience <= INT_MAX / 1000);
	/* below 0 is as none for libpq */
	w->patience = !fine ? -1 : w->patience > 0 ? w->patience : 0;
	if (rc < 0) {
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

/* A socket's path and an address need not be asked for. */
static bool is_name(const char *host, size_t n)
{
	char text[INET6_ADDRSTRLEN + 1];
	unsigned char address[sizeof(struct in6_addr)];
	if (n == 0 || *host == '/' || *host == '@')
		return false;
	if (n >= sizeof text)
		return true;
	snprintf(text, sizeof text, "%.*s", (int)n, host);
	return inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1;
}

/* The member number `i` of a list, and its length. */
static const char *member(const char *list, int i, size_t *n)
{
	for (; i > 0; i--)
		list += strcspn(list, ",") + 1;
	*n = strcspn(list, ",");
	return list;
}

/* Whether libpq takes a list of so many beside the hosts. */
static bool fits(const char *list, int hosts)
{
	return !list || commas(list) == 0 || commas(list) + 1 == hosts;
}

/* Addresses that are given win over names. 0, or -1 when memory is out. */
static int note_names(struct fleet_where *w)
{
	if (w->hostaddr || !w->host || !fits(w->port, w->hosts))
		return 0;
	w->names = calloc((size_t)w->hosts, sizeof *w->names);
	if (!w->names)
		return -1;
	for (int i = 0; i < w->hosts; i++) {
		size_t n;
		const char *host = member(w->host, i, &n);
		if (!is_name(host, n))
			continue;
		if (!(w->names[w->name_count] = strndup(host, n)))
			return -1;
		w->name_count++;
	}
	return 0;
}

/* libpq reads a service's file, and most values, only when it is to connect, each time anew; ports
 * last of all. So by one that is none it says what else it does not take, and tries nothing. */
static int check_values(const struct fleet_where *w, struct err *err)
{
	static const char port[] = "65536";
	const char *names[] = { "dbname", "port", "password", NULL };
	const char *values[] = { w->url, port, "-", NULL };
	PGconn *pg = PQconnectStartParams(names, values, 1);
	const char *said = pg ? PQerrorMessage(pg) : "out of memory";
	int rc = strstr(said, port) ? 0
				    : err_set(err, pg ? ERR_CONFIG : ERR_INTERNAL,
					      "the %s cannot be connected to like that: %.*s",
					      w->name, (int)strcspn(said, "\n"), said);
	PQfinish(pg);
	return rc;
}

/* What libpq says quotes the URL, so it is asked once more, of one in which what may be secret is
 * masked. If it takes that, it is what is masked that it does not take. */
static int refuse_url(const char *url, const char *shown, struct err *err)
{
	char *masked = strdup(url), *why = NULL, *rest = NULL;
	if (!masked)
		return err_set(err, ERR_INTERNAL, "out of memory");
	fleet_url_mask(masked);
	PQconninfoOption *options = PQconninfoParse(masked, &why);
	err_set(err, ERR_USAGE, "cannot read the store's URL '%s': %s", shown,
		!options && why ? strtok_r(why, "\n", &rest)
				: "a '%' in a password or a value is no code such as %25");
	PQconninfoFree(options);
	PQfreemem(why);
	explicit_bzero(masked, strlen(masked));
	free(masked);
	return -1;
}

int fleet_where_read(struct fleet_where *w, const char *url, struct err *err)
{
	char *why = NULL;
	struct buf shown;
	*w = (struct fleet_where){ 0 };
	buf_init(&shown, SIZE_MAX / 2);
	if (!fleet_url_reads(url))
		return err_set(
			err, ERR_USAGE,
			"the user or the password in the store's URL has a '/' or an '@', which are "
			"written %%2F and %%40 there");
	if (fleet_db_library_load(err))
		return -1;
	PQconninfoOption *options = PQconninfoParse(url, &why), *defaults = PQconndefaults();
	int rc = 0;
	if (!options && why && fleet_url_show(url, &shown) == 0)
		rc = refuse_url(url, buf_str(&shown), err);
	else if (!options || !defaults || take_options(w, options, defaults) || note_names(w) ||
		 !(w->url = strdup(url)))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	else if (!are_ports(w->port))
		rc = err_set(err, ERR_USAGE,
			     "the port in the store's URL is no number from 1 to 65535");
	else if (w->patience < 0)
		rc = err_set(err, ERR_USAGE,
			     "connect_timeout, of the store's URL or PGCONNECT_TIMEOUT, is no number "
			     "of seconds");
	else
		rc = check_values(w, err);
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
	for (size_t i = 0; i < w->name_count; i++)
		free(w->names[i]);
	free(w->names);
	free(w->url);
	free(w->host);
	free(w->hostaddr);
	free(w->port);
	free(w->password);
	free(w->name);
	*w = (struct fleet_where){ 0 };
}

/* ---- to connect ---- */

/* The lists of hosts as they are handed to libpq, which have as many members each. */
enum { HOST, HOSTADDR, PORT, LISTS };

struct hosts {
	struct buf lists[LISTS];
	int count;
};

/* Appends the member number `i` of a list, or its only one; of none nothing. */
static int add_member(struct buf *out, bool behind, const char *list, int i)
{
	size_t n = 0;
	const char *text = list ? member(list, commas(list) ? i : 0, &n) : "";
	return (behind && buf_addc(out, ',')) || buf_add(out, text, n) ? -1 : 0;
}

/* The host number `i` with the address number `k` of some, NULL: without one. */
static int add_entry(struct hosts *h, const struct fleet_where *w, int i, const char *addresses,
		     int k)
{
	bool behind = h->count++ > 0;
	return add_member(&h->lists[HOST], behind, w->host, i) ||
			       add_member(&h->lists[HOSTADDR], behind, addresses, k) ||
			       add_member(&h->lists[PORT], behind, w->port, i)
		       ? -1
		       : 0;
}

/* Once for each of its addresses; not at all, if it is a name and none was found. */
static int add_host(struct hosts *h, const struct fleet_where *w, int i,
		    const struct resolver *found)
{
	size_t name = 0, n = 0;
	const char *host = w->host ? member(w->host, i, &n) : "";
	if (!found || !is_name(host, n))
		return add_entry(h, w, i, w->hostaddr, i);
	for (int before = 0; before < i; before++) {
		const char *other = member(w->host, before, &n);
		name += is_name(other, n);
	}
	const char *addresses = resolver_addresses(found, name);
	for (int k = 0; *addresses && k <= commas(addresses); k++)
		if (add_entry(h, w, i, addresses, k))
			return -1;
	return 0;
}

/* What libpq would refuse it is told as it is. */
static bool all_fit(const struct fleet_where *w)
{
	return fits(w->port, w->hosts) && (!w->hostaddr || commas(w->hostaddr) + 1 == w->hosts);
}

PGconn *fleet_where_connect(const struct fleet_where *w, unsigned turn,
			    const struct resolver *found)
{
	struct hosts h = { .count = 0 };
	const char *host = w->host, *hostaddr = w->hostaddr, *port = w->port;
	int rc = 0;
	for (size_t i = 0; i < LISTS; i++)
		buf_init(&h.lists[i], SIZE_MAX / 2);
	if (all_fit(w)) {
		for (int k = 0; k < w->hosts && rc == 0; k++)
			rc = add_host(&h, w, (int)((turn + (unsigned)k) % (unsigned)w->hosts),
				      found);
		host = w->host ? buf_str(&h.lists[HOST]) : NULL;
		hostaddr = w->hostaddr || found ? buf_str(&h.lists[HOSTADDR]) : NULL;
		port = w->port ? buf_str(&h.lists[PORT]) : NULL;
	}
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
	PGconn *pg = rc ? NULL : PQconnectStartParams(names, values, 1);
	for (size_t i = 0; i < LISTS; i++)
		buf_release(&h.lists[i]);
	return pg;
}
