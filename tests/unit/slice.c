/* tests/unit/slice: an answer is cut into its updates byte for byte, refusals are read, garbage is
 * refused with a sentence; and no broken byte anywhere makes the room read or write where it must
 * not (the sanitizers watch). */
#include "update/slice.h"
#include "tests/samples.h"
#include "tests/tap.h"
#include "update/kinds.h"
#include "update/scan.h"
#include "update/update.h"

/* Cuts a copy of `n` bytes, with nothing behind them that may be read. The copy is *body. */
static int cut(const char *json, size_t n, char **body, struct slices *s, struct slice_reply *reply,
	       struct err *err)
{
	*body = malloc(n ? n : 1);
	memcpy(*body, json, n);
	return slice_response(*body, n, s, reply, err);
}

static void samples_survive(void)
{
	static char json[200000];
	size_t n = (size_t)sprintf(json, "\r\n {\"ok\":true,\"result\" : [ ");
	for (size_t i = 0; i < sample_count; i++)
		n += (size_t)sprintf(json + n, "%s%s", i ? "\n,\r\n\t" : "", samples[i]);
	n += (size_t)sprintf(json + n, "\n] }\n");
	char *body;
	struct slices s;
	struct slice_reply reply;
	struct err err = { 0 };
	is_num(cut(json, n, &body, &s, &reply, &err), 0, "an answer with every kind is cut");
	ok(reply.ok && reply.retry_after == -1 && reply.error_code == 0, "it is no refusal");
	is_num((int64_t)s.count, (int64_t)sample_count, "into as many updates");
	bool same = true;
	for (size_t i = 0; i < s.count; i++)
		same = same && s.items[i].is_object && s.items[i].has_id &&
		       s.items[i].id == 100 + (int64_t)i &&
		       s.items[i].length == strlen(samples[i]) &&
		       memcmp(s.items[i].bytes, samples[i], s.items[i].length) == 0;
	ok(same, "in their order, with their ids, byte for byte");
	slices_release(&s);
	is_num((int64_t)s.count, 0, "released, there are none");
	free(body);
}

/* More than is noted on the way, of every shape, and others of the same depth before them. */
static void many_elements(void)
{
	static const char *const shapes[] = {
		"{\"update_id\":1,\"a\":{\"b\":[{},[]]}}", "7", "{}", "[{\"c\":[]},{}]", "\"}]\"",
	};
	enum { SHAPES = sizeof shapes / sizeof *shapes, MANY = 400 };
	static char json[MANY * 40];
	size_t n = (size_t)sprintf(json,
				   "{\"ok\":true,\"x\":{\"y\":{},\"z\":[{},{}]},\"result\":[");
	for (int i = 0; i < MANY; i++)
		n += (size_t)sprintf(json + n, "%s%s", i ? " , " : "", shapes[i % SHAPES]);
	n += (size_t)sprintf(json + n, "]}");
	char *body;
	struct slices s;
	struct slice_reply reply;
	struct err err = { 0 };
	is_num(cut(json, n, &body, &s, &reply, &err), 0, "an answer of 400 is cut");
	is_num((int64_t)s.count, MANY, "into all of them");
	size_t wrong = 0;
	for (size_t i = 0; i < s.count; i++)
		wrong += s.items[i].length != strlen(shapes[i % SHAPES]) ||
			 memcmp(s.items[i].bytes, shapes[i % SHAPES], s.items[i].length) != 0;
	is_num((int64_t)wrong, 0, "each as it stood there");
	slices_release(&s);
	free(body);
}

