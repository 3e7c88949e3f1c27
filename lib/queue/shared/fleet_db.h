/* queue/shared/fleet_db: a connection to PostgreSQL. In a runner it lives on the loop: it connects
 * by itself, again and again, and has one statement under way at a time, whose answer comes by an
 * event. A tool asks and waits (fleet_db_ask()). Nothing of the fleet is known here.
 *
 * Where the database is, a URL says as libpq has it: postgresql://[user@]host[,host2]/database,
 * with all that libpq adds to that (PG* variables, ~/.pgpass, service files, sslmode). A password
 * in it is quoted by no sentence. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_DB_H
#define TGRUN_QUEUE_SHARED_FLEET_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct loop;
struct fleet_db;
struct fleet_answer;

/* ---- what is asked ---- */

enum { FLEET_PARAMS_MAX = 32 };

/* A statement. `@S@` in `sql` stands for the schema. Parameters $1 and on are added in their order
 * and stay the caller's until the statement was sent; PostgreSQL takes their types from where they
 * stand. */
struct fleet_call {
	const char *sql;
	int count;
	const char *values[FLEET_PARAMS_MAX]; /* NULL: NULL */
	int lengths[FLEET_PARAMS_MAX];
	int binary[FLEET_PARAMS_MAX];
	char numbers[FLEET_PARAMS_MAX][24];
};

/* Add a parameter: text (NULL: NULL), a number, a truth, bytes (for a bytea). More than
 * FLEET_PARAMS_MAX are a fault of the program: they are left out, and the server refuses. */
void fleet_call_text(struct fleet_call *call, const char *value);
void fleet_call_number(struct fleet_call *call, int64_t value);
void fleet_call_bool(struct fleet_call *call, bool value);
void fleet_call_bytes(struct fleet_call *call, const char *bytes, size_t length);

/* ---- what is answered ---- */

/* Why a statement, or a connection, failed. */
struct fleet_fault {
	char state[6]; /* SQLSTATE; "" if the server said none */
	bool lost;     /* the connection is gone: whether it was carried out is not known */
	struct err
		err; /* a sentence that names the server, and an exit status (fleet_db_status()) */
};

/* The exit status of a SQLSTATE: ERR_NOPERM (a wrong password, no rights), ERR_CONFIG (no such
 * database, no schema, what TG... refuses for good), ERR_UNAVAILABLE (all that may pass). */
int fleet_db_status(const char *state);

/* NULL: it succeeded. */
const struct fleet_fault *fleet_answer_fault(const struct fleet_answer *a);

/* A WARNING that came with it, "" if none did: a commit that no standby confirmed has one. */
const char *fleet_answer_warning(const struct fleet_answer *a);

/* Rows and columns count from 0; a value that is not there, or NULL, is "", 0, false. bytes: of a
 * bytea, appended to `out`; 0, or -1 as buf_add() or EINVAL. */
int fleet_answer_rows(const struct fleet_answer *a);
bool fleet_answer_null(const struct fleet_answer *a, int row, int column);
const char *fleet_answer_text(const struct fleet_answer *a, int row, int column);
int64_t fleet_answer_number(const struct fleet_answer *a, int row, int column);
bool fleet_answer_bool(const struct fleet_answer *a, int row, int column);
int fleet_answer_bytes(const struct fleet_answer *a, int row, int column, struct buf *out);

/* ---- on the loop ---- */

struct fleet_db_config {
	struct loop *loop;
	const char *url;
	const char *schema;  /* for `@S@`: letters, digits and _ */
	int64_t connect_max; /* milliseconds after which an attempt to connect has failed */

	/* Events, in a turn of the loop, and none from within a function of this header. Any of
	 * them may call fleet_db_send() and fleet_db_drop(), but not fleet_db_free(). */
	void (*up)(void *arg); /* connected: statements may be sent */
	/* It is not connected any more, or an attempt failed; the next one follows by itself, after
	 * 50 ms and up to 5 s. A statement that was under way gets no answer. */
	void (*down)(void *arg, const struct fleet_fault *why);
	/* Of the statement under way. The answer is valid during the event only. */
	void (*answer)(void *arg, const struct fleet_answer *a);
	/* A NOTIFY of a channel that LISTEN named. */
	void (*notified)(void *arg, const char *payload);
	void *arg;
};

/* Begins to connect. NULL with `err`: ERR_USAGE (the URL cannot be read), ERR_INTERNAL. */
struct fleet_db *fleet_db_new(const struct fleet_db_config *config, struct err *err);
void fleet_db_free(struct fleet_db *db); /* NULL is fine */

/* Is it connected, with no statement under way; with one? */
bool fleet_db_idle(const struct fleet_db *db);
bool fleet_db_busy(const struct fleet_db *db);

/* Sends a statement; its answer comes by `answer`, or `down` comes: also when it took `limit`
 * milliseconds. To be called while idle. 0, or -1: the connection is lost, and `down` follows. */
int fleet_db_send(struct fleet_db *db, const struct fleet_call *call, int64_t limit);

/* Gives the connection up, with `down` in the next turn, and connects anew. */
void fleet_db_drop(struct fleet_db *db, const char *why);

/* The process at the server's end: behind a pooler another than pg_backend_pid(). 0: none. */
int fleet_db_backend(const struct fleet_db *db);

/* `database 'bots' on 'db.example'`: for sentences. */
const char *fleet_db_name(const struct fleet_db *db);

/* ---- for tools, which wait ---- */

/* Connects, `limit` milliseconds at most. NULL with `err`, whose status is the exit status. */
struct fleet_db *fleet_db_open(const char *url, const char *schema, int64_t limit, struct err *err);

/* Asks, and waits for `limit` milliseconds at most. 0 with *out, which is the connection's until
 * the next call; or -1 with `err` (*out, which may be NULL, has the fault). After the connection
 * was lost each call fails. */
int fleet_db_ask(struct fleet_db *db, const struct fleet_call *call, int64_t limit,
		 const struct fleet_answer **out, struct err *err);

/* Waits for the answer of the statement that fleet_db_send() sent: on the loop no event tells of it
 * any more. As fleet_db_ask(). */
int fleet_db_wait(struct fleet_db *db, int64_t limit, const struct fleet_answer **out,
		  struct err *err);

/* Carries out a text of several statements, as one transaction if it says nothing else, with `@S@`
 * and `@BOT@` as in fleet.sql. 0, or -1 with `err`. */
int fleet_db_script(struct fleet_db *db, const char *sql, int64_t bot_id, int64_t limit,
		    const struct fleet_answer **out, struct err *err);

#endif
