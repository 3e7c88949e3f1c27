/* reply/reply_text: a text and where it goes in, the calls that bring it there out: messages, one
 * document in place of many, or the one answer that a query takes. */
#include <stdlib.h>
#include <string.h>

#include "api/methods.h"
#include "base/json.h"
#include "reply/reply_internal.h"
#include "reply/text.h"
#include "update/scan.h"

static const char document[] = "reply.txt";

static int no_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

static const char *mode_of(const struct reply_spec *spec)
{
	return spec->mode == REPLY_HTML       ? "HTML"
	       : spec->mode == REPLY_MARKDOWN ? "MarkdownV2"
					      : NULL;
}

/* The text as the member `name`, with how it is to be read. */
static int add_text(const struct reply_spec *spec, const char *name, const struct text_piece *piece,
		    struct buf *out)
{
	const char *mode = mode_of(spec);
	bool caption = strcmp(name, "caption") == 0;
	int rc = json_add_name(out, name) || buf_add_json(out, piece->text, piece->length);
	if (rc == 0 && mode)
		rc = json_add_text(out, "parse_mode", mode);
	if (rc == 0 && spec->mode == REPLY_PRE)
		rc = buf_addf(out,
			      ",\"%sentities\":[{\"type\":\"pre\",\"offset\":0,\"length\":%zu}]",
			      caption ? "caption_" : "", piece->units);
	return rc;
}

/* Whether a value of --reply-with goes out as it is: all that JSON has but texts and null. */
static bool is_json(const char *value)
{
	struct scan_fault fault;
	const char *v = scan_check(value, value + strlen(value), &fault);
	return v && *v != '"' && *v != 'n';
}

/* Adds the parameters of --reply-with; `only` (NULL: all) is the name of the one that is wanted.
 * The last of a name comes first, where the server looks. */
static int add_with(const struct reply_spec *spec, const char *only, struct buf *out)
{
	int rc = 0;
	for (size_t i = spec->with_count; i-- > 0 && rc == 0;) {
		const char *name = spec->with[i], *value = strchr(name, '=');
		size_t n = (size_t)(value++ - name);
		if (only && (strlen(only) != n || memcmp(only, name, n) != 0))
			continue;
		rc = buf_addf(out, "%s\"%.*s\":", out->data[out->len - 1] == '{' ? "" : ",", (int)n,
			      name);
		if (rc == 0)
			rc = is_json(value) ? buf_adds(out, value)
					    : buf_add_json(out, value, strlen(value));
	}
	return rc;
}

/* What a message and a document have in common; `method` says what of the place it takes. */
static int begin(const struct reply_spec *spec, const struct target *t, const char *method,
		 bool first, struct buf *out)
{
	int rc = buf_addc(out, '{') || target_fill(t, methods_traits(method), NULL, out);
	if (rc == 0 && first && spec->quote && t->has_message)
		rc = json_add_name(out, "reply_parameters") || buf_addc(out, '{') ||
		     json_add_number(out, "message_id", t->message) ||
		     buf_adds(out, ",\"allow_sending_without_reply\":true}");
	return rc ? rc : add_with(spec, NULL, out);
}

/* Adds the call whose parameters stand in `out`, all but the last brace. `rc`: whether that
 * failed. */
static struct call *finish(struct reply *r, const char *method, struct buf *out, int rc,
			   struct err *err)
{
	struct call *c = NULL;
	if (rc || buf_addc(out, '}'))
		no_memory(err);
	else
		c = reply_add(r, method, out, err);
	buf_release(out);
	return c;
}

static int add_message(const struct reply_spec *spec, const struct target *t,
		       const struct text_piece *piece, bool first, struct reply *r, struct err *err)
{
	struct buf out;
	buf_init(&out, SIZE_MAX / 2);
	int rc = begin(spec, t, "sendMessage", first, &out) || add_text(spec, "text", piece, &out);
	struct call *c = finish(r, "sendMessage", &out, rc, err);
	if (!c)
		return -1;
	c->plain = mode_of(spec) != NULL;
	return 0;
}

