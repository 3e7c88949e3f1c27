/* io/httpd_library: libmicrohttpd, loaded when the first server is made: the addresses of its
 * functions. Invariant: none is called before httpd_library_load() has returned 0. */
#include "io/httpd_library_internal.h"
#include "io/library.h"

void *httpd_library_at[HTTPD_LIBRARY_COUNT];

#define ROW(name_) { #name_, &httpd_library_at[HTTPD_LIBRARY_AT_##name_] },

int httpd_library_load(struct err *err)
{
	static const struct library_row rows[] = { HTTPD_LIBRARY_FUNCTIONS(ROW) };
	return library_load(TGRUN_MICROHTTPD, rows, HTTPD_LIBRARY_COUNT, err);
}
