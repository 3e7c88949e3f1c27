/* queue/shared/fleet_db_loop: a connection on the loop. Readiness of its socket and time come in;
 * the events of fleet_db.h go out, each from a turn of the loop. Invariant: the timer is set but
 * while nothing is to happen by itself: for the next attempt, for the end of the patience with one
 * or with a statement, or for a loss that is to be told. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/shared/fleet_db_internal.h"

enum {
	AGAIN_FIRST = 50,
	AGAIN_LAST = 5000,
	NAMES_MAX = 30000 /* milliseconds for the names of all hosts */
};

/* ---- loss ---- */

/* Closes it, and tells of that: the event may look at nothing of it any more. */
static void lost(struct fleet_db *db)
{
	struct fleet_fault fault = db->fault;
	loop_watch_free(db->watch, 1);
	db->watch = NULL;
	resolver_free(db->resolver);
	db->resolver = NULL;
	fleet_db_close(db);
	fleet_answer_release(&db->answer);
	/* One that ends each attempt is not asked first for ever. */
	if (db->backoff.failures)
		db->turn++;
	loop_timer_set(db->timer, backoff_fail(&db->backoff, backoff_random()));
	db->config.down(db->config.arg, &fault);
}

/* It is lost, which is told in the next turn. */
static void lose_later(struct fleet_db *db)
{
	db->state = FLEET_DB_LOST;
	loop_timer_set(db->timer, 0);
}

void fleet_db_drop(struct fleet_db *db, const char *why)
{
	if (db->state == FLEET_DB_WAITS || db->state == FLEET_DB_LOST)
		return;
	fleet_fault_set(&db->fault, &db->where, db->pg, why);
	lose_later(db);
}

/* ---- readiness ---- */

static void on_ready(void *arg, int events);

/* A copy of the socket is watched: libpq closes its own when it likes. */
static int watch(struct fleet_db *db)
{
	int fd = fcntl(PQsocket(db->pg), F_DUPFD_CLOEXEC, 0);
	db->watch = fd < 0 ? NULL : loop_watch_new(db->config.loop, fd, on_ready, db);
	if (db->watch)
		return 0;
	int errnum = errno;
	if (fd >= 0)
		close(fd);
	fleet_fault_set(&db->fault, &db->where, db->pg, strerror(errnum));
	return -1;
}

/* One step further with connecting; libpq may have another socket after each. */
static void connect_on(struct fleet_db *db, int wanted)
{
	loop_watch_free(db->watch, 1);
	db->watch = NULL;
	if (wanted < 0 || watch(db)) {
		lost(db);
		return;
	}
	loop_watch_set(db->watch, wanted ? wanted : LOOP_READ);
	if (wanted)
		return;
	loop_timer_set(db->timer, -1);
	db->config.up(db->config.arg);
}

/* All addresses are known, or none is asked for. */
static void connect_first(struct fleet_db *db)
{
	loop_timer_set(db->timer, db->config.connect_max);
	int wanted = fleet_db_connect(db);
	resolver_free(db->resolver);
	db->resolver = NULL;
	connect_on(db, wanted);
}

static void on_found(void *arg)
{
	struct fleet_db *db = arg;
	bool any = false;
	if (db->state == FLEET_DB_LOST)
		return;
	for (size_t i = 0; i < db->where.name_count; i++)
		any = any || *resolver_addresses(db->resolver, i);
	if (any || db->where.name_count < (size_t)db->where.hosts) {
		connect_first(db);
		return;
	}
	char text[256];
	const char *why = resolver_why(db->resolver);
	snprintf(text, sizeof text, "no address of it is known: %s", why ? why : "out of memory");
	fleet_fault_set(&db->fault, &db->where, NULL, text);
	lost(db);
}

