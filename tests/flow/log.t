# Goal: a log line per event, whatever strangers write into it, as text and as JSON; and a log that nobody reads never stops the bot.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

handler parrot <<'EOT'
#!/bin/sh
printf '%s\n' "$TG_TEXT"
printf 'err \033[31m\033]0;title\007 \302\233 \377 \342\200\256 end\n' >&2
[ "$TG_TEXT" != fail ] || exit 65
EOT
note_handler
start_sandbox --no-penalties
evil() {
	push '{"message":{"chat":{"id":7,"type":"private"},"text":"a\u001b[2Jb\r\n2026-01-01T00:00:00.000Z error forged\u0085x\u202ey\u0007"}}'
}
evil
run_tgrun --handler "$TMP/parrot" --once
is "$STATUS $(LC_ALL=C grep -c '[^ -~]' "$TGRUN_LOG")" "0 0" "text: no control character, no escape, nothing but printable bytes"
is "$(grep -vc '^20[0-9-]*T[0-9:.]*Z \(error\|warn\|info\|debug\) ' "$TGRUN_LOG")" 0 "text: every line has its time and level"
is "$(grep -c '^[^ ]* error' "$TGRUN_LOG")" 0 "text: a line that a chat forges is no line of its own"
forget
evil
message 7 fail
run_tgrun --handler "$TMP/parrot" --once --log-format json
is "$(jq -e -c 'type' "$TGRUN_LOG" 2>&1 | sort -u)" '"object"' "json: each line is an object"
is "$(jq -s 'length' "$TGRUN_LOG")" "$(wc -l <"$TGRUN_LOG")" "json: one a line"
is "$(LC_ALL=C tr -d '\n' <"$TGRUN_LOG" | LC_ALL=C grep -c '[[:cntrl:]]')" 0 "json: no raw control character"
forget
message 7 fail
run_tgrun --handler "$TMP/parrot" --once --log-level error
is "$STATUS $(cat "$TGRUN_LOG")" "0 " "--log-level error: silence when there is no error"

# Nobody reads.
stream() { # WHAT: 300 updates while the log goes where $TGRUN_PID's stderr goes
	before=$(seen ^end)
	generate 300 20
	wait_for '[ "$(seen ^end)" -ge '"$((before + 300))"' ]'
	is "$(($(seen ^end) - before))" 300 "$1: every update is handled"
	kill -TERM "$TGRUN_PID"
	TGRUN_LOG=/dev/null wait_tgrun
	is "$STATUS" 0 "$1: … and it stops well"
	TGRUN_LOG=$TMP/tgrun.log
}
forget
export TGRUN_TOKEN=$TOKEN TGRUN_API_URL=$URL TGRUN_STATE_DIR=$TMP/state
mkfifo "$TMP/pipe"
exec 8<>"$TMP/pipe"
"$TGRUN" --handler "$TMP/note" --log-level debug >/dev/null 2>"$TMP/pipe" 8<&- </dev/null &
TGRUN_PID=$!
stream "a pipe that is full"
exec 8<&-
start sh -c 'exec 8<"$1"; exec sleep 0.1' - "$TMP/pipe"
"$TGRUN" --handler "$TMP/note" --log-level debug >/dev/null 2>"$TMP/pipe" </dev/null &
TGRUN_PID=$!
wait "$PID"
stream "a pipe whose reader has gone"
"$TGRUN" --handler "$TMP/note" --log-level debug >/dev/null 2>/dev/full </dev/null &
TGRUN_PID=$!
stream "/dev/full"
done_testing
