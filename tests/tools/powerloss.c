/* tests/tools/powerloss: what a disk may hold after a power cut. As a library before a program
 * (LD_PRELOAD) it notes every change of the files of one directory, in order, with the bytes; as a
 * program it makes of the first N changes a directory that a disk may leave.
 *
 *   LD_PRELOAD=…/powerloss.so POWERLOSS_DIR=DIR POWERLOSS_LOG=LOG tgrun …
 *   powerloss count LOG                        how many changes there are
 *   powerloss make LOG N keep|drop|SEED OUT    the first N; of what was not synced: all, none, or
 *                                              what SEED throws for each change
 *   powerloss handled LOG                      a handler: notes that $TG_UPDATE_ID was handled
 *   powerloss sent LOG N                       prints CHAT:PAYLOAD, both numbers, of each invoice
 *                                              that was sent within the first N
 *   powerloss lost LOG N AFTER                 prints how many updates were confirmed within the
 *                                              first N, and each of them that was handled neither
 *                                              by then nor in the log AFTER
 *
 * A sync of a file makes its earlier changes certain, a sync of the directory the names. A write
 * may be torn: with SEED, at sectors of 512 bytes. Names are kept in order: a lost name loses the
 * later ones too, as in a journal. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum what { MAKE, WRITE, CUT, REMOVE, SYNC, SYNC_DIR, CONFIRMED, HANDLED, SENT };

struct change {
	uint32_t what;
	char name[32];
	/* the bytes follow a WRITE; of a SYNC the offset is how long this list was when it began */
	int64_t offset, length;
	int64_t place; /* where it begins in the list: filled in by the reader */
};

#ifdef AS_LIBRARY

static char dir[PATH_MAX];
static int log_fd = -1;

__attribute__((constructor)) static void begin(void)
{
	const char *d = getenv("POWERLOSS_DIR"), *l = getenv("POWERLOSS_LOG");
	if (d && l && realpath(d, dir))
		log_fd = open(l, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	unsetenv("LD_PRELOAD");
}

/* The name of a file of the directory, "" for the directory itself, NULL for others. */
static const char *name_of(int fd, char path[PATH_MAX])
{
	char link[40];
	int saved = errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = log_fd < 0 ? -1 : readlink(link, path, PATH_MAX - 1);
	size_t head = strlen(dir);
	errno = saved;
	if (n < 0)
		return NULL;
	path[n] = '\0';
	if (strncmp(path, dir, head) != 0 || (path[head] && path[head] != '/'))
		return NULL;
	return path[head] ? path + head + 1 : path + head;
}

static void note(enum what what, const char *name, int64_t offset, int64_t length,
		 const void *bytes)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char line[1 << 20];
	struct change c = { .what = what, .offset = offset, .length = length };
	size_t n = sizeof c;
	int saved = errno;
	snprintf(c.name, sizeof c.name, "%s", name);
	pthread_mutex_lock(&lock);
	memcpy(line, &c, sizeof c);
	if (what == WRITE && n + (size_t)length <= sizeof line) {
		memcpy(line + n, bytes, (size_t)length);
		n += (size_t)length;
	}
	if (write(log_fd, line, n) != (ssize_t)n)
		_exit(99);
	pthread_mutex_unlock(&lock);
	errno = saved;
}

