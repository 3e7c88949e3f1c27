/* queue/store/memory_apply: how the memory store changes. A list of operations comes in; all that
 * may fail of it (memory) is done before the first of them is carried out, so it is carried out
 * whole or not at all. Invariant: a row is in the table by number and in one of two lists, waiting
 * or done; what may come again is in the table by id, too. */
#include <stdlib.h>
#include <string.h>

#include "queue/store/memory_internal.h"

static void memory_row_free(struct memory_row *r)
{
	if (!r)
		return;
	free(r->other_keys);
	free(r);
}

static struct memory_row *memory_row_find(struct memory *m, int64_t seq)
{
	for (struct map_node *n = map_first(&m->by_seq, map_number(seq)); n; n = map_next(n))
		if (container_of(n, struct memory_row, by_seq)->seq == seq)
			return container_of(n, struct memory_row, by_seq);
	return NULL;
}

struct memory_row *memory_row_waiting(struct memory *m, int64_t seq)
{
	struct memory_row *r = memory_row_find(m, seq);
	return r && r->state != MEMORY_DONE ? r : NULL;
}

struct memory_letter *memory_letter_find(struct memory *m, int64_t number)
{
	for (struct map_node *n = map_first(&m->by_letter, map_number(number)); n;
	     n = map_next(n)) {
		struct memory_letter *l = container_of(n, struct memory_letter, by_number);
		/* One that is being made has its place in the table and none in the list yet. */
		if (l->dead.number == number && !list_empty(&l->link))
			return l;
	}
	return NULL;
}

uint64_t memory_id_hash(int64_t update_id, uint64_t hash)
{
	return map_number(update_id) ^ hash;
}

void memory_row_drop(struct memory *m, struct memory_row *r)
{
	list_remove(&r->link);
	map_remove(&m->by_seq, &r->by_seq);
	if (r->repeats)
		map_remove(&m->by_id, &r->by_id);
	memory_row_free(r);
}

/* It waits no longer; what recognises its repeat stays while the source may send it again. */
static void memory_row_finish(struct memory *m, struct memory_row *r)
{
	struct memory_named *root = r->root ? memory_named_find(&m->roots, r->root) : NULL;
	if (!r->repeats ||
	    (root && r->update_id < root->confirmed && r->seq <= root->confirmed_seq)) {
		memory_row_drop(m, r);
		return;
	}
	r->state = MEMORY_DONE;
	list_remove(&r->link);
	list_add_before(&m->done, &r->link);
}

/* Bytes into a block, at *at and on, with a NUL behind. */
static const char *put(char **at, const char *bytes, size_t n)
{
	char *here = *at;
	memcpy(here, bytes, n);
	here[n] = '\0';
	*at += n + 1;
	return here;
}

static struct memory_row *make_row(const struct store_op *op)
{
	size_t root = op->root ? strlen(op->root) : 0, kind = strlen(op->kind_name);
	size_t keys = strlen(op->keys);
	struct memory_row *r = malloc(sizeof *r + root + kind + keys + op->body_length + 4);
	if (!r)
		return NULL;
	char *at = r->bytes;
	*r = (struct memory_row){
		.seq = op->seq,
		.has_id = op->has_id,
		.update_id = op->update_id,
		.hash = op->hash,
		.received = op->received,
		.again = op->again,
		.pinned = op->pinned,
		.lane = op->lane,
		.root = op->root ? put(&at, op->root, root) : NULL,
	};
	list_init(&r->link);
	r->kind = put(&at, op->kind_name, kind);
	r->keys = put(&at, op->keys, keys);
	r->body = put(&at, op->body, op->body_length);
	r->length = op->body_length;
	return r;
}

/* The letter of the update `r`, which may wait no more, as by a list that is carried out twice. */
static struct memory_letter *make_letter(const struct store_op *op, const struct memory_row *r)
{
	static const struct memory_row none = { .kind = "", .keys = "", .body = "" };
	r = r ? r : &none;
	const char *last = op->last_stderr ? op->last_stderr : "";
	size_t reason = strlen(op->reason), last_length = strlen(last);
	size_t kind = strlen(r->kind), keys = strlen(r->keys);
	struct memory_letter *l = malloc(sizeof *l + reason + last_length + kind + keys +
					 r->length + 5);
	if (!l)
		return NULL;
	char *at = l->bytes;
	list_init(&l->link);
	l->dead = (struct store_dead){ .number = op->seq,
				       .has_id = r->has_id,
				       .update_id = r->update_id,
				       .received = r->received,
				       .pinned = r->pinned,
				       .kind_name = put(&at, r->kind, kind),
				       .keys = put(&at, r->keys, keys),
				       .reason = put(&at, op->reason, reason),
				       .last_stderr = put(&at, last, last_length),
				       .attempts = op->failures + op->deaths + op->interruptions,
				       .died = op->now,
				       .body = put(&at, r->body, r->length),
				       .body_length = r->length };
	return l;
}

