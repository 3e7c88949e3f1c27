/* sandbox/sandbox_json: JSON as the server reads it. It takes more than the standard allows: `\.`
 * is a dot, line feeds stand in strings as they are, and of a broken object of parameters all is
 * taken that stands before the mistake. Strict JSON comes out, for cJSON.
 *
 * A value is copied byte by byte into a buffer and mended on the way; nothing is looked at twice.
 */
#include "sandbox/sandbox_internal.h"

#include <string.h>

enum { DEPTH_MAX = 100 };

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p) && *p)
		p++;
	return p;
}

/* Each of these copies what begins at `p` and returns the place behind it; NULL when there is a
 * mistake, or memory is out. */
static const char *copy_value(const char *p, const char *end, struct buf *out, int depth);

/* The escape at `p`, behind its backslash. */
static const char *copy_escape(const char *p, const char *end, struct buf *out)
{
	if (p == end)
		return NULL;
	if (*p == 'u') {
		for (int i = 1; i <= 4; i++)
			if (p + i >= end || !strchr("0123456789abcdefABCDEF", p[i]) || !p[i])
				return NULL;
		return buf_addc(out, '\\') || buf_add(out, p, 5) ? NULL : p + 5;
	}
	if (*p && strchr("\"\\/bfnrt", *p))
		return buf_addc(out, '\\') || buf_addc(out, *p) ? NULL : p + 1;
	if ((unsigned char)*p < ' ')
		return buf_addf(out, "\\u%04x", (unsigned char)*p) ? NULL : p + 1;
	return buf_addc(out, *p) ? NULL : p + 1;
}

static const char *copy_string(const char *p, const char *end, struct buf *out)
{
	if (p == end || *p != '"' || buf_addc(out, *p++))
		return NULL;
	while (p && p < end && *p != '"') {
		if (*p == '\\')
			p = copy_escape(p + 1, end, out);
		else if ((unsigned char)*p < ' ')
			p = buf_addf(out, "\\u%04x", (unsigned char)*p) ? NULL : p + 1;
		else
			p = buf_addc(out, *p) ? NULL : p + 1;
	}
	return !p || p == end || buf_addc(out, '"') ? NULL : p + 1;
}

/* An array, or an object. */
static const char *copy_list(const char *p, const char *end, struct buf *out, int depth)
{
	char close = *p == '[' ? ']' : '}';
	if (depth == DEPTH_MAX || buf_addc(out, *p))
		return NULL;
	p = skip_space(p + 1, end);
	for (bool first = true; p && p < end && (*p != close || !first); first = false) {
		if (close == '}') {
			p = copy_string(p, end, out);
			p = p ? skip_space(p, end) : NULL;
			if (!p || p == end || *p != ':' || buf_addc(out, *p))
				return NULL;
			p = skip_space(p + 1, end);
		}
		p = copy_value(p, end, out, depth + 1);
		p = p ? skip_space(p, end) : NULL;
		if (!p || p == end || *p == close)
			break;
		if (*p != ',' || buf_addc(out, *p))
			return NULL;
		p = skip_space(p + 1, end);
	}
	return !p || p == end || buf_addc(out, close) ? NULL : p + 1;
}

static const char *copy_value(const char *p, const char *end, struct buf *out, int depth)
{
	if (p == end)
		return NULL;
	if (*p == '"')
		return copy_string(p, end, out);
	if (*p == '[' || *p == '{')
		return copy_list(p, end, out, depth);
	const char *from = p;
	while (p < end && *p && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *p))
		p++;
	return p == from || buf_add(out, from, (size_t)(p - from)) ? NULL : p;
}

/* What stands at `p`: a string if `name`, else any value. *item gets it. */
static const char *read_value(const char *p, const char *end, bool name, cJSON **item)
{
	struct buf out;
	buf_init(&out, SANDBOX_BODY_MAX);
	p = name ? copy_string(p, end, &out) : copy_value(p, end, &out, 0);
	*item = p ? cJSON_ParseWithLength(out.data, out.len) : NULL;
	buf_release(&out);
	return *item ? p : NULL;
}

cJSON *sandbox_json(const char *text, size_t n)
{
	const char *end = text + n;
	cJSON *item;
	const char *p = read_value(skip_space(text, end), end, false, &item);
	if (p && skip_space(p, end) == end)
		return item;
	cJSON_Delete(item);
	return NULL;
}

void sandbox_json_params(const char *text, size_t n, cJSON *params)
{
	const char *end = text + n, *p = skip_space(text, end);
	if (p == end || *p != '{')
		return;
	for (p = skip_space(p + 1, end); p < end && *p != '}';) {
		cJSON *name = NULL, *value = NULL;
		p = read_value(p, end, true, &name);
		p = p ? skip_space(p, end) : NULL;
		if (p && p < end && *p == ':')
			p = read_value(skip_space(p + 1, end), end, false, &value);
		bool whole = name && value;
		if (whole && !cJSON_GetObjectItemCaseSensitive(params, name->valuestring))
			cJSON_AddItemToObject(params, name->valuestring, value);
		else
			cJSON_Delete(value);
		cJSON_Delete(name);
		p = whole ? skip_space(p, end) : end;
		if (p == end || *p != ',')
			return;
		p = skip_space(p + 1, end);
	}
}
