/* queue/shared/fleet_check: a URL in, sentences on the server behind it out. Invariant: what stops
 * a start is told as wrong, with its exit status; what only costs speed or safety is a warning. */
#include "queue/shared/fleet_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "queue/shared/fleet_db.h"
#include "queue/shared/fleet_schema.h"
#include "queue/shared/fleet_tools.h"
#include "queue/shared/fleet_url.h"

enum {
	OLDEST = 120000,  /* server_version_num */
	SPAN = 1000,      /* milliseconds over which two clocks are compared */
	RATE_PERCENT = 5, /* by which their rates may differ: leases stand 10 */
	SLOW = 100,       /* milliseconds for an answer, above which the way is called slow */
	TEXT = 1024,
};

struct check {
	struct fleet_db *db;
	const struct fleet_check_told *told;
	const char *url;
	bool failed; /* nothing more can be asked */
};

__attribute__((format(printf, 3, 4))) static void tell(const struct check *c,
						       void (*how)(void *arg, const char *text),
						       const char *fmt, ...)
{
	char text[TEXT];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	how(c->told->arg, text);
}

__attribute__((format(printf, 3, 4))) static void wrong(struct check *c, int status,
							const char *fmt, ...)
{
	char text[TEXT];
	struct err err;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&err, status, "%s", text);
	c->told->wrong(c->told->arg, &err);
	c->failed = true;
}

static const struct fleet_answer *ask(struct check *c, const char *sql)
{
	struct fleet_call call = { .sql = sql };
	const struct fleet_answer *a;
	struct err err;
	if (fleet_db_ask(c->db, &call, FLEET_TOOLS_WAIT, &a, &err) == 0)
		return a;
	c->told->wrong(c->told->arg, &err);
	c->failed = true;
	return NULL;
}

/* ---- the server ---- */

static void check_server(struct check *c)
{
	const struct fleet_answer *a = ask(
		c, "SELECT current_setting('server_version_num')::int, "
		   "current_setting('server_version'), pg_is_in_recovery(), current_user, "
		   "pg_backend_pid(), current_setting('default_transaction_isolation'), "
		   "current_setting('synchronous_commit')");
	if (!a)
		return;
	tell(c, c->told->ok, "store: %s, PostgreSQL %s, as '%s'", fleet_db_name(c->db),
	     fleet_answer_text(a, 0, 1), fleet_answer_text(a, 0, 3));
	if (fleet_answer_number(a, 0, 0) < OLDEST)
		wrong(c, ERR_CONFIG, "%s is PostgreSQL %s; tgrun needs 12 or newer",
		      fleet_db_name(c->db), fleet_answer_text(a, 0, 1));
	else if (fleet_answer_bool(a, 0, 2))
		wrong(c, ERR_CONFIG,
		      "%s is a standby, which nothing can be written to; name all servers in the "
		      "URL: postgresql://one,other/DATABASE",
		      fleet_db_name(c->db));
	else if (strcmp(fleet_answer_text(a, 0, 5), "read committed") != 0)
		wrong(c, ERR_CONFIG,
		      "transactions are '%s' by default; tgrun needs 'read committed': ALTER ROLE "
		      "%s SET default_transaction_isolation = 'read committed'",
		      fleet_answer_text(a, 0, 5), fleet_answer_text(a, 0, 3));
	if (c->failed)
		return;
	if (strcmp(fleet_answer_text(a, 0, 6), "off") == 0)
		tell(c, c->told->warning,
		     "synchronous_commit is off: tgrun turns it on for what it writes itself");
	if (fleet_answer_number(a, 0, 4) != fleet_db_backend(c->db))
		tell(c, c->told->warning,
		     "a pooler stands before the server: work is noticed once a second instead of "
		     "at once");
}

/* ---- the schema ---- */

