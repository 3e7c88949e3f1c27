# Goal: how a call comes to its end: sent, failed, kept or lost; what people are told of it; and how the run ends that still had some.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
DEADLINE=60

# The bot prints the text of its message; `parts` is three messages, `buy` an invoice.
handler bot <<'EOT'
#!/bin/sh
echo "$TG_TEXT" >>"$FLOW_MARK/seen"
case $TG_TEXT in
parts) printf '{"method":"sendMessage","text":"parts %s"}\n' 1 2 3 ;;
buy) echo '{"method":"sendInvoice","title":"t","description":"d","payload":"buy","currency":"XTR","prices":[{"label":"a","amount":1}]}' ;;
own) echo '{"method":"sendMessage","text":"<own>","parse_mode":"HTML"}' ;;
edit) echo '{"method":"editMessageText","message_id":1,"text":"edit"}' ;;
*) [ "$FLOW_MODE" = api ] && jq -nc '{method: "sendMessage", text: env.TG_TEXT}' || echo "$TG_TEXT" ;;
esac
EOT
: >"$TMP/seen"
TGRUN_LOG=$TMP/tgrun.log
# Twenty times as fast: seconds here are those of tgrun and of the sandbox.
machine MACHINE_SPEED=20
bot() { # MODE OPTION…: arguments of a run
	FLOW_MODE=$1
	export FLOW_MODE
	shift
	start_tgrun --reply "$FLOW_MODE" --log-level debug "$@" -- "$TMP/bot"
}
once() { # MODE OPTION…: a run to its end
	bot "$@" --once
	wait_tgrun
}
came() { # METHOD: how many of these calls came
	stats ".calls.$1 // 0"
}
texts() { deliveries '.text // .method' | paste -sd ' '; }
figure() { TGRUN_TOKEN=$TOKEN "$REAL_TGRUN" status --json --state-dir "$TMP/state" | jq -r ".$1"; }

# A stop while something is being sent.
start_sandbox --no-penalties
script '{"method":"sendMessage","action":"delay","ms":10000}'
message 5 one
bot text
wait_for '[ "$(came sendMessage)" = 1 ]'
stop_tgrun
is "$STATUS $(texts)" "0 one" "a stop waits for what is being sent"
once text
is "$STATUS $(texts)" "0 one" "… and the next run does not send it again"
script '{"method":"sendMessage","action":"stall","apply":true}'
message 5 two
bot text --shutdown-timeout 6s
wait_for '[ "$(came sendMessage)" = 2 ]'
stop_tgrun
is "$STATUS $(texts)" "1 one two" "what is not answered within --shutdown-timeout is cut off: status 1"
ok 'logged "calls were cut off while they were being sent: they may have arrived  calls=1"' "… which is said"
once text
is "$STATUS $(texts)" "0 one two two" "… the next run sends it once more"
ok 'logged "warn .*may arrive twice: .* call=2 method=sendMessage chat=5"' "… and says that it may arrive twice"
script '{"method":"sendMessage","action":"stall","apply":true}'
message 5 three
bot text --shutdown-timeout 6s --on-unsure fail
wait_for '[ "$(came sendMessage)" = 4 ]'
stop_tgrun
once text --on-unsure fail
is "$STATUS $(texts)" "0 one two two three" "… with --on-unsure fail it does not"
ok 'logged "warn .*not delivered: tgrun ended while it was being sent: it may have arrived  call=3"' "… and says why"
script '{"method":"sendMessage","action":"stall","apply":true}'
message 5 four
bot text --shutdown-timeout 600s
wait_for '[ "$(came sendMessage)" = 5 ]'
stops=$(grep -c 'stopping: SIGTERM' "$TGRUN_LOG")
kill "$TGRUN_PID"
wait_for '[ "$(grep -c "stopping: SIGTERM" "$TGRUN_LOG")" -gt "$stops" ]'
stop_tgrun
is "$STATUS" 1 "a second signal cuts it off at once"

