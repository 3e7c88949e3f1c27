/* sandbox/sandbox_forum: the methods of topics, and into which topic a message goes. What is sent
 * into a topic that is not known is refused, as the server does.
 *
 * A group that was seen, and is no forum, takes no notice of a topic; of a chat that was never seen
 * there is no topic either. */
#include <string.h>
#include <strings.h>

#include "sandbox/sandbox_internal.h"

enum { GENERAL = 1 }; /* the topic of a forum that is not named when something is sent into it */

bool sandbox_param_topic(struct sandbox_request *r, int64_t chat, int64_t *topic)
{
	struct sandbox *s = r->sandbox;
	int64_t id = sandbox_param_number(r, "message_thread_id", 0);
	*topic = 0;
	if (id == 0)
		return true;
	if (sandbox_topics_find(s, chat, id) && !(chat < 0 && id == GENERAL)) {
		*topic = id;
		return true;
	}
	if (chat < 0 && sandbox_chat_is_plain(s, chat))
		return true;
	sandbox_refuse(r, 400, "Bad Request: message thread not found");
	return false;
}

static void create(struct sandbox_request *r, int64_t chat)
{
	const char *name = sandbox_param(r, "name");
	if (!name || !*name) {
		sandbox_refuse(r, 400, "Bad Request: TOPIC_TITLE_EMPTY");
		return;
	}
	cJSON *topic = cJSON_CreateObject();
	int64_t id = sandbox_message_id(r->sandbox, chat);
	sandbox_topics_add(r->sandbox, chat, id);
	cJSON_AddNumberToObject(topic, "message_thread_id", (double)id);
	cJSON_AddStringToObject(topic, "name", name);
	cJSON_AddNumberToObject(topic, "icon_color", 7322096);
	sandbox_result_json(r, topic);
}

bool sandbox_call_topic(struct sandbox_request *r)
{
	enum { CREATE, DELETE };
	static const char *const methods[] = {
		[CREATE] = "createForumTopic",
		[DELETE] = "deleteForumTopic",
		"editForumTopic",
		"closeForumTopic",
		"reopenForumTopic",
		"unpinAllForumTopicMessages",
	};
	size_t i = 0;
	while (i < sizeof methods / sizeof *methods && strcasecmp(r->method, methods[i]) != 0)
		i++;
	if (i == sizeof methods / sizeof *methods)
		return false;
	strcpy(r->method, methods[i]);
	int64_t chat = sandbox_param_chat(r, "chat_id");
	if (!chat)
		return true;
	struct topic *topic = sandbox_topics_find(r->sandbox, chat,
						  sandbox_param_number(r, "message_thread_id", 0));
	if (i == CREATE) {
		create(r, chat);
	} else if (!topic) {
		sandbox_refuse(r, 400, "Bad Request: message thread not found");
	} else {
		if (i == DELETE)
			*topic = (struct topic){ 0 };
		sandbox_result(r, "true");
	}
	return true;
}
