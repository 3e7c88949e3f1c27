/* tests/unit/slots_death: slots and runners that are killed, stopped or retired at any moment.
 * Nothing of a job survives them, and the lock is free only when nothing is left. */
#include <sys/socket.h>

#include "tests/unit/slots_rig.h"

static char lock_path[] = "/tmp/tgrun-lock-XXXXXX";

/* A descriptor of the lock file with a description of its own. */
static int open_lock(void)
{
	int fd = open(lock_path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

static bool take_lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

/* Whether another could take the lock now. */
static bool is_free(void)
{
	int fd = open_lock();
	bool got = take_lock(fd);
	close(fd);
	return got;
}

static int pid_file(void)
{
	char path[] = "/tmp/tgrun-pids-XXXXXX";
	int fd = mkstemp(path);
	unlink(path);
	if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		abort();
	return fd;
}

/* Deaf to TERM, with a child in a session of its own that is deaf, too; pids go to descriptor 3. */
static const char stubborn[] =
	"trap '' TERM HUP; echo $$ >&3; setsid sh -c 'echo $$ >&3; exec 3>&-; while :; do sleep 1000; done' & "
	"while :; do sleep 1000; done";
static const char background[] =
	"trap '' HUP; setsid sh -c 'echo begun; echo $$ >&3; exec 3>&-; exec sleep 1000' & exit 6";

static void begin(struct rig *rig, struct run *r, const char *script, int pids)
{
	rig_start_with(rig, r, rig_sh(script), "", 0, rig_memfd("", 0), dup(pids));
}

static pid_t slot_of(pid_t handler)
{
	struct procs_stat stat;
	return procs_stat(handler, &stat) ? 0 : stat.parent;
}

static void slot_is_killed(struct rig *rig)
{
	int wrong = 0, survived = 0, listed;
	for (int i = 0; i < 50; i++) {
		struct run r;
		int pids = pid_file();
		rig->idles = 0;
		begin(rig, &r, stubborn, pids);
		/* Both are to be there, and reported: kill(0) would be this test's own end. */
		RIG_UNTIL(rig, (alive_in(pids, &listed), listed == 2) && slots_pid(r.slot) > 0);
		pid_t pid = slot_of(slots_pid(r.slot));
		if (pid <= 0 || kill(pid, SIGKILL))
			wrong++;
		rig_wait(rig, &r);
		wrong += !r.died || !r.started || r.over || listed != 2;
		survived += alive_in(pids, &listed);
		wrong += !RIG_UNTIL(rig, rig->idles > 0 && slots_idle_count(rig->slots) == 2);
		close(pids);
		run_release(&r);
	}
	is_num(wrong, 0,
	       "a slot that is killed in the middle of a job is told of and replaced, 50 times");
	is_num(survived, 0, "nothing of its jobs is left when that is told");
	/* As early as can be: the start may or may not have been. */
	wrong = survived = 0;
	for (int i = 0; i < 20; i++) {
		struct run r;
		int pids = pid_file();
		struct slot *slot = slots_idle(rig->slots);
		struct run probe;
		rig_run(rig, &probe, rig_sh("echo $PPID"));
		pid_t pid = (pid_t)atoi(buf_str(&probe.out[0]));
		run_release(&probe);
		begin(rig, &r, stubborn, pids);
		for (volatile int spin = 0; spin < i * 20000; spin++)
			;
		kill(pid, SIGKILL);
		wrong += probe.slot != slot || r.slot != slot;
		rig_wait(rig, &r);
		wrong += !r.died;
		survived += alive_in(pids, &listed);
		wrong += !RIG_UNTIL(rig, slots_idle_count(rig->slots) == 2);
		close(pids);
		run_release(&r);
	}
	is_num(wrong, 0, "so it is when the slot dies around the start of a job, 20 times");
	is_num(survived, 0, "and nothing is left");
	struct run r;
	rig_run(rig, &r, rig_sh("exit 5"));
	ok(r.over && WEXITSTATUS(r.end.status[0]) == 5, "a replacement works like the first");
	run_release(&r);
	/* Idle. */
	rig_run(rig, &r, rig_sh("echo $PPID"));
	int deaths = rig->deaths;
	kill((pid_t)atoi(buf_str(&r.out[0])), SIGKILL);
	ok(RIG_UNTIL(rig, rig->deaths == deaths + 1 && slots_idle_count(rig->slots) == 2),
	   "an idle slot that is killed is replaced");
	run_release(&r);
	ok(!is_free(), "slots hold the lock still");
}

static void slot_is_stopped(struct rig *rig)
{
	struct run r, probe;
	rig_run(rig, &probe, rig_sh("echo $PPID"));
	pid_t pid = (pid_t)atoi(buf_str(&probe.out[0]));
	run_release(&probe);
	kill(pid, SIGSTOP);
	rig_start(rig, &r, rig_sh("sleep 1000"));
	for (int i = 0; i < 5; i++)
		loop_turn(rig->loop, 1);
	ok(!RUN_IS_OVER(&r), "a job in a slot that is stopped waits");
	slots_signal(r.slot, SIGTERM);
	slots_signal(r.slot, SIGKILL);
	rig_wait(rig, &r);
	ok(RUN_IS_OVER(&r), "to kill it wakes the slot");
	run_release(&r);
	RIG_UNTIL(rig, slots_idle_count(rig->slots) == 2);
}

/* A pair of sockets: its second end, to be given away. */
static int both_ways(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		abort();
	return fds[1];
}

static void left_behind(struct rig *rig)
{
	struct run r;
	int pids = pid_file(), listed;
	rig->strange_output = 0;
	begin(rig, &r, background, pids);
	RIG_UNTIL(rig, r.ended && (alive_in(pids, &listed), listed == 1));
	pid_t keeper = slot_of(slots_pid(r.slot));
	char text[32] = "";
	if (pread(pids, text, sizeof text - 1, 0) > 0)
		keeper = slot_of((pid_t)atoi(text));
	slots_leave(r.slot);
	ok(slots_job(r.slot) == NULL && slots_idle_count(rig->slots) == 1,
	   "a slot whose work is left behind has no job");
	ok(RIG_UNTIL(rig, slots_idle_count(rig->slots) == 2), "another is forked in its place");
	is_num(alive_in(pids, &listed), 1, "what was left behind runs on");
	struct run next;
	rig_run(rig, &next, rig_sh("exit 2"));
	ok(next.over && WEXITSTATUS(next.end.status[0]) == 2, "the replacement takes jobs");
	run_release(&next);
	kill((pid_t)atoi(text), SIGKILL);
	ok(POLL_UNTIL(!is_alive(keeper)), "when what was left behind ends, so does its keeper");
	close(pids);
	run_release(&r);

	loop_turn(rig->loop, 0); /* what was closed is closed in a turn */
	int before = open_descriptors(), fds[2];
	rig_start_with(
		rig, &r,
		rig_sh("{ read x; yes | head -c 1000000; yes | head -c 1000000 >&2; echo written >&3; read x; } <&3 & exit 0"),
		"", 0, rig_memfd("", 0), both_ways(fds));
	RIG_UNTIL(rig, r.ended);
	slots_leave(r.slot);
	run_release(&r);
	RIG_UNTIL(rig, slots_idle_count(rig->slots) == 2);
	ok(RIG_UNTIL(rig, open_descriptors() <= before + 1),
	   "what was left behind costs no descriptor here (%d, before %d)", open_descriptors(),
	   before);
	if (write(fds[0], "\n", 1) != 1)
		abort();
	bool written = POLL_UNTIL(recv(fds[0], text, sizeof text, MSG_DONTWAIT | MSG_PEEK) == 8);
	ok(written && rig->strange_output == 0,
	   "it may write without end, and nobody here has to read it");
	close(fds[0]);
}

/* A process that owns slots and the lock, starts `jobs` jobs and turns its loop until it is killed.
 */
static _Noreturn void runner(int jobs, int pids, bool leave)
{
	struct rig rig;
	static struct run r[4];
	int fd = open_lock();
	if (!take_lock(fd))
		_exit(3);
	rig_init_config(&rig, &(struct slots_config){ .count = 4, .lock_fd = fd, .stdout_fd = -1 });
	close(fd); /* the slots have their own */
	for (int i = 0; i < jobs; i++)
		begin(&rig, &r[i], leave ? background : stubborn, pids);
	if (leave) {
		RIG_UNTIL(&rig, r[0].ended);
		slots_leave(r[0].slot);
	}
	for (;;)
		loop_turn(rig.loop, 1);
}

static void runner_is_killed(void)
{
	int survived = 0, late = 0, listed;
	for (int i = 0; i < 30; i++) {
		int pids = pid_file();
		pid_t pid = fork();
		if (pid == 0)
			runner(3, pids, false);
		/* Half of them are killed when all runs, half somewhere on the way. */
		POLL_UNTIL((alive_in(pids, &listed), listed >= (i % 2 ? 6 : i % 6)));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		late += !POLL_UNTIL(is_free());
		survived += alive_in(pids, &listed);
		close(pids);
	}
	is_num(late, 0, "when a runner is killed the lock is free after a while, 30 times");
	is_num(survived, 0, "and at that moment none of its handlers is left");
}

static void runner_is_killed_with_keeper(void)
{
	int pids = pid_file(), listed;
	pid_t pid = fork();
	if (pid == 0)
		runner(1, pids, true);
	POLL_UNTIL((alive_in(pids, &listed), listed == 1));
	char text[32] = "";
	if (pread(pids, text, sizeof text - 1, 0) <= 0)
		abort();
	pid_t left = (pid_t)atoi(text), keeper = slot_of(left);
	struct procs_stat stat = { .name = "" };
	POLL_UNTIL(!procs_stat(keeper, &stat) && !strcmp(stat.name, "tg-keeper"));
	is_str(stat.name, "tg-keeper", "a slot that keeps what was left behind is called so");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(POLL_UNTIL(is_free()), "a keeper does not hold the lock");
	ok(is_alive(left) && is_alive(keeper), "what was left behind survives the runner");
	kill(left, SIGKILL);
	ok(POLL_UNTIL(!is_alive(keeper)), "its keeper ends with it");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	close(pids);
}

int main(void)
{
	int fd = mkstemp(lock_path);
	close(fd);
	/* What a killed runner leaves must not become this process's before there are slots here:
	 * then it would wait for nobody. */
	RUN(runner_is_killed);
	RUN(runner_is_killed_with_keeper);

	pid_t before = fork();
	if (before == 0)
		for (;;)
			pause();
	struct rig rig;
	fd = open_lock();
	ok(take_lock(fd), "the lock can be taken");
	rig_init_config(&rig, &(struct slots_config){ .count = 2, .lock_fd = fd, .stdout_fd = -1 });
	close(fd);
	ok(!is_free(), "slots hold the lock");
	int descriptors = open_descriptors();
	left_behind(&rig);
	slot_is_stopped(&rig);
	slot_is_killed(&rig);
	RIG_UNTIL(&rig, open_descriptors() == descriptors);
	is_num(open_descriptors(), descriptors, "slots that died or left leave no descriptor open");
	ok(is_alive(before), "a child from before the slots is left alone");
	/* Stopped when all is to end. */
	struct run r;
	rig_run(&rig, &r, rig_sh("echo $PPID"));
	kill((pid_t)atoi(buf_str(&r.out[0])), SIGSTOP);
	run_release(&r);
	rig_free(&rig);
	ok(is_free(), "after slots_free() the lock is free");
	ok(is_alive(before), "and the child from before is there still");
	kill(before, SIGKILL);
	waitpid(before, NULL, 0);
	struct procs left = { 0 };
	procs_children(getpid(), &left);
	is_num((int64_t)left.count, 0, "no child is left");
	procs_release(&left);
	unlink(lock_path);
	return done_testing();
}
