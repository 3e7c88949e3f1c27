# Goal: SIGHUP rereads the configuration: what can change does, without a pause or a loss; what cannot is named; a broken one changes nothing.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

start_sandbox --no-penalties
for name in old new; do
	handler "$name" <<-EOT
		#!/bin/sh
		echo "$name \$TG_TEXT \$(echo "\$TG_TOKEN" | cksum) \${COLOUR-none}" >>"\$FLOW_MARK/seen"
		while [ -e "\$FLOW_MARK/hold" ]; do sleep 0.05; done
		echo "end $name \$TG_TEXT" >>"\$FLOW_MARK/seen"
	EOT
done
: >"$TMP/seen"
config() { # the file, from stdin
	cat >"$TMP/conf.new" && mv "$TMP/conf.new" "$TMP/conf"
}
hup() { # ERE: waits for that answer in the log, which is not yet there
	count=$(grep -Ec -- "$1" "$TMP/tgrun.log")
	kill -HUP "$TGRUN_PID"
	wait_for '[ "$(grep -Ec -- "'"$1"'" "$TMP/tgrun.log")" -gt "$count" ]'
}
config <<EOT
handler = $TMP/old
token-file = $TMP/token
api-url = $URL
state-dir = $TMP/state
concurrency = 4
log-level = info
EOT
(umask 077 && echo "$TOKEN" >"$TMP/token")
TGRUN_LOG=$TMP/tgrun.log
: >"$TGRUN_LOG"
"$TGRUN" --config "$TMP/conf" --poll-timeout 20 >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
message 7 a
wait_for '[ "$(seen "^end old a")" = 1 ]'
is "$(seen '^old a .*none$')" 1 "options from a config file"

# The handler, its environment and limits change; who runs may finish.
: >"$TMP/hold"
message 7 b
wait_for '[ "$(seen "^old b")" = 1 ]'
config <<EOT
handler = $TMP/new
token-file = $TMP/token
api-url = $URL
state-dir = $TMP/state
concurrency = 2
env = COLOUR=blue
log-level = debug
EOT
hup 'configuration reloaded'
rm "$TMP/hold"
message 7 c
wait_for '[ "$(seen "^end new c")" = 1 ]'
is "$(seen '^end old b') $(seen '^new c .*blue$')" "1 1" "after SIGHUP the next update has the new handler and environment; the old one finished its own"
ok 'logged " debug "' "… and the log its new level"

# Timeouts.
config <<EOT
handler = $TMP/new
token-file = $TMP/token
api-url = $URL
state-dir = $TMP/state
concurrency = 2
timeout = 300ms
kill-after = 100ms
EOT
hup 'configuration reloaded'
: >"$TMP/hold"
message 7 d
wait_for 'logged "timed out after 300ms"'
ok 'logged "timed out after 300ms"' "a new timeout holds for what starts from then on"
rm "$TMP/hold"

# A broken configuration.
echo "handlr = $TMP/new" | config
hup 'cannot reload'
like "$(grep 'cannot reload' "$TGRUN_LOG" | tail -n 1)" "'?handlr'?.*everything stays as it was" "a misspelt key is named, and everything stays"
printf 'handler = %s/missing\ntoken-file = %s/token\napi-url = %s\nstate-dir = %s/state\n' "$TMP" "$TMP" "$URL" "$TMP" | config
hup 'cannot reload'
like "$(grep 'cannot reload' "$TGRUN_LOG" | tail -n 1)" "missing.*everything stays as it was" "a handler that is missing, too"
rm "$TMP/conf"
hup 'cannot reload'
message 7 e
wait_for '[ "$(seen "^end new e")" = 1 ]'
is "$(seen '^end new e')" 1 "… also when the file is gone; the bot goes on as before"

# What cannot change is named and kept.
config <<EOT
handler = $TMP/new
token-file = $TMP/token
api-url = http://127.0.0.1:9
state-dir = $TMP/elsewhere
store = memory
concurrency = 9
key = user
stdout = discard
bypass = /stop
source = -
once = yes
drop-pending = yes
delete-webhook = yes
unless-running = yes
EOT
hup 'configuration reloaded'
for fixed in state-dir store api-url key stdout bypass source once drop-pending delete-webhook unless-running; do
	ok 'logged "warn .*'"'\$fixed'"' cannot change while running: the old value stays"' "$fixed cannot change while running, and is named"
done
ok "logged \"warn .*'concurrency' cannot be raised above that of the start.* concurrency=4\"" "… nor is concurrency more than at the start"
is "$(grep -c 'cannot change while running' "$TGRUN_LOG")" 11 "… nothing else is, and each once"
message 7 f
wait_for '[ "$(seen "^end new f")" = 1 ]'
is "$(seen '^end new f') $(ls -d "$TMP/elsewhere" 2>/dev/null)" "1 " "… and all goes on with the old ones"
printf 'handler = %s/new\ntoken-file = %s/token\napi-url = %s\nstate-dir = %s/state\nroute = message=%s/old\n' "$TMP" "$TMP" "$URL" "$TMP" "$TMP" | config
hup 'routes and modes cannot change while running'
ok 'logged "warn .*routes and modes cannot change while running: a new one gets nothing.* route=message"' "a new route, too"
message 7 routed
wait_for '[ "$(seen "^end (new|old) routed")" = 1 ]'
is "$(seen '^end old routed')" 0 "… which takes nothing"

