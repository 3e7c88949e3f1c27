# Goal: updates go to the handler of their route, each with a timeout and a mode of its own; routes share --concurrency, and one of workers goes
# on when others have taken all of it; hooks are told of failures; what is not wanted is not handled; what bypasses neither waits nor holds.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

DEADLINE=${DEADLINE:-60}
note_handler
for name in start buttons rest; do
	handler $name <<-EOT
		#!/bin/sh
		echo "$name \$TG_TEXT" >>"\$FLOW_MARK/seen"
		while [ -e "\$FLOW_MARK/hold.$name" ]; do sleep 0.05; done
		[ "\$TG_TEXT" != fail ] || { echo "no such thing" >&2; exit 65; }
		echo "$name ended \$TG_TEXT" >>"\$FLOW_MARK/seen"
	EOT
done
button() { # CHAT DATA
	push '{"callback_query":{"id":"1","data":"'"$2"'","from":{"id":'"$1"',"is_bot":false,"first_name":"u"},"message":{"message_id":1,"date":1,"chat":{"id":'"$1"',"type":"private"}}}}'
}
set -- --route "callback_query=$TMP/buttons" --route "/start=$TMP/start" --route "message=$TMP/rest" --handler "$TMP/note"
start_sandbox --no-penalties --first-id 1
message 1 /start
message 1 hello
button 1 yes
push '{"poll":{"id":"5","question":"q","options":[]}}'
run_tgrun "$@" --once
is "$STATUS $(grep -v ended "$TMP/seen" | sort | tr '\n' ';')" "0 buttons yes;end 4 poll:5 1 0 ;rest hello;start /start;start 4 poll:5 1 0 ;" \
	"the first match has it, and what matches nothing the handler itself"
ok '[ "$(grep -n "start ended" "$TMP/seen" | cut -d : -f 1)" -lt "$(grep -n "^rest hello" "$TMP/seen" | cut -d : -f 1)" ]' \
	"the order of a chat holds across routes"
: >"$TMP/seen"
printf '/start\nhello\n' | "$TGRUN" try "$@" >"$TMP/out" 2>&1
like "$? $(tail -n 1 "$TMP/out")" '^0 .*2 handled, 0 failed' "tgrun try has routes, too"
is "$(grep ended "$TMP/seen" | tr '\n' ';')" "start ended /start;rest ended hello;" "… which take what they take elsewhere"
: >"$TMP/seen"
"$TGRUN" try "$@" --updates tests/data/hello.jsonl >"$TMP/out" 2>&1
is "$? $(grep -c '^start ended /start' "$TMP/seen") $(grep -c '^buttons ended' "$TMP/seen") $(grep -c '^rest ended' "$TMP/seen")" \
	"0 $(jq -s 'map(select(.message.text // "" | startswith("/start"))) | length' tests/data/hello.jsonl) $(jq -s 'map(select(.callback_query)) | length' tests/data/hello.jsonl) $(
		jq -s 'map(select(.message and (.message.text // "" | startswith("/start") | not))) | length' tests/data/hello.jsonl)" "… also for updates of a file"
forget
like "$("$TGRUN" check "$@" --token 1:abcdef --api-url "$URL" --state-dir "$TMP/other" 2>&1)" "callback_query.*$TMP/buttons" "check shows the routes"

# A route that hangs.
forget
: >"$TMP/hold.start"
start_tgrun "$@" --concurrency 4
for chat in 1 2 3; do message $chat /start; done
wait_for '[ "$(seen "^start /start")" = 3 ]'
message 9 meanwhile
wait_for '[ "$(seen "^rest ended meanwhile")" = 1 ]'
is "$(seen "^rest ended meanwhile") $(seen "^start ended")" "1 0" "while a route hangs, another uses the slots that are left"
rm "$TMP/hold.start"
wait_for '[ "$(seen "^start ended")" = 3 ]'
stop_tgrun
cat >"$TMP/conf" <<EOT
handler = $TMP/rest
concurrency = 2
[route "/start"]
handler = $TMP/start
[route "callback_query"]
handler = $PWD/share/examples/worker.sh
workers = 1
EOT
forget
: >"$TMP/hold.start"
start_tgrun --config "$TMP/conf" --log-level debug
for chat in 1 2 3; do message $chat /start; done
wait_for '[ "$(seen "^start /start")" = 2 ] && [ "$(stats .pending)" = 0 ]'
button 9 pressed
wait_for 'logged "update [0-9.]*: [0-9]* bytes"'
is "$(seen "^start /start") $(grep -Ec "update [0-9.]*: [0-9]* bytes" "$TGRUN_LOG")" "2 1" "a worker handles its route's updates while others have taken all of --concurrency"
rm "$TMP/hold.start"
wait_for '[ "$(seen "^start ended")" = 3 ]'
is "$(seen "^start ended")" 3 "and what hung goes on"
stop_tgrun
cat >"$TMP/conf" <<EOT
handler = $TMP/rest
[route "/start"]
handler = $TMP/start
timeout = 1s
kill-after = 1s
[route "callback_query"]
handler = $PWD/share/examples/worker.sh
workers = 1
EOT
forget
: >"$TMP/hold.start"
start_tgrun --config "$TMP/conf" --timeout 60s --log-level debug
message 1 /start
message 2 hello
button 3 pressed
wait_for '[ "$(dead list --json | wc -l)" = 1 ] && [ "$(seen "rest ended")" = 1 ] && logged "update [0-9.]*: [0-9]* bytes"'
is "$(dead list --json | jq -r '"\(.update.message.text): \(.reason)"')" "/start: timed out after 1s" "a section of the config file gives a route its own timeout"
ok 'logged "update [0-9.]*: [0-9]* bytes"' "… and workers"
stop_tgrun
rm -f "$TMP/hold.start"
like "$(dead retry 1 2>&1; run_tgrun --config "$TMP/conf" --once; cat "$TMP/seen")" 'start ended /start' "a dead letter that is tried again goes to its route"

