# Goal: each example in share/examples does what it says when it is run as its head says, answers in the topic and no edit, and does not have
# the token. What becomes of an answer that Telegram does not take at once, or refuses, is the outbox's business.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

H=share/examples
# Runs it once: it takes all that waits, and is not given the token, so that it can show it nowhere.
run_example() { # EXAMPLE [OPTION…]
	handler=$H/$1
	[ "$1" != count.awk ] || handler="jq -r '.message.text // empty' | $handler"
	mode=$(grep -o -- '--reply [a-z]*' "$H/$1" | head -n 1)
	shift
	# shellcheck disable=SC2086 # an option and its value
	run_tgrun --once --hide-token $mode --handler "$handler" "$@"
}
answers() { # CHAT: what was sent there, a line each
	deliveries "select(.method == \"sendMessage\" and .chat == $1) | .text"
}
press() { # CHAT DATA ID
	push "$(jq -nc --argjson chat "$1" --arg data "$2" --arg id "$3" '{callback_query: {id: $id, from: {id: $chat, is_bot: false, first_name: "u"},
		chat_instance: "1", data: $data, message: {message_id: 5, date: 1, chat: {id: $chat, type: "private"}, text: "menu"}}}')"
}

start_sandbox
is "$(grep -l 'TG_TOKEN\|TG_API\|curl' "$H"/*)" "" "no example needs the token, or curl"

diag "echo.sh"
odd='say "hi"; \back\\slash $(id) `id` ü 🎉 %s @file'
message 11 "$odd"
message 11 "two
lines	and a tab"
push '{"poll":{"id":"1","question":"?","options":[]}}'
run_example echo.sh
is "$STATUS" 0 "echo.sh: tgrun ends well"
is "$(answers 11)" "You said: $odd
You said: two
lines	and a tab" "echo.sh says what it was told, whatever stands in it, and in order"

diag "menu.sh"
message 12 /start
message 12 /help
message 12 /dance
message 12 "not a command"
press 12 Tea 77
press 12 "something else" 76
run_example menu.sh
is "$STATUS" 0 "menu.sh: tgrun ends well"
is "$(answers 12)" 'What would you like?
/start shows the menu.
I do not know /dance; try /help.
Tea is on its way.' "menu.sh answers commands and buttons, and nothing else"
is "$(calls 'select(.method == "sendMessage" and .params.reply_markup) | .params.reply_markup |
	if type == "string" then fromjson else . end | [.inline_keyboard[][].text] | join(" ")')" "Tea Coffee" "its menu has two buttons"
is "$(deliveries 'select(.method == "answerCallbackQuery") | .query' | tr '\n' ' ')" "77 76 " "each button that was pressed stops waiting"

like "$("$TGRUN" try --reply text --replay "$H/menu.talk" --handler "$H/menu.sh" 2>&1; echo "status $?")" '^status 0$' "menu.sh does what menu.talk says that it did"

diag "list.py"
message 13 "/add water the plants"
message 13 "/add \"buy\" tea"
message 13 "not for the list"
message 14 /list
run_example list.py
is "$STATUS" 0 "list.py: tgrun ends well"
is "$(answers 13 | tail -n 2 | sed 's/^[0-9]*: //')" 'water the plants
"buy" tea' "list.py keeps a list"
is "$(answers 14)" "Nothing to do." "each chat has its own"
first=$(jq -r 'keys[0]' "$TMP/state/data/list.13.json")
message 13 "/done $first"
run_example list.py
is "$(answers 13 | tail -n 1 | sed 's/^[0-9]*: //')" '"buy" tea' "what is done is off the list"
again() {
	printf '{"update_id":900,"message":{"message_id":1,"date":0,"chat":{"id":13,"type":"private"},"text":"/add once"}}' |
		TG_UPDATE_ID=900 TG_UPDATE_KIND=message TG_CHAT_ID=13 TG_COMMAND=/add TG_ARGS=once TG_DATA_DIR=$TMP/state/data python3 "$H/list.py"
}
is "$(again | tail -n 1; again | tail -n 1)" "900: once
900: once" "an update that comes twice is answered the same"
is "$(jq '[.[] | select(. == "once")] | length' "$TMP/state/data/list.13.json")" 1 "… and is on the list once"

