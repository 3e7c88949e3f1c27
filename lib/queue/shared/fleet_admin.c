/* queue/shared/fleet_admin: a URL, a bot and an order in; statements out, and what they answered.
 * Invariant: a machine is taken for dead only after it was seen to stand still for its whole lease,
 * by this machine's clock; or when the operator says so. */
#include "queue/shared/fleet_admin.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "queue/shared/fleet_schema.h"
#include "queue/shared/fleet_tools_internal.h"

enum { LOOK = 500 /* milliseconds between two looks at a machine's beats */, NAMES = 200 };

static struct fleet_db *open_db(const char *url, int64_t bot_id, struct err *err)
{
	char schema[FLEET_SCHEMA_MAX];
	fleet_schema_name(bot_id, schema);
	return fleet_db_open(url, schema, FLEET_TOOLS_WAIT, err);
}

/* ---- to make it ---- */

int fleet_admin_init(const char *url, int64_t bot_id, const char *role, struct err *err)
{
	struct buf text;
	const struct fleet_answer *a;
	buf_init(&text, SIZE_MAX / 2);
	struct fleet_db *db = open_db(url, bot_id, err);
	int rc = db ? 0 : -1;
	if (rc == 0 && fleet_admin_script(bot_id, role, &text))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	if (rc == 0)
		rc = fleet_db_script(db, buf_str(&text), bot_id, FLEET_TOOLS_WAIT, &a, err);
	fleet_db_free(db);
	buf_release(&text);
	return rc;
}

/* ---- to look ---- */

#define NODE                                                                                      \
	"id, beat_no, name, version, beat_age_ms, lease_ms, polls, sends, slots, running, held, " \
	"done, wish"

static struct fleet_admin_node node_of(const struct fleet_answer *a, int row)
{
	return (struct fleet_admin_node){
		.id = fleet_answer_number(a, row, 0),
		.beat = fleet_answer_number(a, row, 1),
		.name = fleet_answer_text(a, row, 2),
		.version = fleet_answer_text(a, row, 3),
		.beat_age = fleet_answer_number(a, row, 4),
		.lease = fleet_answer_number(a, row, 5),
		.polls = fleet_answer_bool(a, row, 6),
		.sends = fleet_answer_bool(a, row, 7),
		.slots = fleet_answer_number(a, row, 8),
		.running = fleet_answer_number(a, row, 9),
		.held = fleet_answer_number(a, row, 10),
		.done = fleet_answer_number(a, row, 11),
		.wish = fleet_answer_text(a, row, 12),
	};
}

static int tell_nodes(struct fleet_db *db, const struct fleet_admin_told *told, struct err *err)
{
	struct fleet_call call = { .sql = "SELECT " NODE " FROM @S@.fleet ORDER BY name, id" };
	const struct fleet_answer *a;
	if (fleet_tools_ask_db(db, &call, &a, err))
		return -1;
	for (int i = 0; i < fleet_answer_rows(a); i++) {
		struct fleet_admin_node node = node_of(a, i);
		told->node(told->arg, &node);
	}
	return 0;
}

static int tell_totals(struct fleet_db *db, const struct fleet_admin_told *told, struct err *err)
{
	struct fleet_call call = {
		.sql = "SELECT unfinished, ready, delayed, held, dead, pushes, calls, failed, "
		       "coalesce(oldest_ready_ms, -1), (SELECT count(*) FROM @S@.audit) "
		       "FROM @S@.totals"
	};
	const struct fleet_answer *a;
	if (fleet_tools_ask_db(db, &call, &a, err))
		return -1;
	struct fleet_admin_totals t = {
		.unfinished = fleet_answer_number(a, 0, 0),
		.ready = fleet_answer_number(a, 0, 1),
		.delayed = fleet_answer_number(a, 0, 2),
		.held = fleet_answer_number(a, 0, 3),
		.dead = fleet_answer_number(a, 0, 4),
		.pushes = fleet_answer_number(a, 0, 5),
		.calls = fleet_answer_number(a, 0, 6),
		.failed = fleet_answer_number(a, 0, 7),
		.oldest_ready = fleet_answer_number(a, 0, 8),
		.faults = fleet_answer_number(a, 0, 9),
	};
	told->totals(told->arg, &t);
	return 0;
}

static int tell_warnings(struct fleet_db *db, const struct fleet_admin_told *told, struct err *err)
{
	struct fleet_call call = { .sql = "SELECT o_name, o_text FROM @S@.warnings()" };
	const struct fleet_answer *a;
	if (fleet_tools_ask_db(db, &call, &a, err))
		return -1;
	for (int i = 0; i < fleet_answer_rows(a); i++)
		told->warning(told->arg, fleet_answer_text(a, i, 0), fleet_answer_text(a, i, 1));
	return 0;
}

