/* api/methods: the table of the Bot API's methods: a name as a caller wrote it in, the method's row out. What the program has to know of a method stands in
 * its row, and nowhere else.
 *
 * Invariant: the rows are in the order of their names without regard to case, as the server looks them up. Those of Bot API 10.0, with the names
 * that older libraries still call. */
#include "api/methods.h"

#include <stdlib.h>
#include <strings.h>

static const struct method methods[] = {
	{ "addStickerToSet" }, { "answerCallbackQuery" }, { "answerCustomQuery" },
	{ "answerGuestQuery" }, { "answerInlineQuery" }, { "answerPreCheckoutQuery" },
	{ "answerShippingQuery" }, { "answerWebAppQuery" }, { "approveChatJoinRequest" },
	{ "approveSuggestedPost" }, { "banChatMember" }, { "banChatSenderChat" }, { "close" },
	{ "closeForumTopic" }, { "closeGeneralForumTopic" }, { "convertGiftToStars" },
	{ "copyMessage" }, { "copyMessages" }, { "createChatInviteLink" },
	{ "createChatSubscriptionInviteLink" }, { "createForumTopic" }, { "createInvoiceLink" },
	{ "createNewStickerSet" }, { "declineChatJoinRequest" }, { "declineSuggestedPost" },
	{ "deleteAllMessageReactions" }, { "deleteBusinessMessages" }, { "deleteChatPhoto" },
	{ "deleteChatStickerSet" }, { "deleteForumTopic" }, { "deleteMessage" },
	{ "deleteMessageReaction" }, { "deleteMessages" }, { "deleteMyCommands" },
	{ "deleteStickerFromSet" }, { "deleteStickerSet" }, { "deleteStory" },
	{ "deleteWebhook" }, { "editChatInviteLink" }, { "editChatSubscriptionInviteLink" },
	{ "editForumTopic" }, { "editGeneralForumTopic" }, { "editMessageCaption" },
	{ "editMessageChecklist" }, { "editMessageLiveLocation" }, { "editMessageMedia" },
	{ "editMessageReplyMarkup" }, { "editMessageText" }, { "editStory" },
	{ "editUserStarSubscription" }, { "exportChatInviteLink" }, { "forwardMessage" },
	{ "forwardMessages" }, { "getAvailableGifts" }, { "getBusinessAccountGifts" },
	{ "getBusinessAccountStarBalance" }, { "getBusinessConnection" }, { "getChat" },
	{ "getChatAdministrators" }, { "getChatGifts" }, { "getChatMember" },
	{ "getChatMemberCount" }, { "getChatMembersCount" }, { "getChatMenuButton" },
	{ "getCustomEmojiStickers" }, { "getFile" }, { "getForumTopicIconStickers" },
	{ "getGameHighScores" }, { "getManagedBotAccessSettings" }, { "getManagedBotToken" },
	{ "getMe" }, { "getMyCommands" }, { "getMyDefaultAdministratorRights" },
	{ "getMyDescription" }, { "getMyName" }, { "getMyShortDescription" },
	{ "getMyStarBalance" }, { "getStarTransactions" }, { "getStickerSet" }, { "getUpdates" },
	{ "getUserChatBoosts" }, { "getUserGifts" }, { "getUserPersonalChatMessages" },
	{ "getUserProfileAudios" }, { "getUserProfilePhotos" }, { "getWebhookInfo" },
	{ "giftPremiumSubscription" }, { "hideGeneralForumTopic" }, { "kickChatMember" },
	{ "leaveChat" }, { "logOut" }, { "pinChatMessage" }, { "postStory" },
	{ "promoteChatMember" }, { "readBusinessMessage" }, { "refundStarPayment" },
	{ "removeBusinessAccountProfilePhoto" }, { "removeChatVerification" },
	{ "removeMyProfilePhoto" }, { "removeUserVerification" }, { "reopenForumTopic" },
	{ "reopenGeneralForumTopic" }, { "replaceManagedBotToken" }, { "replaceStickerInSet" },
	{ "repostStory" }, { "restrictChatMember" }, { "revokeChatInviteLink" },
	{ "savePreparedInlineMessage" }, { "savePreparedKeyboardButton" }, { "sendAnimation" },
	{ "sendAudio" }, { "sendChatAction" }, { "sendChecklist" }, { "sendContact" },
	{ "sendCustomRequest" }, { "sendDice" }, { "sendDocument" }, { "sendGame" },
	{ "sendGift" }, { "sendInvoice" }, { "sendLivePhoto" }, { "sendLocation" },
	{ "sendMediaGroup" }, { "sendMessage" }, { "sendMessageDraft" }, { "sendPaidMedia" },
	{ "sendPhoto" }, { "sendPoll" }, { "sendSticker" }, { "sendVenue" }, { "sendVideo" },
	{ "sendVideoNote" }, { "sendVoice" }, { "setBusinessAccountBio" },
	{ "setBusinessAccountGiftSettings" }, { "setBusinessAccountName" },
	{ "setBusinessAccountProfilePhoto" }, { "setBusinessAccountUsername" },
	{ "setChatAdministratorCustomTitle" }, { "setChatDescription" }, { "setChatMemberTag" },
	{ "setChatMenuButton" }, { "setChatPermissions" }, { "setChatPhoto" },
	{ "setChatStickerSet" }, { "setChatTitle" }, { "setCustomEmojiStickerSetThumbnail" },
	{ "setGameScore" }, { "setManagedBotAccessSettings" }, { "setMessageReaction" },
	{ "setMyCommands" }, { "setMyDefaultAdministratorRights" }, { "setMyDescription" },
	{ "setMyName" }, { "setMyProfilePhoto" }, { "setMyShortDescription" },
	{ "setPassportDataErrors" }, { "setStickerEmojiList" }, { "setStickerKeywords" },
	{ "setStickerMaskPosition" }, { "setStickerPositionInSet" }, { "setStickerSetThumb" },
	{ "setStickerSetThumbnail" }, { "setStickerSetTitle" }, { "setUserEmojiStatus" },
	{ "setWebhook" }, { "stopMessageLiveLocation" }, { "stopPoll" },
	{ "transferBusinessAccountStars" }, { "transferGift" }, { "unbanChatMember" },
	{ "unbanChatSenderChat" }, { "unhideGeneralForumTopic" }, { "unpinAllChatMessages" },
	{ "unpinAllForumTopicMessages" }, { "unpinAllGeneralForumTopicMessages" },
	{ "unpinChatMessage" }, { "upgradeGift" }, { "uploadStickerFile" }, { "verifyChat" },
	{ "verifyUser" },
};

static int compare(const void *name, const void *row)
{
	return strcasecmp(name, ((const struct method *)row)->name);
}

const struct method *methods_find(const char *name)
{
	return bsearch(name, methods, sizeof methods / sizeof *methods, sizeof *methods, compare);
}

const struct method *methods_all(size_t *count)
{
	*count = sizeof methods / sizeof *methods;
	return methods;
}
