/* engine/engine_asked_internal: the part of engine_internal.h, which includes it, that others ask
 * of a running engine: people over the control socket and by signals, and the machines that it
 * shares a store with. Its files stand above all others but engine.c. */
#ifndef TGRUN_ENGINE_ENGINE_ASKED_INTERNAL_H
#define TGRUN_ENGINE_ENGINE_ASKED_INTERNAL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#include <cjson/cJSON.h>

struct control_client;
struct engine;
struct engine_options;
struct queue_config;

/* engine_cancel.c: carries out the request of tgrun cancel; the ends follow. 0, or -1 when memory
 * is out. */
int engine_cancel(struct engine *e, const cJSON *request);
/* The one of this number, if it is here: as another machine was asked to. */
void engine_cancel_one(struct engine *e, int64_t seq);

/* engine_metrics.c: appends all metrics, in Prometheus' text format 0.0.4. 0, or -1 when the buffer
 * is full. */
int engine_metrics(const struct engine *e, struct buf *b);

/* engine_status.c: appends the object of `tgrun status`. 0, or -1 when the buffer is full. */
int engine_status_json(struct engine *e, struct buf *b);

/* engine_control.c */
void engine_control_request(void *arg, struct control_client *client, const cJSON *request);
/* Makes the control socket, if it is not there. */
void engine_control_open(struct engine *e);
/* The same, after a turn in which engine_stands() found the state in its place. */
void engine_control_check(struct engine *e);

/* engine_fleet.c: the events of a shared store; before and after the queue is opened. */
void engine_fleet_events(struct queue_config *config);
void engine_fleet_init(struct engine *e);

/* engine_hangup.c: SIGHUP came; the timer looks once more, a moment later. */
void engine_hangup(struct engine *e);

/* engine_hangup.c: has the configuration read again, and the bot's name asked for. 0, or -1 with
 * `err`: everything stays as it was. */
int engine_read_again(struct engine *e, struct err *err);
void engine_hangup_timer(void *arg);

/* engine_reload.c: takes over all that may change. 0, or -1 with `err`: what was not checked before
 * may stay as it was. */
int engine_options_take(struct engine *e, const struct engine_options *o, struct err *err);

#endif
