# Goal: what other programs push comes once, in its time and in order, with the bytes that were pushed: over kill -9 at every step, restarts, a clock that is set, a run that is paused or full; and what is no update is refused with what to do.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
DEADLINE=60
TGRUN_LOG=$TMP/tgrun.log

# It writes down what it got: number, kind, chat, keys, whether the server gave it an id; and its text, or its bytes.
handler bot <<'EOT'
#!/bin/sh
line=$(cat)
text=$(printf '%s\n' "$line" | jq -r '.. | .text? // empty' | head -n 1)
while [ -e "$FLOW_MARK/hold.$text" ]; do sleep 0.05; done
echo "$TG_NUMBER $TG_UPDATE_KIND ${TG_CHAT_ID-} ${TG_KEY-} ${TG_UPDATE_ID-none} ${text:-$line}" >>"$FLOW_MARK/seen"
EOT
: >"$TMP/seen"
reminder() { printf '{"reminder":{"chat":{"id":%s},"text":"%s"}}' "$1" "$2"; } # CHAT TEXT
later() { # CHAT TEXT OPTION…: pushes; its number is printed
	chat=$1 text=$2
	shift 2
	reminder "$chat" "$text" | "$REAL_TGRUN" push --state-dir "$TMP/state" "$@"
}
queue() { "$REAL_TGRUN" queue "$@" --state-dir "$TMP/state"; }
waits() { queue list --json | jq -r 'select(.number | tostring | test("^p")) | .number' | paste -sd ' '; }
got() { awk '{ print $6 }' "$TMP/seen" | paste -sd ' '; } # texts, in order
count() { grep -c " $1\$" "$TMP/seen"; }
figure() { "$REAL_TGRUN" status --json --state-dir "$TMP/state" | jq -r "$1"; }
begin() { # OPTION…
	start_tgrun --handler "$TMP/bot" "$@"
	wait_for 'logged polling'
}
killed() { # kill -9 of the runner
	kill -KILL "$TGRUN_PID"
	wait "$TGRUN_PID" 2>/dev/null
	TGRUN_PID=
	: >"$TGRUN_LOG"
}
refused() { # STATUS ERE WHAT [OPTION…]: what stands in $TMP/in
	want=$1 ere=$2 what=$3
	shift 3
	"$REAL_TGRUN" push --state-dir "$TMP/state" "$@" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
	is "$? $(cat "$TMP/out")" "$want " "$what: $want"
	like "$(cat "$TMP/err")" "$ere" "… and said"
}

# What the handler gets.
start_sandbox --no-penalties
begin --route "special=$TMP/bot" --ignore noise
is "$(later 42 tea)" p1 "what is pushed has a number of its own series"
wait_for '[ "$(count tea)" = 1 ]'
is "$(cat "$TMP/seen")" "1 reminder 42 chat:42 none tea" "the handler gets it as an update: kind, chat and key, a number of all, and no id of the server's"
wait_for 'logged "handled  "'
like "$(grep 'handled  ' "$TGRUN_LOG")" "handled  number=1 key=chat:42 " "… and the log names it by that number"
: >"$TMP/seen"
printf ' {\n"update_id": 77,\r\n\t"special" : {"n":1.50, "t":"\\u00e4  \\/"}}\n\n' >"$TMP/odd"
"$TGRUN" push --state-dir "$TMP/state" --key job:a --key chat:7 <"$TMP/odd" >/dev/null
wait_for '[ -s "$TMP/seen" ]'
is "$(cat "$TMP/seen")" '2 special  job:a chat:7 none { "update_id": 77,  	"special" : {"n":1.50, "t":"\u00e4  \/"}}' \
	"… with its bytes as they were, in one line; a key that is named takes the place of the chat"
