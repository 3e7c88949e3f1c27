/* io/library: a shared library that is loaded when it is first needed. libcurl, libmicrohttpd and
 * libpq bring forty others, and to load these takes four times as long as all else that a start
 * does; most commands only ask a tgrun that runs, and need none of them. */
#ifndef TGRUN_IO_LIBRARY_H
#define TGRUN_IO_LIBRARY_H

#include <stddef.h>

#include "base/err.h"

/* A function of the library, and where its address is kept. */
struct library_row {
	const char *name;
	void **at;
};

/* Loads the library `file` (its soname), once, and finds all functions of it. 0, or -1 with `err`
 * (ERR_INTERNAL). */
int library_load(const char *file, const struct library_row *rows, size_t count, struct err *err);

#endif
