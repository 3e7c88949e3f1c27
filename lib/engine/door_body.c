/* engine/door_body: what a request to the local API brings: its head, its body as it arrives, and
 * in the end its parameters, as JSON. The body is kept as it came, since that is what is sent; long
 * ones lie in a file without a name.
 *
 * Invariants: what is in memory of a body never passes TEXT_MAX; a body that is refused is read to
 * its end first, and kept nowhere: in its middle nobody listens to an answer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "engine/door_internal.h"
#include "update/scan.h"

enum {
	MEMORY_MAX = 256 * 1024, /* bytes of a body; a longer one goes to the disk */
	TEXT_MAX = 1 << 20,      /* bytes of parameters that are no files: the server's limit */
	PATIENCE = 60 * 1000,
	PATIENCE_MAX = 24 * 60 * 60 * 1000,
	LIFETIME = 24 * 60 * 60 * 1000, /* of a stored call */
};

static bool refuse(struct door_call *c, int status, const char *why)
{
	if (!c->refused) {
		c->refused = status;
		snprintf(c->why, sizeof c->why, "%s", why);
	}
	return false;
}

/* Whether `bytes` more fit on the disk beside --min-free. */
static bool has_space(const struct door *d, uint64_t bytes)
{
	int64_t free_bytes = statedir_free_bytes(d->config.dir);
	return free_bytes < 0 || *d->config.min_free == 0 ||
	       (uint64_t)free_bytes > (uint64_t)*d->config.min_free + bytes;
}

