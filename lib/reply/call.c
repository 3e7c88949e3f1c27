/* reply/call: a method and its parameters in, a call out that can be stored, ordered and sent.
 *
 * Parameters are copied, not built: numbers keep their digits, and what the server would read (the
 * first member of a name; JSON as it is or as a text) is what is read here. */
#include "reply/call.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/methods.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "update/kinds.h"
#include "update/scan.h"

enum {
	METHOD_MAX = 64,
	LINE_PART_MAX = 100, /* bytes of an id in a line: longer ones share their beginning's */
	COST_MAX = 100,      /* the server takes no longer list */
};

/* The query that an answer answers. */
static const char *const query_ids[] = {
	"callback_query_id", "inline_query_id",  "shipping_query_id", "pre_checkout_query_id",
	"guest_query_id",    "web_app_query_id", "custom_query_id",
};

static int no_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

/* The bytes from `p` that are copied as they are. */
static size_t run_length(const char *p, const char *end, bool text)
{
	size_t n = 0, step = 1;
	for (; p + n < end && step; n += step)
		step = (unsigned char)p[n] < 0x20 || p[n] == '"' || p[n] == '\\' ||
				       (!text && p[n] == ' ')
			       ? 0
			       : utf8_length(p + n, (size_t)(end - p) - n);
	return n;
}

/* Copies a checked value, so that it is one line of UTF-8: without the white space between, and
 * with escapes for control characters in texts, where U+FFFD stands for what is no UTF-8: the
 * server would refuse the call for it. */
static int copy_value(struct buf *out, const char *p, const char *end)
{
	bool text = false;
	int rc = 0;
	while (p < end && rc == 0) {
		size_t run = run_length(p, end, text);
		if ((rc = buf_add(out, p, run)) || (p += run) == end)
			break;
		if ((unsigned char)*p >= 0x80) {
			rc = buf_adds(out, "\xef\xbf\xbd");
			p++;
			continue;
		}
		if (*p == '\\' && (unsigned char)p[1] >= 0x80) {
			p++; /* as the server: an escape that it does not know is the character */
			continue;
		}
		if (*p == '\\') {
			rc = (unsigned char)p[1] < 0x20 ? buf_addf(out, "\\u%04x", p[1])
							: buf_add(out, p, 2);
			p += 2;
			continue;
		}
		text = text != (*p == '"');
		if (*p == '"')
			rc = buf_addc(out, '"');
		else if (text)
			rc = buf_addf(out, "\\u%04x", *p);
		p++;
	}
	return rc;
}

/* Appends a member whose name stands at a quote. */
static int copy_member(struct buf *out, struct scan_walk *w)
{
	if (out->data[out->len - 1] != '{' && buf_addc(out, ','))
		return -1;
	return copy_value(out, w->name, scan_skip(w->name)) || buf_addc(out, ':') ||
			       copy_value(out, w->value, scan_end(w))
		       ? -1
		       : 0;
}

/* The member of that name as text; a value that is none, as it is written. 1 found, 0 not, -1
 * memory. */
static int read_text(const char *params, const char *name, struct buf *out)
{
	const char *value = scan_named(params, name);
	buf_clear(out);
	if (!value)
		return 0;
	int rc = scan_is_string(value) ? scan_add(value, out)
				       : buf_add(out, value, (size_t)(scan_skip(value) - value));
	return rc ? -1 : 1;
}

/* How many elements the array has that stands under `name`, as it is or as a text; 0: none does. */
static int count_of(const char *params, const char *name, struct buf *text)
{
	struct scan_fault fault;
	int found = read_text(params, name, text), count = 0;
	if (found <= 0)
		return found;
	const char *array = scan_check(text->data, text->data + text->len, &fault);
	if (!array || *array != '[')
		return 0;
	for (struct scan_walk w = scan_walk(array); count < COST_MAX && scan_next(&w);)
		count++;
	return count;
}

/* An id as a part of a line. */
static int add_part(struct buf *line, const char *text)
{
	size_t n = strlen(text);
	return buf_add(line, text, n > LINE_PART_MAX ? utf8_cut(text, LINE_PART_MAX) : n);
}

/* The number that the server reads from a text: the digits that it begins with. It fits. */
static int64_t number_of(const char *text)
{
	uint64_t n = 0;
	for (const char *p = text + (*text == '-'); scan_is_digit(*p); p++)
		n = n * 10 + (uint64_t)(*p - '0');
	return (int64_t)(*text == '-' ? 0 - n : n);
}

/* A line that has one id for its name. 1 if `name` is there, 0 if not, -1 memory. */
static int id_line(const char *params, const char *name, const char *prefix, struct buf *line,
		   struct buf *text)
{
	int found = read_text(params, name, text);
	if (found <= 0 || !*buf_str(text))
		return found < 0 ? -1 : 0;
	return buf_adds(line, prefix) || add_part(line, text->data) ? -1 : 1;
}

