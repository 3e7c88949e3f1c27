/* tests/unit/slots_escape: handlers that try to get away. Whatever they do, nothing of them is left
 * when the job is over. The program is its own helper: each trick writes the pids of what it starts
 * to descriptor 3, one O_APPEND file for the test. */
#include <sys/syscall.h>

#include "tests/unit/slots_rig.h"

static struct rig rig;

/* ---- the tricks ---- */

static void say_pid(void)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (write(3, text, (size_t)n) != n)
		_exit(9);
}

static _Noreturn void rest(void)
{
	for (;;)
		pause();
}

static void ignore_term(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

/* Away as far as a process can go: twice forked, own session, nothing open, nothing in its
 * environment, deaf to TERM. */
static void daemonise(void)
{
	if (fork())
		return;
	setsid();
	if (fork())
		_exit(0);
	ignore_term();
	clearenv();
	say_pid();
	close_range(0, ~0U, 0);
	rest();
}

/* As above, and whatever is orphaned below it stays below it. */
static void subreaper_daemon(void)
{
	if (fork())
		return;
	setsid();
	ignore_term();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 3; i++)
		daemonise();
	say_pid();
	rest();
}

/* Each forks the next and ends. */
static void chain(void)
{
	ignore_term();
	for (int i = 0; i < 100000; i++) {
		pid_t pid = fork();
		if (pid < 0)
			_exit(8);
		if (pid > 0)
			_exit(0);
	}
	_exit(0);
}

static int trick(const char *name)
{
	say_pid();
	if (!strcmp(name, "deaf")) {
		ignore_term();
		rest();
	}
	if (!strcmp(name, "daemon"))
		daemonise();
	if (!strcmp(name, "daemons"))
		for (int i = 0; i < 50; i++)
			daemonise();
	if (!strcmp(name, "subreaper"))
		subreaper_daemon();
	if (!strcmp(name, "chain"))
		chain();
	if (!strcmp(name, "stopped")) {
		raise(SIGSTOP);
		rest();
	}
	if (!strcmp(name, "tree"))
		for (int i = 0; i < 5; i++)
			if (fork() == 0)
				say_pid();
	if (!strcmp(name, "tree") || !strcmp(name, "stay"))
		rest();
	return 3;
}

/* ---- the tests ---- */

static int pid_file(void)
{
	char path[] = "/tmp/tgrun-pids-XXXXXX";
	int fd = mkstemp(path);
	unlink(path);
	if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		abort();
	return fd;
}

static void begin(struct run *r, const char *name, int pids)
{
	rig_start_with(&rig, r, rig_command(STAGES(ARGV(rig_self, name)), rig_env, NULL), "", 0,
		       rig_memfd("", 0), dup(pids));
}

/* Lets the trick get as far as `want` pids, orders its death, and looks. */
static void killed(const char *name, int want, int signo, const char *what)
{
	struct run r;
	int pids = pid_file(), listed = 0;
	begin(&r, name, pids);
	bool ready = RIG_UNTIL(&rig, (alive_in(pids, &listed), listed >= want) || RUN_IS_OVER(&r));
	slots_signal(r.slot, signo);
	rig_wait(&rig, &r);
	int alive = alive_in(pids, &listed);
	if (!ok(ready && r.over && listed >= want && alive == 0, "%s", what))
		diag("ready %d over %d died %d listed %d alive %d, note '%s'", ready, r.over,
		     r.died, listed, alive, rig.note);
	close(pids);
	run_release(&r);
}

static void waits_for_background_work(void)
{
	struct run r;
	int pids = pid_file(), listed;
	begin(&r, "daemon", pids);
	ok(RIG_UNTIL(&rig, r.ended) && !r.over,
	   "when a handler ends and its daemon runs, its end is told, and it is not over");
	is_num(WEXITSTATUS(r.end.status[0]), 3, "the status is the handler's own");
	RIG_UNTIL(&rig, (alive_in(pids, &listed), listed == 2));
	is_num(alive_in(pids, &listed), 1, "the daemon runs on");
	slots_signal(r.slot, SIGKILL);
	rig_wait(&rig, &r);
	ok(r.over && alive_in(pids, &listed) == 0, "killed, it is over, and the daemon gone");
	close(pids);
	run_release(&r);

	int gate[2];
	if (pipe2(gate, O_CLOEXEC))
		abort();
	rig_start_with(&rig, &r, rig_sh("(read x; echo late) <&3 & exit 0"), "", 0,
		       rig_memfd("", 0), dup(gate[0]));
	ok(RIG_UNTIL(&rig, r.ended) && !r.over,
	   "background work of a shell keeps a job from being over");
	if (write(gate[1], "\n", 1) != 1)
		abort();
	rig_wait(&rig, &r);
	ok(r.over, "it is over when the work is done");
	is_str(buf_str(&r.out[0]), "late\n", "and the work's output is the job's");
	close(gate[0]);
	close(gate[1]);
	run_release(&r);
}

