/* tests/unit/statedir: the state directory is made private, refused with a reason when it is not
 * safe, and locked. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/statedir.h"
#include "tests/tap.h"

enum { OTHER = 65534 };

static char top[] = "/tmp/statedir-test-XXXXXX";

static const char *in_top(const char *name)
{
	static char path[4][256];
	static int turn;
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", top, name);
	return path[turn];
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	return lstat(path, &st) ? 0 : st.st_mode & 07777;
}

/* Opening `name` is refused with a sentence that has `words` in it. */
static void refused(const char *name, const char *words, const char *what)
{
	struct err err = { 0 };
	struct statedir *d = statedir_open(in_top(name), &err);
	if (!ok(!d && err.status == ERR_CANTCREATE && strstr(err.text, words), "%s", what))
		diag("%s, status %d, '%s'", d ? "opened" : "not opened", err.status,
		     d ? "" : err.text);
	statedir_close(d);
}

static void test_made(void)
{
	struct err err = { 0 };
	umask(0);
	ok(!statedir_visit(in_top("a/b/state"), &err) && err.status == 0,
	   "a directory that is not there is not made by those who only look");
	struct statedir *d = statedir_open(in_top("a/b/state"), &err);
	if (!ok(d != NULL, "it is made with its parents ('%s')", d ? "" : err.text))
		exit(done_testing());
	ok(mode_of(in_top("a")) == 0700 && mode_of(in_top("a/b/state")) == 0700,
	   "private whatever the umask is");
	ok(mode_of(in_top("a/b/state/run.lock")) == 0600 &&
		   mode_of(in_top("a/b/state/slots.lock")) == 0600,
	   "so are its files");
	ok(fcntl(statedir_fd(d), F_GETFD) & FD_CLOEXEC &&
		   fcntl(statedir_slots_fd(d), F_GETFD) & FD_CLOEXEC,
	   "no handler inherits its descriptors");
	is_str(statedir_path(d), in_top("a/b/state"), "it knows its path");
	char id[STATEDIR_ID_MAX], again[STATEDIR_ID_MAX];
	statedir_id(d, id);
	ok(statedir_free_bytes(d) > 0 && statedir_may_write(d, &err) == 0,
	   "there is room, and it can be written");
	ok(faccessat(statedir_fd(d), "try", F_OK, 0) == -1, "trying leaves nothing behind");
	statedir_close(d);
	d = statedir_visit(in_top("a/b/state/"), &err);
	statedir_id(d, again);
	ok(d && strcmp(id, again) == 0, "its name for runs stays the same (%s)", id);
	statedir_close(d);
	chmod(in_top("a/b/state"), 0777);
	chmod(in_top("a/b/state/run.lock"), 0666);
	d = statedir_open(in_top("a/b/state"), &err);
	ok(d && mode_of(in_top("a/b/state")) == 0700 &&
		   mode_of(in_top("a/b/state/run.lock")) == 0600,
	   "what was open to others is closed to them");
	statedir_close(d);
	ok(!statedir_open("", &err) && err.status == ERR_CANTCREATE, "an empty name is refused");
	statedir_close(NULL);
}

static void test_refused(void)
{
	close(open(in_top("file"), O_CREAT | O_WRONLY, 0600));
	refused("file", "is no directory; remove", "a file in its place is refused");
	refused("file/state", "Not a directory", "a file as its parent too");
	if (symlink("nowhere", in_top("dangling")) || mkdir(in_top("mine"), 0700) ||
	    symlink("mine", in_top("link")) || mkdir(in_top("full"), 0700) ||
	    symlink("elsewhere", in_top("full/run.lock")) || mkdir(in_top("hard"), 0700) ||
	    link(in_top("file"), in_top("hard/run.lock")) || mkdir(in_top("fifo"), 0700) ||
	    mkfifo(in_top("fifo/slots.lock"), 0600))
		exit(1);
	refused("dangling", "state directory", "a link to nothing is refused");
	struct err err = { 0 };
	struct statedir *d = statedir_open(in_top("link"), &err);
	ok(d != NULL,
	   "a link of one's own to a directory of one's own is accepted, as systemd makes them");
	statedir_close(d);
	refused("full", "is a symbolic link; remove it", "a lock that is a link is refused");
	ok(access(in_top("full/elsewhere"), F_OK) == -1, "and was not followed");
	refused("hard", "has another name too", "a lock with a second name is refused");
	refused("fifo", "not a file of this user's",
		"a lock that is a pipe is refused, without waiting for its reader");
}

static void test_other_users(void)
{
	if (geteuid() != 0) {
		ok(true, "# SKIP directories of other users: needs root");
		return;
	}
	if (mkdir(in_top("theirs"), 0700) || chown(in_top("theirs"), OTHER, OTHER) ||
	    symlink("theirs", in_top("to-theirs")) || symlink("mine", in_top("their-link")) ||
	    lchown(in_top("their-link"), OTHER, OTHER) || mkdir(in_top("lock"), 0700) ||
	    mknod(in_top("lock/run.lock"), S_IFREG | 0600, 0) ||
	    chown(in_top("lock/run.lock"), OTHER, OTHER) || mkdir(in_top("closed"), 0755))
		exit(1);
	refused("theirs", "mend it by: chown -R 0 '",
		"a directory of another user's is refused, with the command that mends it");
	refused("to-theirs", "another user's", "so is a link to one");
	refused("their-link", "symbolic link of another user's", "and a link of another user's");
	refused("lock", "not a file of this user's", "and a lock of another user's");
	if (chmod(top, 0755))
		exit(1);
	if (seteuid(OTHER))
		exit(1);
	refused("closed", "chown -R 65534 '", "seen from the other side too");
	refused("closed/new", "Permission denied",
		"a directory that may not be made is named with the reason");
	if (seteuid(0))
		exit(1);
}

