# Goal: only getMe, and only again and again, makes a token a bad one; what a method says that polling can do without holds up nothing; and each line
# of trouble names the method.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
SECRET=${TOKEN#*:}
refusal() { # METHOD CODE TIMES [DESCRIPTION]
	printf '{"method":"%s","status":%s,"times":%s,"body":"{\\"ok\\":false,\\"error_code\\":%s,\\"description\\":\\"%s\\"}"}\n' "$1" "$2" "$3" "$2" "${4:-Scripted}"
}
handled() { sed -n 's/^end.* //p' "$TMP/seen" | tr '\n' ' '; }
# Two minutes are two and a half seconds here.
machine MACHINE_SPEED=50

# At the start.
for code in 401 404 403; do
	anew --no-penalties
	forget
	script "$(refusal getMe $code -1 Unauthorized)"
	run_tgrun --handler "$TMP/note" --log-level debug
	is "$STATUS $(stats '.calls.getMe') $(stats '.calls.getUpdates // 0')" "77 3 0" "getMe says $code at the start, three times: 77, and no updates are asked for"
	like "$(cat "$TGRUN_LOG")" "refuses the token \(getMe: $code.*@BotFather" "… and a line that says what to do"
	ok '! grep -q "$SECRET" "$TGRUN_LOG"' "… without the token"
	anew --no-penalties
	forget
	message 7 one
	script "$(refusal getMe $code 2)"
	run_tgrun --handler "$TMP/note" --once
	is "$STATUS $(handled)" "0 one " "… twice, and then it is good: the bot runs"
done
anew --no-penalties
forget
message 7 one
script '{"method":"getMe","status":404,"times":9,"type":"text/html","body":"<html>nothing here yet</html>"}'
start_tgrun --handler "$TMP/note"
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(seen ^end) $(stats .calls.getMe)" "1 10" "a page with status 404, from whatever stands before the server, is no word on the token"
stop_tgrun

GOOD=$TOKEN
TOKEN=123456:another-secret
forget
run_tgrun --handler "$TMP/note"
TOKEN=$GOOD
is "$STATUS" 77 "a wrong token at a server: 77"
for bad in nonsense 123456: "123456:with blanks in it"; do
	forget
	TGRUN_TOKEN=$bad "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/out" 2>&1
	is "$?" 77 "a token of the wrong shape ('$bad'): 77"
done
ok '! grep -q "with blanks" "$TMP/out"' "… and it is not shown"
ok '[ ! -e "$TMP/state/queue.db" ]' "… and nothing is made"

# One refusal between good answers.
anew --no-penalties
forget
start_tgrun --handler "$TMP/note"
wait_for '[ "$(stats .open_polls)" = 1 ]'
for code in 401 403 404; do
	before=$(stats .calls.getMe)
	script "$(refusal getUpdates $code 1)"
	message 7 "before$code"
	wait_for '[ "$(stats .calls.getMe)" -gt "$before" ]'
	message 7 "after$code"
	wait_for '[ "$(seen "^end.*after$code")" = 1 ]'
	is "$(seen "^end.*after$code") $(($(stats .calls.getMe) - before))" "1 1" "getUpdates says $code once: getMe is asked, and the bot goes on"
done
like "$(cat "$TGRUN_LOG")" 'error the token is refused; asking getMe in .*method=getUpdates answer="401 Scripted"' "… loudly, and the line names the method"
script "$(refusal getUpdates 401 1)
$(refusal getMe 401 5)"
message 7 half
message 7 minute
wait_for '[ "$(seen "^end.*minute")" = 1 ]'
is "$(seen '^end.*minute')" 1 "getMe refuses for half a minute, too: the bot goes on when it is good again"

# A server that refuses getUpdates alone, for longer than a revoked token would live.
asked=$(stats .calls.getMe) polled=$(stats .calls.getUpdates)
script "$(refusal getUpdates 404 -1)"
message 7 unheard
wait_for '[ "$(stats .calls.getMe)" -ge $((asked + 9)) ]'
ok 'kill -0 "$TGRUN_PID"' "as long as getMe knows the token, nothing ends"
polled=$(($(stats .calls.getUpdates) - polled))
ok '[ "$polled" -lt 30 ]' "… and nothing becomes a hot loop ($polled requests)"
stop_tgrun
is "$STATUS" 0 "… and a stop is an ordinary one"

# … which --give-up-after ends, as any other trouble of getUpdates.
for code in 401 403 404; do
	for once in '--once' '--once --give-up-after 4s' '--give-up-after 4s'; do
		anew --no-penalties
		forget
		script "$(refusal getUpdates $code -1)"
		# shellcheck disable=SC2086
		run_tgrun --handler "$TMP/note" $once
		is "$STATUS" 69 "getUpdates says $code for ever, getMe contradicts, $once: 69"
		like "$(tail -n 3 "$TGRUN_LOG")" "error .*getMe says that the token is good: getUpdates: $code Scripted" "… and the log says what is refused"
	done
done
anew --no-penalties
forget

# Revoked: three wait in one chat, the first of them runs.
revoked() { # TGRUN-OPTION…
	anew --no-penalties
	forget
	: >"$TMP/hold"
	message 7 one
	message 7 two
	message 7 three
	start_tgrun --handler "$TMP/note" --timeout 0 "$@"
	wait_for '[ "$(seen ^start)" = 1 ] && [ "$(stats .confirmed)" = 3 ] && [ "$(stats .open_polls)" = 1 ]'
	script "$(refusal getUpdates 401 -1 Unauthorized)
$(refusal getMe 401 -1 Unauthorized)"
	wait_for 'logged "the token is refused"'
}
revoked --shutdown-timeout 100m
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 3 ]'
is "$(handled)" "one two three " "while the token is refused, handlers go on"
wait_tgrun
is "$STATUS" 77 "… and after two minutes tgrun ends with 77"
like "$(cat "$TGRUN_LOG")" 'refuses the token \(getMe: 401 Unauthorized\); it was revoked.*@BotFather' "… and says why"
ok '! grep -q "$SECRET" "$TGRUN_LOG"' "… without the token"

