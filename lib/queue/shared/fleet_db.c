/* queue/shared/fleet_db: one connection, and one statement at a time on it, without waiting for
 * either: each function does what can be done at once and says what to wait for. Invariant: a
 * connection that failed in any way is never used again, and `fault` says why. */
#include "queue/shared/fleet_db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/shared/fleet_db_internal.h"
#include "queue/shared/fleet_schema.h"

int fleet_db_init(struct fleet_db *db, const char *url, const char *schema, struct err *err)
{
	buf_init(&db->sql, SIZE_MAX / 2);
	if (!*schema || strlen(schema) >= sizeof db->schema ||
	    strspn(schema, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(schema))
		return err_set(err, ERR_INTERNAL, "'%s' is no name of a schema", schema);
	memcpy(db->schema, schema, strlen(schema) + 1);
	return fleet_where_read(&db->where, url, err);
}

const char *fleet_db_name(const struct fleet_db *db)
{
	return db->where.name;
}

int fleet_db_backend(const struct fleet_db *db)
{
	return db->pg ? PQbackendPID(db->pg) : 0;
}

void fleet_db_close(struct fleet_db *db)
{
	if (db->pg)
		PQfinish(db->pg);
	db->pg = NULL;
	db->state = FLEET_DB_WAITS;
}

static int lose(struct fleet_db *db, const char *text)
{
	fleet_fault_set(&db->fault, &db->where, db->pg, text);
	return -1;
}

/* ---- to connect ---- */

static void on_notice(void *arg, const PGresult *r)
{
	struct fleet_db *db = arg;
	const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *said = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	if (severity && said && strcmp(severity, "WARNING") == 0)
		snprintf(db->answer.warning, sizeof db->answer.warning, "%s", said);
}

int fleet_db_connect(struct fleet_db *db)
{
	db->pg = fleet_where_connect(&db->where, db->turn, db->resolver);
	if (!db->pg)
		return lose(db, NULL);
	/* Only so libpq tells the SQLSTATE of a refusal. */
	PQsetErrorVerbosity(db->pg, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(db->pg, on_notice, db);
	db->state = FLEET_DB_CONNECTING;
	return PQstatus(db->pg) == CONNECTION_BAD ? lose(db, NULL) : LOOP_WRITE;
}

int fleet_db_connect_on(struct fleet_db *db)
{
	switch (PQconnectPoll(db->pg)) {
	case PGRES_POLLING_READING:
		return LOOP_READ;
	case PGRES_POLLING_WRITING:
	case PGRES_POLLING_ACTIVE:
		return LOOP_WRITE;
	case PGRES_POLLING_FAILED:
		return lose(db, NULL);
	case PGRES_POLLING_OK:
		break;
	}
	if (PQsetnonblocking(db->pg, 1))
		return lose(db, NULL);
	db->state = FLEET_DB_READY;
	return 0;
}

/* ---- to send ---- */

static void add_param(struct fleet_call *call, const char *value, size_t length, bool binary)
{
	if (call->count++ >= FLEET_PARAMS_MAX)
		return;
	call->values[call->count - 1] = value;
	call->lengths[call->count - 1] = (int)length;
	call->binary[call->count - 1] = binary;
}

void fleet_call_text(struct fleet_call *call, const char *value)
{
	add_param(call, value, 0, false);
}

void fleet_call_number(struct fleet_call *call, int64_t value)
{
	char *text = call->numbers[call->count < FLEET_PARAMS_MAX ? call->count : 0];
	snprintf(text, sizeof call->numbers[0], "%" PRId64, value);
	add_param(call, text, 0, false);
}

void fleet_call_bool(struct fleet_call *call, bool value)
{
	add_param(call, value ? "t" : "f", 0, false);
}

void fleet_call_bytes(struct fleet_call *call, const char *bytes, size_t length)
{
	add_param(call, bytes, length, true);
}

static int fill_in(struct fleet_db *db, const char *sql, int64_t bot_id)
{
	buf_clear(&db->sql);
	return fleet_schema_fill(sql, db->schema, bot_id, &db->sql);
}

/* Before a statement; its answer begins empty. */
static int begin(struct fleet_db *db, const char *sql, int64_t bot_id)
{
	fleet_answer_release(&db->answer);
	return fill_in(db, sql, bot_id) ? lose(db, "out of memory") : 0;
}

static int begun(struct fleet_db *db, int sent)
{
	if (!sent)
		return lose(db, NULL);
	db->state = FLEET_DB_BUSY;
	return 0;
}

int fleet_db_put(struct fleet_db *db, const struct fleet_call *call)
{
	if (begin(db, call->sql, 0))
		return -1;
	int count = call->count < FLEET_PARAMS_MAX ? call->count : FLEET_PARAMS_MAX;
	return begun(db, PQsendQueryParams(db->pg, buf_str(&db->sql), count, NULL, call->values,
					   call->lengths, call->binary, 0));
}

int fleet_db_put_script(struct fleet_db *db, const char *sql, int64_t bot_id)
{
	return begin(db, sql, bot_id) ? -1 : begun(db, PQsendQuery(db->pg, buf_str(&db->sql)));
}

int fleet_db_flush(struct fleet_db *db)
{
	int rc = PQflush(db->pg);
	return rc < 0 ? lose(db, NULL) : rc;
}

/* ---- to receive ---- */

int fleet_db_receive(struct fleet_db *db)
{
	if (!PQconsumeInput(db->pg))
		return lose(db, NULL);
	while (db->state == FLEET_DB_BUSY && !PQisBusy(db->pg)) {
		PGresult *r = PQgetResult(db->pg);
		if (r)
			fleet_answer_take(&db->answer, r, &db->where);
		else
			db->state = FLEET_DB_READY;
	}
	if (PQstatus(db->pg) != CONNECTION_BAD && !(db->answer.failed && db->answer.fault.lost))
		return db->state == FLEET_DB_READY && db->answer.result;
	/* The server said farewell, perhaps. */
	lose(db, NULL);
	if (db->answer.failed && *db->answer.fault.state)
		db->fault = db->answer.fault;
	db->fault.lost = true;
	return -1;
}

void fleet_db_free(struct fleet_db *db)
{
	if (!db)
		return;
	loop_timer_free(db->timer);
	loop_watch_free(db->watch, 1);
	resolver_free(db->resolver);
	fleet_db_close(db);
	fleet_answer_release(&db->answer);
	fleet_where_release(&db->where);
	buf_release(&db->sql);
	free(db);
}
