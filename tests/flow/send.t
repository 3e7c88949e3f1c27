# Goal: tgrun send brings a message to a chat: on disk when it returns, delivered when it waits, and a stranger's text is never an option.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

send() { # WORD…: $ERR, $STATUS; standard input is handed on
	TGRUN_TOKEN=$TOKEN "$TGRUN" send --state-dir "$TMP/state" "$@" >"$TMP/out" 2>"$TMP/err"
	STATUS=$?
	ERR=$(cat "$TMP/err")
}
texts() { # CHAT
	deliveries "select(.chat == $1) | .text // .caption" | tr '\n' ' '
}

# Words.
send </dev/null
like "$STATUS $ERR" "^64 .*to whom\? give --chat ID, or --chats FILE" "a chat is needed"
for chat in 0 me 5x @ @a-b -5- ''; do
	send --chat "$chat" --text=x </dev/null
	is "$STATUS" 64 "'$chat' is no chat"
done
send --chat 5 --text x
like "$STATUS $ERR" "^64 .*takes its value attached: '--text=TEXT'" "a text is attached"
send --chat 5 --text=x hello
like "$STATUS $ERR" "^64 .*unexpected argument 'hello'" "there is no text among the arguments"
send --chat 5 --pre --html --text=x
is "$STATUS" 64 "one form at a time"
send --chat 5 --file "$TMP/none"
like "$STATUS $ERR" "^64 .*cannot open '.*/none': No such file" "a file must be there"
send --chat 5 --json --text=x
is "$STATUS" 64 "--json without --wait has nothing to tell"

# With a runner.
start_sandbox
handler bot <<'EOT'
#!/bin/sh
# The handler's own chat; what the user wrote is data in each form.
"$TGRUN" send --chat "$TG_CHAT_ID" --text="$TG_TEXT" </dev/null
printf %s "$TG_TEXT" | "$TGRUN" send --chat "$TG_CHAT_ID" --silent
EOT
export TGRUN
start_tgrun --handler "$TMP/bot"
wait_for 'logged polling'
send --chat 5 --text='hello   world' </dev/null
is "$STATUS $ERR" "0 " "a message is taken"
wait_for '[ -n "$(texts 5)" ]'
is "$(texts 5)" "hello   world " "and arrives as it is"
echo "from a pipe" >"$TMP/in"
send --chat @Channel --wait <"$TMP/in"
is "$STATUS $ERR" "0 " "--wait ends when it was delivered"
is "$(calls 'select(.params.text == "from a pipe") | .params.chat_id')" "@Channel" "to an @name, too"
send --chat 6 --topic 7 --text=x --wait
like "$STATUS $ERR" "^65 .*message thread not found" "in a topic, if there is such"
seq 2000 >"$TMP/in"
send --chat 6 --pre --silent --wait <"$TMP/in"
is "$STATUS" 0 "a long text is sent"
ok '[ "$(deliveries "select(.chat == 6) | .text" | tr -d "\n")" = "$(seq 2000 | tr -d "\n")" ]' "in as many messages as it takes, in order"
is "$(calls 'select(.method == "sendMessage" and (.params.chat_id | tostring) == "6" and .params.text != "x") | "\(.params.disable_notification) \(.params.entities | if type == "string" then fromjson else . end | .[0].type)"' | sort -u)" "true pre" "each silent, in monospace"
send --chat 6 --wait </dev/null
is "$STATUS $ERR $(stats .deliveries)" "0  $(deliveries .id 2>/dev/null | wc -l)" "nothing to say is nothing to send"

# Strangers.
for text in '--file=/etc/passwd' - 'a@b' '@x' '--' '-h' '{"method":"sendMessage"}'; do
	before=$(stats .deliveries)
	message 8 "$text"
	wait_for '[ "$(stats .deliveries)" -ge $((before + 2)) ]'
	is "$(deliveries 'select(.chat == 8) | "\(.method) \(.text)"' | tail -n 2)" "sendMessage $text
