/* tests/unit/slots: what a job gets, and what is reported of it. The program is its own helper: see
 * main(). */
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/unit/slots_rig.h"

static struct rig rig;

static void exit_statuses(void)
{
	static const struct {
		const char *script;
		int signo, status;
	} rows[] = {
		{ "exit 0", 0, 0 },
		{ "exit 1", 0, 1 },
		{ "exit 127", 0, 127 },
		{ "exit 255", 0, 255 },
		{ "kill -INT $$", SIGINT, 0 },
		{ "kill -QUIT $$", SIGQUIT, 0 },
		{ "kill -KILL $$", SIGKILL, 0 },
		{ "kill -PIPE $$", SIGPIPE, 0 },
		{ "kill -SEGV $$", SIGSEGV, 0 },
		{ "exit 7", 0, 7 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct run r;
		rig_run(&rig, &r, rig_sh(rows[i].script));
		int s = r.end.status[0];
		bool same = rows[i].signo ? WIFSIGNALED(s) && WTERMSIG(s) == rows[i].signo
					  : WIFEXITED(s) && WEXITSTATUS(s) == rows[i].status;
		if (!ok(r.over && !r.ended && r.end.stages == 1 && same,
			"'%s' is reported raw, in one message", rows[i].script))
			diag("over %d ended %d failed %d died %d status %#x", r.over, r.ended,
			     r.failed, r.died, s);
		run_release(&r);
	}
}

static void pipelines(void)
{
	struct run r;
	rig_run(&rig, &r,
		rig_command(STAGES(ARGV("/usr/bin/yes"), ARGV("/usr/bin/head", "-n", "1"),
				   ARGV("/bin/sh", "-c", "cat; exit 3")),
			    rig_env, NULL));
	ok(r.over && WIFSIGNALED(r.end.status[0]) && WTERMSIG(r.end.status[0]) == SIGPIPE &&
		   r.end.status[1] == 0 && WEXITSTATUS(r.end.status[2]) == 3,
	   "each stage of a pipeline has its own raw status, a death by SIGPIPE too");
	is_str(buf_str(&r.out[0]), "y\n",
	       "the stages are connected, and the last one's output arrives");
	run_release(&r);
	rig_run(&rig, &r,
		rig_command(STAGES(ARGV("/bin/sh", "-c", "sleep 1000"),
				   ARGV("/nonexistent/program")),
			    rig_env, NULL));
	ok(r.failed && r.stage == 1 && r.errnum == ENOENT,
	   "a stage that cannot be executed ends the whole pipeline (%d, %d)", r.stage, r.errnum);
	run_release(&r);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode))
		abort();
	close(fd);
}

static void exec_failures(const char *dir)
{
	static const struct {
		const char *name, *text;
		mode_t mode;
		int errnum;
	} rows[] = {
		{ "missing", NULL, 0, ENOENT },
		{ "not-executable", "#!/bin/sh\nexit 0\n", 0600, EACCES },
		{ "no-interpreter", "#!/nonexistent/sh\n", 0700, ENOENT },
		{ "no-shebang", "echo hello\n", 0700, ENOEXEC },
		{ "empty", "", 0700, ENOEXEC },
	};
	char path[256];
	struct run r;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, rows[i].name);
		if (rows[i].text)
			write_file(path, rows[i].text, rows[i].mode);
		rig_run(&rig, &r, rig_command(STAGES(ARGV(path)), rig_env, NULL));
		if (!ok(r.failed && r.stage == 0 && r.errnum == rows[i].errnum,
			"a program that is %s cannot be started", rows[i].name))
			diag("failed %d over %d, got errno %d", r.failed, r.over, r.errnum);
		unlink(path);
		run_release(&r);
	}
	rig_run(&rig, &r, rig_command(STAGES(ARGV(dir)), rig_env, NULL));
	ok(r.failed && r.errnum == EACCES, "a directory cannot be started (%d)", r.errnum);
	run_release(&r);
	rig_run(&rig, &r, rig_command(STAGES(ARGV("/bin/true")), rig_env, "/nonexistent"));
	ok(r.failed && r.errnum == ENOENT, "nor can anything in a directory that is missing (%d)",
	   r.errnum);
	run_release(&r);
	rig_run(&rig, &r, rig_command(STAGES(ARGV("/bin/pwd")), rig_env, dir));
	snprintf(path, sizeof path, "%s\n", dir);
	is_str(buf_str(&r.out[0]), path, "a job runs in the directory that its command names");
	run_release(&r);
}

