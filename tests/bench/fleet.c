/* bench/fleet: what the database of a fleet does by itself. Processes play the machine that asks
 * and those that handle, with handlers that take no time; out goes how many updates a second were
 * put, held and settled, or how long each took from there to here.
 *
 *   fleet fleet URL NODES SECONDS WAITING   the schema of tgrun
 *   fleet held URL NODES SECONDS WAITING    while another session keeps a snapshot
 *   fleet skip URL NODES SECONDS WAITING    one table; SKIP LOCKED and DELETE
 *   fleet ack URL NODES SECONDS WAITING     SKIP LOCKED and UPDATE; DELETE when done
 *   fleet latency URL SAMPLES               from put() on one connection to turn() on another
 *
 * The first four print updates a second, with so many waiting all the time, and about ten batches
 * more; skip and ack have no order. The last one prints microseconds, a line each.
 *
 * The schema tgrun_1, or the table q, is there and empty. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 100, BODY = 300, CHATS = 1000, TEXT = 1 << 20 };

static struct shared {
	volatile long put, done, stop;
} * shared;
static char *text; /* of a statement */
static const char *url;

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static PGconn *open_database(void)
{
	PGconn *c = PQconnectdb(url);
	if (PQstatus(c) == CONNECTION_OK)
		return c;
	fprintf(stderr, "bench/fleet: %s", PQerrorMessage(c));
	exit(1);
}

static PGresult *ask(PGconn *c)
{
	PGresult *r = PQexecParams(c, text, 0, NULL, NULL, NULL, NULL, 0);
	if (PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK)
		return r;
	fprintf(stderr, "bench/fleet: %s", PQerrorMessage(c));
	exit(1);
}

static int ask_number(PGconn *c)
{
	PGresult *r = ask(c);
	int n = atoi(PQgetvalue(r, 0, 0));
	PQclear(r);
	return n;
}

__attribute__((format(printf, 2, 3))) static size_t add(size_t at, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int n = vsnprintf(text + at, TEXT - at, format, list);
	va_end(list);
	if (n < 0 || at + (size_t)n >= TEXT)
		exit(1);
	return at + (size_t)n;
}

/* ---- a fleet ---- */

static int attach(PGconn *c, const char *name, int number)
{
	add(0,
	    "SELECT o_node FROM tgrun_1.attach('%s %d', 1, '%s', 60000, '', 1, 1, '', 4, true, 0, '{}')",
	    name, number, name);
	return ask_number(c);
}

static int become_poller(PGconn *c, int node)
{
	add(0, "SELECT o_epoch FROM tgrun_1.poll(%d, 1, 'api')", node);
	return ask_number(c);
}

/* An array of `count` texts, each made by `one`. */
static size_t add_each(size_t at, int count, size_t (*one)(size_t at, long n), long first)
{
	at = add(at, ", '{");
	for (int i = 0; i < count; i++)
		at = one(i ? add(at, ",") : at, first + i);
	return add(at, "}'");
}

static size_t one_id(size_t at, long n)
{
	return add(at, "%ld", n);
}

/* One in ten has a second key. */
static size_t one_key(size_t at, long n)
{
	unsigned chat = (unsigned)random() % CHATS;
	return n % 10 ? add(at, "chat:%u", chat) : add(at, "\"chat:%u user:%u\"", chat, chat / 2);
}

static size_t add_fill(size_t at, const char *value, int count)
{
	return add(at, ", array_fill(%s, ARRAY[%d])", value, count);
}

static void put_text(int node, int epoch, long first, int count, const char *body, int length)
{
	char len[24];
	snprintf(len, sizeof len, "%d", length);
	size_t at = add(0, "SELECT * FROM tgrun_1.put(%d, 1, %d, 'api', %ld, %ld", node, epoch,
			first + count, first);
	at = add_fill(at, "true", count);
	at = add_each(at, count, one_id, first);
	at = add_fill(at, "7::bigint", count);
	at = add_fill(at, "'message'::text", count);
	at = add_each(at, count, one_key, first);
	at = add_fill(at, "''::text", count);
	at = add_fill(at, "false", count);
	at = add_fill(at, "0::smallint", count);
	at = add_fill(at, len, count);
	at = add_fill(at, "''::text", count);
	add(at, ", '%s')", body);
}

/* What a process holds. */
struct hand {
	int count;
	char seq[4 * BATCH][24];
};

static size_t add_hand(size_t at, const struct hand *h)
{
	at = add(at, "'{");
	for (int i = 0; i < h->count; i++)
		at = add(at, "%s%s", i ? "," : "", h->seq[i]);
	return add(at, "}'");
}

/* Takes the numbers in a column of the rows whose first column is `what`, NULL: of all. */
static void take_hand(struct hand *h, const PGresult *r, int column, const char *what)
{
	h->count = 0;
	for (int i = 0; i < PQntuples(r) && h->count < 4 * BATCH; i++)
		if (!what || strcmp(PQgetvalue(r, i, 0), what) == 0)
			snprintf(h->seq[h->count++], sizeof h->seq[0], "%s",
				 PQgetvalue(r, i, column));
}

/* All that it has has ended; it wants `want`. */
static void turn(PGconn *c, int node, struct hand *h, int want)
{
	size_t at = add(0, "SELECT * FROM tgrun_1.turn(%d, 1, 0, 0, ", node);
	at = add_hand(at, h);
	at = add_fill(at, "'d'::\"char\"", h->count);
	for (int i = 0; i < 3; i++)
		at = add_fill(at, "0", h->count);
	at = add_fill(at, "0::bigint", h->count);
	at = add_fill(at, "false", h->count);
	at = add_fill(at, "''::text", h->count);
	at = add_fill(at, "''::text", h->count);
	add(at, ", NULL, NULL, 0, 1, %d, 4)", want);
	PGresult *r = ask(c);
	take_hand(h, r, 1, "u");
	PQclear(r);
}

