/* tests/fuzz/reply: bytes as what a handler printed. As a text, repeated until it is long: the
 * pieces, put together, are the text but for white space where it was cut, and each may be sent. As
 * a reply of every mode, to every way of answering: calls that are whole, or words of what is
 * wrong. */
#include <string.h>

#include "reply/reply.h"
#include "reply/text.h"
#include "tests/fuzz/fuzz.h"
#include "update/scan.h"

const char fuzz_name[] = "reply";

#define TOPIC                                                                 \
	"{\"update_id\":1,\"message\":{\"message_id\":7,\"chat\":{\"id\":-5," \
	"\"type\":\"group\"},\"message_thread_id\":3,\"is_topic_message\":true}}"
static const char *const updates[] = {
	TOPIC,
	"{\"update_id\":2,\"callback_query\":{\"id\":\"q\",\"inline_message_id\":\"i\"}}",
	"{\"update_id\":3,\"guest_message\":{\"chat\":{\"id\":5},\"guest_query_id\":\"g\"}}",
	"{\"update_id\":4,\"poll\":{\"id\":\"p\"}}",
};

static void as_text(const uint8_t *data, size_t n)
{
	struct buf out;
	buf_init(&out, 1 << 20);
	size_t times = n ? 1 + data[0] % 64 : 0;
	char *copy = fuzz_copy(data, n);
	for (size_t i = 0; i < times; i++)
		HOLDS(text_clean(copy, n, &out) == 0, "memory");
	free(copy);
	char *text = fuzz_copy(buf_str(&out), out.len);
	size_t at = 0, rounds = 0;
	struct text_split split = text_split(text, out.len);
	for (struct text_piece p; text_next(&split, &p);) {
		size_t start = (size_t)(p.text - text);
		HOLDS(start >= at && p.length > 0 && start + p.length <= out.len, "in order");
		HOLDS(text_is_blank(text + at, start - at), "only white space is lost before %zu",
		      start);
		HOLDS(p.units == text_units(p.text, p.length) && p.units <= TEXT_UNITS, "%zu units",
		      p.units);
		HOLDS(!text_is_blank(p.text, p.length), "not blank");
		HOLDS(rounds == 0 || *p.text != '\n', "no empty line that a cut has made");
		at = start + p.length;
		HOLDS(rounds++ <= out.len, "it ends");
	}
	HOLDS(text_is_blank(text + at, out.len - at), "only white space is lost at the end");
	free(text);
	buf_release(&out);
}

static void whole(const struct call *c)
{
	struct scan_fault fault;
	HOLDS(c->method[0] && strlen(c->params) == c->length, "a method and its parameters");
	HOLDS(scan_check(c->params, c->params + c->length, &fault) == c->params &&
		      c->params[0] == '{',
	      "an object: %s", c->params);
	HOLDS(!strchr(c->params, '\n'), "on one line");
	HOLDS(!scan_named(c->params, "method"), "without a method");
	HOLDS((c->kind == CALL_NONE) == (c->line[0] == '\0'), "a line for all but none");
	HOLDS(c->cost >= 0 && c->cost <= 100, "cost %d", c->cost);
	HOLDS(!c->plain || strstr(c->params, "parse_mode"), "a mode to be left out");
}

static void changed(struct call *c)
{
	HOLDS(call_plain(c) == 0, "memory");
	whole(c);
	HOLDS(call_move(c, -77) == 0, "memory");
	whole(c);
	HOLDS(strstr(c->params, "\"chat_id\":-77}"), "moved: %s", c->params);
	struct call again;
	struct err err = { 0 };
	HOLDS(call_read(c->method, c->params, c->length, &again, &err) == 0, "%s", err.text);
	HOLDS(strcmp(again.params, c->params) == 0 && strcmp(again.line, c->line) == 0 &&
		      again.kind == c->kind && again.cost == c->cost && again.paid == c->paid,
	      "read again, it is the same");
	call_release(&again);
}

static void as_reply(const uint8_t *data, size_t n, const char *update, enum reply_mode mode)
{
	struct update *u = update_parse(update, strlen(update), NULL);
	const char *with[] = { "disable_notification=true", "note=x" };
	struct reply_spec spec = { .mode = mode, .quote = true, .with = with, .with_count = 2 };
	struct reply r;
	struct err err = { 0 };
	char *out = fuzz_copy(data, n);
	if (reply_compose(&spec, u, 1, NULL, out, n, &r, &err) == 0) {
		for (size_t i = 0; i < r.count; i++) {
			whole(&r.calls[i]);
			changed(&r.calls[i]);
		}
		reply_release(&r);
	} else {
		HOLDS(mode == REPLY_API && err.status == ERR_IO && err.text[0], "%s", err.text);
		HOLDS(!r.calls && !r.count, "nothing of it is left");
	}
	free(out);
	update_free(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	as_text(data, n);
	for (size_t i = 0; i < sizeof updates / sizeof *updates; i++)
		for (int mode = REPLY_TEXT; mode <= REPLY_API; mode++)
			as_reply(data, n, updates[i], (enum reply_mode)mode);
	return 0;
}
