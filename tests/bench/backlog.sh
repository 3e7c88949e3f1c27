# The row backlog: what an update costs while 1,000, 100,000 and a million others wait, the memory of a million, and the time from a kill -9 among
# them to the next first handler.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run
SECONDS_EACH=3 # of handling, in which processor time is counted
MORE=400000    # lines of a file behind those that wait: each that is handled makes room for another

# A chat has twenty on the average, in no order: a row of the generator of Park and Miller.
waiting_updates() { # COUNT MORE
	awk -v n="$1" -v more="$2" 'BEGIN {
		chats = int(n / 20)
		x = 1
		for (i = 1; i <= n + more; i++) {
			x = x * 16807 % 2147483647
			printf "{\"update_id\":%d,\"message\":{\"message_id\":%d,\"date\":0,\"chat\":{\"id\":%d,\"type\":\"private\"},\"text\":\"number %d\"}}\n", i, i, 1000 + x % chats, i
		}
	}'
}
# Starts a tgrun that keeps so many waiting; returns at once: $runner, a log.
start_backlog() { # COUNT HANDLER [OPTION…]
	backlog=$1 program=$2
	shift 2
	: >"$TMP/log"
	"$BUILD/tgrun" run --source "$TMP/waiting" --backlog "$backlog" --state-dir "$TMP/state" --handler "$program" "$@" >"$TMP/log" 2>&1 &
	runner=$!
	PIDS="$PIDS $runner"
}
control() { # VERB [OPTION…]
	"$BUILD/tgrun" "$@" --state-dir "$TMP/state" >"$TMP/said" 2>&1
}
wait_until() { # SECONDS COMMAND…: looks 100 times a second
	tries=$(($1 * 100))
	shift
	until "$@"; do
		[ $((tries -= 1)) -gt 0 ] || fail "waited in vain for: $* ($(tail -n 3 "$TMP/log"))"
		sleep 0.01
	done
}
full() { grep -q 'the backlog is full' "$TMP/log"; }
ticks() { sed 's/.*) //' "/proc/$runner/stat" | awk '{ print $12 + $13 }'; }
handled() {
	control status --json || fail "tgrun says nothing: $(cat "$TMP/said")"
	sed -n 's/.*"done":\([0-9]*\).*/\1/p' "$TMP/said" | head -n 1
}
stop_backlog() { # SIGNAL
	kill "-$1" "$runner"
	wait "$runner" 2>/dev/null
}

# Processor time of the runner for an update, while handlers run, and others come for those that are handled.
measure_cost() { # COUNT NAME
	done_before=$(handled)
	ticks_before=$(ticks)
	control resume
	sleep "$SECONDS_EACH"
	control pause
	ticks_after=$(ticks)
	echo "$ticks_before $ticks_after $done_before $(handled) $(getconf CLK_TCK)" | awk '{ if ($4 > $3) printf "%.2f\n", ($2 - $1) / $5 / ($4 - $3) * 1e6 }' >"$TMP/cost"
	[ -s "$TMP/cost" ] || fail "nothing was handled: $(cat "$TMP/said")"
	result backlog "cost, $2" "$1" us "$(cat "$TMP/cost")"
}
has_handled() { [ "$(handled)" -ge "$1" ]; }

cost_of() { # COUNT
	rm -rf "$TMP/state"
	waiting_updates "$1" "$MORE" >"$TMP/waiting"
	printf 'mode = batch\nbatch-size = 100\n' >"$TMP/config"
	start_backlog "$1" "$TMP/static" --config "$TMP/config" --log-level warn
	begun=$(date +%s%N)
	wait_until 10 control pause
	wait_until 100 full
	took=$(($(date +%s%N) - begun))
	[ "$1" -lt 1000000 ] || result backlog "stored" tgrun /s "$(echo "$1 $took" | awk '{ print $1 / $2 * 1e9 }')"
	# The first turn of each chat comes in the order of arrival, which is kinder to the store than what follows.
	control resume
	wait_until 100 has_handled $(($1 / 20))
	control pause
	measure_cost "$1" "batches of 100"
	# A batch of one is a process for each, as by --mode exec, to which a running tgrun does not change.
	printf 'mode = batch\nbatch-size = 1\n' >"$TMP/config"
	kill -HUP "$runner"
	measure_cost "$1" "a handler each"
}
row_backlog() {
	cp "$BUILD/bench/static" "$TMP/static"
	cp "$BUILD/bench/stamp" "$TMP/stamp"
	for _ in $(seq "$ROUNDS"); do
		for count in 1000 100000 1000000; do
			cost_of $count
			[ $count = 1000000 ] || stop_backlog KILL
		done
		# A million wait in $runner.
		kb=$(for pid in $runner $(pgrep -P "$runner"); do cat "/proc/$pid/smaps_rollup"; done | awk '/^Pss:/ { kb += $2 } END { print kb }')
		result backlog "memory (PSS), 1000000 waiting" tgrun MB "$(echo "$kb" | awk '{ print $1 / 1024 }')"
		rm -f "$TMP/stamps"
		"$TMP/stamp" "$TMP/stamps"
		stop_backlog KILL
		start_backlog 1000000 "$TMP/stamp $TMP/stamps" --log-level warn
		wait_until 60 second_stamp
		result backlog "kill -9 to the first handler" tgrun s "$(awk '{ t[NR] = $1 } END { print (t[2] - t[1]) / 1e9 }' "$TMP/stamps")"
		stop_backlog KILL
	done
	for name in "batches of 100" "a handler each"; do
		goal backlog "cost, $name" 100000 most 1.3 1000
		goal backlog "cost, $name" 1000000 most 1.3 1000
	done
	goal backlog "memory (PSS), 1000000 waiting" tgrun most 300 -
	goal backlog "kill -9 to the first handler" tgrun most 2 -
}
second_stamp() { [ "$(grep -c . "$TMP/stamps")" -ge 2 ]; }
