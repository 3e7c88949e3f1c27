/* queue/memory: the store that keeps nothing after its end (--store memory): the shortest reading of store.h. Updates and
 * dead letters stand in lists in the order of their numbers, and in a table by number; ids are found in another table.
 * All that may fail of a list of operations (memory) is done before the first of them is carried out. */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "queue/store.h"

enum state { NEW, STARTED, BEGUN, DONE };

/* An update; one that is done only recognises its repeat. */
struct row {
	struct list link;          /* in waiting, or done */
	struct map_node by_seq, by_id;
	int64_t seq, update_id, received, due;
	uint64_t hash;
	int failures, deaths;
	enum state state;
	bool has_id, ageless, repeats; /* repeats: by_id is in its table */
	char *root, *kind, *keys, *body; /* root NULL: never repeats */
	size_t length;
};

struct letter {
	struct list link;
	struct store_dead dead; /* its strings are owned */
};

struct named { /* a meta value, or the offset of a root */
	struct list link;
	char *name, *value;
	bool has_offset;
	int64_t offset, confirmed, confirmed_seq;
};

struct memory {
	struct store store;
	struct map by_seq, by_id;
	struct list waiting, done, dead, metas, roots;
	int64_t last_seq, dead_count;
};

static struct memory *mine(struct store *s)
{
	return container_of(s, struct memory, store);
}

static void row_free(struct row *r)
{
	if (!r)
		return;
	free(r->root);
	free(r->kind);
	free(r->keys);
	free(r->body);
	free(r);
}

static void letter_free(struct letter *l)
{
	if (!l)
		return;
	free((char *)l->dead.kind_name);
	free((char *)l->dead.keys);
	free((char *)l->dead.reason);
	free((char *)l->dead.last_stderr);
	free((char *)l->dead.body);
	free(l);
}

static void named_free(struct named *n)
{
	if (!n)
		return;
	free(n->name);
	free(n->value);
	free(n);
}

static struct row *row_find(struct memory *m, int64_t seq)
{
	for (struct map_node *n = map_first(&m->by_seq, map_number(seq)); n; n = map_next(n))
		if (container_of(n, struct row, by_seq)->seq == seq)
			return container_of(n, struct row, by_seq);
	return NULL;
}

static struct row *row_waiting(struct memory *m, int64_t seq)
{
	struct row *r = row_find(m, seq);
	return r && r->state != DONE ? r : NULL;
}

static struct letter *letter_find(struct memory *m, int64_t number)
{
	for (struct list *at = m->dead.next; at != &m->dead; at = at->next)
		if (container_of(at, struct letter, link)->dead.number == number)
			return container_of(at, struct letter, link);
	return NULL;
}

static struct named *named_find(const struct list *l, const char *name)
{
	for (struct list *at = l->next; at != l; at = at->next)
		if (strcmp(container_of(at, struct named, link)->name, name) == 0)
			return container_of(at, struct named, link);
	return NULL;
}

static uint64_t id_hash(int64_t update_id, uint64_t hash)
{
	return map_number(update_id) ^ hash;
}

static void row_drop(struct memory *m, struct row *r)
{
	list_remove(&r->link);
	map_remove(&m->by_seq, &r->by_seq);
	if (r->repeats)
		map_remove(&m->by_id, &r->by_id);
	row_free(r);
}

/* It waits no longer; what recognises its repeat stays while the source may send it again. */
static void row_finish(struct memory *m, struct row *r)
{
	struct named *root = r->root ? named_find(&m->roots, r->root) : NULL;
	if (!r->repeats || (root && r->update_id < root->confirmed && r->seq <= root->confirmed_seq)) {
		row_drop(m, r);
		return;
	}
	r->state = DONE;
	free(r->body);
	r->body = NULL;
	list_remove(&r->link);
	list_add_before(&m->done, &r->link);
}

/* What an operation needs, made beforehand: a row of PUT, a letter of DEAD, a name and value. */
struct made {
	struct row *row;
	struct letter *letter;
	struct named *named;
};

