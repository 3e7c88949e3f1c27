# Goal: whoever lists or changes thousands of letters and updates of a tgrun that runs holds up nobody, and may read slowly, stop reading or go away: what he
# was told of is done, and the runner holds nothing for him.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

handler work <<'EOT'
#!/bin/sh
[ -e "$FLOW_MARK/good" ] || exit 65
echo "$TG_UPDATE_ID" >>"$FLOW_MARK/seen"
EOT
: >"$TMP/seen"
held() { find "/proc/$TGRUN_PID/fd" -mindepth 1 | wc -l; }
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$TGRUN_PID/status"; }
asan() { nm "$TGRUN" 2>/dev/null | grep -q __asan_; }
status() { "$TGRUN" status --json --state-dir "$TMP/state" | jq -r "$1"; }
# Letters by the thousand: lines that are no updates.
yes 'no update' | head -n 20000 >"$TMP/lines"

start_sandbox
mkfifo "$TMP/answer"
TGRUN_LOG=$TMP/tgrun.log
"$TGRUN" --source "$TMP/lines" --state-dir "$TMP/state" --handler "$TMP/work" --log-level error >"$TMP/out" 2>&1 </dev/null
dead list --json >"$TMP/list"
is "$(wc -l <"$TMP/list")" 20000 "there are twenty thousand letters"

# A reader who goes away in the middle of a work: what he was told of is done, and nothing else is. What the rest of it is shows that it was done in parts.
start_tgrun --handler "$TMP/work" --poll-timeout 20 --log-level error
wait_for '[ -S "$TMP/state/control" ]'
TGRUN_TOKEN=$TOKEN "$TGRUN" dead drop --all --json --state-dir "$TMP/state" >"$TMP/answer" 2>"$TMP/err" </dev/null &
dropping=$!
exec 9<"$TMP/answer"
read -r line <&9
is "$line" '{"number":1}' "dead drop of all tells of the first while the others are still to be dropped"
wait_for '[ "$(status .dead_letters)" -lt 20000 ]'
ok '[ "$(status .dead_letters)" -gt 0 ]' "… and waits for who reads it, while tgrun does other things ($(status .dead_letters) are left)"
kill -KILL "$dropping"
wait "$dropping" 2>/dev/null
cat <&9 >"$TMP/told"
exec 9<&-
left=$(status .dead_letters)
dead list --json >"$TMP/list"
is "$(wc -l <"$TMP/list")" "$left" "… when it is killed, the rest stays"
ok '[ "$(jq .number "$TMP/list" | sort -n | head -n 1)" -gt "$(grep -c . "$TMP/told")" ]' "… and what was told of is gone"

# The whole of it, and handlers start meanwhile: the first that was put again ends before the last is put again.
: >"$TMP/good"
dead list --json | jq .number | sort -n | tail -n 1 >"$TMP/last"
TGRUN_TOKEN=$TOKEN "$TGRUN" dead retry --state-dir "$TMP/state" 2>"$TMP/err" | {
	read -r line
	wait_for '[ -s "$TMP/seen" ]' && echo early >"$TMP/early"
	cat >"$TMP/told"
}
is "$(cat "$TMP/early" 2>/dev/null) $(tail -n 1 "$TMP/told") $(wc -l <"$TMP/err")" "early $(cat "$TMP/last") is to be handled again 0" \
	"dead retry of all: the first is handled before the last is told of"
is "$(dead list --json | wc -l)" 0 "… and all are put again"
is "$("$TGRUN" queue clear --all --state-dir "$TMP/state" | sed 's/^[1-9][0-9]* //')" skipped "queue clear skips them all"
wait_for '[ "$(status .waiting)" = 0 ]'
stop_tgrun
is "$STATUS" 0 "the run ends well"

