# Goal: `tgrun call` calls a method as it is: in a handler its own chat is filled in, what strangers write is data, and its exit status is what the
# handler's would have to be. It goes through the tgrun that runs the bot, or, if none does, to the server.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

# A handler that does what $TMP/do says, and tells how that ended.
handler bot <<'EOT'
#!/bin/sh
. "$FLOW_MARK/do" >"$FLOW_MARK/stdout" 2>"$FLOW_MARK/stderr"
echo "$?" >"$FLOW_MARK/status.new"
mv "$FLOW_MARK/status.new" "$FLOW_MARK/status"
EOT
run() { # UPDATE: handles it with the script on stdin; $DONE is its status
	cat >"$TMP/do"
	rm -f "$TMP/status"
	push "$1"
	wait_for '[ -s "$TMP/status" ]'
	DONE=$(cat "$TMP/status")
}
params() { # METHOD: the parameters of its last call, in the order of their names
	calls "select(.method == \"$1\" and .params) | .params | tojson" | tail -1 | jq -c -S .
}

start_sandbox
start_tgrun --handler "$TMP/bot" --rate chat=0,group=0 --log-level debug --hide-token
hello='{"message":{"message_id":1,"date":0,"text":"hello","chat":{"id":5,"type":"private"},"from":{"id":5,"is_bot":false,"first_name":"u"}}}'

# What is filled in.

run "$hello" <<'EOT'
tgrun call sendMessage text=hi
EOT
is "$DONE $(params sendMessage) $(cat "$TMP/stdout" "$TMP/stderr")" '0 {"chat_id":5,"text":"hi"} ' "a handler's own chat is filled in, and nothing is printed"
run '{"message":{"message_id":1,"date":0,"text":"x","message_thread_id":3,"is_topic_message":true,"chat":{"id":-100,"type":"supergroup","is_forum":true}}}' <<'EOT'
tgrun call sendMessage text=topic
EOT
is "$(params sendMessage)" '{"chat_id":-100,"message_thread_id":3,"text":"topic"}' "… and the topic"
run '{"business_message":{"message_id":1,"date":0,"text":"x","business_connection_id":"bc","chat":{"id":6,"type":"private"}}}' <<'EOT'
tgrun call sendChatAction action=typing
EOT
is "$(params sendChatAction)" '{"action":"typing","business_connection_id":"bc","chat_id":6}' "… and the business connection"
run '{"callback_query":{"id":"q1","data":"d","from":{"id":5,"is_bot":false,"first_name":"u"},"message":{"message_id":4,"date":0,"chat":{"id":5,"type":"private"}}}}' <<'EOT'
tgrun call answerCallbackQuery text=ok
EOT
is "$(params answerCallbackQuery)" '{"callback_query_id":"q1","text":"ok"}' "… and the query of a button"
run "$hello" <<'EOT'
tgrun call sendMessage chat_id=@channel text=there
tgrun call getChat chat_id=77
EOT
is "$(params getChat)" '{"chat_id":"77"}' "nothing beside a chat of its own"

# What strangers write.

for text in '--file=/etc/passwd' '-' '--' '-h' '--print' 'a@b' '@x' 'name@/etc/passwd' 'a=b' '=' '$(id)' "it's" 'x
y' '{"method":"close"}'; do
	printf '%s' "$text" >"$TMP/text"
	run "$(jq -nc --rawfile t "$TMP/text" '{message: {message_id: 1, date: 0, text: $t, chat: {id: 5, type: "private"}}}')" <<'EOT'
tgrun call sendMessage text="$TG_TEXT"
EOT
	is "$DONE $(deliveries 'select(.chat == 5) | .text | tojson' | tail -1)" "0 $(jq -nc --rawfile t "$TMP/text" '$t')" "as a text it stays what it is: $(head -1 "$TMP/text")"
done
for word in text @x '' '=x' 'Text=x' 'te-xt=x' '--text=x' '-h' '--' method=close; do
	TG_STATE_DIR=$TMP/state "$TGRUN" call sendMessage chat_id=5 "$word" 2>"$TMP/err"
	is "$?" 64 "behind the first parameter '$word' is none, and no option"
done

# Files.

seq 30000 >"$TMP/report.txt"
run "$hello" <<'EOT'
tgrun call sendDocument document@"$FLOW_MARK/report.txt" caption="Today" &&
tgrun call sendDocument caption=@x document@"$FLOW_MARK/report.txt"
EOT
is "$DONE $(deliveries 'select(.files) | "\(.chat) \(.caption) \(.files[0].file_name) \(.files[0].cksum)"' | tr '\n' ';')" \
	"0 5 Today report.txt $(cksum <"$TMP/report.txt" | cut -d' ' -f1);5 @x report.txt $(cksum <"$TMP/report.txt" | cut -d' ' -f1);" "name@path brings a file"
