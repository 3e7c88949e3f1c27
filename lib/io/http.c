/* io/http: requests come in, one callback for each goes out; libcurl's multi_socket interface
 * sits between, driven by the loop.
 *
 * Invariants: easy handles are added, removed and freed only outside of curl's own callbacks; after
 * each socket_action all messages are taken, in that turn or the next; and neither URL nor body
 * ever leaves this room but on the wire. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/http_internal.h"
#include "io/spare.h"

enum {
	SLOW_BYTES = 16, /* a second; fewer than that on average is no progress */
	CONNECTIONS_KEPT = 4096,
};

static void collect(struct http *h);
static void on_silence(void *arg);

static void on_ready(struct http *h, curl_socket_t fd, int events)
{
	int running;
	curl_multi_socket_action(h->multi, fd, events, &running);
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

/* A client without connections. false when memory is out. */
static bool open_multi(struct http *h)
{
	h->multi = curl_multi_init();
	if (!h->multi)
		return false;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, http_watch_set);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	/* Else of many that end in one turn only a few keep their connection. */
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	return true;
}

struct http *http_new(struct loop *loop, struct err *err)
{
	static bool initialised;
	if (http_library_load(err))
		return NULL;
	if (!initialised && curl_global_init_mem(CURL_GLOBAL_DEFAULT, spare_malloc, spare_free,
						 spare_realloc, spare_strdup, spare_calloc)) {
		err_set(err, ERR_INTERNAL, "libcurl cannot be set up");
		return NULL;
	}
	initialised = true;
	struct http *h = calloc(1, sizeof *h);
	if (!h)
		goto fail;
	list_init(&h->requests);
	h->loop = loop;
	h->ready = on_ready;
	h->timer = loop_timer_new(loop, on_time, h);
	h->soon = loop_timer_new(loop, on_time, h);
	/* No waiting for `100 Continue` before a body. */
	h->headers = curl_slist_append(NULL, "Expect:");
	if (h->timer && h->soon && h->headers && open_multi(h))
		return h;
fail:
	http_free(h);
	err_set(err, ERR_INTERNAL, "out of memory");
	return NULL;
}

/* Takes it out of the list, if it is there. */
static void leave(struct http_request *r)
{
	r->http->count -= !list_empty(&r->link);
	list_remove(&r->link);
}

static void request_free(struct http_request *r)
{
	if (r->easy) {
		curl_multi_remove_handle(r->http->multi, r->easy);
		curl_easy_cleanup(r->easy);
	}
	leave(r);
	loop_timer_free(r->silent);
	http_body_release(r);
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
	http_watch_forget(h);
	curl_slist_free_all(h->headers);
	loop_timer_free(h->timer);
	loop_timer_free(h->soon);
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

/* There is no other way to have curl close them. The old client stays when there is no memory for a
 * new one: its connections are looked at before they are used. */
void http_hang_up(struct http *h)
{
	CURLM *old = h->multi;
	if (!list_empty(&h->requests))
		return;
	if (!open_multi(h)) {
		h->multi = old;
		return;
	}
	curl_multi_cleanup(old);
	loop_timer_set(h->timer, -1);
}

/* Has curl begin what was added, instead of in the next turn; what ends at once is told in that. */
static void begin(struct http *h)
{
	int running;
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	if ((size_t)running < h->count)
		loop_timer_set(h->soon, 0);
}

/* `like` has what the call does not tell: the callback, and where the answer goes. */
static struct http_request *start(struct http *h, const struct http_call *call,
				  const struct http_request *like)
{
	struct http_request *r = malloc(sizeof *r);
	if (!r)
		return NULL;
	*r = *like;
	r->http = h;
	r->max = call->max;
	r->retry_after = r->keep_alive = -1;
	buf_init(&r->body, call->max);
	list_add_before(&h->requests, &r->link);
	h->count++;
	r->silence = call->silence > 0 ? call->silence : 1;
	r->silent = loop_timer_new(h->loop, on_silence, r);
	if (!r->silent || !http_request_set(r, call) || curl_multi_add_handle(h->multi, r->easy)) {
		request_free(r);
		return NULL;
	}
	loop_timer_set(r->silent, r->silence);
	begin(h);
	return r;
}

struct http_request *http_post(struct http *h, const struct http_call *call, http_done *done,
			       void *arg)
{
	return start(h, call, &(struct http_request){ .done = done, .arg = arg });
}

struct http_request *http_get(struct http *h, const struct http_call *call,
			      const struct http_sink *sink, void *to, http_done *done, void *arg)
{
	return start(h, call,
		     &(struct http_request){ .sink = sink, .to = to, .done = done, .arg = arg });
}

struct http_request *http_reach(struct http *h, const char *url, int64_t silence, http_done *done,
				void *arg)
{
	const struct http_call call = { .url = url, .silence = silence, .total = silence };
	return start(h, &call, &(struct http_request){ .reach = true, .done = done, .arg = arg });
}

void http_go_on(struct http_request *r)
{
	if (!r->full)
		return;
	r->full = false;
	loop_timer_set(r->silent, r->silence);
	curl_easy_pause(r->easy, CURLPAUSE_CONT);
}

void http_cancel(struct http_request *r)
{
	if (r)
		request_free(r);
}

static void finish(struct http_request *r, CURLcode code)
{
	char none[1] = "", *type = NULL;
	long status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(r->easy, CURLINFO_CONTENT_TYPE, &type);
	struct http_response response = {
		.status = (int)status,
		.body = none,
		.content_type = type ? type : "",
		.reason = "",
		.asked = r->sending.asked,
		.timed_out = code == CURLE_OPERATION_TIMEDOUT,
		.retry_after = r->retry_after,
		.keep_alive = r->keep_alive,
	};
	bool answered = r->head_ended && status >= 200;
	/* What the sink says when it is asked again, curl does not always tell. */
	if (code == CURLE_OK && (answered || r->reach) && !r->stopped && !r->too_large) {
		response.body = r->body.data ? r->body.data : none;
		response.length = r->body.len;
		if (r->sink)
			http_request_head(r);
	} else {
		response.failure = http_request_explain(r, code);
		response.reason = r->reason;
		response.stale = response.failure == HTTP_NETWORK && response.asked &&
				 r->sending.reused && r->received == 0 && !r->begun &&
				 !response.timed_out;
	}
	/* No longer in the list: neither http_cancel() nor http_free() in the callback meets it. */
	leave(r);
	r->done(r->arg, &response);
}

/* Not by curl's own option for that, which looks once a second: an idle bot is to sleep until its
 * long poll ends. */
static void on_silence(void *arg)
{
	struct http_request *r = arg;
	struct http *h = r->http;
	uint64_t moved = r->received + r->sending.sent, some = moved - r->moved_before;
	r->moved_before = moved;
	if (!r->unwatched && (r->full || some * 1000 >= (uint64_t)r->silence * SLOW_BYTES)) {
		loop_timer_set(r->silent, r->silence);
		return;
	}
	snprintf(r->error, sizeof r->error,
		 "Operation too slow: fewer than %d bytes a second for %lld ms", SLOW_BYTES,
		 (long long)r->silence);
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
