#!/bin/sh
# Asks one thing after the other, and keeps the answers in a file for each chat: tgrun … --reply text --handler ./wizard.sh
# A chat's updates come one at a time, so its file needs no lock; one that comes twice, after a crash, is written once.
[ "${TG_UPDATE_KIND-}" = message ] && [ -n "${TG_TEXT-}" ] || exit 0
file=$TG_DATA_DIR/order.$TG_CHAT_ID
answers() { wc -l <"$file"; }
is_here() { grep -q "^$TG_UPDATE_ID " "$file"; }
if [ "${TG_COMMAND-}" = /order ]; then
	: >"$file"
else
	[ -e "$file" ] || exit 0
	is_here || [ "$(answers)" -ge 3 ] || echo "$TG_UPDATE_ID $(printf %s "$TG_TEXT" | tr '\n' ' ')" >>"$file"
	is_here || exit 0
fi
case $(($(answers))) in
0) echo 'What would you like?' ;;
1) echo 'How many?' ;;
2) echo 'Where shall it go?' ;;
*) awk '{ sub(/^[0-9]* /, ""); printf "%s%s", (NR == 1 ? "Ordered: " : ", "), $0 }' "$file" ;;
esac
