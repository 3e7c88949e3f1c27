# Goal: `tgrun check` says what would go wrong, exits as the run would, and changes nothing.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
chmod 755 "$TMP"
start_sandbox --no-penalties
check() { # STATUS ERE WHAT OPTION…
	want=$1 ere=$2 what=$3
	shift 3
	TGRUN_TOKEN=$TOKEN "$TGRUN" check --api-url "$URL" --state-dir "$TMP/state" "$@" >"$TMP/out" 2>&1
	is "$?" "$want" "$what: $want"
	like "$(cat "$TMP/out")" "$ere" "… and said"
}
check 0 '^ok +bot: 123456, @sandbox_bot' "all is well" --handler "$TMP/note"
ok '[ ! -e "$TMP/state" ] && [ "$(stats ".calls.getUpdates // 0")" = 0 ]' "nothing is made, and no update asked for"
ok '! grep -q "${TOKEN#*:}" "$TMP/out"' "the token is not shown"

mkdir -m 700 "$TMP/state" && ln -s "$TMP" "$TMP/state/data"
check 73 "state/data' is a symbolic link" "a link in the place of the handlers' directory" --handler "$TMP/note"
rm "$TMP/state/data"
check 0 '' "a state directory without it" --handler "$TMP/note"
is "$(ls -A "$TMP/state")" "" "… and none is made"
rmdir "$TMP/state"

# The handler.
check 78 'missing.*does not exist' "a handler that is missing" --handler "$TMP/missing"
: >"$TMP/plain"
check 78 'plain.*executable' "a handler that is not executable" --handler "$TMP/plain"
printf '#!/nonexistent/sh\n' >"$TMP/orphan" && chmod 755 "$TMP/orphan"
check 78 '/nonexistent/sh' "a handler whose interpreter is missing" --handler "$TMP/orphan"
check 78 '' "a directory as the handler" --handler "$TMP/"
check 64 'sh -c' "a handler that wants a shell" --handler 'a > b'
cp "$TMP/note" "$TMP/open" && chmod 777 "$TMP/open"
check 0 'anyone may change the handler' "a handler that anyone may write: a warning" --handler "$TMP/open"
mkdir "$TMP/wide" && cp "$TMP/note" "$TMP/wide/note" && chmod 777 "$TMP/wide"
check 0 'anyone may replace the handler' "a directory that anyone may write: a warning" --handler "$TMP/wide/note"

# Routes, hooks, another source.
check 0 "^ok +route /start: '$TMP/open'" "a route" --handler "$TMP/note" --route "/start=$TMP/open"
check 0 "anyone may replace the route's handler '$TMP/wide/note'" "a route's directory that anyone may write: a warning" --handler "$TMP/note" --route "/a=$TMP/wide/note"
check 78 "route '/start': the route's handler '$TMP/missing' does not exist" "a route's handler that is missing" --handler "$TMP/note" --route "/start=$TMP/missing"
set --
for n in $(seq 32); do set -- "$@" --route "/r$n=$TMP/note"; done
check 64 "there are more than 31 routes" "a route too many" --handler "$TMP/note" "$@"
shift 2
check 0 "^ok +route /r32: '$TMP/note'" "as many as there may be" --handler "$TMP/note" "$@"
check 78 "on-error: the hook '$TMP/missing' does not exist" "a hook that is missing" --handler "$TMP/note" --on-error "$TMP/missing"
check 78 "on-timeout: the hook '$TMP/plain' is not executable" "another" --handler "$TMP/note" --on-timeout "$TMP/plain"
check 78 "source: the source's program '$TMP/orphan' needs '/nonexistent/sh'" "a source's program" --handler "$TMP/note" --source "exec:$TMP/orphan"
check 64 "source: the source's program is empty" "one that is not there" --handler "$TMP/note" --source 'exec: '
check 64 "source: the source's program has an unquoted '>' at character 3, .*start a shell: sh -c 'a > b'" "one that wants a shell" --handler "$TMP/note" --source 'exec:a > b'
check 0 "anyone may change the hook '$TMP/open'" "a hook that anyone may write: a warning" --handler "$TMP/note" --on-error "$TMP/open"
check 64 "nor a /command|neither a kind" "a match that is none" --handler "$TMP/note" --only mesage
check 78 "cannot open the source '$TMP/missing'" "a source that is missing" --handler "$TMP/note" --source "$TMP/missing"
"$TGRUN" check --source - --store memory --handler "$TMP/note" </dev/null >"$TMP/out" 2>&1
is "$? $(grep -c '^note *no token, so no bot' "$TMP/out")" "0 1" "without a token, with another source"
"$TGRUN" check --source - --handler "$TMP/note" </dev/null >"$TMP/out" 2>&1
is "$? $(grep -c 'named by --state-dir' "$TMP/out")" "64 1" "which needs a place for its state"