static void term_is_heard_once(void)
{
	struct run r;
	rig_start(
		&rig, &r,
		rig_sh("trap 'echo TERM' TERM; echo ready; (trap 'echo term' TERM; echo ready; while :; do sleep 0.01; done) & "
		       "while :; do sleep 0.01; done"));
	RIG_UNTIL(&rig, r.out[0].len >= 12);
	slots_signal(r.slot, SIGTERM);
	RIG_UNTIL(&rig, r.out[0].len >= 22);
	slots_signal(r.slot, SIGKILL);
	rig_wait(&rig, &r);
	int heard = 0;
	for (const char *p = buf_str(&r.out[0]); (p = strcasestr(p, "term")); p++)
		heard++;
	ok(r.over && heard == 2, "TERM is heard once by the handler and once by its child (%d)",
	   heard);
	run_release(&r);
	rig_start(&rig, &r, rig_sh("setsid sleep 1000 & setsid sleep 1000 & echo x; wait"));
	RIG_UNTIL(&rig, r.out[0].len);
	slots_signal(r.slot, SIGTERM);
	rig_wait(&rig, &r);
	ok(r.over && WIFSIGNALED(r.end.status[0]) && WTERMSIG(r.end.status[0]) == SIGTERM,
	   "TERM reaches what moved to sessions of its own");
	run_release(&r);
}

static void children_by_scan(void)
{
	int pids[2];
	if (pipe2(pids, O_CLOEXEC))
		abort();
	pid_t child = fork();
	if (child == 0) {
		pid_t grandchild = fork();
		if (grandchild == 0)
			rest();
		if (write(pids[1], &grandchild, sizeof grandchild) != sizeof grandchild)
			_exit(1);
		rest();
	}
	pid_t grandchild = 0;
	if (read(pids[0], &grandchild, sizeof grandchild) != sizeof grandchild)
		abort();
	struct procs children = { 0 }, scanned = { 0 }, all = { 0 };
	procs_children(getpid(), &children);
	procs_scan_children(getpid(), &scanned);
	procs_descendants(getpid(), &all);
	ok(procs_has(&children, child) && procs_has(&scanned, child) &&
		   !procs_has(&scanned, grandchild) && scanned.count == children.count,
	   "children are found by the kernel's list, and the same by reading every process (%zu, %zu)",
	   children.count, scanned.count);
	ok(procs_has(&all, child) && procs_has(&all, grandchild), "descendants are found, too");
	kill(grandchild, SIGKILL);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	waitpid(grandchild, NULL, 0);
	procs_release(&children);
	procs_release(&scanned);
	procs_release(&all);
	close(pids[0]);
	close(pids[1]);
}

int main(int argc, char **argv)
{
	static char self[4096];
	if (argc > 1)
		_exit(trick(argv[1]));
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return 1;
	rig_self = self;
	rig_init(&rig, 2);
	killed("stay", 1, SIGTERM, "a handler that listens dies of TERM");
	killed("deaf", 1, SIGKILL, "a handler that ignores TERM dies of KILL");
	killed("stopped", 1, SIGKILL, "a handler that is stopped dies of KILL");
	killed("tree", 32, SIGTERM, "a tree of 32 processes dies of TERM");
	killed("daemon", 2, SIGKILL,
	       "a daemon without descriptors and environment is gone when the job is over");
	killed("daemons", 51, SIGKILL, "50 daemons are gone when the job is over");
	killed("subreaper", 5, SIGKILL, "a daemon that is a subreaper is gone, with all below it");
	for (int i = 0; i < 5; i++)
		killed("chain", 1, SIGKILL, "a chain of forks and exits is caught up with");
	RUN(waits_for_background_work);
	RUN(term_is_heard_once);
	RUN(children_by_scan);
	is_num(rig.deaths, 0, "no slot has died of all this");
	/* Jobs that run when the slots are freed. */
	struct run r;
	int pids = pid_file(), listed = 0;
	begin(&r, "daemons", pids);
	RIG_UNTIL(&rig, (alive_in(pids, &listed), listed == 51));
	rig_free(&rig);
	is_num(alive_in(pids, &listed), 0, "slots_free() leaves nothing of a job that runs");
	run_release(&r);
	return done_testing();
}
