/* sandbox/sandbox_params: the parameters of a call, however they came: in the query, as a form, as
 * multipart/form-data with files, or as a JSON object. Bytes come in as they arrive, one cJSON
 * object goes out.
 *
 * They are read as the server reads them: it takes what it can make sense of, passes over the rest,
 * and looks at nothing whose type it does not know. The first of several values of a name wins. Of
 * files only name, size and checksum stand in it (sandbox_uploads.c); all else is bounded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "io/http.h"
#include "io/httpd.h"
#include "sandbox/sandbox_internal.h"

enum { NAMES_MAX = 256 };

enum body { BODY_RAW, BODY_FORM, BODY_JSON, BODY_PARTS, BODY_UNKNOWN };

struct sandbox_params {
	struct sandbox_request *request;
	enum body body;
	/* of BODY_PARTS; the others are kept until they are whole */
	struct httpd_parts *parts;
	bool failed;
	size_t text; /* bytes of values so far */
	int names;
	char *name; /* of the value that is arriving; NULL: it is skipped */
	bool is_file;
	char file_name[256];
	struct sandbox_upload upload;
	struct buf value;
};

static int add_text(struct sandbox_params *p, const char *name, const char *value)
{
	cJSON *params = p->request->params;
	if (cJSON_GetObjectItemCaseSensitive(params, name))
		return 0;
	if (++p->names > NAMES_MAX || (p->text += strlen(name) + strlen(value)) > SANDBOX_TEXT_MAX)
		return -1;
	return cJSON_AddStringToObject(params, name, value) ? 0 : -1;
}

static void on_query(void *arg, const char *name, const char *value)
{
	struct sandbox_params *p = arg;
	if (add_text(p, name, value))
		p->failed = true;
}

/* The value that was arriving is whole. */
static void end_value(struct sandbox_params *p)
{
	cJSON *params = p->request->params;
	if (p->name && p->is_file && !cJSON_GetObjectItemCaseSensitive(params, p->name) &&
	    ++p->names <= NAMES_MAX) {
		sandbox_upload_end(p->request, &p->upload, p->name, p->file_name);
	} else if (p->name && !p->is_file && add_text(p, p->name, buf_str(&p->value))) {
		p->failed = true;
	}
	free(p->name);
	p->name = NULL;
	buf_clear(&p->value);
}

static bool on_part(void *arg, const char *name, const char *file_name, const char *data,
		    uint64_t offset, size_t n)
{
	struct sandbox_params *p = arg;
	if (!name) {
		end_value(p);
		return true;
	}
	if (offset == 0 && !(n == 0 && p->name && strcmp(p->name, name) == 0)) {
		end_value(p);
		p->name = strdup(name);
		p->is_file = file_name != NULL;
		sandbox_upload_begin(&p->upload);
		snprintf(p->file_name, sizeof p->file_name, "%s", file_name ? file_name : "");
	}
	if (p->is_file)
		sandbox_upload_add(&p->upload, data, n);
	else if (buf_add(&p->value, data, n))
		p->failed = true;
	return !p->failed;
}

/* A path that is not the Bot API's has its body as it is. */
static enum body body_of(const struct sandbox_request *r)
{
	const char *type = httpd_header(r->http, "Content-Type");
	if (strncmp(r->path, "/bot", 4) != 0)
		return BODY_RAW;
	if (!type || !r->post)
		return BODY_UNKNOWN;
	return strcasestr(type, "application/x-www-form-urlencoded") ? BODY_FORM
	       : strcasestr(type, "application/json")                ? BODY_JSON
	       : strcasestr(type, "multipart/form-data")             ? BODY_PARTS
								     : BODY_UNKNOWN;
}

struct sandbox_params *sandbox_params_new(struct sandbox_request *r)
{
	struct sandbox_params *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->request = r;
	buf_init(&p->value, SANDBOX_TEXT_MAX);
	httpd_query(r->http, on_query, p);
	p->body = body_of(r);
	if (p->body == BODY_PARTS)
		p->parts = httpd_parts_new(r->http, on_part, p);
	return p;
}

