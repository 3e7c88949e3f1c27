/* sandbox/sandbox_text: texts and captions. A call's parameters come in; what the server makes of
 * them (plain text and entities) goes into a message, or a refusal in the server's words goes out.
 */
#include "sandbox/sandbox_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/markup.h"

enum { TEXT_UNITS = 4096, CAPTION_UNITS = 1024 };

/* An error as the Bot API tells it: it begins small. */
static bool refuse(struct sandbox_request *r, const char *sentence)
{
	char why[256];
	snprintf(why, sizeof why, "Bad Request: %c%s", tolower((unsigned char)sentence[0]),
		 sentence + 1);
	sandbox_refuse(r, 400, why);
	return false;
}

/* Entities that came along with the text, instead of a formatting to be read. */
static cJSON *given_entities(const cJSON *from, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);
	cJSON *list = cJSON_IsString(item)
			      ? sandbox_json(item->valuestring, strlen(item->valuestring))
			      : cJSON_Duplicate(item, 1);
	if (cJSON_IsArray(list) && list->child)
		return list;
	cJSON_Delete(list);
	return NULL;
}

bool sandbox_add_text(struct sandbox_request *r, cJSON *to, const cJSON *from, const char *field)
{
	bool caption = strcmp(field, "caption") == 0;
	const char *entities = caption ? "caption_entities" : "entities";
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(from, field));
	const char *mode = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(from, "parse_mode"));
	struct markup m;
	if (!text || !*text)
		return true;
	bool fine = markup_read(&m, mode ? mode : "", text) == 0 || refuse(r, m.error);
	const char *plain = buf_str(&m.text);
	if (fine && !caption && !plain[strspn(plain, " \t\r\n")])
		fine = refuse(r, "Text must be non-empty");
	if (fine && m.units > (caption ? CAPTION_UNITS : TEXT_UNITS))
		fine = refuse(r, caption ? "Message caption is too long" : "Message is too long");
	cJSON *list = fine && !m.entities->child && (!mode || !*mode)
			      ? given_entities(from, entities)
			      : NULL;
	if (fine && (list || m.entities->child)) {
		cJSON_AddItemToObject(to, entities, list ? list : m.entities);
		if (!list)
			m.entities = NULL;
	}
	if (fine)
		cJSON_AddStringToObject(to, field, plain);
	markup_release(&m);
	return fine;
}
