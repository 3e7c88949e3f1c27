/* sandbox/sandbox_internal: what the sandbox's files know of each other, and what a test's faults
 * may do to a request.
 *
 * A request lives from its headers until io/httpd says that it is over. Once whole, it is
 * dispatched; it is answered at once, or its connection is suspended until somebody answers or
 * drops it.
 *
 * Who calls whom, from below: request, uploads | params, json, topics, chats, limits | messages,
 * updates, text | forum | files | send | edit, queries, methods | dispatch, push | sandbox. */
#ifndef TGRUN_SANDBOX_SANDBOX_INTERNAL_H
#define TGRUN_SANDBOX_SANDBOX_INTERNAL_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "sandbox/sandbox.h"

enum {
	SANDBOX_METHOD_MAX = 63,
	/* of a request: a file of 50 MB, as the server takes it, and what stands around it */
	SANDBOX_BODY_MAX = 51 << 20,
	SANDBOX_TEXT_MAX = 4 << 20,  /* of all its parameters together */
	SANDBOX_BATCH_MAX = 4 << 20, /* bytes of updates in an answer, about */
};

struct httpd;
struct httpd_request;
struct sandbox_params;
struct sandbox_request;

/* Where a test gets between. Called from the loop with the config's `arg`; any may be NULL. */
struct sandbox_hooks {
	/* A connection came. false: it is closed. */
	bool (*accept)(void *arg);
	/* The headers of a request came; r->body_max may be set. */
	void (*begin)(void *arg, struct sandbox_request *r);
	/* A whole request, before the sandbox looks at it. true: the hook answers it, now or
	 * later. */
	bool (*request)(void *arg, struct sandbox_request *r);
	/* An answer is about to be sent: it stands in r->status and what follows that, and may be
	 * changed. true: it is not sent, the hook calls sandbox_answer() or sandbox_drop()
	 * later. */
	bool (*answer)(void *arg, struct sandbox_request *r);
	/* The request is over; r->fault, if the hook has set it, is to be freed. */
	void (*ended)(void *arg, struct sandbox_request *r);
};

struct sandbox_request {
	struct list link; /* in sandbox.requests */
	struct sandbox *sandbox;
	struct httpd_request *http;
	const char *path; /* without the query, decoded */
	bool post;
	char method[SANDBOX_METHOD_MAX + 1]; /* of the Bot API, "" for another path */
	struct sandbox_params *reader;       /* while the body arrives */
	cJSON *params;                       /* an object */
	cJSON *uploads;  /* the id of each uploaded file by its parameter; NULL: none */
	struct buf body; /* raw, for paths that are not the Bot API's, and for JSON */
	int64_t chat;    /* to which it goes, once that is known */
	int64_t began;   /* its headers came, by the sandbox's clock */
	bool taken;      /* from the buckets of sandbox_limits.c */

	int refused;              /* for its path; 0: it is one of the Bot API's, or another's */
	int64_t received;         /* bytes of its body */
	bool whole;               /* and dispatched */
	bool over;                /* answered or dropped */
	struct loop_timer *timer; /* of a long poll, a late answer, or a delay */
	void (*later)(struct sandbox_request *r);

	/* The answer. */
	int status;
	char *answer; /* owned */
	size_t length;
	const char *type;                                       /* static, or `given_type` */
	char given_type[128], extra_name[64], extra_value[512]; /* one header more */
	bool close;                                             /* Connection: close */
	/* Set by a hook. */
	void *fault;         /* the hook's own */
	char fault_name[32]; /* for the `polled` event */
	/* The connection is closed after so many bytes of the body, or at its end. Below 0: not. */
	int64_t body_max;
	bool twice, backwards; /* how the updates stand in the answer of getUpdates */

	/* getUpdates. */
	int64_t offset;
	int limit, timeout;
	const char *conflict; /* the words of a 409 that is late */
	char scratch[40];     /* of sandbox_param() */
};

struct update_item {
	int64_t id;
	bool has_id;
	bool served;
	/* the highest id of the answer in which it was served last; INT64_MIN: none */
	int64_t batch_max;
	uint32_t epoch; /* rises when an id is lower than the one before it */
	uint32_t length;
	char *bytes;
};

struct chat;
enum {
	CHAT_BUCKETS = 4096,
	MESSAGES_KEPT = 4096,
	CONFIRMED_KEPT = 100,
	TOPICS_KEPT = 4096,
	FILES_KEPT = 1024,
	QUERIES_KEPT = 8192,
};

