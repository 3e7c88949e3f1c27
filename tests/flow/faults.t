# Goal: whatever comes back instead of a good answer, no update is lost or handled twice, nothing becomes a hot loop, memory stays bounded,
# and what is no update at all becomes a dead letter with its bytes.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
start_sandbox --no-penalties
start_tgrun --handler "$TMP/note" --poll-timeout 20 --log-level debug
wait_for '[ "$(stats .open_polls)" = 1 ]'

# One fault each, on the request after an update; the next update must arrive all the same, once.
n=0
fault() { # WHAT LINE
	n=$((n + 1))
	before=$(grep -c 'answers again' "$TGRUN_LOG")
	script "$2"
	message 7 "first$n"
	message 8 "second$n"
	wait_for '[ "$(grep -c "answers again" "$TGRUN_LOG")" -gt "$before" ] && [ "$(seen "^end.*(first|second)$n$")" = 2 ]'
	is "$(seen "^start.*(first|second)$n$") $(seen "^end.*(first|second)$n$")" "2 2" "$1: each update is handled, once"
}
# shellcheck disable=SC2028
fault "500 with a page" '{"method":"getUpdates","status":500,"type":"text/html","body":"<html><h1>Internal</h1></html>"}'
fault "502, empty" '{"method":"getUpdates","status":502,"body":""}'
fault "200, empty" '{"method":"getUpdates","status":200,"body":""}'
fault "404 with a page, which is no word on the token" '{"method":"getUpdates","status":404,"type":"text/html","body":"<html>not here</html>"}'
fault "200 with a page" '{"method":"getUpdates","status":200,"type":"text/html","body":"<html>captive portal</html>"}'
fault "ok: false" '{"method":"getUpdates","status":200,"body":"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: odd\"}"}'
fault "JSON that ends early" '{"method":"getUpdates","body":"{\"ok\":true,\"result\":[{\"update_id\":1,"}'
fault "garbage behind the JSON" '{"method":"getUpdates","body":"{\"ok\":true,\"result\":[{\"update_id\":900}]} and more"}'
fault "a NUL in the JSON" '{"method":"getUpdates","hex":"7b226f6b223a747275652c22726573756c74223a5b5d7d00"}'
fault "nesting of 100,000" '{"method":"getUpdates","body":"[","repeat":100000}'
fault "a redirect" '{"method":"getUpdates","action":"redirect","location":"http://127.0.0.1:9/"}'
fault "bytes that are no HTTP" '{"method":"getUpdates","action":"garbage"}'
fault "an answer that is cut" '{"method":"getUpdates","action":"cut","apply":true}'
fault "an answer that is reset" '{"method":"getUpdates","action":"reset","apply":true}'
fault "a body without an end" '{"method":"getUpdates","action":"endless"}'
fault "headers without an end" '{"method":"getUpdates","action":"headers"}'
ok '[ "$(stats .calls.getUpdates)" -lt 150 ]' "no fault was answered with a storm of requests ($(stats .calls.getUpdates))"
rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$TGRUN_PID/status")
ok '[ "${rss:-0}" -gt 0 ] && { [ "$rss" -lt 150000 ] || nm "$TGRUN" 2>/dev/null | grep -q __asan_; }' "memory stayed bounded (at most $rss KB)"
is "$(grep -c 'dead letter' "$TGRUN_LOG")" 0 "nothing was buried by any of this"

# What is odd, but good.
script '{"method":"getUpdates","action":"trickle","ms":5,"bytes":20}
{"method":"getUpdates","action":"close","times":3}'
for i in 1 2 3 4 5 6; do
	message 7 "odd$i"
	wait_for '[ "$(seen "^end.*odd$i$")" = 1 ]'
done
is "$(seen '^start.*odd') $(stats .script_left)" "6 0" "a slow body and closed connections: once each, again"
: >"$TMP/hold"
message 7 twice
wait_for '[ "$(seen "^start.*twice")" = 1 ]'
script '{"method":"getUpdates","action":"duplicate"}'
message 9 beside
message 9 behind
wait_for 'kill -USR1 "$TGRUN_PID"; logged " figures .*repeated=[1-9]"'
rm "$TMP/hold"
wait_for '[ "$(seen "^end.*(twice|beside|behind)")" = 3 ]'
is "$(seen '^start.*(twice|behind)')" 2 "what is delivered again while it is being handled is recognised, and handled once"

