# Goal: the queue that several machines share gives each update to one of them, in order, lets one poll and one send, loses and doubles nothing, whoever
# dies, is late or comes back; by a role that can do nothing else; and its schema is made and made again by one text.
# shellcheck shell=sh disable=SC2016,SC2034,SC2119,SC2154
. tests/flow/lib.sh
command -v python3 >/dev/null || skip_all "no python3 for the model"
start_postgres

ask() { psql -qAtX -v ON_ERROR_STOP=1 "$@" 2>&1; }
schema() { sed "s/@S@/${1:-tgrun_7}/g; s/@BOT@/${2:-7}/g" lib/queue/shared/fleet.sql; }
init() { # SCHEMA [BOT]: what goes wrong
	{ schema "$@" && echo "SELECT $1.grant_to_('bot');"; } | ask -1 "$PG" -o "$TMP/init"
}
attach() { # IDENT [CLIENT [SCHEMA [RULE]]]
	echo "SELECT o_node || ' ' || o_session FROM tgrun_7.attach('$1', 1, '$1', 30000, '0', ${2:-1}, ${3:-1}, '${4:-chat}', 1, true, 0, '{}')"
}

like "$(python3 tests/torture/fleet_mutants.py lib/queue/shared/fleet.sql 2>&1)" "^heads-of-other-keys" "each fault that torture/fleet_sql puts in has its place"

# The model, in five worlds; two at a time.
world() { # SEED
	python3 tests/torture/fleet_property.py "$PG" "$PG_BOT" lib/queue/shared/fleet.sql "$1" "${CALLS:-400}" >"$TMP/world.$1" 2>&1
	echo $? >"$TMP/status.$1"
}
for pair in "1 2" "3 4" "5"; do
	for seed in $pair; do world "$seed" & done
	wait
done
for seed in 1 2 3 4 5; do
	is "$(cat "$TMP/status.$seed")" 0 "what nodes and tools may do in any order does what the model does: seed $seed"
	diag "$(cat "$TMP/world.$seed")"
done

# At once.
python3 tests/torture/fleet_storm.py "$PG" "$PG_BOT" lib/queue/shared/fleet.sql 1 300 >"$TMP/storm" 2>&1
is $? 0 "nodes that call at the same time, and die, lose nothing, and no two have one key"
diag "$(cat "$TMP/storm")"

# The schema.
is "$(init tgrun_7)" "" "the schema is made"
is "$(ask "$PG_BOT" -c "$(attach one)")" "1 1" "… and a role without other rights joins"
is "$(init tgrun_7)" "" "it is made again while a node works"
is "$(ask "$PG_BOT" -c "SELECT count(*) FROM tgrun_7.fleet")" 1 "… which is still there"
like "$(init tgrun_7 8)" "schema tgrun_7 belongs to bot 7, not to bot 8" "a schema of another bot is left alone"
is "$(ask "$PG" -c "UPDATE tgrun_7.meta SET version = version + 1")$(init tgrun_7 | grep -c 'is of a newer tgrun (version 2')" 1 "so is one of a newer tgrun"
ask "$PG" -c "UPDATE tgrun_7.meta SET version = 1"
ask "$PG" -c "CREATE SCHEMA tgrun_9 CREATE TABLE theirs (a int)"
like "$(init tgrun_9 9)" "schema tgrun_9 holds something that is not tgrun's" "so is one of somebody else"
is "$(ask "$PG" -c "SELECT count(*) FROM pg_class WHERE relnamespace = 'tgrun_9'::regnamespace")" 1 "… in which nothing was made"
is "$(sed -n 's/^#define FLEET_SCHEMA //p' lib/queue/shared/fleet_schema.h)" "$(ask "$PG" -c 'SELECT version FROM tgrun_7.meta')" \
	"the program knows the schema's version"

# The role.
for table in $(ask "$PG" -c "SELECT relname FROM pg_class WHERE relnamespace = 'tgrun_7'::regnamespace AND relkind IN ('r', 'S')"); do
	ask "$PG_BOT" -c "SELECT 1 FROM tgrun_7.$table" >/dev/null && echo "$table"
done >"$TMP/readable"
is "$(cat "$TMP/readable")" "" "the role reads no table"
is "$(ask "$PG" -c "SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = 'tgrun_7'::regnamespace
	AND has_function_privilege('bot', oid, 'EXECUTE') AND (proname LIKE '%\\_' OR NOT prosecdef) AND proname <> 'ms_to'")" "" \
	"it calls only what is meant to be called"
is "$(ask "$PG" -c "SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = 'tgrun_7'::regnamespace
	AND has_function_privilege('public', oid, 'EXECUTE')")" "" "everybody else calls nothing"
