/* api/api_form: the body of a call that brings files: multipart/form-data (RFC 7578), as the server
 * reads it. */
#ifndef TGRUN_API_API_FORM_H
#define TGRUN_API_API_FORM_H

#include <stddef.h>

#include "base/err.h"
#include "io/http.h"

struct api_file {
	const char *field; /* the parameter that it is, or what `attach://` names in one; copied */
	const char *name;  /* the file's name, as the chat shows it; copied */
	struct http_piece data; /* stays the caller's until the form is freed */
};

struct api_form;

/* A body of the `length` bytes at `params`, a JSON object, and of `count` files. Each member is a
 * field, as the server reads it from JSON too: a string by its text, all else by its JSON as it is
 * written. The files come last. NULL with `err`: it is no object (ERR_USAGE), its fields pass 4 MB
 * (ERR_USAGE; the server takes 1), or memory is out (ERR_INTERNAL). */
struct api_form *api_form_new(const char *params, size_t length, const struct api_file *files,
			      size_t count, struct err *err);

/* For api_send(), which is to be over before the form is freed. */
const struct http_body *api_form_body(const struct api_form *f);

void api_form_free(struct api_form *f); /* NULL is fine */

#endif
