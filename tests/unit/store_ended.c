/* tests/unit/store_ended: what has ended is no update any more at once, also for who opens the
 * database after a kill, and its row goes when the server has confirmed it. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/store/store.h"
#include "tests/tap.h"

#define ROOT "https://api.telegram.org"

static char dir[] = "/tmp/tgrun-ended-XXXXXX";
static struct err why;

/* ---- shorthands ---- */

static struct store *open_store(void)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store *s = sqlite_open(fd, dir, 42, &why);
	close(fd);
	if (!s)
		diag("%s", why.text);
	return s;
}

static void clear(void)
{
	const char *names[] = { "queue.db", "queue.db-wal", "mark" };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlinkat(fd, names[i], 0);
	close(fd);
}

/* What a query of the closed database gives. */
static int64_t number(const char *query)
{
	char path[100];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n = -1;
	snprintf(path, sizeof path, "%s/queue.db", dir);
	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, query, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static int apply(struct store *s, const struct store_op *op)
{
	return s->ops->apply(s, op, 1, false, &why);
}

static struct store_op put_of(int64_t seq, const char *root)
{
	return (struct store_op){ .kind = STORE_PUT,
				  .seq = seq,
				  .root = root,
				  .has_id = true,
				  .update_id = 1000 + seq,
				  .hash = (uint64_t)seq * 77,
				  .kind_name = "message",
				  .keys = "chat:5",
				  .body = "some bytes",
				  .body_length = 10,
				  .received = 1 };
}

static void put(struct store *s, int64_t from, int64_t to, const char *root)
{
	for (int64_t seq = from; seq <= to; seq++) {
		struct store_op op = put_of(seq, root);
		if (apply(s, &op))
			diag("put: %s", why.text);
	}
}

static void end(struct store *s, int64_t seq)
{
	if (apply(s, &(struct store_op){ .kind = STORE_DONE, .seq = seq }))
		diag("end: %s", why.text);
}

static struct store_op confirm_of(int64_t offset)
{
	return (struct store_op){
		.kind = STORE_CONFIRMED, .root = ROOT, .offset = offset, .seq = 1000000
	};
}

static char seen[4096];

static int see(void *arg, const struct store_row *row)
{
	size_t n = strlen(seen);
	(void)arg;
	snprintf(seen + n, sizeof seen - n, "%s%d", n ? " " : "", (int)row->seq);
	return 0;
}

/* The numbers of all that waits. */
static const char *waiting(struct store *s)
{
	seen[0] = '\0';
	if (s->ops->load(s, 0, see, NULL, &why))
		diag("load: %s", why.text);
	return seen;
}

static int known(struct store *s, int64_t seq)
{
	struct store_op op = put_of(seq, ROOT);
	return s->ops->known(s, &op, &why);
}

static bool has_bytes(struct store *s, int64_t seq)
{
	struct buf out;
	struct store_facts facts;
	buf_init(&out, 1000);
	int rc = s->ops->body(s, seq, &out, &facts, &why);
	buf_release(&out);
	return rc == 1;
}

static int64_t looked_at(void)
{
	struct store_look look;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = sqlite_look(fd, dir, 42, &look, &why);
	close(fd);
	return rc ? -1 : look.waiting;
}

/* ---- what holds ---- */

static void is_gone(struct store *s, const char *when)
{
	ok(strcmp(waiting(s), "1 3 5") == 0, "%s: what has ended does not wait (%s)", when, seen);
	ok(!has_bytes(s, 2) && has_bytes(s, 3), "%s: nor has it bytes", when);
	ok(known(s, 2) == 1 && known(s, 3) == 1 && known(s, 6) == 0,
	   "%s: its repeat is known, as that of what waits", when);
}

static void nothing_revives_it(struct store *s)
{
	apply(s, &(struct store_op){ .kind = STORE_START, .seq = 2 });
	apply(s, &(struct store_op){ .kind = STORE_RETRY, .seq = 4, .failures = 1, .begun = true });
	apply(s, &(struct store_op){
			 .kind = STORE_DEAD, .seq = 4, .reason = "no", .last_stderr = "" });
	struct store_op again = put_of(2, ROOT);
	apply(s, &again);
	is_str(waiting(s), "1 3 5",
	       "an attempt at it, a failure or the same number again revive it not");
	is_num(s->ops->dead_count(s), 0, "nor does its death make a letter");
}

static void unconfirmed(void)
{
	int status;
	clear();
	pid_t child = fork();
	if (child == 0) {
		struct store *s = open_store();
		put(s, 1, 5, ROOT);
		end(s, 2);
		end(s, 4);
		kill(getpid(), SIGKILL);
	}
	waitpid(child, &status, 0);
	is_num(looked_at(), 3, "after a kill: who looks counts three that wait");
	struct store *s = open_store();
	is_gone(s, "after a kill");
	nothing_revives_it(s);
	s->ops->close(s);
	is_num(number("SELECT count(*) FROM updates"), 5, "their rows still lie there");
	is_num(looked_at(), 3, "after a stop: who looks counts three");

	s = open_store();
	is_gone(s, "after a stop");
	struct store_op failing[] = { confirm_of(1003), { .kind = (enum store_op_kind)1000 } };
	ok(s->ops->apply(s, failing, 2, false, &why) < 0, "(a transaction that fails)");
	is_gone(s, "after a transaction that failed");
	struct store_op op = confirm_of(1003);
	apply(s, &op);
	is_str(waiting(s), "1 3 5", "confirmed: the same wait");
	ok(known(s, 2) == 0 && known(s, 4) == 1,
	   "what was confirmed is no repeat, what was not is");
	op = confirm_of(1010);
	apply(s, &op);
	is_num(known(s, 4), 0, "and then that neither");
	s->ops->close(s);
	is_num(number("SELECT count(*) FROM updates"), 3, "their rows are gone");
	is_num(number("SELECT length(finished) + lying FROM state"), 0, "and the list is empty");
}

static void all_of_them(void)
{
	clear();
	struct store *s = open_store();
	put(s, 1, 50, ROOT);
	for (int64_t seq = 50; seq; seq--)
		end(s, seq);
	struct store_op op = confirm_of(2000);
	apply(s, &op);
	put(s, 51, 52, ROOT);
	is_str(waiting(s), "51 52", "when all have ended only what comes then waits");
	s->ops->close(s);
	is_num(number("SELECT count(*) FROM updates"), 2, "and has a row");
}

/* Those of a file are never repeated. */
static void never_repeated(void)
{
	clear();
	struct store *s = open_store();
	put(s, 1, 40, NULL);
	for (int64_t seq = 1; seq <= 15; seq++)
		end(s, seq);
	s->ops->close(s);
	is_num(number("SELECT count(*) FROM updates"), 40, "the rows of fifteen may lie");
	s = open_store();
	end(s, 17);
	s->ops->close(s);
	is_num(number("SELECT count(*) FROM updates"), 24, "those of sixteen go");
	is_num(number("SELECT length(finished) + lying FROM state"), 0,
	       "and nothing is remembered");
}

/* More than the row of the state has room for, and no two numbers in a row. */
static void many(void)
{
	clear();
	struct store *s = open_store();
	put(s, 1, 600, ROOT);
	for (int64_t seq = 600; seq > 0; seq -= 2)
		end(s, seq);
	s->ops->close(s);
	is_num(looked_at(), 300, "of many, each second one waits");
	s = open_store();
	int wrong = 0;
	for (int64_t seq = 1; seq <= 600; seq++)
		wrong += known(s, seq) != 1 || has_bytes(s, seq) != (seq % 2 == 1);
	is_num(wrong, 0, "all are known, and those have bytes");
	struct store_op op = confirm_of(2000);
	apply(s, &op);
	for (int64_t seq = 1; seq <= 600; seq++)
		wrong += known(s, seq) != seq % 2;
	is_num(wrong, 0, "after the confirmation only those that wait are");
	s->ops->close(s);
	is_num(number("SELECT count(*) FROM updates"), 300, "and have rows");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	unconfirmed();
	all_of_them();
	never_repeated();
	many();
	clear();
	rmdir(dir);
	return done_testing();
}
