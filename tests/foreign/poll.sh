#!/bin/sh
# The same bot as a shell script that polls by curl.
api=$TG_API_URL offset=0
while :; do
	updates=$(curl -s "$api/getUpdates?timeout=30&offset=$offset")
	next=$(printf '%s' "$updates" | jq '[.result[].update_id] | max + 1')
	printf '%s' "$updates" | jq -r '.result[] | "\(.message.chat.id) \(.message.text)"' | while read -r chat text; do
		curl -s -o /dev/null "$api/sendMessage" -d chat_id="$chat" --data-urlencode text="$text"
	done
	offset=$next
done
