/* source/poll_internal: what the parts of long polling share: poll_setup.c says hello, poll.c asks for updates, poll_trouble.c deals with what
 * fails. */
#ifndef TGRUN_SOURCE_POLL_INTERNAL_H
#define TGRUN_SOURCE_POLL_INTERNAL_H

#include "source/pace.h"
#include "source/poll.h"

enum poll_step {
	POLL_ME,      /* getMe: is the token good, what is the bot's name; again whenever the token is in doubt */
	POLL_WEBHOOK, /* getWebhookInfo: would getUpdates be refused */
	POLL_DELETE,  /* deleteWebhook, to remove one or to drop what is pending */
	POLL_UPDATES, /* getUpdates, from now on */
};

struct poll {
	struct source source;
	struct poll_config config;
	char *allowed;
	enum poll_step step;
	enum poll_step after_me;     /* what a good getMe is followed by */
	struct api_request *request; /* in flight, NULL: none */
	struct api_request *hello;   /* who the bot is, asked for beside the others; NULL: it is not */
	struct loop_timer *timer;    /* until the next request */
	struct backoff backoff;      /* of failures */
	struct backoff idle;         /* of answers that came at once and brought nothing */
	struct pace pace;
	int64_t offset;              /* of the next request */
	int64_t asked_offset;        /* of the request in flight */
	int64_t confirmed;           /* the highest offset that was answered */
	int64_t asked_at;            /* monotonic milliseconds */
	int64_t good_at;             /* the last good answer, or the start */
	struct log_pace paces[API_CLASSES]; /* of the warnings of each class of failure */
	enum poll_step failed;       /* what failed last, while counts.failing */
	bool told;                   /* a warning was given since the last good answer */
	bool worked;                 /* the token, at least once */
	int refusals;                /* of the token, with no other answer between; */
	int64_t refused_at;          /* the first of them */
	bool webhook_unknown;        /* getWebhookInfo told nothing, and getUpdates was not answered yet */
	int garbage;                 /* unreadable answers in a row */
	int identical;               /* how many of them in a row, fetched alone, had the bytes of */
	uint64_t garbage_hash;
	bool held;                   /* may_ask() said no */
	bool stopping, stopped, ready;
	struct source_counts counts;
	char trouble[400];           /* what failed last, for people; "" for nothing */
};

/* Monotonic milliseconds. */
int64_t poll_now(const struct poll *p);

/* Makes the request of the present step. */
void poll_ask(struct poll *p);

/* The steps before getUpdates. An answer that turns out to be none gets another class. */
void poll_setup_ask(struct poll *p);
void poll_setup_answer(struct poll *p, struct api_answer *answer);
void poll_hello(struct source *s);

/* A webhook is set, for `url` (NULL: not known): ends the source. */
void poll_setup_webhook(struct poll *p, const char *url);

/* Sends `method` with `form`; the answer goes where the step says. */
void poll_send(struct poll *p, const char *method, const char *form, int64_t silence, int64_t total);

/* Counts and reports a failure, and asks again later, or ends. Where the token is in doubt, getMe is asked next. */
void poll_failed(struct poll *p, const struct api_answer *answer);

/* Ends the source for good. */
void poll_end(struct poll *p, int status, const char *text);

#endif
