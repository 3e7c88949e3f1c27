/* tests/unit/fate: what follows from the end of a call: the table of tgrun-handler(7) in words,
 * over all verdicts, sorts of methods, policies and counts. */
#include "outbox/fate.h"
#include "tests/tap.h"

/* How the manual describes a method. */
enum sort { ORDINARY, HARMLESS, NEVER, SORTS };

static const struct {
	const char *name;
	enum sort sort;
} methods[] = {
	{ "sendMessage", ORDINARY },
	{ "sendmediagroup", ORDINARY },
	{ "forwardMessage", ORDINARY },
	{ "pinChatMessage", ORDINARY },
	{ "answerGuestQuery", ORDINARY },
	{ "answerWebAppQuery", ORDINARY },
	{ "editMessageText", HARMLESS },
	{ "DELETEMESSAGE", HARMLESS },
	{ "setMessageReaction", HARMLESS },
	{ "unpinAllChatMessages", HARMLESS },
	{ "banChatMember", HARMLESS },
	{ "unbanChatMember", HARMLESS },
	{ "restrictChatMember", HARMLESS },
	{ "sendChatAction", HARMLESS },
	{ "answerCallbackQuery", HARMLESS },
	{ "answerInlineQuery", HARMLESS },
	{ "sendInvoice", NEVER },
	{ "sendGift", NEVER },
	{ "giftPremiumSubscription", NEVER },
	{ "upgradeGift", NEVER },
	{ "convertGiftToStars", NEVER },
	{ "refundStarPayment", NEVER },
	{ "transferGift", NEVER },
	{ "sendPaidMedia", NEVER },
	{ "postStory", NEVER },
	{ "sendHologram", NEVER }, /* nobody knows it */
};

enum { METHODS = sizeof methods / sizeof *methods, COUNTS = 12 };

static struct verdict ended(enum verdict_kind kind)
{
	return (struct verdict){ .kind = kind, .retry_after = kind == VERDICT_FLOOD ? 17 : 0 };
}

/* Does the rule hold for all that is given? Shows the first of which it does not. */
static bool holds_for_all(enum verdict_kind kind,
			  bool (*rule)(const struct fate_call *c, enum sort sort,
				       const struct fate *f))
{
	static const uint32_t randoms[] = { 0, 1, UINT32_MAX / 2, UINT32_MAX };
	const struct verdict v = ended(kind);
	for (unsigned i = 0; i < METHODS * 16 * COUNTS * COUNTS; i++) {
		unsigned bits = i / METHODS % 16;
		struct fate_call c = { .method = methods[i % METHODS].name,
				       .fail_unsure = bits & 1,
				       .paid = bits & 2,
				       .may_be_plain = bits & 4,
				       .tries = (int)(i / METHODS / 16 % COUNTS),
				       .servers = (int)(i / METHODS / 16 / COUNTS),
				       .unsures = bits & 8 ? (int)(i % 3) : 0 };
		enum sort sort = c.paid ? NEVER : methods[i % METHODS].sort;
		for (unsigned r = 0; r < sizeof randoms / sizeof *randoms; r++) {
			struct fate f = fate_of(&v, &c, randoms[r]);
			bool waits = f.kind == FATE_AGAIN || f.kind == FATE_FLOOD;
			if (rule(&c, sort, &f) && f.unsure == (kind == VERDICT_UNSURE) &&
			    (waits || f.delay == 0) && (f.kind == FATE_AGAIN || !f.maybe_twice))
				continue;
			diag("%s, fail %d, paid %d, plain %d, tries %d, servers %d, unsures %d: kind %d, "
			     "delay %" PRId64,
			     c.method, c.fail_unsure, c.paid, c.may_be_plain, c.tries, c.servers,
			     c.unsures, (int)f.kind, f.delay);
			return false;
		}
	}
	return true;
}

/* 1 s, doubled each time, at most 60 s; jitter takes up to a half. */
static bool paced(int64_t delay, int failures)
{
	int64_t whole = failures < 6 ? INT64_C(1000) << failures : 60000;
	return delay >= whole / 2 && delay <= whole;
}

static bool is_done(const struct fate_call *c, enum sort sort, const struct fate *f)
{
	(void)c, (void)sort;
	return f->kind == FATE_DONE;
}

static bool goes_again(const struct fate_call *c, enum sort sort, const struct fate *f)
{
	(void)sort;
	return f->kind == FATE_AGAIN && !f->maybe_twice && paced(f->delay, c->tries) && f->reason;
}

static bool waits_as_told(const struct fate_call *c, enum sort sort, const struct fate *f)
{
	(void)c, (void)sort;
	return f->kind == FATE_FLOOD && f->delay == 17000;
}

static bool ten_times_unless_never(const struct fate_call *c, enum sort sort, const struct fate *f)
{
	if (sort == NEVER || c->servers >= 10)
		return f->kind == FATE_FAILED;
	return f->kind == FATE_AGAIN && f->maybe_twice && paced(f->delay, c->servers);
}

