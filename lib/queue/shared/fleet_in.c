/* queue/shared/fleet_in: batches that come in. Each is kept, as the texts of its statement, until
 * the database has it; so the offset that confirms it is sent only then. Invariant: batches are put
 * in their order, one statement each, all of it or nothing, and only by the machine that asks. */
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/hash.h"
#include "queue/shared/fleet_verbs_internal.h"

enum { AGAIN = 1000 }; /* milliseconds until a put that no standby confirmed is repeated */

/* ---- a batch ---- */

static struct fleet_batch *first(const struct fleet *q)
{
	return list_empty(&q->in.batches)
		       ? NULL
		       : container_of(q->in.batches.next, struct fleet_batch, link);
}

static void batch_free(struct fleet_batch *b)
{
	list_remove(&b->link);
	for (size_t i = 0; i < FLEET_COLUMNS; i++)
		fleet_list_release(&b->columns[i]);
	buf_release(&b->blob);
	free(b->root);
	free(b);
}

void fleet_in_forget(struct fleet *q)
{
	for (struct fleet_batch *b; (b = first(q)) != NULL;)
		batch_free(b);
}

static void add_chat(struct fleet *q, struct fleet_list *l, struct buf *chat,
		     const struct queue_put *p)
{
	buf_clear(chat);
	if (q->config.chat_of && q->config.chat_of(q->config.arg, p->body, p->length, chat))
		l->failed = true;
	else
		fleet_list_keys(l, buf_str(chat), chat->len);
}

/* By what a repeat is recognised. Of what never repeats, that the same batch is put a second time.
 */
static int64_t hash_of(const struct fleet_batch *b, const struct queue_put *p, size_t at)
{
	const int64_t place[] = { b->offset, (int64_t)at };
	return (int64_t)(p->root ? hash_words(p->body, p->length)
				 : hash_bytes(place, sizeof place));
}

static bool add_put(struct fleet *q, struct fleet_batch *b, const struct queue_put *p, size_t at,
		    struct buf *chat)
{
	struct fleet_list *c = b->columns;
	fleet_list_bool(&c[FLEET_HAS], p->has_id);
	fleet_list_number(&c[FLEET_ID], p->update_id);
	fleet_list_number(&c[FLEET_HASH], hash_of(b, p, at));
	fleet_list_text(&c[FLEET_KIND], p->kind);
	fleet_list_keys(&c[FLEET_KEYS], p->keys, strlen(p->keys));
	add_chat(q, &c[FLEET_CHAT], chat, p);
	fleet_list_bool(&c[FLEET_PINNED], false);
	fleet_list_number(&c[FLEET_LANE], p->lane);
	fleet_list_number(&c[FLEET_LENGTH], (int64_t)p->length);
	fleet_list_text(&c[FLEET_REASON], p->dead ? p->dead : "");
	return buf_add(&b->blob, p->body, p->length) == 0;
}

static struct fleet_batch *batch_of(struct fleet *q, const struct queue_put *puts, size_t count,
				    const char *root, int64_t offset)
{
	struct fleet_batch *b = calloc(1, sizeof *b);
	struct buf chat;
	if (!b)
		return NULL;
	list_init(&b->link);
	for (size_t i = 0; i < FLEET_COLUMNS; i++)
		fleet_list_init(&b->columns[i]);
	buf_init(&b->blob, INT32_MAX);
	buf_init(&chat, SIZE_MAX / 4);
	const char *of = count && puts[0].root ? puts[0].root : root;
	bool fine = !of || (b->root = strdup(of));
	b->offset = offset;
	for (size_t i = 0; i < count && fine; i++)
		fine = add_put(q, b, &puts[i], i, &chat);
	for (size_t i = 0; i < FLEET_COLUMNS && fine; i++)
		fine = fleet_list_end(&b->columns[i]) != NULL;
	buf_release(&chat);
	if (!fine)
		batch_free(b);
	return fine ? b : NULL;
}

/* ---- the verbs ---- */

int fleet_put(struct queue *queue, const struct queue_put *puts, size_t count, const char *root,
	      int64_t offset, struct queue_put_result *result, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	struct queue_put_result all = { 0 };
	if (!q->role.polls)
		return err_set(err, ERR_UNAVAILABLE,
			       "another machine of the fleet asks for updates");
	struct fleet_batch *b = batch_of(q, puts, count, root, offset);
	if (!b)
		return err_set(err, ERR_INTERNAL, "out of memory");
	b->confirmed = q->in.confirmed;
	q->in.confirmed = 0;
	list_add_before(&q->in.batches, &b->link);
	for (size_t i = 0; i < count; i++)
		puts[i].dead ? all.dead++ : all.taken++;
	if (result)
		*result = all;
	fleet_soon(q);
	return 0;
}

int fleet_durable(struct queue *queue, bool wait, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	(void)wait;
	if (!q->in.failure.status)
		return !list_empty(&q->in.batches);
	if (err)
		*err = q->in.failure;
	q->in.failure = (struct err){ 0 };
	return -1;
}

void fleet_confirmed(struct queue *queue, const char *root, int64_t offset)
{
	(void)root; /* that of the next batch */
	fleet_of(queue)->in.confirmed = offset;
}

/* ---- the statement ---- */

static bool due(const struct fleet *q)
{
	return q->role.polls && first(q) && fleet_mono(q) >= q->in.again_at;
}

static int make(struct fleet *q, struct fleet_call *c)
{
	struct fleet_batch *b = first(q);
	c->sql = "SELECT * FROM @S@.put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
		 "$14, $15, $16, $17)";
	fleet_call_self(q, c);
	fleet_call_number(c, q->role.epoch);
	fleet_call_text(c, b->root);
	fleet_call_number(c, b->offset);
	fleet_call_number(c, b->confirmed);
	for (size_t i = 0; i < FLEET_COLUMNS; i++)
		fleet_call_text(c, b->columns[i].text.len ? buf_str(&b->columns[i].text) : "{}");
	fleet_call_bytes(c, buf_str(&b->blob), b->blob.len);
	return 0;
}

static void answered(struct fleet *q, const struct fleet_answer *a)
{
	CRASHPOINT("fleet-put-answered");
	/* The commit stands on this server's disk, and perhaps on no other's. */
	if (*fleet_answer_warning(a)) {
		log_paced(q->fleet.log, &q->in.pace, LOG_WARN, LOG_NONE,
			  "the %s warns: %s; what was received is put once more",
			  fleet_db_name(q->db), fleet_answer_warning(a));
		q->in.again_at = fleet_mono(q) + AGAIN;
		return;
	}
	if (first(q))
		batch_free(first(q));
	q->turn.wake = true;
}

const struct fleet_step fleet_in_put = { "put", due, make, answered, NULL };
