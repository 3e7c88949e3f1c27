# Goal: what an update costs does not grow unseen: counts that do not depend on how fast the machine is, at most a tenth above what was
# reached. `make bench ROW=counts` shows them beside their goals.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317 # functions are called by name
. tests/flow/lib.sh

case $BUILD in
*asan* | *cover*) skip_all "a build that counts or checks costs more" ;;
esac
TEXT='some text of a usual length for a message in a chat, so that an update has about three hundred and forty bytes as a whole, as most have'
DEADLINE=60

count() { # NAME VALUE MOST WHAT
	diag "count $1 $2 most $3"
	ok "[ -n '$2' ] && awk 'BEGIN { exit !($2 <= $3) }'" "$4: $2, at most $3"
}
# Written beside the others, and not judged.
told() { # NAME VALUE WHY
	diag "count $1 $2 not judged: $3"
}

# ---- an update that comes alone ----

handler h <<-'EOT'
	#!/bin/sh
	exit 0
EOT
# What is started from now on runs under COMMAND.
under() { # COMMAND…
	handler under <<-EOT
		#!/bin/sh
		exec $* "$REAL_TGRUN" "\$@"
	EOT
	TGRUN=$TMP/under
}
polls() { calls 'select(.method == "getUpdates") | 1' | wc -l; }
SENT=0
# One message, and the next request is open: all that it costs is done.
one_alone() {
	SENT=$((SENT + 1))
	message 7 "$TEXT"
	wait_for '[ "$(stats .confirmed)" = "$SENT" ] && [ "$(stats .open_polls)" = 1 ] && [ "$(grep -c " handled" "$TGRUN_LOG")" = "$SENT" ]'
}
several_alone() { # COUNT
	for _ in $(seq "$1"); do one_alone || return 1; done
}

under env "LD_PRELOAD=$PWD/$BUILD/tools/counts.so" "COUNTS=$TMP/counts"
counted() { # allocations|writes|bytes|syncs
	"$BUILD/tools/counts" "$TMP/counts" | tr ' ' '\n' | sed -n "/^$1\$/{n;p;}"
}
start_sandbox --no-penalties --first-id 1
start_tgrun --handler "$TMP/h" --log-level info --poll-timeout 1s --concurrency 2
several_alone 3
bytes=$(counted bytes) syncs=$(counted syncs)
several_alone 20
count alone-bytes $((($(counted bytes) - bytes) / 20)) 5000 "bytes written for an update that comes alone"
count alone-syncs "$(awk "BEGIN { print ($(counted syncs) - $syncs) / 20 }")" 1.1 "syncs for a poll that brought something"
from=$(polls) # the first empty answer confirms the last update
wait_for '[ "$(polls)" -ge $((from + 2)) ]'
writes=$(counted writes) syncs=$(counted syncs) from=$(polls)
wait_for '[ "$(polls)" -ge $((from + 3)) ]'
is "$(($(counted syncs) - syncs)) $(($(counted writes) - writes))" "0 0" "a poll that brought nothing syncs and writes nothing"
stop_tgrun

# ---- system calls ----

