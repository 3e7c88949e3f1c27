# Goal: a handler that fails on everything, or cannot be started, is tried one start at a time, in every mode; what was under way together
# counts once. Told by what handlers write down, on a clock that runs twenty times as fast.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

# A line for each start and end, as long as $TMP/bad is there; it takes its time, so that starts would be seen to overlap.
handler probed <<'EOT'
#!/bin/sh
[ -e "$FLOW_MARK/bad" ] || exit 0
read -r line
id=${line#*'"update_id":'}
id=${id%%,*}
echo "start $id" >>"$FLOW_MARK/events"
sleep 0.1
echo "end $id" >>"$FLOW_MARK/events"
exit 1
EOT
# The same as a worker that stays and says of each update that it failed.
handler worker <<'EOT'
#!/bin/sh
echo '{"ready":true,"concurrency":4}' >&3
while read -r line; do
	id=${line#*'"id":"'}
	id=${id%%'"'*}
	if [ -e "$FLOW_MARK/bad" ]; then
		echo "start $id" >>"$FLOW_MARK/events"
		sleep 0.1
		echo "end $id" >>"$FLOW_MARK/events"
		echo "{\"id\":\"$id\",\"ok\":false}" >&3
	else
		echo "{\"id\":\"$id\",\"ok\":true}" >&3
	fi
done
EOT
count() { grep -c "^$1" "$TMP/events"; }
# The most starts of updates that had been tried before that were under way at once. None is tried twice before the breaker opens, and
# what was under way then, however late it comes to write its line, is tried for the first time.
most_at_once() {
	awk '$1 == "start" && tried[$2]++ { again[$2] = 1; if (++now > most) most = now }
		$1 == "end" && again[$2] { delete again[$2]; now-- }
		END { print most + 0 }' "$TMP/events"
}
waiting() { "$TGRUN" status --json --state-dir "$TMP/state" | jq .waiting; }
# Sixty updates of sixty chats: messages, or every other one edited.
messages() { generate 60 60; }
mixed() {
	push "$(for chat in $(seq 60); do
		kind=$([ $((chat % 2)) = 0 ] && echo message || echo edited_message)
		echo '{"'"$kind"'":{"message_id":1,"date":0,"chat":{"id":'"$chat"',"type":"private"},"text":"x"}}'
	done)"
}
# When the tenth failure opens the breaker, as many OTHERS may be under way. Three starts after them are enough to tell, as each waits twice as long.
probes() { # WHAT OTHERS UPDATES OPTION…
	what=$1 early=$((10 + $2)) updates=$3
	shift 3
	anew --no-penalties
	: >"$TMP/bad"
	: >"$TMP/events"
	$updates
	start_tgrun --breaker 10 --concurrency 8 "$@"
	wait_for '[ "$(count end)" -ge $((early + 3)) ] && logged "fails on everything"'
	rm "$TMP/bad"
	is "$(most_at_once)" 1 "$what: after the breaker opened one is started at a time"
	ok 'wait_for "[ \"\$(stats .pending) \$(waiting)\" = \"0 0\" ]"' "… and when one succeeds all the rest is handled"
	is "$(grep -c 'fails on everything' "$TGRUN_LOG") $(dead list --json | wc -l)" "1 9" "… it was said once, and only what failed before is a dead letter"
	stop_tgrun
}
machine MACHINE_SPEED=20
probes "a process for each" 7 messages --handler "$TMP/probed"
probes "what bypasses, and what does not" 15 mixed --handler "$TMP/probed" --bypass edited_message
probes "what has no key" 7 messages --handler "$TMP/probed" --key none
probes "a batch" 7 messages --handler "$TMP/probed" --mode batch --batch-wait 0
probes "workers" 7 messages --handler "$TMP/worker" --workers 2

# A handler that cannot be started for a while.
handler there <<'EOT'
#!/bin/sh
exit 0
EOT
# Starts between the failures of these numbers.
starts_between() { # FROM TO
	awk -v from=" failures=$1 " -v to=" failures=$2 " 'index($0, "cannot be started") && index($0, to) { exit }
		within && / handler started / { n++ }
		index($0, "cannot be started") && index($0, from) { within = 1 }
		END { print n + 0 }' "$TGRUN_LOG"
}
missing() { # WHAT OPTION…
	what=$1
	shift
	cp -p "$TMP/there" "$TMP/fragile"
	anew --no-penalties
	start_tgrun --log-level debug --concurrency 8 --handler "$TMP/fragile" "$@"
	wait_for 'logged " polling"'
	printf '#!/nonexistent/interpreter\n' >"$TMP/broken" && chmod 755 "$TMP/broken" && mv "$TMP/broken" "$TMP/fragile"
	generate 60 60
	wait_for 'logged "cannot be started.* failures=3 "'
	cp -p "$TMP/there" "$TMP/mended" && mv "$TMP/mended" "$TMP/fragile"
	ok 'wait_for "[ \"\$(stats .pending) \$(waiting)\" = \"0 0\" ]"' "$what: when the handler can be started again all are handled"
	is "$(starts_between 1 2) $(starts_between 2 3)" "1 1" "… meanwhile one start was tried at a time, and those that failed together counted once"
	is "$(grep -Ec ' (error|warn) .*cannot be started' "$TGRUN_LOG") $(dead list --json | wc -l)" "1 0" "… it was said once, and no update was charged"
	stop_tgrun
}
missing "a process for each"
missing "a batch" --mode batch --batch-wait 0 --batch-size 5
missing "what bypasses" --bypass message
done_testing
