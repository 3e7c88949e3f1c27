/* tests/unit/slots_trust: slots that have jobs for a time only. When it has passed nothing of a job
 * is left, whatever the runner does meanwhile. */
#include "tests/unit/slots_rig.h"

enum { SOON = 300 /* milliseconds */, LONG = 3600 * 1000 };

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
	"trap '' HUP; setsid sh -c 'echo $$ >&3; exec 3>&-; exec sleep 1000' & exit 6";

static void kill_in(int pids)
{
	char text[256] = "";
	if (pread(pids, text, sizeof text - 1, 0) > 0)
		kill((pid_t)atoi(text), SIGKILL);
}

static void begin(struct rig *rig, struct run *r, const char *script, int pids)
{
	rig_start_with(rig, r, rig_sh(script), "", 0, rig_memfd("", 0), dup(pids));
}

/* Waits without a turn of the loop. */
static void let_pass(int64_t until)
{
	POLL_UNTIL(clock_boot() >= until);
}

static void a_job_ends(struct rig *rig)
{
	struct run r;
	int listed, pids = pid_file();
	int64_t until = clock_boot() + SOON;
	slots_trust(rig->slots, until);
	begin(rig, &r, stubborn, pids);
	rig_wait(rig, &r);
	ok(r.over && r.end.expired && WTERMSIG(r.end.status[0]) == SIGKILL,
	   "a job that runs when the time has passed is killed, and that is said");
	ok(clock_boot() >= until, "not before");
	is_num(alive_in(pids, &listed), 0, "nothing that it started is left");
	is_num(slots_idle_count(rig->slots), 2, "its slot is idle again");
	struct slot_job job = { .tag = &r, .command = rig_sh("exit 0"), .extra_fd = -1 };
	job.stdin_fd = rig_memfd("", 0);
	job.vars = "";
	is_num(slots_start(slots_idle(rig->slots), &job), -1, "none is started after it");
	is_num(errno, EAGAIN, "for now");
	run_release(&r);
	rig->idles = 0;
	slots_trust(rig->slots, clock_boot() + LONG);
	is_num(rig->idles, 1, "a later time lets slots be idle again");
	rig_run(rig, &r, job.command);
	ok(r.over && !r.end.expired && r.end.status[0] == 0, "and jobs run");
	run_release(&r);
	close(pids);
}

static void a_time_is_put_off(struct rig *rig)
{
	struct run r;
	int64_t first;
	int gate[2];
	if (pipe2(gate, O_CLOEXEC))
		abort();
	/* Before it came: a slow machine may have to try again. */
	do {
		first = clock_boot() + SOON;
		slots_trust(rig->slots, first);
		rig_start_with(rig, &r, rig_sh("read -r line; exit 5"), "", 0,
			       fcntl(gate[0], F_DUPFD_CLOEXEC, 3), -1);
		slots_trust(rig->slots, clock_boot() + LONG);
	} while (clock_boot() >= first && rig_wait(rig, &r));
	RIG_UNTIL(rig, clock_boot() >= first + SOON);
	ok(!RUN_IS_OVER(&r), "a job whose time was put off runs on when the first has passed");
	if (write(gate[1], "\n", 1) != 1)
		abort();
	rig_wait(rig, &r);
	ok(r.over && !r.end.expired && WEXITSTATUS(r.end.status[0]) == 5, "to its own end");
	run_release(&r);
	close(gate[0]);
	close(gate[1]);
}

static void a_time_is_brought_forward(struct rig *rig)
{
	struct run r;
	int listed, pids = pid_file();
	slots_trust(rig->slots, clock_boot() + LONG);
	begin(rig, &r, stubborn, pids);
	RIG_UNTIL(rig, (alive_in(pids, &listed), listed == 2));
	slots_trust(rig->slots, 0);
	rig_wait(rig, &r);
	ok(r.over && r.end.expired, "when the time is over at once, what runs is killed");
	is_num(alive_in(pids, &listed), 0, "with all that it started");
	run_release(&r);
	close(pids);
	slots_trust(rig->slots, INT64_MAX);
}