struct sandbox {
	struct loop *loop;
	const struct clock *clock;
	struct sandbox_config config;
	char *token, *username, url[64];
	struct httpd *httpd; /* NULL: nobody can connect */
	int port;
	struct list requests;
	bool logged_out;

	/* sandbox_updates.c */
	struct update_item *items; /* items[head … tail) wait */
	size_t head, tail, cap;
	size_t bytes;
	int64_t next_id;
	uint32_t epoch;
	struct sandbox_request *poll; /* the open long poll */
	bool asked;                   /* a getUpdates came before */
	int64_t last_offset, last_asked, next_conflict;
	struct update_item again[CONFIRMED_KEPT]; /* what was confirmed last, for a repeat */
	size_t again_count;
	bool redeliver;
	cJSON *allowed; /* names; NULL: the default set */
	char *webhook;  /* its URL; NULL: none */
	struct sandbox_stats stats;

	/* sandbox_messages.c */
	struct chat *chats[CHAT_BUCKETS];
	size_t chat_count;
	int64_t overflow_id; /* message ids for chats beyond the maximum */
	struct message {
		int64_t chat, id;
		cJSON *json;
	} messages[MESSAGES_KEPT]; /* a ring */
	size_t message_next;
	cJSON *commands; /* as setMyCommands left them */

	struct map closed; /* sandbox_chats.c */

	/* sandbox_queries.c */
	struct map answered;
	struct map_node answers[QUERIES_KEPT]; /* a ring */
	size_t answer_next;

	/* sandbox_limits.c */
	struct sandbox_limits limits;
	struct map lines; /* of chats, and of the whole bot */
	int64_t sent[2];  /* when the buckets of bulk and of paid messages are full, µs */

	/* sandbox_topics.c */
	struct topic {
		int64_t chat, id; /* 0: none here */
	} topics[TOPICS_KEPT];    /* a ring */
	size_t topic_next;

	/* sandbox_uploads.c */
	uint64_t files; /* the newest number, of polls too */
	struct file {
		uint64_t id; /* its number; 0: none here */
		bool uploaded;
		uint64_t size;
		char *bytes; /* NULL: too many, or dropped, or empty */
		size_t length;
		char name[256], kind[16];
	} kept[FILES_KEPT]; /* a ring, by number */
	size_t kept_bytes;
};

/* sandbox_request.c */
/* Answers: `body` of `length` bytes is owned by the request from now on (NULL: memory is out, the
 * connection is closed). */
void sandbox_answer(struct sandbox_request *r, int status, char *body, size_t length);
/* Closes the request's connection without an answer. */
void sandbox_drop(struct sandbox_request *r);
/* Calls later(r) in `ms` milliseconds unless the request ends before. The request must not be
 * answered meanwhile by others. */
void sandbox_later(struct sandbox_request *r, int64_t ms, void (*later)(struct sandbox_request *r));
/* Takes back sandbox_later(). */
void sandbox_not_later(struct sandbox_request *r);
/* {"ok":true,"result":RESULT} and the `called` event. */
void sandbox_result(struct sandbox_request *r, const char *result);
void sandbox_result_json(struct sandbox_request *r, cJSON *result); /* frees it */
/* {"ok":false,…} and the `called` or `polled` event. */
void sandbox_refuse(struct sandbox_request *r, int status, const char *description);
/* … with "parameters", an object of JSON; NULL: none. */
void sandbox_refuse_with(struct sandbox_request *r, int status, const char *description,
			 const char *parameters);
/* The `called` or `polled` event alone. */
void sandbox_tell(struct sandbox_request *r, int status, const char *result,
		  const char *description);
/* The request is an open long poll no more, if it was one. */
void sandbox_poll_ended(struct sandbox_request *r);

/* sandbox_dispatch.c */
/* Carries out a request of the Bot API: what the sandbox does itself when no hook answers. */
void sandbox_dispatch(struct sandbox_request *r);

/* sandbox.c */
/* Ends all connections, and lets nobody connect. What waits stays. Never from within a request. */
void sandbox_close(struct sandbox *s);
/* Listens, after sandbox_close() on the same port again. 0, or -1 with `err`. */
int sandbox_open(struct sandbox *s, struct err *err);

