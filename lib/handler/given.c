/* handler/given: what programs are given: variables of the environment, and updates as the bytes of
 * a descriptor.
 *
 * A claim comes in; entries NAME=VALUE, each ended by a NUL, or a descriptor go out. Invariant: a
 * program can neither change nor block on what it reads, and never sees another update than its
 * own. */
#include <errno.h>
#include <stdlib.h>

#include "handler/handler_internal.h"
#include "io/sealed.h"
#include "update/update.h"

int given_var(struct buf *vars, const char *name, int64_t value)
{
	return buf_adds(vars, name) || buf_addc(vars, '=') || buf_add_int(vars, value) ||
			       buf_addc(vars, '\0')
		       ? -1
		       : 0;
}

int given_update(struct buf *vars, const struct claim *c, const char *bot_username)
{
	/* A dead letter that was no update is handed out again as its bytes alone. */
	struct err err = { 0 };
	if (given_var(vars, "TG_NUMBER", c->seq))
		return -1;
	struct update *u = update_parse(c->body, c->length, &err);
	if (!u)
		return err.status == ERR_INTERNAL ? -1 : 0;
	int64_t id = 0;
	struct vars_context context = { .bot_username = bot_username,
					.key = c->keys,
					.pushed = update_id(u, &id) && id != c->update_id };
	int rc = update_vars(u, &context, vars);
	update_free(u);
	return rc;
}

int given_stdin(struct claim *const *claims, size_t n)
{
	static char newline[] = "\n";
	struct iovec *parts = calloc(n, 2 * sizeof *parts);
	if (!parts)
		return -1;
	for (size_t i = 0; i < n; i++) {
		parts[2 * i] = (struct iovec){ claims[i]->body, claims[i]->length };
		parts[2 * i + 1] = (struct iovec){ newline, 1 };
	}
	int fd = sealed_file("update", parts, 2 * n);
	int saved = errno;
	free(parts);
	errno = saved;
	return fd;
}
