# Goal: `tgrun status --prometheus` tells the figures in Prometheus' text format, under the names of the manual, the same that --json and the log tell;
# to a file it is written whole; the age of the oldest update is right, also after a restart.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

status() { "$REAL_TGRUN" status --state-dir "$TMP/state" "$@" </dev/null; }
read_metrics() { status --prometheus >"$TMP/metrics"; }
value() { # NAME{LABEL=VALUE}, of what was read last
	python3 tests/flow/metrics.py value "$TMP/metrics" "tgrun_$1"
}
values() { # NAME LABEL=VALUE…: those, a space between
	_name=$1
	shift
	for _label; do value "$_name{$_label}"; done | tr '\n' ' '
}
figure() { status --json 2>/dev/null | jq -r "$1"; }

# Everything that can become of an update.
handler all <<'EOT'
#!/bin/sh
case $TG_TEXT in
status) exit 3 ;;
refused) exit 65 ;;
later) [ "$TG_ATTEMPT" = 1 ] && exit 75 ;;
signal) kill -9 $$ ;;
/slow) exec sleep 100 ;;
reply) echo nonsense; exit 0 ;;
held) touch "$FLOW_MARK/running"; exec sleep 100 ;;
esac
echo "{\"method\":\"sendMessage\",\"text\":\"$TG_TEXT\"}"
EOT
cat >"$TMP/worker" <<'EOT'
#!/bin/sh
echo '{"ready":true}' >&3
read -r line
exit 0
EOT
chmod 755 "$TMP/worker"
machine MACHINE_SPEED=10
start_sandbox --no-penalties
script '{"method":"getUpdates","status":502}
{"method":"getUpdates","status":429,"retry_after":1}'
chats '{"chat":9,"state":"blocked"}'
cat >"$TMP/conf" <<EOT
handler = $TMP/all
reply = api
retry-delay = 1s
timeout = 0
on-failure = drop
breaker = 0
[route "/slow"]
handler = $TMP/all
timeout = 5s
kill-after = 1s
on-failure = drop
[route "/work"]
handler = $TMP/worker
workers = 1
EOT
start_tgrun --config "$TMP/conf"
number=0
for text in fine status refused later signal /slow reply /work; do
	number=$((number + 1))
	message $number "$text"
done
message 9 blocked
wait_for '[ "$(figure "[.done, .dead, .dropped] | join(\" \")")" = "3 2 4" ]'
message 11 held
wait_for '[ -e "$TMP/running" ]'
"$REAL_TGRUN" cancel --state-dir "$TMP/state" --chat 11
wait_for '[ "$(figure "[.cancelled, .sent, .undelivered] | join(\" \")")" = "1 2 1" ]'
read_metrics
is "$(python3 tests/flow/metrics.py check "$TMP/metrics")" "" "a strict reader finds no fault with the metrics"
if command -v promtool >/dev/null; then
	is "$(promtool check metrics <"$TMP/metrics" 2>&1)" "" "nor does promtool"
else
	ok true "nor does promtool # SKIP it is not here"
fi
is "$(values updates_settled_total outcome=done outcome=dead outcome=dropped outcome=skipped outcome=cancelled)" "3 2 4 0 1 " "what became of updates is counted by outcome"
is "$(values attempts_failed_total reason=status reason=refused reason=later reason=signal reason=timeout reason=reply reason=no_answer)" \
	"1 1 1 1 1 1 1 " "each failure by its reason"
is "$(value updates_received_total)" 10 "what was received"
is "$(values poll_failures_total class=server class=flood class=network)" "1 1 0 " "failures of polls by class"
is "$(values calls_total outcome=sent outcome=failed outcome=dropped)" "2 1 0 " "calls by outcome"
is "$(value "breaker_open{route=/work}") $(value "breaker_open{route=(handler)}")" "0 0" "the breaker of each route"
is "$(value "build_info{version=$("$REAL_TGRUN" --version | cut -d ' ' -f 2)}")" 1 "the version"
is "$(value handler_slots)" 17 "sixteen handlers and the place in a worker"
is "$(value handler_duration_seconds_count)" 11 "each attempt has a duration, the second one of an update, too"
is "$(value queue_delay_seconds_count)" 10 "and each update one delay"
ok '[ "$(value "handler_duration_seconds_bucket{le=2.5}")" -lt 11 ] && [ "$(value handler_duration_seconds_sum | cut -d . -f 1)" -ge 5 ]' \
	"… what ran until its deadline of five seconds stands in a high bucket, and in the sum"
like "$(value last_poll_timestamp_seconds)" '^[0-9]{10}\.[0-9]{3}$' "the last poll is a time"

# The same numbers wherever they are told.
is "$(figure '[.done, .dead, .dropped, .skipped, .cancelled, .failed_status, .failed_refused, .failed_later, .failed_signal, .failed_timeout, .failed_reply, .failed_no_answer, .received, .poll_failures_server, .poll_failures_flood, .sent, .undelivered, .calls_dropped] | join(" ")')" \
	"3 2 4 0 1 1 1 1 1 1 1 1 10 1 1 2 1 0" "--json tells the same"
