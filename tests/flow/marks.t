# Goal: where Telegram itself marks topics, senders and commands, its marks decide, for variables, keys, routes and --bypass alike; and what waited
# when an older tgrun was replaced is kept in order by the same rules.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

# What a handler was told of an update, in a line: its text, then the variables.
handler show <<'EOT'
#!/bin/sh
while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
echo "$TG_TEXT: ${TG_THREAD_ID-}/${TG_THREAD_TYPE-} ${TG_USER_ID-}/${TG_SENDER_CHAT_ID-} ${TG_COMMAND-}|${TG_ARGS-} $TG_KEY" >>"$FLOW_MARK/told"
EOT
told() { # TEXT: what was told of that update
	sed -n "s|^$1: ||p" "$TMP/told"
}
in_group() { # MORE TEXT [KIND]: a message of a supergroup, with more members
	push '{"'"${3:-message}"'":{"message_id":1,"date":1,"chat":{"id":-1009,"type":"supergroup","title":"g"},"text":"'"$2"'",'"$1"'}}'
}
running() { # JQ-EXPRESSION, of the status; nothing as long as there is none
	"$TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null | jq "$1"
}
FROM='"from":{"id":42,"is_bot":false,"first_name":"u"}'
ANONYMOUS='"from":{"id":1087968824,"is_bot":true,"first_name":"Group"}'

start_sandbox --no-penalties --first-id 1
in_group "$FROM"',"message_thread_id":7,"is_topic_message":true' topic
in_group "$FROM"',"message_thread_id":7' reply
in_group "$FROM"',"direct_messages_topic":{"topic_id":8}' direct
push '{"message":{"message_id":1,"date":1,"chat":{"id":42,"type":"private"},"message_thread_id":4,"text":"private",'"$FROM"'}}'
in_group "$ANONYMOUS"',"sender_chat":{"id":-1009,"type":"supergroup","title":"g"}' anonymous
push '{"channel_post":{"message_id":1,"date":1,"chat":{"id":-1005,"type":"channel","title":"c"},"sender_chat":{"id":-1005,"type":"channel"},"text":"post"}}'
run_tgrun --once --concurrency 1 --key topic --handler "$TMP/show"
is "$STATUS $(told topic)" "0 7/topic 42/ | topic:-1009:7" "a topic of a forum has its number"
is "$(told reply)" "/ 42/ | topic:-1009" "a thread of replies is no topic"
is "$(told direct)" "8/direct 42/ | topic:-1009:8" "each writer to a channel is a topic, which is told apart"
is "$(told private)" "4/topic 42/ | topic:42:4" "a thread of a private chat is one"
is "$(told anonymous)" "/ /-1009 | topic:-1009" "an anonymous administrator is no user"
is "$(told post)" "/ /-1005 | topic:-1005" "nor is a channel"

anew --no-penalties --first-id 1
: >"$TMP/told"
in_group "$ANONYMOUS"',"sender_chat":{"id":-1009,"type":"supergroup","title":"g"}' anonymous
in_group "$FROM" user
run_tgrun --once --key user --handler "$TMP/show"
is "$(told anonymous) $(told user)" "/ /-1009 | sender:-1009 / 42/ | user:42" "with --key user each waits for their own"

# Commands: for the variables, for a route and for --bypass.
handler pay <<'EOT'
#!/bin/sh
echo "paid $TG_TEXT" >>"$FLOW_MARK/told"
EOT
anew --no-penalties --first-id 1
: >"$TMP/told"
in_group "$FROM" '/pay 5'
in_group "$FROM"',"edit_date":2' '/pay 50' edited_message
in_group "$FROM"',"entities":[{"type":"bot_command","offset":0,"length":6}]' '/start, please'
in_group "$FROM"',"entities":[{"type":"code","offset":0,"length":6}]' '/pay 7'
run_tgrun --once --concurrency 1 --route "/pay=$TMP/pay" --handler "$TMP/show"
is "$STATUS $(grep -c ^paid "$TMP/told") $(grep ^paid "$TMP/told")" "0 1 paid /pay 5" "a command that is edited, or marked as code, does not run"
is "$(told '/pay 50')" "/ 42/ | chat:-1009" "an edited one is told as a text"
is "$(told '/start, please')" '/ 42/ /start|, please chat:-1009' "where the server marks a command, it ends there"

anew --no-penalties --first-id 1
: >"$TMP/told"
: >"$TMP/hold"
start_tgrun --bypass /stop --handler "$TMP/show"
in_group "$FROM" first
in_group "$FROM"',"edit_date":2' '/stop it' edited_message
in_group "$FROM"',"entities":[{"type":"bot_command","offset":0,"length":5}]' '/stop: now'
wait_for '[ "$(running .running_count)" = 2 ]'
is "$("$TGRUN" queue list --json --state-dir "$TMP/state" | jq -r 'select(.state != "running") | .number')" 2 \
	"a marked /stop bypasses, and an edited one waits for its chat"
rm "$TMP/hold"
wait_for '[ "$(wc -l <"$TMP/told")" = 3 ]'
stop_tgrun

# An upgrade: as 0.1.0 would have left it, with keys and their rule of then.
anew --no-penalties --first-id 1
: >"$TMP/hold"
start_tgrun --key topic --handler "$TMP/show" --shutdown-timeout 0 --kill-after 0
in_group "$FROM"',"message_thread_id":7' first
in_group "$FROM"',"message_thread_id":8' second
wait_for '[ "$(running ".running_count + .waiting")" = 2 ]'
stop_tgrun
python3 - "$TMP/state/queue.db" <<'EOT'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute("UPDATE updates SET keys = 'topic:-1009:' || (6 + seq)").rowcount == 2
assert db.execute("UPDATE meta SET value = 'topic' WHERE name = 'key-spec'").rowcount == 1
db.commit()
EOT
is "$?" 0 "a state of 0.1.0 is at hand"
start_tgrun --key topic --handler "$TMP/show"
wait_for '[ "$(running .running_count)" = 1 ]'
is "$("$TGRUN" queue list --json --state-dir "$TMP/state" | jq -r .key | sort -u)" "topic:-1009" "what waited is keyed anew, and waits for its chat"
rm "$TMP/hold"
stop_tgrun
done_testing
