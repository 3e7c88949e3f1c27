# Goal: `tgrun try` is a conversation with the bot: what is typed, piped in or read from a file reaches the handler, what the bot calls is
# shown as a chat, failures are shown and counted, and the terminal is given back as it was.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

handler echo.sh <<'EOT'
#!/bin/sh
curl -sS "$TG_API_URL/sendMessage" -d chat_id="$TG_CHAT_ID" ${TG_THREAD_ID:+-d message_thread_id="$TG_THREAD_ID"} \
	--data-urlencode text="echo $TG_TEXT" -o /dev/null
EOT

# try's output without the first line; $STATUS. Lines come from stdin. What does not end by the deadline is killed.
try() {
	timeout -k 5 "$((DEADLINE * 2))" "$TGRUN" try "$@" >"$TMP/out" 2>"$TMP/err"
	STATUS=$?
	tail -n +2 "$TMP/out"
}
# A conversation: lines from stdin, try's output on stdout, its status in $TMP/status.
talk() { (try "$@"; echo "$STATUS" >"$TMP/status"); }
status() { cat "$TMP/status"; }

got=$(printf 'hello\n\n/start now\n::help\nlast, without a line feed' | talk --handler "$TMP/echo.sh")
is "$got" "You: hello
bot: echo hello
You: /start now
bot: echo /start now
You: :help
bot: echo :help
You: last, without a line feed
bot: echo last, without a line feed
4 handled, 0 failed" "each line is a message, and waits for the answer to the one before"
is "$(status)" 0 "the end of the input is the end, with 0"
is "$(cat "$TMP/err")" "" "nothing is logged unless asked for"
like "$(head -n 1 "$TMP/out")" "^tgrun try: .*$TMP/echo.sh" "the first line says what this is"

# The runner is not connected yet when the input ends.
mkdir "$TMP/places"
for input in '' ':quit\n' ':help\n' ':as 5\n' ' \n'; do
	# shellcheck disable=SC2059
	got=$(printf "$input" | TMPDIR=$TMP/places talk --handler "$TMP/echo.sh" | tail -n 1)
	is "$got $(status) $(ls -A "$TMP/places")" "0 handled, 0 failed 0 " "nothing said at all ('$input'): nothing handled, 0, and nothing left"
done
got=$(TMPDIR=$TMP/places talk --handler "$TMP/echo.sh" </dev/null)
is "$got $(status) $(ls -A "$TMP/places")" "0 handled, 0 failed 0 " "… from /dev/null, too"

got=$(printf ':help\nhello\n:quit\nnever\n' | talk --handler "$TMP/echo.sh")
like "$got" '^You: hello$' ":help and :quit are for try, not for the bot"
like "$got" ':press' "… :help tells of the words"
ok '! printf "%s" "$got" | grep -q "never"' "… and :quit is the end"
is "$(printf '%s\n' "$got" | tail -n 1) $(status)" "1 handled, 0 failed 0" "… with what was handled before"

got=$(printf '%s\n' '/press 1' /help :\) | talk --handler "$TMP/echo.sh")
is "$got" "what begins with a slash is the bot's; here it is :press (see :help)
You: /press 1
bot: echo /press 1
You: /help
bot: echo /help
You: :)
bot: echo :)
3 handled, 0 failed" "the words of before are the bot's, which is said once, and so is what only looks like a word"

got=$(printf '"""\none\n:press 1\n\nthree\n"""\n"""\nnever ends\n' | talk --handler "$TMP/echo.sh")
EMPTY="     "
is "$got" "You: one
     :press 1
$EMPTY
     three
bot: echo one
     :press 1
$EMPTY
     three
line 7: the text that begins with \"\"\" has no end
1 handled, 0 failed" "a message of several lines stands between quotes"
is "$(status)" 64 "and quotes that are not closed are no message"

handler bot.sh <<'EOT'
#!/bin/sh
api() {
	method=$1
	shift
	curl -sS "$TG_API_URL/$method" "$@" -o /dev/null
}
keyboard='{"inline_keyboard":[[{"text":"Yes","callback_data":"y"},{"text":"No","callback_data":"n"}],[{"text":"Site","url":"https://example.org/"}]]}'
if [ "$TG_UPDATE_KIND" = callback_query ]; then
	api answerCallbackQuery -d callback_query_id="$TG_QUERY_ID" -d text="chosen by $TG_USER_ID"
	api editMessageText -d chat_id="$TG_CHAT_ID" -d message_id="$TG_MESSAGE_ID" -d text="so: $TG_TEXT"
	exit