/* sandbox_params.c */
/* A reader for the request's body; its query is taken at once. NULL when memory is out. */
struct sandbox_params *sandbox_params_new(struct sandbox_request *r);
/* 0, or -1: too large. */
int sandbox_params_add(struct sandbox_params *p, const char *data, size_t n);
/* The whole body is there: fills r->params. 0, or -1 when there are too many parameters, or a
 * multipart body is broken. */
int sandbox_params_end(struct sandbox_params *p);
void sandbox_params_free(struct sandbox_params *p);
/* The text of a parameter; numbers as they are printed; NULL if it is absent or neither. A number's
 * text is valid until the next call. */
const char *sandbox_param(struct sandbox_request *r, const char *name);
/* The whole number of a parameter, sent as a number or as text; `otherwise` if it is absent, no
 * number, or does not fit. */
int64_t sandbox_param_number(const struct sandbox_request *r, const char *name, int64_t otherwise);
/* Whether a parameter is true, 1, "true", "yes" or "1". */
bool sandbox_param_true(const struct sandbox_request *r, const char *name);
/* The chat that a parameter names, 0: none. */
int64_t sandbox_chat_named(struct sandbox_request *r, const char *name);
/* A copy of a parameter that is JSON, sent as such or as text; NULL if it is absent or no JSON. */
cJSON *sandbox_param_json(const struct sandbox_request *r, const char *name);

/* sandbox_text.c */
/* The text or caption (`field`) in `from`, read as its parse_mode says, becomes that of `to`, with
 * its entities. Nothing is added for an empty one. false after a refusal. */
bool sandbox_add_text(struct sandbox_request *r, cJSON *to, const cJSON *from, const char *field);

/* sandbox_forum.c */
/* The topic into which a call sends, 0: none. false after a refusal: there is no such topic. */
bool sandbox_param_topic(struct sandbox_request *r, int64_t chat, int64_t *topic);

/* sandbox_topics.c */
/* The topic `id` of a chat; NULL: it is not known (any more: the last TOPICS_KEPT are). */
struct topic *sandbox_topics_find(struct sandbox *s, int64_t chat, int64_t id);
/* Makes a topic known, if it is not. */
void sandbox_topics_add(struct sandbox *s, int64_t chat, int64_t id);
/* Notes the topic of a message that was pushed. */
void sandbox_topics_note(struct sandbox *s, int64_t chat, const cJSON *message);

/* sandbox_uploads.c */
#define UPLOAD_ID "sandbox-file-" /* and its number: the id of a file */
enum { UPLOAD_KEPT_MAX = SANDBOX_FILE_MAX };
/* A file that arrives. Zeroed at first. */
struct sandbox_upload {
	struct buf bytes; /* none when there are too many, or memory is out: lost */
	bool lost;
	uint64_t size;
	uint32_t crc;
};
void sandbox_upload_begin(struct sandbox_upload *u);
void sandbox_upload_add(struct sandbox_upload *u, const char *bytes, size_t n);
/* It is whole: it becomes the parameter `param` and is kept, under the file name `name`. */
void sandbox_upload_end(struct sandbox_request *r, struct sandbox_upload *u, const char *param,
			const char *name);
/* Keeps a file of `size` bytes under the next number: `length` of them at `bytes` (malloc'ed, its
 * own from now on; NULL: none). */
struct file *sandbox_upload_keep(struct sandbox *s, char *bytes, size_t length, uint64_t size,
				 const char *name);
/* A file with the next number, without bytes; the file of that id, NULL if it is not known. */
struct file *sandbox_upload_new(struct sandbox *s);
struct file *sandbox_upload_find(struct sandbox *s, const char *id);
void sandbox_uploads_free(struct sandbox *s);

/* sandbox_files.c */
/* Whether a parameter's value is a file, or names one. false after a refusal: a part of the request
 * that there is not (attach://…), a file without bytes. */
bool sandbox_file_is_fine(struct sandbox_request *r, const cJSON *given);
/* What a message tells of its file: one that was uploaded, or named by its id or a URL in `given`.
 * `kind`: photo, document … */
cJSON *sandbox_file_json(struct sandbox_request *r, const cJSON *given, const char *kind);
void sandbox_get_file(struct sandbox_request *r);
/* A file by the path that getFile gave. */
void sandbox_serve_file(struct sandbox_request *r);

/* sandbox_json.c */
/* `text` as cJSON has it; NULL when the server could not read it, or memory is out. */
cJSON *sandbox_json(const char *text, size_t n);
/* Adds the members of an object to `params`, of each name the first. What stands behind a mistake
 * is passed over. */
