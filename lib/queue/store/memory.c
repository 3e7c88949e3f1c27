/* queue/store/memory: the store that keeps nothing after its end (--store memory): the shortest
 * reading of store.h. Updates and dead letters stand in lists in the order of their numbers; tables
 * find them by number, and by id when they come again. What changes them is in memory_apply.c. */
#include <stdlib.h>
#include <string.h>

#include "queue/store/memory_internal.h"

enum { NEAR = 100 };

static int memory_known(struct store *s, const struct store_op *put, struct err *err)
{
	uint64_t hash = memory_id_hash(put->update_id, put->hash);
	(void)err;
	for (struct map_node *n = map_first(&memory_of(s)->by_id, hash); n; n = map_next(n)) {
		const struct memory_row *r = container_of(n, struct memory_row, by_id);
		if (r->update_id == put->update_id && r->hash == put->hash &&
		    strcmp(r->root, put->root) == 0)
			return 1;
	}
	return 0;
}

/* Where a walk over what waits from `from` on may begin: near there, if it goes on where another
 * ended. */
static struct list *start_of(struct memory *m, int64_t from)
{
	for (int64_t seq = from; from > 0 && seq < from + NEAR; seq++) {
		struct memory_row *r = memory_row_waiting(m, seq);
		if (r)
			return &r->link;
	}
	return m->waiting.next;
}

static int memory_load(struct store *s, int64_t from,
		       int (*row)(void *arg, const struct store_row *row), void *arg,
		       struct err *err)
{
	(void)err;
	struct memory *m = memory_of(s);
	for (struct list *at = start_of(m, from); at != &m->waiting; at = at->next) {
		const struct memory_row *r = container_of(at, struct memory_row, link);
		struct store_row give = { .seq = r->seq,
					  .has_id = r->has_id,
					  .update_id = r->update_id,
					  .kind_name = r->kind,
					  .keys = r->keys,
					  .lane = r->lane,
					  .received = r->received,
					  .due = r->due,
					  .failures = r->failures,
					  .deaths = r->deaths,
					  .interruptions = r->interruptions,
					  .again = r->again,
					  .started = r->state == MEMORY_STARTED,
					  .redelivered = r->state != MEMORY_NEW };
		if (r->seq >= from && row(arg, &give))
			return -1;
	}
	return 0;
}

static int memory_sync_fd(struct store *s)
{
	(void)s;
	return -1;
}

static void memory_synced(struct store *s, int64_t seq, bool worked)
{
	(void)s, (void)seq, (void)worked;
}

static int memory_body(struct store *s, int64_t seq, struct buf *out, struct store_facts *facts,
		       struct err *err)
{
	const struct memory_row *r = memory_row_waiting(memory_of(s), seq);
	if (!r)
		return 0;
	buf_clear(out);
	*facts = (struct store_facts){ store_arrived(r->received, r->again), r->first,
				       r->has_id ? r->update_id : 0 };
	return buf_add(out, r->body, r->length) ? err_set(err, ERR_IO, "out of memory") : 1;
}

static int memory_rekey(struct store *s, int64_t seq, const char *keys, unsigned lane,
			struct err *err)
{
	struct memory_row *r = memory_row_waiting(memory_of(s), seq);
	char *copy = NULL;
	if (!r)
		return 0;
	if (memory_copy_text(&copy, keys))
		return err_set(err, ERR_IO, "out of memory");
	if (r->pinned) {
		free(copy);
	} else {
		free(r->other_keys);
		r->keys = r->other_keys = copy;
	}
	r->lane = lane;
	return 0;
}

static int memory_rekey_end(struct store *s, struct err *err)
{
	(void)s, (void)err;
	return 0;
}

static int memory_offset(struct store *s, const char *root, int64_t *offset, bool *found,
			 struct err *err)
{
	const struct memory_named *n = memory_named_find(&memory_of(s)->roots, root);
	(void)err;
	*found = n && n->has_offset;
	*offset = *found ? n->offset : 0;
	return 0;
}

static int64_t memory_last_seq(struct store *s)
{
	return memory_of(s)->last_seq;
}

static int memory_meta(struct store *s, const char *name, struct buf *out, struct err *err)
{
	const struct memory_named *n = memory_named_find(&memory_of(s)->metas, name);
	buf_clear(out);
	return n && buf_adds(out, n->value) ? err_set(err, ERR_IO, "out of memory") : 0;
}

static int memory_dead(struct store *s, int64_t from, bool bodies,
		       int (*letter)(void *arg, const struct store_dead *d), void *arg,
		       struct err *err)
{
	struct memory *m = memory_of(s);
	struct memory_letter *near = memory_letter_find(m, from);
	(void)bodies, (void)err;
	for (struct list *at = near ? &near->link : m->dead.next; at != &m->dead; at = at->next) {
		const struct store_dead *d = &container_of(at, struct memory_letter, link)->dead;
		if (d->number >= from && letter(arg, d))
			return -1;
	}
	return 0;
}

static int memory_stands(struct store *s, struct err *err)
{
	(void)s;
	(void)err;
	return 0;
}

static void memory_files(struct store *s, struct store_files *out)
{
	(void)s;
	*out = (struct store_files){ .fd = { -1, -1 } };
}

static int64_t memory_spare(struct store *s)
{
	(void)s;
	return 0;
}

static int memory_give_back(struct store *s, struct err *err)
{
	(void)s, (void)err;
	return 0;
}

static int64_t memory_dead_count(struct store *s)
{
	return memory_of(s)->dead_count;
}

static void memory_close(struct store *s)
{
	struct memory *m = memory_of(s);
	while (!list_empty(&m->waiting))
		memory_row_drop(m, container_of(m->waiting.next, struct memory_row, link));
	while (!list_empty(&m->done))
		memory_row_drop(m, container_of(m->done.next, struct memory_row, link));
	while (!list_empty(&m->dead))
		memory_letter_drop(m, container_of(m->dead.next, struct memory_letter, link));
	memory_calls_close(m);
	memory_later_close(m);
	struct list *named[] = { &m->metas, &m->roots, &m->lines, &m->moves, &m->jobs };
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
		while (!list_empty(named[i])) {
			struct memory_named *n = container_of(named[i]->next, struct memory_named,
							      link);
			list_remove(&n->link);
			memory_named_free(n);
		}
	map_release(&m->by_seq);
	map_release(&m->by_id);
	map_release(&m->by_letter);
	free(m->made);
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
	.dead_count = memory_dead_count,
	.last_call = memory_last_call,
	.failed_count = memory_failed_count,
	.calls = memory_calls,
	.lines = memory_lines,
	.moves = memory_moves,
	.job = memory_job,
	.jobs = memory_jobs,
	.message = memory_message,
	.last_push = memory_last_push,
	.push_count = memory_push_count,
	.pushes = memory_pushes,
	.next_push = memory_next_push,
	.sync_fd = memory_sync_fd,
	.synced = memory_synced,
	.spare = memory_spare,
	.give_back = memory_give_back,
	.stands = memory_stands,
	.files = memory_files,
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
	struct list *all[] = { &m->waiting, &m->done,   &m->dead,     &m->metas, &m->roots,
			       &m->calls,   &m->failed, &m->messages, &m->lines, &m->moves,
			       &m->jobs,    &m->later,  &m->due[0],   &m->due[1] };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		list_init(all[i]);
	return &m->store;
}
