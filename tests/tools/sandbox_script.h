/* tests/tools/sandbox_script: faults for tests, played on the sandbox's connections by its hooks.
 *
 * A script is JSON lines; each is used for the next calls that match it:
 *
 *   method   the Bot API method, any if absent; /file/: a file that is fetched
 *   chat     the chat_id, any if absent; where: {"NAME":VALUE}: parameters that it has
 *   skip     matching calls to leave alone first
 *   chance   of the calls that match it strikes so many of a thousand, at random, see seed
 *   times    calls to apply it to (1; -1: all from then on)
 *   name     what the log calls it; the action if absent
 *   status   of HTTP, with body (text), or hex (bytes), `repeat` times over; or description,
 *            retry_after and migrate_to_chat_id of an answer as the server refuses with it
 *   type     the content type; header: one more, "Name: value"
 *   before, behind   bytes in hex around the body
 *   keep     so many thousandths of the body, from its beginning
 *   action   pass           the true answer: a call to leave alone, in a sequence of lines
 *            stall          never answers
 *            stall_headers  begins the headers and stops
 *            trickle        `bytes` (1) of the body every `ms` (1000)
 *            reset          half the body, then a TCP reset
 *            cut            half the body, then an orderly end
 *            raw            `body` or `hex` instead of an answer, its headers too; then `end`:
 *                           cut, reset or stall
 *            endless        a body without an end, up to `bytes` (200 MB)
 *            headers        headers without an end, up to `bytes` (200 MB)
 *            garbage        bytes that are no HTTP
 *            hang_up        closes this connection, and the next `count` (1) when accepted
 *            break          closes the connection before the request is whole: when its headers are
 *                           there, or `after` bytes of its body; only method, and what stands in
 *                           the query, are known then
 *            refuse         cuts all connections, and refuses new ones for `ms` (1000)
 *            redirect       302 to `location`
 *            close          the true answer, with Connection: close
 *            delay          the true answer, `ms` later
 *            flood          429, and from now on for `retry_after` (1) seconds for all calls to
 *                           its chat; to all chats with `all`, or if it has none
 *            duplicate      (getUpdates) what was confirmed last is delivered once more
 *            twice          (getUpdates) each update stands twice in the answer
 *            backwards      (getUpdates) the last update stands first in the answer
 *   after    where cut, reset and stall strike: so many bytes into the answer, its headers
 *            counted, or before its end if below 0
 *   permille so many thousandths of it; ms: then they wait so long before they end the connection
 *   more     the Content-Length of cut, reset, stall and trickle says so many bytes more than
 *            there are
 *   apply    true: stall, stall_headers, reset, cut, answer … spoil the answer of a call that is
 *            carried out. So do trickle, reset, cut, and a stall within the answer, without a
 *            body. */
#ifndef TGRUN_TESTS_TOOLS_SANDBOX_SCRIPT_H
#define TGRUN_TESTS_TOOLS_SANDBOX_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "sandbox/sandbox_internal.h"

struct sandbox_script;

/* NULL when memory is out. */
struct sandbox_script *sandbox_script_new(void);
void sandbox_script_free(struct sandbox_script *s); /* NULL is fine */

/* What strikes by chance does so in the row that belongs to this seed (0 if it is never called). */
void sandbox_script_seed(struct sandbox_script *s, uint64_t seed);

/* Adds lines behind those that are there. 0, or -1 with `err` (ERR_USAGE), which names the line;
 * those before it were added. */
int sandbox_script_add(struct sandbox_script *s, const char *lines, size_t n, struct err *err);

/* For the sandbox's hooks of the same names (sandbox/sandbox_internal.h). `begin` returns whether
 * the connection will be closed before the request is whole; r->fault_name says why. `request`
 * applies the fault whose turn it is, and returns whether the request is answered by it; *name gets
 * what was done, NULL for nothing. */
bool sandbox_script_accept(struct sandbox_script *s);
bool sandbox_script_begin(struct sandbox_script *s, struct sandbox_request *r);
bool sandbox_script_request(struct sandbox_script *s, struct sandbox_request *r, const char **name);
bool sandbox_script_answer(struct sandbox_request *r);
void sandbox_script_ended(struct sandbox_request *r);

/* Faults that still wait for a call. */
size_t sandbox_script_left(const struct sandbox_script *s);

#endif
