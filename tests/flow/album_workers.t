# Goal: a worker that says "batch":true gets an album, or what a chat sent in a burst, as one line, and answers for all of it; one that does not
# gets updates one by one, in order.
# shellcheck shell=sh disable=SC2016,SC2034,SC2089,SC2090,SC2317 # functions are called by name; HELLO is JSON
. tests/flow/lib.sh

DEADLINE=${DEADLINE:-60}
# Notes each line that it reads, and does what the first text in it says.
handler worker <<'EOT'
#!/usr/bin/env python3
import json, os, subprocess, sys, time
home = os.environ["FLOW_MARK"]
answers = os.fdopen(3, "w", buffering=1)
hello = os.environ.get("HELLO", '{"ready":true,"batch":true,"concurrency":4}')
if hello:
    print(hello, file=answers)
for line in sys.stdin:
    job = json.loads(line)
    updates = job["updates"] if "updates" in job else [job["update"]]
    messages = [u.get("message") or u["callback_query"] for u in updates]
    texts = " ".join(m.get("text") or m["data"] for m in messages)
    with open(home + "/seen", "a") as seen:
        seen.write(f"{job['chat_id']} {job.get('command', '-')} {job['attempt']} {int(job['redelivered'])}: {texts}\n")
    while os.path.exists(home + "/hold"):
        time.sleep(0.02)
    answer = {"id": job["id"], "ok": True, "reply": f"{len(updates)}: {texts}"}
    if "die" in texts:
        os._exit(9)
    if "hang" in texts:
        continue
    if "bad" in texts:
        answer = {"id": job["id"], "ok": False, "error": "it is bad"}
    if "later" in texts and job["attempt"] == 1:
        answer = {"id": job["id"], "ok": False, "retry": True}
    if "stop" in texts:
        subprocess.run([os.environ["PROGRAM"], "cancel"], env=dict(os.environ, TG_NUMBER=job["id"].split(".")[0], TG_CHAT_ID=str(job["chat_id"])))
    print(json.dumps(answer), file=answers)
EOT
PROGRAM=$TGRUN && export PROGRAM
figure() { # NAME: of tgrun status
	"$TGRUN" status --json --state-dir "$TMP/state" 2>/dev/null | jq ".$1"
}
bursts() { # WAIT [OPTION…]
	wait=$1
	shift
	start_tgrun --handler "$TMP/worker" --workers 1 --batch-by chat --batch-wait "$wait" "$@"
}
fresh() {
	anew --no-penalties --first-id 1
	rm -f "$TMP/hold"
	: >"$TMP/seen"
}
# Several texts of a chat, which wait before tgrun asks: one burst.
says() { # CHAT TEXT…
	chat=$1
	shift
	for text; do
		message "$chat" "$text"
	done
}
sent() { # CHAT
	deliveries "select(.method == \"sendMessage\" and .chat == $1) | .text" | paste -sd ';' -
}

fresh
says 1 /start hello there
says 2 later on
says 3 fine bad
push '{"callback_query":{"id":"q1","data":"press","from":{"id":1,"is_bot":false,"first_name":"u"},"message":{"message_id":1,"date":1,"text":"t","chat":{"id":1,"type":"private"}}}}'
bursts 300ms --retry-delay 20ms --rate chat=0
wait_for '[ "$(figure done)" = 7 ] && [ "$(figure outbox)" = 0 ]'
is "$(grep '^1' "$TMP/seen")" "1 /start 1 0: /start hello there press" "a burst is one line, with what is known of its first"
is "$(sent 1)" "4: /start hello there press" "… and is answered once"
is "$(calls 'select(.method == "answerCallbackQuery") | .params.callback_query_id')" q1 "… and the button in it stops waiting"
is "$(grep '^2' "$TMP/seen" | paste -sd ';' -)" "2 - 1 0: later on;2 - 2 1: later on" "a retry is one of all of it"
is "$(sort "$TMP/seen" | grep '^3' | paste -sd ';' -)" "3 - 1 0: fine bad;3 - 1 1: bad;3 - 1 1: fine" "a refusal takes it apart"
is "$(dead list --json | jq -r '"\(.update.message.text): \(.reason), \(.attempts)"')" "bad: it is bad, 1" "… and only the guilty one is a dead letter"

# Deaths and deadlines, as of a worker that holds several; and kills.
: >"$TMP/seen"
stop_tgrun
is "$STATUS" 0 "a stop is clean"
says 4 good die
says 5 hang up
bursts 60s --batch-size 2 --timeout 2s --kill-after 1s
wait_for '[ "$(dead list --json | wc -l)" = 3 ]'
is "$(dead list --json | jq -r '"\(.update.message.text): \(.reason)"' | tail -n 2 | sort | paste -sd ';' -)" "die: exited with status 9;hang: timed out after 2s" \
	"a batch that kills its worker, or is not answered, is taken apart until the guilty update is found"
wait_for '[ "$(figure waiting)" = 0 ]'
is "$(sent 4) $(sent 5)" "1: good 1: up" "… and the others are handled"
touch "$TMP/hold"
: >"$TMP/seen"
message 6 one
message 6 two
wait_for '[ -s "$TMP/seen" ]'
stop_tgrun KILL
rm "$TMP/hold"
bursts 60s --batch-size 2
wait_for '[ "$(sent 6)" ]'
is "$(tail -n 1 "$TMP/seen") $(sent 6)" "6 - 1 1: one two 2: one two" "killed while it holds a batch, it is one all the same"

# Cancelled by number, and by its own chat.
: >"$TMP/seen"
touch "$TMP/hold"
message 7 first
message 7 second
wait_for '[ -s "$TMP/seen" ]'
"$TGRUN" cancel "$("$TGRUN" queue list --json --state-dir "$TMP/state" | jq -r 'select(.state == "running") | .number' | tail -n 1)" --state-dir "$TMP/state"
rm "$TMP/hold"
wait_for '[ "$(sent 7)" ]'
is "$(tail -n 1 "$TMP/seen") $(sent 7)" "7 - 1 1: first 1: first" "the others of a batch of which one is cancelled come again"
message 8 stop
message 8 more
wait_for '[ "$(sent 8)" ]'
is "$(sent 8)" "2: stop more" "a cancel in it never means its own batch"
stop_tgrun

# Who does not ask for it, with a word or without.
for HELLO in '{"ready":true,"concurrency":4}' ''; do
	export HELLO
	fresh
	says 1 a b c
	message 2 d
	bursts 300ms
	wait_for '[ "$(figure done)" = 4 ]'
	is "$(grep ^1 "$TMP/seen" | sed 's/.*: //' | paste -sd ' ' -)" "a b c" "a worker that says '$HELLO' gets them one by one, in order"
	like "$(cat "$TGRUN_LOG")" 'did not say "batch":true' "… which is said"
	stop_tgrun
done
unset HELLO
fresh
message 1 alone
start_tgrun --handler "$TMP/worker" --workers 1
wait_for '[ "$(figure done)" = 1 ]'
is "$(sent 1)" "1: alone" "without --batch-by its lines have lists all the same"
stop_tgrun
done_testing
