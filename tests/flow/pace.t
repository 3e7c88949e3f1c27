# Goal: polls are paced as --speed-traffic-balance and --max-delay say, failed ones as --retry-interval says; a stop waits for neither.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
start_sandbox --no-penalties --first-id 1
start_tgrun --handler "$TMP/note" --speed-traffic-balance 1 --max-delay 5m --log-level debug
message 7 one
wait_for '[ "$(seen ^end)" = 1 ]'
ok '! logged "fuller response"' "the first response is followed at once"
message 7 two
wait_for '[ "$(seen ^end)" = 2 ]'
wait_for 'logged "fuller response"'
like "$(grep 'fuller response' "$TGRUN_LOG")" 'delay_ms=[1-9]' "then the next request waits for updates to gather"
message 7 three
stop_tgrun
is "$STATUS $(seen ^start)" "0 2" "a stop does not wait for it, and what came meanwhile stays at the server"
run_tgrun --handler "$TMP/note" --once --speed-traffic-balance 1 --max-delay 5m
is "$STATUS $(grep ^end "$TMP/seen" | sed 's/.* //' | tr '\n' ' ')" "0 one two three " "--once is not paced, and nothing was lost or repeated"

# A full response says that more waits already.
anew --no-penalties
: >"$TMP/seen"
generate 50 5
start_tgrun --handler "$TMP/note" --speed-traffic-balance 1 --max-delay 5m --limit 10 --log-level debug
wait_for '[ "$(seen ^end)" = 50 ]'
ok '! logged "fuller response"' "full responses are followed at once"

anew --no-penalties
script '{"method":"getUpdates","status":502,"body":"x","times":4}'
message 7 late
: >"$TMP/seen"
start_tgrun --handler "$TMP/note" --retry-interval constant --log-level debug
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(grep -c 'asking again in' "$TGRUN_LOG")" 4 "four failures, four waits"
is "$(grep 'asking again in' "$TGRUN_LOG" | grep -Ecv 'asking again in ([0-9]{3}ms|1s)( |$)')" 0 "--retry-interval constant: none is longer than a second"
done_testing
