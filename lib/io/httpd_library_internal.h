/* io/httpd_library_internal: libmicrohttpd, loaded when it is first needed (io/library.h). A call
 * of one of its functions goes to the one that was loaded; a function that is not in this list is
 * not there. */
#ifndef TGRUN_IO_HTTPD_LIBRARY_INTERNAL_H
#define TGRUN_IO_HTTPD_LIBRARY_INTERNAL_H

#include <microhttpd.h>

#include "base/err.h"

#define HTTPD_LIBRARY_FUNCTIONS(FN)           \
	FN(MHD_add_connection)                \
	FN(MHD_add_response_header)           \
	FN(MHD_create_post_processor)         \
	FN(MHD_create_response_from_buffer)   \
	FN(MHD_create_response_from_callback) \
	FN(MHD_create_response_from_fd64)     \
	FN(MHD_destroy_post_processor)        \
	FN(MHD_destroy_response)              \
	FN(MHD_get_connection_info)           \
	FN(MHD_get_connection_values)         \
	FN(MHD_get_daemon_info)               \
	FN(MHD_get_timeout)                   \
	FN(MHD_lookup_connection_value)       \
	FN(MHD_post_process)                  \
	FN(MHD_queue_response)                \
	FN(MHD_resume_connection)             \
	FN(MHD_run)                           \
	FN(MHD_start_daemon)                  \
	FN(MHD_stop_daemon)                   \
	FN(MHD_suspend_connection)

#define HTTPD_LIBRARY_NUMBER(name_) HTTPD_LIBRARY_AT_##name_,
enum { HTTPD_LIBRARY_FUNCTIONS(HTTPD_LIBRARY_NUMBER) HTTPD_LIBRARY_COUNT };

extern void *httpd_library_at[HTTPD_LIBRARY_COUNT];

#define HTTPD_LIBRARY_LOADED(name_) ((__typeof__(&name_))httpd_library_at[HTTPD_LIBRARY_AT_##name_])

/* Before anything of it is called. 0, or -1 with `err` (ERR_INTERNAL). */
int httpd_library_load(struct err *err);

#define MHD_add_connection(...)        HTTPD_LIBRARY_LOADED(MHD_add_connection)(__VA_ARGS__)
#define MHD_add_response_header(...)   HTTPD_LIBRARY_LOADED(MHD_add_response_header)(__VA_ARGS__)
#define MHD_create_post_processor(...) HTTPD_LIBRARY_LOADED(MHD_create_post_processor)(__VA_ARGS__)
#define MHD_create_response_from_buffer(...) \
	HTTPD_LIBRARY_LOADED(MHD_create_response_from_buffer)(__VA_ARGS__)
#define MHD_create_response_from_callback(...) \
	HTTPD_LIBRARY_LOADED(MHD_create_response_from_callback)(__VA_ARGS__)
#define MHD_create_response_from_fd64(...) \
	HTTPD_LIBRARY_LOADED(MHD_create_response_from_fd64)(__VA_ARGS__)
#define MHD_destroy_post_processor(...) \
	HTTPD_LIBRARY_LOADED(MHD_destroy_post_processor)(__VA_ARGS__)
#define MHD_destroy_response(...)      HTTPD_LIBRARY_LOADED(MHD_destroy_response)(__VA_ARGS__)
#define MHD_get_connection_info(...)   HTTPD_LIBRARY_LOADED(MHD_get_connection_info)(__VA_ARGS__)
#define MHD_get_connection_values(...) HTTPD_LIBRARY_LOADED(MHD_get_connection_values)(__VA_ARGS__)
#define MHD_get_daemon_info(...)       HTTPD_LIBRARY_LOADED(MHD_get_daemon_info)(__VA_ARGS__)
#define MHD_get_timeout(...)           HTTPD_LIBRARY_LOADED(MHD_get_timeout)(__VA_ARGS__)
#define MHD_lookup_connection_value(...) \
	HTTPD_LIBRARY_LOADED(MHD_lookup_connection_value)(__VA_ARGS__)
#define MHD_post_process(...)       HTTPD_LIBRARY_LOADED(MHD_post_process)(__VA_ARGS__)
#define MHD_queue_response(...)     HTTPD_LIBRARY_LOADED(MHD_queue_response)(__VA_ARGS__)
#define MHD_resume_connection(...)  HTTPD_LIBRARY_LOADED(MHD_resume_connection)(__VA_ARGS__)
#define MHD_run(...)                HTTPD_LIBRARY_LOADED(MHD_run)(__VA_ARGS__)
#define MHD_start_daemon(...)       HTTPD_LIBRARY_LOADED(MHD_start_daemon)(__VA_ARGS__)
#define MHD_stop_daemon(...)        HTTPD_LIBRARY_LOADED(MHD_stop_daemon)(__VA_ARGS__)
#define MHD_suspend_connection(...) HTTPD_LIBRARY_LOADED(MHD_suspend_connection)(__VA_ARGS__)

#endif
