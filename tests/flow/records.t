# Goal: a file of updates is read as people have it: indented, as a list, as a saved answer, put together without line feeds, with a byte order mark or carriage returns; what cannot be
# read keeps its line number, or is named with the command that mends it; an interrupted run goes on in the middle of such a file.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

note_handler
updates() { # FIRST LAST: lines
	jq -nc "range($1; $2 + 1) | {update_id: ., message: {message_id: 1, date: 0, text: \"n\(.)\", chat: {id: (. % 3 + 1), type: \"private\"}}}"
}
reads() { # WANT WHAT: $TMP/updates is read by run and by try
	forget
	"$TGRUN" --source "$TMP/updates" --store memory --concurrency 1 --key none --handler "$TMP/note" >"$TMP/tgrun.log" 2>&1
	is "$? $(sed -n 's/^end .* //p' "$TMP/seen" | tr '\n' ' ')" "0 $1" "$2"
	: >"$TMP/seen"
	"$TGRUN" try --updates "$TMP/updates" --concurrency 1 --handler "$TMP/note" >"$TMP/out" 2>&1
	is "$? $(sed -n 's/^end .* //p' "$TMP/seen" | sort | tr '\n' ' ')" "0 $1" "… for tgrun try, too"
}

updates 1 3 | jq . >"$TMP/updates"
reads "n1 n2 n3 " "objects that are indented"
updates 1 3 | jq -sc . >"$TMP/updates"
reads "n1 n2 n3 " "a list in one line"
updates 1 3 | jq -s . >"$TMP/updates"
reads "n1 n2 n3 " "a list that is indented"
start_sandbox --no-penalties --first-id 1
message 1 n1
message 1 n2
curl -s "$API/getUpdates" >"$TMP/updates"
stop_sandbox
reads "n1 n2 " "an answer of getUpdates, as curl saved it"
jq . "$TMP/updates" >"$TMP/indented" && mv "$TMP/indented" "$TMP/updates"
reads "n1 n2 " "one that is indented"
{ printf '\357\273\277' && updates 1 2 | sed 's/$/\r/'; } >"$TMP/updates"
reads "n1 n2 " "lines with a byte order mark and carriage returns, as an editor may write them"
updates 1 3 | tr -d '\n' >"$TMP/updates"
reads "n1 n2 n3 " "updates without a line feed between"
updates 1 3 | jq . | sed 's/^}/},/' >"$TMP/updates"
reads "n1 n2 n3 " "indented ones with commas between"
updates 1 3 | tr '\n' '\r' >"$TMP/updates"
reads "n1 n2 n3 " "carriage returns alone between"
for i in 1 2 3; do updates $i $i | jq -sc '{ok: true, result: .}' | tr -d '\n'; done >"$TMP/updates"
reads "n1 n2 n3 " "answers that curl put behind each other"
for i in 1 2 3; do updates $i $i | jq . | head -c -1; done >"$TMP/updates"
reads "n1 n2 n3 " "indented ones that begin in each other's line"
updates 1 6 | jq -c '.message.padding = "x" * 1200000' | tr -d '\n' >"$TMP/updates"
reads "n1 n2 n3 n4 n5 n6 " "updates that are 7 MB in one line"

# In a stream each update is a line, and the sentence names what makes it one.
forget
{ updates 1 2 | jq -sc '{ok: true, result: .}' && updates 3 3; } | "$TGRUN" --source - --store memory --key none --concurrency 1 --handler "$TMP/note" >"$TMP/tgrun.log" 2>&1
is "$? $(sed -n 's/^end .* //p' "$TMP/seen" | tr '\n' ' ')" "0 n1 n2 n3 " "an answer that is one line is taken from a stream, too"
forget
updates 1 1 | jq . | "$TGRUN" --source - --store memory --handler "$TMP/note" >"$TMP/tgrun.log" 2>&1
like "$(cat "$TMP/tgrun.log")" 'goes on in the next one; each update must be one line, as jq -c \..*line=1' "one that goes on is named, with what mends it"

