# Goal: the sandbox keeps the Bot API server's rules over HTTP, and plays the faults that the other flow tests count on.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

start_sandbox --first-id 1
call() { # METHOD [CURL-ARGUMENT…]
	_method=$1
	shift
	curl -sS -m 20 "$@" "$API/$_method"
}

is "$(call getMe | jq -c '[.ok, .result.id, .result.is_bot]')" '[true,123456,true]' "getMe knows the bot"
is "$(curl -s -o /dev/null -w '%{http_code}' "$URL/bot123456:wrong/getMe")" 401 "a wrong token is 401"
is "$(curl -s -o /dev/null -w '%{http_code}' "$URL/botnothing/getMe")" 404 "a malformed token is 404"

# Updates.
push '{"update_id":10, "message":{"message_id":1,"chat":{"id":7,"type":"private"},"text":"\u00e4 1.0e0"}}'
is "$(call 'getUpdates?offset=-1')" '{"ok":true,"result":[{"update_id":10, "message":{"message_id":1,"chat":{"id":7,"type":"private"},"text":"\u00e4 1.0e0"}}]}' \
	"an update comes as it was pushed, byte for byte"
message 7 two
is "$(call getUpdates -d offset=11 | jq -c '[.result[].update_id]')" '[11]' "an offset confirms what is below it, and pushed objects get the next id"
is "$(stats .pending)" 1 "what was served but not confirmed is pending"
start sh -c 'curl -sS -m 20 "$1/getUpdates?offset=12&timeout=15" >"$2"' - "$API" "$TMP/poll"
wait_for '[ "$(stats .open_polls)" = 1 ]'
message 7 three
wait_for '[ -s "$TMP/poll" ]'
is "$(jq -r '.result[].message.text' "$TMP/poll")" three "a long poll is answered when something comes"

# Conflicts.
call getUpdates -d offset=13 >/dev/null
start sh -c 'curl -sS -m 20 "$1/getUpdates?offset=14&timeout=15" >"$2"' - "$API" "$TMP/first"
wait_for '[ "$(stats .open_polls)" = 1 ]'
start sh -c 'curl -sS -m 20 "$1/getUpdates?offset=15&timeout=15" >"$2"' - "$API" "$TMP/second"
wait_for '[ -s "$TMP/first" ]'
like "$(cat "$TMP/first")" '"error_code":409,"description":"Conflict: terminated by other getUpdates' "a second getUpdates ends the open one"
is "$(call setWebhook -d url=https://example.org/ | jq .result)" true "a webhook can be set"
wait_for '[ -s "$TMP/second" ]' # told 3 s late: the second conflict in a row
like "$(cat "$TMP/second")" 'terminated by setWebhook' "setting a webhook ends the long poll"
call deleteWebhook >/dev/null
is "$(call getWebhookInfo | jq -r .result.url)" "" "a webhook can be removed"
curl -s -m 20 -X POST "$URL/sandbox/restart" >/dev/null

# Parameters, however they come.
is "$(call sendMessage -d chat_id=7 --data-urlencode 'text=a & ü' | jq -r .result.text)" 'a & ü' "a form"
is "$(call 'sendMessage?chat_id=7&text=in%20the%20query' | jq -r .result.text)" 'in the query' "a query"
is "$(call sendMessage -H 'Content-Type: application/json' -d '{"chat_id":-1001234567890123,"text":"j"}' | jq -r '.result.chat.id')" \
	-1001234567890123 "a JSON body, with a long chat id"
head -c 300000 /dev/zero >"$TMP/file.bin"
is "$(call sendDocument -F chat_id=7 -F caption=c -F "document=@$TMP/file.bin" | jq -c '.result | [.caption, .document.file_name, .document.file_size]')" \
	'["c","file.bin",300000]' "multipart/form-data with a file"
is "$(call sendMessage -d text=x | jq -r .description)" 'Bad Request: chat_id is empty' "a missing chat_id is refused in the server's words"
is "$(calls 'select(.method == "sendMessage" and .status == 200) | .params.text' | wc -l)" 3 "the log has every call"

# Faults.
script '{"method":"getMe","times":2,"status":500,"body":"<html>","type":"text/html"}
{"method":"getMe","action":"redirect","location":"http://127.0.0.1:9/"}'
is "$(call getMe -w ' %{http_code} %{content_type}') $(call getMe)" '<html> 500 text/html <html>' "a status and a body for two calls"
is "$(call getMe -o /dev/null -w '%{http_code} %{redirect_url}')" '302 http://127.0.0.1:9/' "a redirect"
fails() { # CURL-STATUS SCRIPT WHAT
	script "$2"
	curl -sS -m 2 -o "$TMP/got" "$API/getMe" 2>/dev/null
	is "$?" "$1" "$3"
}
fails 28 '{"action":"stall"}' "a call that is never answered"
fails 28 '{"action":"stall_headers"}' "headers that never end"
fails 28 '{"action":"trickle"}' "a body that trickles"
fails 56 '{"action":"reset"}' "a reset in the middle of the body"
fails 18 '{"action":"cut"}' "a body that is cut"
ok '[ -s "$TMP/got" ]' "… of which a part came"
fails 1 '{"action":"garbage"}' "an answer that is no HTTP"
script '{"action":"endless","bytes":5000000}
{"action":"headers","bytes":5000000}'
ok '[ "$(call getMe | wc -c)" -gt 4000000 ]' "a body without an end"
call getMe -o /dev/null -D "$TMP/headers" 2>/dev/null
ok '[ "$(wc -c <"$TMP/headers")" -gt 50000 ]' "headers without an end"
script '{"action":"trickle","ms":1,"bytes":20}
{"action":"close"}'
is "$(call getMe | jq .ok)" true "a slow but steady body arrives whole"
like "$(call getMe -D -)" 'Connection: close' "a true answer that closes the connection"
script '{"method":"getUpdates","action":"cut","apply":true}'
message 8 lost
call getUpdates -d offset=13 >/dev/null 2>&1
is "$(call getUpdates -d offset=-1 | jq -r '.result[].message.text')" lost "an answer that was lost on its way comes again"
is "$(stats '"\(.script_left)"')" 0 "the script is used up"

