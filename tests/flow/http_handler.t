# Goal: a handler that is a URL: updates are posted to its server as Telegram posts them, what it answers decides, and neither end's death loses one.
# shellcheck shell=sh disable=SC2016,SC2034,SC2119
. tests/flow/lib.sh

DEADLINE=${DEADLINE:-60}
server() { # [PORT]: $HOOK; what comes is noted in $TMP/posts
	rm -f "$TMP/webhook.port"
	start python3 tests/flow/webhook.py "$@"
	SERVER=$PID
	wait_for '[ -s "$TMP/webhook.port" ]'
	HOOK_PORT=$(cat "$TMP/webhook.port")
	HOOK=http://127.0.0.1:$HOOK_PORT/hook
}
posts() { # JQ-FILTER
	jq -r "$1" "$TMP/posts"
}
posted() { # TEXT: how often
	jq -r .text "$TMP/posts" | grep -cxF -- "$1"
}
figure() { # JQ-FILTER of the status
	"$TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null | jq -r "$1"
}
fresh() {
	anew --no-penalties
	rm -f "$TMP/hold" "$TMP/closed"
	: >"$TMP/posts"
}
answers() { # CHAT TYPE BODY: an update of that chat is answered so
	message "$1" "$(jq -nc --arg type "$2" --arg body "$3" '{type: $type, body: $body}')"
}
JSON=application/json
FORM=application/x-www-form-urlencoded

# What arrives, and how.
server
fresh
start_tgrun --handler "$HOOK?a=b" --log-level debug
message 7 "one ä \"two\""
message 7 three
wait_for '[ "$(posted three)" = 1 ]'
is "$(posts 'select(.text == "three") | [.path, .type, .secret] | tostring')" '["/hook?a=b","application/json",null]' "an update is posted to the URL, as JSON"
is "$(posts '[.connection, .nth] | tostring' | tr '\n' ' ')" "[1,1] [1,2] " "… and the next over the same connection"
wait_for '[ -s "$TMP/over" ]'
is "$(cat "$TMP/over")" 1 "… which is closed when it has rested: a server that has one at a time can go on"

# Answers that hold a call.
answers 7 $JSON '{"method":"sendMessage","chat_id":7,"text":"as JSON"}'
answers 8 "$FORM" 'method=sendmessage&chat_id=8&text=as+a%20form'
answers 9 "$JSON" '{"method":"sendMessage","text":"filled in"}'
push '{"callback_query":{"id":"77","data":"{\"type\":\"application/json\",\"body\":\"{\\\"method\\\":\\\"sendMessage\\\",\\\"chat_id\\\":10,\\\"text\\\":\\\"pressed\\\"}\"}","from":{"id":10,"is_bot":false,"first_name":"u"},"message":{"message_id":1,"date":1,"chat":{"id":10,"type":"private"}}}}'
wait_for '[ "$(stats .deliveries)" = 4 ]'
is "$(deliveries '"\(.chat) \(.text)"' | sort -n | tr '\n' ';')" "7 as JSON;8 as a form;9 filled in;10 pressed;" "an answer that is a call is sent"
is "$(calls 'select(.method == "answerCallbackQuery")')" "" "… and nothing that the bot did not answer"
answers 7 text/html '{"method":"sendMessage","chat_id":7,"text":"a page"}'
answers 7 $JSON '{"ok":true}'
answers 7 $JSON '{"method":"getMe"}'
answers 7 $JSON '{"method":"send Message","chat_id":7}'
answers 7 "multipart/form-data; boundary=x" "--x"
answers 7 "multipart/form-data; boundary=x" "--x"
answers 7 "$FORM" 'method=sendMessage&chat_id=7&text=last'
wait_for 'deliveries .text | grep -qx last && [ "$(figure .done)" = 13 ]'
is "$(figure '[.done, .failed, .dead] | tostring')" "[13,0,0]" "no answer of status 200 makes an update fail"
is "$(stats .deliveries)" 5 "what is no call is not sent"
like "$("$TGRUN" outbox list --json --state-dir "$TMP/state" | jq -r '"\(.state) \(.method) \(.chat) \(.reason)"' | tr '\n' ';')" \
	'^failed - .*calls getMe, which no reply may.*;failed - 7 its reply holds a bad call.*letters only;$' "a call that may not be sent, and one that is none, are calls that failed"
is "$(grep -c 'warn .*multipart/form-data' "$TGRUN_LOG")" 1 "files in answers are warned of, once"
"$TGRUN" outbox retry --all --state-dir "$TMP/state" >"$TMP/out" 2>&1
wait_for '[ "$("$TGRUN" outbox list --json --state-dir "$TMP/state" | jq -r .state | sort -u)" = failed ]'
is "$(calls .method | grep -cx -- -) $(calls .method | grep -cx getMe)" "0 1" "… which no retry sends"
stop_tgrun
is "$STATUS" 0 "and it ends well"