is "$(ask "$PG" -c "SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = 'tgrun_7'::regnamespace AND prosecdef
	AND NOT 'search_path=tgrun_7, pg_temp' = ANY (proconfig)")" "" "what runs with the owner's rights looks in the schema alone"
is "$(ask "$PG_BOT" -c "CREATE TEMPORARY TABLE meta AS SELECT 1 AS version, 99 AS min_client, 1 AS bot_id, '' AS rule" \
	-c "SELECT o_min_client FROM tgrun_7.about()")" 1 "… not among a role's own tables"

# What is refused.
like "$(ask "$PG_BOT" -v VERBOSITY=sqlstate -c "$(attach two 0)")" TG005 "a program that is too old is refused"
like "$(ask "$PG_BOT" -c "$(attach two 1 2)")" "schema tgrun_7 has version 1, this tgrun needs 2" "a schema that is too old is named"
like "$(ask "$PG_BOT" -c "$(attach two 1 1 user)")" 'the fleet keys and routes by "chat", this node by "user"' "another rule is refused, both are named"
like "$(ask "$PG_BOT" -v VERBOSITY=sqlstate -c "SET default_transaction_isolation = 'serializable'" -c "$(attach two)")" TG003 \
	"other transactions than read committed are refused"
like "$(ask "$PG_BOT" -c "BEGIN" -c "SET LOCAL synchronous_commit = off" -c "$(attach two)" -c "SHOW synchronous_commit")" '^on$' \
	"a session that does not wait for the disk waits here"
is "$(ask "$PG_BOT" -c "SELECT o_name FROM tgrun_7.warnings()" | tr '\n' ' ')" "fsync pages " "what is wrong with the server is told"

# Another rule: what was kept under the old one is routed anew before it goes anywhere.
letter="SELECT * FROM tgrun_7.put(3, 1, 1, 'api', 2, 0, '{t}', '{1}', '{1}', '{m}', '{chat:1}', '{chat:1}', '{f}', '{0}', '{4}', '{broken}', 'body')"
is "$(ask "$PG_BOT" -c "SELECT tgrun_7.leave(1, 1)" -c "$(attach three)" -c "SELECT o_epoch FROM tgrun_7.poll(3, 1, 'api')" \
	-c "$letter" -c "SELECT tgrun_7.push(true, 0, 'm', 'chat:2', 'chat:2', false, 0::smallint, 'push')" | tr '\n' ' ')" "0 3 1 1 0|0|1 1 " \
	"a dead letter and a push are kept"
is "$(ask "$PG_BOT" -c "SELECT tgrun_7.leave(3, 1)" -c "$(attach four 1 1 user)" -c "SELECT o_epoch FROM tgrun_7.poll(4, 1, 'api')" \
	-c "SELECT o_fate FROM tgrun_7.dead_retry('{1}')" -c "SELECT o_taken FROM tgrun_7.ripe(4, 1, 2, 9)" | tr '\n' ' ')" "0 4 1 2 stale 0 " \
	"under another rule they stay where they are"
is "$(ask "$PG_BOT" -c "SELECT o_what, o_number, o_keys, convert_from(o_bytes, 'UTF8') FROM tgrun_7.stale(4, 1, 9) ORDER BY 1" \
	-c "SELECT tgrun_7.routed(4, 1, '{d,p}', '{1,1}', '{user:1,user:2}', '{chat:1,chat:2}', '{1,1}')" \
	-c "SELECT o_fate, o_now FROM tgrun_7.dead_retry('{1}')" -c "SELECT o_taken FROM tgrun_7.ripe(4, 1, 2, 9)" \
	-c "SELECT number, lane, keys FROM tgrun_7.queue ORDER BY 1" | tr '\n' ' ')" \
	"d|1|chat:1|body p|1|chat:2|push  changed|2 1 2|1|user:1 3|1|user:2 " "… until they are routed anew"
is "$(ask "$PG_BOT" -c "SELECT tgrun_7.push(true, 0, 'm', '', '', false, (-1)::smallint, 'push')" -c "SELECT o_taken FROM tgrun_7.ripe(4, 1, 2, 9)" \
	-c "SELECT o_number FROM tgrun_7.stale(4, 1, 9)" -c "SELECT tgrun_7.routed(4, 1, '{p}', '{2}', '{\"\"}', '{\"\"}', '{-1}')" \
	-c "SELECT count(*) FROM tgrun_7.pushes" | tr '\n' ' ')" "2 0 2  0 " "a push that nobody routed waits for that; one that is not wanted is forgotten"

