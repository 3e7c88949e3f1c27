# Goal: what a done handler prints is the answer to its update, whole, where it belongs, and nowhere else.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

# The bot prints what it is told to: by the text of the message, or the data of the button.
handler bot <<'EOT'
#!/bin/sh
case $TG_TEXT in
nothing) ;;
blank) printf ' \n\t\n' ;;
fails) echo "half an answer"; exit 1 ;;
later) echo "not yet"; [ "$TG_ATTEMPT" -gt 1 ] || exit 75 ;;
long) head -c 3000 /dev/zero | tr '\0' x ;;
token) echo "it is $TG_TOKEN." ;;
bytes) printf 'a\377b\000c\n\n' ;;
late) (sleep 0.3; echo behind) & echo before ;;
markup) echo '<b>5 < 6</b>' ;;
json) printf '%s\n' '{"method":"sendMessage","text":"one"}' '' '{"method":"SENDMESSAGE","text":"two","chat_id":8}' ;;
list) echo '[{"method":"sendMessage","text":"one"},{"method":"setMyName","name":"x"}]' ;;
bad) printf '%s\n' '{"method":"sendMessage","text":"one"}' '' '{"method":"sendMessage","text":"two}' ;;
barred) printf '%s\n' '{"method":"sendMessage","text":"one"}' '{"method":"deleteWebhook"}' ;;
press) printf '%s\n' '{"method":"sendMessage","text":"one"}' '{"method":"answerCallbackQuery","text":"ok"}' ;;
slow) : >"$FLOW_MARK/began"; until [ -e "$FLOW_MARK/go" ]; do sleep 0.05; done; echo "$TG_TEXT" ;;
*) echo "$TG_TEXT" ;;
esac
EOT
sent() { # what arrived, a call a line: its method and its parameters
	calls 'select(.status == 200 and (.method | startswith("get") | not)) | "\(.method) \(.params | to_entries | sort_by(.key) | from_entries | tojson)"'
}
texts() {
	calls 'select(.status == 200 and .method == "sendMessage") | .params.text' | paste -sd '|'
}
answers() { # OPTION…: a run to its end over what was pushed; its exit status, and what it sent
	run_tgrun --once --rate chat=0,group=0 --log-level debug "$@" -- "$TMP/bot"
	echo "$STATUS"
	sent
}
button() { # DATA: one is pressed below a message
	push '{"callback_query":{"id":"q'"$1"'","from":{"id":5,"is_bot":false,"first_name":"u"},"chat_instance":"c","data":"'"$1"'","message":{"message_id":7,"date":1,"chat":{"id":5,"type":"private"},"text":"hi"}}}'
}
TGRUN_LOG=$TMP/tgrun.log
start_sandbox --no-penalties

# Modes.
message 5 '<b>hi</b>'
is "$(answers --reply text)" '0
sendMessage {"chat_id":5,"text":"<b>hi</b>"}' "what is printed is the answer"
anew --no-penalties
message 5 hi
is "$(answers --reply pre)" '0
sendMessage {"chat_id":5,"entities":[{"type":"pre","offset":0,"length":2}],"text":"hi"}' "pre: monospaced"
anew --no-penalties
message 5 '<b>hi</b>'
is "$(answers --reply html)" '0
sendMessage {"chat_id":5,"parse_mode":"HTML","text":"<b>hi</b>"}' "html"
anew --no-penalties
message 5 '<secretword>'
is "$(answers --reply html | tail -n 1) $(grep -c secretword "$TGRUN_LOG") $(grep -c 'sent as plain text' "$TGRUN_LOG")" \
	'sendMessage {"chat_id":5,"text":"<secretword>"} 0 1' "what cannot be parsed goes out as it is, and no word of it stands in the log"
anew --no-penalties
message 5 '*hi*'
is "$(answers --reply markdown)" '0
sendMessage {"chat_id":5,"parse_mode":"MarkdownV2","text":"*hi*"}' "markdown"
anew --no-penalties
message 5 json
message 5 list
is "$(answers --reply api | sort)" '0
sendMessage {"chat_id":5,"text":"one"}
sendMessage {"chat_id":5,"text":"one"}
sendMessage {"chat_id":8,"text":"two"}
setMyName {"name":"x"}' "api: calls, a line each or a list; the chat is filled in where it is absent"
anew --no-penalties
message 5 hi
is "$(answers)" 0 "none: nothing is sent"
ok 'logged "info  hi  stream=stdout"' "… what is printed is logged"

