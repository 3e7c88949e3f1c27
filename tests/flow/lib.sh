# tests/flow/lib.sh: what flow tests share. A test is run from the top of the checkout, opens with `# Goal:`, and sources this file:
#
#   . tests/flow/lib.sh
#   start_sandbox                         $URL, $API ($URL/bot$TOKEN), $SANDBOX_LOG; options are handed on
#   start_tgrun --handler ./x.sh          in the background, on that sandbox; $TGRUN_PID, $TGRUN_LOG; state in $TMP/state
#   push '{"message":{…}}'                queues an update (or whole updates, one a line)
#   wait_for '[ -s "$TMP/out" ]'          polls a condition every 50 ms until a deadline ($DEADLINE, 20 s)
#   is "$got" "$want" "what holds"        TAP; also ok 'condition' "what holds", like, done_testing
#   stop_tgrun                            TERM, waits; $STATUS is its exit status
#   machine NAME=VALUE…                   what is started from now on runs on another machine, see tests/tools/machine.c: faster, or trusting others
#   start_postgres                        an empty database: its URL for who owns it, $PG, and for a role without rights, $PG_BOT
#   anew                                  the next part of a test: another sandbox, no state, an empty log
#
# A stop is waited for; what does not end by the deadline is killed ($STATUS 137). $BUILD (build) is the build that is tested. At the end everything that was started is killed, and it is checked that nothing is left.

# shellcheck shell=sh disable=SC2016,SC2034,SC2119 # conditions are quoted for later; variables are for the tests
BUILD=${BUILD:-build}
TOKEN=${TOKEN:-123456:sandbox-secret}
DEADLINE=${DEADLINE:-20}
TGRUN=${TGRUN:-$PWD/$BUILD/tgrun}
SANDBOX=${SANDBOX:-$PWD/$BUILD/tools/sandbox}
TMP=$(mktemp -d "${TMPDIR:-/tmp}/tgrun-flow.XXXXXX") || exit 1
TESTS=0
FAILED=0
PIDS=
TGRUN_PID=
SANDBOX_PID=
OWN_POSTGRES=
# Everything that a test starts carries this in its environment; the sweep at the end finds it by that.
FLOW_MARK=$TMP
export FLOW_MARK
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

# TAP.

ok() { # CONDITION WHAT: the shell condition holds
	TESTS=$((TESTS + 1))
	if eval "$1"; then
		echo "ok $TESTS - $2"
	else
		echo "not ok $TESTS - $2"
		echo "# not so: $1"
		FAILED=$((FAILED + 1))
		return 1
	fi
}

