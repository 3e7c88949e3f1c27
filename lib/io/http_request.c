/* io/http_request: one request: a call comes in, a curl handle that is set up for it goes out; then
 * what arrives goes into the request, and in the end a sentence says what failed.
 *
 * The body and the headers never pass their maximum, and no sentence holds the URL's path, which
 * has the token. */
#include "io/http_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "io/host.h"

enum {
	CONNECT_SECONDS = 15,
	HEADERS_MAX = 64 * 1024,
	RECEIVE_BYTES = 16 * 1024,   /* at a time */
	ANNOUNCED_MAX = 1024 * 1024, /* what is reserved of an answer before it has come */
};

struct target {
	bool loopback; /* this machine */
	bool tls;
};

void http_request_head(struct http_request *r)
{
	long status = 0;
	curl_off_t length = -1;
	if (r->head_told)
		return;
	r->head_told = true;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	r->sink->head(r->to, (int)status, length < 0 ? HTTP_UNKNOWN : (uint64_t)length);
}

/* To the sink. curl gives the same bytes again after a pause. */
static size_t hand_on(char *data, size_t size, size_t count, void *arg)
{
	struct http_request *r = arg;
	size_t n = size * count;
	r->headers_done = true;
	http_request_head(r);
	r->too_large = r->too_large || r->taken + n > r->max;
	if (r->too_large || r->stopped)
		return 0;
	switch (r->sink->take(r->to, data, n)) {
	case HTTP_TOOK:
		break;
	case HTTP_FULL:
		r->full = true;
		return CURL_WRITEFUNC_PAUSE;
	case HTTP_STOP:
		r->stopped = true;
		return 0;
	}
	r->received += n;
	r->taken += n;
	return n;
}

/* Room for all that is announced, or else it grows by doubling; what is not there is asked for when
 * it comes. */
static void make_room(struct http_request *r)
{
	curl_off_t length = -1;
	if (curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK &&
	    length > 0 && length <= ANNOUNCED_MAX)
		buf_reserve(&r->body, (size_t)length);
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_request *r = arg;
	size_t n = size * count;
	if (!r->headers_done)
		make_room(r);
	r->headers_done = true;
	r->received += n;
	if (buf_add(&r->body, data, n) == 0)
		return n;
	r->too_large = errno == EOVERFLOW;
	r->no_memory = !r->too_large;
	return n ? 0 : 1; /* any count but n ends the transfer */
}

/* The digits at *p, which is moved behind them, as a number; one that is large is 1000000 at least.
 * -1: there are none. */
static int64_t read_seconds(const char **p, const char *end)
{
	int64_t seconds = -1;
	for (; *p < end && isdigit((unsigned char)**p); ++*p)
		if (seconds < 1000000)
			seconds = (seconds < 0 ? 0 : seconds * 10) + **p - '0';
	return seconds;
}

/* The number behind `timeout=` in `Keep-Alive: timeout=5, max=100`; -1: there is none. */
static int64_t read_timeout(const char *value, size_t n)
{
	static const char name[] = "timeout=";
	const char *end = value + n;
	for (const char *p = value; (size_t)(end - p) >= sizeof name; p++) {
		if (strncasecmp(p, name, sizeof name - 1) != 0)
			continue;
		p += sizeof name - 1;
		return read_seconds(&p, end);
	}
	return -1;
}

/* The number that the value is, and nothing else; 0: it is none, but a date, say. */
static int64_t read_number(const char *value, size_t n)
{
	static const char blanks[] = " \t\r\n";
	const char *end = value + n;
	while (value < end && strchr(blanks, *value))
		value++;
	while (end > value && strchr(blanks, end[-1]))
		end--;
	int64_t seconds = read_seconds(&value, end);
	return seconds < 0 || value < end ? 0 : seconds;
}

static bool begins(const char *line, size_t n, const char *with)
{
	size_t length = strlen(with);
	return n >= length && strncasecmp(line, with, length) == 0;
}

/* Of the last head: others may come before it, of a proxy or of interim answers. A head ends in an
 * empty line; curl takes one that the server cut for an answer. */
