/* reply/reply_add: a method and its parameters in, one more call of a reply out. Invariant: a reply
 * holds whole calls only; what cannot be read leaves it as it was. */
#include <stdlib.h>

#include "reply/reply_internal.h"

struct call *reply_add(struct reply *r, const char *method, const struct buf *params,
		       struct err *err)
{
	struct call *calls = realloc(r->calls, (r->count + 1) * sizeof *calls);
	if (!calls) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	r->calls = calls;
	if (call_read(method, params->data, params->len, &calls[r->count], err))
		return NULL;
	return &calls[r->count++];
}
