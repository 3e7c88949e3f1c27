# Goal: what a handler starts as another user cannot be killed: that is said once, its chat waits for its end, and no other chat notices.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086
. tests/flow/lib.sh

nobody='setpriv --reuid 65534 --regid 65534 --clear-groups' # words
# A program that is set-uid root and takes all three user ids, as sudo does.
if [ "$(id -u)" = 0 ] && $nobody true 2>/dev/null; then
	chmod 755 "$TMP"
	cp "$(command -v setpriv)" "$TMP/as-root"
	chmod 4755 "$TMP/as-root"
fi
if [ "$($nobody "$TMP/as-root" --reuid 0 --regid 0 --clear-groups id -ru 2>/dev/null)" != 0 ]; then
	skip_all "not root, or no program may be set-uid here"
fi

handler guard <<'EOT'
#!/bin/sh
echo "start $TG_TEXT" >>"$FLOW_MARK/seen"
[ "$TG_TEXT" = sudo ] || exit 0
"$FLOW_MARK/as-root" --reuid 0 --regid 0 --clear-groups sh -c 'while [ -e "$1/hold" ]; do sleep 0.1; done' x "$FLOW_MARK" &
wait
EOT
start_sandbox --no-penalties
: >"$TMP/hold"
: >"$TMP/seen"
mkdir "$TMP/state"
chown 65534:65534 "$TMP/state" "$TMP/seen"
TGRUN_LOG=$TMP/tgrun.log
: >"$TGRUN_LOG"
TGRUN_TOKEN=$TOKEN $nobody "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/guard" --timeout 300ms --kill-after 100ms \
	--concurrency 2 >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
message 1 sudo
message 1 after
wait_for 'logged "timed out after 300ms"'
message 2 other
wait_for '[ "$(seen "^start other")" = 1 ]'
is "$(tr '\n' ' ' <"$TMP/seen")" "start sudo start other " "another chat goes on while what cannot be killed lives"
wait_for 'logged "cannot be killed .it belongs to another user"' 30
like "$(grep 'cannot be killed' "$TGRUN_LOG")" 'process [0-9]+, which a handler started, cannot be killed .it belongs to another user.; its chat waits for its end' \
	"the log names the process, and why it lives"
message 2 again
wait_for '[ "$(seen "^start again")" = 1 ]'
is "$(seen '^start after')" 0 "its chat waits"
rm "$TMP/hold"
wait_for '[ "$(seen "^start after")" = 1 ]'
is "$(seen '^start after') $(grep -c 'cannot be killed' "$TGRUN_LOG")" "1 1" "when it has ended its chat goes on; it was said once"
is "$($nobody "$TGRUN" dead list --json --state-dir "$TMP/state" | jq -r .reason)" "timed out after 300ms" "the update it was started for is a dead letter"
stop_tgrun
is "$STATUS" 0 "and tgrun stops well"
done_testing
