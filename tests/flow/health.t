# Goal: `tgrun status --check` is 0 and silent while all is well, 1 with a line that says why for each thing that can be wrong, and 69 where none runs.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

check() { # OPTION…: $STATUS and what it says
	SAID=$("$REAL_TGRUN" status --check --state-dir "$TMP/state" "$@" </dev/null 2>&1)
	STATUS=$?
}
well() { # WHAT [OPTION…]
	_what=$1
	shift
	check "$@"
	is "$STATUS $SAID" "0 " "$_what: 0, and not a word"
}
degraded() { # WHAT ERE [OPTION…]: waits until it is so; on a busy machine a poll may be late, which is said first
	_what=$1 _ere=$2
	shift 2
	_until=$(($(date +%s) + DEADLINE))
	while check "$@"; ! { [ "$STATUS" = 1 ] && printf '%s\n' "$SAID" | grep -Eq "$_ere"; } && [ "$(date +%s)" -le "$_until" ]; do sleep 0.05; done
	is "$STATUS $(printf '%s\n' "$SAID" | wc -l)" "1 1" "$_what: 1, and a line"
	like "$SAID" "^degraded: .*$_ere" "… that says so"
}
mended() { # WHAT [OPTION…]: waits until it is well again
	_what=$1
	shift
	_until=$(($(date +%s) + DEADLINE))
	while check "$@"; [ "$STATUS" = 1 ] && [ "$(date +%s)" -le "$_until" ]; do sleep 0.05; done
	is "$STATUS $SAID" "0 " "$_what: 0 again"
}
figure() { "$REAL_TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null </dev/null | jq -r "$1"; }
tool() { "$REAL_TGRUN" "$@" --state-dir "$TMP/state" </dev/null >/dev/null 2>&1; }

handler h <<'EOT'
#!/bin/sh
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
[ ! -e "$FLOW_MARK/bad" ] || exit 65
echo "answer"
EOT
start_sandbox --no-penalties
check
is "$STATUS" 69 "where none runs: 69"
like "$SAID" '^tgrun: no tgrun runs' "… and that is said"
machine MACHINE_SPEED=20
start_tgrun --handler "$TMP/h" --breaker 2 --concurrency 2 --timeout 0
wait_for '[ "$(figure .state)" = running ] && [ "$(stats .open_polls)" = 1 ]'
well "an idle bot"
message 1 hello
wait_for '[ "$(figure .done)" = 1 ]'
well "one that has worked"

tool pause
degraded "paused" 'paused: .*tgrun resume'
tool resume
mended "resumed"

# The oldest update, and dead letters.
: >"$TMP/hold"
message 2 runs
message 2 behind
wait_for '[ "$(figure .waiting)" = 1 ]'
well "what waits for a short time" --oldest 365d
degraded "an update that has waited for too long" 'the oldest update has waited for [0-9.]+(s|m)' --oldest 1ms
well "… where any age will do" --oldest 0
: >"$TMP/bad"
rm "$TMP/hold"
wait_for '[ "$(figure .dead_letters)" = 2 ]'
wait_for '[ "$(figure .running_count)" = 0 ]'
well "dead letters, unless they are counted"
well "as many as there may be" --max-dead 2
degraded "one more" '2 dead letters' --max-dead 1

# The breaker, and a handler that cannot be started.
for chat in 3 4; do message $chat fails; done
degraded "a handler that fails on everything" 'the handler fails on everything'
rm "$TMP/bad"
mended "one that works again"
mv "$TMP/h" "$TMP/away"
message 5 hello
degraded "a handler that is gone" 'the handler cannot be started'
mv "$TMP/away" "$TMP/h"
mended "one that is there again"

# The source.
script '{"method":"getUpdates","status":502,"times":1000}'
message 6 hello
degraded "a server that fails" 'cannot fetch: getUpdates: .*502'
stop_tgrun

# The backlog, and the disk.
anew --no-penalties
: >"$TMP/hold"
start_tgrun --handler "$TMP/h" --backlog 2
for text in a b c; do message 7 $text; done
degraded "a backlog that is full" 'the backlog is full'
rm "$TMP/hold"
mended "one that has room again"
stop_tgrun
start_tgrun --handler "$TMP/h" --min-free 1000000000G
degraded "a disk that is almost full" 'the disk is almost full'
stop_tgrun
start_tgrun --handler "$TMP/h"
wait_for '[ "$(figure .state)" = running ] && [ "$(stats .open_polls)" = 1 ]'
if command -v prlimit >/dev/null; then
	prlimit --pid "$TGRUN_PID" --fsize=1000:
	message 8 hello
	degraded "a state that cannot be written" 'the state cannot be written'
	prlimit --pid "$TGRUN_PID" --fsize=unlimited:
	mended "one that can be written again"
else
	ok true "a state that cannot be written # SKIP no prlimit"
fi
rm "$TMP/state/queue.db"
message 9 hello
degraded "a state that is gone" 'the state is gone or spoilt'
stop_tgrun

# The way out.
anew --no-penalties
start_tgrun --handler "$TMP/h" --reply text --outbox 2 --rate chat=0,group=0
script '{"method":"sendMessage","status":502,"times":1000}'
message 10 hello
degraded "messages that cannot be sent" 'messages cannot be sent, the oldest has waited for [0-9.]+(s|m)' --oldest 1ms
message 11 hello
degraded "an outbox that is full" 'the outbox is full: no handler starts' --oldest 0
stop_tgrun
anew --no-penalties
start_tgrun --handler "$TMP/h" --reply text
wait_for '[ "$(stats .open_polls)" = 1 ]'
script '{"method":"getMe","status":401,"description":"Unauthorized","times":50}
{"method":"sendMessage","status":401,"description":"Unauthorized"}'
message 12 hello
degraded "a token that is refused" 'nothing is sent: the server refuses the token'
stop_tgrun

# A chat that the server told to wait stops nobody else.
machine
anew --no-penalties
start_tgrun --handler "$TMP/h" --reply text
script '{"method":"sendMessage","chat":13,"status":429,"retry_after":600,"times":1000}'
message 13 hello
wait_for '[ "$(figure .done)" = 1 ] && [ "$(figure .outbox)" = 1 ]'
message 14 hello
wait_for '[ "$(figure .sent)" = 1 ]'
well "a chat that the server told to wait" --oldest 1ms

# Where the state is, is told in every way.
for name in STATE_DIRECTORY TGRUN_STATE_DIR; do
	env "$name=$TMP/state" "$REAL_TGRUN" status --check
	is "$?" 0 "$name is looked at"
done
stop_tgrun
XDG_STATE_HOME=$TMP/xdg TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --handler "$TMP/h" >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
wait_for 'XDG_STATE_HOME=$TMP/xdg TGRUN_TOKEN=$TOKEN "$REAL_TGRUN" status --check >"$TMP/out" 2>&1'
is "$(cat "$TMP/out")" "" "and the place that the token means"
done_testing
