# Goal: what Telegram says about other pollers, webhooks and haste is understood: it ends the run with the right status, or is waited out, and
# never loses an update.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
refusal() { # METHOD CODE DESCRIPTION [MORE]
	printf '{"method":"%s","status":%s,"body":"{\\"ok\\":false,\\"error_code\\":%s,\\"description\\":\\"%s\\"%s}"}\n' "$1" "$2" "$2" "$3" "$4"
}

# Another poller.
start_sandbox --no-penalties
forget
start_tgrun --handler "$TMP/note" --poll-timeout 20
wait_for '[ "$(stats .open_polls)" = 1 ]'
message 7 before
wait_for '[ "$(seen ^end)" = 1 ]'
wait_for '[ "$(stats .open_polls)" = 1 ]'
curl -s -m 20 -o /dev/null "$API/getUpdates?offset=$(($(stats .last_id) + 1))&timeout=0"
wait_for 'logged "another program polls"'
ok 'logged "another program polls"' "another poller is named in a warning"
message 7 after
wait_for '[ "$(seen ^end)" = 2 ]'
is "$(seen '^end.*after')" 1 "… and the run goes on"
is "$(grep -c 'another program polls' "$TGRUN_LOG")" 1 "… with one warning"

# A webhook that comes and goes while running.
message 7 queued
wait_for '[ "$(seen ^end)" = 3 ] && [ "$(stats .open_polls)" = 1 ]'
curl -s -m 20 -o /dev/null "$API/setWebhook" -d url=https://hook.example.org/very-secret-path
wait_for 'logged "a webhook was set"'
ok 'logged "a webhook was set.*--delete-webhook"' "a webhook set while running is named, with what removes it"
ok 'kill -0 "$TGRUN_PID"' "… and does not end the run"
curl -s -m 20 -o /dev/null "$API/deleteWebhook"
message 7 again
wait_for '[ "$(seen "^end.*again")" = 1 ]'
is "$(seen '^end.*again')" 1 "… which goes on when it is gone"
stop_tgrun
is "$STATUS" 0 "a stop after that is an ordinary one"

# A webhook at the start.
curl -s -m 20 -o /dev/null "$API/setWebhook" -d url=https://hook.example.org/very-secret-path
forget
run_tgrun --handler "$TMP/note"
is "$STATUS" 78 "a webhook at the start: 78"
like "$(cat "$TGRUN_LOG")" 'hook\.example\.org.*--delete-webhook' "… whose host is shown, and what removes it"
ok '! grep -q very-secret "$TGRUN_LOG"' "… but not its path"
is "$(curl -s "$API/getWebhookInfo" | jq -r .result.url)" https://hook.example.org/very-secret-path "… and it is left alone"
message 9 hooked
run_tgrun --handler "$TMP/note" --delete-webhook --once
is "$STATUS $(seen '^end.*hooked') $(curl -s "$API/getWebhookInfo" | jq -r .result.url)" "0 1 " "--delete-webhook removes it, and polling begins"

# What waits at the server.
message 9 old
forget
run_tgrun --handler "$TMP/note" --drop-pending --once
is "$STATUS $(seen .)" "0 0" "--drop-pending forgets what waits"
message 9 new
run_tgrun --handler "$TMP/note" --once
is "$(sed 's/.* //' "$TMP/seen" | tr '\n' ' ')" "new new " "… once, and not what comes later"

# With --delete-webhook one that is set later, as by a bot's own server whenever it starts, is removed, too; nothing is dropped again for that.
forget
start_tgrun --handler "$TMP/note" --delete-webhook --drop-pending
wait_for '[ "$(stats .open_polls)" = 1 ]'
curl -s -m 20 -o /dev/null "$API/setWebhook" -d url=https://hook.example.org/very-secret-path
message 9 meanwhile
wait_for '[ "$(seen "^end.*meanwhile")" = 1 ]'
is "$(seen '^end.*meanwhile') $(curl -s "$API/getWebhookInfo" | jq -r .result.url)" "1 " "a webhook that is set while running is removed with --delete-webhook, and what it held back comes"
like "$(cat "$TGRUN_LOG")" 'warn +a webhook was set.*; removing it in ' "… which is told"
stop_tgrun

# Which kinds.
forget
run_tgrun --handler "$TMP/note" --once
is "$(calls 'select(.method == "getUpdates") | .params.allowed_updates' | tail -n 1)" '[]' "allowed_updates is sent: [] by default"
run_tgrun --handler "$TMP/note" --once --allowed-updates message,chat_member,mesage --limit 7 --poll-timeout 0
is "$(calls 'select(.method == "getUpdates") | .params.allowed_updates' | tail -n 1)" '["message","chat_member","mesage"]' "… or the kinds that were named"
like "$(cat "$TGRUN_LOG")" "'mesage'.*did you mean 'message'" "an unknown kind is a warning with the nearest one"
is "$(calls 'select(.method == "getUpdates") | "\(.params.limit) \(.params.timeout)"' | tail -n 1)" '7 0' "--limit and --poll-timeout are sent"
run_tgrun --handler "$TMP/note" --once --allowed-updates all
is "$(calls 'select(.method == "getUpdates") | .params.allowed_updates' | tail -n 1 | jq length)" 27 "all: each of the 27 kinds by name"
stop_sandbox

# 429. A retry_after that is no number must not become a hot loop, nor a wait without end for who gives up.
for after in 0 3 86400 -5 '\"soon\"' 1e300 missing; do
	start_sandbox
	forget
	more=$([ "$after" = missing ] || printf ',\\"parameters\\":{\\"retry_after\\":%s}' "$after")
	refusal getUpdates 429 'Too Many Requests' "$more" | sed 's/}$/,"times":-1}/' | script -
	run_tgrun --handler "$TMP/note" --give-up-after 1s
	is "$STATUS" 69 "429 with retry_after $after: given up when --give-up-after has passed"
	asked=$(stats .calls.getUpdates)
	ok '[ "$asked" -le 4 ]' "… after a few requests ($asked)"
	stop_sandbox
done
start_sandbox
forget
refusal getUpdates 429 'Too Many Requests' ',\"parameters\":{\"retry_after\":2}' | script -
message 7 slow
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen '^end.*slow')" "0 1" "429 with retry_after 2: handled in the end"
waited=$(jq -s '[.[] | select(.method == "getUpdates") | .ms] | .[1] - .[0]' "$SANDBOX_LOG")
ok '[ "$waited" -ge 2000 ]' "… and not asked before the 2 seconds are over ($waited ms)"

# A wait of a day ends at once when it is asked to.
forget
refusal getUpdates 429 'Too Many Requests' ',\"parameters\":{\"retry_after\":86400}' | script -
start_tgrun --handler "$TMP/note"
wait_for 'logged "asks to wait"'
stop_tgrun
is "$STATUS" 0 "a stop ends such a wait"
like "$(cat "$TGRUN_LOG")" 'asks to wait; asking again in (1h|60m|3600s)' "a retry_after of a day is cut to an hour"
done_testing
