/* tests/unit/slots_rig.h: real slots on a real loop, and what their jobs reported. Waits for
 * conditions, with a deadline. */
#ifndef TGRUN_TESTS_SLOTS_RIG_H
#define TGRUN_TESTS_SLOTS_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "io/procs.h"
#include "slot/slots.h"
#include "tests/tap.h"

enum { RIG_DEADLINE = 30000 /* ms: a test that waits so long has failed */ };

/* What became of one job. */
struct run {
	struct slot *slot;
	bool ended, over, failed, died, started;
	int stage, errnum;
	struct slot_end end;
	struct buf out[2];
	size_t out_at_over;
};

struct rig {
	struct loop *loop;
	struct slots *slots;
	struct loop_timer *tick;
	int deaths, idles, warnings;
	size_t strange_output; /* bytes that belong to no job */
	char note[256];
};

/* this program, which is also its own helper */
__attribute__((unused)) static const char *rig_self;

static void rig_ended(void *arg, struct slot *slot, const struct slot_end *end)
{
	(void)arg;
	struct run *r = slots_job(slot);
	r->ended = true;
	r->end = *end;
}

static void rig_over(void *arg, struct slot *slot, const struct slot_end *end)
{
	(void)arg;
	struct run *r = slots_job(slot);
	r->over = true;
	r->end = *end;
	r->out_at_over = r->out[0].len + r->out[1].len;
}

static void rig_failed(void *arg, struct slot *slot, int stage, int errnum)
{
	(void)arg;
	struct run *r = slots_job(slot);
	r->failed = true;
	r->stage = stage;
	r->errnum = errnum;
}

static void rig_died(void *arg, struct slot *slot, bool started)
{
	struct rig *rig = arg;
	struct run *r = slots_job(slot);
	rig->deaths++;
	if (!r)
		return;
	r->died = true;
	r->started = started;
}

static void rig_output(void *arg, struct slot *slot, int which, char *bytes, size_t n)
{
	struct rig *rig = arg;
	struct run *r = slots_job(slot);
	if (r)
		buf_add(&r->out[which - 1], bytes, n);
	else
		rig->strange_output += n;
}

static void rig_idle(void *arg)
{
	((struct rig *)arg)->idles++;
}

static void rig_note(void *arg, struct slot *slot, bool warn, const char *text)
{
	(void)slot;
	struct rig *rig = arg;
	rig->warnings += warn;
	snprintf(rig->note, sizeof rig->note, "%s", text);
}

static void rig_tick(void *arg)
{
	loop_timer_set(((struct rig *)arg)->tick, 5);
}

__attribute__((unused)) static void rig_init_config(struct rig *rig,
						    const struct slots_config *config)
{
	static const struct slots_events events = { NULL,     rig_ended,  rig_over, rig_failed,
						    rig_died, rig_output, rig_idle, rig_note };
	struct err err = { 0 };
	*rig = (struct rig){ 0 };
	rig->slots = slots_fork(config, &err);
	rig->loop = rig->slots ? loop_new(&err) : NULL;
	if (!rig->loop || slots_attach(rig->slots, rig->loop, &events, rig, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	rig->tick = loop_timer_new(rig->loop, rig_tick, rig);
	loop_timer_set(rig->tick, 5);
}

__attribute__((unused)) static void rig_init(struct rig *rig, int count)
{
	rig_init_config(rig,
			&(struct slots_config){ .count = count, .lock_fd = -1, .stdout_fd = -1 });
}

__attribute__((unused)) static void rig_free(struct rig *rig)
{
	slots_free(rig->slots);
	loop_timer_free(rig->tick);
	loop_free(rig->loop);
}

/* Turns the loop until `holds`; false when that takes too long. */
#define RIG_UNTIL(rig, holds)                                                     \
	({                                                                        \
		int64_t until_ = clock_system.mono(&clock_system) + RIG_DEADLINE; \
		while (!(holds) && clock_system.mono(&clock_system) < until_)     \
			loop_turn((rig)->loop, 1);                                \
		(holds);                                                          \
	})

/* The same without a loop. */
#define POLL_UNTIL(holds)                                                          \
	({                                                                         \
		int64_t until_ = clock_system.mono(&clock_system) + RIG_DEADLINE;  \
		while (!(holds) && clock_system.mono(&clock_system) < until_)      \
			nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL); \
		(holds);                                                           \
	})

#define RUN_IS_OVER(r) ((r)->over || (r)->failed || (r)->died)

__attribute__((unused)) static int rig_memfd(const char *text, size_t n)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);
	if (fd < 0 || pwrite(fd, text, n, 0) != (ssize_t)n)
		abort();
	return fd;
}