/* The answer with `element` alone gives `want` and, if `has_id`, the id. */
static void one(const char *element, const char *want, bool is_object, bool has_id, int64_t id,
		const char *what)
{
	char json[2000], *body;
	int n = snprintf(json, sizeof json, "{\"ok\":true,\"result\":[%s]}", element);
	struct slices s;
	struct slice_reply reply;
	struct err err = { 0 };
	int rc = cut(json, (size_t)n, &body, &s, &reply, &err);
	const struct slice *got = rc == 0 && s.count == 1 ? s.items : NULL;
	bool same = got && got->length == strlen(want) &&
		    memcmp(got->bytes, want, got->length) == 0 && got->is_object == is_object &&
		    got->has_id == has_id && (!has_id || got->id == id);
	if (!ok(same, "%s", what))
		diag("got %d '%.*s', object %d, id %d %" PRId64 " %s", rc,
		     got ? (int)got->length : 0, got ? got->bytes : "", got && got->is_object,
		     got && got->has_id, got ? got->id : 0, err.text);
	slices_release(&s);
	free(body);
}

static void same(const char *element, bool has_id, int64_t id, const char *what)
{
	one(element, element, true, has_id, id, what);
}

static void elements(void)
{
	same("{\"update_id\":9007199254740993}", true, 9007199254740993,
	     "an id past 2^53 is exact");
	same("{\"update_id\":7,\"m\":{\"a\":1e400,\"b\":123456789012345678901234567890,\"c\":-0.0E-5}}",
	     true, 7, "odd numbers pass");
	same("{\"m\":{\"text\":\"a\\,b\\u0000\\ud800\\/\\x\"},\"update_id\":8}", true, 8,
	     "odd escapes pass");
	same("{\"m\":{\"text\":\"\xff\xc3\x01\t\"},\"update_id\":8}", true, 8,
	     "bytes that are no UTF-8 and raw control characters pass");
	same("{\"update_id\":1,\"update_id\":2}", true, 1, "of two ids the first counts");
	same("{\"message\":{\"update_id\":5}}", false, 0, "an id inside is none");
	same("{\"update_id\":-3}", true, -3, "a negative id is told as it is");
	same("{\"update_id\":1.5}", false, 0, "a fraction is no id");
	same("{\"update_id\":\"5\"}", false, 0, "a string is no id");
	same("{\"update_id\":99999999999999999999}", false, 0, "an id that does not fit is none");
	same("{}", false, 0, "an empty object is kept");
	one("17", "17", false, false, 0, "a number is kept, and is no object");
	one("\"]}\"", "\"]}\"", false, false, 0, "a string is kept");
	one("[{\"update_id\":1}]", "[{\"update_id\":1}]", false, false, 0, "a list is kept");
	one("null", "null", false, false, 0, "null is kept");
	one("{\n\"update_id\"\r\n:\n6\r}", "{ \"update_id\"  : 6 }", true, true, 6,
	    "line ends between tokens become spaces");
	one("{\"update_id\":6,\"a\":\"x\ny\\\nz\r\"}", "{\"update_id\":6,\"a\":\"x y\\ z \"}", true,
	    true, 6, "line ends that should not be in a string, too");
}

static void refusal(const char *json, int code, int64_t after, const char *description)
{
	char *body;
	struct slices s;
	struct slice_reply r;
	struct err err = { 0 };
	int rc = cut(json, strlen(json), &body, &s, &r, &err);
	if (!ok(rc == 0 && !r.ok && s.count == 0 && r.error_code == code &&
			r.retry_after == after && strcmp(r.description, description) == 0,
		"%.90s", json))
		diag("got %d, ok %d, code %d, retry after %" PRId64 ", '%s' %s", rc, r.ok,
		     r.error_code, r.retry_after, r.description, err.text);
	slices_release(&s);
	free(body);
}

