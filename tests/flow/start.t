# Goal: a handler that cannot be started is told at the start with a sentence that says what to do; while running it touches no update, and
# all goes on by itself when it is mended.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

start_sandbox --no-penalties
message 7 x
mkdir "$TMP/directory"
printf '#!/bin/sh\n' >"$TMP/plain"
chmod 644 "$TMP/plain"
handler no_shebang <<'EOT'
echo hello
EOT
handler bad_interpreter <<'EOT'
#!/nonexistent/python3 -u
EOT
handler carriage <<'EOT'
#!/bin/sh
EOT
printf '#!/bin/sh\r\necho x\r\n' >"$TMP/carriage"
ln -s "$TMP/nowhere" "$TMP/dangling"
: >"$TMP/empty"
chmod 755 "$TMP/empty"

# refused HANDLER ERE: 78, and a sentence.
refused() {
	rm -f "$TMP/tgrun.log"
	run_tgrun --handler "$1"
	is "$STATUS" 78 "the handler '$(echo "$1" | sed "s|$TMP/||g")' is refused at the start"
	like "$(cat "$TGRUN_LOG")" "$2" "with a sentence that says what to do: $2"
	is "$(grep -c . "$TGRUN_LOG")" 1 "and only that"
}
refused "$TMP/missing" "missing' does not exist"
refused no_such_program_anywhere "not in PATH; install it"
refused plain "not in PATH"
refused "$TMP/plain" "is not executable; chmod \+x '$TMP/plain'"
refused "$TMP/directory" "is a directory; name the program in it"
refused "$TMP/dangling" "symbolic link to nothing"
refused "$TMP/no_shebang" "#!"
refused "$TMP/empty" "empty|#!"
refused "$TMP/bad_interpreter" "/nonexistent/python3"
refused "$TMP/carriage" "line ends|carriage|dos2unix|CR"
refused "cat | $TMP/missing" "missing' does not exist"
is "$(stats '"\(.pending) \(.polls)"')" "1 0" "no update was asked for meanwhile"

# While running.
handler good <<'EOT'
#!/bin/sh
echo "$TG_UPDATE_ID $TG_ATTEMPT ${TG_REDELIVERED:-0}" >>"$FLOW_MARK/events"
EOT
cp "$TMP/good" "$TMP/good.kept"
: >"$TMP/events"
handled() { grep -q "^$1 " "$TMP/events"; }

# pause WHAT DO ERE: while running, DO spoils the handler; four updates of three chats come; the handler is put back.
number=0
spoil() {
	anew --no-penalties
	: >"$TMP/events"
	message 7 before
	start_tgrun --concurrency 2 --max-attempts 1 --handler "$TMP/good"
	wait_for 'handled 1'
	eval "$2"
	push "$(for chat in 7 7 8 9; do
		echo '{"message":{"message_id":1,"date":0,"chat":{"id":'$chat',"type":"private"},"text":"x"}}'
	done)"
	wait_for 'logged "cannot be started"'
	like "$(cat "$TGRUN_LOG")" " error .*cannot be started: $3" "a handler that $1 while running is an error in the log, with what to mend"
	wait_for '[ "$(stats .pending)" = 0 ]'
	is "$(wc -l <"$TMP/events") $(dead list --json | wc -l)" "1 0" "starting pauses, updates are still received, and none is touched"
	rm -rf "$TMP/good"
	cp -p "$TMP/good.kept" "$TMP/good.new" && mv "$TMP/good.new" "$TMP/good"
	ok 'wait_for "handled 2 && handled 3 && handled 4 && handled 5"' "when it is back all goes on"
	is "$(sort "$TMP/events" | tr '\n' ';')" "1 1 0;2 1 0;3 1 0;4 1 0;5 1 0;" "and the failed starts do not count as attempts"
	stop_tgrun
	is "$STATUS" 0 "and it stops well"
}
spoil "is deleted" 'rm "$TMP/good"' 'No such file.*No update is touched'
spoil "loses its executable bit" 'chmod 644 "$TMP/good"' 'Permission denied.*chmod \+x'
spoil "is written without its first line" 'echo "echo x" >"$TMP/good"' 'Exec format error.*#!'
spoil "becomes a directory" 'rm "$TMP/good" && mkdir "$TMP/good"' 'Permission denied'
spoil "gets an interpreter that is missing" 'echo "#!/nonexistent/sh" >"$TMP/good"' "No such file.*'#!'"
# Linux 6.11 and 6.12 let a file be executed while it is written.
if ! (exec 5>>"$TMP/good" && "$TMP/good") 2>/dev/null; then
	spoil "is being written" 'exec 5>>"$TMP/good"' 'Text file busy; is it still being written\?'
	exec 5>&-
