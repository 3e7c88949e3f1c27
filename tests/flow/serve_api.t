# Goal: with --serve-api handlers call a Bot API on 127.0.0.1 with a token that is worth nothing elsewhere: curl works unchanged, in every form; the
# bot's own token is nowhere where a handler could find it; strangers and slow callers are kept off, and a new start makes the token worthless.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

handler bot <<'EOT'
#!/bin/sh
env >"$FLOW_MARK/env.new"
tr '\0' '\n' </proc/self/environ >>"$FLOW_MARK/env.new"
tr '\0' ' ' </proc/$PPID/cmdline >>"$FLOW_MARK/env.new"
mv "$FLOW_MARK/env.new" "$FLOW_MARK/env"
curl -sS "$TG_API_URL/sendMessage" -d chat_id="$TG_CHAT_ID" --data-urlencode text="re: $TG_TEXT" >"$FLOW_MARK/answer" 2>&1
printf '%s\n' "$TG_API_URL" "$TG_API_ROOT" "$TG_TOKEN" >"$FLOW_MARK/url.new"
echo "the handler says $TG_TOKEN"
mv "$FLOW_MARK/url.new" "$FLOW_MARK/url"
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
EOT
begin() { # OPTION…: starts it, and lets the handler tell what it was given
	rm -f "$TMP/url" "$TMP/env"
	mkdir -p "$TMP/credentials"
	printf '%s\n' "$TOKEN" >"$TMP/token"
	TGRUN_LOG=$TMP/tgrun.log
	CREDENTIALS_DIRECTORY=$TMP/credentials "$TGRUN" --token-file "$TMP/token" --api-url "$URL" --state-dir "$TMP/state" --serve-api \
		--handler "$TMP/bot" --rate chat=0 --log-level debug "$@" >>"$TGRUN_LOG" 2>&1 </dev/null &
	TGRUN_PID=$!
	message 5 hello
	wait_for '[ -s "$TMP/url" ]'
	API=$(sed -n 1p "$TMP/url")
	ROOT=$(sed -n 2p "$TMP/url")
	HANDED=$(sed -n 3p "$TMP/url")
}

