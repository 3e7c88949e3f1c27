/* reply/reply_internal: what the files of this room share about a reply in the making. */
#ifndef TGRUN_REPLY_REPLY_INTERNAL_H
#define TGRUN_REPLY_REPLY_INTERNAL_H

#include "base/buf.h"
#include "reply/reply.h"
#include "reply/target.h"
#include "reply/text.h"

/* Adds a call of `method` with the parameters in `params`, a whole object. Valid until the next is
 * added; NULL with `err` as call_read(). */
struct call *reply_add(struct reply *r, const char *method, const struct buf *params,
		       struct err *err);

/* Adds the calls that the text (as text_clean() makes it) holds, for --reply api. 0, or -1 with
 * `err`, as reply_compose(). */
int reply_api_read(const struct target *t, const char *text, size_t n, struct reply *r,
		   struct err *err);

/* Adds the messages that the text becomes, for all other modes, and what `t` takes in place of a
 * message. 0, or -1 with `err`. */
int reply_text_add(const struct reply_spec *spec, const struct target *t, const char *text,
		   size_t n, struct reply *r, struct err *err);

/* Adds a document of the `n` bytes at `bytes`, with a caption where `caption` is not NULL. 0, or -1
 * with `err`. */
int reply_document_add(const struct reply_spec *spec, const struct target *t, const char *name,
		       const char *bytes, size_t n, const struct text_piece *caption,
		       struct reply *r, struct err *err);

#endif
