# Goal: --batch-by: an album, or what a chat sends in a burst, is one process, which knows its chat and may answer; it waits for no more than
# can come, what is in no album waits for nothing, and order, failures, stops and kills are as for single updates.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317 # functions are called by name
. tests/flow/lib.sh

DEADLINE=${DEADLINE:-60}
# One line for each process: the texts that it got, and what it knows.
handler album <<'EOT'
#!/bin/sh
texts=$(jq -r '.message // .callback_query | .text // .caption // .data // "-"' | paste -sd ' ' -)
echo "start $TG_CHAT_ID $TG_BATCH_SIZE ${TG_REDELIVERED:-0}: $texts" >>"$FLOW_MARK/seen"
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
case $texts in
*bad*) exit 65 ;;
*later*) [ -e "$FLOW_MARK/free" ] || exit 75 ;;
*hang*) sleep 1000 ;;
*cancel*) "$PROGRAM" cancel ;;
esac
echo "end $TG_CHAT_ID $TG_BATCH_SIZE ${TG_REDELIVERED:-0}: $texts" >>"$FLOW_MARK/seen"
[ -e "$FLOW_MARK/broken" ] && echo 'no JSON' && exit
[ -e "$FLOW_MARK/mute" ] || echo "$TG_BATCH_SIZE: ${TG_TEXT-none} ${TG_COMMAND-} of $TG_UPDATE_ID"
EOT
PROGRAM=$TGRUN && export PROGRAM
photos() { # CHAT ALBUM CAPTION…: the photos of an album, at once; "-": without a caption
	chat=$1 group=$2
	shift 2
	for caption; do
		jq -nc --argjson chat "$chat" --arg group "$group" --arg caption "$caption" '{message: ({message_id: 1, date: 0, chat: {id: $chat, type: "private"},
			from: {id: $chat, is_bot: false, first_name: "u"}, media_group_id: $group, photo: [{file_id: "p"}]} + if $caption == "-" then {} else {caption: $caption} end)}'
	done | push -
}
button() { # CHAT DATA
	jq -nc --argjson chat "$1" --arg data "$2" '{callback_query: {id: $data, from: {id: $chat, is_bot: false, first_name: "u"}, chat_instance: "x", data: $data,
		message: {message_id: 1, date: 0, text: "t", chat: {id: $chat, type: "private"}}}}' | push -
}
fresh() {
	anew --no-penalties --first-id 1
	rm -f "$TMP/hold" "$TMP/free" "$TMP/broken" "$TMP/mute"
	: >"$TMP/seen"
}
figure() { # NAME: of tgrun status
	"$TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null | jq ".$1"
}
albums() { # OPTION…
	start_tgrun --handler "$TMP/album" --mode batch --batch-by /message/media_group_id "$@"
}

# Who waits, and for what. The wait is one that nobody waits for.
fresh
albums --batch-wait 60s --batch-size 3
photos 1 g a1 a2
message 2 single
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(cat "$TMP/seen")" "start 2 1 0: single
end 2 1 0: single" "what is in no album waits for nothing, and an album waits for more"
is "$("$TGRUN" queue list --json --state-dir "$TMP/state" | jq -r '"\(.state) \(.gathers)"' | paste -sd ' ' -)" "delayed true behind null" "it is known to wait"
like "$("$TGRUN" queue list --state-dir "$TMP/state" | head -n 1)" '^1 +delayed .* gathers until 20[^ ]*Z$' "tgrun queue list says for what"
like "$("$TGRUN" queue show 1 --state-dir "$TMP/state")" 'gathers   until 20' "so does tgrun queue show"
message 1 after
wait_for '[ "$(seen ^end)" = 3 ]'
is "$(grep ^end "$TMP/seen" | tail -n 2)" "end 1 2 0: a1 a2
end 1 1 0: after" "another message of its chat ends the wait, and does not overtake it"
photos 1 h b1 b2 b3 b4
wait_for '[ "$(seen ^end)" = 4 ]'
is "$(tail -n 1 "$TMP/seen")" "end 1 3 0: b1 b2 b3" "--batch-size bounds it"
photos 1 i c1
wait_for '[ "$(seen ^end)" = 5 ]'
is "$(tail -n 1 "$TMP/seen")" "end 1 1 0: b4" "the rest goes when another album begins"
photos 3 i d1 d2
wait_for '[ "$(stats .pending)" = 0 ]'
"$TGRUN" drain --state-dir "$TMP/state"
wait_tgrun
is "$STATUS $(grep ^end "$TMP/seen" | tail -n 2 | sort | paste -sd ';' -)" "0 end 1 1 0: c1;end 3 2 0: d1 d2" "a drain waits for nothing: nothing more can come"