# Answers that are no success, each of a chat of its own with a message behind it.
fresh
start_tgrun --handler "$HOOK" --retry-delay 0.1s --timeout 1s --breaker 0 --log-level debug --on-timeout "$(handler timeout <<'EOT'
#!/bin/sh
echo "$TG_REASON" >>"$FLOW_MARK/timeouts"
EOT
echo "$TMP/timeout")"
wait_for 'logged polling'
chat=0
for plan in '{"status":404,"body":"\n no such order \nmore"}' '{"status":301,"headers":{"Location":"/elsewhere"}}' '{"status":400,"type":"text/html","body":"<html>\n<h1>Bad</h1>"}' \
	'{"repeat":1100000,"body":"x"}' '{"status":429}' '{"status":429,"headers":{"Retry-After":"1"}}' '{"status":404,"headers":{"Retry-After":"1"}}' \
	'{"status":503,"times":2}' '{"do":"stall"}' '{"do":"cut"}' '{"do":"end"}' '{"do":"used"}'; do
	chat=$((chat + 1))
	# That one takes a connection that was used and waits: all others are handled by then.
	[ $chat != 12 ] || wait_for '[ "$(figure "[.done + .dead] | tostring")" = "[22]" ]'
	message $chat "$plan"
	message $chat "behind $chat"
