# Goal: bash, zsh and fish offer what tgrun takes: its sub-commands, verbs, options, words, kinds, methods, files, and the numbers that are there.
# shellcheck shell=sh disable=SC2016,SC2154
. tests/flow/lib.sh

case $BUILD in *asan* | *cover*) skip_all "the shells' part is the same in every build" ;; esac
command -v python3 >/dev/null || skip_all "a terminal is made by python3, which is not here"
PATH=$PWD/$BUILD:$PATH

offered() { # LINE: what $shell offers at its end
	python3 tests/flow/complete.py "$shell" "$BUILD/completions/tgrun.$shell" "$1" 2>&1 | tr '\n' ' ' | sed 's/ $//'
}

# One update runs, one waits behind it, one is a dead letter.
handler bot <<'EOT2'
#!/bin/sh
case $TG_TEXT in
fail) exit 65 ;;
hold) exec sleep 60 ;;
esac
EOT2
start_sandbox
start_tgrun --concurrency 2 --shutdown-timeout 0 --handler "$TMP/bot"
message 1 fail
wait_for '[ "$(dead list --json | wc -l)" = 1 ]'
message 2 hold
message 2 wait
wait_for '"$TGRUN" status --json --state-dir "$TMP/state" | grep -q "\"running\":\[{"'
dead=$(dead list --json | jq .number)
running=$("$TGRUN" status --json --state-dir "$TMP/state" | jq '.running[].number')
commands=$("$TGRUN" --help | sed -n '/^Usage:/,/^$/s/^  tgrun \[*\([a-z]*\)\( | \([a-z]*\)\)*.*/\1 \3/p' | xargs -n 1 | sort | xargs)
like "$commands" "call cancel .*pause .*resume run " "the sub-commands, as --help has them"

for shell in bash zsh fish; do
	command -v "$shell" >/dev/null || {
		ok true "$shell # SKIP it is not here"
		continue
	}
	is "$(offered 'tgrun ')" "$commands" "$shell: sub-commands"
	is "$(offered 'tgrun dead ')" "drop list retry show" "$shell: verbs"
	is "$(offered 'tgrun help que')" "queue" "$shell: whose help there is"
	is "$(offered "tgrun dead show --state-dir $TMP/state ")" "$dead" "$shell: the dead letters' numbers"
	is "$(offered "tgrun cancel --state-dir $TMP/state ")" "$running" "$shell: the numbers of what runs"
	is "$(offered 'tgrun dead list --js')" "--json" "$shell: a sub-command's own options"
	is "$(offered 'tgrun try --drop-p')" "$([ "$shell" = fish ] || echo --drop-p)" "$shell: no option that it does not take"
	is "$(offered 'tgrun --mode ')" "batch exec" "$shell: words"
	like "$(offered 'tgrun run --log-level=d')" "^(--log-level=)?debug\$" "$shell: words, attached"
	is "$(offered 'tgrun --only message,edited_m')" "message,edited_message" "$shell: kinds, with commas"
	is "$(offered 'tgrun --max-age edited_m')" "edited_message=" "$shell: a kind and a value"
	is "$(offered "tgrun --token-file $TMP/bo")" "$TMP/bot" "$shell: files"
	is "$(offered 'tgrun call sendDocu')" "sendDocument" "$shell: methods"
	is "$(offered "tgrun call sendDocument document@$TMP/bo")" "document@$TMP/bot" "$shell: files to send"
done
stop_tgrun
done_testing
