# Goal: what handlers write is logged line by line under their update's id, harmless and bounded, and never shows the token.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

handler says <<'EOT'
#!/bin/sh
. "$FLOW_MARK/script"
EOT
# say OPTION… <SCRIPT: one update, handled by the script.
say() {
	anew --no-penalties
	cat >"$TMP/script"
	message 7 x
	run_tgrun --once --handler "$TMP/says" "$@"
}
field() { # JQ-EXPRESSION, over the lines that a handler wrote
	jq -r "select(.stream != null) | $1" "$TGRUN_LOG"
}

say <<'EOT'
echo one; sleep 0.02; echo two >&2; sleep 0.02; printf 'three, with a  "quote" = \\ and no end'
EOT
is "$(sed -n 's/^[^ ]* info  \(.*stream=.*\)/\1/p' "$TGRUN_LOG")" "$(cat <<'EOT'
one  stream=stdout update=1 key=chat:7
two  stream=stderr update=1 key=chat:7
three, with a  "quote" = \ and no end  stream=stdout update=1 key=chat:7
EOT
)" "each line of stdout and stderr is a line of the log, with the update's id, also one without an end"

say --log-format json <<'EOT'
echo one; sleep 0.02; echo two >&2; sleep 0.02; printf 'three, with a  "quote" = \\ and no end'
EOT
is "$(field '[.level, .message, .stream, .update, .key] | join("|")')" "$(cat <<'EOT'
info|one|stdout|1|chat:7
info|two|stderr|1|chat:7
info|three, with a  "quote" = \ and no end|stdout|1|chat:7
EOT
)" "--log-format json says the same"
is "$(jq -c 'select((.time | test("^20[0-9-]{8}T[0-9:.]{12}Z$") | not) or .level == null or .message == null)' "$TGRUN_LOG")" "" \
	"each of its lines is an object with time, level and message"

# The reason of a failure.
say <<'EOT'
echo "Traceback:" >&2; printf '  ValueError: no \000 such thing\n' >&2; printf '\n\000\n' >&2; echo "on stdout"; exit 65
EOT
is "$(dead list --json | jq -r .reason)" "exited with status 65: ValueError: no   such thing" "the last line of stderr that says something is the reason"
is "$(dead list --json | jq -r .stderr)" "Traceback:
  ValueError: no   such thing" "the dead letter has the lines themselves"
like "$(dead show "$(dead list --json | jq .number)")" '^stderr    Traceback:$' "… and shows them"
like "$(dead show "$(dead list --json | jq .number)")" '^            ValueError: no   such thing$' "… one below the other"
say <<'EOT'
cat tests/data/crashes/node-missing-module >&2; exit 1
EOT
is "$(dead list --json | jq -r .reason)" "exited with status 1: Error: Cannot find module 'telegraf'" "of a crash it is the sentence that says what is wrong"
like "$(dead list)" "exited with status 1: Error: Cannot find module 'telegraf'\$" "… in the list, too"
like "$(grep 'now a dead letter' "$TGRUN_LOG")" "stderr=\"Error: Cannot find module 'telegraf'\"\$" "… and in the log"
say <<'EOT'
yes "$TG_TOKEN é" | head -n 500 >&2; exit 1
EOT
is "$(dead list --json | jq -r '(.stderr | utf8bytelength) <= 2048, (.stderr | utf8bytelength) > 2000, (.stderr | contains("secret")), (.stderr | contains("\ufffd"))' | tr '\n' ' ')" "true true false false " \
	"the dead letter keeps the last 2 KiB of stderr, cut between characters, without the token"

# Bytes of all sorts.
hostile() {
	say "$@" <<'EOT'
printf '\033[2J\033]0;title\007red\033[31m\n'
printf 'carriage\rreturn \303\244 \360\237\230\200\n'
printf 'broken \377\376 \302\233 csi \342\200\256 bidi\n'
printf 'nul\000nul\n'
printf 'forged\\n2026-01-01T00:00:00.000Z error x\n'
printf '\033[1mlast\n' >&2
exit 65
EOT
}
hostile
is "$STATUS $(LC_ALL=C tr -d '\n\040-\176\200-\377' <"$TGRUN_LOG" | wc -c)" "0 0" "control characters do not reach the log"
is "$(LC_ALL=C grep -cF "$(printf '\342\200\256')" "$TGRUN_LOG") $(LC_ALL=C grep -cF "$(printf '\302\233')" "$TGRUN_LOG")" "0 0" \
	"nor do C1 controls and marks that turn the direction of text"