echo '{"noise":{}}' | "$TGRUN" push --state-dir "$TMP/state" >/dev/null
wait_for '[ "$(figure .ignored)" = 1 ]'
is "$(figure '"\(.received) \(.later)"')" "2 0" "what --ignore names is left out"
: >"$TMP/seen"
touch "$TMP/hold.one"
message 42 one
wait_for '[ "$(stats .pending)" = 0 ] && [ "$(figure .running_count)" = 1 ]'
later 42 two >/dev/null
later 42 three >/dev/null
later 43 other >/dev/null
message 42 four
wait_for '[ "$(count other)" = 1 ] && [ "$(figure .waiting)" = 3 ]'
rm "$TMP/hold.one"
wait_for '[ "$(count four)" = 1 ]'
is "$(got)" "other one two three four" "what is pushed takes its turn in its chat"

# What is to come.
is "$(later 42 a --after 1h) $(later 42 b --at 2035-01-01T00:00:00+01:00)" "p7 p8" "a push may come later"
is "$(figure '"\(.later) \(.waiting)"')" "2 0" "until then it is counted apart"
is "$(queue list --json | jq -r '"\(.number) \(.state) \(.kind) \(.key) \(.due)"' | sed 's/20[0-9-]*T.*Z/TIME/')" \
	"p7 delayed reminder chat:42 TIME
p8 delayed reminder chat:42 TIME" "tgrun queue list shows it"
is "$(queue show p8 --json | jq -r '"\(.due) \(.update.reminder.text)"')" "2034-12-31T23:00:00Z b" "… and show"
is "$(queue skip p7 p7 p1 2>"$TMP/err"; echo $?)" "p7 skipped
1" "it is taken back, once, and only what is to come"
like "$(cat "$TMP/err")" 'no update p1 waits' "… which is said"
is "$(queue clear --all)" "0 skipped" "tgrun queue clear leaves it"
"$TGRUN" drain --wait --state-dir "$TMP/state"
wait_tgrun
is "$STATUS $(waits)" "0 p8" "a drain does not wait for it"
ok 'logged "what was pushed and is not due yet is kept for the next run  later=1"' "… and says so"
is "$(queue skip p8)" "p8 skipped" "it is taken back without a runner, too"

# No runner: it is kept for the next.
: >"$TMP/seen"
is "$(later 5 x) $(later 5 y --after 1h) $(later 5 z)" "p9 p10 p11" "where no tgrun runs it goes into the store"
run_tgrun --handler "$TMP/bot" --once
is "$STATUS $(got)" "0 x z" "the next run handles what is due, and --once ends without the rest"
is "$(waits)" "p10" "… which waits"

# kill -9 between all steps.
: >"$TMP/seen"
queue skip p10 >/dev/null
: >"$TGRUN_LOG"
begin
later 8 now >/dev/null
killed
begin
wait_for '[ "$(count now)" -ge 1 ]'
touch "$TMP/hold.soon"
later 8 soon --after 1s >/dev/null
later 8 behind --after 1s >/dev/null
killed
is "$(waits)" "p13 p14" "what is to come survives a kill"
begin
wait_for '[ "$(figure .running_count)" = 1 ]'
killed
begin
wait_for '[ "$(figure .running_count)" = 1 ]'
is "$(figure '"\(.later) \(.waiting)"')" "0 1" "killed again while it is handled: it is an update by now, and comes again"
rm "$TMP/hold.soon"
wait_for '[ "$(count behind)" = 1 ]'
is "$(grep -v ' now$' "$TMP/seen" | awk '{ print $6 }' | uniq | paste -sd ' ')" "soon behind" "… the next of its chat behind it"
stop_tgrun
is "$(later 8 next)" p15 "… and no number is used again"
"$TGRUN" queue skip p15 --state-dir "$TMP/state" >/dev/null

