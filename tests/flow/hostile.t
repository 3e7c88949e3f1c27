# Goal: whatever members of a chat write, in whatever size and shape: it reaches the handler byte for byte, or is kept as a dead letter where it
# is no JSON; nothing of it is obeyed by a log, a terminal or a shell; memory stays bounded; and other chats are served.
# What a log does with one such text is in log.t, what the environment does with values in delivery.t, who waits for whom in fairness.t.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh
command -v python3 >/dev/null || skip_all "no python3 to write the updates"

cat >"$TMP/write.py" <<'EOT'
# write.py DIR: DIR/ID.sent for each update; odd ids are of chat 7, which is hostile, even ones of chat 8.
import os, sys

controls = "\x9b31m \x9d0;x\x9c \u0085 \u202e\u2066\u2067\u202a \u200e\u200f\u061c \u2028\u2029 \x7f"
escapes = r"\u001b[2J\u001b]0;owned\u0007\u001bc\r\n\b\u0000\u009b2J\u202e"
forged = r"\n2026-01-01T00:00:00.000Z error forged  update=1\nhandled  update=1 key=chat:8"
words = "$(touch pwned); `touch pwned`; touch pwned | touch pwned\\n&& touch pwned %s%n%n ../../pwned"
broken = b"\xff\xfe \xc3( \xed\xa0\x80 \xc0\xaf \xf5\x80\x80\x80 \xe2\x80 \x80"
text = lambda t: t if isinstance(t, bytes) else t.encode()

def update(body, rest=b""):
    person = b'{"id":7,"is_bot":false,"first_name":"' + text(body) + b'","username":"' + text(body) + b'"}'
    return (b'"message":{"message_id":1,"date":0,"chat":{"id":7,"type":"private","first_name":"' + text(body) + b'"},"from":' + person +
            b',"text":"' + text(body) + b'"' + rest + b"}")

bodies = [
    update(escapes), update(controls), update(broken), update(forged), update("/start " + words), update("a" * (512 << 10)),
    update("wide", b',"x":{' + b",".join(b'"k%d":{}' % i for i in range(300000)) + b"}"),
    update("wide list", b',"x":[' + b"0," * 500000 + b"0]"),
    update("same", b"".join(b',"text":"%d","chat":{"id":7,"type":"private"}' % i for i in range(20000))),
    update("keys", b"," + b",".join(b'"' + text(k) + b'":"' + text(k) + b'"' for k in (escapes, controls, broken, "update_id", "chat", "")) ),
    update("deep", b',"x":' + b"[" * 500 + b"]" * 500),
    update(r"a\,b\-c \ud83d"),
    update("number", b',"n":' + b"9" * 100000),
    # A kind of its own name, as from a newer server.
    b'"' + text(controls) + b'":{"chat":{"id":7,"type":"' + text(escapes) + b'"}}',
]
number = 0
for body in bodies:
    for what in (body, b'"message":{"message_id":1,"date":0,"chat":{"id":8,"type":"private"},"text":"quiet"}'):
        number += 1
        with open(os.path.join(sys.argv[1], "%d.sent" % number), "wb") as f:
            f.write(b'{"update_id":%d,' % number + what + b"}")
EOT
# What a terminal would obey, or what is no UTF-8, in files: a line each.
cat >"$TMP/look.py" <<'EOT'
import re, sys
obeyed = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]")
for name in sys.argv[1:]:
    try:
        with open(name, encoding="utf-8", newline="") as f:
            found = obeyed.search(f.read())
    except UnicodeDecodeError as e:
        found = e
    if found:
        print(name, ascii(found))
EOT
harmless() { # WHAT FILE…
	what=$1
	shift
	is "$(python3 "$TMP/look.py" "$@" 2>&1)" "" "$what: nothing that a terminal obeys, and UTF-8"
}
letters() { # each as a terminal shows it: jq does not read all of them
	for number in $(dead list --json | LC_ALL=C sed -n 's/^{"number":\([0-9]*\),.*/\1/p'); do dead show "$number"; done >"$TMP/letters.out" 2>&1
}
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$TGRUN_PID/status"; }
asan() { nm "$REAL_TGRUN" 2>/dev/null | grep -q __asan_; }