# What is answered, and what is not.
anew --no-penalties
for text in nothing blank fails bytes late; do message 5 $text; done
is "$(answers --reply text)" '0
sendMessage {"chat_id":5,"text":"a�bc\n"}
sendMessage {"chat_id":5,"text":"before\nbehind"}' "nothing for nothing and for blanks; bad UTF-8 becomes U+FFFD; background work counts; who fails is not answered for"
ok 'logged "info  half an answer  stream=stdout"' "… what that printed is logged"
is "$(dead list --json | jq -r .reason)" "exited with status 1" "… and its update is a dead letter"
ok '! logged "before|behind"' "no text of an answer stands in the log, at debug level"
anew --no-penalties
message 5 later
is "$(run_tgrun --reply text --retry-delay 10ms --source /dev/null -- "$TMP/bot"; sent)" "" "(nothing without an update)"
start_tgrun --reply text --retry-delay 10ms -- "$TMP/bot"
wait_for '[ -n "$(texts)" ]'
stop_tgrun
is "$(texts)" "not yet" "an attempt that asks for another one is not answered for, the one that succeeds is, once"
anew --no-penalties
message 5 token
answers --reply text >/dev/null
is "$(texts)" "it is 123456:***." "the token is starred out"
ok '! grep -q "sandbox-secret" "$TGRUN_LOG"' "… in the log, too"

# What is too long, or no JSON: a dead letter at once, as exit status 65, and nothing is sent.
refused() { # TEXT OPTION…: $REFUSED is its reason, how often it was tried, what the hook was told, what was sent
	anew --no-penalties
	message 5 "$1"
	shift
	rm -f "$TMP/told"
	answers --on-failure retry --on-error "$TMP/told-by" "$@" >"$TMP/sent"
	REFUSED=$(dead list --json | jq -r '"\(.reason) (\(.attempts))"'; cat "$TMP/told"; tail -n +2 "$TMP/sent")
}
handler told-by <<'EOT'
#!/bin/sh
echo "${TG_STATUS-none} $TG_REASON" >>"$FLOW_MARK/told"
EOT
refused long --reply text --max-output 2K
is "$REFUSED" 'its reply is longer than --max-output (1)
65 its reply is longer than --max-output' "longer than --max-output: the reason says so, --on-error runs"
refused bad --reply api
is "$REFUSED" 'its reply is no JSON, line 3 (1)
65 its reply is no JSON, line 3' "no JSON: the reason names the line, and no other line is sent"
refused barred --reply api
like "$REFUSED" '^65 its reply calls deleteWebhook, which no reply may, line 2' "a method that would stop the bot, too"

