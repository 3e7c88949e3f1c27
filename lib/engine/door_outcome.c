/* engine/door_outcome: what became of a call, in a word: a verdict in, an outcome out; and the word
 * that stands for it between the door and who comes in. It needs no server, so the sub-commands
 * that call have it in every build. */
#include <string.h>

#include "engine/door.h"

/* In the order of enum door_outcome. */
static const char *const words[] = { "ok", "refused", "later", "unsure", "forbidden", "full" };
enum { WORDS = sizeof words / sizeof *words };

const char *door_outcome_word(enum door_outcome outcome)
{
	return words[outcome];
}

enum door_outcome door_outcome_read(const char *word)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(word, words[i]) == 0)
			return (enum door_outcome)i;
	return DOOR_UNSURE;
}

enum door_outcome door_outcome_of(const struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_OK:
	case VERDICT_SAME:
		return DOOR_OK;
	case VERDICT_UNSENT:
	case VERDICT_FLOOD:
	case VERDICT_SERVER:
		return DOOR_LATER;
	case VERDICT_UNSURE:
		return DOOR_UNSURE;
	case VERDICT_FORBIDDEN:
	case VERDICT_TOKEN:
		return DOOR_FORBIDDEN;
	case VERDICT_MOVED:
	case VERDICT_ENTITIES:
	case VERDICT_REFUSED:
	case VERDICT_KINDS:
		break;
	}
	return DOOR_REFUSED;
}
