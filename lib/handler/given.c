/* handler/given: what programs are given: variables of the environment, and updates as the bytes of
 * a descriptor.
 *
 * A claim comes in; entries NAME=VALUE, each ended by a NUL, or a descriptor go out. Invariant: a
 * program can neither change nor block on what it reads, and never sees another update than its
 * own. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handler/handler_internal.h"
#include "update/update.h"

int given_var(struct buf *vars, const char *name, int64_t value)
{
	return buf_adds(vars, name) || buf_addc(vars, '=') || buf_add_int(vars, value) || buf_addc(vars, '\0') ? -1 : 0;
}

int given_update(struct buf *vars, struct claim *c, const char *bot_username)
{
	/* A dead letter that was no update is handed out again as its bytes alone. */
	struct err err = { 0 };
	if (given_var(vars, "TG_NUMBER", c->seq))
		return -1;
	struct update *u = update_parse(c->body, c->length, &err);
	if (!u)
		return err.status == ERR_INTERNAL ? -1 : 0;
	struct vars_context context = { .bot_username = bot_username, .key = c->keys };
	int rc = update_vars(u, &context, vars);
	update_id(u, &c->update_id);
	update_free(u);
	return rc;
}

static int write_at(int fd, const char *bytes, size_t n, off_t *at)
{
	while (n) {
		ssize_t k = pwrite(fd, bytes, n, *at);
		if (k < 0)
			return -1;
		bytes += k;
		n -= (size_t)k;
		*at += k;
	}
	return 0;
}

int given_stdin(struct claim *const *claims, size_t n)
{
	int fd = memfd_create("update", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t at = 0;
	if (fd < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (write_at(fd, claims[i]->body, claims[i]->length, &at) || write_at(fd, "\n", 1, &at))
			goto fail;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
fail:;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
