/* io/control: the control socket `control` in the state directory: one JSON object a line, both
 * ways. Only this user and root may speak to it (io/listener.h). */
#ifndef TGRUN_IO_CONTROL_H
#define TGRUN_IO_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/err.h"
#include "io/loop.h"

enum { CONTROL_LINE_MAX = 64 * 1024, CONTROL_CLIENTS_MAX = 32, CONTROL_OUTPUT_MAX = 18 << 20 };

struct control;
struct control_client;

/* Called for each request, a JSON object that is valid until the return. Answer from in here: any
 * number of control_reply(), then one control_end(), or one control_refuse(). The client is the
 * socket's: after control_end() it must not be used any more. Who cannot answer yet calls
 * control_hold(), and answers in a later turn. */
typedef void control_request(void *arg, struct control_client *client, const cJSON *request);

/* Listens in the directory that is open as `dir_fd`, which outlives the socket. A socket that a
 * killed runner left is replaced. NULL with `err` (ERR_CANTCREATE). */
struct control *control_new(struct loop *loop, int dir_fd, control_request *request, void *arg,
			    struct err *err);

/* Milliseconds for which a client may do nothing before it is sent away; 60,000 unless set. */
void control_set_patience(struct control *c, int64_t milliseconds);

/* Whether the socket still stands under its name; if not, nobody can connect any more. */
bool control_stands(const struct control *c);

/* Ends all connections, removes the socket, frees; not from within a request. NULL is fine. */
void control_free(struct control *c);

/* Sends one line: `n` bytes of JSON without a line feed; one is added. A client that does not read
 * is dropped when too much waits for it. */
void control_reply(struct control_client *client, const char *json, size_t n);

/* The answer will come later. Until control_end() or control_refuse() the client stays, unless it
 * goes away by itself: then `gone(arg)` is called, and it must not be used any more. */
void control_hold(struct control_client *client, void (*gone)(void *arg), void *arg);

/* Answers {"error":"…"}, and ends the answer. */
void control_refuse(struct control_client *client, const char *why);

/* What came with the request: an open file, which stays the client's; -1: none. */
int control_descriptor(const struct control_client *client);

/* The answer is whole: the connection is closed when all of it is sent, and the client is freed in
 * a later turn. */
void control_end(struct control_client *client);

/* The other side, blocking: sends one request, with the open file `passed` (-1: none), and calls
 * `line(arg, …)` for each line of the answer (NUL-terminated, no line feed) until its end. Gives up
 * after `timeout` milliseconds without a byte. 0; -1 with `err` (ERR_UNAVAILABLE: nobody listens,
 * or hung up without a word; ERR_TEMPFAIL: no answer came in time), or what `line` returned if not
 * 0. */
int control_call(int dir_fd, const char *request, int passed,
		 int (*line)(void *arg, const char *text, size_t n), void *arg, int64_t timeout,
		 struct err *err);

#endif