/* Makes what `op` needs, and a place in the tables for a new row. */
static int prepare(struct memory *m, const struct store_op *op, struct memory_made *made)
{
	switch (op->kind) {
	case STORE_PUT:
		if (memory_row_find(m, op->seq))
			return 0;
		made->row = make_row(op);
		if (!made->row || map_add(&m->by_seq, &made->row->by_seq, map_number(op->seq))) {
			memory_row_free(made->row);
			made->row = NULL;
			return -1;
		}
		if (op->root && op->has_id) {
			if (map_add(&m->by_id, &made->row->by_id,
				    memory_id_hash(op->update_id, op->hash)))
				return -1;
			made->row->repeats = true;
		}
		return 0;
	case STORE_DEAD:
		made->letter = make_letter(op, memory_row_waiting(m, op->seq));
		if (!made->letter ||
		    map_add(&m->by_letter, &made->letter->by_number, map_number(op->seq))) {
			free(made->letter);
			made->letter = NULL;
			return -1;
		}
		return 0;
	case STORE_OFFSET:
	case STORE_CONFIRMED:
		return (made->named = memory_named_make(op->root, "")) ? 0 : -1;
	case STORE_META:
		return (made->named = memory_named_make(op->kind_name, op->keys)) ? 0 : -1;
	case STORE_START:
	case STORE_STOPPED:
	case STORE_RETRY:
	case STORE_DONE:
	case STORE_DEAD_RETRY:
	case STORE_DEAD_DROP:
		break;
	case STORE_PUSH:
	case STORE_PUSH_GONE:
		return memory_later_prepare(m, op, made);
	default:
		return memory_calls_prepare(m, op, made);
	}
	return 0;
}

static void bury(struct memory *m, struct memory_row *r, struct memory_letter *l)
{
	struct list *at = m->dead.prev;
	while (at != &m->dead &&
	       container_of(at, struct memory_letter, link)->dead.number > l->dead.number)
		at = at->prev;
	list_add_before(at->next, &l->link);
	m->dead_count++;
	memory_row_finish(m, r);
}

void memory_letter_drop(struct memory *m, struct memory_letter *l)
{
	list_remove(&l->link);
	map_remove(&m->by_letter, &l->by_number);
	free(l);
	m->dead_count--;
}

static void confirmed(struct memory *m, const struct store_op *op, struct memory_named *root)
{
	root->confirmed = op->offset;
	root->confirmed_seq = op->seq;
	for (struct list *at = m->done.next, *next; at != &m->done; at = next) {
		struct memory_row *r = container_of(at, struct memory_row, link);
		next = at->next;
		if (r->update_id < op->offset && r->seq <= op->seq &&
		    strcmp(r->root, op->root) == 0)
			memory_row_drop(m, r);
	}
}

static void carry_out(struct memory *m, const struct store_op *op, struct memory_made *made)
{
	struct memory_row *r = op->kind == STORE_PUT ? NULL : memory_row_waiting(m, op->seq);
	struct memory_named *n;
	struct memory_letter *l;
	switch (op->kind) {
	case STORE_PUT:
		if (made->row)
			list_add_before(&m->waiting, &made->row->link);
		made->row = NULL;
		m->last_seq = op->seq > m->last_seq ? op->seq : m->last_seq;
		break;
	case STORE_START:
	case STORE_STOPPED:
	case STORE_RETRY:
		if (!r)
			break;
		r->failures = op->failures;
		r->deaths = op->deaths;
		r->interruptions = op->interruptions;
		r->due = op->due;
		if (op->kind == STORE_START)
			r->first = op->first;
		else if (op->kind == STORE_STOPPED && !op->begun)
			r->first = 0;
		r->state = op->kind == STORE_START                ? MEMORY_STARTED
			   : op->kind == STORE_RETRY || op->begun ? MEMORY_BEGUN
								  : MEMORY_NEW;
		break;
	case STORE_DONE:
		if (r)
			memory_row_finish(m, r);
		break;
	case STORE_DEAD:
		if (r) {
			bury(m, r, made->letter);
			made->letter = NULL;
		}
		break;
	case STORE_OFFSET:
		n = memory_named_settle(&m->roots, &made->named);
		n->offset = op->offset;
		n->has_offset = true;
		break;
	case STORE_CONFIRMED:
		confirmed(m, op, memory_named_settle(&m->roots, &made->named));
		break;
	case STORE_META:
		n = memory_named_find(&m->metas, op->kind_name);
		if (n) {
			list_remove(&n->link);
			memory_named_free(n);
		}
		memory_named_settle(&m->metas, &made->named);
		break;
	case STORE_DEAD_RETRY:
	case STORE_DEAD_DROP:
		l = memory_letter_find(m, op->seq);
		if (l)
			memory_letter_drop(m, l);
		break;
	case STORE_PUSH:
	case STORE_PUSH_GONE:
		memory_later_carry_out(m, op, made);
		break;
	default:
		memory_calls_carry_out(m, op, made);
		break;
	}
}

/* Frees what was made and not used; rows leave the tables again. */
static void made_free(struct memory *m, struct memory_made *made, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (made[i].row)
			memory_row_drop(m, made[i].row);
		if (made[i].letter)
			map_remove(&m->by_letter, &made[i].letter->by_number);
		free(made[i].letter);
		memory_named_free(made[i].named);
		memory_later_unmake(m, &made[i]);
		memory_calls_unmake(m, &made[i]);
	}
}

/* Room for what so many operations need. */
static int reserve(struct memory *m, size_t count)
{
	if (count <= m->made_room)
		return 0;
	struct memory_made *made = reallocarray(m->made, count, sizeof *made);
	if (!made)
		return -1;
	m->made = made;
	m->made_room = count;
	return 0;
}

int memory_apply(struct store *s, const struct store_op *ops, size_t count, bool sync,
		 struct err *err)
{
	struct memory *m = memory_of(s);
	int rc = reserve(m, count);
	size_t n = 0;
	(void)sync;
	for (; n < count && rc == 0; n++) {
		m->made[n] = (struct memory_made){ 0 };
		rc = prepare(m, &ops[n], &m->made[n]);
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		carry_out(m, &ops[i], &m->made[i]);
	made_free(m, m->made, n);
	return rc ? err_set(err, ERR_IO, "out of memory") : 0;
}