void sandbox_json_params(const char *text, size_t n, cJSON *params);

/* sandbox_updates.c */
void sandbox_updates_free(struct sandbox *s);
/* Queues the `n` bytes, which are the queue's in every case (NULL: memory is out). An open poll is
 * not answered: sandbox_updates_wake() does that. 0, or -1: they were freed, since memory is out or
 * the queue is full. */
int sandbox_updates_add(struct sandbox *s, bool has_id, int64_t id, char *bytes, size_t n);
/* Answers the open long poll, if there is one and updates wait. */
void sandbox_updates_wake(struct sandbox *s);
/* Whether the bot wants updates of this kind (allowed_updates). */
bool sandbox_updates_wanted(const struct sandbox *s, const char *kind);
/* Carries out getUpdates: answers the request, or keeps it as the open long poll. */
void sandbox_get_updates(struct sandbox_request *r);
/* Refuses with 409, late where the last one was a moment ago (sandbox_config.no_penalties). */
void sandbox_conflict(struct sandbox_request *r, const char *description);
/* Forgets all updates that wait. */
void sandbox_updates_drop(struct sandbox *s);
/* Remembers the request's allowed_updates, if it has it. */
void sandbox_updates_allow(struct sandbox_request *r);

/* sandbox_chats.c */
void sandbox_chats_free(struct sandbox *s);
/* Whether the chat takes calls. false after a refusal. */
bool sandbox_chat_takes(struct sandbox_request *r, int64_t chat);

/* sandbox_limits.c */
void sandbox_limits_free(struct sandbox *s);
/* A call came, whatever becomes of it. */
void sandbox_limits_came(struct sandbox_request *r);
/* Whether the call need not wait. false after a refusal. */
bool sandbox_limits_pass(struct sandbox_request *r);
/* Takes what the call sends into the chat from the buckets, once a request. false after a refusal.
 */
bool sandbox_limits_take(struct sandbox_request *r, int64_t chat);

/* sandbox_messages.c */
void sandbox_messages_free(struct sandbox *s);
/* Remembers the messages and the chat of a pushed update. */
void sandbox_messages_note(struct sandbox *s, const char *kind, const cJSON *object);
/* The chat of a parameter; 0 after a refusal: there is none, or the call's own (chat_id) takes
 * nothing. */
int64_t sandbox_param_chat(struct sandbox_request *r, const char *name);
/* The Chat of that id, for a message; the caller's. NULL when memory is out. */
cJSON *sandbox_chat_json(struct sandbox *s, int64_t id);
/* Whether the chat was seen, and is no forum. */
bool sandbox_chat_is_plain(const struct sandbox *s, int64_t id);
/* The bot's own User; the caller's. NULL when memory is out. */
cJSON *sandbox_bot_json(const struct sandbox *s);
/* Keeps `json` (owned from now on) as a message of the chat; it replaces one of the same id unless
 * the id `is_new`. */
void sandbox_message_keep(struct sandbox *s, int64_t chat, int64_t id, cJSON *json, bool is_new);
/* The message; NULL if it is not kept (any more). */
struct message *sandbox_message_find(const struct sandbox *s, int64_t chat, int64_t id);
/* Whether the chat has come as far as this id. */
bool sandbox_message_was(const struct sandbox *s, int64_t chat, int64_t id);

/* sandbox_send.c */
/* A message of the bot, without content and not kept; NULL after a refusal. */
cJSON *sandbox_message_new(struct sandbox_request *r, int64_t chat);
/* Gives it its id and keeps it (owned from now on). */
void sandbox_message_send(struct sandbox_request *r, int64_t chat, cJSON *message);
/* The parameter reply_markup. false after a refusal. */
bool sandbox_add_markup(struct sandbox_request *r, cJSON *message);

/* The methods that send (sandbox_send.c), change and pass on messages (sandbox_edit.c), make topics
 * (sandbox_forum.c), answer queries (sandbox_queries.c), and the others (sandbox_methods.c). false:
 * not one of them. */
bool sandbox_call_send(struct sandbox_request *r);
bool sandbox_call_edit(struct sandbox_request *r);
bool sandbox_call_topic(struct sandbox_request *r);
bool sandbox_call_query(struct sandbox_request *r);
bool sandbox_call_method(struct sandbox_request *r);

#endif