int sandbox_params_add(struct sandbox_params *p, const char *data, size_t n)
{
	/* What cannot be read is refused at its end: who is cut off in the middle never learns why.
	 */
	if (p->parts && !p->failed && httpd_parts_add(p->parts, data, n))
		p->failed = true;
	return p->body == BODY_PARTS || p->body == BODY_UNKNOWN
		       ? 0
		       : buf_add(&p->request->body, data, n);
}

/* Cut at `&`, then at the first `=`: whatever else is in it belongs to a value. */
static void read_form(struct sandbox_params *p, char *form)
{
	for (char *pair; (pair = strsep(&form, "&"));) {
		char *value = strchr(pair, '=');
		if (value)
			*value++ = '\0';
		http_form_decode(pair, true);
		if (value)
			http_form_decode(value, true);
		if (*pair && add_text(p, pair, value ? value : ""))
			p->failed = true;
	}
}

int sandbox_params_end(struct sandbox_params *p)
{
	struct sandbox_request *r = p->request;
	if (httpd_parts_end(p->parts))
		p->failed = true;
	p->parts = NULL;
	end_value(p);
	if (p->body == BODY_FORM && r->body.len)
		read_form(p, r->body.data);
	if (p->body == BODY_JSON && r->body.len <= SANDBOX_TEXT_MAX)
		sandbox_json_params(buf_str(&r->body), r->body.len, r->params);
	p->failed = p->failed || (p->body == BODY_JSON && r->body.len > SANDBOX_TEXT_MAX);
	if (p->body != BODY_RAW)
		buf_release(&r->body);
	return p->failed ? -1 : 0;
}

void sandbox_params_free(struct sandbox_params *p)
{
	if (!p)
		return;
	httpd_parts_end(p->parts);
	free(p->name);
	buf_release(&p->value);
	buf_release(&p->upload.bytes);
	free(p);
}

const char *sandbox_param(struct sandbox_request *r, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->params, name);
	if (cJSON_IsString(item))
		return item->valuestring;
	if (!cJSON_IsNumber(item))
		return NULL;
	snprintf(r->scratch, sizeof r->scratch, "%.17g", item->valuedouble);
	return r->scratch;
}

int64_t sandbox_param_number(const struct sandbox_request *r, const char *name, int64_t otherwise)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->params, name);
	if (cJSON_IsNumber(item))
		return item->valuedouble > -9e18 && item->valuedouble < 9e18
			       ? (int64_t)item->valuedouble
			       : otherwise;
	if (!cJSON_IsString(item) || !item->valuestring[0])
		return otherwise;
	char *end;
	long long value = strtoll(item->valuestring, &end, 10);
	return *end ? otherwise : value;
}

bool sandbox_param_true(const struct sandbox_request *r, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->params, name);
	if (cJSON_IsString(item))
		return strcasecmp(item->valuestring, "true") == 0 ||
		       strcasecmp(item->valuestring, "yes") == 0 ||
		       strcmp(item->valuestring, "1") == 0;
	return cJSON_IsTrue(item) || (cJSON_IsNumber(item) && item->valuedouble == 1);
}

cJSON *sandbox_param_json(const struct sandbox_request *r, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->params, name);
	return cJSON_IsString(item) ? sandbox_json(item->valuestring, strlen(item->valuestring))
	       : item               ? cJSON_Duplicate(item, 1)
				    : NULL;
}

int64_t sandbox_chat_named(struct sandbox_request *r, const char *name)
{
	const char *text = sandbox_param(r, name);
	/* a public channel: any number that is a channel's, and always the same */
	if (text && text[0] == '@' && text[1])
		return -1000000000000 - (int64_t)(hash_bytes(text, strlen(text)) % 1000000000);
	return sandbox_param_number(r, name, 0);
}