check 0 '^note +privacy mode: in groups .*/setprivacy' "a bot that does not get all of a group's messages: a note" --handler "$TMP/note"
script '{"method":"getMe","body":"{\"ok\":true,\"result\":{\"id\":123456,\"username\":\"all_bot\",\"can_read_all_group_messages\":true}}"}'
check 0 '@all_bot' "one that does" --handler "$TMP/note"
ok '! grep -q "privacy mode" "$TMP/out"' "… no note"
script '{"method":"getWebhookInfo","status":404,"body":"{\"ok\":false,\"error_code\":404,\"description\":\"Not Found: method not found\"}"}'
check 0 '^warning +Telegram could not be asked \(getWebhookInfo: 404' "a server that does not know getWebhookInfo: a warning, not a word on the token" --handler "$TMP/note"

# The way out.
check 0 "^ok +answers: what handlers print is logged, not sent \(--reply none\); 'tgrun call' .*TG_API_URL straight to the server" "which way answers go" --handler "$TMP/note"
check 0 "^ok +answers: what handlers print is sent \(--reply html\)" "… printed" --handler "$TMP/note" --reply html
check 0 "^ok +answers: .* calls by TG_API_URL go through this tgrun" "… or called" --handler "$TMP/note" --serve-api
printf '#!/bin/sh\n# greets\ncurl "https://api.telegram.org/bot$TG_TOKEN/sendMessage"\n' >"$TMP/stray" && chmod 755 "$TMP/stray"
check 0 "^warning +the handler '$TMP/stray' names api.telegram.org in line 3: what it sends there .*--serve-api .*TG_API_ROOT" "a handler that would go past --serve-api: a warning" --handler "$TMP/stray" --serve-api
check 0 "^warning +the handler '$TMP/stray' names api.telegram.org in line 3" "… a script for an interpreter" --handler "sh $TMP/stray" --serve-api
check 0 "^warning +the route's handler names api.telegram.org: what" "… a route that is none" --handler "$TMP/note" --route "/x=sh -c 'curl https://api.telegram.org/'" --serve-api
check 0 '' "… not without --serve-api" --handler "$TMP/stray"
ok '! grep -q "names api.telegram.org" "$TMP/out"' "… which is fine"
printf '#!/bin/sh\ncurl "${TG_API_ROOT:-https://api.telegram.org}/bot$TG_TOKEN/sendMessage"\n' >"$TMP/stray"
check 0 '' "one that takes the root that it is given" --handler "$TMP/stray" --serve-api
ok '! grep -q "names api.telegram.org" "$TMP/out"' "… is fine, too"

# The token.
echo "$TOKEN" >"$TMP/token" && chmod 644 "$TMP/token"
TGRUN_TOKEN_FILE=$TMP/token "$TGRUN" check --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/out" 2>&1
is "$? $(grep -c 'others may read the token file' "$TMP/out")" "0 1" "a token file that others may read: a warning"
good=$TOKEN TOKEN=123456:another-secret
check 77 'refuses the token' "a token that is refused" --handler "$TMP/note"
TOKEN=nonsense
check 77 'does not look like' "a token of the wrong shape" --handler "$TMP/note"
TOKEN=$good
"$TGRUN" check --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/out" 2>&1
is "$? $(grep -c 'no token: give it by --token' "$TMP/out")" "64 1" "no token at all"
"$TGRUN" check --token-file "$TMP/missing" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/out" 2>&1
is "$? $(grep -c "cannot open the token file '$TMP/missing'" "$TMP/out")" "77 1" "a token file that is not there"
echo nonsense >"$TMP/token"
"$TGRUN" check --token-file "$TMP/token" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/out" 2>&1
is "$? $(grep -c "token file '$TMP/token': .*does not look like" "$TMP/out")" "77 1" "one that holds something else"

