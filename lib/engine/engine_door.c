/* engine/engine_door: the local API's place in the engine. The engine's configuration comes in, a
 * door (door.c) goes out, with the bound on what may be uploaded to this server. Invariant: its
 * socket is there while the engine runs and is made anew when somebody removed it; no new one is
 * made once the engine ends. */
#include "api/api_root.h"
#include "engine/engine_internal.h"

enum { SPARE_CONNECTIONS = 64 /* beside one for each slot */ };

/* Bytes: the files that Telegram's own servers take, 50 MB, with what stands around them; and one's
 * own. */
#define BODY_MAX       (UINT64_C(50) << 20)
#define BODY_MAX_LOCAL (UINT64_C(2000) << 20)

static void tell(struct engine *e, int rc, const struct err *err)
{
	if (rc && !e->door_fails)
		log_event(e->config.log, LOG_WARN, LOG_NONE,
			  "%s; until that is mended handlers have no 'tgrun call', and all else "
			  "goes on",
			  err->text);
	e->door_fails = rc != 0;
}

int engine_door_built(struct err *err)
{
	(void)err;
	return 0;
}

void engine_door_open(struct engine *e)
{
	struct err err;
	if (e->phase > ENGINE_RUNNING)
		return;
	if (e->door) {
		if (!door_stands(e->door))
			tell(e, door_open_again(e->door, &err), &err);
		return;
	}
	if (!e->out || !e->config.dir)
		return;
	bool telegrams = api_root_is_telegrams(e->config.api_root);
	const struct door_config config = {
		.loop = e->config.loop,
		.log = e->config.log,
		.clock = e->config.clock,
		.out = e->out,
		.queue = e->queue,
		.dir = e->config.dir,
		.secret = e->config.secret,
		.policy = &e->policy.out,
		.min_free = &e->policy.min_free,
		.connections = e->config.slot_count + SPARE_CONNECTIONS,
		.body_max = telegrams ? BODY_MAX : BODY_MAX_LOCAL,
	};
	e->door = door_new(&config, &err);
	tell(e, e->door ? 0 : -1, &err);
}

void engine_door_stored(struct engine *e)
{
	if (e->door)
		door_stored(e->door);
}

void engine_door_lost(struct engine *e)
{
	if (e->door)
		door_lost(e->door);
}

void engine_door_close(struct engine *e)
{
	if (e->door)
		door_close(e->door);
}

void engine_door_free(struct engine *e)
{
	door_free(e->door);
	e->door = NULL;
}

int engine_door_port(const struct engine *e)
{
	return e->door ? door_port(e->door) : 0;
}

int engine_door_serve(struct engine *e, struct err *err)
{
	const struct secret *s = e->config.secret;
	if (!s || !secret_handed(s))
		return 0;
	if (!e->door)
		return err_set(err, ERR_CANTCREATE, "the local API (--serve-api) cannot be opened");
	log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("port", door_port(e->door))),
		  "serving the Bot API on 127.0.0.1");
	return 1;
}
