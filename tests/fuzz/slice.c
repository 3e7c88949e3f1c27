/* tests/fuzz/slice: bytes as the body of an answer of getUpdates, as a line and as the records
 * of a file. What is accepted comes apart into updates that are the body's own bytes, can be put
 * together again, and are those that cJSON sees. */
#include <cjson/cJSON.h>
#include <string.h>

#include "base/buf.h"
#include "tests/fuzz/fuzz.h"
#include "update/record.h"
#include "update/scan.h"
#include "update/slice.h"
#include "update/update.h"

const char fuzz_name[] = "slice";

static bool text_is(const char *text, const char *other)
{
	return text && other ? strcmp(text, other) == 0 : text == other;
}

static void same_bytes(const char *body, const uint8_t *data, const struct slices *s)
{
	const char *behind = body;
	struct update *again = NULL;
	for (size_t i = 0; i < s->count; i++) {
		const struct slice *one = &s->items[i];
		struct scan_fault fault;
		HOLDS(one->bytes >= behind && one->length > 0, "update %zu overlaps", i);
		behind = one->bytes + one->length;
		for (size_t k = 0; k < one->length; k++) {
			char was = (char)data[(size_t)(one->bytes - body) + k], is = one->bytes[k];
			HOLDS(is != '\n' && is != '\r', "update %zu is one line", i);
			HOLDS(is == was || (is == ' ' && (was == '\n' || was == '\r')),
			      "update %zu, byte %zu", i, k);
		}
		HOLDS(scan_check(one->bytes, behind, &fault) == one->bytes,
		      "update %zu by itself is JSON", i);
		HOLDS(one->is_object == (*one->bytes == '{'), "update %zu", i);
		HOLDS(one->is_object || !one->has_id, "update %zu", i);
		struct err err;
		struct update *u = update_parse(one->bytes, one->length, &err);
		int64_t id = 0;
		HOLDS((u != NULL) == one->is_object, "update %zu: %s", i, err.text);
		HOLDS(!u || (update_id(u, &id) == one->has_id && (!one->has_id || id == one->id)),
		      "update %zu", i);
		/* In the room of the one before. */
		struct update *same = one->is_object
					      ? update_of_checked(again, one->bytes, one->length)
					      : NULL;
		again = same ? same : again;
		HOLDS(!u || (same && strcmp(update_kind(u), update_kind(same)) == 0 &&
			     text_is(update_text(u), update_text(same))),
		      "update %zu: read without a check", i);
		update_free(u);
	}
	update_free(again);
}

/* Put together again, they come apart the same way. */
static void rejoined(const struct slices *s)
{
	struct buf b;
	struct slices again;
	struct slice_reply reply;
	struct err err = { 0 };
	buf_init(&b, 1 << 20);
	buf_adds(&b, "{\"ok\":true,\"result\":[");
	for (size_t i = 0; i < s->count; i++) {
		if (i)
			buf_addc(&b, ',');
		buf_add(&b, s->items[i].bytes, s->items[i].length);
	}
	buf_adds(&b, "]}");
	HOLDS(slice_response(b.data, b.len, &again, &reply, &err) == 0, "%s", err.text);
	HOLDS(again.count == s->count, "%zu, not %zu", again.count, s->count);
	for (size_t i = 0; i < s->count; i++) {
		const struct slice *x = &s->items[i], *y = &again.items[i];
		HOLDS(x->length == y->length && memcmp(x->bytes, y->bytes, x->length) == 0,
		      "update %zu", i);
		HOLDS(x->has_id == y->has_id && x->is_object == y->is_object &&
			      (!x->has_id || x->id == y->id),
		      "update %zu", i);
	}
	slices_release(&again);
	buf_release(&b);
}

/* cJSON takes less here and more there; where both take it, they see the same. It ends texts at
 * U+0000. */
static void as_cjson(const uint8_t *data, size_t n, const struct slices *s,
		     const struct slice_reply *reply)
{
	if (memmem(data, n, "\\u0000", 6))
		return;
	char *text = fuzz_string(data, n);
	cJSON *root = cJSON_ParseWithOpts(text, NULL, 1);
	if (root) {
		const cJSON *result = cJSON_GetObjectItemCaseSensitive(root, "result");
		HOLDS(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "ok")) == reply->ok,
		      "ok");
		if (reply->ok)
			HOLDS((cJSON_IsArray(result) ? (size_t)cJSON_GetArraySize(result) : 0) ==
				      s->count,
			      "%zu updates", s->count);
		const cJSON *item = result ? result->child : NULL;
		for (size_t i = 0; i < s->count && item; i++, item = item->next)
			HOLDS(cJSON_IsObject(item) == s->items[i].is_object, "update %zu", i);
	}
	cJSON_Delete(root);
	free(text);
}

static void as_response(const uint8_t *data, size_t n)
{
	char *body = fuzz_copy(data, n);
	struct slices s;
	struct slice_reply reply;
	struct err err = { 0 };
	if (slice_response(body, n, &s, &reply, &err) == 0) {
		HOLDS(memchr(reply.description, '\0', sizeof reply.description),
		      "the description ends");
		HOLDS(reply.retry_after >= -1 && reply.retry_after <= 24 * 3600, "retry_after");
		HOLDS(reply.ok || s.count == 0, "a refusal has no updates");
		same_bytes(body, data, &s);
		rejoined(&s);
		as_cjson(data, n, &s, &reply);
	} else {
		HOLDS(err.status == ERR_IO && err.text[0], "a refusal has its words");
		HOLDS(s.count == 0 && !s.items, "and no updates");
	}
	slices_release(&s);
	free(body);
}

static void as_line(const uint8_t *data, size_t n)
{
	char *line = fuzz_copy(data, n);
	struct slice one, again;
	slice_line(line, n, &one);
	HOLDS(one.bytes >= line && one.bytes + one.length <= line + n, "inside of the line");
	HOLDS(!one.is_object || !memchr(data, '\0', n), "a NUL is no JSON, nor white space");
	slice_line(one.bytes, one.length, &again);
	HOLDS(again.bytes == one.bytes && again.length == one.length, "a slice is its own slice");
	HOLDS(again.is_object == one.is_object && again.has_id == one.has_id &&
		      (!one.has_id || again.id == one.id),
	      "with its id");
	free(line);
}

/* Records follow each other to the end, and what they hold lies in them. */
static void as_records(const uint8_t *data, size_t n, bool span)
{
	char *text = fuzz_copy(data, n);
	for (size_t at = 0, size; at < n; at += size) {
		struct slices s = { 0 };
		size = record_length(text + at, n - at, span, true);
		HOLDS(size > 0 && size <= n - at, "a record of %zu bytes", size);
		HOLDS(span || !memchr(text + at, '\n', size - 1), "a stream's record is a line");
		HOLDS(record_cut(text + at, size, &s) == 0, "memory");
		for (size_t i = 0; i < s.count; i++) {
			const struct slice *one = &s.items[i];
			HOLDS(one->bytes >= text + at &&
				      one->bytes + one->length <= text + at + size,
			      "inside of the record");
			HOLDS(!memchr(one->bytes, '\n', one->length), "one line");
			HOLDS(one->has_id || record_fault(one, span)[0],
			      "what is wrong has its words");
		}
		slices_release(&s);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	as_response(data, n);
	as_line(data, n);
	as_records(data, n, false);
	as_records(data, n, true);
	return 0;
}