# A stop keeps what waits; an end is not too early for it, and waits for no more than can come.
fresh
albums --batch-wait 60s
photos 1 g a1 a2
wait_for '[ "$(figure waiting)" = 2 ]'
stop_tgrun
is "$STATUS $(seen .)" "0 0" "a stop does not wait for it"
run_tgrun --handler "$TMP/album" --mode batch --batch-by /message/media_group_id --batch-wait 5m --once
is "$STATUS $(tail -n 1 "$TMP/seen")" "0 end 1 2 0: a1 a2" "--once has it set out before it ends"

photos 1 h b1 b2
run_tgrun --handler "$TMP/album" --mode batch --batch-by /message/media_group_id --batch-wait 5m --once
is "$STATUS $(tail -n 1 "$TMP/seen")" "0 end 1 2 0: b1 b2" "and not for more than the server has"

# kill -9 at any time: it stays together.
fresh
: >"$TMP/hold"
albums --batch-wait 60s
photos 1 g a1 a2 a3
wait_for '[ "$(figure waiting)" = 3 ]'
stop_tgrun KILL
albums --batch-wait 300ms
wait_for '[ "$(seen ^start)" = 1 ]'
stop_tgrun KILL
rm "$TMP/hold"
albums --batch-wait 300ms
wait_for '[ "$(seen ^end)" = 1 ]'
is "$(cat "$TMP/seen")" "start 1 3 0: a1 a2 a3
start 1 3 1: a1 a2 a3
end 1 3 1: a1 a2 a3" "killed while it waits, and while it runs, it is one all the same"
stop_tgrun

# What ran comes again as it was: what came meanwhile is a batch of its own.
for signal in KILL TERM; do
	fresh
	: >"$TMP/hold"
	start_tgrun --handler "$TMP/album" --mode batch --batch-by chat --batch-wait 60s --batch-size 2 --shutdown-timeout 0
	for text in k1 k2 k3; do message 1 $text; done
	wait_for '[ "$(seen ^start)" = 1 ] && [ "$(figure waiting)" = 1 ]'
	stop_tgrun $signal
	rm "$TMP/hold"
	start_tgrun --handler "$TMP/album" --mode batch --batch-by chat --batch-wait 300ms
	wait_for '[ "$(seen "^end.*k3")" = 1 ]'
	is "$(cat "$TMP/seen")" "start 1 2 0: k1 k2
start 1 2 1: k1 k2
end 1 2 1: k1 k2
start 1 1 0: k3
end 1 1 0: k3" "cut off by SIG$signal: the batch that comes again holds the same"
	stop_tgrun
done

# Failures, as of any batch; but what was gathered is tried again together.
fresh
photos 1 g later1 later2
photos 2 g fine bad
message 2 after
albums --batch-wait 200ms --retry-delay 20ms --max-attempts 1000
wait_for '[ "$(seen ^end)" = 2 ] && [ "$(seen "^start 1")" -ge 3 ]'
cp "$TMP/seen" "$TMP/seen.then" # they go on being tried again
is "$(grep -c "^start 1 2 .: later1 later2" "$TMP/seen.then") $(grep '^[a-z]* 2' "$TMP/seen.then" | paste -sd ';' -)" \
	"$(grep -c "^start 1" "$TMP/seen.then") start 2 2 0: fine bad;start 2 1 1: fine;end 2 1 1: fine;start 2 1 1: bad;start 2 1 0: after;end 2 1 0: after" \
	"75 has all of it tried again, any other failure each of it alone, in order"