# Of a process that traces its own children no rights are asked, but some containers forbid it all the same.
if strace -D -f -o "$TMP/probe" true 2>/dev/null && grep -q execve "$TMP/probe"; then
	anew --no-penalties --first-id 1
	SENT=0
	under strace -D -f -s 400 -o "$TMP/trace"
	start_tgrun --handler "$TMP/h" --log-level info --poll-timeout 50s --concurrency 1
	several_alone 10
	stop_tgrun
	# Of each update: the runner's calls from the answer to the order, those of the slot and its child from there to execve, and all
	# until the next answer but those of the program. The first two warm up. The least counts: where the machine is slow the runner looks twice
	# whether the state stands, since a look is good for ten milliseconds, and waits more often.
	awk '
		NR == 1 { runner = $1 }
		/ resumed>/ || /\+\+\+/ || /---/ || program[$1] { next }
		$1 == runner && /recvfrom\([0-9]+, "HTTP\/1.1 200/ && /update_id/ {
			if (++answers > 2)
				print order, start, all
			order = start = all = 0
			part = 1
		}
		{ all++ }
		$1 == runner && part == 1 { order++ }
		$1 == runner && part == 1 && /sendmsg\(/ { part = 2 }
		$1 != runner && part == 2 && !/futex|fdatasync|write\(/ { start++ }
		$1 != runner && /execve\(/ { part = 3; program[$1] = 1 }
	' "$TMP/trace" >"$TMP/calls"
	least() { cut -d ' ' -f "$1" "$TMP/calls" | sort -n | head -n 1; }
	count calls-runner "$(least 1)" 8 "system calls of the runner from the answer to the order"
	count calls-slot "$(least 2)" 12 "system calls of the slot from the order to execve"
	count calls-all "$(least 3)" 62 "system calls for an update of an idle bot, its handler apart"

	# The first that each answer with updates leads to in the runner: an order, or that the thread which syncs is made or woken.
	firsts() { # TRACE
		awk '
			NR == 1 { runner = $1 }
			$1 != runner { next }
			/recvfrom\([0-9]+, "HTTP\/1.1 200/ && /update_id/ { waits = 1 }
			waits && /sendmsg\(/ { print "order"; waits = 0 }
			waits && /CLONE_THREAD|FUTEX_WAKE/ { print "sync"; waits = 0 }
		' "$1" | sort -u
	}
	is "$(firsts "$TMP/trace")" order "one that comes alone starts before the disk is put to work"
	generate 3 1
	under strace -D -f -s 400 -o "$TMP/together"
	start_tgrun --handler "$TMP/h" --log-level info --concurrency 1
	wait_for '[ "$(grep -c " handled" "$TGRUN_LOG")" = 13 ]'
	stop_tgrun
	is "$(firsts "$TMP/together")" sync "while several that come together start, the disk is at work"
else
	diag "system calls are not counted: strace is not here, or may not trace"
fi

# ---- updates for workers, many at once ----

WHOLE=
# What a tgrun that runs under COMMAND costs for N updates of a Bot API that bounds nobody.
many() { # N sqlite|memory COMMAND…
	n=$1 store=$2
	shift 2
	rm -rf "$TMP/many"
	mkdir -m 700 "$TMP/many"
	TGRUN_TOKEN=123456:bench TGRUN_STATE_DIR=$TMP/many TGRUN_LOG_LEVEL=warn "$BUILD/bench/server" -n "$n" -c 1000 "$@" \
		"$REAL_TGRUN" --once --store "$store" --workers 2 --handler "$PWD/$BUILD/bench/worker 250 $WHOLE" >"$TMP/many.out" 2>&1 ||
		diag "failed: $(tail -n 3 "$TMP/many.out")" >&2
}
allocations() { # N STORE
	rm -f "$TMP/counts"
	many "$1" "$2" env "LD_PRELOAD=$PWD/$BUILD/tools/counts.so" "COUNTS=$TMP/counts"
	counted allocations
}
# Of all its processes the runner is the one with the most.
instructions() { # N STORE
	rm -f "$TMP"/callgrind.*
	many "$1" "$2" valgrind --tool=callgrind "--callgrind-out-file=$TMP/callgrind.%p"
	sed -n 's/^\(summary\|totals\): \([0-9]*\).*/\2/p' "$TMP"/callgrind.* | sort -n | tail -n 1
}
# What one more costs: N are less MANY and FEW, so that a start and an end count for nothing.
each_of() { # COUNTED STORE FEW MANY
	few=$($1 "$3" "$2")
	many=$($1 "$4" "$2")
	awk "BEGIN { printf \"%.1f\", ($many - $few) / ($4 - $3) }"
}
count allocations "$(each_of allocations sqlite 2000 12000)" 10.2 "allocations for an update, with workers"

# Instructions are those of a compiler, a C library and a SQLite: of Debian 12, on a processor with AVX2.
why=
if ! command -v valgrind >/dev/null; then
	why=absent
elif [ "$(. /etc/os-release && echo "$ID $VERSION_ID") $(uname -m) $(gcc -dumpversion)" != "debian 12 x86_64 12" ] ||
	! pkg-config --exact-version=3.40.1 sqlite3 || ! grep -qw avx2 /proc/cpuinfo; then
	why='the bound is for Debian 12'
fi
judged() { # NAME VALUE MOST WHAT
	if [ -z "$why" ]; then
		count "$@"
	else
		told "$1" "$2" "$why"
	fi
}
while [ "$why" != absent ] && read -r store most WHOLE; do
	n=$(each_of instructions "$store" 2000 6000)
	judged "instructions-$store${WHOLE:+-$WHOLE}" "${n%.*}" "$most" \
		"instructions of the runner for an update, with workers, --store $store${WHOLE:+, and what their lines say of it}"
done <<-EOT
	sqlite 35000
	memory 21400
	memory 28200 whole
EOT

# ---- a process for each ----

# What the slots spend until a program executes and when it has ended, in an environment of forty variables.
slots_instructions() { # N
	rm -rf "$TMP/started" "$TMP"/callgrind.*
	mkdir -m 700 "$TMP/started"
	seq "$1" | sed 's/.*/{"update_id":&,"message":{"message_id":&,"chat":{"id":1&,"type":"private"},"text":"hello"}}/' >"$TMP/lines"
	# shellcheck disable=SC2046 # forty words
	env -i "PATH=$PATH" $(seq 40 | sed 's/.*/VARIABLE_&=value/') valgrind --tool=callgrind "--callgrind-out-file=$TMP/callgrind.%p" "$REAL_TGRUN" \
		run --source "$TMP/lines" --once --state-dir "$TMP/started" --log-level warn --concurrency 2 --handler /bin/true >"$TMP/started.out" 2>&1 ||
		diag "failed: $(tail -n 3 "$TMP/started.out")" >&2
	sed -n 's/^totals: //p' "$TMP"/callgrind.* | sort -n | sed '$d' | awk '{ n += $1 } END { print n }'
}
if [ "$why" != absent ]; then
	n=$(each_of slots_instructions - 50 250)
	judged instructions-slot "${n%.*}" 4500 "instructions of a slot for an update"
fi

done_testing
