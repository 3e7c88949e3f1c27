# tests/torture/outbox_rounds.sh: rounds of answers, faults and kills, judged by tests/torture/outbox.py. For tests/torture/outbox,
# tests/flow/out_faults.t and tests/flow/out_kill.t, which source tests/flow/lib.sh before it.
#
#   faults         UPDATES messages in CHATS groups, answered while every fault strikes at random, the same for the same SEED
#
#   kills ROUND…   answers to UPDATES messages over these rounds, each ended by kill -9: `random`, or the name of a crash point; and a last
#                  one in peace. All of it is build/crash/tgrun. PART is the seed that they were drawn from, if that is not SEED.
#
# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2120,SC2154
DEADLINE=240
# Those of the way out, and those of the end of an update, which is written with its answer.
OUT_POINTS="out-begin out-begun out-sent out-answered out-recorded before-settle after-settle in-transaction before-commit after-commit"

# On the fast clock a minute is over in a second, and a busy machine may need that for a handler.
start_answering() { # OPTION…
	start_tgrun --timeout 0 --reply api --rate chat=0,group=0,bulk=0 --breaker 0 --concurrency 8 --poll-timeout 1 --limit 100 "$@" -- "$PWD/tests/torture/outbox_bot"
}

# Whether all is handled, and nothing waits to be sent.
all_sent() {
	[ "$(stats .pending 2>/dev/null)" = 0 ] &&
		[ "$(TGRUN_TOKEN=$TOKEN "$REAL_TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null | jq '.waiting + .running_count + .outbox + .sending')" = 0 ]
}

judged() { # WHAT [KILLED]
	dead list --json >"$TMP/dead" 2>/dev/null
	is "$(python3 tests/torture/outbox.py check "$TMP" "$UPDATES" "$CHATS" $2 2>"$TMP/figures")" right "$1"
	_rc=$?
	diag "$(cat "$TMP/figures")"
	[ $_rc = 0 ] || [ -z "${KEEP-}" ] || cp -r "$TMP/calls.jsonl" "$TMP/tgrun.log" "$TMP/dead" "$TMP/state" "$KEEP"
	return $_rc
}

faults() {
	machine MACHINE_SPEED=50
	anew --no-penalties --first-id 1
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

random() { # FROM TO: $R, the same for the same $SEED
	SEED=$(((SEED * 1103515245 + 12345) % 2147483648))
	R=$(($1 + SEED / 65536 % ($2 - $1 + 1)))
}

gone() { ! kill -0 "$TGRUN_PID" 2>/dev/null || grep -q '^State:.*Z' "/proc/$TGRUN_PID/status" 2>/dev/null; }

# What is answered and has lost its answer is as if killed there.
kills() { # ROUND…
	_first=${PART:-$SEED}
	REAL_TGRUN=$PWD/build/crash/tgrun
	machine MACHINE_SPEED=50
	anew --no-penalties --first-id 1
	script '{"method":"sendMessage","chance":200,"times":-1,"action":"delay","ms":1500}
{"method":"sendInvoice","chance":300,"times":-1,"action":"delay","ms":1500}'
	UPDATES=$((CHATS * $#)) reached=' '
	: >"$TMP/running"
	for _round; do
		generate "$CHATS" "$CHATS" first_chat=-1050
		case $_round in
		random)
			start_answering
			random 0 400
			wait_for 'logged polling || gone'
			sleep "$(awk "BEGIN { print $R / 1000 }")"
			kill -KILL "$TGRUN_PID" 2>/dev/null
			;;
		*)
			random 1 12
			_crashed=$TMP/crashed.$((_crashed_count = _crashed_count + 1))
			CRASHPOINT=$_round:$R:$_crashed
			export CRASHPOINT
			start_answering --log-level debug
			unset CRASHPOINT
			wait_for 'gone || all_sent'
			gone || kill -KILL "$TGRUN_PID"
			[ ! -e "$_crashed" ] || reached="$reached$_round "
			;;
		esac
		wait "$TGRUN_PID" 2>/dev/null
		TGRUN_PID=
		python3 tests/torture/outbox.py running "$TMP/state" >>"$TMP/running"
	done
	start_answering --log-level debug
	wait_for all_sent
	stop_tgrun
	machine
	is "$STATUS" 0 "SEED=$_first: a run comes to its end"
	judged "SEED=$_first: over $# kills of $UPDATES answers: each reply with its settlement, none lost, doubled unsaid or out of order" killed
}
