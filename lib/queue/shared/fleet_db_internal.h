/* queue/shared/fleet_db_internal: what the files of a connection share, each above the one before:
 * fleet_db_library.c (libpq itself), fleet_db_where.c (the URL), fleet_db_answer.c (what comes
 * back), fleet_db.c (to connect, to send and to receive, without waiting), fleet_db_loop.c (on the
 * loop), fleet_db_ask.c (for who waits). */
#ifndef TGRUN_QUEUE_SHARED_FLEET_DB_INTERNAL_H
#define TGRUN_QUEUE_SHARED_FLEET_DB_INTERNAL_H

#include "base/backoff.h"
#include "io/loop.h"
#include "io/resolver.h"
#include "queue/shared/fleet_db.h"
#include "queue/shared/fleet_db_library_internal.h"

/* ---- fleet_db_where.c ---- */

/* What a URL, with the environment, says of where the database is. */
struct fleet_where {
	char *url;
	char *host, *hostaddr, *port; /* lists with commas, as libpq has them; NULL: its default */
	char *password;               /* of the URL; NULL: none */
	char *name;                   /* `database 'bots' on 'db.example'` */
	int hosts;                    /* how many the lists name */
	long patience;                /* connect_timeout: seconds for each of them; 0: not given */
	char **names;                 /* those of the hosts whose addresses are to be asked for */
	size_t name_count;
};

/* Reads `url`. 0, or -1 with `err`; to be released in both cases. */
int fleet_where_read(struct fleet_where *w, const char *url, struct err *err);
void fleet_where_release(struct fleet_where *w);

/* Begins to connect, to the host number `turn` first, and then to the others, where `found` has the
 * addresses of all names; NULL: libpq asks for them, and waits. NULL when memory is out. */
PGconn *fleet_where_connect(const struct fleet_where *w, unsigned turn,
			    const struct resolver *found);

/* ---- fleet_db_answer.c ---- */

struct fleet_answer {
	PGresult *result; /* NULL: none came */
	bool failed;
	struct fleet_fault fault; /* if it failed */
	char warning[256];
};

void fleet_answer_release(struct fleet_answer *a);

/* Takes the result over: the first that failed stays, else the last one. */
void fleet_answer_take(struct fleet_answer *a, PGresult *r, const struct fleet_where *w);

/* The fault of a connection that failed, from what libpq says of it. `text` NULL: `pg` says it. */
void fleet_fault_set(struct fleet_fault *f, const struct fleet_where *w, PGconn *pg,
		     const char *text);

/* ---- fleet_db.c ---- */

enum fleet_db_state {
	FLEET_DB_WAITS,     /* for the next attempt */
	FLEET_DB_RESOLVING, /* it asks for addresses */
	FLEET_DB_CONNECTING,
	FLEET_DB_READY,
	FLEET_DB_BUSY,
	FLEET_DB_LOST, /* `fault` says why; to be told */
};

struct fleet_db {
	struct fleet_where where;
	char schema[64];
	PGconn *pg;
	enum fleet_db_state state;
	struct fleet_answer answer; /* of the statement under way, or of the last one */
	struct fleet_fault fault;
	struct buf sql;
	/* fleet_db_loop.c only */
	struct fleet_db_config config;
	struct loop_timer *timer;
	struct resolver *resolver; /* NULL: it does not ask */
	struct loop_watch *watch;  /* of a copy of the socket */
	struct backoff backoff;
	unsigned turn; /* which host is the first */
	bool silent;   /* fleet_db_ask.c: it did not answer in time */
};

/* 0, or -1 with `err`; fleet_db_free() in both cases. */
int fleet_db_init(struct fleet_db *db, const char *url, const char *schema, struct err *err);

/* Begins to connect; goes on with that. LOOP_READ or LOOP_WRITE: what to wait for, 0: it is
 * connected; -1: it failed, and `fault` says why. */
int fleet_db_connect(struct fleet_db *db);
int fleet_db_connect_on(struct fleet_db *db);

/* Sends a statement; with `script`, a text of several, without parameters. 0, or -1 with `fault`.
 */
int fleet_db_put(struct fleet_db *db, const struct fleet_call *call);
int fleet_db_put_script(struct fleet_db *db, const char *sql, int64_t bot_id);

/* Sends what is left to send. 1: something is, 0, -1 with `fault`. */
int fleet_db_flush(struct fleet_db *db);

/* Takes what came. 1: the answer is whole, 0: it is not, -1 with `fault`: the connection is lost.
 */
int fleet_db_receive(struct fleet_db *db);

/* Closes what there is of a connection. */
void fleet_db_close(struct fleet_db *db);

#endif
