/* io/sealed: bytes in, a descriptor out; and back, of who was handed one. Invariant: what is handed
 * out holds all of the bytes, its
 * position is 0, and it can neither be written nor change its size. */
#include "io/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* As many parts as the kernel takes at once; mostly one call writes all. */
static int write_all(int fd, const struct iovec *parts, size_t n)
{
	off_t at = 0;
	while (n) {
		size_t count = n < IOV_MAX ? n : IOV_MAX;
		ssize_t done = pwritev(fd, parts, (int)count, at);
		if (done < 0)
			return -1;
		for (; count && (size_t)done >= parts->iov_len; count--, n--, parts++) {
			done -= (ssize_t)parts->iov_len;
			at += (off_t)parts->iov_len;
		}
		if (count == 0)
			continue;
		if (write_at(fd, (const char *)parts->iov_base + done,
			     parts->iov_len - (size_t)done, at + done))
			return -1;
		at += (off_t)parts->iov_len;
		n--;
		parts++;
	}
	return 0;
}

int sealed_read(int fd, size_t max, char **bytes, size_t *n)
{
	struct stat st;
	*bytes = NULL;
	*n = 0;
	if (fstat(fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return -1;
	}
	size_t size = (size_t)st.st_size;
	char *to = malloc(size + 1);
	if (!to)
		return -1;
	for (ssize_t got; *n < size; *n += (size_t)got) {
		got = pread(fd, to + *n, size - *n, (off_t)*n);
		if (got > 0)
			continue;
		free(to);
		errno = got ? errno : EIO; /* it was cut meanwhile */
		return -1;
	}
	to[size] = '\0';
	*bytes = to;
	return 0;
}

int sealed_file(const char *name, const struct iovec *parts, size_t n)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (write_all(fd, parts, n))
		goto fail;
	if (!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		return fd;
fail:;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
