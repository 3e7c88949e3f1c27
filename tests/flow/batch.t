# Goal: --mode batch gives one process many updates as JSON lines, in order; all their keys are held until it ends; when it fails each is
# handed out again alone, and nobody but the guilty one is charged.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

DEADLINE=${DEADLINE:-60}
# One line for each process: the texts that it got; with its size and time of start and end.
handler batch <<'EOT'
#!/bin/sh
texts=$(jq -r .message.text | paste -sd ' ' -)
echo "start $TG_BATCH_SIZE: $texts" >>"$FLOW_MARK/seen"
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
case $texts in
*hang*)
	setsid sleep 1000 &
	echo $! >"$FLOW_MARK/child"
	sleep 1000
	;;
*die*) echo "last words" >&2 && exit 65 ;;
*busy*) [ -e "$FLOW_MARK/free" ] || exit 75 ;;
esac
echo "end $TG_BATCH_SIZE: $texts" >>"$FLOW_MARK/seen"
EOT
fresh() {
	anew --no-penalties --first-id 1
	rm -f "$TMP/hold"
	: >"$TMP/seen"
}

fresh
for n in 1 2 3 4 5 6 7; do message $((n % 3 + 1)) "n$n"; done
run_tgrun --handler "$TMP/batch" --mode batch --batch-size 5 --batch-wait 0 --concurrency 1 --once --log-level debug
is "$STATUS $(grep ^end "$TMP/seen")" "0 end 5: n1 n2 n3 n4 n5
end 2: n6 n7" "batches of --batch-size, in order"
is "$(grep ' handled ' "$TGRUN_LOG" | grep -o 'update=[0-9]*' | tr '\n' ' ')" \
	"update=1 update=2 update=3 update=4 update=5 update=6 update=7 " "each update of a batch is logged by its number"

# A batch that is not full waits for more, no longer than --batch-wait.
fresh
start_tgrun --handler "$TMP/batch" --mode batch --batch-size 3 --batch-wait 60s --concurrency 3
message 1 a
message 2 b
wait_for '[ "$(stats .pending)" = 0 ]'
is "$(seen .)" 0 "two of three wait for the third"
message 3 c
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(cat "$TMP/seen")" "start 3: a b c
end 3: a b c" "it makes the batch full"

# All keys of a batch are held until it ends; other chats go on.
: >"$TMP/hold"
: >"$TMP/seen"
for chat in 1 2 3; do message $chat first; done
wait_for '[ "$(seen ^start)" = 1 ]'
for chat in 4 5 6; do message $chat other; done
wait_for '[ "$(seen ^start)" = 2 ]'
for chat in 1 2 3; do message $chat second; done
wait_for '[ "$(stats .pending)" = 0 ]'
is "$(cat "$TMP/seen")" "start 3: first first first
start 3: other other other" "a batch's chats wait for it though a slot is free, other chats do not"
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 3 ]'
is "$(grep -v other "$TMP/seen" | tail -n 3)" "end 3: first first first
start 3: second second second
end 3: second second second" "… and go on when it has ended"
stop_tgrun

# What cannot join is nobody to wait for less: a chat's updates behind a batch that runs make no other batch full.
fresh
: >"$TMP/hold"
start_tgrun --handler "$TMP/batch" --mode batch --batch-size 3 --batch-wait 60s --concurrency 3
for text in a1 a2 a3 a4 a5 a6; do message 1 "$text"; done
wait_for '[ "$(seen ^start)" = 1 ]'
message 2 b1
message 3 c1
wait_for '[ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .waiting)" = 5 ]'
message 4 d1
wait_for '[ "$(seen ^start)" = 2 ]'
is "$(tail -n 1 "$TMP/seen")" "start 3: b1 c1 d1" "what waits for a batch that runs does not count for the next, which waits until it is full"
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 3 ]'
is "$(seen 'end 3: a4 a5 a6')" 1 "… and is a batch of its own afterwards"
stop_tgrun
# What bypasses waits for a batch of its own, and does not make the others wait longer.
fresh
: >"$TMP/hold"
start_tgrun --handler "$TMP/batch" --mode batch --batch-size 3 --batch-wait 4s --concurrency 3 --bypass /stop
message 1 first
at=$(date +%s)
wait_for '[ $(($(date +%s) - at)) -ge 3 ]'
message 1 /stop
wait_for '[ "$(stats .pending)" = 0 ] && [ "$(seen ^start)" -ge 1 ]'
is "$(cat "$TMP/seen")" "start 1: first" "the wait of what bypasses is its own"
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 2 ]'
is "$(seen '^end 1: /stop')" 1 "… and ends, too"
stop_tgrun
fresh
message 1 lonely
run_tgrun --handler "$TMP/batch" --mode batch --batch-size 100 --batch-wait 200ms --max-runtime 60s --once
is "$STATUS $(grep ^end "$TMP/seen")" "0 end 1: lonely" "--batch-wait ends the wait"

# Failures.
fresh
message 1 good
message 2 die
message 3 fine
message 2 after
run_tgrun --handler "$TMP/batch" --mode batch --batch-size 3 --batch-wait 0 --concurrency 1 --once
is "$STATUS $(grep -c '^end 1: good' "$TMP/seen") $(grep -c '^end 1: fine' "$TMP/seen") $(grep -c '^end.*after' "$TMP/seen")" "0 1 1 1" \
	"after a failure each of a batch is handed out alone"
is "$(dead list --json | jq -r '"\(.update_id) \(.update.message.text): \(.reason), \(.attempts), \(.stderr)"')" \
	"2 die: exited with status 65: last words, 1, last words" "only the guilty one is a dead letter, charged once"
# The two may fall due in different milliseconds, and then no longer share a batch; what waits for one may join it, not overtake it.
fresh
message 1 busy1
message 2 busy2
message 2 after
start_tgrun --handler "$TMP/batch" --mode batch --batch-size 2 --batch-wait 0 --concurrency 1 --retry-delay 20ms --max-attempts 100000
wait_for '[ "$(seen "^start.*busy1")" -ge 3 ] && [ "$(seen "^start.*busy2")" -ge 3 ]'
is "$(head -n 1 "$TMP/seen") $(grep after "$TMP/seen" | grep -vc 'busy2 after') $(seen ^end)" "start 2: busy1 busy2 0 0" \
	"75 has all of a batch tried again, and their chats wait"
: >"$TMP/free"
wait_for '[ "$(seen "^end.*after")" = 1 ] && [ "$(seen "^end.*busy1")" = 1 ]'
is "$(grep '^end' "$TMP/seen" | sed 's/.*: //' | tr ' ' '\n' | sort | paste -sd ' ' -) $(grep '^end' "$TMP/seen" | grep -o 'busy2\|after' | paste -sd ' ' -)" \
	"after busy1 busy2 busy2 after" "… and then all is handled, in order"
stop_tgrun
fresh
message 1 good
message 2 hang
start_tgrun --handler "$TMP/batch" --mode batch --batch-size 2 --batch-wait 0 --timeout 1s --kill-after 1s
wait_for '[ "$(dead list --json | wc -l)" = 1 ]'
is "$(dead list --json | jq -r '"\(.update.message.text): \(.reason)"') $(seen '^end 1: good')" "hang: timed out after 1s 1" "a timeout is the guilty one's"
wait_for '! kill -0 "$(cat "$TMP/child")" 2>/dev/null'
ok '! kill -0 "$(cat "$TMP/child")" 2>/dev/null' "all that it started is killed"
stop_tgrun
done_testing
