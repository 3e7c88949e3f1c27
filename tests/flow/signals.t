# Goal: what a careless parent hands down at the start (closed descriptors, ignored and blocked signals) hurts neither tgrun nor its handlers; no
# signal, whoever sends it, ends tgrun without a word.
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

# Signals that came before tgrun had begun: the parent blocked and sent them, so they wait at its first instruction.
if command -v python3 >/dev/null; then
	cat >"$TMP/early.py" <<'EOT'
import os, signal, sys
sig = getattr(signal, "SIG" + sys.argv[1])
signal.pthread_sigmask(signal.SIG_BLOCK, [sig])
os.kill(os.getpid(), sig)
os.execv(sys.argv[2], sys.argv[2:])
EOT
	for signal in TERM INT QUIT ALRM PWR XCPU; do
		want=0
		[ "$signal" != XCPU ] || want=1
		timeout 60 python3 "$TMP/early.py" "$signal" "$TGRUN" --handler "$TMP/note" >"$TMP/out" 2>&1
		is "$? $(grep -c "^tgrun: stopped by SIG$signal before" "$TMP/out")" "$want 1" "SIG$signal before the start is a stop"
		env -u TGRUN_TOKEN -u TGRUN_API_URL -u TGRUN_STATE_DIR timeout 60 \
			python3 "$TMP/early.py" "$signal" "$TGRUN" try --handler "$TMP/note" >"$TMP/out" 2>&1 </dev/null
		is "$? $(grep -c "^tgrun: stopped by SIG$signal before" "$TMP/out")" "$want 1" "… of 'tgrun try', too"
	done
	for signal in TERM=143 HUP=129 USR1=138; do
		python3 "$TMP/early.py" "${signal%=*}" "$TGRUN" status >"$TMP/out" 2>&1
		is "$?" "${signal#*=}" "SIG${signal%=*} ends another sub-command as it ends any program"
	done
	: >"$TGRUN_LOG"
	TGRUN_LOG_LEVEL=info python3 "$TMP/early.py" HUP "$TGRUN" --handler "$TMP/note" >>"$TGRUN_LOG" 2>&1 &
	TGRUN_PID=$!
	wait_for 'logged "configuration reloaded"'
	ok 'logged "configuration reloaded"' "SIGHUP before the start is a reload"
	stop_tgrun
	is "$STATUS" 0 "… and tgrun goes on until it is stopped"
	: >"$TGRUN_LOG"
	TGRUN_LOG_LEVEL=info python3 "$TMP/early.py" USR1 "$TGRUN" --handler "$TMP/note" >>"$TGRUN_LOG" 2>&1 &
	TGRUN_PID=$!
	wait_for 'logged "figures"'
	ok 'logged "figures"' "SIGUSR1 before the start logs its figures"
	stop_tgrun

	# While it starts: it waits for a token that nobody writes.
	waiting() { # starts it, and waits until it holds SIGHUP back
		rm -f "$TMP/token"
		mkfifo "$TMP/token"
		: >"$TGRUN_LOG"
		env -u TGRUN_TOKEN TGRUN_LOG_LEVEL=info "$TGRUN" --token-file "$TMP/token" --handler "$TMP/note" >>"$TGRUN_LOG" 2>&1 &
		TGRUN_PID=$!
		wait_for 'grep -q "^SigBlk:.*[13579bdf]$" "/proc/$TGRUN_PID/status"'
	}
	waiting
	kill -HUP "$TGRUN_PID"
	exec 9>"$TMP/token"
	rm "$TMP/token"
	echo "$TOKEN" >"$TMP/token" # for the reload
	echo "$TOKEN" >&9
	exec 9>&-
	wait_for 'logged "configuration reloaded"'
	ok 'logged "configuration reloaded"' "SIGHUP while it starts is a reload"
	stop_tgrun
	is "$STATUS" 0 "… and tgrun goes on"
	waiting
	kill -TERM "$TGRUN_PID"
	wait_tgrun
	is "$STATUS" 0 "SIGTERM while it starts is a stop"
fi

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

# What else there is: what asks for an end is a stop, what means nothing ends nothing, and a fault leaves a line.
unset TGRUN_LOG_LEVEL
for signal in ALRM PWR; do
	rm -f "$TMP/tgrun.log"
	start_tgrun --handler "$TMP/note"
	wait_for 'logged polling'
	stop_tgrun "$signal"
	is "$STATUS $(grep -c "stopping: SIG$signal" "$TGRUN_LOG")" "0 1" "SIG$signal is a stop"
done
rm -f "$TMP/tgrun.log"
start_tgrun --handler "$TMP/note"
wait_for 'logged polling'
for signal in PIPE XFSZ USR2 IO VTALRM PROF TTOU CONT WINCH URG CHLD; do
	kill -"$signal" "$TGRUN_PID"
done
slot=$(cat "/proc/$TGRUN_PID/task/$TGRUN_PID/children")
slot=${slot%% *}
for signal in HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM XCPU XFSZ VTALRM PROF IO PWR SYS TSTP TTIN TTOU; do
	kill -"$signal" "$slot"
done
: >"$TMP/seen"
message 7 after
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(seen ^end) $(cut -d' ' -f2,3 "/proc/$slot/stat")" "1 (tg-slot) S" "… what has no meaning ends neither tgrun nor a slot"
stop_tgrun XCPU
is "$STATUS $(grep -c 'stopping: SIGXCPU: the processor time' "$TGRUN_LOG")" "1 1" "SIGXCPU is a stop, too, with status 1"
case $BUILD in *asan*) ;; *)
	for signal in SEGV BUS SYS ABRT; do
		rm -f "$TMP/tgrun.log"
		start_tgrun --handler "$TMP/note"
		wait_for 'logged polling'
		stop_tgrun "$signal"
		is "$((STATUS > 128)) $(grep -c "^tgrun: ended by SIG$signal" "$TGRUN_LOG")" "1 1" "SIG$signal ends it with a line that says so"
	done
	;;
esac

# Files that may not grow any more are a full disk, for as long as they may not.
if command -v prlimit >/dev/null; then
	rm -rf "$TMP/state" "$TMP/tgrun.log"
	: >"$TMP/seen"
	start_tgrun --handler "$TMP/note" --concurrency 2
	wait_for 'logged polling'
	prlimit --pid "$TGRUN_PID" --fsize=200000:
	: >"$TMP/hold"
	generate 200 20 pad=20000
	wait_for 'logged "File too large.*(not confirmed|pause)"'
	ok 'kill -0 "$TGRUN_PID"' "files that may not grow (RLIMIT_FSIZE) do not end it"
	prlimit --pid "$TGRUN_PID" --fsize=unlimited:
	rm "$TMP/hold"
	wait_for '[ "$(sed -n "s/^end \([0-9]*\) .*/\1/p" "$TMP/seen" | sort -nu | wc -l)" = 200 ]' 60
	is "$(sed -n 's/^end \([0-9]*\) .*/\1/p' "$TMP/seen" | sort -nu | wc -l)" 200 "… and all comes through when they may"
	stop_tgrun
	is "$STATUS" 0 "… and it stops well"
	(ulimit -f 0 && exec "$TGRUN" --handler "$TMP/note" --state-dir "$TMP/none" --once) 2>&1 | cat >"$TMP/out"
	like "$(cat "$TMP/out")" 'cannot .*File too large' "at the start, too, the sentence says what failed"
fi
done_testing
