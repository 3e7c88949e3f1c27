/* io/httpd_parts: a multipart/form-data body in, as it arrives; the parts of it out. No part is
 * kept here: who asks for them bounds them. */
#include <stdlib.h>
#include <string.h>

#include "io/http.h"
#include "io/httpd_internal.h"

enum { BUFFER = 64 * 1024 }; /* the headers of a part must fit */

struct httpd_parts {
	struct MHD_PostProcessor *reader;
	httpd_part *fn;
	void *arg;
};

/* A name as it is meant: what may not stand in a header is sent as %22 (RFC 7578, 2). */
static char *decoded(const char *name)
{
	char *copy = strdup(name);
	if (copy)
		http_form_decode(copy, false);
	return copy;
}

static enum MHD_Result on_value(void *arg, enum MHD_ValueKind kind, const char *name,
				const char *file, const char *type, const char *encoding,
				const char *bytes, uint64_t offset, size_t n)
{
	const struct httpd_parts *p = arg;
	(void)kind, (void)type, (void)encoding;
	char *own_name = name ? decoded(name) : NULL, *own_file = file ? decoded(file) : NULL;
	bool more = (own_name || !name) && (own_file || !file) &&
		    p->fn(p->arg, own_name, own_file, bytes, offset, n);
	free(own_name);
	free(own_file);
	return more ? MHD_YES : MHD_NO;
}

struct httpd_parts *httpd_parts_new(struct httpd_request *r, httpd_part *fn, void *arg)
{
	struct httpd_parts *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	*p = (struct httpd_parts){ .fn = fn, .arg = arg };
	p->reader = MHD_create_post_processor(r->connection, BUFFER, on_value, p);
	if (p->reader)
		return p;
	free(p);
	return NULL;
}

int httpd_parts_add(struct httpd_parts *p, const char *bytes, size_t n)
{
	return MHD_post_process(p->reader, bytes, n) == MHD_YES ? 0 : -1;
}

int httpd_parts_end(struct httpd_parts *p)
{
	if (!p)
		return 0;
	int rc = MHD_destroy_post_processor(p->reader) == MHD_YES ? 0 : -1;
	free(p);
	return rc;
}
