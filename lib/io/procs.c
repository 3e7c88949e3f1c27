/* io/procs: process ids in, process ids out, by reading /proc. Holds no state but whether the
 * kernel lists children.
 *
 * No answer here is a proof: a list is old when it is returned. The proof that nothing is left is
 * ECHILD, and who needs it asks waitpid(2). */
#include "io/procs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXITING = 4 }; /* the kernel's PF_EXITING, in the flags of proc(5) */

int procs_check(struct err *err)
{
	char self[32] = "";
	if (readlink("/proc/self", self, sizeof self - 1) < 0 && errno != ENOENT)
		return err_sys(err, ERR_INTERNAL, errno, "cannot look at '/proc/self'");
	if (!self[0] && access("/proc/stat", F_OK))
		return err_set(err, ERR_CONFIG,
			       "'/proc' is not mounted here; without it the processes that "
			       "handlers start cannot be found");
	if (strtol(self, NULL, 10) == getpid())
		return 0;
	return err_set(err, ERR_CONFIG,
		       "'/proc' shows another name space of processes than tgrun is in (this is "
		       "process %ld); with it the processes "
		       "that handlers start cannot be found: mount one of its own (unshare "
		       "--mount-proc, or mount -t proc proc /proc)",
		       (long)getpid());
}

int procs_boot(char out[PROCS_BOOT_MAX])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, PROCS_BOOT_MAX - 1);
	int why = n == 0 ? ENODATA : errno;
	if (fd >= 0)
		close(fd);
	out[n < 0 ? 0 : n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	errno = why;
	return n > 0 ? 0 : -1;
}

uint64_t procs_namespace(void)
{
	struct stat st;
	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

void procs_release(struct procs *p)
{
	free(p->pids);
	*p = (struct procs){ 0 };
}

int procs_add(struct procs *p, pid_t pid)
{
	if (p->count == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 32;
		pid_t *pids = realloc(p->pids, cap * sizeof *pids);
		if (!pids)
			return -1;
		p->pids = pids;
		p->cap = cap;
	}
	p->pids[p->count++] = pid;
	return 0;
}

bool procs_has(const struct procs *p, pid_t pid)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->pids[i] == pid)
			return true;
	return false;
}

/* Whether the kernel has /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN). */
static bool kernel_lists_children(void)
{
	static int known = -1;
	if (known < 0)
		known = access("/proc/thread-self/children", R_OK) == 0;
	return known;
}

/* Appends the numbers that the file holds, with white space between. */
static int read_pids(int fd, struct procs *out)
{
	char text[4096];
	pid_t pid = 0;
	ssize_t n;
	while ((n = read(fd, text, sizeof text)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (isdigit((unsigned char)text[i])) {
				pid = pid * 10 + (text[i] - '0');
				continue;
			}
			if (pid > 0 && procs_add(out, pid))
				return -1;
			pid = 0;
		}
	/* ESRCH: the task ended meanwhile, so it has no children. */
	return n < 0 && errno != ESRCH ? -1 : 0;
}

/* Appends the numeric names in a directory. */
static int read_dir(const char *path, struct procs *out)
{
	DIR *dir = opendir(path);
	if (!dir)
		return -1;
	int rc = 0;
	for (struct dirent *e; !rc && (e = readdir(dir));)
		if (isdigit((unsigned char)e->d_name[0]))
			rc = procs_add(out, (pid_t)strtol(e->d_name, NULL, 10));
	closedir(dir);
	return rc;
}

int procs_all(struct procs *out)
{
	return read_dir("/proc", out);
}

int procs_stat(pid_t pid, struct procs_stat *out)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* The name stands in parentheses and may hold any character, these too: it ends at the last
	 * one (proc(5)). */
	char *name = strchr(text, '('), *end = strrchr(text, ')');
	int parent, session;
	char state;
	unsigned flags;
	unsigned long pending;
	unsigned long long start;
	if (!name || !end ||
	    sscanf(end + 1,
		   " %c %d %*d %d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu"
		   " %*u %*d %*u %*u %*u %*u %*u %*u %lu",
		   &state, &parent, &session, &flags, &start, &pending) != 6)
		return -1;
	snprintf(out->name, sizeof out->name, "%.*s", (int)(end - name - 1), name + 1);
	out->parent = parent;
	out->session = session;
	out->start = start;
	out->dead = state == 'Z' || state == 'X';
	out->dying = state == 'Z' || state == 'X' || flags & EXITING ||
		     pending & 1UL << (SIGKILL - 1);
	return 0;
}

int procs_scan_children(pid_t parent, struct procs *out)
{
	struct procs all = { 0 };
	int rc = procs_all(&all);
	for (size_t i = 0; !rc && i < all.count; i++) {
		struct procs_stat stat;
		if (!procs_stat(all.pids[i], &stat) && stat.parent == parent)
			rc = procs_add(out, all.pids[i]);
	}
	procs_release(&all);
	return rc;
}

int procs_children(pid_t parent, struct procs *out)
{
	if (!kernel_lists_children())
		return procs_scan_children(parent, out);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
	struct procs threads = { 0 };
	int rc = read_dir(path, &threads);
	if (rc && errno == ENOENT)
		rc = 0;
	for (size_t i = 0; !rc && i < threads.count; i++) {
		snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent,
			 (int)threads.pids[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			rc = errno == ENOENT || errno == ESRCH ? 0 : -1;
			continue;
		}
		rc = read_pids(fd, out);
		close(fd);
	}
	procs_release(&threads);
	return rc;
}

int procs_descendants(pid_t root, struct procs *out)
{
	size_t next = out->count;
	int rc = procs_children(root, out);
	for (; !rc && next < out->count; next++)
		rc = procs_children(out->pids[next], out);
	return rc;
}

void procs_signal(const struct procs *p, int signo, pid_t *denied)
{
	for (size_t i = 0; i < p->count; i++)
		if (kill(p->pids[i], signo) && errno == EPERM)
			*denied = p->pids[i];
}

void procs_describe(const struct procs *p, char *out, size_t n)
{
	enum { NAMED = 3 };
	size_t at = 0, more = 0;
	int named = 0;
	snprintf(out, n, "nothing");
	for (size_t i = 0; i < p->count; i++) {
		struct procs_stat stat;
		if (procs_stat(p->pids[i], &stat) || stat.dying)
			continue;
		if (named == NAMED || at >= n)
			more++;
		else
			at += (size_t)snprintf(out + at, n - at, "%s%s (process %d)",
					       named++ ? ", " : "", stat.name, (int)p->pids[i]);
	}
	if (more && at < n)
		snprintf(out + at, n - at, " and %zu more", more);
}
