# Goal: status tells how the running tgrun does; pause, resume, drain and stop do what they say; with none running each says so and ends with 69.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

tool() { # WORD…: $OUT, $ERR, $STATUS
	"$TGRUN" "$@" --state-dir "$TMP/state" >"$TMP/out" 2>"$TMP/err" </dev/null
	STATUS=$?
	OUT=$(cat "$TMP/out")
	ERR=$(cat "$TMP/err")
}
field() { # JQ-EXPRESSION, of the status
	tool status --json
	printf '%s\n' "$OUT" | jq -r "$1"
}

# None runs: neither with a state directory nor without one.
for verb in status stop pause resume drain; do
	tool "$verb"
	is "$STATUS $OUT" "69 " "tgrun $verb without a state directory ends with 69"
	like "$ERR" "^tgrun: no tgrun runs with the state directory '$TMP/state'\$" "and says why"
done
mkdir -m 700 "$TMP/state"
tool stop --wait
is "$STATUS" 69 "tgrun stop --wait with an empty one too"
tool status extra
is "$STATUS" 64 "an argument is refused"

# The handler of a chat waits until a file of its name is there; chat 3 fails.
handler wait.sh <<'EOT'
#!/bin/sh
echo "$TG_CHAT_ID $TG_TEXT" >>"$TMP/started"
while [ ! -e "$TMP/go.$TG_CHAT_ID" ]; do sleep 0.05; done
[ "$TG_CHAT_ID" != 3 ] || { echo "it is three" >&2; exit 65; }
EOT
export TMP
start_sandbox
: >"$TMP/started"
start_tgrun --handler "$TMP/wait.sh" --concurrency 5 --shutdown-timeout 5
message 1 a
for text in b c d; do message 2 "$text"; done
wait_for '[ "$(wc -l <"$TMP/started")" = 2 ]'
wait_for '[ "$(field .waiting)" = 2 ]'
tool status --json
is "$STATUS $ERR" "0 " "status ends with 0, in silence"
is "$(printf '%s\n' "$OUT" | wc -l)" 1 "with --json it is one line"
is "$(field .bot_id)" 123456 "which names the bot"
is "$(field .pid)" "$TGRUN_PID" "and the process"
is "$("$TGRUN" --version)" "tgrun $(field .version)" "and its version"
is "$(field .state)" running "it runs"
is "$(field '[.concurrency, .running_count, .waiting, .ready, .received, .done] | join(" ")')" "5 2 2 0 4 0" "the counts are right"
is "$(field '[.running[].key] | sort | join(" ")')" "chat:1 chat:2" "what runs is listed"
is "$(field '[.running[] | (.attempt == 1 and .seconds >= 0 and .number > 0 and .update_id > 0)] | all')" true "with its numbers, attempt and time"
is "$(field '.keys | tojson')" '[{"key":"chat:2","waiting":2}]' "what waits is counted by key"
is "$(field '.keys_partial')" false "all of it"
is "$(field '[.breaker_open, .store_failing, .backlog_full, .disk_low, .start_failing, .paused] | any')" false "nothing is amiss"
is "$(field '.routes | map(.mode) | join(" ")')" exec "and the handler's mode is told"
is "$(field '(.uptime | type) + " " + (.rate | type) + " " + (.polls > 0 | tostring) + " " + (.source.last_answer_seconds | type)')" \
	"number number true number" "as are uptime, rate, polls and the last answer"
is "$(field '[.last_error, .last_error_at] | tojson')" '["",null]' "there was no error"
tool status
like "$OUT" '^running: bot 123456 @.*process [0-9]+, up ' "for people it is text"
like "$OUT" 'waiting  2  chat:2' "with the keys"
like "$OUT" 'running  .* attempt 1  chat:1' "and what runs"

message 3 x
touch "$TMP/go.3"
wait_for '[ "$(field .dead_letters)" = 1 ]'
is "$(field '[.failed, .dead] | join(" ")')" "1 1" "a failure counts"
like "$(field .last_error)" 'status 65' "it is the last error"
like "$(field .last_error_at)" '^20[0-9-]*T[0-9:]*Z$' "with its time"

