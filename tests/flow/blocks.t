# Goal: every block of code in the README and in the manual does what the text around it says: each is cut out and run against the sandbox, or, where
# that cannot be, skipped with a reason. A block that has no rule here fails. Examples answer in the topic and answer no edit; what Telegram refuses them
# for good stands in the outbox, or where they wait for it among the dead letters, and says why.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

# The blocks, into $TMP/blocks/FILE.N: of the README what is indented, of a page .Bd and successive .Dl.
W=$TMP/work
mkdir "$TMP/blocks" "$W" "$W/bin" "$W/home"
awk -v out="$TMP/blocks/README.md." '
	/^    / { if (!inside) n++; inside = 1; for (; blank; blank--) print "" > (out n); print substr($0, 5) > (out n); next }
	inside && /^$/ { blank++; next }
	{ inside = blank = 0 }' README.md
for page in tgrun.1 tgrun.conf.5 tgrun-handler.7 tgrun-ops.7; do
	awk -v out="$TMP/blocks/$page." '
		function show(line) { gsub(/\\e/, "\\", line); gsub(/\\\(dq/, "\"", line); gsub(/\\&/, "", line); print line > (out n) }
		/^\.Bd -literal/ { block = 1; single = 0; n++; next }
		/^\.Ed/ { block = 0; next }
		block { show($0); next }
		/^\.Dl / { if (!single) n++; single = 1; show(substr($0, 5)); next }
		{ single = 0 }' "man/$page"
done

# Where they run: a directory with a token and the programs that they name. Each program writes down that it ran.
for name in bot.sh start.sh buttons.sh archive.sh place-order; do
	printf '#!/bin/sh\ncat >/dev/null\necho "${0##*/} $*" >>"$FLOW_MARK/ran"\n' >"$W/$name"
done
cat >"$W/bot.py" <<'EOT'
#!/usr/bin/env python3
import os, sys
with open(os.environ["FLOW_MARK"] + "/ran", "a") as ran:
    print("bot.py", *sys.argv[1:], file=ran)
if "TG_WORKER" in os.environ:
    os.execv(os.environ["WORKER"], [os.environ["WORKER"]])
EOT
printf '#!/bin/sh\njq -c "select(.update_id)" "%s"\n' "$PWD/tests/data/hello.jsonl" >"$W/updates"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$TGRUN" >"$W/bin/tgrun"
chmod 755 "$W"/*.sh "$W/bot.py" "$W/place-order" "$W/updates" "$W/bin/tgrun"
(umask 077 && echo "$TOKEN" >"$W/token")
export WORKER="$PWD/share/examples/worker.sh"

block() { cat "$TMP/blocks/$BLOCK"; }
shell() { # COMMAND: as pasted into a shell there; $STATUS, $SHOWN
	SHOWN=$(cd "$W" && PATH=$W/bin:$PATH HOME=$W/home TGRUN_API_URL=$URL XDG_STATE_HOME=$TMP/state sh -c "$1" 2>&1)
	STATUS=$?
}
runs() { # COMMAND WANT WHAT: with updates of two chats and a stranger, until all is handled; which programs ran, and how it went
	anew --no-penalties --first-id 1
	rm -f "$TMP/ran"
	message 123456789 hello
	message 123456789 /start
	push '{"callback_query":{"id":"1","data":"d","from":{"id":123456789,"is_bot":false,"first_name":"u"},"message":{"message_id":1,"date":1,"chat":{"id":123456789,"type":"private"}}}}'
	message -1001234567890 group 5
	message 666 stranger
	shell "TGRUN_ONCE=yes; export TGRUN_ONCE; $1"
	is "$STATUS $(sort -u "$TMP/ran" 2>/dev/null | tr '\n' ';')$(printf '%s\n' "$SHOWN" | sed -n 's/.*stopped  \(done=[0-9]* failed=[0-9]*\).*/ \1/p')" "0 $2" "$3" || diag "$SHOWN"
}
bot() { # JSON [OPTION…]: the block is a handler, and gets these updates
	block >"$W/handler" && chmod 755 "$W/handler"
	printf '%s\n' "$1" | push -
	shift
	shell "TGRUN_TOKEN=$TOKEN tgrun --once --concurrency 1 $* --handler ./handler"
}
tells() { # COMMAND CHAT ERE WHAT: a command that has the bot, which runs, say this there
	anew --no-penalties
	start env TGRUN_API_URL="$URL" XDG_STATE_HOME="$TMP/state" "$TGRUN" --token-file "$W/token" --handler "$W/bot.sh" 2>"$TMP/tgrun.log"
	TGRUN_LOG=$TMP/tgrun.log
	wait_for 'logged polling'
	shell "$1"
	wait_for '[ -n "$(deliveries .n)" ]'
	kill "$PID" && wait "$PID"
	like "$STATUS $(deliveries "select(.chat == $2) | .text" | tr '\n' ' ')" "^0 $3" "$4"
}
# Bots of frameworks, of which there is as much here as such a block names.
mkdir -p "$W/node_modules/grammy" "$W/telegram"
echo '{"name":"grammy","type":"module","main":"./index.js"}' >"$W/node_modules/grammy/package.json"
cat >"$W/node_modules/grammy/index.js" <<'EOT'
export class Bot {
	constructor(token, { client }) { this.url = `${client.apiRoot}/bot${token}/sendMessage`; }
	on(what, handler) { this.handler = handler; }
	isInited() { return !!this.botInfo; }
	async handleUpdate({ message }) {
		const send = (text) => fetch(this.url, { method: 'POST', body: new URLSearchParams({ chat_id: message.chat.id, text }) });
		await this.handler({ message, reply: async (text) => { if (!(await send(text)).ok) throw new Error('so 400'); } });
	}
}
EOT
cat >"$W/telegram/__init__.py" <<'EOT'
import types, urllib.request, urllib.parse
class Update:
    @staticmethod
    def de_json(update, send):
        async def reply_text(text): send(update["message"]["chat"]["id"], text)
        return types.SimpleNamespace(message=types.SimpleNamespace(text=update["message"]["text"], reply_text=reply_text))
