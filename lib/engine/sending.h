/* engine/sending: what `tgrun send` asks of who has the outbox: a runner, over the control socket,
 * or the tool itself.
 *
 * A request is {"verb":"send", …}; the bytes that go with it (the text, the files, the list of
 * chats, in this order) are in a file that comes with it. */
#ifndef TGRUN_ENGINE_SENDING_H
#define TGRUN_ENGINE_SENDING_H

#include <cjson/cJSON.h>

#include "engine/out.h"
#include "reply/send.h"

enum { SENDING_BYTES_MAX = 64 << 20 }; /* of all that goes with a request */

/* What is asked. */
struct sending {
	struct send_message message; /* its texts and files are borrowed */
	const char *chat;            /* NULL: those of `chats` */
	const char *chats;           /* one a line, each of which send_chat_check() takes */
	size_t chats_length;
	int64_t lifetime; /* milliseconds */
	bool once;        /* --on-unsure fail */
	const char *job;  /* its name: a chat that had it by this job gets it no more; NULL: none */
};

/* Writes it as a request, appended to `request`, and what goes with it to the descriptor of a new
 * file in memory, the caller's. 0 with *fd, or -1 with `err`. */
int sending_write(const struct sending *s, struct buf *request, int *fd, struct err *err);

/* The numbers that the calls got, in the order of the chats, the same count for each. */
struct sending_taken {
	int64_t first, last; /* 0: nothing was to be said */
	int64_t calls;       /* for each chat */
	char *chats;         /* of a job: those that it had not yet, one a line; else NULL */
};

/* Whether it may be the name of a job. 0, or -1 with `err` (ERR_USAGE). */
int sending_job_check(const char *name, struct err *err);

/* Who takes a request. */
struct sending_taker {
	struct out *out;
	struct queue *queue; /* of `out` */
	const struct clock *clock;
	const struct secret *secret;
};

/* Reads a request with what is in the file `fd` (-1: nothing), and records its calls: all of them
 * or none, for the next queue_flush(). Of a job, what is unsure is sent again, unless it says
 * `once`. 0, and sending_taken_release() is due; -1 with `err`: ERR_USAGE, ERR_REFUSED (the job has
 * another message), ERR_IO (`fd`), ERR_INTERNAL. */
int sending_take(const struct sending_taker *by, const cJSON *request, int fd,
		 struct sending_taken *taken, struct err *err);
void sending_taken_release(struct sending_taken *taken);

/* Bytes of what goes with a request, in the file `fd`; 0 if it is -1 or no regular file. */
int64_t sending_size(int fd);

/* The answer, a line appended to `out`: what was taken; why nothing was. 0, or -1 as buf_add(). And
 * back: 0 with *taken, or -1 with `err`. */
int sending_told(const struct sending_taken *taken, struct buf *out);
int sending_told_failure(const struct err *err, struct buf *out);
int sending_answer(const cJSON *answer, struct sending_taken *taken, struct err *err);

#endif
