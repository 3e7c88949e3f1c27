# Goal: what share/tgrun has makes handlers of bots that were written for a framework, a webhook or a poll of their own, one process for each update
# and as workers. What such a bot is refused makes its update a dead letter, also where the framework, or its error handler, would pass over
# it; what is refused for now is tried again. The frameworks are stand-ins of a few lines here; tests/foreign has the true ones.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

GLUE=$PWD/share/tgrun
export GLUE PYTHONDONTWRITEBYTECODE=yes
for file in "$GLUE"/tgrun[._]* "$GLUE/once.sh"; do
	ok '[ "$(wc -l <"$file")" -le 25 ]' "${file##*/} has at most 25 lines"
done

# The bots. Each answers a message in its chat, by a call of the Bot API that is all its own.

cat >"$TMP/bot.mjs" <<'EOT'
import { EventEmitter } from 'node:events';
const { run } = await import(process.env.GLUE + '/tgrun.mjs');
async function request(method, params) {
	const response = await fetch(`${process.env.TG_API_URL}/${method}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(params) });
	const { ok, error_code, description } = await response.json();
	if (!ok) throw new Error(`${error_code}: ${description}`);
}
const answer = (message) => ['sendMessage', { chat_id: message.chat.id, text: 'node' }];
class Telegram {
	async callApi(...args) { return request(...args); }
}
const bots = {
	grammy() { // throws from handleUpdate; catch() is for its own runner
		let call = request;
		return {
			isInited() { return !!this.botInfo; },
			api: { config: { use(by) { const own = call; call = (...args) => by(own, ...args); } } },
			async handleUpdate({ message }) {
				if (this.botInfo.username !== 'sandbox_bot') throw new Error('not initialized');
				await call(...answer(message));
			},
		};
	},
	careless() { // … and a bot that does not wait
		const bot = bots.grammy(), handle = bot.handleUpdate;
		bot.handleUpdate = async function (update) { handle.call(this, update); };
		return bot;
	},
	telegraf() { // what its catch() takes is done
		return {
			telegram: new Telegram(), handleError() { console.log('caught'); },
			async handleUpdate({ message }) { try { await this.telegram.callApi(...answer(message)); } catch (e) { return this.handleError(e); } },
		};
	},
	ntba() { // version 2 takes all errors
		return {
			api: { transport: { request } }, errorHandler(e) { console.log('logged', e.message); },
			async handleUpdate({ message }) { try { await this.api.transport.request(...answer(message)); } catch (e) { await this.errorHandler(e); } },
		};
	},
	emitter() { // … and version 1 waits for nothing
		const bot = new EventEmitter();
		bot._request = request;
		bot.processUpdate = ({ message }) => { bot.emit('message', message); };
		bot.on('message', async (message) => { await bot._request(...answer(message)); });
		return bot;
	},
	plain() { return async ({ message }) => message.chat.id % 10 ? request(...answer(message)) : 'node'; },
};
run(bots[process.argv[2]]());
EOT

cat >"$TMP/bot.py" <<'EOT'
import asyncio, http.client, json, os, sys, types
sys.path.append(os.environ["GLUE"])
import tgrun

class RetryAfter(Exception): pass
class BadRequest(Exception): pass
def answer(update):
    server, _, path = os.environ["TG_API_URL"][len("http://"):].partition("/")
    connection = http.client.HTTPConnection(server)
    body = json.dumps({"chat_id": update["message"]["chat"]["id"], "text": "python"})
    connection.request("POST", f"/{path}/sendMessage", body, {"Content-Type": "application/json"})
    told = json.load(connection.getresponse())
    if not told["ok"]:
        raise (RetryAfter if told["error_code"] == 429 else BadRequest)(told["error_code"], told["description"])

sys.modules["telegram"] = types.ModuleType("telegram")
class Update:
    @staticmethod
    def de_json(data, bot):
        assert bot == "the bot" and type(data["update_id"]) is int
        return data
sys.modules["telegram"].Update = Update
class Context:
    def __init__(self, error): self.error = error
class Dispatcher:  # as of version 13: work that was put off is done by threads which only its own runner starts
    def __init__(self):
        self.bot, self.error_handlers = "the bot", {}
    def add_error_handler(self, handler): self.error_handlers[handler] = False
    def _run_async(self, function, *args, **more): pass
    def process_update(self, update):
        try:
            self._run_async(answer, update, update=update)
        except Exception as error:
            try:
                for handler in self.error_handlers: handler(update, Context(error))
            except Exception:
                print("one error is enough")
class Application:  # as of version 20
    def __init__(self):
        self.bot, self.error_handlers, self.state = "the bot", {}, "new"
    def add_error_handler(self, handler): self.error_handlers[handler] = True
    async def start(self): self.state += " started"
    async def stop(self): self.state += " stopped"
    async def __aenter__(self):
        self.state = "initialized"
        return self
    async def __aexit__(self, *args): print("the bot is", self.state, "shut down")
    async def later(self, update):
        try:
            await asyncio.sleep(0)
            answer(update)
        except Exception as error:
            try:
                for handler in self.error_handlers: await handler(update, Context(error))
            except Exception:
                print("one error is enough")
    async def process_update(self, update): asyncio.create_task(self.later(update))
async def asynchronous(update, context): raise ValueError("the error handler fails, too")
def synchronous(update, context): raise ValueError("the error handler fails, too")

def function(update): return answer(update) if update["message"]["chat"]["id"] % 10 else "python"
bot = {"function": lambda: function, "dispatcher": Dispatcher, "application": Application}[sys.argv[1]]()
if sys.argv[1] != "function":
    bot.add_error_handler(asynchronous if sys.argv[1] == "application" else synchronous)
tgrun.run(bot)
EOT

cat >"$TMP/bot.pl" <<'EOT'
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
require "$ENV{GLUE}/tgrun.pl";
tgrun::run(sub {
	my ($update) = @_;
	return 'perl' unless $update->{message}{chat}{id} % 10;
	my $said = HTTP::Tiny->new->post_form("$ENV{TG_API_URL}/sendMessage", {chat_id => $update->{message}{chat}{id}, text => 'perl'});
	my $answer = decode_json($said->{content});
	die "ERROR: code $answer->{error_code}: $answer->{description}\n" unless $answer->{ok};
	return;
});
EOT

cat >"$TMP/hook.php" <<'EOT'
<?php // as such scripts are: nothing is looked at
function chat($update) { global $seen; return $update['message']['chat']['id'] . $seen; }
$seen = '';
$update = json_decode(file_get_contents('php://input'), true);
$api = getenv('TG_API_URL');
file_get_contents("$api/sendMessage?text=php&chat_id=" . chat($update));
echo "ok";
EOT
cat >"$TMP/call.php" <<'EOT'
<?php // answers by what it prints
$update = json_decode(file_get_contents('php://input'));
$chat = $update->message->chat->id;
if ($chat % 10 == 1) throw new Exception('refused by itself');
if ($chat % 10 == 2 && touch(getenv('FLOW_MARK') . '/again.' . $n = count(glob(getenv('FLOW_MARK') . '/again.*'))) && $n === 0) http_response_code(503);
header('Content-Type: application/json');
echo json_encode(['method' => 'sendMessage', 'chat_id' => $chat, 'text' => 'php']);
EOT

handler poll.sh <<'EOT'
#!/bin/sh
api=https://api.telegram.org/bot1:poll-sh offset=0
curl -s -o /dev/null "$api" || exit 3 # is it there? asked of this machine, too
while :; do
	updates=$(curl -s "$api/getUpdates?offset=$offset&timeout=30")
	printf '%s\n' "$updates" | jq -r '.result[] | "\(.update_id) \(.message.chat.id) \(.message.text)"' | while read -r id chat text; do
		curl -s -o /dev/null "$api/sendMessage" -d chat_id="$chat" --data-urlencode text="$text and http://x/bot1:y/getUpdates"
	done
	offset=$(printf '%s\n' "$updates" | jq '.result[-1].update_id + 1')
done
EOT

handler bot.sh <<'EOT'
#!/bin/sh
set -e
. "$GLUE/tgrun.sh"
answer() {
	[ "$TG_COMMAND $TG_UPDATE_KIND" = '/button message' ]
	case $TG_CHAT_ID in
	*0) echo "it's \"sh\"" ;;
	*) button 'sh' Tea=tea Coffee=coffee ;;
	esac
	true
}
serve answer
EOT

# A wizard of three questions, in two chats at once.

handler wizard.sh <<'EOT'
#!/bin/sh
. "$GLUE/tgrun.sh"
case $wizard in
'')
	wizard size
	echo "What size?"
	;;
size)
	wizard "name of $TG_TEXT"
	echo "Your name?"
	;;
*)
	echo "$TG_TEXT is the $wizard"
	wizard ''
	;;
esac
EOT
mkdir "$TMP/data"
says() { # CHAT TEXT
	TG_DATA_DIR=$TMP/data TG_CHAT_ID=$1 TG_TEXT=$2 "$TMP/wizard.sh"
}
is "$(says 5 hi; says -6 hi; says 5 '* $(id)'; says 5 Ann; says -6 small; says 5 again)" 'What size?
What size?
Your name?
Ann is the name of * $(id)
Your name?
What size?' "a wizard asks each chat one thing after the other"
TG_CHAT_ID=5 "$TMP/wizard.sh" >"$TMP/out" 2>"$TMP/err"
is "$? $(cat "$TMP/out")" "78 " "without TG_DATA_DIR it can keep nothing, and fails for good"
like "$(cat "$TMP/err")" 'there is no TG_DATA_DIR' "… and says so"

# What a function returns or throws is the same as a process and as a worker: its status and what it prints there, what the letter says, the answer here.

cat >"$TMP/fate.mjs" <<'EOT'
const { run } = await import(process.env.GLUE + '/tgrun.mjs');
const bears = (what) => { throw Object.assign(new Error('chat 500 was lost'), what); };
const fates = {
	undefined() { throw undefined; }, rejects: () => Promise.reject(), never: () => new Promise(() => {}), unref: () => new Promise((done) => setTimeout(done, 1e6).unref()),
	refused: () => fetch(`http://127.0.0.1:${process.env.FREE}/`), socket() { throw new Error('sending', { cause: new Error('socket hang up') }); },
	typo: () => fetch('nonsense'), says429() { throw new Error('HTTP 429'); }, says500() { throw new Error('HTTP 500'); }, status: () => bears({ status: 502 }),
	code: () => bears({ error_code: 400 }), response: () => bears({ response: { status: 429 } }), text: () => 'sent', nothing() {}, list: () => [{ method: 'sendMessage' }],
	number: () => 5, half: () => 'half\ud83d',
};
run(fates[process.argv[2]]);
EOT
cat >"$TMP/fate.py" <<'EOT'
import io, os, sys, urllib.error, urllib.request
sys.path.append(os.environ["GLUE"])
import tgrun
url = f"http://127.0.0.1:{os.environ['FREE']}/"
def http(status): raise urllib.error.HTTPError(url, status, "said so", {}, io.BytesIO())
def led():
    try: urllib.request.urlopen(url)
    except OSError as error: raise RuntimeError("sending") from error
fates = {
    "refused": lambda: urllib.request.urlopen(url), "led": led, "typo": lambda: urllib.request.urlopen("nonsense:x"), "http429": lambda: http(429),
    "http500": lambda: http(500), "http400": lambda: http(400), "text": lambda: "sent", "nothing": lambda: None, "list": lambda: [{"method": "sendMessage"}],
    "number": lambda: 5, "object": object, "half": lambda: "half\ud83d",
}
tgrun.run(lambda update: fates[sys.argv[1]]())
EOT
cat >"$TMP/fate.pl" <<'EOT'
require "$ENV{GLUE}/tgrun.pl";
my %fates = (busy => sub { die "ERROR: code 520: said so\n" }, text => sub { 'sent' }, nothing => sub { return }, list => sub { [{method => 'sendMessage'}] }, number => sub { 5 });
tgrun::run($fates{$ARGV[0]});
EOT
fate() { # FILE FATE STATUS STDOUT STDERR-ERE [ANSWER]
	case $1 in *.mjs) by=node ;; *.py) by=python3 ;; *) by=perl ;; esac
	command -v "$by" >/dev/null || { ok true "$1: $2 # SKIP no $by here" && return; }
	echo '{}' | "$by" "$TMP/$1" "$2" >"$TMP/out" 2>"$TMP/err"
	is "$? $(cat "$TMP/out")" "$3 $4" "$1 as a process: $2"
	[ -z "$5" ] || like "$(cat "$TMP/err")" "$5" "… and it says why"
	case $3 in 0) want="true \"$4\"" ;; 75) want='false true' ;; *) want='false false' ;; esac
	is "$(echo '{"id":"1.1","update":{}}' | TG_WORKER=1 "$by" "$TMP/$1" "$2" 3>&1 >/dev/null 2>&1 |
		jq -rc 'select(.id) | if .ok then "true \(.reply | tojson)" else "false \(.retry)" end')" "${6-$want}" "… and as a worker"
}
FREE=61017 # nobody listens there, and fetch() does not refuse it by itself
export FREE
for bot in dispatcher application; do
	if ! command -v python3 >/dev/null; then continue; fi
	echo '{"message":{"chat":{"id":1}}}' | TG_API_URL=http://127.0.0.1:$FREE/bot1:x python3 "$TMP/bot.py" $bot >/dev/null 2>"$TMP/err"
	is "$? $(grep -c '^ConnectionRefusedError' "$TMP/err")" "75 1" "a python bot ($bot) gets what was pushed, which has no update_id"
