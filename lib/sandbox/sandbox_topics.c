/* sandbox/sandbox_topics: which topics of forums and of private chats are known, in a ring:
 * messages that were pushed and createForumTopic make them known. */
#include "sandbox/sandbox_internal.h"

struct topic *sandbox_topics_find(struct sandbox *s, int64_t chat, int64_t id)
{
	for (size_t i = 0; id && i < TOPICS_KEPT; i++)
		if (s->topics[i].id == id && s->topics[i].chat == chat)
			return &s->topics[i];
	return NULL;
}

void sandbox_topics_add(struct sandbox *s, int64_t chat, int64_t id)
{
	if (!sandbox_topics_find(s, chat, id))
		s->topics[s->topic_next++ % TOPICS_KEPT] = (struct topic){ chat, id };
}

void sandbox_topics_note(struct sandbox *s, int64_t chat, const cJSON *message)
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(message, "message_thread_id");
	bool topic = chat > 0 ||
		     cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(message, "is_topic_message"));
	if (topic && cJSON_IsNumber(id) && id->valuedouble > 0 && id->valuedouble < 9e15)
		sandbox_topics_add(s, chat, (int64_t)id->valuedouble);
}
