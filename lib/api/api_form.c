/* api/api_form: parameters and files in; a multipart/form-data body out, whose files stay where
 * they are: it is a list of pieces, of what is written here and of the files, one behind the other.
 *
 * Invariant: no text or file ends a part before its end, since nobody can know the boundary. In
 * names, everything that would end them, and `%`, is written as %22: the server decodes that. */
#include "api/api_form.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "update/scan.h"

enum { FIELDS_MAX = 4 << 20 };

struct api_form {
	struct buf text; /* the heads of all parts and the fields' values */
	char boundary[40], type[96];
	struct http_piece *pieces; /* text, file, text, file, text */
	struct http_body body;
};

static int add_name(struct buf *out, const char *key, const char *name, size_t n)
{
	int full = buf_addf(out, "; %s=\"", key);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];
		bool plain = c >= ' ' && c != 0x7f && c != '"' && c != '\\' && c != '%';
		full |= plain ? buf_addc(out, (char)c) : buf_addf(out, "%%%02X", c);
	}
	return full | buf_addc(out, '"');
}

/* What stands before a part's bytes. `file` NULL: it is a field. */
static int add_head(struct api_form *f, const char *name, size_t n, const char *file)
{
	int full = buf_addf(&f->text, "--%s\r\nContent-Disposition: form-data", f->boundary);
	full |= add_name(&f->text, "name", name, n);
	if (file) {
		full |= add_name(&f->text, "filename", file, strlen(file));
		full |= buf_adds(&f->text, "\r\nContent-Type: application/octet-stream");
	}
	return full | buf_adds(&f->text, "\r\n\r\n");
}

static int add_field(struct api_form *f, struct scan_walk *w, struct buf *name)
{
	buf_clear(name);
	int full = scan_add(w->name, name);
	if (!full && !name->len)
		return 0; /* no parameter has that name */
	full |= add_head(f, buf_str(name), name->len, NULL);
	full |= scan_is_string(w->value)
			? scan_add(w->value, &f->text)
			: buf_add(&f->text, w->value, (size_t)(scan_end(w) - w->value));
	return full | buf_adds(&f->text, "\r\n");
}

static int add_fields(struct api_form *f, const char *root)
{
	struct buf name;
	int full = 0;
	buf_init(&name, FIELDS_MAX);
	for (struct scan_walk w = scan_walk(root); !full && scan_next(&w);)
		full = add_field(f, &w, &name);
	buf_release(&name);
	return full;
}

/* The pieces of text point to nothing yet: the text moves while it grows. */
static int add_files(struct api_form *f, const struct api_file *files, size_t count)
{
	size_t before = 0;
	int full = 0;
	for (size_t i = 0; i < count && !full; i++) {
		full |= add_head(f, files[i].field, strlen(files[i].field), files[i].name);
		f->pieces[2 * i].length = f->text.len - before;
		f->pieces[2 * i + 1] = files[i].data;
		before = f->text.len;
		full |= buf_adds(&f->text, "\r\n");
	}
	full |= buf_addf(&f->text, "--%s--\r\n", f->boundary);
	f->pieces[2 * count].length = f->text.len - before;
	return full;
}

static void point(struct api_form *f, size_t count)
{
	const char *next = f->text.data;
	for (size_t i = 0; i <= 2 * count; i += 2) {
		f->pieces[i].bytes = next;
		next += f->pieces[i].length;
	}
	f->body = (struct http_body){ .type = f->type,
				      .pieces = f->pieces,
				      .count = 2 * count + 1 };
}

/* Sixteen bytes that nobody knows before. */
static int choose_boundary(struct api_form *f)
{
	uint64_t random[2];
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return -1;
	snprintf(f->boundary, sizeof f->boundary, "%016llx%016llx", (unsigned long long)random[0],
		 (unsigned long long)random[1]);
	snprintf(f->type, sizeof f->type, "multipart/form-data; boundary=%s", f->boundary);
	return 0;
}

struct api_form *api_form_new(const char *params, size_t length, const struct api_file *files,
			      size_t count, struct err *err)
{
	struct scan_fault fault;
	const char *root = scan_check(params, params + length, &fault);
	if (!root || *root != '{') {
		err_set(err, ERR_USAGE, "the parameters are no JSON object");
		return NULL;
	}
	struct api_form *f = calloc(1, sizeof *f);
	if (!f)
		goto no_memory;
	buf_init(&f->text, FIELDS_MAX);
	f->pieces = calloc(2 * count + 1, sizeof *f->pieces);
	if (!f->pieces)
		goto no_memory;
	if (choose_boundary(f)) {
		err_sys(err, ERR_INTERNAL, errno, "no random bytes can be had");
		goto fail;
	}
	errno = 0;
	if (add_fields(f, root) || add_files(f, files, count)) {
		if (errno != EOVERFLOW)
			goto no_memory;
		err_set(err, ERR_USAGE, "the parameters are longer than %d bytes", FIELDS_MAX);
		goto fail;
	}
	point(f, count);
	return f;
no_memory:
	err_set(err, ERR_INTERNAL, "out of memory");
fail:
	api_form_free(f);
	return NULL;
}

const struct http_body *api_form_body(const struct api_form *f)
{
	return &f->body;
}

void api_form_free(struct api_form *f)
{
	if (!f)
		return;
	buf_release(&f->text);
	free(f->pieces);
	free(f);
}
