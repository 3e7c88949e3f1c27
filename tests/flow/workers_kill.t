# Goal: workers killed at random while many updates run: each update is handled, each key's in order, none fails because of another.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

case $BUILD in
*asan*) COUNT=4000 LEAST=3 ;;
*) COUNT=20000 LEAST=10 ;;
esac
DEADLINE=120
SEED=${SEED:-$(date +%s)}
diag "SEED=$SEED"
: >"$TMP/events"
TAKES=8 && export TAKES
start_sandbox --no-penalties --first-id 1
generate "$COUNT" 100
# What is said too often is held back, but for debug: each interruption counts below.
start_tgrun --workers 4 --handler "$PWD/tests/flow/worker.py" --log-level debug
# A kill after each so many lines in the log of events: which worker, and after how many, is the seed's choice.
awk -v seed="$SEED" -v end=$((COUNT * 3)) 'BEGIN { srand(seed); for (at = 200; at < end; at += 100 + int(rand() * end / 30)) print at, 1 + int(rand() * 4) }' >"$TMP/plan"
kills=0
while read -r at number; do
	wait_for '[ "$(wc -l <"$TMP/events")" -ge "$at" ] || ! kill -0 "$TGRUN_PID"' || break
	kill -KILL "$(cat "$TMP/worker.$number" 2>/dev/null)" 2>/dev/null && kills=$((kills + 1))
done <"$TMP/plan"
# What a worker was given and did not read waits for a moment.
all_settled() { [ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq -r 'select(.received == '"$COUNT"') | .waiting + .running_count')" = 0 ]; }
wait_for all_settled
stop_tgrun
diag "$kills kills"
ok '[ "$kills" -ge "$LEAST" ]' "workers were killed"
is "$STATUS" 0 "the run ends well"
dead list --json | jq -r '.update.update_id' >"$TMP/dead"
is "$(grep -v "	got	" "$TMP/events" | awk -v want="$COUNT" -v dead=" $(tr '\n' ' ' <"$TMP/dead")" -f tests/flow/crash.awk 2>"$TMP/figures")" right \
	"each is handled to its end, each chat's in order"
diag "$(cat "$TMP/figures"); $(wc -l <"$TMP/dead") dead letters"
is "$(dead list --json | jq -r .reason | sort -u | grep -v '(SIGKILL)$')" "" "what died alone in a worker that was killed has failed, and nothing else has"
# The last process that got it had got nothing else that it had not ended. A process can be killed before it notes what it
# is given: an update says something here when each of its hand-outs, one more than its interruptions, was noted.
sed -n 's/.*it held several  update=\([0-9]*\).*/\1/p' "$TGRUN_LOG" >"$TMP/interrupted"
is "$(awk -F '\t' 'FILENAME ~ /dead$/ { dead[$1]; next }
	FILENAME ~ /interrupted$/ { given[$1]++; next }
	$2 == "got" { got[$3]++; last[$3] = $5; held[$5] = held[$5] " " $3 " " }
	$2 == "end" { sub(" " $3 " ", "", held[$5]) }
	END { for (id in dead) { sub(" " id " ", "", held[last[id]])
		if (got[id] == given[id] + 1 && held[last[id]] ~ /[0-9]/) print id " died with" held[last[id]] } }' \
	"$TMP/dead" "$TMP/interrupted" "$TMP/events")" "" "… each of them alone in its worker"
done_testing
