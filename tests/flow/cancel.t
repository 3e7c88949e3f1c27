# Goal: tgrun cancel ends what runs, and nothing else: the updates that it names are settled as cancelled, without a failure, a dead letter, another
# attempt or a reply; the caller's own is never among them; what shared a process with them comes again.
# shellcheck shell=sh disable=SC2016,SC2034,SC2119,SC2120,SC2317
. tests/flow/lib.sh

# A handler writes down that it begins and ends, and waits while $TMP/hold is there; a text `stop` cancels the rest of its chat.
handler note <<'EOT'
#!/bin/sh
echo "begin $TG_NUMBER $TG_TEXT" >>"$FLOW_MARK/seen"
case $TG_TEXT in
stop) tgrun cancel 2>>"$FLOW_MARK/said"; echo "status $?" >>"$FLOW_MARK/seen" ;;
stubborn) trap '' TERM; setsid sleep 1000 & echo $! >"$FLOW_MARK/pid"; while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done ;;
*) while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done ;;
esac
echo "end $TG_NUMBER $TG_TEXT" >>"$FLOW_MARK/seen"
echo "answer to $TG_TEXT"
EOT
handler batch <<'EOT'
#!/bin/sh
jq -r '.message.text' | tr '\n' ' ' | sed 's/^/batch: /' >>"$FLOW_MARK/seen"
echo >>"$FLOW_MARK/seen"
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
EOT
handler worker <<'EOT'
#!/bin/sh
echo '{"ready":true,"concurrency":3}' >&3
while read -r line; do
	id=$(printf '%s' "$line" | jq -r .id) text=$(printf '%s' "$line" | jq -r .update.message.text)
	echo "given $text" >>"$FLOW_MARK/seen"
	[ "$(printf '%s' "$line" | jq .redelivered)" = false ] || echo "{\"id\":\"$id\",\"ok\":true}" >&3
done
EOT
PATH=$PWD/$BUILD:$PATH
cancel() { "$TGRUN" cancel --state-dir "$TMP/state" "$@"; }
status() { "$TGRUN" status --json --state-dir "$TMP/state" | jq -r "$1"; }
# `begin` anew: a sandbox, no state, and handlers that wait.
begin() {
	anew
	: >"$TMP/seen"
	: >"$TMP/hold"
}
runs() { # COUNT
	wait_for '[ "$(status .running_count)" = '"$1"' ]'
}

start_sandbox
begin
start_tgrun --reply text --kill-after 500ms --concurrency 8 --handler "$TMP/note"
for chat in 1 2 3 4; do message $chat "x$chat"; done
message 1 waits
runs 4
wait_for '[ "$(seen begin)" = 4 ]'
number=$(sed -n 's/begin \([0-9]*\) x2/\1/p' "$TMP/seen")
is "$(cancel "$number" 999 2>&1; echo $?)" 0 "by its number an update is cancelled, and nothing is printed"
runs 3
is "$(cancel --key chat:3 2>&1; echo $?)" 0 "by its key"
runs 2
is "$(cancel --chat 4 2>&1; echo $?)" 0 "by its chat"
runs 1
is "$(cancel --chat 4 --chat 3 2>&1; echo $?) $(cancel --key chat:77; echo $?)" "0 0" "where nothing runs, nothing is said either"
is "$(cancel "$((number + 3))" 2>&1; echo $?) $(status .waiting)" "0 1" "what waits is left alone"
is "$(status '"\(.cancelled) \(.failed) \(.retried) \(.dead) \(.interrupted) \(.done) \(.dropped)"')" "3 0 0 0 0 0 0" "they count as cancelled, and as nothing else"
is "$(grep -c ' info  cancelled  .*key=chat:[234]' "$TGRUN_LOG")" 3 "a line of the log tells of each"
rm "$TMP/hold"
wait_for '[ "$(deliveries .text | wc -l)" = 2 ]'
stop_tgrun
is "$STATUS $(deliveries .text | sort | tr '\n' ,) $(grep -c ' warn \| error ' "$TGRUN_LOG")" "0 answer to waits,answer to x1, 0" "the others are handled and answered, and they alone"
is "$(seen begin) $(seen end)" "5 2" "and none of the cancelled was tried again"

