# The row idle: memory and wake-ups of a tgrun that waits for updates.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

row_idle() {
	"$BUILD/tools/sandbox" --token 1:bench --port-file "$TMP/port" --exit-with-parent >/dev/null 2>&1 &
	PIDS="$PIDS $!"
	for _ in $(seq 100); do [ -s "$TMP/port" ] || sleep 0.1; done
	TGRUN_TOKEN=1:bench "$BUILD/tgrun" run --api-url "http://127.0.0.1:$(cat "$TMP/port")" --state-dir "$TMP/idle" \
		--handler /bin/true >"$TMP/idle.log" 2>&1 &
	runner=$!
	PIDS="$PIDS $runner"
	for _ in $(seq 100); do grep -q ' polling' "$TMP/idle.log" || sleep 0.1; done
	grep -q ' polling' "$TMP/idle.log" || fail "tgrun does not poll: $(cat "$TMP/idle.log")"
	slots=$(pgrep -P "$runner" | tr '\n' ' ')
	for _ in $(seq "$ROUNDS"); do
		# shellcheck disable=SC2086 # a list of numbers
		kb=$(for pid in $runner $slots; do cat "/proc/$pid/smaps_rollup"; done | awk '/^Pss:/ { kb += $2 } END { print kb }')
		result idle "memory (PSS), 16 slots" tgrun MB "$(echo "$kb" | awk '{ print $1 / 1024 }')"
		before=$(wakes "$runner" "$slots")
		sleep 5
		result idle "wake-ups in 5 s, of all processes" tgrun "" $(($(wakes "$runner" "$slots") - before))
	done
	goal idle "memory (PSS), 16 slots" tgrun most 14 -
	goal idle "wake-ups in 5 s, of all processes" tgrun most 1 -
	kill "$runner"
	wait "$runner"
}
wakes() { # PID…
	# shellcheck disable=SC2048,SC2086 # lists of numbers
	for pid in $*; do cat "/proc/$pid/status"; done | awk '/ctxt_switches/ { n += $2 } END { print n }'
}
