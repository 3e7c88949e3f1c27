# tests/torture/rounds.sh: one round after the other: tgrun is started on the state that the last one left, and killed. For tests/torture/crash
# and tests/flow/crashpoints.t, which source tests/flow/lib.sh before it.
#
#   begin MODE RETRIES       a sandbox and an empty state; exec, worker or batch; 0 or 1
#   round KILL               adds updates, starts a run and kills: runner, slot, all, handler, or the name of a crash point
#   finish WHAT              runs until nothing is left, checks the log of all runs
#   random FROM TO           $R, the same for the same $SEED

# shellcheck shell=sh disable=SC2016,SC2034,SC2154
PROBE=$PWD/$BUILD/tools/probe
TGRUN=$PWD/build/crash/tgrun
CHATS=12
PER_ROUND=24
random() {
	SEED=$(((SEED * 1103515245 + 12345) % 2147483648))
	R=$(($1 + SEED / 65536 % ($2 - $1 + 1)))
}
crash_points() { # but for those of an upgrade, which flow/upgrade.t passes, and of the way out, flow/out_kill.t, and of a shared queue, flow/fleet_kill.t
	grep -rhoE 'CRASHPOINT\("[a-z-]*"\)' lib | cut -d '"' -f 2 | grep -vE 'migration|^out-|^fleet-' | sort -u
}
slots() { pgrep -P "$TGRUN_PID"; }
alive() { kill -0 "$TGRUN_PID" 2>/dev/null && ! grep -q '^State:.*Z' "/proc/$TGRUN_PID/status" 2>/dev/null; }
nap() { sleep "$(awk "BEGIN { print $1 / 1000 }")"; }

begin() {
	mode=$1 retries=$2
	anew --no-penalties --first-id 1
	rm -f "$TMP"/events* "$TMP"/crashed.*
	run=0 total=0 clean=' ' reached=' '
}

start_run() { # MICROSECONDS [OPTION…]
	run=$((run + 1))
	longest=$1
	shift
	every=0
	[ "$retries" = 0 ] || every=7
	: >"$TMP/events.$run"
	set -- --concurrency 4 --poll-timeout 1 --retry-delay 20ms --on-failure retry --max-attempts 1000 --breaker 0 "$@"
	case $mode in
	exec) start_tgrun "$@" -- "$PROBE" "$TMP/events.$run" "$longest" $every ;;
	batch) start_tgrun "$@" --mode batch --batch-size 6 --batch-wait 5ms -- "$PROBE" --batch "$TMP/events.$run" "$longest" $every ;;
	worker) start_tgrun "$@" --workers 3 -- "$PROBE" --worker "$TMP/events.$run" "$longest" $every ;;
	esac
}

add() {
	generate "$PER_ROUND" "$CHATS"
	total=$((total + PER_ROUND))
}

# Until the runner is dead, or the point was passed in a slot, or so much is handled that it will not be passed.
settled() {
	! alive || [ -e "$TMP/crashed.$run" ] || [ "$(grep -c '^end.*	0$' "$TMP/events.$run")" -ge "$PER_ROUND" ]
}

round() { # KILL [PASS]
	add
	case $1 in
	runner | all | slot | handler) start_run 20000 ;;
	*)
		export CRASHPOINT="$1:${2:-1}:$TMP/crashed.$((run + 1))"
		case $1 in
		stop-killing | slot-sweep) start_run 600000 --shutdown-timeout 10ms --kill-after 10ms ;;
		*) start_run 10000 --shutdown-timeout 2s ;;
		esac
		unset CRASHPOINT
		case $1 in
		stop-killing | slot-sweep) wait_for 'grep -q ^start "$TMP/events.$run" || ! alive' ;;
		*) wait_for settled ;;
		esac
		# Some points are passed in a stop only, one when the runner has died; a run that lost a slot stops, too.
		if [ "$1" = slot-sweep ]; then stop_tgrun KILL; else stop_tgrun; fi 2>/dev/null
		[ "$1" != slot-sweep ] || wait_for '[ -e "$TMP/crashed.$run" ]' 1
		if [ -e "$TMP/crashed.$run" ]; then reached="$reached$1 "; else [ "$STATUS" != 0 ] || clean="$clean$run "; fi
		return 0
		;;
	esac
	random 0 350
	[ "$R" -gt 300 ] || wait_for '[ -s "$TMP/events.$run" ] || ! alive'
	nap "$R"
	case $1 in
	slot) kill -KILL "$(slots | shuf -n 1)" ;;
	handler) pkill -KILL -n -f "^$PROBE.* $TMP/events.$run " ;;
	all) # shellcheck disable=SC2046 # a list of numbers
		kill -KILL "$TGRUN_PID" $(slots) ;;
	esac
	random 20 150
	case $1 in slot | handler) nap "$R" ;; esac
	kill -KILL "$TGRUN_PID" 2>/dev/null
	wait "$TGRUN_PID" 2>/dev/null
	TGRUN_PID=
}

finish() { # WHAT
	# What ran when tgrun or a slot died waits for a while, and runs alone in the end.
	polled=$(grep -c ' polling' "$TGRUN_LOG")
	start_run 2000
	clean="$clean$run "
	# What has not begun yet takes no signal, and others find that nothing waits.
	wait_for '[ "$(grep -c " polling" "$TGRUN_LOG")" -gt "$polled" ]' 240
	wait_for '[ "$("$TGRUN" queue list --state-dir "$TMP/state" 2>&1)" = "nothing waits" ]' 240
	left=$("$TGRUN" queue list --state-dir "$TMP/state" 2>&1)
	stop_tgrun
	is "$STATUS $left" "0 nothing waits" "$1: a run comes to its end"
	for file in "$TMP"/events.*; do
		[ -s "$file" ] && sed "s/^/${file##*.}	/" "$file"
	done | sort -t '	' -s -k 7,7n >"$TMP/events"
	buried=" $("$TGRUN" dead list --json --state-dir "$TMP/state" 2>/dev/null | jq -r .update_id | tr '\n' ' ')"
	is "$("$TGRUN" dead list --json --state-dir "$TMP/state" 2>/dev/null | jq -r .reason | grep -vc '^given up after 5 deaths')" 0 \
		"$1: nothing is a dead letter but what was running at too many deaths"
	is "$(awk -v want="$total" -v dead="$buried" -v clean="$clean" -f tests/torture/crash.awk "$TMP/events" 2>"$TMP/figures")" right \
		"$1: each of $total updates handled to its end, in order, one at a time in its chat, again only after a crash"
	diag "$1: $run runs, $(cat "$TMP/figures"), dead letters:$buried"
	wait_for '[ "$(marked)" = "$SANDBOX_PID " ]'
	is "$(marked)" "$SANDBOX_PID " "$1: no process is left but the sandbox"
}