# Watching goes on until it is stopped.
start "$TGRUN" status --watch --json --state-dir "$TMP/state" >"$TMP/watched"
WATCHER=$PID
wait_for '[ "$(wc -l <"$TMP/watched")" -ge 2 ]'
is "$(head -n 2 "$TMP/watched" | jq -s "map(.pid == $TGRUN_PID) | all")" true "--watch prints one object after the other"
kill "$WATCHER"

# Pause: nothing is started, fetching goes on.
tool pause
is "$STATUS$OUT$ERR" 0 "pause"
is "$(field '.state + " " + (.paused | tostring)')" "paused true" "is told by status"
tool pause
is "$STATUS" 0 "once more is fine"
touch "$TMP/go.1" "$TMP/go.2" "$TMP/go.4"
wait_for '[ "$(field .running_count)" = 0 ]'
message 4 p
wait_for '[ "$(field .received)" = 6 ]'
is "$(field .waiting)" 3 "what was not started waits, and what comes is fetched"
is "$(grep -c . "$TMP/started")" 3 "and no handler is started"
tool status
like "$OUT" '^paused: fetching goes on' "people are told"
tool drain
is "$STATUS" 75 "a paused one is not drained"
like "$ERR" "it is paused, so nothing would be handled" "for a reason that is told"
tool resume
is "$STATUS$OUT$ERR" 0 "resume"
wait_for '[ "$(field .done)" = 5 ]'
is "$(field .state)" running "lets it go on"
is "$(field .waiting)" 0 "to the last one"
is "$(grep "^2 " "$TMP/started" | tr '\n' ' ')" "2 b 2 c 2 d " "in order"

# A request of another user is refused. (The directory keeps others out already; here it is opened for them.)
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	before=$(field .state)
	chmod 755 "$TMP" "$TMP/state"
	chmod 666 "$TMP/state/control"
	setpriv --reuid 65534 --regid 65534 --clear-groups perl - "$TMP/state/control" >"$TMP/stranger" 2>&1 <<'EOT'
use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "cannot connect: $!";
$SIG{PIPE} = "IGNORE";
alarm 20;
$s->autoflush(1);
print $s "{\"verb\":\"stop\"}\n";
print "got ", length(join("", <$s>)), "\n";
EOT
	is "$(cat "$TMP/stranger")" "got 0" "another user gets no answer"
	chmod 600 "$TMP/state/control"
	chmod 700 "$TMP/state"
	is "$(field .state)" "$before" "and changes nothing"
else
	ok true "another user gets no answer # SKIP not root"
	ok true "and changes nothing # SKIP not root"
fi

# Drain: what is here is handled, nothing more is fetched, and then it ends with 0.
rm -f "$TMP"/go.*
for text in e f; do message 5 "$text"; done
wait_for '[ "$(field .received)" = 8 ]'
tool drain
is "$STATUS$OUT$ERR" 0 "drain"
wait_for '[ "$(field .state)" = draining ]'
tool pause
is "$STATUS" 75 "what drains is not paused"
touch "$TMP/go.5"
wait_tgrun
is "$STATUS" 0 "it ends with 0"
is "$(grep "^5 " "$TMP/started" | tr '\n' ' ')" "5 e 5 f " "when all that waited was handled"
tool status
is "$STATUS" 69 "and then none runs"

# Drain keeps what is to be tried again later.
handler later.sh <<'EOT'
#!/bin/sh
exit 75
EOT
message 6 g
start_tgrun --handler "$TMP/later.sh" --retry-delay 5m
wait_for '[ "$(field .retried)" = 1 ]'
tool drain --wait
is "$STATUS" 0 "drain --wait comes back when it has ended"
ok '! kill -0 "$TGRUN_PID" 2>/dev/null || grep -q "^State:.*Z" "/proc/$TGRUN_PID/status"' "not before"
wait_tgrun
is "$STATUS" 0 "also with an update that is due later"
tool queue list --json
is "$(printf '%s\n' "$OUT" | jq -r '[.state, .failures] | join(" ")')" "delayed 1" "which is kept"