fi
case $TG_TEXT in
/ask)
	api sendChatAction -d chat_id="$TG_CHAT_ID" -d action=typing
	api sendChatAction -d chat_id="$TG_CHAT_ID" -d action=typing
	api sendMessage -d chat_id="$TG_CHAT_ID" -d text='Well?' --data-urlencode reply_markup="$keyboard" ;;
/keys) api sendMessage -d chat_id="$TG_CHAT_ID" -d text=Pick -d reply_markup='{"keyboard":[["A","B"]]}' ;;
/fail) echo trying; echo 'it broke' >&2; exit 3 ;;
/bad) api sendMessage -d chat_id="$TG_CHAT_ID" -d text= ;;
/escape) printf 'a\033[31mb\007' | api sendMessage -d chat_id="$TG_CHAT_ID" --data-urlencode text@- ; printf 'c\033]0;d\007\n' ;;
/token) echo "$TG_TOKEN"; api sendMessage -d chat_id="$TG_CHAT_ID" -d text="$TG_API_URL"; echo "${TG_TOKEN#*:}" >"$SEEN" ;;
/photo) printf 12345 >"$SEEN"; api sendPhoto -F chat_id="$TG_CHAT_ID" -F photo=@"$SEEN;filename=cat.jpg" -F caption=Cat ;;
/forget) api setMyCommands -d 'commands=[]'; api deleteMessage -d chat_id="$TG_CHAT_ID" -d message_id="$TG_MESSAGE_ID" ;;
/where) echo "$TG_CHAT_ID $TG_CHAT_TYPE ${TG_THREAD_ID:-none} $TG_USER_ID $(jq -r '"\(.message.chat.title) \(.message.from.first_name)"')" ;;
/tell) api sendMessage -d chat_id=1001 -d text=psst ;;
esac
EOT
SEEN=$TMP/seen
export SEEN

got=$(printf '%s\n' /ask ':press 3' ':as 42 Ann' ':press 2' :as /keys ':press 2' | talk --handler "$TMP/bot.sh")
is "$got" "You: /ask
bot is typing…
bot: Well?
     [1 Yes] [2 No]
     [3 Site]
it opens https://example.org/
(1001) Ann: [callback_query] n
bot: (toast) chosen by 42
(1001) bot: (edited) so: n
You: /keys
bot: Pick
     [1 A] [2 B]
You: B
(no answer)
4 handled, 0 failed" "buttons are shown by number, and pressed"

got=$(printf '%s\n' ':in -100123 Old friends' /where ':in -100123:7' /where ':as 42 Ann' /where /tell :in /where | talk --handler "$TMP/bot.sh")
is "$(echo "$got" | grep -v /where)" "stdout: -100123 supergroup none 1001 Old friends You
the handler printed 45 bytes; with --reply text they would be the answer
stdout: -100123 supergroup 7 1001 Old friends You
(no answer)
stdout: -100123 supergroup 7 42 Old friends Ann
(no answer)
Ann: /tell
(1001) bot: psst
stdout: 42 private none 42 null Ann
(no answer)
5 handled, 0 failed" "groups, topics and other people are what :in and :as say"

got=$(printf '%s\n' /fail /bad /photo /forget | talk --handler "$TMP/bot.sh")
is "$got" "You: /fail
stdout: trying
stderr: it broke
handler: exited with status 3: now a dead letter (it broke)
You: /bad
refused: sendMessage: 400 Bad Request: message text is empty
You: /photo
bot: [photo: Cat] (cat.jpg, 5 bytes)
You: /forget
called setMyCommands
bot deleted \"/forget\"
3 handled, 1 failed" "a failure, a refusal, a file and other calls are told"
is "$(status)" 1 "an update that failed is status 1"

got=$(printf '%s\n' /escape /token | talk --log-level debug --handler "$TMP/bot.sh")
is "$(echo "$got" | grep -c '^bot: a\\x1b\[31mb\\x07$')" 1 "what the bot sends is shown escaped"
is "$(echo "$got" | grep -c '^stdout: c\\x1b\]0;d\\x07$')" 1 "so is what its handler prints"
is "$(tr -d '\n' <"$TMP/out" | LC_ALL=C tr -d ' -~\200-\377' | wc -c)" 0 "no control character comes out"
like "$(cat "$SEEN")" '^AA[A-Za-z0-9_-]{33}$' "the handler has a token, of the shape of a real one"
ok '! grep -qF "$(cat "$SEEN")" "$TMP/out" "$TMP/err"' "which is shown nowhere"
ok 'grep -q " info " "$TMP/err"' "with --log-level there is a log, on standard error"

