# Goal: what a handler leaves behind when it ends is waited for, ended or left alone, as --background says.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

# Leaves work behind that ends when it is let go, and then says so; the second update of a chat does not.
handler leaves <<'EOT'
#!/bin/sh
echo "start $TG_UPDATE_ID" >>"$FLOW_MARK/events"
if [ "$TG_UPDATE_ID" = 1 ]; then
	(
		sh -c 'echo "$PPID"' >"$FLOW_MARK/worker"
		until [ -e "$FLOW_MARK/go" ]; do sleep 0.02; done
		echo "work done" >>"$FLOW_MARK/events"
	) &
	until [ -s "$FLOW_MARK/worker" ]; do sleep 0.02; done
	echo "end 1" >>"$FLOW_MARK/events"
	exit "${STATUS:-0}"
fi
EOT
begin() { # OPTION…: two updates of chat 7, then one of chat 8
	anew --no-penalties
	rm -f "$TMP/go" "$TMP/worker"
	: >"$TMP/events"
	push "$(for chat in 7 7 8; do
		echo '{"message":{"message_id":1,"date":0,"chat":{"id":'$chat',"type":"private"},"text":"x"}}'
	done)"
	start_tgrun --handler "$TMP/leaves" "$@"
	wait_for 'grep -q "end 1" "$TMP/events" && grep -q "start 3" "$TMP/events"'
}

# wait, the default.
begin
wait_for 'logged "handled.*update=3"'
ok '! grep -q "start 2" "$TMP/events"' "the chat waits for the work that a handler left in the background"
ok '! logged "update=1 .*attempt=1"' "and its update is not over"
: >"$TMP/go"
wait_for 'logged "handled.*update=2"'
is "$(grep -v 'start 3' "$TMP/events" | tr '\n' ';')" "start 1;end 1;work done;start 2;" "when the work has ended the chat goes on"
ok 'logged "handled .*update=1 "' "and the handler's own exit status decides"
stop_tgrun
is "$STATUS $(dead list --json)" "0 " "with exit 0 it is done"

begin --env STATUS=65
: >"$TMP/go"
wait_for 'logged "handled.*update=2"'
stop_tgrun
is "$(dead list --json | jq -r '"\(.update_id) \(.reason)"')" "1 exited with status 65" "with exit 65 it is a dead letter, though the work ended well"

# wait, past the timeout.
begin --timeout 1s --kill-after 100ms
wait_for 'logged "handled.*update=2"'
is "$(grep -v 'start 3' "$TMP/events" | tr '\n' ';')" "start 1;end 1;start 2;" "work that still runs at the timeout is ended, and then the chat goes on"
ok 'logged "warn .*background work still runs after 1s: .*[(]process $(cat "$TMP/worker").*; ending it .--background leave would .*update=1 "' \
	"with a warning that names what runs, and the option"
ok 'logged "handled .*update=1 "' "and the handler's own status decides still"
stop_tgrun
is "$STATUS $(dead list --json)" "0 " "so its update is done"

# A stop waits for the work, too, and ends it at last.
begin --shutdown-timeout 100ms --kill-after 100ms
stop_tgrun
is "$(grep -c 'work done' "$TMP/events") $(grep -c 'start 2' "$TMP/events")" "0 0" "a stop ends what still works at --shutdown-timeout"
ok 'logged "background work .* still runs at the shutdown deadline: .*[(]process $(cat "$TMP/worker").*; ending it, .*--background leave" && logged "handled .*update=1 "' "with a warning that names it; the handler itself had ended, so its update is done"
is "$STATUS" 0 "and no update is kept because of it"
begin --shutdown-timeout 60s
kill -TERM "$TGRUN_PID"
wait_for 'logged "stopping"'
: >"$TMP/go"
wait_tgrun
is "$STATUS $(grep -c 'work done' "$TMP/events")" "0 1" "within it the work may end"

# kill.
begin --background kill
wait_for 'logged "handled.*update=2"'
is "$(grep -v 'start 3' "$TMP/events" | tr '\n' ';')" "start 1;end 1;start 2;" "--background kill: the work ends with its handler, and the chat goes on"
ok '! kill -0 "$(cat "$TMP/worker")" 2>/dev/null' "nothing of it is left"
ok 'logged "handled .*update=1 "' "and its update is done"
stop_tgrun
is "$STATUS" 0 "and tgrun stops well"

# leave.
begin --background leave
wait_for 'logged "handled.*update=2"'
is "$(grep -v 'start 3' "$TMP/events" | tr '\n' ';')" "start 1;end 1;start 2;" "--background leave: the chat goes on at once"
stop_tgrun
is "$STATUS $(grep -c 'work done' "$TMP/events")" "0 0" "tgrun stops without waiting for the work"
start_tgrun --handler "$TMP/leaves"
wait_for 'logged "polling" && [ "$(grep -c polling "$TGRUN_LOG")" = 2 ]'
: >"$TMP/go"
ok 'wait_for "grep -q \"work done\" \"\$TMP/events\""' "the work outlives tgrun, and its next start"
stop_tgrun

# What was left is on its own: nothing here is kept for it, and what it writes finds a reader when tgrun has gone, too.
anew --no-penalties
rm -f "$TMP/go"
: >"$TMP/events"
handler leaves <<'EOT'
#!/bin/sh
(
	until [ -e "$FLOW_MARK/go" ]; do sleep 0.02; done
	yes | head -c 300000
	yes | head -c 300000 >&2
	echo "written $TG_UPDATE_ID" >>"$FLOW_MARK/events"
) &
EOT
descriptors() { ls "/proc/$TGRUN_PID/fd" | wc -l; }
start_tgrun --handler "$TMP/leaves" --background leave --concurrency 2
message 7 x
wait_for 'logged "handled.*update=1" && [ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .running_count)" = 0 ]'
before=$(descriptors)
for n in 2 3 4 5 6 7 8 9 10 11; do message $n x; done
wait_for 'logged "handled.*update=11"'
ok 'wait_for "[ \$(descriptors) -le $((before + 2)) ]"' "ten more that are left cost tgrun no descriptor"
stop_tgrun
: >"$TMP/go"
wait_for '[ "$(grep -c written "$TMP/events")" = 11 ]'
is "$(grep -c written "$TMP/events")" 11 "what they write when tgrun is gone neither blocks nor ends them"
done_testing
