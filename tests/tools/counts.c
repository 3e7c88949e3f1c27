/* tests/tools/counts: counts what a program asks the machine for, by LD_PRELOAD, in a file that may
 * be read meanwhile.
 *
 *   LD_PRELOAD=…/counts.so COUNTS=FILE tgrun …
 *   counts FILE       `allocations 12 writes 3 bytes 4096 syncs 1`: of the process itself, not of
 *                     what it forks
 *
 * Writes are those to files: pwrite(2) and its like, which is how a database is written. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct counts {
	_Atomic uint64_t allocations, writes, bytes, syncs;
};

#ifdef AS_LIBRARY

#include <pthread.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static struct counts none, *counts = &none;

/* A child has the file mapped, too. */
static void in_child(void)
{
	counts = &none;
}

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("COUNTS");
	int fd = name ? open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *map = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, sizeof *counts) == 0)
		map = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (map != MAP_FAILED)
		counts = map;
	pthread_atfork(NULL, NULL, in_child);
	unsetenv("LD_PRELOAD");
	unsetenv("COUNTS");
}

static ssize_t wrote(ssize_t n)
{
	if (n >= 0) {
		counts->writes++;
		counts->bytes += (uint64_t)n;
	}
	return n;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	return wrote(syscall(SYS_pwrite64, fd, bytes, n, at));
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite64(fd, bytes, n, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	return wrote(syscall(SYS_pwritev, fd, parts, count, at, 0));
}

int fdatasync(int fd)
{
	counts->syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	counts->syncs++;
	return (int)syscall(SYS_fsync, fd);
}

void *malloc(size_t n)
{
	counts->allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	counts->allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *block, size_t n)
{
	counts->allocations++;
	return __libc_realloc(block, n);
}

#else

int main(int argc, char **argv)
{
	uint64_t n[4];
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || read(fd, n, sizeof n) != sizeof n) {
		fprintf(stderr, "usage: counts FILE (which LD_PRELOAD=counts.so writes)\n");
		return 64;
	}
	printf("allocations %ju writes %ju bytes %ju syncs %ju\n", (uintmax_t)n[0], (uintmax_t)n[1],
	       (uintmax_t)n[2], (uintmax_t)n[3]);
	return 0;
}

#endif