# The API's address. What is not on loopback goes to a proxy on loopback that is not there.
api() { # STATUS ERE WHAT URL
	http_proxy=http://127.0.0.1:1 TGRUN_TOKEN=$TOKEN "$TGRUN" check --api-url "$4" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/out" 2>&1
	is "$?" "$1" "$3: $1"
	like "$(cat "$TMP/out")" "$2" "… and said"
}
api 0 "unencrypted; use https" "plain http elsewhere than on loopback: a warning" http://192.0.2.1:9
is "$(grep -c unencrypted "$TMP/out")" 1 "… given once"
api 64 "'ftp://127.0.0.1' is no URL such as" "another protocol" ftp://127.0.0.1
api 0 "cannot connect|Couldn't connect|could not be asked" "a password in the address" http://user:secret-of-mine@127.0.0.1:1
ok '! grep -q secret-of-mine "$TMP/out"' "… is not shown"
api 64 "shorter than 3 characters" "one that cannot be hidden" http://user:ab@127.0.0.1
api 64 "the token by --token-file" "an address with the token in it" "http://127.0.0.1/bot123456:${TOKEN#*:}/getMe"
ok '! grep -q "${TOKEN#*:}" "$TMP/out"' "… which is not shown"
api 64 "has a '\?' or a '#'" "a query in the address" 'http://127.0.0.1/?a=b'
api 64 "white space or a character that no URL has" "a blank in the address" 'http://127.0.0.1/a b'

# Telegram, webhooks, kinds.
check 0 "'mesage'.*did you mean 'message'" "a misspelt kind: a warning" --handler "$TMP/note" --allowed-updates mesage
curl -s -o /dev/null "$API/setWebhook" -d url=https://hook.example.org/path-of-its-own
check 78 'hook\.example\.org' "a webhook that is set" --handler "$TMP/note"
ok '! grep -q path-of-its-own "$TMP/out"' "… without its path"
check 0 'delete-webhook' "… with --delete-webhook: a note" --handler "$TMP/note" --delete-webhook
is "$(curl -s "$API/getWebhookInfo" | jq -r .result.url)" https://hook.example.org/path-of-its-own "… which is not carried out"
curl -s -o /dev/null "$API/deleteWebhook"
message 7 waiting
check 0 '1 updates? waits? at Telegram' "what waits" --handler "$TMP/note"
is "$(stats .pending)" 1 "… goes on waiting"

# The state.
echo file >"$TMP/state"
check 73 'state' "a file in the state directory's place" --handler "$TMP/note"
rm "$TMP/state"
start_tgrun --handler "$TMP/note"
wait_for '[ "$(seen ^end)" = 1 ]'
check 75 "$TGRUN_PID" "another instance" --handler "$TMP/note"
check 0 "^note +another tgrun .process $TGRUN_PID. runs .*--unless-running this one would leave at once" "… with --unless-running" --handler "$TMP/note" --unless-running
stop_tgrun
message 8 /fail
handler fail <<'EOT'
#!/bin/sh
exit 65
EOT
run_tgrun --handler "$TMP/fail" --once
check 0 '^note +1 dead letter; see: tgrun dead list' "a dead letter" --handler "$TMP/note"
check 0 '^ok +state directory' "a state that is there" --handler "$TMP/note"
echo 'no database at all, but long enough to be looked at as one' >"$TMP/state/queue.db"
check 74 'damaged' "a damaged database" --handler "$TMP/note"

rm -rf "$TMP/state" && mkdir -m 700 "$TMP/state"
check 0 "^ok +state directory: '$TMP/state' .empty.$" "an empty one" --handler "$TMP/note"
TGRUN_TOKEN=$TOKEN "$TGRUN" check --api-url "$URL" --state-dir "$TMP/note/state" --handler "$TMP/note" >"$TMP/out" 2>&1
is "$? $(grep -c "'$TMP/note" "$TMP/out")" "73 2" "one that cannot be made"

