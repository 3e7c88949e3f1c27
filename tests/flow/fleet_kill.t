# Goal: a tgrun of a shared queue that is killed at each named point of it (lib/base/crashpoint.h) loses nothing and breaks no order.
# shellcheck shell=sh disable=SC2016,SC2034
case $BUILD in
*asan*)
	echo "1..0 # SKIP has a build of its own, and was run with it already"
	exit 0
	;;
esac
. tests/flow/lib.sh
DEADLINE=60
PROBE=$PWD/$BUILD/tools/probe
TGRUN=$PWD/build/crash/tgrun
[ -x "$TGRUN" ] || { echo "Bail out! no $TGRUN: make build-crash"; exit 1; }
start_postgres
start_sandbox --no-penalties --first-id 1
TGRUN_TOKEN=$TOKEN "$TGRUN" fleet init --store "$PG" --role bot >/dev/null || exit 1

# Its log says what it handled and answered; each death of it is charged to what it had begun, so it may take a pause.
node() { # NAME
	TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state.$1" --node "$1" --store "$PG_BOT" --lease 5s --concurrency 4 \
		--retry-delay 20ms --on-failure retry --max-attempts 1000 --poll-timeout 1 --reply text -- "$TMP/h" >>"$TMP/$1.log" 2>&1 </dev/null &
	NODE=$!
	PIDS="$PIDS $NODE"
}
handler h <<EOT
#!/bin/sh
"$PROBE" "$TMP/events" 20000 11 && echo "answer \$TG_UPDATE_ID"
EOT
: >"$TMP/events"
well() { awk -F '\t' '$1 == "end" && $7 == 0 { done[$2] } END { print length(done) }' "$TMP/events"; }

points=$(grep -rhoE 'CRASHPOINT\("fleet-[a-z-]*"\)' lib/queue/shared | cut -d '"' -f 2 | sort -u)
total=0 reached=
for point in $points; do
	total=$((total + 40))
	generate 40 12
	case $point in
	*attach* | *put*) times=1 ;;
	*turn*) times=2 ;;
	*) times=5 ;;
	esac
	export CRASHPOINT="$point:$times:$TMP/at.$point"
	node a
	unset CRASHPOINT
	wait_for '[ -e "$TMP/at.$point" ]' && reached="$reached $point"
	kill -KILL "$NODE" 2>/dev/null
	wait "$NODE" 2>/dev/null
	# Its successor, and another machine.
	node a
	A=$NODE
	node b
	B=$NODE
	wait_for '[ "$(well)" -ge "$total" ]'
	kill "$A" "$B"
	wait "$A" && wait "$B" || diag "status $? of one that stops"
done
is "$(printf '%s\n' $reached)" "$points" "each named point was reached, and killed"
is "$(sort -t '	' -s -k 6,6n "$TMP/events" | sed 's/^/1	/' | awk -v want="$total" -v dead=" " -f tests/flow/crash.awk 2>"$TMP/figures")" right \
	"every update was handled to its end, in order, and none by two at once"
node a
A=$NODE
wait_for '[ "$(deliveries .text | sort -u | grep -c "^answer ")" = "$total" ]'
is "$(deliveries .text | sort -u | grep -c '^answer ')" "$total" "and each was answered"
kill "$A" && wait "$A"
is "$?" 0 "it stops well"
is "$(psql -qXAt "$PG" -c "SELECT count(*) FROM tgrun_${TOKEN%%:*}.audit")" 0 "the database's own audit finds nothing"
[ "$FAILED" = 0 ] || diag "$(tail -n 5 "$TMP"/[ab].log)"
done_testing
