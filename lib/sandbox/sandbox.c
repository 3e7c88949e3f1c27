/* sandbox/sandbox: a Bot API on loopback; this file is its life, and where its requests arrive.
 * They come in from io/httpd; when one is whole it goes to sandbox_dispatch.c.
 *
 * Invariant: every request is in s->requests until io/httpd says that it is over. */
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "io/httpd.h"
#include "sandbox/sandbox_internal.h"

enum { CONNECTIONS_MAX = 1000, IDLE_SECONDS = 75 };

/* ---- requests ---- */

/* The method of /bot<token>/method; a status of refusal, or 0. The method stays empty for a path of
 * somebody else. */
static int read_path(struct sandbox_request *r)
{
	const char *token = r->path + 4;
	if (strncmp(r->path, "/bot", 4) != 0)
		return 0;
	const char *slash = strchr(token, '/');
	size_t digits = strspn(token, "0123456789");
	if (!slash || digits == 0 || token[digits] != ':' || token + digits + 1 == slash)
		return 404;
	size_t n = (size_t)(slash - token);
	if (!r->sandbox->config.any_token &&
	    (n != strlen(r->sandbox->token) || strncmp(token, r->sandbox->token, n) != 0))
		return 401;
	const char *method = slash + 1;
	size_t length = strspn(method,
			       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	if (length == 0 || length > SANDBOX_METHOD_MAX || method[length])
		return 404;
	memcpy(r->method, method, length + 1);
	return 0;
}

static void request_free(struct sandbox_request *r)
{
	const struct sandbox_config *config = &r->sandbox->config;
	list_remove(&r->link);
	sandbox_poll_ended(r);
	if (config->hooks && config->hooks->ended)
		config->hooks->ended(config->arg, r);
	loop_timer_free(r->timer);
	sandbox_params_free(r->reader);
	cJSON_Delete(r->params);
	cJSON_Delete(r->uploads);
	buf_release(&r->body);
	free(r->answer);
	free(r);
}

static struct sandbox_request *request_new(struct sandbox *s, struct httpd_request *http)
{
	struct sandbox_request *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	list_init(&r->link);
	list_add_before(&s->requests, &r->link);
	r->sandbox = s;
	r->http = http;
	r->path = httpd_path(http);
	r->post = strcmp(httpd_verb(http), "POST") == 0;
	r->type = "application/json";
	r->body_max = -1;
	r->began = s->clock->mono(s->clock);
	buf_init(&r->body, SANDBOX_BODY_MAX);
	r->params = cJSON_CreateObject();
	if (r->params)
		return r;
	request_free(r);
	return NULL;
}

static bool on_accept(void *arg)
{
	const struct sandbox_config *config = &((struct sandbox *)arg)->config;
	return !config->hooks || !config->hooks->accept || config->hooks->accept(config->arg);
}

static void *on_begin(void *arg, struct httpd_request *http, bool too_large)
{
	struct sandbox_request *r = request_new(arg, http);
	const struct sandbox_config *config = &((struct sandbox *)arg)->config;
	if (!r)
		return NULL;
	r->refused = read_path(r);
	if (too_large) {
		sandbox_refuse(r, 413, "Request Entity Too Large");
		return r;
	}
	r->reader = sandbox_params_new(r);
	if (r->reader && config->hooks && config->hooks->begin)
		config->hooks->begin(config->arg, r);
	if (r->reader && r->body_max != 0)
		return r;
	request_free(r);
	return NULL;
}

static int on_body(void *tag, const char *bytes, size_t n)
{
	struct sandbox_request *r = tag;
	r->received += (int64_t)n;
	if (r->body_max > 0 && r->received >= r->body_max)
		return -1;
	return sandbox_params_add(r->reader, bytes, n);
}

static void on_whole(void *tag)
{
	struct sandbox_request *r = tag;
	const struct sandbox_config *config = &r->sandbox->config;
	r->whole = true;
	if (r->body_max >= 0) {
		sandbox_drop(r);
		return;
	}
	bool readable = sandbox_params_end(r->reader) == 0;
	sandbox_limits_came(r);
	if (!readable)
		sandbox_refuse(r, 413, "Request Entity Too Large: too much parameters");
	else if (config->hooks && config->hooks->request && config->hooks->request(config->arg, r))
		return;
	else if (r->refused)
		sandbox_refuse(r, r->refused, r->refused == 401 ? "Unauthorized" : "Not Found");
	else
		sandbox_dispatch(r);
}

static void on_gone(void *tag)
{
	sandbox_drop(tag);
}

static void on_ended(void *tag)
{
	request_free(tag);
}

/* ---- life ---- */

int sandbox_open(struct sandbox *s, struct err *err)
{
	static const struct httpd_events events = {
		.accept = on_accept,
		.begin = on_begin,
		.body = on_body,
		.whole = on_whole,
		.gone = on_gone,
		.ended = on_ended,
	};
	struct httpd_config config = {
		.port = s->port,
		.connections_max = CONNECTIONS_MAX,
		.idle_seconds = IDLE_SECONDS,
		.body_max = s->config.upload_max ? s->config.upload_max : SANDBOX_BODY_MAX,
	};
	s->httpd = httpd_new(s->loop, &config, &events, s, err);
	if (!s->httpd)
		return -1;
	s->port = httpd_port(s->httpd);
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", s->port);
	return 0;
}

void sandbox_close(struct sandbox *s)
{
	s->poll = NULL;
	httpd_free(s->httpd);
	s->httpd = NULL;
}

struct sandbox *sandbox_new(struct loop *loop, const struct sandbox_config *config, struct err *err)
{
	struct secret *token = secret_new(config->token, err);
	struct sandbox *s = token ? calloc(1, sizeof *s) : NULL;
	if (!s)
		goto fail;
	list_init(&s->requests);
	map_init(&s->closed);
	map_init(&s->lines);
	map_init(&s->answered);
	s->loop = loop;
	s->config = *config;
	s->clock = config->clock ? config->clock : &clock_system;
	s->token = strdup(secret_token(token));
	s->username = strdup(config->username ? config->username : "sandbox_bot");
	s->next_id = config->first_id ? config->first_id : 1;
	s->overflow_id = 1;
	s->port = config->port;
	if (!s->token || !s->username) {
		err_set(err, ERR_INTERNAL, "out of memory");
		goto fail;
	}
	if (sandbox_open(s, err))
		goto fail;
	secret_free(token);
	return s;
fail:
	if (token && !s)
		err_set(err, ERR_INTERNAL, "out of memory");
	secret_free(token);
	sandbox_free(s);
	return NULL;
}

void sandbox_free(struct sandbox *s)
{
	if (!s)
		return;
	sandbox_close(s);
	sandbox_updates_free(s);
	sandbox_messages_free(s);
	sandbox_chats_free(s);
	sandbox_limits_free(s);
	sandbox_uploads_free(s);
	map_release(&s->answered);
	if (s->token)
		explicit_bzero(s->token, strlen(s->token));
	free(s->token);
	free(s->username);
	free(s);
}

const char *sandbox_url(const struct sandbox *s)
{
	return s->url;
}
