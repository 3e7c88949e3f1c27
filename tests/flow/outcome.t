# Goal: how a handler ended decides what becomes of its update, as the table in tgrun-handler(7) says.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

# It ends as the text says: `exit 3`, `kill SEGV`.
handler end <<'EOT'
#!/bin/sh
echo "first line" >&2
echo "told to $TG_TEXT" >&2
set -- $TG_TEXT
case $1 in
exit) exit "$2" ;;
kill) kill -"$2" $$ ;;
esac
EOT
DONE='0'
AGAIN='75 111'
NEVER='64 65 76 77 78 100 112'
OTHER='1 2 63 66 74 79 99 101 110 113 126 127 128 137 255'
SIGNALS='HUP INT QUIT ILL ABRT KILL SEGV PIPE TERM USR1'

# All of them in chats of their own, with --on-failure $1. Into $TMP/fates: TEXT ATTEMPTS, sorted.
run_all() { # ON-FAILURE
	anew --no-penalties
	n=0
	# shellcheck disable=SC2086 # words of a list
	for end in $(printf 'exit-%s ' $DONE $AGAIN $NEVER $OTHER; printf 'kill-%s ' $SIGNALS); do
		n=$((n + 1))
		printf '{"message":{"message_id":1,"date":0,"chat":{"id":%d,"type":"private"},"text":"%s"}}\n' $n "$(echo "$end" | tr - ' ')"
	done >"$TMP/updates"
	push - <"$TMP/updates"
	start_tgrun --on-failure "$1" --max-attempts 3 --retry-delay 10ms --breaker 0 --handler "$TMP/end"
	wait_for '[ "$(grep -cE " (handled|.*: (now a dead letter|dropped)) " "$TGRUN_LOG")" -ge '"$n"' ]'
	stop_tgrun
	dead list --json >"$TMP/letters"
	jq -r '.update.message.text + " " + (.attempts | tostring)' "$TMP/letters" | sort >"$TMP/fates"
}
fates() { # WORD ATTEMPTS VALUE…: lines of $TMP/fates as they should be
	word=$1 attempts=$2
	shift 2
	for value; do echo "$word $value $attempts"; done
}

# shellcheck disable=SC2086 # words of a list
{
	run_all dead
	is "$(cat "$TMP/fates")" "$({ fates exit 3 $AGAIN; fates exit 1 $NEVER $OTHER; fates kill 1 $SIGNALS; } | sort)" \
		"0 is done; 75 and 111 are tried again up to --max-attempts; 64, 65, 76, 77, 78, 100, 112 and, as --on-failure dead says, all others are dead letters at once"
	is "$(grep -c ' handled ' "$TGRUN_LOG")" 1 "and the log tells it"
	reason() { jq -r --arg text "$1" 'select(.update.message.text == $text) | .reason' "$TMP/letters"; }
	is "$(reason 'exit 75')" "exited with status 75, attempt 3 of 3: told to exit 75" "the reason: attempts used up, and the last that was said"
	is "$(reason 'exit 127')" "exited with status 127: told to exit 127" "the reason: an exit status, 127 is one like others"
	is "$(reason 'kill INT')" "killed by signal 2 (SIGINT): told to kill INT" "the reason: a signal, SIGINT too, which harms nobody else"
	is "$(reason 'kill PIPE')" "killed by signal 13 (SIGPIPE): told to kill PIPE" "SIGPIPE of a single command is a failure"
	is "$(jq -c 'select(.update.message.text == "exit 65") | [keys_unsorted, .kind, .key, .attempts, .stderr]' "$TMP/letters")" \
		'[["number","update_id","kind","key","attempts","reason","stderr","received","died","update"],"message","chat:5",1,"first line\ntold to exit 65"]' \
		"a dead letter has all its members, and what stderr said"
	is "$(jq -r 'select(.died < .received or .received < 1600000000) | .number' "$TMP/letters")" "" "and its times"

	run_all retry
	is "$(cat "$TMP/fates")" "$({ fates exit 3 $AGAIN $OTHER; fates exit 1 $NEVER; fates kill 3 $SIGNALS; } | sort)" \
		"--on-failure retry tries again what is neither done nor given up"
	run_all drop
	is "$(cat "$TMP/fates")" "$({ fates exit 3 $AGAIN; fates exit 1 $NEVER; } | sort)" \
		"--on-failure drop drops it, and keeps what the handler asked for"
}

