/* Goal: the kernel's count of processes killed for want of memory is found for both versions of
 * control groups, and its growth is told once for all that died at that moment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "slot/oom.h"
#include "tests/tap.h"

static char root[64] = "/tmp/tgrun-oom.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", root, name);
	for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	FILE *f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f)) {
		printf("Bail out! cannot write %s\n", path);
		exit(1);
	}
}

static void test_version(const char *which, const char *lines, const char *file, const char *before)
{
	struct oom o;
	char text[128];
	put("proc/self/cgroup", lines);
	snprintf(text, sizeof text, "%soom_kill 3\n", before);
	put(file, text);
	oom_init(&o, root, 5000);
	ok(!oom_struck(&o, 4000, 5000) && !oom_struck(&o, 5000, 5000),
	   "%s: what was counted before is nobody's", which);
	snprintf(text, sizeof text, "%soom_kill 5\noom_group_kill 0\n", before);
	put(file, text);
	ok(oom_struck(&o, 5000, 9000), "%s: the count has grown", which);
	ok(oom_struck(&o, 8000, 9001), "%s: another that died then", which);
	ok(!oom_struck(&o, 9002, 9003), "%s: one that began later is not told so", which);
	ok(!oom_struck(&o, 5000, 10000), "%s: nor one that died later", which);
}

int main(void)
{
	struct oom o;
	if (!mkdtemp(root))
		return 1;
	oom_init(&o, root, 0);
	ok(!oom_struck(&o, 0, 0), "no control groups: it cannot be known");
	test_version("version 2", "0::/system.slice/bot.service\n",
		     "sys/fs/cgroup/system.slice/bot.service/memory.events",
		     "low 0\nmax 7\noom 1\n");
	test_version("version 1", "9:name=systemd:/x\n4:cpu,memory:/no\n3:memory:/a/b\n0::/\n",
		     "sys/fs/cgroup/memory/a/b/memory.oom_control",
		     "oom_kill_disable 0\nunder_oom 0\n");
	put("proc/self/cgroup", "nonsense\n:\n1:memory\n0::/gone\n");
	oom_init(&o, root, 0);
	ok(!oom_struck(&o, 0, 0), "lines of another kind, and a group that is gone");
	put("proc/self/cgroup", "3:memory:/a/b\n");
	ok(!oom_struck(&o, 0, 0), "a count that was not known before has not grown");
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", root);
	ok(system(command) == 0, "the files are gone");
	return done_testing();
}
