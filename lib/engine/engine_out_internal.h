/* engine/engine_out_internal: the part of engine_internal.h, which includes it, that is the way
 * out: answers, signs that the bot writes, calls of other programs. Its files stand above
 * engine_figures.c and below engine_settle.c. */
#ifndef TGRUN_ENGINE_ENGINE_OUT_INTERNAL_H
#define TGRUN_ENGINE_ENGINE_OUT_INTERNAL_H

#include <stdbool.h>

#include "base/err.h"

#include <cjson/cJSON.h>

struct claim;
struct control_client;
struct engine;
struct engine_counts;
struct flight;
struct handler_result;
struct route;

/* engine_out.c */
/* Opens the way out of the queue; nothing without a token. 0 or -1 with `err`. */
int engine_out_open(struct engine *e, struct err *err);
/* The policy is another. */
void engine_out_change(struct engine *e);
/* Records the reply to an update that is about to be settled as done. 0; -1 with `err`: ERR_IO, it
 * is no reply, for ever; ERR_INTERNAL, not now. */
int engine_reply(struct engine *e, struct route *route, const struct claim *c,
		 const struct handler_result *r, struct err *err);
/* Before and after queue_flush() of a turn. */
void engine_out_turn(struct engine *e);
void engine_out_send(struct engine *e);
/* So many replies wait that no handler may start. */
bool engine_out_full(struct engine *e);
/* A reply will go soon, or something is being sent; the latter alone. */
bool engine_out_busy(struct engine *e);
bool engine_out_sending(const struct engine *e);
/* Nothing is begun from now on. */
void engine_out_stop(struct engine *e);
/* Fills in what is counted of the way out; outbox_oldest is then when that was added, by the wall
 * clock. */
void engine_out_count(const struct engine *e, struct engine_counts *c);

/* engine_typing.c: a handler was started; a sign may be due. */
void engine_typing_start(struct engine *e, struct flight *f);
void engine_typing_due(void *engine);
/* engine_door.c, or engine_door_none.c in a build without libmicrohttpd: the local API. Opens it,
 * or opens it anew where its socket has gone; what was stored is on disk; nobody is let in any
 * more. */
void engine_door_open(struct engine *e);
/* Whether a token was handed out (--serve-api), which handlers are to be told by
 * engine_commands_build(): 1, 0; -1 with `err`: nobody takes it. */
int engine_door_serve(struct engine *e, struct err *err);
void engine_door_stored(struct engine *e);
/* This machine was cut off from the store: whether something was stored is not known. */
void engine_door_lost(struct engine *e);
void engine_door_close(struct engine *e);
/* Before the way out is freed. */
void engine_door_free(struct engine *e);
/* The port on 127.0.0.1; 0: there is none. */
int engine_door_port(const struct engine *e);

/* engine_send.c: answers the request; control_end() is the caller's, but where it returns false:
 * then the answer comes when it is stored, or is not known to be. */
bool engine_send(struct engine *e, struct control_client *client, const cJSON *request);

/* At the end of a turn; when this machine was cut off from the store. */
void engine_send_stored(struct engine *e);
void engine_send_lost(struct engine *e);

#endif
