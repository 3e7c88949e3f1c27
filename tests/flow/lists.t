# Goal: the lists of letters, updates and messages say who waits and for how long to people, the same to programs whenever they read, and only what was asked for.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2154
. tests/flow/lib.sh

command -v python3 >/dev/null || skip_all "a terminal is made by python3, which is not here"
handler bot <<'EOT'
#!/bin/sh
case $TG_TEXT in
fail*) echo "no luck with $TG_TEXT" >&2; exit 65 ;;
reply) echo answer ;;
hold) while [ ! -e "$FLOW_MARK/go" ]; do sleep 0.05; done ;;
esac
EOT
tgrun() { "$TGRUN" "$@" --state-dir "$TMP/state"; }
numbers() { # WORD…: the numbers of what is listed
	tgrun "$@" --json | jq -r .number | xargs
}
screen() { # SIZE WORD…: what is seen on a terminal of that size
	_size=$1
	shift
	python3 tests/flow/screen.py "$_size" end show -- "$TGRUN" "$@" --state-dir "$TMP/state" | sed 1d
}
start_sandbox --no-penalties --first-id 1000
chats '{"chat":9,"state":"blocked"}'
start_tgrun --handler "$TMP/bot" --reply text --shutdown-timeout 0 --key chat --key /edited_message/note
message 1 "fail one"
push '{"edited_message":{"message_id":1,"date":0,"text":"fail two","chat":{"id":2,"type":"private"},"note":"a\u001b[2Jb \u202e\u540d\u524d"}}'
message -3 "fail three"
wait_for '[ "$(numbers dead list)" = "1 2 3" ]'
message 5 hold
message 5 hold
message 6 hold
for i in 1 2; do message 9 reply; done
wait_for '[ "$(numbers queue list)" = "4 5 6" ] && [ "$(numbers outbox list)" = "1 2" ]'

# Which are meant.
wants() { # NUMBERS WORD…
	_numbers=$1
	shift
	is "$(numbers "$@")" "$_numbers" "tgrun $*"
}
for runs in "a tgrun runs" "nothing runs"; do
	diag "$runs"
	wants "1" dead list --key chat:1
	wants "1 3" dead list --key chat:1 --key chat:-3
	wants "2" dead list --kind edited_message
	wants "1 2 3" dead list --kind edited_message,message
	wants "" dead list --kind poll
	wants "2" dead list --reason 'LUCK with fail tw'
	wants "1 2" dead list --limit 2
	wants "1" dead list --kind message --limit 1
	wants "" dead list --older 1h
	wants "1 2 3" dead list --older 0
	wants "4 5" queue list --key chat:5
	wants "4 5" queue list --limit 2
	wants "" queue list --older 1h
	wants "4 5 6" queue list --kind message --older 0 --limit 500
	wants "1 2" outbox list --key 9 --kind sendMessage
	wants "1 2" outbox list --key chat:9
	wants "" outbox list --key chat:8
	wants "1" outbox list --reason blocked --limit 1
	is "$(tgrun dead list --key chat:77 2>&1) $(tgrun queue list --key chat:77 2>&1) $(tgrun outbox list --key chat:77 2>&1)" \
		"no such dead letters nothing of that waits nothing of that is in the outbox" "what there is none of is said"

	# Telegram's own number.
	is "$(tgrun dead show @1001 --json | jq -c '[.number, .update_id]')" "[2,1001]" "dead show @1001: by Telegram's id"
	like "$(tgrun queue show @1004)" '^number    5$' "queue show @1004, too"
	is "$(tgrun dead show @77 2>&1; echo $?)" "tgrun: there is no dead letter of update 77
1" "one that there is not"
	is "$(tgrun queue show @77 2>&1; echo $?)" "tgrun: no update 77 of Telegram's waits
1" "… among those that wait"

	# To programs: the same whenever it is read.
	like "$(tgrun dead list | sed -n 1p)" '^1     20[0-9-]+T[0-9:]+Z  message  chat:1  exited with status 65: no luck with fail one$' "elsewhere than on a terminal a line is as ever"
	is "$(tgrun dead list | wc -l) $(tgrun queue list | wc -l) $(tgrun outbox list | wc -l)" "3 3 2" "… and there is none but of entries"

	[ -n "$TGRUN_PID" ] || continue # a list looks the same whoever answers

	# To people.
	screen 100x24 dead list >"$TMP/screen"
	like "$(sed -n 1p "$TMP/screen")" '^NUMBER  DIED +KIND +KEY +REASON$' "on a terminal: a head"
	like "$(sed -n 2p "$TMP/screen")" '^1       [0-9]+s ago +message +chat:1 +exited with status 65: no luck' "… and ages"
	like "$(sed -n 3p "$TMP/screen")" '^2 .* edited_message .*chat:2 .*:a%1B\[2Jb%20.u202e' "… and what a stranger wrote is escaped"
	is "$(wc -l <"$TMP/screen") $(grep -c 'ago' "$TMP/screen")" "4 3" "… a line for each"
	like "$(screen 100x24 queue list)" '^6       (running|ready|delayed) +[0-9]+s ago  +message +chat:6' "queue list, too"
	like "$(screen 100x24 outbox list)" '^1       failed   [0-9]+s ago  +sendMessage +9 .*blocked' "… and outbox list"
	screen 20x24 dead list >"$TMP/screen"
	is "$(wc -l <"$TMP/screen") $(grep -Ec '^[1-3]       [0-9]+s ago' "$TMP/screen")" "4 3" "a terminal of 20 columns: a line is one line, cut at the edge"

	# What a log line names.
	is "$(grep -c ' warn .*now a dead letter.*update=100[0-2] number=[1-3] key=' "$TGRUN_LOG")" 3 "the log names the number of a dead letter"
	kill -KILL "$TGRUN_PID"
	wait_tgrun
done

# What is wrong to ask.
for words in 'dead show 1 --key x' 'dead drop 1 --reason x' 'queue skip 5 --older 1h' 'queue list --reason x' 'outbox drop 1 --kind x' 'dead list --limit 0' 'dead retry @1001' 'queue skip @1004' \
	'outbox show @1' 'dead show @x' 'dead show @1 @2'; do
	tgrun $words >/dev/null 2>&1
	is "$?" 64 "tgrun $words is a mistake of usage"
done
is "$(numbers dead list) $(numbers queue list) $(numbers outbox list)" "1 2 3 4 5 6 1 2" "… and changes nothing"
is "$(TGRUN_LIMIT=1 TGRUN_KEY=user numbers dead list)" "1 2 3" "variables that are meant for a run filter nothing"
done_testing
