# The row busy: how much of ten slots is used at a round trip, with handlers that wait for 20 to 80 ms; beside grammY.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

BUSY=${BUSY:-600}
row_busy() {
	cp "$BUILD/bench/sleeper" "$TMP/sleeper"
	for rtt in 0 25 50 100; do
		case="10 slots, round trip $rtt ms"
		for _ in $(seq "$ROUNDS"); do
			busy_of tgrun "$rtt" "$TMP/tgrun" --handler "$TMP/sleeper" --concurrency 10
			peers || continue
			busy_of grammY "$rtt" node build/peers/bot.js sleep 10 "$BUSY"
		done
		goal busy "$case" tgrun least 97 -
		peers || absent busy "$case" grammY
	done
}
busy_of() { # CONTENDER RTT COMMAND…: each update of a chat of its own, so that none waits for another
	way=$1 rtt=$2
	shift 2
	served -n "$BUSY" -c "$BUSY" -w 20,80 -r "$rtt" -s "$TMP/stamps" "$@"
	result busy "$case" "$way" % "$(busy_percent <"$TMP/stamps")"
}
# The time in handlers, of ten times the time that passed, from the end of the first 100 (grammY starts all of its first answer at once) to the start of
# the last, after which nothing is left to start.
busy_percent() {
	awk '{ id[NR] = $1; from[NR] = $2 / 1e6; to[NR] = $3 / 1e6 }
		END {
			for (i = 1; i <= NR; i++) {
				if (id[i] <= 100 && to[i] > begin)
					begin = to[i]
				if (from[i] > end)
					end = from[i]
			}
			for (i = 1; i <= NR; i++) {
				a = from[i] > begin ? from[i] : begin
				b = to[i] < end ? to[i] : end
				if (b > a)
					sum += b - a
			}
			print 100 * sum / 10 / (end - begin)
		}'
}