is "$(figure '.failed == ([.failed_status, .failed_refused, .failed_later, .failed_signal, .failed_timeout, .failed_reply, .failed_no_answer] | add)')" true "the reasons add up"
is "$(figure '.poll_failures == ([to_entries[] | select(.key | startswith("poll_failures_")).value] | add)')" true "and the classes"
is "$(figure '.handler_duration_seconds | [.count, .buckets["+Inf"]] | join(" ")')" "11 11" "also of durations"
kill -USR1 "$TGRUN_PID"
wait_for 'logged " figures "'
like "$(grep ' figures ' "$TGRUN_LOG")" ' done=3 failed=7 .*oldest_waiting_seconds=0 dead_letters=2 ' "and so does SIGUSR1"

# The manual has every name.
missing=$(python3 tests/flow/metrics.py names "$TMP/metrics" | while read -r name word; do
	grep -Eq "^\.(It )?Li (.* )?${word:-$name}( |\$)" man/tgrun.1 || echo "$name $word"
done)
is "$missing" "" "the manual has every metric, and every value of a label"

# To a file: whole, readable by all, and nothing beside it.
mkdir "$TMP/textfile"
status --prometheus --output "$TMP/textfile/tgrun.prom"
is "$? $(ls -A "$TMP/textfile") $(stat -c %a "$TMP/textfile/tgrun.prom")" "0 tgrun.prom 644" "--output FILE makes that file alone, for all to read"
is "$(python3 tests/flow/metrics.py check "$TMP/textfile/tgrun.prom")" "" "… with all of it"
ln -s tgrun.prom "$TMP/textfile/link" && mkfifo "$TMP/textfile/fifo"
status --prometheus --output "$TMP/textfile/link"
is "$? $(readlink "$TMP/textfile/link") $(ls -A "$TMP/textfile" | tr '\n' ' ')" "0 tgrun.prom fifo link tgrun.prom " "… behind a link, which stays"
mkdir "$TMP/textfile/sub" && ln -s sub/later "$TMP/textfile/first" && ln -s first "$TMP/textfile/dangling"
status --prometheus --output "$TMP/textfile/dangling"
is "$? $(readlink "$TMP/textfile/dangling") $(grep -c "^# HELP tgrun_build_info" "$TMP/textfile/sub/later") $(ls -A "$TMP/textfile/sub")" "0 first 1 later" "… also where nothing was there yet"
ln -s circle "$TMP/textfile/circle"
status --prometheus --output "$TMP/textfile/circle" 2>"$TMP/err"
is "$? $(grep -c "$TMP/textfile/circle" "$TMP/err")" "73 1" "… but not behind a link that leads to itself"
rm -r "$TMP/textfile/sub" "$TMP/textfile/first" "$TMP/textfile/dangling" "$TMP/textfile/circle"
timeout 20 cat "$TMP/textfile/fifo" >"$TMP/read" &
reader=$!
status --prometheus --output "$TMP/textfile/fifo"
got=$?
wait "$reader"
is "$got $(grep -c "^# HELP tgrun_build_info" "$TMP/read") $([ -p "$TMP/textfile/fifo" ] && echo fifo)" "0 1 fifo" "… and a FIFO is written to"
is "$(timeout 60 "$REAL_TGRUN" status --prometheus --state-dir "$TMP/state" --output "$TMP/textfile/fifo" 2>&1 </dev/null; echo $?)" "tgrun: nobody reads '$TMP/textfile/fifo'
74" "… but not waited for when nobody reads it"
rm "$TMP/textfile/link" "$TMP/textfile/fifo"
status --prometheus --output "$TMP/nowhere/tgrun.prom" 2>"$TMP/err"
is "$? $(grep -c "$TMP/nowhere" "$TMP/err")" "73 1" "where it cannot be made, that is 73 and said"
for words in '--check --prometheus' '--prometheus --json' '--output x' '--oldest 5m' '--max-dead 3' '--watch --check'; do
	# shellcheck disable=SC2086
	status $words 2>/dev/null
	is "$?" 64 "status $words: 64"
done
stop_tgrun
before=$(cksum <"$TMP/textfile/tgrun.prom")
status --prometheus --output "$TMP/textfile/tgrun.prom" 2>/dev/null
is "$? $(ls -A "$TMP/textfile")" "69 tgrun.prom" "where none runs, that is 69"
is "$(cksum <"$TMP/textfile/tgrun.prom")" "$before" "… and the old file stays"

