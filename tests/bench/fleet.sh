# The row fleet: what the database of several machines does by itself, beside queues in PostgreSQL that other programs use: updates a second that are put,
# held and settled, and how long one takes from one machine to another. The server syncs each commit.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run
FLEET=${FLEET:-8} # seconds of each

# A server that is empty: $URL.
fleet_server() {
	psql -qX -h "$PG" -U tg -c 'DROP DATABASE IF EXISTS bench' -c 'CREATE DATABASE bench TEMPLATE template0' postgres 2>/dev/null
	URL="postgresql://tg@localhost/bench?host=$PG"
	{
		sed 's/@S@/tgrun_1/g; s/@BOT@/1/g' lib/queue/shared/fleet.sql
		echo 'CREATE TABLE public.q (id bigserial PRIMARY KEY, at timestamptz, body text);'
	} | psql -qX -1 -v ON_ERROR_STOP=1 -o /dev/null "$URL" || fail "the schema cannot be made"
}
fleet_rate() { # CASE CONTENDER MODE NODES WAITING
	fleet_server
	result fleet "$1" "$2" /s "$("$BUILD/bench/fleet" "$3" "$URL" "$4" "$FLEET" "$5")"
}

row_fleet() {
	if ! tests/postgres bin >"$TMP/bin"; then
		absent fleet "1 machine" tgrun
		return
	fi
	PATH=$PATH:$(cat "$TMP/bin")
	PG=$(mktemp -d "${TMPDIR:-/tmp}/tgrun-pg.XXXXXX") || exit 1
	tests/postgres start "$PG" $$ -c fsync=on -c full_page_writes=on -c shared_buffers=256MB -c max_wal_size=4GB -c autovacuum_naptime=60 || exit 1
	for _ in $(seq "$ROUNDS"); do
		fleet_rate "1 machine" tgrun fleet 1 0
		fleet_rate "1 machine" "skip locked" ack 1 0
		fleet_rate "8 machines" tgrun fleet 8 0
		fleet_rate "8 machines" "skip locked" ack 8 0
		fleet_rate "8 machines" forgets skip 8 0
		fleet_rate "8 machines, 100,000 waiting" tgrun fleet 8 100000
		FLEET=12 fleet_rate "8 machines" "snapshot held" held 8 0
		fleet_server
		"$BUILD/bench/fleet" latency "$URL" "${SAMPLES:-300}" >"$TMP/samples"
		for p in 50 99; do
			result fleet "from machine to machine, $p %" tgrun us "$(sort -n "$TMP/samples" | awk -v p="$p" '{ v[NR] = $1 } END { print v[int((NR * p + 99) / 100)] }')"
		done
		peers || continue
		fleet_server
		result fleet "8 machines" graphile /s "$(node build/peers/fleet.js graphile "$URL" "$FLEET")"
		result fleet "8 machines" pg-boss /s "$(node build/peers/fleet.js boss "$URL" "$FLEET")"
	done
	tests/postgres stop "$PG"
	goal fleet "1 machine" tgrun least 7000 -
	goal fleet "8 machines" tgrun least 7000 -
	goal fleet "8 machines, 100,000 waiting" tgrun least 6300 -
	goal fleet "8 machines" "snapshot held" least 0.3 tgrun
	goal fleet "from machine to machine, 50 %" tgrun most 4000 -
	goal fleet "from machine to machine, 99 %" tgrun most 10000 -
	if peers; then
		goal fleet "8 machines" tgrun least 16 graphile
		goal fleet "8 machines" tgrun least 1 pg-boss
	else
		absent fleet "8 machines" graphile
		absent fleet "8 machines" pg-boss
	fi
}