EOT
cat >"$W/telegram/ext.py" <<'EOT'
import types, urllib.request, urllib.parse
filters = types.SimpleNamespace(TEXT=None)
class MessageHandler:
    def __init__(self, which, callback): self.callback = callback
class Application:
    @staticmethod
    def builder(): return Application()
    def token(self, token): self.key = token; return self
    def base_url(self, url): self.url = url; return self
    def build(self): self.error_handlers = {}; return self
    def bot(self, chat, text):
        urllib.request.urlopen(self.url + self.key + "/sendMessage", urllib.parse.urlencode({"chat_id": chat, "text": text}).encode())
    def add_handler(self, handler): self.handler = handler
    def add_error_handler(self, handler): self.error_handlers[handler] = True
    async def start(self): pass
    async def stop(self): pass
    async def __aenter__(self): return self
    async def __aexit__(self, *args): pass
    async def process_update(self, update):
        try:
            await self.handler.callback(update, None)
        except Exception as error:
            for handler in self.error_handlers: await handler(update, types.SimpleNamespace(error=error))
EOT
export PYTHONDONTWRITEBYTECODE=yes
framework() { # INTERPRETER SUFFIX [OPTION…]: the block is a bot, as a process and as a worker
	if command -v "$1" >/dev/null; then
		block | sed "s|/usr/local/share|$PWD/share|" >"$W/framework.$2"
		answered "tgrun --token-file token ${3-} ${4-} --handler '$1 framework.$2'" "a bot of a framework"
	else
		not_run "no $1 here"
	fi
}
foreign() { # INTERPRETER: the block is a command that runs one
	if command -v "$1" >/dev/null; then
		answered "$(block | sed "s|/usr/local/share|$PWD/share|")" "a bot that was no handler"
	else
		not_run "no $1 here"
	fi
}
answered() { # COMMAND WHAT: as it stands there, and with workers: what is said is answered, and what it was refused is a dead letter
	for workers in 0 1; do
		anew --no-penalties --first-id 1
		script '{"method":"sendMessage","chat":41,"times":2,"status":400,"description":"Bad Request: so 400"}'
		message 42 hello
		message 41 refused
		shell "export TGRUN_ONCE=yes TGRUN_WORKERS=$workers TGRUN_CONCURRENCY=2; $1"
		case $1 in *php* | *perl*) where=outbox ;; *) where=dead ;; esac
		shown=$SHOWN
		like "$STATUS $(deliveries '.text' | tr '\n' ' ') $(shell "tgrun $where list --json --token-file token"; printf '%s' "$SHOWN" | grep -c .)" \
			'^0 (You said: )?hello  1$' "$2, with $workers workers, answers; of what it was refused there is a letter" || diag "$shown"
	done
}
own() { # NAME: a directory with the token, for a bot.sh or bot.py that is not the others'
	mkdir "$W/$1" && cp -p "$W/token" "$W/$1/token"
}
press() { # CHAT DATA: a button, as the query q
	push "$(jq -nc --argjson chat "$1" --arg data "$2" '{callback_query: {id: "q", data: $data, chat_instance: "1", from: {id: $chat, is_bot: false, first_name: "u"},
		message: {message_id: 5, date: 1, chat: {id: $chat, type: "private"}}}}')"
}
# Updates in the topic 7, an edit, and in a thread that is no topic.
said() { # TEXT
	printf '{"%s":{"message_id":1,"date":1,"chat":{"id":-1009,"type":"supergroup"},"from":{"id":5,"is_bot":false,"first_name":"u"},"text":"'"$1"'",%s}}\n' \
		message '"message_thread_id":7,"is_topic_message":true' edited_message '"edit_date":2' message '"message_thread_id":9'
}
speaks() { # MODE TEXT ERE WHAT: a bot that answers so with --reply MODE
	anew --no-penalties --first-id 1
	bot "$(said "$2")" --reply "$1"
	like "$STATUS $(calls 'select(.method == "sendMessage") | .params | "\(.message_thread_id // "-") \(.text);"' | tr -d '\n')" "^0 7 $3;- $3;\$" \
		"$4 answers in the topic, and no edit"
	anew --no-penalties --first-id 1
	script '{"method":"sendMessage","chat":41,"status":400,"description":"Bad Request: so 400"}
{"method":"sendMessage","chat":42,"status":403,"description":"Forbidden: so 403"}
{"method":"sendMessage","chat":43,"action":"flood","retry_after":1}
{"method":"sendMessage","chat":44,"status":502,"description":"Bad Gateway"}'
	bot "$(for chat in 41 42 43 44; do said "$2" | sed "1!d; s/-1009/$chat/"; done)" --reply "$1"
	is "$STATUS $(deliveries .chat | sort | tr '\n' ' ')" "0 43 44 " "$4: busy, or failing, the server gets the answer later, and once"
	shell "tgrun outbox list --json --state failed --token-file token; tgrun dead list --json --token-file token"
	is "$(printf '%s' "$SHOWN" | jq -r '"\(.chat) \(.reason)"' | sort)" "41 400 Bad Request: so 400
42 403 Forbidden: so 403" "$4: what is refused is kept with its reason, and no update failed"
}
reports() { # WHAT: a bot that calls the Bot API itself, for a file
	anew --no-penalties --first-id 1
	script '{"method":"sendDocument","action":"flood","retry_after":1}'
	bot "$(said /report | sed 2q)" --chdir "$W"
	is "$STATUS $(deliveries '"\(.method) \(.text // .files[0].file_name)"' | tr '\n' ';')$(calls 'select(.method == "sendDocument" and .error_code == null) | .params.message_thread_id // "-"' | tail -n 1)" \
		"0 sendMessage Wait...;sendDocument report.pdf;editMessageText Here it is.;7" "$1: told to wait it waits, answers in the topic, and no edit"
	for code in 400 403 502; do
		anew --no-penalties --first-id 1
		script '{"method":"sendDocument","status":'$code',"description":"so '$code'"}'
		bot "$(said /report | head -n 1)" --retry-delay 300s --chdir "$W"
		shell "tgrun dead list --json --token-file token; tgrun queue list --json --token-file token"
		got=$(printf '%s' "$SHOWN" | jq -r '"\(.state // .reason) \(.stderr // "" | test("so '$code'"))"')
		case $code in
		400) like "$got" '^exited with status 65: .*so 400.* true$' "$1: refused with 400 is refused for good, and it is told why" ;;
		403) like "$got" '^exited with status 77: .*so 403.* true$' "$1: so it is with 403" ;;
		*) is "$got" "delayed false" "$1: with $code it is tried again" ;;
		esac
	done
}
# The machine of tgrun-ops(7), below $M: its service manager, of the one bot, and what else only root has.
M=$TMP/machine
mkdir -p "$M/bin" "$M/var/backups" "$M/var/lib/tgrun" "$M/work"
cat >"$M/bin/systemctl" <<'EOT'
#!/bin/sh
M=$FLOW_MARK/machine
state=$M/var/lib/tgrun/mybot
echo "systemctl $*" >>"$M/did"
case $1 in
stop | disable) ! tgrun status --state-dir "$state" >/dev/null 2>&1 || tgrun stop --wait --state-dir "$state" ;;
start | enable)
	(cd "$M/srv/tgrun/mybot" && exec tgrun --config "$M/etc/tgrun/mybot.conf" --token-file "$M/etc/tgrun/mybot.token" --state-dir "$state") >>"$M/log" 2>&1 &
	for n in $(seq 200); do tgrun status --state-dir "$state" >/dev/null 2>&1 && exit; sleep 0.05; done
	exit 1
	;;
