# Goal: a database that is damaged under a running tgrun is noticed where a damaged page is read: from then on nothing is confirmed to Telegram, the log says so once, and what to
# do, and a stop is not 0; what waits is as it was.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
command -v python3 >/dev/null || skip_all "no python3 to damage a database"

note_handler
start_sandbox
said="queue.db' is damaged: nothing more is asked for, since what comes would be lost"
status() { "$TGRUN" status --json --state-dir "$TMP/state" | jq -r "$1"; }
begin() { # OPTION…: a tgrun that keeps a larger backlog than it has pages in memory, while its one handler waits
	anew --no-penalties --first-id 1
	: >"$TMP/seen"
	: >"$TMP/hold"
	generate 250 250 'pad=100000'
	start_tgrun --handler "$TMP/note" --concurrency 1 --limit 20 --poll-timeout 1 "$@"
	wait_for '[ -S "$TMP/state/control" ]'
	wait_for '[ "$(status .waiting)" = 249 ] && [ "$(stats .pending)" = 0 ]' 60
}
damage() { # FROM: the pages from there to the last quarter
	python3 - "$TMP/state/queue.db" "$1" <<'EOT'
import os, sys
path, page = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as f:
    for page in range(page, os.path.getsize(path) // 1024 * 3 // 4):
        f.seek(page * 1024)
        f.write(b"\xa5\xff\x5a\xff" * 64)
EOT
}
told() { grep -c "$said" "$TGRUN_LOG"; }

# Where what waits is read.
begin
damage 2000
rm "$TMP/hold"
wait_for 'logged "$said"'
handled=$(seen ^end)
ok '[ "$handled" -ge 1 ] && [ "$handled" -lt 250 ]' "what can be read is handled ($handled)"
like "$(cat "$TGRUN_LOG")" "error .*queue.db' is damaged .*; restore it from a backup, or move the directory away .*; starting pauses" "an update that cannot be read pauses all starts, which is said"
is "$(grep -c 'no update is lost' "$TGRUN_LOG")" 0 "… and no more is promised than is known"
message 7 after
polls=$(stats .polls)
wait_for '[ "$(stats .open_polls)" = 0 ] && [ "$(stats .pending)" = 1 ]'
is "$(told) $(seen ^end) $(stats .pending)" "1 $handled 1" "… once; what comes then is still Telegram's"
like "$(status .last_error)" "queue.db' is damaged" "tgrun status says what is wrong"
stop_tgrun
is "$STATUS $(stats .pending) $(told)" "1 1 1" "a stop confirms nothing either, and is 1"
like "$(grep 'error.*written over or damaged while tgrun ran' "$TGRUN_LOG")" "restore a backup, or move the state directory away.* waiting=2[0-9]+ " "… and tells what was left"
run_tgrun --handler "$TMP/note"
like "$STATUS $(grep -c ^end "$TMP/seen")" "^74 $handled\$" "the next start is refused, and nothing is lost in silence"

# Where an outcome is written: a dead letter takes the update's bytes with it.
handler failing <<'EOT'
#!/bin/sh
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
exit 1
EOT
begin --handler "$TMP/failing"
damage 20
rm "$TMP/hold"
wait_for 'logged "asking and starting pause until it works again"'
is "$(told) $(grep -c 'no update is lost' "$TGRUN_LOG")" "1 0" "an outcome that cannot be written pauses all starts, and no more is promised either"
stop_tgrun
is "$STATUS $(grep -c 'the last outcomes cannot be written; their updates will be handed out again' "$TGRUN_LOG")" "74 1" "a stop tells that it is not written: 74"

# Nobody waits for the end of a run that ends by itself.
begin --once
damage 2000
rm "$TMP/hold"
wait_tgrun 30
is "$STATUS $(told) $(seen ^start)" "1 1 $(seen ^end)" "--once ends with 1"
done_testing
