/* io/http: POST requests come in, one callback for each goes out; libcurl's multi_socket interface sits between, driven by the loop.
 *
 * Invariants: easy handles are added, removed and freed only outside of curl's own callbacks; after each socket_action all messages are
 * taken; a watch ends before curl closes its descriptor; and neither URL nor form ever leaves this room but on the wire. */
#include "io/http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/spare.h"

enum {
	CONNECT_SECONDS = 15,
	SLOW_BYTES = 16,           /* a second; fewer than that on average is no progress */
	HEADERS_MAX = 64 * 1024,
	RECEIVE_BYTES = 16 * 1024, /* at a time */
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct curl_slist *headers;
	char *ca_file, *ca_dirs; /* NULL: the machine's */
	struct loop_timer *timer;
	struct list requests;
	bool collecting; /* callbacks are being made */
	bool freed;      /* by one of them */
};

struct http_request {
	struct list link;
	struct http *http;
	CURL *easy;
	http_done *done;
	void *arg;
	struct buf body;
	struct loop_timer *silent; /* too little came */
	int64_t silence;           /* its milliseconds */
	uint64_t received, received_before; /* bytes; those when it ran out last */
	size_t header_bytes;
	bool headers_done;
	bool too_large;   /* what came did not fit: we ended it */
	bool no_memory;
	int socket_errno; /* why this machine has no socket to give, or cannot watch one; 0: it has */
	bool unwatched;   /* the latter: nothing more will be heard of the request */
	char *path;       /* the part of the URL that no message may quote */
	char reason[CURL_ERROR_SIZE + 64];
	char error[CURL_ERROR_SIZE];
};

/* A descriptor of curl's that is watched; curl keeps the pointer for us. */
struct watched {
	struct http *http;
	struct loop_watch *watch;
	curl_socket_t fd;
};

static void collect(struct http *h);
static void on_silence(void *arg);

static void on_ready(void *arg, int events)
{
	struct watched *w = arg;
	struct http *h = w->http;
	int running;
	/* `w` may be gone after this. */
	curl_multi_socket_action(h->multi, w->fd, (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
				 (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0), &running);
	collect(h);
}

static void on_time(void *arg)
{
	struct http *h = arg;
	int running;
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(h);
}

/* CURLMOPT_TIMERFUNCTION */
static int set_timer(CURLM *multi, long milliseconds, void *arg)
{
	(void)multi;
	loop_timer_set(((struct http *)arg)->timer, milliseconds);
	return 0;
}

/* A watch cannot be had (errno): the request ends, in the next turn, since curl is at work in this one. */
static int cannot_watch(CURL *easy)
{
	struct http_request *r = NULL;
	int why = errno;
	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &r) == CURLE_OK && r) {
		r->socket_errno = why;
		r->unwatched = true;
		loop_timer_set(r->silent, 0);
	}
	return 0;
}

/* CURLMOPT_SOCKETFUNCTION */
static int set_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *kept)
{
	struct http *h = arg;
	struct watched *w = kept;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			loop_watch_free(w->watch, 0);
		free(w);
		return 0;
	}
	if (!w) {
		w = calloc(1, sizeof *w);
		if (!w || !(w->watch = loop_watch_new(h->loop, fd, on_ready, w))) {
			free(w); /* leaves errno */
			return cannot_watch(easy);
		}
		w->http = h;
		w->fd = fd;
		curl_multi_assign(h->multi, fd, w);
	}
	loop_watch_set(w->watch, (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
	return 0;
}

/* CURLOPT_OPENSOCKETFUNCTION: as curl does it, but no child inherits the connection. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_request *r = arg;
	(void)purpose;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		r->socket_errno = errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_request *r = arg;
	size_t n = size * count;
	r->headers_done = true;
	r->received += n;
	if (buf_add(&r->body, data, n) == 0)
		return n;
	r->too_large = errno == EOVERFLOW;
	r->no_memory = !r->too_large;
	return n ? 0 : 1; /* any count but n ends the transfer */
}

static size_t count_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_request *r = arg;
	size_t n = size * count;
	(void)data;
	if (r->received == 0) /* now the answer's own time begins */
		loop_timer_set(r->silent, r->silence);
	r->received += n;
	r->header_bytes += n;
	if (r->header_bytes <= HEADERS_MAX)
		return n;
	r->too_large = true;
	return 0;
}

