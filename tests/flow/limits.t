# Goal: --limit-memory, --limit-cpu, --limit-files, --limit-processes and --nice bind all that is started, also hooks and workers; a handler
# that takes too much fails alone, with the reason told, and a limit that could not be set is an error at the start.
# shellcheck shell=sh disable=SC2016,SC2034,SC3045 # every sh here has these of ulimit
. tests/flow/lib.sh

DEADLINE=${DEADLINE:-60}
handler show <<'EOT'
#!/bin/sh
echo "memory=$(ulimit -v) cpu=$(ulimit -St)/$(ulimit -Ht) files=$(ulimit -n) nice=$(nice)" >"$FLOW_MARK/limits.${TG_UPDATE_ID:-worker}${TG_REASON:+.hook}"
[ "$TG_TEXT" != fail ] || exit 1
EOT
mine=$(nice)
fresh() { anew --first-id 1; }

fresh
message 1 hello
message 2 fail
run_tgrun --handler "$TMP/show" --on-error "$TMP/show" --once --limit-memory 512M --limit-cpu 1500ms --limit-files 32 --nice 3
[ $((mine + 3)) -le 19 ] || mine=16
want="memory=524288 cpu=2/3 files=32 nice=$((mine + 3))"
is "$STATUS $(cat "$TMP/limits.1")" "0 $want" "a handler's limits"
ok 'wait_for "[ -s $TMP/limits.2.hook ]"' "a hook runs"
is "$(cat "$TMP/limits.2.hook")" "$want" "… with the same limits"

handler worker <<'EOT'
#!/bin/sh
ulimit -n >"$FLOW_MARK/worker.files"
while read -r line; do printf '{"id":%s,"ok":true}\n' "$(printf %s "$line" | jq .id)" >&3; done
EOT
fresh
message 1 hello
run_tgrun --handler "$TMP/worker" --workers 1 --once --limit-files 40
is "$STATUS $(cat "$TMP/worker.files")" "0 40" "a worker's"

fresh
message 1 hello
run_tgrun --handler "$TMP/show" --once
is "$(cat "$TMP/limits.1")" "memory=$(ulimit -v) cpu=$(ulimit -St)/$(ulimit -Ht) files=$(ulimit -n) nice=$(nice)" "without them all is as tgrun was started"

# Descriptors for tgrun itself: it takes what the hard limit allows, handlers do not notice; too few for its slots are said at the start.
PLAIN=$TGRUN
handler narrow <<EOT
#!/bin/sh
ulimit -S -n 60 && ulimit -H -n "\$HARD" && exec "$PLAIN" "\$@"
EOT
TGRUN=$TMP/narrow
export HARD=400
fresh
message 1 hello
run_tgrun --handler "$TMP/show" --concurrency 30 --once
is "$STATUS $(grep -o 'files=[0-9]*' "$TMP/limits.1")" "0 files=60" "more slots than the soft limit has descriptors for: it is raised, but not for handlers"
HARD=60
run_tgrun --handler "$TMP/show" --concurrency 30 --once
is "$STATUS" 78 "more than the hard limit has: 78"
like "$(cat "$TGRUN_LOG")" '30 processes .* need 184 open files, and only 60 are allowed; raise the limit' "… with the numbers"
run_tgrun --handler "$TMP/show" --concurrency 4096 --bypass /stop --once
is "$STATUS" 78 "4096 handlers, and as many that bypass, are a matter of the machine, too"
like "$(cat "$TGRUN_LOG")" '8192 processes \(--concurrency, which --bypass doubles, .* need 32832 open files, and only 60 are allowed; raise the limit' "… and it says why they are twice as many"
TGRUN=$PLAIN
unset HARD

# Too much of each; the neighbour does not notice.
handler greedy <<'EOT'
#!/bin/sh
case $TG_TEXT in
cpu) exec awk 'BEGIN { for (;;) n++ }' ;;
memory) exec awk 'BEGIN { s = "x"; for (;;) s = s s }' ;;
files)
	eval "$(awk 'BEGIN { for (fd = 3; fd < 40; fd++) printf "exec %d</dev/null || exit 65\n", fd }')"
	;;
*) echo "done $TG_TEXT" >>"$FLOW_MARK/seen" ;;
esac
EOT
sed -i '1s|.*|#!'"$(command -v bash)"'|' "$TMP/greedy"
fresh
: >"$TMP/seen"
for text in memory files cpu fine; do message 1 $text; done
run_tgrun --handler "$TMP/greedy" --once --limit-memory 200M --limit-cpu 1s --limit-files 30
is "$STATUS $(cat "$TMP/seen")" "0 done fine" "three that take too much are over, the fourth is handled"
like "$(grep 'update=1 .*attempt' "$TGRUN_LOG")" '(exited with status [1-9]|killed by signal).*: now a dead letter' "too much memory"
like "$(grep 'update=2 .*attempt' "$TGRUN_LOG")" 'exited with status [1-9].*: now a dead letter' "too many files"
like "$(grep 'update=3 .*attempt' "$TGRUN_LOG")" 'SIGXCPU.: its processor time was used up: now a dead letter' "too much processor time"