static void refusals(void)
{
	refusal("{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}", 401, -1,
		"Unauthorized");
	refusal("{\"ok\":false}", 0, -1, "");
	refusal("{\"ok\":false,\"result\":[{\"update_id\":1}]}", 0, -1, "");
	refusal("{\"ok\":false,\"error_code\":\"401\",\"description\":5}", 0, -1, "");
	refusal("{\"ok\":false,\"error_code\":1e400}", 0, -1, "");
	refusal("{\"ok\":false,\"error_code\":409,\"error_code\":401}", 409, -1, "");
	static const struct {
		const char *text;
		int64_t want;
	} after[] = { { "0", 0 },
		      { "3", 3 },
		      { "2.1", 3 },
		      { "86400", 86400 },
		      { "86401", 86400 },
		      { "1e400", 86400 },
		      { "99999999999999999999", 86400 },
		      { "-1", -1 },
		      { "-1e400", -1 },
		      { "\"5\"", -1 },
		      { "null", -1 },
		      { "[5]", -1 } };
	for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
		char json[200];
		snprintf(json, sizeof json, "{\"parameters\":{\"retry_after\":%s},\"ok\":false}",
			 after[i].text);
		refusal(json, 0, after[i].want, "");
	}
	char json[2000], want[300] = "x";
	strcpy(json, "{\"ok\":false,\"description\":\"x");
	for (int i = 0; i < 200; i++)
		strcat(json, "\u20ac");
	for (int i = 0; i < 84; i++)
		strcat(want, "\u20ac");
	strcat(json, "\"}");
	refusal(json, 0, -1, want);
}

static void refused_bytes(const char *json, size_t n, const char *part)
{
	char *body;
	struct slices s;
	struct slice_reply reply;
	struct err err = { 0 };
	int rc = cut(json, n, &body, &s, &reply, &err);
	if (!ok(rc == -1 && err.status == ERR_IO && s.count == 0 && strstr(err.text, part),
		"%.*s: %s", (int)(n < 50 ? n : 50), json, part))
		diag("got %d, status %d, '%s'", rc, err.status, err.text);
	slices_release(&s);
	free(body);
}

static void refused(const char *json, const char *part)
{
	refused_bytes(json, strlen(json), part);
}

static void garbage(void)
{
	refused("", "the answer is empty");
	refused("\xef\xbb\xbf{\"ok\":true,\"result\":[]}", "byte order mark");
	refused("<html>Bad Gateway</html>", "is no JSON at byte 0");
	refused("{\"ok\":true,\"result\":[]}x", "bytes behind its end");
	refused("{\"ok\":true,\"result\":[]}{}", "bytes behind its end");
	refused("{\"ok\":true,\"result\":[{\"update_id\":1},{\"upd", "is cut off");
	refused("{\"ok\":true,\"result\":[{\"update_id\":1},]}", "is no JSON");
	refused("{\"result\":[]}", "no 'ok'");
	refused("{\"ok\":\"true\",\"result\":[]}", "no 'ok'");
	refused("{\"ok\":1,\"result\":[]}", "no 'ok'");
	refused("{\"OK\":true,\"result\":[]}", "no 'ok'");
	refused("[true]", "no 'ok'");
	refused("true", "no 'ok'");
	refused("{\"ok\":true}", "no 'result'");
	refused_bytes("{\"ok\":true,\"result\":[\"a\0b\"]}", 28, "is no JSON");
	refused_bytes("{\"ok\":true,\"result\":[]}\0", 24, "bytes behind its end");
	static char bomb[200000];
	size_t n = (size_t)sprintf(bomb, "{\"ok\":true,\"result\":[");
	memset(bomb + n, '[', 100000);
	refused_bytes(bomb, n + 100000, "nested too deeply");
	for (size_t i = 0; i < 50000; i++)
		memcpy(bomb + n + 2 * i, "0,", 2);
	memcpy(bomb + n + 100000, "0]}", 3);
	refused_bytes(bomb, n + 100003, "more than 1000 updates");
	char *body;
	struct slices s;
	struct slice_reply reply;
	static const char other[] = "{\"ok\":true,\"result\":{\"id\":1}}";
	is_num(cut(other, strlen(other), &body, &s, &reply, NULL), 0,
	       "an answer whose result is no list is one");
	ok(reply.ok && s.count == 0, "without updates");
	free(body);
}

static const char *const spec_values[] = {
	"chat,topic,user,/message/from/id,/message/entities/0/type"
};

/* Everything the room does with bytes that may be anything. Returns whether what holds for all
 * bytes held. */