# What cannot change keeps nothing else from being taken over: a route, and what is asked for, and how, and what is handled.
for name in one two; do
	handler "only_$name" <<-EOT
		#!/bin/sh
		echo "end $name \$TG_TEXT \$TG_DEADLINE" >>"\$FLOW_MARK/seen"
	EOT
done
config <<EOT
handler = $TMP/only_one
token-file = $TMP/token
api-url = $URL
state-dir = $TMP/state
key = user
only = message,poll
limit = 7
concurrency = 4
timeout = 7m
[route "/new"]
handler = $TMP/old
timeout = 1s
EOT
hup 'configuration reloaded'
message 7 apart
wait_for '[ "$(seen "^end one apart")" = 1 ]'
ok '[ "$(sed -n "s/^end one apart //p" "$TMP/seen")" -gt $(($(date +%s) + 300)) ]' "beside a new route and another key, both of them named, the new handler and its timeout are taken over"
push '{"edited_message":{"message_id":1,"date":0,"text":"ignored","chat":{"id":7,"type":"private"}}}'
message 7 "/new behind"
wait_for '[ "$(seen "^end one .new behind")" = 1 ]'
is "$(seen ignored) $(seen 'old .*behind')" "0 0" "… so is 'only', and the route gets nothing"
wait_for '[ "$(calls "select(.method == \"getUpdates\") | .params | \"\(.limit) \(.timeout) \(.allowed_updates)\"" | tail -n 1)" = "7 20 [\"message\",\"poll\"]" ]'
is "$(calls 'select(.method == "getUpdates") | .params | "\(.limit) \(.timeout) \(.allowed_updates)"' | tail -n 1)" '7 20 ["message","poll"]' \
	"… and how and for what the server is asked, from the next request on"
is "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .concurrency)" 4 "concurrency that was lowered rises again, up to that of the start"

# Another secret of the same bot, and another bot.
config <<EOT
handler = $TMP/new
token-file = $TMP/token
api-url = $URL
state-dir = $TMP/state
EOT
script '{"method":"getUpdates","status":500,"body":"x"}'
(umask 077 && echo 123456:the-second-secret >"$TMP/token")
hup 'configuration reloaded'
(umask 077 && echo 777:the-third-secret >"$TMP/token")
hup "another token's id"
ok "logged \"another token's id.*cannot change\"" "another bot's token is named, and not taken"
(umask 077 && echo "$TOKEN" >"$TMP/token")
hup 'configuration reloaded'
message 7 g
wait_for '[ "$(seen "^end new g")" = 1 ]'
is "$(grep '^new g' "$TMP/seen" | cut -d ' ' -f 3,4)" "$(echo "$TOKEN" | cksum)" "the token's file is read again: handlers get the token that is there now"
ok '! grep -Eq "second-secret|third-secret|${TOKEN#*:}" "$TGRUN_LOG"' "no secret is in the log"

# Many at once.
for i in $(seq 50); do kill -HUP "$TGRUN_PID"; done
message 7 h
wait_for '[ "$(seen "^end new h")" = 1 ]'
is "$(sort "$TMP/seen" | uniq -d)" "" "many at once do no harm; nothing was handled twice"
stop_tgrun
is "$STATUS" 0 "… and a stop is a stop"

# The backlog: it takes no end of a handler to make room.
anew --no-penalties
: >"$TMP/seen"
: >"$TMP/hold"
backlog() { # COUNT
	config <<-EOT
		handler = $TMP/old
		token-file = $TMP/token
		api-url = $URL
		state-dir = $TMP/state
		concurrency = 1
		backlog = $1
	EOT
}
backlog 2
: >"$TGRUN_LOG"
"$TGRUN" --config "$TMP/conf" --poll-timeout 20 >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
message 7 a
wait_for '[ "$(seen "^old a")" = 1 ]'
message 7 b
wait_for 'logged "the backlog is full"'
message 7 c
message 7 d
polls=$(stats .polls)
is "$(stats .pending)" 3 "with a full backlog nothing more is fetched, and the last not confirmed"
backlog 10
hup 'configuration reloaded'
wait_for '[ "$(stats .pending)" = 0 ]'
ok '[ "$(stats .pending)" = 0 ] && [ "$(stats .polls)" -gt "$polls" ] && logged "the backlog has room again"' "a larger backlog is room at once"
is "$(seen .)" 1 "… while the same handler runs"
backlog 1
hup 'configuration reloaded'
message 7 e
wait_for '[ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .backlog_full)" = true ]'
is "$(grep -c 'the backlog is full' "$TGRUN_LOG")" 1 "… which is full again, and not told twice in a minute"
message 7 f
is "$(stats .pending)" 2 "with a smaller one the answer of the open poll is the last"
rm "$TMP/hold"
wait_for '[ "$(seen "^end old f")" = 1 ]'
is "$(sed -n 's/^end old //p' "$TMP/seen" | tr '\n' ' ')" "a b c d e f " "nothing is lost, and the order is the same"
stop_tgrun

