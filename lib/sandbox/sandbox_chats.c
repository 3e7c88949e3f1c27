/* sandbox/sandbox_chats: the chats that take nothing from the bot: it was blocked or thrown out, or
 * they are no more. Their owner's word comes in; a call that goes to one of them is refused in the
 * server's words.
 *
 * A chat that is not named here is open. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>

struct closed {
	struct map_node node;
	int64_t chat, moved_to;
	enum sandbox_chat_state state;
};

static struct closed *find(const struct sandbox *s, int64_t chat)
{
	for (struct map_node *n = map_first(&s->closed, map_number(chat)); n; n = map_next(n)) {
		struct closed *c = container_of(n, struct closed, node);
		if (c->chat == chat)
			return c;
	}
	return NULL;
}

void sandbox_chats_free(struct sandbox *s)
{
	for (size_t i = 0; i < s->closed.cap; i++)
		for (struct map_node *n = s->closed.slots[i], *next; n; n = next) {
			next = n->next;
			free(container_of(n, struct closed, node));
		}
	map_release(&s->closed);
}

int sandbox_chat_set(struct sandbox *s, int64_t chat, enum sandbox_chat_state state,
		     int64_t moved_to)
{
	struct closed *c = find(s, chat);
	if (!c && state == SANDBOX_CHAT_OPEN)
		return 0;
	if (!c) {
		c = calloc(1, sizeof *c);
		if (!c || map_add(&s->closed, &c->node, map_number(chat))) {
			free(c);
			return -1;
		}
	}
	c->chat = chat;
	c->state = state;
	c->moved_to = moved_to;
	return 0;
}

bool sandbox_chat_takes(struct sandbox_request *r, int64_t chat)
{
	const struct closed *c = find(r->sandbox, chat);
	char moved[64];
	switch (c ? c->state : SANDBOX_CHAT_OPEN) {
	case SANDBOX_CHAT_OPEN:
		return true;
	case SANDBOX_CHAT_BLOCKED:
		sandbox_refuse(r, 403, "Forbidden: bot was blocked by the user");
		return false;
	case SANDBOX_CHAT_KICKED:
		sandbox_refuse(r, 403,
			       chat < -1000000000000
				       ? "Forbidden: bot was kicked from the supergroup chat"
				       : "Forbidden: bot was kicked from the group chat");
		return false;
	case SANDBOX_CHAT_UNKNOWN:
		sandbox_refuse(r, 400, "Bad Request: chat not found");
		return false;
	case SANDBOX_CHAT_MOVED:
		break;
	}
	snprintf(moved, sizeof moved, "{\"migrate_to_chat_id\":%lld}", (long long)c->moved_to);
	sandbox_refuse_with(r, 400, "Bad Request: group chat was upgraded to a supergroup chat",
			    moved);
	return false;
}
