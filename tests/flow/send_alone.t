# Goal: tgrun send needs no tgrun that runs: it sends by itself, hands over to another send that is at it, and stands in the way of no start.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2153,SC2154
. tests/flow/lib.sh

# Runs one to its end, or in the background as $PID: $TMP/NAME.err, and with its end $TMP/NAME.status
to() { # NAME WORD…
	_name=$1
	shift
	TGRUN_TOKEN=$TOKEN "$TGRUN" send --api-url "$URL" --state-dir "$TMP/state" "$@" 2>"$TMP/$_name.err" </dev/null
	echo "$?" >"$TMP/$_name.end"
	mv "$TMP/$_name.end" "$TMP/$_name.status"
}
ended() { # NAME: its status, and what it said at its end
	[ ! -e "$TMP/$1.status" ] || echo "$(cat "$TMP/$1.status") $(grep '^tgrun:' "$TMP/$1.err")"
}
outbox() {
	"$TGRUN" outbox "$@" --state-dir "$TMP/state"
}
waits_long() { # CHAT: until a message to it has been told to wait
	_chat=$1
	wait_for '[ -n "$(outbox list --json --state waiting | jq "select(.chat == \"$_chat\" and .due)")" ]'
}
texts() { # CHAT
	deliveries "select(.chat == $1) | .text" | tr '\n' ' '
}
start_sandbox

# Alone.
to one --chat 5 --text=alone
is "$(ended one)$(texts 5)" "0 alone " "where none runs it sends the message itself"
to one --chat 6 --text="$(seq 2000)"
ok '[ "$(deliveries "select(.chat == 6) | .text" | tr -d "\n")" = "$(seq 2000 | tr -d "\n")" ]' "all of it"
chats '{"chat":7,"state":"blocked"}'
to one --chat 7 --text=x
like "$(ended one)" "^77 tgrun: not delivered: .*blocked" "and says when it cannot be delivered"
is "$(outbox list --json | jq -r '"\(.state) \(.code)"')" "failed 403" "it is kept as failed"
printf '8\n7\n' >"$TMP/list"
to one --chats "$TMP/list" --text=y
like "$(ended one)$(texts 8)" "^1 .*1 of 2 were not delivered.*y $" "a list, too"
script '{"method":"sendMessage","chat":9,"action":"reset","apply":true}'
to one --chat 9 --text=z --on-unsure fail
like "$(ended one)$(texts 9)" "^76 .*z $" "of what nobody knows it is 76"

# No token: it is stored.
"$TGRUN" send --state-dir "$TMP/state" --chat 10 --text=kept </dev/null 2>"$TMP/err"
is "$? $(cat "$TMP/err")" "75 tgrun: stored, and not sent yet (there is no token): the next tgrun sends it; do not repeat it" "without a token it is stored"
is "$(texts 10)" "" "and not sent"
to one --chat 5 --text=next
wait_for '[ -n "$(texts 10)" ]'
is "$(ended one)$(texts 10)" "0 kept " "the next one sends it, too"

# A token that the server refuses.
TGRUN_TOKEN=123456:wrong "$TGRUN" send --api-url "$URL" --state-dir "$TMP/state" --chat 10 --text=refused --wait </dev/null 2>"$TMP/err"
like "$? $(tail -n 1 "$TMP/err")" "^77 tgrun: the server refuses the token; the message is stored" "a token that is refused is 77"
outbox drop "$(outbox list --json --state waiting | jq .number)" >/dev/null

# Another one is at it: a chat that must wait.
script '{"method":"sendMessage","chat":11,"action":"flood","retry_after":4}'
to first --chat 11 --text=first &
PIDS="$PIDS $!"
waits_long 11
to second --chat 12 --text=second --wait
is "$(ended second)$(texts 12)" "0 second " "a second one hands its message over, and sees it delivered"
is "$(ended first)" "" "while the first one still waits"
to third --chat 11 --text=third
is "$(ended third)$(texts 11)" "0 " "one that does not wait ends when it is on disk"
wait_for '[ -e "$TMP/first.status" ] && [ "$(texts 11)" = "first third " ]'
is "$(ended first)$(texts 11)" "0 first third " "and both arrive in order"

