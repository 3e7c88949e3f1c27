# Goal: tgrun outbox lists, shows, retries and drops messages that wait or failed, in the same words whether a tgrun runs or not.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2153,SC2154
. tests/flow/lib.sh

outbox() { # WORD…: $OUT, $ERR, $STATUS
	"$TGRUN" outbox "$@" --state-dir "$TMP/state" >"$TMP/out" 2>"$TMP/err" </dev/null
	STATUS=$?
	OUT=$(cat "$TMP/out")
	ERR=$(cat "$TMP/err")
}
# A field of all entries of a state, in the order of their numbers.
entries() { # STATE JQ
	outbox list --json --state "$1"
	jq -r "$2" "$TMP/out" | tr '\n' ' '
}
texts() { # CHAT
	deliveries "select(.chat == $1) | .text" | tr '\n' ' '
}

# Words.
outbox
like "$STATUS $ERR" "^64 .*wants one of: list, show N, retry N..., drop N..." "a verb is needed"
outbox show
is "$STATUS" 64 "show takes a number"
outbox list 3
like "$STATUS $ERR" "^64 .*use 'tgrun outbox show 3'" "list takes none"
outbox drop
like "$STATUS $ERR" "^64 .*takes numbers, or --all: all that failed" "drop without a number drops nothing"
outbox retry 3 --all
is "$STATUS" 64 "a number and all exclude each other"
outbox drop --all --state waiting
like "$STATUS $ERR" "^64 .*takes what waits by its number only" "what waits is never dropped at large"
outbox drop 3x
like "$STATUS $ERR" "^64 .*'3x' is no number of a message" "a number is a number"
outbox list --state dead
is "$STATUS" 64 "a state is one of three"

# Nothing there.
outbox list
is "$STATUS $OUT $ERR" "0  the outbox is empty: there is no state directory '$TMP/state'" "nothing is there"
outbox list --json
is "$STATUS$OUT$ERR" 0 "in JSON that is no line"
outbox show 1
is "$STATUS $OUT $ERR" "1  tgrun: there is no message 1" "nothing can be shown"
outbox retry --all
is "$STATUS $OUT $ERR" "0  nothing failed: there is no state directory '$TMP/state'" "nothing failed"
ok '[ ! -e "$TMP/state" ]' "and no state directory was made"

# A bot that answers with two messages. Chat 7 has blocked it, chat 8 must wait long, in chat 9 the answer stalls.
handler bot <<'EOT'
#!/bin/sh
jq -nc --arg t "$TG_TEXT" '{method: "sendMessage", text: ($t + "1")}, {method: "sendMessage", text: ($t + "2")}'
EOT
start_sandbox
chats '{"chat":7,"state":"blocked"}'
script '{"method":"sendMessage","chat":8,"action":"flood","retry_after":1000}'
script '{"method":"sendMessage","chat":9,"action":"stall"}'
start_tgrun --reply api --handler "$TMP/bot"
message 7 "$(printf 'a\033[31mred')"
message 8 b
message 9 c
wait_for '[ "$(entries failed .number | wc -w)$(entries waiting .number | wc -w)$(entries sending .number | wc -w)" = 131 ]'

checks() { # WHO
	outbox list --json
	is "$(jq -r '"\(.state) \(.chat)"' "$TMP/out" | sort | tr '\n' ' ')" "failed 7 $2 waiting 8 waiting 8 waiting 9 " "$1: list tells the state of each, and its chat"
	is "$(entries failed '"\(.calls) \(.code) \(.method) \(.reason)"')" "2 403 sendMessage 403 Forbidden: bot was blocked by the user " "$1: a reply that failed is one entry, with the reason"
	outbox list
	ok '! grep -q "red\|b1\|params" "$TMP/out"' "$1: no list tells what a message says"
	FAILED_ONE=$(entries failed .number)
	outbox show $FAILED_ONE --json
	is "$(jq -r .params.text "$TMP/out" | tr '\n' ' ')" "$(printf 'a\033[31mred1 a\033[31mred2 ')" "$1: show does, of all of the entry"
	outbox show $FAILED_ONE
	like "$OUT" '^chat      7$' "$1: for people it is lines"
	like "$OUT" '"text":"a\\u001b\[31mred1"' "$1: and what a terminal would obey is escaped"
	outbox show 4711
	is "$STATUS $ERR" "1 tgrun: there is no message 4711" "$1: what is not there is not shown"
}
checks running "sending 9"

