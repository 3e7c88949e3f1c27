# Goal: what goes out keeps Telegram's limits, by the server's own count, and loses no time by it: groups, chats, bulk, and who is told to wait.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
DEADLINE=120
# Of the drain; make torture has 10,000 to 1,000.
MESSAGES=${MESSAGES:-1500} CHATS=${CHATS:-500}

handler bot <<'EOT'
#!/bin/sh
case $TG_TEXT in
*[13579]) [ -n "${EDITS-}" ] && printf '{"method":"editMessageText","message_id":%d,"text":"%s"}\n' "$EDITS" "$TG_TEXT" && exit ;;
esac
printf '{"method":"sendMessage","text":"%s"}\n' "$TG_TEXT"
EOT
TGRUN_LOG=$TMP/tgrun.log
bot() { # OPTION…
	start_tgrun --timeout 0 --reply api --log-level debug "$@" -- "$TMP/bot"
}
# What the server thinks of it: how many calls were too many, and how many came though told to wait.
verdict() { stats '"\(.limited) too many, \(.violations) too early"'; }
well="0 too many, 0 too early"
span() { # JQ: milliseconds from the first of these deliveries to the last
	deliveries "select($1) | .ms" | awk 'NR == 1 { first = $1 } END { print $1 - first }'
}

# A group. Its first message is the one that is edited.
machine MACHINE_SPEED=10
start_sandbox --no-penalties
message -7 10
bot --once
wait_tgrun
limits '{}'
EDITS=$(deliveries .message_id)
export EDITS
for n in 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do message -7 $n; done
for killed in 7 10 13; do
	bot
	wait_for '[ "$(stats .deliveries)" -ge $killed ]'
	sleep 0.1
	kill -KILL "$TGRUN_PID"
	wait "$TGRUN_PID" 2>/dev/null
	TGRUN_PID=
done
bot --once
wait_tgrun
is "$STATUS $(verdict)" "0 $well" "a group gets five, then one each three seconds, over kill -9; edits count"
is "$(deliveries .text | uniq | paste -sd ' ')" "10 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30" "… all of it, in order"
for n in 31 32; do message -7 $n; done
bot --once
wait_tgrun
for n in 33 34 35 36 37 38; do message -7 $n; done
bot --once
wait_tgrun
is "$STATUS $(deliveries .text | tail -n 8 | paste -sd ' ') $(verdict)" "0 31 32 33 34 35 36 37 38 $well" "… and from one --once to the next"
took=$(span '.text >= "33"')
ok '[ "$took" -ge 13000 ] && [ "$took" -le 17000 ]' "… no slower than that (six in $took ms)"
unset EDITS

# Bulk, and a reply among it.
machine MACHINE_SPEED=5
anew --no-penalties
# A reply is held by no limit of all, and may come on top of it.
limits '{"bulk":{"count":30,"ms":1000,"burst":40}}'
seq 100001 $((100000 + CHATS)) >"$TMP/chats"
news() { # TEXT: to all of them
	echo "$1" | TGRUN_TOKEN=$TOKEN "$REAL_TGRUN" send --chats "$TMP/chats" --state-dir "$TMP/state"
}
bot
wait_for 'logged polling'
news 1
wait_for '[ "$(stats .deliveries)" -ge 100 ]'
before=$(stats .deliveries)
message 5 reply
for n in $(seq 2 $((MESSAGES / CHATS))); do news "$n"; done
wait_for '[ "$(stats .deliveries)" = $((MESSAGES + 1)) ]'
is "$(verdict)" "$well" "a message to many keeps the limit of all"
place=$(deliveries 'select(.chat == 5) | .n')
behind=$(awk '/handled  update=/ { on = 1 } on && / sent  call=/ { if (/chat=5$/) exit; n++ } END { print n + 0 }' "$TGRUN_LOG")
ok '[ "$behind" -le 8 ] && [ "$place" -lt $((before + MESSAGES / 10)) ]' "… and a reply is next (behind $behind of those that were on their way; at place $place, asked at $before)"
allowed=$(((MESSAGES - 30) * 1000 / 30)) took=$(span '.chat != 5')
ok '[ "$took" -ge $((allowed * 98 / 100)) ] && [ "$took" -le $((allowed * 102 / 100)) ]' "… in the time that the limit allows, within 2 % ($took ms, $allowed)"
stop_tgrun
is "$(deliveries 'select(.chat != 5) | "\(.chat) \(.text)"' | sort | uniq | wc -l)" "$MESSAGES" "… each to each"
is "$(deliveries 'select(.chat == 100001) | .text' | paste -sd ' ')" "$(seq $((MESSAGES / CHATS)) | paste -sd ' ')" "… in order"

# Who is told to wait.
machine MACHINE_SPEED=20
anew --no-penalties
limits '{}'
script '{"chat":7,"action":"flood","retry_after":5}'
message 7 first
message 7 second
message 8 other
bot
wait_for '[ "$(stats .deliveries)" = 3 ]'
is "$(deliveries .text | paste -sd ' ') $(verdict)" "other first second 1 too many, 0 too early" "a chat that is told to wait waits, others do not"
waited=$(calls 'select(.method == "sendMessage" and .params.text == "first") | .ms' | awk 'NR == 1 { first = $1 } END { print $1 - first }')
ok '[ "$waited" -ge 5000 ]' "… as long as it was told ($waited ms)"
anew --no-penalties
limits '{}'
script '{"method":"sendMessage","chance":100,"times":-1,"action":"flood","retry_after":3}'
generate 400 40
bot --rate chat=0
wait_for '[ "$(stats .deliveries)" = 400 ]'
stop_tgrun
like "$(verdict)" '^[1-9][0-9]+ too many, 0 too early$' "of forty chats that are told to wait again and again nothing comes too early"
machine
done_testing
