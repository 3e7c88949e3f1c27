/* tests/unit/store: what only the durable store can do or suffer: kill -9, other processes, damage,
 * loss, a full disk. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/loop.h"
#include "queue/local/local.h"
#include "tests/tap.h"

static char dir[256] = "/tmp/tgrun-store-XXXXXX", sub[300];

/* ---- shorthands ---- */

static int dir_number;

/* A fresh directory. */
static void fresh(void)
{
	snprintf(sub, sizeof sub, "%s/%d", dir, ++dir_number);
	mkdir(sub, 0700);
}

static const char *in(const char *name)
{
	static char paths[4][400]; /* good for four at a time */
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", sub, name);
	return path;
}

static struct err why;

static struct store *open_as(int64_t bot_id)
{
	why = (struct err){ 0 };
	int fd = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store *s = sqlite_open(fd, sub, bot_id, &why);
	close(fd);
	return s;
}

static struct loop *loop; /* NULL: the store syncs by itself */
static bool sync_fails, changed;

static void on_changed(void *arg)
{
	(void)arg;
	changed = true;
}

static void wait_for_sync(void)
{
	for (changed = false; !changed;)
		loop_turn(loop, 1000);
}

/* A descriptor that cannot be synced. */
static int pipe_of(struct store *s)
{
	int ends[2];
	(void)s;
	return pipe2(ends, O_CLOEXEC) ? -1 : ends[0];
}

static struct queue *start(void)
{
	static struct store_ops ops;
	struct store *s = open_as(42);
	if (s && sync_fails) {
		ops = *s->ops;
		ops.sync_fd = pipe_of;
		s->ops = &ops;
	}
	struct queue_config config = { .clock = &clock_system,
				       .loop = loop,
				       .key_spec = "chat",
				       .backlog = 100000,
				       .changed = on_changed };
	struct queue *q = s ? local_open(&config, s, &why) : NULL;
	if (!q)
		diag("%d: %s", why.status, why.text);
	return q;
}

/* Opening fails with `status` and a sentence that has `words`. */
static void refused(int64_t bot_id, int status, const char *words, const char *what)
{
	struct store *s = open_as(bot_id);
	if (!ok(!s && why.status == status && strstr(why.text, words), "%s", what))
		diag("got %d '%s', wanted %d '%s'", why.status, why.text, status, words);
	if (s)
		s->ops->close(s);
}

static int put(struct queue *q, int64_t id, int64_t count, size_t size)
{
	struct queue_put *puts = calloc((size_t)count, sizeof *puts);
	char *body = malloc(size + 1);
	memset(body, 'x', size);
	body[size] = '\0';
	char(*keys)[32] = calloc((size_t)count, sizeof *keys);
	for (int64_t i = 0; i < count; i++) {
		snprintf(keys[i], sizeof keys[i], "chat:%d", (int)((id + i) % 1000));
		puts[i] = (struct queue_put){ .root = "https://api.telegram.org",
					      .has_id = true,
					      .update_id = id + i,
					      .kind = "message",
					      .keys = keys[i],
					      .body = body,
					      .length = size };
	}
	int rc = queue_put(q, puts, (size_t)count, "https://api.telegram.org", id + count, NULL,
			   &why);
	free(keys);
	free(body);
	free(puts);
	return rc;
}

static int64_t waiting(struct queue *q)
{
	struct queue_counts c;
	queue_counts(q, &c);
	return (int64_t)(c.waiting + c.running);
}

static int64_t dead_letters(struct queue *q)
{
	struct queue_counts c;
	queue_counts(q, &c);
	return c.dead;
}

