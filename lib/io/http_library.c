/* io/http_library: libcurl, loaded when the first client is made: the addresses of its functions.
 * Invariant: none is called before http_library_load() has returned 0. */
#define CURL_DISABLE_TYPECHECK /* here are the functions, not their callers */
#include <stdarg.h>

#include "io/http_library_internal.h"
#include "io/library.h"

void *http_library_at[HTTP_LIBRARY_COUNT];

#define ROW(name_) { #name_, &http_library_at[HTTP_LIBRARY_AT_##name_] },

int http_library_load(struct err *err)
{
	static const struct library_row rows[] = { HTTP_LIBRARY_FUNCTIONS(ROW) };
	return library_load(TGRUN_CURL, rows, HTTP_LIBRARY_COUNT, err);
}

/* ---- those whose last argument may be of several types; the number of the option says which ----
 */

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	va_list ap;
	va_start(ap, info);
	void *out = va_arg(ap, void *);
	va_end(ap);
	return HTTP_LIBRARY_LOADED(curl_easy_getinfo)(easy, info, out);
}

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	va_list ap;
	CURLcode rc;
	va_start(ap, option);
	if ((int)option < CURLOPTTYPE_OBJECTPOINT)
		rc = HTTP_LIBRARY_LOADED(curl_easy_setopt)(easy, option, va_arg(ap, long));
	else if ((int)option >= CURLOPTTYPE_OFF_T && (int)option < CURLOPTTYPE_BLOB)
		rc = HTTP_LIBRARY_LOADED(curl_easy_setopt)(easy, option, va_arg(ap, curl_off_t));
	else
		rc = HTTP_LIBRARY_LOADED(curl_easy_setopt)(easy, option, va_arg(ap, void *));
	va_end(ap);
	return rc;
}

CURLMcode curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
	va_list ap;
	CURLMcode rc;
	va_start(ap, option);
	if ((int)option < CURLOPTTYPE_OBJECTPOINT)
		rc = HTTP_LIBRARY_LOADED(curl_multi_setopt)(multi, option, va_arg(ap, long));
	else
		rc = HTTP_LIBRARY_LOADED(curl_multi_setopt)(multi, option, va_arg(ap, void *));
	va_end(ap);
	return rc;
}