static void input_and_output(void)
{
	enum { SIZE = 300000, MIB = 1 << 20 };
	struct run r;
	char *text = malloc(SIZE);
	memset(text, 'x', SIZE);
	rig_start_with(&rig, &r, rig_command(STAGES(ARGV("/bin/cat")), rig_env, NULL), "", 0,
		       rig_memfd(text, SIZE), -1);
	rig_wait(&rig, &r);
	ok(r.over && r.out[0].len == SIZE && !memcmp(r.out[0].data, text, SIZE),
	   "stdin is what was given, whole (%zu)", r.out[0].len);
	run_release(&r);
	rig_start_with(&rig, &r, rig_sh("exit 4"), "", 0, rig_memfd(text, SIZE), -1);
	rig_wait(&rig, &r);
	ok(r.over && WEXITSTATUS(r.end.status[0]) == 4,
	   "a handler that never reads its stdin just ends");
	run_release(&r);
	free(text);
	rig_run(&rig, &r, rig_sh("head -c 1048576 /dev/zero; head -c 1048576 /dev/zero >&2"));
	ok(r.over && r.out_at_over == 2 * MIB && r.out[1].len == MIB,
	   "1 MiB on each of stdout and stderr has arrived before over (%zu)", r.out_at_over);
	run_release(&r);
	rig_start(&rig, &r, rig_sh("printf %60000d 1; printf 2 >&2"));
	ok(POLL_UNTIL((slots_catch_up(r.slot), RUN_IS_OVER(&r))),
	   "the end of a job can be learnt without a turn of the loop");
	ok(r.over && r.out_at_over == 60001, "its output, still in the pipes, comes before (%zu)",
	   r.out_at_over);
	run_release(&r);
	rig_run(&rig, &r, rig_command(STAGES(ARGV(rig_self, "nonblock")), rig_env, NULL));
	run_release(&r);
	struct slot *slot = slots_idle(rig.slots);
	rig_run(&rig, &r, rig_command(STAGES(ARGV(rig_self, "is-nonblock")), rig_env, NULL));
	ok(r.slot == slot, "the slot that was used last comes first");
	ok(r.over && r.end.status[0] == 0,
	   "a job whose predecessor made stdout non-blocking finds it blocking");
	run_release(&r);
}