# A server that failed over: what was committed last may be gone. Here it was that node 1 holds update 1.
f() { ask "$PG_BOT" -v VERBOSITY=terse "$@" | tr '\n' ' '; }
join() { # IDENT TIME NODE HELD
	echo "SELECT o_node, o_session, o_kept, o_wait_ms > 0, o_ids_from FROM tgrun_3.attach('$1', $2, '$1', 30000, '0', 1, 1, 'chat', 1, true, $3, '$4')"
}
turn() { # NODE SESSION
	echo "SELECT o_seq FROM tgrun_3.turn($1, $2, 0, 0, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', NULL, NULL, 0, 1, 9, 4) WHERE o_what = 'u'"
}
init tgrun_3 3
is "$(f -c "$(join one 1 0 '{}')" -c "SELECT o_epoch FROM tgrun_3.poll(1, 1, 'api')" -c "SELECT o_taken FROM tgrun_3.put(1, 1, 1, 'api', 3, 0, '{t,t}', '{1,2}',
	'{1,1}', '{m,m}', '{chat:1,chat:2}', '{chat:1,chat:2}', '{f,f}', '{0,0}', '{1,1}', '{\"\",\"\"}', 'ab')")" "1|1|{}|f|1 1 2 " "a node polls"
ask "$PG" -c "UPDATE tgrun_3.meta SET timeline = 'old'" -c "UPDATE tgrun_3.node SET timeline = 'old'"
is "$(f -c "$(turn 1 1)")" "ERROR:  the server has failed over " "it is told that the server failed over"
is "$(f -c "$(join two 1 0 '{}')" -c "$(turn 2 1)" -c "SELECT o_epoch FROM tgrun_3.poll(2, 1, 'api')" -c "SELECT tgrun_3.sender(2, 1, 2)")" \
	"2|1|{}|t|1065537 2 f " "another is given nothing for a lease, and does not send; numbers jump ahead of any that were given"
is "$(f -c "$(join one 2 1 '{1}')")" "1|2|{1}|t|1131073 " "the node keeps what it runs"
ask "$PG" -c "UPDATE tgrun_3.meta SET quiet = 'epoch'"
is "$(f -c "$(turn 2 1)" -c "SELECT tgrun_3.sender(2, 1, 2)")" "2 t " "after that the other is given the rest, and sends"
is "$(f -c "SELECT * FROM tgrun_3.audit")" "" "nothing is wrong"

# What one machine had is taken along.
updates="SELECT tgrun_5.import_updates('chat', '{t,t,f}', '{11,12,0}', '{m,m,m}', '{chat:1,chat:1,chat:2}', '{chat:1,chat:1,chat:2}', '{f,f,t}', '{0,0,1}',
	'{0,2,1}', '{0,1,0}', '{0,0,3}', '{f,t,t}', '{-1,5000,-1}', '{0,0,60000}', '{9000,8000,7000}', '{-1,-1,100}', '{1,2,3}', 'abbccc')"
is "$(init tgrun_5 5)$(ask "$PG_BOT" -c "$updates")" 3 "updates of one machine are imported"
is "$(ask "$PG_BOT" -c "SELECT number, state, lane, keys, failures, deaths, interruptions, again IS NOT NULL, convert_from(bytes, 'UTF8') FROM tgrun_5.queue
	ORDER BY 1" | tr '\n' ' ')" "1|ready|0|chat:1|0|0|0|f|a 2|behind|0|chat:1|2|1|0|f|bb 3|delayed|1|chat:2|1|0|3|t|ccc " "… with their order, bytes and accounts"
is "$(ask "$PG_BOT" -c "SELECT tgrun_5.import_letters('chat', '{t}', '{9}', '{m}', '{chat:1}', '{chat:1}', '{f}', '{0}', '{3}', '{why}', '{err}', '{9000}',
	'{8000}', '{4}', 'body')" -c "SELECT number, reason, last_stderr, attempts, convert_from(bytes, 'UTF8') FROM tgrun_5.letters" | tr '\n' ' ')" \
	"1 4|why|err|3|body " "so are dead letters"
is "$(ask "$PG_BOT" -c "SELECT tgrun_5.import_source('api', 77)" -c "$(attach one | sed s/tgrun_7/tgrun_5/)" -c "SELECT o_next FROM tgrun_5.poll(1, 1, 'api')" |
	tr '\n' ' ')" " 1 1 77 " "the source goes on where it was"
like "$(ask "$PG_BOT" -c "$updates")" "machines are at work" "nothing is imported while nodes work"
is "$(ask "$PG_BOT" -c "SELECT count(*) FROM tgrun_5.audit")" 0 "nothing is wrong with what was imported"

done_testing
