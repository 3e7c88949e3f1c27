/* cli/client/call: a call of the Bot API, as words of the command line give it, and its way to the
 * server: through a running tgrun, or straight. */
#ifndef TGRUN_CLI_CLIENT_CALL_H
#define TGRUN_CLI_CLIENT_CALL_H

#include "api/api_form.h"
#include "base/buf.h"
#include "cli/setup/setup.h"
#include "engine/door.h"

enum { CALL_FILES_MAX = 16 };

struct client_call {
	struct setup *setup;
	const char *method;
	struct buf params; /* a JSON object */
	struct api_file files[CALL_FILES_MAX];
	size_t file_count;
	struct api_form *form; /* NULL: without files */
	struct http_piece piece;
	struct http_body body; /* what is sent */
	int64_t patience;      /* milliseconds that it may wait for its turn, 429 included */
	int to_fd;             /* where the file of getFile goes; -1: it is not fetched */
	/* How it ended: the server's answer, or tgrun's. */
	enum door_outcome outcome;
	struct buf answer;
};

/* Reads the arguments and what the options say of the call: checks them, opens files, reads
 * standard input, fills in what the handler's update tells. 0 or -1 with `err` (ERR_USAGE: they are
 * no call; ERR_IO: a file cannot be read). call_release_words() in any case. */
int call_read_words(struct client_call *c, struct setup *s, struct err *err);
void call_release_words(struct client_call *c);

/* Sends the call through the runner that has the bot. 0: `outcome` and `answer` say how it ended,
 * also when nobody knows whether it arrived. -1 with `err`: nothing was sent, or the answer could
 * not be kept; *none then tells whether there is no runner to send it. */
int call_by_runner(struct client_call *c, bool *none, struct err *err);

/* Sends the call to the server itself, where no runner is. 0: `outcome` and `answer` say how it
 * ended; -1 with `err`. */
int call_straight(struct client_call *c, struct err *err);

#endif