# Letters as large as they come, read slowly.
rm -f "$TMP/good"
anew --no-penalties
forget
generate 300 300 pad=100000
start_tgrun --handler "$TMP/work" --breaker 0 --poll-timeout 20 --log-level error --concurrency 4
wait_for '[ "$(status .dead_letters)" = 300 ]' 60
wait_for '[ "$(status .running_count)" = 0 ]'
before=$(held)
memory=$(peak)
TGRUN_TOKEN=$TOKEN "$TGRUN" dead list --json --state-dir "$TMP/state" >"$TMP/answer" 2>"$TMP/err" </dev/null &
reader=$!
exec 9<"$TMP/answer"
head -c 1000 <&9 >"$TMP/part"
wait_for '[ "$(held)" = "$before" ]'
is "$(held)" "$before" "a list of 30 MB, hardly read: the runner holds no connection for its reader"
ok 'asan || [ "$(peak)" -lt $((memory + 8192)) ]' "… nor much memory ($memory, then $(peak) KB)"
last=$(dead list --json | tail -n 1 | jq .number)
dead drop "$last" >/dev/null
cat <&9 >>"$TMP/part"
exec 9<&-
wait "$reader"
is "$? $(wc -l <"$TMP/part") $(jq -s 'map(.number) | unique | length' "$TMP/part") $(cat "$TMP/err")" "0 299 299 " \
	"… and gets all of it when he reads on, but for what was dropped meanwhile"

# Who has seen enough.
for what in 'dead list' 'dead list --json' 'queue list --json' 'status' '--help'; do
	# shellcheck disable=SC2086
	{ TGRUN_TOKEN=$TOKEN "$TGRUN" $what --state-dir "$TMP/state" 2>&1 >&3 | cat >"$TMP/err"; } 3>&1 | head -n 1 >"$TMP/out"
	is "$(cat "$TMP/err")" "" "$what | head -n 1 is quiet"
done
{ dead drop --all 2>&1 >&3 | cat >"$TMP/err"; } 3>&1 | head -n 1 >"$TMP/out"
is "$(cat "$TMP/err") $(dead list --json | wc -l)" " 0" "dead drop --all | head -n 1 is quiet, too, and drops all"
stop_tgrun
is "$STATUS" 0 "the run ends well"

# Nothing runs: who reads slowly keeps no run from starting.
forget
for i in 1 2 3; do
	generate 100 100 pad=100000
done
run_tgrun --handler "$TMP/work" --breaker 0 --log-level error --once
"$TGRUN" dead list --json --state-dir "$TMP/state" >"$TMP/answer" 2>"$TMP/err" </dev/null &
reader=$!
exec 9<"$TMP/answer"
head -c 1000 <&9 >"$TMP/part"
start_tgrun --handler "$TMP/work" --poll-timeout 20
wait_for 'logged " polling"'
ok 'logged " polling"' "nothing runs, and a list is hardly read: a start does not wait for its reader"
cat <&9 >>"$TMP/part"
exec 9<&-
wait "$reader"
is "$? $(jq -s 'map(.number) | unique | length' "$TMP/part") $(wc -l <"$TMP/part") $(cat "$TMP/err")" "0 300 300 " "… who gets all of it from the one that runs by then"
stop_tgrun

# A run that keeps nothing can be asked all the same.
forget
start_tgrun --handler "$TMP/work" --store memory --poll-timeout 20 --breaker 0
wait_for 'logged " polling"'
is "$(status .state 2>&1)" running "status beside --store memory"
message 5 hello
wait_for '[ "$(dead list --json 2>/dev/null | wc -l)" = 1 ]'
is "$(dead list --json | jq -r .update.message.text)" hello "… dead list"
run_other() { TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/work" --store memory --once >"$TMP/out" 2>&1 </dev/null; }
run_other
is "$?" 75 "… and another does not start beside it"
"$TGRUN" stop --wait --state-dir "$TMP/state"
wait_tgrun
is "$STATUS $(dead list --json 2>&1)" "0 " "… stop ends it, and nothing is left"
ok '[ ! -e "$TMP/state/queue.db" ]' "… and no store is made by who asks"
printf '{"update_id":1,"message":{"message_id":1,"date":0,"chat":{"id":5,"type":"private"},"text":"x"}}\n' >"$TMP/one"
: >"$TMP/good"
env -u TGRUN_TOKEN -u HOME "$TGRUN" --source "$TMP/one" --store memory --handler "$TMP/work" >"$TMP/out" 2>&1 </dev/null
is "$? $(grep -c ' warn \| error ' "$TMP/out")" "0 0" "… without a place for it a run goes on, and warns of nothing"
done_testing
