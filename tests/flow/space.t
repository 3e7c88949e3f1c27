# Goal: a backlog that was worked off leaves no large database and no large process; what is too large to be looked through at each start is looked through by
# check; and a state directory is backed up by a copy that check takes, while one that was copied from under a run is refused.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
command -v python3 >/dev/null || skip_all "no python3 to look into a database"

handler swallow <<'EOT'
#!/bin/sh
exec cat >/dev/null
EOT
size() { stat -c %s "$TMP/state/queue.db"; }
rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$TGRUN_PID/status"; }
asan() { nm "$TGRUN" 2>/dev/null | grep -q __asan_; }
tool() { "$TGRUN" "$@" --state-dir "$TMP/state"; }
status() { tool status --json | jq -r "$1"; }
check() { # OPTION…: $OUT, $STATUS
	OUT=$(TGRUN_TOKEN=$TOKEN "$TGRUN" check --api-url "$URL" --handler "$TMP/swallow" "$@" 2>&1)
	STATUS=$?
}
sql() { python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2]): print(*row)' "$@"; }
backlog() { # COUNT BYTES: a run that is paused, with as many updates waiting
	start_tgrun --source "$TMP/in" --handler "$TMP/swallow" --mode batch --batch-size 1000 --log-level warn
	exec 9>"$TMP/in"
	wait_for '[ -S "$TMP/state/control" ]'
	tool pause
	jq -nc --argjson n "$1" --argjson bytes "$2" 'range($n) | {update_id: ., message: {message_id: 1, date: 0, chat: {id: (. % 100 + 1), type: "private"},
		text: ("x" * $bytes)}}' >&9
	wait_for '[ "$(status .waiting)" = '"$1"' ]' 60
}
mkfifo "$TMP/in"
start_sandbox

backlog 30000 1200
large=$(size)
fat=$(rss)
ok '[ "$large" -gt 30000000 ]' "a backlog makes a large database ($large bytes)"
tool resume
wait_for '[ "$(status .waiting)" = 0 ]' 60
wait_for '[ "$(size)" -lt 8000000 ]'
ok '[ "$(size)" -lt 8000000 ]' "when it was worked off, the disk gets it back ($(size) bytes are left)"
ok '[ "$(size)" -gt 4000000 ]' "… but for the room that dead letters need on a disk that is full"
ok 'asan || [ "$(rss)" -lt $((fat - 2048)) ]' "… and so does the machine ($fat, then $(rss) KB)"
exec 9>&-
wait_tgrun
is "$STATUS $(cat "$TGRUN_LOG")" "0 " "the run ends well, and without a word"
check --state-dir "$TMP/state"
like "$STATUS $OUT" "^0 " "and check finds nothing wrong"

# A state of 0.1.0, whose file cannot shrink, and which is mostly gaps.
forget
mkdir -m 700 "$TMP/state"
python3 - "$TMP/state/queue.db" <<'EOT'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript(open("tests/data/state-0.1.sql").read())
db.execute("CREATE TABLE gap(x)")
db.execute("INSERT INTO gap SELECT randomblob(1000000) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70) SELECT i FROM n)")
db.execute("DROP TABLE gap")
EOT
chmod 600 "$TMP/state/queue.db"
is "$(sql "$TMP/state/queue.db" "PRAGMA auto_vacuum") $(($(size) > 64000000))" "0 1" "a database that was made without the means to shrink, and has gaps"
run_tgrun --handler "$TMP/swallow" --once
is "$STATUS $(sql "$TMP/state/queue.db" "PRAGMA auto_vacuum") $(($(size) < 2000000))" "0 2 1" "… is written anew at a start"
is "$(grep -c 'looked through' "$TGRUN_LOG")" 0 "… and was looked through, since little of it is in use"

# Too large to be looked through at each start, and damaged in the middle.
forget
backlog 700 100000
kill -TERM "$TGRUN_PID"
exec 9>&-
wait_tgrun
python3 - "$TMP/state/queue.db" <<'EOT'
import os, sys
with open(sys.argv[1], "r+b") as f:
    f.seek(os.path.getsize(sys.argv[1]) // 2 // 4096 * 4096)
    f.write(b"\x0d" + b"\xff" * 4095)
EOT
check --state-dir "$TMP/state"
like "$STATUS $OUT" '^74 ' "check looks through a large database, too"
like "$OUT" "wrong .*queue.db' is damaged" "… and finds what is damaged in it"
rm -f "$TMP/tgrun.log"
start_tgrun --handler "$TMP/swallow" --poll-timeout 20
wait_for 'logged " polling"'
like "$(cat "$TGRUN_LOG")" "warn .*the database is large, and was not looked through for damage: 'tgrun check' does" "a start does not, and says so"
stop_tgrun

# A backup: a copy of the directory while nothing runs.
forget
handler held <<'EOT'
#!/bin/sh
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
echo "$TG_TEXT" >>"$FLOW_MARK/seen"
EOT
: >"$TMP/hold"
start_tgrun --handler "$TMP/held" --poll-timeout 20 --concurrency 1
for text in one two three; do message 1 "$text"; done
wait_for '[ "$(status .waiting)" = 2 ]'
cp -a "$TMP/state/queue.db" "$TMP/alone.db"
start "$TGRUN" stop --wait --state-dir "$TMP/state"
rm "$TMP/hold"
wait_tgrun
wait "$PID"
is "$STATUS $?" "0 0" "stop --wait comes back when all has ended"
cp -a "$TMP/state" "$TMP/backup"
check --state-dir "$TMP/backup"
is "$STATUS" 0 "check takes the copy"
handled=$(wc -l <"$TMP/seen")
message 1 four
run_tgrun --handler "$TMP/held" --once
is "$(tail -n 1 "$TMP/seen")" four "time goes on"
rm -rf "$TMP/state"
cp -a "$TMP/backup" "$TMP/state"
: >"$TMP/seen"
run_tgrun --handler "$TMP/held" --once
is "$STATUS $(wc -l <"$TMP/seen")" "0 $((3 - handled))" "what waited in the copy is handled when it was put back, and no more"
mkdir -m 700 "$TMP/torn"
cp -a "$TMP/state/mark" "$TMP/torn/"
cp -a "$TMP/alone.db" "$TMP/torn/queue.db"
check --state-dir "$TMP/torn"
like "$STATUS $OUT" "^74 " "a copy of the database alone, made from under a run, is refused by check"
like "$OUT" "wrong .*queue.db" "… which says what is the matter with it"
done_testing