# A run that ends by itself waits for what goes soon.
anew --no-penalties
for n in 1 2 3 4 5 6 7 8; do message 5 $n; done
limits '{"grace":100}'
once text
is "$STATUS $(texts) $(stats .limited)" "0 1 2 3 4 5 6 7 8 0" "--once ends when all is sent, within the limits of the chat"
script '{"chat":5,"action":"flood","retry_after":40}'
message 5 a
once text
is "$STATUS $(texts) $(stats .violations)" "0 1 2 3 4 5 6 7 8 a 0" "… and waits for a pause of less than a minute"
script '{"chat":5,"action":"flood","retry_after":90}'
message 5 b
message 6 c
once text
is "$STATUS $(texts)" "0 1 2 3 4 5 6 7 8 a c" "… not for a longer one: it is kept, status 0"
bot text
wait_for '[ "$(stats .deliveries)" = 11 ]'
is "$(texts) $(stats .violations)" "1 2 3 4 5 6 7 8 a c b 0" "… and the next run sends it when that is over"
script '{"chat":5,"action":"flood","retry_after":40}'
message 5 d
wait_for 'grep -q "^d" "$TMP/seen"'
TGRUN_TOKEN=$TOKEN "$REAL_TGRUN" drain --state-dir "$TMP/state" >/dev/null 2>&1
wait_tgrun
is "$STATUS $(texts) $(stats .violations)" "0 1 2 3 4 5 6 7 8 a c b d 0" "a drain waits as --once does"

# A store that forgets.
for end in once stop; do
	anew --no-penalties
	script '{"chat":5,"action":"flood","retry_after":900}'
	message 5 a
	if [ $end = once ]; then
		once text --store memory
	else
		bot text --store memory
		wait_for '[ "$(stats .limited)" = 1 ] && logged "asks to wait"'
		stop_tgrun
	fi
	is "$STATUS" 1 "--store memory ($end): what is not sent is lost, status 1"
	ok 'logged "error .*replies that were not sent, are lost: --store memory keeps nothing  waiting=0 outbox=1"' "… counted, and said"
done

# A full outbox.
anew --no-penalties
: >"$TMP/seen"
script '{"chat":5,"action":"flood","retry_after":300}'
for n in 1 2 3 4 5 6 7 8; do message 5 $n; done
bot text --outbox 3 --rate chat=0
wait_for 'logged "the outbox is full"'
wait_for '[ "$(figure outbox)" = 3 ]'
is "$(grep -c . "$TMP/seen") $(figure waiting)" "3 5" "with --outbox 3 no handler starts when three answers wait"
wait_for '[ "$(stats .deliveries)" = 8 ]'
is "$(texts)" "1 2 3 4 5 6 7 8" "… and all come, in order, when they may be sent"
stop_tgrun

# What cannot be delivered.
anew --no-penalties
handler undelivered <<'EOT'
#!/bin/sh
echo "$TG_CHAT_ID $TG_METHOD ${TG_ERROR_CODE-none} $TG_REASON: $(cat)" >>"$FLOW_MARK/told"
EOT
chats '{"chat":7,"state":"blocked"}'
bot api --on-undelivered "$TMP/undelivered"
message 7 parts
message 8 fine
wait_for '[ -s "$TMP/told" ] && [ "$(stats .deliveries)" = 1 ]'
is "$(texts) $(came sendMessage)" "fine 2" "who blocked the bot gets nothing, and no further part of that answer; others do"
is "$(cat "$TMP/told")" '7 sendMessage 403 403 Forbidden: bot was blocked by the user: {"chat_id":7,"text":"parts 1"}' "--on-undelivered is told of it once, with the call"
wait_for 'logged "hook ended"'
like "$(grep "hook ended" "$TGRUN_LOG")" 'hook=on-undelivered call=[0-9]+ ms' "… whose number stands in the log"
is "$(figure undelivered) $(figure failed_calls)" "3 3" "… it is counted and kept"
chats '{"chat":7,"state":"open"}'
message 7 again
wait_for '[ "$(stats .deliveries)" = 2 ]'
is "$(texts)" "fine again" "the chat's next goes on"
script '{"method":"sendMessage","status":400,"description":"Bad Request: message text is empty"}'
message 7 refused
message 7 next
wait_for '[ "$(stats .deliveries)" = 3 ] && [ "$(grep -c . "$TMP/told")" = 2 ]'
is "$(tail -n 1 "$TMP/told" | cut -d: -f1-2) $(texts)" "7 sendMessage 400 400 Bad Request: message text is empty fine again next" "… so after any refusal"
script '{"method":"editMessageText","status":400,"description":"Bad Request: message is not modified: specified new message content and reply markup are exactly the same"}'
message 7 edit
wait_for 'logged "debug done before: .*message is not modified"'
ok '! logged "warn .*not modified" && [ "$(grep -c . "$TMP/told")" = 2 ]' "what is as it should be is done, and nothing to worry about"
script '{"method":"answerCallbackQuery","status":400,"description":"Bad Request: query is too old and response timeout expired or query ID is invalid"}'
push '{"callback_query":{"id":"old","from":{"id":5,"is_bot":false,"first_name":"u"},"chat_instance":"c","data":"pressed","message":{"message_id":7,"date":1,"chat":{"id":5,"type":"private"},"text":"hi"}}}'
wait_for '[ "$(stats .deliveries)" = 4 ]'
is "$(texts) $(grep -c . "$TMP/told")" "fine again next pressed 2" "a button that was pressed long ago: the message comes all the same"
script '{"method":"sendInvoice","action":"stall","apply":true}'
message 7 buy
message 7 "behind the invoice"
wait_for '[ "$(stats .deliveries)" = 6 ]'
is "$(texts) $(came sendInvoice)" "fine again next pressed sendInvoice behind the invoice 1" "an invoice whose answer is lost is not sent again"
ok 'logged "not delivered: nobody knows whether it arrived, and this is never sent twice"' "… and is told of"
script '{"method":"sendMessage","action":"stall","apply":true,"times":2}'
message 9 lost
wait_for 'logged "not delivered: nobody knows whether it arrived, also when sent again"'
is "$(deliveries 'select(.chat == 9) | .text' | paste -sd ' ') $(grep -c "may arrive twice" "$TGRUN_LOG")" "lost lost 1" "a message whose answer is lost is sent once more, with a warning, and not a third time"
script '{"chat":9,"status":502,"times":-1}'
message 9 never
wait_for 'logged "not delivered: .*502"' 120
is "$(calls 'select(.method == "sendMessage" and .params.text == "never") | .seq' | wc -l) $(figure perhaps_twice)" "11 11" "a server that fails is asked ten times more"
stop_tgrun
is "$STATUS" 0 "none of it is a reason to end"

