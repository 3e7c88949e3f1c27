# Goal: workers stay, get what they can take, and answer on descriptor 3; what goes wrong with one update is that update's alone.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

DEADLINE=${DEADLINE:-60}
WORKER=$PWD/tests/flow/worker.py
events() { # WHAT [FIELD]…: those fields of such lines (3 update, 4 key, 5 pid, 6 attempt, 9 redelivered, 10 text)
	what=$1
	shift
	awk -F '\t' -v what="$what" -v fields="$*" '$2 == what { n = split(fields, f, " "); for (i = 1; i <= n; i++) printf "%s ", $f[i]
		print "" }' "$TMP/events" 2>/dev/null
}
count() { # WHAT
	events "$1" 3 | wc -l
}
fresh() {
	anew --no-penalties
	rm -f "$TMP/child" "$TMP/hold" "$TMP"/worker.*
	: >"$TMP/events"
}
starts() {
	grep -c "worker started" "$TGRUN_LOG"
}
# Whether the workers that live, two of them, were told that the bot is called so.
both_know() { # NAME
	wait_for '[ "$(names | tr "\n" " ")" = "'"$1 $1"' " ]'
}
fates() { # FILTER: of how many are done and how many dead
	"$TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null | jq -r "[.done, .dead] | $1"
}
# The name that each worker that lives was told, a line each.
names() (
	mark=$FLOW_MARK
	unset FLOW_MARK
	grep -lzxF "FLOW_MARK=$mark" /proc/[0-9]*/environ 2>/dev/null | while read -r environ; do
		{ tr '\0' '\n' <"$environ"; } 2>/dev/null | awk '/^TG_WORKER=/ { worker = 1 } sub(/^TG_BOT_USERNAME=/, "") { name = $0 } END { if (worker) print name }'
	done
)

# The bot's name is known when they start.
for store in sqlite memory; do
	fresh
	start_tgrun --workers 2 --handler "$WORKER" --log-level debug --store $store
	wait_for 'logged polling'
	is "$(starts)" 2 "--store $store: two workers were started when polling begins"
	ok 'both_know sandbox_bot && [ "$(starts)" = 2 ]' "… and they know the bot's name"
	stop_tgrun
done
fresh
stop_sandbox
start_tgrun --workers 2 --handler "$WORKER" --log-level debug
wait_for 'logged "cannot be reached"'
is "$(starts)" 0 "what never heard the bot's name waits for it: nothing is received before"
start_sandbox --port "$PORT"
wait_for 'logged polling'
ok 'both_know sandbox_bot && [ "$(starts)" = 2 ]' "… and then there are two"
stop_tgrun
stop_sandbox
rm "$TGRUN_LOG"
start_tgrun --workers 2 --handler "$WORKER" --log-level debug
wait_for 'logged "cannot be reached" && [ "$(starts)" = 2 ]'
ok 'both_know sandbox_bot' "without Telegram the name of the last run serves"
start_sandbox --port "$PORT" --username renamed_bot
wait_for 'logged polling'
ok 'both_know renamed_bot' "a bot that was renamed meanwhile: they are replaced by others that know it"
stop_sandbox
start_sandbox --port "$PORT" --username third_bot
kill -HUP "$TGRUN_PID"
ok 'both_know third_bot' "one that is renamed while tgrun runs: SIGHUP notices"
stop_tgrun
is "$STATUS" 0 "and it ends well"

# Workers that cannot be started: it is said, tried again, and no update is touched.
fresh
cp "$WORKER" "$TMP/fragile" && chmod 755 "$TMP/fragile"
handler fragile <<'EOT'
#!/bin/sh
exec "$REAL_WORKER"
EOT
export REAL_WORKER="$WORKER"
cp "$TMP/fragile" "$TMP/whole"
start_tgrun --workers 1 --max-requests 1 --handler "$TMP/fragile"
wait_for '[ "$(stats .open_polls)" = 1 ]'
printf '#!/nonexistent/interpreter\n' >"$TMP/fragile"
message 1 one
wait_for 'logged "cannot be started"'
message 2 two
wait_for '[ "$(stats .pending)" = 0 ]'
like "$(grep 'cannot be started' "$TGRUN_LOG" | head -n 1)" "error .*No such file or directory; .*No update is touched.*handler=$TMP/fragile" "a worker that cannot be started: the log says what to mend"
cp "$TMP/whole" "$TMP/fragile"
wait_for '[ "$(count end)" = 2 ]'
is "$(count end) $(dead list --json)" "2 " "… and when it is, all updates are handled"
stop_tgrun