# Every kind of update.
anew --no-penalties
handler kind <<'EOT'
#!/bin/sh
echo "$TG_UPDATE_KIND"
EOT
push - <tests/data/update-samples.jsonl
run_tgrun --once --rate chat=0,group=0 --reply text --reply-to --reply-with disable_notification=true --reply-with 'link_preview_options={"is_disabled":true}' -- "$TMP/kind"
more='"disable_notification":true,"link_preview_options":{"is_disabled":true}'
quote='"reply_parameters":{"message_id":7,"allow_sending_without_reply":true}'
is "$(sent | LC_ALL=C sort)" "$(LC_ALL=C sort <<EOT
answerCallbackQuery {"callback_query_id":"q"}
answerGuestQuery {"guest_query_id":"gq","result":{"type":"article","id":"1","title":"reply","input_message_content":{"message_text":"guest_message","link_preview_options":{"is_disabled":true}}}}
sendMessage {"chat_id":-1001234567890,$more,$quote,"text":"message"}
sendMessage {"chat_id":-1001234567890,$more,$quote,"text":"channel_post"}
sendMessage {"chat_id":-1001234567890,$more,$quote,"text":"callback_query"}
sendMessage {"business_connection_id":"bc","chat_id":5000000001,$more,$quote,"text":"business_message"}
sendMessage {"chat_id":5000000001,$more,"text":"chat_join_request"}
EOT
)" "of the 27 kinds six are answered: each where it came from, quoting what it answers, with what --reply-with adds"
is "$(grep -c 'what is printed for an update of this kind is no answer' "$TGRUN_LOG") $(grep -c stream=stdout "$TGRUN_LOG")" "21 21" "… of each other kind the output is logged, and why"
anew --no-penalties
push - <tests/data/update-samples.jsonl
# Three of these kinds are not asked for.
jq -c 'del(.update_id)' tests/data/update-samples.jsonl | push -
run_tgrun --once --reply text -- "$TMP/kind"
is "$(grep -c 'what is printed for an update of this kind is no answer' "$TGRUN_LOG") $(grep -c stream=stdout "$TGRUN_LOG")" "21 39" "… which is said once for each kind"
anew --no-penalties
push '{"message":{"message_id":1,"date":1,"chat":{"id":-6,"type":"supergroup"},"is_topic_message":true,"message_thread_id":3,"from":{"id":5,"is_bot":false,"first_name":"u"},"text":"topic"}}
{"message":{"message_id":1,"date":1,"chat":{"id":-6,"type":"supergroup"},"from":{"id":9,"is_bot":true,"first_name":"b"},"text":"a bot"}}
{"message":{"message_id":1,"date":1,"chat":{"id":-6,"type":"supergroup"},"from":{"id":1087968824,"is_bot":true,"first_name":"Group"},"sender_chat":{"id":-6,"type":"supergroup"},"text":"an administrator"}}
{"message":{"message_id":1,"date":1,"chat":{"id":-7,"type":"supergroup","is_direct_messages":true},"direct_messages_topic":{"topic_id":4},"from":{"id":5,"is_bot":false,"first_name":"u"},"text":"direct"}}'
is "$(answers --reply text | LC_ALL=C sort)" '0
sendMessage {"chat_id":-6,"message_thread_id":3,"text":"topic"}
sendMessage {"chat_id":-6,"text":"an administrator"}
sendMessage {"chat_id":-7,"direct_messages_topic_id":4,"text":"direct"}' "topics are found; what a bot wrote is not answered, who is hidden behind a group is" || diag "$(sent)"
ok 'logged "a bot  stream=stdout"' "… what would have gone to the bot is logged"

# Buttons.
for data in nothing hi fails; do
	anew --no-penalties
	button $data
	answers --reply text | tail -n +2 >"$TMP/$data"
done
is "$(cat "$TMP/nothing")" 'answerCallbackQuery {"callback_query_id":"qnothing"}' "a button is answered, also when nothing is printed"
is "$(cat "$TMP/hi")" 'answerCallbackQuery {"callback_query_id":"qhi"}
sendMessage {"chat_id":5,"text":"hi"}' "… before the message"
is "$(cat "$TMP/fails")" "" "… not when the handler fails"
anew --no-penalties
button press
is "$(answers --reply api)" '0
answerCallbackQuery {"callback_query_id":"qpress","text":"ok"}
sendMessage {"chat_id":5,"text":"one"}' "… by the answer that is printed, which goes first"
anew --no-penalties
push '{"callback_query":{"id":"qi","from":{"id":5,"is_bot":false,"first_name":"u"},"chat_instance":"c","data":"long","inline_message_id":"i"}}'
answers --reply text >/dev/null
is "$(calls 'select(.method | startswith("answer")) | "\(.method) \(.params.text | length)"')" 'answerCallbackQuery 200' "below an inline message the text is that answer, cut at 200 characters"

# Long texts.
anew --no-penalties
message 5 many
message 5 more
handler lines <<'EOT'
#!/bin/sh
case $TG_TEXT in
many) seq 1 2000 ;;
more) seq 1 9000 ;;
esac
EOT
run_tgrun --once --rate chat=0 --reply text -- "$TMP/lines"
is "$(calls 'select(.method == "sendMessage") | .params.text' | cksum) $(calls 'select(.method == "sendMessage") | .params.text | length' | awk '$1 > 4096 { n++ } END { print NR, n + 0 }')" \
	"$(seq 1 2000 | cksum) 3 0" "a long text goes out in several messages, of which each fits, and nothing is missing"
is "$(deliveries 'select(.files) | "\(.method) \(.chat) \(.files[0].file_name) \(.files[0].cksum)"')" "sendDocument 5 reply.txt $(printf '%s' "$(seq 1 9000)" | cksum | cut -d' ' -f1)" "one that would be more than ten is a document"