# A control group that is too small: the kernel kills the greediest, and the reason says why. Only where a test may make such a group.
group=
for base in /sys/fs/cgroup/memory /sys/fs/cgroup; do
	mkdir "$base/tgrun-test.$$" 2>/dev/null || continue
	group=$base/tgrun-test.$$
	trap 'rmdir "$group" 2>/dev/null; cleanup' EXIT
	for file in memory.limit_in_bytes memory.max; do
		[ ! -e "$group/$file" ] || echo 256M >"$group/$file" && break 2
	done
	rmdir "$group"
	group=
done
if [ -n "$group" ]; then
	fresh
	: >"$TMP/seen"
	for text in memory fine; do message 1 $text; done
	message 2 memory
	(
		echo 0 >"$group/cgroup.procs"
		run_tgrun --handler "$TMP/greedy" --once --concurrency 1
		echo "$STATUS" >"$TMP/status"
	)
	is "$(cat "$TMP/status" "$TMP/seen")" "0
done fine" "handlers that were killed for want of memory are over, the other is handled"
	is "$(grep -c 'killed by signal 9 (SIGKILL): out of memory: now a dead letter' "$TGRUN_LOG")" 2 "… and the reason is told"
	wait_for 'rmdir "$group" 2>/dev/null'
else
	diag "no control group of memory can be made here; tests/unit/oom.c reads one of its own"
fi
fresh
message 1 killed
handler killed <<'EOT'
#!/bin/sh
kill -9 $$
EOT
run_tgrun --handler "$TMP/killed" --once
like "$(cat "$TGRUN_LOG")" 'killed by signal 9 .SIGKILL.: now a dead letter' "a SIGKILL by somebody else is not taken for that"

# What cannot be set.
fresh
(
	ulimit -Sn 256
	ulimit -Hn 300
	run_tgrun --handler "$TMP/show" --once --concurrency 1 --limit-files 301
	echo "$STATUS $(cat "$TGRUN_LOG")" >"$TMP/refused"
)
like "$(cat "$TMP/refused")" "^78 .*option '--limit-files': 301 is more than tgrun itself may use, 300 .ulimit -Hn." "more than tgrun may use"
run_tgrun --handler "$TMP/show" --once --nice 41
like "$STATUS $(tail -n 1 "$TGRUN_LOG")" "^64 .*'41' is no whole number from -40 to 40" "no such niceness"

# As a user who is not root.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	handler bomb <<-'EOT'
		#!/bin/sh
		bomb() { (bomb) & (bomb) & }
		[ "$TG_TEXT" = bomb ] || exec echo "done $TG_TEXT" >>"$FLOW_MARK/seen"
		bomb 2>"$FLOW_MARK/bomb.err"
		wait
		grep -qi 'fork' "$FLOW_MARK/bomb.err" && exit 65
	EOT
	as_nobody() {
		chown -R 65534:65534 "$TMP"
		chmod 755 "$TMP"
		setpriv --reuid 65534 --regid 65534 --clear-groups "$TGRUN" run --token "$TOKEN" --api-url "$URL" --state-dir "$TMP/state" \
			--once "$@" >"$TGRUN_LOG" 2>&1
		STATUS=$?
	}
	fresh
	: >"$TMP/seen"
	message 1 bomb
	message 2 fine
	message 1 after
	others=$(ps -o pid= -L -U 65534 2>/dev/null | wc -l)
	as_nobody --handler "$TMP/bomb" --concurrency 2 --limit-processes $((others + 40)) --timeout 10s --kill-after 0
	is "$STATUS $(sort "$TMP/seen" | tr '\n' ' ')" "0 done after done fine " "a fork bomb is bounded, and swept away"
	ok 'grep -qi fork "$TMP/bomb.err"' "… by its own limit"
	as_nobody --handler "$TMP/bomb" --nice -1
	like "$STATUS $(cat "$TGRUN_LOG")" "^78 .*option '--nice': handlers cannot have a niceness below tgrun's own" "a lower niceness needs privileges"
else
	ok true "a fork bomb is bounded, and swept away # SKIP not root, so there is no other user to be"
fi
fresh
run_tgrun --handler "$TMP/show" --once --limit-processes 9999
ok '[ "$(id -u)" != 0 ] || logged "does not bind handlers that run as root"' "root is told that processes are not limited for it"

done_testing
