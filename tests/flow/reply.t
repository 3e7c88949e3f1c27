# Goal: what a done handler prints is its answer.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh
handler bot <<'EOT'
#!/bin/sh
case ${TG_COMMAND-} in
/start) echo "Send me /date." ;;
/date)  echo "today" ;;
/long) seq 3000 ;;
esac
EOT
start_sandbox
start_tgrun --reply text --handler "$TMP/bot" --log-level debug
push '{"message":{"message_id":1,"date":0,"chat":{"id":5,"type":"private"},"text":"/start","entities":[{"type":"bot_command","offset":0,"length":6}]}}'
push '{"message":{"message_id":2,"date":0,"chat":{"id":5,"type":"private"},"text":"/date","entities":[{"type":"bot_command","offset":0,"length":5}]}}'
push '{"message":{"message_id":2,"date":0,"chat":{"id":5,"type":"private"},"text":"/long","entities":[{"type":"bot_command","offset":0,"length":5}]}}'
sleep 3
curl -s "$URL/sandbox/deliveries" | head -c 3000
stop_tgrun
cat $TGRUN_LOG
done_testing
