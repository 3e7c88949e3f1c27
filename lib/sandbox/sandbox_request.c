/* sandbox/sandbox_request: what becomes of a request: it is answered, now or later, or dropped. The
 * methods' results and refusals come in; answers as the server writes them go to the connection,
 * and the sandbox's owner is told of them.
 *
 * Invariant: what is over, answered or dropped, is told of once, and changes no more. */
#include <stdlib.h>
#include <string.h>

#include "io/httpd.h"
#include "sandbox/sandbox_internal.h"

void sandbox_tell(struct sandbox_request *r, int status, const char *result,
		  const char *description)
{
	const struct sandbox_config *config = &r->sandbox->config;
	if (r->over)
		return;
	if (strcmp(r->method, "getUpdates") == 0) {
		struct sandbox_poll poll = { r->params, r->offset, r->limit, r->timeout,   status,
					     0,         0,         0,        r->fault_name };
		if (config->polled)
			config->polled(config->arg, &poll);
	} else if (r->method[0] && config->called) {
		struct sandbox_call call = { r->method, r->params,   status,
					     result,    description, r->chat };
		config->called(config->arg, &call);
	}
}

void sandbox_answer(struct sandbox_request *r, int status, char *body, size_t length)
{
	const struct sandbox_config *config = &r->sandbox->config;
	if (r->over) {
		free(body);
		return;
	}
	sandbox_not_later(r);
	if (!body) {
		sandbox_drop(r);
		return;
	}
	free(r->answer);
	r->status = status;
	r->answer = body;
	r->length = length;
	if (config->hooks && config->hooks->answer && config->hooks->answer(config->arg, r))
		return;
	struct httpd_answer answer = {
		.status = r->status,
		.body = r->answer,
		.length = r->length,
		.type = r->type,
		.name = r->extra_name,
		.value = r->extra_value,
		.close = r->close,
	};
	r->answer = NULL;
	r->over = true;
	httpd_answer(r->http, &answer);
}

void sandbox_result(struct sandbox_request *r, const char *result)
{
	struct buf out;
	buf_init(&out, SANDBOX_BODY_MAX);
	if (buf_addf(&out, "{\"ok\":true,\"result\":%s}", result))
		buf_release(&out);
	sandbox_tell(r, 200, result, NULL);
	sandbox_answer(r, 200, out.data, out.len);
}

void sandbox_result_json(struct sandbox_request *r, cJSON *result)
{
	char *text = result ? cJSON_PrintUnformatted(result) : NULL;
	cJSON_Delete(result);
	if (text)
		sandbox_result(r, text);
	else
		sandbox_refuse(r, 500, "Internal Server Error");
	cJSON_free(text);
}

void sandbox_refuse(struct sandbox_request *r, int status, const char *description)
{
	sandbox_refuse_with(r, status, description, NULL);
}

void sandbox_refuse_with(struct sandbox_request *r, int status, const char *description,
			 const char *parameters)
{
	struct buf out;
	buf_init(&out, SANDBOX_BODY_MAX);
	if (buf_addf(&out, "{\"ok\":false,\"error_code\":%d,\"description\":", status) ||
	    buf_add_json(&out, description, strlen(description)) ||
	    (parameters && buf_addf(&out, ",\"parameters\":%s", parameters)) || buf_addc(&out, '}'))
		buf_release(&out);
	sandbox_tell(r, status, NULL, description);
	sandbox_answer(r, status, out.data, out.len);
}

void sandbox_drop(struct sandbox_request *r)
{
	if (r->sandbox->poll == r)
		sandbox_tell(r, 0, NULL, NULL);
	r->over = true;
	sandbox_not_later(r);
	sandbox_poll_ended(r);
	httpd_drop(r->http);
}

void sandbox_poll_ended(struct sandbox_request *r)
{
	if (r->sandbox->poll == r)
		r->sandbox->poll = NULL;
}

static void on_later(void *arg)
{
	struct sandbox_request *r = arg;
	r->later(r);
}

void sandbox_later(struct sandbox_request *r, int64_t ms, void (*later)(struct sandbox_request *r))
{
	if (!r->timer)
		r->timer = loop_timer_new(r->sandbox->loop, on_later, r);
	r->later = later;
	if (r->timer)
		loop_timer_set(r->timer, ms);
	else
		sandbox_drop(r);
}

void sandbox_not_later(struct sandbox_request *r)
{
	if (r->timer)
		loop_timer_set(r->timer, -1);
}