# What strangers chose, on a terminal.
printf '%s\n' '{"method":"getMe","status":200,"body":"{\"ok\":true,\"result\":{\"id\":123456,\"is_bot\":true,\"username\":\"x_bot\",\"first_name\":\"a\\u202eb\\u009bc\\u2028d\\u001be\"}}"}' | script -
check 0 '@x_bot \(a\\u202eb\\u009bc\\u2028d\\x1be\)$' "a name that a terminal would obey is shown escaped" --handler "$TMP/note"
# Nothing of it is changed: not by a check with another bot's token, of a state that was killed, or that an older tgrun left. Neither names,
# times, modes nor bytes.
still() { # WHAT STATUS ERE OPTION…
	what=$1
	find "$TMP/state" -printf '%p %U %m %s %T@ %n\n' | sort >"$TMP/before"
	find "$TMP/state" -type f -exec cat {} + | cksum >>"$TMP/before"
	shift
	check "$1" "$2" "$what" --handler "$TMP/note"
	find "$TMP/state" -printf '%p %U %m %s %T@ %n\n' | sort >"$TMP/after"
	find "$TMP/state" -type f -exec cat {} + | cksum >>"$TMP/after"
	is "$(cat "$TMP/after")" "$(cat "$TMP/before")" "… and the state directory is the same, byte for byte"
}
chmod 755 "$TMP/state"
still "an empty directory that others may read" 0 '^ok +state directory: .*empty'
echo '{"update_id":1,"message":{"message_id":1,"date":0,"text":"x","chat":{"id":1,"type":"private"}}}' >"$TMP/updates"
"$TGRUN" --source "$TMP/updates" --state-dir "$TMP/state" --handler "$TMP/note" >/dev/null 2>&1
still "the state of nobody" 0 "^ok +state directory: '[^']*'$"
start_tgrun --handler "$TMP/note" --poll-timeout 20
wait_for '[ "$(stats .open_polls)" = 1 ]'
still "a state that is in use" 75 "$TGRUN_PID"
: >"$TMP/hold"
message 7 kept
wait_for '[ "$(seen "^start.* kept")" = 1 ]'
stop_tgrun KILL
rm "$TMP/hold"
wait_for '! TGRUN_TOKEN=$TOKEN "$TGRUN" check --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" | grep -q "still ending"'
still "a state whose tgrun was killed" 0 '^note +1 update is unfinished'
good=$TOKEN TOKEN=654321:of-another-bot
still "the state of another bot" 78 'belongs to bot 123456, not to 654321'
TOKEN=$good
if command -v python3 >/dev/null; then
	mkdir "$TMP/older"
	cp "$TMP/state/queue.db"* "$TMP/older"
	rm -rf "$TMP/state" && mkdir -m 700 "$TMP/state"
	# Read and written back by SQLite, in one file, as the only file: as from a backup.
	python3 -c 'import sqlite3, sys; a = sqlite3.connect(sys.argv[1] + "/queue.db"); b = sqlite3.connect(sys.argv[2] + "/queue.db"); a.backup(b)' \
		"$TMP/older" "$TMP/state"
	chmod 600 "$TMP/state/queue.db"
	still "a database alone" 0 '^note +1 update is unfinished'
fi

# The machine.
check 0 "^warning .*less than --min-free .*nothing is fetched" "a disk with less than --min-free: a warning" --handler "$TMP/note" --min-free 1000000G
for where in 'ulimit -n 64' 'mkdir "$FLOW_MARK/gone" && cd "$FLOW_MARK/gone" && rmdir "$FLOW_MARK/gone"'; do
	TGRUN_TOKEN=$TOKEN sh -c "$where"'; exec "$@"' x "$TGRUN" check --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/out" 2>&1
	is "$? $(grep -Ec '^wrong +(32 processes .* need 192|16 processes .* need 128) open files, and only 64|^wrong +cannot tell the working directory' "$TMP/out")" "78 1" \
		"after ${where%% *}: 78, and said"
done
check 78 "cannot open the source '$TMP': it is a directory" "a directory as the source" --handler "$TMP/note" --source "$TMP"
run_tgrun --handler "$TMP/note" --source "$TMP"
is "$STATUS" 78 "… as it is to a run"

# Scripts that are arguments, seen from where the handler starts.
echo 'exit 0' >"$TMP/wide/there.sh"
names() { # STATUS HANDLER OPTION…
	want=$1 handler=$2
	shift 2
	check "$want" "$([ "$want" = 0 ] && echo '^ok +handler' || echo "script 'nosuch[.a-z]*', for [a-z]* to run, does not exist")" "the handler '$handler'" \
		--handler "$handler" --chdir "$TMP/wide" "$@"
}
names 78 'sh nosuch.sh'
names 78 'sh -eu nosuch.sh x'
names 78 'env A=b sh nosuch.sh'
names 78 'cat | sh nosuch.sh'
names 0 'sh there.sh'
names 0 'sh -c nosuch.sh'
names 0 'sh -o errexit nosuch.sh'
names 0 'env -i sh nosuch.sh'
names 0 'env PATH=/nowhere sh nosuch.sh'
names 0 'sh printf'
run_tgrun --handler 'sh nosuch.sh'
is "$STATUS" 78 "… as it is to a run"

# Several at once: all are said, the first decides.
good=$TOKEN TOKEN=nonsense
check 77 'missing.*does not exist' "two mistakes: both are said" --handler "$TMP/missing"
TOKEN=$good
stop_sandbox
rm -rf "$TMP/state"
check 0 '^warning +Telegram could not be asked \(getMe: .*a run would go on trying' "no server, as before the network is there: a warning" --handler "$TMP/note"
done_testing
