/* io/httpd_internal: what httpd.c (requests), httpd_connections.c and httpd_parts.c (bodies of
 * several parts) share. */
#ifndef TGRUN_IO_HTTPD_INTERNAL_H
#define TGRUN_IO_HTTPD_INTERNAL_H

#include "base/list.h"
#include "io/httpd.h"
#include "io/httpd_library_internal.h"

struct httpd {
	struct loop *loop;
	struct httpd_config config;
	const struct httpd_events *events;
	void *arg;
	struct MHD_Daemon *daemon;
	struct loop_watch *watch;
	struct loop_timer *timer;
	struct list requests;
	/* connections: those that are sending a request, or have yet to begin their first; those
	 * that were answered; those that wait for their answer */
	struct list readers, idle, busy;
	int connections, busy_count;
	bool closing;
	bool resumed; /* a connection was, since the last pump */
};

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
	ssize_t (*read)(void *tag, char *out, size_t max); /* its body; NULL: it is no stream */
	int status;
};

/* MHD_NotifyConnectionCallback: a connection begins, or ends. */
void httpd_connections_notify(void *arg, struct MHD_Connection *connection, void **context,
			      enum MHD_ConnectionNotificationCode code);
/* The request's connection is one of that list of its server from now on. */
void httpd_connections_move(const struct httpd_request *r, struct list *list);

#endif
