# Goal: the token shows nowhere: not in a command line, a log at any level, an error, a file, or what other processes may read.
# shellcheck shell=sh disable=SC2016,SC2034
# A token of its own: other tests run beside this one, and their sandboxes are told theirs on the command line.
TOKEN=123456:secrecy-$$-only-here
. tests/flow/lib.sh

SECRET=${TOKEN#*:}
note_handler
start_sandbox --no-penalties
handler loud <<'EOT'
#!/bin/sh
echo "my token is $TG_TOKEN" # into the log
echo "url $TG_API_URL" >&2
env >"$FLOW_MARK/env.$TG_UPDATE_ID"
exit 65
EOT
in_files() { grep -rlF -- "$SECRET" "$@" 2>/dev/null; }
in_command_lines() { # but for those of the sandbox, which is told the token by its own
	for dir in /proc/[0-9]*; do
		[ "${dir#/proc/}" != "$SANDBOX_PID" ] && tr '\0' ' ' 2>/dev/null <"$dir/cmdline" | grep -F -- "$SECRET"
	done 2>/dev/null # processes come and go
}

# Each way of giving the token; the log at its most talkative; an API that trips over it.
for way in --token --token= file environment; do
	rm -rf "$TMP/state"
	script '{"method":"getUpdates","action":"reset"}'
	echo "$TOKEN" >"$TMP/token.secret" && chmod 600 "$TMP/token.secret"
	TGRUN_LOG=$TMP/tgrun.log
	set -- --api-url "$URL" --state-dir "$TMP/state" --log-level debug --handler "$TMP/loud"
	case $way in
	--token) "$TGRUN" --token "$TOKEN" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	--token=) "$TGRUN" "--token=$TOKEN" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	file) "$TGRUN" --token-file "$TMP/token.secret" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	environment) TGRUN_TOKEN=$TOKEN "$TGRUN" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	esac
	TGRUN_PID=$!
	message 7 "$way"
	wait_for 'logged "now a dead letter"'
	id=$(stats .last_id)
	is "$(in_command_lines)" "" "$way: no command line shows the token"
	ok '! tr "\0" "\n" <"/proc/$TGRUN_PID/environ" | grep -qF "$SECRET"' "$way: nor tgrun's environment"
	ok 'grep -qx "TG_TOKEN=$TOKEN" "$TMP/env.$id" && grep -qx "TG_API_URL=$API" "$TMP/env.$id"' "$way: the handler has it"
	ok 'logged "my token is" && ! grep -qF "$SECRET" "$TGRUN_LOG"' "$way: the log, at debug, does not, not even in the handler's own words"
	is "$(in_files "$TMP/state")" "" "$way: nor any file of the state"
	stop_tgrun
	is "$(in_files "$TMP/state" "$TGRUN_LOG")" "" "$way: nor after the end"
	ok '! "$TGRUN" dead list --json --state-dir "$TMP/state" | grep -qF "$SECRET"' "$way: nor the dead letter with its last words"
done

# Hidden from handlers.
forget
message 7 hidden
run_tgrun --handler "$TMP/loud" --once --hide-token
ok '! grep -qF "$SECRET" "$TMP/env.$(stats .last_id)"' "--hide-token: the handler has no token"
ok 'grep -q ^TG_BOT_ID=123456 "$TMP/env.$(stats .last_id)"' "… but all else"

# The password of a server is as secret as the token: each way of giving it, in each form in which a handler may print it.
handler login <<'EOT'
#!/bin/sh
echo "root $TG_API_ROOT"
echo "url $TG_API_URL" >&2
printf 'header %s\n' "$(printf '%s' "me:$PLAIN" | base64)"
echo "plain $PLAIN"
env >"$FLOW_MARK/env.$TG_UPDATE_ID"
exit 65
EOT
PLAIN=only/here-$$
export PLAIN
SECRET=only%2Fhere-$$ ROOT=http://me:only%2Fhere-$$@127.0.0.1:$PORT
shows() { # FILE…: those that have it in any form
	grep -rlF -e "$SECRET" -e "$PLAIN" -e "$(printf '%s' "me:$PLAIN" | base64)" -- "$@" 2>/dev/null
}
for way in --api-url --api-url= file environment; do
	rm -rf "$TMP/state"
	TGRUN_LOG=$TMP/tgrun.log
	: >"$TGRUN_LOG"
	printf 'api-url = %s\n' "$ROOT" >"$TMP/login.conf" && chmod 600 "$TMP/login.conf"
	set -- --token-file "$TMP/token.secret" --state-dir "$TMP/state" --log-level debug --handler "$TMP/login"
	script '{"method":"getUpdates","action":"reset"}'
	case $way in
	--api-url) "$TGRUN" --api-url "$ROOT" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	--api-url=) "$TGRUN" "--api-url=$ROOT" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	file) "$TGRUN" --config "$TMP/login.conf" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	environment) TGRUN_API_URL=$ROOT "$TGRUN" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	esac
	TGRUN_PID=$!
	message 7 "$way"
	wait_for 'logged "now a dead letter"'
	id=$(stats .last_id)
	is "$(in_command_lines)" "" "$way: no command line shows the password"
	ok 'grep -qx "TG_API_ROOT=$ROOT" "$TMP/env.$id" && grep -qx "TG_API_URL=$ROOT/bot$TOKEN" "$TMP/env.$id"' "$way: the handler has it, to call the server"
	ok 'logged "root http://me:\*\*\*@127" && logged "header \*\*\*" && logged "plain \*\*\*"' "$way: the log has stars for it, whatever its form"
	stop_tgrun
	is "$(shows "$TMP/state" "$TGRUN_LOG")" "" "$way: nothing that is left shows it"