sendMessage $text" "'$text' is a text, also in a handler, which finds its runner"
done

# Files.
printf 'one' >"$TMP/a b\"ü%41.txt"
seq 100000 >"$TMP/two.txt"
send --chat 9 --file "$TMP/a b\"ü%41.txt" --file "$TMP/two.txt" --text='<b>both</b>' --html --wait
is "$STATUS $ERR" "0 " "files are sent"
is "$(deliveries 'select(.chat == 9) | "\(.method) \(.text // .caption // "-") \(.files[0].file_name) \(.files[0].cksum)"')" \
	"sendDocument <b>both</b> a b\"ü%41.txt $(cksum <"$TMP/a b\"ü%41.txt" | cut -d' ' -f1)
sendDocument - two.txt $(cksum <"$TMP/two.txt" | cut -d' ' -f1)" "each whole and under its name, the text as a caption"

# What becomes of it, for scripts.
chats '{"chat":11,"state":"blocked"}'
send --chat 11 --text=x --wait
like "$STATUS $ERR" "^77 tgrun: not delivered: .*bot was blocked" "--wait: who blocked the bot is 77"
send --chat 5 --html --text='<b' --wait
is "$STATUS $(texts 5)" "0 hello   world <b " "what is no HTML arrives as plain text"
script '{"method":"sendMessage","chat":12,"status":400,"description":"Bad Request: no"}'
send --chat 12 --text=x --wait --json
is "$STATUS $(jq -c '[.chat, .ok, .status, .code]' "$TMP/out")" '65 ["12",false,65,400]' "what was refused is 65, told in JSON"
script '{"method":"sendMessage","chat":13,"action":"reset","apply":true}'
send --chat 13 --text=x --on-unsure fail --wait
like "$STATUS" "^76\$" "of what nobody knows it is 76"
is "$(texts 13)" "x " "and it is not sent again"
script '{"method":"sendMessage","chat":14,"action":"flood","retry_after":1000}'
send --chat 14 --text=x --expire 1ms --wait
is "$STATUS $ERR" "64 tgrun: option '--expire': '1ms' is too short; at least 1s" "a message has a second at least"
send --chat 14 --text=x --expire 1s --wait
like "$STATUS $ERR" "^75 tgrun: not delivered: too old" "what came too late is 75"
script '{"method":"sendMessage","chat":15,"action":"flood","retry_after":1}'
send --chat 15 --text=x --wait
is "$STATUS $(texts 15)" "0 x " "a 429 is waited for"

# On disk means on disk.
script '{"method":"sendMessage","chat":16,"action":"flood","retry_after":2}'
send --chat 16 --text=first
send --chat 16 --text=second
is "$STATUS" 0 "it is taken while its chat must wait"
kill -KILL "$TGRUN_PID"
wait_tgrun
start_tgrun --handler "$TMP/bot"
wait_for '[ "$(texts 16)" = "first second " ]'
is "$(texts 16)" "first second " "and survives kill -9, in order"
stop_tgrun

# Full.
start_tgrun --handler "$TMP/bot" --outbox 1
wait_for '[ "$(grep -c polling "$TGRUN_LOG")" = 3 ]'
script '{"method":"sendMessage","chat":19,"action":"flood","retry_after":1000}'
send --chat 19 --text=x
send --chat 20 --text=y
like "$STATUS $ERR" "^73 .*the outbox is full: 1 messages wait, and nothing was stored" "a full outbox is 73"
stop_tgrun
start_tgrun --handler "$TMP/bot" --min-free 1000000G
wait_for '[ -S "$TMP/state/control" ] && "$TGRUN" status --state-dir "$TMP/state" >/dev/null 2>&1'
send --chat 20 --text=y
like "$STATUS $ERR" "^73 .*the disk is almost full .--min-free., and nothing was stored" "so is a full disk"
is "$(texts 20)" "" "and nothing of it is sent"
stop_tgrun
done_testing
