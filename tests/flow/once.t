# Goal: --once handles all that is due, also what arrives meanwhile, and then ends; fetching goes on while handlers are busy, up to --backlog.
# shellcheck shell=sh disable=SC2016,SC2034,SC2030,SC2031 # TMP is another one in a subshell, on purpose
. tests/flow/lib.sh

note_handler
start_sandbox --no-penalties --first-id 1
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen .)" "0 0" "--once with nothing to do ends with 0"
generate 250 10
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen ^end) $(stats .pending)" "0 250 0" "more than one batch: all of it"

# Updates that arrive meanwhile.
forget
: >"$TMP/hold"
message 7 first
start_tgrun --handler "$TMP/note" --once
wait_for '[ "$(seen ^start)" = 1 ]'
message 8 meanwhile
wait_for '[ "$(seen "^start.*meanwhile")" = 1 ]'
rm "$TMP/hold"
wait_tgrun
is "$STATUS $(seen '^end.*meanwhile')" "0 1" "what arrives while handlers run is handled too"

# What is due later stays.
handler later <<'EOT'
#!/bin/sh
exit 75
EOT
forget
message 7 a
message 7 b
run_tgrun --handler "$TMP/later" --once --retry-delay 5m
is "$STATUS $(grep -c 'to be tried again' "$TGRUN_LOG")" "0 1" "what is to be tried again later is not waited for, nor what waits behind it"
like "$(grep ' stopped ' "$TGRUN_LOG")" 'waiting=2 dead_letters=0' "… and both are kept"

# A handler that fails on everything, or that cannot be started: the end, and the rest is kept.
handler broken <<'EOT'
#!/bin/sh
echo x >>"$FLOW_MARK/ran"
exit 1
EOT
broken() { # UPDATES CHATS
	forget
	: >"$TMP/ran"
	generate "$1" "$2"
	run_tgrun --handler "$TMP/broken" --once
	left=$(sed -n 's/.* stopped .* waiting=\([0-9]*\) .*/\1/p' "$TGRUN_LOG")
	dead=$(dead list --json | wc -l)
	is "$STATUS $dead $((dead + left))" "1 19 $1" "--once and a handler that fails on everything, $2 chats: 1, and what --breaker keeps is kept"
	ok '[ "$(wc -l <"$TMP/ran")" -lt 40 ]' "… it does not go on trying ($(wc -l <"$TMP/ran") times)"
	like "$(cat "$TGRUN_LOG")" 'error .*the handler fails on everything: with --once this is the end' "… and the log says why"
}
broken 100 50
broken 100 24
: >"$TMP/seen"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen ^end)" "0 81" "the next run handles the rest"

machine MACHINE_SPEED=20
# (It is not deleted: a shell that was started a moment before would not find it, and that is a failure.)
handler gone <<'EOT'
#!/bin/sh
chmod -x "$0"
EOT
forget
generate 50 25
run_tgrun --handler "$TMP/gone" --once
is "$STATUS $(dead list --json | wc -l)" "1 0" "--once and a handler that cannot be executed any more: 1, and nothing is buried"
like "$(cat "$TGRUN_LOG")" 'error .*the handler cannot be started: with --once this is the end' "… and the log says why"
handled=$(grep -c ' handled ' "$TGRUN_LOG")
: >"$TMP/seen"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(($(seen ^end) + handled))" "0 50" "… and the next run handles what was kept"
machine

# Nothing may be fetched, and nothing will change that: what is stored is handled, and that is the end.
forget
message 7 unfetched
run_tgrun --handler "$TMP/note" --once --min-free 900G
is "$STATUS $(seen ^end) $(stats .pending)" "74 0 1" "--once with less room than --min-free: 74, and nothing is fetched"
like "$(cat "$TGRUN_LOG")" 'error .*the disk is almost full.*: with --once this is the end' "… and the log says why"
: >"$TMP/hold"
start_tgrun --handler "$TMP/note" --poll-timeout 1 --shutdown-timeout 0
wait_for '[ "$(seen ^start)" = 1 ]'
stop_tgrun
rm "$TMP/hold"
: >"$TMP/seen"
message 7 later
run_tgrun --handler "$TMP/note" --once --min-free 900G
is "$STATUS $(seen '^end.*unfetched') $(seen later)" "74 1 0" "… what was stored before is handled"
printf '%s\n' '{"update_id":1,"message":{"message_id":1,"date":0,"text":"x","chat":{"id":1,"type":"private"}}}' >"$TMP/updates"
run_tgrun --source "$TMP/updates" --handler "$TMP/note" --once --min-free 900G
is "$STATUS" 74 "… with a file, too"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen '^end.*later')" "0 1" "… and with room the rest is handled"
forget
generate 5 5
run_tgrun --handler "$TMP/later" --once --backlog 2 --limit 2 --retry-delay 5m
is "$STATUS" 1 "--once and a backlog full of what is to be tried again later: 1"
like "$(cat "$TGRUN_LOG")" 'error .*the backlog is full of updates.*: with --once this is the end' "… and the log says why"
forget
anew --no-penalties --first-id 1

