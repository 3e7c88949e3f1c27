/* io/statedir_ident: the state directory in, a name for this directory on this boot of this machine
 * out. Invariant: two processes that run at once, anywhere, have different names unless the lock of
 * one directory lets only one of them run; a copy of a directory has another inode, a clone of a
 * machine another boot. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "io/procs.h"
#include "io/statedir_internal.h"

enum { RANDOM_BYTES = 8, RANDOM_TEXT = 2 * RANDOM_BYTES };

/* Reads the random part from `fd`. false: it is not whole. */
static bool read_random(int fd, char out[RANDOM_TEXT + 1])
{
	ssize_t n = pread(fd, out, RANDOM_TEXT, 0);
	out[n < 0 ? 0 : n] = '\0';
	return n == RANDOM_TEXT && strspn(out, "0123456789abcdef") == RANDOM_TEXT;
}

static int make_random(int fd, char out[RANDOM_TEXT + 1])
{
	unsigned char bytes[RANDOM_BYTES];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return -1;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return ftruncate(fd, 0) || pwrite(fd, out, RANDOM_TEXT, 0) != RANDOM_TEXT || fdatasync(fd)
		       ? -1
		       : 0;
}

int statedir_ident(struct statedir *d, char out[STATEDIR_IDENT_MAX], struct err *err)
{
	char boot[PROCS_BOOT_MAX], random[RANDOM_TEXT + 1];
	int fd = openat(d->fd, "node", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, err_of_disk(errno), errno, "cannot open '%s/node'", d->path);
	int rc = read_random(fd, random) || make_random(fd, random) == 0
			 ? 0
			 : err_sys(err, err_of_disk(errno), errno, "cannot write '%s/node'",
				   d->path);
	close(fd);
	if (rc == 0 && procs_boot(boot))
		rc = err_sys(err, ERR_CONFIG, errno,
			     "cannot tell which boot of this machine this is "
			     "(/proc/sys/kernel/random/boot_id)");
	if (rc == 0)
		snprintf(out, STATEDIR_IDENT_MAX, "%s %llx:%llx %s", boot,
			 (unsigned long long)d->st.st_dev, (unsigned long long)d->st.st_ino,
			 random);
	return rc;
}