# A chat that has another id now.
anew --no-penalties
chats '{"chat":-24,"state":"moved","to":-1001000000024}'
once text
for text in one two; do message -24 $text; done
message -1001000000024 three
bot text --on-undelivered "$TMP/undelivered"
wait_for '[ "$(stats .deliveries)" = 3 ]'
is "$(deliveries .chat | uniq -c | awk '{ print $1, $2 }') $(deliveries .text | grep -v three | paste -sd ' ')" "3 -1001000000024 one two" "a group that became a supergroup is followed, in order"
ok 'logged "info  the chat has another id now  chat=-24 now=-1001000000024"' "… which is said"
stop_tgrun
message -24 four
once text
is "$(deliveries .text | tail -n 1) $(calls 'select(.method == "sendMessage" and .status == 400) | .params.chat_id')" "four -24" "… and remembered by the next run: the old id is asked once"

# What the server cannot parse.
anew --no-penalties
script '{"method":"sendMessage","where":{"parse_mode":"HTML"},"times":-1,"status":400,"description":"Bad Request: can'"'"'t parse entities: Unsupported start tag at byte offset 0"}'
message 5 '<plain>'
once html
is "$STATUS $(calls 'select(.status == 200 and .method == "sendMessage") | .params | tojson') $(came sendMessage)" '0 {"chat_id":5,"text":"<plain>"} 2' "what cannot be parsed goes out as plain text"
ok 'logged "warn .*the server cannot parse it, it is sent as plain text" && [ "$(grep -c "not delivered" "$TGRUN_LOG")" = 0 ]' "… with a warning"
message 5 own
once api
is "$STATUS $(stats .deliveries) $(grep -c "not delivered: .*parse entities" "$TGRUN_LOG")" "0 1 1" "… not where the handler chose the mode itself"

# The token in doubt.
anew --no-penalties
script '{"method":"sendMessage","status":401,"description":"Unauthorized"}'
message 5 one
once text
is "$STATUS $(texts) $(came sendMessage)" "0 one 2" "a token that is refused once, and is good: the call is sent again"
script '{"method":"sendMessage","status":401,"description":"Unauthorized","times":6}'
message 5 two
bot text
wait_for '[ "$(stats .deliveries)" = 2 ]'
is "$(calls 'select(.method == "sendMessage" and .params.text == "two") | .ms' | awk 'NR > 3 && $1 - last < 400 { fast++ } { last = $1 } END { print NR, fast + 0 }')" "7 0" \
	"… refused again and again, it is sent with growing pauses"
script '{"method":"getMe","status":401,"description":"Unauthorized","times":3}
{"method":"sendMessage","status":401,"description":"Unauthorized"}'
message 5 three
message 6 other
wait_for '[ "$(stats .deliveries)" = 4 ]'
is "$(calls 'select(.method == "sendMessage" or .method == "getMe") | .method' | tail -n 7 | uniq -c | awk '{ print $1, $2 }' | paste -sd ' ')" \
	"1 sendMessage 4 getMe 2 sendMessage" "while the server does not take the token nothing is sent, then all"