static void test_locks(void)
{
	struct err err = { 0 };
	pid_t holder = -1;
	int go[2], held[2];
	char c;
	if (pipe2(go, O_CLOEXEC) || pipe2(held, O_CLOEXEC))
		exit(1);
	struct statedir *d = statedir_open(in_top("state"), &err);
	ok(!statedir_runs(d, &holder), "nobody runs at first");
	pid_t pid = fork();
	if (pid == 0) {
		struct statedir *own = statedir_open(in_top("state"), &err);
		bool both = statedir_lock_run(own, &holder, &err) == 1 &&
			    statedir_lock_slots(own, &err) == 1;
		/* A slot inherits the lock's descriptor, no other, and outlives the runner. */
		if (fork() == 0) {
			dup2(go[0], 0);
			dup2(held[1], 1);
			dup2(statedir_slots_fd(own), 3);
			close_range(4, ~0U, 0);
			(void)!write(1, both ? "y" : "n", 1);
			(void)!read(0, &c, 1);
			_exit(0);
		}
		close(held[1]);
		for (;;)
			pause();
	}
	close(go[0]);
	ok(read(held[0], &c, 1) == 1 && c == 'y', "a runner takes both locks");
	ok(statedir_runs(d, &holder) && holder == pid,
	   "others see that it runs, and its process id");
	holder = -1;
	ok(statedir_lock_run(d, &holder, &err) == 0 && holder == pid,
	   "a second one is told who has the lock");
	is_num(statedir_lock_slots(d, &err), 0, "the slots' lock is held too");
	/* Closing a descriptor of the same file gives up nobody's lock, as it would with those of
	 * fcntl's F_SETLK. */
	struct statedir *more = statedir_visit(in_top("state"), &err);
	statedir_close(more);
	ok(statedir_runs(d, &holder), "opening and closing the directory disturbs no lock");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(!statedir_runs(d, &holder), "a killed runner runs no more");
	ok(statedir_lock_slots(d, &err) == 0,
	   "when the runner is killed the slots' lock stays as long as a slot lives");
	close(held[1]);
	close(go[1]); /* the slot ends */
	(void)!read(held[0], &c, 1);
	int rc;
	int64_t end = clock_system.mono(&clock_system) + 20000;
	while ((rc = statedir_lock_slots(d, &err)) == 0 && clock_system.mono(&clock_system) < end)
		sched_yield();
	is_num(rc, 1, "and is free when it is gone");
	is_num(statedir_lock_run(d, &holder, &err), 1, "then the next runner has it");
	char text[32] = "";
	int fd = openat(statedir_fd(d), "run.lock", O_RDONLY | O_CLOEXEC);
	ok(read(fd, text, sizeof text - 1) > 0 && atoi(text) == getpid(),
	   "and has written its process id");
	close(fd);
	statedir_close(d);
	d = statedir_open(in_top("state"), &err);
	ok(!statedir_runs(d, &holder), "closing gives the locks back");
	statedir_close(d);
	close(held[0]);
}

static void test_data(void)
{
	struct err err = { 0 };
	struct stat st;
	char link[64], data[64];
	struct statedir *d = statedir_open(in_top("with-data"), &err);
	snprintf(data, sizeof data, "%s", in_top("with-data/data"));
	snprintf(link, sizeof link, "%s", in_top("elsewhere"));
	ok(statedir_data(d, false, &err) == 0 && stat(data, &st) != 0,
	   "who only looks makes no directory for the handlers' files");
	umask(0777);
	ok(statedir_data(d, true, &err) == 0 && stat(data, &st) == 0 && S_ISDIR(st.st_mode) &&
		   (st.st_mode & 07777) == 0700,
	   "a runner makes it, private");
	umask(022);
	int fd = openat(statedir_fd(d), "data/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	close(fd);
	chmod(data, 0755);
	ok(fd >= 0 && statedir_data(d, true, &err) == 0 && stat(data, &st) == 0 &&
		   (st.st_mode & 07777) == 0700 &&
		   faccessat(statedir_fd(d), "data/file", F_OK, 0) == 0,
	   "one that is open to others is made private again, and what is in it stays");
	unlinkat(statedir_fd(d), "data/file", 0);
	rmdir(data);
	mkdir(link, 0700);
	ok(symlink(link, data) == 0 && statedir_data(d, true, &err) &&
		   err.status == ERR_CANTCREATE && strstr(err.text, "is a symbolic link"),
	   "a link in its place is refused: %s", err.text);
	ok(statedir_data(d, false, &err) && strstr(err.text, "move it away"), "also by who looks");
	unlink(data);
	close(creat(data, 0600));
	ok(statedir_data(d, true, &err) && err.status == ERR_CANTCREATE &&
		   strstr(err.text, "is a file"),
	   "a file in its place, too: %s", err.text);
	statedir_close(d);
}

int main(void)
{
	if (!mkdtemp(top))
		return 1;
	RUN(test_made);
	RUN(test_refused);
	RUN(test_other_users);
	RUN(test_locks);
	RUN(test_data);
	char command[64];
	snprintf(command, sizeof command, "rm -rf %s", top);
	if (system(command))
		return 1;
	return done_testing();
}
