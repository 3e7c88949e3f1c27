# Goal: the queue that several machines share keeps the contract of the queue's verbs (lib/queue/*.h), by the role with the least rights.
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
. tests/flow/lib.sh
start_postgres
export FLEET_OWNER="$PG" FLEET_ROLE="$PG_BOT"
PROGRAMS="queue_fleet queue_fleet_machines queue_fleet_calls"

# Each has schemas of its own.
for program in $PROGRAMS; do
	{
		"$BUILD/tools/$program" >"$TMP/$program" 2>&1
		echo $? >"$TMP/$program.status"
	} &
	PIDS="$PIDS $!"
done
wait

# Each check of a program is one of this test.
for program in $PROGRAMS; do
	while IFS= read -r line; do
		case $line in
		ok\ *) ok true "${line#ok * - }" ;;
		not\ ok\ *) ok false "${line#not ok * - }" ;;
		\#*) printf '%s\n' "$line" ;;
		1..*) ;;
		*) diag "$program: $line" ;;
		esac
	done <"$TMP/$program"
	is "$(cat "$TMP/$program.status") $(sed -n '$p' "$TMP/$program")" "0 1..$(grep -Ec '^(not )?ok ' "$TMP/$program")" \
		"$program comes to its end, and all is well"
done
done_testing