static void sql(const char *text)
{
	sqlite3 *db;
	char *message = NULL;
	if (sqlite3_open(in("queue.db"), &db) != SQLITE_OK ||
	    sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
		diag("%s: %s", text, message ? message : sqlite3_errmsg(db));
	sqlite3_free(message);
	sqlite3_close(db);
}

/* Runs `body` in a child, which is killed by itself or ends; true if it did so as it wanted (exit 0
 * or SIGKILL). */
static bool in_child(void (*body)(void))
{
	int status;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		body();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       (status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

/* ---- kill -9 ---- */

static int child_number;

static void put_and_die(void)
{
	struct queue *q = start();
	struct claim *c;
	if (!q || put(q, child_number * 100, 7, 300) ||
	    queue_claim(q, QUEUE_ALL_LANES, &c, &why) != 1)
		_exit(1);
	if (child_number % 3 == 0 && queue_durable(q, true, &why))
		_exit(1);
	if (child_number % 2)
		queue_done(q, c); /* not flushed: it is handed out again */
	kill(getpid(), SIGKILL);
}

static void killed(void)
{
	bool all = true;
	fresh();
	for (child_number = 1; child_number <= 50 && all; child_number++) {
		all = in_child(put_and_die);
		struct queue *q = start();
		/* What it died with five times, its start synced, is a dead letter. */
		if (!q || waiting(q) + dead_letters(q) != 7 * child_number) {
			diag("after kill %d: %d wait", child_number, q ? (int)waiting(q) : -1);
			all = false;
		}
		queue_close(q, NULL);
	}
	ok(all, "after each of 50 kills between put and flush, all that was acknowledged is there");
	struct stat st;
	ok(stat(in("queue.db"), &st) == 0 && (st.st_mode & 0777) == 0600,
	   "the database is private");
	struct queue *q = start();
	ok(stat(in("queue.db-wal"), &st) == 0 && (st.st_mode & 0777) == 0600,
	   "so is its write-ahead log");
	ok(stat(in("mark"), &st) == 0 && (st.st_mode & 0777) == 0600 && st.st_size == 64,
	   "so is the mark");
	queue_close(q, NULL);
}

/* ---- past the bounds of the state's row ---- */

enum { CROWD = 1000 };

static void run_a_crowd_and_die(void)
{
	struct queue *q = start();
	struct claim *c;
	if (!q || put(q, 1, 2 * CROWD, 300))
		_exit(1);
	for (int i = 0; i < CROWD; i++) {
		if (queue_claim(q, QUEUE_ALL_LANES, &c, &why) != 1)
			_exit(1);
		/* Every third ends, so that places in the row are left and taken again. */
		if (i % 3 == 0 && queue_flush(q, &why) == 0)
			queue_done(q, c);
	}
	if (queue_flush(q, &why))
		_exit(1);
	kill(getpid(), SIGKILL);
}

static int count_died(void *arg, const struct queue_item *item)
{
	*(int *)arg += item->deaths == 1;
	return 0;
}

static void crowd(void)
{
	struct queue_put_result r;
	int died = 0, done = (CROWD + 2) / 3;
	fresh();
	ok(in_child(run_a_crowd_and_die), "a child runs many at once, ends some, and is killed");
	struct queue *q = start();
	is_num(q ? waiting(q) : -1, 2 * CROWD - done, "what had not ended is there");
	queue_each(q, 0, count_died, &died, &why);
	is_num(died, CROWD - done, "each that ran is charged with one death, and no other");
	int64_t repeated = 0;
	for (int64_t id = 1; id <= 2 * CROWD; id += 100) {
		struct queue_put puts[100];
		char keys[100][32], body[301];
		memset(body, 'x', 300);
		body[300] = '\0';
		for (int i = 0; i < 100; i++) {
			snprintf(keys[i], sizeof keys[i], "chat:%d", (int)((id + i) % 1000));
			puts[i] = (struct queue_put){ .root = "https://api.telegram.org",
						      .has_id = true,
						      .update_id = id + i,
						      .kind = "message",
						      .keys = keys[i],
						      .body = body,
						      .length = 300 };
		}
		if (queue_put(q, puts, 100, "https://api.telegram.org", id + 100, &r, &why) == 0)
			repeated += (int64_t)r.repeated;
	}
	is_num(repeated, 2 * CROWD, "all of them are known when they come again, ended or not");
	queue_confirmed(q, "https://api.telegram.org", 2 * CROWD + 1);
	is_num(queue_flush(q, &why), 0, "the server confirms them");
	is_num(put(q, 1, 100, 300), 0, "and ids begin anew");
	is_num(waiting(q), 2 * CROWD - done + 100 - 66,
	       "those that had ended are new ones, the others are known still");
	queue_close(q, NULL);
}

/* ---- refusals ---- */

static void garbage(const char *name, const char *bytes, size_t n, off_t at)
{
	int fd = open(in(name), O_WRONLY | O_CREAT, 0600);
	if (pwrite(fd, bytes, n, at) < 0)
		diag("pwrite: %s", strerror(errno));
	close(fd);
}

static int copy(const char *from, const char *to)
{
	char command[1000];
	snprintf(command, sizeof command, "cp '%s/%s' '%s/%s'", sub, from, sub, to);
	return system(command);
}

static void put_sync_and_die(void)
{
	struct queue *q = start();
	if (!q || put(q, 1, 50, 300) || queue_durable(q, true, &why))
		_exit(1);
	kill(getpid(), SIGKILL);
}

static void put_sync_by_a_thread_and_die(void)
{
	loop = loop_new(&why);
	struct queue *q = start();
	if (!q || put(q, 1, 50, 300) || queue_durable(q, false, &why) != 1 || put(q, 51, 50, 300))
		_exit(1);
	wait_for_sync();
	kill(getpid(), SIGKILL);
}

static void fail_to_sync_then_sync_and_die(void)
{
	loop = loop_new(&why);
	sync_fails = true;
	struct queue *q = start();
	if (!q || put(q, 1, 50, 300) || queue_durable(q, false, &why) != 1)
		_exit(1);
	wait_for_sync();
	if (queue_durable(q, false, &why) != -1 || queue_durable(q, true, &why))
		_exit(1);
	kill(getpid(), SIGKILL);
}

static void refusals(void)
{
	struct stat st;
	fresh();
	struct queue *q = start();
	put(q, 1, 3, 100);
	refused(42, ERR_TEMPFAIL, "used by another process",
		"a second open of the same database fails");
	put(q, 4, 3, 100);
	queue_durable(q, true, NULL);
	queue_close(q, NULL);
	refused(43, ERR_CONFIG, "belongs to bot 42", "another bot's state is refused");
	struct store *s = open_as(0);
	ok(s != NULL, "a state can be opened without naming the bot");
	if (s)
		s->ops->close(s);
	sql("PRAGMA user_version = 99");
	refused(42, ERR_CONFIG, "newer tgrun", "a newer tgrun's state is refused");
	sql("PRAGMA user_version = 5");
	q = start();
	is_num(waiting(q), 6, "and left as it was");
	queue_close(q, NULL);

	copy("queue.db", "saved");
	if (truncate(in("queue.db"), 5000))
		diag("truncate");
	refused(42, ERR_IO, "damaged", "a database that was cut is refused");
	ok(stat(in("queue.db"), &st) == 0 && st.st_size == 5000, "and left as it is");
	if (truncate(in("queue.db"), 0))
		diag("truncate");
	refused(42, ERR_IO, "cut to nothing", "a database that was cut to nothing is refused");
	unlink(in("queue.db"));
	refused(42, ERR_IO, "missing", "a database that was lost is refused");
	ok(stat(in("queue.db"), &st) != 0, "and not replaced by an empty one");
	copy("saved", "queue.db");
	garbage("queue.db", "tohuwabohu, tohuwabohu", 22, 0);
	refused(42, ERR_IO, "damaged", "a file that is no database is refused");
	copy("saved", "queue.db");
	char page[4096];
	memset(page, 0x5a, sizeof page);
	for (off_t at = 2; at < 14; at++)
		garbage("queue.db", page, sizeof page, at * (off_t)sizeof page);
	refused(42, ERR_IO, "damaged", "a database with damaged pages is refused");
	copy("saved", "queue.db");
	q = start();
	is_num(waiting(q), 6, "put back from a backup, it works");
	queue_close(q, NULL);
	rename(in("queue.db"), in("elsewhere"));
	if (symlink("elsewhere", in("queue.db")))
		diag("symlink");
	refused(42, ERR_CANTCREATE, "symbolic link", "a symbolic link is not followed");
	unlink(in("queue.db"));
	rename(in("elsewhere"), in("queue.db"));
	rename(in("mark"), in("elsewhere"));
	if (symlink("elsewhere", in("mark")))
		diag("symlink");
	refused(42, ERR_CANTCREATE, "symbolic link", "nor one in place of the mark");
	unlink(in("mark"));
	if (geteuid() == 0 && chown(in("queue.db"), 65534, 65534) == 0) {
		refused(42, ERR_CANTCREATE, "belongs to user 65534",
			"a file of another user is refused");
		chown(in("queue.db"), 0, 0) ? diag("chown") : (void)0;
	}
	q = start();
	is_num(waiting(q), 6, "without a mark the database is believed");
	queue_close(q, NULL);

	fresh();
	sql("CREATE TABLE songs(title)");
	refused(42, ERR_CONFIG, "not of tgrun", "another program's database is refused");

	fresh();
	ok(in_child(put_sync_and_die), "a child puts, syncs and is killed");
	rename(in("queue.db-wal"), in("kept-wal"));
	refused(42, ERR_IO, "restore", "a database that lost its -wal after a kill is refused");
	rename(in("kept-wal"), in("queue.db-wal"));
	q = start();
	is_num(waiting(q), 50, "with its -wal put back, all is there");
	queue_close(q, NULL);

	fresh();
	ok(in_child(put_sync_by_a_thread_and_die),
	   "a child syncs in two steps, puts more between, and is killed");
	rename(in("queue.db-wal"), in("kept-wal"));
	refused(42, ERR_IO, "update 50 was on disk",
		"that all up to the first step was synced is known, and no more");
	rename(in("kept-wal"), in("queue.db-wal"));
	q = start();
	is_num(waiting(q), 100, "with its -wal all is there");
	queue_close(q, NULL);

	fresh();
	ok(in_child(fail_to_sync_then_sync_and_die),
	   "a child's sync fails, the next one works, and it is killed");
	unlink(in("queue.db-wal")); /* of which nothing may have reached the disk */
	q = start();
	is_num(q ? waiting(q) : -1, 50,
	       "what was written before the sync that failed does not rely on the -wal");
	queue_close(q, NULL);
}

/* ---- a full disk ---- */

/* Fills the file system of `sub` to the last byte. */
static void fill_disk(void)
{
	static char block[65536];
	int fd = open(in("filler"), O_WRONLY | O_CREAT | O_APPEND, 0600);
	for (size_t size = sizeof block; size > 0; size /= 2)
		while (write(fd, block, size) == (ssize_t)size)
			;
	close(fd);
}

static void disk_full(void)
{
	fresh();
	if (mount("tmpfs", sub, "tmpfs", 0, "size=16m,mode=0700")) {
		diag("no small file system can be mounted here (%s): skipped", strerror(errno));
		return;
	}
	struct queue *q = start();
	struct claim *claims[2000];
	int claimed = 0, failed = 0;
	ok(q && put(q, 1, 2000, 500) == 0 && queue_durable(q, true, &why) == 0,
	   "2,000 updates are put on a small disk");
	fill_disk();
	struct err first = { 0 };
	for (int i = 0; i < 40; i++) {
		int n = 0;
		while (n < 50 && queue_claim(q, QUEUE_ALL_LANES, &claims[n], &why) == 1)
			n++;
		failed += queue_flush(q, &why) != 0;
		for (int k = 0; k < n; k++) {
			queue_done(q, claims[k]);
			claim_free(claims[k]);
		}
		if (queue_flush(q, &why) && failed++ == 0)
			first = why;
		claimed += n;
	}
	if (!ok(failed == 0 && claimed == 2000,
		"on a disk that another program filled, 2,000 outcomes are still recorded"))
		diag("%d of 2000 handled, %d flushes failed: %s", claimed, failed, first.text);
	int rc = 0;
	int64_t id = 10000;
	for (; id < 10000 + 200 * 100 && rc == 0; id += 100)
		rc = put(q, id, 100, 5000);
	ok(rc == -1 && why.status == ERR_IO && strstr(why.text, "full"),
	   "putting goes on until it fails by a sentence");
	diag("%s (after %d)", why.text, (int)(id - 10000));
	int64_t had = waiting(q);
	rc = queue_durable(q, true, &why);
	diag("sync: %s", rc ? why.text : "worked");
	unlink(in("filler"));
	is_num(queue_flush(q, &why), 0, "when there is room again, it goes on");
	is_num(put(q, id, 100, 5000), 0, "and takes more");
	is_num(waiting(q), had + 100, "nothing that was acknowledged is lost");
	is_num(queue_close(q, &why), 0, "and closes");
	q = start();
	is_num(waiting(q), had + 100, "nor after a restart");
	/* Full at the very start, and at the end. */
	fill_disk();
	queue_close(q, NULL);
	q = start();
	ok(q && waiting(q) == had + 100,
	   "a start on a full disk, after an end on a full disk, has all of it too");
	queue_close(q, NULL);
	unlink(in("queue.db"));
	unlink(in("queue.db-wal")); /* a new database would delete it, and have its room */
	unlink(in("queue.db-shm"));
	unlink(in("mark"));
	fill_disk();
	struct store *s = open_as(42);
	ok(!s && why.status == ERR_IO, "a first start on a full disk fails with a sentence");
	diag("%s", s ? "it opened" : why.text);
	if (s)
		s->ops->close(s);
	umount2(sub, MNT_DETACH);
}

static void limited(void)
{
	struct rlimit limit = { 6 << 20, RLIM_INFINITY };
	signal(SIGXFSZ, SIG_IGN);
	struct queue *q = start();
	int64_t taken = 0, id = 1;
	int rc = q ? 0 : -1;
	if (setrlimit(RLIMIT_FSIZE, &limit))
		_exit(2);
	for (; rc == 0 && id < 100000; id += 100)
		if ((rc = put(q, id, 100, 5000)) == 0)
			taken += 100;
	if (rc != -1 || why.status != ERR_IO || waiting(q) != taken)
		_exit(3);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	if (queue_flush(q, &why) || put(q, id, 100, 5000) || waiting(q) != taken + 100 ||
	    queue_close(q, &why))
		_exit(4);
	q = start();
	if (!q || waiting(q) != taken + 100)
		_exit(5);
	queue_close(q, NULL);
}

/* ---- measures ---- */

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void measures(void)
{
	enum { ROUNDS = 100, BATCH = 100 };
	struct claim *claims[BATCH];
	fresh();
	struct queue *q = start();
	double begin = now();
	int64_t handled = 0;
	for (int i = 0; i < ROUNDS; i++) {
		put(q, i * BATCH, BATCH, 800);
		queue_durable(q, true, NULL);
		queue_confirmed(q, "https://api.telegram.org", (i + 1) * BATCH);
		int n = 0;
		while (n < BATCH && queue_claim(q, QUEUE_ALL_LANES, &claims[n], &why) == 1)
			n++;
		queue_flush(q, NULL);
		for (int k = 0; k < n; k++) {
			queue_done(q, claims[k]);
			claim_free(claims[k]);
		}
		queue_flush(q, NULL);
		handled += n;
	}
	is_num(handled, ROUNDS * BATCH, "10,000 updates pass");
	diag("%.1f us for each to put, sync, claim and finish, 100 at a time",
	     (now() - begin) * 1e6 / (double)handled);
	begin = now();
	for (int64_t id = 1000000; id < 1200000; id += 1000)
		put(q, id, 1000, 800);
	diag("%.1f us for each of 200,000 put, 1000 at a time", (now() - begin) * 1e6 / 200000);
	queue_close(q, NULL);
	begin = now();
	q = start();
	diag("%.0f ms to open with 200,000 waiting", (now() - begin) * 1e3);
	is_num(waiting(q), 200000, "200,000 wait after a restart");
	queue_close(q, NULL);
}

int main(void)
{
	char command[300];
	if (!mkdtemp(dir))
		return 1;
	RUN(killed);
	RUN(crowd);
	RUN(refusals);
	RUN(disk_full);
	RUN(fresh);
	ok(in_child(limited), "past a limit of file sizes: an error, nothing lost, and recovery");
	RUN(measures);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command) || done_testing();
}
