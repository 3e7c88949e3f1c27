# Goal: updates come from a file, from stdin or from a program, no faster than they are taken; a bad line stops nothing; an interrupted run
# goes on where it was; a program is started again when it fails, and ends with tgrun.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
line() { # ID CHAT TEXT
	printf '{"update_id":%s,"message":{"message_id":1,"date":0,"text":"%s","chat":{"id":%s,"type":"private"}}}\n' "$1" "$3" "$2"
}
from() { # SOURCE [OPTION…]: in the background, without a token
	TGRUN_LOG=$TMP/tgrun.log
	source=$1
	shift
	"$TGRUN" --source "$source" --state-dir "$TMP/state" "$@" >>"$TGRUN_LOG" 2>&1 </dev/null &
	TGRUN_PID=$!
}
words() { # what was handled, in order
	grep ^end "$TMP/seen" | sed 's/.* //' | tr '\n' ' '
}

# A file.
{ line 1 7 one && echo && echo 'no JSON' && line 2 7 two && echo '{"message":{}}' && line 3 7 three; } >"$TMP/updates"
from "$TMP/updates" --handler "$TMP/note" --concurrency 1
wait_tgrun
is "$STATUS $(words)" "0 one two three " "a file is handled to its end, and then tgrun ends"
like "$(cat "$TGRUN_LOG")" 'line=3 .*no JSON object|no JSON object.*line=3' "a line that is no JSON is reported with its number"
like "$(cat "$TGRUN_LOG")" 'line=5 .*no update_id|no update_id.*line=5' "… and so is an update without an id"
is "$("$TGRUN" dead list --json --state-dir "$TMP/state" | wc -l)" 2 "both are dead letters"
forget
line 9 7 last | tr -d '\n' >"$TMP/updates"
from "$TMP/updates" --handler "$TMP/note"
wait_tgrun
is "$STATUS $(words)" "0 last " "a last line needs no line feed"
from "$TMP/absent" --handler "$TMP/note"
wait_tgrun
is "$STATUS" 78 "a file that is not there: 78"
like "$(cat "$TGRUN_LOG")" "cannot open the source '.*/absent'" "… and it is named"

# Killed in the middle: nothing is lost, and what was handled is not read again.
forget
i=0
while [ $((i += 1)) -le 300 ]; do line $i $((i % 3)) "n$i"; done >"$TMP/updates"
: >"$TMP/hold"
from "$TMP/updates" --handler "$TMP/note" --concurrency 2 --backlog 50
wait_for '[ "$(seen ^start)" = 2 ]'
stop_tgrun KILL
rm "$TMP/hold"
from "$TMP/updates" --handler "$TMP/note" --concurrency 2 --backlog 50
wait_tgrun 60
is "$STATUS $(grep ^end "$TMP/seen" | sed 's/.* //' | sort -u | wc -l)" "0 300" "after kill -9 the rest of the file is handled"
is "$(seen ^end)" 300 "… each once"

# The place in a file is that file's: one that was written anew in between, with the same inode and more bytes, is read from its beginning; one that only grew goes on.
for change in 'cat "$TMP/other" >"$TMP/updates"' 'line 301 1 n301 >>"$TMP/updates"'; do
	forget
	i=0
	while [ $((i += 1)) -le 300 ]; do line $i $((i % 3)) "n$i"; done >"$TMP/updates"
	i=0
	while [ $((i += 1)) -le 400 ]; do line $i $((i % 3)) "other$i"; done >"$TMP/other"
	: >"$TMP/hold"
	from "$TMP/updates" --handler "$TMP/note" --concurrency 2 --backlog 50
	wait_for '[ "$(seen ^start)" = 2 ]'
	stop_tgrun KILL
	eval "$change"
	rm "$TMP/hold"
	from "$TMP/updates" --handler "$TMP/note" --concurrency 2 --backlog 50
	wait_tgrun 60
	case $change in
	cat*) is "$STATUS $(seen '^end.*other') $(grep -c 'the file is another one' "$TGRUN_LOG")" "0 400 1" "$change: read from the beginning, which is said" ;;
	*) is "$STATUS $(seen ^end) $(grep -c 'going on where' "$TGRUN_LOG")" "0 301 1" "$change: gone on with" ;;
	esac
done

# At its limit the backlog has room for one batch after the other, which is said once.
forget
i=0
while [ $((i += 1)) -le 600 ]; do line $i $((i % 3)) "n$i"; done >"$TMP/updates"
from "$TMP/updates" --handler "$TMP/note" --concurrency 2 --backlog 100
wait_tgrun 60
is "$STATUS $(seen ^end) $(grep -c 'the backlog is full' "$TGRUN_LOG")" "0 600 1" "a backlog that stays full is told of once"

# Standard input.
forget
{ line 1 7 one && line 2 7 two; } | "$TGRUN" --source - --store memory --handler "$TMP/note" >"$TMP/tgrun.log" 2>&1
is "$? $(words)" "0 one two " "stdin is handled to its end"

