# Goal: one tgrun per bot and state directory; who comes second says so, and who comes after a kill waits until nothing of the old one is left.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
start_sandbox --no-penalties
second() { # OPTION…: $STATUS, $TMP/second
	TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" "$@" >"$TMP/second" 2>&1
	STATUS=$?
}
start_tgrun --handler "$TMP/note"
wait_for '[ "$(stats .open_polls)" = 1 ]'
asked=$(stats .polls)
second
is "$STATUS" 75 "a second tgrun on the same state: 75"
like "$(cat "$TMP/second")" "another tgrun .*\b$TGRUN_PID\b.*already runs this bot" "… which names the process"
second --unless-running
is "$STATUS $(cat "$TMP/second")" "0 " "--unless-running: 0, and silence"
echo "$TOKEN" >"$TMP/token" && chmod 644 "$TMP/token"
second --unless-running --token-file "$TMP/token" --log-level debug
is "$STATUS $(cat "$TMP/second")" "0 " "… also when there is something to warn of"
second --token-file "$TMP/token"
like "$STATUS $(cat "$TMP/second")" '^75 .*others may read the token file' "… which is said otherwise"
second --once
is "$STATUS" 75 "--once is an instance like any other"
is "$(stats .polls)" "$asked" "none of them asked Telegram for updates"
message 7 first
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(seen ^end)" 1 "the first goes on undisturbed"
stop_tgrun
second --unless-running --once
is "$STATUS" 0 "when it is gone, the next may run"
ok '[ -s "$TMP/second" ]' "… also with --unless-running, and is not silent then"

# `dead` at work is no instance. It holds its place on the store only for moments, so it is held up here by a full pipe.
forget
handler fail <<'EOT'
#!/bin/sh
exit 65
EOT
push "$(jq -nc '{message: {chat: {id: 7, type: "private"}, text: ("long" * 40000)}}')"
run_tgrun --handler "$TMP/fail" --once
is "$STATUS" 0 "a dead letter was made"
mkfifo "$TMP/pipe"
start sh -c 'TGRUN_TOKEN=$1 exec "$2" dead list --json --state-dir "$3" >"$4"' - "$TOKEN" "$TGRUN" "$TMP/state" "$TMP/pipe"
exec 8<"$TMP/pipe"
dead=$PID
wait_for 'grep -q "^State:.*S" "/proc/$dead/status"'
start_tgrun --handler "$TMP/note"
wait_for 'grep -q "^$TGRUN_PID$" "$TMP/state/run.lock"'
ok 'kill -0 "$dead" && kill -0 "$TGRUN_PID"' "tgrun may start while 'dead list' reads the store"
cat <&8 >"$TMP/letters"
exec 8<&-
wait_for '[ "$(stats .open_polls)" = 1 ]'
ok 'kill -0 "$TGRUN_PID" && [ "$(stats .open_polls)" = 1 ]' "… waits for it, and then runs"
is "$(jq -r .number "$TMP/letters")" 1 "… and the list is whole"
stop_tgrun

# After kill -9 the next start waits until the last process of the old run is gone.
forget
: >"$TMP/hold"
start_tgrun --handler "$TMP/note"
for i in 1 2 3 4 5; do message "$i" "chat$i"; done
wait_for '[ "$(seen ^start)" = 5 ]'
handlers=$(pgrep -f "$TMP/note" | tr '\n' ' ')
kill -KILL "$TGRUN_PID"
wait "$TGRUN_PID" 2>/dev/null
handler census <<'EOT'
#!/bin/sh
for pid in $OLD_HANDLERS; do
	kill -0 "$pid" 2>/dev/null && echo "alive $pid" >>"$FLOW_MARK/census.out"
done
echo "start $TG_UPDATE_ID $TG_REDELIVERED" >>"$FLOW_MARK/census.out"
EOT
OLD_HANDLERS=$handlers
export OLD_HANDLERS
start_tgrun --handler "$TMP/census"
wait_for '[ "$(grep -c ^start "$TMP/census.out" 2>/dev/null)" = 5 ]'
stop_tgrun
is "$STATUS $(grep -c ^start "$TMP/census.out") $(grep -c ^alive "$TMP/census.out")" "0 5 0" "after kill -9, nothing old is alive when the next run hands out its updates"
is "$(grep -c ' 1$' "$TMP/census.out")" 5 "… which says TG_REDELIVERED"

