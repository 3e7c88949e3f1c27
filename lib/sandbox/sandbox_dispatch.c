/* sandbox/sandbox_dispatch: whole requests come in, each goes to the method that it names.
 *
 * A method that is not played is answered with the least that the server's answer holds, so that a
 * bot which uses it goes on. */
#include <string.h>

#include "api/methods.h"
#include "sandbox/sandbox_internal.h"

/* What methods return that are not played, where it is not `true`: as the documentation has it, and
 * nothing optional. */
static const struct {
	const char *method, *result;
} unplayed[] = {
#define GIFTS "{\"total_count\":0,\"gifts\":[]}"
#define LINK                                                                                                            \
	"{\"invite_link\":\"https://t.me/+sandbox\",\"creator\":{\"id\":1,\"is_bot\":true,\"first_name\":\"Sandbox\"}," \
	"\"creates_join_request\":false,\"is_primary\":false,\"is_revoked\":false}"
#define STORY "{\"chat\":{\"id\":1,\"type\":\"private\"},\"id\":1}"
#define STARS "{\"amount\":0}"
#define RIGHTS                                                                                                               \
	"{\"is_anonymous\":false,\"can_manage_chat\":false,\"can_delete_messages\":false,\"can_manage_video_chats\":false,"  \
	"\"can_restrict_members\":false,\"can_promote_members\":false,\"can_change_info\":false,\"can_invite_users\":false," \
	"\"can_post_stories\":false,\"can_edit_stories\":false,\"can_delete_stories\":false}"
	{ "createChatInviteLink", LINK },
	{ "createChatSubscriptionInviteLink", LINK },
	{ "createInvoiceLink", "\"https://t.me/$sandbox\"" },
	{ "editChatInviteLink", LINK },
	{ "editChatSubscriptionInviteLink", LINK },
	{ "editStory", STORY },
	{ "exportChatInviteLink", "\"https://t.me/+sandbox\"" },
	{ "getAvailableGifts", "{\"gifts\":[]}" },
	{ "getBusinessAccountGifts", GIFTS },
	{ "getBusinessAccountStarBalance", STARS },
	{ "getChatAdministrators", "[]" },
	{ "getChatGifts", GIFTS },
	{ "getChatMemberCount", "2" },
	{ "getChatMembersCount", "2" },
	{ "getChatMenuButton", "{\"type\":\"default\"}" },
	{ "getCustomEmojiStickers", "[]" },
	{ "getForumTopicIconStickers", "[]" },
	{ "getGameHighScores", "[]" },
	{ "getManagedBotToken", "\"1:sandbox\"" },
	{ "getMyDefaultAdministratorRights", RIGHTS },
	{ "getMyDescription", "{\"description\":\"\"}" },
	{ "getMyName", "{\"name\":\"Sandbox\"}" },
	{ "getMyShortDescription", "{\"short_description\":\"\"}" },
	{ "getMyStarBalance", STARS },
	{ "getStarTransactions", "{\"transactions\":[]}" },
	{ "getStickerSet",
	  "{\"name\":\"sandbox\",\"title\":\"Sandbox\",\"sticker_type\":\"regular\",\"stickers\":[]}" },
	{ "getUserChatBoosts", "{\"boosts\":[]}" },
	{ "getUserGifts", GIFTS },
	{ "getUserPersonalChatMessages", "[]" },
	{ "getUserProfileAudios", "{\"total_count\":0,\"audios\":[]}" },
	{ "getUserProfilePhotos", "{\"total_count\":0,\"photos\":[]}" },
	{ "postStory", STORY },
	{ "replaceManagedBotToken", "\"1:sandbox\"" },
	{ "repostStory", STORY },
	{ "revokeChatInviteLink", LINK },
	{ "savePreparedInlineMessage", "{\"id\":\"sandbox\",\"expiration_date\":0}" },
	{ "savePreparedKeyboardButton", "{\"id\":\"sandbox\",\"expiration_date\":0}" },
	{ "uploadStickerFile", "{\"file_id\":\"sandbox-file-0\",\"file_unique_id\":\"sandbox0\"}" },
};

static void answer_unplayed(struct sandbox_request *r)
{
	const char *result = "true";
	strcpy(r->method, methods_find(r->method)->name);
	if (cJSON_GetObjectItemCaseSensitive(r->params, "chat_id") &&
	    !sandbox_param_chat(r, "chat_id"))
		return;
	for (size_t i = 0; i < sizeof unplayed / sizeof *unplayed; i++)
		if (strcmp(unplayed[i].method, r->method) == 0)
			result = unplayed[i].result;
	sandbox_result(r, result);
}

void sandbox_dispatch(struct sandbox_request *r)
{
	if (strncmp(r->path, "/file/bot", 9) == 0)
		sandbox_serve_file(r);
	else if (!r->method[0])
		sandbox_refuse(r, 404, "Not Found");
	else if (r->sandbox->logged_out)
		sandbox_refuse(r, 400, "Logged out");
	else if (!methods_find(r->method))
		sandbox_refuse(r, 404, "Not Found: method not found");
	else if (sandbox_limits_pass(r) && !sandbox_call_method(r) && !sandbox_call_send(r) &&
		 !sandbox_call_edit(r) && !sandbox_call_topic(r) && !sandbox_call_query(r))
		answer_unplayed(r);
}
