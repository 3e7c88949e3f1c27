#!/usr/bin/awk -f
# Counts words. The last stage of a pipeline, where jq takes the text out of the update:
#
#   tgrun … --handler 'jq -r ".message.text // empty" | share/examples/count.awk'
#
# The pipeline's status is that of the last stage that failed, so tgrun sees the 75 ("try again") or the 65 ("never") of below.
function option(name, value) {
	printf "%s = \"%s\"\n", name, value | curl
}
{ words += NF }
END {
	if (!words)
		exit 0
	# Options come from stdin: `ps` shall not show the token.
	curl = "answer=$(curl -sS -m 20 -w '%{http_code}' -K -); " \
		"case $answer in *200) ;; *000 | *429 | *5??) exit 75 ;; *) echo \"refused: $answer\" >&2; exit 65 ;; esac"
	option("url", ENVIRON["TG_API_URL"] "/sendMessage")
	option("data", "chat_id=" ENVIRON["TG_CHAT_ID"])
	if (ENVIRON["TG_THREAD_TYPE"] == "direct")
		option("data", "direct_messages_topic_id=" ENVIRON["TG_THREAD_ID"])
	else if (ENVIRON["TG_THREAD_ID"])
		option("data", "message_thread_id=" ENVIRON["TG_THREAD_ID"])
	option("data-urlencode", "text=" words (words == 1 ? " word" : " words"))
	status = close(curl)
	# Some awks give the status as wait(2) does.
	exit status > 255 ? status / 256 : status
}
