# Goal: a stack of 64 KB (ulimit -s 64), which some machines give, is enough for every mode, and for what resolves a host's name.
# shellcheck shell=sh disable=SC2016,SC2034,SC3045 # every sh here has these of ulimit
. tests/flow/lib.sh

# A program with sanitizers needs more than that for itself.
case $BUILD in *asan*) skip_all "sanitizers make every frame larger" ;; esac
command -v python3 >/dev/null || skip_all "no python3"
PLAIN=$TGRUN
handler small <<EOT
#!/bin/sh
ulimit -S -s 64 && exec "$PLAIN" "\$@"
EOT
TGRUN=$TMP/small
handler loud <<'EOT'
#!/bin/sh
head -c 300000 /dev/zero | tr '\0' 'x' | fold -w 1000
[ "$TG_TEXT" != bad ] || exit 65
wc -l >>"$FLOW_MARK/batches"
echo "end $TG_UPDATE_ID" >>"$FLOW_MARK/seen"
EOT
: >"$TMP/seen"
is "$(ulimit -S -s 32; "$PLAIN" --version 2>&1; echo $?)" "tgrun: the limit of the stack is 32 KB, and tgrun needs 64; raise it by ulimit -s
78" "with less it does not start, and says so"
start_sandbox --no-penalties --first-id 1
URL=http://localhost:$PORT
generate 30 30 pad=20000
message 7 bad
start_tgrun --handler "$TMP/loud" --concurrency 4
wait_for '[ "$(seen ^end)" = 30 ] && logged "now a dead letter"'
is "$(seen ^end) $(grep -c 'now a dead letter' "$TGRUN_LOG")" "30 1" "a process for each update, loud ones, from a host that has a name"
is "$("$TGRUN" dead list --state-dir "$TMP/state" | wc -l) $("$TGRUN" status --state-dir "$TMP/state" --json | jq .done)" "1 30" "… and it is asked"
stop_tgrun
is "$STATUS" 0 "… and stops"

forget
: >"$TMP/batches"
generate 1500 1500
run_tgrun --handler "$TMP/loud" --mode batch --batch-size 1000 --batch-wait 1s --once
is "$STATUS $(awk '{ n += $1 } END { print n }' "$TMP/batches")" "0 1500" "batches as large as they get"

forget
handler worker <<EOT
#!/bin/sh
ulimit -S -s 8192 && exec python3 "$PWD/tests/flow/worker.py"
EOT
generate 200 20 pad=20000
run_tgrun --handler "$TMP/worker" --workers 2 --once
is "$STATUS $(grep -c ' handled ' "$TGRUN_LOG")" "0 200" "workers"
run_tgrun --handler "$TMP/loud" --once --store memory
is "$STATUS" 0 "--store memory"
TGRUN_TOKEN=$TOKEN "$TGRUN" check --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/loud" >"$TMP/out" 2>&1
is "$?" 0 "tgrun check" || diag "$(cat "$TMP/out")"
TGRUN=$PLAIN
done_testing
