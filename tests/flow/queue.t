# Goal: tgrun queue lists, shows, skips and clears what waits, in the same words whether a tgrun runs or not.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

queue() { # WORD…: $OUT, $ERR, $STATUS
	"$TGRUN" queue "$@" --state-dir "$TMP/state" >"$TMP/out" 2>"$TMP/err" </dev/null
	STATUS=$?
	OUT=$(cat "$TMP/out")
	ERR=$(cat "$TMP/err")
}

# Words.
queue
is "$STATUS" 64 "a verb is needed"
queue lits
like "$STATUS $ERR" "^64 .*there are: list, show N.@ID, skip N..., clear" "an unknown one is refused"
queue show
is "$STATUS" 64 "show takes a number"
queue skip
like "$STATUS $ERR" "^64 .*'tgrun queue clear' skips all" "skip without a number is no clear"
queue clear 3
is "$STATUS" 64 "clear takes none"
queue clear
is "$STATUS $ERR" "64 tgrun: 'tgrun queue clear' takes --all: all updates that wait, which 0.1.0 skipped without it" "without a terminal it takes --all"
queue list --all
is "$STATUS" 64 "which list does not"
queue skip 3x
like "$STATUS $ERR" "^64 .*'3x' is no number of an update" "a number is a number"

# Nothing there.
queue list
is "$STATUS $OUT $ERR" "0  nothing waits: there is no state directory '$TMP/state'" "nothing is there: nothing waits, and why is said"
queue list --json
is "$STATUS$OUT$ERR" 0 "in JSON that is no line"
queue show 1
is "$STATUS $OUT $ERR" "1  tgrun: no update 1 waits" "and nothing can be shown"
queue skip 1
is "$STATUS $ERR" "1 tgrun: no update 1 waits" "or skipped"
queue clear --all
is "$STATUS $OUT" "0 0 skipped" "clear has nothing to do"
ok '[ ! -e "$TMP/state" ]' "and no state directory was made"

# A handler that waits for a file.
handler wait.sh <<'EOT'
#!/bin/sh
echo "$TG_CHAT_ID $TG_TEXT" >>"$TMP/started"
while [ ! -e "$TMP/go" ]; do sleep 0.05; done
EOT
export TMP
: >"$TMP/started"
start_sandbox
start_tgrun --handler "$TMP/wait.sh" --concurrency 1
message 1 a
wait_for '[ -s "$TMP/started" ]'
push '{"update_id":500, "message":{"message_id":1,"date":0,"chat":{"id":1,"type":"private"},"text":"b 1.0e0"}}'
for text in c d; do message 1 "$text"; done
message 2 e
wait_for 'queue list --json; [ "$(wc -l <"$TMP/out")" = 5 ]'

checks() { # WHO
	queue list --json
	is "$(printf '%s\n' "$OUT" | jq -r .state | tr '\n' ' ')" "$2" "$1: list tells the state of each"
	is "$(printf '%s\n' "$OUT" | jq -r .key | tr '\n' ' ')" "chat:1 chat:1 chat:1 chat:1 chat:2 " "$1: and its key"
	is "$(printf '%s\n' "$OUT" | jq -s 'map(.number) == (map(.number) | sort) and all(.[]; .kind == "message" and .deaths == 0 and .failures == 0
		and (.received | test("^20.*Z$")) and (has("update") | not))')" true "$1: in the order of their numbers, without the updates themselves"
	SECOND=$(printf '%s\n' "$OUT" | sed -n 2p | jq .number)
	queue show "$SECOND" --json
	is "$(printf '%s\n' "$OUT" | sed 's/.*"update":\(.*\)}$/\1/')" \
		'{"update_id":500, "message":{"message_id":1,"date":0,"chat":{"id":1,"type":"private"},"text":"b 1.0e0"}}' "$1: show has the update's own bytes"
	is "$(printf '%s\n' "$OUT" | jq .update_id)" 500 "$1: and its id"
	queue show "$SECOND"
	like "$OUT" "^number    $SECOND\$" "$1: for people it is lines"
	like "$OUT" '^\{"update_id":500, .*"b 1.0e0"\}\}$' "$1: with the update at the end"
	queue list
	like "$OUT" "^$SECOND +behind +20[^ ]* +message +chat:1\$" "$1: a list for people has a line for each"
}
checks "running" "running behind behind behind ready "

FIRST=$(queue list --json; head -n 1 "$TMP/out" | jq .number)
queue skip "$FIRST"
is "$STATUS" 1 "what runs is not skipped"
like "$ERR" "update $FIRST is being handled; only what waits can be skipped" "and the reason is told"
queue skip 987654
is "$STATUS $ERR" "1 tgrun: no update 987654 waits" "what is not there is not skipped"
queue skip "$SECOND" --json
is "$STATUS $(printf '%s\n' "$OUT" | jq -c '[.number, .ok]')" "0 [$SECOND,true]" "what waits is"
queue show "$SECOND"
is "$STATUS" 1 "and is gone"

# Without a runner, on the store. The interrupted one is handed out again.
kill -KILL "$TGRUN_PID"
wait_tgrun
queue list --json
is "$STATUS $(printf '%s\n' "$OUT" | jq -r .key | tr '\n' ' ')" "0 chat:1 chat:1 chat:1 chat:2 " "not running: the list is the same, less what was skipped"
like "$(printf '%s\n' "$OUT" | jq -r .state | tr '\n' ' ')" '^(delayed|ready) behind behind ready $' "not running: nothing runs; what ran is tried again a moment later"
is "$(head -n 1 "$TMP/out" | jq .deaths)" 1 "not running: a death of the runner is counted"
THIRD=$(sed -n 2p "$TMP/out" | jq .number)
queue skip "$THIRD" "$SECOND"
is "$STATUS $OUT" "1 $THIRD skipped" "not running: one is skipped, the other is not there any more"
is "$ERR" "tgrun: no update $SECOND waits" "not running: which is told"

# Skipped means settled: it is not handled, also not after a start, and its chat goes on.
touch "$TMP/go"
run_tgrun --handler "$TMP/wait.sh" --once
is "$STATUS" 0 "the rest is handled"
is "$(sort "$TMP/started" | tr '\n' ' ')" "1 a 1 a 1 d 2 e " "and what was skipped is not"

# More than one part of an answer, and clear.
rm -f "$TMP/go"
start_tgrun --handler "$TMP/wait.sh" --concurrency 1
generate 2500 1
wait_for 'queue list --json; [ "$(wc -l <"$TMP/out")" = 2500 ]'
is "$(jq -s 'map(.number) | unique | length' "$TMP/out")" 2500 "a long list is whole"
wait_for '[ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .running_count)" = 1 ]'
queue clear --all
is "$STATUS $OUT" "0 2499 skipped" "clear skips all that waits"
queue list --json
is "$(printf '%s\n' "$OUT" | jq -r .state)" running "and leaves what runs"
touch "$TMP/go"
stop_tgrun
is "$STATUS" 0 "which ends as ever"
rm -f "$TMP/go"
generate 3 1
start_tgrun --handler "$TMP/wait.sh"
wait_for 'queue list --json; [ "$(wc -l <"$TMP/out")" = 3 ]'
kill -KILL "$TGRUN_PID"
wait_tgrun
queue clear --all --json
is "$STATUS $OUT" '0 {"cleared":3}' "not running: clear skips all"
queue list
is "$ERR" "nothing waits" "not running: nothing is left"
done_testing