got=$(printf '%s\n' ':press 1' ':in here' :pres hi | talk --handler true)
is "$got" "line 1: there is no such button
line 2: :in wants the id of a group, which is below zero, and perhaps a title: :in -100123 Friends (a person: :as)
line 3: there is no word :pres (did you mean :press?); :help lists them, and ::pres says it to the bot
You: hi
(no answer)
1 handled, 0 failed" "a line that cannot be carried out is named"
is "$(status)" 64 "and is status 64 at the end"

# What is printed may be the answer, and what becomes of an answer is the author's to know.
handler says.sh <<'EOT'
#!/bin/sh
case $TG_TEXT in
long) printf '%05000d\n' 0 ;;
fail) echo "not sent"; exit 1 ;;
*) echo "You said: $TG_TEXT" ;;
esac
EOT
got=$(printf '%s\n' hello long fail | talk --reply text --handler "$TMP/says.sh" | sed 's/0000*/0/')
is "$got" "You: hello
bot: You said: hello
You: long
(1001) the answer goes out in 2 parts
bot: 0
bot: 0
You: fail
stdout: not sent
handler: exited with status 1: now a dead letter
2 handled, 1 failed" "with --reply what the handler prints is the bot's"

got=$(echo hello | talk --workers 1 --handler share/examples/worker.py | sort)
is "$got" "1 handled, 0 failed
You: hello
bot: You said: hello
stdout: text: hello" "what a worker prints is no answer, and could not be one; it is shown, also behind the answer"

got=$(printf '%s\n' /start ':press 2' | talk --reply text --handler share/examples/menu.sh | grep -v '^called answer')
is "$got" "You: /start
bot: What would you like?
     [1 Tea] [2 Coffee]
You: [callback_query] Coffee
bot: Coffee is on its way.
2 handled, 0 failed" "the answer to a button is no part of what the bot says"

# The commands that a handler has.
handler tells.sh <<'EOT'
#!/bin/sh
stat -c '%a %F' "$TG_STATE_DIR" >"$SEEN"
echo "$TG_STATE_DIR" >>"$SEEN"
mkdir -p "$TG_DATA_DIR/of/mine" && echo "$TG_TEXT" >"$TG_DATA_DIR/of/mine/$TG_NUMBER" && ln -sf /dev/null "$TG_DATA_DIR/link"
tgrun send --chat "$TG_CHAT_ID" --text="Wait: $TG_TEXT" && echo Done.
EOT
got=$(printf 'one\ntwo\n' | talk --reply text --handler "$TMP/tells.sh")
is "$got" "You: one
bot: Wait: one
bot: Done.
You: two
bot: Wait: two
bot: Done.
2 handled, 0 failed" "a handler finds tgrun, and what that sends is the bot's"
is "$(head -n 1 "$SEEN")" "700 directory" "its state directory is nobody else's"
ok '[ ! -e "$(tail -n 1 "$SEEN")" ]' "and is gone at the end"
got=$(echo hi | TMPDIR=$TMP/nowhere talk --handler true)
is "$(status) $got" "0 warning: cannot make a directory in '$TMP/nowhere': No such file or directory: handlers have no 'tgrun call'; TMPDIR names a place
You: hi
(no answer)
1 handled, 0 failed" "without a place for it the bot can be talked to all the same"

# What a person does beside writing.
handler sees.sh <<'EOT'
#!/bin/sh
case $TG_UPDATE_KIND:$TG_TEXT in
*:/love) tgrun call setMessageReaction message_id="$TG_MESSAGE_ID" reaction='[{"type":"emoji","emoji":"👍"}]' ;;
*:/quote) tgrun call sendMessage text=yes reply_parameters="{\"message_id\":$TG_MESSAGE_ID}" ;;
inline_query:*) tgrun call answerInlineQuery results='[{"type":"article","id":"1","title":"Tea","input_message_content":{"message_text":"a cup"}}]' ;;
*:/ask) tgrun call --button Yes=y sendMessage text='Well?' ;;
callback_query:*) tgrun call sendMessage text=so ;;
edited_message:*) tgrun call sendMessage text="you meant $TG_TEXT" ;;
*:/work) sleep 30 & ;;
*:/first) until [ -e "$SEEN.second" ]; do sleep 0.05; done; echo 1 ;;
*:/second) : >"$SEEN.second"; echo 2 ;;
message:A*)
	file=$(jq -r '.message | (.document // .photo[0]).file_id')
	tgrun call --output - getFile file_id="$file" | sed "s/^/it says /" ;;
