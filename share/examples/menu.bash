#!/bin/bash
# Commands, and buttons under a message. Needs bash, jq and curl.
set -u

api() { # METHOD JSON: calls the Bot API; the token is not seen by ps, because curl reads its options from stdin
	local answer
	answer=$(printf 'url = "%s/%s"\nheader = "Content-Type: application/json"\ndata = %s\n' \
		"$TG_API_URL" "$1" "$(jq -n --arg body "$2" '$body')" |
		curl -sS -m 20 -w '%{http_code}' -K -)
	case $answer in
	*200) ;;
	*000 | *429 | *5??) exit 75 ;; # not reached, or busy: tgrun tries again
	*) echo "$1 was refused: $answer" >&2 && return 1 ;;
	esac
}

say() { # TEXT [KEYBOARD]: where the update came from; what is refused is refused for good
	api sendMessage "$(jq -nc --argjson chat "$TG_CHAT_ID" --arg text "$1" --argjson keyboard "${2:-null}" \
		--arg thread "${TG_THREAD_ID-}" --arg type "${TG_THREAD_TYPE-}" '{chat_id: $chat, text: $text} +
		if $type == "" then {} elif $type == "direct" then {direct_messages_topic_id: ($thread | tonumber)}
		else {message_thread_id: ($thread | tonumber)} end +
		if $keyboard then {reply_markup: {inline_keyboard: $keyboard}} else {} end')" || exit 65
}

[ -n "${TG_CHAT_ID-}" ] || exit 0 # a button under an inline message, or an inline query
case ${TG_UPDATE_KIND-}:${TG_COMMAND-}:${TG_TEXT-} in
message:/start:*)
	say 'What would you like?' '[[{"text": "Tea", "callback_data": "Tea"}, {"text": "Coffee", "callback_data": "Coffee"}]]'
	;;
message:/help:*)
	say '/start shows the menu.'
	;;
callback_query:*:Tea | callback_query:*:Coffee)
	# Answered first, so that the button stops blinking. When that comes too late it is refused, and nothing is lost.
	api answerCallbackQuery "$(jq -nc --arg id "$TG_QUERY_ID" '{callback_query_id: $id}')"
	say "$TG_TEXT is on its way."
	;;
message:?*:*)
	say "I do not know $TG_COMMAND; try /help."
	;;
esac
