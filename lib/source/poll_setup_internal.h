/* source/poll_setup_internal: the steps before getUpdates, as pure decisions: which call a step
 * makes, and what follows from its answer. Nothing is called and nothing is kept, so that they are
 * tested without a loop (tests/unit/poll_setup.c). */
#ifndef TGRUN_SOURCE_POLL_SETUP_INTERNAL_H
#define TGRUN_SOURCE_POLL_SETUP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "api/api.h"

enum poll_step {
	POLL_ME,      /* getMe: the token, the bot's name; again when the token is in doubt */
	POLL_WEBHOOK, /* getWebhookInfo: would getUpdates be refused */
	POLL_DELETE,  /* deleteWebhook, to remove one or to drop what is pending */
	POLL_UPDATES, /* getUpdates, from now on */
};

/* What the user asked for. */
struct poll_setup {
	bool delete_webhook, drop_pending;
	enum poll_step after_me; /* what a good getMe is followed by */
};

/* A call of the Bot API. */
struct poll_call {
	const char *method, *form; /* `form`: application/x-www-form-urlencoded, "" for none */
};

enum poll_verdict_kind {
	POLL_GO_ON,    /* with `next` */
	POLL_PASS,     /* with `next`, though the step failed: a webhook may be set */
	POLL_FAIL,     /* the answer is a failure: of its class, and for the reason in its text */
	POLL_CONFLICT, /* a webhook is set and not to be removed: `text` is the sentence */
};

struct poll_verdict {
	enum poll_verdict_kind kind;
	enum poll_step next;
	char *username; /* after a good POLL_ME, the caller's to free; else NULL */
	char text[300];
};

/* What `step` asks; of POLL_UPDATES: nothing. */
struct poll_call poll_setup_call(enum poll_step step, const struct poll_setup *setup);

/* What follows from the answer of `step`, which is not POLL_UPDATES. An answer of class API_OK that
 * does not say what it should gets another class, and a text (POLL_FAIL, POLL_PASS). */
void poll_setup_answer(enum poll_step step, const struct poll_setup *setup,
		       struct api_answer *answer, struct poll_verdict *verdict);

/* What a good POLL_DELETE has done, as a sentence. A later one removes a webhook, and drops nothing
 * again. */
const char *poll_setup_deleted(struct poll_setup *setup);

/* The user name of the bot, from an answer of getMe: "" if it has none; the caller's to free. NULL:
 * the answer has no result, or memory is out. */
char *poll_setup_username(const struct api_answer *answer);

/* The sentence for a webhook that is set, for `url`; NULL: its URL is not known. */
void poll_setup_conflict(const char *url, char *text, size_t n);

#endif
