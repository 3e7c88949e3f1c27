/* update/vars: an update in, NAME=VALUE for its handler out: small scalars, each left out where it
 * does not apply.
 *
 * Values are bounded, so that no chat can make an environment too large to start a program with;
 * and none holds a NUL, since that is where an environment ends. */
#include <string.h>

#include "base/utf8.h"
#include "update/update.h"

enum {
	TEXT_MAX = 8 * 1024, /* of TG_TEXT and TG_ARGS */
	WORD_MAX = 1024,     /* of ids and types, which would be wrong if cut: left out instead */
};

static int add(struct buf *out, const char *name, const char *value, size_t n)
{
	return buf_adds(out, name) || buf_addc(out, '=') || buf_add(out, value, n) ||
	       buf_addc(out, '\0');
}

static int add_word(struct buf *out, const char *name, const char *value)
{
	size_t n = value ? strlen(value) : 0;
	return n && n <= WORD_MAX ? add(out, name, value, n) : 0;
}

static int add_number(struct buf *out, const char *name,
		      bool (*read)(const struct update *, int64_t *), const struct update *u)
{
	int64_t n;
	return read(u, &n) ? buf_adds(out, name) || buf_addc(out, '=') || buf_add_int(out, n) ||
				     buf_addc(out, '\0')
			   : 0;
}

static int add_thread(struct buf *out, const struct update *u)
{
	int64_t id;
	enum update_thread type = update_thread(u, &id);
	if (type == THREAD_NONE)
		return 0;
	return buf_adds(out, "TG_THREAD_ID=") || buf_add_int(out, id) || buf_addc(out, '\0') ||
	       add_word(out, "TG_THREAD_TYPE", type == THREAD_DIRECT ? "direct" : "topic");
}

/* Adds a text, cut to TEXT_MAX between two characters. *cut tells whether it was. */
static int add_text(struct buf *out, const char *name, const char *text, bool *cut)
{
	size_t n = strlen(text);
	*cut = n > TEXT_MAX;
	return add(out, name, text, *cut ? utf8_cut(text, TEXT_MAX) : n);
}

static int add_texts(const struct update *u, const char *bot_username, struct buf *out)
{
	const char *text = update_text(u), *args;
	size_t length;
	bool cut;
	if (!text)
		return 0;
	const char *command = update_command(u, bot_username, &length, &args);
	if (command &&
	    (add(out, "TG_COMMAND", command, length) || add_text(out, "TG_ARGS", args, &cut)))
		return -1;
	if (add_text(out, "TG_TEXT", text, &cut))
		return -1;
	return cut ? add(out, "TG_TEXT_TRUNCATED", "1", 1) : 0;
}

int update_vars(const struct update *u, const struct vars_context *context, struct buf *out)
{
	int rc = (!context->pushed && add_number(out, "TG_UPDATE_ID", update_id, u)) ||
		 add_word(out, "TG_UPDATE_KIND", update_kind(u)) ||
		 add_number(out, "TG_CHAT_ID", update_chat, u) ||
		 add_word(out, "TG_CHAT_TYPE", update_chat_type(u)) || add_thread(out, u) ||
		 add_number(out, "TG_USER_ID", update_user, u) ||
		 add_number(out, "TG_USER_CHAT_ID", update_user_chat, u) ||
		 add_number(out, "TG_SENDER_CHAT_ID", update_sender_chat, u) ||
		 add_number(out, "TG_MESSAGE_ID", update_message_id, u) ||
		 add_word(out, "TG_QUERY_ID", update_query_id(u)) ||
		 add_word(out, "TG_GUEST_QUERY_ID", update_guest_query(u)) ||
		 add_word(out, "TG_BUSINESS_ID", update_connection(u)) ||
		 add_word(out, "TG_INLINE_MESSAGE_ID", update_inline_message(u)) ||
		 add_texts(u, context->bot_username, out);
	/* Keys are bounded already: sixteen of 200 bytes. */
	if (rc == 0 && context->key && *context->key)
		rc = add(out, "TG_KEY", context->key, strlen(context->key));
	return rc ? -1 : 0;
}
