/* update/update: the bytes of one update in, its ids and texts out. Only the paths of kinds.c are
 * looked at, whatever order the members have; of members with the same name the first counts.
 *
 * Numbers are read from the bytes: cJSON would make a double of them, and 9007199254740993 is an
 * id. Texts are decoded when first asked for, into an arena made with the update: decoded text is
 * never longer than what it was written as, so nothing here can fail after update_parse(). */
#include "update/update.h"

#include <stdlib.h>
#include <string.h>

#include "update/kinds.h"
#include "update/members.h"
#include "update/scan.h"
#include "update/update_internal.h"

enum { KIND_MAX = 64 };
enum text {
	CHAT_TYPE,
	BUSINESS,
	CONNECTION,
	GUEST,
	POLL_ID,
	QUERY_ID,
	INLINE_MESSAGE,
	TEXT,
	TEXTS,
};

/* Texts decoded so far. Not part of the update's value: reading them changes no update. */
struct arena {
	bool known[TEXTS];
	const char *value[TEXTS];
	size_t used;
	char bytes[];
};

struct update {
	const char *root;       /* the update's brace */
	const char *object;     /* what stands under the kind; NULL: there is no kind */
	const char *place;      /* the message that tells the chat, or `object` */
	const char *chat;       /* the chat's id; NULL: none */
	const struct kind *row; /* kinds_generic for an unknown kind */
	char kind[KIND_MAX + 1];
	struct arena *arena;    /* in the same block */
	size_t room;            /* bytes of that */
	struct members members; /* of `object` */
};

