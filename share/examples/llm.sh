#!/bin/sh
# Asks an LLM's command line, $LLM, which reads a question and prints the answer; each topic for itself, and /cancel stops it:
#   tgrun … --reply text --typing --key topic --bypass /cancel --timeout 10m --handler ./llm.sh
[ "$TG_UPDATE_KIND" = message ] && [ -n "${TG_TEXT-}" ] || exit 0
case ${TG_COMMAND-} in
/cancel) tgrun cancel ;;
/start) echo 'Ask me anything. /cancel stops me.' ;;
*) printf '%s\n' "$TG_TEXT" | ${LLM:-llm} ;;
esac
