# Goal: what is charged to no update is counted all the same, and has an end: deaths of its slot, stops; and who asks for another time is not given up
# while everybody does.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

letters() { dead list --json | jq -r '"\(.update.message.text) \(.attempts) \(.reason)"'; }
queue() { "$TGRUN" queue list --json --state-dir "$TMP/state" | jq -c '[.update_id, .failures, .deaths, .interruptions]'; }

# A handler that kills its slot.
machine MACHINE_SPEED=30
start_sandbox
handler killer <<'EOT'
#!/bin/sh
echo "$TG_TEXT ${TG_REDELIVERED:-0}" >>"$FLOW_MARK/seen"
case $TG_TEXT in poison*) kill -KILL $PPID; sleep 60 ;; esac
EOT
: >"$TMP/seen"
message 1 poison
message 1 after
start_tgrun --handler "$TMP/killer"
wait_for '[ "$(seen ^after)" = 1 ]'
is "$(sed -n 's/^poison //p' "$TMP/seen" | tr '\n' ' ')" "0 1 1 1 1 " "an update that kills its slot, in one chat alone, does so five times, four of them told as repeated"
is "$(letters)" "poison 5 given up after 5 deaths, at last: its slot died" "… then it is a dead letter that says so, and its chat goes on"
stop_tgrun

forget
: >"$TMP/seen"
for chat in 1 2 3 4; do message "$chat" "poison$chat"; done
for chat in 11 12 13 14 15 16; do message "$chat" "other$chat"; done
start_tgrun --handler "$TMP/killer" --concurrency 4
wait_for '[ "$(letters | wc -l)" = 4 ]' 60
is "$(letters | cut -d' ' -f 2- | sort -u)" "5 given up after 5 deaths, at last: its slot died" "several that do have five each"
is "$(seen '^other.* 0$')" 6 "… and all others are handled, once"
stop_tgrun

# The same of a worker.
forget
handler worker <<'EOT'
#!/bin/sh
while IFS= read -r line; do
	id=${line#*'"id":"'}
	echo "$id $line" | sed 's/ .*"text":"\([a-z]*\)".*/ \1/' >>"$FLOW_MARK/seen"
	case $line in *poison*) kill -KILL $PPID; sleep 60 ;; esac
	printf '{"id":"%s","ok":true}\n' "${id%%'"'*}" >&3
done
EOT
message 1 poison
message 2 good
message 1 after
start_tgrun --handler "$TMP/worker" --workers 1
wait_for '[ "$(seen after)" = 1 ]' 60
is "$(seen poison) $(letters)" "5 poison 5 given up after 5 deaths, at last: its slot died" "an update that kills its worker's slot ends the same way"
stop_tgrun
machine

# Stops.
anew --no-penalties
handler slow <<'EOT'
#!/bin/sh
echo "$TG_TEXT ${TG_REDELIVERED:-0}" >>"$FLOW_MARK/seen"
[ "$TG_TEXT" != slow ] || sleep 60
EOT
: >"$TMP/seen"
message 1 slow
round=0
while [ "$round" -lt 25 ] && [ "$(letters | wc -l)" = 0 ]; do
	round=$((round + 1))
	message 2 quick
	start_tgrun --handler "$TMP/slow" --shutdown-timeout 0
	wait_for '[ "$(seen ^slow)" -ge "$round" ] && [ "$(seen ^quick)" -ge "$round" ] && [ "$(grep -c "info  handled" "$TGRUN_LOG")" -ge "$round" ]' || break
	stop_tgrun
done
is "$round $(letters)" "20 slow 20 given up after 20 interruptions, at last: tgrun was stopped" \
	"an update that is cut by every stop is given up after twenty, since others are handled meanwhile"
is "$(seen '^slow 1')" 19 "… and nineteen times it was told that it had been started before"

# Another time: 75 and 111. Five minutes are three seconds here.
machine MACHINE_SPEED=100
anew --no-penalties
handler busy <<'EOT'
#!/bin/sh
echo "$TG_TEXT $TG_ATTEMPT" >>"$FLOW_MARK/seen"
[ ! -e "$FLOW_MARK/limit" ] && [ "$TG_TEXT" != never ] || exit $((TG_CHAT_ID % 2 ? 75 : 111))
EOT
: >"$TMP/seen"
: >"$TMP/limit"
for chat in 1 2 3 4 5 6 7 8; do message "$chat" later; done
start_tgrun --handler "$TMP/busy" --max-attempts 3 --breaker 10 --timeout 0 --log-level debug
wait_for '[ "$(seen "later [456]")" -ge 16 ]' 60
is "$(letters | wc -l)" 0 "while every handler asks for another time nothing is given up, though the attempts are used up"
ok '! logged "fails on everything"' "… and the breaker stays closed"
is "$(grep -c "attempts are used up" "$TGRUN_LOG")" 8 "… the log says once of each that it is kept"
warned=$(grep -c "warn .*attempts are used up" "$TGRUN_LOG")
ok '[ "$warned" -ge 1 ] && [ "$warned" -lt 8 ]' "… as a warning once a minute ($warned times), else as debug"
stop_tgrun
rm "$TMP/limit"
start_tgrun --handler "$TMP/busy" --max-attempts 3 --breaker 10 --timeout 0
wait_for '[ "$(grep -c "info  handled" "$TGRUN_LOG")" = 8 ]' 60
is "$(letters | wc -l) $(queue | wc -l)" "0 0" "when the time has come all are handled, also by the next tgrun"
message 1 never
wait_for '[ "$(seen "^never")" = 3 ] && logged "attempts are used up.*update=9"'
is "$(letters)" "" "of one chat alone it is not known whether it is everybody's trouble"
message 2 good
wait_for '[ "$(letters | wc -l)" = 1 ]' 60
is "$(letters)" "never 4 exited with status 75, attempt 4 of 3" "when another chat's update is handled it is: the next attempt is the last"
stop_tgrun

# Five minutes are what they are: nobody waits for them when another chat's update is handled.
machine
anew --no-penalties
: >"$TMP/seen"
start_tgrun --handler "$TMP/busy" --max-attempts 2 --retry-delay 10ms
message 1 never
wait_for 'logged "attempts are used up"'
message 2 good
wait_for '[ "$(letters | wc -l)" = 1 ]'
is "$(letters)" "never 3 exited with status 75, attempt 3 of 2" "what is kept has its last attempt as soon as another chat's update is handled"
stop_tgrun

# The end of a source.
forget
printf '{"update_id":%d,"message":{"message_id":1,"date":0,"text":"never","chat":{"id":1,"type":"private"}}}\n' 1 >"$TMP/one.jsonl"
"$TGRUN" --source "$TMP/one.jsonl" --handler "$TMP/busy" --max-attempts 1 --state-dir "$TMP/state" 2>"$TMP/tgrun.log"
is "$(letters)" "never 1 exited with status 75, attempt 1 of 1" "when the source has ended nothing else can come to show it: it is given up"
"$TGRUN" try --updates "$TMP/one.jsonl" --handler "$TMP/busy" --max-attempts 1 >"$TMP/out" 2>&1
is "$?" 1 "a rehearsal waits for nothing else either"
done_testing
