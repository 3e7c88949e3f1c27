/* tests/unit/slots_many: many slots cost each other nothing when they are forked, and each has its
 * own socket and pipes. */
#include <dirent.h>
#include <dlfcn.h>

#include "tests/unit/slots_rig.h"

enum {
	FEW = 100,
	MANY = 300 /* with what else is open, less than the usual limit of 1024 descriptors allows
		    */
};

static int forks, most; /* the most descriptors that any child inherited */

static int count_descriptors(void)
{
	int n = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n - 3; /* the directory itself, and its two dots */
}

/* In place of the C library's. */
pid_t fork(void)
{
	static pid_t (*real)(void);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fork");
	int n = count_descriptors();
	forks++;
	most = n > most ? n : most;
	return real();
}

static int most_inherited(int slots)
{
	struct err err;
	forks = most = 0;
	int before = count_descriptors();
	struct slots *s = slots_fork(
		&(struct slots_config){ .count = slots, .lock_fd = -1, .stdout_fd = -1 }, &err);
	if (!ok(s != NULL && forks == slots, "%d slots", slots))
		diag("%s", s ? "not as many forks" : err.text);
	slots_free(s);
	is_num(count_descriptors(), before, "nothing of them is left open");
	return most - before;
}

/* Each slot at once says a number of its own. */
static void test_each(void)
{
	static struct run runs[MANY];
	struct rig rig;
	int wrong = 0;
	char var[32], want[32];
	rig_init(&rig, MANY);
	for (int i = 0; i < MANY; i++) {
		int n = snprintf(var, sizeof var, "N=%d", i) + 1;
		rig_start_with(&rig, &runs[i], rig_sh("echo $N; echo $N >&2"), var, (size_t)n,
			       rig_memfd("", 0), -1);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(want, sizeof want, "%d\n", i);
		wrong += !rig_wait(&rig, &runs[i]) || !runs[i].over ||
			 strcmp(buf_str(&runs[i].out[0]), want) != 0 ||
			 strcmp(buf_str(&runs[i].out[1]), want) != 0;
		run_release(&runs[i]);
	}
	is_num(wrong, 0, "each of as many jobs is heard as itself, on both streams");
	rig_free(&rig);
}

int main(void)
{
	int few = most_inherited(FEW), many = most_inherited(MANY);
	ok(many <= few, "a child inherits no more with %d slots (%d descriptors) than with %d (%d)",
	   MANY, many, FEW, few);
	RUN(test_each);
	return done_testing();
}