# A slot that its handler stopped: woken while tgrun runs, and by the next run, which ends it and all below when that does not help.
handler stopper <<'EOT'
#!/bin/sh
kill -STOP "$PPID"
echo "end $TG_UPDATE_ID" >>"$FLOW_MARK/seen"
EOT
forget
message 7 stops
start_tgrun --handler "$TMP/stopper" --timeout 0
wait_for 'logged " handled "'
is "$(seen ^end) $(grep -c 'was stopped, by its handler perhaps, and is continued' "$TGRUN_LOG")" "1 1" "a handler that stops its slot: the slot goes on"
stop_tgrun
handler stubborn <<'EOT'
#!/bin/sh
[ ! -e "$FLOW_MARK/hold" ] || trap '' TERM
echo "start $TG_UPDATE_ID $$" >>"$FLOW_MARK/seen"
while [ -e "$FLOW_MARK/hold" ]; do kill -STOP "$PPID"; done
EOT
forget
: >"$TMP/hold"
message 7 stubborn
start_tgrun --handler "$TMP/stubborn" --timeout 0 --concurrency 1
wait_for '[ "$(seen ^start)" = 1 ]'
old=$(sed -n 's/^start [0-9]* //p' "$TMP/seen")
kill -KILL "$TGRUN_PID"
wait "$TGRUN_PID" 2>/dev/null
start_tgrun --handler "$TMP/note"
wait_for '[ "$(seen ^start)" = 2 ]'
ok '! kill -0 "$old" 2>/dev/null' "a run that was killed while its slot stood still: all of it is ended before anything new starts"
rm "$TMP/hold"
wait_for '[ "$(seen "^end.*stubborn")" = 1 ]'
is "$(seen "^end.*1 stubborn")" 1 "… and the update is handed out again"
stop_tgrun

# A slot that does not end even so, here one that only has its name and its place in the list.
cat >"$TMP/stuck.py" <<'EOT'
import ctypes, fcntl, os, struct, sys, time
lock = os.open(sys.argv[1] + "/state/slots.lock", os.O_RDWR)
fcntl.fcntl(lock, 37, struct.pack("hhlli4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
ctypes.CDLL(None).prctl(15, b"tg-slot", 0, 0, 0)  # PR_SET_NAME
start = open("/proc/self/stat").read().rpartition(")")[2].split()[19]
os.pwrite(lock, b"%12d %25d\n" % (os.getpid(), int(start)), 160)
if os.fork() == 0:
    os.close(lock)
    os.execvp("sleep", ["sleep", "1000"])
open(sys.argv[1] + "/stuck", "w").close()
while True:
    time.sleep(1000)
EOT
start python3 "$TMP/stuck.py" "$TMP"
stuck=$PID
wait_for '[ -e "$TMP/stuck" ]'
rm -f "$TMP/tgrun.log"
run_tgrun --handler "$TMP/note" --once
wait "$stuck" 2>/dev/null
is "$STATUS" 0 "a slot that does not end is ended"
like "$(cat "$TGRUN_LOG")" "waiting until the last handler of the previous run.*processes=.*sleep \\([0-9]+\\), tg-slot \\($stuck\\)" "… named before, with what is below it"
ok 'logged "do not end: killing them.*tg-slot"' "… and when it is killed"

# What is not known to be this state's own is left alone: a copy of the state names the slots of another, and a database that somebody has in use is nobody's to clear up after.
forget
: >"$TMP/hold"
message 7 original
start_tgrun --handler "$TMP/note"
wait_for '[ "$(seen ^start)" = 1 ]'
cp -a "$TMP/state" "$TMP/copied"
TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/copied" --handler /bin/true --once >"$TMP/second" 2>&1
is "$(grep -c 'waiting until the last\|killing\|ended processes' "$TMP/second")" 0 "a copy of a state that is in use waits for nobody and kills nobody"
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(seen ^end)" 1 "… and the original's handler ends by itself"
stop_tgrun
rm -rf "$TMP/copied"
id=$(printf '%x-%x' "$(stat -c %d "$TMP/state")" "$(stat -c %i "$TMP/state")")
start env "TG_RUN_ID=$id.gone" sleep 1000
marked=$PID
cat >"$TMP/user.py" <<'EOT'
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1] + "/state/queue.db", isolation_level=None)
db.execute("PRAGMA locking_mode = EXCLUSIVE")
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[1] + "/using", "w").close()
time.sleep(1000)
EOT
start python3 "$TMP/user.py" "$TMP"
using=$PID
wait_for '[ -e "$TMP/using" ]'
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(grep -c 'used by another process' "$TGRUN_LOG")" "75 1" "a database in use: 75"
ok 'kill -0 "$marked"' "… and what has the mark of its run is not killed"
kill "$using"
wait "$using" 2>/dev/null
run_tgrun --handler "$TMP/note" --once
ok '! kill -0 "$marked" 2>/dev/null || grep -q "^State:.*Z" "/proc/$marked/status"' "… until it is not in use any more"

