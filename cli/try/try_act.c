/* cli/try/try_act: what a whole input does: a message, an edit, a pressed button, a query, any
 * update goes to the sandbox; who speaks and where changes; time passes. What cannot be done is
 * named, and nothing happens. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/try/chat_update.h"
#include "cli/try/try_internal.h"

static int64_t now(void)
{
	return clock_system.wall(&clock_system) / 1000;
}

/* An input that was understood and cannot be carried out: its record says so. */
static void cannot(struct try *t, const char *why)
{
	chat_put_line(&t->chat, &t->out, CHAT_RED, "(%s)", why);
	try_record_add(t, RECORD_END, 0);
	buf_clear(&t->out);
	try_bad_line(t, why);
}

/* Hands {KIND: object} to the sandbox, unless `rc` says that it could not be made. In the terminal
 * it is shown unless it stands there as it was typed. */
static int push(struct try *t, int rc, const char *kind, const struct buf *object, bool as_typed)
{
	struct buf shown;
	if (rc || sandbox_push(t->sandbox, kind, buf_str(object)) <= 0)
		return -1;
	if (as_typed || t->mode != TRY_TERMINAL)
		return 0;
	buf_init(&shown, CHAT_INPUT_MAX);
	if (buf_addf(&shown, "{\"%s\":%s}", kind, buf_str(object)) == 0)
		chat_show_update(&t->chat, shown.data, shown.len, &t->out);
	try_say(t);
	buf_release(&shown);
	return 0;
}

static int send_content(struct try *t, const struct chat_content *content)
{
	struct buf message;
	buf_init(&message, CHAT_INPUT_MAX);
	int64_t id = sandbox_message_id(t->sandbox, t->chat.chat_id);
	int rc = push(t, chat_message(&t->chat, id, now(), content, &message), "message", &message,
		      !content->kind);
	buf_release(&message);
	return rc;
}

static void say(struct try *t, const char *text)
{
	struct chat_content content = { .text = text };
	if (send_content(t, &content))
		cannot(t, "the message cannot be sent: it is too long, or memory is out");
}

static void edit(struct try *t, int64_t nth, const char *text)
{
	struct buf message;
	const cJSON *old = sandbox_message_of(t->sandbox, t->chat.chat_id, t->chat.user_id, nth);
	if (!old) {
		cannot(t, "there is no such message of yours here; the last one is 1");
		return;
	}
	buf_init(&message, CHAT_INPUT_MAX);
	if (push(t, chat_edited(&t->chat, old, now(), text, &message), "edited_message", &message,
		 false))
		cannot(t, "the message cannot be edited: it is too long, or memory is out");
	buf_release(&message);
}

static void query(struct try *t, const char *text)
{
	struct buf object;
	buf_init(&object, CHAT_INPUT_MAX);
	if (push(t, chat_inline(&t->chat, text, ++t->query_id, &object), "inline_query", &object,
		 false))
		cannot(t, "the query cannot be sent: it is too long, or memory is out");
	buf_release(&object);
}

/* ---- buttons ---- */

static int press_data(struct try *t, const struct chat_button *b)
{
	struct buf object;
	const cJSON *message = sandbox_message(t->sandbox, t->chat.keyboard_chat,
					       t->chat.keyboard_message);
	if (!message)
		return -1;
	buf_init(&object, CHAT_SHOW_MAX);
	int rc = push(t, chat_callback(&t->chat, b, ++t->query_id, message, &object),
		      "callback_query", &object, false);
	buf_release(&object);
	return rc;
}

static void press(struct try *t, int64_t number)
{
	const struct chat_button *b = chat_button(&t->chat, number);
	if (!b) {
		cannot(t, "there is no such button");
		return;
	}
	switch (b->kind) {
	case BUTTON_DATA:
		if (press_data(t, b))
			cannot(t,
			       "the button cannot be pressed: its message is gone, or memory is out");
		break;
	case BUTTON_TEXT:
		say(t, b->text);
		break;
	case BUTTON_URL:
		chat_put_line(&t->chat, &t->out, CHAT_DIM, "it opens %s", b->value);
		try_record_add(t, RECORD_END, 0);
		try_say(t);
		break;
	case BUTTON_OTHER:
		chat_put_line(&t->chat, &t->out, CHAT_DIM, "it does what there is none of here: %s",
			      b->value);
		try_record_add(t, RECORD_END, 0);
		try_say(t);
		break;
	}
}

/* ---- files ---- */

