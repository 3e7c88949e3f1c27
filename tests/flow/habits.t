# Goal: a token, a config file and an environment are taken as people and machines have them; what is not certain is told with its cause; and the
# token shows nowhere meanwhile.
# shellcheck shell=sh disable=SC2016,SC2034
TOKEN=1234567890:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_
. tests/flow/lib.sh

SECRET=${TOKEN#*:}
note_handler
start_sandbox --no-penalties
export TGRUN_API_URL="$URL" TGRUN_STATE_DIR="$TMP/state" TGRUN_HANDLER="$TMP/note"
# check STATUS ERE WHAT: with what the caller has exported, or put into $TMP/token
check() {
	want=$1 ere=$2 what=$3
	shift 3
	"$TGRUN" check "$@" >"$TMP/out" 2>&1 </dev/null
	is "$? $(grep -cF "$SECRET" "$TMP/out")" "$want 0" "$what: $want"
	like "$(cat "$TMP/out")" "$ere" "… and said"
}
file() { # STATUS ERE WHAT: the file is $TMP/token
	chmod 600 "$TMP/token"
	check "$@" --token-file "$TMP/token"
}
BOT='^ok +bot: 1234567890'
printf '\357\273\277%s\r\n' "$TOKEN" >"$TMP/token"
file 0 "$BOT" "a file as Windows writes it"
printf '%s' "$TOKEN" | sed 's/./&\x00/g; s/^/\xff\xfe/' >"$TMP/token"
file 0 "$BOT" "… and in UTF-16"
echo "export TGRUN_TOKEN='$TOKEN'" >"$TMP/token"
file 0 "$BOT" "a file for a shell"
printf 'Use this token to access the HTTP API:\n%s\nKeep your token secure and store it safely, it can be used by anyone to control your bot.\n' "$TOKEN" >"$TMP/token"
file 0 "$BOT" "the message of BotFather"
printf '%s\n%s\n' "$TOKEN" "$(echo "$TOKEN" | tr A B)" >"$TMP/token"
file 77 "token file '$TMP/token': there are two different tokens.*cat > '$TMP/token'" "two tokens"
printf '# my bot\n%s\n' "$TOKEN" >"$TMP/token"
file 0 "$BOT" "a comment above it"
printf 'https://api.telegram.org/bot%s/getMe\n' "$TOKEN" >"$TMP/token"
file 0 "$BOT" "what a browser was given"
printf '123456:ABC-%s\nCHAT=7\n' short >"$TMP/token"
file 77 "token file '$TMP/token': .*more than one line.*cat > '$TMP/token'" "lines of which none is sure to be the token"
echo "$SECRET" >"$TMP/token"
file 77 'the number and the colon before this are missing' "half of one"
true >"$TMP/token"
file 77 'the token is empty' "none"
TGRUN_TOKEN="bot$TOKEN" check 0 "$BOT" "with 'bot' before it, in the environment"
TGRUN_TOKEN="$TOKEN/x y" check 0 "$BOT" "the rest of a URL behind it"
TGRUN_TOKEN=${TOKEN%??????????} check 77 'refuses the token' "one that was cut"
TGRUN_TOKEN='<token>' check 77 'TGRUN_TOKEN: the token does not look like' "none at all, in the environment"
check 0 "$BOT" "quoted twice, as an argument" --token "\"$TOKEN\""
check 77 "option '--token': the token has a character" "broken, as an argument" --token "123:AB C"
printf '%s\n' "token = \"$TOKEN\"" "--min-free=1M" >"$TMP/conf"
chmod 600 "$TMP/conf"
check 0 "$BOT" "in quotes, in a config file" --config "$TMP/conf"
mkfifo "$TMP/pipe"
(printf '%s' "${TOKEN%aw_}"; sleep 0.1; echo aw_) >"$TMP/pipe" &
check 0 "$BOT" "from a pipe, in pieces" --token-file "$TMP/pipe"
export TGRUN_TOKEN="$TOKEN"

# What others put into the environment.
export TGRUN_PORT=tcp://10.0.0.1:80 TGRUN_SERVICE_HOST=10.0.0.1 TGRUN_PORT_80_TCP_ADDR=10.0.0.1
check 0 '^warning environment variables that are no option.s are left alone: (TGRUN_[A-Z0-9_]*, ){2}TGRUN' "a service called tgrun: one warning"
is "$(grep -c '^warning' "$TMP/out")" 1 "… and no other"
unset TGRUN_HANDLER
TGRUN_HANDLR="$TMP/note" check 64 "warning: the environment variable 'TGRUN_HANDLR' .* did you mean 'TGRUN_HANDLER'" "a misspelt variable, and so no handler"
like "$(cat "$TMP/out")" '^tgrun: no handler' "… said, too"
unset TGRUN_PORT TGRUN_SERVICE_HOST TGRUN_PORT_80_TCP_ADDR TGRUN_TOKEN
export TGRUN_HANDLER="$TMP/note"

# Who may read a file that holds the token. A runtime's mounts can be made only where a test may make a name space.
echo "$TOKEN" >"$TMP/token"
chmod 444 "$TMP/token"
check 0 "^warning others may read the token file '$TMP/token'; mend it by: chmod 600" "a file that others may read" --token-file "$TMP/token"
if unshare -m true 2>/dev/null; then
	mkdir "$TMP/mounted"
	cp "$TMP/token" "$TMP/mounted/token"
	unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && "$2" check --token-file "$1/token"' x "$TMP/mounted" "$TGRUN" >"$TMP/out" 2>&1
	is "$? $(grep -c '^warning' "$TMP/out")" "0 0" "… is no warning where it is mounted read-only, as a container's runtime does"
else
	diag "no name space can be made here: a secret that is mounted was not tried"
fi

# What cannot be printed is no success.
for what in "help" "--version" "--help" "check --token-file $TMP/token"; do
	# shellcheck disable=SC2086 # words
	"$TGRUN" $what >/dev/full 2>"$TMP/out"
	is "$? $(grep -c '^tgrun: cannot write the output: No space left on device$' "$TMP/out")" "74 1" "tgrun ${what%% *} on a full disk is an error, and says so"
done

# Help is read in columns.
is "$("$TGRUN" help | awk '/^Usage/ { usage = 1; next } /^$/ { usage = 0 } usage && substr($0, 49, 2) != "  "')" "" "what a sub-command takes does not touch what it is for"
# What a sub-command says on stderr is one write(2) a line: nobody's words come into it, and no reader sees half of it.
is "$(python3 - "$TGRUN" dead drop --token '123:AB C' <<'EOT'
import socket, subprocess, sys
mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
subprocess.run(sys.argv[1:], stderr=its.fileno(), stdin=subprocess.DEVNULL)
its.close()
pieces = list(iter(lambda: mine.recv(65536), b""))
print(len(pieces), pieces[-1][-1:])
EOT
)" "1 b'\n'" "a line on stderr is one write"
done_testing
