/* outbox/fate: the table of what follows. A verdict and the sort of a call name a rule; the rules
 * are few. Invariants: what is never to arrive twice is sent again only when it surely has not
 * arrived; what is sent again though it may have arrived says so. */
#include "outbox/fate.h"

#include <stddef.h>

#include "api/methods.h"
#include "base/backoff.h"

enum {
	FIRST = 1000, /* milliseconds */
	CAP = 60 * 1000,
	UNSURE_FIRST = 5 * 1000,
	SERVERS_MAX = 10,
	UNSURES_MAX = 1,
};

#define YEAR (INT64_C(365) * 24 * 3600) /* seconds */

enum sort { ORDINARY, HARMLESS, NEVER, SORTS };

enum rule {
	DONE,
	NOT_SENT, /* again, until it is too old */
	WAIT,
	TEN_TIMES,
	ONCE_MORE, /* by --on-unsure */
	REPEAT,    /* again, until it is too old, and it may have arrived */
	NOT_TWICE, /* failed: it may have arrived */
	MOVE,
	PLAIN, /* if tgrun chose the mode, else refused */
	REFUSED,
	TOKEN,
};

static const enum rule rules[VERDICT_KINDS][SORTS] = {
	/* of ORDINARY, HARMLESS, NEVER */
	[VERDICT_OK] = { DONE, DONE, DONE },
	[VERDICT_SAME] = { DONE, DONE, DONE },
	[VERDICT_UNSENT] = { NOT_SENT, NOT_SENT, NOT_SENT },
	[VERDICT_FLOOD] = { WAIT, WAIT, WAIT },
	[VERDICT_SERVER] = { TEN_TIMES, TEN_TIMES, NOT_TWICE },
	[VERDICT_UNSURE] = { ONCE_MORE, REPEAT, NOT_TWICE },
	[VERDICT_MOVED] = { MOVE, MOVE, MOVE },
	[VERDICT_ENTITIES] = { PLAIN, PLAIN, PLAIN },
	[VERDICT_FORBIDDEN] = { REFUSED, REFUSED, REFUSED },
	[VERDICT_REFUSED] = { REFUSED, REFUSED, REFUSED },
	[VERDICT_TOKEN] = { TOKEN, TOKEN, TOKEN },
};

static enum sort sort_of(const struct fate_call *c)
{
	unsigned traits = methods_traits(c->method);
	if (c->paid || traits & METHOD_NEVER)
		return NEVER;
	return traits & METHOD_HARMLESS ? HARMLESS : ORDINARY;
}

static struct fate again(int failures, uint32_t random, const char *reason)
{
	struct backoff b = { .first = FIRST, .cap = CAP, .failures = failures };
	return (struct fate){ .kind = FATE_AGAIN,
			      .delay = backoff_fail(&b, random),
			      .reason = reason };
}

static struct fate failed(const char *reason)
{
	return (struct fate){ .kind = FATE_FAILED, .reason = reason };
}

/* It may have arrived. */
static struct fate repeat(struct fate fate)
{
	fate.maybe_twice = true;
	return fate;
}

static struct fate repeat_unsure(const struct fate_call *c)
{
	return repeat((struct fate){ .kind = FATE_AGAIN,
				     .delay = backoff_delay(UNSURE_FIRST, CAP, c->unsures + 1),
				     .reason = "nobody knows whether it arrived" });
}

static struct fate follow(enum rule rule, const struct verdict *v, const struct fate_call *c,
			  uint32_t random)
{
	int64_t wait = v->retry_after < YEAR ? v->retry_after : YEAR;
	switch (rule) {
	case DONE:
		return (struct fate){ .kind = FATE_DONE };
	case NOT_SENT:
		return again(c->tries, random, "it was not sent");
	case WAIT:
		return (struct fate){ .kind = FATE_FLOOD, .delay = wait > 0 ? wait * 1000 : 0 };
	case TEN_TIMES:
		return c->servers < SERVERS_MAX
			       ? repeat(again(c->servers, random, "the server failed"))
			       : failed(NULL);
	case ONCE_MORE:
		if (c->fail_unsure)
			return failed("nobody knows whether it arrived, and it is not to arrive "
				      "twice");
		return c->unsures < UNSURES_MAX
			       ? repeat_unsure(c)
			       : failed("nobody knows whether it arrived, also when sent again");
	case REPEAT:
		return repeat_unsure(c);
	case NOT_TWICE:
		return failed(v->kind == VERDICT_UNSURE ? "nobody knows whether it arrived, and "
							  "this is never sent twice"
							: NULL);
	case MOVE:
		return (struct fate){ .kind = FATE_MOVE };
	case PLAIN:
		if (!c->may_be_plain)
			return failed(NULL);
		return (struct fate){ .kind = FATE_PLAIN };
	case REFUSED:
		return failed(NULL);
	case TOKEN:
		return (struct fate){ .kind = FATE_TOKEN };
	}
	return failed(NULL);
}

struct fate fate_of(const struct verdict *v, const struct fate_call *c, uint32_t random)
{
	struct fate fate = follow(rules[v->kind][sort_of(c)], v, c, random);
	fate.unsure = v->kind == VERDICT_UNSURE;
	return fate;
}

bool fate_needs_sync(const struct fate_call *c)
{
	return c->fail_unsure || sort_of(c) == NEVER;
}
