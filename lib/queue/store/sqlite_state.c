/* queue/store/sqlite_state: which updates run or were tried before, and the row of `state`. All of
 * it is in the tables; here it is kept in memory beside them, so that the end of an update asks for
 * nothing. Invariant: after a transaction that failed nothing here is believed; it is read anew,
 * since a commit may have worked that said otherwise. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "queue/store/sqlite_internal.h"

/* ---- what lives ---- */

struct sqlite_live *sqlite_live_known(const struct sqlite *s, int64_t seq)
{
	for (struct map_node *n = map_first(&s->state.live, map_number(seq)); n; n = map_next(n))
		if (container_of(n, struct sqlite_live, node)->id.seq == seq)
			return container_of(n, struct sqlite_live, node);
	return NULL;
}

void sqlite_seen(struct sqlite *s, const struct sqlite_identity *id)
{
	s->state.seen[(uint64_t)id->seq % SQLITE_SEEN] = *id;
}

/* 1, 0: no such update waits, -1. */
static int identify(struct sqlite *s, int64_t seq, struct sqlite_identity *out)
{
	const struct sqlite_identity *seen = &s->state.seen[(uint64_t)seq % SQLITE_SEEN];
	if (seen->seq == seq) {
		*out = *seen;
		return 1;
	}
	sqlite3_stmt *st = SQLITE_BIND(s, S_IDENTITY, seq);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = (struct sqlite_identity){ .seq = seq,
						 .root = sqlite3_column_int64(st, 0),
						 .update_id = sqlite3_column_int64(st, 1),
						 .hash = (uint64_t)sqlite3_column_int64(st, 2) };
	return sqlite3_reset(st) != SQLITE_OK ? -1 : rc == SQLITE_ROW && !sqlite_ended(s, seq);
}

static struct sqlite_live *live_new(struct sqlite *s)
{
	struct map_node *n = s->state.spare;
	if (!n)
		return malloc(sizeof(struct sqlite_live));
	s->state.spare = n->next;
	return container_of(n, struct sqlite_live, node);
}

static void live_free(struct sqlite *s, struct sqlite_live *l)
{
	l->node.next = s->state.spare;
	s->state.spare = &l->node;
}

int sqlite_live_find(struct sqlite *s, int64_t seq, struct sqlite_live **out)
{
	struct sqlite_identity id;
	*out = sqlite_live_known(s, seq);
	if (*out)
		return 1;
	int rc = identify(s, seq, &id);
	if (rc <= 0)
		return rc;
	struct sqlite_live *l = live_new(s);
	if (!l)
		return -1;
	*l = (struct sqlite_live){ .id = id };
	if (map_add(&s->state.live, &l->node, map_number(seq))) {
		live_free(s, l);
		return -1;
	}
	*out = l;
	return 1;
}

static void forget(struct sqlite *s, struct sqlite_live *l)
{
	map_remove(&s->state.live, &l->node);
	live_free(s, l);
}

int sqlite_live_run(struct sqlite *s, struct sqlite_live *l, int64_t first, int64_t due_if_killed)
{
	struct sqlite_state *state = &s->state;
	if (l->running)
		return 0;
	l->running = true;
	l->place = -1;
	l->first = first;
	l->due_if_killed = due_if_killed;
	if (state->run_count == SQLITE_RUNS)
		return sqlite_run(SQLITE_BIND(s, S_RUN, l->id.seq, first, due_if_killed));
	l->place = state->run_count++;
	state->runs[l->place] = (struct sqlite_run){ htole64((uint64_t)l->id.seq),
						     htole64((uint64_t)first),
						     htole64((uint64_t)due_if_killed) };
	return 0;
}

