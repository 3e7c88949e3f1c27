/* queue/store/sqlite_known: which updates have ended, and which of those and of the waiting ones
 * the server may still repeat. Ends come in, and what the server confirmed; whether an update is
 * known goes out.
 *
 * What ends is noted in the row of `state`, which its transaction writes anyway. Its row in
 * `updates` lies there until many go at once: until the server has confirmed them, or there is no
 * room to note more. Invariant: those that lie are the last ones of the list, `state.lying` of
 * them, and to all others they do not exist. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "queue/store/sqlite_internal.h"

/* What lies, and is remembered for nothing else: as many are waited for. */
enum { LYING_ALONE = 16 };

static uint64_t fingerprint(int64_t root, int64_t update_id, uint64_t hash)
{
	return hash ^ map_number(update_id) ^ map_number(~root);
}

static void unbuild(struct sqlite *s)
{
	fingerprints_release(&s->state.known);
	s->state.known_built = false;
}

static void drop(struct sqlite *s, int64_t root, int64_t update_id, uint64_t hash)
{
	struct sqlite_state *state = &s->state;
	if (!state->known_built)
		return;
	fingerprints_remove(&state->known, fingerprint(root, update_id, hash));
	if (state->known.count)
		return;
	/* Nothing can be repeated: the next id is higher than all again, whatever it is. */
	state->highest = -1;
	unbuild(s);
}

void sqlite_known_add(struct sqlite *s, const struct sqlite_identity *id)
{
	struct sqlite_state *state = &s->state;
	if (id->root == 0)
		return;
	if (id->update_id > state->highest)
		state->highest = id->update_id;
	if (state->known_built &&
	    fingerprints_add(&state->known, fingerprint(id->root, id->update_id, id->hash)))
		unbuild(s); /* it is built again from the tables when it is asked */
}

static int spill(struct sqlite *s, int64_t root, int64_t update_id, uint64_t hash, int64_t seq)
{
	s->state.spilled++;
	return sqlite_run(SQLITE_BIND(s, S_SPILL, root, update_id, (int64_t)hash, seq,
				      (int64_t)time(NULL) * 1000));
}

/* ---- what lies ---- */

/* A root that is none: the update is not remembered, its row only lies. */
enum { NO_ROOT = 0 };

static int64_t seq_of(const struct sqlite_finished *f)
{
	return (int64_t)le64toh(f->seq);
}

static struct sqlite_finished *lying(struct sqlite_state *state)
{
	return state->finished + state->finished_count - state->lying;
}

