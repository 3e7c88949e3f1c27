# tests/torture/faults.sh: tgrun is run again and again, and each time the machine refuses one thing. For tests/torture/failing and
# tests/flow/failing.t, which source tests/flow/lib.sh before it. tests/tools/failing.c makes the calls fail.
#
#   learn MODE               a sandbox, no state; $TMP/sites has a line "WHO KIND SITE TIMES" for each place that a run passed
#   fault WHO KIND SITE N [ERRNO]   one run in which that fails, and a good one after it
#   lasting KIND ERRNO MESSAGE      all such calls fail for a while, in a tgrun that runs; it must say MESSAGE (ERE) and recover
#   sample [OF-MEMORY OF-OTHERS]    the lines of $TMP/sites in an order that $SEED decides, at most so many of each kind
#   settle WHAT              asserts what must hold of all faults since learn
#
# MODE: fresh (each run makes its state anew), exec, worker, batch, pipeline. $injected, $unmet and $runs count over all.

# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2154,SC2317 # options are words; functions are called by conditions
TOOL=$PWD/$BUILD/tools/failing
PROBE=$PWD/$BUILD/tools/probe
PER_RUN=6
CHATS=3
injected=0 unmet=0 runs=0 aborts=0

run_once() { # NAME=VALUE…: $STATUS; the log in $TMP/run.log
	run=$((run + 1)) runs=$((runs + 1))
	: >"$TMP/events.$run"
	events=$TMP/events.$run
	common="--api-url $URL --state-dir $TMP/state --once --concurrency 2 --poll-timeout 1 --retry-delay 20ms --on-failure retry --max-attempts 1000 --breaker 0"
	# shellcheck disable=SC2086 # words
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
	generate $PER_RUN $CHATS ${PAD:+pad=$PAD}
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

# libuv ends the process when it gets none of the descriptors of its own that it opens before it does anything, or cannot wait for them.
# tgrun asks for such descriptors before (lib/io/loop.c), so it happens only when the one call fails and the others do not.
begins_libuv() {
	[ "$STATUS" = 134 ] && { grep -q uv_loop_init "$TMP/failed" || grep -A 1 '(epoll_ctl+' "$TMP/failed" | grep -q '/libuv'; }
}

fault() { # WHO KIND SITE N [ERRNO]
	more
	[ "$mode" != fresh ] || rm -rf "$TMP/state"
	rm -f "$TMP/failed" "$TMP/matched"
	what="$mode $1:$2:$3:$4:${5:-0}"
	began=$(date +%s)
	run_once LD_PRELOAD="$TOOL.so" FAILING_SITES="$TMP/matched" FAILING="$1:$2:$3:$4:${5:-0}" FAILING_LOG="$TMP/failed"
	echo "$run $what" >>"$TMP/faults"
	if [ -s "$TMP/failed" ]; then injected=$((injected + 1)); else unmet=$((unmet + 1)); fi
	last=$(tail -n 1 "$TMP/run.log")
	case $STATUS in
	# libpipeline ends the slot when it has no memory for the statuses of what has ended: then that is handed out again.
	0) grep -q 'its slot died' "$TMP/run.log" || clean="$clean$run " ;;
	1 | 69 | 70 | 71 | 73 | 74 | 75 | 77 | 78)
		printf '%s\n' "$last" | grep -Eq '^tgrun: .|^[0-9TZ:.-]* (error|warn|info) ' ||
			echo "$what: status $STATUS without a message: $last" >>"$TMP/findings"
		;;
	*)
		if begins_libuv; then
			aborts=$((aborts + 1))
		else
			echo "$what: status $STATUS: $last" >>"$TMP/findings"
		fi
		;;
	esac
	! grep -E ' (error|warn)  *$' "$TMP/run.log" || echo "$what: status $STATUS, and an empty message" >>"$TMP/findings"
	! grep -Eq '(dead letter |dead_letters=[1-9])' "$TMP/run.log" || echo "$what: status $STATUS: $(grep 'dead letter' "$TMP/run.log" | head -n 1)" >>"$TMP/findings"
	[ $(($(date +%s) - began)) -lt 8 ] || echo "$what: took $(($(date +%s) - began)) s" >>"$TMP/said"
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

# The places of $TMP/sites in an order that $SEED decides; of each kind at most so many.
sample() { # [OF-MEMORY OF-OTHERS]
	awk -v seed="$SEED" 'BEGIN { srand(seed) } { print rand(), $0 }' "$TMP/sites" | sort -n | cut -d ' ' -f 2- |
		awk -v memory="${1:-100000}" -v others="${2:-100000}" '{ most = $2 == "memory" ? memory : others } n[$1, $2]++ < most'
}

refused() { [ -s "$TMP/failed" ] && [ "$(grep -c ^failed "$TMP/failed")" -ge 3 ] && logged "$message"; }

# While tgrun runs, every call of a kind fails for a while, in tgrun and its slots.
lasting() { # KIND ERRNO MESSAGE
	begin exec
	rm -f "$TMP/refuse" "$TMP/failed" "$TMP/tgrun.log"
	run=1 events=$TMP/events.1
	: >"$events"
	LD_PRELOAD=$TOOL.so FAILING_SITES=$TMP/matched FAILING="both:$1:*:0:$2" FAILING_WHILE=$TMP/refuse FAILING_LOG=$TMP/failed MALLOC_PERTURB_=165 \
		start_tgrun --concurrency 2 --poll-timeout 15 --retry-delay 20ms --on-failure retry --max-attempts 1000 --breaker 0 --retry-interval constant --log-level debug \
		-- "$PROBE" "$events" 2000 5
	# shellcheck disable=SC2317 # called by wait_for
	ended() { [ "$(grep -c '^end.*	0$' "$events")" -ge "$1" ]; }
	more
	wait_for 'ended $total'
	: >"$TMP/refuse"
	case $1 in # what is asked for only when a connection is made
	socket | connect | epoll) script '{"method":"getUpdates","action":"reset"}' ;;
	esac
	more
	message=$3
	ok "wait_for refused && kill -0 $TGRUN_PID" "$1 fails ($2): tgrun says '$3', and goes on"
	more
	rm "$TMP/refuse"
	ok 'wait_for "ended $total" 60' "… when it works again all $total updates are handled, by itself"
	stop_tgrun
	is "$STATUS $(grep -c 'I/O error;' "$TGRUN_LOG")" "0 0" "… and a stop is a good one; no failure of the disk was told without its reason"
	clean=" 1 "
	injected=$((injected + $(grep -c ^failed "$TMP/failed")))
	settle "$1 ($2)"
}