# A start is not refused, and takes over what is left.
script '{"method":"sendMessage","chat":13,"action":"flood","retry_after":5}'
to waits --chat 13 --text=taken --wait &
PIDS="$PIDS $!"
waits_long 13
to leaves --chat 13 --text=over
start_tgrun --handler true
wait_for 'logged polling'
is "$(ended waits)$(texts 13)" "" "a starting tgrun gets the state at once"
wait_for '[ -e "$TMP/waits.status" ]'
is "$(ended waits)$(ended leaves)" "0 0 " "who waited is told of its end nevertheless"
wait_for '[ "$(texts 13)" = "taken over " ]'
is "$(texts 13)" "taken over " "and each arrives, once and in order"
ok '! grep -q "arrive twice" "$TGRUN_LOG"' "without a doubt"

# A runner that dies leaves it to who waits.
script '{"method":"sendMessage","chat":14,"action":"flood","retry_after":3}'
rm "$TMP/waits.status"
to waits --chat 14 --text=orphan --wait &
PIDS="$PIDS $!"
waits_long 14
kill -KILL "$TGRUN_PID"
wait_tgrun
wait_for '[ -e "$TMP/waits.status" ]'
is "$(ended waits)$(texts 14)" "0 orphan " "who waits for a runner that dies sends the message itself"

# A kill.
script '{"method":"sendMessage","chat":15,"action":"stall","apply":true}'
start "$TGRUN" send --token "$TOKEN" --api-url "$URL" --state-dir "$TMP/state" --chat 15 --text=killed
wait_for '[ -n "$(texts 15)" ]'
is "$(tr '\0' '\n' <"/proc/$PID/cmdline" | grep -c killed)" 0 "what a message says is in no list of processes"
kill -KILL "$PID"
wait "$PID"
to one --chat 16 --text=x
like "$(cat "$TMP/one.err")" "may arrive twice.*tgrun ended while it was being sent" "what was being sent at kill -9 is told of by the next one"

# The usual places.
mkdir -p "$TMP/home/.local/state/tgrun"
HOME=$TMP/home TGRUN_TOKEN=$TOKEN "$TGRUN" send --api-url "$URL" --chat 17 --text=home </dev/null
is "$? $(texts 17) $(ls "$TMP/home/.local/state/tgrun")" "0 home  123456" "by a token its own place is found, and made"
if alone; then
	HOME=$TMP/home "$TGRUN" send --chat 17 --text=stored </dev/null 2>"$TMP/err"
	is "$? $(HOME=$TMP/home TGRUN_TOKEN=$TOKEN "$TGRUN" outbox list --json | jq -r .chat)" "75 17" "without one, the only state that there is"
else
	ok true "without one, the only state that there is # SKIP this machine has bots"
fi
HOME=$TMP/home TG_STATE_DIR=$TMP/state TGRUN_TOKEN=$TOKEN "$TGRUN" send --api-url "$URL" --chat 19 --text=other --wait </dev/null
is "$? $(texts 19) $(HOME=$TMP/home TGRUN_TOKEN=$TOKEN "$TGRUN" outbox list --json)" "0 other  " "a token that is named in a handler means its own bot, and what waited there goes, too"
mkdir "$TMP/home/.local/state/tgrun/7"
touch "$TMP/home/.local/state/tgrun/7/run.lock"
HOME=$TMP/home "$TGRUN" send --chat 17 --text=which </dev/null 2>"$TMP/err"
like "$? $(cat "$TMP/err")" "^64 .*more than one bot has its state here: '" "of two none is taken"
if alone; then
	like "$(cat "$TMP/err")" "'.*/tgrun/(7|123456)', '.*/tgrun/(7|123456)'" "… and both are named"
	HOME=$TMP "$TGRUN" send --chat 17 --text=none </dev/null 2>"$TMP/err"
	like "$? $(cat "$TMP/err")" "^64 .*no bot has its state here" "where there is none, that is told"
else
	ok true "… and both are named # SKIP this machine has bots"
	ok true "where there is none, that is told # SKIP this machine has bots"
fi

# So long and no longer. Time runs 20 times as fast for what follows.
anew
machine MACHINE_SPEED=20
script '{"method":"sendMessage","chat":18,"action":"flood","retry_after":10000}'
to late --chat 18 --text=late
is "$(ended late)" "75 tgrun: stored, and not sent yet: the next tgrun sends it; do not repeat it" "what cannot go for half a minute is left to the next one"
is "$(outbox list --json | jq -r '"\(.state) \(.chat)"')" "waiting 18" "it is stored"
done_testing
