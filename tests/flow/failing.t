# Goal: whatever the machine refuses, once or for a while, wherever tgrun asks it for something: no crash, no loss, a message, and recovery.
# shellcheck shell=sh disable=SC2016,SC2034
case $BUILD in
*asan*)
	echo "1..0 # SKIP what is put under it goes before the sanitizer's library; it was run without"
	exit 0
	;;
esac
. tests/flow/lib.sh
. tests/torture/faults.sh
SEED=${SEED:-$(date +%N | sed 's/^0*//')}
FAULTS=${FAULTS:-16} # of memory; one of each other kind; tests/torture/failing goes through all
diag "SEED=$SEED FAULTS=$FAULTS"

learn fresh
ok '[ "$(wc -l <"$TMP/sites")" -gt 500 ]' "a run asks the machine for something at $(wc -l <"$TMP/sites") places"
sample "$FAULTS" 1 >"$TMP/todo"
while read -r who kind site _; do
	fault "$who" "$kind" "$site" 1
done <"$TMP/todo"
settle "$(wc -l <"$TMP/todo") places, at each one fault"
ok '[ "$injected" -gt "$(($(wc -l <"$TMP/todo") * 3 / 4))" ]' "… the faults did happen ($injected, $unmet did not)"

# What is as large as an update: its bytes on their way, and all that is made of them.
begin exec
good_runs "before"
PAD=100000
export FAILING_BYTES=$PAD
injected=0
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
	fault runner memory '*' $n
done
PAD=
unset FAILING_BYTES
settle "large updates"
ok '[ "$injected" -gt 9 ]' "… each of the first $injected requests for so much memory failed once"

# The store cannot hand out: what has its turn waits for that, not for the end of the poll that is open.
anew --no-penalties --first-id 1
rm -f "$TMP/failed" "$TMP/refuse"
note_handler
: >"$TMP/hold"
# Not less: what lists updates to others.
LD_PRELOAD=$TOOL.so FAILING_SITES=$TMP/matched FAILING="runner:memory:*:0:0" FAILING_BYTES=100000 FAILING_WHILE=$TMP/refuse FAILING_LOG=$TMP/failed \
	start_tgrun --poll-timeout 50 --handler "$TMP/note"
generate 2 1 pad=100000
wait_for '[ "$(seen ^start)" = 1 ] && [ "$(stats .open_polls)" = 1 ]'
polls=$(stats .polls)
: >"$TMP/refuse"
rm "$TMP/hold"
ok 'wait_for "logged \"out of memory; no update is lost: starting pauses\""' "an update that cannot be handed out is told"
rm "$TMP/refuse"
ok 'wait_for "[ \$(seen ^end) = 2 ]" 10 && logged "starting goes on"' "… and is handed out soon after it can be"
is "$(stats .polls)" "$polls" "… within the poll that was open all the time"
stop_tgrun
is "$STATUS" 0 "… and a stop is a good one"

# A slot that cannot begin, and ends as soon as it was forked: no fork follows the other at once.
anew --no-penalties --first-id 1
rm -f "$TMP/failed" "$TMP/refuse" "$TMP/seen"
: >"$TMP/seen"
LD_PRELOAD=$TOOL.so FAILING_SITES=$TMP/matched FAILING="slot:signalfd:*:0:0" FAILING_WHILE=$TMP/refuse FAILING_LOG=$TMP/failed \
	start_tgrun --concurrency 1 --handler "$TMP/note"
generate 1 1
wait_for '[ "$(seen ^end)" = 1 ]'
: >"$TMP/refuse"
since=$(date +%s%3N)
slots=$(cat "/proc/$TGRUN_PID/task/$TGRUN_PID/children")
kill -KILL "${slots%% *}"
wait_for '[ "$(grep -c ^failed "$TMP/failed" 2>/dev/null)" -ge 6 ]'
# At least half of 100, 200, 400, 800 and 1600 ms lie between the six.
ok '[ "$(($(date +%s%3N) - since))" -ge 1550 ]' "a slot that ends as soon as it was forked is forked again after pauses that grow"
is "$(grep -c "warn .*slot 1 ended before it could run anything (status 71)" "$TGRUN_LOG")" 1 "… which is said once"
rm "$TMP/refuse"
generate 1 1
wait_for '[ "$(seen ^end)" = 2 ]' 60
is "$(seen ^end)" 2 "… and when it can begin, handlers run"
stop_tgrun

lasting memory 0 'out of memory'
lasting write 30 'Read-only file system; it is not confirmed' # as of a state directory that is made read-only
lasting sync 5 'the database cannot be synced: Input/output error; it is not confirmed'
lasting fork 11 'cannot be started: Resource temporarily unavailable; the machine is out of processes'
lasting epoll 28 'cannot watch a socket: No space left on device'
done_testing
