/* update/keys: an update and the specification of --key in, the names it shares with the updates
 * that it must wait for out.
 *
 * A key is text without white space, so several stand in one string with a space between; equal
 * keys are equal bytes. Two conversations never get one key: business and guest chats have names of
 * their own, because their ids may be those of other chats. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "update/update.h"

enum { KEYS_MAX = 16, KEY_MAX = 200 };

enum sort { SORT_CHAT, SORT_TOPIC, SORT_USER, SORT_NONE, SORT_POINTER };

/* In the order of enum sort. */
static const char *const sorts[] = { "chat", "topic", "user", "none" };

struct key_spec {
	size_t count;
	enum sort sort[KEYS_MAX];
	const char *name[KEYS_MAX]; /* the word or the pointer, inside `words` */
	char *words;                /* the values with commas between, taken apart */
	char *text;                 /* the names with commas between, each once */
};

static int unknown(const char *word, struct err *err)
{
	if (word[0] == '/')
		return err_set(
			err, ERR_USAGE,
			"the key '%.100s' is no JSON Pointer; write '~' as '~0', and at most 500 bytes",
			word);
	const char *near = nearest_find(word, sorts, sizeof sorts / sizeof *sorts);
	if (near)
		return err_set(err, ERR_USAGE, "'%.100s' is no key; did you mean '%s'?", word,
			       near);
	return err_set(
		err, ERR_USAGE,
		"'%.100s' is no key; write chat, topic, user, none or a JSON Pointer such as /message/from/id",
		word);
}

static int add_word(struct key_spec *k, const char *word, struct err *err)
{
	enum sort sort = SORT_CHAT;
	while (sort < SORT_POINTER && strcmp(word, sorts[sort]) != 0)
		sort++;
	if (sort == SORT_POINTER && (word[0] != '/' || !update_pointer_is_valid(word)))
		return unknown(word, err);
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->name[i], word) == 0)
			return 0;
	if (k->count && (sort == SORT_NONE || k->sort[0] == SORT_NONE))
		return err_set(err, ERR_USAGE, "the key 'none' cannot stand beside others");
	if (k->count == KEYS_MAX)
		return err_set(err, ERR_USAGE, "more than %d keys", KEYS_MAX);
	k->sort[k->count] = sort;
	k->name[k->count++] = word;
	return 0;
}

/* Joins `count` texts with commas. NULL when memory is out. */
static char *join(const char *const *values, size_t count)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < count; i++)
		if ((i && buf_addc(&b, ',')) || buf_adds(&b, values[i])) {
			buf_release(&b);
			return NULL;
		}
	return b.data;
}

struct key_spec *key_spec_new(const char *const *values, size_t count, struct err *err)
{
	static const char *const usual[] = { "chat" };
	struct key_spec *k = calloc(1, sizeof *k);
	if (!k || !(k->words = count ? join(values, count) : join(usual, 1)))
		goto memory;
	char *rest = k->words, *word;
	while ((word = strsep(&rest, ",")))
		if (add_word(k, word, err))
			goto fail;
	if (!(k->text = join(k->name, k->count)))
		goto memory;
	return k;
memory:
	err_set(err, ERR_INTERNAL, "out of memory");
fail:
	key_spec_free(k);
	return NULL;
}

void key_spec_free(struct key_spec *k)
{
	if (!k)
		return;
	free(k->words);
	free(k->text);
	free(k);
}

const char *key_spec_text(const struct key_spec *k)
{
	return k->text;
}

/* Appends bytes from outside; what could end a key or break a line is percent-encoded, `%` too, so
 * that no two values look alike. */
static int add_value(struct buf *out, const char *s, size_t n)
{
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		unsigned char c = (unsigned char)s[i];
		rc = c <= ' ' || c == '%' || c == 0x7f ? buf_addf(out, "%%%02X", c)
						       : buf_addc(out, (char)c);
	}
	return rc;
}

/* The key_* functions append one key, or nothing where there is none. 0, or -1 when memory is out.
 */