# A run that is paused, or full.
: >"$TMP/seen"
: >"$TGRUN_LOG"
begin --backlog 2
"$TGRUN" pause --state-dir "$TMP/state"
for n in 1 2 3 4; do later 9 f$n >/dev/null; done
wait_for '[ "$(figure .waiting)" = 2 ]'
is "$(figure '"\(.later) \(.waiting)"')" "2 2" "past the backlog what is due stays where it is"
wait_for '"$TGRUN" queue list --state-dir "$TMP/state" | grep "^p[0-9]" >"$TMP/list" && ! grep -qv " due since 20[^ ]*Z$" "$TMP/list"'
is "$(grep -c '^p' "$TMP/list")" 2 "… and the list does not say that it comes at a time that is over"
killed
begin --backlog 2
"$TGRUN" resume --state-dir "$TMP/state"
wait_for '[ "$(count f4)" = 1 ]'
is "$(got)" "f1 f2 f3 f4" "… and comes when there is room, in order"
stop_tgrun

# What is no update.
: >"$TGRUN_LOG"
begin --min-free 0
printf '' >"$TMP/in"
refused 65 'nothing is pushed: give a JSON object' "nothing"
printf '[{"a":{}}]' >"$TMP/in"
refused 65 "is a list; push each .* jq -c '\.\[\]'" "a list"
printf '{}' >"$TMP/in"
refused 65 'has no kind' "an empty object"
printf '{"a":1}' >"$TMP/in"
refused 65 'has no kind' "an object without one in it"
printf '7' >"$TMP/in"
refused 65 'no object' "a number"
printf '{"a":{}}\n{"b":{}}\n' >"$TMP/in"
refused 65 'more than one value .* line 2, column 1; push each' "two objects"
printf '{"a":\n{"b":}}' >"$TMP/in"
refused 65 'is no JSON at line 2, column 6' "a mistake in it"
printf '{"a":{"text":"one\ntwo"}}' >"$TMP/in"
refused 65 'line end or control character in a text at line 1, column 18; write it' "a line end in a text, as of an echo"
printf '{"a":{"text":"\344"}}' >"$TMP/in"
refused 65 'is not in UTF-8 at line 1, column 15; .*iconv' "Latin-1"
printf '{"a":{"chat":{"id":"5"}}}' >"$TMP/in"
refused 65 "number in quotes.* at 'chat.id'" "the id of a chat in quotes"
printf '{"a":{}' >"$TMP/in"
refused 65 'is cut off' "half an object"
printf '{"a":"\000"}' >"$TMP/in"
refused 65 'at line 1, column 7' "a zero byte"
printf '{"a":{}}' | iconv -t UTF-16 >"$TMP/in"
refused 65 'iconv -f UTF-16' "UTF-16"
{ printf '{"a":{"b":"'; head -c 4200000 /dev/zero | tr '\0' x; printf '"}}'; } >"$TMP/in"
refused 65 'larger than 4194304 bytes' "more than an update may have"
for time in 2035-01-01T00:00:00 tomorrow 2035-02-30T00:00:00Z 1e9; do
	reminder 1 x >"$TMP/in"
	refused 64 "'--at': '$time' is (no time|a time without a zone).*write" "the time $time" --at $time
done
reminder 1 x >"$TMP/in"
refused 64 'ten years.*seconds, not milliseconds' "milliseconds as a time" --at 1766595600000
reminder 1 x >"$TMP/in"
refused 64 "too long" "a time of no life" --after 5000d
reminder 1 x >"$TMP/in"
refused 64 'exclude each other' "two times" --after 1s --at 0
reminder 1 x >"$TMP/in"
refused 64 'as TG_KEY has it' "a word of --key" --key user
reminder 1 x >"$TMP/in"
refused 64 'white space' "a key of two words" --key 'chat:1 2'
is "$(figure '"\(.later) \(.received)"')" "0 0" "nothing of that was kept"
stop_tgrun
: >"$TGRUN_LOG"
begin --min-free 1000000G
reminder 1 x >"$TMP/in"
refused 73 'disk is almost full \(--min-free\)' "a disk with less than --min-free"
stop_tgrun
reminder 1 x >"$TMP/in"
refused 73 'disk is almost full \(--min-free\)' "… without a runner, too" --min-free 1000000G
is "$(waits)" "" "… and nothing is kept"

