# Goal: what deletes without being told numbers wants --all, or asks on a terminal, and is logged with its count.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

command -v python3 >/dev/null || skip_all "a terminal is made by python3, which is not here"
handler bot <<'EOT'
#!/bin/sh
case $TG_TEXT in
fail) exit 65 ;;
reply) echo answer ;;
hold) while [ ! -e "$FLOW_MARK/go" ]; do sleep 0.05; done ;;
esac
EOT
tool() { # WORD…: without a terminal
	"$TGRUN" "$@" --state-dir "$TMP/state" >"$TMP/out" 2>"$TMP/err" </dev/null
	echo "$? $(cat "$TMP/out" "$TMP/err")"
}
terminal() { # ANSWER WORD…: what is seen on a terminal when it asks and is answered
	_answer=$1
	shift
	python3 tests/flow/screen.py 100x24 'wait /\[y\/N\] $/' "type $_answer" end show -- "$TGRUN" "$@" --state-dir "$TMP/state"
}
lines() { # VERB…: how many are listed
	"$TGRUN" "$@" --json --state-dir "$TMP/state" | wc -l
}
start_sandbox --no-penalties
chats '{"chat":9,"state":"blocked"}'
make() { # three dead letters, three messages that failed, one that runs, and two behind it
	rm -f "$TMP/go"
	for i in 1 2 3; do message "$i" fail; done
	for i in 1 2 3; do message 9 reply; done
	for i in 1 2 3; do message 5 hold; done
	wait_for '[ "$(lines dead list)" = 3 ] && [ "$(lines outbox list)" = 3 ] && [ "$(lines queue list)" = 3 ]'
}
start_tgrun --handler "$TMP/bot" --reply text --shutdown-timeout 0
make

# Elsewhere.
is "$(tool dead drop)" "64 tgrun: 'tgrun dead drop' takes numbers, or --all: all dead letters, which 0.1.0 dropped without it; 'tgrun dead list' shows them" \
	"dead drop without a number or a terminal: refused, and told"
like "$(tool queue clear)" "^64 .*takes --all" "… queue clear, too"
like "$(tool outbox drop)" "^64 .*takes numbers, or --all" "… and outbox drop"
is "$(lines dead list) $(lines queue list) $(lines outbox list)" "3 3 3" "… and nothing is gone"
for command in dead queue outbox; do
	like "$("$TGRUN" help "$command" | sed -n '/^Usage/,/^$/p' | tr -s '\n ' ' ')" 'tgrun [a-z]+ (drop|clear) .*--all' "tgrun $command --help names it"
done

# On a terminal: with the count, and only a yes is one.
for name in 'nothing \n' 'n n\n' 'all all\n' 'end-of-file \x04'; do
	answer=${name#* }
	is "$(terminal "$answer" dead drop | sed 's/\[y.N\].*/?/')" "$(printf 'status 1, terminal as before\ndrop all 3 dead letters? ?\nnothing was changed')" "dead drop asks; ${name%% *} is no"
done
is "$(lines dead list)" 3 "… and nothing is gone"
like "$(terminal 'y\n' dead drop | xargs)" "^status 0, .*drop all 3 dead letters.*1 dropped 2 dropped 3 dropped$" "a yes is one"
like "$(terminal 'n\n' queue clear | xargs)" "^status 1, .*skip all 2 updates that wait.*nothing was changed$" "queue clear asks"
like "$(terminal 'yes\n' queue clear | xargs)" "^status 0, .*skip all 2 updates that wait.* 2 skipped$" "… and skips"
like "$(terminal 'y\n' outbox drop | xargs)" "^status 0, .*drop all 3 messages that failed" "outbox drop asks"
is "$(lines dead list) $(lines queue list) $(lines outbox list)" "0 1 0" "what was asked for is gone, and nothing else"
python3 tests/flow/screen.py 80x24 end show -- "$TGRUN" dead drop --state-dir "$TMP/state" >"$TMP/out" 2>&1
is "$(xargs <"$TMP/out")" "status 0, terminal as before no dead letters" "where there is nothing, nothing is asked"
is "$(grep -Ec ' warn .*(all dead letters were dropped.* dropped=3|the queue was cleared.* skipped=2|all messages that failed were dropped.* dropped=3)' "$TGRUN_LOG")" 3 \
	"the log says what was deleted, and how much"

# With --all nobody is asked, on a terminal or not, while one runs or not.
touch "$TMP/go"
wait_for '[ "$(lines queue list)" = 0 ]'
make
is "$(python3 tests/flow/screen.py 80x24 end show -- "$TGRUN" dead drop --all --state-dir "$TMP/state" | grep -c dropped)" 3 "--all on a terminal: nothing is asked"
stop_tgrun
like "$(terminal 'y\n' outbox drop | xargs)" "^status 0, .*drop all 3 messages that failed" "while none runs it asks, too"
is "$(tool queue clear --all) $(tool dead drop --all)" "0 3 skipped 0 no dead letters" "… and not with --all"
done_testing
