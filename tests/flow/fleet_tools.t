# Goal: operators and tools on a queue that machines share: it is made with the least rights, looked at, filled from a machine's own, and no password shows.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

start_postgres
fleet() { # WORD…: $OUT, $ERR, $STATUS; as the role without rights
	TGRUN_TOKEN=$TOKEN TGRUN_STORE=${STORE-$PG_BOT} "$TGRUN" "$@" >"$TMP/out" 2>"$TMP/err"
	STATUS=$?
	OUT=$(cat "$TMP/out")
	ERR=$(cat "$TMP/err")
}
sql() { psql -qtA -d "$PG" -c "$1"; }

# Before it is made.
fleet queue list </dev/null
like "$STATUS $ERR" "^78 .*tgrun fleet init" "without a schema the error names the command"
fleet check --handler true --api-url http://127.0.0.1:9 --state-dir "$TMP/state"
like "$OUT" "wrong .*has no queue of this bot; make it by: tgrun fleet init --store" "check says so, too"
STORE=sqlite fleet fleet status
like "$STATUS $ERR" "^64 .*name its database by --store" "a fleet has a database"
fleet fleet init
is "$STATUS" 77 "who owns nothing makes no schema"
fleet fleet init --print --role bot
like "$STATUS $(printf %s "$OUT" | tr '\n' ' ')" "^0 .*CREATE SCHEMA tgrun_123456.*grant_to_\('bot'\)" "--print shows what would be done"
is "$(sql "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tgrun%'")" 0 "… and does nothing"
STORE=$PG fleet fleet init --role bot
like "$STATUS $OUT" "^0 .*is ready in postgresql:.*for the role bot" "init"
STORE=$PG fleet fleet init
is "$STATUS" 0 "… and again"

# The least rights.
fleet fleet status --json
is "$(printf '%s\n' "$OUT" | jq -c 'select(has("unfinished")) | [.unfinished, .dead_letters, .faults]')" '[0,0,0]' "status"
is "$(psql -qtA -d "$PG_BOT" -c 'DELETE FROM tgrun_123456.item' 2>&1 | grep -c 'permission denied')" 1 "the role writes no table"
is "$(psql -qtA -d "$PG_BOT" -c "SELECT tgrun_123456.lock_()" 2>&1 | grep -c 'permission denied')" 1 "… and calls no inner function"
fleet check --handler true --api-url http://127.0.0.1:9 --state-dir "$TMP/state"
like "$OUT" "ok  *store: database 'test_.*PostgreSQL" "check"

# Words.
fleet fleet
is "$STATUS" 64 "a verb is needed"
fleet fleet drain
like "$STATUS $ERR" "^64 .*wants a machine's name" "a name is needed"
fleet fleet status --force
is "$STATUS" 64 "--force is of evict"
fleet fleet evict nobody
like "$STATUS $ERR" "^69 .*no machine 'nobody'.*none does" "a machine that is not there"

# A machine's own queue moves in.
start_sandbox --no-penalties
seq 1 9 | jq -c '{update_id: ., message: {message_id: ., chat: {id: (. % 3)}, text: "t"}}' >"$TMP/updates"
handler bad <<'EOT'
#!/bin/sh
[ "$TG_UPDATE_ID" -gt 3 ] || exit 100
exit 75
EOT
TGRUN_TOKEN=$TOKEN "$TGRUN" --source "$TMP/updates" --handler "$TMP/bad" --state-dir "$TMP/state" --retry-delay 5m --max-runtime 2s >/dev/null 2>&1
echo '{"reminder":{"chat":{"id":5},"text":"tea"}}' | TGRUN_TOKEN=$TOKEN "$TGRUN" push --after 1h --state-dir "$TMP/state" >/dev/null 2>&1
TGRUN_TOKEN=$TOKEN "$TGRUN" send --api-url "$URL" --state-dir "$TMP/state" --chat 5 --text=once --job launch >/dev/null 2>&1
before=$(TGRUN_TOKEN=$TOKEN "$TGRUN" queue list --state-dir "$TMP/state" --json | jq -c 'select(.number | type == "number") | [.update_id, .key, .failures]')
fleet fleet import --state-dir "$TMP/state"
like "$STATUS $OUT" "^0 imported 6 updates, 3 dead letters, 1 to come, 0 messages" "import"
fleet queue list --json
is "$(printf '%s\n' "$OUT" | jq -c 'select(.number | type == "number") | [.update_id, .key, .failures]')" "$before" "… in the order of before, with what is known of each"
fleet dead list --json
is "$(printf '%s\n' "$OUT" | jq -c .update_id | tr '\n' ' ')" "1 2 3 " "… dead letters, too"
is "$(sql 'SELECT count(*) FROM tgrun_123456.audit')" 0 "nothing contradicts another"
calls=$(sql 'SELECT count(*) FROM tgrun_123456.call')
fleet send --chat 5 --text=once --job launch
is "$STATUS $(sql 'SELECT count(*) FROM tgrun_123456.call') $(deliveries .text)" "0 $calls once" "a job has sent what it sent before"
fleet send --chat 5 --text=another --job launch
like "$STATUS $ERR" "^65 .*the job 'launch' has sent another message" "… and knows what that was"
fleet fleet import --state-dir "$TMP/state"
like "$STATUS $ERR" "^69 .*no queue in the state directory" "the old queue is set aside"
push_here() { echo '{"reminder":{"chat":{"id":5},"text":"tea"}}' | TGRUN_TOKEN=$TOKEN "$TGRUN" push --after 2h --state-dir "$TMP/state" >/dev/null 2>&1; }
push_here
fleet fleet import --state-dir "$TMP/state"
like "$STATUS $OUT" "^0 imported 0 updates, 0 dead letters, 1 to come" "… and the next one in its place is another"
push_here
sql "INSERT INTO tgrun_123456.node (name, ident, sent_at, lease_ms, timeline) VALUES ('at-work', 'x', 1, 30000, '1')" >/dev/null
fleet fleet import --state-dir "$TMP/state"
like "$STATUS $ERR" "^78 .*machines are at work: stop them before something is imported" "nothing is imported while machines work"
sql 'DELETE FROM tgrun_123456.node' >/dev/null
cp "$TMP/state/queue.db.imported" "$TMP/state/queue.db"
fleet fleet import --state-dir "$TMP/state"
like "$STATUS $ERR" ".*imported before" "… and what was imported is not imported again"

