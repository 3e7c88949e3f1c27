# Goal: a handler finds the environment, descriptors, signals, session, mask and directory that tgrun-handler(7) promises, however tgrun
# itself was started.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

# What a handler was given by exec, before any shell changed it. No variable is counted on.
handler show <<EOT
#!/bin/sh
tr '\\0' '\\n' </proc/\$\$/environ | sort >"$TMP/\$TG_UPDATE_ID.env"
cut -d ' ' -f 1,5-7 /proc/\$\$/stat >"$TMP/\$TG_UPDATE_ID.stat"
pwd -P >"$TMP/\$TG_UPDATE_ID.pwd"
echo "\$# \$*" >"$TMP/\$TG_UPDATE_ID.args"
exec cat /proc/self/status >"$TMP/\$TG_UPDATE_ID.status"
EOT
var() { # ID NAME: the value of a variable, or - where there is none
	sed -n "s/^$2=//p" "$TMP/$1.env" | grep . || echo -
}
status() { # ID FIELD of /proc/PID/status
	sed -n "s/^$2:[[:space:]]*//p" "$TMP/$1.status"
}
names() { # ID: the variables that are no TG_ ones
	grep -v '^TG_' "$TMP/$1.env" | cut -d = -f 1 | tr '\n' ' '
}

# A caller that makes it hard: signals ignored and blocked, descriptors open, a mask of its own, variables that look like tgrun's.
handler odd_start <<EOT
#!/bin/sh
umask 027
exec 5<"$TMP/show" 6>"$TMP/six" 7<>"$TMP/seven"
exec env --ignore-signal=HUP --ignore-signal=CHLD --ignore-signal=PIPE --ignore-signal=QUIT --block-signal "$TGRUN" "\$@"
EOT
PLAIN=$TGRUN
TGRUN=$TMP/odd_start
# Variables of service discovery, for a service that is called `tg`, are the caller's TG_ variables like any other.
export TG_SERVICE_HOST=10.0.0.7 TG_PORT=tcp://10.0.0.7:80 TG_NUMBER=99 TG_STATE_DIR=/nowhere TG_RUN_ID=x
BIG=$(head -c 100000 /dev/zero | tr '\0' x)
export TG_CHAT_ID=5 TG_FOO=caller TGRUN_KILL_AFTER=4s KEPT='a  b' EMPTY='' BIG1="$BIG" BIG2="$BIG" BIG3="$BIG"
start_sandbox --no-penalties
message 7 '/start@sandbox_bot deep link  x' 8
message 7 '/Help'
message 7 '/start@other_bot deep'
message 7 'say /start'
message 7 "a$(awk 'BEGIN { for (i = 0; i < 5000; i++) printf "ä" }')"
message 7 "$(printf '/multi\nline two\n line=three')"
push '{"inline_query":{"id":"q7","from":{"id":8,"is_bot":false,"first_name":"u"},"query":"/find me","offset":""}}'
before=$(date +%s)
run_tgrun --once --timeout 90 --max-attempts 4 -- "$TMP/show" 'two words' '' '$HOME|*'
after=$(date +%s)
TGRUN=$PLAIN
is "$STATUS" 0 "a tgrun that inherits ignored and blocked signals and open descriptors runs and ends well"

is "$(for name in UPDATE_ID UPDATE_KIND CHAT_ID CHAT_TYPE USER_ID COMMAND ARGS TEXT KEY ATTEMPT MAX_ATTEMPTS; do var 1 "TG_$name"; done | tr '\n' ';')" \
	"1;message;7;private;8;/start;deep link  x;/start@sandbox_bot deep link  x;chat:7;1;4;" "the update's values are there, with the command that is this bot's"