static void surroundings(void)
{
	struct run r;
	rig_run(&rig, &r, rig_command(STAGES(ARGV(rig_self, "fds")), rig_env, NULL));
	is_str(buf_str(&r.out[0]), "0 1 2 ", "only 0, 1 and 2 are open");
	run_release(&r);

	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	rig_start_with(&rig, &r, rig_sh("read line; echo \"got $line\" >&3"), "", 0, dup(pair[1]),
		       dup(pair[1]));
	close(pair[1]);
	char got[64] = "";
	ok(write(pair[0], "hello\n", 6) == 6 && read(pair[0], got, sizeof got - 1) > 0,
	   "a socket can be stdin and descriptor 3 of a job");
	is_str(got, "got hello\n", "and the job can use both");
	rig_wait(&rig, &r);
	ok(read(pair[0], got, sizeof got) == 0,
	   "after the job no copy of it is open: its peer sees the end of file");
	close(pair[0]);
	run_release(&r);
	rig_start_with(&rig, &r,
		       rig_command(STAGES(ARGV(rig_self, "fds"), ARGV("/bin/cat")), rig_env, NULL),
		       "", 0, rig_memfd("", 0), rig_memfd("", 0));
	rig_wait(&rig, &r);
	is_str(buf_str(&r.out[0]), "0 1 2 3 ",
	       "with an extra descriptor 0 to 3 are open, in a pipeline too");
	run_release(&r);

	rig_run(&rig, &r,
		rig_command(STAGES(ARGV("/bin/cat", "/proc/self/status")), rig_env, NULL));
	const char *p = buf_str(&r.out[0]);
	bool zero = strstr(p, "SigBlk:\t0000000000000000") &&
		    strstr(p, "SigIgn:\t0000000000000000") &&
		    strstr(p, "SigPnd:\t0000000000000000") &&
		    strstr(p, "SigCgt:\t0000000000000000");
	if (!ok(zero, "a job has no signal blocked, ignored, caught or pending"))
		diag("%s", p);
	run_release(&r);
	rig_run(&rig, &r, rig_command(STAGES(ARGV(rig_self, "session")), rig_env, NULL));
	ok(r.over && r.end.status[0] == 0, "a job leads a session of its own");
	run_release(&r);
	rig_run(&rig, &r, rig_sh("sleep 0.01 & wait; exit 5"));
	ok(r.over && WEXITSTATUS(r.end.status[0]) == 5, "a shell can wait for its children");
	run_release(&r);

	rig_run(&rig, &r, rig_sh("tr -d '\\0' </proc/$PPID/cmdline; echo; cat /proc/$PPID/comm"));
	is_str(buf_str(&r.out[0]), "tg-slot\ntg-slot\n",
	       "a slot has a name and a command line of its own");
	run_release(&r);

	static const char *const env[] = { "PATH=/usr/bin:/bin", "A=command", "AB=other", NULL };
	static const char vars[] = "A=job\0TG_X=1 2";
	rig_start_with(&rig, &r, rig_command(STAGES(ARGV("/usr/bin/env")), env, NULL), vars,
		       sizeof vars, rig_memfd("", 0), -1);
	rig_wait(&rig, &r);
	is_str(buf_str(&r.out[0]), "A=job\nTG_X=1 2\nPATH=/usr/bin:/bin\nAB=other\n",
	       "a job's variables come before its command's, and replace them");
	run_release(&r);
	static char large[SLOT_VARS_MAX] = "L=";
	memset(large + 2, 'y', sizeof large - 3);
	rig_start_with(&rig, &r, rig_sh("echo ${#L}"), large, sizeof large, rig_memfd("", 0), -1);
	rig_wait(&rig, &r);
	is_num(atoi(buf_str(&r.out[0])), SLOT_VARS_MAX - 3,
	       "the variables may take all the room they are given");
	run_release(&r);
	rig_run(&rig, &r, rig_sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
	ok(r.over && r.end.usage.ru_maxrss > 0 &&
		   r.end.usage.ru_utime.tv_sec * 1000000 + r.end.usage.ru_utime.tv_usec > 1000,
	   "what the job used is reported (%ld KiB, %ld us)", r.end.usage.ru_maxrss,
	   (long)r.end.usage.ru_utime.tv_usec);
	run_release(&r);
}

static void many_jobs(void)
{
	struct run r;
	for (int i = 0; i < 20; i++) {
		rig_run(&rig, &r, rig_sh("exit 0"));
		run_release(&r);
	}
	int before = open_descriptors(), wrong = 0;
	struct command *c = rig_sh("exit 9");
	for (int i = 0; i < 500; i++) {
		rig_start(&rig, &r, command_ref(c));
		wrong += !rig_wait(&rig, &r) || !r.over || WEXITSTATUS(r.end.status[0]) != 9;
		run_release(&r);
	}
	command_unref(c);
	is_num(wrong, 0, "500 jobs one after another end as they should");
	loop_turn(rig.loop, 0);
	is_num(open_descriptors(), before, "no descriptor is left open by them");
	rig_run(&rig, &r, rig_command(STAGES(ARGV(rig_self, "parent-fds")), rig_env, NULL));
	ok(r.over && atoi(buf_str(&r.out[0])) <= 6, "nor in a slot, which has few (%s)",
	   buf_str(&r.out[0]));
	run_release(&r);
}

/* Jobs that start their successor in the callback. */
struct chain {
	struct rig rig;
	struct run run;
	struct command *command;
	int left;
};

static void chain_next(struct chain *c)
{
	struct slot_job job = { .tag = &c->run,
				.command = c->command,
				.vars = "",
				.stdin_fd = rig_memfd("", 0),
				.extra_fd = -1 };
	if (slots_start(slots_idle(c->rig.slots), &job))
		c->left = -1;
}

static void chain_over(void *arg, struct slot *slot, const struct slot_end *end)
{
	(void)slot;
	(void)end;
	struct chain *c = arg;
	if (--c->left > 0)
		chain_next(c);
}

static void chained(void)
{
	static const struct slots_events events = { NULL,     rig_ended,  chain_over, rig_failed,
						    rig_died, rig_output, rig_idle,   rig_note };
	static struct chain c = { .left = 30 };
	struct err err;
	c.rig.slots = slots_fork(
		&(struct slots_config){ .count = 1, .lock_fd = -1, .stdout_fd = -1 }, &err);
	c.rig.loop = loop_new(&err);
	c.rig.tick = loop_timer_new(c.rig.loop, rig_tick, &c.rig);
	loop_timer_set(c.rig.tick, 5);
	slots_attach(c.rig.slots, c.rig.loop, &events, &c, &err);
	buf_init(&c.run.out[0], 1 << 20);
	buf_init(&c.run.out[1], 1 << 20);
	c.command = rig_sh("echo x");
	chain_next(&c);
	ok(RIG_UNTIL(&c.rig, c.left <= 0) && c.left == 0,
	   "a job may be started in its slot while the last one's end is reported");
	is_num((int64_t)c.run.out[0].len, 60, "and no output is lost");
	is_num(slots_idle_count(c.rig.slots), 1, "and the slot is idle at the end");
	command_unref(c.command);
	run_release(&c.run);
	rig_free(&c.rig);
}

/* In a process of its own: as a user who may not fork. */
static int no_processes_left(void)
{
	if (getuid() == 0 && (setgid(64321) || setuid(64321)))
		return 2;
	struct rig mine;
	struct run r;
	rig_init(&mine, 2);
	struct rlimit all, none;
	getrlimit(RLIMIT_NPROC, &all);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = all.rlim_max };
	/* The limit is the slots', not this process's. */
	struct procs children = { 0 };
	procs_children(getpid(), &children);
	for (size_t i = 0; i < children.count; i++)
		if (prlimit(children.pids[i], RLIMIT_NPROC, &none, NULL))
			return 3;
	setrlimit(RLIMIT_NPROC, &none);
	rig_run(&mine, &r, rig_sh("exit 0"));
	if (!r.failed || r.stage != -1 || r.errnum != EAGAIN)
		return 4;
	run_release(&r);
	if (!RIG_UNTIL(&mine, mine.warnings > 0)) /* the slot cannot be replaced yet */
		return 5;
	setrlimit(RLIMIT_NPROC, &all);
	for (size_t i = 0; i < children.count; i++)
		prlimit(children.pids[i], RLIMIT_NPROC, &all, NULL);
	if (!RIG_UNTIL(&mine, slots_idle_count(mine.slots) == 2))
		return 6;
	rig_run(&mine, &r, rig_sh("exit 3"));
	if (!r.over || WEXITSTATUS(r.end.status[0]) != 3)
		return 7;
	run_release(&r);
	procs_release(&children);
	rig_free(&mine);
	return 0;
}

