/* cli/client/shared: the options in, the queue in a database out. Invariant: a bot is taken without
 * being named only if there is no other. */
#include "cli/client/shared.h"

#include "queue/shared/fleet_tools.h"
#include "queue/shared/fleet_url.h"

bool shared_is(const struct setup *s)
{
	return fleet_url_is(s->config.store);
}

int shared_bot(struct setup *s, int64_t *bot_id, struct err *err)
{
	if (!s->secret && setup_token(s, err) && err->status != ERR_USAGE)
		return -1;
	if (!s->secret)
		return fleet_tools_bot(s->config.store, bot_id, err);
	*bot_id = secret_bot_id(s->secret);
	return 0;
}

struct queue *shared_open(struct setup *s, struct err *err)
{
	int64_t bot_id;
	if (shared_bot(s, &bot_id, err))
		return NULL;
	return fleet_tools_open(s->config.store, bot_id, &clock_system, err);
}