handler keep <<'EOT'
#!/bin/sh
cat >"$FLOW_MARK/$TG_UPDATE_ID.got"
while [ -e "$FLOW_MARK/hold" ] && [ "$TG_CHAT_ID" = 7 ]; do sleep 0.05; done
cd "$FLOW_MARK" && printf '%s\n' "$TG_TEXT" "$TG_ARGS"
echo "$TG_UPDATE_ID $TG_CHAT_ID" >>"$FLOW_MARK/ran"
[ "$TG_CHAT_ID" != 7 ] || exit 65
EOT
mkdir "$TMP/sent"
python3 "$TMP/write.py" "$TMP/sent"
count=$(find "$TMP/sent" -name '*.sent' | wc -l)

# All of them, in both formats of the log; the key is what they write themselves.
hostile() { # FORMAT
	forget
	rm -f "$TMP"/*.got
: >"$TMP/ran"
	start_sandbox --no-penalties
	: >"$TMP/hold"
	for id in $(seq "$count"); do
		curl -sSf -m 20 -o /dev/null --data-binary "@$TMP/sent/$id.sent" "$URL/sandbox/push?raw=1"
	done
	start_tgrun --handler "$TMP/keep" --log-level debug --log-format "$1" --key chat,/message/text,/message/from/first_name --poll-timeout 20
	wait_for '[ "$(grep -c " 8$" "$TMP/ran" 2>/dev/null)" = '$((count / 2))' ]' 60
	is "$(grep -c ' 8$' "$TMP/ran") $(grep -c ' 7$' "$TMP/ran")" "$((count / 2)) 0" "$1: while all that waits of one chat is such, another is served"
	[ "$1" = json ] || looked_at
	rm "$TMP/hold"
	# shellcheck disable=SC2119
	wait_for '[ "$(wc -l <"$TMP/ran")" = "$count" ] && [ "$(TGRUN_TOKEN=$TOKEN "$TGRUN" status --json --state-dir "$TMP/state" | jq .dead_letters)" = '$((count / 2))' ]' 60
	if [ "$1" = text ]; then
		dead list >"$TMP/dead.out" 2>&1
		letters
		is "$(grep -c '^update  ' "$TMP/letters.out")" "$((count / 2))" "$1: dead show knows each"
	fi
	PEAK=$(peak)
	stop_tgrun
	stop_sandbox
	for id in $(seq "$count"); do
		{ cat "$TMP/sent/$id.sent"; echo; } | cmp -s - "$TMP/$id.got" || echo "$id"
	done >"$TMP/differ"
	is "$(cat "$TMP/differ")" "" "$1: each of $count reached its handler byte for byte"
	harmless "$1" "$TGRUN_LOG"
}
looked_at() { # as a terminal shows it
	export TGRUN_TOKEN=$TOKEN
	"$TGRUN" status --state-dir "$TMP/state" >"$TMP/status.out" 2>&1
	"$TGRUN" queue list --state-dir "$TMP/state" >"$TMP/queue.out" 2>&1
	for number in $("$TGRUN" queue list --json --state-dir "$TMP/state" | jq .number); do
		"$TGRUN" queue show "$number" --state-dir "$TMP/state"
	done >"$TMP/shown.out" 2>&1
	is "$(grep -c '^update  ' "$TMP/shown.out") $(wc -l <"$TMP/queue.out")" "$((count / 2)) $((count / 2))" "queue list and queue show know each"
	unset TGRUN_TOKEN
}
hostile text
is "$(grep -vc '^20[0-9-]*T[0-9:.]*Z \(error\|warn \|info \|debug\) ' "$TGRUN_LOG")" 0 "text: each line of the log has its time and level"
is "$(grep -c 'now a dead letter' "$TGRUN_LOG") $(grep '^[^ ]* info  handled ' "$TGRUN_LOG" | grep -vc ' stream=')" "$((count / 2)) $((count / 2))" \
	"text: each end is one line; what a handler prints names its stream"
ok '[ "$(awk "length > m { m = length } END { print m }" "$TGRUN_LOG")" -le 16384 ]' "text: no line is endless"
harmless "status" "$TMP/status.out"
harmless "queue list" "$TMP/queue.out"
harmless "queue show" "$TMP/shown.out"
harmless "dead list" "$TMP/dead.out"
harmless "dead show" "$TMP/letters.out"
ok 'asan || [ "$PEAK" -lt 100000 ]' "memory is bounded ($PEAK KB at most)"
is "$(find . "$TMP" -maxdepth 2 -name '*pwned*' 2>/dev/null)" "" "no shell reads what they write"
hostile json
is "$(jq -c . "$TGRUN_LOG" | wc -l) $(jq -r 'select(.message == "handled") | .update' "$TGRUN_LOG" | wc -l)" "$(wc -l <"$TGRUN_LOG") $((count / 2))" \
	"json: each line is an object, each end one of them"

# What is no JSON, or too deep to be any: set aside with its bytes, one after the other, and those between are handled. A minute takes half a second.
forget
rm -f "$TMP"/*.got
: >"$TMP/ran"
machine MACHINE_SPEED=120
start_sandbox --no-penalties
python3 - "$TMP" <<'EOT'
import sys
bombs = {
    1: b'"x":' + b"[" * 100000 + b"]" * 100000, 3: b'"x":' + b'{"x":' * 100000 + b"1" + b"}" * 100000,
    5: b'"message":{"chat":{"id":7},"text":"a\x00b"}', 7: b'"message":{"chat":{"id":7},"text":"a\x1b[2Jb"}', 9: b'"x":[' + b"1," * 1000,
}
for number, body in bombs.items():
    with open("%s/%d.bomb" % (sys.argv[1], number), "wb") as f:
        f.write(b'{"update_id":%d,' % number + body + (b"" if number == 9 else b"}"))
EOT
for id in 1 3 5 7 9; do
	curl -sSf -m 20 -o /dev/null --data-binary "@$TMP/$id.bomb" "$URL/sandbox/push?raw=1"
	message 8 "after $id"
done
start_tgrun --handler "$TMP/keep" --poll-timeout 20 --log-level debug
wait_for '[ "$(grep -c . "$TMP/ran" 2>/dev/null)" -ge 6 ] && [ "$(stats .pending)" = 0 ] && [ "$(dead list --json | wc -l)" = 5 ]' 60
is "$(cut -d " " -f 1 "$TMP/ran" | sort -n | tr "\n" " ")$(dead list --json | jq -r .reason | sort | uniq -c | tr -s "\n " " ")" \
	"2 4 6 7 8 10  1 exited with status 65 4 it is no JSON object " "what nobody can read is a dead letter, and those between are handled"
# They are kept as a text, those that nobody can read with the answer around them.
dead list --json >"$TMP/dead.json"
is "$(python3 - "$TMP" <<'EOT'
import json, sys
for line in open(sys.argv[1] + "/dead.json", encoding="utf-8"):
    letter = json.loads(line)
    sent = open("%s/%d.bomb" % (sys.argv[1], letter["update_id"]), "rb").read().decode()
    # A raw control character in a text is read, but is no JSON.
    print(letter["update_id"], letter["update"] == (sent if letter["update_id"] == 7 else '{"ok":true,"result":[' + sent + "]}"))
EOT
)" "$(for id in 1 3 5 7 9; do echo "$id True"; done)" "… with all their bytes"
ok 'asan || [ "$(peak)" -lt 100000 ]' "memory is bounded ($(peak) KB at most)"
dead list >"$TMP/dead.out"
letters
harmless "the log, dead list and dead show" "$TGRUN_LOG" "$TMP/dead.out" "$TMP/letters.out"
stop_tgrun
stop_sandbox
machine

# A flood of the largest texts from one chat.
forget
rm -f "$TMP"/*.got
: >"$TMP/ran"
: >"$TMP/hold"
start_sandbox --no-penalties
generate 200 1 "first_chat=7&pad=500000"
message 8 other
start_tgrun --handler "$TMP/keep" --concurrency 2 --poll-timeout 20 --log-level error
wait_for '[ "$(grep -c " 8$" "$TMP/ran" 2>/dev/null)" = 1 ]' 60
is "$(cat "$TMP/ran")" "201 8" "behind 200 texts of 500 KB of one chat, another is served at once"
ok 'asan || [ "$(peak)" -lt 60000 ]' "100 MB that wait cost little memory ($(peak) KB at most)"
rm "$TMP/hold"
stop_tgrun
done_testing
