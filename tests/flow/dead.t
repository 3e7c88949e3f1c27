# Goal: dead letters are listed, shown, retried and dropped, the same way while a tgrun runs and while none does.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

handler maybe <<'EOT'
#!/bin/sh
if [ -e "$FLOW_MARK/good" ]; then echo "end $TG_UPDATE_ID $TG_TEXT" >>"$FLOW_MARK/seen"; exit 0; fi
echo "no luck with $TG_TEXT" >&2
exit 65
EOT
: >"$TMP/seen"
start_sandbox --no-penalties --first-id 100
letters() { # OPTION…: tgrun dead, by the state directory alone
	"$TGRUN" dead "$@" --state-dir "$TMP/state"
}
is "$(letters list 2>&1); $?" "no dead letters: there is no state directory '$TMP/state'; 0" "no state: no dead letters"
ok '[ ! -e "$TMP/state" ]' "… and none is made"
make_letters() {
	rm -f "$TMP/good"
	for i in 1 2 3 4; do message "$i" "text$i"; done
}

# What each of the verbs does; `alive` says whether a tgrun runs meanwhile.
try() {
	is "$(letters list --json | jq -r .number | tr '\n' ' ')" "1 2 3 4 " "$alive: list --json has a line for each"
	is "$(letters list --json | head -n 1 | jq -r 'keys | sort | join(" ")')" "attempts died key kind number reason received stderr update update_id" \
		"$alive: … with the promised members"
	is "$(letters list --json | jq -c 'select(.number == 2) | [.update_id, .kind, .key, .attempts, .stderr, .update.message.text]')" \
		"[$((first + 1)),\"message\",\"chat:2\",1,\"no luck with text2\",\"text2\"]" "$alive: … and the right values"
	is "$(letters list --json | jq -r 'select(.number == 2) | .reason')" "exited with status 65: no luck with text2" "$alive: … the reason"
	is "$(letters list | wc -l)" "$(($(letters list --json | wc -l) + $(letters list | grep -ci '^ *number')))" "$alive: list for people: a line for each"
	like "$(letters show 3)" 'no luck with text3' "$alive: show N shows the last words"
	is "$(letters show 3 --json | jq -r .update.message.text)" text3 "$alive: show N --json"
	letters show 99 >"$TMP/out" 2>&1
	is "$? $(cat "$TMP/out")" "1 tgrun: there is no dead letter 99" "$alive: a number that is none: 1, and said"
	for wrong in 'show' 'show 1 2' 'show x' 'retry -1' 'list 3' 'burn' '' 'drop' 'drop 1 --all' 'retry 1 --all' 'list --all' 'show 1 --all'; do
		# shellcheck disable=SC2086
		letters $wrong >"$TMP/out" 2>&1
		is "$?" 64 "$alive: 'dead $wrong' is a mistake of usage"
	done
	like "$(letters drop 1)" '^1 dropped' "$alive: drop N"
	letters drop 1 2>"$TMP/out"
	is "$?" 1 "$alive: … once"
	: >"$TMP/good"
	like "$(letters retry 2 77 2>&1)" '2 is to be handled again' "$alive: retry N"
	is "$(letters list --json | jq -r .number | tr '\n' ' ')" "3 4 " "$alive: … which is no dead letter any more"
}

first=100 alive="nothing runs"
make_letters
TGRUN_LOG=$TMP/tgrun.log
run_tgrun --handler "$TMP/maybe" --once
is "$STATUS" 0 "a run that made four dead letters ends well"
try
run_tgrun --handler "$TMP/maybe" --once
is "$STATUS $(cat "$TMP/seen")" "0 end 101 text2" "nothing runs: what is retried is handled at the next start"
letters drop --all >/dev/null
is "$(letters list --json)" "" "drop --all drops all"

rm -rf "$TMP/state"
: >"$TMP/seen"
first=104 alive="a tgrun runs"
start_tgrun --handler "$TMP/maybe" --poll-timeout 20
make_letters
wait_for '[ "$(grep -c "now a dead letter" "$TGRUN_LOG")" -ge 8 ]'
wait_for '[ "$(letters list --json | wc -l)" = 4 ]'
try
wait_for '[ -s "$TMP/seen" ]'
is "$(cat "$TMP/seen")" "end 105 text2" "a tgrun runs: what is retried is handled at once"
letters retry >/dev/null
wait_for '[ "$(wc -l <"$TMP/seen")" = 3 ]'
is "$(sort "$TMP/seen" | tr '\n' ' ')" "end 105 text2 end 106 text3 end 107 text4 " "retry without a number retries all"
stop_tgrun
is "$STATUS $(letters list --json)" "0 " "the run ends well, and none is left"

# --dead-keep, by number and by age.
rm -f "$TMP/good"
for i in 1 2 3 4; do message "$i" "kept$i"; done
run_tgrun --handler "$TMP/maybe" --dead-keep 2 --concurrency 1 --once
is "$STATUS $(letters list --json | jq -r .update.message.text | tr '\n' ' ')" "0 kept3 kept4 " "--dead-keep 2: the last two are kept"
is "$(grep -c 'info .*old dead letters were dropped, as --dead-keep says.* dropped=1' "$TGRUN_LOG")" 2 "… with a line for each that is dropped"
run_tgrun --handler "$TMP/maybe" --dead-keep 1h --once
is "$STATUS $(letters list --json | wc -l)" "0 2" "--dead-keep 1h keeps what is younger"
number=$(letters list --json | head -n 1 | jq -r .number)
is "$(letters drop "$number" --json)" "{\"number\":$number}" "drop --json names what was dropped"
wait_for '[ "$(letters list --json | jq -r "select(now - (.died | fromdate) < 2)" | wc -l)" = 0 ]'
run_tgrun --handler "$TMP/maybe" --dead-keep 1s --once
is "$STATUS $(letters list --json | wc -l)" "0 0" "--dead-keep 1s drops what is older, at the start"
for none in 0 0s; do
	message 9 none
	run_tgrun --handler "$TMP/maybe" --dead-keep "$none" --once
	is "$STATUS $(letters list --json | wc -l)" "0 0" "--dead-keep $none keeps none"
	like "$(tail -n 2 "$TGRUN_LOG")" 'old dead letters were dropped, as --dead-keep says.* dropped=1' "… and says so"
done
done_testing
