# Goal: a disk that takes its time delays what must wait for it, the word to Telegram that updates are received, and nothing else.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

machine MACHINE_DISK="$TMP/hang"
note_handler
start_sandbox --no-penalties --first-id 1
polling() { [ "$(stats .open_polls)" = 1 ]; }

# The first writes of a run are synced by SQLite itself.
start_tgrun --handler "$TMP/note" --poll-timeout 50 --concurrency 2
message 7 warm
wait_for '[ "$(seen ^end)" = 1 ] && [ "$(stats .offset)" = 2 ] && polling'
: >"$TMP/hang"
generate 3 1 # of one chat, in one answer
ok 'wait_for "[ \$(seen ^end) = 4 ]"' "while the disk hangs, one handler after the other starts and ends"
is "$(stats '"\(.offset) \(.open_polls)"')" "2 0" "… Telegram is not told that their updates are received"
is "$(TGRUN_TOKEN=$TOKEN "$TGRUN" status --state-dir "$TMP/state" --json | jq .done)" 4 "… and tgrun answers what it is asked"
# Of the time that twenty questions take, which is the asker's, it uses little.
spent() { awk -v now="$(date +%s%N)" '{ printf "%.2f %.3f\n", ($14 + $15) / ticks, now / 1e9 }' ticks="$(getconf CLK_TCK)" "/proc/$TGRUN_PID/stat"; }
before=$(spent)
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do TGRUN_TOKEN=$TOKEN "$TGRUN" status --state-dir "$TMP/state" >/dev/null; done
is "$(echo "$before $(spent)" | awk '{ print ($3 - $1 < ($4 - $2) * 0.4) }')" 1 "… and does not turn round and round meanwhile"
rm "$TMP/hang"
ok 'wait_for "[ \$(stats .offset) = 5 ]" && wait_for polling' "when it goes on, so does polling"

# Killed while it hangs: the cache of the kernel is not lost.
: >"$TMP/hang"
generate 2 1
wait_for '[ "$(seen ^end)" = 6 ]'
kill -KILL "$TGRUN_PID"
rm "$TMP/hang" # a sync that is under way keeps a process from dying, here as on a real machine
wait_tgrun
start_tgrun --handler "$TMP/note" --poll-timeout 50 --concurrency 2
wait_for '[ "$(stats .offset)" = 7 ] && polling'
is "$(seen '^start') $(seen '^end')" "6 6" "killed while the disk hangs: what was handled is known, and recognised when it comes again"

message 7 warm
wait_for '[ "$(seen ^end)" = 7 ] && [ "$(stats .offset)" = 8 ] && polling'
: >"$TMP/hang"
generate 1 1
wait_for '[ "$(seen ^end)" = 8 ]'
kill -TERM "$TGRUN_PID"
wait_for 'logged stopping'
is "$(stats .offset)" 8 "stopped while it hangs: the last offset is not confirmed before it is on disk"
rm "$TMP/hang"
wait_tgrun
is "$STATUS $(stats .offset)" "0 9" "… but then"

start_tgrun --handler "$TMP/note" --poll-timeout 50 --concurrency 2
message 7 warm
wait_for '[ "$(seen ^end)" = 9 ] && [ "$(stats .offset)" = 10 ] && polling'
: >"$TMP/hang"
generate 1 1
wait_for '[ "$(seen ^end)" = 10 ]'
TGRUN_TOKEN=$TOKEN start "$TGRUN" drain --state-dir "$TMP/state"
wait_for 'logged draining'
rm "$TMP/hang"
wait_tgrun
is "$STATUS $(stats .offset)" "0 11" "drained while it hangs: the same"
done_testing
