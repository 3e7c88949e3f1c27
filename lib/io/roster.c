/* io/roster: slots come in one by one, a text of lines of fixed length goes out, and back.
 * Invariant: a process is signalled by a descriptor of its own that was opened before it was
 * compared with the list, so it is never another one with the same number. */
#include "io/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/procs.h"

enum { HEAD = 160, LINE = 39, LINES_AT_ONCE = 64, NAMED_MAX = 64 };

#define HEAD_FORMAT "tgrun slots of %*s processes %" SCNu64

/* What the list is for: of HEAD bytes. false when this machine cannot tell. */
static bool make_head(const char *directory, char out[HEAD + 1])
{
	char boot[PROCS_BOOT_MAX];
	bool known = procs_boot(boot) == 0;
	uint64_t space = procs_namespace();
	int length = snprintf(out, HEAD + 1, "tgrun slots of %s processes %" PRIu64 " boot %s",
			      directory, space, boot);
	if (!known || !space || length >= HEAD)
		return false;
	memset(out + length, ' ', (size_t)(HEAD - length));
	out[HEAD - 1] = '\n';
	out[HEAD] = '\0';
	return true;
}

void roster_begin(int fd, const char *directory)
{
	char head[HEAD + 1];
	if (ftruncate(fd, 0) == 0 && make_head(directory, head))
		(void)!pwrite(fd, head, HEAD, 0);
}

uint64_t roster_namespace(int fd)
{
	char head[HEAD + 1] = "";
	uint64_t space = 0;
	return pread(fd, head, HEAD, 0) == HEAD && sscanf(head, HEAD_FORMAT, &space) == 1 ? space
											  : 0;
}

void roster_set(int fd, int number, pid_t pid)
{
	struct procs_stat stat;
	char line[LINE + 1];
	if (procs_stat(pid, &stat))
		return;
	snprintf(line, sizeof line, "%12d %25" PRIu64 "\n", (int)pid, stat.start);
	(void)!pwrite(fd, line, LINE, HEAD + (off_t)(number - 1) * LINE);
}

/* Whether the process is still the slot that was written down. */
static bool is_slot(const struct roster_slot *s)
{
	struct procs_stat stat;
	return procs_stat(s->pid, &stat) == 0 && stat.start == s->start && !stat.dead &&
	       strcmp(stat.name, "tg-slot") == 0;
}

static int take_line(struct roster *r, const char *line)
{
	int pid;
	struct roster_slot s = { 0 };
	if (sscanf(line, "%12d %25" SCNu64, &pid, &s.start) != 2 || pid <= 1)
		return 0;
	s.pid = pid;
	if (!is_slot(&s))
		return 0;
	struct roster_slot *more = realloc(r->slots, (r->count + 1) * sizeof *more);
	if (!more)
		return -1;
	r->slots = more;
	r->slots[r->count++] = s;
	return 0;
}

int roster_read(struct roster *r, int fd, const char *directory)
{
	char head[HEAD + 1], was[HEAD + 1], lines[LINES_AT_ONCE * LINE + 1];
	ssize_t n;
	r->count = 0;
	if (!make_head(directory, head) || pread(fd, was, HEAD, 0) != HEAD ||
	    memcmp(head, was, HEAD) != 0)
		return 0;
	for (off_t at = HEAD; (n = pread(fd, lines, sizeof lines - 1, at)) > 0; at += n) {
		lines[n] = '\0';
		for (ssize_t i = 0; i + LINE <= n; i += LINE)
			if (take_line(r, lines + i))
				return -1;
	}
	return 0;
}

void roster_release(struct roster *r)
{
	free(r->slots);
	*r = (struct roster){ 0 };
}

/* Kills what lives below `root`. Whether there was any. */
static bool kill_below(pid_t root)
{
	struct procs below = { 0 };
	bool any = procs_descendants(root, &below) != 0;
	for (size_t i = 0; i < below.count; i++) {
		struct procs_stat stat;
		if (procs_stat(below.pids[i], &stat) || stat.dead)
			continue;
		any = true;
		kill(below.pids[i], SIGKILL);
	}
	procs_release(&below);
	return any;
}

void roster_wake(const struct roster *r, bool end)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct roster_slot *s = &r->slots[i];
		int pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
		if (pidfd < 0)
			continue;
		if (is_slot(s)) {
			syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
			if (end && !kill_below(s->pid))
				syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		}
		close(pidfd);
	}
}

static void name_one(pid_t pid, char *out, size_t size)
{
	struct procs_stat stat;
	size_t n = strlen(out);
	if (n + sizeof stat.name + 24 < size && procs_stat(pid, &stat) == 0 && !stat.dead)
		snprintf(out + n, size - n, "%s%s (%d)", n ? ", " : "", stat.name, (int)pid);
}

void roster_name(const struct roster *r, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < r->count && i < NAMED_MAX; i++) {
		struct procs below = { 0 };
		procs_descendants(r->slots[i].pid, &below);
		for (size_t j = 0; j < below.count && j < NAMED_MAX; j++)
			name_one(below.pids[j], out, size);
		procs_release(&below);
		name_one(r->slots[i].pid, out, size);
	}
}
