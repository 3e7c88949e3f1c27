/* engine/door: who comes in to the local API: connections on the socket `api`, what their requests
 * ask for, and the end of it all. What becomes of a request is the matter of the files below.
 *
 * Invariant: there are never more connections than are allowed, but for one that makes another
 * leave: one that takes long to ask, or is idle. When all wait for an answer, the next ones wait in
 * the kernel. */
#include "engine/door.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/door_internal.h"

enum {
	IDLE_SECONDS = 60,
	BACKLOG = 128,
	GRACE = 1000, /* milliseconds for a request to come, when others want its place */
};

/* ---- connections ---- */

/* Makes room for the one that came last, and for the next; while there is none, nobody is let in.
 */
static void pace(struct door *d)
{
	while (httpd_connections(d->httpd) > d->config.connections &&
	       httpd_make_room(d->httpd, GRACE))
		continue;
	bool full = httpd_connections(d->httpd) > d->config.connections;
	loop_timer_set(d->room_timer, full ? GRACE : -1);
	if (full != d->paused && d->named)
		listener_pause(d->named, full);
	if (full != d->paused && d->port)
		listener_pause(d->port, full);
	d->paused = full;
}

static void on_room_timer(void *arg)
{
	pace(arg);
}

static void on_accepted(void *arg, int fd)
{
	struct door *d = arg;
	httpd_adopt(d->httpd, fd);
	pace(d);
}

/* ---- requests ---- */

/* Whether a path leads nowhere but down. */
static bool is_path(const char *path)
{
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		size_t n = strcspn(part, "/");
		if (n == 0 || (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
	}
	return true;
}

static bool is_method(const char *name)
{
	size_t n = 0;
	while (isascii((unsigned char)name[n]) && isalpha((unsigned char)name[n]))
		n++;
	return n > 0 && n < sizeof((struct door_call *)0)->method && !name[n];
}

static bool by_port(const struct door_call *c)
{
	int domain = 0;
	socklen_t n = sizeof domain;
	int fd = httpd_descriptor(c->http);
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) || domain != AF_UNIX;
}