/* A command of the stages, each an argv that ends in NULL; argv[0] is the path. */
__attribute__((unused)) static struct command *rig_command(const char *const *const *stages,
							   const char *const *env, const char *dir)
{
	const char *paths[SLOT_STAGES_MAX];
	struct err err;
	for (int i = 0; stages[i]; i++)
		paths[i] = stages[i][0];
	struct command *c = command_new(
		&(struct command_spec){ .stages = stages, .paths = paths, .env = env, .dir = dir },
		&err);
	if (!c) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return c;
}

#define ARGV(...)   ((const char *const[]){ __VA_ARGS__, NULL })
#define STAGES(...) ((const char *const *const[]){ __VA_ARGS__, NULL })

static const char *const rig_env[] = { "PATH=/usr/bin:/bin", "ASAN_OPTIONS=detect_leaks=0", NULL };

__attribute__((unused)) static struct command *rig_sh(const char *script)
{
	return rig_command(STAGES(ARGV("/bin/sh", "-c", script)), rig_env, NULL);
}

/* Starts `command` (its reference is taken over) with this text as stdin. */
__attribute__((unused)) static void rig_start_with(struct rig *rig, struct run *r,
						   struct command *command, const char *vars,
						   size_t length, int stdin_fd, int extra_fd)
{
	*r = (struct run){ .slot = slots_idle(rig->slots) };
	buf_init(&r->out[0], 64 << 20);
	buf_init(&r->out[1], 64 << 20);
	struct slot_job job = { .tag = r,
				.command = command,
				.vars = vars,
				.vars_length = length,
				.stdin_fd = stdin_fd,
				.extra_fd = extra_fd };
	if (!r->slot || slots_start(r->slot, &job)) {
		printf("Bail out! cannot start a job: %s\n",
		       r->slot ? strerror(errno) : "no slot is idle");
		exit(1);
	}
	command_unref(command);
}

__attribute__((unused)) static void rig_start(struct rig *rig, struct run *r,
					      struct command *command)
{
	rig_start_with(rig, r, command, "", 0, rig_memfd("", 0), -1);
}

__attribute__((unused)) static bool rig_wait(struct rig *rig, struct run *r)
{
	return RIG_UNTIL(rig, RUN_IS_OVER(r));
}

__attribute__((unused)) static void rig_run(struct rig *rig, struct run *r, struct command *command)
{
	rig_start(rig, r, command);
	if (!rig_wait(rig, r))
		diag("the job did not end");
}

__attribute__((unused)) static void run_release(struct run *r)
{
	buf_release(&r->out[0]);
	buf_release(&r->out[1]);
}

__attribute__((unused)) static int open_descriptors(void)
{
	struct procs fds = { 0 };
	int n = 0;
	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	procs_release(&fds);
	return n;
}

/* Whether a process runs (a zombie does not). */
__attribute__((unused)) static bool is_alive(pid_t pid)
{
	char path[64], text[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	char *end = strrchr(text, ')');
	return end && end[2] != 'Z' && end[2] != 'X';
}

/* How many of the pids in the file `fd` (one a line) still run; *listed gets how many there are. */
__attribute__((unused)) static int alive_in(int fd, int *listed)
{
	static char text[1 << 20];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	int alive = 0;
	*listed = 0;
	text[n > 0 ? n : 0] = '\0';
	for (char *p = text, *end; (end = strchr(p, '\n')); p = end + 1) {
		alive += is_alive((pid_t)strtol(p, NULL, 10));
		++*listed;
	}
	return alive;
}

#endif