static bool by_policy_and_sort(const struct fate_call *c, enum sort sort, const struct fate *f)
{
	if (!f->reason)
		return false;
	if (sort == NEVER || (sort == ORDINARY && (c->fail_unsure || c->unsures >= 1)))
		return f->kind == FATE_FAILED;
	return f->kind == FATE_AGAIN && f->maybe_twice &&
	       f->delay == (c->unsures == 0   ? 5000
			    : c->unsures == 1 ? 10000
					      : 20000);
}

static bool moves(const struct fate_call *c, enum sort sort, const struct fate *f)
{
	(void)c, (void)sort;
	return f->kind == FATE_MOVE;
}

static bool plain_if_ours(const struct fate_call *c, enum sort sort, const struct fate *f)
{
	(void)sort;
	return f->kind == (c->may_be_plain ? FATE_PLAIN : FATE_FAILED);
}

static bool fails_in_the_servers_words(const struct fate_call *c, enum sort sort,
				       const struct fate *f)
{
	(void)c, (void)sort;
	return f->kind == FATE_FAILED && !f->reason;
}

static bool asks(const struct fate_call *c, enum sort sort, const struct fate *f)
{
	(void)c, (void)sort;
	return f->kind == FATE_TOKEN;
}

static void table(void)
{
	ok(holds_for_all(VERDICT_OK, is_done), "what the server took is done");
	ok(holds_for_all(VERDICT_SAME, is_done), "so is what had been done before, or is too late");
	ok(holds_for_all(VERDICT_UNSENT, goes_again),
	   "what surely was not sent is sent again, after 1 s, 2 s … 60 s, whatever it is");
	ok(holds_for_all(VERDICT_FLOOD, waits_as_told), "after a 429 it waits as long as told");
	ok(holds_for_all(VERDICT_SERVER, ten_times_unless_never),
	   "after a 5xx it is sent again ten times, each of which is told; what is never repeated fails");
	ok(holds_for_all(VERDICT_UNSURE, by_policy_and_sort),
	   "when nobody knows: once more after 5 s, or never by --on-unsure fail; what is harmless "
	   "twice as often as it takes, what is never repeated not at all");
	ok(holds_for_all(VERDICT_MOVED, moves), "when its chat has another id it is sent there");
	ok(holds_for_all(VERDICT_ENTITIES, plain_if_ours),
	   "what cannot be parsed is sent as plain text if tgrun chose the mode, else it fails");
	ok(holds_for_all(VERDICT_FORBIDDEN, fails_in_the_servers_words),
	   "a 403 is a failed call, in the server's words");
	ok(holds_for_all(VERDICT_REFUSED, fails_in_the_servers_words), "so is any other refusal");
	ok(holds_for_all(VERDICT_TOKEN, asks), "a 401 asks for the token");
}

/* How often a call is sent that always ends as `kind`, up to a thousand times. */
static int sent(const char *method, bool fail_unsure, enum verdict_kind kind)
{
	const struct verdict v = ended(kind);
	struct fate_call c = { .method = method, .fail_unsure = fail_unsure };
	for (int n = 1; n < 1000; n++) {
		if (fate_of(&v, &c, 7).kind == FATE_FAILED)
			return n;
		c.tries += kind == VERDICT_UNSENT;
		c.servers += kind == VERDICT_SERVER;
		c.unsures += kind == VERDICT_UNSURE;
	}
	return 1000;
}

static void counts(void)
{
	is_num(sent("sendMessage", false, VERDICT_UNSURE), 2,
	       "a message of which nobody knows whether it arrived is sent twice, never thrice");
	is_num(sent("sendMessage", true, VERDICT_UNSURE), 1, "with --on-unsure fail, once");
	is_num(sent("sendInvoice", false, VERDICT_UNSURE), 1, "an invoice, once");
	is_num(sent("sendInvoice", false, VERDICT_SERVER), 1, "also when the server failed");
	is_num(sent("editMessageText", true, VERDICT_UNSURE), 1000, "an edit, until it is too old");
	is_num(sent("sendMessage", true, VERDICT_SERVER), 11,
	       "a server that fails gets it eleven times");
	is_num(sent("sendInvoice", true, VERDICT_UNSENT), 1000,
	       "what never left is tried until it is too old, an invoice, too");
	struct verdict v = { .kind = VERDICT_FLOOD, .retry_after = INT64_MAX };
	is_num(fate_of(&v, &(struct fate_call){ .method = "sendMessage" }, 0).delay,
	       INT64_C(365) * 24 * 3600 * 1000,
	       "a 429 that tells nonsense holds for a year at most");
}

static bool synced(const char *method, bool fail_unsure, bool paid)
{
	return fate_needs_sync(
		&(struct fate_call){ .method = method, .fail_unsure = fail_unsure, .paid = paid });
}

static void sync_before(void)
{
	ok(!synced("sendMessage", false, false) && !synced("editMessageText", false, false),
	   "a power cut may send a message twice");
	ok(synced("sendMessage", true, false), "but not with --on-unsure fail");
	ok(synced("sendInvoice", false, false) && synced("sendHologram", false, false),
	   "nor what is never to arrive twice");
	ok(synced("sendMessage", false, true), "nor what is paid for");
}

int main(void)
{
	RUN(table);
	RUN(counts);
	RUN(sync_before);
	return done_testing();
}
