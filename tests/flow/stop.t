# Goal: a stop is graceful, bounded, and loses nothing, in whatever state it comes; other signals do what the manual says.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
start_sandbox --no-penalties

# Idle.
for signal in TERM INT QUIT; do
	forget
	start_tgrun --handler "$TMP/note"
	wait_for '[ "$(stats .open_polls)" = 1 ]'
	stop_tgrun "$signal"
	is "$STATUS" 0 "SIG$signal when idle: 0"
	ok 'logged "stopping: SIG$signal" && logged " stopped "' "… and the log says why"
done

# Handlers may finish.
forget
: >"$TMP/hold"
start_tgrun --handler "$TMP/note"
message 7 one
message 7 two
message 8 three
wait_for '[ "$(seen ^start)" = 2 ]'
kill -TERM "$TGRUN_PID"
wait_for 'logged "stopping: SIGTERM"'
rm "$TMP/hold"
wait_tgrun
is "$STATUS $(seen '^end.*(one|three)') $(seen two)" "0 2 0" "handlers that run may finish, and nothing more is started: 0"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(grep -c '^start.* 1 0 two' "$TMP/seen")" "0 1" "what waited is there at the next start, as if nothing had been"
is "$(seen ^start) $(seen ^end)" "3 3" "… and nothing is handled twice"

# The shutdown deadline. The attempt that it cut is not counted.
cut() { # WHAT STATUS, after the stop
	is "$STATUS" "$2" "$1: exit status $2"
	ok '[ -z "$(pgrep -f "$TMP/stubborn")" ]' "… the handler is gone"
	run_tgrun --handler "$TMP/note" --once
	is "$STATUS $(sed -n 's/^end [0-9]* //p' "$TMP/seen" | tr '\n' ';')" "0 chat:7 1 1 cut;" "… and its update is handed out again, uncounted, with TG_REDELIVERED"
}
handler stubborn <<'EOT'
#!/bin/sh
trap '' TERM
echo ready >"$FLOW_MARK/ready"
while :; do sleep 1; done
EOT
forget
rm -f "$TMP/ready"
start_tgrun --handler "$TMP/stubborn" --shutdown-timeout 300ms --kill-after 200ms
message 7 cut
wait_for '[ -s "$TMP/ready" ]'
stop_tgrun
cut "a handler that does not end by the shutdown deadline" 1

forget
rm -f "$TMP/ready"
start_tgrun --handler "$TMP/stubborn" --shutdown-timeout 1h
message 7 cut
wait_for '[ -s "$TMP/ready" ]'
kill -TERM "$TGRUN_PID"
wait_for 'logged "stopping: SIGTERM"'
stop_tgrun INT
cut "a second signal, which ends all at once" 1
forget
start_tgrun --handler "$TMP/note"
wait_for '[ "$(stats .open_polls)" = 1 ]'
kill -TERM "$TGRUN_PID"
kill -INT "$TGRUN_PID"
wait_tgrun
is "$STATUS" 0 "two signals when idle: nothing was forced, 0"

# Signals without end, so that some come after the loop's.
statuses=
for signal in INT HUP USR1 INT HUP USR1; do
	forget
	start_tgrun --handler "$TMP/note"
	wait_for '[ "$(stats .open_polls)" = 1 ]'
	kill -TERM "$TGRUN_PID"
	while kill -"$signal" "$TGRUN_PID" && grep -q "^State:.*[RSD]" "/proc/$TGRUN_PID/status"; do :; done 2>/dev/null
	wait_tgrun
	statuses="$statuses $STATUS"
done
is "$statuses" " 0 0 0 0 0 0" "signals that come when all is over but the exit: still 0"

# Background work that is cut: its handler had ended, so its update is settled. That a handler was cut before, by a slot's death, is not of the stop.
handler lingers <<'EOT'
#!/bin/sh
if [ -e "$FLOW_MARK/hold" ]; then
	echo held >"$FLOW_MARK/held"
	while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
fi
(trap '' TERM; echo ready >"$FLOW_MARK/ready"; while :; do sleep 1; done) >/dev/null 2>&1 &
EOT
forget
rm -f "$TMP/ready"
: >"$TMP/hold"
start_tgrun --handler "$TMP/lingers" --concurrency 1 --shutdown-timeout 300ms --kill-after 200ms
message 7 cut
wait_for '[ -s "$TMP/held" ]'
kill -KILL "$(pgrep -P "$TGRUN_PID")"
wait_for 'logged "interrupted, and to be handed out again"'
rm "$TMP/hold"
wait_for '[ -s "$TMP/ready" ]'
stop_tgrun
is "$STATUS" 0 "background work that does not end by the shutdown deadline: 0, for its handler had ended"
ok 'logged "warn .*background work of handlers that ended still runs.* updates=1" && ! logged "handlers still run"' "… with a warning that says so"
ok '[ -z "$(pgrep -f "$TMP/lingers")" ]' "… the work is gone"
ok 'logged "handled .*attempt=1"' "… and its update is handled"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen .)" "0 0" "… and is not handed out again"

