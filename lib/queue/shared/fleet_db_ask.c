/* queue/shared/fleet_db_ask: a connection of a tool, which has nothing to do but wait for the
 * answer. Nothing is asked again: that is for people to decide. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "queue/shared/fleet_db_internal.h"

/* Waits until the socket is ready, or until `until` (monotonic milliseconds). 0, or -1 with
 * `fault`. */
static int wait_for(struct fleet_db *db, int wanted, int64_t until)
{
	struct pollfd p = { .fd = PQsocket(db->pg),
			    .events = (short)((wanted & LOOP_READ ? POLLIN : 0) |
					      (wanted & LOOP_WRITE ? POLLOUT : 0)) };
	int64_t left = until - clock_system.mono(&clock_system);
	int rc = left > 0 ? poll(&p, 1, left < 60000 ? (int)left : 60000) : 0;
	if (rc > 0 || (rc < 0 && errno == EINTR) || (rc == 0 && left > 60000))
		return 0;
	fleet_fault_set(&db->fault, &db->where, db->pg, "it does not answer in time");
	return -1;
}

static int64_t until_of(int64_t limit)
{
	return clock_system.mono(&clock_system) + limit;
}

/* The connection is of no use any more. */
static int give_up(struct fleet_db *db, struct err *err)
{
	fleet_db_close(db);
	if (err)
		*err = db->fault.err;
	return -1;
}

/* Of the time that there is each host has its part, as far as the URL does not say less: libpq
 * itself does not go on to the next one where one accepts, and says nothing. */
static int64_t patience_of(const struct fleet_db *db, int64_t limit)
{
	int64_t share = limit / db->where.hosts, given = (int64_t)db->where.patience * 1000;
	return given > 0 && given < share ? given : share;
}

static int connect_within(struct fleet_db *db, int64_t patience, struct err *err)
{
	int64_t until = until_of(patience);
	int wanted = fleet_db_connect(db);
	db->silent = false;
	while (wanted > 0) {
		db->silent = wait_for(db, wanted, until) != 0;
		wanted = db->silent ? -1 : fleet_db_connect_on(db);
	}
	return wanted < 0 ? give_up(db, err) : 0;
}

struct fleet_db *fleet_db_open(const char *url, const char *schema, int64_t limit, struct err *err)
{
	struct fleet_db *db = calloc(1, sizeof *db);
	if (!db) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	int rc = fleet_db_init(db, url, schema, err), tries = rc == 0 ? db->where.hosts : 0;
	for (; tries > 0; db->turn++, tries--) {
		rc = connect_within(db, patience_of(db, limit), err);
		if (rc == 0 || !db->silent)
			break;
	}
	if (rc) {
		fleet_db_free(db);
		return NULL;
	}
	return db;
}

static int finish(struct fleet_db *db, int64_t limit, const struct fleet_answer **out,
		  struct err *err)
{
	int64_t until = until_of(limit);
	int rest = 1, rc = 0;
	while (rc == 0) {
		rest = rest ? fleet_db_flush(db) : 0;
		rc = rest < 0 ? -1 : wait_for(db, LOOP_READ | (rest ? LOOP_WRITE : 0), until);
		if (rc == 0)
			rc = fleet_db_receive(db);
	}
	if (rc < 0) {
		give_up(db, err);
		fleet_answer_release(&db->answer);
		db->answer.failed = true;
		db->answer.fault = db->fault;
	} else if (db->answer.failed && err)
		*err = db->answer.fault.err;
	if (out)
		*out = &db->answer;
	return db->answer.failed ? -1 : 0;
}

/* A connection that was lost says so again. */
static int refuse(struct fleet_db *db, const struct fleet_answer **out, struct err *err)
{
	if (db->pg)
		give_up(db, err);
	else if (err)
		*err = db->fault.err;
	db->answer.failed = true;
	db->answer.fault = db->fault;
	if (out)
		*out = &db->answer;
	return -1;
}

int fleet_db_wait(struct fleet_db *db, int64_t limit, const struct fleet_answer **out,
		  struct err *err)
{
	return finish(db, limit, out, err);
}

int fleet_db_ask(struct fleet_db *db, const struct fleet_call *call, int64_t limit,
		 const struct fleet_answer **out, struct err *err)
{
	return !db->pg || fleet_db_put(db, call) ? refuse(db, out, err)
						 : finish(db, limit, out, err);
}

int fleet_db_script(struct fleet_db *db, const char *sql, int64_t bot_id, int64_t limit,
		    const struct fleet_answer **out, struct err *err)
{
	return !db->pg || fleet_db_put_script(db, sql, bot_id) ? refuse(db, out, err)
							       : finish(db, limit, out, err);
}
