/* sandbox/sandbox_queries: answers to queries: of buttons, inline, payments, guests. A call comes
 * in; its answer, or the server's words for a query that is over, go out.
 *
 * A query is answered once. The newest answered ones are known, QUERIES_KEPT of them. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"

static const struct {
	const char *method, *id;
	bool sends; /* a message, whose id is the result */
} rows[] = {
	{ "answerCallbackQuery", "callback_query_id", false },
	{ "answerInlineQuery", "inline_query_id", false },
	{ "answerShippingQuery", "shipping_query_id", false },
	{ "answerPreCheckoutQuery", "pre_checkout_query_id", false },
	{ "answerGuestQuery", "guest_query_id", true },
	{ "answerWebAppQuery", "web_app_query_id", true },
};

/* Whether it is the first answer to the query of this hash, which is remembered. */
static bool is_first(struct sandbox *s, uint64_t hash)
{
	if (map_first(&s->answered, hash))
		return false;
	struct map_node *node = &s->answers[s->answer_next++ % QUERIES_KEPT];
	if (s->answer_next > QUERIES_KEPT)
		map_remove(&s->answered, node);
	if (map_add(&s->answered, node, hash))
		s->answer_next--;
	return true;
}

static void answer(struct sandbox_request *r, size_t row)
{
	struct buf query;
	char result[80] = "true";
	const char *id = sandbox_param(r, rows[row].id);
	buf_init(&query, SANDBOX_BODY_MAX);
	buf_addf(&query, "%s %s", rows[row].id, id ? id : "");
	bool open = id && *id && is_first(r->sandbox, hash_bytes(buf_str(&query), query.len));
	buf_release(&query);
	if (rows[row].sends)
		snprintf(result, sizeof result, "{\"inline_message_id\":\"sandbox-%llu\"}",
			 (unsigned long long)r->sandbox->answer_next);
	if (open)
		sandbox_result(r, result);
	else
		sandbox_refuse(
			r, 400,
			"Bad Request: query is too old and response timeout expired or query ID is invalid");
}

bool sandbox_call_query(struct sandbox_request *r)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcasecmp(r->method, rows[i].method) == 0) {
			strcpy(r->method, rows[i].method);
			answer(r, i);
			return true;
		}
	return false;
}
