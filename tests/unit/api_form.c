/* tests/unit/api_form: what is put into a multipart body comes out of it at a server that reads
 * parts as they arrive: fields, file names and files, whatever is in them. */
#include "api/api_form.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "io/httpd.h"
#include "io/loop.h"
#include "tests/tap.h"

enum { PARTS_MAX = 16, FILE_SIZE = 3 << 20 };

struct part {
	char name[64], file[64];
	bool is_file;
	struct buf value;
};

static struct {
	struct loop *loop;
	struct http *client;
	struct httpd *server;
	struct httpd_request *request;
	struct httpd_parts *reader;
	struct part parts[PARTS_MAX];
	int count, broken, called;
	char type[128], length[32], chunked[32];
	struct buf raw;
} t;

/* ---- the server ---- */

static bool on_part(void *arg, const char *name, const char *file, const char *bytes,
		    uint64_t offset, size_t n)
{
	(void)arg;
	if (!name)
		return true;
	if (offset == 0 && t.count < PARTS_MAX &&
	    !(t.count && !t.parts[t.count - 1].value.len && n == 0 &&
	      !strcmp(t.parts[t.count - 1].name, name))) {
		struct part *p = &t.parts[t.count++];
		snprintf(p->name, sizeof p->name, "%s", name);
		snprintf(p->file, sizeof p->file, "%s", file ? file : "");
		p->is_file = file;
		buf_init(&p->value, 2 * FILE_SIZE);
	}
	return buf_add(&t.parts[t.count - 1].value, bytes, n) == 0;
}

static void *on_begin(void *arg, struct httpd_request *r, bool too_large)
{
	const char *length = httpd_header(r, "Content-Length"),
		   *chunked = httpd_header(r, "Transfer-Encoding");
	(void)too_large;
	t.request = r;
	snprintf(t.type, sizeof t.type, "%s", httpd_header(r, "Content-Type"));
	snprintf(t.length, sizeof t.length, "%s", length ? length : "");
	snprintf(t.chunked, sizeof t.chunked, "%s", chunked ? chunked : "");
	t.reader = httpd_parts_new(r, on_part, NULL);
	return arg;
}

static int on_body(void *tag, const char *bytes, size_t n)
{
	(void)tag;
	t.broken += httpd_parts_add(t.reader, bytes, n) != 0;
	return buf_add(&t.raw, bytes, n);
}

static void on_whole(void *tag)
{
	(void)tag;
	t.broken += httpd_parts_end(t.reader) != 0;
	t.reader = NULL;
	httpd_answer(t.request,
		     &(struct httpd_answer){
			     .status = 200, .body = strdup("{}"), .length = 2, .type = "x/y" });
}

static void on_ended(void *tag)
{
	(void)tag;
	httpd_parts_end(t.reader);
	t.reader = NULL;
}

static bool start(void)
{
	static const struct httpd_events events = {
		.begin = on_begin, .body = on_body, .whole = on_whole, .ended = on_ended
	};
	struct err err;
	t.loop = loop_new(&err);
	t.client = http_new(t.loop, &err);
	t.server = httpd_new(t.loop,
			     &(struct httpd_config){ .connections_max = 4,
						     .idle_seconds = 60,
						     .body_max = 4 * FILE_SIZE },
			     &events, &t, &err);
	return t.loop && t.client && t.server;
}

/* ---- the client ---- */

static void on_done(void *arg, struct http_response *response)
{
	(void)arg;
	t.called = response->failure == HTTP_OK && response->status == 200 ? 1 : 2;
}

static void forget(void)
{
	for (int i = 0; i < t.count; i++)
		buf_release(&t.parts[i].value);
	buf_release(&t.raw);
	buf_init(&t.raw, 4 * FILE_SIZE);
	t.count = t.broken = t.called = 0;
}

/* Sends a form, until it was answered. */
static void send_form(const char *params, const struct api_file *files, size_t count)
{
	struct err err = { 0 };
	char url[64];
	int64_t end = clock_system.mono(&clock_system) + 20000;
	forget();
	struct api_form *f = api_form_new(params, strlen(params), files, count, &err);
	if (!ok(f, "a body is made (%s)", err.text))
		return;
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", httpd_port(t.server));
	http_post(t.client,
		  &(struct http_call){
			  .url = url, .body = api_form_body(f), .silence = 10000, .max = 1000 },
		  on_done, NULL);
	while (!t.called && clock_system.mono(&clock_system) < end)
		loop_turn(t.loop, 1);
	api_form_free(f);
	ok(t.called == 1 && !t.broken && atoll(t.length) == (int64_t)t.raw.len && !t.chunked[0],
	   "it arrives whole, its length announced (%d, %d, '%s')", t.called, t.broken, t.length);
}

static void is_field(int i, const char *name, const char *value)
{
	const struct part *p = &t.parts[i];
	if (!ok(i < t.count && !p->is_file && !strcmp(p->name, name) &&
			p->value.len == strlen(value) && !strcmp(buf_str(&p->value), value),
		"field '%s'", name))
		diag("got '%s', file %d, '%s'", p->name, p->is_file, buf_str(&p->value));
}

