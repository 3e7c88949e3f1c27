# Goal: what a careless parent hands down at the start (closed descriptors, ignored and blocked signals) hurts neither tgrun nor its handlers.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

handler look <<'EOT'
#!/bin/sh
{
	echo "fds $(ls /proc/self/fd | tr '\n' ' ')"
	grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
	sleep 0.1 & wait
	echo waited
} >"$FLOW_MARK/out" 2>&1
EOT
note_handler
start_sandbox --no-penalties
TGRUN_LOG=$TMP/tgrun.log
export TGRUN_TOKEN="$TOKEN" TGRUN_API_URL="$URL" TGRUN_STATE_DIR="$TMP/state" TGRUN_LOG_LEVEL=error

# The parent ignores and blocks everything.
cat >"$TMP/careless.py" <<'EOT'
import os, signal, sys
for n in range(1, 65):
    if n not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
        try: signal.signal(n, signal.SIG_IGN)
        except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
os.execv(sys.argv[1], sys.argv[1:])
EOT
if command -v python3 >/dev/null; then
	set -- python3 "$TMP/careless.py"
	what="all signals ignored and blocked"
else
	set -- sh -c 'trap "" HUP INT QUIT PIPE ALRM TERM USR1 USR2 CHLD TSTP TTIN TTOU; exec "$@"' -
	what="signals ignored"
fi
message 7 one
"$@" "$TGRUN" --handler "$TMP/look" --once >"$TGRUN_LOG" 2>&1
is "$? $(tail -n 1 "$TMP/out")" "0 waited" "started with $what: the update is handled, and the handler may wait for its children"
is "$(grep -c '^Sig[BI].*:[[:space:]]*0000000000000000' "$TMP/out")" 2 "… and the handler ignores and blocks no signal" || diag "$(cat "$TMP/out")"
"$@" "$TGRUN" --handler "$TMP/note" >>"$TGRUN_LOG" 2>&1 &
TGRUN_PID=$!
wait_for '[ "$(stats .open_polls)" = 1 ]'
kill -TERM "$TGRUN_PID"
wait_tgrun
is "$STATUS" 0 "… and SIGTERM stops it"

# Descriptors 0 to 2 are closed.
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	rm -f "$TMP/out"
	message 7 two
	eval "'$TGRUN' --handler '$TMP/look' --once $closed"
	is "$? $(tail -n 1 "$TMP/out")" "0 waited" "started with $closed: the update is handled"
	is "$(sed -n 's/^fds //p' "$TMP/out")" "0 1 2 3 " "… and the handler has 0, 1, 2 (and what ls opened), nothing else"
done
rm -f "$TMP/out"
message 7 three
"$TGRUN" --handler "$TMP/look" --once 7</dev/null 9>"$TMP/nine" >"$TGRUN_LOG" 2>&1
is "$(sed -n 's/^fds //p' "$TMP/out")" "0 1 2 3 " "descriptors that tgrun inherited do not reach the handler"

# A child that tgrun had before it began is left alone.
message 7 four
sh -c 'sleep 300 & echo $! >"$1"; shift; exec "$@"' - "$TMP/child" "$TGRUN" --handler "$TMP/look" --once >"$TGRUN_LOG" 2>&1
is "$?" 0 "started with a child of its own"
ok 'kill -0 "$(cat "$TMP/child")"' "… which is left alone"
kill "$(cat "$TMP/child")"
done_testing