static void note_header(struct http_request *r, const char *line, size_t n)
{
	static const char keep_alive[] = "keep-alive:", retry_after[] = "retry-after:";
	if (begins(line, n, "http/")) {
		r->head_ended = false;
		r->retry_after = r->keep_alive = -1;
	} else if (n && (*line == '\r' || *line == '\n')) {
		r->head_ended = true;
	} else if (begins(line, n, retry_after)) {
		r->retry_after = read_number(line + sizeof retry_after - 1,
					     n - (sizeof retry_after - 1));
	} else if (begins(line, n, keep_alive)) {
		r->keep_alive = read_timeout(line + sizeof keep_alive - 1,
					     n - (sizeof keep_alive - 1));
	}
}

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_request *r = arg;
	size_t n = size * count;
	note_header(r, data, n);
	if (r->received == 0) /* now the answer's own time begins */
		loop_timer_set(r->silent, r->silence);
	r->received += n;
	r->header_bytes += n;
	if (r->header_bytes <= HEADERS_MAX)
		return n;
	r->too_large = true;
	return 0;
}

/* Whose certificates count. An empty name is none at all. */
static int set_trust(const struct http *h, CURL *e)
{
	const char *file = h->ca_file && *h->ca_file ? h->ca_file : NULL;
	const char *dirs = h->ca_dirs && *h->ca_dirs ? h->ca_dirs : NULL;
	int bad = 0;
	bad += curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK;
	bad += h->ca_file && curl_easy_setopt(e, CURLOPT_CAINFO, file) != CURLE_OK;
	bad += h->ca_dirs && curl_easy_setopt(e, CURLOPT_CAPATH, dirs) != CURLE_OK;
	return bad;
}

/* A form, which curl keeps, and sends again when it thinks that it should. */
static int set_form(const struct http_request *r, const char *form)
{
	CURL *e = r->easy;
	curl_off_t length = (curl_off_t)strlen(form);
	int bad = 0;
	bad += curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, length) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, form) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->http->headers) != CURLE_OK;
	return bad;
}

/* Everything that the request asks of curl. Returns whether all was taken. */
static bool set_options(struct http_request *r, const struct http_call *call,
			const struct target *target)
{
	CURL *e = r->easy;
	int bad = r->sink      ? curl_easy_setopt(e, CURLOPT_HTTPGET, 1L) != CURLE_OK
		  : r->reach   ? curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK
		  : call->body ? http_body_set(r, call)
			       : set_form(r, call->form ? call->form : "");
	bad += curl_easy_setopt(e, CURLOPT_URL, call->url) != CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075500
	bad += curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "https") != CURLE_OK;
#else
	const long both = CURLPROTO_HTTP | CURLPROTO_HTTPS;
	bad += curl_easy_setopt(e, CURLOPT_PROTOCOLS, both) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS, (long)CURLPROTO_HTTPS) != CURLE_OK;
#endif
	bad += curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_USERAGENT, "tgrun/" TGRUN_VERSION) != CURLE_OK;
	bad += set_trust(r->http, e);
	if (call->user) {
		bad += curl_easy_setopt(e, CURLOPT_USERNAME, call->user) != CURLE_OK;
		bad += curl_easy_setopt(e, CURLOPT_PASSWORD, call->password) != CURLE_OK;
	}
	bad += target->loopback && curl_easy_setopt(e, CURLOPT_PROXY, "") != CURLE_OK;
	/* Of many calls at once, the first makes the connection that HTTP/2 shares. Without TLS
	 * there is none to share, and the others would wait for the first one's answer. */
	bad += call->body && target->tls && !call->http1 &&
	       curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)call->total) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Ending a request never waits for a name server. */
	bad += curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) != CURLE_OK;
#endif
	bad += curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, http_watch_open) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, r) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, http_watch_close) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, r->http) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, r->sink ? hand_on : take_body) !=
	       CURLE_OK;
	/* Of HTTP/2, curl keeps what comes while the sink is full: megabytes. */
	bad += r->sink &&
	       curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_WRITEDATA, r) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_HEADERDATA, r) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_PRIVATE, r) != CURLE_OK;
	return bad == 0;
}

