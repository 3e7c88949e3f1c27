# Goal: who names no bot means the only one of this machine; of several none is taken, all are named, and tgrun list tells of each.
# shellcheck shell=sh disable=SC2016,SC2034,SC2153,SC2154
. tests/flow/lib.sh

export XDG_STATE_HOME="$TMP/xdg"
home=$TMP/xdg/tgrun
tool() { # WORD…: $OUT, $ERR, $STATUS
	"$TGRUN" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
	STATUS=$?
	OUT=$(cat "$TMP/out")
	ERR=$(cat "$TMP/err")
}
bots() { # JQ-EXPRESSION, of the lines
	tool list --json
	printf '%s\n' "$OUT" | jq -sr "$1"
}
alone || skip_all "this machine has bots"

# None.
tool list
is "$STATUS $OUT $ERR" "0  no bot has its state in one of the usual places" "none: that is said"
tool list --json
is "$STATUS$OUT$ERR" 0 "… in JSON by no line"
tool status
like "$STATUS $ERR" "^64 tgrun: no bot has its state here: name it by --state-dir, or the bot by --token-file$" "status does not know whom to ask"
tool list --token "$TOKEN"
is "$STATUS" 64 "list takes no token"

# One: it is meant.
start_sandbox
handler hold <<'EOT'
#!/bin/sh
while [ ! -e "$FLOW_MARK/go" ]; do sleep 0.05; done
EOT
TGRUN_LOG=$TMP/tgrun.log
: >"$TGRUN_LOG"
TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --handler "$TMP/hold" --concurrency 1 --shutdown-timeout 0 >>"$TGRUN_LOG" 2>&1 </dev/null &
TGRUN_PID=$!
for text in a b; do message 1 "$text"; done
wait_for 'tool status --json; [ "$(jq .waiting "$TMP/out")" = 1 ]'
is "$STATUS $(jq -r '"\(.bot_id) \(.pid)"' "$TMP/out")" "0 123456 $TGRUN_PID" "one: status asks it, and needs no option"
tool queue list --json
is "$STATUS $(printf '%s\n' "$OUT" | jq -r .state | tr '\n' ' ')" "0 running behind " "… and so does queue list"
is "$(bots 'map("\(.state_dir) \(.state) \(.bot_id) \(.pid) \(.waiting) \(.dead_letters) \(.uptime > 0)") | join(" ")')" \
	"$home/123456 running 123456 $TGRUN_PID 1 0 true" "list --json tells of it"
tool list
like "$OUT" "^running +[0-9.]+s +1 +0 +$home/123456  123456  @[a-z_]+\$" "… and list, for people"

# Two: none is taken.
mkdir -m 700 "$home/7"
touch "$home/7/run.lock" "$home/7/slots.lock"
mkdir "$home/none"
for words in status 'queue list' 'dead list' 'outbox list' stop 'send --chat 1 --text=x'; do
	# shellcheck disable=SC2086
	tool $words
	is "$STATUS $OUT $ERR" "64  tgrun: more than one bot has its state here: '$home/123456', '$home/7'; name one by --state-dir ('tgrun list' tells of each)" \
		"two: tgrun $words takes neither"
done
ok 'kill -0 "$TGRUN_PID"' "… and stops none"
is "$(bots 'map("\(.state_dir) \(.state)") | join(" ")')" "$home/123456 running $home/7 stopped" "list tells which runs"
tool status --json --state-dir "$home/123456"
is "$STATUS" 0 "one that is named is asked"

# What no tgrun has used is no state, and does not become one by being asked about.
mkdir "$home/fresh"
for words in status 'status --check' stop 'queue list' 'dead list' 'outbox list' 'cancel 1'; do
	# shellcheck disable=SC2086
	tool $words --state-dir "$home/fresh"
done
is "$(ls -A "$home/fresh") $(bots 'map(.state_dir) | join(" ")')" " $home/123456 $home/7" "a directory that was only asked about has nothing in it, and is not listed"
rmdir "$home/fresh"

# Or each.
tool status --all
is "$STATUS $(grep -c . "$TMP/err") $(sed -n 's/^running: bot 123456 .*/running/p; /^==>/p' "$TMP/out" | xargs)" "69 1 ==> $home/123456 <== running" "status --all tells of each that runs"
like "$ERR" "^tgrun: $home/7: no tgrun runs " "… and of each that does not: 69"
tool status --all --json
is "$STATUS $(printf '%s\n' "$OUT" | jq -sr 'map("\(.state_dir) \(.state) \(.bot_id)") | join(" ")')" "69 $home/123456 running 123456" "… in JSON, with whose it is"
tool status --all --check
is "$STATUS|$OUT" "69|" "--check --all: one that is well is not told of"
"$TGRUN" pause --state-dir "$home/123456"
tool status --all --check
is "$STATUS $OUT" "69 $home/123456: degraded: paused: no handler is started until 'tgrun resume'" "… and one that is not is"
mv "$home/7" "$TMP/7"
tool status --all --check
is "$STATUS $OUT$ERR" "1 $home/123456: degraded: paused: no handler is started until 'tgrun resume'" "… 1, when all run"
"$TGRUN" resume --state-dir "$home/123456"
tool status --all --check
is "$STATUS $OUT$ERR" "0 " "… 0, when all are well"
mv "$TMP/7" "$home/7"
for words in --watch --prometheus "--state-dir $home/7" "--token $TOKEN"; do
	# shellcheck disable=SC2086
	tool status --all $words
	like "$STATUS $ERR" '^64 tgrun: --all ' "status --all takes no ${words%% *}"
done
XDG_STATE_HOME=$TMP/nowhere tool status --all
is "$STATUS $ERR" "69 tgrun: no bot has its state in one of the usual places" "of none: 69"
tool queue list --token "$TOKEN" --json
is "$STATUS $(wc -l <"$TMP/out")" "0 2" "… by its token, too"

"$TGRUN" list --json >/dev/full 2>"$TMP/err"
is "$? $(cat "$TMP/err")" "74 tgrun: cannot write the output: No space left on device" "list cannot be printed: that is said once, 74"

# What does not answer.
kill -STOP "$TGRUN_PID"
is "$(bots 'map("\(.state) \(.error // "")") | join("|")')" "unknown the running tgrun does not answer|stopped " \
	"one that stands still is listed as such, and so is the other"
tool status --all --check
is "$STATUS $(cut -d: -f 1-2 "$TMP/err" | paste -sd ' ')" "75 tgrun: $home/123456 tgrun: $home/7" "… and told of by status --all, by its path"
kill -CONT "$TGRUN_PID"
if command -v python3 >/dev/null; then
	like "$(python3 tests/flow/screen.py 80x24 'wait /stopped/' show end -- "$TGRUN" list)" '^STATE +UP +WAITING +DEAD +DIRECTORY' "on a terminal there is a head line"
else
	ok true "on a terminal there is a head line # SKIP no python3"
fi
stop_tgrun
done_testing
