/* cli/try/try_record: --record and --replay. What was typed and what is shown of what happened
 * comes in; a file of it, or what differs from one, goes out at the end. Kept is what is seen in a
 * chat and what became of updates, and nothing that depends on how fast something was.
 *
 * Invariant: the file is whole: it is written at the end, and until then it is what it was. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/print.h"
#include "cli/try/chat_mask.h"
#include "cli/try/try_internal.h"

static int read_all(int fd, struct buf *out)
{
	ssize_t n = 1;
	while (n > 0) {
		if (buf_reserve(out, 1 << 16))
			return -1;
		n = read(fd, out->data + out->len, 1 << 16);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			out->len += (size_t)n;
	}
	if (out->data)
		out->data[out->len] = '\0';
	return (int)n;
}

static int open_replay(struct try *t, const char *path, struct err *err)
{
	struct buf text;
	struct err why;
	bool in = strcmp(path, "-") == 0;
	int fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	buf_init(&text, CHAT_RECORD_MAX);
	if (fd < 0 || read_all(fd, &text))
		err_sys(err, ERR_NOINPUT, errno, "cannot read '%s' of --replay", path);
	else if (!(t->record = chat_record_read(buf_str(&text), text.len, &why)))
		err_set(err, why.status, "'%s' of --replay: %s", path, why.text);
	if (fd >= 0 && !in)
		close(fd);
	buf_release(&text);
	t->mode = TRY_REPLAY;
	return t->record ? 0 : -1;
}

int try_record_open(struct try *t, struct err *err)
{
	const struct config *c = &t->setup->config;
	t->input_began = clock_system.wall(&clock_system);
	if (c->updates && (c->record || c->replay))
		return err_set(err, ERR_USAGE,
			       "--updates takes no --record or --replay: they go by what is typed");
	if (c->replay && open_replay(t, c->replay, err))
		return -1;
	if (!c->record)
		return 0;
	if (strcmp(c->record, "-") == 0)
		return err_set(err, ERR_USAGE, "--record writes a file, which is to be named");
	t->record_fd = open(c->record, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (t->record_fd < 0)
		return err_sys(err, ERR_CANTCREATE, errno, "cannot write '%s' of --record",
			       c->record);
	if (!t->record)
		t->record = chat_record_new();
	return t->record ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

static void lose(struct try *t)
{
	if (t->record)
		SAY(t, CHAT_RED, "the conversation is not kept: out of memory");
	chat_record_free(t->record);
	t->record = NULL;
}

void try_record_begin(struct try *t, bool counts)
{
	bool replayed = t->mode == TRY_REPLAY;
	t->input_began = clock_system.wall(&clock_system);
	if (t->record && (counts || replayed) &&
	    chat_record_begin(t->record, buf_str(&t->typed_lines)))
		lose(t);
	buf_clear(&t->typed_lines);
}

void try_record_add(struct try *t, enum chat_order order, int64_t chat)
{
	struct buf masked;
	struct tm local;
	time_t now = (time_t)(clock_system.wall(&clock_system) / 1000);
	if (!t->record || !t->out.len)
		return;
	localtime_r(&now, &local);
	const char *port = strstr(sandbox_url(t->sandbox), "127.0.0.1:");
	struct chat_masks masks = {
		.from = t->input_began / 1000,
		.to = now,
		.offset = local.tm_gmtoff,
		.words = { { port, "127.0.0.1:<number>" }, { t->place, "<any>" } },
	};
	if (t->mode != TRY_REPLAY && !t->wild)
		t->wild = chat_mask_wild(buf_str(&t->out));
	buf_init(&masked, 4 * CHAT_SHOW_MAX);
	t->out.len = secret_redact(t->setup->secret, t->out.data, t->out.len);
	t->out.data[t->out.len] = '\0';
	if (chat_mask(&masks, t->out.data, &masked) ||
	    chat_record_add(t->record, order, chat, buf_str(&masked)))
		lose(t);
	buf_release(&masked);
}

void try_record_call(struct try *t, const struct sandbox_call *call)
{
	const char *named = json_text(call->params, "chat_id");
	int64_t chat = call->chat ? call->chat
		       : *named   ? strtoll(named, NULL, 10)
				  : (int64_t)json_number(call->params, "chat_id");
	/* When a bot asks what, and how long it seems to write, is not the same each time. */
	if (strncasecmp(call->method, "get", 3) == 0 || strcmp(call->method, "sendChatAction") == 0)
		return;
	if (strncmp(call->method, "answer", 6) == 0)
		try_record_add(t, RECORD_QUERY, 0);
	else if (!chat)
		try_record_add(t, RECORD_NO_CHAT, 0);
	else
		try_record_add(t, chat == t->chat.chat_id ? RECORD_HERE : RECORD_CHAT, chat);
}

/* What stood there before is cut away; of a pipe or a terminal there is nothing to cut. */
static int write_out(int fd, const struct buf *text)
{
	if (ftruncate(fd, 0) && errno != EINVAL)
		return -1;
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->data + done, text->len - done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int record(struct try *t, struct err *err)
{
	struct buf text;
	const char *path = t->setup->config.record;
	buf_init(&text, CHAT_RECORD_MAX);
	bool empty = t->record && chat_record_is_empty(t->record);
	if (empty)
		SAY(t, CHAT_DIM, "nothing was typed, and nothing is written to '%s'", path);
	int rc = empty ? 0
		 : !t->record || chat_record_write(t->record, &text)
			 ? err_set(err, ERR_INTERNAL, "out of memory")
		 : write_out(t->record_fd, &text)
			 ? err_sys(err, ERR_IO, errno, "cannot write '%s' of --record", path)
			 : 0;
	buf_release(&text);
	if (rc == 0 && t->wild)
		SAY(t, CHAT_DIM, "the bot said %s, which stands for what may differ in '%s'",
		    t->wild, path);
	if (close(t->record_fd) && rc == 0)
		rc = err_sys(err, ERR_IO, errno, "cannot write '%s' of --record", path);
	t->record_fd = -1;
	return rc;
}

static int compare(struct try *t, struct err *err)
{
	struct buf text;
	buf_init(&text, CHAT_RECORD_MAX);
	int differs = t->record ? chat_record_diff(t->record, t->setup->config.replay, &text) : -1;
	if (differs < 0)
		err_set(err, ERR_INTERNAL, "out of memory");
	for (char *s = text.data, *end; differs > 0 && (end = strchr(s, '\n')); s = end + 1) {
		*end = '\0';
		print_line(stdout, "%s", s);
	}
	if (differs > 0 && print_end(err))
		differs = -1;
	buf_release(&text);
	return differs;
}

int try_record_end(struct try *t, struct err *err)
{
	bool replayed = t->mode == TRY_REPLAY;
	int differs = replayed ? compare(t, err) : 0;
	if (differs < 0 || (t->record_fd >= 0 && record(t, err)))
		return -1;
	return differs;
}
