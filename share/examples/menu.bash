#!/bin/bash
# Commands, and buttons under a message. What it prints are calls of the Bot API, as JSON, for jq knows how to quote a text;
# tgrun fills in the chat and the topic, and answers the buttons: tgrun … --reply api --handler ./menu.bash
set -u

say() { # TEXT [BUTTON]…
	jq -nc --arg text "$1" '{method: "sendMessage", text: $text} + if $ARGS.positional == [] then {} else
		{reply_markup: {inline_keyboard: [[$ARGS.positional[] | {text: ., callback_data: .}]]}} end' --args "${@:2}"
}

[ -n "${TG_CHAT_ID-}" ] || exit 0 # a button under an inline message, or an inline query
case ${TG_UPDATE_KIND-}:${TG_COMMAND-}:${TG_TEXT-} in
message:/start:*) say 'What would you like?' Tea Coffee ;;
message:/help:*) say '/start shows the menu.' ;;
message:?*:*) say "I do not know $TG_COMMAND; try /help." ;;
callback_query:*:Tea | callback_query:*:Coffee) say "$TG_TEXT is on its way." ;;
esac
