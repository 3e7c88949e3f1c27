/* tests/unit/methods: the table of the Bot API's methods: each is found, and each has the traits
 * that its name promises. */
#include <ctype.h>
#include <strings.h>

#include "api/methods.h"
#include "tests/tap.h"

/* Whether a name begins with one of the words; with a word that ends with a dot it is equal. */
static bool matches(const char *words, const char *name)
{
	for (const char *w = words; *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");
		bool whole = w[n - 1] == '.';
		size_t same = n - whole;
		if (strncmp(w, name, same) == 0 && (!whole || !name[same]))
			return true;
		w += n;
	}
	return false;
}

/* Those of the table that do not have `trait` exactly where `words` name them. */
static void marked(const char *words, unsigned trait, const char *what)
{
	size_t count, wrong = 0, right = 0;
	const struct method *all = methods_all(&count);
	for (size_t i = 0; i < count; i++) {
		bool is = all[i].traits & trait, wanted = matches(words, all[i].name);
		right += is && wanted;
		if (is != wanted && ++wrong)
			diag("%s is%s so", all[i].name, is ? "" : " not");
	}
	ok(wrong == 0 && right > 0, "%s (%zu methods)", what, right);
}

static void find(void)
{
	size_t count, found = 0, ordered = 0;
	const struct method *all = methods_all(&count);
	for (size_t i = 0; i < count; i++) {
		char upper[64];
		snprintf(upper, sizeof upper, "%s", all[i].name);
		for (char *p = upper; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		found += methods_find(upper) == &all[i];
		ordered += i == 0 || strcasecmp(all[i - 1].name, all[i].name) < 0;
	}
	ok(count == 181 && found == count && ordered == count,
	   "each of %zu methods is found, whatever its case", count);
	ok(!methods_find("sendMesage") && !methods_find("") && !methods_find("zzz"),
	   "and no other");
	is_num(methods_traits("SENDMESSAGE"), methods_find("sendMessage")->traits,
	       "so are its traits");
	is_num(methods_traits("sendMesage"), METHOD_COUNTS | METHOD_NEVER,
	       "one that is not in the table may send, and is never repeated");
}

static void classified(void)
{
	size_t count, bare = 0, twice = 0;
	const struct method *all = methods_all(&count);
	for (size_t i = 0; i < count; i++) {
		unsigned t = all[i].traits;
		if (!t || (t & METHOD_OTHER && t != METHOD_OTHER)) {
			bare++;
			diag("%s: %#x", all[i].name, t);
		}
		twice += t & METHOD_HARMLESS && t & METHOD_NEVER;
	}
	is_num((int64_t)bare, 0, "each method has a trait, or is marked as one that has none");
	is_num((int64_t)twice, 0, "none may be repeated freely and never");
}

/* What may be done when nobody knows whether it arrived, and what is refused. */
static void repeats(void)
{
	static const char barred[] = "get setWebhook. deleteWebhook. close. logOut.";
	marked(barred, METHOD_BARRED,
	       "refused in replies are those that read, and that stop or redirect updates");
	marked("sendInvoice. sendGift. gift upgradeGift. convertGift refund transfer sendPaidMedia. "
	       "postStory.",
	       METHOD_NEVER, "never repeated is what costs money");
	marked("edit deleteA deleteB deleteC deleteF deleteM deleteS setB setC setG setM setP setS "
	       "setU unpin ban kick unban restrict sendChatAction. answerCallbackQuery. "
	       "answerCustomQuery. answerInlineQuery. answerPreCheckoutQuery. answerShippingQuery.",
	       METHOD_HARMLESS,
	       "harmless twice is what sets, deletes, forbids and answers, but does not send");
}

static void queries(void)
{
	marked("answer", METHOD_ANSWER, "each answer to a query has a line of its own");
	marked("answerCallbackQuery.", METHOD_QUERY_CALLBACK, "a button's answer has its id");
	marked("answerInlineQuery.", METHOD_QUERY_INLINE, "an inline query's answer");
	marked("answerShippingQuery.", METHOD_QUERY_SHIPPING, "a shipping query's");
	marked("answerPreCheckoutQuery.", METHOD_QUERY_CHECKOUT, "a checkout's");
	marked("answerGuestQuery.", METHOD_QUERY_GUEST, "a guest's");
}

#define SENDS                                                                                         \
	"sendAn sendAu sendContact. sendD sendGame. sendInvoice. sendL sendMediaGroup. sendMessage. " \
	"sendP sendS sendV sendChecklist. "
#define EDITS "editMessage stopMessageLiveLocation. stopPoll. "
#define TOPICS                                                                  \
	"closeForumTopic. deleteForumTopic. editForumTopic. reopenForumTopic. " \
	"unpinAllForumTopicMessages. "

static void places(void)
{
	marked(SENDS EDITS "sendGift. copy forward", METHOD_COUNTS,
	       "limits count what sends, edits and forwards messages, and no sign of typing");
	marked(SENDS "copy forward", METHOD_DIRECT,
	       "a direct-messages topic is taken by what sends");
	marked(SENDS TOPICS "copy forward sendChatAction. sendMessageDraft.", METHOD_TOPIC,
	       "a topic by that, by signs and by what is done to topics");
	marked(SENDS EDITS "copyMessage. forwardMessage. sendChatAction. pinChatMessage. "
			   "unpinChatMessage. readBusiness deleteBusiness getBusiness setBusiness "
			   "removeBusiness transfer convert upgrade postStory. repostStory. "
			   "editStory. deleteStory.",
	       METHOD_BUSINESS, "a business connection by what can act for another");
	marked(SENDS EDITS TOPICS
	       "sendGift. copy forward sendChatAction. sendMessageDraft. approve decline ban unban kick "
	       "restrict promote createChat editChat exportChat revokeChat createForum pin unpin leave "
	       "closeGeneral editGeneral hide reopen unhide deleteChat deleteMessage deleteAll "
	       "readBusiness removeChat verifyChat. setChatA setChatD setChatMemberTag. setChatP "
	       "setChatS setChatT setGameScore. setMessageReaction. getChat. getChatA getChatG "
	       "getChatMember getGame getUserChatBoosts.",
	       METHOD_CHAT,
	       "a chat by whatever is done in one, unless its absence means all of them");
}

int main(void)
{
	RUN(find);
	RUN(classified);
	RUN(repeats);
	RUN(queries);
	RUN(places);
	return done_testing();
}