# One that heeds no SIGTERM, and what it started.
begin
start_tgrun --kill-after 300ms --handler "$TMP/note"
message 1 stubborn
message 1 next
wait_for '[ "$(seen begin)" = 1 ]'
cancel --chat 1
wait_for '[ "$(seen "begin .* next")" = 1 ]'
ok '! kill -0 "$(cat "$TMP/pid")" 2>/dev/null' "the next of its chat begins when all that it started is gone"
is "$(status .cancelled)" 1 "SIGKILL ended it"
rm "$TMP/hold"
stop_tgrun

# The stop button, as the manual writes it.
begin
start_tgrun --reply text --concurrency 8 --bypass /cancel --route '/cancel=tgrun cancel' --handler "$TMP/note"
message 1 long
message 2 other
wait_for '[ "$(seen begin)" = 2 ]'
message 1 /cancel
wait_for '[ "$(status "\"\(.cancelled) \(.done)\"")" = "1 1" ]'
is "$(status '[.running[].key] | join(",")')" "chat:2" "a stop button ends what runs for its chat, and not itself"
message 1 after
wait_for '[ "$(seen "begin .* after")" = 1 ]'
message 1 /cancel
message 3 /cancel
wait_for '[ "$(status "\"\(.cancelled) \(.done)\"")" = "2 3" ]'
is "$(status '[.running[].key] | join(",")')" "chat:2" "again and again, and where nothing runs"
rm "$TMP/hold"
stop_tgrun
is "$(deliveries .text)" "answer to other" "and answers nothing"

# A handler of its own chat, whatever keeps the order.
begin
start_tgrun --reply text --key none --concurrency 8 --handler "$TMP/note"
message 1 one
message 1 two
message 2 other
wait_for '[ "$(seen begin)" = 3 ]'
message 1 stop
wait_for '[ "$(status "\"\(.cancelled) \(.done)\"")" = "2 1" ]'
is "$(seen 'status 0') $(cat "$TMP/said")" "1 " "in a handler it is the handler's own chat, without a word"
is "$(status .running_count)" 1 "and no other"
rm "$TMP/hold"
wait_for '[ "$(deliveries .text | wc -l)" = 2 ]'
is "$(deliveries .text | sort | tr '\n' ,)" "answer to other,answer to stop," "who cancelled is answered"
stop_tgrun

# A business chat with the same person is another chat.
begin
start_tgrun --key none --concurrency 8 --handler "$TMP/note"
push '{"business_message":{"message_id":1,"date":0,"business_connection_id":"C","text":"business","chat":{"id":1,"type":"private"},"from":{"id":1,"is_bot":false,"first_name":"u"}}}'
message 1 private
wait_for '[ "$(seen begin)" = 2 ]'
message 1 stop
wait_for '[ "$(status "\"\(.cancelled) \(.done)\"")" = "1 1" ]'
is "$(sed -n "s/begin $(status '.running[].number') //p" "$TMP/seen")" business "a business chat with the same person is another chat"
cancel --chat 1
push '{"business_message":{"message_id":2,"date":0,"business_connection_id":"C","text":"stop","chat":{"id":1,"type":"private"},"from":{"id":1,"is_bot":false,"first_name":"u"}}}'
wait_for '[ "$(status "\"\(.cancelled) \(.done)\"")" = "2 2" ]'
is "$(status .running_count)" 0 "… also by its id; in it a stop means it"
stop_tgrun

# A batch: the others of it come again.
begin
start_tgrun --mode batch --batch-size 3 --batch-wait 5m --key none --kill-after 300ms --handler "$TMP/batch"
message 1 a
message 2 b
message 3 c
wait_for '[ "$(seen "^batch: ")" = 1 ]'
cancel --chat 2
wait_for '[ "$(status .cancelled)" = 1 ]'
rm "$TMP/hold"
is "$(status '"\(.failed) \(.dead) \(.interrupted)"')" "0 0 2" "of a batch one is cancelled, and the others were interrupted"
message 4 d
wait_for '[ "$(seen "^batch: ")" = 2 ]'
is "$(tail -n 1 "$TMP/seen" | tr ' ' '\n' | sort | tr '\n' ' ')" " a batch: c d " "these come again, and not alone"
stop_tgrun