esac
EOT
for name in apt-get chown; do
	printf '#!/bin/sh\necho "%s $*" >>"$FLOW_MARK/machine/did"\n' "$name" >"$M/bin/$name"
done
chmod 755 "$M/bin"/*
ln -s "$(command -v tar)" "$M/bin/tar" # not the one of a recipe
operate() { # [COMMAND]: the block as root types it there, after another command; $STATUS, $SHOWN, $SAID: what the bot has answered so far
	block | sed "s|/var/lib/tgrun|$M&|g; s|/var/backups|$M&|g; s|/etc/tgrun|$M&|g; s|/srv/tgrun|$M&|g; s|tar -C / |tar -C $M |" >"$M/block"
	shell "cd '$M/work' && PATH=$M/bin:\$PATH && ${1-:} && . '$M/block'"
	SAID=$(deliveries .text | tr '\n' ' ')
}
waits() { # TEXT: a message that waits while the bot is paused
	"$TGRUN" pause --state-dir "$M/var/lib/tgrun/mybot"
	message 123456789 "$1"
	wait_for '[ "$("$TGRUN" status --json --state-dir "$M/var/lib/tgrun/mybot" | jq .waiting)" = 1 ]'
}
answers() { # N: so many answers have come
	wait_for "[ \"\$(deliveries .n | wc -l)\" -ge $1 ]"
	SAID=$(deliveries .text | tr '\n' ' ')
}
not_run() { ok true "$BLOCK: $LINE # SKIP $1"; }

rule() {
	case $BLOCK:$LINE in
	"README.md.1:scripts/deps --build && make && build/tgrun try "*)
		like "$(sh -c "$(block | sed "s|.*&& build/tgrun|$TGRUN|")" 2>&1)" '^[1-9][0-9]* handled, 0 failed$' "a few updates are handled" ;;
	"README.md.2:scripts/deps && make check") not_run "it is what runs this" ;;
	"README.md.3:build/tgrun try --reply text "*)
		like "$(printf '/start\n:press 1\n' | sh -c "$(block | sed "s|^build/tgrun|$TGRUN|")" 2>&1)" 'Tea is on its way' "a bot to talk to" ;;
	"README.md.4:#!/bin/sh") speaks text /start 'Send me /date\.' "README's bot" ;;
	"README.md.5:You: /start") # between the first line of try and its last
		command=$(sed -n 's/.*`build\/\(tgrun try [^`]*\)` then talks to it:$/\1/p' README.md)
		mkdir "$W/talk" && cp "$TMP/blocks/README.md.4" "$W/talk/bot.sh" && chmod 755 "$W/talk/bot.sh"
		shell "cd talk && printf '/start\n/date\n' | LC_ALL=C $command"
		dated() { sed 's/^\(bot: \)[A-Z][a-z][a-z] [A-Z][a-z][a-z] [ 1-3][0-9] [0-9:]* [A-Z+0-9]* 20[0-9][0-9]$/\1the date/'; }
		is "$STATUS $(printf '%s\n' "$SHOWN" | sed '1d; $d' | dated)" "0 $(block | dated)" "this is what is said" ;;
	"README.md.6:sudo make install "*) # itself in flow/scripts
		shell "$(block | sed -n 's/ *#.*//; /^tgrun check/p')"
		is "$STATUS" 0 "tgrun check finds nothing wrong" || diag "$SHOWN"
		runs "$(block | sed -n '/^tgrun --token/p')" "bot.sh ; done=3 failed=0" "who is named may use the bot, and nobody else" ;;
	"README.md.7:#!/bin/sh")
		is "$(block | grep -vxF -f share/examples/menu.sh)" "" "buttons: these lines are of menu.sh"
		anew --no-penalties
		press 42 Tea
		bot "$(said /start | head -n 1)" --reply text
		is "$STATUS $(calls 'select(.params.reply_markup) | .params.reply_markup | if type == "string" then fromjson else . end |
			[.inline_keyboard[][].text] | join(" ")')" "0 Tea Coffee" "… which show two"
		is "$(deliveries 'select(.chat == 42) | .text') $(calls 'select(.method == "answerCallbackQuery") | .params.callback_query_id')" \
			"Tea is on its way. q" "… of which one is pressed" ;;
	"README.md.8:tgrun "*" --key topic "*)
		own topics
		cat >"$W/topics/bot.sh" <<-'EOT'
			#!/bin/sh
			: >"$FLOW_MARK/topic.$TG_THREAD_ID"
			for n in $(seq 200); do
				[ ! -e "$FLOW_MARK/topic.7" ] || [ ! -e "$FLOW_MARK/topic.8" ] || break
				sleep 0.05
			done
			[ "$n" = 200 ] || echo "in $TG_THREAD_ID"
		EOT
		chmod 755 "$W/topics/bot.sh"
		anew --no-penalties
		said /x | sed -n '1p; 1s/id":7/id":8/p' | push -
		shell "cd topics && TGRUN_ONCE=yes $(block)"
		is "$STATUS $(calls 'select(.method == "sendMessage") | .params | "\(.message_thread_id) \(.text)"' | sort | tr '\n' ';')" "0 7 in 7;8 in 8;" \
			"topics do not wait for each other, and are answered" ;;
	"README.md.9:#!/bin/sh") # its tar ends when it is told to
		block >"$W/job.sh" && chmod 755 "$W/job.sh"
		cat >"$W/bin/tar" <<-'EOT'
			#!/bin/sh
			: >"$FLOW_MARK/tar"
			for n in $(seq 400); do [ -e "$FLOW_MARK/tar.end" ] && exit; sleep 0.05; done
			exit 1
		EOT
		chmod 755 "$W/bin/tar"
		: >"$TMP/tar.end"
		anew --no-penalties
		message 42 /backup
		shell "tgrun --token-file token --once --reply text --handler ./job.sh"
		is "$STATUS $(deliveries .text | tr '\n' ';')" "0 This takes a while.;Done.;" "a long job says that it began and ended" ;;
	"README.md.10:tgrun "*" --handler ./job.sh \\")
		rm -f "$TMP/tar" "$TMP/tar.end"
		anew --no-penalties
		start env TGRUN_API_URL="$URL" XDG_STATE_HOME="$TMP/state" PATH="$W/bin:$PATH" sh -c "cd '$W' && exec $(block)" 2>"$TMP/tgrun.log"
		TGRUN_LOG=$TMP/tgrun.log
		wait_for 'logged polling'
		message 42 /backup
		wait_for '[ -e "$TMP/tar" ]'
		press 42 "$(calls 'select(.params.reply_markup) | .params.reply_markup | if type == "string" then fromjson else . end | .inline_keyboard[][].callback_data')"
		wait_for 'logged "cancelled" && [ -n "$(calls "select(.method == \"answerCallbackQuery\")")" ]'
		kill "$PID" && wait "$PID"
		is "$? $(deliveries 'select(.method != "sendChatAction") | .text // .query' | tr '\n' ';')" "0 This takes a while.;q;" "… and its button stops it" || diag "$(cat "$TMP/tgrun.log")" ;;
	"README.md.11:tgrun send "*)
		anew --no-penalties
		chats '{"chat":44,"state":"blocked"}'
		printf '%s\n' 42 43 44 >"$W/users.txt"
		shell "$(block)"
		is "$STATUS $(deliveries '"\(.chat) \(.text)"' | sort | tr '\n' ';')" "1 42 We are open.;43 We are open.;" "a broadcast reaches who can be reached"
		like "$(printf '%s\n' "$SHOWN" | grep 44)" 'blocked by the user' "… and says who cannot"
		echo 45 >>"$W/users.txt"
		shell "$(block)"
		is "$STATUS $(deliveries .chat | sort | tr '\n' ' ')" "0 42 43 45 " "… and each once, when it is started again" ;;
	"README.md.12:echo '{\"reminder\""*)
		anew --no-penalties
		shell "$(block | sed -n '1,2p')"
		like "$STATUS $SHOWN" '^0 p1
