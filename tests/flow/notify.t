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

# A socket that is not there is no trouble.
export NOTIFY_SOCKET=$TMP/nowhere
run_tgrun --handler "$TMP/note" --once
is "$STATUS" 0 "a socket that is gone is no reason to fail"
done_testing