int fleet_admin_status(const char *url, int64_t bot_id, const struct fleet_admin_told *told,
		       struct err *err)
{
	struct fleet_db *db = open_db(url, bot_id, err);
	int rc = db && (!told->node || tell_nodes(db, told, err) == 0) &&
				 (!told->totals || tell_totals(db, told, err) == 0) &&
				 (!told->warning || tell_warnings(db, told, err) == 0)
			 ? 0
			 : -1;
	fleet_db_free(db);
	return rc;
}

/* ---- to tell them ---- */

/* There is no machine of this name: those that there are. */
static int no_node(struct fleet_db *db, const char *name, struct err *err)
{
	struct fleet_call call = {
		.sql = "SELECT left(string_agg(name, ', ' ORDER BY name), $1) FROM @S@.fleet"
	};
	const struct fleet_answer *a;
	fleet_call_number(&call, NAMES);
	if (fleet_tools_ask_db(db, &call, &a, err))
		return -1;
	const char *names = fleet_answer_text(a, 0, 0);
	return err_set(err, ERR_UNAVAILABLE, "no machine '%s' shares this queue; %s%s", name,
		       *names ? "there are: " : "none does", names);
}

int fleet_admin_wish(const char *url, int64_t bot_id, const char *name, const char *wish,
		     struct err *err)
{
	struct fleet_db *db = open_db(url, bot_id, err);
	struct fleet_call call = { .sql = "SELECT @S@.wish($1, $2)" };
	const struct fleet_answer *a;
	fleet_call_text(&call, name);
	fleet_call_text(&call, wish);
	int rc = db ? fleet_tools_ask_db(db, &call, &a, err) : -1;
	if (rc == 0 && fleet_answer_number(a, 0, 0) == 0)
		rc = no_node(db, name, err);
	fleet_db_free(db);
	return rc;
}

static void pause_for(long milliseconds)
{
	struct timespec ts = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&ts, NULL);
}

/* What is known of the machine to be evicted: its beat, and since when that has stood. */
struct victim {
	int64_t id, beat, lease, since;
	bool found;
};

static int look(struct fleet_db *db, const char *name, struct victim *v, struct err *err)
{
	struct fleet_call call = {
		.sql = "SELECT " NODE " FROM @S@.fleet WHERE name = $1 ORDER BY beat_age_ms DESC"
	};
	const struct fleet_answer *a;
	fleet_call_text(&call, name);
	if (fleet_tools_ask_db(db, &call, &a, err))
		return -1;
	v->found = fleet_answer_rows(a) > 0;
	if (!v->found)
		return 0;
	struct fleet_admin_node node = node_of(a, 0);
	if (v->id != node.id || v->beat != node.beat)
		*v = (struct victim){ node.id, node.beat, node.lease,
				      clock_system.mono(&clock_system), true };
	return 0;
}

static int remove_it(struct fleet_db *db, const struct victim *v, bool force, bool *gone,
		     struct err *err)
{
	struct fleet_call call = { .sql = "SELECT @S@.evict($1, $2)" };
	const struct fleet_answer *a;
	fleet_call_number(&call, v->id);
	if (force)
		fleet_call_text(&call, NULL);
	else
		fleet_call_number(&call, v->beat);
	if (fleet_tools_ask_db(db, &call, &a, err))
		return -1;
	*gone = fleet_answer_bool(a, 0, 0);
	return 0;
}

/* Waits until its beats have stood still for a whole lease. 0, or -1 with `err`: it lives. */
static int await_silence(struct fleet_db *db, const char *name, struct victim *v, struct err *err)
{
	int64_t first = v->beat, id = v->id;
	while (clock_system.mono(&clock_system) - v->since <= v->lease) {
		pause_for(LOOK);
		if (look(db, name, v, err))
			return -1;
		if (!v->found)
			return 0;
		if (v->id != id || v->beat != first)
			return err_set(err, ERR_TEMPFAIL,
				       "machine '%s' lives: its handlers would run twice; 'tgrun "
				       "fleet drain %s' lets it finish, --force evicts it "
				       "nevertheless",
				       name, name);
	}
	return 0;
}

int fleet_admin_evict(const char *url, int64_t bot_id, const char *name, bool force,
		      struct err *err)
{
	struct fleet_db *db = open_db(url, bot_id, err);
	struct victim v = { 0 };
	bool gone = false;
	int rc = db ? look(db, name, &v, err) : -1;
	if (rc == 0 && !v.found)
		rc = no_node(db, name, err);
	if (rc == 0 && !force)
		rc = await_silence(db, name, &v, err);
	if (rc == 0 && v.found)
		rc = remove_it(db, &v, force, &gone, err);
	if (rc == 0 && v.found && !gone)
		rc = err_set(err, ERR_TEMPFAIL, "machine '%s' came back just now; ask again", name);
	fleet_db_free(db);
	return rc;
}