esac
EOT
echo 'the content' >"$TMP/my paper.txt"
echo 'the picture' >"$TMP/cat.jpg"
got=$(printf '%s\n' ":file '$TMP/my paper.txt' A paper" ":file $TMP/cat.jpg A cat" tea coffee ':edit 2 green tea' ':inline te' /love /quote /ask ':press 1' \
	':json {"message":{"message_id":1,"chat":{"id":5,"type":"private"},"from":{"id":5,"first_name":"Eve"},"sticker":{"file_id":"x"}}}' \
	':edit 99 x' ":file $TMP/none" | talk --reply text --handler "$TMP/sees.sh")
is "$got" "You: [document: A paper] (my paper.txt, 12 bytes)
called getFile
bot: it says the content
You: [photo: A cat] (cat.jpg, 12 bytes)
called getFile
bot: it says the picture
You: tea
(no answer)
You: coffee
(no answer)
You: (edited) green tea
bot: you meant green tea
You: [inline_query] te
bot: (inline) 1 result
     - Tea: a cup
You: /love
bot reacted 👍 to \"/love\"
You: /quote
bot: (to \"/quote\") yes
You: /ask
bot: Well?
     [1 Yes]
You: [callback_query] y
bot: so
called answerCallbackQuery
(5) Eve: [sticker]
(5) (no answer)
line 12: there is no such message of yours here; the last one is 1
line 13: cannot send '$TMP/none': No such file or directory
11 handled, 0 failed" "files, edits, queries and any update can be sent, and all is shown as what it is" || true
got=$(printf '%s\n' /ask ':press 1' | talk --handler "$TMP/sees.sh")
like "$got" '^\(the button waits on: no answerCallbackQuery\)$' "a button that waits on is told of"

got=$(printf '%s\n' /first ':wait 200ms' ':as 7 Eve' /second | talk --reply text --handler "$TMP/sees.sh")
is "$(status) $(echo "$got" | grep -c '^.*bot: [12]$')" "0 2" "after :wait it goes on, though a handler still runs"
got=$(printf '%s\n' /work | talk --timeout 2s --handler "$TMP/sees.sh")
like "$got" '^background work of the handler runs on, and holds its chat: sleep' "background work that holds a chat is told of"

got=$(printf 'hello\n/ask\n' | talk --only /ask --ignore message --handler "$TMP/sees.sh" | tr '\n' '|')
is "$got" "You: hello|(ignored: --only names others)|You: /ask|(ignored: --ignore names it)|0 handled, 0 failed|" "what is left alone is told of, and why"
got=$(printf ':as 7 Eve\n:in -100\n/ask\n' | talk --allow-user 8 --handler "$TMP/sees.sh" | tail -n 2 | head -n 1)
is "$got" "(ignored: --allow-user and --allow-chat name others)" "… by --allow-user, too"
got=$(printf ':as 8 Eve\n/quote\n' | talk --allow-user 8 --handler "$TMP/sees.sh" | tail -n 1)
is "$got" "1 handled, 0 failed" "… who is named can be tried"

{ cat "$TMP/echo.sh"; echo '# instead of https://api.telegram.org/'; } | handler both.sh
sed 's|\$TG_API_URL|https://api.telegram.org/bot$TG_TOKEN|' "$TMP/echo.sh" | handler past.sh
got=$(talk --handler "$TMP/past.sh" </dev/null)
like "$got" "^warning: the handler '$TMP/past.sh' names api.telegram.org in line [0-9]+: what it sends there does not come here" "a handler that speaks past try is told of"
is "$(talk --handler "sh '$TMP/past.sh'" </dev/null | grep -c '^warning')" 1 "… as what a shell is to run, too"
is "$(talk --handler "$TMP/both.sh" </dev/null | grep -c '^warning')" 0 "… not one that knows the way"
like "$("$TGRUN" check --token "$TOKEN" --api-url http://127.0.0.1:1 --state-dir "$TMP/none" --serve-api --handler "$TMP/past.sh")" \
	"^warning .*past.sh' names api.telegram.org in line [0-9]+: what it sends there is not sent by tgrun" "… by check with --serve-api, too"

# Updates from a file.
got=$(talk --handler 'jq -r .update_id' --concurrency 1 --updates tests/data/hello.jsonl </dev/null | grep -v ': \[')
is "$got" "(1001) Ann: /start hello
stdout: 501
the handler printed 4 bytes; with --reply text they would be the answer
(-1001234567890:7) Bob: grüß dich
stdout: 502
(-1001234567890:7) (no answer)
stdout: 503
(1001) (the button waits on: no answerCallbackQuery)
(1001) Ann: no id of its own
stdout: 504
(1001) (no answer)
4 handled, 0 failed" "whole updates keep their id, and others get the next"
is "$(status)" 0 "and the end of the file is the end"

jq -nc 'range(100) | {message: {message_id: ., date: 0, text: "n\(.)", chat: {id: (. % 3 + 1), type: "private"}}}' >"$TMP/updates"
got=$(talk --handler "$TMP/echo.sh" --updates - <"$TMP/updates")
for chat in 1 2 3; do
	is "$(echo "$got" | sed -n "s/^($chat) bot: echo n//p" | xargs)" "$(seq $((chat - 1)) 3 99 | xargs)" "the updates of chat $chat are handled in order"
done
is "$(echo "$got" | tail -n 1)" "100 handled, 0 failed" "all 100 are handled"

printf '%s\n' '{"message":{"chat":{"id":1},"text":"/fail"}}' 'no json' '{"update_id":9,"message":{"chat":{"id":1},"text":"ok"}}' '{}' >"$TMP/updates"
got=$(talk --handler "$TMP/bot.sh" --updates "$TMP/updates")
is "$(status)" 64 "a bad line in a file is status 64"
like "$got" '^line 2: it is no JSON' "it is named by its number"
like "$got" '^line 4: an object such as' "what is no update is, too"
is "$(echo "$got" | tail -n 1)" "1 handled, 1 failed" "and the others are handled"
head -n 1 "$TMP/updates" >"$TMP/first"
got=$(talk --handler "$TMP/bot.sh" --updates "$TMP/first")
is "$(status)" 1 "an update that failed is status 1"
talk --handler true --updates "$TMP/none" >/dev/null
is "$(status)" 64 "a file that is not there is status 64"

# A conversation that is kept, and had again.
handler often.sh <<'EOT'
#!/bin/sh
# Says what each run would say in another way: times, ports, who is first.
case $TG_TEXT in
/all) for chat in 9 5 7; do tgrun call sendMessage chat_id=$chat text="to $chat" & done; wait; echo "done at $(date)"; date +%s; echo "$TG_API_ROOT" ;;
/lines) printf 'one\n\n# three\n> four\n' ;;
/fail) date +%N >&2; echo broken >&2; exit 3 ;;
/odd) echo "$$" ;;
/own) echo "${CHANGED:-own}" ;;
esac
EOT
printf '%s\n' /all '"""' /lines '"""' /fail :help nothing ':as 5 Eve' /own ':press 7' ':json {"message":{"message_id":1,"chat":{"id":8,"type":"private"},"text":"/own"}}' >"$TMP/lines"
for n in 1 2; do
	talk --reply text --record "$TMP/talk.$n" --handler "$TMP/often.sh" <"$TMP/lines" >/dev/null