is() { # GOT WANT WHAT
	TESTS=$((TESTS + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $TESTS - $3"
	else
		echo "not ok $TESTS - $3"
		printf 'got    %s\nwanted %s\n' "$1" "$2" | sed 's/^/# /'
		FAILED=$((FAILED + 1))
		return 1
	fi
}

like() { # TEXT ERE WHAT
	TESTS=$((TESTS + 1))
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		echo "ok $TESTS - $3"
	else
		echo "not ok $TESTS - $3"
		printf '%s\n(nothing matches %s)\n' "$1" "$2" | tail -n 40 | sed 's/^/# /'
		FAILED=$((FAILED + 1))
		return 1
	fi
}

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

skip_all() { # WHY
	echo "1..0 # SKIP $1"
	exit 0
}

# The end of a test: nothing that it started may be left after it has stopped what it started.
done_testing() {
	[ -z "$TGRUN_PID" ] || stop_tgrun
	[ -z "$SANDBOX_PID" ] || stop_sandbox
	for pid in $PIDS; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	stop_postgres
	wait_for '[ -z "$(marked)" ]'
	is "$(marked)" "" "no process is left"
	echo "1..$TESTS"
	[ "$FAILED" -eq 0 ] && exit 0
	[ ! -f "$TGRUN_LOG" ] || tail -n 30 "$TGRUN_LOG" | sed 's/^/# tgrun: /'
	exit 1
}

# Processes.

# The process ids that carry this test's mark in the environment they were started with: not this shell, which set it later, and not the
# helpers here.
marked() (
	mark=$FLOW_MARK
	unset FLOW_MARK
	grep -lzxF "FLOW_MARK=$mark" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/||; s|/environ||' | tr '\n' ' '
)

cleanup() {
	trap - EXIT
	for pid in $TGRUN_PID $SANDBOX_PID $PIDS $(marked); do
		kill -KILL "$pid" 2>/dev/null
	done
	stop_postgres
	chmod -R u+rwx "$TMP" 2>/dev/null
	rm -rf "$TMP"
}
trap cleanup EXIT
trap 'exit 1' HUP INT PIPE TERM

# Polls a condition; false, with a comment, when it does not come true in time.
wait_for() { # CONDITION [SECONDS]
	_until=$(($(date +%s) + ${2:-$DEADLINE}))
	until eval "$1"; do
		if [ "$(date +%s)" -gt "$_until" ]; then
			diag "waited in vain for: $1"
			return 1
		fi
		sleep 0.05
	done
}

# Starts anything in the background: $PID.
start() {
	"$@" &
	PID=$!
	PIDS="$PIDS $PID"
}

# tgrun and the sandbox as programs that run the real ones on another machine; without arguments on this one again.
REAL_TGRUN=$TGRUN
REAL_SANDBOX=$SANDBOX
machine() { # [NAME=VALUE…]
	TGRUN=$REAL_TGRUN
	SANDBOX=$REAL_SANDBOX
	[ $# -gt 0 ] || return 0
	for _program in "$TGRUN" "$SANDBOX"; do
		printf '#!/bin/sh\nexec env LD_PRELOAD="%s" %s "%s" "$@"\n' "$PWD/$BUILD/tools/machine.so" "$*" "$_program" >"$TMP/${_program##*/}.machine"
		chmod 755 "$TMP/${_program##*/}.machine"
	done
	TGRUN=$TMP/${TGRUN##*/}.machine
	SANDBOX=$TMP/${SANDBOX##*/}.machine
}

# No other bot has its state on this machine, in a place where tgrun looks by itself.
alone() { [ -z "$(find /var/lib/tgrun* -name run.lock 2>/dev/null)" ]; }

# A database.

# The server is that of the whole run (tests/run --all), or one for this test alone, as it is with settings.
start_postgres() { # [-c NAME=VALUE]…
	if ! tests/postgres bin >"$TMP/postgres"; then
		command -v apt-get >/dev/null || skip_all "this machine has no PostgreSQL server"
		echo "Bail out! no PostgreSQL server: scripts/deps installs it"
		exit 1
	fi
	PATH=$PATH:$(cat "$TMP/postgres")
	if [ -n "${TEST_POSTGRES-}" ] && [ $# -eq 0 ]; then
		POSTGRES=$TEST_POSTGRES
		tests/postgres start "$POSTGRES" "$TEST_POSTGRES_OWNER" || exit 1
	else
		OWN_POSTGRES=$(mktemp -d "${TMPDIR:-/tmp}/tgrun-pg.XXXXXX") || exit 1
		POSTGRES=$OWN_POSTGRES
		tests/postgres start "$POSTGRES" $$ "$@" || exit 1
	fi
	_database=test_$$
	psql -qX -h "$POSTGRES" -U tg -c "CREATE DATABASE $_database TEMPLATE template0" postgres || exit 1
	PG="postgresql://tg@/$_database?host=$POSTGRES"
	PG_BOT="postgresql://bot@/$_database?host=$POSTGRES"
}

stop_postgres() {
	[ -n "$OWN_POSTGRES" ] || return 0
	tests/postgres stop "$OWN_POSTGRES"
	OWN_POSTGRES=
}

# The sandbox.

start_sandbox() { # [OPTION…]
	SANDBOX_LOG=$TMP/calls.jsonl
	rm -f "$TMP/port" "$SANDBOX_LOG"
	"$SANDBOX" --token "$TOKEN" --log "$SANDBOX_LOG" --port-file "$TMP/port" --exit-with-parent "$@" \
		>"$TMP/sandbox.out" 2>&1 &
	SANDBOX_PID=$!
	wait_for '[ -s "$TMP/port" ] || ! kill -0 "$SANDBOX_PID" 2>/dev/null'
	if [ ! -s "$TMP/port" ]; then
		diag "$(cat "$TMP/sandbox.out")"
		echo "Bail out! the sandbox does not start"
		exit 1
	fi
	PORT=$(cat "$TMP/port")
	URL=http://127.0.0.1:$PORT
	API=$URL/bot$TOKEN
}

stop_sandbox() {
	kill "$SANDBOX_PID" 2>/dev/null
	wait "$SANDBOX_PID" 2>/dev/null
	SANDBOX_PID=
}

# Each takes its JSON lines as the argument, or from stdin for `-`.
push() { _post push "$1"; }
script() { _post script "$1"; }
chats() { _post chats "$1"; }
limits() { _post limits "${1:-}"; }
_post() {
	if [ "$2" = - ]; then
		curl -sSf -m 20 -o /dev/null --data-binary @- "$URL/sandbox/$1"
	else
		printf '%s\n' "$2" | curl -sSf -m 20 -o /dev/null --data-binary @- "$URL/sandbox/$1"
	fi
}

# A text message: message CHAT TEXT [USER]
message() {
	push "$(jq -nc --argjson chat "$1" --arg text "$2" --argjson user "${3:-$1}" '{message: {message_id: 1, date: 0, text: $text,
		chat: {id: $chat, type: (if $chat > 0 then "private" else "supergroup" end)},
		from: {id: $user, is_bot: false, first_name: "u"}}}')"
}

generate() { # COUNT CHATS [MORE=…&…]
	curl -sSf -m 60 -o /dev/null -X POST "$URL/sandbox/generate?count=$1&chats=$2${3:+&$3}"
}

stats() { # JQ-EXPRESSION
	curl -sSf -m 20 "$URL/sandbox/stats" | jq -r "$1"
}

# The calls in the log, through jq -r: calls 'select(.method == "sendMessage") | .params.text'
calls() {
	jq -r "$1" "$SANDBOX_LOG"
}

# What the sandbox has carried out, in that order, through jq -r: deliveries 'select(.chat == 7) | .text'
deliveries() {
	curl -sSf -m 60 "$URL/sandbox/deliveries" | jq -r "$1"
}

# tgrun.

# An executable handler from stdin: handler NAME <<'EOT' …; its path is $TMP/NAME.
handler() {
	cat >"$TMP/$1" && chmod 755 "$TMP/$1"
}

# A handler that writes down that it ran, and keeps its update waiting while $TMP/hold is there: $TMP/note, lines in $TMP/seen.
note_handler() {
	handler note <<-'EOT'
		#!/bin/sh
		echo "start $TG_UPDATE_ID $TG_KEY $TG_ATTEMPT ${TG_REDELIVERED:-0} $TG_TEXT" >>"$FLOW_MARK/seen"
		while [ -e "$FLOW_MARK/hold" ]; do sleep 0.05; done
		echo "end $TG_UPDATE_ID $TG_KEY $TG_ATTEMPT ${TG_REDELIVERED:-0} $TG_TEXT" >>"$FLOW_MARK/seen"
	EOT
	: >"$TMP/seen"
}

# How many lines of $TMP/seen match: seen '^end'
seen() { # ERE
	grep -Ec -- "$1" "$TMP/seen"
}

# Whether tgrun's log has a line like this.
logged() { # ERE
	grep -Eq -- "$1" "$TGRUN_LOG" 2>/dev/null
}

# Forgets the state and the log of the last run, and what its handlers wrote.
forget() {
	rm -rf "$TMP/state" "$TMP/tgrun.log"
	: >"$TMP/seen"
}

# What begins in the background opens its log some time: whoever has it begin anew does that before, by : >"$TGRUN_LOG".
start_tgrun() { # OPTION…
	TGRUN_LOG=$TMP/tgrun.log
	TGRUN_TOKEN=$TOKEN "$TGRUN" --api-url "$URL" --state-dir "$TMP/state" "$@" >>"$TGRUN_LOG" 2>&1 </dev/null &
	TGRUN_PID=$!
}

# Runs tgrun to its end: $STATUS, and what it wrote in $TGRUN_LOG.
run_tgrun() {
	start_tgrun "$@"
	wait_tgrun
}

# The dead letters, while tgrun runs or not: dead list --json
# Who only looks does so by this machine's clock: by a fast one it soon has no patience with a busy runner.
dead() {
	_tgrun=$TGRUN
	case ${1-} in list | show) _tgrun=$REAL_TGRUN ;; esac
	TGRUN_TOKEN=$TOKEN "$_tgrun" dead "$@" --state-dir "$TMP/state"
}

# The next part of a test begins anew: tgrun stopped, its state and log gone, another sandbox.
# shellcheck disable=SC2120
anew() { # [SANDBOX-OPTION…]
	[ -z "$TGRUN_PID" ] || stop_tgrun
	[ -z "$SANDBOX_PID" ] || stop_sandbox
	rm -rf "$TMP/state" "$TMP/tgrun.log"
	start_sandbox "$@"
}

# shellcheck disable=SC2120 # the arguments of these two are optional
wait_tgrun() { # [SECONDS]
	wait_for '! kill -0 "$TGRUN_PID" 2>/dev/null || grep -q "^State:.*Z" "/proc/$TGRUN_PID/status" 2>/dev/null' "$@" ||
		kill -KILL "$TGRUN_PID"
	wait "$TGRUN_PID"
	STATUS=$?
	TGRUN_PID=
}

# shellcheck disable=SC2120
stop_tgrun() { # [SIGNAL]
	kill -"${1:-TERM}" "$TGRUN_PID" 2>/dev/null
	wait_tgrun
}
