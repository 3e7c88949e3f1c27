/* engine/engine_file: how far a file of updates was read. A descriptor comes in, and a source that
 * goes on where the last run was interrupted goes out. Invariant: the place that was kept is relied
 * on only in a file that has the same bytes before it: numbers of inodes are given again, and files
 * are written anew. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "engine/engine_internal.h"
#include "source/lines.h"

enum { BEFORE = 4096 /* bytes before the place that are compared */ };

/* The name in the store of what a file has before the place; the place itself is the offset of its
 * root. */
static void name_of(const struct engine *e, char *out, size_t size)
{
	snprintf(out, size, "before %s", e->source_root);
}

/* The hash of what is before `position`. false when it cannot be read, or the file ends before. */
static bool hash_before(int fd, int64_t position, uint64_t *hash)
{
	char bytes[BEFORE];
	size_t n = position < BEFORE ? (size_t)position : BEFORE;
	if (pread(fd, bytes, n, position - (int64_t)n) != (ssize_t)n)
		return false;
	*hash = hash_bytes(bytes, n);
	return true;
}

void engine_file_note(struct engine *e, int64_t position)
{
	char name[sizeof e->source_root + 16], value[64];
	uint64_t hash;
	if (!e->source_root[0] || !hash_before(e->config.source_fd, position, &hash))
		return;
	name_of(e, name, sizeof name);
	snprintf(value, sizeof value, "%" PRId64 " %" PRIx64, position, hash);
	queue_meta_set(e->queue, name, value);
}

/* Whether the file is the one whose place was kept. What was noted may be past that place, when a
 * batch could not be stored, never before it. */
static bool is_the_same(struct engine *e)
{
	char name[sizeof e->source_root + 16];
	struct buf kept;
	struct err err;
	int64_t position;
	uint64_t was, is;
	name_of(e, name, sizeof name);
	buf_init(&kept, 256);
	/* A version that noted nothing is believed. */
	bool same = queue_meta_get(e->queue, name, &kept, &err) == 0 &&
		    (kept.len == 0 ||
		     (sscanf(buf_str(&kept), "%" SCNd64 " %" SCNx64, &position, &was) == 2 &&
		      position >= 0 && hash_before(e->config.source_fd, position, &is) &&
		      is == was));
	buf_release(&kept);
	return same;
}

struct source *engine_file_open(struct engine *e, const struct source_events *events,
				struct err *err)
{
	const struct engine_config *c = &e->config;
	struct stat st;
	struct lines_config lines = {
		.loop = c->loop,
		.log = c->log,
		.clock = c->clock,
		.events = *events,
		.fd = c->source_fd,
		.name = c->source_name,
		.line = 1,
	};
	if (fstat(c->source_fd, &st))
		return err_sys(err, ERR_IO, errno, "cannot look at '%s'", c->source_name), NULL;
	if (S_ISREG(st.st_mode)) {
		snprintf(e->source_root, sizeof e->source_root, "file:%llx-%llx",
			 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
		lines.position = queue_offset(e->queue, e->source_root);
		if (lines.position && (lines.position > st.st_size || !is_the_same(e))) {
			log_event(c->log, LOG_WARN, LOG_FIELDS(LOG_NUM("byte", lines.position)),
				  "the file is another one than the last run was interrupted in: "
				  "it is read from its beginning");
			lines.position = 0;
		}
		if (lseek(c->source_fd, lines.position, SEEK_SET) < 0)
			return err_sys(err, ERR_IO, errno, "cannot read '%s'", c->source_name),
			       NULL;
		if (lines.position)
			log_event(c->log, LOG_INFO, LOG_FIELDS(LOG_NUM("byte", lines.position)),
				  "going on where the last run was interrupted; "
				  "lines are numbered from there");
	}
	return lines_new(&lines, err);
}

void engine_file_forget(struct engine *e)
{
	struct queue_put_result result;
	struct err err;
	if (e->asking.ended && e->source_root[0] &&
	    queue_put(e->queue, NULL, 0, e->source_root, 0, &result, &err))
		log_event(e->config.log, LOG_WARN, LOG_NONE,
			  "it could not be noted that the file was read to its end: %s", err.text);
}