# Without a word on concurrency a worker has one update at a time.
fresh
: >"$TMP/hold"
start_tgrun --workers 2 --handler "$WORKER" --log-level debug
for chat in 1 2 3 4; do message $chat "slow $chat"; done
wait_for '[ "$(count start)" = 2 ] && [ "$(stats .pending)" = 0 ]'
is "$(events got 5 | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" "1 1 " "a worker that announces nothing gets one update at a time"
"$TGRUN" status --json --state-dir "$TMP/state" >"$TMP/status"
is "$(jq '.running | length' "$TMP/status")" 2 "status knows both"
is "$(jq -r '.running[] | "\(.update_id) \(.worker)"' "$TMP/status" | sort)" "$(events got 3 5 | sort | while read -r id pid; do
	echo "$id $(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^TG_WORKER=//p')"
done)" "… and which worker has which"
like "$("$TGRUN" status --state-dir "$TMP/state")" 'running .* attempt 1  chat:[12]  worker [12]$' "… for people, too"
rm "$TMP/hold"
wait_for '[ "$(count end)" = 4 ]'
message 1 chatter
message 1 "chatter again"
message 1 "busy bee"
message 1 no
message 1 babble
message 1 last
wait_for '[ "$(events end 10 | grep -c last)" = 1 ]'
message 9 later
wait_for 'logged "too many requests: to be tried again"'
is "$("$TGRUN" queue list --json --state-dir "$TMP/state" | jq -r '(.due | sub("\\.[0-9]+"; "") | fromdate) - (.received | sub("\\.[0-9]+"; "") | fromdate) |
	"\(. >= 599) \(. < 660)"')" "true true" "one that is to be tried again after ten minutes waits so long"
stop_tgrun
is "$STATUS" 0 "a stop is clean"
is "$(events end 6 10 | grep -v later | tail -n 6 | tr '\n' ';')" "1 chatter again ;1 busy bee ;2 busy bee ;1 no ;1 babble ;1 last ;" \
	"ok:false with retry is tried again, before what comes later of the chat"
like "$(grep 'stream=stdout' "$TGRUN_LOG")" '"?ok"?' "an answer on stdout is a line in the log"
is "$(grep -c 'warn .*descriptor 3 (in a shell: >&3)' "$TGRUN_LOG")" 1 "… and it is said, once a minute, where it should have gone"
like "$(cat "$TGRUN_LOG")" 'words on stderr' "and so is stderr"
is "$(dead list --json | jq -r '"\(.update.message.text): \(.reason)"')" "no: no such order" "ok:false is a dead letter, with its reason"
ok '[ "$(grep -c "it is ignored" "$TGRUN_LOG")" -ge 1 ]' "lines that are no answers are logged and ignored"

# The least loaded gets the next.
fresh
: >"$TMP/hold"
TAKES=8 && export TAKES
start_tgrun --workers 2 --handler "$WORKER" --log-level debug
wait_for '[ -s "$TMP/worker.2" ]'
for chat in 1 2 3 4 5 6 7 8; do message $chat slow; done
wait_for '[ "$(count start)" = 8 ]'
is "$(events got 5 | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" "4 4 " "eight updates are spread evenly over two workers that take eight each"
message 1 second
kill "$TGRUN_PID"
wait_for 'logged "stopping"'
rm "$TMP/hold"
wait_tgrun
is "$STATUS $(count end)" "0 8" "at a stop workers finish what they hold"
run_tgrun --workers 1 --handler "$WORKER" --once
is "$STATUS $(events end 10 | grep -c second)" "0 1" "what waited is handled at the next start"