/* What of the URL matters here: its path is kept by the request (to keep it out of messages). false
 * when memory is out. */
static bool examine(struct http_request *r, const char *url, struct target *target)
{
	char *host = NULL, *scheme = NULL, *path = NULL;
	*target = (struct target){ 0 };
	CURLU *parsed = curl_url();
	if (!parsed)
		return false;
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		target->loopback = host_is_loopback(host, strlen(host));
	if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK)
		target->tls = strcmp(scheme, "https") == 0;
	bool has_path = curl_url_get(parsed, CURLUPART_PATH, &path, 0) == CURLUE_OK;
	r->path = strdup(has_path ? path : "");
	curl_free(path);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parsed);
	return r->path;
}

bool http_request_set(struct http_request *r, const struct http_call *call)
{
	struct target target;
	r->easy = curl_easy_init();
	if (!r->easy || !examine(r, call->url, &target))
		return false;
	r->tls = target.tls;
	return set_options(r, call, &target);
}

enum http_failure http_request_explain(struct http_request *r, CURLcode code)
{
	const char *words = r->error[0] ? r->error : curl_easy_strerror(code);
	if (strstr(words, "/bot") || (strlen(r->path) > 1 && strstr(words, r->path)))
		words = curl_easy_strerror(code);
	curl_off_t first_byte = 0;
	curl_easy_getinfo(r->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
	/* A header line without end: older curl calls it a lack of memory, and from 8.6 on (which
	 * headers older than that do not know) it has a number of its own, CURLE_TOO_LARGE. */
	bool endless = code == 100 ||
		       (code == CURLE_OUT_OF_MEMORY && !r->no_memory && first_byte > 0);
	if (r->too_large || (endless && !r->headers_done)) {
		if (r->headers_done)
			snprintf(r->reason, sizeof r->reason,
				 "the answer is larger than %llu bytes",
				 (unsigned long long)r->max);
		else
			snprintf(r->reason, sizeof r->reason,
				 "the answer's headers are larger than %d bytes", HEADERS_MAX);
		return HTTP_TOO_LARGE;
	}
	if (r->socket_errno) {
		snprintf(r->reason, sizeof r->reason, "cannot %s a socket: %s",
			 r->unwatched ? "watch" : "open", strerror(r->socket_errno));
		return HTTP_INTERNAL;
	}
	if (r->stopped) {
		snprintf(r->reason, sizeof r->reason, "what came cannot be kept");
		return HTTP_INTERNAL;
	}
	if (r->sending.read_errno) {
		snprintf(r->reason, sizeof r->reason, "cannot read what is to be sent: %s",
			 strerror(r->sending.read_errno));
		return HTTP_INTERNAL;
	}
	if (r->no_memory || code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT) {
		snprintf(r->reason, sizeof r->reason, "out of memory");
		return HTTP_INTERNAL;
	}
	long proxy_status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (proxy_status && proxy_status / 100 != 2) {
		snprintf(r->reason, sizeof r->reason, "the proxy answers with HTTP status %ld",
			 proxy_status);
		return HTTP_NETWORK;
	}
	if (code == CURLE_OK)
		words = "the connection was closed in the head of the answer";
	/* Where curl would have sent it again. */
	if (code == CURLE_SEND_FAIL_REWIND || code == CURLE_ABORTED_BY_CALLBACK)
		words = "the connection was closed before an answer came";
	bool untrusted = code == CURLE_PEER_FAILED_VERIFICATION;
	snprintf(r->reason, sizeof r->reason, "%s%s",
		 untrusted ? "the server's certificate is not trusted: " : "", words);
	/* curl's sentences become phrases, but names stay as they are (SSL, HTTP). */
	char *first = r->reason;
	if (isupper((unsigned char)first[0]) && islower((unsigned char)first[1]))
		first[0] = (char)tolower((unsigned char)first[0]);
	return HTTP_NETWORK;
}