static void stdout_elsewhere(void)
{
	struct rig mine;
	struct run r;
	int out = memfd_create("stdout", MFD_CLOEXEC);
	rig_init_config(&mine,
			&(struct slots_config){ .count = 1, .lock_fd = -1, .stdout_fd = out });
	rig_run(&mine, &r, rig_sh("echo there; echo here >&2"));
	char text[32] = "";
	ok(pread(out, text, sizeof text - 1, 0) >= 0 && r.out[0].len == 0,
	   "with a descriptor for stdout nothing of it is captured");
	is_str(text, "there\n", "it goes there");
	is_str(buf_str(&r.out[1]), "here\n", "stderr is captured all the same");
	close(out);
	run_release(&r);
	rig_free(&mine);
}

static void limits(void)
{
	struct err err = { 0 };
	ok(!slots_fork(
		   &(struct slots_config){ .count = SLOTS_MAX + 1, .lock_fd = -1, .stdout_fd = -1 },
		   &err) &&
		   err.status == ERR_CONFIG,
	   "more slots than may be is an error: %s", err.text);
	struct rlimit old, low;
	getrlimit(RLIMIT_NOFILE, &old);
	low = (struct rlimit){ .rlim_cur = 64, .rlim_max = old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &low);
	ok(!slots_fork(&(struct slots_config){ .count = 16, .lock_fd = -1, .stdout_fd = -1 },
		       &err) &&
		   err.status == ERR_CONFIG,
	   "too few descriptors for the slots is an error: %s", err.text);
	/* 4096 handlers, as many that bypass, a hook's and a source's */
	ok(!slots_fork(&(struct slots_config){ .count = 8195, .lock_fd = -1, .stdout_fd = -1 },
		       &err) &&
		   strstr(err.text, "open files"),
	   "as many as the options allow are refused only by the machine: %s", err.text);
	setrlimit(RLIMIT_NOFILE, &old);
	pid_t pid = fork();
	if (pid == 0)
		_exit(no_processes_left());
	int status = -1;
	waitpid(pid, &status, 0);
	if (getuid() != 0)
		diag("not root: the test of RLIMIT_NPROC counts this user's other processes too");
	is_num(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0,
	       "when no process can be forked the job could not be started, and later all works again");

	const char *many[SLOT_STAGES_MAX + 2], *const *stages[SLOT_STAGES_MAX + 2];
	for (int i = 0; i <= SLOT_STAGES_MAX; i++) {
		many[i] = "/bin/true";
		stages[i] = ARGV("/bin/true");
	}
	many[SLOT_STAGES_MAX + 1] = NULL;
	stages[SLOT_STAGES_MAX + 1] = NULL;
	ok(!command_new(&(struct command_spec){ .stages = stages, .paths = many, .env = rig_env },
			&err) &&
		   err.status == ERR_CONFIG,
	   "more stages than may be is an error: %s", err.text);
}

