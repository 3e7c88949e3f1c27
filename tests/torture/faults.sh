# tests/torture/faults.sh: tgrun is run again and again, and each time the machine refuses one thing. For tests/torture/failing and
# tests/flow/failing.t, which source tests/flow/lib.sh before it. tests/tools/failing.c makes the calls fail.
#
#   learn MODE               a sandbox, no state; $TMP/sites has a line "WHO KIND SITE TIMES" for each place that a run passed
#   fault WHO KIND SITE N [ERRNO]   one run in which that fails, and a good one after it
#   settle WHAT              asserts what must hold of all faults since learn
#
# MODE: fresh (each run makes its state anew), exec, worker, batch, pipeline. $injected, $unmet and $runs count over all.

# shellcheck shell=sh disable=SC2016,SC2034,SC2154
TOOL=$PWD/$BUILD/tools/failing
PROBE=$PWD/$BUILD/tools/probe
PER_RUN=6
CHATS=3
injected=0 unmet=0 runs=0

run_once() { # NAME=VALUE…: $STATUS; the log in $TMP/run.log
	run=$((run + 1)) runs=$((runs + 1))
	: >"$TMP/events.$run"
	events=$TMP/events.$run
	common="--api-url $URL --state-dir $TMP/state --once --concurrency 2 --poll-timeout 1 --retry-delay 20ms --on-failure retry --max-attempts 1000 --breaker 0"
	case $mode in
	fresh | exec) set -- "$@" "$TGRUN" $common -- "$PROBE" "$events" 2000 5 ;;
	pipeline) set -- "$@" "$TGRUN" $common --handler "cat | $PROBE $events 2000 5" ;;
	batch) set -- "$@" "$TGRUN" $common --mode batch --batch-size 3 --batch-wait 5ms -- "$PROBE" --batch "$events" 2000 5 ;;
	worker) set -- "$@" "$TGRUN" $common --workers 2 -- "$PROBE" --worker "$events" 2000 5 ;;
	esac
	# MALLOC_PERTURB_: what was freed, or never written, is no zero.
	timeout --foreground -s KILL 60 env TGRUN_TOKEN="$TOKEN" MALLOC_PERTURB_=165 "$@" >"$TMP/run.log" 2>&1 </dev/null
	STATUS=$?
}

more() {
	generate $PER_RUN $CHATS
	total=$((total + PER_RUN))
}

# What is to be tried again later is left by --once: until a run has nothing to do.
good_runs() {
	left=1 tries=0
	while [ "$left" -gt 0 ] && [ "$tries" -lt 20 ]; do
		tries=$((tries + 1))
		run_once
		clean="$clean$run "
		left=$(sed -n 's/.* stopped .* waiting=\([0-9]*\) .*/\1/p' "$TMP/run.log")
		[ "$STATUS" = 0 ] && [ -n "$left" ] && continue
		echo "$1: afterwards: status $STATUS: $(tail -n 1 "$TMP/run.log")" >>"$TMP/findings"
		return
	done
	[ "$left" = 0 ] || echo "$1: afterwards $left wait for ever" >>"$TMP/findings"
}

begin() { # MODE
	mode=$1
	anew --no-penalties --first-id 1
	rm -rf "$TMP"/events* "$TMP/findings" "$TMP/failed" "$TMP/said"
	run=0 total=0 clean=' '
	: >"$TMP/findings" && : >"$TMP/faults" && : >"$TMP/said"
}

learn() { # MODE
	begin "$1"
	rm -f "$TMP/places"
	[ "$mode" = fresh ] || good_runs "before"
	for _ in 1 2 3; do
		more
		[ "$mode" != fresh ] || rm -rf "$TMP/state"
		run_once LD_PRELOAD="$TOOL.so" FAILING_SITES="$TMP/places"
		good_runs "learning"
	done
	"$TOOL" sites "$TMP/places" | sort >"$TMP/sites"
}

fault() { # WHO KIND SITE N [ERRNO]
	more
	[ "$mode" != fresh ] || rm -rf "$TMP/state"
	rm -f "$TMP/failed" "$TMP/matched"
	what="$mode $1:$2:$3:$4:${5:-0}"
	from=$(date +%s)
	run_once LD_PRELOAD="$TOOL.so" FAILING_SITES="$TMP/matched" FAILING="$1:$2:$3:$4:${5:-0}" FAILING_LOG="$TMP/failed"
	echo "$run $what" >>"$TMP/faults"
	if [ -s "$TMP/failed" ]; then injected=$((injected + 1)); else unmet=$((unmet + 1)); fi
	last=$(tail -n 1 "$TMP/run.log")
	case $STATUS in
	0) clean="$clean$run " ;;
	1 | 69 | 70 | 71 | 73 | 74 | 75 | 77 | 78)
		printf '%s\n' "$last" | grep -Eq '^tgrun: .|^[0-9TZ:.-]* (error|warn|info) ' ||
			echo "$what: status $STATUS without a message: $last" >>"$TMP/findings"
		;;
	*) echo "$what: status $STATUS: $last" >>"$TMP/findings" ;;
	esac
	! grep -E ' (error|warn)  *$' "$TMP/run.log" || echo "$what: status $STATUS, and an empty message" >>"$TMP/findings"
	! grep -Eq '(dead letter |dead_letters=[1-9])' "$TMP/run.log" || echo "$what: status $STATUS: $(grep 'dead letter' "$TMP/run.log" | head -n 1)" >>"$TMP/findings"
	[ $(($(date +%s) - from)) -lt 8 ] || echo "$what: took $(($(date +%s) - from)) s" >>"$TMP/said"
	echo "$2 $STATUS $(grep -E '^tgrun: | (error|warn) ' "$TMP/run.log" | sed 's/^[0-9TZ:.-]* //' | grep -v 'exited with status 75' | tr '\n' ';')" >>"$TMP/said"
	if [ -n "${KEEP-}" ] && [ "$(wc -l <"$TMP/findings")" -gt "${found:-0}" ]; then
		found=$(wc -l <"$TMP/findings")
		{ echo "== $what"; cat "$TMP/failed"; cat "$TMP/run.log"; } >>"$KEEP"
	fi
	good_runs "$what"
}

settle() { # WHAT
	for file in "$TMP"/events.*; do
		[ -s "$file" ] && sed "s/^/${file##*.}	/" "$file"
	done | sort -t '	' -s -k 7,7n >"$TMP/events"
	buried=" $("$TGRUN" dead list --json --state-dir "$TMP/state" 2>/dev/null | jq -r .update_id | tr '\n' ' ')"
	is "$(head -n 20 "$TMP/findings")" "" "$1: no run ends but as documented, with a message, and the next one goes on"
	is "$buried" " " "$1: no update is charged"
	is "$(awk -v want="$total" -v dead="$buried" -v clean="$clean" -f tests/torture/crash.awk "$TMP/events" 2>"$TMP/figures" |
		while read -r line; do
			echo "$line"
			n=$(printf '%s\n' "$line" | sed -n 's/.*(run \([0-9]*\)).*/\1/p')
			[ -z "$n" ] || sed -n "s/^$n /  run $n: /p" "$TMP/faults"
		done)" right "$1: each of $total updates was handled to its end, in order, again only after a run that ended badly"
	wait_for '[ "$(marked)" = "$SANDBOX_PID " ]'
	is "$(marked)" "$SANDBOX_PID " "$1: no process is left but the sandbox"
}