# The oldest: of two chats, with one that is to be tried again, one that runs, one behind it; and the same after a restart.
machine
anew --no-penalties
handler later <<'EOT'
#!/bin/sh
[ "$TG_TEXT" = run ] && exec sleep 100
exit 75
EOT
now() { date +%s.%N; }
age() { # FROM TO: "right" if the oldest arrived between these times; else its age
	_asked=$(now)
	_age=$(figure .oldest_waiting_seconds)
	awk "BEGIN { print ($_age > $_asked - $2 - 0.01 && $_age < $(now) - $1 + 0.01 ? \"right\" : \"$_age, from $1 to $2, at $_asked\") }"
}
start_tgrun --handler "$TMP/later" --retry-delay 5m --shutdown-timeout 0
before=$(now)
message 1 first
wait_for '[ "$(figure .retried)" = 1 ]'
after=$(now)
is "$(age "$before" "$after")" right "what is to be tried again is the oldest since it came"
later=$(now)
message 2 run
message 2 behind
wait_for '[ "$(figure "[.running_count, .waiting] | join(\" \")")" = "1 2" ]'
behind=$(now)
is "$(age "$before" "$after")" right "others that come later make it no younger"
stop_tgrun
start_tgrun --handler "$TMP/later" --retry-delay 5m --shutdown-timeout 0
wait_for '[ "$(figure "[.running_count, .waiting] | join(\" \")")" = "1 2" ]'
is "$(age "$before" "$after")" right "after a restart it is as old as it is"
"$REAL_TGRUN" queue skip 1 --state-dir "$TMP/state" >/dev/null
is "$(age "$later" "$behind")" right "when it is skipped the next one is the oldest, since it came"
stop_tgrun

# A socket unit: one connection, one answer, as systemd hands it over with Accept=yes; of all bots that are named and run.
ask() { # REQUEST STATE…: what a caller gets
	PATH=$TMP/bin:$PATH python3 - "$@" <<'EOT'
import socket, subprocess, sys
ours, theirs = socket.socketpair()
p = subprocess.Popen(["share/tgrun-metrics"] + sys.argv[2:], stdin=theirs, stdout=theirs)
theirs.close()
ours.settimeout(20)
ours.sendall(sys.argv[1].encode().decode("unicode_escape").encode())
answer = b""
while part := ours.recv(65536):
    answer += part
p.wait(20)
sys.stdout.write(answer.decode())
EOT
}
metrics_of() { sed '1,/^\r$/d' "$TMP/answer" >"$TMP/metrics"; }
mkdir "$TMP/bin"
ln -s "$REAL_TGRUN" "$TMP/bin/tgrun"
start_tgrun --handler "$TMP/later" --shutdown-timeout 0
wait_for '[ "$(figure .state)" = running ]'
ask 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' "$TMP/state" "$TMP/none" >"$TMP/answer" 2>/dev/null
is "$(sed -n '1p' "$TMP/answer" | tr -d '\r')" "HTTP/1.0 200 OK" "tgrun-metrics answers a request"
like "$(sed '/^\r$/q' "$TMP/answer")" '^Content-Type: text/plain; version=0.0.4' "… says what it is"
metrics_of
is "$(python3 tests/flow/metrics.py check "$TMP/metrics")" "" "… and tells all metrics of the one that runs"
mkfifo "$TMP/pipe"
exec 9<>"$TMP/pipe"
"$REAL_TGRUN" --source - --handler true --state-dir "$TMP/other" <"$TMP/pipe" 9<&- 2>/dev/null &
other=$!
PIDS="$PIDS $other"
wait_for '"$REAL_TGRUN" status --state-dir "$TMP/other" >/dev/null 2>&1'
ask 'GET /metrics HTTP/1.1\r\n\r\n' "$TMP/state" "$TMP/other" >"$TMP/answer"
metrics_of
is "$(python3 tests/flow/metrics.py check "$TMP/metrics" 2)" "" "of two bots each metric is still there once"
is "$(value "updates_waiting{bot=123456}") $(value "updates_waiting{bot=0}")" "$(figure .waiting) 0" "… with a sample of each"
kill "$other"
wait "$other"
exec 9<&-
stop_tgrun
is "$(ask 'GET / HTTP/1.0\r\n\r\n' "$TMP/state" 2>/dev/null | sed -n '1s/\r$//p')" "HTTP/1.0 503 Service Unavailable" "when none runs, that is 503"

# The units are good ones, where systemd can be asked.
if command -v systemd-analyze >/dev/null; then
	mkdir "$TMP/units"
	for unit in tgrun-metrics.socket tgrun-metrics@.service; do
		sed "s|/usr/local/libexec/tgrun|$PWD/share|" "share/$unit" >"$TMP/units/$unit"
	done
	is "$(systemd-analyze verify --man=no "$TMP/units/tgrun-metrics.socket" "$TMP/units/tgrun-metrics@x.service" 2>&1 | grep tgrun)" "" "systemd finds no fault with the units"
else
	ok true "systemd finds no fault with the units # SKIP systemd-analyze is not here"
fi
done_testing
