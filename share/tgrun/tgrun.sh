# Functions for a handler in sh, with --workers (for which serve takes jq) or without; see tgrun-handler(7), FRAMEWORKS.
# shellcheck shell=sh disable=SC2034,SC2119,SC2120
button() { # TEXT LABEL=DATA…: a message with buttons; the DATA of the one that is pressed comes as $TG_TEXT
	_text=$1 && shift && for _button; do shift && set -- "$@" --button "$_button"; done
	tgrun call "$@" sendMessage text="$_text" || exit
}
wizard() { # [STATE]: what $wizard will be at the chat's next update, '' to end it; without STATE, $wizard is read
	_file=${TG_DATA_DIR:+$TG_DATA_DIR/wizard.${TG_CHAT_ID-}}
	[ $# -gt 0 ] || { wizard=$(cat "${_file:-/dev/null}" 2>/dev/null || :) && return; }
	[ -n "$_file" ] || { echo "tgrun.sh: there is no TG_DATA_DIR, so a wizard has no place to keep its state" >&2 && exit 78; }
	printf '%s\n' "$1" >"$_file.new" && mv "$_file.new" "$_file" || exit 75
}
serve() { # FUNCTION: runs it for the update, or with --workers for each; what it prints is the answer
	[ -n "${TG_WORKER-}" ] || { "$1"; return; }
	_how=$- _nl=$(printf '\n.') && _nl=${_nl%.} && set +e && jq --unbuffered -r '(. + {update_kind: .kind, query_id: .update.callback_query.id}) as $job |
		["id", "update_kind", "command", "args", "text", "chat_id", "thread_id", "user_id", "query_id" | "TG_\(ascii_upcase)" as $name | $job[.] |
		if . == null then "unset \($name)" else "export \($name)=\(tostring | @sh)" end] | join("; ") | gsub("\n"; "\u0027\"$_nl\"\u0027")' |
		while IFS= read -r _set; do
			eval "$_set" && wizard
			_said=$([ "$_how" = "${_how#*e}" ] || set -e && "$1" </dev/null); _status=$?
			case $_status in 0) _ok=true,\"reply\":$(printf %s "$_said" | jq -Rs .) ;; 75 | 111) _ok='false,"retry":true' ;; *) _ok="false,\"error\":\"status $_status\"" ;; esac
			printf '{"id":"%s","ok":%s}\n' "$TG_ID" "$_ok" >&3
		done
}
[ -n "${TG_WORKER-}" ] || wizard
