# Goal: a database that is away, silent, or named by a service: tools say so in time, check warns, and a stop says what it could not write.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
start_postgres
start_sandbox --no-penalties
TGRUN_TOKEN=$TOKEN "$TGRUN" fleet init --store "$PG" --role bot >"$TMP/init" 2>&1
is "$?" 0 "tgrun fleet init makes the queue"
proxy() { # NAME: its port is $PG_PORT, its process $PROXY
	_proxy=$1
	python3 tests/tools/pgproxy.py "tcp:$TMP/port.$1" "$POSTGRES" 2>>"$TMP/proxy.log" &
	PROXY=$!
	PIDS="$PIDS $PROXY"
	wait_for '[ -s "$TMP/port.$_proxy" ]'
	PG_PORT=$(cat "$TMP/port.$1")
}
proxy mute
MUTE=$PROXY MUTE_PORT=$PG_PORT
kill -USR1 "$MUTE"
proxy way
DATABASE=${PG_BOT#*@/} DATABASE=${DATABASE%%[?]*}
tool() { # URL WORD…: $STATUS, $ERR, $OUT
	_url=$1
	shift
	TGRUN_TOKEN=$TOKEN "$TGRUN" "$@" --store "$_url" >"$TMP/out" 2>"$TMP/err" </dev/null
	STATUS=$?
	OUT=$(cat "$TMP/out") ERR=$(cat "$TMP/err")
}

# Tools.
printf '[bots]\nhost=127.0.0.1\nport=%s\nuser=bot\ndbname=%s\n' "$PG_PORT" "$DATABASE" >"$TMP/services"
export PGSERVICEFILE="$TMP/services"
tool 'postgresql:///?service=bots' queue list --json
is "$STATUS $ERR" "0 " "a service's file says host, port and database"
PGPORT=1 tool 'postgresql:///?service=bots' queue list --json
is "$STATUS $ERR" "0 " "… and the environment does not say otherwise"
for url in 'postgresql:///?service=nobots' "postgresql://bot@127.0.0.1:$PG_PORT/$DATABASE?sslmode=maybe"; do
	tool "$url" queue list
	like "$STATUS $ERR" "^78 tgrun: the database .*(\"nobots\" not found|invalid sslmode value: \"maybe\")" "what libpq does not take is no outage: ${url##*[?]}"
done
tool "postgresql://bot@127.0.0.1:$PG_PORT/$DATABASE?connect_timeout=1m" queue list
like "$STATUS $ERR" "^64 .*connect_timeout.* is no number of seconds" "… nor is a time that is none"
tool "postgresql://bot@127.0.0.1:$MUTE_PORT,127.0.0.1:$PG_PORT/$DATABASE?connect_timeout=1" queue list --json
is "$STATUS $ERR" "0 " "behind a host that accepts and says nothing is the next one"
tool "postgresql://bot@127.0.0.1:$MUTE_PORT/$DATABASE?connect_timeout=1" queue list --json
like "$STATUS $ERR" "^69 .*cannot be reached: it does not answer in time" "… and where there is none, it is told"
tool "postgresql://bot@127.0.0.1:1/$DATABASE" check --handler true --api-url "$URL" --state-dir "$TMP/state"
like "$STATUS $(printf %s "$OUT" | tr '\n' ' ')" "^0 .*warning .*cannot be reached.*a run would go on trying" "check warns of a database that is away"

# A run that is cut off, and stopped.
handler hold <<'EOT'
#!/bin/sh
echo "$TG_TEXT" >>"$FLOW_MARK/seen"
[ "$TG_TEXT" != later ] || exit 75
while [ ! -e "$FLOW_MARK/$TG_TEXT" ]; do sleep 0.05; done
EOT
: >"$TMP/seen"
TGRUN_LOG=$TMP/tgrun.log
start_tgrun --store "postgresql://bot@127.0.0.1:$PG_PORT/$DATABASE" --lease 5s --retry-delay 5m --handler "$TMP/hold"
message 1 one
wait_for '[ -s "$TMP/seen" ]'
kill -KILL "$PROXY"
touch "$TMP/one"
wait_for 'logged " handled "'
stop_tgrun
is "$STATUS" 69 "what had ended and could not be written is told by the status of a stop"
ok 'logged "error .*what ended last is not written, and will be handled once more"' "… and said"
proxy again
rm "$TMP/one"
start_tgrun --store "postgresql://bot@127.0.0.1:$PG_PORT/$DATABASE" --lease 5s --retry-delay 5m --handler "$TMP/hold"
wait_for '[ "$(grep -c one "$TMP/seen")" = 2 ]'
is "$(grep -c one "$TMP/seen")" 2 "… and so it is"

# What a machine holds, and does not run.
message 1 two
message 1 three
tool "$PG_BOT" queue list --json
wait_for 'tool "$PG_BOT" queue list --json; [ "$(printf "%s\n" "$OUT" | wc -l)" = 3 ]'
is "$(printf '%s\n' "$OUT" | jq -r .state | paste -sd ' ')" "running behind behind" "what waits behind a running one is behind it, whoever holds it"
message 2 later
second() { printf '%s\n' "$OUT" | jq -r "select(.key == \"chat:2\") | .$1"; } # MEMBER
wait_for 'tool "$PG_BOT" queue list --json; [ "$(second state)" = delayed ]'
is "$(second state) $(second 'due != null')" "delayed true" "… and what waits for its next attempt is delayed"
number=$(second number)
tool "$PG_BOT" queue skip "$number"
is "$STATUS $OUT" "0 $number skipped" "a retry that a machine holds is skipped"
tool "$PG_BOT" queue list --json
number=$(printf '%s\n' "$OUT" | jq -r .number | tail -n 1)
tool "$PG_BOT" queue skip "$number" "$((number - 2))"
is "$STATUS $OUT" "1 $number skipped" "… so is what waits behind a running one"
like "$ERR" "update $((number - 2)) is being handled" "… which itself is not"
touch "$TMP/one" "$TMP/two"
wait_for '[ "$(grep -c " handled " "$TGRUN_LOG")" -ge 3 ]'
is "$(grep -c three "$TMP/seen")" 0 "what was skipped is not handled"
stop_tgrun
is "$STATUS" 0 "a stop that has written all is a good one"

# A machine that does not answer.
start_tgrun --store "postgresql://bot@127.0.0.1:$PG_PORT/$DATABASE" --lease 5s --retry-delay 5m --handler "$TMP/hold"
message 2 later
wait_for 'tool "$PG_BOT" queue list --json; [ "$(second state)" = delayed ]'
kill -STOP "$TGRUN_PID"
number=$(second number)
tool "$PG_BOT" queue skip "$number"
said="$STATUS $ERR"
tool "$PG_BOT" queue clear --all
kill -CONT "$TGRUN_PID"
like "$said" "^1 .*is with a machine that does not answer, and stays.*tgrun fleet status" "where a machine does not answer, what it holds stays"
like "$STATUS $OUT $ERR" "^1 0 skipped .*update $number is with a machine that does not answer" "… and queue clear says so, too"
stop_tgrun

# A database that stands still for longer than the lease allows: the slots end what runs.
rm -f "$TMP/one"
: >"$TGRUN_LOG"
start_tgrun --store "postgresql://bot@127.0.0.1:$PG_PORT/$DATABASE" --lease 5s --handler "$TMP/hold"
message 7 one
wait_for '[ "$(grep -c one "$TMP/seen")" = 3 ]'
kill -USR1 "$PROXY"
wait_for 'logged "cut off from the store"'
kill -USR1 "$PROXY"
ok 'logged "error cut off from the store: 1 handlers killed, they will be run elsewhere"' "a database that stands still: how many handlers were ended is said"
touch "$TMP/one"
wait_for 'logged " handled .*key=chat:7"'
is "$(grep -c one "$TMP/seen")" 4 "… and they are run again"
done_testing
