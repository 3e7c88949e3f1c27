/* engine/out_internal: what the files of the way out share: out_calls.c (one call), out_recall.c
 * (what comes from the queue), out_action.c (what is kept nowhere), out_send.c (what is sent, and
 * what the server says), out_live.c (what somebody waits for), out.c (all that waits). */
#ifndef TGRUN_ENGINE_OUT_INTERNAL_H
#define TGRUN_ENGINE_OUT_INTERNAL_H

#include "api/api.h"
#include "api/api_form.h"
#include "base/backoff.h"
#include "base/list.h"
#include "base/map.h"
#include "engine/out.h"
#include "io/http.h"
#include "outbox/fate.h"

enum { OUT_WORDS = 512 };

/* A call that the outbox knows. */
struct out_call {
	struct map_node node; /* by its number */
	struct list link;     /* in out.begun: marked, and not sent yet; or in out.recalled */
	struct list age;      /* in out.ages, if it is stored and no bulk */
	struct out *out;
	struct queue_call call; /* without params; `line` and `method` are owned */
	struct out_live *live;  /* NULL: it is stored */
	bool sending;           /* between its mark and its end */
	uint64_t ticket;        /* of its mark; 0: what is stored nowhere needs none */
	/* while it is being sent */
	struct api_request *request;
	struct call *sent;     /* what is sent */
	struct api_form *form; /* … with its file; NULL: it has none */
};

struct out {
	struct out_config config;
	struct http *http;
	struct api *api;
	struct outbox *outbox;
	struct map calls;
	struct list actions; /* out_action.c's */
	int action_count;
	struct list begun;
	struct list recalled; /* that may have arrived: what follows is decided in the next turn */
	struct list ages;     /* in the order in which they were added */
	struct loop_timer *timer, *doubt_timer;
	int64_t offset;    /* of the wall clock to the monotonic, when stored times were right */
	int64_t last_live; /* numbers of what is stored nowhere fall from -1 on */
	int64_t swept_at;  /* monotonic milliseconds: when limits at rest were forgotten last */
	bool shared;       /* the queue's store: what is sent comes by out_came() alone */
	/* the reply of which a call came last that was not to be sent again, and why */
	struct {
		int64_t group;
		char why[OUT_WORDS];
	} given_up;
	bool stopped; /* nothing that is stored is begun */
	bool doubts;  /* the token: nothing is sent until the server says that it is good */
	struct api_request *asking; /* getMe */
	struct backoff backoff;     /* of doubts, until a call is taken */
	struct out_counts counts;
	struct log_pace flood_pace, twice_pace, token_pace, network_pace;
};

/* The files stand above one another, in this order: each calls those before it. */

/* out_calls.c */
struct out_call *out_find(const struct out *o, int64_t id);
int64_t out_now(const struct out *o); /* monotonic milliseconds */
/* The wall clock less the monotonic. */
int64_t out_offset(const struct out *o);
/* A time of the monotonic clock as one of the wall clock, as that was at `offset`, and back; 0
 * stays 0. */
int64_t out_wall(const struct out *o, int64_t mono);
int64_t out_mono(const struct out *o, int64_t wall);
/* What decides on its fate. */
struct fate_call out_fate_call(const struct queue_call *call);
/* `text` for the log: what the server quotes may be words of a message, and is left out. Returns
 * `out`. */
const char *out_words(const char *text, char out[OUT_WORDS]);
/* Tells who watches. */
void out_tell(const struct out_call *c, const char *text, const char *reason);
/* Logs that a call is sent again that may have arrived. */
void out_tell_repeat(struct out_call *c, const char *reason);
/* Makes a call known, behind all of its line. NULL when memory is out. */
struct out_call *out_enter(struct out *o, const struct queue_call *call);
/* Takes a call out, wherever it is; forgets one that is out. `call` is gone afterwards. */
void out_leave(struct out_call *call);
/* What is left of it then, for out_config.ended; names that are longer are cut. */
enum { OUT_NAME = 128 };
struct queue_call out_copy(const struct out_call *call, char line[OUT_NAME], char method[OUT_NAME]);
void out_forget(struct out_call *call);
/* Ends what is being sent of it, without calling back, and forgets its parameters. */
void out_cut(struct out_call *call);
/* A call was taken back: leaves, and tells its owner. */
void out_gone(struct out_call *call);
/* A call failed, and with it, unless it answered a query, what waits of its reply. `v` NULL: the
 * server was not asked. */
void out_fail(struct out_call *call, const struct verdict *v, const char *reason, const char *body,
	      size_t length);
/* A call failed, alone, and nobody is told. */
void out_fail_one(struct out_call *call, const struct verdict *v, const char *reason);
/* Logs that, and tells who watches. */
void out_tell_failure(const struct out_call *call, const char *reason);
/* Stores the limits of a line, or forgets them. NULL: the whole bot's. */
void out_keep_line(struct out *o, const char *line);
/* The server told the chat of a call to wait for `delay` milliseconds. */
void out_flood(struct out_call *call, int64_t delay, const char *text);
/* The chat of a call has the id `to` from now on, for all that goes there. false: that is what it
 * was sent to. */
bool out_moved(struct out_call *call, int64_t to);
/* Two names of one chat. */
void out_join(struct out *o, const char *from, const char *to);

/* out_recall.c: at the start, what waits in the queue: 0, 1 when memory is out, or -1 with `err`;
 * in a shared store nothing. Of what came and may have arrived: it goes again, or fails. */
int out_recall(struct out *o, struct err *err);
void out_recall_begun(struct out *o);

/* out_send.c: asks the server whether the token is good, until it is; sends a call that was marked;
 * records what follows from its end (`body` as in out_config.ended). */
void out_ask_for_token(void *out);
void out_send_one(struct out_call *call);

/* out_action.c: ends all of them. */
void out_actions_free(struct out *o);

/* out_live.c: it may be sent now; it will not be in time. */
void out_live_go(struct out_live *l);
void out_live_late(struct out_live *l, const char *reason);

#endif
