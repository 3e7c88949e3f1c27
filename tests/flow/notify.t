# Goal: a service manager hears by sd_notify(3) that polling has begun, how it goes, that the process lives, reloads and stops.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

command -v python3 >/dev/null || skip_all "no python3 to receive datagrams"
note_handler
start_sandbox --no-penalties
cat >"$TMP/receive.py" <<'EOT'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "a", buffering=1) as out:
    out.write("bound\n")
    while True:
        out.write(s.recv(4096).decode().replace("\n", "|") + "\n")
EOT
start python3 "$TMP/receive.py" "$TMP/notify.sock" "$TMP/told"
wait_for '[ -s "$TMP/told" ]'
told() { grep -c "$1" "$TMP/told"; }

# Not ready before polling begins.
script '{"method":"getMe","status":502,"body":"x"}'
export NOTIFY_SOCKET=$TMP/notify.sock WATCHDOG_USEC=400000
start_tgrun --handler "$TMP/note" --poll-timeout 20
unset NOTIFY_SOCKET WATCHDOG_USEC
wait_for 'logged "asking again"'
is "$(told READY=1)" 0 "not ready while Telegram has not answered"
wait_for '[ "$(told READY=1)" = 1 ]'
wait_for '[ "$(stats .open_polls)" = 1 ]'
is "$(told READY=1)" 1 "READY=1 once polling has begun"
wait_for '[ "$(told WATCHDOG=1)" -ge 3 ]'
ok '[ "$(told WATCHDOG=1)" -ge 3 ]' "WATCHDOG=1 again and again, also when idle"
message 7 hello
wait_for '[ "$(seen ^end)" = 1 ] && grep -q "STATUS=1 handled" "$TMP/told"'
like "$(grep STATUS= "$TMP/told" | tail -n 1)" 'STATUS=1 handled, 0 running, 0 waiting, 0 dead letters' "STATUS= says how it goes"
microseconds() { python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)'; }
before=$(microseconds)
kill -HUP "$TGRUN_PID"
wait_for '[ "$(told RELOADING=1)" = 1 ] && [ "$(told READY=1)" = 2 ]'
is "$(grep -E 'RELOADING|READY' "$TMP/told" | sed 's/|.*//' | tr '\n' ' ')" "READY=1 RELOADING=1 READY=1 " "RELOADING=1, then READY=1"
at=$(sed -n 's/^RELOADING=1|MONOTONIC_USEC=\([0-9]*\)$/\1/p' "$TMP/told")
ok '[ "$at" -gt "$before" ] && [ "$at" -lt "$(microseconds)" ]' "MONOTONIC_USEC= says when the reload began, for Type=notify-reload"
stop_tgrun
wait_for '[ "$(told STOPPING=1)" = 1 ]'
is "$STATUS $(told STOPPING=1)" "0 1" "STOPPING=1 at the stop"

# While it starts, and while it stops, it asks for more time, and says what it waits for; not between.
machine MACHINE_SPEED=50
managed() {
	: >"$TMP/told"
	export NOTIFY_SOCKET=$TMP/notify.sock
	start_tgrun --handler "$TMP/note"
	unset NOTIFY_SOCKET
}
script '{"method":"getMe","status":502,"body":"x","times":10}'
managed
ok 'wait_for "[ \"\$(told EXTEND_TIMEOUT_USEC=)\" -ge 5 ]"' "as long as the server cannot be reached it asks for more time, again and again"
ok 'wait_for "grep -q \"STATUS=waiting for the server.*502\" \"\$TMP/told\""' "… and says that it waits for the server, and why"
kill -HUP "$TGRUN_PID"
wait_for 'logged "configuration reloaded"'
is "$(told READY=1) $(told RELOADING=1)" "0 0" "a reload meanwhile makes it no more ready"
: >"$TMP/hold"
wait_for '[ "$(told READY=1)" = 1 ]'
message 7 held
wait_for '[ "$(seen ^start)" = 2 ]'
is "$(sed -n '/READY=1/,$p' "$TMP/told" | grep -c EXTEND)" 0 "once it is ready no more"
kill -TERM "$TGRUN_PID"
after_stopping() { sed -n '/STOPPING=1/,$p' "$TMP/told" | grep -c EXTEND_TIMEOUT_USEC=; }
ok 'wait_for "[ \"\$(after_stopping)\" -ge 3 ]"' "a stop that waits for a handler asks for more time, again and again"
rm "$TMP/hold"
wait_tgrun
is "$STATUS" 0 "… and ends well"
cat >"$TMP/hold.py" <<'EOT'
import fcntl, os, sys, time
with open(sys.argv[1], "r+") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    open(sys.argv[2], "w").close()
    while os.path.exists(sys.argv[2]):
        time.sleep(0.05)
EOT
start python3 "$TMP/hold.py" "$TMP/state/slots.lock" "$TMP/locked"
wait_for '[ -e "$TMP/locked" ]'
managed
ok 'wait_for "grep -q \"EXTEND_TIMEOUT_USEC=.*STATUS=waiting until the last handler\" \"\$TMP/told\""' "as long as a slot of the last run has its lock it asks for more time, and says what it waits for"
rm "$TMP/locked"
ok 'wait_for "[ \"\$(told READY=1)\" = 1 ]"' "… and then it starts"
stop_tgrun
machine

# A socket that is not there is no trouble.
export NOTIFY_SOCKET=$TMP/nowhere
run_tgrun --handler "$TMP/note" --once
is "$STATUS" 0 "a socket that is gone is no reason to fail"
done_testing