static void is_file(int i, const char *name, const char *file, const char *bytes, size_t n)
{
	const struct part *p = &t.parts[i];
	if (!ok(i < t.count && p->is_file && !strcmp(p->name, name) && !strcmp(p->file, file) &&
			p->value.len == n && (!n || memcmp(p->value.data, bytes, n) == 0),
		"the file in '%s', of %zu bytes", name, n))
		diag("got '%s', '%s', %zu bytes", p->name, p->file, p->value.len);
}

static void fields(void)
{
	send_form(
		"{ \"chat_id\" : -1001234567890123456789, \"text\":\"a\\n\\u00e9\\ud83d\\ude00\\,\","
		"\"reply_markup\":{\"a\": [1, \"\\u0041\"]},\"yes\":true,\"none\":null,"
		"\"empty\":\"\",\"\":1,\"b&c=d\":\"--\\r\\n--x\\r\\n\"}",
		NULL, 0);
	is_num(t.count, 7, "each member is a field, but one without a name");
	is_field(0, "chat_id", "-1001234567890123456789");
	is_field(1, "text", "a\n\xc3\xa9\xf0\x9f\x98\x80,");
	is_field(2, "reply_markup", "{\"a\": [1, \"\\u0041\"]}");
	is_field(3, "yes", "true");
	is_field(4, "none", "null");
	is_field(5, "empty", "");
	is_field(6, "b&c=d", "--\r\n--x\r\n");
	char first[sizeof t.type];
	snprintf(first, sizeof first, "%s", t.type);
	send_form("{}", NULL, 0);
	ok(t.count == 0 && strncmp(first, "multipart/form-data; boundary=", 30) == 0 &&
		   strlen(first) == 62 && strcmp(first, t.type) != 0,
	   "nobody knows a body's boundary before ('%s')", first);
}

static void files(void)
{
	static char bytes[FILE_SIZE];
	for (size_t i = 0; i < FILE_SIZE; i++)
		bytes[i] = (char)(i * 7 / 3 + i / 1000);
	memcpy(bytes + 1000, "\r\n--\r\n--", 8);
	int fd = memfd_create("file", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, FILE_SIZE) != FILE_SIZE)
		exit(1);
	const struct api_file all[] = {
		{ .field = "document",
		  .name = "a \"b\" 100%41\\\r\nX: y.txt",
		  .data = { .bytes = "hello\r\n", .length = 7 } },
		{ .field = "large",
		  .name = "\xc3\xa9.bin",
		  .data = { .fd = fd, .offset = 10, .length = FILE_SIZE - 10 } },
		{ .field = "nothing", .name = "", .data = { .bytes = "", .length = 0 } },
		{ .field = "last", .name = "z", .data = { .bytes = bytes, .length = FILE_SIZE } },
	};
	send_form("{\"chat_id\":5,\"document\":\"attach://document\"}", all, 4);
	is_num(t.count, 6, "two fields and four files");
	is_field(0, "chat_id", "5");
	is_field(1, "document", "attach://document");
	is_file(2, "document", "a \"b\" 100%41\\\r\nX: y.txt", "hello\r\n", 7);
	is_file(3, "large", "\xc3\xa9.bin", bytes + 10, FILE_SIZE - 10);
	is_file(4, "nothing", "", "", 0);
	is_file(5, "last", "z", bytes, FILE_SIZE);
	buf_addc(&t.raw, '\0');
	ok(strstr(t.raw.data, "Content-Disposition: form-data; name=\"document\"; "
			      "filename=\"a %22b%22 100%2541%5C%0D%0AX: y.txt\"\r\n"
			      "Content-Type: application/octet-stream\r\n\r\nhello\r\n"),
	   "a name ends no header");
	close(fd);
}

static void refused(const char *params, size_t n, const char *why)
{
	struct err err = { 0 };
	struct api_form *f = api_form_new(params, n, NULL, 0, &err);
	ok(!f && err.status == ERR_USAGE && strstr(err.text, why), "refused: %s", err.text);
	api_form_free(f);
}

static void none(void)
{
	static char large[5 << 20];
	refused("[1]", 3, "no JSON object");
	refused("{\"a\":1", 6, "no JSON object");
	refused("", 0, "no JSON object");
	memset(large, 'x', sizeof large);
	memcpy(large, "{\"a\":\"", 6);
	memcpy(large + sizeof large - 2, "\"}", 2);
	refused(large, sizeof large, "longer than 4194304 bytes");
	api_form_free(NULL);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (!ok(start(), "a server and a client"))
		return done_testing();
	RUN(fields);
	RUN(files);
	RUN(none);
	forget();
	buf_release(&t.raw);
	http_free(t.client);
	httpd_free(t.server);
	loop_free(t.loop);
	return done_testing();
}