static int key_user(const struct update *u, struct buf *out)
{
	int64_t id;
	if (update_sender_chat(u, &id))
		return buf_adds(out, "sender:") || buf_add_int(out, id);
	return update_user(u, &id) ? buf_adds(out, "user:") || buf_add_int(out, id) : 0;
}

static int key_poll(const struct update *u, struct buf *out)
{
	const char *poll = update_poll_id(u);
	return poll ? buf_adds(out, "poll:") || add_value(out, poll, strlen(poll)) : 0;
}

static int key_place(const struct update *u, int64_t chat, bool topic, struct buf *out)
{
	int64_t thread;
	const char *business = update_business(u);
	if (business)
		return buf_adds(out, "business:") || add_value(out, business, strlen(business)) ||
		       buf_addf(out, ":%" PRId64, chat);
	if (update_is_guest(u))
		return buf_addf(out, "guest:%" PRId64, chat);
	if (topic && update_thread(u, &thread) != THREAD_NONE)
		return buf_addf(out, "topic:%" PRId64 ":%" PRId64, chat, thread);
	return buf_adds(out, topic ? "topic:" : "chat:") || buf_add_int(out, chat);
}

static int key_pointer(const struct update *u, const char *pointer, struct buf *out)
{
	struct buf value;
	buf_init(&value, out->max);
	int rc = update_pointer(u, pointer, &value);
	if (rc == 1)
		rc = buf_adds(out, "pointer:") || add_value(out, pointer, strlen(pointer)) ||
		     buf_addc(out, ':') || add_value(out, buf_str(&value), value.len);
	buf_release(&value);
	return rc;
}

static int add_key(const struct update *u, const struct key_spec *spec, size_t i, struct buf *out)
{
	int64_t id, other;
	bool chat = update_chat(u, &id), user = false;
	switch (spec->sort[i]) {
	case SORT_CHAT:
	case SORT_TOPIC:
		user = !chat;
		break;
	case SORT_USER:
		user = !chat || update_sender_chat(u, &other) || update_user(u, &other);
		break;
	case SORT_NONE:
		return 0;
	case SORT_POINTER:
		return key_pointer(u, spec->name[i], out);
	}
	if (!user)
		return key_place(u, id, spec->sort[i] == SORT_TOPIC, out);
	size_t before = out->len;
	return key_user(u, out) || (out->len == before && key_poll(u, out));
}

/* Replaces the end of a key that begins at `at` and is too long by the hash of all of it. */
static int shorten(struct buf *out, size_t at)
{
	enum { HASH = 17, REST = KEY_MAX - HASH };
	if (out->len - at <= KEY_MAX)
		return 0;
	uint64_t hash = hash_bytes(out->data + at, out->len - at);
	out->len = at + utf8_cut(out->data + at, REST);
	return buf_addf(out, "#%016" PRIx64, hash);
}

/* Whether the key from `at` to the end is one of those between `start` and `at`. */
static bool repeated(const struct buf *out, size_t start, size_t at)
{
	size_t n = out->len - at;
	for (size_t i = start; i < at;) {
		const char *space = memchr(out->data + i, ' ', at - i);
		size_t length = (size_t)(space - (out->data + i));
		if (length == n && memcmp(out->data + i, out->data + at, n) == 0)
			return true;
		i += length + 1;
	}
	return false;
}

int update_keys(const struct update *u, const struct key_spec *spec, struct buf *out)
{
	size_t start = out->len;
	for (size_t i = 0; i < spec->count; i++) {
		size_t end = out->len, at;
		if (end > start && buf_addc(out, ' '))
			goto memory;
		at = out->len;
		if (add_key(u, spec, i, out) || shorten(out, at))
			goto memory;
		if ((out->len == at || repeated(out, start, at)) && out->data) {
			out->len = end;
			out->data[end] = '\0';
		}
	}
	return 0;
memory:
	if (out->data) {
		out->len = start;
		out->data[start] = '\0';
	}
	return -1;
}