/* Its place goes to the last one. */
static int stop_running(struct sqlite *s, struct sqlite_live *l)
{
	struct sqlite_state *state = &s->state;
	if (!l->running)
		return 0;
	l->running = false;
	if (l->place < 0)
		return sqlite_run(SQLITE_BIND(s, S_RUN_OVER, l->id.seq));
	struct sqlite_run last = state->runs[--state->run_count];
	state->runs[l->place] = last;
	struct sqlite_live *moved = sqlite_live_known(s, (int64_t)le64toh(last.seq));
	if (moved)
		moved->place = l->place;
	return 0;
}

static int forget_tries(struct sqlite *s, struct sqlite_live *l)
{
	if (!l->tried)
		return 0;
	l->tried = l->begun = false;
	l->failures = l->deaths = l->interruptions = 0;
	l->due = 0;
	return sqlite_run(SQLITE_BIND(s, S_TRY_OVER, l->id.seq));
}

int sqlite_live_rest(struct sqlite *s, struct sqlite_live *l)
{
	int rc = stop_running(s, l);
	if (rc == 0 && !l->tried)
		forget(s, l);
	return rc;
}

int sqlite_live_tried(struct sqlite *s, struct sqlite_live *l, const struct store_op *op,
		      bool begun)
{
	if (!begun)
		l->first = 0;
	if (op->failures == 0 && op->deaths == 0 && op->interruptions == 0 && op->due == 0 &&
	    !begun)
		return forget_tries(s, l);
	l->tried = true;
	l->failures = op->failures;
	l->deaths = op->deaths;
	l->interruptions = op->interruptions;
	l->begun = begun;
	l->due = op->due;
	return sqlite_run(SQLITE_BIND(s, S_TRY, l->id.seq, op->failures, op->deaths,
				      op->interruptions, begun, op->due, l->first));
}

int sqlite_live_end(struct sqlite *s, struct sqlite_live *l)
{
	struct sqlite_identity *seen = &s->state.seen[(uint64_t)l->id.seq % SQLITE_SEEN];
	if (seen->seq == l->id.seq)
		seen->seq = 0; /* it waits no longer, though its row may lie */
	int rc = stop_running(s, l) || forget_tries(s, l) ? -1 : 0;
	forget(s, l);
	return rc;
}

/* ---- the row ---- */

int sqlite_state_write(struct sqlite *s)
{
	struct sqlite_state *state = &s->state;
	state->turn++;
	if (sqlite_ended_settle(s))
		return -1;
	sqlite3_stmt *st = SQLITE_BIND(s, S_STATE, s->db.last_seq, state->turn, state->root,
				       state->next, state->highest, s->db.last_call,
				       s->db.last_push, s->db.pushes, state->lying);
	sqlite3_bind_blob(st, 10, state->runs, state->run_count * (int)sizeof state->runs[0],
			  SQLITE_STATIC);
	sqlite3_bind_blob(st, 11, state->finished,
			  state->finished_count * (int)sizeof state->finished[0], SQLITE_STATIC);
	return sqlite_run(st);
}

static void free_chain(struct map_node *n)
{
	for (struct map_node *next; n; n = next) {
		next = n->next;
		free(container_of(n, struct sqlite_live, node));
	}
}

void sqlite_state_release(struct sqlite *s)
{
	struct sqlite_state *state = &s->state;
	for (size_t i = 0; i < state->live.cap; i++)
		free_chain(state->live.slots[i]);
	free_chain(state->spare);
	map_release(&state->live);
	fingerprints_release(&state->known);
	memset(state, 0, sizeof *state);
}

/* A value of the row: as many whole items as there is room for. */
static int take_blob(sqlite3_stmt *st, int column, void *out, size_t item, int most)
{
	const void *blob = sqlite3_column_blob(st, column);
	size_t count = blob ? (size_t)sqlite3_column_bytes(st, column) / item : 0;
	if (count > (size_t)most)
		count = (size_t)most;
	if (count)
		memcpy(out, blob, count * item);
	return (int)count;
}

