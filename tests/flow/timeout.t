# Goal: when a handler's time is up everything it started is ended, wherever it went, before its chat goes on.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

# What hides carries a name of this test's own in its arguments, for it may have no environment left to be found by.
NAME=hide$$x
PATTERN="hid[e]$$"x # grep does not find itself
export NAME PATTERN
alive() { # the hidden processes that live: those are no zombies, whose command line is empty
	grep -lzx "$PATTERN" /proc/[0-9]*/cmdline 2>/dev/null | wc -l
}
hide='exec sh -c "while :; do sleep 1000; done" hidden "$NAME"'

# Each first message of a chat runs away as its text says and then waits; the second one only writes down what it finds alive.
handler escape <<EOT
#!/bin/sh
hide() { $hide; }
wait_for() {
	until [ "\$(grep -lzx "\$PATTERN" /proc/[0-9]*/cmdline 2>/dev/null | wc -l)" -ge "\$1" ]; do sleep 0.02; done
}
case \$TG_TEXT in
next)
	grep -lzx "\$PATTERN" /proc/[0-9]*/cmdline 2>/dev/null | wc -l >"\$FLOW_MARK/found"
	exit 0 ;;
ignores)
	trap '' TERM
	sh -c 'trap "" TERM; while :; do sleep 1000; done' hidden "\$NAME" & ;;
forks)
	(hide) & (hide) & ;;
daemon)
	(setsid sh -c '(trap "" TERM HUP; exec >/dev/null 2>&1 </dev/null; while :; do sleep 1000; done) & exit' hidden "\$NAME" &) ;;
sessions)
	setsid setsid sh -c 'setsid sh -c "while :; do sleep 1000; done" hidden "'"\$NAME"'" & while :; do sleep 1000; done' hidden "\$NAME" & ;;
chain)
	sh -c 'n=0; link() { n=\$((n + 1)); if [ \$n -lt 200 ]; then (link) & else while :; do sleep 1000; done; fi; }; link' hidden "\$NAME" & ;;
nothing)
	(exec env -i setsid sh -c 'exec 0<&- 1>&- 2>&-; cd /; while :; do sleep 1000; done' hidden "\$NAME" &) ;;
fifty)
	n=0
	while [ \$n -lt 50 ]; do
		(setsid sh -c '(trap "" TERM; while :; do sleep 1000; done) & exit' hidden "\$NAME" &)
		n=\$((n + 1))
	done ;;
stops)
	(hide) &
	wait_for 1
	kill -STOP \$! ;;
esac
# All are there: then the time may run out.
wait_for "\$TG_MESSAGE_ID"
echo "\$TG_TEXT" >>"\$FLOW_MARK/ready"
while :; do sleep 1000; done
EOT

# escape TEXT COUNT WHAT: the first update hides COUNT processes at least.
escape() {
	anew --no-penalties
	rm -f "$TMP/found" "$TMP/ready"
	push "$(for text in "$1" next; do
		echo '{"message":{"message_id":'"$2"',"date":0,"chat":{"id":7,"type":"private"},"text":"'"$text"'"}}'
	done)"
	run_tgrun --once --timeout 1500ms --kill-after 200ms --handler "$TMP/escape"
	is "$(cat "$TMP/ready" 2>/dev/null)" "$1" "a handler that $3 does so"
	is "$STATUS $(cat "$TMP/found" 2>/dev/null) $(alive)" "0 0 0" "the chat's next update starts, and finds nothing of it alive"
	is "$(dead list --json | jq -r '.update.message.text + ": " + .reason')" "$1: timed out after 1.5s" "the dead letter says why"
}
escape ignores 1 "ignores SIGTERM, with a child that does"
ok 'logged "handler timed out after 1.5s: ending it.*update=1"' "the log says it, too"
escape forks 2 "forks"
escape daemon 1 "starts a daemon by forking twice, which ignores signals"
escape sessions 2 "changes sessions, and again"
escape chain 1 "forks in a chain in which each parent ends"
escape nothing 1 "clears the environment, closes all and leaves the session"
escape fifty 50 "starts fifty daemons"
escape stops 1 "stops its child"

# SIGTERM comes first, and gives time to tidy up; but the time was up.
anew --no-penalties
handler tidy <<'EOT'
#!/bin/sh
trap 'echo tidy >>"$FLOW_MARK/tidied"; echo "was at step 3" >&2; exit 0' TERM
while :; do sleep 0.02; done
EOT
message 7 x
run_tgrun --once --timeout 300ms --kill-after 60s --on-failure dead --handler "$TMP/tidy"
is "$STATUS $(cat "$TMP/tidied")" "0 tidy" "a handler gets SIGTERM first, and may tidy up"
is "$(dead list --json | jq -r .reason)" "timed out after 300ms: was at step 3" "it has timed out all the same, though it exits 0"

# Attempts that time out are as others.
anew --no-penalties
message 7 x
start_tgrun --timeout 100ms --kill-after 0 --on-failure retry --max-attempts 3 --retry-delay 10ms -- sleep 1000
wait_for '[ "$(dead list --json | wc -l)" = 1 ]'
stop_tgrun
is "$(dead list --json | jq -r '[.attempts, .reason] | join(" ")')" "3 timed out after 100ms, attempt 3 of 3" "--on-failure retry tries again what timed out"
anew --no-penalties
message 7 x
run_tgrun --once --timeout 100ms --kill-after 0 --on-failure drop -- sleep 1000
is "$STATUS $(dead list --json)" "0 " "--on-failure drop drops it"
like "$(cat "$TGRUN_LOG")" "timed out after 100ms: dropped" "with a line in the log"

# A pipeline has one time for all its stages.
anew --no-penalties
message 7 x
run_tgrun --once --timeout 200ms --kill-after 100ms --handler 'sleep 1000 | sleep 1001 | cat'
is "$STATUS $(dead list --json | jq -r .reason)" "0 timed out after 200ms" "a pipeline times out as a whole"

# Others go on meanwhile: one chat that hangs does not slow another.
anew --no-penalties
handler hang <<'EOT'
#!/bin/sh
[ "$TG_CHAT_ID" != 7 ] || exec sleep 1000
echo "$TG_UPDATE_ID" >>"$FLOW_MARK/events"
EOT
push "$(for chat in 7 7 8 8 9; do
	echo '{"message":{"message_id":1,"date":0,"chat":{"id":'$chat',"type":"private"},"text":"x"}}'
done)"
: >"$TMP/events"
start_tgrun --timeout 0 --concurrency 2 --handler "$TMP/hang"
ok 'wait_for "[ \"\$(wc -l <\"\$TMP/events\")\" = 3 ]"' "with --timeout 0 a handler may hang for ever, and other chats go on"
stop_tgrun KILL

done_testing
