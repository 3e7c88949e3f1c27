/* update/marks: an update in; which topic it belongs to, by the server's own marks, out. They are
 * believed before the look of the bytes, because only the server knows whether a thread is a topic.
 */
#include <string.h>

#include "update/scan.h"
#include "update/update.h"
#include "update/update_internal.h"

enum update_thread update_thread(const struct update *u, int64_t *id)
{
	if (scan_integer(scan_named(field_place(u, "direct_messages_topic"), "topic_id"), id))
		return THREAD_DIRECT;
	const char *thread = field_place(u, "message_thread_id");
	if (!thread)
		return THREAD_NONE;
	const char *topic = field_place(u, "is_topic_message"), *type = update_chat_type(u);
	bool marked = (topic && *topic == 't') || (type && strcmp(type, "private") == 0);
	return marked && scan_integer(thread, id) ? THREAD_TOPIC : THREAD_NONE;
}