ok 'logged "error .*nothing is sent until the server takes the token again"' "… which is said"
stop_tgrun

# What takes too long.
anew --no-penalties
script '{"method":"answerCallbackQuery","action":"flood","all":true,"retry_after":200}'
push '{"callback_query":{"id":"late","from":{"id":5,"is_bot":false,"first_name":"u"},"chat_instance":"c","data":"pressed","message":{"message_id":7,"date":1,"chat":{"id":5,"type":"private"},"text":"hi"}}}'
bot text
wait_for '[ "$(stats .deliveries)" = 1 ]'
is "$(texts)" pressed "a button is not answered after 150 seconds; its message is not lost with that"
wait_for 'logged "not delivered: too old .*method=answerCallbackQuery"'
ok 'logged "not delivered: too old .*method=answerCallbackQuery"' "… which is said"
# … and an hour is soon over.
machine MACHINE_SPEED=500
anew --no-penalties
script '{"chat":5,"action":"flood","retry_after":7200}'
message 5 late
bot text
wait_for 'logged "not delivered: too old .*method=sendMessage"' 240
is "$(stats '"\(.deliveries) \(.violations)"')" "0 0" "an answer is too old after an hour"
# A full disk. What cannot be marked as begun is not sent.
machine MACHINE_SPEED=10
anew --no-penalties
rm -rf "$TMP/state"
if [ "$(id -u)" = 0 ] && mkdir "$TMP/state" && mount -t tmpfs -o size=4m,mode=700 tmpfs "$TMP/state" 2>/dev/null; then
	trap 'umount -l "$TMP/state" 2>/dev/null; cleanup' EXIT
	script '{"chat":5,"action":"flood","retry_after":200}
{"method":"sendMessage","chat":6,"action":"delay","ms":10000}'
	for n in 1 2 3; do message 5 $n; done
	message 6 slow
	bot text --min-free 0
	wait_for '[ "$(came sendMessage)" = 2 ] && [ "$(figure outbox)" = 3 ]'
	cat /dev/zero >"$TMP/state/filler" 2>/dev/null
	wait_for 'logged "the disk is full"'
	sleep 0.5
	is "$(texts) $(figure waiting) $(($(figure outbox) + $(figure sending)))" "slow 0 3" "on a full disk nothing is sent that is not marked; what was under way ends"
	rm "$TMP/state/filler"
	wait_for '[ "$(stats .deliveries)" = 4 ]'
	is "$(texts)" "slow 1 2 3" "… and all goes on, once, when there is room"
	stop_tgrun
	is "$STATUS" 0 "… to a good end"
	umount -l "$TMP/state"
fi

# A clock that was two hours ahead when the wait was written down.
machine MACHINE_SPEED=20
anew --no-penalties
rm -rf "$TMP/state"
if command -v python3 >/dev/null; then
	script '{"method":"sendMessage","action":"stall"}'
	message 5 late
	bot text
	wait_for '[ "$(came sendMessage)" = 1 ]'
	kill -KILL "$TGRUN_PID"
	wait_tgrun
	python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute("UPDATE calls SET begun = 0, due = created + 7200000"); db.commit()' \
		"$TMP/state/queue.db"
	bot text
	ok 'wait_for "[ \"\$(texts)\" = late ]"' "a wait that was written by a clock that was ahead is a minute at most"
	stop_tgrun
fi
machine

# A clock that is set while answers wait, by years or by half a day, and a tgrun that ends then. What is put under it for that goes before a
# sanitizer's library.
shifted() { LD_PRELOAD=$PWD/$BUILD/tools/failing.so FAILING_CLOCK=$TMP/clock bot text; }
case $BUILD in
*asan*) ;;
*)
	for off in -63072000 43200; do
		anew --no-penalties
		rm -rf "$TMP/state"
		echo $off >"$TMP/clock"
		script '{"method":"sendMessage","chat":5,"action":"flood","retry_after":4}'
		message 5 waits
		shifted
		wait_for '[ "$(came sendMessage)" = 1 ]'
		echo 0 >"$TMP/clock"
		message 6 now
		wait_for 'texts | grep -q now'
		kill -KILL "$TGRUN_PID"
		wait_tgrun
		shifted
		ok 'wait_for "texts | grep -q waits"' "what waited while the clock was set by $off seconds waits no longer for that, nor is it too old"
		stop_tgrun
	done
	;;
esac
done_testing
