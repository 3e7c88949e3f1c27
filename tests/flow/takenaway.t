# Goal: while the state that tgrun wrote does not stand under its name, nothing more is confirmed to Telegram, the log says so once and how to save what there is, and a stop is
# not 0; what is only a lock, a mark or a socket is made anew.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
state=$TMP/state
start_sandbox --no-penalties --first-id 1
said='nothing more is asked for, since what comes would be lost'
begin() { # OPTION…: a tgrun that has handled one update
	rm -rf "$TMP"/state* "$TMP/tgrun.log"
	: >"$TMP/seen"
	message 1 before
	start_tgrun --handler "$TMP/note" --poll-timeout 1 "$@"
	wait_for '[ "$(seen "^end.*before")" = 1 ] && [ "$(stats .pending)" = 0 ] && [ "$(stats .open_polls)" = 1 ]'
}
pending() { stats .pending; }

# Taken away in every way: what comes then is still Telegram's.
for loss in 'rm -rf "$state"' 'rm "$state/queue.db"' 'rm "$state/queue.db-wal"' 'mv "$state" "$state.away"' 'mv "$state" "$state.away" && mkdir -m 700 "$state"' \
	'cp "$state/queue.db" "$state/new" && mv "$state/new" "$state/queue.db"'; do
	begin
	eval "$loss"
	for i in 2 3 4 5; do message "$i" after; done
	wait_for 'logged "$said"'
	is "$(pending) $(grep -c "$said" "$TGRUN_LOG")" "4 1" "$loss: nothing is confirmed, and that is said once"
	stop_tgrun
	is "$STATUS $(pending) $(grep -c 'the state was taken away while tgrun ran' "$TGRUN_LOG")" "1 4 1" "… a stop confirms nothing either, and is 1"
	rm -rf "$TMP"/state*
	: >"$TMP/seen"
	run_tgrun --handler "$TMP/note" --once
	is "$STATUS $(seen '^end.*after') $(pending)" "0 4 0" "… and the next run gets it all"
done

# Cut, or written over from its beginning, by another program: the same file, and less in it.
spoilt='was cut or written over by another program: nothing more is asked for'
zeros() { dd if=/dev/zero of="$1" bs=512 count=1 conv=notrunc 2>/dev/null; }
for loss in ': >"$state/queue.db"' ': >"$state/queue.db-wal"' 'truncate -s 1024 "$state/queue.db"' 'truncate -s 64 "$state/queue.db-wal"' \
	'zeros "$state/queue.db"' 'zeros "$state/queue.db-wal"'; do
	begin --concurrency 1
	: >"$TMP/hold"
	message 2 held
	wait_for '[ "$(seen "^start.*held")" = 1 ] && [ "$(pending)" = 0 ]'
	eval "$loss"
	for i in 3 4 5 6; do message "$i" after; done
	wait_for 'logged "$spoilt"'
	rm "$TMP/hold"
	wait_for '[ "$(seen "^end.*held")" = 1 ]'
	sleep 0.3
	is "$(pending) $(grep -c "$spoilt" "$TGRUN_LOG") $(grep -c 'kill -STOP' "$TGRUN_LOG")" "4 1 0" "$loss: nothing is confirmed, and that is said once"
	stop_tgrun
	is "$STATUS $(pending) $(grep -c 'restore a backup, or move the state directory away and lose' "$TGRUN_LOG")" "1 4 1" "… a stop confirms nothing either, and is 1"
	rm -rf "$TMP"/state*
	: >"$TMP/seen"
	run_tgrun --handler "$TMP/note" --once
	is "$STATUS $(seen '^end.*after') $(pending)" "0 4 0" "… and the next run gets it all"
done

begin --poll-timeout 50
wait_for '[ "$(stats .open_polls)" = 1 ]'
: >"$state/queue.db"
stop_tgrun
is "$STATUS $(grep -c "'$state/queue.db' was cut" "$TGRUN_LOG")" "1 1" "cut under an idle one: a stop is 1"

# SQLite itself makes the files shorter: that is no loss.
begin --concurrency 1 --backlog 100000
: >"$TMP/hold"
jq -cn 'range(10; 5010) | {message: {message_id: ., date: 0, text: ("x" * 4000), from: {id: 5, is_bot: false, first_name: "a"}, chat: {id: 1000, type: "private"}}}' >"$TMP/large"
push - <"$TMP/large"
wait_for '[ "$(pending)" = 0 ]' 60
large=$(stat -c %s "$state/queue.db")
"$TGRUN" queue clear --all --state-dir "$state" >/dev/null
rm "$TMP/hold"
wait_for '[ "$(stat -c %s "$state/queue.db")" -lt $((large / 2 + 1)) ]' 30
message 3000 small
wait_for '[ "$(seen "^end.*small")" = 1 ]'
is "$(seen '^end.*small') $(grep -c "$said" "$TGRUN_LOG")" "1 0" "a database that gives room back is none that was cut"
stop_tgrun
is "$STATUS" 0 "… and the stop is a good one"