done
wait_for '[ "$(figure "[.done + .dead] | tostring")" = "[24]" ]'
is "$(dead list --json | jq -r '"\(.key) \(.attempts) \(.reason)"' | sort)" "$(cat <<'EOT'
chat:1 1 answered with status 404: no such order
chat:2 1 answered with status 301: redirects are not followed
chat:3 1 answered with status 400: Bad
chat:4 1 the answer is larger than 1048576 bytes
EOT
)" "what is refused, sent elsewhere or too large is a dead letter at once, with the first line as its reason"
is "$(posts 'select(.text | startswith("{")) | .text' | sort | uniq -c | awk '{ print $1 }' | sort -n | tr '\n' ' ')" "1 1 1 1 1 2 2 2 2 2 2 3 " "… what asks for it, fails, is late or cut is posted again, until it is done"
is "$(posts 'select(.path == "/elsewhere")')" "" "no redirect is followed"
is "$(posts .text | grep '^behind' | sort -u | wc -l)" 12 "the next of each chat is handled"
is "$(cat "$TMP/timeouts")" "timed out after 1s" "--on-timeout hears of the one that was late"
is "$(figure .failed_timeout)" 1 "… and the figures count it as late"
ok '[ -s "$TMP/closed" ]' "… whose connection was closed"
is "$(grep -c 'once more, over a new connection' "$TGRUN_LOG") $(grep -c 'to be tried again' "$TGRUN_LOG")" "1 7" "one that crossed the end of an old connection is repeated at once, and no failure"
stop_tgrun

# An answer that is cut in its head is none: the server may have died before it had handled the update.
fresh
start_tgrun --handler "$HOOK" --retry-delay 0.1s --breaker 0
chat=0
for raw in 'HTTP/1.1 200 OK\r\n' 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n' 'HTTP/1.1 200 OK\r\nContent-Le' 'HTTP/1.0 200 OK\r\n' 'HTTP/1.1 404 No\r\n'; do
	chat=$((chat + 1))
	message $chat '{"do":"say","raw":"'"$raw"'"}'
done
wait_for '[ "$(figure .done)" = 5 ]'
is "$(posts .id | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')$(figure .dead)" "2 2 2 2 2 0" "an update whose answer is cut in its head is posted again"
like "$(cat "$TGRUN_LOG")" "closed in the head of the answer: to be tried again" "… and the log says why"
message 7 plain
wait_for '[ "$(figure .done)" = 6 ]'
message 7 '{"do":"say","raw":"HTTP/1.1 2"}'
wait_for '[ "$(figure .done)" = 7 ]'
is "$(figure .failed) $(grep -c 'to be tried again.* key=chat:7 attempt=1' "$TGRUN_LOG")" "6 1" "… and counted, also where an old connection ends within the first line"
stop_tgrun

# Many at once, over few connections.
fresh
generate 1000 50
run_tgrun --handler "$HOOK" --once
is "$STATUS $(posts .id | sort -u | wc -l) $(wc -l <"$TMP/posts")" "0 1000 1000" "--once: a thousand updates, each posted once"
is "$(posts '"\(.id)"' | wc -l) $(jq -r '.body | fromjson | "\(.message.chat.id) \(.update_id)"' "$TMP/posts" | sort -s -n -k1,1 | awk '$1 == chat && $2 < last { n++ } { chat = $1; last = $2 } END { print n + 0 }')" "1000 0" "… in the order of their chats"
ok '[ "$(posts .connection | sort -u | wc -l)" -le 32 ]' "… over $(posts .connection | sort -u | wc -l) connections"

# The server is not there, comes, dies and comes back.
fresh
kill "$SERVER" && wait "$SERVER"
start_tgrun --handler "$HOOK"
message 1 early
wait_for 'logged "cannot be started"'
like "$(grep 'cannot be started' "$TGRUN_LOG" | head -n 1)" "error .*connect.*does its server run, and listen there\? No update is touched.*handler=\"?http://127.0.0.1:$HOOK_PORT/…" "a server that cannot be reached: the log says what to mend, and no path"
is "$(figure '[.start_failing, .failed, .dead] | tostring') $("$TGRUN" queue list --json --state-dir "$TMP/state" | jq -c "[.failures,.deaths,.interruptions]")" "[true,0,0] [0,0,0]" "… and no update is touched"
server "$HOOK_PORT"
wait_for '[ "$(figure .done)" = 1 ]'
is "$(figure '[.start_failing, .routes[0].mode, .routes[0].processes] | tostring')" '[false,"webhook",0]' "… and when it is there all goes on"
: >"$TMP/hold"
for chat in 1 2 3 4 5; do message $chat '{"do":"hold"}'; done
wait_for '[ "$(figure ".routes[0].running")" = 5 ]'
kill -KILL "$SERVER" && wait "$SERVER" 2>/dev/null
wait_for '[ "$(figure ".routes[0].running")" = 0 ]'
rm "$TMP/hold"
server "$HOOK_PORT"
wait_for '[ "$(figure .done)" = 6 ]'
is "$(figure '[.done, .dead] | tostring')" "[6,0]" "a server that is killed at its work loses nothing"

# So does a runner that is killed, and a stop that has no time.
: >"$TMP/hold"
for chat in 1 2 3; do message $chat '{"do":"hold","times":9}' && message $chat "behind $chat"; done
wait_for '[ "$(figure ".routes[0].running")" = 3 ]'
kill -KILL "$TGRUN_PID" && wait_tgrun
before=$(wc -l <"$TMP/posts")
start_tgrun --handler "$HOOK" --shutdown-timeout 0.1s
wait_for '[ "$(figure ".routes[0].running")" = 3 ]'
stop_tgrun
is "$STATUS $(grep -c 'warn .*still run at the shutdown deadline' "$TGRUN_LOG")" "1 1" "a stop that cuts them has status 1"
rm -f "$TMP/hold"
start_tgrun --handler "$HOOK"
wait_for '[ "$(figure .done)" = 6 ]'
is "$(posts .text | grep '^behind' | sort | tr '\n' ' ')$(dead list --json)" "behind 1 behind 2 behind 3 " "… and the next run handles all, each chat's in order"
: >"$TMP/hold"
message 1 '{"do":"hold"}'
wait_for '[ "$(figure ".routes[0].running")" = 1 ]'
kill "$TGRUN_PID"
wait_for 'logged "stopping: SIGTERM  running=1"'
rm "$TMP/hold"
wait_tgrun
is "$STATUS" 0 "a stop waits for an answer that comes in time"

# It is cancelled; it is reloaded, to another server; a route of its own is a program.
fresh
handler mine <<'EOT'
#!/bin/sh
echo "mine $TG_TEXT" >>"$FLOW_MARK/mine"
EOT
printf 'handler = %s\ntimeout = 5s\n[route "/mine"]\nhandler = %s\n' "$HOOK" "$TMP/mine" >"$TMP/conf"
start_tgrun --config "$TMP/conf"
message 1 '{"do":"stall","times":9}'
message 1 behind
wait_for '[ "$(figure ".routes[1].running")" = 1 ]'
"$TGRUN" cancel --chat 1 --state-dir "$TMP/state"
wait_for '[ "$(posted behind)" = 1 ]'
is "$(figure '[.done, .cancelled, .failed] | tostring')" "[1,1,0]" "tgrun cancel closes its connection, and its chat goes on"
message 2 /mine
wait_for '[ -s "$TMP/mine" ]'
first=$HOOK
server
printf 'handler = %s/other\nwebhook-secret = its-secret\n[route "/mine"]\nhandler = %s\n' "$HOOK" "$TMP/mine" >"$TMP/conf"
kill -HUP "$TGRUN_PID"
wait_for 'logged "configuration reloaded"'
message 3 moved
wait_for '[ "$(posted moved)" = 1 ]'
is "$(posts 'select(.text == "moved") | "\(.path) \(.secret)"')" "/hook/other its-secret" "a reload takes another URL, and a secret"
printf 'handler = %s\n[route "/mine"]\nhandler = %s\n' "$TMP/mine" "$TMP/mine" >"$TMP/conf"
kill -HUP "$TGRUN_PID"
wait_for 'logged "the old mode, and the handler for it, stay"'
ok 'logged "the old mode, and the handler for it, stay"' "… but a program in its place is named, and waits for a restart"
stop_tgrun
is "$STATUS" 0 "and it ends well"

# It fails on everything.
fresh
for chat in 1 2 3 4; do message $chat '{"status":500}'; done
start_tgrun --handler "$HOOK" --breaker 3
wait_for '[ "$(figure .done)" = 4 ]'
like "$(cat "$TGRUN_LOG")" "the handler fails on everything .answered with status 500.*one at a time" "a server that fails on everything is tried one update at a time"
is "$(figure '[.dead, .breaker_open] | tostring')" "[0,false]" "… and no update is given up for that"
stop_tgrun

# What is said of it before a run, and without one.
fresh
check() { TGRUN_TOKEN=$TOKEN "$TGRUN" check --api-url "$URL" --state-dir "$TMP/state" "$@" 2>&1; }
like "$(check --handler "$HOOK")" "^ok      handler: 'http://127.0.0.1:$HOOK_PORT/…' takes connections\$" "check connects to it"
is "$(cat "$TMP/posts")" "" "… and sends nothing"
kill "$SERVER" && wait "$SERVER"
said=$(check --handler ./x --route "/x=$HOOK" --handler "$TMP/mine")
like "$? $said" "^warning route /x: 'http://127.0.0.1:$HOOK_PORT/…' cannot be reached: .*a run would go on trying" "… or warns"
like "$(check --handler http://bot.invalid/hook)" "^warning updates go to 'http://bot.invalid/…' unencrypted; use https\$" "plain http to another machine is a warning"
like "$(check --handler "$TMP/mine" --webhook-secret its-secret)" "^warning option '--webhook-secret': the secret of webhooks is sent to nobody: no handler is a URL\$" "so is a secret that no handler gets"
is "$(check --handler "$TMP/mine" --route "/x=$HOOK" --webhook-secret its-secret | grep -c 'sent to nobody')" 0 "… but one of a route counts"
said=$(check --handler "$HOOK" --webhook-secret-file "$TMP/missing")
like "$? $(echo "$said" | grep '^wrong')" "^77 wrong .*cannot open the file with the secret of webhooks '$TMP/missing'" "a file of the secret that is not there is refused as the token's is"
server "$HOOK_PORT"
said=$(printf '%s\n' '{"type":"application/json","body":"{\"method\":\"sendMessage\",\"text\":\"hello there\"}"}' | "$TGRUN" try --handler "$HOOK")
like "$said" "calls the API of this chat at http://127.0.0.1:[0-9]+, with any token" "try says where its bot finds the API"
like "$said" "^bot: hello there" "… and shows what it answers"

# What is refused.
refused() { # WORDS OPTION…
	words=$1
	shift
	TGRUN_TOKEN=$TOKEN "$TGRUN" "$@" >"$TMP/out" 2>&1 </dev/null
	like "$? $(cat "$TMP/out")" "^64 .*$words" "refused: $(echo "$*" | sed "s|$HOOK|URL|")"
}
only() { # NAME [VALUE]
	refused "only a process obeys '$1', and the handler is a URL" --handler "$HOOK" "--$1${2:+=$2}"
}
only workers 2 && only mode batch && only batch-size 5 && only sticky && only reply text && only reply-to && only reply-with protect_content=true
only background kill && only stdout discard && only max-output 5M && only limit-memory 1G && only nice 5 && only env A=b && only chdir /tmp
only clear-env && only hide-token && only serve-api && only kill-after 1s && only on-failure retry
refused "no user and no password" --handler "http://me:pw@127.0.0.1/"
refused "no port, 1 to 65535" --handler http://127.0.0.1:99999/x
refused "no port, 1 to 65535" --handler true --route "/x=http://127.0.0.1:0/x"
refused "takes no arguments" -- "$HOOK" --lang
refused "only a process obeys 'workers', and the handler is a URL" --workers 2 -- "$HOOK"
printf '[route "/x"]\nhandler = %s\nreply = text\n' "$HOOK" >"$TMP/conf"
refused "line 1: only a process obeys 'reply', and the handler of the route '/x' is a URL" --config "$TMP/conf" --handler true
check --handler "$HOOK" --route "/x=$TMP/mine" --reply text --env A=b >"$TMP/out"
is "$?" 0 "where a route is a process, it obeys them"
check --handler "$HOOK" --on-error "$TMP/mine" --env A=b --kill-after 1s >"$TMP/out"
is "$?" 0 "… and so does a hook"
done_testing