#define NEXT(type, name, ...) \
	type (*next)(__VA_ARGS__) = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t positioned(ssize_t n, int fd, const void *bytes, off64_t offset)
{
	char path[PATH_MAX];
	const char *name = n > 0 ? name_of(fd, path) : NULL;
	if (name && *name)
		note(WRITE, name, offset, n, bytes);
	return n;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
	NEXT(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
	return positioned(next(fd, bytes, n, offset), fd, bytes, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
	NEXT(ssize_t, "pwrite", int, const void *, size_t, off_t);
	return positioned(next(fd, bytes, n, offset), fd, bytes, offset);
}

static int cut(int rc, int fd, off64_t size)
{
	char path[PATH_MAX];
	const char *name = rc == 0 ? name_of(fd, path) : NULL;
	if (name && *name)
		note(CUT, name, size, 0, NULL);
	return rc;
}

int ftruncate64(int fd, off64_t size)
{
	NEXT(int, "ftruncate64", int, off64_t);
	return cut(next(fd, size), fd, size);
}

int ftruncate(int fd, off_t size)
{
	NEXT(int, "ftruncate", int, off_t);
	return cut(next(fd, size), fd, size);
}

/* Only makes files longer here. */
static int reserved(int rc, int fd)
{
	struct stat st;
	return rc == 0 && fstat(fd, &st) == 0 ? cut(0, fd, st.st_size) : rc;
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
	NEXT(int, "posix_fallocate", int, off_t, off_t);
	return reserved(next(fd, offset, length), fd);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
	NEXT(int, "posix_fallocate64", int, off64_t, off64_t);
	return reserved(next(fd, offset, length), fd);
}

/* What another thread writes meanwhile may be on the disk or not. */
static off_t noted(void)
{
	struct stat st;
	return log_fd >= 0 && fstat(log_fd, &st) == 0 ? st.st_size : 0;
}

static int synced(int rc, int fd, off_t began)
{
	char path[PATH_MAX];
	const char *name = rc == 0 ? name_of(fd, path) : NULL;
	if (name)
		note(*name ? SYNC : SYNC_DIR, name, began, 0, NULL);
	return rc;
}

int fsync(int fd)
{
	NEXT(int, "fsync", int);
	off_t began = noted();
	return synced(next(fd), fd, began);
}

int fdatasync(int fd)
{
	NEXT(int, "fdatasync", int);
	off_t began = noted();
	return synced(next(fd), fd, began);
}

static int opened(int fd, int flags)
{
	char path[PATH_MAX];
	const char *name = fd >= 0 && flags & O_CREAT ? name_of(fd, path) : NULL;
	if (name && *name)
		note(MAKE, name, 0, 0, NULL);
	return fd;
}

/* The number behind `name` in what is sent; false if it is not there. */
static bool number_in(const char *bytes, size_t n, const char *name, char out[16])
{
	const char *end = bytes + n, *at = memmem(bytes, n, name, strlen(name));
	size_t k = 0;
	for (at = at ? at + strlen(name) : end; at < end && strchr("-0123456789", *at) && k < 15;)
		out[k++] = *at++;
	out[k] = '\0';
	return k > 0;
}

static void note_invoice(const void *bytes, size_t n)
{
	char chat[16], payload[16], name[sizeof((struct change *)NULL)->name];
	if (!number_in(bytes, n, "\"payload\":\"", payload) ||
	    !number_in(bytes, n, "\"chat_id\":", chat))
		return;
	snprintf(name, sizeof name, "%s:%s", chat, payload);
	note(SENT, name, 0, 0, NULL);
}

/* The offset of a getUpdates is what Telegram forgets by. */
ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
	NEXT(ssize_t, "send", int, const void *, size_t, int);
	const char *at = memmem(bytes, n, "offset", 6);
	if (log_fd >= 0)
		note_invoice(bytes, n);
	if (log_fd >= 0 && at) {
		int64_t offset = 0;
		for (at += 6; at < (const char *)bytes + n && strchr("=\": ", *at); at++)
			;
		for (; at < (const char *)bytes + n && *at >= '0' && *at <= '9'; at++)
			offset = offset * 10 + (*at - '0');
		note(CONFIRMED, "", offset, 0, NULL);
	}
	return next(fd, bytes, n, flags);
}

#define MODE(flags)                        \
	mode_t mode = 0;                   \
	va_list ap;                        \
	va_start(ap, flags);               \
	if ((flags)&O_CREAT)               \
		mode = va_arg(ap, mode_t); \
	va_end(ap)

int open64(const char *path, int flags, ...)
{
	NEXT(int, "open64", const char *, int, ...);
	MODE(flags);
	return opened(next(path, flags, mode), flags);
}

int open(const char *path, int flags, ...)
{
	NEXT(int, "open", const char *, int, ...);
	MODE(flags);
	return opened(next(path, flags, mode), flags);
}

int openat(int at, const char *path, int flags, ...)
{
	NEXT(int, "openat", int, const char *, int, ...);
	MODE(flags);
	return opened(next(at, path, flags, mode), flags);
}

int unlink(const char *path)
{
	NEXT(int, "unlink", const char *);
	char parent[PATH_MAX], real[PATH_MAX];
	snprintf(parent, sizeof parent, "%s", path);
	char *slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	bool ours = log_fd >= 0 && slash && realpath(parent, real) && strcmp(real, dir) == 0;
	int rc = next(path);
	if (rc == 0 && ours)
		note(REMOVE, slash + 1, 0, 0, NULL);
	return rc;
}

#else

static uint64_t seed;

static bool thrown(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 62 & 1;
}

static struct change **changes;
static size_t count;

static void read_all(const char *path)
{
	FILE *f = fopen(path, "re");
	struct change c;
	int64_t place = 0;
	while (f && fread(&c, sizeof c, 1, f) == 1) {
		size_t extra = c.what == WRITE ? (size_t)c.length : 0;
		c.place = place;
		place += (int64_t)(sizeof c + extra);
		struct change *copy = malloc(sizeof c + extra);
		struct change **more = realloc(changes, (count + 1) * sizeof *changes);
		if (!copy || !more)
			exit(71);
		changes = more;
		*copy = c;
		if (extra && fread(copy + 1, extra, 1, f) != 1)
			exit(65);
		changes[count++] = copy;
	}
	if (f)
		fclose(f);
}

static int handled(const char *path)
{
	const char *id = getenv("TG_UPDATE_ID");
	struct change c = { .what = HANDLED, .offset = id ? atoll(id) : 0 };
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return fd >= 0 && write(fd, &c, sizeof c) == (ssize_t)sizeof c ? 0 : 100;
}

static bool was_handled(int64_t id, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (changes[i]->what == HANDLED && changes[i]->offset == id)
			return true;
	return false;
}

/* Ids begin with 1. */
static int lost(size_t n, const char *after)
{
	size_t first = count;
	int64_t offset = 1;
	int faults = 0;
	read_all(after);
	for (size_t i = 0; i < n && i < first; i++)
		if (changes[i]->what == CONFIRMED && changes[i]->offset > offset)
			offset = changes[i]->offset;
	printf("%lld", (long long)offset - 1);
	for (int64_t id = 1; id < offset; id++)
		if (!was_handled(id, 0, n) && !was_handled(id, first, count))
			printf(" %lld", (long long)id), faults++;
	putchar('\n');
	return faults > 0;
}

static int sent(size_t n)
{
	for (size_t i = 0; i < n && i < count; i++)
		if (changes[i]->what == SENT)
			puts(changes[i]->name);
	return 0;
}

/* Whether change `i` is on the disk for certain, when the power goes after `n`. */
static bool certain(size_t i, size_t n)
{
	bool name = changes[i]->what == MAKE || changes[i]->what == REMOVE;
	for (size_t k = i + 1; k < n; k++)
		if (changes[i]->place >= changes[k]->offset &&
		    (changes[k]->what == SYNC || changes[k]->what == SYNC_DIR))
			continue; /* that sync had begun before */
		else if (changes[k]->what == SYNC_DIR
				 ? name
				 : changes[k]->what == SYNC &&
					   strcmp(changes[k]->name, changes[i]->name) == 0)
			return true;
	return false;
}

static void put(int fd, const struct change *c, bool torn)
{
	const char *bytes = (const char *)(c + 1);
	for (int64_t at = 0, step; at < c->length; at += step) {
		step = 512 - (c->offset + at) % 512;
		step = step < c->length - at ? step : c->length - at;
		if ((!torn || thrown()) &&
		    pwrite(fd, bytes + at, (size_t)step, c->offset + at) != step)
			exit(74);
	}
}

static void carry_out(int dir_fd, const struct change *c, bool torn)
{
	if (c->what == REMOVE) {
		unlinkat(dir_fd, c->name, 0);
		return;
	}
	int fd = openat(dir_fd, c->name, O_RDWR | O_CLOEXEC | (c->what == MAKE ? O_CREAT : 0),
			0600);
	if (fd < 0)
		return; /* its name was lost, and all that was in it */
	if (c->what == WRITE)
		put(fd, c, torn);
	if (c->what == CUT && ftruncate(fd, c->offset))
		exit(74);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 64;
	if (strcmp(argv[1], "handled") == 0)
		return handled(argv[2]);
	read_all(argv[2]);
	if (strcmp(argv[1], "lost") == 0 && argc > 4)
		return lost(strtoul(argv[3], NULL, 10), argv[4]);
	if (strcmp(argv[1], "sent") == 0 && argc > 3)
		return sent(strtoul(argv[3], NULL, 10));
	if (strcmp(argv[1], "count") == 0)
		return printf("%zu\n", count) < 0;
	if (argc < 6 || strcmp(argv[1], "make") != 0)
		return 64;
	size_t n = strtoul(argv[3], NULL, 10);
	bool keep = strcmp(argv[4], "keep") == 0, drop = strcmp(argv[4], "drop") == 0,
	     names_lost = false;
	int dir_fd = mkdir(argv[5], 0700) ? -1 : open(argv[5], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return 73;
	seed = strtoull(argv[4], NULL, 10) * 2654435761u + n;
	n = n < count ? n : count;
	for (size_t i = 0; i < n; i++) {
		const struct change *c = changes[i];
		bool sure = keep || certain(i, n), name = c->what == MAKE || c->what == REMOVE;
		if (c->what >= SYNC || (!sure && (drop || (name ? names_lost : !thrown()))))
			continue;
		if (!sure && name && !thrown()) {
			names_lost = true;
			continue;
		}
		carry_out(dir_fd, c, !sure && thrown());
	}
	return 0;
}

#endif
