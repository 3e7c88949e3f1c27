# Goal: what the machine gives or takes while tgrun runs (open files, processes, the clock) ends nothing, touches no update, and is told.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086
. tests/flow/lib.sh

note_handler
# Open files: with few of them a start is refused with a sentence; with enough it works; what is raised is not handed on.
handler limited <<'EOT'
#!/bin/sh
ulimit "$LIMIT" "$FILES" && exec "$PLAIN" "$@"
EOT
PLAIN=$TGRUN
export PLAIN LIMIT FILES
limited() { # LIMIT FILES OPTION…
	LIMIT=$1 FILES=$2
	shift 2
	rm -f "$TMP/tgrun.log"
	TGRUN=$TMP/limited
	run_tgrun "$@"
	TGRUN=$PLAIN
}
start_sandbox --no-penalties --first-id 1
message 7 x
wrong=
for files in 12 16 20 24 28 32 48 64; do
	for count in 1 16; do
		limited -n $files --handler "$TMP/note" --once --concurrency $count
		case "$STATUS $(tail -n 1 "$TGRUN_LOG")" in
		'78 '*'need '*' open files'*ulimit*) ;;
		*) wrong="$wrong $files:$STATUS $(tail -n 1 "$TGRUN_LOG")" ;;
		esac
	done
done
is "$wrong $(stats .pending)" " 1" "12 to 64 open files are too few: 78, and a sentence with the number that is needed; nothing was asked for"
limited -n 96 --handler "$TMP/note" --once --concurrency 8
is "$STATUS $(seen ^end)" "0 1" "… what it says is enough is enough"
handler files <<'EOT'
#!/bin/sh
ulimit -Sn >>"$FLOW_MARK/soft"
EOT
message 7 y
limited -Sn 32 --handler "$TMP/files" --once --concurrency 2
is "$STATUS $(cat "$TMP/soft")" "0 32" "a soft limit is raised for tgrun, and handlers get theirs"

# No processes. As another user when root, which no limit binds.
user=
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	user='setpriv --reuid 65534 --regid 65534 --clear-groups'
fi
if [ "$(id -u)" != 0 ] || [ -n "$user" ]; then
	anew --no-penalties --first-id 1
	: >"$TMP/seen"
	handler as_other <<-EOT
		#!/bin/sh
		exec $user "\$PLAIN" "\$@"
	EOT
	[ -z "$user" ] || { chown -R 65534:65534 "$TMP" && chmod 755 "$TMP"; }
	TGRUN=$TMP/as_other
	start_tgrun --handler "$TMP/note" --concurrency 2
	TGRUN=$PLAIN
	wait_for 'logged polling'
	message 7 before
	wait_for '[ "$(seen ^end)" = 1 ]'
	processes() { # SOFT-LIMIT, of tgrun and its slots
		for pid in $TGRUN_PID $(pgrep -P "$TGRUN_PID"); do
			$user prlimit --pid "$pid" --nproc="$1:" || diag "no prlimit"
		done
	}
	all=$($user prlimit --pid "$TGRUN_PID" --nproc --output SOFT --noheadings | tr -d ' ')
	processes 0
	for chat in 7 8 9 7; do message $chat after; done
	wait_for 'logged "cannot be started" && logged "cannot be forked"'
	ok 'logged "cannot be started: Resource temporarily unavailable; the machine is out of processes or memory"' \
		"no processes: handlers cannot be started, and the log says why"
	ok 'logged "slot [12] cannot be forked, trying again: Resource temporarily unavailable"' "… nor slots"
	wait_for '[ "$(stats .pending)" = 0 ]'
	is "$(seen ^start)" 1 "… updates are still received, and none is touched"
	processes "$all"
	ok 'wait_for "[ \"\$(seen ^end)\" = 5 ]" 60' "… with processes again all goes on, by itself"
	is "$(sed -n 's/^end \([0-9]*\) chat:[0-9]* \([0-9]*\) \([0-9]*\) .*/\1 \2 \3/p' "$TMP/seen" | sort | tr '\n' ';')" \
		"1 1 0;2 1 0;3 1 0;4 1 0;5 1 0;" "… the failed starts do not count, and nothing is handed out twice"
	stop_tgrun
	is "$STATUS $(grep -c 'dead_letters=0' "$TGRUN_LOG")" "0 1" "… and nobody was charged"
	[ -z "$user" ] || chown -R "$(id -u):$(id -g)" "$TMP"
