/* engine/engine_door_none: stands for engine_door.c, and for all of the local API, in a build
 * without libmicrohttpd (WITHOUT= of the Makefile). Invariant: no engine has a door. */
#include "engine/engine_internal.h"

int engine_door_built(struct err *err)
{
	return err_set(
		err, ERR_CONFIG,
		"this tgrun was built without libmicrohttpd, and so has no local API (--serve-api, "
		"'tgrun call' while it runs); build it with that library, or answer by --reply "
		"and 'tgrun send'");
}

void engine_door_open(struct engine *e)
{
	(void)e;
}

int engine_door_serve(struct engine *e, struct err *err)
{
	const struct secret *s = e->config.secret;
	if (s && secret_handed(s))
		return engine_door_built(err);
	log_event(e->config.log, LOG_INFO, LOG_NONE,
		  "built without libmicrohttpd: handlers have no 'tgrun call'");
	return 0;
}

int engine_door_port(const struct engine *e)
{
	(void)e;
	return 0;
}

void engine_door_stored(struct engine *e)
{
	(void)e;
}

void engine_door_lost(struct engine *e)
{
	(void)e;
}

void engine_door_close(struct engine *e)
{
	(void)e;
}

void engine_door_free(struct engine *e)
{
	(void)e;
}
