# Goal: each update is handled exactly once, one at a time and in order within its key, at whatever concurrency.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

case $BUILD in
*asan*) COUNT=500 ;;
*) COUNT=10000 ;;
esac
PROBE=$PWD/$BUILD/tools/probe
DEADLINE=120

# Checks $TMP/events: check COUNT MOST WHAT, where at most MOST, and at some time more than one if MOST is, ran at once.
check() {
	is "$(awk -v want="$1" -f tests/flow/order.awk "$TMP/events" 2>"$TMP/most")" right "$3"
	ok '[ "$(cat "$TMP/most")" -le '"$2"' ] && { [ '"$2"' -eq 1 ] || [ "$(cat "$TMP/most")" -gt 1 ]; }' \
		"$3: at most $2 handlers at once"
}

# Updates over 50 chats, at once from the first poll on.
for concurrency in 1 4 64; do
	anew --no-penalties
	: >"$TMP/events"
	generate "$COUNT" 50
	run_tgrun --once --concurrency "$concurrency" --log-level warn -- "$PROBE" "$TMP/events" 200
	is "$STATUS" 0 "a run with $COUNT updates and concurrency $concurrency ends well"
	check "$COUNT" "$concurrency" "$COUNT updates in 50 chats, concurrency $concurrency: once each, in order, never two of a chat"
	is "$(cut -f 3 "$TMP/events" | sort -u | wc -l) $(grep -c "	chat:" "$TMP/events")" "50 $((2 * COUNT))" "by 50 keys"
	is "$(dead list --json)" "" "and none became a dead letter"
done

# Attempts that fail hold their chat.
ended() { # COUNT: so many ended well
	[ "$(grep -c '^end.*	0$' "$TMP/events" 2>/dev/null)" -ge "$1" ]
}
anew --no-penalties
: >"$TMP/events"
generate 400 20
start_tgrun --concurrency 8 --retry-delay 20ms --log-level error -- "$PROBE" "$TMP/events" 200 7
wait_for 'ended 400'
stop_tgrun
check 400 8 "each seventh attempt to be tried again: order holds all the same"
is "$(grep -c '^end.*	75$' "$TMP/events")" 57 "and those attempts did fail"

# Each update waits for all earlier ones that share any of its keys.
anew --no-penalties
: >"$TMP/events"
generate 1000 20 users=7
run_tgrun --once --concurrency 16 --key chat,user --log-level warn -- "$PROBE" "$TMP/events" 500
is "$STATUS" 0 "a run with two keys ends well"
check 1000 16 "20 chats and 7 users, --key chat,user: in order by both, and never two of a chat or of a user"
is "$(awk -F '\t' '$3 ~ /^chat:[0-9]+ user:[0-9]+$/ { n++ } END { print n }' "$TMP/events")" 2000 "both keys stand in TG_KEY"

done_testing
