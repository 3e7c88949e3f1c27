/* reply/send: what somebody wants to be sent comes in, calls go out. Where a reply has its update,
 * a message has parameters that name its chat. Invariant: what is to be said is data, whatever it
 * begins with; all of it goes out or nothing. */
#include "reply/send.h"

#include <stdio.h>
#include <string.h>

#include "reply/reply_internal.h"

enum { CAPTION_UNITS = 1024, NAME_MAX_BYTES = 255 };

int send_chat_check(const char *text, struct err *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t sign = *text == '-', digits = strspn(text + sign, "0123456789");
	if (digits && digits <= 15 && !text[sign + digits] && text[sign] != '0')
		return 0;
	size_t n = *text == '@' ? strspn(text + 1, letters) : 0;
	if (n && n <= 64 && !text[1 + n])
		return 0;
	return err_set(err, ERR_USAGE, "'%.80s' is no chat: give its number, or its @name", text);
}

/* The caption, where the whole text fits in one. */
static bool is_caption(const char *text, size_t n, struct text_piece *piece)
{
	struct text_split split = text_split(text, n);
	struct text_piece rest;
	return text_next(&split, piece) && piece->units <= CAPTION_UNITS &&
	       !text_next(&split, &rest);
}

/* The name under which a file arrives: its last part, in UTF-8. */
static int name_of(const char *path, struct buf *name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	if (text_clean(last, strnlen(last, NAME_MAX_BYTES), name))
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; i < name->len; i++)
		if ((unsigned char)name->data[i] < ' ' || name->data[i] == 0x7f)
			name->data[i] = '_';
	return name->len ? 0 : buf_adds(name, "file");
}

static int add_file(const struct reply_spec *spec, const struct target *t,
		    const struct call_file *file, const struct text_piece *caption, struct reply *r,
		    struct err *err)
{
	struct buf name;
	buf_init(&name, 4 * NAME_MAX_BYTES);
	int rc = name_of(file->name, &name, err);
	rc = rc ? rc
		: reply_document_add(spec, t, buf_str(&name), file->bytes, file->length, caption, r,
				     err);
	buf_release(&name);
	return rc;
}

static int compose(const struct send_message *m, const struct reply_spec *spec, const char *text,
		   size_t n, struct reply *r, struct err *err)
{
	const struct target to = { .way = TARGET_CHAT };
	struct text_piece caption;
	bool captioned = m->file_count && is_caption(text, n, &caption);
	int rc = captioned ? 0 : reply_text_add(spec, &to, text, n, r, err);
	for (size_t i = 0; i < m->file_count && rc == 0; i++)
		rc = add_file(spec, &to, &m->files[i], captioned && i == 0 ? &caption : NULL, r,
			      err);
	return rc;
}

int send_compose(const struct send_message *m, const char *chat, const struct secret *secret,
		 struct reply *r, struct err *err)
{
	char to[96], topic[64];
	const char *with[3];
	struct reply_spec spec = { .mode = m->mode, .with = with };
	struct buf text;
	*r = (struct reply){ 0 };
	/* The last comes first. */
	if (m->silent)
		with[spec.with_count++] = "disable_notification=true";
	if (m->topic) {
		snprintf(topic, sizeof topic, "message_thread_id=%lld", (long long)m->topic);
		with[spec.with_count++] = topic;
	}
	if (chat) {
		snprintf(to, sizeof to, "chat_id=%s", chat);
		with[spec.with_count++] = to;
	}
	buf_init(&text, 3 * m->length + 1);
	int rc = text_clean(m->text, m->length, &text) ? err_set(err, ERR_INTERNAL, "out of memory")
						       : 0;
	if (rc == 0 && text.len)
		text.len = secret_redact(secret, text.data, text.len);
	if (rc == 0)
		rc = compose(m, &spec, buf_str(&text), text.len, r, err);
	buf_release(&text);
	if (rc)
		reply_release(r);
	return rc ? -1 : 0;
}
