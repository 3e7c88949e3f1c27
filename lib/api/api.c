/* api: a method and its parameters go in, a class of failure and raw slices, or a verdict, come
 * out. The URL, which holds the token, leaves this room only towards curl and the handler's
 * environment; every phrase for people is redacted. */
#include "api/api.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	BODY_MAX = 32 << 20,
	URL_MAX = 4096,
	RETRY_AFTER_DEFAULT = 5,
	SEND_TIME = 120 * 1000, /* milliseconds */
	SEND_RATE = 16,         /* bytes a millisecond, for which a body has more time */
};

struct api {
	struct http *http;
	const struct secret *secret;
	char *root, *user, *password;
};

struct api_request {
	struct api *api;
	char method[64];
	struct http_request *http;
	api_done *done; /* of api_call() */
	api_sent *sent; /* of api_send() */
	void *arg;
};

struct api *api_new(struct http *http, const char *root, const char *login,
		    const struct secret *secret)
{
	struct api *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	a->http = http;
	a->secret = secret;
	a->root = strdup(root);
	if (a->root && api_root_unescape(login, &a->user, &a->password) == 0)
		return a;
	api_free(a);
	return NULL;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	char *const secrets[] = { a->user, a->password };
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		if (secrets[i])
			explicit_bzero(secrets[i], strlen(secrets[i]));
		free(secrets[i]);
	}
	free(a->root);
	free(a);
}

int api_url(const char *root, const char *login, const struct secret *secret, const char *method,
	    struct buf *out)
{
	if (api_root_add(root, login, out) || buf_addf(out, "/bot%s", secret_token(secret)))
		return -1;
	return method ? buf_addf(out, "/%s", method) : 0;
}

/* Of other methods 403 and 404 speak of a chat, of a right, or of a server that does not know the
 * method. */
static enum api_class class_of(const char *method, int code, const char *description)
{
	bool tells = strcmp(method, "getMe") == 0 || strcmp(method, "getUpdates") == 0;
	switch (code) {
	case 401:
		return API_TOKEN;
	case 403:
	case 404:
		return tells ? API_TOKEN : API_REFUSED;
	case 409:
		return strstr(description, "webhook") ? API_WEBHOOK : API_POLLER;
	case 429:
		return API_FLOOD;
	default:
		return code >= 500 ? API_SERVER : API_REFUSED;
	}
}

/* What the server said, from its envelope. Errors count by the envelope's code, so an HTML page
 * with status 404 is no word on the token. */
static void read_envelope(struct api_answer *a, struct http_response *response)
{
	struct slice_reply reply;
	struct err err = { 0 };
	if (slice_response(response->body, response->length, &a->result, &reply, &err)) {
		a->class = err.status == ERR_INTERNAL ? API_NETWORK
			   : response->status >= 500  ? API_SERVER
						      : API_GARBAGE;
		snprintf(a->text, sizeof a->text,
			 "HTTP status %d with no answer of the Bot API: %s", response->status,
			 err.text);
		return;
	}
	if (reply.ok && response->status == 200) {
		a->class = API_OK;
		return;
	}
	int code = reply.error_code ? reply.error_code : response->status;
	a->class = reply.ok ? API_GARBAGE : class_of(a->method, code, reply.description);
	a->retry_after = reply.retry_after >= 0 ? reply.retry_after : RETRY_AFTER_DEFAULT;
	snprintf(a->text, sizeof a->text, "%d %s", code, reply.description);
}

static void on_response(void *arg, struct http_response *response)
{
	struct api_request *c = arg;
	struct api_answer a = { .method = c->method,
				.body = response->body,
				.length = response->length };
	switch (response->failure) {
	case HTTP_OK:
		if (response->status / 100 == 3) {
			a.class = API_GARBAGE;
			snprintf(
				a.text, sizeof a.text,
				"HTTP status %d; redirects are not followed, since the URL holds the token",
				response->status);
		} else {
			read_envelope(&a, response);
		}
		break;
	case HTTP_TOO_LARGE:
		a.class = API_GARBAGE;
		snprintf(a.text, sizeof a.text, "%s", response->reason);
		break;
	case HTTP_NETWORK:
	case HTTP_INTERNAL:
		a.class = API_NETWORK;
		snprintf(a.text, sizeof a.text, "%s", response->reason);
		break;
	}
	a.text[secret_redact(c->api->secret, a.text, strlen(a.text))] = '\0';
	c->done(c->arg, &a);
	slices_release(&a.result);
	free(c);
}