static void background_ends(struct rig *rig)
{
	struct run r;
	int listed, pids = pid_file();
	slots_trust(rig->slots, clock_boot() + LONG);
	begin(rig, &r, background, pids);
	RIG_UNTIL(rig, r.ended && (alive_in(pids, &listed), listed == 1));
	slots_trust(rig->slots, 0);
	rig_wait(rig, &r);
	is_num(alive_in(pids, &listed), 0, "background work of a job is killed, too");
	ok(r.over && !r.end.expired && WEXITSTATUS(r.end.status[0]) == 6,
	   "and the end that the job had before stays its end");
	run_release(&r);
	close(pids);
	/* What was left on purpose is no job. */
	pids = pid_file();
	slots_trust(rig->slots, clock_boot() + LONG);
	begin(rig, &r, background, pids);
	RIG_UNTIL(rig, r.ended && (alive_in(pids, &listed), listed == 1));
	slots_leave(r.slot);
	slots_trust(rig->slots, 0);
	let_pass(clock_boot() + 50);
	is_num(alive_in(pids, &listed), 1, "what a slot keeps that was left on purpose stays");
	kill_in(pids);
	POLL_UNTIL(alive_in(pids, &listed) == 0);
	slots_trust(rig->slots, INT64_MAX);
	RIG_UNTIL(rig, slots_idle_count(rig->slots) == 2);
	run_release(&r);
	close(pids);
}

/* The order to start is taken up after the time has passed. */
static void a_start_comes_late(struct rig *rig)
{
	struct run r;
	int listed, pids = pid_file();
	rig_run(rig, &r, rig_sh("echo $PPID"));
	pid_t slot = (pid_t)atoi(buf_str(&r.out[0]));
	run_release(&r);
	int64_t until;
	/* The slot that was used last comes first. */
	kill(slot, SIGSTOP);
	do {
		until = clock_boot() + SOON;
		slots_trust(rig->slots, until);
	} while (clock_boot() >= until);
	begin(rig, &r, "echo $$ >&3", pids);
	let_pass(until);
	kill(slot, SIGCONT);
	rig_wait(rig, &r);
	ok(r.over && r.end.expired && WTERMSIG(r.end.status[0]) == SIGKILL,
	   "a job whose start comes too late to its slot is over, as if it had been killed");
	alive_in(pids, &listed);
	is_num(listed, 0, "and never began");
	run_release(&r);
	close(pids);
	slots_trust(rig->slots, INT64_MAX);
}

/* In a process of its own: a runner with a job. */
static _Noreturn void be_runner(int pids, int ready)
{
	struct rig rig;
	struct run r;
	int listed;
	rig_init(&rig, 2);
	slots_trust(rig.slots, clock_boot() + 2000);
	begin(&rig, &r, stubborn, pids);
	RIG_UNTIL(&rig, (alive_in(pids, &listed), listed == 2));
	if (write(ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		loop_turn(rig.loop, 1);
}

static char state_of(pid_t pid)
{
	char path[64], text[256] = "", state = '?';
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (f && fgets(text, sizeof text, f) && strrchr(text, ')'))
		state = strrchr(text, ')')[2];
	if (f)
		fclose(f);
	return state;
}

static void the_runner_is_stopped(void)
{
	int ready[2], listed = 0, pids = pid_file();
	char byte;
	if (pipe2(ready, O_CLOEXEC))
		abort();
	fflush(stdout);
	pid_t runner = fork();
	if (runner == 0) {
		close(ready[0]);
		be_runner(pids, ready[1]);
	}
	close(ready[1]);
	ok(read(ready[0], &byte, 1) == 1, "a runner has a job");
	kill(runner, SIGSTOP);
	ok(POLL_UNTIL(state_of(runner) == 'T'), "and is stopped");
	ok(POLL_UNTIL(alive_in(pids, &listed) == 0) && listed == 2,
	   "when the time has passed, nothing of its job is left");
	ok(state_of(runner) == 'T', "though it was stopped all the while");
	kill(runner, SIGKILL);
	kill(runner, SIGCONT);
	waitpid(runner, NULL, 0);
	close(ready[0]);
	close(pids);
}

int main(void)
{
	struct rig rig;
	the_runner_is_stopped();
	rig_init(&rig, 2);
	a_job_ends(&rig);
	a_time_is_put_off(&rig);
	a_time_is_brought_forward(&rig);
	background_ends(&rig);
	a_start_comes_late(&rig);
	rig_free(&rig);
	is_num((int64_t)rig.strange_output, 0, "no output came from nowhere");
	return done_testing();
}