# Stop: as SIGTERM.
start_tgrun --handler "$TMP/wait.sh" --shutdown-timeout 20
message 7 h
wait_for 'grep -q "^7 h" "$TMP/started"'
tool stop
is "$STATUS$OUT$ERR" 0 "stop"
is "$(field .state)" stopping "what runs may finish"
touch "$TMP/go.7" "$TMP/go.6"
wait_tgrun
is "$STATUS" 0 "and it ends as by a signal"
start_tgrun --handler "$TMP/wait.sh"
wait_for '[ "$(field .state)" = running ]'
tool stop --wait
is "$STATUS" 0 "stop --wait"
wait_tgrun
is "$STATUS" 0 "of an idle one"
like "$(tail -n 3 "$TGRUN_LOG")" 'stopping: as tgrun stop asked' "the log says who asked"

# One that stands still is there, and does not answer.
machine MACHINE_SPEED=20
start_tgrun --handler "$TMP/wait.sh"
wait_for '[ "$(field .state)" = running ]'
kill -STOP "$TGRUN_PID"
for words in status 'stop --wait' 'queue list'; do
	# shellcheck disable=SC2086
	tool $words
	is "$STATUS" 75 "tgrun $words of one that stands still: 75"
	like "$ERR" 'does not answer' "… and says so"
done
kill -CONT "$TGRUN_PID"
wait_tgrun
is "$STATUS" 0 "it stops when it goes on, as it was asked"
rm -f "$TMP"/go.*
: >"$TMP/started"
message 7 held
start_tgrun --handler "$TMP/wait.sh" --shutdown-timeout 1h
wait_for 'grep -q "^7 held" "$TMP/started"'
(sleep 0.5; kill -STOP "$TGRUN_PID") &
tool stop --wait
is "$STATUS" 75 "stop --wait of one that comes to stand still meanwhile: 75, too"
kill -CONT "$TGRUN_PID"
touch "$TMP/go.7"
wait_tgrun
is "$STATUS" 0 "… and it ends when it goes on"
machine

# What keeps it from working is told to people, too, and what its routes do.
cp "$TMP/later.sh" "$TMP/missing.sh"
script '{"method":"getUpdates","status":500,"body":"x","times":1000}'
message 8 i
start_tgrun --handler "$TMP/missing.sh" --route "/work=$PWD/share/examples/worker.sh"
wait_for '[ "$(field .source.failing)" = true ]'
tool status
like "$OUT" '^trouble: cannot fetch: .*500' "that Telegram does not answer"
like "$OUT" '^  /work +exec, 0 running$' "a route, with its mode"
like "$OUT" '^  \(handler\) +exec, 0 running$' "and the handler"
stop_tgrun
anew --no-penalties
cat >"$TMP/conf" <<EOT
handler = $TMP/missing.sh
[route "/work"]
handler = $PWD/share/examples/worker.sh
workers = 1
EOT
start_tgrun --config "$TMP/conf" --backlog 1
wait_for '[ "$(stats .open_polls)" = 1 ]'
printf '#!/nonexistent/interpreter\n' >"$TMP/missing.sh"
message 8 i
wait_for 'logged "cannot be started"'
wait_for '[ "$(field .backlog_full)" = true ]'
tool status
like "$OUT" '^trouble: the handler cannot be started$' "that handlers cannot be started"
like "$OUT" '^trouble: the backlog is full: fetching pauses$' "that the backlog is full"
like "$OUT" '^last error: 20[^ ]*Z +No such file or directory' "the last error, and when"
like "$OUT" '^  /work +worker, 0 running, [12] processes \([01] ready\), room for [12], 0 died, 0 replaced$' "what workers do"
stop_tgrun
done_testing
