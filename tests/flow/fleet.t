# Goal: several tgruns on one database handle each update once and in order, and go on when one of them is killed, stopped or cut off.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
DEADLINE=60
PROBE=$PWD/$BUILD/tools/probe
start_postgres
start_sandbox --no-penalties --first-id 1
TGRUN_TOKEN=$TOKEN "$TGRUN" fleet init --store "$PG" --role bot >"$TMP/init" 2>&1
is "$?" 0 "tgrun fleet init makes the queue"
mkdir "$TMP/way"
python3 tests/tools/pgproxy.py "$TMP/way" "$POSTGRES" 2>"$TMP/proxy.log" &
PROXY=$!
PIDS="$PIDS $PROXY"
wait_for '[ -S "$TMP/way/.s.PGSQL.5432" ]'
THROUGH=$(printf %s "$PG_BOT" | sed "s,host=.*,host=$TMP/way,")

# node NAME URL: its pid is $NODE, its log $TMP/NAME.log.
node() {
	TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state.$1" --node "$1" --store "$2" --lease 5s --concurrency 4 \
		--retry-delay 20ms --on-failure retry --max-attempts 1000 --poll-timeout 1 --log-level info -- "$PROBE" "$TMP/events" 60000 11 \
		>>"$TMP/$1.log" 2>&1 </dev/null &
	NODE=$!
	PIDS="$PIDS $NODE"
}
: >"$TMP/events"
well() { awk -F '\t' '$1 == "end" && $7 == 0 { done[$2] } END { print length(done) }' "$TMP/events"; }
checked() { # WANT: as if it had been one run
	sort -t '	' -s -k 6,6n "$TMP/events" | sed 's/^/1	/' | awk -v want="$1" -v dead=" " -f tests/flow/crash.awk 2>>"$TMP/figures"
}
faults() { psql -qXAt "$PG" -c "SELECT count(*) FROM tgrun_${TOKEN%%:*}.audit"; }

node a "$PG_BOT"
A=$NODE
node b "$PG_BOT"
B=$NODE
node c "$THROUGH"
C=$NODE
total=300
generate 300 30
wait_for '[ "$(well)" -ge "$total" ]'
is "$(checked $total)" right "three machines handle all that one of them receives, in the order of each chat"
is "$(grep -l ' handled ' "$TMP"/[abc].log | wc -l | tr -d ' ')" 3 "and each of them has its part"

# Whoever asks for updates, or not, is killed.
generate 300 30
total=600
wait_for '[ "$(well)" -ge 330 ]'
kill -KILL "$A"
wait "$A" 2>/dev/null
wait_for '[ "$(well)" -ge "$total" ]'
is "$(checked $total)" right "when one is killed, the others handle what it held, after its lease"

# Its successor on the same machine, and one that stands still for longer than its lease.
node a "$PG_BOT"
A=$NODE
generate 300 30
total=900
wait_for '[ "$(well)" -ge 650 ]'
kill -STOP "$B"
wait_for '[ "$(well)" -ge "$total" ]'
is "$(checked $total)" right "when one stands still, its own slots kill its handlers, and the others take over"
kill -CONT "$B"
wait_for 'grep -q "cut off from the store" "$TMP/b.log"'
ok 'grep -q "cut off from the store" "$TMP/b.log"' "it says that it was cut off"

# Connections that end, at any point, and one that hangs.
generate 300 30
total=1200
for _ in 1 2 3 4 5 6; do
	wait_for '[ "$(well)" -ge 920 ]'
	kill -USR2 "$PROXY"
	sleep 0.2
done
kill -USR1 "$PROXY"
wait_for '[ "$(well)" -ge "$total" ]'
kill -USR1 "$PROXY"
is "$(checked $total)" right "connections that are cut, and one that hangs, cost nothing and no order"
generate 100 30
total=1300
wait_for '[ "$(well)" -ge "$total" ]'
wait_for '[ "$(grep -c " handled " "$TMP/c.log")" -gt 0 ]'

is "$(checked $total)" right "and what comes after that is handled as ever"

# What is pushed to one of them comes when it is due, wherever that is; and one that drains leaves its roles to the others.
printf '%s' '{"message":{"message_id":1,"date":0,"text":"later","chat":{"id":5,"type":"private"},"from":{"id":5,"is_bot":false,"first_name":"u"}}}' |
	"$TGRUN" push --state-dir "$TMP/state.a" --after 500ms >"$TMP/pushed" 2>&1
is "$? $(cat "$TMP/pushed")" "0 p1" "tgrun push reaches the shared queue through one of them"
wait_for '[ "$(grep -c "chat:5	.*	0$" "$TMP/events")" = 1 ]'
is "$(grep -c 'chat:5	.*	0$' "$TMP/events")" 1 "and comes when it is due, once"
asks() { psql -qXAt "$PG" -c "SELECT name FROM tgrun_${TOKEN%%:*}.fleet WHERE polls AND sends"; }
wait_for '[ -n "$(asks)" ]'
ONE=$(asks)
TGRUN_TOKEN=$TOKEN "$TGRUN" fleet drain "$ONE" --store "$PG_BOT" >"$TMP/drain" 2>&1
is "$?" 0 "the one that asks is to drain"
wait_for '[ -n "$(asks)" ] && [ "$(asks)" != "$ONE" ]'
ok '[ -n "$(asks)" ] && [ "$(asks)" != "$ONE" ]' "another one asks and sends"
TGRUN_TOKEN=$TOKEN "$TGRUN" fleet resume "$ONE" --store "$PG_BOT"

# The last one asks, holds nothing, and hears nothing of the database for longer than its lease.
stopped() { # PID…
	for pid in "$@"; do
		kill "$pid"
		wait "$pid"
		echo $?
	done >>"$TMP/statuses"
}
stopped "$A" "$B"
wait_for '[ "$(asks)" = c ]'
is "$(asks)" c "the one that is left asks"
kill -USR1 "$PROXY"
sleep 7
kill -USR1 "$PROXY"
generate 100 30
total=1400
wait_for '[ "$(well)" -gt "$total" ]' # and what was pushed
is "$(checked $total)" right "who held nothing while the database was away for longer than a lease goes on by itself"

is "$(faults)" 0 "the database's own audit finds nothing"
stopped "$C"
is "$(tr '\n' ' ' <"$TMP/statuses")" "0 0 0 " "each of them stops well"
is "$(psql -qXAt "$PG" -c "SELECT unfinished, dead FROM tgrun_${TOKEN%%:*}.totals")" "0|0" "and nothing is left"
[ "$FAILED" = 0 ] || diag "$(tail -n 5 "$TMP"/[abc].log "$TMP/proxy.log"; cat "$TMP/figures")"
done_testing