# What stays is not looked for: a source's program, an authority's file, a state directory.
anew --no-penalties
: >"$TMP/seen"
handler feed <<'EOT'
#!/bin/sh
echo '{"update_id":1,"message":{"message_id":1,"date":0,"text":"a","chat":{"id":7,"type":"private"}}}'
while [ ! -e "$FLOW_MARK/go" ]; do sleep 0.05; done
echo '{"update_id":2,"message":{"message_id":2,"date":0,"text":"b","chat":{"id":7,"type":"private"}}}'
EOT
config <<EOT
handler = $TMP/old
source = exec:$TMP/feed
state-dir = $TMP/state
EOT
: >"$TGRUN_LOG"
"$TGRUN" --config "$TMP/conf" >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
wait_for '[ "$(seen "^end old a")" = 1 ]'
mv "$TMP/feed" "$TMP/feed.gone"
config <<EOT
handler = $TMP/new
source = exec:$TMP/feed
ca-file = $TMP/missing.pem
EOT
hup 'cannot reload|configuration reloaded'
is "$(sed -n 's/.* \(error\|warn\|info\) *//p' "$TGRUN_LOG" | grep -E "reload|cannot change" | sort | tr '\n' '|')" \
	"'ca-file' cannot change while running: the old value stays until a restart|'state-dir' cannot change while running: the old value stays until a restart|configuration reloaded|" \
	"a source whose program is gone, and what else stays, keeps no reload from the rest"
: >"$TMP/go"
wait_tgrun
is "$STATUS $(seen '^end new b')" "0 1" "… and the next update has the new handler"
rm "$TMP/go"
mv "$TMP/feed.gone" "$TMP/feed"

anew --no-penalties
: >"$TMP/ca.pem"
config <<EOT
handler = $TMP/old
token-file = $TMP/token
api-url = https://127.0.0.1:9
ca-file = $TMP/ca.pem
state-dir = $TMP/state
EOT
: >"$TGRUN_LOG"
"$TGRUN" --config "$TMP/conf" >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
wait_for 'logged "getMe"'
rm "$TMP/ca.pem"
hup 'cannot reload|configuration reloaded'
is "$(grep -c 'configuration reloaded' "$TGRUN_LOG")" 1 "nor does a file of authorities that is gone"
stop_tgrun

# tgrun reload: the same, and who asks is told.
anew --no-penalties
config <<EOT
handler = $TMP/old
token-file = $TMP/token
api-url = $URL
state-dir = $TMP/state
EOT
ask() { # its status, and what it says
	"$TGRUN" reload --state-dir "$TMP/state" 2>&1 </dev/null
	echo "$?"
}
is "$(ask)" "tgrun: no tgrun runs with the state directory '$TMP/state'
69" "tgrun reload where none runs"
: >"$TGRUN_LOG"
"$TGRUN" --config "$TMP/conf" --poll-timeout 20 >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
wait_for 'logged polling'
config <<EOT
handler = $TMP/new
token-file = $TMP/token
state-dir = $TMP/state
EOT
sed -i "3i api-url = $URL" "$TMP/conf"
is "$(ask)" 0 "tgrun reload: nothing is said when it is taken over"
is "$(grep -c 'configuration reloaded' "$TGRUN_LOG")" 1 "… and it is, when the command ends"
message 7 r
ok 'wait_for "[ \"\$(seen \"^end new r\")\" = 1 ]"' "… so the next update has the new handler"
echo 'handler = /nowhere/x' >>"$TMP/conf"
like "$(ask | xargs)" "^tgrun: the configuration is refused, and the old one stays: .*/nowhere/x.* 78$" "one that cannot be taken over is told, with the status of a start"
echo 'timeout = soon' >"$TMP/conf"
like "$(ask | xargs)" "^tgrun: the configuration is refused, and the old one stays: config file .*/conf, line 1: timeout: soon is no duration.* 64$" "… with the line where the mistake is"
is "$(grep -c 'error cannot reload' "$TGRUN_LOG") $(grep -c 'configuration reloaded' "$TGRUN_LOG")" "2 1" "… and logged"
message 7 s
ok 'wait_for "[ \"\$(seen \"^end new s\")\" = 1 ]"' "… and the old one stays"
stop_tgrun

# Workers that stay are replaced.
anew --no-penalties
start_tgrun --workers 1 --log-level debug --handler share/examples/worker.sh
wait_for 'logged polling'
ok '! logged "worker is replaced"' "a worker that stays is not replaced without a reason"
kill -HUP "$TGRUN_PID"
ok 'wait_for "logged \"worker is replaced\""' "a reload replaces a worker that stays"
message 7 i
ok 'wait_for "logged \" handled \""' "… by one that handles updates"
stop_tgrun
is "$STATUS" 0 "… and ends when it is stopped"
done_testing