# A deadline is one update's; the others of its worker are handed out again.
fresh
: >"$TMP/hold"
start_tgrun --workers 1 --handler "$WORKER" --timeout 4s --kill-after 1s
message 1 hang
wait_for '[ -s "$TMP/child" ]'
later=$(($(date +%s) + 2))
wait_for '[ "$(date +%s)" -ge "$later" ]'
message 2 slow
wait_for '[ "$(events start 10 | grep -c slow)" = 2 ]'
rm "$TMP/hold"
wait_for '[ "$(count end)" = 1 ]'
is "$(dead list --json | jq -r '"\(.update.message.text): \(.reason) (\(.attempts))"')" "hang: timed out after 4s (1)" "an update over its deadline has failed"
is "$(events end 6 9 10)" "1 1 slow " "the other one of its worker is handed out again, marked, and not counted"
ok '! kill -0 "$(cat "$TMP/child")" 2>/dev/null' "the worker is killed with all that it started"
stop_tgrun

# An update that kills its worker is found out.
fresh
: >"$TMP/hold"
start_tgrun --workers 2 --handler "$WORKER"
wait_for '[ -s "$TMP/worker.2" ]'
for chat in 1 2 3 4 5 6; do message $chat "slow $chat"; done
wait_for '[ "$(count start)" = 6 ]'
message 7 die
message 7 after
wait_for '[ "$(dead list --json | wc -l)" = 1 ]'
rm "$TMP/hold"
wait_for '[ "$(count end)" -ge 7 ]'
is "$(dead list --json | jq -r '"\(.update.message.text): \(.reason)"')" "die: exited with status 9" "it alone has failed"
is "$(events end 10 | sort | tr '\n' ';')" "after ;slow 1 ;slow 2 ;slow 3 ;slow 4 ;slow 5 ;slow 6 ;" "all others are handled, once each"
is "$(events end 6 | sort -u)" "1 " "… and no attempt of theirs was counted"
stop_tgrun

# Recycling, without a gap.
fresh
start_tgrun --workers 1 --max-requests 20 --handler "$WORKER" --log-level debug
generate 30 10
wait_for 'logged "worker is replaced"'
generate 30 10
wait_for '[ "$(count end)" = 60 ]'
stop_tgrun
is "$STATUS $(events end 3 | sort -u | wc -l) $(count end)" "0 60 60" "--max-requests: each update is handled once"
ok '[ "$(events end 5 | sort -u | wc -l)" -ge 2 ]' "… by a worker and those that replaced it"
fresh
unset TAKES
start_tgrun --workers 1 --max-worker-age 1s --handler "$WORKER" --log-level debug
message 1 one
wait_for 'logged "worker is replaced"'
message 1 two
wait_for '[ "$(count end)" = 2 ]'
ok '[ "$(count end)" = 2 ]' "--max-worker-age: a worker is replaced by its age"
stop_tgrun

# A program that ends with its input is not cut by being replaced.
fresh
: >"$TMP/hold"
ENDS=1 && export ENDS
start_tgrun --workers 1 --max-requests 1 --handler "$WORKER" --log-level debug
message 1 slow
wait_for '[ "$(count start)" = 1 ] && logged "worker is replaced"'
message 2 other
wait_for '[ "$(count end)" = 1 ]'
is "$(count got)" 2 "a worker that is replaced is left alone with what it holds, while its successor gets the next"
kill "$TGRUN_PID"
wait_for 'logged "stopping"'
rm "$TMP/hold"
wait_tgrun
is "$STATUS $(events end 6 10 | sort | tr '\n' ';') $(count got)" "0 1 other ;1 slow ; 2" "… and answers it, at a stop too, though it ends with its input"
unset ENDS

# A key and its worker.
fresh
: >"$TMP/hold"
start_tgrun --workers 2 --sticky --handler "$WORKER"
wait_for '[ -s "$TMP/worker.2" ]'
message 1 slow
message 2 slow
wait_for '[ "$(count start)" = 2 ]'
rm "$TMP/hold"
wait_for '[ "$(count end)" = 2 ]'
for n in 3 4 5 6 7 8; do
	message $((n % 2 + 1)) more
	wait_for '[ "$(count end)" = $n ]'
