# Goal: --typing shows a chat that the bot writes while its handler runs, one sign at a time for each chat or topic, and costs no update
# anything. Judged by what the server got, on a clock that runs ten times as fast.
# shellcheck shell=sh disable=SC2016,SC2034,SC2119,SC2120,SC2317
. tests/flow/lib.sh

handler slow <<'EOT'
#!/bin/sh
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
EOT
handler fast <<'EOT'
#!/bin/sh
EOT
message() { # CHAT [MEMBERS]
	echo '{"message":{"message_id":1,"date":0,"chat":{"id":'"$1"',"type":"private"}'"${2-}"',"text":"x"}}'
}
# The signs that the server got.
signs() { curl -s "$URL/sandbox/deliveries" | jq -c "select(.method == \"sendChatAction\" ${1-})"; }
# How often the server was asked for one, taken or not.
asked() { stats '.calls.sendChatAction // 0'; }
count() { signs "${1-}" | wc -l; }

machine MACHINE_SPEED=10
start_sandbox
: >"$TMP/hold"
start_tgrun --typing --key none --concurrency 4 --handler "$TMP/slow"
push "$(message 5)"
ok 'wait_for "[ \"\$(count)\" -ge 3 ]"' "a handler that runs on is shown again and again"
is "$(signs | jq -r '.chat' | sort -u)" 5 "… in its chat"
is "$(signs | jq -s 'map(.ms) | [range(1; length) as $i | .[$i] - .[$i - 1]] | all(. >= 4500)')" true "… every five seconds"
rm "$TMP/hold"
wait_for '[ "$(stats .pending) $("$TGRUN" status --json --state-dir "$TMP/state" | jq .running_count)" = "0 0" ]'
before=$(count)
sleep 1.2 # twelve seconds there
is "$(count)" "$before" "and no more when it has ended"

: >"$TMP/hold"
push "$(message 6)" "$(message 6)" "$(message 6)"
ok 'wait_for "[ \"\$(count \"and .chat == 6\")\" -ge 2 ]"' "of three handlers in one chat"
is "$(signs 'and .chat == 6' | jq -s 'map(.ms) | [range(1; length) as $i | .[$i] - .[$i - 1]] | all(. >= 4500)')" true "… one shows it"
rm "$TMP/hold"
stop_tgrun
is "$STATUS" 0 "the end is as without"

anew
start_tgrun --typing --handler "$TMP/fast"
for i in 1 2 3 4 5; do push "$(message 5)"; done
wait_for '[ "$(stats .pending)" = 0 ] && [ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .done)" = 5 ]'
slow=$(sed -n 's/.* handled .* ms=\([0-9]*\).*/\1/p' "$TGRUN_LOG" | awk '$1 >= 450 { n++ } END { print n + 0 }')
ok '[ "$(count)" -le "$slow" ]' "who ends within half a second shows none"
stop_tgrun

# What the server refuses is passed over.
anew
script '{"method":"sendChatAction","status":400,"body":"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: chat not found\"}","times":-1}'
: >"$TMP/hold"
start_tgrun --typing --handler "$TMP/slow"
push "$(message 5)"
ok 'wait_for "[ \"\$(asked)\" -ge 2 ]"' "a sign that is refused"
rm "$TMP/hold"
ok 'wait_for "logged \"handled\""' "… touches no update"
is "$(grep -c ' warn \| error ' "$TGRUN_LOG")" 0 "… and nobody hears of it"
stop_tgrun

# Told to wait, it waits.
anew
script '{"method":"sendChatAction","status":429,"body":"{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 60\",\"parameters\":{\"retry_after\":60}}","times":-1}'
: >"$TMP/hold"
start_tgrun --typing --handler "$TMP/slow"
push "$(message 5)"
wait_for '[ "$(asked)" = 1 ]'
sleep 1.5 # fifteen seconds there
is "$(asked)" 1 "a chat that is told to wait gets none meanwhile"
rm "$TMP/hold"
wait_for 'logged "handled"'
stop_tgrun
done_testing