diag "wizard.sh"
message 16 "before anything"
message 16 /order
message 17 /order
message 16 "tea, hot
please"
message 17 coffee
message 16 2
message 16 'the $(house) next door'
message 16 "and then?"
run_example wizard.sh
is "$STATUS" 0 "wizard.sh: tgrun ends well"
is "$(answers 16)" 'What would you like?
How many?
Where shall it go?
Ordered: tea, hot please, 2, the $(house) next door' "wizard.sh asks one thing after the other, and nothing before or after"
is "$(answers 17)" "What would you like?
How many?" "each chat is asked by itself"
say() { # ID TEXT: as a crash would have it come again
	TG_UPDATE_ID=$1 TG_UPDATE_KIND=message TG_CHAT_ID=17 TG_TEXT=$2 TG_DATA_DIR=$TMP/state/data "$H/wizard.sh"
}
is "$(say 900 3; say 900 3)" "Where shall it go?
Where shall it go?" "an answer that comes twice counts once"
message 17 "the sea"
run_example wizard.sh
is "$(answers 17 | tail -n 1)" "Ordered: coffee, 3, the sea" "… and another run goes on where the last ended"
message 16 /order
run_example wizard.sh
is "$(answers 16 | tail -n 1)" "What would you like?" "an order may be begun anew"

diag "count.awk"
message 15 "one two  three
four"
message 15 single
push '{"message":{"message_id":1,"date":0,"chat":{"id":15,"type":"private"},"from":{"id":15,"is_bot":false,"first_name":"u"},"sticker":{}}}'
run_example count.awk
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
for example in echo.sh menu.sh list.py count.awk; do
	anew --no-penalties
	push - <"$stored"
	run_example $example --concurrency 1
	is "$STATUS $(dead list --json | jq -r .reason) $(calls 'select(.method == "sendMessage") | .params |
		"\(.message_thread_id // "-")/\(.direct_messages_topic_id // "-")"' | tr '\n' ' ')" "0  7/- -/8 -/- " \
		"$example answers each message in its topic, and no edit"
done

anew --no-penalties
sed '/"text":"\/list"/!d; s/list/start/' "$stored" | push -
run_example menu.sh --concurrency 1
is "$STATUS $(calls 'select(.method == "sendMessage" and .params.reply_markup) | .params |
	"\(.message_thread_id // "-")/\(.direct_messages_topic_id // "-")"' | tr '\n' ' ')" "0 7/- -/8 -/- " "menu.sh shows its buttons there, too"
chats '{"chat":5,"state":"blocked"}'
message 5 /start
run_example menu.sh
like "$(dead list --json | jq -r .reason)" '^exited with status 77: .*bot was blocked by the user' "… and says who has blocked it"

diag "remind.sh"
anew --no-penalties
for sort in '"message_thread_id":7,"is_topic_message":true' '"message_thread_id":9'; do
	push '{"message":{"message_id":1,"date":1,"chat":{"id":-1009,"type":"supergroup"},"from":{"id":5,"is_bot":false,"first_name":"u"},"text":"/remind 2m tea \"$(id)\"",'"$sort"'}}'