is "$(var 1 TG_NUMBER) $(var 2 TG_NUMBER) $(var 1 TG_STATE_DIR)" "1 2 $(realpath "$TMP")/state" "the queue's number, and where the queue is"
is "$(var 1 TG_DATA_DIR) $(stat -c '%a %F' "$TMP/state/data")" "$(realpath "$TMP")/state/data 700 directory" "and a directory for files of its own"
is "$(var 1 TG_BOT_ID) $(var 1 TG_BOT_USERNAME) $(var 1 TG_TOKEN) $(var 1 TG_API_URL) $(var 1 TG_API_ROOT)" "123456 sandbox_bot $TOKEN $API $URL" "and the bot's"
is "$(grep -cE '^TG_(THREAD_ID|QUERY_ID|REDELIVERED|TEXT_TRUNCATED)=' "$TMP/1.env")" 0 "what does not apply is absent"
ok '[ "$(var 1 TG_DEADLINE)" -ge $((before + 90)) ] && [ "$(var 1 TG_DEADLINE)" -le $((after + 90)) ]' "TG_DEADLINE is the start and the timeout"
is "$(var 2 TG_COMMAND) $(grep -c '^TG_ARGS=$' "$TMP/2.env")" "/Help 1" "a command without anything behind it has empty TG_ARGS"
is "$(var 3 TG_COMMAND) $(var 3 TG_ARGS) $(var 3 TG_TEXT)" "- - /start@other_bot deep" "another bot's command is none"
is "$(var 4 TG_COMMAND)" - "a command within a text is none"
is "$(var 5 TG_TEXT | tr -d '\n' | wc -c) $(var 5 TG_TEXT_TRUNCATED)" "8191 1" "a text of more than 8 KiB is cut between two characters"
is "$(var 6 TG_COMMAND) $(grep -E '^(TG_ARGS|TG_TEXT|line| line)' "$TMP/6.env" | LC_ALL=C sort | tr '\n' ';')" \
	"/multi  line=three; line=three;TG_ARGS=line two;TG_TEXT=/multi;line two;" "lines of a text stay lines"
is "$(var 7 TG_QUERY_ID) $(var 7 TG_TEXT) $(var 7 TG_COMMAND) $(var 7 TG_CHAT_ID)" "q7 /find me - -" "a query has its id and text, and no command"
is "$(cat "$TMP/1.args")" '3 two words  $HOME|*' "arguments come as they were given, no shell in between"

