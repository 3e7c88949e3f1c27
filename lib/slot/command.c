/* slot/command: packs what a slot runs into a sealed memfd, and reads it again on the other side.
 *
 * In: stages, paths, environment, directory, limits. Out: a descriptor that is passed to slots. A
 * header of counts, then every string with its NUL, in order. The reader trusts nothing: seals,
 * size, counts and the last NUL are checked before a pointer is made. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/sealed.h"
#include "slot/slot.h"

enum {
	SIZE_MAX_PACKED = 16 << 20,
	MAGIC = 0x74674331,
	/* The kernel's _STK_LIM, ARG_MAX, BINPRM_BUF_SIZE. */
	STACK_MOST = 8 << 20,
	ARGUMENTS_LEAST = 128 << 10,
	INTERPRETER_MAX = 256,
};

struct head {
	uint32_t magic, stages, env, dir;
	uint32_t argc[SLOT_STAGES_MAX];
	struct slot_limits limits;
};

struct command {
	int references;
	int fd;
	int stages;
};

static int add(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s) + 1);
}

static int pack(struct buf *b, const struct command_spec *spec, int stages)
{
	struct head h = { .magic = MAGIC,
			  .stages = (uint32_t)stages,
			  .dir = spec->dir != NULL,
			  .limits = spec->limits };
	for (int i = 0; i < stages; i++)
		while (spec->stages[i][h.argc[i]])
			h.argc[i]++;
	while (spec->env && spec->env[h.env])
		h.env++;
	int rc = buf_add(b, &h, sizeof h);
	for (int i = 0; i < stages; i++) {
		rc = rc || add(b, spec->paths[i]);
		for (uint32_t j = 0; j < h.argc[i]; j++)
			rc = rc || add(b, spec->stages[i][j]);
	}
	for (uint32_t i = 0; i < h.env; i++)
		rc = rc || add(b, spec->env[i]);
	if (spec->dir)
		rc = rc || add(b, spec->dir);
	return rc ? -1 : 0;
}

struct command *command_new(const struct command_spec *spec, struct err *err)
{
	int stages = 0;
	while (spec->stages[stages])
		stages++;
	if (stages < 1 || stages > SLOT_STAGES_MAX) {
		err_set(err, ERR_CONFIG, "a handler may have 1 to %d stages, not %d",
			SLOT_STAGES_MAX, stages);
		return NULL;
	}
	for (int i = 0; i < stages; i++)
		if (!spec->stages[i][0] || spec->paths[i][0] != '/') {
			err_set(err, ERR_CONFIG,
				"stage %d of the handler has no name or no absolute path", i + 1);
			return NULL;
		}
	struct buf b;
	buf_init(&b, SIZE_MAX_PACKED);
	struct command *c = calloc(1, sizeof *c);
	if (!c || pack(&b, spec, stages)) {
		if (c && errno == EOVERFLOW)
			err_set(err, ERR_CONFIG,
				"the handler's arguments and environment are larger than 16 MiB");
		else
			err_set(err, ERR_INTERNAL, "out of memory");
		goto fail;
	}
	c->references = 1;
	c->stages = stages;
	c->fd = sealed_file("command", &(struct iovec){ b.data, b.len }, 1);
	if (c->fd < 0) {
		err_sys(err, ERR_INTERNAL, errno, "cannot pack the handler's command");
		goto fail;
	}
	explicit_bzero(b.data, b.cap); /* the environment holds the token */
	buf_release(&b);
	return c;
fail:
	if (b.data)
		explicit_bzero(b.data, b.cap);
	buf_release(&b);
	free(c);
	return NULL;
}

struct command *command_ref(struct command *c)
{
	c->references++;
	return c;
}

void command_unref(struct command *c)
{
	if (!c || --c->references)
		return;
	close(c->fd);
	free(c);
}

int command_fd(const struct command *c)
{
	return c->fd;
}

int command_stages(const struct command *c)
{
	return c->stages;
}

