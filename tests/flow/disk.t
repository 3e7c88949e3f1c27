# Goal: a full disk is told, pauses what it must, and loses nothing, at the start and while running.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
start_sandbox --no-penalties --first-id 1
mounted=
if [ "$(id -u)" = 0 ] && mkdir "$TMP/state" && mount -t tmpfs -o size=32m,mode=700 tmpfs "$TMP/state" 2>/dev/null; then
	mounted=yes
	trap 'umount -l "$TMP/state" 2>/dev/null; cleanup' EXIT
fi
fill() { cat /dev/zero >"$TMP/state/filler" 2>/dev/null; }
empty() { rm -f "$TMP/state"/* 2>/dev/null; : >"$TMP/seen"; rm -f "$TMP/tgrun.log"; }

# The store fails, each time that it is asked: what is small still finds room for a while when what is large does not.
fails_on() {
	for _ in 1 2 3 4 5; do
		[ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .store_failing)" = true ] || return 1
	done
}

if [ "$mounted" ]; then
	# Before the start.
	fill
	message 7 early
	run_tgrun --handler "$TMP/note" --once --min-free 0
	is "$STATUS" 74 "a full disk at the start: 74"
	like "$(cat "$TGRUN_LOG")" '(full|No space left)' "… and the log says so"
	empty
	run_tgrun --handler "$TMP/note" --once --min-free 0
	is "$STATUS $(seen ^end)" "0 1" "with room it runs, and the update is still at Telegram"

	# Less than --min-free: no polling, until there is room.
	empty
	head -c 24000000 /dev/zero >"$TMP/state/filler"
	start_tgrun --handler "$TMP/note" --min-free 10M
	wait_for 'logged "the disk is almost full"'
	message 7 waits
	asked=$(stats '.calls.getUpdates // 0')
	ok 'logged "polling pauses until there is room"' "less than --min-free: polling pauses, and the log says so"
	rm "$TMP/state/filler"
	wait_for '[ "$(seen ^end)" = 1 ]'
	is "$(stats .pending) $(seen ^end) $(grep -c 'the disk has room again' "$TGRUN_LOG")" "0 1 1" "… and goes on when there is room, by itself"
	is "$(stats .calls.getUpdates | awk -v n="$asked" '{ print $1 - n < 6 }')" 1 "… without a storm of requests"
	stop_tgrun

	# Full while running, in the midst of a stream whose bodies do not fit.
	empty
	: >"$TMP/hold"
	start_tgrun --handler "$TMP/note" --min-free 8M --concurrency 2 --poll-timeout 20
	wait_for '[ "$(stats .open_polls)" = 1 ]'
	generate 20 5
	wait_for '[ "$(seen ^start)" = 2 ] && [ "$(stats .open_polls)" = 1 ]'
	fill
	generate 300 5 pad=45000
	wait_for 'logged "(could not be stored|cannot be made durable|disk is full|almost full)"'
	ok 'kill -0 "$TGRUN_PID"' "a disk that is full while running ends nothing"
	rm "$TMP/hold"
	rm "$TMP/state/filler"
	# What comes is about as much as the disk holds; what tgrun takes at a time leaves --min-free.
	wait_for '[ "$(seen ^end)" -ge 320 ]' 60
	is "$(sed -n 's/^end \([0-9]*\) .*/\1/p' "$TMP/seen" | sort -nu | wc -l)" 320 "when there is room again, everything is handled: nothing was lost"
	is "$(seen ^start)" "$(sed -n 's/^start \([0-9]*\) .*/\1/p' "$TMP/seen" | sort -nu | wc -l)" "… and nothing was handled twice"
	stop_tgrun
	is "$STATUS" 0 "… and it stops well"
	run_tgrun --handler "$TMP/note" --once --min-free 0
	is "$STATUS $(seen ^end)" "0 320" "… with a state that is whole"

	# The database does not shrink: what it has free inside is room, too, or polling would stay paused for ever.
	empty
	: >"$TMP/hold"
	generate 300 5 pad=100000
	start_tgrun --handler "$TMP/note" --min-free 8M --concurrency 8
	wait_for 'logged "the disk is almost full"'
	rm "$TMP/hold"
	ok 'wait_for "[ \"\$(seen ^end)\" -ge 300 ]" 60' "more than the disk holds at once comes through, with --min-free, as the queue empties"
	ok 'logged "the disk is almost full" && logged "the disk has room again"' "… polling paused, and went on by itself"
	stop_tgrun

	# Outcomes are written even so: room was kept for them.
	empty
	: >"$TMP/hold"
	start_tgrun --handler "$TMP/note" --min-free 1M --concurrency 2
	message 7 inflight
	wait_for '[ "$(seen ^start)" = 1 ]'
	fill
	rm "$TMP/hold"
	wait_for 'logged " handled "'
	stop_tgrun
	is "$STATUS" 0 "a stop on a full disk ends well: the outcome is written"
	rm "$TMP/state/filler"
	run_tgrun --handler "$TMP/note" --once --min-free 0
	is "$STATUS $(seen ^end)" "0 1" "… and it is known at the next start"

	# A batch for which what was reserved does not suffice, with --min-free 0: tried again ever more seldom, said once.
	empty
	: >"$TMP/hold"
	start_tgrun --handler "$TMP/note" --min-free 0
	wait_for 'logged " polling"'
	fill
	asked=$(stats '.calls.getUpdates // 0')
	generate 100 5 pad=95000
	wait_for 'logged "a batch could not be stored"'
	wait_for '[ "$(stats .calls.getUpdates)" -ge $((asked + 3)) ]' 30
	is "$(grep -c 'could not be stored' "$TGRUN_LOG") $("$TGRUN" status --json --state-dir "$TMP/state" | jq .store_failing)" "1 true" "batches that cannot be stored: said once, and in the status"
	is "$(stats .calls.getUpdates | awk -v n="$asked" '{ print $1 - n < 8 }')" 1 "… without a storm of requests"
	rm "$TMP/state/filler" "$TMP/hold"
	wait_for '[ "$(seen ^end)" = 100 ]' 90
	is "$(seen ^end) $(grep -c 'batches can be stored again' "$TGRUN_LOG")" "100 1" "… and all are handled when there is room"
	stop_tgrun

	# The reserve itself is used up: outcomes cannot be written, small as they are. A stop does not wait for handlers that have ended.
	empty
	# SQLite may begin its log anew just before the stop, which takes no more room: then all was written, and it is tried again.
	for try in 1 2 3 4 5; do
		: >"$TMP/hold"
		started=$(seen ^start)
		start_tgrun --handler "$TMP/note" --min-free 0 --concurrency 2 --limit 10 --shutdown-timeout 10m
		message 7 inflight
		wait_for '[ "$(seen ^start)" -gt "$started" ]'
		fill
		generate 500 5 pad=20000
		wait_for 'logged "(could not be stored|cannot be made durable|disk is full)"'
		rm "$TMP/hold"
		wait_for fails_on 60
		stop_tgrun
		[ "$STATUS" = 0 ] && logged "the state can be written again" || break
		rm "$TMP/state/filler"
		run_tgrun --handler "$TMP/note" --once --min-free 0 # the disk has no room for two
		rm "$TGRUN_LOG"
	done
	ok 'logged "asking and starting pause"' "the reserve itself is used up: asking and starting pause"
	is "$STATUS $(grep -c 'the last outcomes cannot be written' "$TGRUN_LOG")" "74 1" "outcomes that cannot be written: a stop says so and ends with 74"
	rm "$TMP/state/filler"
	run_tgrun --handler "$TMP/note" --once --min-free 0
	is "$STATUS $(sed -n 's/^end \([0-9]*\) .*/\1/p' "$TMP/seen" | sort -nu | wc -l)" "0 $((501 * try))" "… and with room everything is handled"

	# --once has no more patience with it than with a server that is away.
	machine MACHINE_SPEED=20
	empty
	: >"$TMP/hold"
	message 7 early
	start_tgrun --handler "$TMP/note" --once --min-free 0
	wait_for '[ "$(seen ^start)" = 1 ]'
	fill
	generate 300 5 pad=45000
	wait_for 'logged "a batch could not be stored"'
	rm "$TMP/hold"
	wait_tgrun
	is "$STATUS" 74 "--once, and a disk that is full and stays so: 74"
	like "$(cat "$TGRUN_LOG")" 'error .*the state cannot be written or read: with --once this is the end' "… and the log says why"
	machine
	umount "$TMP/state"
else
	echo "# no tmpfs can be mounted: RLIMIT_FSIZE stands in for a full disk"
	rm -rf "$TMP/state"
	message 7 early
	(ulimit -f 1 && TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" --once >"$TMP/out" 2>&1)
	ok '[ "$?" -ne 0 ] || [ "$(seen ^end)" = 1 ]' "files that may not grow: an error, or all is well"
	run_tgrun --handler "$TMP/note" --once
	is "$STATUS $(seen ^end)" "0 1" "without the limit it runs, and the update was not lost"
fi
done_testing
