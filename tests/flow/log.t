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

# Where stderr is the journal, lines have a priority and, as text, no time of their own; those of handlers, too.
journal() { # COMMAND…: its stderr, $LINES
	: >"$TMP/journal"
	JOURNAL_STREAM=${STREAM:-$(stat -c %d:%i "$TMP/journal")} TGRUN_TOKEN=$TOKEN "$@" --api-url "$URL" --state-dir "$TMP/state" 2>>"$TMP/journal" </dev/null >/dev/null
	STATUS=$?
	LINES=$(cat "$TMP/journal")
}
forget
evil
message 7 fail
journal "$TGRUN" --handler "$TMP/parrot" --once --log-level debug
is "$STATUS $(grep -vc '^<[3467]>' "$TMP/journal") $(grep '^<.>20' "$TMP/journal" | grep -vc 'stream=stdout')" "0 0 0" \
	"journal: every line begins with its priority, and has no time" || diag "$LINES"
is "$(grep -c '^<6>.*stream=stderr' "$TMP/journal") $(grep -c '^<4>exited with status 65' "$TMP/journal") $(grep -c '^<7>received' "$TMP/journal")" "2 1 1" \
	"journal: what a handler prints, what fails, and what is for debugging"
forget
message 7 fail
journal "$TGRUN" --handler "$TMP/parrot" --once --log-format json
is "$(grep -vc '^<[346]>{"time":"20' "$TMP/journal") $(sed 's/^<[346]>//' "$TMP/journal" | jq -e -c type | sort -u)" '0 "object"' "journal: an object stays whole behind its priority"
journal "$TGRUN" --handler "$TMP/nowhere" --speed-traffic-balance 0.5 --timeout 5s --kill-after 9s
is "$STATUS $(grep -c '^<3>tgrun: ' "$TMP/journal") $(grep -vc '^<[34]>tgrun: ' "$TMP/journal")" "78 1 0" "journal: what ends it before it has a log has one, too" || diag "$LINES"
forget
STREAM=1:1 journal "$TGRUN" --handler "$TMP/parrot" --once
is "$(grep -vc '^20[0-9-]*T' "$TMP/journal")" 0 "journal: a stream that was inherited and is another one changes nothing"

# Every key of a JSON log stands in the manual with its one type: those that the code names, and those of a bot at work.
forget
for text in fail later signal ok; do message 8 "$text"; done
printf '#!/bin/sh\necho hi\necho oops >&2\ncase $TG_TEXT in fail) exit 65;; later) exit 75;; signal) kill $$;; esac\n' | handler mixed
run_tgrun --handler "$TMP/mixed" --reply text --on-error 'echo failed' --once --log-format json --log-level debug --max-attempts 2 --retry-delay 0
cat "$TMP/tgrun.log" >"$TMP/json.log"
{
	jq -r 'keys[]' "$TMP/json.log"
	grep -rhoE 'LOG_(NUM|STR|BYTES)\("[a-z_]+"' lib cli --include='*.c' | sed 's/.*"\(.*\)"/\1/'
} | sort -u >"$TMP/keys"
awk '/^\.Ss Log/ { log_ = 1 } /^\.Ss Under/ { log_ = 0 } log_ && /^(\.It )?\.?(It )?Li / { gsub(/[.,()]/, " "); for (i = 2; i <= NF; i++) print $i }' man/tgrun.1 | sort -u >"$TMP/documented"
ok '[ "$(wc -l <"$TMP/keys")" -gt 50 ]' "json: the keys are found"
is "$(comm -23 "$TMP/keys" "$TMP/documented" | tr '\n' ' ')" "" "json: the manual has every key"
grep -rhoE 'LOG_(NUM|STR|BYTES)\("[a-z_]+"' lib cli --include='*.c' | sed 's/LOG_NUM("\(.*\)"/\1 number/; s/LOG_[A-Z]*("\(.*\)"/\1 string/' | sort -u | cut -d ' ' -f 1 | uniq -d >"$TMP/twice"
is "$(tr '\n' ' ' <"$TMP/twice")" "" "json: no key is a number here and a text there"

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