# A store that forgets.
anew --no-penalties
: >"$TMP/seen"
begin --store memory --backlog 3
for n in 1 2 3; do later 5 m$n --after 1h >/dev/null; done
reminder 5 m4 >"$TMP/in"
refused 73 'no more than --backlog' "with --store memory there is a bound" --after 1h
later 5 m5 >/dev/null 2>&1
queue skip p1 >/dev/null
later 5 now >/dev/null
wait_for '[ "$(count now)" = 1 ]'
stop_tgrun
is "$STATUS" 1 "what is to come is lost with it: status 1"
ok 'logged "are lost: --store memory keeps nothing  waiting=0 outbox=0 later=2"' "… and said"

# Hours, on a clock that runs sixty times as fast.
machine MACHINE_SPEED=60
anew --no-penalties
: >"$TMP/seen"
begin
later 6 third --after 10m >/dev/null
later 6 first --after 5m >/dev/null
later 6 second --after 5m >/dev/null
wait_for '[ "$(count third)" = 1 ]'
is "$(got)" "first second third" "each comes when its time has elapsed"
stop_tgrun
machine

# A clock that is set. What is put under tgrun for that goes before a sanitizer's library.
case $BUILD in
*asan*) ok true "the clock # SKIP a library goes before the sanitizer's; it was run without" ;;
*)
	clock() { echo "$1" >"$TMP/clock"; } # so many seconds off
	shifted() {
		: >"$TGRUN_LOG"
		LD_PRELOAD=$PWD/$BUILD/tools/failing.so FAILING_CLOCK=$TMP/clock start_tgrun --handler "$TMP/bot"
		wait_for 'logged polling'
	}
	anew --no-penalties
	: >"$TMP/seen"
	clock 0
	shifted
	now=$(date +%s)
	later 4 hour --after 1h >/dev/null
	later 4 wall --at $((now + 3600)) >/dev/null
	later 4 far --at $((now + 9000)) >/dev/null
	clock 3700
	wait_for '[ "$(count wall)" = 1 ]'
	is "$(got) $(waits)" "wall p1 p3" "a clock that is set ahead brings what it passes, and no elapsed time"
	clock -3600
	later 4 quick --after 1s >/dev/null
	wait_for '[ "$(count quick)" = 1 ]'
	is "$(got)" "wall quick" "one that is set back keeps back no elapsed time"
	killed
	shifted
	due=$(date -d "$(queue list --json | jq -r 'select(.number == "p1") | .due')" +%s)
	ok '[ "$due" -gt $((now - 60)) ] && [ "$due" -lt $((now + 120)) ]' "… over a kill and a restart neither ($((due - now)) s from then)"
	killed
	clock 5400
	shifted
	wait_for '[ "$(count hour)" = 1 ]'
	is "$(got) $(waits)" "wall quick hour p3" "between two runs the wall clock tells how much time has passed"
	stop_tgrun
	;;
esac
# Where it cannot be kept, and where its number cannot be written.
anew
printf '{"reminder":{}}' >"$TMP/in"
is "$(TGRUN_TOKEN=$TOKEN "$REAL_TGRUN" push --state-dir "$TMP/state" --store memory <"$TMP/in" 2>&1; echo $?)" \
	"tgrun: no tgrun runs with the state directory '$TMP/state', and '--store memory' keeps nothing for the next one
69" "nothing is pushed into a memory that nobody has"
is "$("$REAL_TGRUN" push --state-dir "$TMP/none" <"$TMP/in" 2>&1; echo $?)" "tgrun: there is no state directory '$TMP/none'; with a token (--token-file, TGRUN_TOKEN) it is made
69" "where no tgrun ever ran, a token makes a state"
begin
printf '{"reminder":{}}' >"$TMP/in"
"$REAL_TGRUN" push --state-dir "$TMP/state" --after 1d <"$TMP/in" 2>"$TMP/err" >/dev/full
is "$?" 74 "a number that cannot be written: 74"
like "$(cat "$TMP/err")" "p[0-9]+ is stored, do not push it again; but " "… and that it is stored is said"
stop_tgrun
done_testing