/* Whether the texts are the same; how long that takes tells nothing of where they differ. */
static bool is_same(const char *a, const char *b, size_t n)
{
	unsigned char differs = 0;
	for (size_t i = 0; i < n; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return differs == 0;
}

/* Takes `bot<token>/` off a path. NULL: it has another token, or none. */
static const char *skip_token(const struct door_call *c, const char *path)
{
	const char *token = secret_handed(c->door->config.secret);
	size_t n = token ? strlen(token) : 0;
	if (!token || strncmp(path, "bot", 3) != 0 || strlen(path + 3) <= n ||
	    !is_same(path + 3, token, n) || path[3 + n] != '/')
		return NULL;
	return path + 3 + n + 1;
}

/* What the path asks for; false: nothing that there is, or not of who asks. */
static bool read_path(struct door_call *c)
{
	const char *path = httpd_path(c->http) + 1;
	bool get = strcmp(httpd_verb(c->http), "GET") == 0;
	bool file = get && strncmp(path, "file/", 5) == 0;
	path += file ? 5 : 0;
	if (by_port(c) && !(path = skip_token(c, path))) {
		c->stranger = true;
		return false;
	}
	if (file) {
		c->path = path;
		return is_path(path);
	}
	if (!is_method(path) || (!get && strcmp(httpd_verb(c->http), "POST") != 0))
		return false;
	strcpy(c->method, path);
	return true;
}

static void *on_begin(void *arg, struct httpd_request *r, bool too_large)
{
	struct door *d = arg;
	struct door_call *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	*c = (struct door_call){ .door = d, .http = r, .spool = -1 };
	list_init(&c->link);
	list_add_before(&d->calls, &c->link);
	buf_init(&c->told, 1 << 16);
	if (!read_path(c)) {
		if (c->stranger)
			door_refuse(c, 401, DOOR_FORBIDDEN, "Unauthorized");
		else
			door_refuse(c, 404, DOOR_REFUSED,
				    "Not Found: the path is neither /METHOD nor "
				    "/file/PATH");
		return c;
	}
	/* Who announces too much is told at once; all other refusals wait for the body's end. */
	if (!door_body_begin(c, too_large) && too_large)
		door_refuse(c, c->refused, DOOR_REFUSED, "%s", c->why);
	return c;
}

static int on_body(void *tag, const char *bytes, size_t n)
{
	struct door_call *c = tag;
	if (c->stage == DOOR_READS)
		door_body_add(c, bytes, n);
	return 0;
}

static void on_whole(void *tag)
{
	struct door_call *c = tag;
	if (c->stage == DOOR_READS)
		door_send(c);
}

static void on_gone(void *tag)
{
	door_take_back(tag);
}

static void on_ended(void *tag)
{
	struct door_call *c = tag;
	struct door *d = c->door;
	door_take_back(c);
	c->http = NULL;
	/* What the server has is waited for: its chat's next call must not overtake it. */
	if (c->stage != DOOR_SENDS)
		door_call_free(c);
	if (d->httpd && d->paused)
		loop_timer_set(d->room_timer, 0);
}

static const struct httpd_events events = {
	.begin = on_begin,
	.body = on_body,
	.whole = on_whole,
	.gone = on_gone,
	.ended = on_ended,
};

/* ---- the start and the end ---- */

struct door *door_new(const struct door_config *config, struct err *err)
{
	struct door *d = calloc(1, sizeof *d);
	if (!d) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	d->config = *config;
	list_init(&d->calls);
	const struct httpd_config http = { .port = HTTPD_ADOPTS,
					   .connections_max = config->connections,
					   .idle_seconds = IDLE_SECONDS,
					   .body_max = config->body_max };
	d->httpd = httpd_new(config->loop, &http, &events, d, err);
	d->room_timer = loop_timer_new(config->loop, on_room_timer, d);
	if (!d->room_timer)
		err_set(err, ERR_INTERNAL, "out of memory");
	bool fine = d->httpd && d->room_timer && door_open_again(d, err) == 0;
	if (fine && secret_handed(config->secret))
		d->port = listener_loopback(config->loop, BACKLOG, on_accepted, d, err);
	if (fine && (d->port || !secret_handed(config->secret)))
		return d;
	door_free(d);
	return NULL;
}

bool door_stands(const struct door *d)
{
	return d->named && listener_stands(d->named);
}

int door_open_again(struct door *d, struct err *err)
{
	listener_free(d->named);
	d->named = listener_named(d->config.loop, statedir_fd(d->config.dir), "api", BACKLOG,
				  on_accepted, d, err);
	if (d->named && d->paused)
		listener_pause(d->named, true);
	return d->named ? 0 : -1;
}

int door_port(const struct door *d)
{
	return d->port ? listener_port(d->port) : 0;
}

void door_stored(struct door *d)
{
	for (struct list *l = d->calls.next, *next; l != &d->calls; l = next) {
		struct door_call *c = container_of(l, struct door_call, link);
		char *body = NULL;
		next = l->next;
		if (c->stage != DOOR_STORES || !queue_written(d->config.queue, c->ticket))
			continue;
		struct buf text;
		buf_init(&text, 256);
		if (buf_addf(&text, "{\"ok\":true,\"result\":{\"number\":%lld}}",
			     (long long)c->number) == 0)
			body = text.data;
		door_answer(c, 200, DOOR_OK, body, text.len);
	}
}

void door_lost(struct door *d)
{
	for (struct list *l = d->calls.next, *next; l != &d->calls; l = next) {
		struct door_call *c = container_of(l, struct door_call, link);
		next = l->next;
		if (c->stage == DOOR_STORES)
			door_refuse(c, 503, DOOR_UNSURE,
				    "Service Unavailable: this machine was cut off from the store, "
				    "and it is not known whether it was stored");
	}
}

void door_close(struct door *d)
{
	if (d->closing)
		return;
	d->closing = true;
	listener_free(d->named);
	listener_free(d->port);
	d->named = d->port = NULL;
	for (struct list *l = d->calls.next, *next; l != &d->calls; l = next) {
		struct door_call *c = container_of(l, struct door_call, link);
		next = l->next;
		if (c->stage != DOOR_WAITS && c->stage != DOOR_FETCHES)
			continue;
		door_take_back(c);
		if (c->given)
			httpd_drop(c->http);
		else
			door_refuse(c, 503, DOOR_LATER,
				    "Service Unavailable: it was not sent: tgrun is "
				    "ending");
	}
}

void door_free(struct door *d)
{
	if (!d)
		return;
	struct httpd *httpd = d->httpd;
	listener_free(d->named);
	listener_free(d->port);
	d->named = d->port = NULL;
	d->httpd = NULL;
	httpd_free(httpd); /* ends each request */
	loop_timer_free(d->room_timer);
	while (!list_empty(&d->calls)) {
		struct door_call *c = container_of(d->calls.next, struct door_call, link);
		api_cancel(c->request);
		if (c->live)
			out_live_end(c->live, NULL);
		door_call_free(c);
	}
	free(d);
}