# Routes, workers.
anew --no-penalties
for text in plain /html /none; do message 5 $text; done
cat >"$TMP/conf" <<EOT
handler = $TMP/bot
reply = pre
[route "/html"]
handler = $TMP/bot
reply = html
[route "/none"]
handler = $TMP/bot
reply = none
EOT
run_tgrun --once --config "$TMP/conf"
is "$(sent)" 'sendMessage {"chat_id":5,"entities":[{"type":"pre","offset":0,"length":5}],"text":"plain"}
sendMessage {"chat_id":5,"parse_mode":"HTML","text":"/html"}' "a route answers as its own section says" || diag "$(tail -n 3 "$TGRUN_LOG")"
anew --no-penalties
for reply in '"plain \u003cb\u003e"' '{"method":"sendMessage","text":"object"}' '[{"method":"sendMessage","text":"first"},{"method":"sendMessage","text":"second","chat_id":6}]' '""' null; do
	message 5 "$reply"
done
message 5 '"not ok"' 9
handler worker <<'EOT'
#!/bin/sh
while IFS= read -r line; do
	echo "stray"
	printf '%s' "$line" | jq -c '{id, ok: (.update.message.from.id != 9)} + {reply: (.update.message.text | fromjson)}' >&3
done
EOT
is "$(run_tgrun --once --rate chat=0 --log-level debug --workers 1 -- "$TMP/worker"; sent)" 'sendMessage {"chat_id":5,"text":"plain <b>"}
sendMessage {"chat_id":5,"text":"object"}
sendMessage {"chat_id":5,"text":"first"}
sendMessage {"chat_id":6,"text":"second"}' "a worker answers by its reply: a text, a call, a list of calls; what it prints is no answer"
ok 'logged "a reply beside .ok.:false is not sent" && ! logged "not ok|plain"' "… beside ok:false it is not sent, and not logged"
anew --no-penalties
message 5 '"<i>x</i>"'
is "$(run_tgrun --once --workers 1 --reply html -- "$TMP/worker"; sent)" 'sendMessage {"chat_id":5,"parse_mode":"HTML","text":"<i>x</i>"}' "… a text as --reply says"

# What cannot be.
run_tgrun --reply text --stdout inherit -- "$TMP/bot"
is "$STATUS" 64 "--stdout inherit beside it is a usage error"
like "$(tail -n 1 "$TGRUN_LOG")" "'reply' and 'stdout = inherit' exclude each other" "… that names both"
run_tgrun --reply text --stdout discard -- "$TMP/bot"
is "$STATUS $(tail -n 1 "$TGRUN_LOG" | grep -c "'reply' and 'stdout = discard' exclude each other")" "64 1" "so is --stdout discard, which would answer nobody"
run_tgrun --reply text --mode batch -- "$TMP/bot"
is "$STATUS" 64 "--mode batch, too"
run_tgrun --reply txt -- "$TMP/bot"
is "$STATUS $(tail -n 1 "$TGRUN_LOG" | grep -c "did you mean 'text'")" "64 1" "a mode that is none is named with the nearest"
for with in text=x Text=x 'link_preview_options={' =x; do
	run_tgrun --reply text --reply-with "$with" -- "$TMP/bot"
	is "$STATUS" 64 "--reply-with $with is refused"
done

# A reload changes it, for what starts then.
anew --no-penalties
echo 'reply = none' >"$TMP/conf"
start_tgrun --config "$TMP/conf" --concurrency 4 -- "$TMP/bot"
message 5 first
wait_for 'logged "first  stream=stdout"'
message 5 slow
wait_for '[ -e "$TMP/began" ]'
echo 'reply = text' >"$TMP/conf"
kill -HUP "$TGRUN_PID"
wait_for 'logged reload'
message 6 second
wait_for '[ -n "$(texts)" ]'
is "$(texts)" second "a reload changes --reply"
: >"$TMP/go"
wait_for 'logged "slow  stream=stdout"'
is "$(texts)" second "… what ran is logged as it would have been"
rm "$TMP/go" "$TMP/began"
message 5 slow
wait_for '[ -e "$TMP/began" ]'
echo 'reply = none' >"$TMP/conf"
kill -HUP "$TGRUN_PID"
wait_for '[ "$(grep -c reload "$TGRUN_LOG")" = 2 ]'
: >"$TMP/go"
wait_for '[ "$(grep -c "slow  stream=stdout" "$TGRUN_LOG")" = 2 ] || [ "$(texts)" != second ]'
is "$(texts)" second "… and what is to be answered no more is not"
done_testing
