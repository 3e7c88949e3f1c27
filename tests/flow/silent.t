# Goal: for each cause of a silent bot that tgrun(1) names, the command that it names there shows it, in the words that it quotes.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

is "$(sed -n '/^\.Sh WHEN THE BOT IS SILENT/,/^\.Sh DIAGNOSTICS/s/^\.It \(\\\&\)*//p' man/tgrun.1)" "It does not run
It hears nothing
It is not told, or is to leave it alone
It waits
The handler fails
The handler says nothing
The answer does not arrive" "the causes that this looks at are those of the page"

tell() { # COMMAND…: $SHOWN, $STATUS
	SHOWN=$(TGRUN_API_URL=$URL "$TGRUN" "$@" --state-dir "$TMP/state" 2>&1)
	STATUS=$?
}
handler bot <<'EOT'
#!/bin/sh
case $TG_TEXT in
bad) echo 'no such table' >&2; exit 1 ;;
slow) : >"$FLOW_MARK/slow"; while sleep 0.05; do :; done ;;
esac
echo hi
EOT
start_sandbox --no-penalties --first-id 1

tell status
is "$STATUS" 69 "it does not run: status ends with 69"
like "$SHOWN" 'no tgrun runs' "… and says so"
tell check --token "$TOKEN" --handler "$TMP/nothing"
like "$SHOWN" '^wrong .*handler' "check: the handler"
tell check --token "${TOKEN}x" --handler "$TMP/bot"
like "$SHOWN" '^wrong .*token' "check: the token"
curl -sSf -o "$TMP/out" "$API/setWebhook?url=https://example.org/"
tell check --token "$TOKEN" --handler "$TMP/bot"
like "$SHOWN" '^wrong .*webhook' "check: the webhook"
curl -sSf -o "$TMP/out" "$API/deleteWebhook"
tell check --token "$TOKEN" --handler "$TMP/bot"
like "$SHOWN" '^note +privacy mode' "it is not told: check notes privacy mode"
like "$SHOWN" '^ok +answers: what handlers print is logged, not sent' "the handler says nothing: so does check"
like "$(echo hello | "$TGRUN" try --handler "$TMP/bot" 2>&1)" '--reply text' "… and try"

start_tgrun --reply text --handler "$TMP/bot" --allow-user 1,2,3 --ignore edited_message
chats '{"chat":3,"state":"blocked"}'
message 2 slow
wait_for '[ -e "$TMP/slow" ]'
message 1 bad
message 2 next
message 3 hello
message 77 stranger
push '{"edited_message":{"message_id":1,"date":1,"edit_date":2,"chat":{"id":1,"type":"private"},"from":{"id":1,"is_bot":false,"first_name":"u"},"text":"x"}}'
wait_for '"$TGRUN" outbox list --state-dir "$TMP/state" | grep -q failed && logged "left alone" && [ "$(stats .pending)" = 0 ]'
tell status
like "$SHOWN" '^received .*1 ignored, 1 of strangers' "it is to leave it alone: status counts that"
like "$(cat "$TGRUN_LOG")" 'left alone.* user 77' "… and the log names the stranger"
tell queue list
like "$(printf "%s" "$SHOWN" | tr "\n" " ")" ' running .* behind ' "it waits: queue list"
tell dead list
like "$SHOWN" 'no such table$' "the handler fails: dead list has the reason"
tell dead show 2
like "$SHOWN" 'no such table' "… and dead show what it wrote"
tell outbox list
like "$SHOWN" ' failed .*bot was blocked by the user' "the answer does not arrive: outbox list"
tell cancel --chat 2
wait_for '[ "$(deliveries "select(.chat == 2) | .text")" = hi ]'
is "$(deliveries 'select(.chat == 2) | .text')" hi "cancel ends what runs in a chat, and it goes on"
tell pause
tell status
like "$SHOWN" '^paused: fetching goes on' "it is paused: status"
script '{"method":"getUpdates","status":409,"times":-1,"description":"Conflict: terminated by other getUpdates request"}'
message 1 x
wait_for 'logged "another program polls"'
tell status
like "$SHOWN" '^trouble: .*409 Conflict: terminated by other getUpdates' "it hears nothing: status has a line of trouble"
done_testing
