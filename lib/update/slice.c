/* update/slice: the body of an answer in, its updates out, each a piece of that body. The one
 * change ever made is that raw line feeds and carriage returns become spaces, so that an update is
 * one line.
 *
 * The body is cut by scan.h, because not a byte of an update may be lost or judged; the small
 * envelope of a refusal, which nobody passes on, is read with cJSON. Ids are read from the bytes:
 * cJSON's numbers are doubles. */
#include "update/slice.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "update/scan.h"

enum {
	ELEMENTS_MAX = 1000,     /* the Bot API sends 100 at most */
	REFUSAL_MAX = 64 * 1024, /* bytes of a refusal that are worth a tree */
	RETRY_AFTER_MAX = 24 * 3600,
};

static int garbage(const char *body, size_t length, const struct scan_fault *fault, struct err *err)
{
	if (length == 0)
		return err_set(err, ERR_IO, "the answer is empty");
	if (length >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0)
		return err_set(err, ERR_IO, "the answer begins with a byte order mark");
	return err_set(err, ERR_IO, "the answer %s at byte %zu", fault->why, fault->at);
}

/* Removes line ends from `n` bytes. Inside strings there should be none; where there is one, it
 * goes all the same. */
static void one_line(char *p, size_t n)
{
	char *end = p + n;
	for (char *q = p; (q = memchr(q, '\n', (size_t)(end - q)));)
		*q = ' ';
	for (char *q = p; (q = memchr(q, '\r', (size_t)(end - q)));)
		*q = ' ';
}

int slices_reserve(struct slices *s, size_t more)
{
	size_t cap = s->cap ? s->cap : 128;
	while (cap < s->count + more)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	struct slice *items = realloc(s->items, cap * sizeof *items);
	if (!items)
		return -1;
	s->items = items;
	s->cap = cap;
	return 0;
}

static int add(struct slices *s, const struct slice *item, struct err *err)
{
	if (s->count == ELEMENTS_MAX)
		return err_set(err, ERR_IO, "the answer holds more than %d updates", ELEMENTS_MAX);
	if (slices_reserve(s, 1))
		return err_set(err, ERR_INTERNAL, "out of memory");
	s->items[s->count++] = *item;
	return 0;
}

/* The byte behind the element at which the walk is: marked while the body was checked, or looked
 * for. `*at` moves on over the marks. */
static const char *end_of(struct scan_walk *w, const struct scan_marks *marks, size_t *at)
{
	while (*at < marks->count && marks->ends[*at] <= w->value)
		++*at;
	if (*at < marks->count && (*w->value == '{' || *w->value == '['))
		w->end = marks->ends[*at];
	return scan_end(w);
}

static int cut(char *body, const char *result, const struct scan_marks *marks, struct slices *out,
	       struct err *err)
{
	size_t at = 0;
	out->is_list = *result == '[';
	if (!out->is_list)
		return 0;
	for (struct scan_walk w = scan_walk(result); scan_next(&w);) {
		struct slice s = { .bytes = body + (w.value - body),
				   .length = (size_t)(end_of(&w, marks, &at) - w.value) };
		one_line(s.bytes, s.length);
		s.is_object = *w.value == '{';
		s.has_id = scan_integer(scan_named(w.value, "update_id"), &s.id);
		if (add(out, &s, err))
			return -1;
	}
	return 0;
}

/* A chat's id as the server writes it: what has more digits is none. */
static int64_t migrated_to(const cJSON *parameters)
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(parameters, "migrate_to_chat_id");
	return cJSON_IsNumber(id) && fabs(id->valuedouble) <= 9007199254740991.0
		       ? (int64_t)id->valuedouble
		       : 0;
}

static int64_t retry_after(const cJSON *parameters)
{
	const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(parameters, "retry_after");
	if (!cJSON_IsNumber(seconds) || !(seconds->valuedouble >= 0))
		return -1;
	if (seconds->valuedouble > RETRY_AFTER_MAX)
		return RETRY_AFTER_MAX;
	int64_t whole = (int64_t)seconds->valuedouble;
	return whole + (seconds->valuedouble > (double)whole);
}

/* What a refusal says. One that cJSON does not take is a refusal without words. */
static void read_refusal(const char *body, size_t length, struct slice_reply *reply)
{
	cJSON *root = length <= REFUSAL_MAX ? cJSON_ParseWithLength(body, length) : NULL;
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(root, "error_code");
	if (cJSON_IsNumber(code) && code->valuedouble >= 0 && code->valuedouble <= 9999)
		reply->error_code = code->valueint;
	const char *text = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(root, "description"));
	size_t n = text ? strlen(text) : 0;
	if (n >= sizeof reply->description)
		n = utf8_cut(text, sizeof reply->description - 1);
	if (n)
		memcpy(reply->description, text, n);
	const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(root, "parameters");
	reply->retry_after = retry_after(parameters);
	reply->migrated_to = migrated_to(parameters);
	cJSON_Delete(root);
}

/* As slice_envelope(); `marks` gets where the objects in `result` stand. */
static int open_envelope(const char *body, size_t length, struct slice_reply *reply,
			 const char **result, struct scan_marks *marks, struct err *err)
{
	struct scan_fault fault;
	*result = NULL;
	marks->count = 0;
	*reply = (struct slice_reply){ .retry_after = -1 };
	const char *root = scan_check_marking(body, body + length, marks, &fault);
	if (!root)
		return garbage(body, length, &fault, err);
	const char *ok = *root == '{' ? scan_named(root, "ok") : NULL;
	if (!ok || (*ok != 't' && *ok != 'f'))
		return err_set(err, ERR_IO, "the answer has no 'ok'");
	reply->ok = *ok == 't';
	if (!reply->ok)
		read_refusal(body, length, reply);
	else if (!(*result = scan_named(root, "result")))
		return err_set(err, ERR_IO, "the answer has no 'result'");
	return 0;
}

int slice_envelope(const char *body, size_t length, struct slice_reply *reply, const char **result,
		   struct err *err)
{
	struct scan_marks marks;
	return open_envelope(body, length, reply, result, &marks, err);
}

int slice_response(char *body, size_t length, struct slices *out, struct slice_reply *reply,
		   struct err *err)
{
	struct scan_marks marks;
	const char *result;
	*out = (struct slices){ 0 };
	if (open_envelope(body, length, reply, &result, &marks, err))
		return -1;
	if (result && cut(body, result, &marks, out, err)) {
		slices_release(out);
		return -1;
	}
	return 0;
}

void slice_line(char *line, size_t length, struct slice *out)
{
	struct scan_fault fault;
	while (length && scan_is_space(line[length - 1]))
		length--;
	while (length && scan_is_space(*line))
		line++, length--;
	*out = (struct slice){ .bytes = line, .length = length };
	one_line(line, length);
	const char *root = scan_check(line, line + length, &fault);
	out->is_object = root && *root == '{';
	out->has_id = out->is_object && scan_integer(scan_named(root, "update_id"), &out->id);
}

void slices_release(struct slices *s)
{
	free(s->items);
	*s = (struct slices){ 0 };
}
