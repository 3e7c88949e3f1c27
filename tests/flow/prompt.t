# Goal: an update's handler starts before the disk is waited for, not after.
# shellcheck shell=sh disable=SC2016,SC2034
case $BUILD in
*asan*)
	echo "1..0 # SKIP has a build of its own, and was run with it already"
	exit 0
	;;
esac
. tests/flow/lib.sh
TGRUN=$PWD/build/crash/tgrun
[ -x "$TGRUN" ] || { echo "Bail out! no $TGRUN: make build-crash"; exit 1; }
note_handler

# That an attempt began is written before its handler starts. So if tgrun dies at the end of the wait for the disk that precedes the next
# poll, the next start knows of the attempt. The first such wait is that before the first poll.
start_sandbox
message 7 hello
CRASHPOINT="before-mark:2:$TMP/killed"
export CRASHPOINT
run_tgrun --handler "$TMP/note"
unset CRASHPOINT
is "$STATUS" 137 "tgrun dies when the update has just been made durable"
: >"$TMP/seen"
start_tgrun --handler "$TMP/note"
wait_for '[ "$(seen ^end)" -eq 1 ]'
is "$(grep '^start' "$TMP/seen")" "start 1 chat:7 1 1 hello" "its handler was on its way by then"
done_testing