is "$(grep -cE '^(TG_FOO|TG_SERVICE_HOST|TG_PORT|TGRUN_[A-Z_]*)=' "$TMP/1.env")" 0 "the caller's TG_ variables and all TGRUN_ ones are gone"
is "$(var 7 TG_CHAT_ID)" - "also one that an update may have and this one has not"
# Where no tgrun is in PATH, handlers find this one behind all else.
own=:${TGRUN%/*}
! command -v tgrun >/dev/null || own=
is "$(var 1 KEPT) $(grep -c '^EMPTY=$' "$TMP/1.env") $(var 1 BIG3 | wc -c) $(var 1 PATH)" "a  b 1 100001 $PATH$own" \
	"the rest is tgrun's own, also when it is large"

is "$(for name in SigBlk SigIgn SigCgt; do status 1 $name; done | tr '\n' ' ')" "$(printf '%016d %016d %016d ' 0 0 0)" \
	"no signal is blocked, ignored or caught"
is "$(status 1 Umask)" 0027 "the mask is tgrun's own"
is "$(cat "$TMP/1.pwd")" "$(pwd -P)" "so is the directory"
ok 'read -r pid group session tty <"$TMP/1.stat" && [ "$pid" = "$group" ] && [ "$pid" = "$session" ] && [ "$tty" = 0 ]' \
	"a handler leads a session of its own, without a terminal"
unset TGRUN_KILL_AFTER TG_FOO TG_CHAT_ID TG_SERVICE_HOST TG_PORT TG_NUMBER TG_STATE_DIR TG_RUN_ID BIG1 BIG2 BIG3

# Descriptors, also of a pipeline's stages.
anew --no-penalties
message 7 x
TGRUN=$TMP/odd_start
run_tgrun --once -- ls -l /proc/self/fd
is "$STATUS $(grep -oE '[0-9]+ -> [^ ]*' "$TGRUN_LOG" | grep -v '/fd$' | cut -d ' ' -f 1 | tr '\n' ' ')" "0 0 1 2 " "only 0, 1, 2 are open"
anew --no-penalties
message 7 x
run_tgrun --once --handler 'ls -l /proc/self/fd | cat'
is "$STATUS $(grep -oE '[0-9]+ -> [^ ]*' "$TGRUN_LOG" | grep -v '/fd$' | cut -d ' ' -f 1 | tr '\n' ' ')" "0 0 1 2 " "also in a pipeline's first stage"
anew --no-penalties
message 7 x
run_tgrun --once --handler 'cat | ls -l /proc/self/fd'
is "$STATUS $(grep -oE '[0-9]+ -> [^ ]*' "$TGRUN_LOG" | grep -v '/fd$' | cut -d ' ' -f 1 | tr '\n' ' ')" "0 0 1 2 " "and in its last"
TGRUN=$PLAIN

# Environments that are made.
anew --no-penalties
message 7 x
run_tgrun --once --clear-env --env KEPT --env MADE='x = y' --env NOT_THERE --timeout 0 --hide-token --handler "$TMP/show"
is "$STATUS $(names 1)" "0 KEPT MADE " "--clear-env leaves nothing of the caller's but what --env names"
is "$(var 1 KEPT);$(var 1 MADE);$(var 1 TG_CHAT_ID)" "a  b;x = y;7" "--env passes a variable on, or sets it, and the update's are there"
is "$(grep -cE '^(TG_TOKEN|TG_API_URL)=' "$TMP/1.env") $(grep -c sandbox-secret "$TMP/1.env")" "0 0" "--hide-token leaves out the token wherever it is"
is "$(var 1 TG_DEADLINE)" - "without a timeout there is no TG_DEADLINE"
anew --no-penalties
message 7 x
run_tgrun --once --env KEPT=changed --handler "$TMP/show"
is "$(var 1 KEPT) $(var 1 PATH)" "changed $PATH$own" "--env without --clear-env changes what is inherited"
run_tgrun --once --env TG_TOKEN=mine --handler "$TMP/show"
is "$STATUS" 64 "--env for a name of tgrun's own is refused"
like "$(cat "$TGRUN_LOG")" "--env.*'TG_TOKEN'.*tgrun's own" "with the reason"

# What a service manager says to tgrun is not for handlers: one that had it could speak for the unit.
mkdir "$TMP/credentials" && echo "$TOKEN" >"$TMP/credentials/token" && chmod 600 "$TMP/credentials/token"
LISTENED='LISTEN_PID LISTEN_FDS LISTEN_FDNAMES LISTEN_PIDFDID'
SAID="NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID $LISTENED"
managed() { # OPTION…: $TMP/1.env
	anew --no-penalties
	message 7 x
	for name in $SAID; do export "$name=$TMP/nobody"; done
	CREDENTIALS_DIRECTORY=$TMP/credentials STATE_DIRECTORY=$TMP/given WATCHDOG=stays NOTIFY_SOCKET_TOO=stays \
		run_tgrun --once --handler "$TMP/show" "$@"
	for name in $SAID; do unset "$name"; done
}
managed
is "$STATUS $(for name in $SAID; do var 1 "$name"; done | tr -d '\n')" "0 -------" "handlers are not told of the service manager's socket, watchdog and listeners"
is "$(var 1 CREDENTIALS_DIRECTORY) $(var 1 STATE_DIRECTORY) $(var 1 WATCHDOG) $(var 1 NOTIFY_SOCKET_TOO)" "$TMP/credentials $TMP/given stays stays" \
	"… but of its directories, and of names that only begin alike"
managed --hide-token
is "$STATUS $(var 1 CREDENTIALS_DIRECTORY) $(var 1 STATE_DIRECTORY)" "0 - $TMP/given" "--hide-token leaves out the directory that has the token"
managed --hide-token --env CREDENTIALS_DIRECTORY --env NOTIFY_SOCKET
is "$STATUS $(var 1 CREDENTIALS_DIRECTORY) $(var 1 NOTIFY_SOCKET) $(var 1 WATCHDOG_USEC)" "0 $TMP/credentials $TMP/nobody -" "--env hands on what it names"

# A relative handler is looked for where tgrun was started; --chdir is where it runs.
anew --no-penalties
message 7 x
mkdir -p "$TMP/elsewhere"
top=$PWD
cd "$TMP" || exit 1
run_tgrun --once --chdir elsewhere --handler './show --lang en'
cd "$top" || exit 1
is "$STATUS $(cat "$TMP/1.pwd") $(cat "$TMP/1.args")" "0 $TMP/elsewhere 2 --lang en" "a relative handler with --chdir is the caller's, and runs there"
run_tgrun --once --chdir "$TMP/nowhere" --handler "$TMP/show"
is "$STATUS" 78 "a --chdir that is not there is a fault of configuration"

# Attempts.
anew --no-penalties
message 7 x
handler again <<EOT
#!/bin/sh
tr '\\0' '\\n' </proc/\$\$/environ | sort >"$TMP/attempt\$TG_ATTEMPT.env"
[ "\$TG_ATTEMPT" = 3 ] || exit 75
EOT
start_tgrun --retry-delay 10ms --handler "$TMP/again"
wait_for 'logged "handled.*attempt=3"'
stop_tgrun
is "$(for n in 1 2 3; do var attempt$n TG_ATTEMPT; var attempt$n TG_REDELIVERED; done | tr '\n' ' ')" "1 - 2 1 3 1 " \
	"TG_ATTEMPT counts from 1, and TG_REDELIVERED says that it was tried before"

done_testing
