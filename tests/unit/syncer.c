/* tests/unit/syncer: a sync in a thread ends in a turn of the loop, with what became of it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/syncer.h"
#include "tests/tap.h"

static struct loop *loop;
static struct syncer *syncer;
static int calls, last, in_done;

static void on_done(void *arg, int errnum)
{
	(void)arg;
	calls++;
	last = errnum;
	in_done = syncer_busy(syncer);
	loop_stop(loop);
}

static int sync_of(int fd)
{
	last = -1;
	syncer_start(syncer, fd);
	loop_run(loop);
	return last;
}

int main(void)
{
	struct err err;
	char name[] = "/tmp/tgrun-syncer-XXXXXX";
	int fd = mkstemp(name);
	loop = loop_new(&err);
	if (fd < 0 || !loop)
		return 1;
	unlink(name);
	syncer = syncer_new(loop, on_done, NULL);
	ok(syncer && !syncer_busy(syncer) && !syncer_busy(NULL), "at first nothing is under way");
	ok(write(fd, "x", 1) == 1 && sync_of(fd) == 0, "a file is synced");
	ok(in_done == 0 && !syncer_busy(syncer), "when that is told, the next may be ordered");
	is_num(sync_of(-1), EBADF, "what fails is told with its reason");
	int same = 0;
	for (int i = 0; i < 1000; i++)
		same += sync_of(i % 2 ? fd : -1) == (i % 2 ? 0 : EBADF);
	ok(same == 1000 && calls == 1002, "one after the other, each has its own answer, once");

	sigset_t usr1, pending;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	kill(getpid(), SIGUSR1);
	sync_of(fd);
	ok(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1),
	   "the thread takes no signal from the others");

	syncer_start(syncer, fd);
	ok(syncer_busy(syncer), "one is under way");
	syncer_free(syncer);
	calls = 0;
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 0);
	is_num(calls, 0, "of which nothing is told after the end");
	syncer_free(NULL);

	struct rlimit before, none = { 0, 0 };
	getrlimit(RLIMIT_NOFILE, &before);
	none.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &none);
	errno = 0;
	syncer = syncer_new(loop, on_done, NULL);
	int why = errno;
	setrlimit(RLIMIT_NOFILE, &before);
	ok(!syncer && why == EMFILE, "without a descriptor there is none, and it says why");
	loop_free(loop);
	close(fd);
	done_testing();
}