# A queue in memory has nothing there.
begin --store memory
rm -rf "$state"
for i in 2 3 4; do message "$i" after; done
wait_for '[ "$(seen "^end.*after")" = 3 ] && logged "store memory keeps nothing there"'
sleep 1.2
is "$(seen '^end.*after') $(pending) $(grep -c 'store memory keeps nothing there' "$TGRUN_LOG") $(grep -c "$said" "$TGRUN_LOG")" "3 0 1 0" \
	"with --store memory the directory's loss is one warning"
stop_tgrun
is "$STATUS $(grep -c 'was taken away' "$TGRUN_LOG")" "0 0" "… and no failure of the end"

# A source that ends is not waited for in vain.
for how in - exec; do
	rm -rf "$TMP"/state* "$TMP/tgrun.log"
	: >"$TMP/seen"
	handler feed <<'EOT'
#!/bin/sh
for i in $(seq 100); do
	echo '{"update_id":'"$i"',"message":{"message_id":1,"date":0,"text":"x","chat":{"id":'"$i"',"type":"private"}}}'
	sleep 0.03
done
EOT
	if [ "$how" = - ]; then
		: >"$TGRUN_LOG"
		"$TMP/feed" 2>/dev/null | timeout 20 "$TGRUN" --source - --state-dir "$state" --handler "$TMP/note" >>"$TGRUN_LOG" 2>&1 &
	else
		: >"$TGRUN_LOG"
		timeout 20 "$TGRUN" --source "exec:$TMP/feed" --state-dir "$state" --handler "$TMP/note" >>"$TGRUN_LOG" 2>&1 &
	fi
	job=$!
	wait_for '[ "$(seen ^end)" -gt 5 ]'
	rm -rf "$state"
	wait "$job"
	is "$? $(grep -c "$said" "$TGRUN_LOG") $(grep -c 'was taken away while' "$TGRUN_LOG")" "1 1 1" "--source $how ends with 1 when the state is taken away"
done

# Found out at the end, with a poll open that nothing was to follow.
begin --poll-timeout 50
wait_for '[ "$(stats .open_polls)" = 1 ]'
rm -rf "$state"
stop_tgrun
is "$STATUS $(grep -c 'the state was taken away while tgrun ran' "$TGRUN_LOG")" "1 1" "taken away from an idle one: a stop is 1"
begin
mv "$state" "$state.away"
wait_for 'logged "$said"'
stop_tgrun
like "$(grep 'was taken away' "$TGRUN_LOG")" "database=$state.away/queue.db" "moved away: a stop says where it is"

begin
rm "$state"/queue.db*
echo precious >"$state/queue.db-wal"
wait_for 'logged "$said"'
stop_tgrun
is "$STATUS $(cat "$state/queue.db-wal")" "1 precious" "what stands in a file's place at the end is left alone"

# It comes back.
begin
mv "$state" "$state.away"
wait_for 'logged "$said"'
message 2 after
is "$(pending)" 1 "while it is away, what comes stays at Telegram"
mv "$state.away" "$state"
wait_for '[ "$(seen "^end.*after")" = 1 ]'
is "$(seen '^end.*after') $(grep -c 'stands under its name again' "$TGRUN_LOG")" "1 1" "when it is back, tgrun goes on"
stop_tgrun
is "$STATUS" 0 "… and stops as ever"

# A refusal to look says nothing of the state: what is open works.
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	rm -rf "$TMP"/state* "$TMP/tgrun.log"
	mkdir -p "$TMP/above/state"
	chmod 755 "$TMP"
	chmod 666 "$TMP/seen"
	chown 65534 "$TMP/above/state"
	: >"$TGRUN_LOG"
	TGRUN_TOKEN=$TOKEN setpriv --reuid 65534 --regid 65534 --clear-groups "$TGRUN" --api-url "$URL" --state-dir "$TMP/above/state" \
		--handler "$TMP/note" --poll-timeout 1 >>"$TGRUN_LOG" 2>&1 </dev/null &
	TGRUN_PID=$!
	wait_for 'logged polling'
	chmod 700 "$TMP/above"
	message 2 unseen
	wait_for '[ "$(seen "^end.*unseen")" = 1 ] && [ "$(pending)" = 0 ]'
	stop_tgrun
	is "$STATUS $(seen '^end.*unseen') $(grep -c "$said" "$TGRUN_LOG")" "0 1 0" "a directory above it that may not be searched any more changes nothing"
	rm -rf "$TMP/above"
