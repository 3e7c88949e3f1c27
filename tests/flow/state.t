# Goal: the state directory is used only when it is safe to use; each refusal has its exit status, says what would mend it, and changes nothing.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
start_sandbox --no-penalties
state=$TMP/state
refused() { # STATUS ERE WHAT
	rm -f "$TMP/tgrun.log"
	run_tgrun --handler "$TMP/note" --once
	is "$STATUS" "$1" "$3: $1"
	like "$(cat "$TGRUN_LOG")" "$2" "… and the reason"
}
mode() { stat -c '%a' "$1"; }

# What is right, and what is mended.
run_tgrun --handler "$TMP/note" --once --state-dir "$TMP/a/b/c"
is "$STATUS $(mode "$TMP/a") $(mode "$TMP/a/b/c")" "0 700 700" "a missing directory is made, with its parents, mode 700"
(umask 0 && mkdir "$state")
(
	umask 0
	start_tgrun --handler "$TMP/note" --store sqlite
	echo "$TGRUN_PID" >"$TMP/pid"
	wait_for '[ "$(stats .open_polls)" = 1 ]'
)
TGRUN_PID=$(cat "$TMP/pid")
is "$(mode "$state")" 700 "a directory with mode 777 is made private"
ok '[ "$(find "$state" -mindepth 1 | wc -l)" -ge 4 ]' "… with files: $(find "$state" -mindepth 1 -printf '%f ')"
is "$(find "$state" -mindepth 1 ! -perm 600 -printf '%f %m %y ')" "data 700 d " "… each of mode 600, whatever the umask, and the handlers' directory of 700"
kill "$TGRUN_PID"
wait_for '! kill -0 "$TGRUN_PID" 2>/dev/null'
TGRUN_PID=
TGRUN_LOG=$TMP/tgrun.log

# What stands in the way.
rm -rf "$state"
echo precious >"$state"
refused 73 'state directory.*no(t a)? directory' "a file in the directory's place"
is "$(cat "$state")" precious "… which is left alone"
rm "$state"
mkdir "$TMP/real"
ln -s "$TMP/real" "$state"
chmod 755 "$TMP/real"
if [ "$(id -u)" = 0 ]; then
	chown -h 65534 "$state"
	refused 73 'symbolic link' "a symbolic link of another user's"
	is "$(ls -A "$TMP/real")" "" "… and nothing is made behind it"
	rm "$state"
	mkdir "$state"
	chown 65534 "$state"
	refused 73 'belongs to user 65534.*chown' "a directory of another user's"
	is "$(stat -c %u "$state") $(ls -A "$state")" "65534 " "… which is left alone"
else
	echo "# not root: other users' directories are not tried"
fi
rm -rf "$state"
mkdir -m 700 "$state"
echo precious >"$TMP/target"
for file in run.lock slots.lock mark queue.db; do
	ln -s "$TMP/target" "$state/$file"
	refused 73 "$file' is a symbolic link" "a symbolic link as $file"
	is "$(cat "$TMP/target")" precious "… which is not followed"
	rm "$state/$file"
done
mkdir "$state/queue.db"
refused 73 "queue.db' is not a file" "a directory as queue.db"
rmdir "$state/queue.db"
if [ "$(id -u)" = 0 ] && mkdir "$TMP/ro" && mount -t tmpfs -o size=1m,mode=700 tmpfs "$TMP/ro" 2>/dev/null; then
	mount -o remount,ro "$TMP/ro"
	rm -rf "$state"
	ln -s "$TMP/ro" "$state"
	refused 73 'Read-only file system' "a read-only file system"
	umount "$TMP/ro"
	rm "$state"
else
	echo "# no file system can be mounted here: a read-only one is not tried"
fi

