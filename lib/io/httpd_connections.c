/* io/httpd_connections: the connections of a server, by what they do: those that are sending a
 * request, that wait for an answer, that are idle. Invariant: each that libmicrohttpd has is in one
 * of the lists, but for those that were closed here to make room. */
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "io/httpd_internal.h"

static struct httpd_connection *connection_of(const struct httpd_request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		r->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void move_to(struct httpd *h, struct list *list, struct httpd_connection *c)
{
	h->busy_count += (list == &h->busy) - c->busy;
	c->busy = list == &h->busy;
	c->since = clock_system.mono(&clock_system);
	list_remove(&c->link);
	list_add_before(list, &c->link);
}

void httpd_connections_notify(void *arg, struct MHD_Connection *connection, void **context,
			      enum MHD_ConnectionNotificationCode code)
{
	struct httpd *h = arg;
	struct httpd_connection *c = *context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(
			connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = c = calloc(1, sizeof *c);
		if (!c) /* it is served, and cannot be closed to make room */
			return;
		c->fd = info ? info->connect_fd : -1;
		list_init(&c->link);
		move_to(h, &h->readers, c);
		h->connections++;
	} else if (c) {
		list_remove(&c->link);
		h->connections -= !c->condemned;
		h->busy_count -= c->busy;
		free(c);
		*context = NULL;
		if (h->events->left && !h->closing)
			h->events->left(h->arg);
	}
}

void httpd_connections_move(const struct httpd_request *r, struct list *list)
{
	struct httpd_connection *c = connection_of(r);
	if (c && !c->condemned)
		move_to(r->server, list, c);
}

int httpd_connections(const struct httpd *h)
{
	return h->connections;
}

int httpd_connections_busy(const struct httpd *h)
{
	return h->busy_count;
}

/* The first of a list; NULL: it has none. */
static struct httpd_connection *first_of(const struct list *list)
{
	return list_empty(list) ? NULL : container_of(list->next, struct httpd_connection, link);
}

bool httpd_make_room(struct httpd *h, int64_t grace)
{
	struct httpd_connection *c = first_of(&h->readers);
	if (c && clock_system.mono(&clock_system) - c->since < grace)
		c = NULL;
	c = c ? c : first_of(&h->idle);
	if (!c)
		return false;
	list_remove(&c->link);
	c->condemned = true;
	h->connections--;
	shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees that it has ended */
	loop_timer_set(h->timer, 0);
	return true;
}