: >"$TMP/free"
wait_for '[ "$(seen "^end 1")" = 1 ]'
is "$(seen '^end 1 2 1: later1 later2') $(dead list --json | jq -r '"\(.update.message.caption): \(.reason)"')" "1 bad: exited with status 65" "nobody but the guilty one is charged"
stop_tgrun

# What it knows, and its answer: those of its first, once; each button of it is answered.
fresh
message 5 /start
start_tgrun --handler "$TMP/album" --mode batch --batch-by chat --reply text --reply-to --batch-wait 60s --batch-size 4
wait_for '[ "$(figure waiting)" = 1 ]'
button 5 q1
message 5 hello
button 5 q2
wait_for '[ "$(deliveries .chat | wc -l)" = 3 ] && [ "$(figure outbox)" = 0 ]'
is "$(deliveries 'select(.method == "sendMessage") | "\(.chat) \(.text)"')" "5 4: /start /start of 1" "a burst of a chat is one process: with the first one's variables, and one answer"
is "$(calls 'select(.method == "answerCallbackQuery") | .params.callback_query_id' | sort | paste -sd ' ' -)" "q1 q2" "each button in it is answered"
is "$(calls 'select(.method == "sendMessage") | .params.reply_parameters | if type == "string" then fromjson else . end | .message_id')" 1 "--reply-to quotes the first"
: >"$TMP/broken"
stop_tgrun
: >"$TMP/seen"
start_tgrun --handler "$TMP/album" --mode batch --batch-by chat --reply api --batch-wait 60s --batch-size 2
message 5 one
message 5 two
wait_for '[ "$(dead list --json | wc -l)" = 2 ]'
is "$(grep ^end "$TMP/seen" | paste -sd ';' -)" "end 5 2 0: one two;end 5 1 1: one;end 5 1 1: two" "an answer that is none: nobody of it is done, and each is handed out alone"
stop_tgrun

# What bypasses is gathered with nothing.
fresh
touch "$TMP/mute"
for chat in 1 2; do message $chat /stop; done
for chat in 1 2; do message $chat wait; done
start_tgrun --handler "$TMP/album" --mode batch --batch-by chat --batch-wait 60s --bypass /stop
wait_for '[ "$(seen ^end)" = 2 ]'
is "$(grep ^end "$TMP/seen" | sort | paste -sd ';' -)" "end 1 1 0: /stop;end 2 1 0: /stop" "what bypasses waits for nobody, and is of one chat"
stop_tgrun

# A stop button in it does not end its own process; other chats are not delayed.
fresh
touch "$TMP/hold" "$TMP/mute"
{ for n in 1 2 3 4 5 6 7 8; do
	jq -nc --arg text "f$n" '{message: {message_id: 1, date: 0, text: $text, chat: {id: 1, type: "private"}, from: {id: 1, is_bot: false, first_name: "u"}}}'
done; } | push -
start_tgrun --handler "$TMP/album" --mode batch --batch-by chat --batch-wait 0 --batch-size 3 --concurrency 1
wait_for '[ "$(seen ^start)" = 1 ]'
message 2 calm
wait_for '[ "$(figure waiting)" = 6 ]'
rm "$TMP/hold"
wait_for '[ "$(seen ^end)" = 4 ]'
is "$(grep ^end "$TMP/seen" | paste -sd ';' -)" "end 1 3 0: f1 f2 f3;end 2 1 0: calm;end 1 3 0: f4 f5 f6;end 1 2 0: f7 f8" "a chat that floods delays no other"
: >"$TMP/hold"
message 3 first
wait_for '[ "$(seen "^start 3")" = 1 ]'
message 3 cancel
message 3 more
wait_for '[ "$(figure waiting)" = 2 ]'
rm "$TMP/hold"
wait_for '[ "$(seen "^end 3")" = 2 ]'
is "$(tail -n 1 "$TMP/seen")" "end 3 2 0: cancel more" "tgrun cancel in it means its chat, and never its own batch"
stop_tgrun
is "$STATUS" 0 "a stop is clean"
done_testing