else
	ok true "no processes # SKIP root, and no setpriv"
fi

# The clock. What is put under tgrun for that goes before a sanitizer's library.
case $BUILD in
*asan*)
	ok true "the clock # SKIP a library goes before the sanitizer's; it was run without"
	done_testing
	;;
esac
anew --no-penalties --first-id 1
handler clocked <<'EOT'
#!/bin/sh
echo "start $TG_UPDATE_ID $TG_ATTEMPT $TG_TEXT" >>"$FLOW_MARK/seen"
case $TG_TEXT in
hold | slow) while [ -e "$FLOW_MARK/$TG_TEXT" ]; do sleep 0.05; done ;;
again) [ "$TG_ATTEMPT" -ge 3 ] || exit 75 ;;
hang) sleep 600 ;;
esac
echo "end $TG_UPDATE_ID $TG_ATTEMPT $TG_TEXT" >>"$FLOW_MARK/seen"
EOT
: >"$TMP/seen" && : >"$TMP/hold" && : >"$TMP/slow"
clock() { echo "$1" >"$TMP/clock"; } # so many seconds off
shifted() { LD_PRELOAD=$PWD/$BUILD/tools/failing.so FAILING_CLOCK=$TMP/clock start_tgrun --handler "$TMP/clocked" --poll-timeout 2 "$@"; }
query() { push '{"inline_query":{"id":"1","from":{"id":4,"is_bot":false,"first_name":"u"},"query":"'"$1"'","offset":""}}'; }
failed() { [ "$(grep -c "status 75: to be tried again  update=$1 " "$TGRUN_LOG")" -ge 1 ]; } # and waits for its next attempt

clock 0
shifted --timeout 60s --retry-delay 2s --concurrency 4
wait_for 'logged polling'
message 1 hold
wait_for '[ "$(seen "^start 1 ")" = 1 ]'
message 2 again
wait_for 'failed 2'
clock 3600
wait_for '[ "$(seen "^end 2 3 again")" = 1 ]'
ahead=$(tail -n 1 "$TGRUN_LOG" | cut -d ' ' -f 1)
ok '[ "$(date -u -d "$ahead" +%s)" -gt "$(($(date +%s) + 3000))" ]' "the clock goes forward an hour ($ahead)"
is "$(seen '^start 2')" 3 "… retries come when they should"
message 3 again
wait_for 'failed 3'
clock -3600
wait_for '[ "$(seen "^end 3 3 again")" = 1 ]'
is "$(seen '^start 3')" 3 "two hours back: retries come when they should"
query slow
query quick # waits behind the other
wait_for '[ "$(seen "^start 4 ")" = 1 ] && [ "$(stats .pending)" = 0 ]'
clock 3600
rm "$TMP/slow"
wait_for '[ "$(seen "^end 5 ")" = 1 ]'
is "$(seen '^end [45] 1') $(grep -c skipped "$TGRUN_LOG")" "2 0" "… what is soon too old to be answered is not skipped for it"
is "$(seen '^end 1 ') $(seen '^start 1 ')" "0 1" "no handler has timed out for it"
polls=$(stats .polls)
wait_for '[ "$(stats .polls)" -gt "$((polls + 1))" ]'
rm "$TMP/hold"
wait_for '[ "$(seen "^end 1 1 hold")" = 1 ]'
ok '! logged "cannot be reached"' "long polls go on, and none failed"
stop_tgrun
is "$STATUS" 0 "a stop"
clock -3600
shifted --timeout 1s --kill-after 0
message 9 hang
wait_for 'logged "timed out after 1s"'
ok 'logged "timed out after 1s"' "over a restart with a clock that was set back: a timeout comes when it should"
stop_tgrun
is "$STATUS $(seen '^end')" "0 5" "… and nothing is handled again"
done_testing
