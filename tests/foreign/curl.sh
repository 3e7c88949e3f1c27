#!/bin/sh
# The same bot as a handler that calls curl.
exec curl -sS -f -o /dev/null "$TG_API_URL/sendMessage" -d chat_id="$TG_CHAT_ID" --data-urlencode text="$TG_TEXT"
