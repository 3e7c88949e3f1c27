# Goal: the config file says all that routes need: sections with handlers of their own, in order, with what is wrong named by its line.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh

for name in rest start buttons; do
	handler "$name.sh" <<EOT
#!/bin/sh
echo "$name \$TG_CHAT_ID \$TG_UPDATE_KIND \$((TG_DEADLINE - \$(date +%s) > 100))" >>"$TMP/seen"
EOT
done
handler batch.sh <<EOT
#!/bin/sh
echo "batch \$(wc -l)" >>"$TMP/seen"
EOT
handler worker.sh <<EOT
#!/bin/sh
while IFS= read -r line; do
	echo "worker \$\$" >>"$TMP/seen"
	id=\${line#*'"id":"'}
	echo "{\"id\":\"\${id%%'"'*}\",\"ok\":true}" >&3
done
EOT
cat >"$TMP/conf" <<EOT
# the bot
handler = $TMP/rest.sh
timeout = 20s
bypass = /stop

[route "/start"]
handler = $TMP/start.sh
timeout = 300s

  [ route  "callback_query" ]
; buttons
handler = $TMP/buttons.sh

[route "poll"]
handler = $TMP/batch.sh
mode = batch
batch-size = 3
batch-wait = 60s

[route "edited_message"]
handler = $TMP/worker.sh
workers = 1
EOT
chmod 600 "$TMP/conf"
seen() { grep -c "^$1\$" "$TMP/seen"; }
: >"$TMP/seen"
start_sandbox
start_tgrun --config "$TMP/conf"
message 1 /start
message 1 hello
push '{"callback_query":{"id":"1","from":{"id":5,"is_bot":false,"first_name":"u"},"chat_instance":"1","data":"x"}}'
for id in 1 2 3; do
	push '{"poll":{"id":"'$id'","question":"?","options":[],"total_voter_count":0,"is_closed":false,"is_anonymous":true,"type":"regular","allows_multiple_answers":false}}'
done
for id in 1 2 3 4 5 6; do
	push '{"edited_message":{"message_id":1,"date":0,"edit_date":1,"text":"x","chat":{"id":'$id',"type":"private"},"from":{"id":1,"is_bot":false,"first_name":"u"}}}'
done
wait_for '[ "$(wc -l <"$TMP/seen")" = 10 ]'
is "$(seen 'start 1 message 1')" 1 "a command goes to its route, with the route's timeout"
is "$(seen 'rest 1 message 0')" 1 "what no route takes goes to the handler, with its own"
is "$(seen 'buttons  callback_query 0')" 1 "a kind goes to its route, with what it does not set as for the handler"
is "$(seen 'batch 3')" 1 "a route may take batches"
is "$(grep -c '^worker' "$TMP/seen") $(grep '^worker' "$TMP/seen" | sort -u | wc -l)" "6 1" "or have a worker that stays"
stop_tgrun
is "$STATUS" 0 "it stops as ever"

# The command line replaces the file's routes.
: >"$TMP/seen"
start_tgrun --config "$TMP/conf" --route "message=$TMP/buttons.sh"
message 1 /start
wait_for '[ "$(wc -l <"$TMP/seen")" = 1 ]'
like "$(cat "$TMP/seen")" '^buttons 1 message' "a route of the command line replaces those of the file"
stop_tgrun

# What is wrong is named.
wrong() { # STATUS TEXT WHAT: the file is on stdin
	cat >"$TMP/bad"
	run_tgrun --config "$TMP/bad" --handler "$TMP/rest.sh"
	is "$STATUS" "$1" "$3: $1"
	like "$(tail -n 1 "$TGRUN_LOG")" "$2" "$3: named"
}
wrong 64 "line 2: unknown key 'handlre' of a route; did you mean 'handler'\?" "an unknown key" <<'EOT'
[route "/a"]
handlre = x
EOT
wrong 78 "line 1: unknown section" "an unknown section" <<'EOT'
[rout "/a"]
EOT
wrong 64 "line 2: .*mesage.*message" "a kind that is none" <<'EOT'
# x
[route "mesage"]
EOT
wrong 64 "line 1: the route '/a' has no handler" "a route without a handler" <<'EOT'
[route "/a"]
timeout = 5
EOT
wrong 78 "route '/a': .*nothing-there" "a handler that is not there" <<'EOT'
[route "/a"]
handler = ./nothing-there
EOT
done_testing
