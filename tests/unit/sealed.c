/* tests/unit/sealed: what is put into a sealed file is all there, in order, and stays so. */
#include "io/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tap.h"

enum { PARTS = 3000 }; /* more than one call takes (IOV_MAX) */

static void many_parts(void)
{
	static char all[PARTS * 5], back[sizeof all + 1];
	static struct iovec parts[PARTS];
	size_t n = 0;
	for (int i = 0; i < PARTS; i++) {
		parts[i] = (struct iovec){ all + n, (size_t)i % 5 };
		for (int k = 0; k < i % 5; k++)
			all[n++] = (char)('a' + (i + k) % 26);
	}
	int fd = sealed_file("test", parts, PARTS);
	ok(fd >= 0, "three thousand parts become a file");
	is_num(lseek(fd, 0, SEEK_CUR), 0, "which is read from its beginning");
	ok(read(fd, back, sizeof back) == (ssize_t)n && memcmp(all, back, n) == 0,
	   "and holds them in order");
	ok(pwrite(fd, "x", 1, 0) < 0 && ftruncate(fd, 1) < 0, "nobody changes it");
	char *whole;
	size_t length = 0;
	ok(sealed_read(fd, n, &whole, &length) == 0 && length == n && memcmp(all, whole, n) == 0 &&
		   !whole[n],
	   "who is handed it reads all of it");
	free(whole);
	ok(sealed_read(fd, n - 1, &whole, &length) && errno == EFBIG && !whole,
	   "or is told that it is larger than it may be");
	int ends[2];
	ok(pipe(ends) == 0 && sealed_read(ends[0], 9, &whole, &length) && errno == EINVAL,
	   "a pipe is no such file");
	close(ends[0]), close(ends[1]);
	close(fd);
	fd = sealed_file("test", NULL, 0);
	ok(fd >= 0 && read(fd, back, 1) == 0, "of no parts it is empty");
	close(fd);
}

int main(void)
{
	RUN(many_parts);
	return done_testing();
}
