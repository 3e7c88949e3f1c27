# Goal: kill -9 of the runner, a slot, a handler or all of them, at any instant, loses no update, breaks no order, and leaves no process.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

case $BUILD in
*asan*) ROUNDS=${ROUNDS:-8} ;;
*) ROUNDS=${ROUNDS:-20} ;;
esac
SEED=${SEED:-$(date +%N | sed 's/^0*//')}
PROBE=$PWD/$BUILD/tools/probe
DEADLINE=60
diag "SEED=$SEED ROUNDS=$ROUNDS"
random() { # FROM TO: $R; the same numbers for the same seed
	SEED=$(((SEED * 1103515245 + 12345) % 2147483648))
	R=$(($1 + SEED / 65536 % ($2 - $1 + 1)))
}
# The processes of the run: the runner's children are its slots.
slots() { pgrep -P "$TGRUN_PID"; }
reap() { wait "$TGRUN_PID" 2>/dev/null; }

# Rounds over a stream of updates in 30 chats, with retries.
start_sandbox --no-penalties --first-id 1
run=0 total=0 killed=
while [ "$run" -lt "$ROUNDS" ]; do
	run=$((run + 1))
	generate 60 30
	total=$((total + 60))
	start_tgrun --concurrency 6 --retry-delay 20ms --on-failure retry --max-attempts 1000 --poll-timeout 1 -- "$PROBE" "$TMP/events.$run" 20000 7
	random 0 350
	[ "$R" -gt 300 ] || wait_for '[ -s "$TMP/events.$run" ]'
	sleep "$(awk "BEGIN { print $R / 1000 }")"
	random 1 5
	case $R in
	1 | 2) kill -KILL "$TGRUN_PID" && killed="$killed runner" ;;
	3) # shellcheck disable=SC2046 # a list of numbers
		kill -KILL "$TGRUN_PID" $(slots) && killed="$killed all" ;;
	4) kill -KILL "$(slots | shuf -n 1)" && killed="$killed slot" ;;
	5) pkill -KILL -n -f "^$PROBE $TMP/events.$run " && killed="$killed handler" ;;
	esac
	case $R in
	4 | 5)
		random 20 200
		sleep "$(awk "BEGIN { print $R / 1000 }")"
		kill -KILL "$TGRUN_PID"
		;;
	esac
	reap
done
# What ran when tgrun or a slot died waits for a while, and runs alone in the end.
run=$((run + 1))
: >"$TMP/events.$run"
start_tgrun --concurrency 6 --retry-delay 20ms --on-failure retry --max-attempts 1000 -- "$PROBE" "$TMP/events.$run" 2000 7
wait_for '[ "$("$TGRUN" queue list --state-dir "$TMP/state" 2>&1)" = "nothing waits" ]'
is "$("$TGRUN" queue list --state-dir "$TMP/state" 2>&1)" "nothing waits" "after $ROUNDS rounds (killed:$killed) a run handles all that is left"
stop_tgrun
for file in "$TMP"/events.*; do
	[ -s "$file" ] && sed "s/^/${file##*.}	/" "$file"
done | sort -t '	' -s -k 7,7n >"$TMP/events"
buried=" $("$TGRUN" dead list --json --state-dir "$TMP/state" 2>/dev/null | jq -r .update_id | tr '\n' ' ')"
is "$(awk -v want="$total" -v dead="$buried" -f tests/flow/crash.awk "$TMP/events" 2>"$TMP/figures")" right \
	"each of $total updates was handled to its end, in order, never two of a chat, nothing outlived its run"
diag "$(cat "$TMP/figures"); dead letters:$buried"
is "$(calls "select(.method == \"getUpdates\" and .offset > $total + 1)" | wc -l)" 0 "no offset went beyond what was received"
ok '[ "$(echo "$buried" | wc -w)" -le 1 ]' "innocents are not buried for the deaths of the runner"
wait_for '[ "$(marked)" = "$SANDBOX_PID " ]'
is "$(marked)" "$SANDBOX_PID " "nothing is left but the sandbox"

# What was received and handled but not confirmed comes again, and is recognised.
stop_sandbox
start_sandbox --no-penalties
forget
note_handler
script '{"method":"getUpdates","skip":1,"action":"stall"}'
message 7 once
start_tgrun --handler "$TMP/note"
wait_for '[ "$(stats .script_left)" = 0 ] && logged " handled "'
kill -KILL "$TGRUN_PID"
reap
is "$(stats .pending)" 1 "killed before the server heard that an update was received"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen ^start) $(stats .pending)" "0 1 0" "… it comes again, and is not handled again"

# The runner dies when the handler has done its work, but before that is written.
handler last_words <<'EOT'
#!/bin/sh
echo "$TG_ATTEMPT ${TG_REDELIVERED:-0}" >>"$FLOW_MARK/words"
[ -e "$FLOW_MARK/spared" ] && exit 0
: >"$FLOW_MARK/spared"
kill -KILL "$(cat "$FLOW_MARK/state/run.lock")"
EOT
forget
message 7 words
start_tgrun --handler "$TMP/last_words"
wait_tgrun
is "$STATUS" 137 "the runner dies before the outcome is written"
start_tgrun --handler "$TMP/last_words"
wait_for '[ "$(wc -l <"$TMP/words")" = 2 ]'
stop_tgrun
is "$STATUS $(tr '\n' ';' <"$TMP/words")" "0 1 0;1 1;" "… the update is handed out again, with TG_REDELIVERED, and its attempts are not charged"

