/* io/httpd_internal: what httpd.c (connections and requests) and httpd_parts.c (bodies of several
 * parts) share. */
#ifndef TGRUN_IO_HTTPD_INTERNAL_H
#define TGRUN_IO_HTTPD_INTERNAL_H

#include "base/list.h"
#include "io/httpd.h"

struct MHD_Connection;
struct MHD_Response;

/* One that has come and not yet gone. */
struct httpd_connection {
	/* in httpd.readers, idle or busy; those that came there first stand first */
	struct list link;
	int fd;
	int64_t since; /* monotonic milliseconds: when it came into that list */
	bool busy;
	bool condemned; /* closed by us, and no longer counted */
};

struct httpd_request {
	struct list link; /* in httpd.requests */
	struct httpd *server;
	struct MHD_Connection *connection;
	const char *path, *verb; /* libmicrohttpd's */
	void *tag;               /* the owner's; NULL in `begin` */
	uint64_t size;           /* bytes of the body so far */
	bool whole, suspended, dropped;
	struct loop_watch *gone;       /* while suspended: tells that the caller left */
	struct MHD_Response *response; /* NULL: not answered */
	int status;
};

#endif
