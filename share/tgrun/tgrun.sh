# Functions for a handler in sh; see tgrun-handler(7), FRAMEWORKS.
# shellcheck shell=sh disable=SC2034,SC2119,SC2120
button() { # TEXT LABEL=DATA…: a message with buttons; the DATA of the one that is pressed comes as $TG_TEXT
	_text=$1 && shift
	for _button; do shift && set -- "$@" --button "$_button"; done
	tgrun call "$@" sendMessage text="$_text" || exit
}
wizard() { # [STATE]: what $wizard will be at the chat's next update, '' to end it; without STATE, $wizard is read
	_file=${TG_DATA_DIR:+$TG_DATA_DIR/wizard.${TG_CHAT_ID-}}
	[ $# -gt 0 ] || { wizard=$(cat "${_file:-/dev/null}" 2>/dev/null || :) && return; }
	[ -n "$_file" ] || { echo "tgrun.sh: there is no TG_DATA_DIR, so a wizard has no place to keep its state" >&2 && exit 78; }
	printf '%s\n' "$1" >"$_file.new" && mv "$_file.new" "$_file" || exit 75
}
[ -n "${TG_WORKER-}" ] || wizard
