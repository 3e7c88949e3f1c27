/* cli/client/send: what the files of `tgrun send` share: send_input.c (what is to be sent),
 * send_wait.c (whether it arrived), cmd_send.c (the story). */
#ifndef TGRUN_CLI_CLIENT_SEND_H
#define TGRUN_CLI_CLIENT_SEND_H

#include "base/buf.h"
#include "cli/client/client.h"
#include "engine/sending.h"

/* What is to be sent, as the options say it. */
struct send_input {
	struct sending sending; /* borrows from what follows and from the config */
	struct call_file files[SEND_FILES_MAX];
	struct buf text, chats;
};

/* Reads it, from standard input and files, too. 0, or -1 with `err`; release in both cases. */
int send_input_read(struct send_input *in, const struct config *c, struct err *err);
void send_input_release(struct send_input *in);

/* What became of what was taken. */
struct send_end {
	size_t failed;
	int status; /* an exit status: of the first that failed; 0: all arrived */
	char why[1024];
};

/* Asks who has the state, again and again, until nothing of it waits. 0; 1: nobody has it any more,
 * and the slots' lock is this process's; -1 with `err`. */
int send_wait_for(struct setup *s, struct statedir *dir, const struct sending_taken *taken,
		  struct err *err);

/* Asks what failed of it, and with --json prints a line for each chat. 0, or -1 with `err`. */
int send_wait_tell(struct setup *s, struct statedir *dir, const struct send_input *in,
		   const struct sending_taken *taken, struct send_end *end, struct err *err);

#endif
