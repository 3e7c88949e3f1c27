/* queue/store/sqlite_hold: a database that nobody else has in use goes in, and stays so until a
 * descriptor is closed. For who must know that before there is a connection: SQLite's own locks are
 * the process's, and go with the first descriptor of the file that is closed; this one is of the
 * kind that does not (fcntl(2), open file description locks), and conflicts with them. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "queue/store/store.h"

/* The bytes that each reader of a database has a lock on, see sqlite.org/src/file/src/os.h
 * (SHARED_FIRST, SHARED_SIZE). */
enum { SHARED_FIRST = 0x40000000 + 2, SHARED_SIZE = 510 };

int sqlite_hold(int dir_fd, const char *dir_name, int *fd, struct err *err)
{
	struct flock readers = { .l_type = F_WRLCK,
				 .l_whence = SEEK_SET,
				 .l_start = SHARED_FIRST,
				 .l_len = SHARED_SIZE };
	*fd = openat(dir_fd, "queue.db", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0 && (errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == ENXIO))
		return 0; /* what is wrong with a link or a directory is said when it is opened in
			     earnest */
	if (*fd < 0)
		return err_sys(err, err_of_disk(errno), errno, "cannot open '%s/queue.db'",
			       dir_name);
	if (fcntl(*fd, F_OFD_SETLK, &readers) == 0)
		return 1;
	int why = errno;
	close(*fd);
	*fd = -1;
	if (why == EAGAIN || why == EACCES)
		return 0;
	return err_sys(err, err_of_disk(why), why, "cannot lock '%s/queue.db'", dir_name);
}