fi

# --once does not wait for that.
rm -rf "$TMP"/state* "$TMP/tgrun.log"
handler thief <<'EOT'
#!/bin/sh
rm -rf "$FLOW_MARK/state"
EOT
message 1 steal
run_tgrun --handler "$TMP/thief" --once
is "$STATUS $(grep -c "$said" "$TGRUN_LOG")" "1 1" "--once ends with 1 when the state is taken away"

# The command of the message saves it. Only root reads what this process has open.
if [ "$(id -u)" = 0 ]; then
	begin --concurrency 1
	: >"$TMP/hold"
	for i in 2 3 4; do message "$i" saved; done
	wait_for '[ "$(seen "^start.*saved")" = 1 ] && [ "$(pending)" = 0 ]'
	rm -rf "$state"
	wait_for 'logged "$said"'
	mkdir -m 700 "$TMP/rescue"
	(cd "$TMP/rescue" && eval "$(sed -n 's/.*directory for them: //p' "$TGRUN_LOG")")
	is "$(ls "$TMP/rescue" | tr '\n' ' ')" "queue.db queue.db-wal " "the message has the command that saves the files"
	kill -KILL "$TGRUN_PID"
	wait "$TGRUN_PID" 2>/dev/null
	TGRUN_PID=
	rm "$TMP/hold"
	: >"$TMP/seen"
	run_tgrun --handler "$TMP/note" --once --state-dir "$TMP/rescue"
	is "$STATUS $(seen '^end.*saved')" "0 3" "… which are a state again"
	rm -rf "$TMP/rescue"
fi

# A cleaner of old files takes what has long not been written.
begin
rm "$state/run.lock" "$state/slots.lock" "$state/control" "$state/api" "$state/mark"
wait_for '[ "$(ls "$state" | wc -l)" = 8 ]'
is "$(ls "$state" | tr '\n' ' ') $(find "$state" -mindepth 1 ! -type d ! -perm 600)" "api control data mark queue.db queue.db-wal run.lock slots.lock  " "locks, mark and sockets are made anew"
is "$(grep -c 'somebody removed a file' "$TGRUN_LOG") $("$TGRUN" status --json --state-dir "$state" | jq -r .state)" "1 running" "… which is said, and sub-commands find the tgrun that runs"
run_second() { TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$state" --handler "$TMP/note" --once >"$TMP/second" 2>&1; }
run_second
is "$? $(grep -c "process $TGRUN_PID" "$TMP/second")" "75 1" "… as a second tgrun does"
message 2 after
wait_for '[ "$(seen "^end.*after")" = 1 ]'
is "$(seen '^end.*after') $(grep -c "$said" "$TGRUN_LOG")" "1 0" "… and nothing else notices"
: >"$TMP/hold"
message 3 held
wait_for '[ "$(seen "^start.*held")" = 1 ]'
kill -KILL "$TGRUN_PID"
wait "$TGRUN_PID" 2>/dev/null
wait_for '[ -z "$(pgrep -f "$TMP/note")" ]'
rm "$TMP/hold"
start_tgrun --handler "$TMP/note"
wait_for '[ "$(seen "^end.*held")" = 1 ]'
stop_tgrun
is "$STATUS $(seen '^end.*held')" "0 1" "… the next run after a kill neither"

# Before it notices, a second one finds the directory itself locked, or the database.
for loss in 'rm "$state/run.lock" "$state/slots.lock"' 'rm -r "$state/"*'; do
	begin --poll-timeout 50
	eval "$loss"
	run_second
	is "$? $(grep -c 'another tgrun' "$TMP/second")" "75 1" "$loss: a second tgrun does not begin beside the first"
	stop_tgrun
done

# A control socket is no condition for running.
rm -rf "$TMP"/state* "$TMP/tgrun.log"
mkdir -m 700 "$state" "$state/control"
message 1 deaf
: >"$TMP/seen"
start_tgrun --handler "$TMP/note" --poll-timeout 1
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(seen ^end) $(grep -c 'is no socket; remove it; until that is mended' "$TGRUN_LOG")" "1 1" "without a control socket it runs, and says so once"
rmdir "$state/control"
wait_for '"$TGRUN" status --state-dir "$state" >/dev/null 2>&1'
ok '"$TGRUN" status --state-dir "$state" >/dev/null 2>&1' "… and makes it as soon as it can"
stop_tgrun
is "$STATUS" 0 "… and stops well"
done_testing
