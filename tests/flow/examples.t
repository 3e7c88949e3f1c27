# Goal: each example in share/examples does what it says, keeps to the topic, passes over edits and the token out of ps; asks for another attempt when the
# API cannot be reached or is busy, and for none when it refuses for good.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

H=share/examples
answers() { # CHAT: what was sent there, a line each
	calls "select(.method == \"sendMessage\" and (.params.chat_id | tostring) == \"$1\") | .params.text"
}
press() { # CHAT DATA
	push "$(jq -nc --argjson chat "$1" --arg data "$2" '{callback_query: {id: "77", from: {id: $chat, is_bot: false, first_name: "u"},
		chat_instance: "1", data: $data, message: {message_id: 5, date: 1, chat: {id: $chat, type: "private"}, text: "menu"}}}')"
}

# What follows runs once with tgrun, and takes all that waits.
start_sandbox

diag "echo.sh"
odd='say "hi"; \back\\slash $(id) `id` ü 🎉 %s @file'
message 11 "$odd"
message 11 "two
lines	and a tab"
push '{"poll":{"id":"1","question":"?","options":[]}}'
run_tgrun --once --handler "$H/echo.sh"
is "$STATUS" 0 "echo.sh: tgrun ends well"
is "$(answers 11)" "You said: $odd
You said: two
lines	and a tab" "echo.sh says what it was told, whatever stands in it, and in order"

diag "menu.bash"
message 12 /start
message 12 /help
message 12 /dance
message 12 "not a command"
press 12 Tea
press 12 "something else"
run_tgrun --once --handler "$H/menu.bash"
is "$STATUS" 0 "menu.bash: tgrun ends well"
is "$(answers 12)" 'What would you like?
/start shows the menu.
I do not know /dance; try /help.
Tea is on its way.' "menu.bash answers commands and buttons, and nothing else"
is "$(calls 'select(.method == "sendMessage" and .params.reply_markup) | .params.reply_markup |
	if type == "string" then fromjson else . end | [.inline_keyboard[][].text] | join(" ")')" "Tea Coffee" "its menu has two buttons"
is "$(calls 'select(.method == "answerCallbackQuery") | .params.callback_query_id')" 77 "it answers the button that it knows"

diag "remind.py"
mkdir "$TMP/lists"
message 13 "/add water the plants"
message 13 "/add \"buy\" tea"
message 13 "not for the list"
message 14 /list
run_tgrun --once --env REMIND_DIR="$TMP/lists" --handler "$H/remind.py"
is "$STATUS" 0 "remind.py: tgrun ends well"
is "$(answers 13 | tail -n 2 | sed 's/^[0-9]*: //')" 'water the plants
"buy" tea' "remind.py keeps a list"
is "$(answers 14)" "Nothing to do." "each chat has its own"
first=$(jq -r 'keys[0]' "$TMP/lists/remind.13.json")
message 13 "/done $first"
run_tgrun --once --env REMIND_DIR="$TMP/lists" --handler "$H/remind.py"
is "$(answers 13 | tail -n 1 | sed 's/^[0-9]*: //')" '"buy" tea' "what is done is off the list"
again() {
	printf '{"update_id":900,"message":{"message_id":1,"date":0,"chat":{"id":13,"type":"private"},"text":"/add once"}}' |
		TG_UPDATE_ID=900 TG_UPDATE_KIND=message TG_CHAT_ID=13 TG_COMMAND=/add TG_ARGS=once TG_API_URL=$API REMIND_DIR=$TMP/lists python3 "$H/remind.py"
}
again && again
is "$(jq '[.[] | select(. == "once")] | length' "$TMP/lists/remind.13.json")" 1 "an update that comes twice is on the list once"

diag "count.awk"
message 15 "one two  three
four"
message 15 single
push '{"message":{"message_id":1,"date":0,"chat":{"id":15,"type":"private"},"from":{"id":15,"is_bot":false,"first_name":"u"},"sticker":{}}}'
run_tgrun --once --handler "jq -r '.message.text // empty' | $H/count.awk"
is "$STATUS" 0 "count.awk: tgrun ends well"
is "$(answers 15)" "4 words
1 word" "a pipeline counts words, and says nothing of a message without"
is "$("$TGRUN" dead list --json --state-dir "$TMP/state" | jq -r .reason)" "" "no example left a dead letter"

diag "topics, and edits"
anew --no-penalties
for sort in '"message_thread_id":7,"is_topic_message":true' '"direct_messages_topic":{"topic_id":8}' '"message_thread_id":9'; do
	push '{"message":{"message_id":1,"date":1,"chat":{"id":-1009,"type":"supergroup"},"from":{"id":5,"is_bot":false,"first_name":"u"},"text":"/list",'"$sort"'}}'
