/* slot/leftover: in: a state directory's name and this run's. Out: no process of an earlier run of
 * it.
 *
 * A process is known by its environment alone, read whole, and killed through a pidfd that was
 * opened before it was read: so it is never another one with the same number. */
#include "slot/leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "io/procs.h"

enum { ENVIRON_MAX = 4 << 20, LINEAGE_MAX = 4096 };

struct search {
	const char *run;
	struct buf mark; /* TG_RUN_ID=<directory>. */
	struct buf environ;
	struct procs spared; /* this process and its ancestors */
	struct procs killed;
};

/* Reads the whole environment of the process. false when it is gone, or may not be read. */
static bool read_environ(pid_t pid, struct buf *out)
{
	char path[64];
	buf_clear(out);
	errno = 0;
	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = 1;
	while (n > 0 && !buf_reserve(out, 65536)) {
		n = read(fd, out->data + out->len, 65536);
		if (n > 0)
			out->len += (size_t)n;
	}
	close(fd);
	if (out->data)
		out->data[out->len] = '\0';
	return out->len > 0;
}

bool leftover_carries(pid_t pid, const char *entry)
{
	struct buf its;
	buf_init(&its, ENVIRON_MAX + 65536);
	bool carries = !read_environ(pid, &its) && its.len == 0 && errno != EACCES &&
		       errno != EPERM;
	for (size_t at = 0; at < its.len && !carries; at += strlen(its.data + at) + 1)
		carries = strcmp(its.data + at, entry) == 0;
	if (its.data)
		explicit_bzero(its.data, its.cap); /* another program's secrets */
	buf_release(&its);
	return carries;
}

/* Whether an entry of the environment is the mark of this directory with another run. */
static bool is_marked(struct search *s)
{
	for (size_t at = 0; at < s->environ.len; at += strlen(s->environ.data + at) + 1) {
		const char *entry = s->environ.data + at;
		if (strncmp(entry, s->mark.data, s->mark.len))
			continue;
		const char *run = entry + s->mark.len;
		/* A run has no full stop, so one here means that the directory's name goes on. */
		return *run && !strchr(run, '.') && strcmp(run, s->run) != 0;
	}
	return false;
}

/* What was left behind on purpose has a keeper above it. A parent that ends meanwhile leaves its
 * children to that keeper, so a lineage that breaks is read again. */
static bool is_kept(pid_t pid)
{
	struct procs_stat stat;
	pid_t at = pid;
	for (int i = 0; i < LINEAGE_MAX && at > 1; i++) {
		if (procs_stat(at, &stat)) {
			if (at == pid)
				return false;
			at = pid;
		} else if (!strcmp(stat.name, "tg-keeper")) {
			return true;
		} else {
			at = stat.parent;
		}
	}
	return false;
}

static bool may_be_ours(pid_t pid)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	return !stat(path, &st) && (geteuid() == 0 || st.st_uid == geteuid());
}

/* Kills `pid` if it was left over. Returns whether it was. */
static bool look_at(struct search *s, pid_t pid)
{
	if (procs_has(&s->spared, pid) || !may_be_ours(pid))
		return false;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool left = (pidfd >= 0 || errno == ENOSYS || errno == EPERM) &&
		    read_environ(pid, &s->environ) && is_marked(s) && !is_kept(pid);
	if (left) {
		if (pidfd >= 0)
			syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		else
			kill(pid, SIGKILL);
		if (!procs_has(&s->killed, pid))
			procs_add(&s->killed, pid);
	}
	if (pidfd >= 0)
		close(pidfd);
	return left;
}

/* This process and those above it. */
static int spare_lineage(struct procs *out)
{
	struct procs_stat stat;
	pid_t pid = getpid();
	for (int i = 0; i < LINEAGE_MAX && pid > 0; i++) {
		if (procs_add(out, pid))
			return -1;
		if (procs_stat(pid, &stat))
			return i == 0 ? -1 : 0;
		pid = stat.parent;
	}
	return 0;
}

/* Looks at every process once. Returns how many are left over, -1 with errno. */
static int pass(struct search *s)
{
	struct procs all = { 0 };
	int left = procs_all(&all);
	for (size_t i = 0; left >= 0 && i < all.count; i++)
		left += look_at(s, all.pids[i]);
	procs_release(&all);
	return left;
}

int leftover_kill(const char *directory, const char *run, int64_t patience, struct err *err)
{
	struct search s = { .run = run };
	int result = -1, left;
	int64_t until = clock_system.mono(&clock_system) + patience, pause = 1;
	buf_init(&s.mark, 8192);
	buf_init(&s.environ, ENVIRON_MAX + 65536);
	if (procs_check(err))
		goto out;
	if (buf_addf(&s.mark, "TG_RUN_ID=%s.", directory) || spare_lineage(&s.spared)) {
		err_sys(err, ERR_INTERNAL, errno,
			"cannot look for processes of an earlier run in '/proc'");
		goto out;
	}
	while ((left = pass(&s)) > 0 && clock_system.mono(&clock_system) < until) {
		struct timespec ts = { .tv_nsec = (long)pause * 1000000 };
		nanosleep(&ts, NULL);
		pause = pause < 100 ? pause * 2 : 100;
	}
	if (left < 0)
		err_sys(err, ERR_INTERNAL, errno,
			"cannot look for processes of an earlier run in '/proc'");
	else if (left > 0)
		err_set(err, ERR_TEMPFAIL,
			"%d processes of an earlier run cannot be killed, '%d' is one of them",
			left, (int)s.killed.pids[s.killed.count - 1]);
	else
		result = (int)s.killed.count;
out:
	if (s.environ.data)
		explicit_bzero(s.environ.data, s.environ.cap); /* other programs' secrets */
	buf_release(&s.environ);
	buf_release(&s.mark);
	procs_release(&s.spared);
	procs_release(&s.killed);
	return result;
}
