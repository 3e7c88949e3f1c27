/* update/update_internal: what the files of this room share about a parsed update (field_…). Other
 * rooms use update.h. */
#ifndef TGRUN_UPDATE_UPDATE_INTERNAL_H
#define TGRUN_UPDATE_UPDATE_INTERNAL_H

#include <stdbool.h>

#include "update/update.h"

/* The checked JSON of the update, at its brace; see scan.h. */
const char *field_root(const struct update *u);

/* The JSON string that update_text() decodes; NULL: there is none. */
const char *field_text(const struct update *u);

/* Whether update_text() is what a person wrote into a chat (text or caption), not a query or a
 * button's data. */
bool field_text_is_message(const struct update *u);

/* A member of the message that tells the chat, or else of what stands under the kind; NULL: there
 * is none. */
const char *field_place(const struct update *u, const char *name);

/* The list of what the server marked in the text of update_text(): `entities` or
 * `caption_entities`. NULL: none came. */
const char *field_entities(const struct update *u);

#endif
