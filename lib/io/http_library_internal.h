/* io/http_library_internal: libcurl, loaded when it is first needed (io/library.h). A call of one
 * of its functions goes to the one that was loaded; a function that is not in this list is not
 * there. */
#ifndef TGRUN_IO_HTTP_LIBRARY_INTERNAL_H
#define TGRUN_IO_HTTP_LIBRARY_INTERNAL_H

#include <curl/curl.h>

#include "base/err.h"

#define HTTP_LIBRARY_FUNCTIONS(FN)   \
	FN(curl_easy_cleanup)        \
	FN(curl_easy_getinfo)        \
	FN(curl_easy_init)           \
	FN(curl_easy_pause)          \
	FN(curl_easy_setopt)         \
	FN(curl_easy_strerror)       \
	FN(curl_free)                \
	FN(curl_global_init_mem)     \
	FN(curl_multi_add_handle)    \
	FN(curl_multi_cleanup)       \
	FN(curl_multi_info_read)     \
	FN(curl_multi_init)          \
	FN(curl_multi_remove_handle) \
	FN(curl_multi_setopt)        \
	FN(curl_multi_socket_action) \
	FN(curl_slist_append)        \
	FN(curl_slist_free_all)      \
	FN(curl_url)                 \
	FN(curl_url_cleanup)         \
	FN(curl_url_get)             \
	FN(curl_url_set)

#define HTTP_LIBRARY_NUMBER(name_) HTTP_LIBRARY_AT_##name_,
enum { HTTP_LIBRARY_FUNCTIONS(HTTP_LIBRARY_NUMBER) HTTP_LIBRARY_COUNT };

extern void *http_library_at[HTTP_LIBRARY_COUNT];

#define HTTP_LIBRARY_LOADED(name_) ((__typeof__(&name_))http_library_at[HTTP_LIBRARY_AT_##name_])

/* Before anything of it is called. 0, or -1 with `err` (ERR_INTERNAL). */
int http_library_load(struct err *err);

#define curl_easy_cleanup(...)        HTTP_LIBRARY_LOADED(curl_easy_cleanup)(__VA_ARGS__)
#define curl_easy_init(...)           HTTP_LIBRARY_LOADED(curl_easy_init)(__VA_ARGS__)
#define curl_easy_pause(...)          HTTP_LIBRARY_LOADED(curl_easy_pause)(__VA_ARGS__)
#define curl_easy_strerror(...)       HTTP_LIBRARY_LOADED(curl_easy_strerror)(__VA_ARGS__)
#define curl_free(...)                HTTP_LIBRARY_LOADED(curl_free)(__VA_ARGS__)
#define curl_global_init_mem(...)     HTTP_LIBRARY_LOADED(curl_global_init_mem)(__VA_ARGS__)
#define curl_multi_add_handle(...)    HTTP_LIBRARY_LOADED(curl_multi_add_handle)(__VA_ARGS__)
#define curl_multi_cleanup(...)       HTTP_LIBRARY_LOADED(curl_multi_cleanup)(__VA_ARGS__)
#define curl_multi_info_read(...)     HTTP_LIBRARY_LOADED(curl_multi_info_read)(__VA_ARGS__)
#define curl_multi_init(...)          HTTP_LIBRARY_LOADED(curl_multi_init)(__VA_ARGS__)
#define curl_multi_remove_handle(...) HTTP_LIBRARY_LOADED(curl_multi_remove_handle)(__VA_ARGS__)
#define curl_multi_socket_action(...) HTTP_LIBRARY_LOADED(curl_multi_socket_action)(__VA_ARGS__)
#define curl_slist_append(...)        HTTP_LIBRARY_LOADED(curl_slist_append)(__VA_ARGS__)
#define curl_slist_free_all(...)      HTTP_LIBRARY_LOADED(curl_slist_free_all)(__VA_ARGS__)
#define curl_url(...)                 HTTP_LIBRARY_LOADED(curl_url)(__VA_ARGS__)
#define curl_url_cleanup(...)         HTTP_LIBRARY_LOADED(curl_url_cleanup)(__VA_ARGS__)
#define curl_url_get(...)             HTTP_LIBRARY_LOADED(curl_url_get)(__VA_ARGS__)
#define curl_url_set(...)             HTTP_LIBRARY_LOADED(curl_url_set)(__VA_ARGS__)

/* The last argument of those that are left may be of several types, which curl's own macros of the
 * same names check; they call functions (http_library.c). */

#endif