static int query_line(struct call *c, struct buf *line, struct buf *text)
{
	for (size_t i = 0; i < sizeof query_ids / sizeof *query_ids; i++) {
		int found = id_line(c->params, query_ids[i], "query:", line, text);
		if (found)
			c->kind = CALL_QUERY;
		if (found)
			return found < 0 ? -1 : 0;
	}
	return 0;
}

/* The line of the chat that `name` tells. 1 if it does, 0 if not, -1 memory. */
static int chat_line(struct call *c, const char *name, struct buf *line, struct buf *text)
{
	int found = id_line(c->params, "business_connection_id", "", line, text);
	if (found < 0 || (found && buf_addc(line, '/')))
		return -1;
	found = read_text(c->params, name, text);
	if (found <= 0 || !*buf_str(text)) {
		buf_clear(line);
		return found < 0 ? -1 : 0;
	}
	if (*text->data == '@') {
		for (char *p = text->data; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		c->kind = CALL_GROUP;
		return add_part(line, text->data) ? -1 : 1;
	}
	int64_t id = number_of(text->data);
	c->kind = id < 0 ? CALL_GROUP : CALL_CHAT;
	return buf_add_int(line, id) ? -1 : 1;
}

static int read_line(struct call *c, unsigned traits, struct buf *line, struct buf *text)
{
	c->kind = CALL_NONE;
	if (traits & METHOD_ANSWER)
		return query_line(c, line, text);
	int found = chat_line(c, "chat_id", line, text);
	if (found == 0 && (found = id_line(c->params, "inline_message_id", "inline:", line, text)))
		c->kind = CALL_CHAT;
	if (found == 0)
		found = chat_line(c, "user_id", line, text);
	return found < 0 ? -1 : 0;
}

/* What the limits must know. */
static int read_cost(struct call *c, unsigned traits, struct buf *text)
{
	int media = traits & METHOD_COUNTS ? count_of(c->params, "media", text) : 0;
	int ids = traits & METHOD_COUNTS ? count_of(c->params, "message_ids", text) : 0;
	int found = read_text(c->params, "allow_paid_broadcast", text);
	if (media < 0 || ids < 0 || found < 0)
		return -1;
	c->cost = traits & METHOD_COUNTS ? (media ? media : ids ? ids : 1) : 0;
	const char *paid = buf_str(text);
	c->paid = strcasecmp(paid, "true") == 0 || strcasecmp(paid, "yes") == 0 ||
		  strcmp(paid, "1") == 0;
	return 0;
}

static int64_t lifetime_of(unsigned traits)
{
	const char *kind = traits & METHOD_QUERY_CALLBACK ? "callback_query"
			   : traits & METHOD_QUERY_INLINE ? "inline_query"
							  : NULL;
	return kind ? kinds_find(kind, strlen(kind))->answerable : 0;
}

/* All that is read from the method and the parameters, which are the call's already. 0, or -1 when
 * memory is out. */
static int read_facts(struct call *c)
{
	unsigned traits = methods_traits(c->method);
	struct buf line, text;
	buf_init(&line, 4 * LINE_PART_MAX);
	buf_init(&text, c->length + 1);
	int rc = read_line(c, traits, &line, &text) || read_cost(c, traits, &text) ||
		 buf_reserve(&line, 1);
	if (rc == 0) {
		free(c->line);
		c->line = line.data;
		c->line[line.len] = '\0';
		c->lifetime = lifetime_of(traits);
	} else {
		buf_release(&line);
	}
	buf_release(&text);
	return rc ? -1 : 0;
}

static int set_method(struct call *c, const char *method, struct err *err)
{
	const struct method *row = methods_find(method);
	size_t n = strlen(method);
	if (n == 0 || n > METHOD_MAX)
		return err_set(err, ERR_IO, "a method's name has 1 to %d letters", METHOD_MAX);
	for (size_t i = 0; i < n; i++)
		if (!isascii((unsigned char)method[i]) || !isalpha((unsigned char)method[i]))
			return err_set(err, ERR_IO, "a method's name is letters only");
	c->method = strdup(row ? row->name : method);
	return c->method ? 0 : no_memory(err);
}

static int set_params(struct call *c, const char *params, size_t n, bool method, struct err *err)
{
	struct scan_fault fault;
	struct buf out;
	const char *object = scan_check(params, params + n, &fault);
	if (!object || *object != '{')
		return err_set(err, ERR_IO, "its parameters are no JSON object");
	buf_init(&out, 6 * n + 2);
	int rc = buf_addc(&out, '{');
	for (struct scan_walk w = scan_walk(object); rc == 0 && scan_next(&w);) {
		if (!method && scan_reads(w.name, "method", strlen("method"))) {
			buf_release(&out);
			return err_set(err, ERR_IO, "'method' stands among its parameters");
		}
		if (*w.value != 'n')
			rc = copy_member(&out, &w);
	}
	if (rc || buf_addc(&out, '}')) {
		buf_release(&out);
		return no_memory(err);
	}
	c->params = out.data;
	c->length = out.len;
	return 0;
}

/* Whether the digits that `text` begins with are a number of 64 bits. */
static bool fits(const char *text)
{
	const char *digits = text + (*text == '-');
	uint64_t most = (uint64_t)INT64_MAX + (*text == '-'), n = 0;
	for (; scan_is_digit(*digits); digits++) {
		uint64_t digit = (uint64_t)(*digits - '0');
		if (n > (most - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	return true;
}

/* The ids that decide on the line are as the server reads them, or the call is refused: it would
 * go to another chat than it waits for. */
static int check_ids(const char *params, struct err *err)
{
	static const char *const chats[] = { "chat_id", "user_id" };
	static const char *const names[] = { "business_connection_id", "inline_message_id" };
	enum { CHATS = 2, NAMES = 2, QUERIES = sizeof query_ids / sizeof *query_ids };
	struct buf text;
	int rc = 0;
	buf_init(&text, SIZE_MAX / 2);
	for (size_t i = 0; i < CHATS + NAMES + QUERIES && rc == 0; i++) {
		const char *name = i < CHATS           ? chats[i]
				   : i < CHATS + NAMES ? names[i - CHATS]
						       : query_ids[i - CHATS - NAMES];
		int found = read_text(params, name, &text);
		if (found < 0)
			rc = no_memory(err);
		else if (found && strlen(buf_str(&text)) != text.len)
			rc = err_set(err, ERR_IO, "its %s holds a NUL character", name);
		else if (found && i < CHATS && !fits(buf_str(&text)))
			rc = err_set(err, ERR_IO, "its %s is longer than any id", name);
	}
	buf_release(&text);
	return rc;
}

int call_read(const char *method, const char *params, size_t n, struct call *c, struct err *err)
{
	*c = (struct call){ 0 };
	int rc = set_method(c, method, err) || set_params(c, params, n, false, err) ||
		 check_ids(c->params, err);
	if (rc == 0 && read_facts(c))
		rc = no_memory(err);
	if (rc)
		call_release(c);
	return rc ? -1 : 0;
}

int call_keep(const char *object, size_t n, struct call *c, struct err *err)
{
	*c = (struct call){ .method = strdup(CALL_NO_METHOD) };
	int rc = c->method ? set_params(c, object, n, true, err) : no_memory(err);
	if (rc == 0 && read_facts(c))
		rc = no_memory(err);
	if (rc)
		call_release(c);
	return rc ? -1 : 0;
}

void call_release(struct call *c)
{
	free(c->method);
	free(c->params);
	free(c->line);
	free(c->file.name);
	free(c->file.bytes);
	*c = (struct call){ 0 };
}

/* Copies `object` without the member at the path of the `depth` names. */
static int copy_without(struct buf *out, const char *object, const char *const *names, size_t depth)
{
	int rc = buf_addc(out, '{');
	for (struct scan_walk w = scan_walk(object); rc == 0 && scan_next(&w);) {
		bool here = scan_reads(w.name, names[0], strlen(names[0]));
		if (here && depth == 1)
			continue;
		if (!here || *w.value != '{') {
			rc = copy_member(out, &w);
			continue;
		}
		if (out->data[out->len - 1] != '{')
			rc = buf_addc(out, ',');
		if (rc == 0)
			rc = copy_value(out, w.name, scan_skip(w.name)) || buf_addc(out, ':') ||
			     copy_without(out, w.value, names + 1, depth - 1);
	}
	return rc || buf_addc(out, '}') ? -1 : 0;
}

/* Gives the call the parameters in `params`, which it takes or releases, and reads them. */
static int exchange(struct call *c, struct buf *params, int rc)
{
	struct call before = *c;
	c->params = params->data;
	c->length = params->len;
	if (rc || read_facts(c)) {
		*c = before;
		buf_release(params);
		return -1;
	}
	free(before.params);
	return 0;
}

int call_plain(struct call *c)
{
	static const char *const path[] = { "result", "input_message_content", "parse_mode" };
	bool guest = methods_traits(c->method) & METHOD_QUERY_GUEST;
	struct buf out;
	buf_init(&out, c->length + 1);
	if (exchange(c, &out,
		     copy_without(&out, c->params, guest ? path : path + 2, guest ? 3 : 1)))
		return -1;
	c->plain = false;
	return 0;
}

int call_move(struct call *c, int64_t chat)
{
	static const char *const path[] = { "chat_id" };
	struct buf out;
	buf_init(&out, c->length + 64);
	int rc = copy_without(&out, c->params, path, 1);
	if (rc == 0) {
		out.data[--out.len] = '\0'; /* the brace */
		rc = buf_addf(&out, "%s\"chat_id\":", out.len > 1 ? "," : "") ||
		     buf_add_int(&out, chat) || buf_addc(&out, '}');
	}
	return exchange(c, &out, rc);
}