/* The URL's path (to keep it out of messages), and whether its host is this machine. NULL when memory is out. */
static char *examine(const char *url, bool *loopback)
{
	char *host = NULL, *part = NULL, *path = NULL;
	*loopback = false;
	CURLU *parsed = curl_url();
	if (!parsed)
		return NULL;
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		struct in_addr v4;
		size_t n = strlen(host);
		*loopback = strcasecmp(host, "localhost") == 0 || strcasecmp(host, "localhost.") == 0 || strcmp(host, "[::1]") == 0 ||
			    (n > 10 && strcasecmp(host + n - 10, ".localhost") == 0) ||
			    (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
	}
	if (curl_url_get(parsed, CURLUPART_PATH, &part, 0) == CURLUE_OK)
		path = strdup(part);
	else
		path = strdup("");
	curl_free(part);
	curl_free(host);
	curl_url_cleanup(parsed);
	return path;
}

struct http *http_new(struct loop *loop, struct err *err)
{
	static bool initialised;
	if (!initialised && curl_global_init_mem(CURL_GLOBAL_DEFAULT, spare_malloc, spare_free, spare_realloc, spare_strdup, spare_calloc)) {
		err_set(err, ERR_INTERNAL, "libcurl cannot be set up");
		return NULL;
	}
	initialised = true;
	struct http *h = calloc(1, sizeof *h);
	if (!h)
		goto fail;
	list_init(&h->requests);
	h->loop = loop;
	h->timer = loop_timer_new(loop, on_time, h);
	h->multi = curl_multi_init();
	/* No waiting for `100 Continue` before a body. */
	h->headers = curl_slist_append(NULL, "Expect:");
	if (!h->timer || !h->multi || !h->headers)
		goto fail;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	return h;
fail:
	http_free(h);
	err_set(err, ERR_INTERNAL, "out of memory");
	return NULL;
}

static void request_free(struct http_request *r)
{
	if (r->easy) {
		curl_multi_remove_handle(r->http->multi, r->easy);
		curl_easy_cleanup(r->easy);
	}
	list_remove(&r->link);
	loop_timer_free(r->silent);
	buf_release(&r->body);
	if (r->path)
		explicit_bzero(r->path, strlen(r->path));
	free(r->path);
	free(r);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (!list_empty(&h->requests))
		request_free(container_of(h->requests.next, struct http_request, link));
	if (h->collecting) {
		h->freed = true; /* collect() does the rest */
		return;
	}
	if (h->multi)
		curl_multi_cleanup(h->multi);
	curl_slist_free_all(h->headers);
	loop_timer_free(h->timer);
	free(h->ca_file);
	free(h->ca_dirs);
	free(h);
}

int http_trust(struct http *h, const char *file, const char *dirs)
{
	free(h->ca_file);
	free(h->ca_dirs);
	h->ca_file = file ? strdup(file) : NULL;
	h->ca_dirs = dirs ? strdup(dirs) : NULL;
	return (file && !h->ca_file) || (dirs && !h->ca_dirs) ? -1 : 0;
}

/* Whose certificates count. An empty name is none at all. */
static int set_trust(const struct http *h, CURL *e)
{
	int bad = 0;
	bad += curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK;
	bad += h->ca_file && curl_easy_setopt(e, CURLOPT_CAINFO, *h->ca_file ? h->ca_file : NULL) != CURLE_OK;
	bad += h->ca_dirs && curl_easy_setopt(e, CURLOPT_CAPATH, *h->ca_dirs ? h->ca_dirs : NULL) != CURLE_OK;
	return bad;
}

/* Everything that the request asks of curl. Returns whether all was taken. */
static bool set_options(struct http_request *r, const struct http_call *call, bool loopback)
{
	CURL *e = r->easy;
	const char *form = call->form ? call->form : "";
	int bad = 0;
	bad += curl_easy_setopt(e, CURLOPT_URL, call->url) != CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075500
	bad += curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "https") != CURLE_OK;
#else
	bad += curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS, (long)CURLPROTO_HTTPS) != CURLE_OK;
#endif
	bad += curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(form)) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, form) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->http->headers) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_USERAGENT, "tgrun/" TGRUN_VERSION) != CURLE_OK;
	bad += set_trust(r->http, e);
	if (call->user) {
		bad += curl_easy_setopt(e, CURLOPT_USERNAME, call->user) != CURLE_OK;
		bad += curl_easy_setopt(e, CURLOPT_PASSWORD, call->password) != CURLE_OK;
	}
	bad += loopback && curl_easy_setopt(e, CURLOPT_PROXY, "") != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)call->total) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Ending a request never waits for a name server. */
	bad += curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) != CURLE_OK;
#endif
	bad += curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, r) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_WRITEDATA, r) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, count_header) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_HEADERDATA, r) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_PRIVATE, r) != CURLE_OK;
	return bad == 0;
}