# Many.
offset=$(($(stats .last_id) + 1)) total=0
call "getUpdates?offset=$offset&timeout=0" >/dev/null
case $BUILD in
*asan*) many=5000 ;;
*) many=20000 ;;
esac
generate "$many" 100
while n=$(call "getUpdates?offset=$offset&limit=100" | jq '.result | length') && [ "$n" -gt 0 ]; do
	total=$((total + n)) offset=$((offset + n))
done
is "$total" "$many" "$many generated updates are served once each, in order of id"

# Faults at a byte of the answer. received LINE: how many bytes come, of a getMe that is spoiled so; how the connection ends.
cat >"$TMP/ask.py" <<'EOT'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(0.3)
got, end = b"", "fin"
try:
    s.sendall(b"POST /bot%s/getMe HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" % sys.argv[2].encode())
    while True:
        data = s.recv(65536)
        if not data:
            break
        got += data
except socket.timeout:
    end = "open"
except OSError:
    end = "reset"
sys.stdout.buffer.write(got if len(sys.argv) > 3 else b"%d %s\n" % (len(got), end.encode()))
EOT
received() {
	script "$1"
	ask "$2"
}
ask() {
	# shellcheck disable=SC2086 # none or one
	python3 "$TMP/ask.py" "$PORT" "$TOKEN" $1
}
if command -v python3 >/dev/null; then
	whole=$(received '{"action":"cut","after":1000000}')
	n=${whole% fin}
	ok '[ "$n" -gt 150 ]' "all of an answer, then the end of the connection ($whole)"
	is "$(received '{"action":"cut","after":17}'), $(received '{"action":"cut","after":-3}'), $(received '{"action":"cut","permille":500}')" \
		"17 fin, $((n - 3)) fin, $((n / 2)) fin" "an answer is cut after so many bytes, before its end, or after a part of it"
	is "$(received '{"action":"stall","after":40}'), $(received '{"action":"reset","after":0}')" "40 open, 0 reset" "it stalls, or is reset"
	is "$(received '{"action":"raw","hex":"00ff20","end":"stall"}'), $(received '{"action":"hang_up"}' | sed s/reset/fin/), $(ask | sed s/reset/fin/), $(ask | tr -d 0-9)" \
		"3 open, 0 fin, 0 fin,  open" "raw bytes; a connection that is closed at once, and so is the next one"
	is "$(received '{"action":"cut","after":1000000,"more":5}' head | tr -d '\r' | sed -n 's/^Content-Length: //p')" \
		"$(($(received '{"action":"pass"}' body | tail -n 1 | wc -c) + 5))" "a length that is wrong"
	is "$(received '{"action":"answer","apply":true,"before":"efbbbf","keep":0,"behind":"21","status":503}' body | tr -d '\r' | sed -n '1p;$p' | tr '\n' ' ')" \
		"$(printf 'HTTP/1.1 503 Service Unavailable \357\273\277!')" "a true answer with bytes around it, and another status"
	script '{"action":"refuse","ms":400}'
	call getMe >/dev/null 2>&1
	ok '! call getMe >/dev/null 2>&1' "nobody can connect"
	wait_for 'call getMe >/dev/null 2>&1'
	is "$(call getMe | jq .ok)" true "… until somebody can again"
fi
push '{"update_id":70001,"message":{"chat":{"id":7}}}
{"update_id":70002,"message":{"chat":{"id":7}}}'
script '{"action":"twice"}
{"action":"backwards"}'
is "$(call getUpdates -d offset=70001 | jq -c '[.result[].update_id]')$(call getUpdates -d offset=-2 | jq -c '[.result[].update_id]')" \
	"[70001,70002,70001,70002][70002,70001]" "updates that stand twice, or backwards, in an answer"
call getUpdates -d offset=70003 >/dev/null

# A client that leaves, and the sandbox's own end.
start sh -c 'exec curl -sS -m 20 "$1/getUpdates?offset=99999&timeout=15"' - "$API"
wait_for '[ "$(stats .open_polls)" = 1 ]'
kill "$PID"
wait_for '[ "$(stats .open_polls)" = 0 ]'
is "$(stats .open_polls)" 0 "a long poll ends when its client leaves"
done_testing