# What is wrong.
bad() { # STATUS ERE WHAT
	forget
	"$TGRUN" --source "$TMP/updates" --state-dir "$TMP/state" --handler "$TMP/note" >"$TMP/tgrun.log" 2>&1
	is "$?" "$1" "$3: $1"
	like "$(cat "$TMP/tgrun.log")" "$2" "… and said"
}
{ updates 1 1 | jq . && echo '{ "update_id": 2,' && updates 3 4; } >"$TMP/updates"
bad 0 'no JSON object.*line=13' "a line that broke off behind an indented update"
is "$(sed -n 's/^end .* //p' "$TMP/seen" | sort | tr '\n' ' ')" "n1 n3 n4 " "… stops nothing else"
echo '{"ok":false,"error_code":401,"description":"Unauthorized"}' >"$TMP/updates"
bad 0 'is an error that the server answered.*line=1' "a refusal that was saved"
updates 1 2 | iconv -t UTF-16 >"$TMP/updates"
bad 78 'line 1: it is UTF-16; make UTF-8 of it by: iconv -f UTF-16' "UTF-16"
"$TGRUN" try --updates "$TMP/updates" --handler "$TMP/note" >"$TMP/out" 2>&1
like "$? $(cat "$TMP/out")" '^64 .*' "… for tgrun try, too"
like "$(cat "$TMP/out")" 'iconv -f UTF-16' "… which says the same"
for tool in 'gzip zcat' 'xz xzcat' 'zstd zstdcat' 'bzip2 bzcat'; do
	if ! command -v "${tool% *}" >/dev/null; then
		diag "no ${tool% *} here: what it makes was not tried"
		continue
	fi
	updates 1 2 | "${tool% *}" -c >"$TMP/updates"
	bad 78 "line 1: it is compressed; give '-' as the file, and unpack it by: ${tool#* } FILE \\| tgrun" "a file of ${tool% *}"
	is "$(seen ^end) $("$TGRUN" dead list --state-dir "$TMP/state" 2>&1)" "0 no dead letters" "… and no dead letter"
	"$TGRUN" try --updates "$TMP/updates" --handler "$TMP/note" >"$TMP/out" 2>&1
	is "$? $(grep -c "${tool#* } FILE | tgrun" "$TMP/out")" "64 1" "… for tgrun try, too"
	forget
	"${tool#* }" "$TMP/updates" | "$TGRUN" --source - --store memory --key none --concurrency 1 --handler "$TMP/note" >"$TMP/tgrun.log" 2>&1
	is "$? $(seen ^end)" "0 2" "… and what is said works"
done
{ updates 1 1 && updates 1 40000 | jq -s .; } >"$TMP/updates"
bad 78 "line 2: here begins JSON that goes on over more than 4 MiB; make lines of it by: jq -c '.\[\]'" "a list that is too long to be one record"
is "$(sed -n 's/^end .* //p' "$TMP/seen")" n1 "… when what stands before it is handled"

# Killed in the middle.
forget
updates 1 300 | jq . >"$TMP/updates"
: >"$TMP/hold"
run_file() {
	TGRUN_LOG=$TMP/tgrun.log
	"$TGRUN" --source "$TMP/updates" --state-dir "$TMP/state" --handler "$TMP/note" --concurrency 2 --backlog 50 >>"$TGRUN_LOG" 2>&1 </dev/null &
	TGRUN_PID=$!
}
run_file
wait_for '[ "$(seen ^start)" = 2 ]'
stop_tgrun KILL
rm "$TMP/hold"
run_file
wait_tgrun 60
is "$STATUS $(seen ^end) $(grep ^end "$TMP/seen" | sed 's/.* //' | sort -u | wc -l)" "0 300 300" "after kill -9 the rest of an indented file is handled, each update once"
like "$(cat "$TGRUN_LOG")" "going on where the last run was interrupted" "… from where it was read to"
done_testing