done
is "$(events start 4 5 | sort -u | wc -l)" 2 "--sticky: a chat stays with its worker, though the other one is free"
stop_tgrun

# A worker whose program is not whole never reads: no update is touched, and it is said why.
handler broken <<'EOT'
#!/bin/sh
[ ! -e "$FLOW_MARK/mended" ] || exec "$REAL_WORKER"
python3 -c 'import select; select.select([0], [], [])' # it lives until it is given one, or its end
cat tests/data/crashes/node-missing-module >&2
exit 1
EOT
broken_worker() { # HANDLER REASON
	fresh
	rm -f "$TMP/mended"
	generate 100 40 # before it starts: a pipeline that has stood for two seconds would be charged
	start_tgrun --workers 1 --handler "$1" --log-level debug
	wait_for '[ "$(stats .pending)" = 0 ] && [ "$("$TGRUN" status --json --state-dir "$TMP/state" | jq .received)" = 100 ] && logged "interrupted, .* anything"'
	"$TGRUN" status --json --state-dir "$TMP/state" >"$TMP/status"
	is "$(jq -r '"\(.start_failing) \(.dead) \(.failed) \(.interrupted)"' "$TMP/status") $(dead list --json)" "true 0 0 0 " \
		"$1: a worker that ends before it reads anything touches no update"
	like "$(grep ' error ' "$TGRUN_LOG" | head -n 1)" "the handler cannot be started: $2; .* No update is touched" "… the log says what is wrong"
	like "$(jq -r .last_error "$TMP/status")" "^$2\$" "… and so does status"
	like "$("$TGRUN" status --state-dir "$TMP/state")" "last error: .*$2" "… for people, too"
	: >"$TMP/mended"
	wait_for '[ "$(count end)" = 100 ]'
	is "$(events end 6 | sort | uniq -c | awk '{ print $1, $2 }')" "100 1" "when it is mended all are handled, as if nothing had been"
	like "$(cat "$TGRUN_LOG")" "the workers work again" "… which is said"
	stop_tgrun
	is "$(dead list --json)" "" "… and none is a dead letter"
}
WHY="exited with status 1: Error: Cannot find module 'telegraf'"
broken_worker "$TMP/broken" "a worker ended before it read anything: $WHY"
is "$(events end 9 | sort -u)" "0 " "… and for the first time"
# The first stage of a pipeline reads, for a last one that is gone.
broken_worker "cat | $TMP/broken" "a worker ended before it (read|answered) anything: stage 2 of 2 $WHY"

# A worker that ends after an answer: what it was given next, and did not read, is another's.
handler brief <<'EOT'
#!/bin/sh
IFS= read -r line
id=${line#*'"id":"'}
printf '{"id":"%s","ok":true}\n' "${id%%'"'*}" >&3
sleep .02
exit "$CODE"
EOT
for CODE in 0 1; do
	export CODE
	fresh
	generate 12 12
	start_tgrun --workers 2 --handler "$TMP/brief"
	wait_for '[ "$(fates "add")" = 12 ]'
	is "$(fates 'join(" ")')" "12 0" \
		"a worker that ends with $CODE after an answer: no update is lost by it"
	stop_tgrun
done

# A program that ends at once is no worker.
handler crash <<'EOT'
#!/bin/sh
echo "cannot find my database" >&2
exit 3
EOT
fresh
start_tgrun --workers 1 --handler "$TMP/crash" --log-level debug
wait_for '[ "$(grep -c "worker started" "$TGRUN_LOG")" -ge 2 ]'
message 1 early
like "$(cat "$TGRUN_LOG")" 'status 3' "a crash loop is told of, with how they end"
like "$(cat "$TGRUN_LOG")" 'cannot find my database' "… and their last words"
stop_tgrun
is "$STATUS $(dead list --json | wc -l)" "0 0" "no update is charged for it"
run_tgrun --workers 1 --handler "$WORKER" --once
is "$STATUS $(events end 10)" "0 early " "it is handled when the workers work"
done_testing
