/* update/vars: an update in, NAME=VALUE for its handler out, or the members of a worker's line:
 * small scalars by one table, each left out where it does not apply.
 *
 * Values are bounded, so that no chat can make an environment too large to start a program with;
 * and none holds a NUL, since that is where an environment ends. */
#include <string.h>

#include "base/utf8.h"
#include "update/scan.h"
#include "update/update.h"
#include "update/update_internal.h"

enum {
	TEXT_MAX = 8 * 1024, /* of TG_TEXT and TG_ARGS */
	WORD_MAX = 1024,     /* of ids and types, which would be wrong if cut: left out instead */
};

/* Where a value goes: into an environment, or, for those that have a member, into an object. */
struct form {
	struct buf *out;
	bool members;
	bool pushed; /* the server has no number for it */
};

#define MEMBER(name) ",\"" name "\":"

static bool takes(const struct form *f, const char *member)
{
	return !f->members || member;
}

static int add_name(const struct form *f, const char *name, const char *member)
{
	return f->members ? buf_adds(f->out, member)
			  : buf_adds(f->out, name) || buf_addc(f->out, '=');
}

static int add_text(const struct form *f, const char *name, const char *member, const char *value,
		    size_t n)
{
	if (!takes(f, member))
		return 0;
	return add_name(f, name, member) ||
	       (f->members ? buf_add_json(f->out, value, n)
			   : buf_add(f->out, value, n) || buf_addc(f->out, '\0'));
}

static bool thread_id(const struct update *u, int64_t *id)
{
	return update_thread(u, id) != THREAD_NONE;
}

static const char *thread_type(const struct update *u)
{
	int64_t id;
	switch (update_thread(u, &id)) {
	case THREAD_TOPIC:
		return "topic";
	case THREAD_DIRECT:
		return "direct";
	case THREAD_NONE:
		break;
	}
	return NULL;
}

/* A value that stands in the update: a number or a word. */
static const struct value {
	const char *name, *member; /* `member` NULL: a worker's line has none */
	bool (*number)(const struct update *u, int64_t *n);
	const char *(*word)(const struct update *u);
} values[] = {
	{ "TG_UPDATE_ID", NULL, update_id, NULL },
	{ "TG_UPDATE_KIND", MEMBER("kind"), NULL, update_kind },
	{ "TG_CHAT_ID", MEMBER("chat_id"), update_chat, NULL },
	{ "TG_CHAT_TYPE", NULL, NULL, update_chat_type },
	{ "TG_THREAD_ID", MEMBER("thread_id"), thread_id, NULL },
	{ "TG_THREAD_TYPE", NULL, NULL, thread_type },
	{ "TG_USER_ID", MEMBER("user_id"), update_user, NULL },
	{ "TG_USER_CHAT_ID", NULL, update_user_chat, NULL },
	{ "TG_SENDER_CHAT_ID", NULL, update_sender_chat, NULL },
	{ "TG_MESSAGE_ID", NULL, update_message_id, NULL },
	{ "TG_QUERY_ID", NULL, NULL, update_query_id },
	{ "TG_GUEST_QUERY_ID", NULL, NULL, update_guest_query },
	{ "TG_BUSINESS_ID", NULL, NULL, update_connection },
	{ "TG_INLINE_MESSAGE_ID", NULL, NULL, update_inline_message },
};

static int add_value(const struct form *f, const struct value *v, const struct update *u)
{
	int64_t n;
	if (!takes(f, v->member))
		return 0;
	if (v->number)
		return v->number(u, &n)
			       ? add_name(f, v->name, v->member) || buf_add_int(f->out, n) ||
					 (!f->members && buf_addc(f->out, '\0'))
			       : 0;
	const char *word = v->word(u);
	size_t length = word ? strlen(word) : 0;
	return length && length <= WORD_MAX ? add_text(f, v->name, v->member, word, length) : 0;
}

/* The length of a text that is cut to TEXT_MAX between two characters. */
static size_t cut(const char *text)
{
	size_t n = strlen(text);
	return n > TEXT_MAX ? utf8_cut(text, TEXT_MAX) : n;
}

/* Whether a text is no command, and in JSON stands as the server wrote it. *length is that of the
 * JSON string. */
static bool is_plain(const char *value, size_t *length)
{
	if (!value || value[1] == '/')
		return false;
	*length = (size_t)(scan_skip(value) - value);
	return *length - 2 <= TEXT_MAX && !memchr(value, '\\', *length);
}

static int add_texts(const struct form *f, const struct update *u, const char *bot_username)
{
	size_t length;
	const char *value = f->members ? field_text(u) : NULL;
	if (is_plain(value, &length))
		return buf_adds(f->out, MEMBER("text")) || buf_add(f->out, value, length);
	const char *text = update_text(u), *args;
	if (!text)
		return 0;
	const char *command = update_command(u, bot_username, &length, &args);
	if (command && (add_text(f, "TG_COMMAND", MEMBER("command"), command, length) ||
			add_text(f, "TG_ARGS", MEMBER("args"), args, cut(args))))
		return -1;
	length = cut(text);
	if (add_text(f, "TG_TEXT", MEMBER("text"), text, length))
		return -1;
	return text[length] ? add_text(f, "TG_TEXT_TRUNCATED", NULL, "1", 1) : 0;
}

static int add_all(const struct form *f, const struct update *u, const char *bot_username)
{
	int rc = 0;
	for (size_t i = 0; i < sizeof values / sizeof *values && rc == 0; i++)
		if (!f->pushed || values[i].number != update_id)
			rc = add_value(f, &values[i], u);
	return rc || add_texts(f, u, bot_username);
}

int update_vars(const struct update *u, const struct vars_context *context, struct buf *out)
{
	const struct form environment = { out, false, context->pushed };
	int rc = add_all(&environment, u, context->bot_username);
	/* Keys are bounded already: sixteen of 200 bytes. */
	if (rc == 0 && context->key && *context->key)
		rc = add_text(&environment, "TG_KEY", NULL, context->key, strlen(context->key));
	return rc ? -1 : 0;
}

int update_members(const struct update *u, const char *bot_username, struct buf *out)
{
	const struct form object = { out, true, false };
	return add_all(&object, u, bot_username) ? -1 : 0;
}