# Whose state it is, and which version.
message 7 mine
forget
run_tgrun --handler "$TMP/note" --once
is "$STATUS $(seen ^end)" "0 1" "a good state"
before=$(sha256sum <"$state/queue.db")
TGRUN_TOKEN=999999:sandbox-secret "$TGRUN" --api-url "$URL" --state-dir "$state" --handler "$TMP/note" --once >"$TMP/out" 2>&1
is "$? $(grep -o 'belongs to bot 123456, not to 999999' "$TMP/out")" "78 belongs to bot 123456, not to 999999" "another bot's state: 78, and both are named"
if command -v python3 >/dev/null; then
	sql() { python3 -c 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute(sys.argv[2]); d.commit(); d.close()' "$1" "$2"; }
	sql "$state/queue.db" 'PRAGMA user_version = 99'
	refused 78 'written by a newer tgrun' "a newer tgrun's state"
	rm -f "$state"/queue.db*
	sql "$state/queue.db" 'CREATE TABLE t(x)'
	rm "$state/mark"
	refused 78 'but not of tgrun' "another program's database"
else
	echo "# no python3: versions are tried by the unit test of the store"
fi

# Damage. The database is never replaced.
forget
run_tgrun --handler "$TMP/note" --once
head -c 3000 /dev/urandom | dd of="$state/queue.db" bs=1 seek=20 conv=notrunc 2>/dev/null
before=$(sha256sum <"$state/queue.db")
refused 74 "queue.db' is damaged.*restore it from a backup" "a damaged database"
is "$(sha256sum <"$state/queue.db")" "$before" "… is left as it is"
forget
: >"$TMP/hold"
message 7 kept
start_tgrun --handler "$TMP/note"
wait_for '[ "$(seen ^start)" = 1 ]'
kill -KILL "$TGRUN_PID"
wait "$TGRUN_PID" 2>/dev/null
rm "$TMP/hold"
TGRUN_PID=
wait_for '[ -z "$(pgrep -f "$TMP/note")" ]'
mkdir "$TMP/copy" && cp -a "$state/." "$TMP/copy/"
for loss in 'rm -f queue.db queue.db-wal' 'rm -f queue.db-wal' ': >queue.db'; do
	rm -rf "$state"
	cp -a "$TMP/copy" "$state"
	(cd "$state" && eval "$loss")
	refused 74 'says that update [0-9]+ was on disk' "after '$loss'"
done
rm -rf "$state"
cp -a "$TMP/copy" "$state"
: >"$TMP/seen"
start_tgrun --handler "$TMP/note"
wait_for '[ "$(seen "^end.*kept")" = 1 ]'
stop_tgrun
is "$STATUS $(seen '^end.*kept')" "0 1" "the untouched copy is good, and its update is handled"

# Where it is when nobody names it.
unset STATE_DIRECTORY
export TGRUN_TOKEN="$TOKEN" TGRUN_API_URL="$URL"
HOME=$TMP/home XDG_STATE_HOME='' "$TGRUN" --handler "$TMP/note" --once >"$TMP/out" 2>&1
ok '[ -f "$TMP/home/.local/state/tgrun/123456/queue.db" ]' "the default: ~/.local/state/tgrun/BOT_ID"
XDG_STATE_HOME=$TMP/xdg "$TGRUN" --handler "$TMP/note" --once >"$TMP/out" 2>&1
ok '[ -f "$TMP/xdg/tgrun/123456/queue.db" ]' "… XDG_STATE_HOME/tgrun/BOT_ID"
mkdir "$TMP/systemd"
STATE_DIRECTORY=$TMP/systemd XDG_STATE_HOME=$TMP/xdg2 "$TGRUN" --handler "$TMP/note" --once >"$TMP/out" 2>&1
ok '[ -f "$TMP/systemd/queue.db" ] && [ ! -e "$TMP/xdg2" ]' "… STATE_DIRECTORY before it"
message 7 memory
: >"$TMP/seen"
"$TGRUN" --handler "$TMP/note" --once --store memory --state-dir "$TMP/none" >"$TMP/out" 2>&1
is "$? $(seen ^end)" "0 1" "--store memory handles updates"
is "$(cd "$TMP/none" && ls)" "$(printf 'data\nrun.lock\nslots.lock')" "… and keeps nothing but locks, and what handlers keep"
done_testing