# Pipelines.
handler sigpipe <<'EOT'
#!/bin/sh
kill -PIPE $$
EOT
while IFS='>' read -r pipeline want; do
	want=${want# }
	anew --no-penalties
	message 7 x
	run_tgrun --once --retry-delay 5m --handler "$(printf '%s\n' "$pipeline" | sed "s|@|$TMP|g; s/ *\$//")"
	like "$(cat "$TGRUN_LOG")" "(info|warn) +$want  update=1 " "${pipeline% }: $want"
done <<'EOT'
true | true > handled
sh -c "exit 3" | true > stage 1 of 2 exited with status 3: now a dead letter
sh -c "exit 3" | sh -c "exit 4" > stage 2 of 2 exited with status 4: now a dead letter
sh -c "exit 75" | true > stage 1 of 2 exited with status 75: to be tried again
sh -c "exit 3" | true | sh -c "exit 111" > stage 3 of 3 exited with status 111: to be tried again
yes | head -n 1 > handled
yes | sh -c "exit 3" > stage 2 of 2 exited with status 3: now a dead letter
cat | @/sigpipe > stage 2 of 2 killed by signal 13 \(SIGPIPE\): now a dead letter
sh -c "exit 5" | @/sigpipe | true > stage 1 of 3 exited with status 5: now a dead letter
EOT

# A chat waits with its update; the others do not.
anew --no-penalties
handler later <<'EOT'
#!/bin/sh
if [ "$TG_UPDATE_ID" = 1 ] && [ ! -e "$FLOW_MARK/mended" ]; then
	echo "1 fails" >>"$FLOW_MARK/events"
	exit 75
fi
echo "$TG_UPDATE_ID" >>"$FLOW_MARK/events"
EOT
: >"$TMP/events"
push "$(for chat in 7 7 8; do
	echo '{"message":{"message_id":1,"date":0,"chat":{"id":'$chat',"type":"private"},"text":"x"}}'
done)"
start_tgrun --retry-delay 50ms --max-attempts 1000 --handler "$TMP/later"
wait_for 'grep -qx 3 "$TMP/events" && [ "$(grep -c fails "$TMP/events")" -ge 2 ]'
ok '! grep -qx 2 "$TMP/events"' "while an update waits for its next attempt, its chat waits"
ok 'grep -qx 3 "$TMP/events"' "and another chat goes on"
: >"$TMP/mended"
wait_for 'grep -qx 2 "$TMP/events"'
is "$(grep -vE 'fails|3' "$TMP/events" | tr '\n' ' ')" "1 2 " "then the chat goes on, in order"
stop_tgrun

# The breaker.
handler broken <<'EOT'
#!/bin/sh
[ ! -e "$FLOW_MARK/bad" ] || exit 1
echo "$TG_UPDATE_ID" >>"$FLOW_MARK/events"
EOT
anew --no-penalties
: >"$TMP/bad"
: >"$TMP/events"
generate 60 12
start_tgrun --breaker 5 --concurrency 4 --handler "$TMP/broken"
wait_for '[ "$(grep -c "not counted" "$TGRUN_LOG")" -ge 5 ]'
is "$(dead list --json | wc -l)" 4 "a handler that fails on everything: after --breaker failures in a row nothing is buried any more"
rm "$TMP/bad"
ok 'wait_for "[ \"\$(wc -l <\"\$TMP/events\")\" -ge 56 ]"' "when it succeeds again all the rest is handled"
is "$(sort "$TMP/events" | uniq -d | wc -l) $(dead list --json | wc -l)" "0 4" "once each, and none was buried"
is "$(grep -c 'fails on everything' "$TGRUN_LOG") $(grep -c 'works again' "$TGRUN_LOG")" "1 1" "the log says so once, and once that it is over"
ok 'logged " error .*fails on everything"' "as an error"
stop_tgrun
anew --no-penalties
: >"$TMP/bad"
generate 12 1
run_tgrun --once --breaker 5 --handler "$TMP/broken"
is "$STATUS $(dead list --json | wc -l) $(grep -c 'fails on everything' "$TGRUN_LOG")" "0 12 0" "one chat alone that fails does not open it"

# Too old to be answered.
anew --no-penalties
handler slow <<'EOT'
#!/bin/sh
[ "$TG_UPDATE_KIND" != message ] || sleep 0.3
echo "$TG_UPDATE_ID" >>"$FLOW_MARK/events"
EOT
queries() {
	: >"$TMP/events"
	generate 1 1
	generate 2 1 kind=callback_query
	run_tgrun --once --handler "$TMP/slow" "$@"
}
queries
is "$STATUS $(tr '\n' ' ' <"$TMP/events")" "0 1 2 3 " "queries that are still answerable are handled"
anew --no-penalties
queries --max-age callback_query=100ms
is "$STATUS $(tr '\n' ' ' <"$TMP/events")" "0 1 " "older ones than --max-age are skipped"
is "$(grep -c 'skipped: too old' "$TGRUN_LOG") $(dead list --json | wc -l)" "2 0" "each with a line in the log, and without a dead letter"
anew --no-penalties
queries --max-age callback_query=100ms --max-age none
is "$STATUS $(tr '\n' ' ' <"$TMP/events")" "0 1 2 3 " "--max-age none takes the limits away"

done_testing