start_sandbox
begin
secret=${TOKEN#*:}
handed=${HANDED#*:}
like "$HANDED" '^123456:[A-Za-z0-9_-]{35}$' "handlers get a token of the bot"
is "$API" "$ROOT/bot$HANDED" "… and the API's address with it"
like "$ROOT" '^http://127\.0\.0\.1:[0-9]+$' "… on this machine"
is "$(jq -r .result.text "$TMP/answer") $(deliveries 'select(.chat == 5) | .text')" "re: hello re: hello" "curl works unchanged"
is "$(grep -c "$secret" "$TMP/env")" 0 "the bot's own token is in no environment and no command line of a handler"
is "$(grep -c CREDENTIALS_DIRECTORY "$TMP/env")" 0 "… nor where it lies"
wait_for 'logged "the handler says"'
is "$(grep -c -e "$secret" -e "$handed" "$TGRUN_LOG")" 0 "no log holds either token"
is "$(grep -rlF -e "$secret" -e "$handed" "$TMP/state" 2>/dev/null)" "" "… and no file of the state"
is "$(tr '\0' '\n' </proc/$TGRUN_PID/cmdline | grep -c -e "$handed")" 0 "… and no process list"

# Forms.

is "$(curl -sS "$API/getMe" | jq -r .result.username)" sandbox_bot "GET"
is "$(curl -sS "$API/sendmessage" -H 'Content-Type: application/json' -d '{"chat_id":6,"text":"json"}' | jq -r .result.text)" json "JSON"
head -c 2000000 /dev/urandom >"$TMP/big"
script '{"method":"sendDocument","action":"flood","retry_after":1}'
curl -sS "$API/sendDocument" -F document=@"$TMP/big" -F chat_id=6 >"$TMP/answer"
is "$(deliveries 'select(.files) | .files[0].cksum')" "$(cksum <"$TMP/big" | cut -d' ' -f1)" "an upload, after a 429"
id=$(jq -r .result.document.file_id "$TMP/answer")
path=$(curl -sS "$API/getFile" -d file_id="$id" | jq -r .result.file_path)
ok 'curl -sS "$ROOT/file/bot$HANDED/$path" | cmp -s - "$TMP/big"' "… and its download"
script "$(jq -nc --arg t "$TOKEN" '{method: "getFile", status: 200, body: ({ok: true, result: {file_id: "f", file_path: "/var/bot/\($t)/x"}} | tostring)}')"
is "$(curl -sS "$API/getFile" -d file_id=f | jq -r .result.file_path)" "/var/bot/$HANDED/x" "where an answer holds the bot's token, the caller sees its own"
curl -sS "$ROOT/file/bot$HANDED/bot$HANDED/y" -o /dev/null
is "$(grep -c -e "$handed" "$SANDBOX_LOG")" 0 "… which never reaches the server"

# Who may not.

wrong=${handed%?}x
[ "$wrong" != "$handed" ] || wrong=${handed%?}y
codes() { curl -sS -m 20 -o /dev/null -w '%{http_code}' "$@"; }
is "$(codes "$ROOT/bot$TOKEN/getMe") $(codes "$ROOT/bot123456:$wrong/getMe") $(codes "$ROOT/getMe") $(codes "$ROOT/bot/getMe")" "401 401 401 401" "another token is refused, the bot's own too"
is "$(codes "$ROOT/file/bot$TOKEN/$path")" 401 "… for files as well"
is "$(codes -X POST --data-binary @"$TMP/big" "$ROOT/bot1:x/sendDocument")" 401 "… before its body was read"
is "$(codes "$API/") $(codes "$API/send/Message") $(codes --path-as-is "$API/../x") $(codes "$ROOT/file/bot$HANDED/a/../b" --path-as-is)" "404 404 404 404" "a path that is no method is not there"
is "$(codes "$API/getUpdates") $(codes "$API/logOut" -d x=y)" "409 409" "the updates are tgrun's"
is "$(codes "$URL/bot$HANDED/getMe")" 401 "at the server the token is worth nothing"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$TMP" "$TMP/state"
	chmod 666 "$TMP/state/api"
	setpriv --reuid 65534 --regid 65534 --clear-groups curl -sS -m 20 --unix-socket "$TMP/state/api" http://x/getMe -o "$TMP/none" 2>/dev/null
	status=$?
	ok '[ "$status" -ne 0 ] && [ ! -s "$TMP/none" ]' "another user is refused at the socket, whatever its mode"
	chmod 700 "$TMP/state"
	chmod 600 "$TMP/state/api"
fi

# The slow.

script '{"method":"sendMessage","chat":7,"action":"delay","ms":4000}'
start curl -sS "$API/sendMessage" -d chat_id=7 -d text=slow -o /dev/null
wait_for 'calls "select(.params.chat_id == \"7\")" | grep -q . || deliveries "select(.chat == 7)" | grep -q .'
sockets() { find "/proc/$TGRUN_PID/fd" -lname 'socket:*' | wc -l; }
before=$(sockets)
start curl -sS "$API/sendMessage" -d chat_id=7 -d text=taken-back -o /dev/null
wait_for '[ "$(sockets)" -gt "$before" ]'
kill "$PID"
wait_for '[ "$(sockets)" -le "$before" ]'
is "$(curl -sS "$API/sendMessage" -d chat_id=7 -d text=last | jq .ok)" true "a caller that hangs up holds nobody up"
is "$(deliveries 'select(.chat == 7) | .text' | tr '\n' ' ')" "slow last " "… and has taken its call back"
if command -v python3 >/dev/null; then
	cat >"$TMP/crowd.py" <<'EOT'
# crowd.py PORT DIR: 120 clients that send nothing, or half a request without a token, until stdin ends.
import os, socket, sys
crowd = []
for n in range(120):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    try:
        s.send([b"", b"POST /bot1:a/getMe HT"][n % 2])
    except OSError:
        pass
    crowd.append(s)
open(os.path.join(sys.argv[2], "crowded"), "w").close()
sys.stdin.readline()
EOT
	mkfifo "$TMP/end"
	start sh -c 'exec python3 "$1" "$2" "$3" <"$4"' sh "$TMP/crowd.py" "${ROOT##*:}" "$TMP" "$TMP/end"
	exec 7>"$TMP/end"
	wait_for '[ -e "$TMP/crowded" ]'
	is "$(curl -sS -m 30 "$API/getMe" | jq .ok)" true "120 callers without a token hold up nobody"
	is "$(curl -sS -m 30 --unix-socket "$TMP/state/api" http://x/getMe | jq .ok)" true "… at the socket neither"
	exec 7>&-
fi

# The end, and another start.

touch "$TMP/hold"
message 8 last
wait_for 'deliveries "select(.chat == 8)" | grep -q last'
kill -TERM "$TGRUN_PID"
wait_for 'logged "stopping: SIGTERM"'
is "$(curl -sS "$API/sendMessage" -d chat_id=8 -d text=bye | jq .ok)" true "as long as a handler runs, it is served"
rm "$TMP/hold"
wait_tgrun
old=$HANDED
is "$STATUS $(codes "$API/getMe" 2>/dev/null)" "0 000" "then nobody is"
begin --hide-token
ok '[ "$HANDED" != "$old" ]' "another start, another token"
is "$(codes "$ROOT/bot$old/getMe") $(codes "$API/getMe")" "401 200" "… and the old one is worth nothing; --hide-token hides none of this"
stop_tgrun
"$TGRUN" --source /dev/null --handler true --serve-api --state-dir "$TMP/none" >"$TMP/err" 2>&1
is "$? $(cat "$TMP/err")" "64 tgrun: --serve-api serves nothing without a token" "without a token there is nothing to serve"
done_testing