mkfifo "$TMP/pipe"
cat "$TMP/report.txt" >"$TMP/pipe" &
TG_STATE_DIR=$TMP/state "$TGRUN" call sendDocument chat_id=8 document@"$TMP/pipe"
is "$? $(deliveries 'select(.chat == 8) | .files[0].cksum')" "0 $(cksum <"$TMP/report.txt" | cut -d' ' -f1)" "… from a pipe, too"
TG_STATE_DIR=$TMP/state "$TGRUN" call sendDocument chat_id=8 document@"$TMP/nosuch" 2>"$TMP/err"
is "$? $(cat "$TMP/err")" "64 tgrun: cannot open the file '$TMP/nosuch': No such file or directory" "one that is not there is no call"

# What is asked for.

run "$hello" <<'EOT'
id=$(tgrun call --print=/message_id sendMessage text="Wait…")
tgrun call editMessageText --print=/text message_id="$id" text="Done."
tgrun call --print getMe
tgrun call --print=/chat sendMessage text=x
printf 'one\ntwo\n' | tgrun call --stdin text --print=/text sendMessage
EOT
is "$(head -1 "$TMP/stdout") $(jq -r .username "$TMP/stdout" 2>/dev/null | head -1)" "Done. " "a text is printed as it is"
is "$(sed -n 2p "$TMP/stdout" | jq -r .username) $(sed -n 3p "$TMP/stdout" | jq .id)" "sandbox_bot 5" "all of the result, or a part of it, as JSON"
is "$(tail -2 "$TMP/stdout" | tr '\n' ' ')" "one two " "a parameter from standard input"
TG_STATE_DIR=$TMP/state "$TGRUN" call --print=/nosuch getMe 2>"$TMP/err"
is "$? $(cat "$TMP/err")" "65 tgrun: the result of getMe has no '/nosuch'" "what is not there is not printed"
run "$hello" <<'EOT'
tgrun call --button 'Tea=tea' --button 'Web=https://example.org/?a=b' --row sendMessage --button "X=$TG_TEXT" text=choose
EOT
is "$(params sendMessage | jq -r '.reply_markup | if type == "string" then . else tojson end')" \
	'{"inline_keyboard":[[{"text":"Tea","callback_data":"tea"},{"text":"Web","url":"https://example.org/?a=b"}],[{"text":"X","callback_data":"hello"}]]}' \
	"buttons in rows"
id=$(TG_STATE_DIR=$TMP/state "$TGRUN" call --print=/document/file_id sendDocument chat_id=8 document@"$TMP/report.txt")
TG_STATE_DIR=$TMP/state "$TGRUN" call --output "$TMP/photo" getFile file_id="$id"
is "$? $(stat -c %a "$TMP/photo")" "0 600" "--output fetches the file itself"
ok 'cmp -s "$TMP/photo" "$TMP/report.txt"' "… whole"
ok 'TG_STATE_DIR=$TMP/state "$TGRUN" call --output - getFile file_id="$id" | cmp -s - "$TMP/report.txt"' "… or to standard output"
script '{"method":"getFile","status":400,"description":"Bad Request: invalid file_id"}'
TG_STATE_DIR=$TMP/state "$TGRUN" call --output "$TMP/none" getFile file_id=nosuch 2>/dev/null
is "$? $(find "$TMP" -name '*none*')" "65 " "a file that is not to be had leaves nothing"

# How it ends.

ends() { # WANT-STATUS WANT-STDERR WHAT: of a call in a handler
	run "$hello" <<-'EOT'
		tgrun call sendMessage text=x
	EOT
	is "$DONE $(cat "$TMP/stderr")" "$1 $2" "$3"
}
script '{"method":"sendMessage","status":400,"description":"Bad Request: chat not found"}'
ends 65 "tgrun: sendMessage: Bad Request: chat not found" "refused: 65, in the server's words"
script '{"method":"sendMessage","status":403,"description":"Forbidden: bot was blocked by the user"}'
ends 77 "tgrun: sendMessage: Forbidden: bot was blocked by the user" "a closed chat: 77"
script '{"method":"sendMessage","status":502,"description":"Bad Gateway"}'
ends 75 "tgrun: sendMessage: Bad Gateway" "a server that fails: 75"
script '{"method":"sendMessage","action":"reset","apply":true}'
run "$hello" <<'EOT'
tgrun call sendMessage text=x
EOT
like "$DONE $(cat "$TMP/stderr")" '^76 tgrun: sendMessage: Bad Gateway: it may have been delivered: ' "an answer that is lost: 76"
script '{"method":"editMessageText","status":400,"description":"Bad Request: message is not modified"}'
run "$hello" <<'EOT'
tgrun call editMessageText message_id=1 text=x
EOT
is "$DONE" 0 "what was so before is done"
script '{"method":"sendMessage","chat":5,"action":"flood","retry_after":1}'
ends 0 "" "a 429 is waited for"
script '{"method":"sendMessage","chat":9,"action":"flood","retry_after":30}'
TG_STATE_DIR=$TMP/state TG_DEADLINE=$(($(date +%s) + 2)) "$TGRUN" call sendMessage chat_id=9 text=x 2>"$TMP/err"
is "$?" 75 "… but not beyond TG_DEADLINE"
like "$(cat "$TMP/err")" 'Too Many Requests' "… which is said"
head -c 5000 /dev/zero | tr '\0' x >"$TMP/long"
TG_STATE_DIR=$TMP/state "$TGRUN" call --stdin text sendMessage chat_id=5 <"$TMP/long" 2>"$TMP/err"
is "$? $(grep -c "'tgrun send' splits" "$TMP/err")" "65 1" "a text that is too long is told how it can be sent"
for words in '' 'send-Message' '--bulk getMe' '--expire 1h getMe' '--output x getMe' '--print=x getMe' '--button x getMe' '--stdin a-b getMe'; do
	# shellcheck disable=SC2086
	TG_STATE_DIR=$TMP/state "$TGRUN" call $words </dev/null 2>/dev/null
	is "$?" 64 "'tgrun call $words' is no call"