ok 'iconv -f UTF-8 -t UTF-8 <"$TGRUN_LOG" >/dev/null' "the log is UTF-8"
ok 'grep -qF "ä 😀" "$TGRUN_LOG"' "letters of all the world stay as they are"
like "$(cat "$TGRUN_LOG")" 'red\\x1b|red\\e|red\\u001b|red\\033' "escape sequences are shown escaped"
hostile --log-format json
is "$(jq -c . "$TGRUN_LOG" | wc -l)" "$(wc -l <"$TGRUN_LOG")" "in JSON every line parses whatever a handler writes"
ok 'jq -r "select(.stream != null) | .message" "$TGRUN_LOG" | grep -q "^carriage"' "and its text is there"
is "$(LC_ALL=C tr -d '\n\040-\176\200-\377' <"$TGRUN_LOG" | wc -c)" 0 "without a raw control character"
ok 'dead list | LC_ALL=C grep -q last && [ "$(dead list | LC_ALL=C tr -d "\n\t\040-\176\200-\377" | wc -c)" = 0 ]' \
	"nor does a terminal that lists dead letters see one"

# Long lines, and much.
say --log-format json <<'EOT'
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "x"; print ""; print "after" }'
EOT
is "$(field '.message' | awk '{ print length($0) }' | tr '\n' ' ')" "8192 5 " "a line is cut at 8 KiB, and the next is whole"
is "$(jq -r 'select(.message | test("dropped")) | .bytes' "$TGRUN_LOG")" 11808 "what was cut is counted"
say --log-format json --max-output 10K <<'EOT'
awk 'BEGIN { for (i = 0; i < 2000; i++) print "123456789" }'
EOT
is "$(field '.message' | wc -c)" 10240 "what passes --max-output is not logged"
is "$(jq -r 'select(.message | test("dropped")) | .bytes' "$TGRUN_LOG")" "$((9 * 976))" "and counted"
is "$STATUS $(jq -r 'select(.message == "handled") | .update' "$TGRUN_LOG")" "0 1" "the handler is not disturbed by it"

anew --no-penalties
cat >"$TMP/script" <<'EOT'
if [ "$TG_CHAT_ID" = 8 ]; then echo small; exit 0; fi
[ "$TG_CHAT_ID" = 7 ] && exec head -c 100000000 /dev/zero
head -c 100000000 /dev/zero >&2
EOT
message 8 x
start_tgrun --log-format json --handler "$TMP/says"
wait_for 'logged "handled"'
before=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$TGRUN_PID/status")
message 7 x
message 9 x
wait_for '[ "$(grep -c handled "$TGRUN_LOG")" = 3 ]' 60
after=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$TGRUN_PID/status")
most=8 # MB; of a build with sanitizers, what was freed is kept for a while
case $BUILD in *asan*) most=16 ;; esac
ok '[ "$after" -lt $((before + most * 1024)) ]' "two floods of 100 MB without a line's end cost less than $most MB of memory ($before, then $after KB)"
stop_tgrun
is "$(jq -r 'select(.message | test("dropped")) | .update' "$TGRUN_LOG" | sort | tr '\n' ' ')" "2 3 " "they are counted"
is "$(jq -r 'select(.message | test("dropped")) | .bytes' "$TGRUN_LOG" | sort -u)" $((100000000 - 8192)) "but for the 8 KiB that are shown"
ok '[ "$(wc -c <"$TGRUN_LOG")" -lt 200000 ]' "and the log stays small"