done
push '{"edited_message":{"message_id":1,"date":1,"edit_date":2,"chat":{"id":-1009,"type":"supergroup"},"from":{"id":5,"is_bot":false,"first_name":"u"},"text":"/remind 1h x"}}'
message 18 "/remind 0 at once"
message 18 /remind
message 18 "/remind --at=0 x"
run_example remind.sh --concurrency 1
waits() { "$TGRUN" queue list --json --state-dir "$TMP/state" | jq -r '"\(.state) \(.kind) \(.key) \((.due | fromdate) - (.received | fromdate))"'; }
is "$STATUS $(waits)" "0 delayed reminder chat:-1009 120
delayed reminder chat:-1009 120" "remind.sh keeps what is to come"
is "$(answers 18)" "I will.
Say: /remind 10m water the plants
Say: /remind 10m water the plants
Remember: at once" "it says so, or what to say, and reminds"
machine MACHINE_SPEED=30
start_tgrun --hide-token --timeout 0 --reply text --handler "$H/remind.sh"
wait_for '[ "$(deliveries "select(.text | test(\"^Remember: tea\")) | .n" | wc -l)" = 2 ]'
stop_tgrun
machine
is "$(calls 'select(.method == "sendMessage" and (.params.text | test("^Remember: tea"))) | .params | "\(.text) \(.message_thread_id // "-")"')" 'Remember: tea "$(id)" 7
Remember: tea "$(id)" -' "over another run it comes in its time, in its topic, whatever was written"

diag "a refusal, and an API that is away"
failed() { "$TGRUN" outbox list --json --state failed --state-dir "$TMP/state" | jq -r '"\(.chat) \(.code) \(.reason)"' | sort; }
machine MACHINE_SPEED=10
for example in echo.sh menu.sh list.py count.awk; do
	anew --no-penalties
	script '{"method":"sendMessage","chat":31,"action":"refuse","ms":1500}
{"method":"sendMessage","chat":32,"action":"flood","retry_after":2}
{"method":"sendMessage","chat":33,"status":502,"description":"Bad Gateway"}
{"method":"sendMessage","chat":34,"status":400,"description":"Bad Request: message is too long"}'
	chats '{"chat":35,"state":"blocked"}'
	for chat in 31 32 33 34 35; do message $chat /list; done
	run_example $example
	is "$STATUS $(deliveries .chat | sort | tr '\n' ' ')" "0 31 32 33 " \
		"$example answers once when the API is away, is busy, or fails, and never where it was refused"
	is "$(failed)" "34 400 400 Bad Request: message is too long
35 403 403 Forbidden: bot was blocked by the user" "… where the outbox knows the reason"
	is "$(dead list --json)" "" "… and the updates are done"
	ok '! grep -qF "${TOKEN#*:}" "$TGRUN_LOG"' "… and no word holds the token"
done
machine

diag "llm.sh"
handler model <<'EOT'
#!/bin/sh
read -r question
case $question in
long) yes 'word after word' | head -n 600 ;;
slow)
	: >"$FLOW_MARK/thinks"
	while sleep 0.05; do :; done
	;;
*) echo "It is $question." ;;
esac
EOT
anew --no-penalties
LLM=$TMP/model
export LLM
push '{"message":{"message_id":1,"date":1,"chat":{"id":-51,"type":"supergroup"},"from":{"id":5,"is_bot":false,"first_name":"u"},"text":"$(id)","message_thread_id":7,"is_topic_message":true}}'
message 52 long
message 53 slow
message 54 /start
# shellcheck disable=SC2046 # the options that its head names
start_tgrun $(sed -n 's/^#  *tgrun … \(.*--handler \).*/\1/p' "$H/llm.sh") "$H/llm.sh" --rate chat=0
wait_for '[ -e "$TMP/thinks" ]'
message 53 /cancel
wait_for 'logged "cancelled .*chat:53|cancelled .*topic:53"'
wait_for '[ "$(deliveries "select(.method == \"sendMessage\") | .chat" | wc -l)" -ge 5 ]'
stop_tgrun
is "$STATUS $(deliveries 'select(.method == "sendMessage" and .chat == -51) | .text') $(calls 'select(.method == "sendMessage" and .params.chat_id == -51) | .params.message_thread_id')" \
	'0 It is $(id). 7' "llm.sh answers in the topic"
is "$(deliveries 'select(.method == "sendMessage" and .chat == 52) | .text' | grep -cx 'word after word')" 600 "… at any length"
is "$(deliveries 'select(.method == "sendMessage" and .chat == 52) | .n' | wc -l)" 3 "… in as many messages as it takes"
is "$(answers 53)$(dead list --json)" "" "… and when it is cancelled says nothing, which is no failure"

# Those that stay.
for example in worker.sh worker.py worker.mjs; do
	diag "$example"
	anew --no-penalties
	generate 40 5
	message 21 "said to a worker"
	message 22 /start
	run_example $example --workers 2 --rate chat=0
	is "$STATUS $(grep -o 'done=[0-9]* failed=[0-9]* waiting=[0-9]*' "$TGRUN_LOG")" "0 done=42 failed=0 waiting=0" "$example handles all, and ends with tgrun"
	is "$(deliveries .chat | wc -l)" 42 "… answers each"
	like "$(answers 21)" '^(You said: said to a worker|That was an update of [0-9]+ bytes\.)$' "… with what it says of it"
	is "$(answers 22)" "Say something." "… and a command of its own"
	like "$(grep stream=stdout "$TGRUN_LOG")" "said to a worker|update [0-9.]+: [0-9]+ bytes" "… and what it prints is logged"
done

done_testing