static int copy_text(char **out, const char *text)
{
	*out = strdup(text ? text : "");
	return *out ? 0 : -1;
}

static struct row *make_row(const struct store_op *op)
{
	struct row *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	list_init(&r->link);
	r->seq = op->seq;
	r->has_id = op->has_id;
	r->update_id = op->update_id;
	r->hash = op->hash;
	r->received = op->received;
	r->ageless = op->ageless;
	r->length = op->body_length;
	r->body = malloc(op->body_length + 1);
	if (!r->body || copy_text(&r->kind, op->kind_name) || copy_text(&r->keys, op->keys) ||
	    (op->root && copy_text(&r->root, op->root))) {
		row_free(r);
		return NULL;
	}
	memcpy(r->body, op->body, op->body_length);
	r->body[op->body_length] = '\0';
	return r;
}

static struct letter *make_letter(const struct store_op *op)
{
	struct letter *l = calloc(1, sizeof *l);
	char *reason = NULL, *last = NULL;
	if (!l || copy_text(&reason, op->reason) || copy_text(&last, op->last_stderr)) {
		free(reason);
		free(l);
		return NULL;
	}
	list_init(&l->link);
	l->dead = (struct store_dead){ .number = op->seq, .reason = reason, .last_stderr = last,
				       .attempts = op->failures + op->deaths, .died = op->now };
	return l;
}

static struct named *make_named(const char *name, const char *value)
{
	struct named *n = calloc(1, sizeof *n);
	if (!n || copy_text(&n->name, name) || copy_text(&n->value, value)) {
		named_free(n);
		return NULL;
	}
	list_init(&n->link);
	return n;
}

/* Makes what `op` needs, and a place in the tables for a new row. */
static int prepare(struct memory *m, const struct store_op *op, struct made *made)
{
	switch (op->kind) {
	case STORE_PUT:
		if (row_find(m, op->seq))
			return 0;
		made->row = make_row(op);
		if (!made->row || map_add(&m->by_seq, &made->row->by_seq, map_number(op->seq))) {
			row_free(made->row);
			made->row = NULL;
			return -1;
		}
		if (op->root && op->has_id) {
			if (map_add(&m->by_id, &made->row->by_id, id_hash(op->update_id, op->hash)))
				return -1;
			made->row->repeats = true;
		}
		return 0;
	case STORE_DEAD:
		return (made->letter = make_letter(op)) ? 0 : -1;
	case STORE_OFFSET:
	case STORE_CONFIRMED:
		return (made->named = make_named(op->root, "")) ? 0 : -1;
	case STORE_META:
		return (made->named = make_named(op->kind_name, op->keys)) ? 0 : -1;
	case STORE_START:
	case STORE_STOPPED:
	case STORE_RETRY:
	case STORE_DONE:
	case STORE_DEAD_RETRY:
	case STORE_DEAD_DROP:
		break;
	}
	return 0;
}

static void bury(struct memory *m, struct row *r, struct letter *l)
{
	struct store_dead *d = &l->dead;
	d->has_id = r->has_id;
	d->update_id = r->update_id;
	d->received = r->received;
	d->kind_name = r->kind;
	d->keys = r->keys;
	d->body = r->body;
	d->body_length = r->length;
	r->kind = r->keys = r->body = NULL;
	struct list *at = m->dead.prev;
	while (at != &m->dead && container_of(at, struct letter, link)->dead.number > d->number)
		at = at->prev;
	list_add_before(at->next, &l->link);
	m->dead_count++;
	row_finish(m, r);
}

static void letter_drop(struct memory *m, struct letter *l)
{
	list_remove(&l->link);
	letter_free(l);
	m->dead_count--;
}

/* The named value to change: the one that is there, or else the new one, which then belongs to the list. */
static struct named *settle_named(struct list *l, struct made *made)
{
	struct named *n = named_find(l, made->named->name);
	if (n)
		return n;
	n = made->named;
	made->named = NULL;
	list_add_before(l, &n->link);
	return n;
}