# The token.
leak() {
	say "$@" <<'EOT'
echo "my token is $TG_TOKEN and the URL $TG_API_URL/getMe"
printf '%s' "$TG_TOKEN" | sed 's/^.*:/only the secret: /' | cat
echo
awk -v t="$TG_TOKEN" 'BEGIN { for (i = 0; i < 8192 - 12; i++) printf "x"; print t " across the cut" }'
echo "curl: (22) $TG_API_URL/sendMessage: 400" >&2
exit 65
EOT
}
for format in text json; do
	leak --log-format $format --log-level debug
	is "$(grep -c 'sandbox-secret' "$TGRUN_LOG") $(grep -c 'sandbox-se' "$TGRUN_LOG")" "0 0" "a token that a handler prints is not in the $format log"
	ok 'grep -qF "123456:***" "$TGRUN_LOG"' "but stars are"
done
ok 'dead list --json | jq -r .stderr | grep -q "^curl: (22) .*/bot123456:\*\*\*\**/sendMessage: 400"' "nor in the dead letter's line of stderr"
is "$(grep -rlaF sandbox-secret "$TMP/state" | wc -l)" 0 "nor in any file of the state"

# --stdout.
cat >"$TMP/script" <<'EOT'
echo to stdout
echo to stderr >&2
EOT
anew --no-penalties
message 7 x
TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --once --handler "$TMP/says" --stdout inherit \
	>"$TMP/stdout" 2>"$TMP/tgrun.log" </dev/null
is "$(cat "$TMP/stdout")" "to stdout" "--stdout inherit: it goes to tgrun's own, as it is"
is "$(grep -c 'to stdout' "$TGRUN_LOG") $(grep -c 'to stderr  stream=stderr' "$TGRUN_LOG")" "0 1" "and is not logged; stderr is"
# … until nobody reads it: no handler dies of that, however it takes a broken pipe, and nothing that it says is lost.
unheard() { # WHAT OPTION…
	what=$1
	shift
	anew --no-penalties
	rm -f "$TMP/pipe"
	mkfifo "$TMP/pipe"
	start head -n 1 "$TMP/pipe"
	: >"$TGRUN_LOG"
	TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --stdout inherit --on-failure dead "$@" \
		>"$TMP/pipe" 2>>"$TGRUN_LOG" </dev/null &
	TGRUN_PID=$!
	wait_for 'logged polling'
	message 7 first
	wait "$PID"
	generate 20 10
	wait_for '[ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq "[.done, .dead] | add")" -ge 21 ]'
	wait_for 'logged "last words of 21 .*stream=stdout"'
	is "$("$TGRUN" status --json --state-dir "$TMP/state" | jq -r '"\(.done) \(.dead)"') $(grep -c 'nobody reads the standard output any more' "$TGRUN_LOG")" "21 0 1" "$what"
	stop_tgrun
	is "$STATUS" 0 "… and it stops as ever"
}
handler talks <<'EOT'
#!/bin/sh
trap "$ON_PIPE" PIPE
echo "update $TG_UPDATE_ID" || exit 1
echo "last words of $TG_UPDATE_ID" || exit 1
EOT
handler stays <<'EOT'
#!/bin/sh
while read -r line; do
	id=${line#*\"id\":\"}
	echo "last words of ${id%%.*}"
	echo "{\"id\":\"${id%%\"*}\",\"ok\":true}" >&3
done
EOT
ON_PIPE=- && export ON_PIPE
unheard "--stdout inherit: a reader that goes away takes no handler with it" --handler "$TMP/talks"
unheard "… nor a pipeline" --handler "cat | $TMP/talks"
unheard "… nor a worker" --handler "$TMP/stays" --workers 1
ON_PIPE=''
unheard "… nor one that ignores SIGPIPE, and fails" --handler "$TMP/talks"

anew --no-penalties
message 7 x
TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --once --handler "$TMP/says" --stdout discard \
	>"$TMP/stdout" 2>"$TMP/tgrun.log" </dev/null
is "$(wc -c <"$TMP/stdout") $(grep -c 'to stdout' "$TGRUN_LOG") $(grep -c 'to stderr  stream=stderr' "$TGRUN_LOG")" "0 0 1" "--stdout discard: it goes nowhere"

done_testing