static int open_in(pid_t pid)
{
	char path[64];
	int n = 0;
	for (int fd = 0; fd < 64; fd++) {
		struct stat st;
		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
		n += !lstat(path, &st);
	}
	return n;
}

/* The program as a handler. */
static int helper(const char *what)
{
	if (!strcmp(what, "fds"))
		for (int fd = 0; fd < 1024; fd++)
			if (fcntl(fd, F_GETFD) >= 0)
				dprintf(1, "%d ", fd);
	if (!strcmp(what, "parent-fds"))
		dprintf(1, "%d", open_in(getppid()));
	if (!strcmp(what, "nonblock"))
		return fcntl(1, F_SETFL, O_WRONLY | O_NONBLOCK);
	if (!strcmp(what, "is-nonblock"))
		return fcntl(1, F_GETFL) & O_NONBLOCK ? 1 : 0;
	if (!strcmp(what, "session"))
		return getsid(0) == getpid() && getpgrp() == getpid() ? 0 : 1;
	return 0;
}

int main(int argc, char **argv)
{
	static char self[4096], dir[] = "/tmp/tgrun-slots-XXXXXX";
	if (argc > 1)
		_exit(helper(argv[1]));
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0 || !mkdtemp(dir))
		return 1;
	rig_self = self;
	slots_set_title_area(argv);
	RUN(limits);
	rig_init(&rig, 3);
	is_num(slots_idle_count(rig.slots), 3, "all slots are idle at first");
	is_num(slots_number(slots_idle(rig.slots)), 1, "the first to be used is number 1");
	RUN(exit_statuses);
	RUN(pipelines);
	exec_failures(dir);
	RUN(input_and_output);
	RUN(surroundings);
	RUN(many_jobs);
	is_num(rig.deaths, 0, "no slot has died of all this");
	is_num((int64_t)rig.strange_output, 0, "no output came that was nobody's");
	rig_free(&rig);
	RUN(chained);
	RUN(stdout_elsewhere);
	struct procs left = { 0 };
	procs_children(getpid(), &left);
	is_num((int64_t)left.count, 0, "no child is left");
	procs_release(&left);
	rmdir(dir);
	return done_testing();
}