# Ids. What has no number above or equal to 0 as its id is no update; gaps, jumps, 0 and large numbers are.
push '{"update_id":500,"message":{"chat":{"id":7,"type":"private"},"text":"gap"}}'
wait_for '[ "$(seen "^end 500 ")" = 1 ]'
push '{"update_id":499,"message":{"chat":{"id":7,"type":"private"},"text":"lower"}}
{"update_id":0,"message":{"chat":{"id":7,"type":"private"},"text":"zero"}}
{"update_id":2147483647,"message":{"chat":{"id":7,"type":"private"},"text":"large"}}'
wait_for '[ "$(seen "^end (499|0|2147483647) ")" = 3 ]'
is "$(seen '^start (500|499|0|2147483647) ')" 4 "gaps, ids that go down, 0, and large ids: handled, once each"
stop_tgrun
is "$STATUS" 0 "the run ends well"
stop_sandbox

# Elements that are no updates, between good ones.
forget
start_sandbox --no-penalties
good() { printf '{"update_id":%s,"message":{"chat":{"id":7,"type":"private"},"text":"good%s"}}' "$1" "$1"; }
printf '{"ok":true,"result":[%s,%s,%s,%s]}' "$(good 1)" '{"update_id":-5,"message":{"text":"negative"}},{"update_id":1.5,"x":"float"},{"update_id":"7","x":"string"},{"x":"no id"}' \
	'{"update_id":99999999999999999999,"x":"huge"},"no object",17,[1,  2],null' "$(good 2)" | jq -Rsc '{method: "getUpdates", body: .}' | script -
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(sed -n 's/^end.* //p' "$TMP/seen" | tr '\n' ' ')" "0 good1 good2 " "nine elements that are no updates do not stop those beside them"
"$TGRUN" dead list --json --state-dir "$TMP/state" >"$TMP/dead" 2>&1
is "$(jq -c .update "$TMP/dead" | sort | tr '\n' ' ')" \
	"$(printf '%s\n' '{"update_id":-5,"message":{"text":"negative"}}' '{"update_id":1.5,"x":"float"}' '{"update_id":"7","x":"string"}' '{"x":"no id"}' \
		'{"update_id":99999999999999999999,"x":"huge"}' '"\"no object\""' '"17"' '"[1,  2]"' '"null"' | jq -c . | sort | tr '\n' ' ')" "… and are kept as dead letters, what is no object as a text"
ok 'grep -qF "[1,  2]" "$TMP/dead" && grep -qF 99999999999999999999 "$TMP/dead"' "… with their bytes"
is "$(jq -r '.reason' "$TMP/dead" | sort | uniq -c | sed 's/^ *//' | tr '\n' ' ')" \
	"5 it has no update_id that is a whole number 4 it is no JSON object " "… and the reason"
stop_sandbox

# An answer that is broken on its way, otherwise each time, is asked for again and again; nothing is given up for it. A minute takes a second.
forget
machine MACHINE_SPEED=60
start_sandbox --no-penalties
for keep in 100 200 300 400 500 600 700 800 900; do
	printf '{"method":"getUpdates","action":"answer","apply":true,"keep":%s}\n{"method":"getUpdates","body":"{\"ok\":true,\"result\":%s}"}\n' $keep $keep
done | script -
message 7 broken
message 7 next
run_tgrun --handler "$TMP/note" --once --give-up-after 2h
is "$STATUS $(grep ^start "$TMP/seen" | sed 's/.* //' | tr '\n' ' ')$(stats .script_left)" "0 broken next 0" \
	"eighteen answers that are cut, or hold no list, are asked for again, and then all is handled"
is "$(dead list --json)" "" "… and nothing was buried"
stop_sandbox
machine

# A server that comes up later, and goes away.
forget
start_sandbox
port=$PORT
stop_sandbox
start_tgrun --handler "$TMP/note" --poll-timeout 20
wait_for 'logged "cannot be reached"'
ok 'kill -0 "$TGRUN_PID"' "a refused connection at the start is no reason to end"
start_sandbox --port "$port" --no-penalties
message 7 late
wait_for '[ "$(seen "^end.*late")" = 1 ]'
is "$(seen '^end.*late')" 1 "… and when the server is there, all goes on"
stop_tgrun
stop_sandbox
forget
run_tgrun --handler "$TMP/note" --give-up-after 1s
is "$STATUS" 69 "without a server, --give-up-after ends the run with 69"

# The host of a redirect hears nothing.
start_sandbox
other=$URL
rm "$TMP/port"
mv "$SANDBOX_LOG" "$TMP/other.jsonl"
PIDS="$PIDS $SANDBOX_PID"
start_sandbox
script "{\"action\":\"redirect\",\"location\":\"$other/bot$TOKEN/getMe\",\"times\":-1}"
forget
run_tgrun --handler "$TMP/note" --give-up-after 1s
is "$STATUS $(wc -c <"$TMP/other.jsonl") $(curl -s "$other/sandbox/stats" | jq '.calls | length')" "69 0 0" "a redirect is not followed: its target hears nothing"
like "$(cat "$TGRUN_LOG")" 'redirects are not followed' "… and the log says so"
done_testing