/* ---- the contenders ---- */

enum way { FLEET, SKIP, ACK, HELD };

static void put_all(enum way way, long limit)
{
	PGconn *c = open_database();
	static char bodies[BATCH * BODY + 1];
	bool fleet = way == FLEET || way == HELD;
	int node = fleet ? attach(c, "poller", 0) : 0, epoch = fleet ? become_poller(c, node) : 0;
	memset(bodies, 'x', sizeof bodies - 1);
	for (long first = 1; !shared->stop; first += BATCH) {
		while (shared->put - shared->done > limit && !shared->stop)
			usleep(300);
		if (fleet)
			put_text(node, epoch, first, BATCH, bodies, BODY);
		else
			add(0, "INSERT INTO q (body) SELECT '%.*s' FROM generate_series(1, %d)",
			    BODY, bodies, BATCH);
		PQclear(ask(c));
		shared->put += BATCH;
	}
	PQfinish(c);
}

/* DELETE takes, and that is all; or UPDATE takes, and DELETE ends it. Returns how many ended. */
static int plain_turn(PGconn *c, enum way way, struct hand *h)
{
	int done = h->count;
	size_t at = add(0, "DELETE FROM q WHERE id = ANY (");
	add(add_hand(at, h), ")");
	if (way == ACK && done)
		PQclear(ask(c));
	at = add(0, way == ACK ? "UPDATE q SET at = now() WHERE id IN "
			       : "DELETE FROM q WHERE id IN ");
	at = add(at, "(SELECT id FROM q %s ORDER BY id LIMIT %d FOR UPDATE SKIP LOCKED)",
		 way == ACK ? "WHERE at IS NULL" : "", BATCH);
	add(at, " RETURNING id, body");
	PGresult *r = ask(c);
	take_hand(h, r, 0, NULL);
	PQclear(r);
	return way == ACK ? done : h->count;
}

static void handle_all(enum way way, int number)
{
	PGconn *c = open_database();
	static struct hand hand;
	bool fleet = way == FLEET || way == HELD;
	int node = fleet ? attach(c, "node", number) : 0;
	while (!shared->stop) {
		int done = hand.count;
		if (fleet)
			turn(c, node, &hand, BATCH);
		else
			done = plain_turn(c, way, &hand);
		__sync_fetch_and_add(&shared->done, done);
		if (hand.count == 0)
			usleep(1000);
	}
	PQfinish(c);
}

static void keep_snapshot(void)
{
	PGconn *c = open_database();
	add(0, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	PQclear(ask(c));
	add(0, "SELECT 1 FROM pg_class LIMIT 1");
	PQclear(ask(c));
	while (!shared->stop)
		usleep(10000);
	PQfinish(c);
}

static void rate(enum way way, int nodes, int seconds, long waiting)
{
	if (fork() == 0) {
		put_all(way, waiting + 10L * BATCH);
		_exit(0);
	}
	while (shared->put < waiting)
		usleep(1000);
	for (int i = 1; i <= nodes; i++)
		if (fork() == 0) {
			handle_all(way, i);
			_exit(0);
		}
	sleep(1);
	if (way == HELD && fork() == 0) {
		keep_snapshot();
		_exit(0);
	}
	int64_t begun = now_us();
	long done = shared->done;
	sleep((unsigned)seconds);
	printf("%.0f\n", (double)(shared->done - done) * 1e6 / (double)(now_us() - begun));
	shared->stop = 1;
	while (wait(NULL) > 0)
		;
}

/* ---- from there to here ---- */

static void hear(PGconn *c)
{
	struct pollfd p = { PQsocket(c), POLLIN, 0 };
	PGnotify *n;
	poll(&p, 1, 1000);
	PQconsumeInput(c);
	while ((n = PQnotifies(c)))
		PQfreemem(n);
}

static void latency(int samples)
{
	int told[2];
	if (pipe(told))
		exit(1);
	if (fork() == 0) {
		PGconn *c = open_database();
		static struct hand hand;
		int node = attach(c, "node", 1);
		add(0, "LISTEN tgrun_1");
		PQclear(ask(c));
		for (int seen = 0; seen < samples;) {
			turn(c, node, &hand, 4);
			int64_t at = now_us();
			seen += hand.count;
			if (hand.count && write(told[1], &at, sizeof at) != sizeof at)
				exit(1);
			if (hand.count == 0)
				hear(c);
		}
		_exit(0);
	}
	PGconn *c = open_database();
	int node = attach(c, "poller", 0), epoch = become_poller(c, node);
	char body[BODY + 1];
	memset(body, 'x', sizeof body);
	body[BODY] = 0;
	for (long n = 1; n <= samples; n++) {
		int64_t begun, at;
		usleep(5000 + (unsigned)random() % 5000);
		begun = now_us();
		put_text(node, epoch, n, 1, body, BODY);
		PQclear(ask(c));
		if (read(told[0], &at, sizeof at) != sizeof at)
			exit(1);
		printf("%lld\n", (long long)(at - begun));
	}
	PQfinish(c);
	wait(NULL);
}

int main(int argc, char **argv)
{
	static const char *const ways[] = { "fleet", "skip", "ack", "held" };
	text = malloc(TEXT);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (argc < 4 || !text || shared == MAP_FAILED)
		return 64;
	url = argv[2];
	if (strcmp(argv[1], "latency") == 0)
		latency(atoi(argv[3]));
	for (size_t i = 0; argc == 6 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[1], ways[i]) == 0)
			rate((enum way)i, atoi(argv[3]), atoi(argv[4]), atol(argv[5]));
	return 0;
}
