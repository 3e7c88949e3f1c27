# Goal: tgrun send --chats brings one message to many chats: all of a list or none, behind what is sent to single chats, and it tells which got it.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

send() { # WORD…: $ERR, $STATUS
	TGRUN_TOKEN=$TOKEN "$TGRUN" send --state-dir "$TMP/state" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
	STATUS=$?
	ERR=$(cat "$TMP/err")
}
outbox() {
	"$TGRUN" outbox "$@" --state-dir "$TMP/state"
}

start_sandbox
start_tgrun --handler true --rate bulk=0,chat=0
wait_for 'logged polling'

# A list.
printf '%s\n' 21 '' ' 22 ' '# our friends' 23 21 22 >"$TMP/list"
send --chats "$TMP/list" --text=news --wait --json
is "$STATUS $ERR" "0 " "a list of chats is sent to"
is "$(jq -c '[.chat, .ok]' "$TMP/out" | tr '\n' ' ')" '["21",true] ["22",true] ["23",true] ' "a line for each, in the order of the list"
is "$(deliveries 'select(.text == "news") | .chat' | sort | tr '\n' ' ')" "21 22 23 " "and each gets it once, however often it is named"
printf '21\n2x\n' >"$TMP/list"
send --chats "$TMP/list" --text=never
like "$STATUS $ERR" "^64 .*'.*/list', line 2: '2x' is no chat" "a list with a line that is none is refused"
send --chats /dev/null --text=never
like "$STATUS $ERR" "^64 .*there is no chat in '/dev/null'" "and one without any"
send --chats "$TMP/list" --chat 5 --text=never
is "$STATUS" 64 "one chat or many"

# Some do not get it. Long, with a file, in html that cannot be parsed: as for one chat.
chats '{"chat":32,"state":"blocked"}'
printf '31\n32\n33\n' >"$TMP/list"
send --chats "$TMP/list" --html --text="<b>$(seq 1500)" --file "$TMP/list" --wait --json
is "$STATUS $ERR" "1 tgrun: 1 of 3 were not delivered; 'tgrun outbox list' tells why" "one who blocked the bot does not get it"
is "$(jq -c '[.chat, .ok, .status, .code]' "$TMP/out" | tr '\n' ' ')" '["31",true,null,null] ["32",false,77,403] ["33",true,null,null] ' "and is named, with the reason"
for chat in 31 33; do
	ok '[ "$(deliveries "select(.chat == $chat) | .text // empty" | tr -d "\n")" = "<b>$(seq 1500 | tr -d "\n")" ]' "$chat has all of it, as plain text"
	is "$(deliveries "select(.chat == $chat) | .files[0].file_name // empty")" list "$chat has the file"
done
is "$(outbox list --json | jq -r '"\(.chat) \(.calls)"')" "32 3" "what failed is one entry"
chats '{"chat":32,"state":"open"}'
outbox retry --all >/dev/null
wait_for '[ "$(deliveries "select(.chat == 32) | .files[0].file_name // empty")" = list ]'
is "$(deliveries 'select(.chat == 32) | .method' | tr '\n' ' ')" "sendMessage sendMessage sendDocument " "and can be sent again, from what is stored once"
wait_for '[ -z "$(outbox list --json)" ]'

# Behind what is sent to one, at the rate of bulk, which a restart does not begin anew.
stop_tgrun
start_tgrun --handler true --rate bulk=20/s
wait_for '[ "$(grep -c polling "$TGRUN_LOG")" = 2 ]'
seq 1000 1199 >"$TMP/list"
send --chats "$TMP/list" --text=bulk
is "$STATUS" 0 "many are stored at once"
wait_for '[ "$(stats .deliveries)" -gt 20 ]'
send --chat 7 --text=urgent --wait
is "$STATUS" 0 "a single message"
ok '[ "$(outbox list --json | wc -l)" -gt 20 ]' "does not wait for them"
kill -KILL "$TGRUN_PID"
wait_tgrun
start_tgrun --handler true --rate bulk=100/s
wait_for '[ -z "$(outbox list --json)" ]'
is "$(deliveries 'select(.text == "bulk") | .chat' | sort -u | wc -l)" 200 "each of them gets it, over kill -9"
ok '[ "$(deliveries "select(.text == \"bulk\") | .chat" | wc -l)" -le $((200 + $(grep -c "may arrive twice" "$TGRUN_LOG"))) ]' "twice only who was warned of"
stop_tgrun
done_testing
