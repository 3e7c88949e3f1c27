# Goal: programs of this user call the Bot API through the socket `api` in the state directory: whatever form a call has; in the order of its
# chat, never twice, taken back when nobody waits for it; and nobody who is slow or hostile holds up another.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
command -v python3 >/dev/null || skip_all "no python3 to be the clients"

api() { # METHOD [CURL-OPTION…]
	_method=$1
	shift
	curl -sS -m 60 --unix-socket "$TMP/state/api" "http://tgrun/$_method" "$@"
}
status_of() { # METHOD [CURL-OPTION…]: HTTP's status, tgrun's word
	api "$@" -o /dev/null -w '%{http_code} %header{x-tgrun-outcome}'
}
sockets() { find "/proc/$TGRUN_PID/fd" -lname 'socket:*' | wc -l; }
texts() { deliveries "select(.chat == $1) | .text" | tr '\n' ' '; }

handler slow <<'EOT'
#!/bin/sh
printf '%s\n' "${TG_API_SOCKET-none}" >"$FLOW_MARK/socket"
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
EOT
start_sandbox
start_tgrun --handler "$TMP/slow" --log-level debug --rate chat=0,group=0
wait_for '[ -S "$TMP/state/api" ]'
is "$(stat -c %a "$TMP/state/api")" 600 "the socket is this user's alone"

# Forms.

is "$(api getMe | jq -r .result.username)" sandbox_bot "a method without parameters"
api sendMessage -d chat_id=1 --data-urlencode 'text=a form & more' >"$TMP/answer"
is "$(jq -r '"\(.ok) \(.result.text)"' "$TMP/answer")" "true a form & more" "a form, and the server's answer"
api sendMessage -H 'Content-Type: application/json' -d '{"chat_id":1,"text":"json \u2603"}' >"$TMP/answer"
is "$(jq -r .result.text "$TMP/answer")" "json ☃" "JSON"
is "$(api 'sendMessage?chat_id=1&text=url%20text' | jq -r .result.text)" "url text" "parameters in the URL"
is "$(api 'sendMessage?chat_id=1' -d text=both | jq -r .result.text)" both "… beside a form"
is "$(api 'sendMessage?chat_id=1' -H 'Content-Type: application/json' -d '{"text":"both too"}' | jq -r .result.text)" "both too" "… or JSON"
is "$(api SENDMESSAGE -F chat_id=1 -F text=parts | jq -r .result.text)" parts "multipart/form-data; the case of a method does not matter"

head -c 3000000 /dev/urandom >"$TMP/big"
sum=$(cksum <"$TMP/big" | cut -d' ' -f1)
script '{"method":"sendDocument","action":"flood","retry_after":1}'
is "$(status_of sendDocument -F document=@"$TMP/big" -F caption=c -F chat_id=2)" "200 ok" "a file, whose chat stands behind it, is sent again after a 429"
is "$(deliveries 'select(.chat == 2) | .files[0].cksum')" "$sum" "… byte for byte, and once"
is "$(calls 'select(.method == "sendDocument" and .status) | .status' | tr '\n' ' ')" "429 200 " "… that the server refused at first"
id=$(api sendDocument -F document=@"$TMP/big" -F chat_id=2 | jq -r .result.document.file_id)
path=$(api getFile -d file_id="$id" | jq -r .result.file_path)
api "file/$path" -o "$TMP/back"
ok 'cmp -s "$TMP/big" "$TMP/back"' "a file of the server, by its path"
api getFile -d file_id="$id" -H 'X-Tgrun-File: 1' -o "$TMP/back2"
ok 'cmp -s "$TMP/big" "$TMP/back2"' "… or at once"

# What is no call.

for method in getUpdates setWebhook deleteWebhook close LOGOUT; do
	is "$(status_of $method -d url=)" "409 refused" "$method is tgrun's own"
done
is "$(calls 'select(.method == "setWebhook" or .method == "logOut") | .method')" "" "… and never reached the server"
for path in '' sendMessage/ 'send-Message' 'bot1:a/getMe' file/ file/../etc/passwd file//x file/a/../../b; do
	is "$(api "$path" --path-as-is -o /dev/null -w '%{http_code}')" 404 "there is nothing at '/$path'"