# A hook is bounded, too.
handler hook <<'EOT'
#!/bin/sh
trap '' TERM
echo ready >"$FLOW_MARK/ready"
while :; do sleep 1; done
EOT
handler fails <<'EOT'
#!/bin/sh
exit 1
EOT
for how in deadline signal; do
	forget
	rm -f "$TMP/ready"
	timeout=300ms
	[ "$how" = deadline ] || timeout=1h
	start_tgrun --handler "$TMP/fails" --on-error "$TMP/hook" --shutdown-timeout "$timeout" --kill-after 200ms
	message 7 failed
	wait_for '[ -s "$TMP/ready" ]'
	if [ "$how" = signal ]; then
		kill -TERM "$TGRUN_PID"
		wait_for 'logged "stopping: SIGTERM"'
	fi
	stop_tgrun
	is "$STATUS $(pgrep -f "$TMP/hook")" "0 " "a hook that does not end is ended at the $how, too: no handler was cut, so 0"
	[ "$how" = signal ] || ok 'logged "warn .*hooks still run at the shutdown deadline.* hooks=1"' "… with a warning"
done

# While an update waits for its next attempt.
handler later <<'EOT'
#!/bin/sh
exit 75
EOT
forget
start_tgrun --handler "$TMP/later" --retry-delay 5m
message 7 retried
wait_for 'logged "to be tried again"'
stop_tgrun
is "$STATUS" 0 "a stop does not wait for a retry that is due later"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen .)" "0 0" "--once leaves it where it is: it is not due"
ok '"$TGRUN" dead list --state-dir "$TMP/state" 2>&1 | grep -q "no dead letters"' "… and it is no dead letter"

# While handlers cannot be started.
forget
handler broken <<'EOT'
#!/nonexistent/interpreter
EOT
printf '#!/bin/sh\nexit 0\n' >"$TMP/missing"
chmod 755 "$TMP/missing"
start_tgrun --handler "$TMP/missing"
wait_for '[ "$(stats .open_polls)" = 1 ]'
cp "$TMP/broken" "$TMP/missing"
message 7 paused
wait_for 'logged "cannot be started"'
stop_tgrun
is "$STATUS" 0 "a stop while starting is paused"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(sed -n 's/^end [0-9]* //p' "$TMP/seen")" "0 chat:7 1 0 paused" "… and the update is untouched: first attempt, never started"

# While Telegram cannot be reached.
forget
script '{"method":"getUpdates","status":500,"body":"x","times":2}'
start_tgrun --handler "$TMP/note"
wait_for 'logged "asking again"'
stop_tgrun
is "$STATUS" 0 "a stop while polling fails"

# The last offset is confirmed at the end, so that the next start does not fetch the same again.
stop_sandbox
start_sandbox --no-penalties
forget
start_tgrun --handler "$TMP/note"
message 7 confirmed
wait_for '[ "$(seen ^end)" = 1 ]'
stop_tgrun
is "$STATUS $(stats .pending)" "0 0" "what was received is confirmed at the end"

# Stopped and continued.
forget
start_tgrun --handler "$TMP/note" --timeout 20s
wait_for '[ "$(stats .open_polls)" = 1 ]'
kill -STOP "$TGRUN_PID"
wait_for 'grep -q "^State:.*T" "/proc/$TGRUN_PID/status"'
message 7 asleep
kill -CONT "$TGRUN_PID"
wait_for '[ "$(seen "^end.*asleep")" = 1 ]'
is "$(seen '^end.*asleep')" 1 "after SIGSTOP and SIGCONT all goes on"

# Figures, and signals that mean nothing.
kill -USR1 "$TGRUN_PID"
wait_for 'logged " figures "'
like "$(grep ' figures ' "$TGRUN_LOG")" 'received=1 .*done=1 .*running=0 waiting=0' "SIGUSR1: a line of figures"
kill -USR2 "$TGRUN_PID"
kill -PIPE "$TGRUN_PID"
message 7 still
wait_for '[ "$(seen "^end.*still")" = 1 ]'
is "$(seen '^end.*still')" 1 "SIGUSR2 and SIGPIPE do not end it"
stop_tgrun
is "$STATUS" 0 "… and a stop does"

# --max-runtime.
forget
: >"$TMP/hold"
message 7 limited
start_tgrun --handler "$TMP/note" --max-runtime 1s
wait_for 'logged "max-runtime has passed"'
ok 'kill -0 "$TGRUN_PID"' "--max-runtime stops gracefully: the handler may finish"
rm "$TMP/hold"
wait_tgrun
is "$STATUS $(seen '^end.*limited')" "0 1" "… and the status is 0"
done_testing