# While it runs.
SENDING=$(entries sending .number)
outbox drop $SENDING
is "$STATUS $ERR" "1 tgrun: message ${SENDING% } is being sent" "what is being sent is not dropped"
FIRST=$(entries waiting 'select(.chat == "8") | .number' | cut -d' ' -f1)
outbox retry "$FIRST"
is "$STATUS $ERR" "1 tgrun: no message $FIRST failed" "what waits needs no retry"
outbox drop "$FIRST" "$FIRST" --json
is "$STATUS $(jq -c '[.number, .ok]' "$TMP/out") $ERR" "1 [$FIRST,true] tgrun: there is no message $FIRST" "what waits is dropped by its number, once"
is "$(entries waiting 'select(.chat == "8") | .number' | wc -w)" 1 "the other of its reply is left"
outbox retry --all
like "$STATUS $OUT" "^0 ${FAILED_ONE% } is to be sent again, as [0-9]+\$" "what failed is tried again, under a new number"
wait_for '[ "$(entries failed .number | wc -w)" = 1 ]'
ok '[ "$(entries failed .number)" -gt "$FAILED_ONE" ]' "and fails again, as one"
is "$(entries failed .calls)" "2 " "with all of its calls"

# Behind what waits in its chat.
chats '{"chat":7,"state":"open"}'
script '{"method":"sendMessage","chat":7,"action":"flood","retry_after":3}'
message 7 n
wait_for '[ "$(entries waiting "select(.chat == \"7\") | .number" | wc -w)" = 2 ]'
outbox retry --all
wait_for '[ "$(texts 7 | wc -w)" = 4 ]'
is "$(texts 7)" "$(printf 'n1 n2 a\033[31mred1 a\033[31mred2 ')" "a retried one goes behind what waits in its chat, each part in order"
is "$(entries failed .number)" "" "and is no failed one any more"

# Without a runner, on the store.
chats '{"chat":7,"state":"blocked"}'
message 7 "$(printf 'a\033[31mred')"
wait_for '[ -n "$(entries failed .number)" ]'
outbox drop "$(entries waiting 'select(.chat == "8") | .number' | tr -d ' ')"
is "$STATUS" 0 "the last one of chat 8 is dropped"
message 8 d
wait_for '[ "$(entries waiting "select(.chat == \"8\") | .number" | wc -w)" = 2 ]'
kill -KILL "$TGRUN_PID"
wait_tgrun
checks "not running" "sending 9"
outbox retry $FAILED_ONE --json
is "$STATUS $(jq -r '"\(.number) \(.ok)"' "$TMP/out")" "0 ${FAILED_ONE% } true" "not running: what failed is to be sent again"
NOW=$(jq .now "$TMP/out")
is "$(entries waiting 'select(.chat == "7") | .number')" "$NOW $((NOW + 1)) " "not running: under a new number"
outbox drop "$(entries waiting 'select(.chat == "8") | .number' | cut -d' ' -f1)" 4711
is "$STATUS $ERR" "1 tgrun: there is no message 4711" "not running: what waits is dropped by its number"
outbox drop $FAILED_ONE
is "$STATUS" 1 "not running: a number is never used again"
chats '{"chat":7,"state":"open"}'
start_tgrun --reply api --handler "$TMP/bot"
wait_for '[ "$(texts 7 | wc -w)" = 6 ]'
is "$(texts 7)" "$(printf 'n1 n2 a\033[31mred1 a\033[31mred2 a\033[31mred1 a\033[31mred2 ')" "the next run sends it, each part once"

stop_tgrun
done_testing
