# Goal: each alert of share/tgrun-alerts.yml fires for its fault, which is made for real and read from `tgrun status --prometheus`; and none does while all is well.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

command -v promtool >/dev/null || skip_all "promtool is not here"

read_metrics() { "$REAL_TGRUN" status --prometheus --state-dir "$TMP/state" </dev/null >"$TMP/$1" 2>/dev/null; }
figure() { "$REAL_TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null </dev/null | jq -r "$1"; }
fires() { # WHAT ALERT…: between the two readings $TMP/first and $TMP/second, and in the hour after them, these and no others
	_what=$1
	shift
	{
		printf 'rule_files: [ %s ]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n' "$PWD/share/tgrun-alerts.yml"
		[ ! -s "$TMP/second" ] || python3 tests/flow/metrics.py series "$TMP/first" "$TMP/second"
		printf '      - series: unrelated\n        values: 0x60\n'
		printf '    promql_expr_test:\n      - eval_time: 60m\n        expr: count by (alertname) (max_over_time(ALERTS{alertstate="firing"}[60m]))\n'
		[ $# -gt 0 ] || echo '        exp_samples: []'
		[ $# -eq 0 ] || printf '        exp_samples:\n'
		for _alert; do printf "          - { labels: '{alertname=\"%s\"}', value: 1 }\n" "$_alert"; done
	} >"$TMP/rules.yml"
	promtool test rules "$TMP/rules.yml" >"$TMP/out" 2>&1
	is "$?" 0 "$_what: ${*:-no alert}" || diag "$(cat "$TMP/out")"
}
: >"$TMP/second"
fires "where no tgrun tells of itself" TgrunGone

handler h <<'EOT'
#!/bin/sh
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
[ ! -e "$FLOW_MARK/bad" ] || exit 65
echo "answer"
EOT
begin() { # OPTION…: a tgrun that has begun to poll, and was read
	anew --no-penalties
	rm -f "$TMP/hold" "$TMP/bad"
	start_tgrun --handler "$TMP/h" --poll-timeout 1s --timeout 0 --rate chat=0,group=0 "$@"
	wait_for '[ "$(stats .open_polls)" = 1 ] && read_metrics first'
}
goes_on() { # the source has answered once more
	_polls=$(figure .polls)
	wait_for '[ "$(figure .polls)" -ge '"$((_polls + 2))"' ]'
}
aged() { # the second reading, while something waits: what is just being started does not
	wait_for 'read_metrics second && grep -q "^tgrun_oldest_waiting_seconds{.*} .*[1-9]" "$TMP/second"'
}

machine MACHINE_SPEED=30
start_sandbox
begin
message 1 hello
wait_for '[ "$(figure .done)" = 1 ]'
goes_on
read_metrics second
fires "a bot that works"

"$REAL_TGRUN" pause --state-dir "$TMP/state" </dev/null
message 1 hello
aged
fires "one that is paused" TgrunPaused TgrunWaiting

begin --concurrency 1
: >"$TMP/hold"
for chat in 1 2; do message $chat hello; done
wait_for '[ "$(figure "[.running_count, .waiting] | join(\" \")")" = "1 1" ]'
goes_on
aged
fires "handlers that are all busy" TgrunBusy TgrunWaiting

begin --breaker 2
: >"$TMP/bad"
for chat in 1 2 3 4; do message $chat hello; done
wait_for '[ "$(figure .breaker_open)" = true ]'
goes_on
aged
fires "a handler that fails on everything" TgrunDeadLetters TgrunHandlerFails TgrunWaiting

begin
mv "$TMP/h" "$TMP/away"
message 1 hello
wait_for '[ "$(figure .start_failures)" -ge 4 ]'
goes_on
aged
mv "$TMP/away" "$TMP/h.new"
fires "a handler that is gone" TgrunHandlerCannotStart TgrunWaiting
mv "$TMP/h.new" "$TMP/h"

begin
script '{"method":"getUpdates","status":409,"description":"Conflict: terminated by other getUpdates request; make sure that only one bot instance is running","times":1000}'
wait_for '[ "$(figure .poll_failures_poller)" -ge 1 ]'
read_metrics first
failed=$(python3 tests/flow/metrics.py value "$TMP/first" 'tgrun_poll_failures_total{class=poller}')
wait_for '[ "$(figure .poll_failures_poller)" -ge $((failed + 4)) ]'
read_metrics second
fires "another program that polls" TgrunNotAlone TgrunNotPolling

begin
stop_tgrun
start_tgrun --handler "$TMP/h" --min-free 1000000000G
wait_for '[ "$(figure .disk_low)" = true ]'
read_metrics first
read_metrics second
fires "a disk that is almost full" TgrunDiskLow TgrunNotPolling

begin --reply text
script '{"method":"sendMessage","status":502,"times":1000}'
message 1 hello
wait_for '[ "$(figure ".outbox_oldest_seconds > 0")" = true ]'
goes_on
read_metrics second
fires "a server that takes no message" TgrunNotSending

begin --reply text
for chat in $(seq 1 12); do
	chats "{\"chat\":$chat,\"state\":\"blocked\"}"
	message "$chat" hello
done
wait_for '[ "$(figure .undelivered)" = 12 ]'
goes_on
read_metrics second
fires "chats that let the bot not write" TgrunUndelivered
done_testing