# Hooks.
handler hook <<'EOT'
#!/bin/sh
echo "hook speaks of $TG_TEXT" >&2
echo "$TG_ATTEMPT/$TG_MAX_ATTEMPTS $TG_KEY $((TG_DEADLINE - $(date +%s)))" >>"$FLOW_MARK/hooked"
printf '%s: %s|%s|%s|%s\n' "$1" "$TG_REASON" "${TG_STATUS-none}" "$TG_STDERR" "$(jq -r .message.text)" >>"$FLOW_MARK/seen"
exit 3
EOT
anew --no-penalties --first-id 1
: >"$TMP/seen"
: >"$TMP/hold.start"
message 1 fail
message 2 /start
message 3 fine
start_tgrun --handler "$TMP/rest" --route "/start=$TMP/start" --timeout 1s --kill-after 1s --on-error "$TMP/hook error" --on-timeout "$TMP/hook timeout"
wait_for '[ "$(seen "^error|^timeout")" = 2 ] && [ "$(seen "rest ended fine")" = 1 ]'
is "$(grep -E '^(error|timeout):' "$TMP/seen" | sort)" "error: exited with status 65|65|no such thing|fail
timeout: timed out after 1s|none||/start" "hooks get the update, the reason, the status and the last words"
is "$(sort "$TMP/hooked" | sed -E 's/(5[0-9]|60)$/a minute/' | tr '\n' ';')" "1/10 chat:1 a minute;1/10 chat:2 a minute;" \
	"… and all variables of the handler; a minute is the hook's own timeout"
wait_for 'logged "hook ended: exited with status 3"'
wait_for 'logged "hook speaks of fail"'
ok 'logged "info .*hook speaks of fail .*stream=stderr hook=on-error update=1"' "what a hook prints is logged as its own"
is "$(dead list --json | jq -r .attempts | tr '\n' ' ')" "1 1 " "a hook's own end changes nothing"
stop_tgrun
is "$STATUS" 0 "and the stop is clean"
rm "$TMP/hold.start"

# What is wanted.
anew --no-penalties --first-id 1
: >"$TMP/seen"
message 1 /start
message 1 hello
button 1 yes
run_tgrun --handler "$TMP/rest" --only /start,callback_query --once --log-level debug
is "$STATUS $(grep ended "$TMP/seen" | sort | tr '\n' ';')" "0 rest ended /start;rest ended yes;" "--only: these and no others"
is "$(stats .pending)" 0 "the others are acknowledged"
anew --no-penalties --first-id 1
: >"$TMP/seen"
message 1 /start
message 1 hello
run_tgrun --handler "$TMP/rest" --ignore /start --once
is "$STATUS $(grep ended "$TMP/seen" | tr '\n' ';')" "0 rest ended hello;" "--ignore: all but these"
run_tgrun --handler "$TMP/rest" --only message,poll --once
is "$(calls 'select(.method == "getUpdates") | .params.allowed_updates // empty' | tail -n 1 | jq -c 'if type == "string" then fromjson else . end | sort')" \
	'["message","poll"]' "where kinds alone decide, only those are asked for"

"$TGRUN" check --handler "$TMP/rest" --ignore poll --allowed-updates poll --token "$TOKEN" --api-url "$URL" --state-dir "$TMP/other" >"$TMP/out" 2>&1
is "$? $(grep -c "no kind of update is left" "$TMP/out")" "64 1" "where nothing would be left, that is refused"
run_tgrun --handler "$TMP/rest" --ignore poll,/start --allowed-updates message,poll,callback_query --once
is "$(calls 'select(.method == "getUpdates") | .params.allowed_updates // empty' | tail -n 1 | jq -c 'if type == "string" then fromjson else . end | sort')" \
	'["callback_query","message"]' "--ignore takes its kinds from --allowed-updates; a command is not the server's to decide"
anew --no-penalties --first-id 1
: >"$TMP/seen"
message 1 /start
message 1 hello
button 1 yes
run_tgrun --handler "$TMP/rest" --ignore callback_query,/start --once
is "$STATUS $(grep ended "$TMP/seen" | tr '\n' ';') $(stats .pending)" "0 rest ended hello; 0" "without --allowed-updates what is ignored comes, and is acknowledged"

# What bypasses.
anew --no-penalties --first-id 1
: >"$TMP/seen"
: >"$TMP/hold"
start_tgrun --handler "$TMP/note" --bypass /stop --concurrency 1
message 1 long
wait_for '[ "$(seen "^start.*long")" = 1 ]'
message 1 later
message 1 /stop
wait_for '[ "$(seen "^start.*/stop")" = 1 ]'
is "$(seen '^start')" 2 "what bypasses starts while its chat's handler runs and all slots are taken; what is behind it waits"
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 3 ]'
is "$(seen ^end)" 3 "then all are handled"
stop_tgrun
done_testing
