# tests/torture/outbox_rounds.sh: rounds of answers, faults and kills, judged by tests/torture/outbox.py. For tests/torture/outbox,
# tests/flow/out_faults.t and tests/flow/out_kill.t, which source tests/flow/lib.sh before it.
#
#   faults         UPDATES messages in CHATS groups, answered while every fault strikes at random, the same for the same SEED
#
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
DEADLINE=240

start_answering() { # OPTION…
	start_tgrun --reply api --rate chat=0,group=0,bulk=0 --breaker 0 --concurrency 8 --poll-timeout 1 --limit 100 "$@" -- "$PWD/tests/torture/outbox_bot"
}

# Whether all is handled, and nothing waits to be sent.
all_sent() {
	[ "$(stats .pending 2>/dev/null)" = 0 ] &&
		[ "$(TGRUN_TOKEN=$TOKEN "$REAL_TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null | jq '.waiting + .running_count + .outbox + .sending')" = 0 ]
}

judged() { # WHAT [KILLED]
	is "$(python3 tests/torture/outbox.py check "$TMP" "$UPDATES" "$CHATS" $2 2>"$TMP/figures")" right "$1"
	_rc=$?
	diag "$(cat "$TMP/figures")"
	[ $_rc = 0 ] || [ -z "${KEEP-}" ] || cp -r "$TMP/calls.jsonl" "$TMP/tgrun.log" "$TMP/state" "$KEEP"
	return $_rc
}

faults() {
	machine MACHINE_SPEED=50
	anew --no-penalties
	python3 tests/torture/outbox.py script >"$TMP/script"
	curl -sSf -o /dev/null --data-binary "@$TMP/script" "$URL/sandbox/script?seed=$SEED"
	start_answering
	generate $((UPDATES / 2)) "$CHATS" first_chat=-1050
	wait_for '[ "$(stats "select(.deliveries > $((UPDATES / 4))) | 1" 2>/dev/null)" = 1 ]'
	python3 tests/torture/outbox.py moves "$CHATS" | until chats - 2>/dev/null; do sleep 0.05; done
	until generate $((UPDATES - UPDATES / 2)) "$CHATS" first_chat=-1050 2>/dev/null; do sleep 0.05; done
	wait_for all_sent
	stop_tgrun
	machine
	is "$STATUS" 0 "SEED=$SEED: a run comes to its end"
	judged "SEED=$SEED: of $UPDATES answers in $CHATS chats none is lost, doubled or out of order, whatever becomes of them on their way"
}
