# Goal: a flooded chat uses one slot, and other chats do not notice it; keys decide what waits for what. Told by the order of starts, never
# by time.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

# A handler that says when it starts and waits until it is let go: by a file with its update's number, or for all.
handler gate <<'EOT'
#!/bin/sh
echo "start $TG_UPDATE_ID ${TG_KEY--}" >>"$OUT/events"
until [ -e "$OUT/go.$TG_UPDATE_ID" ] || [ -e "$OUT/go.all" ]; do
	sleep 0.02
done
echo "end $TG_UPDATE_ID" >>"$OUT/events"
EOT
export OUT="$TMP"

begin() { # TGRUN-OPTION…
	anew --no-penalties
	rm -f "$TMP"/go.*
	: >"$TMP/events"
	start_tgrun --handler "$TMP/gate" --env OUT "$@"
}
started() { grep -q "^start $1 " "$TMP/events"; }
ended() { grep -q "^end $1\$" "$TMP/events"; }
starts() { grep -c '^start' "$TMP/events"; }
go() { : >"$TMP/go.$1"; }
# All that was pushed is in tgrun's hands, so what has not started waits for its key: told by the offset, and then by a later update without
# anybody to wait for.
settled() { wait_for '[ "$(stats .pending)" = 0 ]'; }

# A flood.
begin --concurrency 4
generate 1000 1 first_chat=1
wait_for 'started 1'
settled
push "$(for chat in 11 12 13; do
	echo '{"message":{"message_id":1,"date":0,"chat":{"id":'$chat',"type":"private"},"text":"x"}}'
done)"
ok 'wait_for "started 1001 && started 1002 && started 1003"' \
	"with 1,000 updates of one chat before them, three other chats start at once on the three other slots"
is "$(starts)" 4 "and the flood has one slot: its second update has not started"
push '{"message":{"message_id":2,"date":0,"chat":{"id":14,"type":"private"},"text":"x"}}'
settled
go 1
ok 'wait_for "started 1004"' "another chat comes in when the flood's first update ends"
is "$(grep -c '^start .*chat:1$' "$TMP/events")" 1 "before the flood's second: the flood took its turn when it had one"
go 1001
ok 'wait_for "started 2"' "then the flood goes on"
is "$(starts)" 6 "by one"
stop_tgrun KILL

# Several keys: 1 {A,u1}; 2 {B,u2}; 3 {A,u2} waits for both; 4 {B,u3} waits for 2, not for 3; 5 {A,u4} waits for 3; 6 {C,u5} for nobody.
group() { # CHAT USER
	echo '{"message":{"message_id":1,"date":0,"chat":{"id":'"$1"',"type":"supergroup"},"from":{"id":'"$2"',"is_bot":false,"first_name":"u"},"text":"x"}}'
}
begin --key chat,user --concurrency 16
push "$(group -1 1; group -2 2; group -1 2; group -2 3; group -1 4; group -3 5)"
wait_for 'started 1 && started 2 && started 6'
is "$(sort "$TMP/events" | tr '\n' ';')" "start 1 chat:-1 user:1;start 2 chat:-2 user:2;start 6 chat:-3 user:5;" \
	"--key chat,user: who shares a key with nobody before starts"
go 1
wait_for 'ended 1'
go 2
wait_for 'started 3 && started 4'
ok '[ "$(grep -n "^end 2" "$TMP/events" | cut -d: -f1)" -lt "$(grep -n "^start 3" "$TMP/events" | cut -d: -f1)" ]' \
	"an update that shares keys with two waits for both, however the first one ended"
ok '! started 5' "and who shares a key with it waits on"
go all
wait_for '[ "$(grep -c "^end" "$TMP/events")" = 6 ]'
is "$(grep -c '^end' "$TMP/events")" 6 "in the end all are handled"

# Topics.
topic() { # CHAT THREAD
	echo '{"message":{"message_id":1,"date":0,"chat":{"id":'"$1"',"type":"supergroup","is_forum":true},"from":{"id":9,"is_bot":false,"first_name":"u"}'"${2:+,\"is_topic_message\":true,\"message_thread_id\":$2}"',"text":"x"}}'
}
begin --key topic
push "$(topic -1 5; topic -1 6; topic -1; topic -1 5; topic -1; topic -2 5)"
wait_for 'started 1 && started 2 && started 3 && started 6'
is "$(sort "$TMP/events" | tr '\n' ';')" "start 1 topic:-1:5;start 2 topic:-1:6;start 3 topic:-1;start 6 topic:-2:5;" \
	"--key topic: a chat's topics and its main topic run side by side, each one at a time"
go 3
ok 'wait_for "started 5" && ! started 4' "and each waits for its own only"
go all
wait_for 'ended 4 && ended 5'

# By user.
begin --key user
push "$(group -1 1; group -2 1; group -1 2)"
wait_for 'started 1 && started 3'
is "$(sort "$TMP/events" | tr '\n' ';')" "start 1 user:1;start 3 user:2;" "--key user: users of one chat run side by side, one user's updates do not"
go all
wait_for 'ended 2'

# Without keys.
begin --key none --concurrency 3
push "$(group -1 1; group -1 1; group -1 1; group -1 1)"
ok 'wait_for "started 1 && started 2 && started 3"' "--key none: nobody waits for anybody"
is "$(starts)" 3 "but for a slot"
is "$(awk '{ print $3 }' "$TMP/events" | sort -u)" "-" "and there is no TG_KEY"
go all
wait_for 'ended 4'

done_testing