/* The string at *at, which moves past it; NULL when there is none before `end`. */
static char *take(char **at, char *end)
{
	if (*at >= end)
		return NULL;
	char *s = *at;
	*at = s + strlen(s) + 1; /* the last byte is a NUL, that was checked */
	return s;
}

static int unpack(struct command_view *v)
{
	const struct head *h = v->map;
	char *at = (char *)v->map + sizeof *h, *end = (char *)v->map + v->size;
	if (v->size <= sizeof *h || end[-1] != '\0' || h->magic != MAGIC || h->stages < 1 ||
	    h->stages > SLOT_STAGES_MAX || h->dir > 1 || h->env > v->size)
		return -1;
	size_t strings = h->env + 1;
	for (uint32_t i = 0; i < h->stages; i++) {
		if (h->argc[i] < 1 || h->argc[i] > v->size)
			return -1;
		strings += h->argc[i] + 1;
	}
	v->list = calloc(strings, sizeof *v->list);
	if (!v->list)
		return -1;
	char **list = (char **)v->list;
	v->stages = (int)h->stages;
	v->limits = h->limits;
	for (uint32_t i = 0; i < h->stages; i++) {
		if (!(v->path[i] = take(&at, end)))
			return -1;
		v->argv[i] = list;
		for (uint32_t j = 0; j < h->argc[i]; j++)
			if (!(*list++ = take(&at, end)))
				return -1;
		list++;
	}
	v->env = list;
	v->env_count = h->env;
	for (uint32_t i = 0; i < h->env; i++)
		if (!(*list++ = take(&at, end)))
			return -1;
	if (h->dir && !(v->dir = take(&at, end)))
		return -1;
	return at == end ? 0 : -1;
}

int command_open(int fd, struct command_view *out)
{
	*out = (struct command_view){ 0 };
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS), want = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	if (seals < 0 || (seals & want) != want || fstat(fd, &st) || st.st_size < 1 ||
	    st.st_size > SIZE_MAX_PACKED) {
		errno = EINVAL;
		return -1;
	}
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	out->map = map;
	out->size = (size_t)st.st_size;
	if (unpack(out)) {
		command_close(out);
		errno = EINVAL;
		return -1;
	}
	return 0;
}

void command_close(struct command_view *v)
{
	if (v->map)
		munmap(v->map, v->size);
	free(v->list);
	*v = (struct command_view){ 0 };
}

/* What the kernel adds to the arguments of a script, of which it executes the interpreter: `#!NAME
 * ARGUMENT` and the script's path. */
static size_t interpreter_size(const char *path)
{
	char line[INTERPRETER_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, line, INTERPRETER_MAX);
	if (fd >= 0)
		close(fd);
	line[n > 0 ? n : 0] = '\0';
	if (strncmp(line, "#!", 2) != 0)
		return 0;
	return strcspn(line + 2, "\n") + 2 + strlen(path) + 1;
}

static size_t size_of(char *const *strings, size_t *count)
{
	size_t size = 0;
	for (; *strings; strings++, ++*count)
		size += strlen(*strings) + 1;
	return size;
}

bool command_fits(const struct command *c)
{
	struct command_view v;
	struct rlimit stack;
	bool fits = true;
	if (command_open(c->fd, &v))
		return true;
	/* bprm_stack_limits() in the kernel's fs/exec.c: strings and pointers together. */
	size_t most = STACK_MOST / 4 * 3;
	if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur / 4 < most)
		most = stack.rlim_cur / 4;
	most = most > ARGUMENTS_LEAST ? most : ARGUMENTS_LEAST;
	for (int i = 0; i < v.stages; i++) {
		size_t count = 0, size = strlen(v.path[i]) + 1 + interpreter_size(v.path[i]);
		size += size_of(v.argv[i], &count) + size_of(v.env, &count);
		fits = fits && size + count * sizeof(char *) <= most;
	}
	command_close(&v);
	return fits;
}
