# Goal: as process 1 of a container tgrun gets the orphans of everybody there; when a slot dies, what that slot's handler started is ended, and what came from elsewhere is not.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

case $BUILD in *asan*) skip_all "the leak checker of process 1 cannot look into it" ;; esac
[ "$(id -u)" = 0 ] && unshare --pid --fork --mount-proc true 2>/dev/null || skip_all "no name space of processes can be made here"
handler parent <<'EOT'
#!/bin/sh
sleep 86471 &
setsid sleep 86472 &
setsid env -i sleep 86473 &
while ! pgrep -f '^sleep 86473' >/dev/null; do sleep 0.05; done
echo "start $TG_ATTEMPT ${TG_REDELIVERED:-0}" >>"$FLOW_MARK/seen"
[ -z "$TG_REDELIVERED" ] || exec pkill -f '^sleep 8647[123]'
wait
EOT
sleeps() { pgrep -af '^sleep 864[78][0-9]$' | awk '{ print $3 }' | sort | tr '\n' ' '; }
start_sandbox --no-penalties
for store in sqlite memory; do
	forget
	TGRUN_LOG=$TMP/tgrun.log
	: >"$TGRUN_LOG"
	TGRUN_TOKEN=$TOKEN unshare --pid --fork --kill-child --mount-proc "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --store $store \
		--handler "$TMP/parent" >>"$TGRUN_LOG" 2>&1 </dev/null &
	outer=$!
	wait_for 'logged polling'
	runner=$(pgrep -P "$outer")
	nsenter -t "$runner" -p -m env -u FLOW_MARK sh -c 'sleep 86481 >/dev/null 2>&1 & exec setsid sleep 86482 >/dev/null 2>&1 &'
	wait_for '[ "$(pgrep -P "$runner" -x sleep | wc -l)" = 2 ]'
	is "$(sleeps)" "86481 86482 " "$store: process 1 was given two processes from elsewhere"
	message 7 one
	wait_for '[ "$(seen ^start)" = 1 ]'
	is "$(sleeps)" "86471 86472 86473 86481 86482 " "… and a handler has started three"
	slot=$(ps -o ppid= -p "$(pgrep -f '^sleep 86471' | head -n 1)" | tr -d ' ')
	slot=$(ps -o ppid= -p "$slot" | tr -d ' ')
	is "$(cat "/proc/$slot/comm")" tg-slot "… below a slot"
	kill -KILL "$slot"
	wait_for '[ "$(seen "^start")" = 2 ] && [ "$(sleeps)" = "86481 86482 " ]'
	is "$(seen "^start . 1") $(sleeps)" "1 86481 86482 " "… which is killed: all three are ended, the others live"
	kill -TERM "$runner"
	wait_for '! kill -0 "$outer" 2>/dev/null || grep -q "^State:.*Z" "/proc/$outer/status"'
	wait "$outer"
	is "$?" 0 "… and so does a stop"
done
done_testing
