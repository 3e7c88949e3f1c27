#!/bin/sh
# Says what it was told, where it was told it. Needs jq and curl.
[ "$TG_UPDATE_KIND" = message ] && [ -n "${TG_TEXT-}" ] || exit 0

# curl reads its options from stdin: as arguments, `ps` would show the token in the address to everybody.
answer=$(
	{
		printf 'url = "%s/sendMessage"\n' "$TG_API_URL"
		echo 'header = "Content-Type: application/json"'
		# tojson once for the body, and once more for curl's quotes.
		jq -r '.message | {chat_id: .chat.id, text: ("You said: " + (.text // .caption))} +
			if env.TG_THREAD_TYPE == "direct" then {direct_messages_topic_id: (env.TG_THREAD_ID | tonumber)}
			elif env.TG_THREAD_ID then {message_thread_id: (env.TG_THREAD_ID | tonumber)} else {} end |
			"data = " + (tojson | tojson)'
	} | curl -sS -m 20 -w '%{http_code}' -K -
)
case $answer in
*200) ;;
*000 | *429 | *5??) exit 75 ;; # not reached, or busy: tgrun tries again
*) echo "sendMessage was refused: $answer" >&2 && exit 65 ;; # for good, such as a user who blocked the bot
esac
