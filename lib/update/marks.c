/* update/marks: an update in; which topic it belongs to, by the server's own marks, out. They are
 * believed before the look of the bytes, because only the server knows whether a thread is a topic.
 */
#include <string.h>

#include "update/scan.h"
#include "update/update.h"
#include "update/update_internal.h"

enum update_thread update_thread(const struct update *u, int64_t *id)
{
	const char *type = update_chat_type(u);
	if (scan_integer(scan_named(field_place(u, "direct_messages_topic"), "topic_id"), id))
		return THREAD_DIRECT;
	const char *topic = field_place(u, "is_topic_message");
	bool marked = (topic && *topic == 't') || (type && strcmp(type, "private") == 0);
	if (marked && scan_integer(field_place(u, "message_thread_id"), id))
		return THREAD_TOPIC;
	return THREAD_NONE;
}