static void begin(struct fleet_db *db)
{
	if (db->where.name_count == 0) {
		connect_first(db);
		return;
	}
	db->state = FLEET_DB_RESOLVING;
	db->resolver = resolver_new(db->config.loop, (const char *const *)db->where.names,
				    db->where.name_count, on_found, db);
	loop_timer_set(db->timer, NAMES_MAX);
	if (db->resolver)
		return;
	fleet_fault_set(&db->fault, &db->where, NULL, strerror(errno));
	lost(db);
}

static void send_rest(struct fleet_db *db)
{
	int rest = fleet_db_flush(db);
	if (rest < 0)
		lose_later(db);
	else
		loop_watch_set(db->watch, LOOP_READ | (rest ? LOOP_WRITE : 0));
}

static void tell_answer(struct fleet_db *db)
{
	/* The event may send the next statement, whose answer begins anew. */
	struct fleet_answer a = db->answer;
	db->answer = (struct fleet_answer){ 0 };
	loop_timer_set(db->timer, -1);
	if (!a.failed)
		backoff_reset(&db->backoff);
	db->config.answer(db->config.arg, &a);
	fleet_answer_release(&a);
}

static void tell_notices(struct fleet_db *db)
{
	PGnotify *n;
	while (db->pg && db->state != FLEET_DB_LOST && (n = PQnotifies(db->pg))) {
		db->config.notified(db->config.arg, n->extra ? n->extra : "");
		PQfreemem(n);
	}
}

static void on_ready(void *arg, int events)
{
	struct fleet_db *db = arg;
	if (db->state == FLEET_DB_LOST)
		return;
	if (db->state == FLEET_DB_CONNECTING) {
		connect_on(db, fleet_db_connect_on(db));
		return;
	}
	int rc = fleet_db_receive(db);
	if (rc < 0) {
		lost(db);
		return;
	}
	if (rc > 0)
		tell_answer(db);
	tell_notices(db);
	if ((events & LOOP_WRITE) && db->state != FLEET_DB_LOST)
		send_rest(db);
}

static void on_timer(void *arg)
{
	struct fleet_db *db = arg;
	switch (db->state) {
	case FLEET_DB_WAITS:
		begin(db);
		break;
	case FLEET_DB_RESOLVING:
		fleet_fault_set(&db->fault, &db->where, NULL,
				"no name server says in time what its address is");
		lost(db);
		break;
	case FLEET_DB_CONNECTING:
		fleet_fault_set(&db->fault, &db->where, db->pg, "it does not answer in time");
		lost(db);
		break;
	case FLEET_DB_BUSY:
		fleet_fault_set(&db->fault, &db->where, db->pg,
				"a statement is not answered in time");
		lost(db);
		break;
	case FLEET_DB_LOST:
		lost(db);
		break;
	case FLEET_DB_READY:
		break;
	}
}

/* ---- for who uses it ---- */

struct fleet_db *fleet_db_new(const struct fleet_db_config *config, struct err *err)
{
	struct fleet_db *db = calloc(1, sizeof *db);
	if (!db) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	db->config = *config;
	db->backoff = (struct backoff){ .first = AGAIN_FIRST, .cap = AGAIN_LAST };
	int rc = fleet_db_init(db, config->url, config->schema, err);
	if (rc == 0 && !(db->timer = loop_timer_new(config->loop, on_timer, db)))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	if (rc) {
		fleet_db_free(db);
		return NULL;
	}
	loop_timer_set(db->timer, 0);
	return db;
}

bool fleet_db_idle(const struct fleet_db *db)
{
	return db->state == FLEET_DB_READY;
}

bool fleet_db_busy(const struct fleet_db *db)
{
	return db->state == FLEET_DB_BUSY;
}

int fleet_db_send(struct fleet_db *db, const struct fleet_call *call, int64_t limit)
{
	if (db->state != FLEET_DB_READY)
		return -1;
	if (fleet_db_put(db, call)) {
		lose_later(db);
		return -1;
	}
	loop_timer_set(db->timer, limit);
	send_rest(db);
	return db->state == FLEET_DB_LOST ? -1 : 0;
}
