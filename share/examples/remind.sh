#!/bin/sh
# "/remind 10m water the plants" says so in ten minutes, also when tgrun, or the machine, was started anew meanwhile:
#
#   tgrun … --reply text --handler ./remind.sh
#
# The reminder is an update of our own, which has the topic with it. `tgrun queue list` shows those that are to come.
case ${TG_UPDATE_KIND-}:${TG_COMMAND-} in
message:/remind)
	case ${TG_ARGS-} in *' '*) ;; *) TG_ARGS='- ' ;; esac # a time and a text
	jq -c --arg text "${TG_ARGS#* }" '{reminder:
		(.message | {chat, message_thread_id, is_topic_message, direct_messages_topic, text: $text})}' |
		tgrun push --after="${TG_ARGS%% *}" >/dev/null
	case $? in
	0) echo 'I will.' ;;
	64) echo 'Say: /remind 10m water the plants' ;;
	*) exit 75 ;;
	esac ;;
reminder:*) tgrun call --queue sendMessage text="Remember: $TG_TEXT" ;;
esac