static void on_sent(void *arg, struct http_response *response)
{
	struct api_request *c = arg;
	struct verdict v;
	verdict_read(&v, response, c->api->secret);
	c->sent(c->arg, &v, response->body, response->length);
	free(c);
}

/* Makes the request for `method`, with what `call` says besides the URL and the login. NULL when
 * memory is out. */
static struct api_request *start(struct api *a, const char *method, struct http_call *call,
				 http_done *done, const struct api_request *like)
{
	struct api_request *c = malloc(sizeof *c);
	struct buf url;
	if (!c)
		return NULL;
	*c = *like;
	c->api = a;
	snprintf(c->method, sizeof c->method, "%s", method);
	buf_init(&url, URL_MAX);
	if (api_url(a->root, NULL, a->secret, method, &url) == 0) {
		call->url = url.data;
		call->user = a->user;
		call->password = a->password;
		call->max = BODY_MAX;
		c->http = http_post(a->http, call, done, c);
		explicit_bzero(url.data, url.cap);
	}
	buf_release(&url);
	if (c->http)
		return c;
	free(c);
	return NULL;
}

struct api_request *api_call(struct api *a, const char *method, const char *form, int64_t silence,
			     int64_t total, api_done *done, void *arg)
{
	struct http_call call = { .form = form, .silence = silence, .total = total };
	struct api_request like = { .done = done, .arg = arg };
	return start(a, method, &call, on_response, &like);
}

struct api_request *api_send(struct api *a, const char *method, const struct http_body *body,
			     api_sent *done, void *arg)
{
	struct http_call call = { .body = body, .silence = SEND_TIME, .total = SEND_TIME };
	struct api_request like = { .sent = done, .arg = arg };
	for (size_t i = 0; i < body->count; i++)
		call.total += (int64_t)(body->pieces[i].length / SEND_RATE);
	return start(a, method, &call, on_sent, &like);
}

static void on_fetched(void *arg, struct http_response *response)
{
	struct api_request *c = arg;
	struct verdict v = { .code = response->status };
	char none[1] = "";
	if (response->failure != HTTP_OK) {
		v.kind = VERDICT_UNSENT;
		snprintf(v.text, sizeof v.text, "%s", response->reason);
	} else if (response->status != 200) {
		v.kind = response->status == 404 ? VERDICT_REFUSED : VERDICT_SERVER;
		snprintf(v.text, sizeof v.text, "%d: the server does not give the file out",
			 response->status);
	}
	v.text[secret_redact(c->api->secret, v.text, strlen(v.text))] = '\0';
	c->sent(c->arg, &v, none, 0);
	free(c);
}

/* Appends a path as it stands in a URL. */
static int add_path(struct buf *url, const char *path)
{
	int full = 0;
	for (const unsigned char *p = (const unsigned char *)path; *p && !full; p++)
		full = isalnum(*p) || strchr("-._~/", *p) ? buf_addc(url, (char)*p)
							  : buf_addf(url, "%%%02X", *p);
	return full;
}

struct api_request *api_fetch(struct api *a, const char *path, const struct http_sink *sink,
			      api_sent *done, void *arg)
{
	struct api_request *c = calloc(1, sizeof *c);
	struct buf url;
	if (!c)
		return NULL;
	*c = (struct api_request){ .api = a, .sent = done, .arg = arg };
	buf_init(&url, URL_MAX);
	if (api_root_add(a->root, NULL, &url) == 0 &&
	    buf_addf(&url, "/file/bot%s/", secret_token(a->secret)) == 0 &&
	    add_path(&url, path) == 0) {
		const struct http_call call = { .url = url.data,
						.user = a->user,
						.password = a->password,
						.silence = SEND_TIME,
						.max = API_FILE_MAX };
		c->http = http_get(a->http, &call, sink, arg, on_fetched, c);
		explicit_bzero(url.data, url.cap);
	}
	buf_release(&url);
	if (c->http)
		return c;
	free(c);
	return NULL;
}

void api_go_on(struct api_request *r)
{
	http_go_on(r->http);
}

void api_cancel(struct api_request *r)
{
	if (!r)
		return;
	http_cancel(r->http);
	free(r);
}