struct http_request *http_post(struct http *h, const struct http_call *call, http_done *done, void *arg)
{
	bool loopback;
	struct http_request *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->http = h;
	r->done = done;
	r->arg = arg;
	buf_init(&r->body, call->max);
	list_add_before(&h->requests, &r->link);
	r->silence = call->silence > 0 ? call->silence : 1;
	r->silent = loop_timer_new(h->loop, on_silence, r);
	r->path = examine(call->url, &loopback);
	r->easy = curl_easy_init();
	if (!r->silent || !r->path || !r->easy || !set_options(r, call, loopback) || curl_multi_add_handle(h->multi, r->easy)) {
		request_free(r);
		return NULL;
	}
	loop_timer_set(r->silent, r->silence);
	return r;
}

void http_cancel(struct http_request *r)
{
	if (r)
		request_free(r);
}

/* What failed, in words that hold no part of the URL but its host. */
static enum http_failure explain(struct http_request *r, CURLcode code)
{
	const char *words = r->error[0] ? r->error : curl_easy_strerror(code);
	if (strstr(words, "/bot") || (strlen(r->path) > 1 && strstr(words, r->path)))
		words = curl_easy_strerror(code);
	curl_off_t first_byte = 0;
	curl_easy_getinfo(r->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
	/* A header line without end: older curl calls it a lack of memory, and from 8.6 on (which headers older than that do not
	 * know) it has a number of its own, CURLE_TOO_LARGE. */
	bool endless = code == 100 || (code == CURLE_OUT_OF_MEMORY && !r->no_memory && first_byte > 0);
	if (r->too_large || (endless && !r->headers_done)) {
		if (r->headers_done)
			snprintf(r->reason, sizeof r->reason, "the answer is larger than %zu bytes", r->body.max);
		else
			snprintf(r->reason, sizeof r->reason, "the answer's headers are larger than %d bytes", HEADERS_MAX);
		return HTTP_TOO_LARGE;
	}
	if (r->socket_errno) {
		snprintf(r->reason, sizeof r->reason, "cannot %s a socket: %s", r->unwatched ? "watch" : "open", strerror(r->socket_errno));
		return HTTP_INTERNAL;
	}
	if (r->no_memory || code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT) {
		snprintf(r->reason, sizeof r->reason, "out of memory");
		return HTTP_INTERNAL;
	}
	long proxy_status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (proxy_status && proxy_status / 100 != 2) {
		snprintf(r->reason, sizeof r->reason, "the proxy answers with HTTP status %ld", proxy_status);
		return HTTP_NETWORK;
	}
	snprintf(r->reason, sizeof r->reason, "%s%s", code == CURLE_PEER_FAILED_VERIFICATION ? "the server's certificate is not trusted: " : "",
		 words);
	/* curl's sentences become phrases, but names stay as they are (SSL, HTTP). */
	char *first = r->reason;
	if (isupper((unsigned char)first[0]) && islower((unsigned char)first[1]))
		first[0] = (char)tolower((unsigned char)first[0]);
	return HTTP_NETWORK;
}

static void finish(struct http_request *r, CURLcode code)
{
	char none[1] = "", *type = NULL;
	long status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(r->easy, CURLINFO_CONTENT_TYPE, &type);
	struct http_response response = { .status = (int)status, .body = none, .content_type = type ? type : "", .reason = "" };
	if (code == CURLE_OK && status > 0) {
		response.body = r->body.data ? r->body.data : none;
		response.length = r->body.len;
	} else {
		response.failure = explain(r, code == CURLE_OK ? CURLE_WEIRD_SERVER_REPLY : code);
		response.reason = r->reason;
	}
	/* No longer in the list: neither http_cancel() nor http_free() in the callback meets it. */
	list_remove(&r->link);
	r->done(r->arg, &response);
}

/* Not by curl's own option for that, which looks once a second: an idle bot is to sleep until its long poll ends. */
static void on_silence(void *arg)
{
	struct http_request *r = arg;
	struct http *h = r->http;
	uint64_t came = r->received - r->received_before;
	r->received_before = r->received;
	if (!r->unwatched && came * 1000 >= (uint64_t)r->silence * SLOW_BYTES) {
		loop_timer_set(r->silent, r->silence);
		return;
	}
	snprintf(r->error, sizeof r->error, "Operation too slow: fewer than %d bytes a second for %lld ms", SLOW_BYTES, (long long)r->silence);
	curl_multi_remove_handle(h->multi, r->easy);
	h->collecting = true;
	finish(r, CURLE_OPERATION_TIMEDOUT);
	request_free(r);
	h->collecting = false;
	if (h->freed)
		http_free(h);
}

/* Takes all that has ended since, and calls back. */
static void collect(struct http *h)
{
	CURLMsg *message;
	int left;
	h->collecting = true;
	while (!h->freed && (message = curl_multi_info_read(h->multi, &left))) {
		struct http_request *r = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &r);
		curl_multi_remove_handle(h->multi, r->easy);
		finish(r, code);
		request_free(r);
	}
	h->collecting = false;
	if (h->freed)
		http_free(h);
}
