/* io/terminal: what /dev/tty and the session's leader say comes in, whether this process has a
 * terminal goes out. Nothing is kept open: a terminal that is closed must not be held by us.
 *
 * The kernel sends SIGHUP first and takes the terminal away a moment later when the leader of the
 * session ends; so an ending leader counts as a terminal that is gone. A hang-up of the line itself
 * is seen by open(2) before the signal is sent. */
#include "io/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "io/procs.h"

/* Another user's process may be hidden from /proc (hidepid), but not from kill(2). A leader outside
 * of this pid namespace is 0. */
static bool leader_lives(void)
{
	pid_t leader = getsid(0);
	struct procs_stat stat;
	if (leader <= 0 || leader == getpid())
		return true;
	if (kill(leader, 0) && errno == ESRCH)
		return false;
	return procs_stat(leader, &stat) || !stat.dying;
}

enum terminal terminal_look(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENXIO || errno == EIO ? TERMINAL_NONE : TERMINAL_UNKNOWN;
	close(fd);
	return leader_lives() ? TERMINAL_HERE : TERMINAL_NONE;
}