done
sent='true [{"method":"sendMessage"}]'
fate fate.mjs undefined 65 '' 'what was thrown is no Error, but undefined'
fate fate.mjs rejects 65 '' 'what was thrown is no Error, but undefined'
fate fate.mjs never 65 '' 'nothing is left to do'
fate fate.mjs unref 65 '' 'nothing is left to do'
fate fate.mjs refused 75 '' 'fetch failed'
fate fate.mjs socket 75 '' 'sending'
fate fate.mjs typo 65 '' 'nonsense'
fate fate.mjs says429 75 '' 'HTTP 429'
fate fate.mjs says500 75 '' 'HTTP 500'
fate fate.mjs status 75 '' 'chat 500 was lost'
fate fate.mjs code 65 '' 'chat 500 was lost'
fate fate.mjs response 75 '' 'chat 500 was lost'
fate fate.mjs text 0 sent ''
fate fate.mjs nothing 0 '' '' 'true null'
fate fate.mjs list 65 '' 'returned no string, but object; .*--workers, or of --reply api' "$sent"
fate fate.mjs number 65 '' 'returned no string, but number'
fate fate.mjs half 0 'half�' ''
fate fate.py refused 75 '' 'Connection refused'
fate fate.py led 75 '' 'sending'
fate fate.py typo 65 '' 'unknown url type'
fate fate.py http429 75 '' 'HTTP Error 429'
fate fate.py http500 75 '' 'HTTP Error 500'
fate fate.py http400 65 '' 'HTTP Error 400'
fate fate.py text 0 sent ''
fate fate.py nothing 0 '' '' 'true null'
fate fate.py list 65 '' 'returned no str, but list; .*--workers, or of --reply api' "$sent"
fate fate.py number 65 '' 'returned no str, but int'
fate fate.py object 65 '' 'returned no str, but object'
fate fate.py half 0 'half?' ''
fate fate.pl busy 75 '' 'code 520'
fate fate.pl text 0 sent ''
fate fate.pl nothing 0 '' '' 'true null'
fate fate.pl list 65 '' 'returned no text, but ARRAY; .*--workers, or of --reply api' "$sent"
fate fate.pl number 0 5 ''

