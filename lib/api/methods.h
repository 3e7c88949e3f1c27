/* api/methods: the methods of the Bot API, and what those who send calls have to know of each. See
 * https://core.telegram.org/bots/api#available-methods. */
#ifndef TGRUN_API_METHODS_H
#define TGRUN_API_METHODS_H

#include <stddef.h>

enum method_trait {
	/* Takes this parameter, and without it means the place of the update that is answered. A
	 * method to which its absence has a meaning of its own is not marked: setChatMenuButton,
	 * whose chat may be all chats, createInvoiceLink, whose stars are the bot's. */
	METHOD_CHAT = 1 << 0,     /* chat_id */
	METHOD_TOPIC = 1 << 1,    /* message_thread_id */
	METHOD_BUSINESS = 1 << 2, /* business_connection_id */
	METHOD_DIRECT = 1 << 3,   /* direct_messages_topic_id */

	/* Answers an update of one kind, and takes the id of its query. */
	METHOD_QUERY_CALLBACK = 1 << 4, /* callback_query_id */
	METHOD_QUERY_INLINE = 1 << 5,   /* inline_query_id */
	METHOD_QUERY_SHIPPING = 1 << 6, /* shipping_query_id */
	METHOD_QUERY_CHECKOUT = 1 << 7, /* pre_checkout_query_id */
	METHOD_QUERY_GUEST = 1 << 8,    /* guest_query_id */

	/* A message is sent, edited or forwarded: the server's limits count it. */
	METHOD_COUNTS = 1 << 9,
	/* A second time changes nothing: may be repeated as long as it makes sense, when nobody
	 * knows whether it arrived. */
	METHOD_HARMLESS = 1 << 10,
	/* Costs money, or is seen by many: never repeated when nobody knows. */
	METHOD_NEVER = 1 << 11,
	/* Answers a query: no chat's order or limit concerns it. */
	METHOD_ANSWER = 1 << 12,
	/* Refused in replies: it reads, or it would stop or redirect the bot's updates. */
	METHOD_BARRED = 1 << 13,

	/* Takes the bot's updates away from who receives them: nobody may call it beside tgrun. */
	METHOD_OWN = 1 << 15,

	/* None of these holds. In each row of the table at least one of all is set. */
	METHOD_OTHER = 1 << 14,
};

struct method {
	const char *name; /* as the documentation spells it */
	unsigned traits;  /* of enum method_trait */
};

/* The method of that name, whatever its case, as the server looks it up; NULL if there is none. */
const struct method *methods_find(const char *name);

/* The traits of the method of that name. One that is not in the table may send, and may cost money:
 * METHOD_COUNTS and METHOD_NEVER. */
unsigned methods_traits(const char *name);

/* All of them, by name; *count gets how many. */
const struct method *methods_all(size_t *count);

#endif