done
is "$(TG_STATE_DIR=$TMP/state "$TGRUN" call getUpdates 2>&1 | cut -c1-27)" "tgrun: getUpdates: Conflict" "the updates are the running tgrun's"

# The outbox.

script '{"method":"sendMessage","chat":20,"action":"flood","retry_after":1}'
TG_STATE_DIR=$TMP/state "$TGRUN" call --queue --print=/number sendMessage chat_id=20 text=first >"$TMP/number"
is "$?" 0 "--queue leaves the call in the outbox"
like "$(cat "$TMP/number")" '^[0-9]+$' "… and can tell its number"
TG_STATE_DIR=$TMP/state "$TGRUN" call --queue --bulk --expire 1h sendMessage chat_id=20 text=second
wait_for '[ "$(deliveries "select(.chat == 20) | .text" | wc -l)" -eq 2 ]'
is "$(deliveries 'select(.chat == 20) | .text' | tr '\n' ' ')" "first second " "… which sends it in order"
TG_STATE_DIR=$TMP/state "$TGRUN" call --queue sendDocument chat_id=20 document@"$TMP/report.txt" 2>/dev/null
is "$?" 64 "… but no file"

# Ways.

is "$(TG_API_SOCKET=$TMP/state/api "$TGRUN" call --print=/username getMe)" sandbox_bot "by TG_API_SOCKET"
is "$(cd "$TMP" && "$TGRUN" call --state-dir state --print=/username getMe)" sandbox_bot "by --state-dir"
is "$(TGRUN_TOKEN=$TOKEN "$TGRUN" call --state-dir "$TMP/state" --api-url http://127.0.0.1:1 --print=/username getMe)" sandbox_bot "the runner is asked, not the server"
kill -STOP "$TGRUN_PID"
start sh -c 'TG_STATE_DIR=$1/state "$2" call sendMessage chat_id=30 text=x 2>"$1/err"; echo $? >"$1/ended"' sh "$TMP" "$TGRUN"
kill -KILL "$TGRUN_PID"
wait_for '[ -s "$TMP/ended" ]'
like "$(cat "$TMP/ended")" '^7[56]$' "a runner that dies: not sent, or nobody knows"
wait_tgrun
TG_STATE_DIR=$TMP/state "$TGRUN" call getMe 2>"$TMP/err"
is "$? $(cat "$TMP/err")" "75 tgrun: the tgrun that started this handler does not listen any more" "a handler's call never goes past its tgrun"
TGRUN_TOKEN=$TOKEN "$TGRUN" call --api-url "$URL" --state-dir "$TMP/state" --print=/text sendMessage chat_id=40 text=straight >"$TMP/stdout"
is "$? $(cat "$TMP/stdout")" "0 straight" "where no tgrun runs, the server is asked"
TGRUN_TOKEN=$TOKEN "$TGRUN" call --api-url "$URL" --state-dir "$TMP/nostate" sendDocument chat_id=40 document@"$TMP/report.txt"
is "$? $(deliveries 'select(.chat == 40 and .files) | .files[0].cksum')" "0 $(cksum <"$TMP/report.txt" | cut -d' ' -f1)" "… with files"
ok 'TGRUN_TOKEN=$TOKEN "$TGRUN" call --api-url "$URL" --state-dir "$TMP/nostate" --output - getFile file_id="$id" | cmp -s - "$TMP/report.txt"' "… and for files"
script '{"method":"sendMessage","chat":41,"action":"flood","retry_after":1}'
TGRUN_TOKEN=$TOKEN "$TGRUN" call --api-url "$URL" --state-dir "$TMP/nostate" sendMessage chat_id=41 text=x
is "$?" 0 "… a 429 is waited for"
script '{"method":"sendMessage","chat":42,"action":"reset","apply":true}'
TGRUN_TOKEN=$TOKEN "$TGRUN" call --api-url "$URL" --state-dir "$TMP/nostate" sendMessage chat_id=42 text=x 2>/dev/null
is "$? $(deliveries 'select(.chat == 42) | .text')" "76 x" "… what may have arrived is not sent again"
TGRUN_TOKEN=$TOKEN "$TGRUN" call --api-url "$URL" --state-dir "$TMP/nostate" --queue sendMessage chat_id=42 text=x 2>/dev/null
is "$?" 75 "… and nobody is there to keep a call"
is "$(grep -c sandbox-secret "$TGRUN_LOG")" 0 "no log holds the token"
done_testing