/* As what a client sends a file, by the end of its name. */
static const char *kind_of(const char *name)
{
	static const struct {
		const char *end, *kind;
	} rows[] = {
		{ ".jpg", "photo" }, { ".jpeg", "photo" }, { ".png", "photo" }, { ".mp4", "video" },
		{ ".mp3", "audio" }, { ".m4a", "audio" },  { ".ogg", "voice" }, { ".oga", "voice" },
	};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof rows / sizeof *rows; i++)
		if (strcasecmp(dot, rows[i].end) == 0)
			return rows[i].kind;
	return "document";
}

/* Reads the file at `path`, as far as the server would hand it out. 0, or -1 with errno. */
static int read_file(const char *path, struct buf *out, uint64_t *size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 || fstat(fd, &st) ? -1 : 1;
	if (n > 0 && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		n = -1;
	}
	*size = n > 0 ? (uint64_t)st.st_size : 0;
	while (n > 0 && out->len < *size && *size <= SANDBOX_FILE_MAX) {
		n = buf_reserve(out, (size_t)*size - out->len)
			    ? -1
			    : read(fd, out->data + out->len, (size_t)*size - out->len);
		out->len += n > 0 ? (size_t)n : 0;
	}
	if (n == 0) /* it became shorter */
		*size = out->len;
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return n < 0 ? -1 : 0;
}

/* The path that was typed: a tilde is the home directory. NULL when memory is out. */
static char *path_of(const struct chat_line *line)
{
	const char *home = getenv("HOME");
	char *path = NULL;
	bool tilde = home && line->length > 1 && line->file[0] == '~' && line->file[1] == '/';
	if (asprintf(&path, "%s%.*s", tilde ? home : "", (int)line->length - tilde,
		     line->file + tilde) < 0)
		return NULL;
	return path;
}

static void send_file(struct try *t, const struct chat_line *line)
{
	struct buf bytes;
	struct err err;
	uint64_t size = 0;
	char *path = path_of(line), *json = NULL;
	cJSON *file = NULL;
	buf_init(&bytes, SANDBOX_FILE_MAX + 1);
	if (!path) {
		cannot(t, "out of memory");
		return;
	}
	if (read_file(path, &bytes, &size)) {
		err_sys(&err, ERR_USAGE, errno, "cannot send '%s'", path);
		cannot(t, err.text);
		goto out;
	}
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path,
		   *kind = kind_of(name);
	file = sandbox_file(t->sandbox, kind, name, buf_str(&bytes), size);
	if (file && strcmp(kind, "photo") == 0) { /* in all its sizes */
		cJSON *sizes = cJSON_CreateArray();
		cJSON_AddItemToArray(sizes, file);
		file = sizes;
	}
	json = file ? cJSON_PrintUnformatted(file) : NULL;
	struct chat_content content = { .text = line->text, .kind = kind, .file = json };
	if (!json || send_content(t, &content))
		cannot(t, "the file cannot be sent: memory is out");
out:
	cJSON_free(json);
	cJSON_Delete(file);
	buf_release(&bytes);
	free(path);
}

/* ---- updates ---- */

void try_give_update(struct try *t, const char *update, size_t n)
{
	struct err err;
	struct sandbox_stats stats;
	struct buf made;
	sandbox_stats(t->sandbox, &stats);
	buf_init(&made, CHAT_INPUT_MAX + 64);
	if (chat_update(update, n, stats.last_id + 1, &made, &err)) {
		cannot(t, err.text);
	} else if (made.len && sandbox_push_raw(t->sandbox, made.data, made.len)) {
		cannot(t, "out of memory");
	} else if (made.len && t->mode == TRY_TERMINAL) {
		chat_show_update(&t->chat, made.data, made.len, &t->out);
		try_say(t);
	}
	buf_release(&made);
}

void try_act(struct try *t, const struct chat_line *line)
{
	switch (line->verb) {
	case CHAT_NOTHING:
		break;
	case CHAT_SAY:
		say(t, line->text);
		break;
	case CHAT_AS:
		chat_as(&t->chat, line->id, line->text);
		break;
	case CHAT_IN:
		chat_in(&t->chat, line->id, line->thread, line->text);
		break;
	case CHAT_PRESS:
		press(t, line->id);
		break;
	case CHAT_WAIT:
		t->pausing = true;
		loop_timer_set(t->pause, line->id);
		break;
	case CHAT_FILE:
		send_file(t, line);
		break;
	case CHAT_EDIT:
		edit(t, line->id, line->text);
		break;
	case CHAT_INLINE:
		query(t, line->text);
		break;
	case CHAT_JSON:
		try_give_update(t, line->text, strlen(line->text));
		break;
	case CHAT_QUIT:
		try_end_input(t);
		break;
	case CHAT_HELP:
		buf_adds(&t->out, chat_help);
		try_say(t);
		break;
	}
}