handler three.sh <<'EOT'
#!/bin/sh
exit 3
EOT
is "$(echo '{"id":"1.1","update":{}}' | TG_WORKER=1 "$GLUE/once.sh" "$TMP/three.sh" 3>&1 2>"$TMP/err") $(cat "$TMP/err")" \
	"{\"id\":\"1.1\",\"ok\":false,\"error\":\"status 3\"} once.sh: $TMP/three.sh ended with status 3" "once.sh: a status alone is a reason, with no colon after it"

# A poll bot as they are found: its token is still to be filled in, what waits when it starts is thrown away without an offset, a file is fetched. What its
# calls come to is written down by the curl behind.
mkdir "$TMP/bin"
printf '#!/bin/sh\necho "$@" >>"$FLOW_MARK/asked"\n' | handler bin/curl
handler drain.sh <<'EOT'
#!/bin/sh
api="https://api.telegram.org/botYOUR TOKEN HERE" last=0
curl -s "$api/getUpdates" >/dev/null
while :; do
	updates=$(curl -s "$api/getUpdates" -d timeout=60 -d offset=$((last + 1)))
	last=$(printf '%s' "$updates" | jq '.result[-1].update_id')
	curl -s "$api/sendMessage" -d text="$(printf '%s' "$updates" | jq -r '.result[].message.text')"
	curl -s -o photo "https://api.telegram.org/file/botYOUR TOKEN HERE/photos/bots/1.jpg"