done
is "$(sed '/^#/d' "$TMP/talk.1")" '
> /all
bot: done at <time>
   | <time>
   | http://127.0.0.1:<number>
(5) bot: to 5
(7) bot: to 7
(9) bot: to 9

> """
> /lines
> """
bot: one
   |
   | # three
   | > four

> /fail
handler: exited with status 3: now a dead letter (broken)

> nothing
(no answer)

> :as 5 Eve

> /own
bot: own

> :press 7
(there is no such button)

> :json {"message":{"message_id":1,"chat":{"id":8,"type":"private"},"text":"/own"}}
(8) bot: own' "a conversation is kept as text"
ok 'cmp -s "$TMP/talk.1" "$TMP/talk.2"' "… and it is the same each time"
replay() { # FILE OPTION…: without anybody; $STATUS, $TMP/out, $TMP/err
	file=$1
	shift
	setsid -w timeout -k 5 "$((DEADLINE * 2))" "$TGRUN" try --reply text --replay "$file" --handler "$TMP/often.sh" "$@" </dev/null >"$TMP/out" 2>"$TMP/err"
	STATUS=$?
}
replay "$TMP/talk.1"
is "$STATUS $(cat "$TMP/out" "$TMP/err")" "0 " "had again it is the same: status 0, and no word"
CHANGED=another
export CHANGED
replay "$TMP/talk.1"
unset CHANGED
is "$STATUS $(sed "1,2d; s/^ $//" "$TMP/out")" "1 @@ -27,10 +27,10 @@
 > :as 5 Eve

 > /own