# All at once, with handlers that nobody above them outlives: the next start finds them by the run's mark.
forget
: >"$TMP/hold"
start_tgrun --handler "$TMP/note"
for i in 1 2 3 4; do message "$i" "c$i"; done
wait_for '[ "$(seen ^start)" = 4 ]'
handler daemons <<'EOT'
#!/bin/sh
setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' daemon "$FLOW_MARK/daemon" &
wait
EOT
rm "$TMP/hold"
stop_tgrun
for background in wait leave; do
	forget
	start_tgrun --handler "$TMP/daemons" --background $background
	for i in 1 2 3; do message "$i" "d$i"; done
	wait_for '[ "$(pgrep -fc "daemon $TMP/daemon")" = 3 ]'
	# shellcheck disable=SC2046
	kill -KILL "$TGRUN_PID" $(slots)
	reap
	start_tgrun --handler "$TMP/note" --background $background
	wait_for '[ "$(seen ^end)" = 3 ]'
	stop_tgrun
	is "$STATUS $(pgrep -fc "daemon $TMP/daemon") $(seen ^end)" "0 0 3" \
		"runner and slots killed in one instant, --background $background: the next run ends the handlers that they left, and hands out again"
done

# A slot and a handler die.
forget
: >"$TMP/hold"
start_tgrun --handler "$TMP/note" --concurrency 1
message 7 slot
wait_for '[ "$(seen ^start)" = 1 ]'
kill -KILL "$(slots)"
wait_for '[ "$(seen ^start)" = 2 ]'
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(sed -n 's/^end [0-9]* //p' "$TMP/seen")" "chat:7 1 1 slot" "a slot that is killed is replaced, its update handed out again, uncounted"
: >"$TMP/hold"
message 7 handler
wait_for '[ "$(seen "^start.* handler")" = 1 ]'
pkill -KILL -f "^/bin/sh $TMP/note"
wait_for 'logged "killed by signal 9"'
ok 'logged "killed by signal 9 .SIGKILL.: now a dead letter"' "a handler that is killed has failed"
rm "$TMP/hold"
stop_tgrun
is "$STATUS" 0 "… and tgrun goes on"

# An update that kills the runner.
handler poison <<'EOT'
#!/bin/sh
echo "start $TG_TEXT" >>"$FLOW_MARK/seen"
if [ "$TG_TEXT" = poison ]; then
	while ! [ -e "$FLOW_MARK/poisoned" ] && [ "$(grep -c '^start other' "$FLOW_MARK/seen")" -lt 4 ]; do sleep 0.02; done
	: >"$FLOW_MARK/poisoned"
	echo poison >>"$FLOW_MARK/seen"
	kill -KILL "$(cat "$FLOW_MARK/state/run.lock")"
	sleep 60
fi
while ! [ -e "$FLOW_MARK/poisoned" ]; do sleep 0.02; done
sleep 0.1
echo "end $TG_TEXT" >>"$FLOW_MARK/seen"
EOT
forget
for i in 1 2 3 4 5 6; do message "$i" "other$i"; done
message 7 poison
message 7 after
for i in 11 12 13 14 15 16; do message "$i" "other$i"; done
deaths=0
STATUS=137
machine MACHINE_SPEED=10 # for the pauses
while [ "$STATUS" = 137 ] && [ "$deaths" -lt 12 ]; do
	echo run >>"$TMP/seen"
	start_tgrun --handler "$TMP/poison" --timeout 10m
	wait_for '! kill -0 "$TGRUN_PID" 2>/dev/null || [ "$(grep -E "^end (other|after)" "$TMP/seen" | sort -u | wc -l)" = 13 ]'
	stop_tgrun
	[ "$STATUS" != 137 ] || deaths=$((deaths + 1))
	# What is swept on a slow machine may say its start when the next run is already announced.
	wait_for '! pgrep -f "$TMP/poison" >/dev/null'
done
is "$STATUS $deaths" "0 5" "an update that kills the runner does so five times, no more"
is "$("$TGRUN" dead list --json --state-dir "$TMP/state" | jq -r '"\(.update.message.text): \(.reason)"')" "poison: given up after 5 deaths, at last: tgrun died while it ran" \
	"… and is a dead letter, which is the only one"
is "$(grep -E '^end (other|after)' "$TMP/seen" | sort -u | wc -l)" 13 "… all others are handled, also what waited behind it"
alone=$(awk '/^run/ { split("", runs) } /^start other/ { runs[$2] } /^end/ { delete runs[$2] } /^poison/ { print length(runs) }' "$TMP/seen" | tr '\n' ' ')
like "$alone" '^[1-9][0-9]* [0-9]+ 0 0 0 $' "… and from the third time on it ran alone"
done_testing