p1 +delayed .* reminder +chat:123456789 +comes at ' "a reminder is kept, and listed"
		shell "$(block | sed -n '1s/10m/0/p'); TGRUN_ONCE=yes $(block | sed -n "3s|share/|$PWD/share/|p")"
		is "$STATUS $(deliveries '"\(.chat) \(.text)"')" "0 123456789 Remember: tea" "… and said when its time has come" ;;
	"README.md.13:tgrun "*" --batch-by "*)
		anew --no-penalties
		for n in 1 2 3; do
			printf '{"message":{"message_id":%d,"date":1,"chat":{"id":42,"type":"private"},"media_group_id":"g","photo":[{"file_id":"p"}]}}\n' $n
		done | push -
		shell "TGRUN_ONCE=yes $(block)"
		is "$STATUS $(deliveries .text)" "0 I got 3." "an album is one" ;;
	"README.md.14:LLM=llm tgrun "*)
		printf '#!/bin/sh\nread -r question\necho "It is $question."\n' >"$W/bin/llm"
		chmod 755 "$W/bin/llm"
		anew --no-penalties
		message 123456789 tea
		message 666 stranger
		shell "export TGRUN_ONCE=yes; $(block | sed "s|share/|$PWD/share/|")"
		is "$STATUS $(deliveries '"\(.chat) \(.text)"')" "0 123456789 It is tea." "an LLM answers its owner"
		like "$(block)" "$(sed -n 's/^#  *tgrun … \(.*\) --handler .*/\1/p' share/examples/llm.sh)\$" "… with the options that llm.sh names" ;;
	"README.md.15:#!/usr/bin/env python3")
		own python
		block | sed "s|/usr/local/share|$PWD/share|" >"$W/python/bot.py" && chmod 755 "$W/python/bot.py"
		command=$(sed -n 's/^It is run by `\(tgrun [^`]*\)`.*/\1/p' README.md)
		for how in "$command" "$(printf '%s' "$command" | sed 's/ --workers 4//')"; do
			anew --no-penalties
			message 42 hello
			push '{"message":{"message_id":1,"date":1,"chat":{"id":42,"type":"private"},"sticker":{}}}'
			shell "cd python && TGRUN_ONCE=yes $how"
			like "$STATUS $(deliveries .text) $(printf '%s' "$SHOWN" | tail -n 1)" '^0 You said: hello .*done=2 failed=0' "a function in Python is a bot: $how"
		done ;;
	"README.md.16:tgrun "*" --handler http"*)
		start python3 tests/flow/webhook.py
		server=$PID
		wait_for '[ -s "$TMP/webhook.port" ]'
		anew --no-penalties
		message 42 '{"type":"application/json","body":"{\"method\":\"sendMessage\",\"chat_id\":42,\"text\":\"posted\"}"}'
		shell "TGRUN_ONCE=yes $(block | sed "s/:8080/:$(cat "$TMP/webhook.port")/")"
		kill "$server"
		is "$STATUS $(deliveries .text)" "0 posted" "a webhook's server is a bot" || diag "$SHOWN" ;;
	"README.md.17:tgrun try "*" --record "*)
		shell "cd talk && printf '/start\n' | $(block | sed -n 1p)"
		like "$STATUS $SHOWN" 'bot: Send me /date\.' "a conversation is kept"
		shell "cd talk && $(block | sed -n 2p)"
		is "$STATUS $SHOWN" "0 " "… and is had again"
		sed -i 's/Send me/Write/' "$W/talk/bot.sh"
		shell "cd talk && $(block | sed -n 2p)"
		like "$STATUS $(printf '%s' "$SHOWN" | tr '\n' ' ')" '^1 .*-bot: Send me /date\. .*\+bot: Write /date\.' "… which shows what was changed" ;;
	"README.md.18:tgrun "*" --route "*)
		runs "$(block | sed -n 1p)" "bot.sh ;buttons.sh ;start.sh ; done=5 failed=0" "routes"
		runs "$(block | sed -n 2p)" "archive.sh ; done=5 failed=0" "batches"
		runs "$(block | sed -n 3p)" "bot.sh ; done=$(jq -s 'map(select(.update_id)) | length' tests/data/hello.jsonl) failed=0" "a program as a source" ;;
	"tgrun.1.1:printf '{\"reminder"*)
		anew --no-penalties
		shell "$(block)"
		is "$STATUS $SHOWN" "0 p1" "a reminder is kept"
		is "$(XDG_STATE_HOME=$TMP/state "$TGRUN" queue show p1 --json --token-file "$W/token" |
			jq -r '"\(.kind) \(.key) \(.update.reminder.text) \((.due | fromdate) - (.received | fromdate))"')" "reminder chat:42 tea 600" "… for ten minutes" ;;
	"tgrun.1.2:curl --unix-socket "*)
		handler asks <<-EOT
			#!/bin/sh
			$(block)
		EOT
		anew --no-penalties
		message 5 hello
		shell "TGRUN_TOKEN=$TOKEN tgrun --once --handler $TMP/asks"
		is "$STATUS $(calls 'select(.method == "sendMessage") | .params.text')" "0 hi" "curl speaks to the socket" || diag "$SHOWN" ;;
	"tgrun.1.3:#!/bin/sh")
		block >"$W/echo.sh"
		speaks text hello 'You said: hello' "tgrun(1)'s bot" ;;
	"tgrun.1.4:chmod +x echo.sh")
		like "$(shell "$(block | sed '$s/^/echo hello | /')"; printf %s "$SHOWN")" 'bot: You said: hello' "talk to it" ;;
	"tgrun.1.5:(umask 077; cat > token)")
		rm "$W/token"
		shell "echo $TOKEN | $(block | sed -n 1p)"
		is "$(stat -c %a "$W/token")" 600 "a token in a file of one's own"
		runs "$(block | sed -n 2p)" " done=5 failed=0" "run it for everybody" ;;
	"tgrun.1.6:"*"./echo.sh "*) runs "$(block)" " done=4 failed=0" "for oneself and a group" ;;
	"tgrun.1.7:"*"python3 bot.py --lang en")
		runs "$(block | sed -n 1p)" "bot.py --lang en; done=5 failed=0" "a program with arguments"
		runs "$(block | sed -n 2p)" "bot.sh ; done=5 failed=0" "a pipeline" ;;
	"tgrun.1.8:"*" sh -c 'cat >> "*)
		runs "$(block)" " done=5 failed=0" "what only a shell can do"
		is "$(wc -l <"$W/home/updates")" 5 "… was done" ;;
	"tgrun.1.9:PATH="*)
		(umask 077 && printf 'token-file = %s\nhandler = %s\n' "$W/token" "$W/bot.sh" >"$W/home/bot.conf")
		anew --no-penalties --first-id 1
		rm -f "$TMP/ran"
		message 5 hello
		job=$(block | sed 's/^\* \* \* \* \* /cd \&\& /; s|^PATH=|export PATH=$PATH:|; s/^[A-Z_]*=/export &/; s/^export export/export/')
		shell "$job" && shell "$job"
		is "$STATUS $SHOWN $(cat "$TMP/ran")" "0  bot.sh " "from cron it runs, and prints nothing to be sent by mail" ;;
	"tgrun.1.10:tgrun dead list "*)
		anew --no-penalties --first-id 1
		for n in 1 2 3 4; do message $n "letter $n"; done
		shell "tgrun --token-file token --once --concurrency 1 --handler false"
		shell "$(block)"
		like "$STATUS $SHOWN" '^0 .*letter|^0 .*exited with status 1' "what failed is shown, and tried again"
		runs "tgrun --token-file token --handler ./bot.sh" "bot.sh ; done=5 failed=0" "… by the handler that was mended" ;;
	"tgrun.1.11:"*"./bot.sh "*) runs "$(block)" "bot.sh ;buttons.sh ;start.sh ; done=5 failed=0" "buttons and a command in programs of their own" ;;
	"tgrun.1.12:"*" --workers 4") runs "$(block)" "bot.py; done=5 failed=0" "four processes that stay" ;;
	"tgrun.1.13:df -h | tgrun send "*) tells "$(block)" 42 '.*/' "tell a chat something" ;;
	"tgrun.1.14:echo '{\"greeting"*)
		anew --no-penalties
		shell "$(block)"
		like "$STATUS $SHOWN" '^0 p1
