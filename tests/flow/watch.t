# Goal: status --watch shows the whole of a bot on one screen of any size, moves nothing that stays, and gives the terminal back however it ends.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2154
. tests/flow/lib.sh

command -v python3 >/dev/null || skip_all "a terminal is made by python3, which is not here"
handler bot <<'EOT'
#!/bin/sh
case $TG_TEXT in
fail) echo "no luck" >&2; exit 65 ;;
hold) while [ ! -e "$FLOW_MARK/go" ]; do sleep 0.05; done ;;
esac
EOT
watch() { # SIZE STEP… -- VARIABLE=VALUE…: on a terminal of that size
	_size=$1
	shift
	python3 tests/flow/screen.py "$_size" "$@" "$TGRUN" status --watch --state-dir "$TMP/state"
}
utf8='env TERM=xterm LC_ALL=C.UTF-8'
ascii='env TERM=xterm LC_ALL=C'
start_sandbox --no-penalties
start_tgrun --handler "$TMP/bot" --concurrency 3 --shutdown-timeout 0 --key chat --key /message/note
message 1 fail
wait_for '[ "$(dead list --json | wc -l)" = 1 ]'
for i in 1 2 3; do for j in 1 2; do message "$i" hold; done; done
push '{"message":{"message_id":1,"date":0,"text":"hold","chat":{"id":3,"type":"private"},"note":"'"$(printf '%01000d' 7)"'\u001b[2J\u202e\u540d\u524d\u540d"}}'
push '{"message":{"message_id":1,"date":0,"text":"hold","chat":{"id":3,"type":"private"},"note":"\u001b[2J\u202e\u540d\u524d\u540d"}}'
wait_for '[ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .waiting)" = 5 ]'

# Of keys for which as much waits the same are told each time, so that no line has another each second.
is "$("$TGRUN" status --json --state-dir "$TMP/state" | jq '.keys | length > 3 and . == sort_by([-.waiting, .key])')" true "the keys come by how much waits, and by name"

# What is there.
watch 80x24 'wait /RUNNING/' show 'type q' end -- $utf8 >"$TMP/screen"
like "$(sed -n 1p "$TMP/screen")" "^well     [0-9:]{8}  @sandbox_bot  123456  process $TGRUN_PID  up " "at the top: one word for what is wrong, and who it is"
like "$(sed -n 2p "$TMP/screen")" '^handled  .*[▁▂▃▄▅▆▇█]  [0-9.]+/s, most [0-9.]+$' "a picture of what was handled a second"
like "$(sed -n 3p "$TMP/screen")" '^waiting  .*█  5, most 5$' "… and of what waits"
like "$(sed -n 4p "$TMP/screen")" '^oldest [0-9]+s ago +ready 0 +running 3/3' "the oldest, as an age"
like "$(sed -n 5p "$TMP/screen")" '^received 9 +done 0 +failed 1 .*dead 1$' "the counts"
like "$(cat "$TMP/screen")" '^error    [0-9]+s ago: exited with status 65: no luck$' "the last error, and how long ago"
like "$(cat "$TMP/screen")" '^[0-9]+  +chat:3$' "for which keys most waits"
like "$(cat "$TMP/screen")" '^[0-9.]+s +[0-9]+ +1 +chat:[123]$' "what runs, and for how long"
like "$(cat "$TMP/screen")" '^1 +pointer:/message/note:%1B\[2J' "a stranger's name is escaped"
is "$(tail -n 1 "$TMP/screen")" "status 0, terminal as before" "q ends it, and the terminal is as it was"

# Smaller, larger, other.
watch 200x50 'wait /RUNNING/' show 'type Q' end -- $ascii >"$TMP/screen"
is "$(grep -v pointer: "$TMP/screen" | LC_ALL=C grep -c '[^ -~]')" 0 "without UTF-8 there is none but in what strangers wrote"
like "$(sed -n 3p "$TMP/screen")" '^waiting  .*#  5, most 5$' "… and the picture is of ASCII"
watch 20x6 'wait /^fetched/' show 'size 100x5' 'wait /^received 9 .*dead 1$/' show 'type q' end -- $ascii >"$TMP/screen"
is "$(sed -n '1,/^fetched/p' "$TMP/screen" | wc -lL | xargs)" "6 20" "20 columns, 6 lines: no more than there is room for"
like "$(tail -n 1 "$TMP/screen")" '^status 0, terminal as before$' "… and a window that grows is filled"
"$TGRUN" pause --state-dir "$TMP/state"
watch 80x24 'wait /^paused   [0-9]/' 'type q' end -- $ascii >"$TMP/screen"
is "$(cat "$TMP/screen")" "status 0, terminal as before" "paused: the word at the top"
"$TGRUN" resume --state-dir "$TMP/state"

# However it ends.
for pair in 'INT 130' 'TERM 143' 'HUP 129'; do
	name=${pair% *}
	is "$(watch 80x24 'wait /RUNNING/' "signal $name" end -- $ascii)" "status ${pair#* }, terminal as before" "SIG$name ends it as any program, and the terminal is as it was"
done
is "$(watch 80x24 'wait /RUNNING/' 'type \x1a' stopped 'continue' 'wait /RUNNING/' 'signal STOP' stopped 'continue' 'wait /RUNNING/' 'type q' end -- $ascii)" \
	"stopped, terminal as before
stopped, terminal raw, alternate screen, no cursor
status 0, terminal as before" "Ctrl-Z gives the terminal to the shell, and fg brings the screen back, even after SIGSTOP"
is "$(watch 80x24 'wait /RUNNING/' 'signal TERM' end -- $ascii sh -c 'exec "$@" </dev/null' sh)" "status 143, terminal as before" "without a keyboard it shows all the same"

# No terminal that can do it: the status again and again.
start env TERM= LC_ALL=C "$TGRUN" status --watch --state-dir "$TMP/state" >"$TMP/watched"
wait_for '[ "$(grep -c "^running: bot 123456" "$TMP/watched")" -ge 2 ]'
kill "$PID"
is "$(LC_ALL=C grep -c "$(printf '\033')" "$TMP/watched")" 0 "elsewhere it is text, and nothing that moves a cursor"
like "$(python3 tests/flow/screen.py 80x24 'wait /^running: bot/' 'signal INT' show end -- env TERM=dumb "$TGRUN" status --watch --state-dir "$TMP/state")" '^running: bot 123456' \
	"… so it is on a terminal that can nothing"

# One that does not answer, and one that ends. The watcher's time runs faster.
machine MACHINE_SPEED=10
: >"$TMP/screen"
watch 80x24 'wait /RUNNING/' show 'wait /^silent   [0-9]/' 'type q' end -- $ascii >>"$TMP/screen" &
PIDS="$PIDS $!"
wait_for 'grep -q RUNNING "$TMP/screen"'
kill -STOP "$TGRUN_PID"
wait_for 'grep -q "^status" "$TMP/screen"'
is "$(tail -n 1 "$TMP/screen")" "status 0, terminal as before" "one that comes to stand still is shown as silent, and q is heard"
kill -CONT "$TGRUN_PID"
: >"$TMP/screen"
watch 80x24 'wait /RUNNING/' show end show -- $ascii >>"$TMP/screen" &
PIDS="$PIDS $!"
wait_for 'grep -q RUNNING "$TMP/screen"'
stop_tgrun
wait_for 'grep -q ^status "$TMP/screen"'
is "$(sed -n '/^status/,$p' "$TMP/screen")" "status 69, terminal as before
tgrun: the tgrun that was watched has ended" "when the runner ends it ends, and says so on the terminal as it was"
done_testing