static void confirmed(struct memory *m, const struct store_op *op, struct named *root)
{
	root->confirmed = op->offset;
	root->confirmed_seq = op->seq;
	for (struct list *at = m->done.next, *next; at != &m->done; at = next) {
		struct row *r = container_of(at, struct row, link);
		next = at->next;
		if (r->update_id < op->offset && r->seq <= op->seq && strcmp(r->root, op->root) == 0)
			row_drop(m, r);
	}
}

static void carry_out(struct memory *m, const struct store_op *op, struct made *made)
{
	struct row *r = row_waiting(m, op->seq);
	struct named *n;
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
		r->due = op->kind == STORE_RETRY ? op->due : r->due;
		r->state = op->kind == STORE_START ? STARTED : op->kind == STORE_RETRY || op->begun ? BEGUN : NEW;
		break;
	case STORE_DONE:
		if (r)
			row_finish(m, r);
		break;
	case STORE_DEAD:
		if (r) {
			bury(m, r, made->letter);
			made->letter = NULL;
		}
		break;
	case STORE_OFFSET:
		n = settle_named(&m->roots, made);
		n->offset = op->offset;
		n->has_offset = true;
		break;
	case STORE_CONFIRMED:
		confirmed(m, op, settle_named(&m->roots, made));
		break;
	case STORE_META:
		n = named_find(&m->metas, op->kind_name);
		if (n) {
			list_remove(&n->link);
			named_free(n);
		}
		settle_named(&m->metas, made);
		break;
	case STORE_DEAD_RETRY:
	case STORE_DEAD_DROP:
		if (letter_find(m, op->seq))
			letter_drop(m, letter_find(m, op->seq));
		break;
	}
}

/* Frees what was made and not used; rows leave the tables again. */
static void made_free(struct memory *m, struct made *made, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (made[i].row)
			row_drop(m, made[i].row);
		letter_free(made[i].letter);
		named_free(made[i].named);
	}
	free(made);
}

static int memory_apply(struct store *s, const struct store_op *ops, size_t count, bool sync, struct err *err)
{
	struct memory *m = mine(s);
	struct made *made = calloc(count + 1, sizeof *made);
	int rc = made ? 0 : -1;
	(void)sync;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = prepare(m, &ops[i], &made[i]);
	for (size_t i = 0; i < count && rc == 0; i++)
		carry_out(m, &ops[i], &made[i]);
	if (made)
		made_free(m, made, count);
	return rc ? err_set(err, ERR_IO, "out of memory") : 0;
}

static int memory_known(struct store *s, const char *root, int64_t update_id, uint64_t hash, struct err *err)
{
	(void)err;
	for (struct map_node *n = map_first(&mine(s)->by_id, id_hash(update_id, hash)); n; n = map_next(n)) {
		const struct row *r = container_of(n, struct row, by_id);
		if (r->update_id == update_id && r->hash == hash && strcmp(r->root, root) == 0)
			return 1;
	}
	return 0;
}

static int memory_load(struct store *s, int64_t from, int (*row)(void *arg, const struct store_row *row), void *arg,
		       struct err *err)
{
	(void)err;
	struct memory *m = mine(s);
	for (struct list *at = m->waiting.next; at != &m->waiting; at = at->next) {
		const struct row *r = container_of(at, struct row, link);
		struct store_row give = { .seq = r->seq, .kind_name = r->kind, .keys = r->keys, .received = r->received,
					  .due = r->due, .failures = r->failures, .deaths = r->deaths,
					  .ageless = r->ageless, .started = r->state == STARTED,
					  .redelivered = r->state != NEW };
		if (r->seq >= from && row(arg, &give))
			return -1;
	}
	return 0;
}

static int memory_body(struct store *s, int64_t seq, struct buf *out, int64_t *received, struct err *err)
{
	const struct row *r = row_waiting(mine(s), seq);
	if (!r)
		return 0;
	buf_clear(out);
	*received = r->received;
	return buf_add(out, r->body, r->length) ? err_set(err, ERR_IO, "out of memory") : 1;
}