done
forget
message 7 hidden
"$TGRUN" --api-url "$ROOT" --token-file "$TMP/token.secret" --state-dir "$TMP/state" --handler "$TMP/login" --once --hide-token >"$TGRUN_LOG" 2>&1 </dev/null
is "$(grep -E '^TG_API_(ROOT|URL)=' "$TMP/env.$(stats .last_id)")" "TG_API_ROOT=http://127.0.0.1:$PORT" "--hide-token: the handler knows where the server is, not the password"
for mistake in "--api-urll $ROOT" "$ROOT" "--api-url $ROOT?x" "--api-url ${ROOT%%@*}@" "--api-url x$ROOT" "--api-url $ROOT/bot$TOKEN"; do
	# shellcheck disable=SC2086 # an option and its value
	"$TGRUN" --token-file "$TMP/token.secret" --state-dir "$TMP/state" --handler "$TMP/login" $mistake >"$TMP/out" 2>&1
	ok '[ -s "$TMP/out" ] && [ -z "$(shows "$TMP/out")" ] && ! grep -qF "${TOKEN#*:}" "$TMP/out"' "an error does not show it (${mistake%% *})"
done
chmod 644 "$TMP/login.conf"
"$TGRUN" check --config "$TMP/login.conf" --token-file "$TMP/token.secret" --state-dir "$TMP/state" --handler "$TMP/login" >"$TMP/out" 2>&1
like "$(cat "$TMP/out")" "login.conf' holds the server's password and others may read it" "a config file with it that others may read: a warning"
SECRET=${TOKEN#*:}

# So is what webhooks are sent: each way of giving it; a server that repeats it in its error; the environment of a route's program.
SECRET=hook-secret-$$-only-here
start python3 tests/flow/webhook.py
wait_for '[ -s "$TMP/webhook.port" ]'
HOOK=http://127.0.0.1:$(cat "$TMP/webhook.port")/
mkdir "$TMP/credentials"
for way in --webhook-secret --webhook-secret= --webhook-secret-file config environment credentials; do
	rm -rf "$TMP/state" "$TMP/credentials/webhook-secret"
	: >"$TMP/posts"
	TGRUN_LOG=$TMP/tgrun.log
	: >"$TGRUN_LOG"
	printf '%s\n' "$SECRET" >"$TMP/hook.secret" && printf 'webhook-secret = %s\n' "$SECRET" >"$TMP/hook.conf" && chmod 600 "$TMP/hook.secret" "$TMP/hook.conf"
	set -- --token-file "$TMP/token.secret" --api-url "$URL" --state-dir "$TMP/state" --log-level debug --handler "$HOOK" --route "/env=$TMP/loud"
	case $way in
	--webhook-secret) "$TGRUN" --webhook-secret "$SECRET" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	--webhook-secret=) "$TGRUN" "--webhook-secret=$SECRET" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	--webhook-secret-file) "$TGRUN" --webhook-secret-file "$TMP/hook.secret" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	config) "$TGRUN" --config "$TMP/hook.conf" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	environment) TGRUN_WEBHOOK_SECRET=$SECRET "$TGRUN" "$@" >"$TGRUN_LOG" 2>&1 </dev/null & ;;
	credentials)
		cp "$TMP/hook.secret" "$TMP/credentials/webhook-secret"
		: >"$TGRUN_LOG"
		CREDENTIALS_DIRECTORY=$TMP/credentials "$TGRUN" "$@" >>"$TGRUN_LOG" 2>&1 </dev/null &
		;;
	esac
	TGRUN_PID=$!
	message 7 "/env $way"
	message 8 "$(jq -nc --arg way "$way" --argjson pid $$ '{status: 400, body: "\($way): no hook-secret-\($pid)-only-here"}' | sed 's/no hook/no \\u0068ook/')"
	wait_for '[ "$(grep -c "now a dead letter" "$TGRUN_LOG")" = 2 ]'
	is "$(jq -r .secret "$TMP/posts")" "$SECRET" "$way: the server is told the secret"
	is "$(in_command_lines)" "" "$way: no command line shows it"
	ok '! tr "\0" "\n" <"/proc/$TGRUN_PID/environ" | grep -qF "$SECRET"' "$way: nor tgrun's environment"
	ok '[ -s "$TMP/env.$(jq .id "$TMP/posts" | awk "{ print \$1 - 1 }")" ] && ! grep -F -e "$SECRET" -e CREDENTIALS "$TMP"/env.*' "$way: nor that of a handler, nor where it is"
	ok 'logged "no \*\*\*" && ! grep -qF "$SECRET" "$TGRUN_LOG"' "$way: nor the log, in the server's own words"
	stop_tgrun
	is "$(in_files "$TMP/state")" "" "$way: nor what is kept of it"
	rm -f "$TMP"/env.*
