/* cli/client/send_input: the options of `tgrun send`, standard input and files in, what is to be
 * sent out. Files are opened here, with the rights of who asks. Invariant: what is to be said is
 * read from one place, and nothing in it is looked at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client/send.h"

static int read_all(int fd, const char *name, struct buf *out, struct err *err)
{
	char bytes[8192];
	ssize_t n;
	while ((n = read(fd, bytes, sizeof bytes)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, ERR_IO, errno, "cannot read '%s'", name);
		if (buf_add(out, bytes, (size_t)n))
			return err_set(err, ERR_USAGE,
				       "'%s' is larger than the %d bytes that can be sent", name,
				       SENDING_BYTES_MAX);
	}
	return 0;
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, ERR_USAGE, errno, "cannot open '%s'", path);
	int rc = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)
			 ? err_set(err, ERR_USAGE, "cannot send '%s': it is a directory", path)
			 : read_all(fd, path, out, err);
	close(fd);
	return rc;
}

static int add_file(struct send_input *in, char *path, struct err *err)
{
	struct send_message *m = &in->sending.message;
	struct buf bytes;
	if (m->file_count == SEND_FILES_MAX)
		return err_set(err, ERR_USAGE, "there are more than %d files", SEND_FILES_MAX);
	buf_init(&bytes, SENDING_BYTES_MAX);
	int rc = read_file(path, &bytes, err);
	if (rc == 0 && bytes.len == 0)
		rc = err_set(err, ERR_USAGE, "cannot send '%s': it is empty", path);
	if (rc) {
		buf_release(&bytes);
		return -1;
	}
	in->files[m->file_count++] = (struct call_file){ path, bytes.data, bytes.len };
	return 0;
}

/* ---- a list of chats ---- */

struct line {
	char *text;
	size_t at; /* in the list */
};

static int by_text(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->text, y->text);
	return order ? order : x->at < y->at ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* A line without the white space around it; NULL: there is nothing else. */
static char *tidy(char *line)
{
	static const char space[] = " \t\r";
	line += strspn(line, space);
	size_t n = strlen(line);
	while (n && strchr(space, line[n - 1]))
		line[--n] = '\0';
	return n && *line != '#' ? line : NULL;
}

/* Each chat of the list once, where it stands first. */
static int add_chats(struct send_input *in, struct line *lines, size_t count, struct err *err)
{
	size_t kept = 0;
	int rc = 0;
	qsort(lines, count, sizeof *lines, by_text);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(lines[i].text, lines[kept - 1].text) != 0)
			lines[kept++] = lines[i];
	qsort(lines, kept, sizeof *lines, by_place);
	for (size_t i = 0; i < kept && rc == 0; i++)
		rc = buf_adds(&in->chats, lines[i].text) || buf_addc(&in->chats, '\n');
	in->chat_count = kept;
	return rc ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

static int cut_lines(char *text, const char *path, struct line **lines, size_t *count,
		     struct err *err)
{
	struct err why;
	size_t room = 0, number = 1;
	for (char *next; text; text = next, number++) {
		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		char *chat = tidy(text);
		if (!chat)
			continue;
		if (send_chat_check(chat, &why))
			return err_set(err, ERR_USAGE, "'%s', line %zu: %s", path, number,
				       why.text);
		if (*count == room) {
			room = room ? 2 * room : 1024;
			struct line *more = reallocarray(*lines, room, sizeof *more);
			if (!more)
				return err_set(err, ERR_INTERNAL, "out of memory");
			*lines = more;
		}
		(*lines)[*count] = (struct line){ chat, *count };
		++*count;
	}
	return 0;
}

static int read_chats(struct send_input *in, const char *path, struct err *err)
{
	struct line *lines = NULL;
	struct buf list;
	size_t count = 0;
	buf_init(&list, SENDING_BYTES_MAX);
	int rc = strcmp(path, "-") == 0 ? read_all(STDIN_FILENO, "standard input", &list, err)
					: read_file(path, &list, err);
	if (rc == 0 && buf_addc(&list, '\0'))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	rc = rc || cut_lines(list.data, path, &lines, &count, err);
	if (rc == 0 && count == 0)
		rc = err_set(err, ERR_USAGE, "there is no chat in '%s'", path);
	rc = rc || add_chats(in, lines, count, err);
	free(lines);
	buf_release(&list);
	return rc ? -1 : 0;
}

/* ---- all of it ---- */

static int check(const struct config *c, struct err *err)
{
	if ((c->chat != NULL) == (c->chats != NULL))
		return err_set(err, ERR_USAGE,
			       c->chat ? "'--chat' and '--chats' exclude each other"
				       : "to whom? give --chat ID, or --chats FILE");
	if (c->pre + c->html + c->markdown > 1)
		return err_set(err, ERR_USAGE,
			       "'--pre', '--html' and '--markdown' exclude each other");
	if (c->json && !c->wait)
		return err_set(err, ERR_USAGE, "'--json' tells what arrived, so it wants '--wait'");
	if (c->chats && strcmp(c->chats, "-") == 0 && !c->text && !c->file.count)
		return err_set(err, ERR_USAGE,
			       "standard input is the list of chats: give the text by --text=TEXT");
	return c->chat ? send_chat_check(c->chat, err) : 0;
}

int send_input_read(struct send_input *in, const struct config *c, struct err *err)
{
	struct sending *s = &in->sending;
	*in = (struct send_input){ .chat_count = 1 };
	buf_init(&in->text, SENDING_BYTES_MAX);
	buf_init(&in->chats, SENDING_BYTES_MAX);
	if (check(c, err) || (c->chats && read_chats(in, c->chats, err)))
		return -1;
	for (size_t i = 0; i < c->file.count; i++)
		if (add_file(in, c->file.items[i], err))
			return -1;
	/* In a handler standard input is the update: it is no caption. */
	if (!c->text && !c->file.count && read_all(STDIN_FILENO, "standard input", &in->text, err))
		return -1;
	s->message = (struct send_message){
		.mode = c->pre        ? REPLY_PRE
			: c->html     ? REPLY_HTML
			: c->markdown ? REPLY_MARKDOWN
				      : REPLY_TEXT,
		.topic = c->topic,
		.silent = c->silent,
		.text = c->text ? c->text : buf_str(&in->text),
		.length = c->text ? strlen(c->text) : in->text.len,
		.files = in->files,
		.file_count = s->message.file_count,
	};
	s->chat = c->chat;
	s->chats = buf_str(&in->chats);
	s->chats_length = in->chats.len;
	s->lifetime = c->expire;
	s->once = c->engine.out.unsure == OUT_UNSURE_FAIL;
	return 0;
}

void send_input_release(struct send_input *in)
{
	for (size_t i = 0; i < in->sending.message.file_count; i++)
		free(in->files[i].bytes);
	buf_release(&in->text);
	buf_release(&in->chats);
}