# What is to be tried again is waited for at the end, unless --once says otherwise; what is lost with its memory is told.
handler second <<'EOT'
#!/bin/sh
[ "$TG_ATTEMPT" = 2 ] || exit 75
echo "end $TG_UPDATE_ID" >>"$FLOW_MARK/seen"
EOT
second() { # SOURCE [OPTION…], stdin is that of tgrun
	forget
	source=$1
	shift
	"$TGRUN" --source "$source" --store memory --handler "$TMP/second" "$@" >"$TMP/tgrun.log" 2>&1
	STATUS=$?
}
{ line 1 7 one && line 2 8 two; } >"$TMP/updates"
second "$TMP/updates"
is "$STATUS $(seen ^end)" "0 2" "at the end of a file what is to be tried again is waited for"
like "$(cat "$TMP/tgrun.log")" 'info .*the source has ended: waiting for .* to be tried again' "… which the log says"
second - <"$TMP/updates"
is "$STATUS $(seen ^end)" "0 2" "so it is at the end of stdin"
second "exec:cat $TMP/updates"
is "$STATUS $(seen ^end)" "0 2" "and of a program"
second "$TMP/updates" --once
is "$STATUS $(seen ^end)" "1 0" "--once does not wait, and what memory kept is lost: not 0"
like "$(cat "$TMP/tgrun.log")" 'error .*not handled, and replies that were not sent, are lost: --store memory keeps nothing .*waiting=2' "… which the log says, with a count"
forget
from "$TMP/updates" --handler "$TMP/second" --once
wait_tgrun
is "$STATUS $(seen ^end) $(logged " lost" && echo lost)" "0 0 " "a state directory keeps them"
forget
printf '%s\n' '#!/bin/sh' 'exit 1' | handler broken
i=0
while [ $((i += 1)) -le 100 ]; do line $i $i x; done >"$TMP/updates"
from "$TMP/updates" --handler "$TMP/broken" --once
wait_tgrun
is "$STATUS" 1 "--once and a handler that fails on everything: 1, from a file, too"
like "$(cat "$TGRUN_LOG")" 'error .*fails on everything: with --once this is the end' "… and the log says why"

# A program.
handler feed <<'EOT'
#!/bin/sh
n=$(($(cat "$FLOW_MARK/runs" 2>/dev/null || echo 0) + 1))
echo $n >"$FLOW_MARK/runs"
echo "run $n with '$1'" >&2
cat "$FLOW_MARK/updates.$n"
[ $n -gt 1 ] || exit 3
EOT
forget
{ line 1 7 one && line 2 7 torn | cut -c 1-30 | tr -d '\n'; } >"$TMP/updates.1"
{ line 2 7 two && line 3 7 three; } >"$TMP/updates.2"
from "exec:$TMP/feed 'a word'" --handler "$TMP/note"
wait_tgrun
is "$STATUS $(cat "$TMP/runs") $(words)" "0 2 one two three " "a program that fails is started again; when it ends well, tgrun ends"
like "$(cat "$TGRUN_LOG")" "source's program ended: exited with status 3; starting it again in" "the log says why"
like "$(cat "$TGRUN_LOG")" "run 1 with 'a word'" "… and has what it says on stderr; words are quoted as a shell would"
is "$("$TGRUN" dead list --json --state-dir "$TMP/state" | jq -r .update | cut -c 1-14)" '{"update_id":2' "half a line of a failed program is a dead letter of its own"
forget
rm -f "$TMP/runs"
from "exec:$TMP/feed x" --handler "$TMP/note" --once
wait_tgrun
is "$STATUS $(cat "$TMP/runs") $(words)" "69 1 one " "with --once it is not started again: 69, when all is handled"

# It is read no faster than the backlog allows, and a stop ends it with all that it started.
handler flood <<'EOT'
#!/bin/sh
sleep 1000 &
i=0
while [ $((i += 1)) -le 20000 ]; do
	printf '{"update_id":%s,"message":{"message_id":1,"date":0,"text":"%0200d","chat":{"id":7,"type":"private"}}}\n' $i $i
	echo $i >"$FLOW_MARK/printed"
done
echo over >"$FLOW_MARK/printed"
wait
EOT
forget
: >"$TMP/hold"
from "exec:$TMP/flood" --handler "$TMP/note" --backlog 100
wait_for 'logged "backlog is full"'
is "$(seen ^start)" 1 "handlers run while the program prints"
# What it prints fits in the pipe and in one read besides the backlog: it waits long before its end.
wait_for 'printed=$(cat "$TMP/printed"); [ -n "$printed" ] && [ "$printed" = "$(sleep 0.3; cat "$TMP/printed")" ]'
ok '[ "$printed" -lt 5000 ]' "a program that prints faster than updates are taken waits"
rm "$TMP/hold"
stop_tgrun
is "$STATUS $(marked)" "0 " "a stop ends it, with what it started in the background"

forget
from "exec:$TMP/absent -x" --handler "$TMP/note"
wait_tgrun
is "$STATUS" 78 "a program that is not there: 78"
like "$(cat "$TGRUN_LOG")" "source: .*absent" "… and it is named"
from "exec: " --handler "$TMP/note"
wait_tgrun
is "$STATUS" 64 "no program at all: 64"
like "$("$TGRUN" check --source "exec:$TMP/feed" --state-dir "$TMP/state" --handler "$TMP/note" 2>&1)" "source.*$TMP/feed" "check finds the program"
done_testing