done
is "$(status_of file/nosuch)" "404 refused" "nor at the path of no file"
is "$(status_of sendMessage -H 'Content-Type: application/json' -d '{"chat_id":1')" "400 refused" "broken JSON is refused"
is "$(status_of sendMessage -H 'Content-Type: text/plain' -d 'chat_id=1')" "400 refused" "… and what is no form at all"
is "$(status_of sendMessage -F chat_id=1 -H 'Content-Type: multipart/form-data')" "400 refused" "… and parts without a boundary"
head -c 1100000 /dev/zero | tr '\0' x >"$TMP/long"
is "$(status_of sendMessage -d chat_id=1 --data-urlencode text@"$TMP/long")" "413 refused" "… and a text that no server takes"
is "$(status_of sendMessage -F chat_id=1 -F "text=<$TMP/long" -F document=@"$TMP/big")" "413 refused" "… beside a file, too"
is "$(status_of sendDocument -F chat_id=1 -H 'Content-Length: 3000000000' -F document=@"$TMP/long")" "413 refused" "a body that is announced too large is not read"
is "$(status_of sendMessage -d text=x -d method=y -d chat_id=1)" "400 refused" "a parameter that would be another method"
is "$(api sendMessage -d text=x | jq -r .description | cut -c1-11)" "Bad Request" "what the server refuses comes back in its words"

# The token.

script "$(jq -nc --arg t "$TOKEN" '{method: "getFile", status: 200, body: ({ok: true, result: {file_id: "f", file_path: "/var/bot/\($t)/x"}} | tostring)}')"
is "$(api getFile -d file_id=f | grep -c sandbox-secret)" 0 "no answer holds the token"
script "$(jq -nc --arg t "$TOKEN" --arg p "$TMP/local file" '{method: "getFile", status: 200, body: ({ok: true, result: {file_id: "f", file_path: $p}} | tostring)}')"
echo local >"$TMP/local file"
is "$(api getFile -d file_id=f -H 'X-Tgrun-File: 1')" local "a file that lies here, as the server says, is given out"
is "$(api "file/$TMP/local%20file" -o /dev/null -w '%{http_code}')" 404 "… but not to who only says so"

# What is lost, and what is told to wait.

script '{"method":"sendMessage","chat":3,"action":"reset","apply":true}'
api sendMessage -d chat_id=3 -d text=lost -D "$TMP/head" >"$TMP/answer"
like "$(head -1 "$TMP/head") $(cat "$TMP/answer")" '502.*"ok":false.*may have been delivered' "a call whose answer is lost may have been delivered, and that is said"
is "$(texts 3)" "lost " "… and it is not sent again"
script '{"method":"sendMessage","chat":3,"status":502,"description":"Bad Gateway"}'
is "$(status_of sendMessage -d chat_id=3 -d text=x)" "502 later" "an error of the server is handed on"
script '{"method":"sendMessage","chat":3,"action":"flood","retry_after":100}'
is "$(api sendMessage -d chat_id=3 -d text=x | jq -r '"\(.error_code) \(.parameters.retry_after)"')" "429 100" "so is a 429 that is longer than anybody waits"
is "$(status_of sendMessage -d chat_id=3 -d text=x -H 'X-Tgrun-Patience: 300')" "429 later" "a call whose turn does not come in time is not sent"
is "$(calls 'select(.method == "sendMessage" and .params.chat_id == "3" and .status) | .status' | tr '\n' ' ')" "200 429 " "… and not asked for meanwhile"
script '{"method":"sendMessage","chat":4,"status":403,"description":"Forbidden: bot was blocked by the user"}'
is "$(status_of sendMessage -d chat_id=4 -d text=x)" "403 forbidden" "a chat that is closed"
script '{"method":"editMessageText","chat":4,"status":400,"description":"Bad Request: message is not modified"}'
is "$(status_of editMessageText -d chat_id=4 -d text=x -d message_id=1)" "400 ok" "what was so before is done"

# Order.

script '{"method":"sendMessage","chat":6,"action":"flood","retry_after":3}'
start api sendMessage -d chat_id=6 -d text=first -o /dev/null
wait_for 'stats .limited >/dev/null; calls "select(.params.chat_id == \"6\") | .status" | grep -q 429'
before=$(sockets)
start curl -sS --unix-socket "$TMP/state/api" http://x/sendMessage -d chat_id=6 -d text=taken-back -o /dev/null
gone=$PID
wait_for '[ "$(sockets)" -gt "$before" ]'
api sendMessage -d chat_id=6 -d text=second -H 'X-Tgrun-Queue: reply' -o /dev/null
is "$(status_of sendMessage -d chat_id=6 -d text=third -H 'X-Tgrun-Queue: reply')" "200 ok" "a call is stored"
is "$(api sendMessage -d chat_id=7 -d text=other | jq .ok)" true "another chat is not held up"
kill "$gone"
wait_for '[ "$(texts 6 | wc -w)" -eq 3 ]'
is "$(texts 6)" "first second third " "the calls of a chat go in order, but for one whose caller has gone"
is "$(status_of sendDocument -F chat_id=6 -F document=@"$TMP/big" -H 'X-Tgrun-Queue: bulk')" "400 refused" "a file is not stored"