-bot: own
+bot: another

 > :press 7
 (there is no such button)

 > :json {\"message\":{\"message_id\":1,\"chat\":{\"id\":8,\"type\":\"private\"},\"text\":\"/own\"}}
-(8) bot: own
+(8) bot: another" "what differs is a diff, and status 1"
printf '%s\n' '# by hand' '> /odd' 'bot: <number>' '' '> /own' 'bot: <any>n' '# why not' '> /own' 'bot: other' >"$TMP/talk"
replay "$TMP/talk" --record "$TMP/talk"
is "$STATUS $(cat "$TMP/talk")" "1 # by hand
> /odd
bot: <number>

> /own
bot: <any>n
# why not
> /own
bot: own" "a record may be written by hand, and brought up to date"
replay "$TMP/talk"
is "$STATUS" 0 "… and holds then"
printf '%s\n' '> /first' '> :wait 200ms' '> :as 7 Eve' '> /second' 'bot: 2' '(1001) bot: 1' >"$TMP/talk"
rm -f "$SEEN.second"
replay "$TMP/talk" --handler "$TMP/sees.sh"
is "$STATUS $(cat "$TMP/out")" "0 " ":wait is kept, too"
printf '%s\n' /first '' :help :bogus ':wait 1ms' '' :help ':as 7 Eve' '' /second >"$TMP/lines"
rm -f "$SEEN.second"
talk --reply text --timeout 10s --handler "$TMP/sees.sh" --record "$TMP/talk.3" <"$TMP/lines" >/dev/null
is "$(grep -v '^#' "$TMP/talk.3" | paste -sd ';' -)" ';> /first;;> :wait 1ms;;> :as 7 Eve;;> /second;bot: 2;(1001) bot: 1' "what is in no record, such as blank lines and :help, does not hold up what is"
replay "$TMP/none"
is "$STATUS $(cat "$TMP/out" "$TMP/err")" "66 tgrun: cannot read '$TMP/none' of --replay: No such file or directory" "a record that is not there is status 66"
printf '> /own\n> :pres 1\n' >"$TMP/talk"
replay "$TMP/talk"
like "$STATUS $(cat "$TMP/out" "$TMP/err")" "^64 tgrun: '$TMP/talk' of --replay: line 2: there is no word :pres" "one that cannot be understood is 64"
printf '> hi\n> :json {bad\n' >"$TMP/talk"
replay "$TMP/talk" --handler true
like "$STATUS $(cat "$TMP/out" "$TMP/err")" "^64 tgrun: '$TMP/talk' of --replay: line 2: :json wants an update, .*; it is no JSON at byte 1" "… and so is what is no update"
echo '> hi' >"$TMP/talk"
replay "$TMP/talk" --handler "$TMP/gone.sh" --record "$TMP/talk"
is "$STATUS $(cat "$TMP/talk")" "78 > hi" "a record stays as it was when nothing can be tried"
is "$("$TGRUN" try --record "$TMP/none/x" --handler true </dev/null 2>/dev/null; echo $?)" 73 "one that cannot be written is 73"
is "$(echo hi | "$TGRUN" try --record /dev/full --handler true >/dev/null 2>&1; echo $?)" 74 "… or was not, 74"
is "$("$TGRUN" try --record "$TMP/x" --updates "$TMP/first" --handler true 2>&1 >/dev/null; echo $?)" "tgrun: --updates takes no --record or --replay: they go by what is typed
64" "a file of updates is no conversation"

# A handler that cannot be started.
talk --handler "$TMP/gone.sh" </dev/null >/dev/null
is "$(status)" 78 "a handler that is not there is status 78"
handler brief.sh <<'EOT'
#!/bin/sh
rm "$0"
EOT
got=$(printf 'one\ntwo\n' | talk --handler "$TMP/brief.sh")
is "$(status)" 78 "one that is gone later is, too, after three tries"
is "$(echo "$got" | grep -c '^the handler cannot be started: No such file or directory; is the handler')" 3 "each is shown"
is "$(echo "$got" | tail -n 1)" "1 handled, 0 failed, 1 unfinished" "and what is left is counted"

got=$(echo hi | talk --timeout 100ms --handler 'sleep 1000')
like "$got" '^handler: timed out after 100ms: now a dead letter$' "a timeout is shown"

# A signal.
handler wait.sh <<'EOT'
#!/bin/sh
: >"$SEEN.begun"
exec sleep 1000
EOT
mkfifo "$TMP/pipe"
"$TGRUN" try --shutdown-timeout 0 --handler "$TMP/wait.sh" <"$TMP/pipe" >"$TMP/out" 2>&1 &
TGRUN_PID=$!
exec 3>"$TMP/pipe"
echo hi >&3
wait_for '[ -e "$SEEN.begun" ]'
stop_tgrun TERM
exec 3>&-
is "$(tail -n 1 "$TMP/out")" "0 handled, 0 failed, 1 unfinished" "SIGTERM stops it, though nothing more is typed"
is "$STATUS" 1 "with 1 when the handler had to be killed"

# What a conversation cannot be, and what it says of itself.
printf '> /start\nbot: x\n' >"$TMP/kept" && cp "$TMP/kept" "$TMP/kept.before"
got=$("$TGRUN" try --record "$TMP/kept" --handler true </dev/null)
is "$? $(printf '%s\n' "$got" | tail -n 1) $(cmp "$TMP/kept" "$TMP/kept.before" && echo same)" "0 nothing was typed, and nothing is written to '$TMP/kept' same" "where nothing was typed, what was recorded before stays"
got=$(echo hi | "$TGRUN" try --reply text --record "$TMP/wild" -- echo 'usage: /add <number>')
like "$? $(printf '%s\n' "$got" | tail -n 1)" "^0 the bot said <number>, which stands for what may differ in '$TMP/wild'" "a bot that says a word of records is told of"
is "$("$TGRUN" try --record - --handler true 2>&1 >/dev/null </dev/null; echo $?)" "tgrun: --record writes a file, which is to be named
64" "--record takes no -"
printf '> hi\n> :quit\n> again\n' >"$TMP/talk"
is "$("$TGRUN" try --replay "$TMP/talk" --handler true 2>&1; echo $?)" "tgrun: '$TMP/talk' of --replay: line 3: it is typed behind the end of line 2
64" "what would never be done is no conversation"
printf '> \n>\n' >"$TMP/talk"
is "$("$TGRUN" try --replay "$TMP/talk" --handler true 2>&1; echo $?)" "tgrun: '$TMP/talk' of --replay: nothing is typed in it: no line is '> ' and a text
64" "nor is one of empty lines"
got=$(printf 'one\nse\0cret\ntwo\n' | "$TGRUN" try --reply text --handler "$TMP/echo.sh")
is "$? $(printf '%s\n' "$got" | grep -c '^line 2: it holds a NUL$') $(printf '%s\n' "$got" | grep '^bot' | tr '\n' '|')" "64 1 bot: echo one|bot: echo two|" "a line with a NUL is named, and the others are done"
is "$("$TGRUN" try --updates "$TMP" --handler true 2>&1; echo $?)" "tgrun: cannot open '$TMP' of --updates: it is a directory
64" "a directory is no file of updates"
handler remind.sh <<'EOT'
#!/bin/sh
echo '{"reminder":{"chat":{"id":1001},"text":"tea"}}' | tgrun push --after 1h >/dev/null
EOT
got=$(echo hi | "$TGRUN" try --handler "$TMP/remind.sh")
is "$? $(printf '%s\n' "$got" | tail -n 1)" "0 1 handled, 0 failed, 1 still to come (:wait)" "what is still to come is told at the end"

# A terminal: what is half typed survives what the bot says meanwhile.
handler slow.sh <<'EOT'
#!/bin/sh
until [ -e "$SEEN.go" ]; do sleep 0.05; done
exec "$ECHO"
EOT
ECHO=$TMP/echo.sh
export ECHO
terminal() { # SHELL COMMAND: on a terminal of its own; keys by >&3, the screen's bytes in $TMP/screen. (lib.sh has another script.)
	: >"$TMP/screen"
	env TERM=xterm script -qefc "$1" /dev/null <"$TMP/pipe" >"$TMP/screen" 2>&1 &
	TGRUN_PID=$!
	exec 3>"$TMP/pipe"
}
if env script --version >/dev/null 2>&1; then
	terminal "'$TGRUN' try --handler '$TMP/slow.sh'; echo status \$?; stty -a"
	wait_for 'grep -q "You: " "$TMP/screen"'
	like "$(cat "$TMP/screen")" 'Ctrl-D ends' "on a terminal, two lines tell how to begin and how to end"
	printf 'one\r' >&3
	wait_for 'grep -q "one" "$TMP/screen"'
	printf 'half typed' >&3
	wait_for 'grep -q "half typed" "$TMP/screen"'
	: >"$SEEN.go"
	wait_for 'grep -q "echo one" "$TMP/screen"'
	wait_for 'sed "1,/echo one/d" "$TMP/screen" | grep -q "You: .*half typed"'
	like "$(sed '1,/echo one/d' "$TMP/screen")" 'You: .*half typed' "what is half typed is there again below what the bot said"
	like "$(cat "$TMP/screen")" '\[1;32mbot:' "in colours"
	printf ' more\r' >&3
	wait_for 'grep -q "echo half typed more" "$TMP/screen"'
	like "$(cat "$TMP/screen")" 'echo half typed more' "and can be finished"
	printf '\004' >&3
	wait_for 'grep -q "status [0-9]" "$TMP/screen"'
	like "$(cat "$TMP/screen")" '2 handled, 0 failed' "Ctrl-D ends"
	exec 3>&-
	wait_tgrun
	like "$(cat "$TMP/screen")" 'status 0' "with 0"
	like "$(sed -n '/status 0/,$p' "$TMP/screen")" '[; ]icanon' "and the terminal is as it was"

	# In the terminal what is recorded is had one by one.
	rm -f "$SEEN.go"
	terminal "'$TGRUN' try --record '$TMP/talk' --handler '$TMP/slow.sh'"
	wait_for 'grep -q "You: " "$TMP/screen"'
	printf 'one\rtwo\r' >&3
	wait_for 'grep -q "a line waits for the one before" "$TMP/screen"'
	: >"$SEEN.go"
	wait_for 'grep -q "echo two" "$TMP/screen"'
	printf '\004' >&3
	exec 3>&-
	wait_tgrun
	is "$(sed '/^#/d' "$TMP/talk" | tr '\n' '|')" "|> one|bot: echo one||> two|bot: echo two|" "what is typed in a terminal is kept, each line with its answer"

	# What is typed is UTF-8 in any locale; what the bot does just now is said in the last line, until it speaks.
	rm -f "$SEEN.go"
	handler types.sh <<-'EOT'
		#!/bin/sh
		tgrun call sendChatAction action=typing
		until [ -e "$SEEN.go" ]; do sleep 0.05; done
		printf '%s' "<$TG_TEXT>"
	EOT
	terminal "LC_ALL=C '$TGRUN' try --reply text --handler '$TMP/types.sh'"
	wait_for 'grep -q "You: " "$TMP/screen"'
	printf 'a\303\274\177b\r' >&3
	wait_for 'grep -q "bot is typing" "$TMP/screen"'
	: >"$SEEN.go"
	wait_for 'grep -q "<.*>" "$TMP/screen"'
	like "$(cat "$TMP/screen")" '<ab>' "what is taken back is a character, in the C locale, too"
	like "$(sed '1,/bot is typing/d' "$TMP/screen" | tr -d '\033\r')" '\[A\[2K.*bot:.*<ab>' "that the bot types goes away when it speaks"
	printf '\004' >&3
	exec 3>&-
	wait_tgrun

	terminal "echo \$\$ >'$TMP/shell'; NO_COLOR=1 '$TGRUN' try --handler '$TMP/echo.sh'; echo status \$?; stty -a"
	wait_for 'grep -q "You: " "$TMP/screen"'
	printf 'half' >&3
	wait_for 'grep -q half "$TMP/screen"'
	ok '! grep -q "\[[0-9;]*m" "$TMP/screen"' "NO_COLOR is obeyed"
	kill -TERM "$(pgrep -P "$(cat "$TMP/shell")" tgrun)"
	wait_for 'grep -q "status [0-9]" "$TMP/screen"'
	exec 3>&-
	wait_tgrun
	like "$(sed -n '/status 0/,$p' "$TMP/screen")" '[; ]icanon' "a signal gives the terminal back, too"
else
	ok true "a terminal # SKIP no script(1)"
fi

done_testing
