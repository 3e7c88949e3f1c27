#!/bin/sh
# A shell bot that polls by curl, unchanged, as a handler: once.sh ./bot.sh; see tgrun-handler(7), FRAMEWORKS. As once.d/curl it is its curl.
if [ "${0##*/}" = curl ]; then
	PATH=$ONCE_PATH call='' offset=''
	for arg; do case $arg in *offset=*) offset=${arg##*offset=} && offset=${offset%%[!0-9]*} ;; esac
		case $arg in http*://api.telegram.org/*bot?*/* | http*://*/bot[0-9]*:*/*) call=${arg#*://*/bot*/} && at=${arg%"$call"} ;;
		http*://api.telegram.org/bot?* | http*://*/bot[0-9]*:*) at=$arg ;; *) at= ;; esac
		case ${TG_API_URL:+$at} in *://*/file/bot*) arg=${TG_API_URL%/bot*}/file/bot${TG_API_URL##*/bot}/$call ;; ?*) arg=$TG_API_URL${call:+/$call} ;; esac
		shift && set -- "$@" "$arg"; done
	case $call in [gG]et[uU]pdates*) ;; *) exec curl ${call:+-D /dev/fd/3} "$@" ;; esac # the status that it has goes there, too
	IFS= read -r update <&8; id=${update#*'"update_id":'} # it comes once more if it is asked for by its number
	case $update in =*) [ "${offset:-none}" -le "${id%%[!0-9]*}" ] || update='' ;; esac 2>/dev/null; [ -z "$update" ] || { printf '{"ok":true,"result":[%s]}\n' "${update#=}" && exit; }
	echo HTTP/0 000 >&3; kill -PIPE "$ONCE_BOT" "$PPID" 2>/dev/null; exit 1 # of PIPE no shell says that it was killed
fi
export ONCE_PATH="$PATH" PATH="${0%/*}/once.d:$PATH"
while IFS= read -r line; do
	case ${TG_WORKER-} in ?*) id=${line#*'"id":"'} line=${line#*'"update":'} && line=${line%?} ;; esac
	{ told=$(printf '%s\n=%s\n' "$line" "$line" | sh -c 'export ONCE_BOT=$$ && exec "$@" 8<&0 </dev/null' sh "$@" 3>&1 >&4); status=$?; } 4>&1
	said=$(printf '%s\n' "$told" | sed -n 's/["\\]//g; s/^HTTP[^ ]* \([045].*[^ \r]\)[ \r]*$/ \1/p' | tr -d '\n')
	case $said in *' 4'[013-9]* | *' 42'[!9]*) status=65 ;; *' 429'* | *' 5'*) status=75 ;; *' 000'*) status=0 ;; esac
	said=${said#' 000'} && said=${said%' 000'} && said=${said:+:$said}; [ "$status" = 0 ] || echo "${0##*/}: $1 ended with status $status$said" >&2
	[ -n "${TG_WORKER-}" ] || exit "$status"
	case $status in 0) ok=true ;; 75) ok='false,"retry":true' ;; *) ok="false,\"error\":\"status $status$said\"" ;; esac
	printf '{"id":"%s","ok":%s}\n' "${id%%'"'*}" "$ok" >&3
done