# Another name space of processes, as a container has.
if [ "$(id -u)" = 0 ] && [ "${BUILD%asan}" = "$BUILD" ] && unshare --pid --fork --mount-proc true 2>/dev/null; then
	forget
	start_tgrun --handler "$TMP/note"
	wait_for 'logged polling'
	TGRUN_TOKEN=$TOKEN unshare --pid --fork --mount-proc "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" --unless-running >"$TMP/second" 2>&1
	is "$? $(cat "$TMP/second")" "0 " "--unless-running from another name space: 0, and silence"
	TGRUN_TOKEN=$TOKEN unshare --pid --fork --mount-proc "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/second" 2>&1
	like "$? $(cat "$TMP/second")" '^75 .*another tgrun \(whose process is not seen from here\)' "… else 75, without a number that means another process here"
	stop_tgrun
	TGRUN_TOKEN=$TOKEN unshare --pid --fork "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" --once >"$TMP/second" 2>&1
	like "$? $(cat "$TMP/second")" "^78 .*'/proc' shows another name space" "with another name space's /proc it does not start: 78"
	TGRUN_TOKEN=$TOKEN unshare --pid --fork "$TGRUN" --api-url "$URL" --store memory --handler "$TMP/note" --once >"$TMP/second" 2>&1
	like "$? $(cat "$TMP/second")" "^78 .*'/proc' shows another name space" "… nor with --store memory"
else
	echo "# no name space can be made here, or sanitizers are in: others are not tried"
fi

# Who was killed may hold the lock for a moment more. Here that is somebody who is dead, with a child that keeps the lock.
cat >"$TMP/dying.py" <<'EOT'
import ctypes, fcntl, os, struct, sys, time
lock = os.open(sys.argv[1] + "/state/run.lock", os.O_RDWR)
read, write = os.pipe()
dead = os.fork()
if dead == 0:
    fcntl.fcntl(lock, 37, struct.pack("hhlli4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
    os.write(write, b"x")
    os._exit(0)
os.read(read, 1)
os.ftruncate(lock, 0)
os.pwrite(lock, b"%d\n" % dead, 0)
open(sys.argv[1] + "/held", "w").close()
while os.path.exists(sys.argv[1] + "/hold"):
    time.sleep(0.05)
EOT
: >"$TMP/hold"
start python3 "$TMP/dying.py" "$TMP"
wait_for '[ -e "$TMP/held" ]'
message 9 late
start_tgrun --handler "$TMP/census" --once
wait_for 'logged "waiting until process [0-9]+, which was killed, is gone"'
ok 'kill -0 "$TGRUN_PID"' "a lock that a dead process holds is waited for"
rm "$TMP/hold"
wait_tgrun
is "$STATUS" 0 "… and had when it is given back"
done_testing
