# Goal: whoever of this user speaks to the control socket, idly, by half lines, or without end: what he holds and what it costs is bounded, status
# is answered all the while, updates are handled, and a runner that dies in the middle of a list spoils it not.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
command -v python3 >/dev/null || skip_all "no python3 to be the clients"

cat >"$TMP/crowd.py" <<'EOT'
# crowd.py SOCKET DIR: a thousand idle clients, a thousand with half a line, then one line of a gigabyte; DIR/step says how far it has come.
import os, resource, socket, sys

def step(text):
    with open(os.path.join(sys.argv[2], "step.new"), "w") as f:
        f.write(text + "\n")
    os.rename(os.path.join(sys.argv[2], "step.new"), os.path.join(sys.argv[2], "step"))

def client(first):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1]) # waits for its turn; with a timeout it would not
    s.settimeout(60)
    try:
        s.send(first)
    except OSError:
        pass # had to make room already
    return s

most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
crowd = [client(b"") for _ in range(1000)]
step("idle")
sys.stdin.readline()
crowd += [client(b'{"verb":"sta') for _ in range(1000)]
step("half")
sys.stdin.readline()
long = client(b'{"verb":"')
sent, piece, answer = 0, b"x" * (1 << 20), b""
try:
    while sent < 1 << 30:
        sent += long.send(piece)
except OSError:
    pass
try:
    answer = long.recv(1000)
except OSError:
    pass
step("%d %s" % (sent, answer.decode().strip()))
sys.stdin.readline()
EOT
note_handler
start_sandbox --no-penalties
start_tgrun --handler "$TMP/note" --poll-timeout 20 --concurrency 2
wait_for 'logged " polling" && [ -S "$TMP/state/control" ]'
held() { # how many descriptors, and KB at most so far
	find "/proc/$TGRUN_PID/fd" -mindepth 1 | wc -l
}
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$TGRUN_PID/status"; }
asan() { nm "$TGRUN" 2>/dev/null | grep -q __asan_; }
before=$(held)
memory=$(peak)
# A path of a socket's address may be short.
ln -s "$TMP/state" "$TMP/s"
mkfifo "$TMP/go"
start sh -c 'cd "$1" && exec python3 crowd.py s/control "$1" <go' - "$TMP"
exec 9>"$TMP/go"
works() { # WHAT
	TGRUN_TOKEN=$TOKEN "$TGRUN" status --json --state-dir "$TMP/state" >"$TMP/out" 2>&1 </dev/null
	is "$? $(jq -r .state "$TMP/out")" "0 running" "$1: status is answered"
	message 7 "$2"
	wait_for '[ "$(seen "^end.* '"$2"'$")" = 1 ]'
	is "$(seen "^end.* $2\$")" 1 "$1: … and updates are handled"
	ok '[ "$(held)" -le $((before + 34)) ]' "$1: … with a few descriptors more ($before, $(held))"
}
wait_for '[ "$(cat "$TMP/step" 2>/dev/null)" = idle ]' 60
works "a thousand idle clients" one
echo >&9
wait_for '[ "$(cat "$TMP/step")" = half ]' 60
works "a thousand half lines" two
echo >&9
wait_for 'grep -q "^[0-9]" "$TMP/step"' 60
like "$(cat "$TMP/step")" '"error":"the request is too long"' "a line of a gigabyte is refused"
ok '[ "$(sed "s/ .*//" "$TMP/step")" -lt 2000000 ]' "… early ($(sed 's/ .*//' "$TMP/step") bytes were taken)"
works "then" three
ok 'asan || [ "$(peak)" -lt $((memory + 8192)) ]' "all of it cost less than 8 MB ($memory, then $(peak) KB)"
exec 9>&-
wait "$PID"
wait_for '[ "$(held)" -le $before ]'
ok '[ "$(held)" -le $before ]' "when they have left, nothing of them is held ($before, $(held))"
is "$(grep -c ' \(warn\|error\) ' "$TGRUN_LOG")" 0 "and the log is as quiet as before"
stop_tgrun
is "$STATUS" 0 "the run ends well"

# A runner that is killed while somebody reads a long answer of it.
anew --no-penalties
forget
handler fails <<'EOT'
#!/bin/sh
exit 65
EOT
generate 40 40 pad=100000
start_tgrun --handler "$TMP/fails" --breaker 0 --log-level error
wait_for '[ "$(dead list --json 2>/dev/null | wc -l)" = 40 ]'
mkfifo "$TMP/answer"
TGRUN_TOKEN=$TOKEN "$TGRUN" dead list --json --state-dir "$TMP/state" >"$TMP/answer" 2>"$TMP/err" </dev/null &
reader=$!
exec 9<"$TMP/answer"
# A pipe and a socket hold less than 4 MB: most of the answer is still the runner's.
head -c 100000 <&9 >"$TMP/part"
kill -KILL "$TGRUN_PID"
wait "$TGRUN_PID" 2>/dev/null
TGRUN_PID=
cat <&9 >>"$TMP/part"
exec 9<&-
wait "$reader"
is "$? $(cat "$TMP/err")" "0 " "dead list of a runner that is killed meanwhile goes on with what it left"
is "$(jq -s 'map(.number) | unique | length' "$TMP/part") $(wc -l <"$TMP/part")" "40 40" "… and has every letter once"
done_testing
