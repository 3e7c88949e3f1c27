# Goal: a build without the libraries that not everybody needs runs bots as the whole one does, and says what it has not: which, with what
# status, and what to do.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

[ "$BUILD" = build/gcc ] || skip_all "it is linked anew, of plain objects, once"

build() { # WORDS: $TGRUN is a build without them
	env -u MAKEFLAGS -u MFLAGS make -s B="$TMP/build" CC=gcc CFLAGS=-Werror WITHOUT="$1" "$TMP/build/tgrun" >"$TMP/out" 2>&1
	is "$? $(cat "$TMP/out")" "0 " "make WITHOUT=\"$1\""
	TGRUN=$TMP/build/tgrun
}
refused() { # WHAT ERE COMMAND…: with status 78 and that sentence
	what=$1 text=$2
	shift 2
	out=$("$@" 2>&1 </dev/null)
	is "$?" 78 "$what"
	like "$out" "$text" "… and why"
}
mkdir "$TMP/build"
cp -a "$BUILD/lib" "$BUILD/cli" "$TMP/build/" # what the words do not touch is not compiled again

diag "without readline and libmicrohttpd"
build "readline microhttpd"
is "$("$TGRUN" --version)" "$("$BUILD/tgrun" --version)
built without readline microhttpd" "--version says so"
like "$("$TGRUN" --help | tail -n 1)" '^built without readline microhttpd' "--help, too"
needed=$(readelf -d "$TGRUN")
ok '! printf %s "$needed" | grep -q readline && ! grep -aq "libmicrohttpd\.so" "$TGRUN"' "it asks for neither library"
refused "there is no tgrun try" "tgrun: this tgrun was built without libmicrohttpd, and so has no 'try'; build it with" "$TGRUN" try --handler cat
start_sandbox
bot="--token $TOKEN --api-url $URL --state-dir $TMP/state --handler $TMP/bot"
handler bot <<'EOT'
#!/bin/sh
"$FLOW_MARK/build/tgrun" call sendMessage text=called >"$FLOW_MARK/called" 2>&1
echo "status $? ${TG_API_SOCKET-no socket}" >>"$FLOW_MARK/called"
echo "$TG_TEXT"
EOT
# shellcheck disable=SC2086
refused "nor --serve-api" "built without libmicrohttpd, and so has no local API \(--serve-api" "$TGRUN" run $bot --serve-api
# shellcheck disable=SC2086
refused "… which tgrun check tells" "wrong +this tgrun was built without libmicrohttpd, and so has no local API" "$TGRUN" check $bot --serve-api
# shellcheck disable=SC2086
like "$("$TGRUN" check $bot 2>&1)" "answers: .*'tgrun send' goes through this tgrun, calls by TG_API_URL straight" "… as which way answers go"
start_tgrun --handler "$TMP/bot" --reply text
wait_for 'grep -q "built without libmicrohttpd: handlers have no .tgrun call" "$TGRUN_LOG"'
like "$(cat "$TGRUN_LOG")" "info .*built without libmicrohttpd" "so does the log, once"
message 7 hello
wait_for '[ -n "$(deliveries .text)" ]'
is "$(deliveries .text)" hello "a handler is answered for"
like "$(cat "$TMP/called")" "^tgrun: this tgrun was built without libmicrohttpd.*or answer by --reply and 'tgrun send'" "'tgrun call' in it says why it is none"
is "$(tail -n 1 "$TMP/called")" "status 78 no socket" "… with a status of its own, and there is no TG_API_SOCKET"
is "$("$TGRUN" send --state-dir "$TMP/state" --chat 7 --text=sent --wait 2>&1) $?" " 0" "tgrun send goes through it"
stop_tgrun
is "$STATUS" 0 "it ends well"
"$TGRUN" call --token "$TOKEN" --api-url "$URL" --state-dir "$TMP/state" sendMessage chat_id=7 text=straight >/dev/null
is "$?" 0 "where none runs, tgrun call goes to the server"
is "$(deliveries .text | tail -n 1)" straight "… and arrives"

diag "without readline alone"
build readline
is "$("$TGRUN" --version | tail -n 1)" "built without readline" "the same directory, built anew without another one"
like "$(printf 'hello\n' | "$TGRUN" try --reply text --handler 'printf %s yes' 2>&1)" '^bot: yes' "tgrun try takes what comes through a pipe"
refused "what is typed it refuses" 'tgrun: this tgrun was built without readline, and has no prompt to type at; what comes through a pipe it takes: cat \| tgrun try' \
	python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$TGRUN" try --handler cat

diag "without libpq alone"
build libpq
store="--store postgresql://nobody@127.0.0.1:1/none"
# shellcheck disable=SC2086
refused "a queue in PostgreSQL is refused" "built without libpq, and so has no queue in PostgreSQL; build it with that library" "$TGRUN" run $bot $store
# shellcheck disable=SC2086
refused "to its tools, too" "built without libpq" "$TGRUN" dead list --token "$TOKEN" $store
ok '! grep -aq "libpq\.so" "$TGRUN"' "it asks for no such library"

diag "words"
out=$(make --no-print-directory WITHOUT=sqlite 2>&1)
like "$? $out" "^2 .*WITHOUT takes the words readline microhttpd libpq, and not 'sqlite'" "what cannot be left out is refused"
mkdir "$TMP/bin"
for tool in sh tr cat grep; do
	ln -s "$(command -v "$tool")" "$TMP/bin/$tool"
done
out=$(PATH=$TMP/bin WITHOUT=microhttpd sh scripts/deps --build 2>&1)
like "$out" 'please install .* libcurl libcjson libpipeline libuv sqlite3 inih( |$)' "scripts/deps asks for no library that is left out"
out=$(PATH=$TMP/bin WITHOUT=microhttpd sh scripts/deps 2>&1)
like "$out" 'the tests need every library' "… but for the tests"

done_testing
