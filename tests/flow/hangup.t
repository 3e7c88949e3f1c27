# Goal: who closes the window of the terminal that tgrun was started from stops it, as any program; under nohup, without a terminal, or while the
# terminal is there, SIGHUP is a reload.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

command -v python3 >/dev/null || skip_all "a terminal is made by python3, which is not here"
note_handler
start_sandbox --no-penalties
export TGRUN_TOKEN="$TOKEN" TGRUN_API_URL="$URL" TGRUN_STATE_DIR="$TMP/state" TGRUN_HANDLER="$TMP/note" NOTE_LOG="$TMP/tgrun.log" NOTE_TGRUN="$TGRUN"
TGRUN_LOG=$TMP/tgrun.log
RUN='exec "$NOTE_TGRUN" 2>>"$NOTE_LOG"'

# Starts a command on a terminal: $TERMINAL is the process that holds it. The command is to start tgrun.
terminal() { # COMMAND…
	rm -f "$TMP/close" "$TGRUN_LOG"
	python3 tests/flow/terminal.py "$TMP/close" "$@" >"$TMP/screen" 2>&1 </dev/null &
	TERMINAL=$!
	PIDS="$PIDS $TERMINAL"
	wait_for 'logged polling && runner'
}
# The runner's process: the one that holds the lock.
runner() {
	RUNNER=$(cat "$TMP/state/run.lock" 2>/dev/null) && [ -n "$RUNNER" ] && kill -0 "$RUNNER" 2>/dev/null
}
hup() { # reloads, and goes on
	kill -HUP "$RUNNER"
	wait_for 'logged "configuration reloaded"'
}
gone() { ! kill -0 "$RUNNER" 2>/dev/null; }
hung_up() { # WHAT: it stops, gracefully
	ok 'wait_for gone' "$1: it ends"
	is "$(grep -c 'stopping: SIGHUP, and the terminal is gone' "$TGRUN_LOG") $(grep -c ' stopped ' "$TGRUN_LOG")" "1 1" "… gracefully, and says why"
}
works() { # TEXT: an update is handled
	message 7 "$1"
	wait_for '[ "$(seen "^end .* '"$1"'$")" = 1 ]'
}

# It is the first process of the terminal.
terminal sh -c "$RUN"
hup
ok 'works one' "kill -HUP while the terminal is there: it is a reload, and the bot goes on"
: >"$TMP/hold"
message 7 two
wait_for '[ "$(seen "^start .* two$")" = 1 ]'
: >"$TMP/close"
ok 'wait_for "logged stopping"' "the window is closed: it stops"
kill -HUP "$RUNNER"
rm "$TMP/hold"
wait "$TERMINAL"
is "$?" 0 "… with status 0"
hung_up "… told twice"
is "$(seen '^end .* two$')" 1 "… and the handler that ran has finished"

# In the foreground, and in the background, of a shell, which is told of the hang-up and ends.
terminal sh -c '"$NOTE_TGRUN" 2>>"$NOTE_LOG"; :'
: >"$TMP/close"
hung_up "in the foreground of a shell whose window is closed"
if command -v bash >/dev/null; then
	terminal bash --norc -i -c 'set -m; "$NOTE_TGRUN" 2>>"$NOTE_LOG" & trap "kill -HUP %1; exit" HUP; wait'
	: >"$TMP/close"
	hung_up "in the background of a shell that hands its hang-up on"
fi

# The shell ends, and with it the session, while the window stays.
terminal sh -c 'echo $$ >"$FLOW_MARK/leader"; "$NOTE_TGRUN" 2>>"$NOTE_LOG"; :'
kill -KILL "$(cat "$TMP/leader")"
hung_up "the shell is killed under it"
: >"$TMP/close"
# As a shell does that hangs its jobs up when it ends: the signal comes first.
mkfifo "$TMP/go"
terminal sh -c 'trap "" HUP; (trap - HUP; exec "$NOTE_TGRUN" 2>>"$NOTE_LOG") & child=$!; read -r go <"$FLOW_MARK/go"; kill -HUP $child; exit'
echo go >"$TMP/go"
ok 'wait_for gone' "a shell that hangs its jobs up, and then ends: it ends, too"
: >"$TMP/close"

# What outlives its terminal.
terminal sh -c 'exec nohup "$NOTE_TGRUN" >>"$NOTE_LOG" 2>&1'
: >"$TMP/close"
wait_for 'logged "configuration reloaded"'
ok 'works three' "under nohup it goes on when the window is closed"
kill -TERM "$RUNNER"
wait_for gone
terminal sh -c 'setsid "$NOTE_TGRUN" 2>>"$NOTE_LOG" & wait'
: >"$TMP/close"
wait "$TERMINAL"
hup
ok 'works four' "without a terminal of its own it goes on, and SIGHUP is a reload"
kill -TERM "$RUNNER"
wait_for gone

# The chat in a terminal.
try() { # COMMAND…
	rm -f "$TMP/close" "$TMP/screen"
	env -u TGRUN_TOKEN -u TGRUN_API_URL python3 tests/flow/terminal.py "$TMP/close" "$@" >"$TMP/screen" 2>&1 </dev/null &
	TERMINAL=$!
	PIDS="$PIDS $TERMINAL"
	wait_for 'grep -q "Type to the bot" "$TMP/screen"'
	: >"$TMP/close"
	wait "$TERMINAL"
}
try "$TGRUN" try --handler "$TMP/note"
ok '[ $? -lt 128 ]' "the chat in a terminal ends with its window, and not by the signal"
done_testing