revoked --shutdown-timeout 100m
wait_for 'logged "draining"'
ok 'kill -0 "$TGRUN_PID"' "handlers that take longer are waited for"
rm "$TMP/hold"
wait_tgrun
is "$STATUS $(handled)" "77 one two three " "… and what waits is handled before the end"

revoked --shutdown-timeout 20s --kill-after 5s
wait_tgrun
is "$STATUS $(seen ^end)" "77 0" "… but not for ever: at the shutdown timeout they are ended"
rm "$TMP/hold"
anew --no-penalties
rm -rf "$TMP/state"
revoked --shutdown-timeout 0s
wait_tgrun
rm "$TMP/hold"
stop_sandbox
start_sandbox --no-penalties
: >"$TMP/seen"
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(handled)" "0 one two three " "… and the queue is kept: the next run handles it, in order"

# With --once there is less patience.
anew --no-penalties
forget
message 7 one
script "$(refusal getUpdates 401 -1)
$(refusal getMe 200 1 | sed 's/"body":.*/"action":"pass"}/')
$(refusal getMe 401 -1)"
run_tgrun --handler "$TMP/note" --once
is "$STATUS" 77 "--once, and a token that is refused for half a minute: 77"

# Methods that polling can do without.
for fault in '"status":404,"body":"{\"ok\":false,\"error_code\":404,\"description\":\"Not Found: method not found\"}"' \
	'"status":401,"body":"{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}"' \
	'"status":500,"body":"{\"ok\":false,\"error_code\":500,\"description\":\"Internal Server Error\"}"' \
	'"status":200,"body":"{\"ok\":true,\"result\":7}"' '"status":502,"type":"text/html","body":"<html>"' '"action":"cut"'; do
	anew --no-penalties
	forget
	message 7 one
	script "{\"method\":\"getWebhookInfo\",\"times\":-1,$fault}"
	run_tgrun --handler "$TMP/note" --once
	is "$STATUS $(handled) $(stats .calls.getWebhookInfo)" "0 one  1" "getWebhookInfo fails ($fault): it is passed over"
	is "$(grep -c 'method=getWebhookInfo' "$TGRUN_LOG") $(grep -c ' \(warn\|error\) ' "$TGRUN_LOG")" "1 1" "… with one line, which names it"
done
curl -s -o /dev/null "$API/setWebhook" -d url=https://hook.example.org/
script '{"method":"getWebhookInfo","times":-1,"status":500,"body":"{}"}'
forget
run_tgrun --handler "$TMP/note"
is "$STATUS $(grep -c 'error a webhook is set.*--delete-webhook' "$TGRUN_LOG")" "78 1" "… and a webhook that getUpdates tells of ends the start as one that is known"
script '{"method":"deleteWebhook","times":2,"status":404,"body":"{\"ok\":false,\"error_code\":404,\"description\":\"Not Found\"}"}
{"method":"deleteWebhook","times":1,"status":401,"body":"{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}"}'
message 7 hooked
run_tgrun --handler "$TMP/note" --delete-webhook --once --give-up-after 10m
is "$STATUS $(seen '^end.*hooked') $(stats .calls.deleteWebhook)" "0 1 4" "deleteWebhook fails where it was asked for: it is tried until it works"
like "$(cat "$TGRUN_LOG")" 'warn +Telegram refuses the request; asking again.*method=deleteWebhook answer="404 Not Found"' "… and the line names it"

# What fails by turns is warned of once a minute.
anew --no-penalties
forget
machine
for n in 1 2 3; do
	printf '{"method":"getUpdates","status":500,"body":"{}"}\n{"method":"getUpdates","action":"pass"}\n{"method":"getUpdates","status":502,"type":"text/html","body":"x"}\n{"method":"getUpdates","status":200,"body":"[]"}\n'
done | script -
for n in 1 2 3; do message 7 "turn$n"; done
start_tgrun --handler "$TMP/note" --retry-interval constant
wait_for '[ "$(stats .script_left)" = 0 ]'
is "$(grep -c 'warn .*method=getUpdates' "$TGRUN_LOG")" 2 "trouble that comes and goes, of two classes: one warning each"
stop_tgrun
done_testing
