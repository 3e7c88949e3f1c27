/* base/crashpoint: the name of a place that is passed comes in; the process is killed there when
 * the environment of the program's start asked for it. Empty in every build but that for tests.
 * Invariant: one process is killed, however often the point is passed. */
#include "base/crashpoint.h"

#ifdef TGRUN_CRASHPOINTS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char wanted[64], file[512];
static int left;

/* Before main(): a slot clears its environment. */
__attribute__((constructor)) static void read_wish(void)
{
	const char *wish = getenv("CRASHPOINT");
	if (!wish || sscanf(wish, "%63[^:]:%d:%511s", wanted, &left, file) != 3)
		wanted[0] = '\0';
	unsetenv("CRASHPOINT");
}

void crashpoint_pass(const char *name)
{
	if (strcmp(name, wanted) != 0 || --left != 0)
		return;
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		raise(SIGKILL);
}
#endif