static bool all_of_it(const struct key_spec *spec, const char *json, size_t n)
{
	char *body;
	struct slices s;
	struct slice_reply reply;
	bool holds = true;
	struct buf keys, vars;
	if (cut(json, n, &body, &s, &reply, NULL) == 0)
		for (size_t i = 0; i < s.count; i++)
			holds = holds && s.items[i].bytes > body &&
				s.items[i].bytes + s.items[i].length < body + n &&
				!memchr(s.items[i].bytes, '\n', s.items[i].length) &&
				!memchr(s.items[i].bytes, '\r', s.items[i].length);
	slices_release(&s);
	struct update *u = update_parse(body, n, NULL);
	if (u) {
		buf_init(&keys, 4000);
		buf_init(&vars, 32 * 1024);
		struct vars_context context = { .bot_username = "thisbot", .key = "" };
		holds = holds && update_keys(u, spec, &keys) == 0 &&
			update_vars(u, &context, &vars) == 0;
		for (size_t i = 0; i < keys.len; i++)
			holds = holds && (unsigned char)keys.data[i] >= ' ' && keys.data[i] != 0x7f;
		buf_release(&keys);
		buf_release(&vars);
	}
	update_free(u);
	free(body);
	return holds;
}

static void broken_bytes(void)
{
	static const char wild[] = "{}[]\",:\\\0\n\r /u0-1.etfn@%\x7f\xff\xed\xa0";
	static char json[4000];
	struct key_spec *spec = key_spec_new(spec_values, 1, NULL);
	bool prefixes = true, flips = true;
	srand(11);
	for (size_t i = 0; i < sample_count; i++) {
		int n = snprintf(json, sizeof json,
				 "{\"ok\":true,\"result\":[{\"a\":\"\\ud83d\\ude00\\,\"},%s]}",
				 samples[i]);
		for (int length = 0; length <= n; length++)
			prefixes = all_of_it(spec, json, (size_t)length) && prefixes;
		for (size_t length = 0; length <= strlen(samples[i]); length++)
			prefixes = all_of_it(spec, samples[i], length) && prefixes;
		for (int round = 0; round < 3000; round++) {
			char copy[4000];
			const char *from = round % 2 ? json : samples[i];
			size_t length = strlen(from);
			memcpy(copy, from, length);
			for (int flip = 0; flip <= round % 4; flip++) {
				size_t at = (size_t)rand() % length;
				copy[at] = rand() % 3 ? wild[(size_t)rand() % (sizeof wild - 1)]
						      : (char)rand();
			}
			flips = all_of_it(spec, copy, length) && flips;
		}
	}
	ok(prefixes, "every prefix of every sample is handled");
	ok(flips,
	   "81,000 samples with broken bytes are handled, and their keys and slices stay one line");
	key_spec_free(spec);
}

/* What ends a run of plain characters is found wherever it stands among those that are looked at
 * together. */
static void each_place(void)
{
	enum { ROOM = 70 };
	int quotes = 0, escapes = 0, nuls = 0, others = 0;
	for (int at = 1; at < ROOM - 2; at++) {
		struct scan_fault fault = { 0 };
		char text[ROOM], *end = text + ROOM;
		memset(text, 0xd0, ROOM);
		text[0] = text[ROOM - 1] = '"';
		others += scan_check(text, end, &fault) == text;
		text[at] = '\0';
		nuls += !scan_check(text, end, &fault) && fault.at == (size_t)at;
		text[at] = '"';
		quotes += !scan_check(text, end, &fault) && fault.ended &&
			  fault.at == (size_t)at + 1;
		text[at] = '\\';
		text[at + 1] = '"';
		escapes += scan_check(text, end, &fault) == text;
	}
	is_num(quotes, ROOM - 3, "a quote ends a string");
	is_num(escapes, ROOM - 3, "one behind a backslash does not");
	is_num(nuls, ROOM - 3, "a NUL in it is refused, there");
	is_num(others, ROOM - 3, "other bytes belong to it");
}

int main(void)
{
	samples_load();
	RUN(samples_survive);
	RUN(many_elements);
	RUN(elements);
	RUN(refusals);
	RUN(garbage);
	RUN(broken_bytes);
	RUN(each_place);
	return done_testing();
}
