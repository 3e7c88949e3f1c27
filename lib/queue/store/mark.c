/* queue/store/mark: a number in a small file. It is written over in place, in one piece, so that it
 * works on a full disk and is never half of one and half of another; it is not synced: it may lag
 * behind the database, never run ahead of it. */
#include "queue/store/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARK_SIZE = 64 };

static void parse(struct mark *m, const char *text)
{
	int64_t seq, bot_id;
	char end;
	m->seq = m->bot_id = 0;
	if (sscanf(text, "tgrun mark %" SCNd64 " %" SCNd64 "%c", &seq, &bot_id, &end) == 3 &&
	    end == '\n' && seq >= 0) {
		m->seq = seq;
		m->bot_id = bot_id;
	}
}

int mark_open(struct mark *m, int dir_fd, const char *dir_name, struct err *err)
{
	char text[MARK_SIZE + 1] = "";
	struct stat st;
	*m = (struct mark){ .fd = openat(dir_fd, "mark",
					 O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
					 0600) };
	if (m->fd < 0) {
		int why = errno;
		if (why == ELOOP)
			return err_set(err, ERR_CANTCREATE,
				       "'%s/mark' is a symbolic link; remove it", dir_name);
		return err_sys(err, err_of_disk(why), why, "cannot open '%s/mark'", dir_name);
	}
	if (fstat(m->fd, &st)) {
		int why = errno;
		mark_close(m);
		return err_sys(err, ERR_CANTCREATE, why, "cannot look at '%s/mark'", dir_name);
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		mark_close(m);
		return err_set(err, ERR_CANTCREATE,
			       "'%s/mark' is not a file of this user; remove it", dir_name);
	}
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	ssize_t n = pread(m->fd, text, MARK_SIZE, 0);
	if (n < 0) {
		int why = errno;
		mark_close(m);
		return err_sys(err, ERR_IO, why, "cannot read '%s/mark'", dir_name);
	}
	parse(m, text);
	return 0;
}

int64_t mark_read(int dir_fd)
{
	char text[MARK_SIZE + 1] = "";
	struct mark m = { .fd = openat(dir_fd, "mark",
				       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) };
	if (m.fd >= 0 && pread(m.fd, text, MARK_SIZE, 0) > 0)
		parse(&m, text);
	mark_close(&m);
	return m.seq;
}

void mark_set(struct mark *m, int64_t seq, int64_t bot_id)
{
	char text[MARK_SIZE + 1];
	if (seq == m->seq && bot_id == m->bot_id)
		return;
	memset(text, ' ', sizeof text);
	int n = snprintf(text, sizeof text, "tgrun mark %" PRId64 " %" PRId64 "\n", seq, bot_id);
	text[n] = ' ';
	text[MARK_SIZE - 1] = '\n';
	if (pwrite(m->fd, text, MARK_SIZE, 0) != MARK_SIZE)
		return;
	m->seq = seq;
	m->bot_id = bot_id;
}

void mark_close(struct mark *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}
