# Goal: the name of a database is asked for beside the loop: while name servers are silent all but the database goes on.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
machine MACHINE_NAMES="$TMP/silent"
start_postgres
start_sandbox --no-penalties
TGRUN_TOKEN=$TOKEN "$TGRUN" fleet init --store "$PG" --role bot >"$TMP/init" 2>&1
is "$?" 0 "tgrun fleet init makes the queue"
python3 tests/tools/pgproxy.py "tcp:$TMP/port.pg" "$POSTGRES" 2>"$TMP/proxy.log" &
PROXY=$!
PIDS="$PIDS $PROXY"
wait_for '[ -s "$TMP/port.pg" ]'
PG_PORT=$(cat "$TMP/port.pg")
named() { # HOSTS: the URL
	printf %s "$PG_BOT" | sed "s|@/\\(.*\\)?host=.*|@$1/\\1|"
}
handler note <<'EOT'
#!/bin/sh
echo "$TG_TEXT" >>"$FLOW_MARK/seen"
EOT
: >"$TMP/seen"
seen() { paste -sd ' ' "$TMP/seen"; }
TGRUN_LOG=$TMP/tgrun.log
bot() { start_tgrun --store "$(named "$1")" --lease 5s --handler "$TMP/note"; }

bot "db.machine:$PG_PORT"
message 1 one
wait_for '[ "$(seen)" = one ]'
is "$(seen)" one "each address of a name is tried"

# Nobody knows the name any more.
touch "$TMP/silent"
kill -USR2 "$PROXY"
message 1 two
fails() { "$REAL_TGRUN" status --json --state-dir "$TMP/state" | jq .store_failing; }
wait_for '[ "$(fails)" = true ]'
is "$(fails)" true "while no name server answers, tgrun status is answered"
rm "$TMP/silent"
wait_for '[ "$(seen)" = "one two" ]'
is "$(seen)" "one two" "… and when one does, it goes on"
touch "$TMP/silent"
kill -USR2 "$PROXY"
wait_for '[ "$(fails)" = true ]'
stop_tgrun
ok '[ -e "$TMP/silent" ] && [ "$STATUS" -lt 128 ]' "a stop does not wait for a name server: status $STATUS"
rm "$TMP/silent"

# Of several hosts.
message 1 three
bot "none.machine:1,db.machine:$PG_PORT"
wait_for '[ "$(seen)" = "one two three" ]'
is "$(seen)" "one two three" "a name without an address keeps nobody from the next host"
stop_tgrun
bot "none.machine:$PG_PORT"
wait_for 'logged "on .none.machine. cannot be reached: no address of it is known: Name or service not known"'
ok 'logged "no address of it is known: Name or service not known"' "a name that nobody knows is told of"
stop_tgrun
is "$STATUS $(grep -c "last outcomes\|ended last" "$TGRUN_LOG")" "0 0" "… and who was never in touch leaves nothing unwritten"
done_testing
