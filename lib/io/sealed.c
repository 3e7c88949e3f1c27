/* io/sealed: bytes in, a descriptor out. Invariant: what is handed out holds all of the bytes, its
 * position is 0, and it can neither be written nor change its size. */
#include "io/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Writes all bytes at *at, which moves behind them, and not the file's position. 0, or -1 with
 * errno. */
static int write_at(int fd, const char *bytes, size_t n, off_t *at)
{
	while (n) {
		ssize_t done = pwrite(fd, bytes, n, *at);
		if (done < 0)
			return -1;
		bytes += done;
		n -= (size_t)done;
		*at += done;
	}
	return 0;
}

int sealed_file(const char *name, const struct iovec *parts, size_t n)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t at = 0;
	if (fd < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (write_at(fd, parts[i].iov_base, parts[i].iov_len, &at))
			goto fail;
	if (!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		return fd;
fail:;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