script '{"method":"sendMessage","chat":8,"action":"delay","ms":1500}'
start curl -sS --unix-socket "$TMP/state/api" http://x/sendMessage -d chat_id=8 -d text=slow -o /dev/null
gone=$PID
wait_for 'calls "select(.params.chat_id == \"8\")" | grep -q . || deliveries "select(.chat == 8)" | grep -q .'
kill "$gone"
api sendMessage -d chat_id=8 -d text=next -o /dev/null
is "$(texts 8)" "slow next " "a call whose caller goes while it is sent is not overtaken, nor sent again"

# The crowd.

cat >"$TMP/crowd.py" <<'EOT'
# crowd.py SOCKET DIR: 200 clients that send nothing, half a head or half a body, and stay until stdin ends.
import os, socket, sys
crowd = []
for n in range(200):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    try:
        s.send([b"", b"POST /getMe HT", b"POST /sendMessage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"][n % 3])
    except OSError:
        pass # had to make room already
    crowd.append(s)
open(os.path.join(sys.argv[2], "crowded"), "w").close()
sys.stdin.readline()
EOT
mkfifo "$TMP/end"
before=$(find "/proc/$TGRUN_PID/fd" | wc -l)
start sh -c 'exec python3 "$1" "$2" "$3" <"$4"' sh "$TMP/crowd.py" "$TMP/state/api" "$TMP" "$TMP/end"
exec 7>"$TMP/end"
wait_for '[ -e "$TMP/crowded" ]'
is "$(api getMe | jq .ok)" true "200 slow callers hold up nobody"
ok '[ "$(find "/proc/$TGRUN_PID/fd" | wc -l)" -lt $((before + 16 + 64 + 8)) ]' "… and take no more connections than there may be"
exec 7>&-

script '{"method":"getMyName","action":"delay","ms":1000,"times":90}'
for n in $(seq 90); do
	api getMyName -o /dev/null -w '%{http_code}\n' >>"$TMP/codes" &
	PIDS="$PIDS $!"
done
wait_for '[ "$(wc -l <"$TMP/codes")" -eq 90 ]' 60
is "$(sort -u "$TMP/codes")" 200 "more callers than connections are served one after the other"
case $BUILD in
*asan) ;; # sanitizers have memory of their own
*) ok '[ "$(awk "/VmHWM/ { print \$2 }" /proc/$TGRUN_PID/status)" -lt 60000 ]' "memory is bounded" ;;
esac

rm "$TMP/state/api"
message 9 again
wait_for '[ -S "$TMP/state/api" ]'
is "$(api getMe | jq .ok)" true "a socket that was taken away is made again"
rm "$TMP/socket"

# Stop: as long as a handler runs, it may call.

touch "$TMP/hold"
message 9 hello
wait_for '[ -s "$TMP/socket" ]'
is "$(cat "$TMP/socket")" "$TMP/state/api" "a handler finds the socket in TG_API_SOCKET"
kill -TERM "$TGRUN_PID"
wait_for 'logged "stopping: SIGTERM"'
is "$(api sendMessage -d chat_id=9 -d text=bye | jq .ok)" true "while tgrun stops, handlers may call"
rm "$TMP/hold"
wait_tgrun
is "$STATUS $(texts 9)" "0 bye " "… and then it ends"
ok '[ ! -e "$TMP/state/api" ]' "… and the socket with it"

# A disk that is almost full.

start_tgrun --handler "$TMP/slow" --min-free 9000000000000000000
wait_for '[ -S "$TMP/state/api" ]'
is "$(status_of sendDocument -F chat_id=1 -F document=@"$TMP/big")" "507 later" "a large file leaves --min-free on the disk"
is "$(api getMe | jq .ok)" true "what fits in memory is sent all the same"
stop_tgrun

# A path that is longer than a socket's may be.

long=$TMP/$(printf '%0100d' 0)
mkdir -p "$long"
rm -f "$TMP/socket"
TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$long/state" --handler "$TMP/slow" >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
message 9 more
wait_for '[ -s "$TMP/socket" ]'
is "$(cat "$TMP/socket")" none "where its path is too long for programs, TG_API_SOCKET is not told"
is "$(cd "$long/state" && curl -sS -m 20 --unix-socket api http://x/getMe | jq .ok)" true "… but the socket is there"
done_testing
