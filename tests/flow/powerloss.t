# Goal: what a disk may hold after a power cut, at any instant, starts again, and holds every update that Telegram was told was received.
# shellcheck shell=sh disable=SC2016,SC2034
case $BUILD in
*asan*)
	echo "1..0 # SKIP what is put under it goes before the sanitizer's library; it was run without"
	exit 0
	;;
esac
. tests/flow/lib.sh
STATES=${STATES:-60} # how many instants are tried
DEADLINE=60
TOOL=$PWD/$BUILD/tools/powerloss

start_sandbox --no-penalties --first-id 1
mkdir -m 700 "$TMP/state"
generate 150 9
LD_PRELOAD=$TOOL.so POWERLOSS_DIR=$TMP/state POWERLOSS_LOG=$TMP/changes start_tgrun --limit 7 --concurrency 3 --poll-timeout 1 \
	-- "$TOOL" handled "$TMP/changes"
wait_for 'logged "polling" && [ "$(stats .pending)" = 0 ]'
generate 30 9
wait_for '[ "$(stats .pending)" = 0 ]'
stop_tgrun
count=$("$TOOL" count "$TMP/changes")
ok '[ "$STATUS" = 0 ] && [ "$count" -gt 300 ]' "180 updates, handled, are noted with every change of the state directory ($count)"

# Starts on the state of the first N changes.
states=0 confirmed=0 unstarted='' lost=''
after_cut() { # N HOW
	rm -rf "$TMP/cut" "$TMP/after" "$TMP/cut.log"
	"$TOOL" make "$TMP/changes" "$1" "$2" "$TMP/cut" || unstarted="$unstarted (no state: $1 $2)"
	: >"$TMP/after"
	TGRUN_TOKEN=$TOKEN timeout 60 "$TGRUN" --source /dev/null --state-dir "$TMP/cut" --log-level warn -- "$TOOL" handled "$TMP/after" \
		>"$TMP/cut.log" 2>&1 </dev/null || unstarted="$unstarted ($1 $2: $(tail -n 1 "$TMP/cut.log"))"
	found=$("$TOOL" lost "$TMP/changes" "$1" "$TMP/after") || lost="$lost ($1 $2: ${found#* })"
	confirmed=$((confirmed + ${found%% *}))
	states=$((states + 1))
}
i=0
while [ "$i" -lt "$STATES" ]; do
	n=$((i * count / (STATES - 1)))
	case $((i % 3)) in
	0) after_cut "$n" keep ;;
	1) after_cut "$n" drop ;;
	2) after_cut "$n" "$((${SEED:-1} + i))" ;;
	esac
	i=$((i + 1))
done
diag "$states states, $confirmed confirmed updates looked for"
is "$unstarted" "" "tgrun starts on each of $states states that a disk may leave"
is "$lost" "" "… and every update that was confirmed is handled, or had been"
ok '[ "$confirmed" -gt "$states" ]' "… most had been confirmed before the cut"
done_testing