# Workers; this one answers what comes again.
begin
start_tgrun --workers 1 --key none --kill-after 300ms --handler "$TMP/worker"
message 1 a
message 2 b
wait_for '[ "$(seen given)" = 2 ]'
cancel --chat 1
wait_for '[ "$(status "\"\(.cancelled) \(.done)\"")" = "1 1" ]'
is "$(tr '\n' , <"$TMP/seen")" "given a,given b,given b," "of a worker's updates one is cancelled; the other comes again"
is "$(status '"\(.failed) \(.dead) \(.routes[0].deaths)"')" "0 0 0" "and nobody is to blame"
stop_tgrun

# While it stops.
begin
start_tgrun --shutdown-timeout 60s --handler "$TMP/note"
message 1 a
message 2 b
wait_for '[ "$(seen begin)" = 2 ]'
"$TGRUN" stop --state-dir "$TMP/state"
is "$(cancel --chat 1; echo $?)" 0 "while tgrun stops"
runs 1
rm "$TMP/hold"
wait_tgrun
is "$STATUS $(seen 'end .* a') $(seen 'end .* b')" "0 0 1" "what is cancelled is settled, and the stop goes on"
: >"$TMP/seen"
run_tgrun --once --handler "$TMP/note"
is "$(seen begin)" 0 "and nothing of it comes again"

# One that has its turn, and whose start cannot be written down. (What is put under tgrun goes before the sanitizer's library.)
case $BUILD in *asan*) ;; *)
	begin
	LD_PRELOAD=$PWD/$BUILD/tools/failing.so FAILING_SITES=$TMP/sites FAILING="runner:write:*:0:30" FAILING_WHILE=$TMP/refuse FAILING_LOG=$TMP/failed \
		start_tgrun --mode batch --batch-size 3 --batch-wait 0 --key none --concurrency 1 --bypass /never --handler "$TMP/batch"
	wait_for '[ -S "$TMP/state/control" ]'
	"$TGRUN" pause --state-dir "$TMP/state"
	for chat in 1 2 3; do message $chat "x$chat"; done
	wait_for '[ "$(status .waiting)" = 3 ]'
	: >"$TMP/refuse"
	"$TGRUN" resume --state-dir "$TMP/state"
	wait_for '[ "$(status .store_failing)" = true ]'
	is "$(cancel --chat 1; echo $?) $(status .cancelled)" "0 1" "what has its turn and is not started yet is cancelled at once"
	rm "$TMP/refuse"
	wait_for '[ -s "$TMP/seen" ]'
	is "$(cat "$TMP/seen")" "batch: x2 x3 " "and never starts; the rest of its batch does, together"
	message 4 x4
	wait_for '[ "$(status .waiting)" = 1 ]'
	is "$(status .running_count)" 2 "and counts as one process"
	rm "$TMP/hold"
	wait_for '[ "$(status .done)" = 3 ]'
	stop_tgrun
	is "$STATUS" 0 "and all ends well"
	;;
esac

# Without a runner, and what cannot be meant.
is "$(cancel 1 2>/dev/null; echo $?) $("$TGRUN" pause --state-dir "$TMP/state" 2>/dev/null; echo $?)" "69 69" "without a runner it says so, as the others do"
is "$(cancel 2>/dev/null; echo $?)$(cancel 1 --chat 2 2>/dev/null; echo $?)$(cancel --chat x 2>/dev/null; echo $?)$(cancel x 2>/dev/null; echo $?)" 64646464 "what names nothing, or two things, or no number, is a mistake"
is "$(TG_CHAT_ID=1 TG_NUMBER=1 TG_STATE_DIR=/tmp cancel 2>/dev/null; echo $?)" 64 "a handler of another tgrun has no chat here"
done_testing
