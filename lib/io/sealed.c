/* io/sealed: bytes in, a descriptor out. Invariant: what is handed out holds all of the bytes, its
 * position is 0, and it can neither be written nor change its size. */
#include "io/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Writes all bytes at `at`, and does not move the file's position. 0, or -1 with errno. */
static int write_at(int fd, const char *bytes, size_t n, off_t at)
{
	while (n) {
		ssize_t done = pwrite(fd, bytes, n, at);
		if (done < 0)
			return -1;
		bytes += done;
		n -= (size_t)done;
		at += done;
	}
	return 0;
}

/* Mostly one call writes all. Of what it left, each part by itself. */
static int write_all(int fd, const struct iovec *parts, int n)
{
	ssize_t done = pwritev(fd, parts, n, 0);
	off_t at = 0;
	if (done < 0)
		return -1;
	for (int i = 0; i < n; at += (off_t)parts[i++].iov_len) {
		off_t skip = done > at ? done - at : 0;
		if (skip < (off_t)parts[i].iov_len &&
		    write_at(fd, (const char *)parts[i].iov_base + skip,
			     parts[i].iov_len - (size_t)skip, at + skip))
			return -1;
	}
	return 0;
}

int sealed_file(const char *name, const struct iovec *parts, size_t n)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (write_all(fd, parts, (int)n))
		goto fail;
	if (!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		return fd;
fail:;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