done
push '{"edited_message":{"message_id":1,"date":1,"edit_date":2,"chat":{"id":-1009,"type":"supergroup"},"from":{"id":5,"is_bot":false,"first_name":"u"},"text":"/list"}}'
push '{"channel_post":{"message_id":1,"date":1,"chat":{"id":-1008,"type":"channel"},"text":"/list"}}'
push '{"callback_query":{"id":"78","from":{"id":5,"is_bot":false,"first_name":"u"},"chat_instance":"1","data":"Tea","inline_message_id":"i"}}'
stored=$TMP/stored
curl -sS "$API/getUpdates" | jq -c '.result[]' >"$stored"
for example in echo.sh menu.bash remind.py count.awk; do
	handler=$H/$example
	[ "$example" != count.awk ] || handler="jq -r '.message.text // empty' | $handler"
	anew --no-penalties
	push - <"$stored"
	run_tgrun --once --concurrency 1 --env REMIND_DIR="$TMP/lists" --handler "$handler"
	is "$STATUS $(dead list --json | jq -r .reason) $(calls 'select(.method == "sendMessage") | .params |
		"\(.message_thread_id // "-")/\(.direct_messages_topic_id // "-")"' | tr '\n' ' ')" "0  7/- -/8 -/- " \
		"$example answers each message in its topic, and no edit"
done

diag "a refusal, and an API that is away"
run_example() { # HANDLER CODE: with an API that answers CODE; the handler's status
	[ "$2" = 000 ] || script '{"method":"sendMessage","status":'"$2"',"body":"{\"ok\":false,\"description\":\"so '"$2"'\"}"}'
	url=$API
	[ "$2" != 000 ] || url=http://127.0.0.1:1/bot$TOKEN
	printf '{"update_id":1,"message":{"message_id":1,"date":0,"chat":{"id":16,"type":"private"},"text":"/list"}}' |
		TG_UPDATE_ID=1 TG_UPDATE_KIND=message TG_CHAT_ID=16 TG_TEXT=/list TG_COMMAND=/list TG_ARGS='' TG_API_URL=$url REMIND_DIR=$TMP/lists \
			"$H/$1" 2>"$TMP/stderr" >&2
	echo "$?"
}
for example in echo.sh menu.bash remind.py count.awk; do
	is "$(for code in 000 429 502; do run_example "$example" "$code"; done | tr '\n' ' ')" "75 75 75 " \
		"$example asks for another attempt when the API is away, is busy, or fails"
	for code in 400 403; do # a text that is too long; a user who blocked the bot
		is "$(run_example "$example" $code)" 65 "$example does not try again what was refused with $code"
		like "$(tail -n 1 "$TMP/stderr")" "refused: .*so $code" "… and says why"
	done
	ok '! grep -qF "${TOKEN#*:}" "$TMP/stderr"' "… and its words do not hold the token"
done

diag "ps"
# What all processes of this test but the sandbox, which is given the token, show to others.
shown() {
	for pid in $(marked); do
		[ "$pid" = "$SANDBOX_PID" ] || tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline"
	done
}
cat >"$TMP/update" <<EOT
{"update_id":1,"message":{"message_id":1,"date":0,"chat":{"id":17,"type":"private"},"text":"/list"}}
EOT
for example in echo.sh menu.bash remind.py count.awk; do
	script '{"method":"sendMessage","action":"stall"}'
	start env TG_UPDATE_ID=1 TG_UPDATE_KIND=message TG_CHAT_ID=17 TG_TEXT=/list TG_COMMAND=/list TG_API_URL="$API" REMIND_DIR="$TMP/lists" \
		sh -c 'exec "$0" <"$1"' "$H/$example" "$TMP/update" 2>/dev/null # (what `&` starts has no stdin but one of its own)
	wait_for '[ "$(stats .script_left)" = 0 ]'
	seen=$(shown)
	ok '! printf %s "$seen" | grep -qF "${TOKEN#*:}"' "$example: no command line shows the token while it waits"
	like "$seen" "${example#*.}|curl" "… where there is one to be seen"
	for pid in $(marked); do
		[ "$pid" = "$SANDBOX_PID" ] || kill "$pid" 2>/dev/null
	done
	wait "$PID" 2>/dev/null
done

# Those that stay.
for example in worker.sh worker.py worker.mjs; do
	diag "$example"
	anew --no-penalties
	generate 40 5
	message 21 "said to a worker"
	run_tgrun --once --workers 2 --handler "$H/$example"
	is "$STATUS $(grep -o 'done=[0-9]* failed=[0-9]* waiting=[0-9]*' "$TGRUN_LOG")" "0 done=41 failed=0 waiting=0" "$example handles all, and ends with tgrun"
	like "$(grep stream=stdout "$TGRUN_LOG")" "said to a worker|update [0-9.]+: [0-9]+ bytes" "… and what it prints is logged"
done

done_testing