done
EOT
echo '{"update_id":7,"message":{"text":"offset=9 /file/bot1:y/z"}}' | PATH="$TMP/bin:$PATH" TG_API_URL=http://127.0.0.1:9/bot2:z "$GLUE/once.sh" "$TMP/drain.sh" 2>"$TMP/err"
is "$? $(cat "$TMP/err") $(sed 's/^-D [^ ]* //' "$TMP/asked" | tr '\n' ' ')" \
	"0  -s http://127.0.0.1:9/bot2:z/sendMessage -d text=offset=9 /file/bot1:y/z -s -o photo http://127.0.0.1:9/file/bot2:z/photos/bots/1.jpg " \
	"once.sh: a bot that throws away what waits gets its update once more, whatever token it has; files come from where the rest does"

# Three chats of each: one in which all is well, one in which the bot is refused, and one in which it is refused for now.

few='node:emitter node:plain python3:dispatcher python3:application perl:perl php:hook php:call sh:poll sh:button'
all="node:grammy node:careless node:telegraf node:ntba python3:function $few"
command_of() { # KIND
	case $1 in
	function | dispatcher | application) echo "python3 $TMP/bot.py $1" ;;
	perl) echo "perl $TMP/bot.pl" ;;
	hook | call) echo "php $GLUE/tgrun.php $TMP/$1.php" ;;
	poll) echo "$GLUE/once.sh $TMP/poll.sh" ;;
	button) echo "$TMP/bot.sh" ;;
	*) echo "node $TMP/bot.mjs $1" ;;
	esac
}
configure() { # WORKERS: a route for each bot
	printf 'handler = false\n'
	for bot in $bots; do
		printf '[route "/%s"]\nhandler = %s\nworkers = %s\n' "${bot#*:}" "$(command_of "${bot#*:}")" "$1"
		case $1${bot#*:} in 0call) echo 'reply = api' ;; 0plain | 0perl | 0button) echo 'reply = text' ;; esac
	done
}
fill() { # the updates, $there bots of them, and what the server thinks of their answers
	base=100
	there=0
	for bot in $bots; do
		base=$((base + 10))
		command -v "${bot%:*}" >/dev/null || continue
		there=$((there + 1))
		for n in 0 1 2; do message $((base + n)) "/${bot#*:}"; done
		[ "$bot" = php:call ] || script "$(printf '{"method":"sendMessage","chat":%d,"status":%d,"description":"%s: so %d"}\n' $((base + 1)) 400 'Bad Request' 400 $((base + 2)) 429 'Too Many Requests' 429)"
	done
}
ended() { grep -c "$1  update=" "$TGRUN_LOG"; }

for workers in 0 1; do
	[ "$workers" = 0 ] && as="as a process" bots=$few || as="as a worker" bots=$all
	diag "$as"
	anew --no-penalties
	rm -f "$TMP"/again.*
	fill
	configure "$workers" >"$TMP/config"
	chmod 600 "$TMP/config"
	start_tgrun --config "$TMP/config" --concurrency 4 --retry-delay 50ms --rate chat=0,group=0,bulk=0
	wait_for '[ "$(ended handled)" -ge $((2 * there)) ] && [ "$(ended "now a dead letter")" -ge "$there" ]' 60
	wait_for '[ "$(stats .deliveries)" -ge $((2 * there)) ]'
	stop_tgrun
	is "$STATUS" 0 "$as: tgrun ends well"
	deliveries '.chat' | sort -n >"$TMP/delivered"
	dead list --json | jq -r '"\(.update.message.chat.id) \(.reason) \(.stderr)"' >"$TMP/dead"
	base=100
	for bot in $bots; do
		base=$((base + 10))
		what="${bot%:*} ${bot#*:} $as"
		command -v "${bot%:*}" >/dev/null || { ok true "$what # SKIP no ${bot%:*} here" && continue; }
		near="^$((base / 10))[0-9]"
		is "$(grep "$near" "$TMP/delivered" | tr '\n' ' ')- $(sed -n "s/\($near\) .*/\1/p" "$TMP/dead" | tr '\n' ' ')" "$base $((base + 2)) - $((base + 1)) " \
			"$what: answers once where it may, also when it had to wait; what it was refused is a dead letter"
		[ "${bot%:*}" = php ] || [ "$bot$workers" = sh:button1 ] || like "$(grep "$near" "$TMP/dead")" '400' "… and the letter says by what"
	done
done
done_testing