int reply_document_add(const struct reply_spec *spec, const struct target *t, const char *name,
		       const char *bytes, size_t n, const struct text_piece *caption,
		       struct reply *r, struct err *err)
{
	struct buf out, file;
	buf_init(&out, SIZE_MAX / 2);
	buf_init(&file, SIZE_MAX / 2);
	int rc = buf_adds(&file, "attach://") || buf_adds(&file, name) ||
		 begin(spec, t, "sendDocument", true, &out) ||
		 json_add_text(&out, "document", buf_str(&file));
	buf_release(&file);
	if (rc == 0 && caption)
		rc = add_text(spec, "caption", caption, &out);
	struct call *c = finish(r, "sendDocument", &out, rc, err);
	if (!c)
		return -1;
	c->plain = caption && mode_of(spec);
	c->file = (struct call_file){ strdup(name), malloc(n + 1), n };
	if (!c->file.name || !c->file.bytes)
		return no_memory(err);
	memcpy(c->file.bytes, bytes, n);
	return 0;
}

/* Html and markdown are cut at line ends, too, and elsewhere only in a line that is longer than a
 * message: what the server cannot parse then goes out as plain text. */
static int add_messages(const struct reply_spec *spec, const struct target *t, const char *text,
			size_t n, struct reply *r, struct err *err)
{
	struct text_split split = text_split(text, n), counted = split;
	struct text_piece piece;
	int count = 0;
	while (count <= REPLY_MESSAGES_MAX && text_next(&counted, &piece))
		count++;
	if (count > REPLY_MESSAGES_MAX)
		return reply_document_add(spec, t, document, text, n, NULL, r, err);
	for (bool first = true; text_next(&split, &piece); first = false)
		if (add_message(spec, t, &piece, first, r, err))
			return -1;
	return 0;
}

/* The text as what the user sees who pressed the button: a line of 200 characters. */
static int add_button(const struct reply_spec *spec, const struct target *t, const char *text,
		      size_t n, struct reply *r, struct err *err)
{
	struct buf out;
	size_t fits = text_fit(text, n, TEXT_BUTTON_UNITS);
	buf_init(&out, SIZE_MAX / 2);
	int rc = begin(spec, t, "answerCallbackQuery", false, &out) ||
		 json_add_name(&out, "text") || buf_add_json(&out, text, fits);
	if (fits < n)
		r->note = REPLY_CUT;
	return finish(r, "answerCallbackQuery", &out, rc, err) ? 0 : -1;
}

/* The first message of the text as the one that a guest gets. */
static int add_guest(const struct reply_spec *spec, const struct target *t, const char *text,
		     size_t n, struct reply *r, struct err *err)
{
	struct text_split split = text_split(text, n);
	struct text_piece piece, rest;
	struct buf out;
	if (!text_next(&split, &piece))
		return 0;
	if (text_next(&split, &rest))
		r->note = REPLY_CUT;
	buf_init(&out, SIZE_MAX / 2);
	int rc = buf_addc(&out, '{') ||
		 target_fill(t, methods_traits("answerGuestQuery"), NULL, &out) ||
		 buf_adds(&out,
			  ",\"result\":{\"type\":\"article\",\"id\":\"1\",\"title\":\"reply\","
			  "\"input_message_content\":{") ||
		 add_text(spec, "message_text", &piece, &out) ||
		 add_with(spec, "link_preview_options", &out) || buf_addc(&out, '}') ||
		 add_with(spec, "reply_markup", &out) || buf_addc(&out, '}');
	struct call *c = finish(r, "answerGuestQuery", &out, rc, err);
	if (!c)
		return -1;
	c->plain = mode_of(spec) != NULL;
	return 0;
}

int reply_text_add(const struct reply_spec *spec, const struct target *t, const char *text,
		   size_t n, struct reply *r, struct err *err)
{
	if (text_is_blank(text, n))
		return 0;
	switch (t->way) {
	case TARGET_CHAT:
		return add_messages(spec, t, text, n, r, err);
	case TARGET_BUTTON:
		return add_button(spec, t, text, n, r, err);
	case TARGET_GUEST:
		return add_guest(spec, t, text, n, r, err);
	case TARGET_NONE:
	case TARGET_LOST:
	case TARGET_BOT:
		break;
	}
	return 0;
}
