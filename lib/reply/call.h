/* reply/call: one call of the Bot API that is to be sent: a method with its parameters, and what
 * the order and the limits must know of it, read from them once. */
#ifndef TGRUN_REPLY_CALL_H
#define TGRUN_REPLY_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* In the order of enum outbox_kind. */
enum call_kind {
	CALL_CHAT,  /* to a chat, or to one inline message */
	CALL_GROUP, /* to a chat whose id is below 0, or that is given by @name */
	CALL_QUERY, /* answers a query */
	CALL_NONE,  /* about none of these */
};

/* A file that goes with a call, which names it: "attach://NAME". */
struct call_file {
	char *name; /* NULL: there is none */
	char *bytes;
	size_t length;
};

struct call {
	char *method;  /* as the documentation spells it, if it is known; [A-Za-z]+ */
	char *params;  /* a JSON object on one line, without `method`; a NUL stands behind it */
	size_t length; /* of `params`, bytes */
	char *line;    /* "CHAT", "CONNECTION/CHAT", "inline:ID", "query:ID", "" for CALL_NONE;
			* CHAT is a number, or an @name in lower case */
	enum call_kind kind;
	int cost;         /* messages, as the limits count them, at most 100; 0: not counted */
	bool paid;        /* allow_paid_broadcast */
	bool plain;       /* the mode of parsing was chosen by tgrun: call_plain() may mend it */
	int64_t lifetime; /* ms after which the server refuses it; 0: it is not bound to a time */
	struct call_file file;
};

/* Reads a call into `c`: `method`, whatever its case, and the object of its parameters, `n` bytes
 * of JSON at `params`, values as they are or as texts of JSON. Members that are null are left out;
 * all others keep their bytes, so that no digit of a number is lost. 0; or -1 with `err`, and
 * nothing to be released: ERR_IO: `method` is no name, `params` no JSON object, `method` is
 * among them, or an id that decides on the line is longer than any, or holds a NUL; ERR_INTERNAL:
 * memory. Whether the method may be called here is for the caller to ask.
 */
int call_read(const char *method, const char *params, size_t n, struct call *c, struct err *err);

/* Makes `c` of what is meant as a call and cannot be one: its method is CALL_NO_METHOD, which
 * call_read() takes nowhere, so it is never sent; all of the JSON object in the `n` bytes at
 * `object` are its parameters, and tell its chat. 0, or -1 with `err` (as call_read()). */
#define CALL_NO_METHOD "-"
int call_keep(const char *object, size_t n, struct call *c, struct err *err);

/* Frees what `c` holds, not `c`; all in it is 0 then. */
void call_release(struct call *c);

/* Makes of `c` the same call without a mode of parsing, as the server wants its text after "can't
 * parse entities"; `plain` is false then. 0, or -1 when memory is out: `c` is as it was. */
int call_plain(struct call *c);

/* Makes of `c` the same call to another chat, after a group became a supergroup; its line and kind
 * are the new chat's. 0, or -1 when memory is out: `c` is as it was. */
int call_move(struct call *c, int64_t chat);

#endif
