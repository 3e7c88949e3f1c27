# The row latency: of an idle tgrun, from the server's answer to the handler's first instruction, beside a bare posix_spawn of the same handler.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run
SAMPLES=${SAMPLES:-300}
GAP=20 # milliseconds in which nothing happens before each

from_spawn() { # PROGRAM
	"$BUILD/bench/latency" spawn "$SAMPLES" "$GAP" "$TMP/fifo" "$1" >"$TMP/samples" || fail "bench/latency spawn fails"
}
from_answer() { # PROGRAM
	rm -rf "$TMP/port" "$TMP/state"
	"$BUILD/bench/latency" serve "$SAMPLES" "$GAP" "$TMP/fifo" "$TMP/port" >"$TMP/samples" &
	server=$!
	PIDS="$PIDS $server"
	for _ in $(seq 100); do [ -s "$TMP/port" ] || sleep 0.1; done
	TGRUN_TOKEN=1:bench "$BUILD/tgrun" run --api-url "http://127.0.0.1:$(cat "$TMP/port")" --state-dir "$TMP/state" \
		--handler "$1 $TMP/fifo" >"$TMP/log" 2>&1 &
	runner=$!
	PIDS="$PIDS $runner"
	wait "$server" || fail "tgrun handles nothing: $(tail -n 3 "$TMP/log")"
	kill "$runner"
	wait "$runner"
}
# The value below which so many of a hundred samples are.
percentile() { sort -n "$TMP/samples" | awk -v p="$1" '{ v[NR] = $1 } END { at = int(NR * p / 100 + 0.5); print v[at < 1 ? 1 : at] }'; }

row_latency() {
	mkfifo "$TMP/fifo"
	cat >"$TMP/tell" <<-'EOT'
		#!/bin/sh
		echo begun >"$1"
	EOT
	chmod 755 "$TMP/tell"
	cp "$BUILD/bench/stamp" "$TMP/stamp"
	for _ in $(seq "$ROUNDS"); do
		for kind in static sh; do
			program=$TMP/stamp
			[ $kind = static ] || program=$TMP/tell
			for way in spawn tgrun; do
				if [ $way = spawn ]; then from_spawn "$program"; else from_answer "$program"; fi
				result latency "$kind, median" $way us "$(percentile 50)"
				result latency "$kind, 99th percentile" $way us "$(percentile 99)"
			done
		done
	done
	for kind in static sh; do goal latency "$kind, median" tgrun most 1.3 spawn; done
}
