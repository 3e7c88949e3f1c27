# Goal: files of any size go up through `tgrun call` and --serve-api, sent again after a 429 from the disk, and come down as they are, byte for byte; what
# the runner takes of memory for that has a bound.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
SIZE=50000000

handler bot <<'EOT'
#!/bin/sh
printf '%s\n' "$TG_API_URL" >"$FLOW_MARK/url.new"
mv "$FLOW_MARK/url.new" "$FLOW_MARK/url"
EOT
start_sandbox
start_tgrun --serve-api --rate chat=0 --handler "$TMP/bot"
message 1 hello
wait_for '[ -s "$TMP/url" ]'
api=$(cat "$TMP/url")
file=${api%%/bot*}/file/${api#*//*/}
head -c "$SIZE" /dev/urandom >"$TMP/big"
sum=$(cksum <"$TMP/big" | cut -d' ' -f1)
peak() { awk '/VmHWM/ { print $2 }' "/proc/$TGRUN_PID/status"; }
sent() { deliveries "select(.chat == $1) | \"\(.files[0].cksum) \(.files[0].file_size)\""; }
# What each needs beside what it needed for the first, in KB: less than a tenth of the smallest body.
bounded() { # BEFORE WHAT
	case $BUILD in
	*asan) ;; # sanitizers have memory of their own
	*) ok "[ $(($(peak) - $1)) -lt 1200 ]" "$2, which takes $(($(peak) - $1)) KB of memory" ;;
	esac
}

curl -sS "$api/sendDocument" -F document=@"$PWD/tests/run" -F chat_id=1 -o /dev/null
before=$(peak)
script '{"method":"sendDocument","chat":2,"action":"flood","retry_after":1}'
"$TGRUN" call --state-dir "$TMP/state" --api-url "$URL" sendDocument document@"$TMP/big" caption=c chat_id=2 >"$TMP/said" 2>&1
is "$? $(cat "$TMP/said")" "0 " "tgrun call uploads $SIZE bytes"
is "$(sent 2)" "$sum $SIZE" "… which arrive as they are, and once"
is "$(calls 'select(.method == "sendDocument" and .status and .params.chat_id == "2") | .status' | tr '\n' ' ')" "429 200 " "… when they are sent again after a 429"
bounded "$before" "… from the disk"
script '{"method":"sendDocument","chat":3,"action":"flood","retry_after":1}'
is "$(curl -sS "$api/sendDocument" -F document=@"$TMP/big" -F caption=c -F chat_id=3 | jq -r '.ok // .')" true "so does curl, by --serve-api"
is "$(sent 3)" "$sum $SIZE" "… as it is, and once"
is "$(calls 'select(.method == "sendDocument" and .status and .params.chat_id == "3") | .status' | tr '\n' ' ')" "429 200 " "… after a 429"
bounded "$before" "… from the disk"

# Down.

head -c 18000000 "$TMP/big" >"$TMP/file"
id=$(curl -sS "$api/sendDocument" -F document=@"$TMP/file" -F chat_id=4 | jq -r .result.document.file_id)
path=$(curl -sS "$api/getFile" -d file_id="$id" | jq -r .result.file_path)
call() { "$TGRUN" call --state-dir "$TMP/state" --api-url "$URL" "$@" >"$TMP/said" 2>&1; }
fetch() { curl -sS -m 30 "$file/$path" "$@" 2>/dev/null; }
before=$(peak)
ok 'fetch | cmp -s - "$TMP/file"' "a file of the server comes through as it is"
call --output "$TMP/back" getFile file_id="$id"
ok 'cmp -s "$TMP/back" "$TMP/file"' "… by tgrun call, too"
script '{"method":"/file/","action":"raw","body":"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nshort","repeat":1,"end":"cut","times":2}'
is "$(fetch)" short "one whose length the server does not tell"
call --output - getFile file_id="$id"
is "$(cat "$TMP/said")" short "… by tgrun call, too"
script '{"method":"/file/","action":"stall","after":5000000}'
mkfifo "$TMP/slow"
start curl -sS -N -o "$TMP/slow" "$file/$path"
exec 8<"$TMP/slow"
is "$(head -c 1000000 <&8 | cksum)" "$(head -c 1000000 "$TMP/file" | cksum)" "its caller has the beginning before the server has sent the end"
is "$(curl -sS "$api/getMe" | jq .ok) $(fetch | cmp - "$TMP/file" && echo whole)" "true whole" "a caller that reads slowly holds up nobody"
exec 8<&-
bounded "$before" "… nor is more of a file in memory than its caller takes"
script '{"method":"/file/","action":"cut","times":2}'
fetch -o "$TMP/cut"
is "$? $(cmp "$TMP/cut" "$TMP/file" 2>&1 | grep -c EOF)" "18 1" "where the server breaks off, the caller sees it"
rm "$TMP/back"
call --output "$TMP/back" getFile file_id="$id"
is "$? $(ls "$TMP/back"* 2>/dev/null)" "75 " "… and tgrun call keeps no part of a file"
script '{"method":"/file/","status":404,"body":"not here"}'
call --output - getFile file_id="$id"
is "$? $(cat "$TMP/said")" "65 tgrun: getFile: 404: the server does not give the file out" "where the server has none, nothing comes"
stop_tgrun
script '{"method":"/file/","status":404,"body":"not here"}'
TGRUN_TOKEN=$TOKEN call --output - getFile file_id="$id"
is "$? $(cat "$TMP/said")" "65 tgrun: getFile: 404: the server does not give the file out" "… nor where no tgrun runs"
TGRUN_TOKEN=$TOKEN call --output "$TMP/back" getFile file_id="$id"
ok 'cmp -s "$TMP/back" "$TMP/file"' "… and a file does"
done_testing
