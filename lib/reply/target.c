/* reply/target: an update in, where its answer goes out: one rule for all kinds, and what calls
 * have filled in from it.
 *
 * A chat is filled in only if its id is one that the bot may write to: that of a guest's chat may
 * be another chat's. */
#include "reply/target.h"

#include <stdlib.h>
#include <string.h>

#include "api/methods.h"
#include "base/json.h"
#include "update/scan.h"

/* What text answers: the kinds in which somebody speaks to the bot. */
static const char *const spoken[] = {
	"message",      "business_message", "guest_message",
	"channel_post", "callback_query",   "chat_join_request",
};

/* Whose answer takes the update's query, and by which parameter. */
static const struct {
	const char *kind;
	unsigned trait;
	const char *parameter;
} queries[] = {
	{ "callback_query", METHOD_QUERY_CALLBACK, "callback_query_id" },
	{ "inline_query", METHOD_QUERY_INLINE, "inline_query_id" },
	{ "shipping_query", METHOD_QUERY_SHIPPING, "shipping_query_id" },
	{ "pre_checkout_query", METHOD_QUERY_CHECKOUT, "pre_checkout_query_id" },
	{ "guest_message", METHOD_QUERY_GUEST, "guest_query_id" },
};
enum { QUERIES = sizeof queries / sizeof *queries };

static enum target_way way_of(const struct update *u, int64_t bot_id, const struct target *t)
{
	const char *kind = update_kind(u);
	size_t i = 0;
	while (i < sizeof spoken / sizeof *spoken && strcmp(kind, spoken[i]) != 0)
		i++;
	if (i == sizeof spoken / sizeof *spoken)
		return TARGET_NONE;
	if (update_by_bot(u, bot_id))
		return TARGET_BOT;
	if (t->has_chat)
		return TARGET_CHAT;
	return t->answers == METHOD_QUERY_CALLBACK ? TARGET_BUTTON
	       : t->answers == METHOD_QUERY_GUEST  ? TARGET_GUEST
						   : TARGET_LOST;
}

void target_of(const struct update *u, int64_t bot_id, struct target *t)
{
	*t = (struct target){ 0 };
	const char *kind = update_kind(u);
	for (size_t i = 0; i < QUERIES; i++)
		if (strcmp(kind, queries[i].kind) == 0) {
			t->query = update_query_id(u);
			if (!t->query)
				t->query = update_guest_query(u);
			t->answers = t->query ? queries[i].trait : 0;
		}
	t->connection = update_connection(u);
	if (strcmp(kind, "chat_join_request") == 0) {
		t->has_chat = update_user_chat(u, &t->chat);
	} else if (!update_is_guest(u) && update_chat(u, &t->chat)) {
		t->has_chat = true;
		t->business = update_business(u);
		t->thread = update_thread(u, &t->thread_id);
		t->has_message = update_message_id(u, &t->message);
	}
	t->way = way_of(u, bot_id, t);
}

/* The value of a variable; NULL without it. */
static const char *variable(char *const *env, const char *name)
{
	size_t n = strlen(name);
	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static bool number(char *const *env, const char *name, int64_t *out)
{
	const char *text = variable(env, name);
	char *end = NULL;
	if (!text || !*text)
		return false;
	*out = strtoll(text, &end, 10);
	return !*end;
}

void target_of_vars(char *const *env, struct target *t)
{
	*t = (struct target){ .way = TARGET_NONE };
	const char *kind = variable(env, "TG_UPDATE_KIND");
	const char *guest = variable(env, "TG_GUEST_QUERY_ID");
	const char *type = variable(env, "TG_THREAD_TYPE");
	if (!kind)
		return;
	for (size_t i = 0; i < QUERIES; i++)
		if (strcmp(kind, queries[i].kind) == 0) {
			t->query = variable(env, "TG_QUERY_ID");
			if (!t->query)
				t->query = guest;
			t->answers = t->query ? queries[i].trait : 0;
		}
	t->connection = variable(env, "TG_BUSINESS_ID");
	if (strcmp(kind, "chat_join_request") == 0) {
		t->has_chat = number(env, "TG_USER_CHAT_ID", &t->chat);
	} else if (!guest && strcmp(kind, "guest_message") != 0 &&
		   number(env, "TG_CHAT_ID", &t->chat)) {
		t->has_chat = true;
		/* That a connection was made or ended is told of in no chat of it. */
		t->business = strcmp(kind, "business_connection") == 0 ? NULL : t->connection;
		if (number(env, "TG_THREAD_ID", &t->thread_id))
			t->thread = type && strcmp(type, "direct") == 0 ? THREAD_DIRECT
									: THREAD_TOPIC;
	}
}

static bool has(const char *params, const char *name)
{
	const char *value = scan_named(params, name);
	return value && *value != 'n';
}

int target_fill(const struct target *t, unsigned traits, const char *params, struct buf *out)
{
	int rc = 0;
	bool own = has(params, "chat_id") || has(params, "user_id") ||
		   has(params, "inline_message_id");
	bool chat = t->has_chat && !own && traits & METHOD_CHAT;
	if (chat)
		rc = json_add_number(out, "chat_id", t->chat);
	if (rc == 0 && chat && t->thread == THREAD_TOPIC && traits & METHOD_TOPIC &&
	    !has(params, "message_thread_id"))
		rc = json_add_number(out, "message_thread_id", t->thread_id);
	if (rc == 0 && chat && t->thread == THREAD_DIRECT && traits & METHOD_DIRECT &&
	    !has(params, "direct_messages_topic_id"))
		rc = json_add_number(out, "direct_messages_topic_id", t->thread_id);
	const char *business = chat                          ? t->business
			       : own || traits & METHOD_CHAT ? NULL
							     : t->connection;
	if (rc == 0 && business && traits & METHOD_BUSINESS &&
	    !has(params, "business_connection_id"))
		rc = json_add_text(out, "business_connection_id", business);
	for (size_t i = 0; i < QUERIES && rc == 0; i++)
		if (traits & t->answers & queries[i].trait && !has(params, queries[i].parameter))
			rc = json_add_text(out, queries[i].parameter, t->query);
	return rc;
}

int target_complete(const struct target *t, unsigned traits, const char *object,
		    const char *without, struct buf *out)
{
	bool gone = false;
	int rc = buf_addc(out, '{') || target_fill(t, traits, object, out);
	for (struct scan_walk w = scan_walk(object); rc == 0 && scan_next(&w);) {
		if (without && !gone && scan_reads(w.name, without, strlen(without))) {
			gone = true;
			continue;
		}
		if (out->data[out->len - 1] != '{')
			rc = buf_addc(out, ',');
		if (rc == 0)
			rc = buf_add(out, w.name, (size_t)(scan_end(&w) - w.name));
	}
	return rc || buf_addc(out, '}') ? -1 : 0;
}
