#!/bin/bash
# Commands, and buttons under a message. Needs bash, jq and curl.
set -u

api() { # METHOD JSON: calls the Bot API; the token is not seen by ps, because curl reads its options from stdin
	local code
	code=$(printf 'url = "%s/%s"\nheader = "Content-Type: application/json"\ndata = %s\n' \
		"$TG_API_URL" "$1" "$(jq -n --arg body "$2" '$body')" |
		curl -sS -m 20 -o /dev/null -w '%{http_code}' -K -)
	case $code in
	200) ;;
	000 | 429 | 5*) exit 75 ;; # not reached, or busy: tgrun tries again
	*) echo "$1 was refused: $code" >&2 && return 1 ;;
	esac
}

say() { # TEXT [KEYBOARD]
	api sendMessage "$(jq -nc --argjson chat "$TG_CHAT_ID" --arg text "$1" --argjson keyboard "${2:-null}" \
		'{chat_id: $chat, text: $text} + if $keyboard then {reply_markup: {inline_keyboard: $keyboard}} else {} end')"
}

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