/* A file without a name in the state directory; -1 with errno. */
static int spool_new(const struct door *d)
{
	return openat(statedir_fd(d->config.dir), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* ---- the head ---- */

static int64_t number_of(const char *text, int64_t least, int64_t most, int64_t otherwise)
{
	char *end = NULL;
	errno = 0;
	long long n = text && *text ? strtoll(text, &end, 10) : 0;
	return end && !*end && errno == 0 && n >= least && n <= most ? n : otherwise;
}

static void on_url_field(void *arg, const char *name, const char *value)
{
	struct door_call *c = arg;
	struct buf *f = &c->fields;
	c->url_fields = true;
	if ((f->len && buf_addc(f, ',')) || buf_add_json(f, name, strlen(name)) ||
	    buf_addc(f, ':') || buf_add_json(f, value, strlen(value)))
		refuse(c, 413, "Request Entity Too Large: the parameters are too long");
}

static bool begins(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

static bool read_type(struct door_call *c)
{
	const char *type = httpd_header(c->http, "Content-Type");
	const char *length = httpd_header(c->http, "Content-Length");
	const char *coding = httpd_header(c->http, "Transfer-Encoding");
	if (!coding && (!length || strcmp(length, "0") == 0))
		c->form = DOOR_NO_BODY;
	else if (type && begins(type, "application/json"))
		c->form = DOOR_JSON;
	else if (type && begins(type, "application/x-www-form-urlencoded"))
		c->form = DOOR_FORM;
	else if (type && begins(type, "multipart/form-data"))
		c->form = DOOR_PARTS;
	else
		return refuse(c, 400,
			      "Bad Request: the body's Content-Type is none of JSON, form and "
			      "multipart/form-data");
	return true;
}

static bool on_part(void *arg, const char *name, const char *file, const char *bytes,
		    uint64_t offset, size_t n);

bool door_body_begin(struct door_call *c, bool too_large)
{
	const char *store = httpd_header(c->http, "X-Tgrun-Queue");
	c->patience = number_of(httpd_header(c->http, "X-Tgrun-Patience"), 0, PATIENCE_MAX,
				PATIENCE);
	c->expire = number_of(httpd_header(c->http, "X-Tgrun-Expire"), 1, INT64_MAX / 2, LIFETIME);
	c->file = httpd_header(c->http, "X-Tgrun-File") != NULL;
	c->store = store != NULL;
	c->bulk = store && strcmp(store, "bulk") == 0;
	buf_init(&c->body, MEMORY_MAX);
	buf_init(&c->fields, 2 * TEXT_MAX);
	buf_init(&c->name, 4096);
	buf_init(&c->value, TEXT_MAX);
	if (too_large)
		return refuse(c, 413, "Request Entity Too Large: no file is as large as that here");
	if (!read_type(c))
		return false;
	httpd_query(c->http, on_url_field, c);
	if (c->refused || c->form != DOOR_PARTS)
		return !c->refused;
	if (c->url_fields)
		return refuse(c, 400,
			      "Bad Request: beside multipart/form-data no parameter may stand in "
			      "the URL");
	c->parts = httpd_parts_new(c->http, on_part, c);
	return c->parts || refuse(c, 400, "Bad Request: multipart/form-data has no boundary");
}

/* ---- the body ---- */

/* The part that was read is a field. */
static void end_part(struct door_call *c)
{
	struct buf *f = &c->fields;
	if (!c->name.len)
		return;
	if ((f->len && buf_addc(f, ',')) || buf_add_json(f, c->name.data, c->name.len) ||
	    buf_addc(f, ':') || buf_add_json(f, buf_str(&c->value), c->value.len))
		refuse(c, 413, "Request Entity Too Large: the parameters are too long");
	buf_clear(&c->name);
	buf_clear(&c->value);
}

static bool on_part(void *arg, const char *name, const char *file, const char *bytes,
		    uint64_t offset, size_t n)
{
	struct door_call *c = arg;
	if (offset == 0) {
		end_part(c);
		c->part_files = c->part_files || file;
		if (name && !file && buf_adds(&c->name, name))
			return refuse(c, 400, "Bad Request: a parameter's name is too long");
	}
	if (c->name.len && !file && buf_add(&c->value, bytes, n))
		return refuse(c, 413, "Request Entity Too Large: the parameters are too long");
	return true;
}

static bool write_all(int fd, const char *bytes, size_t n, uint64_t at)
{
	while (n) {
		ssize_t done = pwrite(fd, bytes, n, (off_t)at);
		if (done < 0 && errno != EINTR)
			return false;
		bytes += done > 0 ? done : 0;
		at += done > 0 ? (uint64_t)done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return true;
}

/* From memory to a file. */
static bool spill(struct door_call *c)
{
	const char *length = httpd_header(c->http, "Content-Length");
	uint64_t announced = length ? strtoull(length, NULL, 10) : 0;
	if (!has_space(c->door, announced))
		return refuse(c, 507,
			      "Insufficient Storage: the disk has less than --min-free "
			      "beside it");
	c->spool = spool_new(c->door);
	if (c->spool < 0 || !write_all(c->spool, buf_str(&c->body), c->body.len, 0))
		return refuse(c, 507, "Insufficient Storage: it cannot be kept on the disk");
	buf_release(&c->body);
	return true;
}

static bool keep(struct door_call *c, const char *bytes, size_t n)
{
	if (c->spool < 0 && c->length + n <= MEMORY_MAX) {
		c->length += n;
		return buf_add(&c->body, bytes, n) == 0 ||
		       refuse(c, 503, "Service Unavailable: out of memory");
	}
	if (c->form != DOOR_PARTS && c->length + n > TEXT_MAX)
		return refuse(c, 413, "Request Entity Too Large: the parameters are too long");
	if (c->spool < 0 && !spill(c))
		return false;
	if (!write_all(c->spool, bytes, n, c->length))
		return refuse(c, 507, "Insufficient Storage: it cannot be kept on the disk");
	uint64_t before = c->length;
	c->length += n;
	/* Once for each MB: it may have come without its length. */
	return before >> 20 == c->length >> 20 || has_space(c->door, 0) ||
	       refuse(c, 507, "Insufficient Storage: the disk has less than --min-free left");
}

static void forget_body(struct door_call *c)
{
	buf_release(&c->body);
	if (c->spool >= 0)
		close(c->spool);
	c->spool = -1;
}

void door_body_add(struct door_call *c, const char *bytes, size_t n)
{
	if (!c->refused && keep(c, bytes, n) && c->parts && httpd_parts_add(c->parts, bytes, n))
		refuse(c, 400, "Bad Request: the multipart/form-data is broken");
	if (c->refused)
		forget_body(c);
}

/* ---- the end ---- */

/* The whole body as text. */
static bool read_text(struct door_call *c, struct buf *text)
{
	if (buf_reserve(text, c->length + 1))
		return false;
	if (c->spool < 0)
		return buf_add(text, buf_str(&c->body), c->body.len) == 0;
	for (uint64_t at = 0; at < c->length;) {
		ssize_t n = pread(c->spool, text->data + at, c->length - at, (off_t)at);
		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		at += n > 0 ? (uint64_t)n : 0;
	}
	text->len = c->length;
	text->data[text->len] = '\0';
	return true;
}

/* The members of the JSON object at `text`, behind those of the URL. */
static bool add_members(struct door_call *c, const struct buf *text)
{
	struct scan_fault fault;
	struct buf *f = &c->fields;
	const char *object = scan_check(text->data, text->data + text->len, &fault);
	if (!object || *object != '{')
		return refuse(c, 400, "Bad Request: the body is no JSON object");
	for (struct scan_walk w = scan_walk(object); scan_next(&w);)
		if ((f->len && buf_addc(f, ',')) ||
		    buf_add(f, w.name, (size_t)(scan_end(&w) - w.name)))
			return refuse(c, 413,
				      "Request Entity Too Large: the parameters are too "
				      "long");
	return true;
}

static bool read_params(struct door_call *c, struct buf *params)
{
	struct buf text;
	bool fine = true;
	buf_init(&text, TEXT_MAX + 1);
	if (c->form == DOOR_JSON || c->form == DOOR_FORM) {
		fine = read_text(c, &text) || refuse(c, 503, "Service Unavailable: out of memory");
		if (fine && c->form == DOOR_FORM)
			fine = http_form_members(text.data, &c->fields) == 0 ||
			       refuse(c, 413,
				      "Request Entity Too Large: the parameters are too "
				      "long");
		else if (fine)
			fine = add_members(c, &text);
	}
	buf_release(&text);
	if (fine && (buf_addc(params, '{') || buf_add(params, buf_str(&c->fields), c->fields.len) ||
		     buf_addc(params, '}')))
		fine = refuse(c, 503, "Service Unavailable: out of memory");
	return fine;
}

bool door_body_end(struct door_call *c, struct buf *params)
{
	if (!c->refused && c->parts) {
		int bad = httpd_parts_end(c->parts);
		c->parts = NULL;
		end_part(c);
		if (bad)
			refuse(c, 400, "Bad Request: the multipart/form-data is broken");
	}
	bool fine = !c->refused && read_params(c, params);
	/* What stands in a URL is sent as a body like any other. */
	if (fine && (c->form == DOOR_NO_BODY || c->url_fields)) {
		forget_body(c);
		c->body = *params;
		buf_init(params, params->max);
		c->composed = true;
		c->length = c->body.len;
		fine = buf_add(params, c->body.data, c->body.len) == 0 ||
		       refuse(c, 503, "Service Unavailable: out of memory");
	}
	buf_release(&c->fields);
	buf_release(&c->value);
	buf_release(&c->name);
	return fine;
}

void door_body_release(struct door_call *c)
{
	httpd_parts_end(c->parts);
	c->parts = NULL;
	forget_body(c);
	buf_release(&c->fields);
	buf_release(&c->value);
	buf_release(&c->name);
}

void door_call_free(struct door_call *c)
{
	list_remove(&c->link);
	door_body_release(c);
	buf_release(&c->told);
	buf_release(&c->passing);
	free(c);
}