fi

# A stop does not wait for it.
anew --no-penalties
: >"$TMP/events"
message 7 before
start_tgrun --handler "$TMP/good"
wait_for 'handled 1'
rm "$TMP/good"
message 7 x
wait_for 'logged "cannot be started"'
stop_tgrun
is "$STATUS" 0 "a stop while starting pauses is a good one"
cp -p "$TMP/good.kept" "$TMP/good"
run_tgrun --once --handler "$TMP/good"
is "$STATUS $(tr '\n' ';' <"$TMP/events")" "0 1 1 0;2 1 0;" "and the next start handles what was left, as if for the first time"

# An errno that says nothing of a file is not taken for one that says it is not there.
ln -s loop "$TMP/loop"
printf '#!%s\n' "$TMP/loop" >"$TMP/looped" && chmod 755 "$TMP/looped"
TGRUN_TOKEN=$TOKEN "$TGRUN" --handler "$TMP/looped" --store memory --once >"$TMP/out" 2>&1
like "$? $(cat "$TMP/out")" "^78 .*cannot look at '$TMP/loop', which the handler '.*/looped' needs: Too many levels" "an interpreter that cannot be looked at"
TGRUN_TOKEN=$TOKEN PATH=$TMP:$PATH "$TGRUN" --handler loop --store memory --once >"$TMP/out" 2>&1
like "$? $(cat "$TMP/out")" "^78 .*cannot look at the handler 'loop': Too many levels" "… a handler in PATH"
mkdir "$TMP/credentials" && ln -s token "$TMP/credentials/token"
CREDENTIALS_DIRECTORY=$TMP/credentials "$TGRUN" --handler "$TMP/good" --store memory --once >"$TMP/out" 2>&1
like "$? $(cat "$TMP/out")" "^77 .*cannot open the token file '$TMP/credentials/token': Too many levels" "… a token"

# The directory of --chdir is another matter than the handler.
mkdir "$TMP/room"
message 7 away
rm -f "$TMP/tgrun.log"
start_tgrun --handler "$TMP/good" --chdir "$TMP/room"
wait_for 'logged " handled "'
rmdir "$TMP/room"
message 7 gone
wait_for 'logged "the handler cannot be started"'
like "$(cat "$TGRUN_LOG")" "cannot be started: its directory '$TMP/room' cannot be entered: No such file or directory; it is that of --chdir" "a --chdir that was removed while tgrun runs is named"
is "$(grep -c 'interpreter\|after its' "$TGRUN_LOG")" 0 "… and nothing is said of the handler"
mkdir "$TMP/room"
wait_for '[ "$(grep -c " handled " "$TGRUN_LOG")" = 2 ]'
is "$(grep -c ' handled ' "$TGRUN_LOG")" 2 "… when it is back, the update is handled"
stop_tgrun

# Without /proc nothing that a handler starts could be found again. Only where a test may make a name space of its own, and not with
# sanitizers, which need it themselves.
# shellcheck disable=SC2016 # that shell's own
if [ "${BUILD%asan}" = "$BUILD" ] && unshare -m sh -c 'mount -t tmpfs none /proc' 2>/dev/null; then
	message 7 unseen
	unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' x "$TGRUN" --token "$TOKEN" --api-url "$URL" --state-dir "$TMP/state" \
		--handler "$TMP/good" --once >"$TMP/out" 2>&1
	is "$?" 78 "without /proc tgrun does not start"
	like "$(cat "$TMP/out")" "error '/proc' is not mounted here" "and says so"
	run_tgrun --once --handler "$TMP/good"
	is "$STATUS $(handled 3 && echo handled)" "0 handled" "the update is still at Telegram"
else
	diag "no name space can be made here, or sanitizers are in: a start without /proc was not tried"
fi

done_testing
