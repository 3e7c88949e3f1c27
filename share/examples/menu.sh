#!/bin/sh
# Commands, and buttons under a message: tgrun … --reply text --handler ./menu.sh
# What it prints is the answer. Buttons are a call of the Bot API, which knows the chat and the topic.
[ -n "${TG_CHAT_ID-}" ] || exit 0 # a button under an inline message, or an inline query
case ${TG_UPDATE_KIND-}:${TG_COMMAND-}:${TG_TEXT-} in
message:/start:*) tgrun call --button Tea=Tea --button Coffee=Coffee sendMessage text='What would you like?' ;;
message:/help:*) echo '/start shows the menu.' ;;
message:?*:*) echo "I do not know $TG_COMMAND; try /help." ;;
callback_query:*:Tea | callback_query:*:Coffee) echo "$TG_TEXT is on its way." ;;
esac
