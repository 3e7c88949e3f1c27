/* sandbox/sandbox_files: files that bots upload, name and fetch again. Bytes come in as they
 * arrive; what a message tells of its file, getFile's answer and the file itself go out.
 *
 * Of a file that was never uploaded here (an id from elsewhere, a URL) a stand-in is handed out. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define STAND_IN "a file of the sandbox\n"

/* The id of the file that `given`, a parameter's value, names; NULL: none that is known here. */
static const char *id_of(const struct sandbox_request *r, const cJSON *given)
{
	const char *text = cJSON_GetStringValue(given);
	if (!text)
		return given ? cJSON_GetStringValue(json_member(r->uploads, given->string)) : NULL;
	if (strncmp(text, "attach://", 9) == 0)
		return cJSON_GetStringValue(json_member(r->uploads, text + 9));
	return strstr(text, "://") ? NULL : text;
}

bool sandbox_file_is_fine(struct sandbox_request *r, const cJSON *given)
{
	const char *id = id_of(r, given), *text = cJSON_GetStringValue(given);
	const struct file *f = id ? sandbox_upload_find(r->sandbox, id) : NULL;
	if (!id && (!text || strncmp(text, "attach://", 9) == 0))
		sandbox_refuse(r, 400, "Bad Request: wrong file identifier/HTTP URL specified");
	else if (f && f->uploaded && !f->size)
		sandbox_refuse(r, 400, "Bad Request: file must be non-empty");
	else
		return true;
	return false;
}

/* What a message tells of its file, beside its ids, by its kind. */
static const struct {
	const char *kind, *members; /* numbers, one a word */
} kinds[] = {
	{ "photo", "width height" },
	{ "live_photo", "width height duration" },
	{ "video", "width height duration" },
	{ "animation", "width height duration" },
	{ "video_note", "length duration" },
	{ "audio", "duration" },
	{ "voice", "duration" },
	{ "sticker", "width height" },
};

static void add_members(cJSON *file, const char *kind)
{
	char words[64];
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].kind, kind) != 0)
			continue;
		snprintf(words, sizeof words, "%s", kinds[i].members);
		char *rest = words;
		for (char *word; (word = strsep(&rest, " "));)
			cJSON_AddNumberToObject(file, word, 1);
	}
	if (strcmp(kind, "sticker") != 0)
		return;
	cJSON_AddStringToObject(file, "type", "regular");
	cJSON_AddFalseToObject(file, "is_animated");
	cJSON_AddFalseToObject(file, "is_video");
}

/* `known`: the id by which it was named; NULL: by its own. */
static cJSON *describe(struct file *f, const char *known, const char *kind)
{
	char id[64], unique[64];
	snprintf(id, sizeof id, UPLOAD_ID "%llu", f ? (unsigned long long)f->id : 0);
	snprintf(unique, sizeof unique, "sandbox%llu", f ? (unsigned long long)f->id : 0);
	cJSON *file = cJSON_CreateObject();
	cJSON_AddStringToObject(file, "file_id", known ? known : id);
	cJSON_AddStringToObject(file, "file_unique_id", unique);
	if (f && !f->kind[0])
		snprintf(f->kind, sizeof f->kind, "%s", kind);
	if (f && f->name[0])
		cJSON_AddStringToObject(file, "file_name", f->name);
	if (f && f->uploaded)
		cJSON_AddNumberToObject(file, "file_size", (double)f->size);
	add_members(file, kind);
	return file;
}

cJSON *sandbox_file_json(struct sandbox_request *r, const cJSON *given, const char *kind)
{
	struct sandbox *s = r->sandbox;
	const char *known = id_of(r, given);
	return describe(known ? sandbox_upload_find(s, known) : sandbox_upload_new(s), known, kind);
}

cJSON *sandbox_file(struct sandbox *s, const char *kind, const char *name, const char *bytes,
		    uint64_t size)
{
	bool kept = bytes && size <= SANDBOX_FILE_MAX;
	char *copy = kept ? malloc(size + 1) : NULL;
	if (kept && !copy)
		return NULL;
	if (copy)
		memcpy(copy, bytes, size);
	return describe(sandbox_upload_keep(s, copy, kept ? size : 0, size, name), NULL, kind);
}

/* documents/file_7.pdf; the name's end goes into a URL, so it is short and plain, or left out. */
static void make_path(const struct file *f, char *path, size_t n)
{
	const char *dot = strrchr(f->name, '.');
	size_t end = dot ? strspn(dot + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789")
			 : 0;
	bool plain = end > 0 && end <= 8 && !dot[1 + end];
	snprintf(path, n, "%ss/file_%llu%s", f->kind[0] ? f->kind : "file",
		 (unsigned long long)f->id, plain ? dot : "");
}

void sandbox_get_file(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	const char *id = sandbox_param(r, "file_id");
	char path[128];
	if (!id || !*id) {
		sandbox_refuse(r, 400, "Bad Request: file_id not specified");
		return;
	}
	struct file *f = sandbox_upload_find(s, id);
	if (strlen(id) > 100 ||
	    id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")]) {
		sandbox_refuse(r, 400, "Bad Request: wrong file identifier/HTTP URL specified");
		return;
	}
	if (f && f->uploaded && f->size > UPLOAD_KEPT_MAX) {
		sandbox_refuse(r, 400, "Bad Request: file is too big");
		return;
	}
	if (f && f->uploaded && f->size && !f->bytes) {
		sandbox_refuse(r, 400,
			       "Bad Request: wrong file_id or the file is temporarily unavailable");
		return;
	}
	bool kept = f && f->uploaded;
	if (kept)
		make_path(f, path, sizeof path);
	else
		snprintf(path, sizeof path, "files/%s", id);
	cJSON *file = cJSON_CreateObject();
	cJSON_AddStringToObject(file, "file_id", id);
	cJSON_AddStringToObject(file, "file_unique_id", id);
	cJSON_AddNumberToObject(file, "file_size", kept ? (double)f->size : sizeof STAND_IN - 1);
	cJSON_AddStringToObject(file, "file_path", path);
	sandbox_result_json(r, file);
}

void sandbox_serve_file(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	const char *path = r->path + strlen("/file/bot");
	size_t n = s->config.any_token ? strcspn(path, "/") : strlen(s->token);
	char mine[128];
	if ((!s->config.any_token && strncmp(path, s->token, n) != 0) || path[n] != '/') {
		sandbox_refuse(r, 404, "Not Found");
		return;
	}
	path += n + 1;
	const char *number = strstr(path, "/file_"), *bytes = NULL;
	uint64_t id = number ? strtoull(number + 6, NULL, 10) : 0;
	const struct file *f = &s->kept[id % FILES_KEPT];
	size_t length = sizeof STAND_IN - 1;
	if (id && f->id == id && f->uploaded) {
		make_path(f, mine, sizeof mine);
		bytes = strcmp(mine, path) == 0 ? f->size ? f->bytes : "" : NULL;
		length = f->length;
	} else if (strncmp(path, "files/", 6) == 0) {
		bytes = STAND_IN;
	}
	char *copy = bytes ? malloc(length + 1) : NULL;
	if (!bytes) {
		sandbox_refuse(r, 404, "Not Found");
		return;
	}
	if (copy)
		memcpy(copy, bytes, length);
	r->type = "application/octet-stream";
	sandbox_answer(r, 200, copy, length);
}
