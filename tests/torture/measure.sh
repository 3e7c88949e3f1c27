# tests/torture/measure.sh: what tgrun and its slots hold, when nothing is under way. For tests that show that nothing grows; after tests/flow/lib.sh.
#
#   measure WHAT    $FDS of the runner, $KB of all processes together that no file backs, $DB bytes of the database and its log, $PROCESSES

# shellcheck shell=sh disable=SC2016,SC2034,SC2317
measure() {
	wait_for '[ "$(stats .pending)" = 0 ] && idle'
	FDS=$(find "/proc/$TGRUN_PID/fd" -mindepth 1 | wc -l)
	PROCESSES=$(processes)
	DB=$(cat "$TMP"/state/queue.db* | wc -c)
	KB=$(for pid in $TGRUN_PID $(pgrep -P "$TGRUN_PID"); do cat "/proc/$pid/smaps_rollup"; done | awk '/^Anonymous:/ { kb += $2 } END { print kb + 0 }')
	diag "$1: $FDS descriptors, $KB KiB, $DB bytes of database, $PROCESSES processes"
}
processes() { # not the program that counts them
	_marked=$(marked)
	# shellcheck disable=SC2086 # a list of numbers
	set -- $_marked
	echo $#
}
idle() ( # a line of figures says so that came after asking: the last one before it may be of another moment
	before=$(grep -c ' figures ' "$TGRUN_LOG")
	kill -USR1 "$TGRUN_PID"
	wait_for '[ "$(grep -c " figures " "$TGRUN_LOG")" -gt "$before" ]' &&
		grep ' figures ' "$TGRUN_LOG" | tail -n 1 | grep -q ' running=0 waiting=0 '
)