/* Reads the kind's name, decoded in `name`. */
static void set_kind(struct update *u, const char *name, size_t n)
{
	n = n < KIND_MAX ? n : KIND_MAX;
	for (size_t i = 0; i < n; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789_", name[i], 37))
			return;
	memcpy(u->kind, name, n);
	u->kind[n] = '\0';
	const struct kind *row = kinds_find(u->kind, n);
	if (row)
		u->row = row;
}

static void find_kind(struct update *u)
{
	for (struct scan_walk w = scan_walk(u->root); scan_next(&w);) {
		bool nul;
		char *name = u->arena->bytes; /* not in use yet */
		if (*w.value != '{')
			continue;
		size_t n = scan_decode(w.name, name, &nul);
		if (n == strlen("update_id") && memcmp(name, "update_id", n) == 0)
			continue;
		u->object = w.value;
		set_kind(u, name, n);
		return;
	}
}

/* A member of the kind's object; NULL: there is none. */
static const char *of_object(const struct update *u, const char *name)
{
	return members_get(&u->members, name, strlen(name));
}

/* The value at a path in the kind's object. */
static const char *find_path(const struct update *u, const char *path, size_t n)
{
	const char *dot = memchr(path, '.', n);
	if (!dot)
		return members_get(&u->members, path, n);
	size_t first = (size_t)(dot - path);
	return scan_path(members_get(&u->members, path, first), dot + 1, n - first - 1);
}

/* The first integer found by `paths` (dotted, `|` between; may be NULL) in the kind's object. *path
 * and *length, unless NULL, get which path it was. */
static const char *find_integer(const struct update *u, const char *paths, const char **path,
				size_t *length)
{
	while (u->object && paths) {
		size_t n = strcspn(paths, "|");
		const char *value = find_path(u, paths, n);
		int64_t number;
		if (scan_integer(value, &number)) {
			if (path) {
				*path = paths;
				*length = n;
			}
			return value;
		}
		paths = paths[n] ? paths + n + 1 : NULL;
	}
	return NULL;
}

static void find_chat(struct update *u)
{
	static const char tail[] = ".chat.id";
	const char *path = "";
	size_t n = 0, tail_length = sizeof tail - 1;
	u->place = u->object;
	u->chat = find_integer(u, u->row->chat, &path, &n);
	if (n > tail_length && memcmp(path + n - tail_length, tail, tail_length) == 0)
		u->place = find_path(u, path, n - tail_length);
}

struct update *update_of_checked(struct update *old, const char *json, size_t n)
{
	struct arena *arena;
	struct update *u = old;
	if (!u || u->room < n) {
		u = realloc(old, sizeof *u + sizeof *arena + n);
		if (!u)
			return NULL;
		u->room = n;
	}
	arena = (struct arena *)(u + 1);
	*arena = (struct arena){ .used = 0 };
	u->arena = arena;
	u->root = json;
	u->object = NULL;
	u->row = &kinds_generic;
	u->kind[0] = '\0';
	find_kind(u);
	members_find(&u->members, u->object);
	find_chat(u);
	return u;
}

struct update *update_parse(const char *json, size_t n, struct err *err)
{
	struct scan_fault fault;
	const char *root = scan_check(json, json + n, &fault);
	if (!root) {
		err_set(err, ERR_IO, "the update %s at byte %zu", fault.why, fault.at);
		return NULL;
	}
	if (*root != '{') {
		err_set(err, ERR_IO, "the update is no JSON object");
		return NULL;
	}
	struct update *u = update_of_checked(NULL, root, n);
	if (!u)
		err_set(err, ERR_INTERNAL, "out of memory");
	return u;
}

void update_free(struct update *u)
{
	free(u);
}

const char *field_root(const struct update *u)
{
	return u->root;
}

const char *field_place(const struct update *u, const char *name)
{
	return u->place == u->object ? of_object(u, name) : scan_named(u->place, name);
}

bool update_id(const struct update *u, int64_t *id)
{
	return scan_integer(scan_named(u->root, "update_id"), id);
}

const char *update_kind(const struct update *u)
{
	return u->kind;
}

bool update_chat(const struct update *u, int64_t *id)
{
	return scan_integer(u->chat, id);
}

bool update_sender_chat(const struct update *u, int64_t *id)
{
	return scan_integer(find_integer(u, u->row->sender, NULL, NULL), id);
}

bool update_user(const struct update *u, int64_t *id)
{
	int64_t chat;
	if (update_sender_chat(u, &chat))
		return false;
	return scan_integer(find_integer(u, u->row->user, NULL, NULL), id);
}

/* A number that scan_integer() does not read. */
static bool is_odd(const char *value)
{
	int64_t n;
	if (!scan_is_string(value))
		return (*value == '-' || scan_is_digit(*value)) && !scan_integer(value, &n);
	const char *p = value + 1 + (value[1] == '-'), *digits = p;
	while (scan_is_digit(*p))
		p++;
	return p > digits && *p == '"';
}

static const char *find_odd(const struct update *u, const char *paths, size_t *length)
{
	for (; u->object && paths; paths = paths[*length] ? paths + *length + 1 : NULL) {
		*length = strcspn(paths, "|");
		const char *value = find_path(u, paths, *length);
		if (value && is_odd(value))
			return paths;
	}
	return NULL;
}

const char *update_odd_id(const struct update *u, size_t *length)
{
	int64_t id;
	if (u->chat)
		return NULL;
	const char *path = find_odd(u, u->row->chat, length);
	if (path || update_user(u, &id) || update_sender_chat(u, &id))
		return path;
	path = find_odd(u, u->row->user, length);
	return path ? path : find_odd(u, u->row->sender, length);
}

bool update_user_chat(const struct update *u, int64_t *id)
{
	return strcmp(u->kind, "chat_join_request") == 0 &&
	       scan_integer(scan_named(u->object, "user_chat_id"), id);
}

bool update_by_bot(const struct update *u, int64_t bot_id)
{
	const char *from = scan_named(u->object, "from"), *is_bot = scan_named(from, "is_bot");
	int64_t id;
	if (scan_integer(scan_named(from, "id"), &id) && id == bot_id)
		return true;
	if (scan_named(u->object, "sender_business_bot"))
		return true;
	return is_bot && *is_bot == 't' && !scan_named(u->object, "sender_chat");
}

bool update_message_id(const struct update *u, int64_t *id)
{
	return scan_integer(field_place(u, "message_id"), id);
}

/* `value`, which may be NULL, if it is a string; else NULL. */
static const char *string(const char *value)
{
	return scan_is_string(value) ? value : NULL;
}

/* What was written as the text of a message; NULL if nothing was. */
static const char *message_text(const struct update *u)
{
	const char *value = string(of_object(u, "text"));
	return value ? value : string(of_object(u, "caption"));
}

const char *field_text(const struct update *u)
{
	const char *value = message_text(u);
	if (!value)
		value = string(of_object(u, "query"));
	return value ? value : string(of_object(u, "data"));
}

static const char *find_text(const struct update *u, enum text which)
{
	switch (which) {
	case CHAT_TYPE:
		return string(scan_named(field_place(u, "chat"), "type"));
	case BUSINESS:
		return string(field_place(u, "business_connection_id"));
	case CONNECTION:
		return strcmp(u->kind, "business_connection") == 0 ? string(of_object(u, "id"))
								   : NULL;
	case GUEST:
		return string(field_place(u, "guest_query_id"));
	case INLINE_MESSAGE:
		return string(of_object(u, "inline_message_id"));
	case POLL_ID:
		return strcmp(u->kind, "poll") == 0 ? string(of_object(u, "id")) : NULL;
	case QUERY_ID:
		/* The queries are the kinds whose answer is refused after a time. */
		return u->object && u->row->answerable ? string(of_object(u, "id")) : NULL;
	case TEXT:
		return field_text(u);
	case TEXTS:
		break;
	}
	return NULL;
}

static const char *text(const struct update *u, enum text which)
{
	struct arena *a = u->arena;
	if (a->known[which])
		return a->value[which];
	a->known[which] = true;
	const char *value = find_text(u, which);
	if (!value)
		return NULL;
	bool nul;
	char *decoded = a->bytes + a->used;
	size_t n = scan_decode(value, decoded, &nul);
	if (nul)
		return NULL;
	decoded[n] = '\0';
	a->used += n + 1;
	return a->value[which] = decoded;
}

const char *update_chat_type(const struct update *u)
{
	return text(u, CHAT_TYPE);
}

const char *update_business(const struct update *u)
{
	const char *id = text(u, BUSINESS);
	return id && *id ? id : NULL;
}

const char *update_connection(const struct update *u)
{
	const char *id = update_business(u);
	return id ? id : text(u, CONNECTION);
}

const char *update_guest_query(const struct update *u)
{
	const char *id = text(u, GUEST);
	return id && *id ? id : NULL;
}

bool update_is_guest(const struct update *u)
{
	return update_guest_query(u) || strcmp(u->kind, "guest_message") == 0;
}

const char *update_inline_message(const struct update *u)
{
	return text(u, INLINE_MESSAGE);
}

const char *update_poll_id(const struct update *u)
{
	return text(u, POLL_ID);
}

const char *update_query_id(const struct update *u)
{
	return text(u, QUERY_ID);
}

const char *update_text(const struct update *u)
{
	return text(u, TEXT);
}

bool field_text_is_message(const struct update *u)
{
	return message_text(u) != NULL;
}

const char *field_entities(const struct update *u)
{
	return of_object(u, string(of_object(u, "text")) ? "entities" : "caption_entities");
}