static void check_schema(struct check *c, const char *rule)
{
	struct buf url;
	const struct fleet_answer *a = ask(
		c, "SELECT to_regnamespace('@S@') IS NOT NULL, "
		   "coalesce(has_schema_privilege(to_regnamespace('@S@'), 'USAGE'), false), "
		   "coalesce(has_schema_privilege(to_regnamespace('@S@'), 'CREATE'), false), "
		   "current_user");
	if (!a)
		return;
	buf_init(&url, SIZE_MAX / 2);
	fleet_url_show(c->url, &url);
	bool owner = fleet_answer_bool(a, 0, 2);
	char user[128];
	snprintf(user, sizeof user, "%s", fleet_answer_text(a, 0, 3));
	if (!fleet_answer_bool(a, 0, 0))
		wrong(c, ERR_CONFIG,
		      "%s has no queue of this bot; make it by: tgrun fleet init --store '%s'",
		      fleet_db_name(c->db), buf_str(&url));
	else if (!fleet_answer_bool(a, 0, 1))
		wrong(c, ERR_NOPERM,
		      "'%s' may not use the queue of this bot; give it the rights by: tgrun fleet "
		      "init --store '%s' --role %s",
		      user, buf_str(&url), user);
	if (!c->failed && (a = ask(c, "SELECT o_schema, o_min_client, o_rule FROM @S@.about()"))) {
		int64_t schema = fleet_answer_number(a, 0, 0);
		const char *theirs = fleet_answer_text(a, 0, 2);
		if (schema < FLEET_SCHEMA)
			wrong(c, ERR_CONFIG,
			      "the queue is of an older tgrun (schema %lld, this one needs %d); "
			      "renew it by: tgrun fleet init --store '%s'",
			      (long long)schema, FLEET_SCHEMA, buf_str(&url));
		else if (fleet_answer_number(a, 0, 1) > FLEET_CLIENT)
			wrong(c, ERR_CONFIG,
			      "the queue needs a newer tgrun than this one (client %lld, this is "
			      "%d)",
			      (long long)fleet_answer_number(a, 0, 1), FLEET_CLIENT);
		else if (rule && *theirs && strcmp(rule, theirs) != 0)
			wrong(c, ERR_CONFIG,
			      "the other machines have keys or routes \"%s\", this one \"%s\": "
			      "they must be the same on all",
			      theirs, rule);
	}
	if (!c->failed && owner)
		tell(c, c->told->warning,
		     "'%s' owns the queue; to run it needs less: tgrun fleet init --role", user);
	buf_release(&url);
}

static void tell_warnings(struct check *c)
{
	const struct fleet_answer *a = ask(c, "SELECT o_text FROM @S@.warnings()");
	for (int i = 0; a && i < fleet_answer_rows(a); i++)
		tell(c, c->told->warning, "%s", fleet_answer_text(a, i, 0));
}

/* ---- the clocks ---- */

/* The server's clock and ours at one moment, in milliseconds, and how long the answer took. */
struct moment {
	double theirs;
	int64_t ours, took;
};

static bool look_at_clocks(struct check *c, struct moment *m)
{
	int64_t before = clock_system.mono(&clock_system);
	const struct fleet_answer *a = ask(
		c, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
	int64_t after = clock_system.mono(&clock_system);
	if (!a)
		return false;
	*m = (struct moment){ (double)fleet_answer_number(a, 0, 0), (before + after) / 2,
			      after - before };
	return true;
}

/* Leases are counted by each machine's own clock: what one calls 30 s the other must, too. */
static void check_clocks(struct check *c)
{
	struct timespec span = { SPAN / 1000, SPAN % 1000 * 1000000L };
	struct moment first, last;
	if (!look_at_clocks(c, &first))
		return;
	nanosleep(&span, NULL);
	if (!look_at_clocks(c, &last))
		return;
	double ours = (double)(last.ours - first.ours), theirs = last.theirs - first.theirs;
	double slack = (double)(first.took + last.took + 2);
	double percent = 100 * (theirs - ours) / ours;
	if (100 * slack / ours < RATE_PERCENT &&
	    (percent > RATE_PERCENT || percent < -RATE_PERCENT))
		tell(c, c->told->warning,
		     "the server's clock runs %.0f %% %s than this machine's: leases need clocks "
		     "whose rates agree within 10 %%",
		     percent > 0 ? percent : -percent, percent > 0 ? "faster" : "slower");
	if (last.took > SLOW)
		tell(c, c->told->warning,
		     "an answer of the server takes %lld ms: so long each update waits for its "
		     "start and its end",
		     (long long)last.took);
}

void fleet_check(const char *url, int64_t bot_id, const char *rule,
		 const struct fleet_check_told *told)
{
	char schema[FLEET_SCHEMA_MAX];
	struct err err;
	fleet_schema_name(bot_id, schema);
	struct check c = { .told = told, .url = url };
	c.db = fleet_db_open(url, schema, FLEET_TOOLS_WAIT, &err);
	if (!c.db && err.status == ERR_UNAVAILABLE) {
		tell(&c, told->warning, "%s; a run would go on trying", err.text);
		return;
	}
	if (!c.db) {
		told->wrong(told->arg, &err);
		return;
	}
	check_server(&c);
	if (!c.failed)
		check_schema(&c, rule);
	if (!c.failed)
		tell_warnings(&c);
	if (!c.failed)
		check_clocks(&c);
	fleet_db_free(c.db);
}
