# Goal: root may look after anybody's state, with a running tgrun and without, and leaves it its owner's; who else comes to it is told what would help.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086
. tests/flow/lib.sh

nobody='setpriv --reuid 65534 --regid 65534 --clear-groups' # words
[ "$(id -u)" = 0 ] && $nobody true 2>/dev/null || skip_all "not root"
# The leak checker may not look into a process that has become another user.
case $BUILD in *asan*) export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" ;; esac
handler fail <<'EOT'
#!/bin/sh
exit 65
EOT
chmod 755 "$TMP"
start_sandbox --no-penalties
# As systemd makes it with DynamicUser: the user's own directory in one that is root's alone, and a link to it.
private=$TMP/private
state=$private/bot
mkdir "$private" "$state"
chown 65534:65534 "$state"
ln -s private/bot "$TMP/state"
TGRUN_LOG=$TMP/tgrun.log
theirs() { # COMMAND…: what the owner runs
	chmod 755 "$private"
	TGRUN_TOKEN=$TOKEN $nobody "$TGRUN" "$@" --state-dir "$TMP/state"
}
listing() { find "$state" -printf '%P %U:%G %m\n' | sort; }
foreign() { find "$state" \( ! -user 65534 -o ! -group 65534 \) -printf '%P '; }

# Without a running tgrun.
message 1 one
message 2 two
message 3 three
theirs run --api-url "$URL" --handler "$TMP/fail" --once >"$TGRUN_LOG" 2>&1
is "$(theirs dead list --json | wc -l)" 3 "another user's state with three dead letters"
chmod 700 "$private"
before=$(listing)
is "$(dead list --json | wc -l)" 3 "root lists them"
is "$(dead drop 1 2>&1)" "1 dropped" "… and drops one"
is "$(TGRUN_TOKEN=$TOKEN "$TGRUN" queue list --state-dir "$TMP/state" 2>&1)" "nothing waits" "… and looks at the queue"
is "$(listing)" "$before" "… and owners, modes and files stay as they were"
rm "$state/run.lock" "$state/slots.lock" "$state/mark" "$state"/queue.db-* 2>/dev/null
is "$(dead list --json | wc -l) $(foreign)" "2 " "what root has to make there is the owner's"
TGRUN_TOKEN=$TOKEN "$TGRUN" status --state-dir "$TMP/state" >"$TMP/out" 2>&1
is "$? $(grep -c 'no tgrun runs' "$TMP/out") $(grep -c chown "$TMP/out")" "69 1 0" "status: none runs, and no advice to change owners"
TGRUN_TOKEN=$TOKEN "$TGRUN" send --api-url "$URL" --state-dir "$TMP/state" --chat 5 --text=root >"$TMP/out" 2>&1
is "$? $(deliveries .text) $(foreign)" "0 root " "root sends a message where none runs, and what is stored of it is the owner's"
chmod 755 "$private"
chmod 750 "$state"
dead list >/dev/null
is "$(stat -c %a "$state")" 750 "root leaves a mode as it is"
chmod 700 "$state"

# With one.
note_handler
chown 65534 "$TMP/seen"
: >"$TGRUN_LOG"
TGRUN_TOKEN=$TOKEN $nobody "$TGRUN" --api-url "$URL" --state-dir "$state" --handler "$TMP/note" >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
wait_for 'logged polling'
chmod 700 "$private"
is "$(TGRUN_TOKEN=$TOKEN "$TGRUN" status --json --state-dir "$TMP/state" | jq -r .state)" running "root asks a tgrun that runs"
mkdir -p "$TMP/xdg/tgrun"
ln -s "$TMP/state" "$TMP/xdg/tgrun/bot"
is "$(XDG_STATE_HOME=$TMP/xdg "$TGRUN" list --json | jq -r --arg mine "$TMP/" 'select(.state_dir | startswith($mine)) | "\(.state_dir) \(.state)"')" "$TMP/xdg/tgrun/bot running" "… and lists it"
# With no more than the capabilities that the unit of the metrics leaves root.
left=$(sed -n 's/^CapabilityBoundingSet=//p' 'share/tgrun-metrics@.service' | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
setpriv --bounding-set "-all,$left" --inh-caps=-all env TGRUN_TOKEN=$TOKEN "$TGRUN" status --prometheus --state-dir "$TMP/state" >"$TMP/out" 2>&1
is "$? $(grep -c '^tgrun_build_info{' "$TMP/out")" "0 1" "… and so does tgrun-metrics@.service, which has less rights" || diag "$(cat "$TMP/out")"
is "$(dead retry 2 2>&1)" "2 is to be handled again" "… and has it try again"
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(seen ^end) $(foreign)" "1 " "… which it does; nothing became root's"
run_as_root=$(TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$state" --handler "$TMP/note" --once 2>&1)
is "$?" 73 "root's own tgrun is not to run on it: 73"
like "$run_as_root" 'belongs to user 65534, whose tgrun uses it now; run this one as that user' "… and is told why"
is "$(printf %s "$run_as_root" | grep -c chown)" 0 "… without advice that would break the one that runs"
is "$(TGRUN_TOKEN=$TOKEN "$TGRUN" stop --wait --state-dir "$TMP/state" 2>&1; echo $?)" 0 "root stops it"
wait_tgrun
is "$STATUS $(foreign)" "0 " "… well"
chmod 755 "$private"
is "$(TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$state" --handler "$TMP/note" --once 2>&1 | grep -c "run it as that user, or, when no tgrun uses it, mend it by: chown -R 0")" 1 "when none runs, both ways out are named"

# Others.
other='setpriv --reuid 65533 --regid 65533'
TGRUN_TOKEN=$TOKEN $other --clear-groups "$TGRUN" status --state-dir "$state" >"$TMP/out" 2>&1
like "$? $(cat "$TMP/out")" '^73 .*(belongs to user 65534; ask as that user, or as root|Permission denied)' "another user is told whom to ask"
is "$(grep -c chown "$TMP/out")" 0 "… and not to change owners"
mkdir -m 770 "$TMP/volume"
chgrp 4242 "$TMP/volume"
chmod 666 "$TMP/seen"
TGRUN_TOKEN=$TOKEN $other --groups 4242 "$TGRUN" --api-url "$URL" --state-dir "$TMP/volume" --handler "$TMP/note" --once >"$TMP/out" 2>&1
like "$? $(cat "$TMP/out")" "^73 .*may be written; name a directory in it.*--state-dir '$TMP/volume/tgrun'" "a volume that is root's, and may be written: the directory to name is named"
TGRUN_TOKEN=$TOKEN $other --groups 4242 "$TGRUN" --api-url "$URL" --state-dir "$TMP/volume/tgrun" --handler "$TMP/note" --once >"$TMP/out" 2>&1
is "$?" 0 "… and works"
done_testing