# No server: 30 s unless said otherwise.
forget
script '{"method":"getUpdates","status":502,"body":"x","times":-1}'
run_tgrun --handler "$TMP/note" --once --give-up-after 1s
is "$STATUS" 69 "--once without an answer gives up: 69"
stop_sandbox
start_sandbox --no-penalties --first-id 1

# Fetching goes on while every slot is busy.
forget
: >"$TMP/hold"
start_tgrun --handler "$TMP/note" --concurrency 1 --poll-timeout 20 --backlog 250 --limit 10
message 7 busy
wait_for '[ "$(seen ^start)" = 1 ]'
generate 150 5
wait_for '[ "$(stats .pending)" = 0 ] && [ "$(stats .offset)" = 152 ]'
is "$(seen ^start) $(stats .offset)" "1 152" "updates are fetched while the only slot is busy"

# … up to --backlog.
generate 600 5
wait_for 'logged "the backlog is full"'
asked=$(stats .polls)
pending=$(stats .pending)
ok '[ "$pending" -ge 300 ]' "a full backlog pauses polling: $pending stay at Telegram"
kill -USR1 "$TGRUN_PID"
wait_for 'logged " figures "'
is "$(stats .polls)" "$asked" "… and nothing is asked meanwhile"
like "$(grep ' figures ' "$TGRUN_LOG" | tail -n 1)" 'waiting=2[5-9][0-9] ' "… with a batch more than the limit at most"
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 751 ]' 60
is "$(seen ^end) $(seen ^start)" "751 751" "… and goes on by itself: all are handled, once"
full=$(grep -c 'the backlog is full' "$TGRUN_LOG") room=$(grep -c 'the backlog has room again' "$TGRUN_LOG")
ok '[ "$full" = "$room" ] && [ "$full" -ge 1 ] && [ "$full" -le 20 ]' "… which the log says ($full and $room times), not at each of 50 batches"

# A connection that hangs is given up after the poll timeout and ten seconds. Both ways of hanging at once, at two servers.
stop_tgrun
hangs() { # ACTION, in a shell of its own
	(
		SANDBOX_PID=
		mkdir "$TMP/$1"
		cp "$TMP/note" "$TMP/$1/note"
		TMP=$TMP/$1
		trap 'kill $TGRUN_PID $SANDBOX_PID 2>/dev/null' EXIT
		start_sandbox --no-penalties
		script "{\"method\":\"getUpdates\",\"action\":\"$1\"}"
		message 7 "$1"
		start_tgrun --handler "$TMP/note" --poll-timeout 1
		wait_for 'logged " handled "' 60
		stop_tgrun
		stop_sandbox
		logged " handled " && logged "cannot be reached; asking again" && [ "$STATUS" = 0 ] && echo "survived" >"$TMP/verdict"
	)
}
: >"$TMP/seen"
hangs stall >"$TMP/stall.out" 2>&1 &
one=$!
hangs stall_headers >"$TMP/headers.out" 2>&1 &
two=$!
wait "$one" "$two"
is "$(cat "$TMP/stall/verdict" 2>/dev/null)" survived "an answer that never comes is given up, and the update comes after all" || diag "$(cat "$TMP/stall.out" "$TMP/stall/tgrun.log")"
is "$(cat "$TMP/stall_headers/verdict" 2>/dev/null)" survived "so are headers that never end" || diag "$(cat "$TMP/headers.out" "$TMP/stall_headers/tgrun.log")"

# One update that nothing can read is found by asking for one at a time, and set aside with its bytes.
forget
message 7 before
script '{"method":"getUpdates","skip":1,"times":6,"body":"{\"ok\":true,\"result\":[{\"update_id\":900,\"message\":{\"text\":\"broken\" oops}}]}"}'
start_tgrun --handler "$TMP/note" --poll-timeout 20
wait_for 'logged "set aside as a dead letter"' 90
ok 'logged "set aside as a dead letter"' "an update that cannot be read is set aside"
is "$(calls 'select(.method == "getUpdates" and .fault) | .params.limit' | tail -n 6 | tr '\n' ' ')" "100 100 100 1 1 1 " "… after it was asked for alone"
"$TGRUN" dead list --json --state-dir "$TMP/state" >"$TMP/dead"
ok 'grep -q "broken.*oops" "$TMP/dead"' "… with its bytes" || diag "$(cat "$TMP/dead")"
push '{"update_id":901,"message":{"chat":{"id":7,"type":"private"},"text":"behind"}}'
wait_for '[ "$(seen "^end.*behind")" = 1 ]'
is "$(seen '^end.*before') $(seen '^end.*behind')" "1 1" "… and those before and behind it are handled"
done_testing