static int take_row(struct sqlite *s, sqlite3_stmt *st)
{
	struct sqlite_state *state = &s->state;
	s->db.last_seq = sqlite3_column_int64(st, 0);
	state->turn = sqlite3_column_int64(st, 1);
	state->root = sqlite3_column_int64(st, 2);
	state->next = sqlite3_column_int64(st, 3);
	state->highest = sqlite3_column_int64(st, 4);
	s->db.last_call = sqlite3_column_int64(st, 5);
	s->db.last_push = sqlite3_column_int64(st, 6);
	s->db.pushes = sqlite3_column_int64(st, 7);
	state->run_count = take_blob(st, 8, state->runs, sizeof state->runs[0], SQLITE_RUNS);
	state->finished_count = take_blob(st, 9, state->finished, sizeof state->finished[0],
					  SQLITE_FINISHED);
	sqlite_ended_take(s, sqlite3_column_int64(st, 10));
	return 0;
}

static int take_run(struct sqlite *s, sqlite3_stmt *st)
{
	struct sqlite_live *l;
	int rc = sqlite_live_find(s, sqlite3_column_int64(st, 0), &l);
	if (rc == 1) {
		l->running = true;
		l->place = -1;
		l->first = sqlite3_column_int64(st, 1);
		l->due_if_killed = sqlite3_column_int64(st, 2);
	}
	return rc < 0 ? -1 : 0;
}

static int take_try(struct sqlite *s, sqlite3_stmt *st)
{
	struct sqlite_live *l;
	int rc = sqlite_live_find(s, sqlite3_column_int64(st, 0), &l);
	if (rc == 1) {
		l->tried = true;
		l->failures = sqlite3_column_int(st, 1);
		l->deaths = sqlite3_column_int(st, 2);
		l->interruptions = sqlite3_column_int(st, 3);
		l->begun = sqlite3_column_int(st, 4);
		l->due = sqlite3_column_int64(st, 5);
		if (!l->running)
			l->first = sqlite3_column_int64(st, 6);
	}
	return rc < 0 ? -1 : 0;
}

static int each(struct sqlite *s, const char *query, int (*row)(struct sqlite *s, sqlite3_stmt *st))
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db.handle, query, -1, &st, NULL), stop = 0;
	while (rc == SQLITE_OK && !stop && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		stop = row(s, st);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* Those of the row: one whose update is gone gives its place away. */
static int place_runs(struct sqlite *s)
{
	struct sqlite_state *state = &s->state;
	int count = state->run_count;
	state->run_count = 0;
	for (int i = 0; i < count; i++) {
		const struct sqlite_run run = state->runs[i];
		struct sqlite_live *l;
		int rc = sqlite_live_find(s, (int64_t)le64toh(run.seq), &l);
		if (rc == 1)
			rc = sqlite_live_run(s, l, (int64_t)le64toh(run.first),
					     (int64_t)le64toh(run.due));
		if (rc < 0)
			return -1;
	}
	return 0;
}

int sqlite_state_load(struct sqlite *s, struct err *err)
{
	sqlite_state_release(s);
	map_init(&s->state.live);
	fingerprints_init(&s->state.known);
	s->state.blind = true;
	if (each(s,
		 "SELECT last_seq, turn, root, next, highest, last_call, last_push, pushes, runs,"
		 " finished, lying FROM state",
		 take_row) ||
	    place_runs(s) || each(s, "SELECT seq, first, due FROM runs", take_run) ||
	    each(s, "SELECT seq, failures, deaths, interruptions, begun, due, first FROM tries",
		 take_try))
		return sqlite_db_fail(&s->db, err);
	if (sqlite_db_number(&s->db, "SELECT count(*) FROM finished", &s->state.spilled, err))
		return -1;
	s->state.blind = false;
	return 0;
}

int sqlite_state_see(struct sqlite *s, struct err *err)
{
	return s->state.blind ? sqlite_state_load(s, err) : 0;
}