# The tools.
fleet queue show "$(sql "SELECT min(seq) FROM tgrun_123456.item")"
like "$(printf %s "$OUT" | tr '\n' ' ')" 'update *4.*"update_id":4' "queue show"
fleet queue show @5
like "$STATUS $(printf %s "$OUT" | tr '\n' ' ')" '^0 .*"update_id":5' "… by Telegram's number, too"
fleet dead show @2
like "$STATUS $(printf %s "$OUT" | tr '\n' ' ')" '^0 .*"update_id":2' "… and dead show"
fleet queue list </dev/null
like "$OUT" "p1 .*reminder" "what is to come is listed"
fleet queue skip p1
like "$STATUS $OUT" "^0 p1 skipped" "… and taken back"
fleet dead drop "$(sql 'SELECT min(number) FROM tgrun_123456.dead')"
is "$STATUS $(sql 'SELECT count(*) FROM tgrun_123456.dead')" "0 2" "dead drop"
fleet dead show 424242
is "$STATUS" 1 "a letter that is not there"
fleet queue clear --all
like "$STATUS $OUT" "^0 6 skipped" "queue clear"
fleet send --chat 5 --text=hello
is "$STATUS" 0 "send stores"
fleet outbox list --json
is "$(printf '%s\n' "$OUT" | jq -c '[.chat, .method]' | tail -1)" '["5","sendMessage"]' "… where outbox finds it"
fleet send --chat 6 --text=hello --wait
like "$STATUS $ERR" "^75 tgrun: stored, and not waited for, do not repeat it; no machine shares this queue by now: the next one sends it" "… and where no machine is, it is not waited for"
fleet outbox drop "$(sql "SELECT max(number) FROM tgrun_123456.outbox")"
number=$(sql 'SELECT min(number) FROM tgrun_123456.outbox')
fleet outbox show "$number"
like "$OUT" hello "outbox show"
fleet outbox drop "$number"
is "$STATUS $(sql 'SELECT count(*) FROM tgrun_123456.outbox')" "0 0" "outbox drop"
seq -f '%.0f' 101 140 >"$TMP/chats"
fleet send --chats "$TMP/chats" --text=news
is "$STATUS $(sql 'SELECT count(*), count(DISTINCT message), count(*) FILTER (WHERE number = lag + 1) FROM (SELECT number, message, lag(number) OVER (ORDER BY place) FROM tgrun_123456.outbox) x')" \
	"0 40|1|39" "a message for many is stored once, their numbers follow one another"
fleet cancel --chat 5
is "$STATUS $OUT" "0 " "cancel, where nothing runs"

# What is pushed waits for no beat: with this lease one comes every 100 seconds.
handler note <<'EOT'
#!/bin/sh
cat >>"$FLOW_MARK/seen"
EOT
: >"$TMP/seen"
TGRUN_LOG=$TMP/tgrun.log
start_tgrun --store "$PG_BOT" --state-dir "$TMP/node" --lease 10m --handler "$TMP/note"
wait_for 'logged "this machine asks for updates"'
echo '{"tick":{"n":1}}' >"$TMP/tick"
for option in '' '--after 200ms'; do
	# shellcheck disable=SC2086
	fleet push $option <"$TMP/tick"
done
wait_for '[ "$(grep -c tick "$TMP/seen")" = 2 ]'
is "$(grep -c tick "$TMP/seen")" 2 "what is pushed to the database comes when it is due"
stop_tgrun

# Which bot, which server.
TOKEN=777:another STORE=$PG fleet fleet init --role bot
TOKEN='' STORE=$PG_BOT fleet dead list
like "$STATUS $ERR" "^64 .*several bots.*777, 123456" "with two bots the token is needed"
STORE="postgresql://bot:pass-word@127.0.0.1:9/none" fleet dead list
like "$STATUS $ERR" "^69 .*cannot be reached" "no server"
ok '! grep -q pass-word "$TMP/err"' "… and no password in the error"
STORE="postgresql://bot:pass-word@127.0.0.1:9/no ne" fleet dead list
ok '! grep -q pass-word "$TMP/err"' "… nor of a URL that cannot be read"
mkfifo "$TMP/hold"
TGRUN_TOKEN=$TOKEN "$TGRUN" push --store "postgresql://bot:pass-word@127.0.0.1:9/none" <"$TMP/hold" >/dev/null 2>&1 &
pid=$!
PIDS="$PIDS $pid"
exec 9>"$TMP/hold"
wait_for 'tr "\0" " " </proc/$pid/cmdline | grep -q "bot:\*\*"'
ok '! tr "\0" " " </proc/$pid/cmdline | grep -q pass-word' "… nor in the list of processes"
exec 9>&-
wait "$pid"
STORE=posgresql://x fleet dead list
like "$STATUS $ERR" "^64 .*unknown value.*did you mean 'postgresql://'" "a misspelt scheme"
done_testing
