#!/bin/sh
# Says what it was told. What it prints is the answer: tgrun … --reply text --handler ./echo.sh
[ "$TG_UPDATE_KIND" = message ] && [ -n "${TG_TEXT-}" ] || exit 0
printf 'You said: %s\n' "$TG_TEXT" # many an echo makes something else of a backslash
