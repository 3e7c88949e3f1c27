# Goal: what is too large to start a program with stops only itself: an update is handed out without its long variables, then given up; an environment
# that leaves no room is told as such, and charged to no update.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

machine MACHINE_SPEED=30
LIMIT=131072 # bytes, the least that the kernel lets a program have; with a stack of 512 KiB it is also the most
LONG=$(head -c 9000 /dev/zero | tr '\0' x)
handler show <<'EOT'
#!/bin/sh
echo "$TG_UPDATE_ID ${#TG_TEXT} ${TG_TEXT_TRUNCATED:-0} ${#TG_ARGS} ${TG_COMMAND:--} $TG_CHAT_ID ${TG_REDELIVERED:-0} $(tr -d '\n' | wc -c)" >>"$FLOW_MARK/seen"
[ ! -e "$FLOW_MARK/measure" ] || cp "/proc/$$/environ" "/proc/$$/cmdline" "$FLOW_MARK"
EOT

# A configuration whose environment leaves so many bytes to an update's variables.
leave() { # BYTES
	printf 'env = PATH\nenv = FLOW_MARK\n' >"$TMP/conf"
	awk -v n=$((LIMIT - BASE - $1)) 'BEGIN {
		for (i = 10; n > 0; i++) {
			size = n < 7100 ? n : 7000 # what the kernel counts of one: NAME=VALUE, a NUL and a pointer
			n -= size
			value = sprintf("%*s", size - 15, "")
			gsub(" ", "x", value)
			print "env = PAD" i "=" value
		}
	}' >>"$TMP/conf"
}
show() { # in the background
	_tgrun=$TGRUN
	printf '#!/bin/sh\nulimit -s 512\nexec "%s" "$@"\n' "$_tgrun" >"$TMP/small"
	chmod 755 "$TMP/small"
	TGRUN=$TMP/small
	start_tgrun --handler "$TMP/show" --clear-env --config "$TMP/conf"
	TGRUN=$_tgrun
}

start_sandbox
: >"$TMP/seen"
: >"$TMP/measure"
BASE=$LIMIT
leave 0
message 1 hello
show
wait_for '[ -s "$TMP/cmdline" ]'
stop_tgrun
rm "$TMP/measure"
# What the kernel counted, without the update's own variables: its strings, their pointers, the arguments, and the path of the script.
own='^TG_(UPDATE|CHAT|USER|MESSAGE|TEXT|KEY|ATTEMPT|MAX_ATTEMPTS|DEADLINE|REDELIVERED)'
BASE=$(($(tr '\0' '\n' <"$TMP/environ" | grep -Ev "$own" | awk '{ n += length($0) + 1 + 8 } END { print n }') + $(wc -c <"$TMP/cmdline") +
	$(printf '%s' "$TMP/show" | wc -c) + 1 + 8))
ok '[ "$BASE" -gt 300 ] && [ "$BASE" -lt 3000 ]' "what the environment takes by itself is measured: $BASE bytes"

forget
leave 6000
message 1 "$LONG"
message 1 "/cmd $LONG"
message 2 short
show
wait_for '[ "$(wc -l <"$TMP/seen")" = 3 ]'
stop_tgrun
is "$(awk '{ print $2, $3, $4, $5, $6, $7, ($8 > 9000) }' "$TMP/seen" | sort)" "0 1 0 - 1 0 1
0 1 0 /cmd 1 0 1
5 0 0 - 2 0 0" "a long text that finds no room is left out, and said to be; all else is there, and the update whole on standard input"
ok '! logged "warn|error"' "nothing failed"

forget
leave 100
message 3 "$LONG"
message 3 small
push '{"poll":{"id":"9","question":"?","options":[],"total_voter_count":0,"is_closed":false,"is_anonymous":true,"type":"regular","allows_multiple_answers":false}}'
show
wait_for '[ "$(dead list --json | wc -l)" -ge 3 ]'
is "$(dead list --json | jq -r '"\(.attempts) \(.reason)"' | sort -u)" \
	"5 given up after 5 deaths, at last: its variables are too large to start a program with" \
	"what has no room even without its long variables is a dead letter after five tries"
ok 'logged "interrupted, and to be handed out again: its variables are too large"' "and the log tells of each"
stop_tgrun

forget
leave -100
message 4 one
message 5 two
show
wait_for 'logged "cannot be started: Argument list too long; the environment leaves no room for it; see --clear-env"'
wait_for '[ "$(grep -c "cannot be started" "$TGRUN_LOG")" -ge 6 ]'
is "$("$TGRUN" queue list --json --state-dir "$TMP/state" | jq -c '[.failures, .deaths, .interruptions]' | sort -u)" "[0,0,0]" \
	"an environment that is too large by itself is charged to no update"
stop_tgrun
leave "$LIMIT"
show
wait_for '[ "$(wc -l <"$TMP/seen")" = 2 ]'
is "$(awk '{ print $7 }' "$TMP/seen" | sort -u)" 0 "and when it has room, they are handed out for the first time"
stop_tgrun
done_testing
