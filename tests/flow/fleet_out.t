# Goal: several tgruns on one database send each reply once and in the order of its chat, whoever handled what, and whoever of them is killed; and
# what other programs ask of one of them is done by whichever can.
# shellcheck shell=sh disable=SC2016,SC2034,SC2119,SC2317 # functions are called by name
. tests/flow/lib.sh
DEADLINE=60
start_postgres
start_sandbox --no-penalties --first-id 1
limits '{"chat":{"count":100000,"ms":1000},"group":{"count":100000,"ms":1000},"bulk":{"count":100000,"ms":1000}}'
TGRUN_TOKEN=$TOKEN "$TGRUN" fleet init --store "$PG" --role bot >"$TMP/init" 2>&1

# Who is told `sleep` stays until it is cancelled.
handler h <<-'EOT'
	#!/bin/sh
	[ "$TG_TEXT" != sleep ] || { echo "$TG_STATE_DIR" >"$OUT/sleeps"; exec sleep 1000; }
	[ "$TG_TEXT" != where ] || { echo "$TG_STATE_DIR" >>"$OUT/where"; exit; }
	echo "$TG_TEXT"
EOT
# node NAME [OPTION…]: its pid is $NODE, its log $TMP/NAME.log.
node() {
	_name=$1
	shift
	OUT=$TMP TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state.$_name" --node "$_name" --store "$PG_BOT" --lease 5s \
		--concurrency 4 --poll-timeout 1 --log-level info --reply text --rate chat=0,group=0,bulk=0 "$@" --handler "$TMP/h" >>"$TMP/$_name.log" 2>&1 </dev/null &
	NODE=$!
	PIDS="$PIDS $NODE"
}
at() { # NAME SUB-COMMAND…: by a program that has the state of that machine, and no way to the database
	_name=$1
	shift
	TGRUN_TOKEN=$TOKEN "$TGRUN" "$@" --state-dir "$TMP/state.$_name"
}
fleet() { TGRUN_TOKEN=$TOKEN "$TGRUN" fleet "$@" --store "$PG_BOT"; }
# What arrived, of the chats that generate() makes: the texts of each rise by one, from 1.
arrived() { deliveries 'select(.chat >= 1000 and .method == "sendMessage") | "\(.chat) \(.text)"'; }
in_order() { # MORE: so many may have come twice, in a row
	arrived | awk -v more="$1" '$2 == last[$1] { twice++; next } $2 != last[$1] + 1 { bad++ } { last[$1] = $2 } END { print NR - twice, bad + 0, twice + 0 <= more }'
}
is_sender() { grep 'what waits in the outbox' "$TMP/$1.log" | tail -n 1 | grep -q 'sends what'; }

node a
A=$NODE
wait_for 'is_sender a'
node b
B=$NODE
node c
C=$NODE
wait_for 'grep -q "standing by" "$TMP/b.log" && grep -q "standing by" "$TMP/c.log"'
generate 300 30
wait_for '[ "$(arrived | wc -l)" -ge 300 ]'
is "$(in_order 0)" "300 0 1" "replies of three machines arrive once each, in the order of their chats"
is "$(grep -l ' handled ' "$TMP"/[abc].log | wc -l | tr -d ' ')" 3 "and each machine handled some"

# What other programs ask.
echo hello | at b send --chat 7 # of a machine that does not send
is "$?" 0 "tgrun send, of a machine that does not send, is taken"
wait_for '[ -n "$(deliveries "select(.chat == 7)")" ]'
is "$(deliveries 'select(.chat == 7) | .text')" hello "and another machine sends it"
echo hello | at b send --chat 8 --wait >"$TMP/wait" 2>&1
is "$?" 75 "tgrun send --wait cannot wait there: 75"
like "$(cat "$TMP/wait")" "stored, and not waited for" "and says that it is stored"
wait_for '[ -n "$(deliveries "select(.chat == 8)")" ]'
ok '[ -n "$(deliveries "select(.chat == 8)")" ]' "which it is"
message 9 sleep
wait_for '[ -s "$TMP/sleeps" ]'
case $(cat "$TMP/sleeps") in */state.a) other=b ;; *) other=a ;; esac
at "$other" cancel --chat 9
wait_for 'grep -q " cancelled " "$TMP"/[abc].log'
ok 'grep -q " cancelled " "$TMP"/[abc].log' "tgrun cancel, of another machine than the one that handles, ends it"

# An operator takes one out.
fleet drain b
wait_for 'grep -q "draining, as tgrun fleet asked" "$TMP/b.log"'
for i in 1 2 3 4 5 6 7 8 9; do message "20$i" where; done
wait_for '[ "$(wc -l <"$TMP/where")" -ge 9 ]'
is "$(grep -c 'state\.b' "$TMP/where")" 0 "a machine that is to drain handles nothing more"
fleet resume b
wait_for 'grep -q "resumed, as tgrun fleet asked" "$TMP/b.log"'

# The one that sends ends: well, so another goes on at once; then by a kill, so another waits for its lease.
generate 300 30
wait_for '[ "$(arrived | wc -l)" -ge 330 ]'
kill "$A"
wait "$A"
is "$?" 0 "who sends ends well"
wait_for '[ "$(arrived | wc -l)" -ge 600 ]'
is "$(in_order 0)" "600 0 1" "and the others send the rest, once and in order"
if is_sender b; then S=$B; else S=$C; fi
generate 300 30
wait_for '[ "$(arrived | wc -l)" -ge 630 ]'
kill -KILL "$S"
wait "$S" 2>/dev/null
wait_for '[ "$(arrived | sort -u | wc -l)" -ge 900 ]'
twice=$(cat "$TMP"/[bc].log | grep -c "may arrive twice")
is "$(in_order "$twice")" "900 0 1" "when it is killed, too, but for what may have arrived, and that is said"
for pid in $B $C; do
	[ "$pid" = "$S" ] || {
		kill "$pid"
		wait "$pid"
	}
done
is "$(psql -qXAt "$PG" -c "SELECT count(*) FROM tgrun_${TOKEN%%:*}.audit")" 0 "the database's own audit finds nothing"

# One run that ends by itself.
message 301 once
message 302 once
node d --once
wait "$NODE"
is "$?" 0 "--once ends well"
is "$(deliveries 'select(.chat == 301 or .chat == 302) | .text' | sort | uniq -c | tr -s ' ')" " 2 once" "when all is handled and answered"
[ "$FAILED" = 0 ] || diag "$(tail -n 8 "$TMP"/[abcd].log)"
done_testing
