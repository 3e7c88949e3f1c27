# Goal: with --allow-user and --allow-chat others find no bot: their updates are taken from the server, counted and left alone, each of them told of
# once an hour; a route may have its own lists; a reload takes new ones over; what cannot be an id is refused.
# shellcheck shell=sh disable=SC2016,SC2034,SC2120
. tests/flow/lib.sh

note_handler
button() { # CHAT USER
	push '{"callback_query":{"id":"1","data":"pressed","from":{"id":'"$2"',"is_bot":false,"first_name":"u"},"message":{"message_id":1,"date":1,"chat":{"id":'"$1"',"type":"supergroup"}}}}'
}
figure() { # NAME, of the status
	"$TGRUN" status --json --state-dir "$TMP/state" | jq ".$1"
}
texts() { # what was handled, sorted
	sed -n 's/^end .* //p' "$TMP/seen" | sort | tr '\n' ' '
}

start_sandbox --no-penalties --first-id 1
message 42 mine
message 666 theirs
message 666 theirs-again
message -1009 group 666
message -1008 other-group 42
message -1007 no-group 667
button -1009 666
push '{"inline_query":{"id":"q","from":{"id":42,"is_bot":false,"first_name":"u"},"query":"asked","offset":""}}'
push '{"poll":{"id":"5","question":"q","options":[]}}'
start_tgrun --handler "$TMP/note" --allow-user 41,42 --allow-chat -1009
wait_for '[ "$(seen ^end)" = 5 ] && [ "$(stats .pending)" = 0 ]'
is "$(texts)" "asked group mine other-group pressed " "those who are named are handled, by their user or by their chat"
is "$(figure strangers) $(figure waiting) $(figure dead_letters) $(figure ignored)" "4 0 0 0" "all others are acknowledged and counted, and nothing of them is kept"
is "$(grep -c 'left alone' "$TGRUN_LOG") $(grep -c 'left alone.*user 666 in chat 666' "$TGRUN_LOG")" "3 1" "each stranger is told of once"
like "$(cat "$TGRUN_LOG")" "left alone.*user 667 in chat -1007.*once an hour" "… with the ids that would let them in"
like "$(cat "$TGRUN_LOG")" "left alone.*neither a user nor a chat" "what is nobody's is left alone, too"
like "$("$TGRUN" status --state-dir "$TMP/state")" "4 of strangers" "the status tells how many"
stop_tgrun
is "$STATUS" 0 "and the end is a good one"

# An hour later, on a clock that runs faster; and more strangers than are remembered.
machine MACHINE_SPEED=500
anew --no-penalties --first-id 1
start_tgrun --handler "$TMP/note" --allow-user 42
message 666 theirs
wait_for 'logged "left alone"'
wait_for 'message 666 again; [ "$(grep -c "left alone" "$TGRUN_LOG")" = 2 ]'
is "$(grep -c 'left alone' "$TGRUN_LOG")" 2 "an hour later a stranger is told of again"
stop_tgrun
machine
anew --no-penalties --first-id 1
generate 3000 3000
start_tgrun --handler "$TMP/note" --allow-user 42
wait_for '[ "$(stats .pending)" = 0 ] && [ "$(figure strangers)" = 3000 ]'
is "$(figure strangers) $(figure waiting)" "3000 0" "however many strangers write, none is handled"
stop_tgrun

# A route of its own.
handler admin <<'EOT'
#!/bin/sh
echo "end admin $TG_TEXT" >>"$FLOW_MARK/seen"
EOT
cat >"$TMP/conf" <<EOT
handler = $TMP/note
[route "/admin"]
handler = $TMP/admin
allow-user = 42
allow-chat = -1009
EOT
anew --no-penalties --first-id 1
: >"$TMP/seen"
message 42 /admin
message 666 /admin
message -1009 '/admin group' 666
message 666 hello
run_tgrun --config "$TMP/conf" --once
is "$STATUS $(texts)" "0 /admin group hello " "a route's lists are for its own updates; the rest is for everybody"
sed -i '1a allow-user = 666' "$TMP/conf"
anew --no-penalties --first-id 1
: >"$TMP/seen"
message 42 /admin
message 42 hello
message 666 /admin
message 666 hi
run_tgrun --config "$TMP/conf" --once
is "$STATUS $(texts)" "0 /admin hi " "they take the place of the general ones, which hold for the rest"

# A reload.
cat >"$TMP/conf" <<EOT
handler = $TMP/note
allow-user = 42
EOT
anew --no-penalties --first-id 1
: >"$TMP/seen"
start_tgrun --config "$TMP/conf"
message 43 before
wait_for 'logged "left alone.*43"'
echo "allow-user = 43" >>"$TMP/conf"
kill -HUP "$TGRUN_PID"
wait_for 'logged "configuration reloaded"'
message 43 after
message 42 still
wait_for '[ "$(seen ^end)" = 2 ]'
is "$(texts)" "after still " "a reload takes over who is allowed"
stop_tgrun

# Another source.
printf '{"update_id":%s,"message":{"message_id":1,"date":0,"text":"%s","chat":{"id":%s,"type":"private"},"from":{"id":%s}}}\n' \
	1 mine 42 42 2 theirs 666 666 >"$TMP/updates"
: >"$TMP/seen"
"$TGRUN" --source "$TMP/updates" --store memory --handler "$TMP/note" --allow-user 42 >"$TMP/tgrun.log" 2>&1
is "$? $(texts)" "0 mine " "a file's updates are looked at, too"
: >"$TMP/seen"
echo 'allow-user = 42' >>"$TMP/conf"
is "$(echo hello | "$TGRUN" try --config "$TMP/conf" 2>&1 | tail -n 1)" "1 handled, 0 failed" "who tries a bot is nobody in particular, and is handled"

# Words.
words() { # ERE WHAT OPTION…
	pattern=$1 what=$2
	shift 2
	"$TGRUN" "$@" --handler "$TMP/note" --token "$TOKEN" >"$TMP/out" 2>&1
	is "$?" 64 "$what is refused"
	like "$(cat "$TMP/out")" "$pattern" "… and said"
}
words "'--allow-user': '@alice' is no id.*the log tells the id" "a name" --allow-user 42,@alice
words "'-1009' is a chat.*--allow-chat" "a group among the users" --allow-user -1009
words "'--allow-chat': 'x' is no id" "no chat" --allow-chat=x
printf 'handler = x\n[route "/a"]\nhandler = x\nallow-user = bob\n' >"$TMP/conf"
words "line 4: allow-user: 'bob' is no id" "a name in a section" --config "$TMP/conf"

# The check.
check() {
	"$TGRUN" check --handler "$TMP/note" --token "$TOKEN" --api-url "$URL" --state-dir "$TMP/state" "$@" 2>&1
}
like "$(check)" '^note +whoever finds the bot may use it' "check notes that everybody may use the bot"
ok '! check --allow-user 42 | grep -q "whoever finds"' "… and is silent where somebody is named"
done_testing