p1 +delayed .* greeting +chat:42 +comes at 2030-01-01T00:00:00Z$' "a greeting is kept, and listed" ;;
	"tgrun.1.15:tgrun status --watch "*)
		anew --no-penalties
		start env TGRUN_API_URL="$URL" XDG_STATE_HOME="$TMP/state" "$TGRUN" --token-file "$W/token" --handler "$W/bot.sh" 2>"$TMP/tgrun.log"
		runner=$PID
		TGRUN_LOG=$TMP/tgrun.log
		wait_for 'logged polling'
		start env XDG_STATE_HOME="$TMP/state" sh -c "$(block | sed -n "1s|^tgrun|cd '$W' \&\& exec '$TGRUN'|p")" >"$TMP/watched"
		wait_for 'grep -q "^running: bot 123456" "$TMP/watched"'
		ok 'grep -q "^running: bot 123456" "$TMP/watched"' "look at it"
		kill "$PID"
		shell "$(block | sed -n 2p)"
		wait "$runner"
		is "$? $STATUS" "0 0" "let it finish" ;;
	"tgrun.conf.5.1:# the bot")
		block | sed "s|/etc/mybot/token|$W/token|; s|/usr/local/bin/mybot[-a-z]*|$W/bot.sh|; s|/usr/local/lib/mybot/|$W/|; s|buttons.py|bot.py|" >"$W/mybot.conf"
		is "$(grep -c "$W/" "$W/mybot.conf")" 5 "the configuration names a token and four programs"
		chmod 600 "$W/mybot.conf"
		shell "tgrun check --config mybot.conf"
		is "$STATUS" 0 "… and nothing is wrong with it" || diag "$SHOWN"
		runs "tgrun --config mybot.conf" "bot.py;bot.sh ;bot.sh --lang en; done=4 failed=0" "… so that it runs" ;;
	"tgrun-handler.7.1:exited with status 1: Error: "*)
		anew --no-penalties
		message 42 hello
		handler crash <<-'EOT'
			#!/bin/sh
			cd / && exec node -e 'require("grammy")'
		EOT
		shell "tgrun --token-file token --once --handler $TMP/crash; tgrun dead list --json --token-file token"
		is "$(printf '%s' "$SHOWN" | sed -n 's/^{/{/p' | jq -r .reason)" "$(block)" "the reason is the sentence of a crash" ;;
	"tgrun-handler.7.2:#!/bin/sh") speaks text /start 'Send me /date\.' "the first bot of tgrun-handler(7)" ;;
	"tgrun-handler.7.3:{"*)
		handler dump <<-'EOT'
			#!/bin/sh
			read -r line && printf '%s\n' "$line" >"$FLOW_MARK/line"
		EOT
		anew --no-penalties
		message 42 hello
		shell "timeout 5 tgrun --token-file token --workers 1 --once --max-attempts 1 --handler $TMP/dump"
		is "$(block | tr -d '\n' | sed 's/{\.\.\.}/{}/' | jq -c keys_unsorted)" "$(jq -c keys_unsorted "$TMP/line")" "a worker reads a line of these members" || diag "$SHOWN" ;;
	"tgrun-handler.7.4:#!/bin/sh")
		speaks text hello 'You said: hello' "the one in sh"
		anew --no-penalties
		bot '{"message":{"message_id":1,"date":1,"chat":{"id":42,"type":"private"},"text":"/add milk"}}' --reply text
		is "$(cat "$W/notes.42") $(calls 'select(.method == "sendMessage") | .params.text')" "milk Noted." "… takes notes" ;;
	"tgrun-handler.7.5:#!/bin/bash")
		speaks api hello 'Order\?' "the one in bash"
		anew --no-penalties --first-id 1
		rm -f "$TMP/ran"
		bot '{"callback_query":{"id":"77","data":"yes","from":{"id":42,"is_bot":false,"first_name":"u"},"message":{"message_id":1,"date":1,"chat":{"id":42,"type":"private"}}}}' --reply api
		is "$STATUS $(cat "$TMP/ran") $(calls 'select(.method == "answerCallbackQuery") | .params.callback_query_id')" "0 place-order 42 1 77" "… places an order when its button is pressed" ;;
	"tgrun-handler.7.6:#!/usr/bin/env python3") speaks text hello olleh "the one in Python" ;;
	"tgrun-handler.7.7:#!/usr/bin/awk -f") speaks text /roll '[1-6]' "the one in awk" ;;
	"tgrun-handler.7.8:#!/bin/sh")
		printf 'the report\n' >"$W/report.pdf"
		reports "the one that sends a file" ;;
	"tgrun-handler.7.9:#!/bin/sh")
		block >"$W/worker.sh" && chmod 755 "$W/worker.sh"
		runs "tgrun --token-file token --workers 2 --handler ./worker.sh" " done=5 failed=0" "the worker"
		is "$(deliveries 'select(.text == "Seen.") | .chat' | sort -n | tr '\n' ' ')" "-1001234567890 666 123456789 123456789 123456789 " "… answers each" ;;
	"tgrun-handler.7.10:import { Bot } from 'grammy';") framework node js ;;
	"tgrun-handler.7.11:import os, sys") framework python3 py ;;
	"tgrun-handler.7.12:require '/usr/local/share/tgrun/tgrun.pl';") framework perl pl --reply text ;;
	"tgrun-handler.7.13:tgrun "*" --reply api "*)
		cat >"$W/hook.php" <<-'EOT'
			<?php
			$update = json_decode(file_get_contents('php://input'), true);
			echo json_encode(['method' => 'sendMessage', 'chat_id' => $update['message']['chat']['id'], 'text' => 'You said: ' . $update['message']['text']]);
		EOT
		foreign php ;;
	"tgrun-handler.7.14:tgrun "*)
		cat >"$W/pollbot.sh" <<-'EOT'
			#!/bin/sh
			while updates=$(curl -s https://api.telegram.org/bot123:its-own/getUpdates); do
				printf '%s' "$updates" | jq -r '.result[] | "\(.message.chat.id) \(.message.text)"' | while read -r chat text; do
					curl -s https://api.telegram.org/bot123:its-own/sendMessage -d chat_id="$chat" -d text="You said: $text"
				done
			done
		EOT
		chmod 755 "$W/pollbot.sh"
		foreign sh ;;
	"tgrun-handler.7.15:#!/bin/sh")
		block | sed "s|/usr/local/share|$PWD/share|" >"$W/handler" && chmod 755 "$W/handler"
		anew --no-penalties --first-id 1
		for text in hello /order tea 2 hello; do message 42 "$text"; done
		shell "tgrun --token-file token --reply text --once --handler ./handler"
		is "$STATUS $(deliveries 'select(.method == "sendMessage") | .text' | tr '\n' ';')" "0 What would you like?;How many of tea?;2 times tea: thank you.;" \
			"buttons, and a wizard that remembers" || diag "$SHOWN" ;;
	"tgrun-ops.7.1:install -d "*)
		anew --no-penalties
		printf '#!/bin/sh\necho "$TG_TEXT"\n' >"$M/work/bot.sh"
		printf '%s\n' "$TOKEN" >"$M/token"
		operate "exec <'$M/token'"
		message 123456789 new
		message 666 stranger
		answers 1
		is "$STATUS $SAID$(stat -c %a "$M/etc/tgrun/mybot.token")" "0 new 600" "a new bot" || diag "$SHOWN" ;;
	"tgrun-ops.7.2:tgrun list") not_run "it is systemd's; each line was tried under one" ;;
	"tgrun-ops.7.3:tgrun drain "*)
		waits last
		operate "tgrun resume --state-dir '$M/var/lib/tgrun/mybot'"
		is "$STATUS $SAID$("$TGRUN" status --state-dir "$M/var/lib/tgrun/mybot" >/dev/null 2>&1; echo $?)" "0 new last 69" "a bot that goes answers before" ;;
	"tgrun-ops.7.4:systemctl stop "*)
		operate "systemctl start tgrun@mybot"
		ok '[ "$STATUS" = 0 ] && [ -s "$M/var/backups/mybot/queue.db" ]' "an upgrade, with a copy of before" || diag "$SHOWN" ;;
	"tgrun-ops.7.5:tgrun drain "*)
		operate
		message 123456789 older
		answers 3
		is "$STATUS $SAID$(cd "$M/var/backups/mybot-0.2.0" && ls queue.db)" "0 new last older queue.db" "a rollback begins with an empty state, and the other one is kept" || diag "$SHOWN"
		rm -rf "$M/var/backups"/* ;;
	"tgrun-ops.7.6:systemctl stop "*)
		waits copied
		operate
		answers 4
		is "$STATUS $SAID" "0 new last older copied " "a backup; what waited is handled behind it"
		like "$SHOWN" "^ok +state directory: '$M/var/backups/mybot'" "… which is said to be good" ;;
	"tgrun-ops.7.7:systemctl stop "*)
		operate
		answers 5
		is "$STATUS $SAID$(ls "$M/var/backups/mybot.before/queue.db")" "0 new last older copied copied $M/var/backups/mybot.before/queue.db" "it is put back, and what waited in it is handled" || diag "$SHOWN" ;;
	"tgrun-ops.7.8:systemctl disable "*)
		waits moved
		operate
		is "$STATUS" 0 "a bot is packed" || diag "$SHOWN"
		rm -rf "${M:?}/etc" "$M/srv" "$M/var/lib/tgrun"/* ;;
	"tgrun-ops.7.9:tar "*)
		operate
		answers 6
		is "$STATUS $SAID" "0 new last older copied copied moved " "… and goes on elsewhere, with what waited" || diag "$SHOWN" ;;
	"tgrun-ops.7.10:"*" tgrun status --check "*)
		line=$(block | sed "s|^\(\*/5\)\( \*\)* ||; s|/var/lib|$M&|")
		shell "$line"
		is "$STATUS $SHOWN" "0 " "the line of cron says nothing when all is well"
		shell "PATH=$M/bin:\$PATH; systemctl stop tgrun@mybot; $line"
		like "$STATUS $SHOWN" '^69 .*no tgrun runs' "… and a line when the bot does not run" ;;
	"tgrun-ops.7.11:rule_files:")
		if command -v promtool >/dev/null; then
			block | sed "s|/usr/share/doc/tgrun/examples|$PWD/share|" >"$TMP/prometheus.yml"
			like "$(promtool check config "$TMP/prometheus.yml" 2>&1)" 'SUCCESS: .*prometheus.yml is valid' "Prometheus takes that"
		else
			not_run "no promtool here"
		fi
		is "$(sed -n 's/.*- alert: //p' share/tgrun-alerts.yml | sort)" \
			"$(sed -n '/^\.Sh MONITORING/,/^\.Sh SIZING/s/^\.It //p' man/tgrun-ops.7 | tr -d ' ' | tr ',' '\n' | sort)" "… and each alert is told of" ;;
	*) ok false "$BLOCK: '$LINE' has a rule" ;;
	esac
}

start_sandbox
for BLOCK in $(find "$TMP/blocks" -type f | sed 's|.*/||' | sort -V); do
	LINE=$(head -n 1 "$TMP/blocks/$BLOCK")
	diag "$BLOCK: $LINE"
	rule
done
is "$(find "$TMP/blocks" -type f | wc -l)" 60 "so many blocks were looked at"

# What man(1) shows as two lines is pasted as two commands.
plain() { sed 's/[[:space:]][[:space:]]*/ /g; s/^ //'; }
if command -v mandoc >/dev/null && command -v col >/dev/null; then
	for page in tgrun.1 tgrun.conf.5 tgrun-handler.7 tgrun-ops.7; do
		mandoc -T ascii -O width=78 "man/$page" | col -bx | plain | sort -u >"$TMP/rendered"
		is "$(cat "$TMP/blocks/$page".* | plain | sort -u | comm -23 - "$TMP/rendered")" "" "$page: each line of its blocks is one line on the terminal"
	done
else
	ok true "the width of lines # SKIP no mandoc or no col"
fi
done_testing
