/* slot/oom: the kernel's count of processes that it killed for want of memory. In:
 * /proc/self/cgroup and the file that it leads to. Out: whether the count has grown. Read at the
 * start and then only when something was killed, so it costs the others nothing. */
#include "slot/oom.h"

#include <stdio.h>
#include <string.h>

enum { AT_ONCE = 1000 }; /* milliseconds in which the deaths of several are one event */

/* The file with this process's count, from a line of /proc/self/cgroup: NUMBER:CONTROLLERS:PATH.
 * False when the line is another's. */
static bool file_of(const char *root, char *line, char *out, size_t n)
{
	char *controllers = strchr(line, ':'),
	     *path = controllers ? strchr(controllers + 1, ':') : NULL;
	int length;
	if (!path)
		return false;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (strcmp(controllers + 1, "memory") == 0)
		length = snprintf(out, n, "%s/sys/fs/cgroup/memory%s/memory.oom_control", root,
				  path);
	else if (!controllers[1])
		length = snprintf(out, n, "%s/sys/fs/cgroup%s/memory.events", root, path);
	else
		return false;
	return length > 0 && (size_t)length < n;
}

static int64_t count_in(const char *path)
{
	char line[256];
	long long kills = -1;
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f) && sscanf(line, "oom_kill %lld", &kills) != 1)
		;
	if (f)
		fclose(f);
	return kills;
}

static int64_t count(const char *root)
{
	char path[4096], line[4096];
	int64_t kills = -1;
	snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	FILE *f = fopen(path, "re");
	while (f && kills < 0 && fgets(line, sizeof line, f))
		if (file_of(root, line, path, sizeof path))
			kills = count_in(path);
	if (f)
		fclose(f);
	return kills;
}

void oom_init(struct oom *o, const char *root, int64_t now)
{
	*o = (struct oom){ .root = root, .kills = count(root), .struck_at = now - AT_ONCE };
}

bool oom_struck(struct oom *o, int64_t since, int64_t now)
{
	int64_t kills = count(o->root);
	if (kills > o->kills && o->kills >= 0)
		o->struck_at = now;
	o->kills = kills;
	return o->struck_at >= since && now - o->struck_at < AT_ONCE;
}
