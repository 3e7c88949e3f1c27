# Goal: whatever the machine refuses, once or for a while, wherever tgrun asks it for something: no crash, no loss, a message, and recovery.
# shellcheck shell=sh disable=SC2016,SC2034
case $BUILD in
*asan*)
	echo "1..0 # SKIP what is put under it goes before the sanitizer's library; it was run without"
	exit 0
	;;
esac
. tests/flow/lib.sh
. tests/torture/faults.sh
SEED=${SEED:-$(date +%N | sed 's/^0*//')}
FAULTS=${FAULTS:-16} # of memory; one of each other kind; tests/torture/failing goes through all
diag "SEED=$SEED FAULTS=$FAULTS"

learn fresh
ok '[ "$(wc -l <"$TMP/sites")" -gt 500 ]' "a run asks the machine for something at $(wc -l <"$TMP/sites") places"
sample "$FAULTS" 1 >"$TMP/todo"
while read -r who kind site _; do
	fault "$who" "$kind" "$site" 1
done <"$TMP/todo"
settle "$(wc -l <"$TMP/todo") places, at each one fault"
ok '[ "$injected" -gt "$(($(wc -l <"$TMP/todo") * 3 / 4))" ]' "… the faults did happen ($injected, $unmet did not)"

# What is as large as an update: its bytes on their way, and all that is made of them.
begin exec
good_runs "before"
PAD=100000
export FAILING_BYTES=$PAD
injected=0
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
	fault runner memory '*' $n
done
PAD=
unset FAILING_BYTES
settle "large updates"
ok '[ "$injected" -gt 9 ]' "… each of the first $injected requests for so much memory failed once"

lasting memory 0 'out of memory'
lasting write 30 'Read-only file system; it is not confirmed' # as of a state directory that is made read-only
lasting fork 11 'cannot be started: Resource temporarily unavailable; the machine is out of processes'
lasting epoll 28 'cannot watch a socket: No space left on device'
done_testing