static int memory_rekey(struct store *s, int64_t seq, const char *keys, struct err *err)
{
	struct row *r = row_waiting(mine(s), seq);
	char *copy = NULL;
	if (!r)
		return 0;
	if (copy_text(&copy, keys))
		return err_set(err, ERR_IO, "out of memory");
	free(r->keys);
	r->keys = copy;
	return 0;
}

static int memory_rekey_end(struct store *s, struct err *err)
{
	(void)s, (void)err;
	return 0;
}

static int memory_offset(struct store *s, const char *root, int64_t *offset, bool *found, struct err *err)
{
	const struct named *n = named_find(&mine(s)->roots, root);
	(void)err;
	*found = n && n->has_offset;
	*offset = *found ? n->offset : 0;
	return 0;
}

static int64_t memory_last_seq(struct store *s)
{
	return mine(s)->last_seq;
}

static int memory_meta(struct store *s, const char *name, struct buf *out, struct err *err)
{
	const struct named *n = named_find(&mine(s)->metas, name);
	buf_clear(out);
	return n && buf_adds(out, n->value) ? err_set(err, ERR_IO, "out of memory") : 0;
}

static int memory_dead(struct store *s, int64_t number, int (*letter)(void *arg, const struct store_dead *d), void *arg,
		       struct err *err)
{
	struct memory *m = mine(s);
	(void)err;
	for (struct list *at = m->dead.next; at != &m->dead; at = at->next) {
		const struct store_dead *d = &container_of(at, struct letter, link)->dead;
		if ((number == 0 || d->number == number) && letter(arg, d))
			return -1;
	}
	return 0;
}

static int memory_dead_trim(struct store *s, int64_t keep, int64_t before, int64_t *dropped, struct err *err)
{
	struct memory *m = mine(s);
	int64_t had = m->dead_count, past = keep < 0 ? 0 : had - keep;
	(void)err;
	for (struct list *at = m->dead.next, *next; at != &m->dead; at = next, past--) {
		struct letter *l = container_of(at, struct letter, link);
		next = at->next;
		if (past > 0 || l->dead.died < before)
			letter_drop(m, l);
	}
	*dropped = had - m->dead_count;
	return 0;
}

static int64_t memory_dead_count(struct store *s)
{
	return mine(s)->dead_count;
}

static void memory_close(struct store *s)
{
	struct memory *m = mine(s);
	while (!list_empty(&m->waiting))
		row_drop(m, container_of(m->waiting.next, struct row, link));
	while (!list_empty(&m->done))
		row_drop(m, container_of(m->done.next, struct row, link));
	while (!list_empty(&m->dead))
		letter_drop(m, container_of(m->dead.next, struct letter, link));
	struct list *both[] = { &m->metas, &m->roots };
	for (int i = 0; i < 2; i++)
		while (!list_empty(both[i])) {
			struct named *n = container_of(both[i]->next, struct named, link);
			list_remove(&n->link);
			named_free(n);
		}
	map_release(&m->by_seq);
	map_release(&m->by_id);
	free(m);
}

static const struct store_ops memory_ops = {
	.apply = memory_apply,
	.known = memory_known,
	.load = memory_load,
	.body = memory_body,
	.rekey = memory_rekey,
	.rekey_end = memory_rekey_end,
	.offset = memory_offset,
	.last_seq = memory_last_seq,
	.meta = memory_meta,
	.dead = memory_dead,
	.dead_trim = memory_dead_trim,
	.dead_count = memory_dead_count,
	.close = memory_close,
};

struct store *memory_open(struct err *err)
{
	struct memory *m = calloc(1, sizeof *m);
	if (!m) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	m->store.ops = &memory_ops;
	struct list *all[] = { &m->waiting, &m->done, &m->dead, &m->metas, &m->roots };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		list_init(all[i]);
	return &m->store;
}
