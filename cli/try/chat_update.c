/* cli/try/chat_update: one line in, one update out. An update that has an id goes as it is, because
 * odd bytes are what a file is for; one without gets an id put before its first member. */
#include "cli/try/chat_update.h"

#include <inttypes.h>
#include <string.h>

#include "update/scan.h"
#include "update/update.h"

static int add(const char *line, size_t n, const char *root, int64_t next_id,
	       const struct update *u, struct buf *out, struct err *err)
{
	int64_t id;
	const char *given = scan_member(root, "update_id", strlen("update_id"));
	int rc;
	if (given && (!update_id(u, &id) || id < 0))
		return err_set(err, ERR_USAGE, "its update_id is no whole number from 0 on");
	if (!given && !*update_kind(u))
		return err_set(err, ERR_USAGE, "an object such as {\"message\":{…}} is wanted");
	if (given)
		rc = buf_add(out, line, n);
	else
		rc = buf_addf(out, "{\"update_id\":%" PRId64 ",", next_id) ||
		     buf_add(out, root + 1, n - (size_t)(root + 1 - line));
	return rc ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

int chat_update(const char *line, size_t n, int64_t next_id, struct buf *out, struct err *err)
{
	struct scan_fault fault;
	size_t blank = 0;
	while (blank < n && scan_is_space(line[blank]))
		blank++;
	if (blank == n)
		return 0;
	const char *root = scan_check(line, line + n, &fault);
	if (!root)
		return err_set(err, ERR_USAGE, "it %s at byte %zu", fault.why, fault.at);
	if (*root != '{')
		return err_set(err, ERR_USAGE, "it is no JSON object");
	struct update *u = update_parse(line, n, err);
	if (!u)
		return -1;
	int rc = add(line, n, root, next_id, u, out, err);
	update_free(u);
	return rc;
}

int chat_update_typed(const char *text, struct err *err)
{
	struct scan_fault fault;
	struct buf made;
	size_t n = strlen(text);
	if (!scan_check_strict(text, text + n, &fault))
		return err_set(err, ERR_USAGE, "it %s at byte %zu%s%s", fault.why, fault.at,
			       fault.cure ? "; " : "", fault.cure ? fault.cure : "");
	buf_init(&made, SIZE_MAX / 2);
	int rc = chat_update(text, n, 0, &made, err);
	buf_release(&made);
	return rc;
}
