/* sandbox/sandbox_limits: how much the bot may send, and when. Calls come in; each is let through,
 * or refused with 429 and `retry_after`. Until that time has passed, whatever else comes to the
 * same chat is refused too, and counted as a violation: the bot was told to wait.
 *
 * Buckets are full at first, and only calls that are carried out, or fail past their chat, take
 * from them. A chat's line is made when it is needed first; past LINES_MAX chats are not limited.
 */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/methods.h"

enum { LINES_MAX = 200000, SECOND = 1000, MICRO = 1000 /* microseconds in a millisecond */ };

struct sandbox_line {
	struct map_node node;
	int64_t chat;
	int64_t full; /* when its bucket is so again, in microseconds of the sandbox's clock */
	int64_t told, until; /* milliseconds: the bot was told to wait then, until then */
};

static struct sandbox_line *find(const struct sandbox *s, int64_t chat)
{
	for (struct map_node *n = map_first(&s->lines, map_number(chat)); n; n = map_next(n)) {
		struct sandbox_line *line = container_of(n, struct sandbox_line, node);
		if (line->chat == chat)
			return line;
	}
	return NULL;
}

/* The chat 0 is the whole bot. */
static struct sandbox_line *need(struct sandbox *s, int64_t chat)
{
	struct sandbox_line *line = find(s, chat);
	if (line || s->lines.count >= LINES_MAX || !(line = calloc(1, sizeof *line)))
		return line;
	line->chat = chat;
	if (map_add(&s->lines, &line->node, map_number(chat)) == 0)
		return line;
	free(line);
	return NULL;
}

void sandbox_limits_free(struct sandbox *s)
{
	for (size_t i = 0; i < s->lines.cap; i++)
		for (struct map_node *n = s->lines.slots[i], *next; n; n = next) {
			next = n->next;
			free(container_of(n, struct sandbox_line, node));
		}
	map_release(&s->lines);
}

void sandbox_limit(struct sandbox *s, const struct sandbox_limits *limits)
{
	s->limits = limits ? *limits : (struct sandbox_limits){ 0 };
}

/* Milliseconds until the call need not wait any more, 0: it need not. *told gets since when. */
static int64_t held(struct sandbox_request *r, int64_t *told)
{
	struct sandbox *s = r->sandbox;
	int64_t now = s->clock->mono(s->clock), wait = 0;
	const int64_t chats[] = { 0, sandbox_chat_named(r, "chat_id") };
	/* Questions are never held, nor is what concerns only the way of updates. */
	bool exempt = methods_traits(r->method) & METHOD_BARRED;
	for (size_t i = 0; i < 2 && !exempt; i++) {
		const struct sandbox_line *line = find(s, chats[i]);
		if (line && line->until - now > wait) {
			wait = line->until - now;
			*told = line->told;
		}
	}
	return wait;
}

/* A request is to blame when it began after its chat was told to wait. */
void sandbox_limits_came(struct sandbox_request *r)
{
	int64_t told;
	if (r->method[0] && held(r, &told) && r->began > told + r->sandbox->limits.grace)
		r->sandbox->stats.violations++;
}

static void refuse(struct sandbox_request *r, int64_t seconds)
{
	char why[64], parameters[64];
	snprintf(why, sizeof why, "Too Many Requests: retry after %lld", (long long)seconds);
	snprintf(parameters, sizeof parameters, "{\"retry_after\":%lld}", (long long)seconds);
	r->sandbox->stats.limited++;
	sandbox_refuse_with(r, 429, why, parameters);
}

int sandbox_cool(struct sandbox *s, int64_t chat, int64_t ms)
{
	struct sandbox_line *line = need(s, chat);
	if (!line)
		return -1;
	line->told = s->clock->mono(s->clock);
	line->until = line->told + ms;
	return 0;
}

bool sandbox_limits_pass(struct sandbox_request *r)
{
	int64_t told, wait = held(r, &told);
	if (wait)
		refuse(r, (wait + SECOND - 1) / SECOND);
	return !wait;
}

/* How many messages the call is. */
static int cost(const struct sandbox_request *r)
{
	cJSON *list = sandbox_param_json(r, strcmp(r->method, "sendMediaGroup") == 0
						    ? "media"
						    : "message_ids");
	int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 1;
	cJSON_Delete(list);
	return n > 1 ? n : 1;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Microseconds until `n` more fit; at most 0: they do. More than the bucket holds fit when it is
 * full. */
static int64_t missing(const struct sandbox_rate *rate, int64_t full, int64_t now, int n)
{
	if (rate->count <= 0)
		return 0;
	int64_t each = rate->period * MICRO / rate->count;
	return larger(full, now) + n * each - now - larger(rate->burst, n) * each;
}

static void take(const struct sandbox_rate *rate, int64_t *full, int64_t now, int n)
{
	if (rate->count > 0)
		*full = larger(*full, now) + n * (rate->period * MICRO / rate->count);
}

bool sandbox_limits_take(struct sandbox_request *r, int64_t chat)
{
	struct sandbox *s = r->sandbox;
	const struct sandbox_limits *l = &s->limits;
	if (r->taken || !(methods_traits(r->method) & METHOD_COUNTS) ||
	    l->chat.count + l->group.count + l->bulk.count + l->paid.count == 0)
		return true;
	bool paid = sandbox_param_true(r, "allow_paid_broadcast");
	const struct sandbox_rate *own = chat < 0 ? &l->group : &l->chat,
				  *all = paid ? &l->paid : &l->bulk;
	struct sandbox_line *line = need(s, chat);
	int64_t *total = &s->sent[paid];
	int64_t now = s->clock->mono(s->clock) * MICRO;
	int n = cost(r);
	if (!line)
		return true;
	int64_t wait = larger(paid ? 0 : missing(own, line->full, now, n),
			      missing(all, *total, now, n));
	if (wait > 0) {
		int64_t seconds = (wait + SECOND * MICRO - 1) / (SECOND * MICRO);
		sandbox_cool(s, chat, seconds * SECOND);
		refuse(r, seconds);
		return false;
	}
	if (!paid)
		take(own, &line->full, now, n);
	take(all, total, now, n);
	r->taken = true;
	return true;
}
