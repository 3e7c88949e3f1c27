# Goal: the state of tgrun 0.1.0 goes on with this version: nothing lost, nothing twice, order kept; cut off at any step, it
# goes on at the next start; and the old database stays until the first clean end.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

# A state of 0.1.0 in $TMP/state: the fixture, of this sandbox and this minute, and MORE updates behind.
old_state() { # [MORE]
	rm -rf "$TMP/state"
	mkdir -m 700 "$TMP/state"
	python3 - "$TMP/state/queue.db" "$URL" "${1:-0}" <<-'EOT'
		import sqlite3, sys, time
		db = sqlite3.connect(sys.argv[1])
		db.executescript(open('tests/data/state-0.1.sql').read())
		now, url, more = int(time.time() * 1000), sys.argv[2], int(sys.argv[3])
		db.execute("UPDATE roots SET url = ?", (url,))
		db.execute("UPDATE updates SET received = ?, due = CASE WHEN due > 0 THEN ? ELSE 0 END", (now, now + 200000))
		for i in range(8, 8 + more):
		    body = '{"update_id":%d,"message":{"chat":{"id":%d},"text":"more"}}' % (i, i)
		    db.execute("INSERT INTO updates VALUES(?, 1, ?, 0, 'message', ?, 0, ?, 0, 0, 0, 0, 0)", (i, i, 'topic:%d' % i, now))
		    db.execute("INSERT INTO bodies VALUES(?, ?)", (i, body.encode()))
		db.execute("UPDATE meta SET value = ? WHERE name = '.last-seq'", (str(7 + more),))
		db.commit()
		db.execute("PRAGMA journal_mode = WAL")
		db.close()
	EOT
	chmod 600 "$TMP/state/queue.db"
}

# The numbers of what waits, or of the letters.
numbers() { # queue|dead
	TGRUN_TOKEN=$TOKEN "$TGRUN" "$1" list --json --state-dir "$TMP/state" | jq -r '.number // .seq' | sort -n | tr '\n' ' '
}

# What the server has: the seven of the fixture, which it repeats since nobody confirmed them.
again() {
	python3 -c '
import re, sqlite3
db = sqlite3.connect(":memory:")
db.executescript(open("tests/data/state-0.1.sql").read())
bodies = [b.decode() for b, in db.execute("SELECT body FROM bodies UNION SELECT body FROM dead")]
for body in sorted(bodies, key=lambda b: int(re.search(r"\d+", b).group())):
    print(body)' | push -
}

note_handler
start_sandbox --no-penalties --first-id 1
old_state
run_tgrun --handler "$TMP/note" --key topic --once
is "$STATUS" 0 "a state of 0.1.0 is taken over"
is "$(grep -c '^start [35] .* 1 1 run' "$TMP/seen")" 2 "what ran is handed out again, and is told so"
is "$(grep '^start' "$TMP/seen" | grep -c 'three$')" 2 "and what waited behind it comes"
is "$(grep '^start [34] ' "$TMP/seen" | cut -d ' ' -f 2 | tr '\n' ' ')" "3 4 " "in order"
is "$(seen '^start [1267] ')" 0 "what was handled, what died, and what is due later is not handed out"
is "$(numbers queue)" "2 " "what is due later waits for its time"
is "$(numbers dead)" "1 " "the dead letter is there"
is "$(dead show 1 --json | jq -r '"\(.update_id) \(.reason)"')" "1 exited with status 65" "whole"
ok '[ ! -e "$TMP/state/queue.db.0.1" ]' "the old database went with the first clean end"

# The server repeats all of them.
anew --no-penalties --first-id 1
: >"$TMP/seen"
old_state
python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute("DELETE FROM offsets"); db.commit()' "$TMP/state/queue.db"
again
start_tgrun --handler "$TMP/note" --key topic
wait_for '[ "$(seen ^end)" -ge 3 ] && [ "$(stats .confirmed)" -ge 5 ]'
ok '[ -e "$TMP/state/queue.db.0.1" ]' "while it runs, the old database is kept"
is "$(seen '^start')" 3 "what the server repeats is known, also what was finished before"
kill -9 "$TGRUN_PID"
wait "$TGRUN_PID" 2>/dev/null
TGRUN_PID=
ok '[ -e "$TMP/state/queue.db.0.1" ]' "after kill -9, too"
run_tgrun --handler "$TMP/note" --key topic --once
ok '[ ! -e "$TMP/state/queue.db.0.1" ]' "and goes with the next clean end"

# A full backlog.
anew --no-penalties --first-id 1
: >"$TMP/seen"
old_state 100000
start_tgrun --handler /bin/true --key topic --concurrency 1
wait_for 'logged polling || logged "backlog is full"' 60
like "$(TGRUN_TOKEN=$TOKEN "$TGRUN" status --json --state-dir "$TMP/state" | jq -r '.waiting + .done + .running_count')" '^10000[34]$' \
	"100,000 that wait are all there"
stop_tgrun

# Cut off at each step.
CRASH=$PWD/build/crash/tgrun
case $BUILD in
*asan*) ;;
*)
	for point in before-migration migration-linked migration-renamed; do
		: >"$TMP/seen"
		old_state
		TGRUN=$CRASH CRASHPOINT="$point:1:$TMP/crashed.$point" run_tgrun --handler "$TMP/note" --key topic --once
		ok '[ -e "$TMP/crashed.$point" ]' "killed at $point"
		run_tgrun --handler "$TMP/note" --key topic --once
		is "$STATUS $(seen '^end [345] ') $(numbers queue)$(numbers dead)" "0 3 2 1 " "the next start goes on"
	done
	;;
esac

# No room for it.
if [ "$(id -u)" = 0 ]; then
	old_state 20000
	size=$(($(stat -c %s "$TMP/state/queue.db") / 1048576))
	mkdir "$TMP/small"
	if mount -t tmpfs -o size=$((size + 8))m,mode=700 tmpfs "$TMP/small" 2>/dev/null; then
		trap 'umount -l "$TMP/small" 2>/dev/null; cleanup' EXIT
		cp "$TMP/state/queue.db" "$TMP/small/"
		before=$(sha256sum <"$TMP/small/queue.db")
		TGRUN_LOG=$TMP/tgrun.log
		TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/small" --handler "$TMP/note" --once >"$TGRUN_LOG" 2>&1
		is "$?" 74 "without room for the new database: 74"
		like "$(cat "$TGRUN_LOG")" 'MB of disk, of which .* free; make room, nothing was changed' "with a sentence"
		is "$(sha256sum <"$TMP/small/queue.db") $(find "$TMP/small" -name 'queue.db*' | wc -l)" "$before 1" "and the old one is untouched"
	else
		diag "no small file system can be mounted here"
	fi
fi
done_testing
