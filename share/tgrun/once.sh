#!/bin/sh
# A shell bot that polls by curl, unchanged, as a handler: once.sh ./bot.sh; see tgrun-handler(7), FRAMEWORKS. As once.d/curl it is its curl.
if [ "${0##*/}" = curl ]; then
	PATH=$ONCE_PATH call=
	for arg; do
		case $arg in
		http*://*/bot[0-9]*:*/*) call=${arg#*/bot*:*/} arg=${TG_API_URL:-${arg%"/${arg#*/bot*:*/}"}}/${arg#*/bot*:*/} ;;
		http*://*/bot[0-9]*:*) arg=${TG_API_URL:-$arg} ;; esac
		shift && set -- "$@" "$arg"
	done
	case $call in [gG]et[uU]pdates*) ;; *) exec curl ${call:+-D /dev/fd/3} "$@" ;; esac # the status that it has goes there, too
	update=$(cat <&8) && [ -n "$update" ] && printf '{"ok":true,"result":[%s]}\n' "$update" && exit
	echo HTTP/0 000 >&3; kill -PIPE "$ONCE_BOT" "$PPID"; exit 1 # of PIPE no shell says that it was killed
fi
export ONCE_PATH="$PATH" PATH="${0%/*}/once.d:$PATH"
while IFS= read -r line; do
	case ${TG_WORKER-} in ?*) id=${line#*'"id":"'} line=${line#*'"update":'} && line=${line%?} ;; esac
	{ told=$(printf '%s\n' "$line" | sh -c 'export ONCE_BOT=$$ && exec "$@" 8<&0 </dev/null' sh "$@" 3>&1 >&4); status=$?; } 4>&1
	said=$(printf '%s\n' "$told" | sed -n 's/["\\]//g; s/^HTTP[^ ]* \([045].*[^ \r]\)[ \r]*$/ \1/p' | tr -d '\n')
	case $said in *' 4'[013-9]* | *' 42'[!9]*) status=65 ;; *' 429'* | *' 5'*) status=75 ;; *' 000'*) status=0 ;; esac
	said=${said#' 000'} && said=${said%' 000'} && said=${said:+:$said}; [ "$status" = 0 ] || echo "${0##*/}: $1 ended with status $status$said" >&2
	[ -n "${TG_WORKER-}" ] || exit "$status"
	case $status in 0) ok=true ;; 75) ok='false,"retry":true' ;; *) ok="false,\"error\":\"status $status$said\"" ;; esac
	printf '{"id":"%s","ok":%s}\n' "${id%%'"'*}" "$ok" >&3
done