done
kill "$PID" && wait "$PID"
for bad in ab 'white space' "$(printf %0257d 0)"; do
	"$TGRUN" --token-file "$TMP/token.secret" --handler "$HOOK" --webhook-secret "$bad" >"$TMP/out" 2>&1
	is "$? $(grep -cF -- "$bad" "$TMP/out")" "64 0" "one that nothing could hide, or Telegram would not take, is refused, and not shown"
done
chmod 644 "$TMP/hook.conf"
"$TGRUN" check --config "$TMP/hook.conf" --token-file "$TMP/token.secret" --state-dir "$TMP/state" --handler "$HOOK" >"$TMP/out" 2>&1
like "$(cat "$TMP/out")" "hook.conf' holds the secret of webhooks and others may read it" "a config file with it that others may read: a warning"
SECRET=${TOKEN#*:}

# Errors.
script "{\"method\":\"getMe\",\"times\":3,\"status\":401,\"body\":\"{\\\"ok\\\":false,\\\"error_code\\\":401,\\\"description\\\":\\\"no bot$TOKEN here\\\"}\"}"
forget
run_tgrun --handler "$TMP/note"
is "$STATUS $(in_files "$TGRUN_LOG")" "77 " "a server that repeats the token in its error"
"$TGRUN" --token "123456 $SECRET" --handler "$TMP/note" >"$TMP/out" 2>&1
is "$? $(in_files "$TMP/out")" "77 " "a token of the wrong shape"
"$TGRUN" --token "$TOKEN" --handlr "$TMP/note" >"$TMP/out" 2>&1
is "$? $(in_files "$TMP/out")" "64 " "a mistake of usage"
TGRUN_TOKEN=$TOKEN "$TGRUN" check --api-url http://127.0.0.1:9 --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/out" 2>&1
is "$(in_files "$TMP/out")" "" "check, without a server"
TGRUN_TOKEN=$TOKEN "$TGRUN" --help >"$TMP/out" 2>&1
is "$(in_files "$TMP/out")" "" "--help"

# Other processes of the same user. Root reads everything, so this is tried as somebody else.
case $BUILD in *asan*) can= ;; *) can=$([ "$(id -u)" = 0 ] && command -v setpriv) ;; esac
if [ "$can" ] && mkdir "$TMP/nobody" && chown 65534:65534 "$TMP/nobody" && chmod 755 "$TMP" && cp "$TGRUN" "$TMP/tgrun.copy" &&
	setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$TMP/tgrun.copy"; then
	as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	: >"$TGRUN_LOG"
	TGRUN_TOKEN=$TOKEN setpriv --reuid 65534 --regid 65534 --clear-groups "$TMP/tgrun.copy" --api-url "$URL" --state-dir "$TMP/nobody/state" \
		--handler true >>"$TGRUN_LOG" 2>&1 </dev/null &
	TGRUN_PID=$!
	wait_for 'logged polling'
	slot=$(pgrep -P "$TGRUN_PID" | head -n 1)
	for pid in "$TGRUN_PID" "$slot"; do
		for file in environ mem maps; do
			as_nobody head -c 1 "/proc/$pid/$file" >"$TMP/out" 2>&1
			ok '[ "$?" != 0 ] || grep -q "denied" "$TMP/out"' "the same user may not read /proc/$([ "$pid" = "$slot" ] && echo SLOT || echo RUNNER)/$file"
			like "$(cat "$TMP/out")" 'denied' "… which is said"
		done
	done
	stop_tgrun
else
	echo "# not tried: reading /proc/PID/environ and mem as the same user needs root to become somebody else, and no sanitizer"
fi
done_testing