bool sqlite_ended(struct sqlite *s, int64_t seq)
{
	const struct sqlite_finished *f = lying(&s->state);
	for (int i = 0; i < s->state.lying; i++)
		if (seq_of(&f[i]) == seq)
			return true;
	return false;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* Deletes rows, whose numbers rise: all rows at once where there are no others. */
static int delete_rows(struct sqlite *s, const int64_t *seqs, int count)
{
	int64_t first = seqs[0], last = seqs[count - 1], others = 1;
	if (last - first == count - 1 &&
	    sqlite_number(SQLITE_BIND(s, S_OTHERS, first, last), &others) < 0)
		return -1;
	if (!others)
		return sqlite_run(s->statements[S_FORGET_ALL]);
	for (int i = 0, n; i < count; i += n) {
		for (n = 1; i + n < count && seqs[i + n] == seqs[i] + n; n++)
			;
		if (sqlite_run(n == 1 ? SQLITE_BIND(s, S_FORGET, seqs[i])
				      : SQLITE_BIND(s, S_FORGET_SOME, seqs[i], seqs[i + n - 1])))
			return -1;
	}
	return 0;
}

/* What lies goes, and with it those of the list that are remembered for nothing else. */
static int take_away(struct sqlite *s)
{
	struct sqlite_state *state = &s->state;
	struct sqlite_finished *f = lying(state);
	int64_t seqs[SQLITE_FINISHED];
	int count = state->lying, kept = 0;
	if (count == 0)
		return 0;
	for (int i = 0; i < count; i++)
		seqs[i] = seq_of(&f[i]);
	qsort(seqs, (size_t)count, sizeof seqs[0], by_number);
	if (delete_rows(s, seqs, count))
		return -1;
	for (int i = 0; i < count; i++)
		if (f[i].root != NO_ROOT)
			f[kept++] = f[i];
	state->finished_count -= count - kept;
	state->lying = state->lying_alone = 0;
	return 0;
}

int sqlite_ended_settle(struct sqlite *s)
{
	return s->state.lying_alone < LYING_ALONE ? 0 : take_away(s);
}

void sqlite_ended_take(struct sqlite *s, int64_t count)
{
	struct sqlite_state *state = &s->state;
	state->lying = count < 0                       ? 0
		       : count > state->finished_count ? state->finished_count
						       : (int)count;
	const struct sqlite_finished *f = lying(state);
	state->lying_alone = 0;
	for (int i = 0; i < state->lying; i++)
		state->lying_alone += f[i].root == NO_ROOT;
}

static bool is_confirmed(const struct sqlite *s, const struct sqlite_identity *id)
{
	const struct sqlite_root *r = s->roots;
	while (r && r->id != id->root)
		r = r->next;
	return r && id->update_id < r->confirmed && id->seq <= r->up_to;
}

int sqlite_known_finish(struct sqlite *s, const struct sqlite_identity *id)
{
	struct sqlite_state *state = &s->state;
	bool remembered = id->root != NO_ROOT && !is_confirmed(s, id);
	if (id->root != NO_ROOT && !remembered)
		drop(s, id->root, id->update_id, id->hash);
	if (state->finished_count == SQLITE_FINISHED && take_away(s))
		return -1;
	if (state->finished_count == SQLITE_FINISHED)
		return sqlite_run(SQLITE_BIND(s, S_FORGET, id->seq)) ||
				       (remembered &&
					spill(s, id->root, id->update_id, id->hash, id->seq))
			       ? -1
			       : 0;
	struct sqlite_finished f = { .seq = htole64((uint64_t)id->seq) };
	if (remembered) {
		f.update_id = htole64((uint64_t)id->update_id);
		f.hash = htole64(id->hash);
		f.root = htole64((uint64_t)id->root);
	}
	state->finished[state->finished_count++] = f;
	state->lying++;
	state->lying_alone += !remembered;
	return 0;
}

/* ---- what may be repeated ---- */

/* Those below the offset go. One with a higher id, of an update that had arrived before, stays for
 * longer (the server began its ids anew): it makes room in the row. */
int sqlite_known_confirm(struct sqlite *s, const struct sqlite_root *root)
{
	struct sqlite_state *state = &s->state;
	int kept = 0, rc = take_away(s);
	for (int i = 0; i < state->finished_count && rc == 0; i++) {
		const struct sqlite_finished f = state->finished[i];
		int64_t id = (int64_t)le64toh(f.update_id), seq = seq_of(&f);
		if ((int64_t)le64toh(f.root) != root->id || seq > root->up_to)
			state->finished[kept++] = f;
		else if (id < root->confirmed)
			drop(s, root->id, id, le64toh(f.hash));
		else
			rc = spill(s, root->id, id, le64toh(f.hash), seq);
	}
	if (rc)
		return -1;
	state->finished_count = kept;
	if (state->spilled == 0)
		return 0;
	if (sqlite_run(SQLITE_BIND(s, S_CONFIRMED, root->id, root->confirmed, root->up_to)))
		return -1;
	int gone = sqlite3_changes(s->db.handle);
	state->spilled -= gone;
	if (gone)
		unbuild(s);
	return 0;
}

/* Of all that waits and all that is finished. It is asked for seldom: ids rise. */
static int build(struct sqlite *s)
{
	struct sqlite_state *state = &s->state;
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		s->db.handle,
		"SELECT root, update_id, hash, seq FROM updates WHERE root <> 0 UNION ALL"
		" SELECT root, update_id, hash, 0 FROM finished",
		-1, &st, NULL);
	int full = 0;
	while (rc == SQLITE_OK || (rc == SQLITE_ROW && !full)) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && !sqlite_ended(s, sqlite3_column_int64(st, 3)))
			full = fingerprints_add(&state->known,
						fingerprint(sqlite3_column_int64(st, 0),
							    sqlite3_column_int64(st, 1),
							    (uint64_t)sqlite3_column_int64(st, 2)));
	}
	sqlite3_finalize(st);
	for (int i = 0; i < state->finished_count && !full; i++) {
		const struct sqlite_finished *f = &state->finished[i];
		if (f->root != NO_ROOT)
			full = fingerprints_add(&state->known,
						fingerprint((int64_t)le64toh(f->root),
							    (int64_t)le64toh(f->update_id),
							    le64toh(f->hash)));
	}
	state->known_built = rc == SQLITE_DONE && !full;
	if (!state->known_built)
		fingerprints_release(&state->known);
	return state->known_built ? 0 : -1;
}

int sqlite_known_find(struct sqlite *s, const struct sqlite_identity *id)
{
	struct sqlite_state *state = &s->state;
	if (id->update_id > state->highest)
		return 0;
	if (!state->known_built && build(s))
		return -1;
	return fingerprints_has(&state->known, fingerprint(id->root, id->update_id, id->hash));
}
