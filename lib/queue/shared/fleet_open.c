/* queue/shared/fleet_open: the start and the end of the shared queue, and the table of its verbs. A
 * URL and the rules of this machine come in; the database is asked once whether it takes this
 * program, and after that everything goes on by events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/shared/fleet_verbs_internal.h"

enum { LOOK_PATIENCE = 5000 }; /* milliseconds that a start waits for the database at most */

/* A copy of a text of the configuration, which becomes that. */
static int own(const char **text)
{
	*text = strdup(*text ? *text : "");
	return *text ? 0 : -1;
}

static void release(struct fleet *q)
{
	fleet_db_free(q->db);
	fleet_db_free(q->later.db);
	loop_timer_free(q->timer);
	fleet_op_forget(q);
	fleet_in_forget(q);
	for (struct list *l = q->claims.next, *next; l != &q->claims; l = next) {
		struct fleet_claim *c = container_of(l, struct fleet_claim, link);
		next = l->next;
		/* it is its owner's now */
		c->settled = true;
		c->fleet = NULL;
		list_remove(&c->link);
		if (c->freed)
			fleet_held_let_go(c);
	}
	while (!list_empty(&q->all))
		fleet_held_forget(q, container_of(q->all.next, struct held, link));
	map_release(&q->held);
	map_release(&q->sender.begun);
	for (size_t i = 0; i < sizeof q->lists / sizeof *q->lists; i++)
		fleet_list_release(&q->lists[i]);
	fleet_node_cancel_release(&q->cancel);
	fleet_node_cancel_release(&q->cancelling);
	for (size_t i = 0; i < FLEET_ROUTED; i++)
		fleet_list_release(&q->later.lists[i]);
	fleet_ops_release(&q->ops);
	buf_release(&q->text);
	sched_free(q->sched);
	while (q->named) {
		struct fleet_named *n = q->named;
		q->named = n->next;
		free(n);
	}
	const char *texts[] = { q->fleet.url,     q->fleet.node,      q->fleet.ident,
				q->fleet.version, q->config.key_spec, q->role.root };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free((char *)texts[i]);
	free(q);
}

/* What is in the hands of who closes goes back, as queue.h has it. */
static void release_claims(struct fleet *q)
{
	for (struct list *l = q->claims.next, *next; l != &q->claims; l = next) {
		const struct fleet_claim *c = container_of(l, struct fleet_claim, link);
		bool expired = c->claim.expired;
		next = l->next; /* that of a claim that was freed goes */
		fleet_release(&q->queue, &c->claim,
			      &(struct queue_release){
				      .why = expired ? RELEASE_NO_START : RELEASE_STOP,
				      .started = !expired && fleet_marked(&q->queue, &c->claim) });
	}
}

static int fleet_close(struct queue *queue, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	release_claims(q);
	int rc = fleet_calls_end(q, err);
	release(q);
	return rc;
}

static const struct queue_ops ops = {
	.close = fleet_close,
	.fleet = fleet_figures,
	.put = fleet_put,
	.durable = fleet_durable,
	.confirmed = fleet_confirmed,
	.offset = fleet_offset,
	.meta_get = fleet_meta_get,
	.meta_set = fleet_meta_set,
	.claim = fleet_claim,
	.claim_joining = fleet_claim_joining,
	.marked = fleet_marked,
	.done = fleet_done,
	.drop = fleet_drop,
	.dead = fleet_dead,
	.retry = fleet_retry,
	.keep = fleet_keep,
	.release = fleet_release,
	.proven = fleet_proven,
	.flush = fleet_flush,
	.dirty = fleet_dirty,
	.ticket = fleet_ticket,
	.written = fleet_written,
	.take = fleet_take,
	.cancel = fleet_cancel,
	.next_due = fleet_next_due,
	.ready = fleet_ready,
	.waiting = fleet_waiting,
	.oldest = fleet_oldest,
	.batch_full = fleet_batch_full,
	.counts = fleet_counts,
	.gather = fleet_gather,
	.set_backlog = fleet_set_backlog,
	.stands = fleet_stands,
	.files = fleet_files,
	.spare_bytes = fleet_spare_bytes,
	.give_back = fleet_give_back,
	.each = fleet_each,
	.show = fleet_each,
	.dead_each = fleet_dead_each,
	.many = fleet_many,
	.dead_trim = fleet_dead_trim,
	.call_add = fleet_call_add,
	.call_next = fleet_call_next,
	.message_add = fleet_message_add,
	.call_begin = fleet_call_begin,
	.call_done = fleet_call_done,
	.call_again = fleet_call_again,
	.call_fail = fleet_call_fail,
	.call_give_up = fleet_call_give_up,
	.call_drop = fleet_call_drop,
	.call_replace = fleet_call_replace,
	.line_keep = fleet_line_keep,
	.lines_rest = fleet_lines_rest,
	.clock_set = fleet_clock_set,
	.move_keep = fleet_move_keep,
	.calls_each = fleet_calls_each,
	.lines_each = fleet_lines_each,
	.moves_each = fleet_moves_each,
	.call_show = fleet_call_show,
	.job_get = fleet_job_get,
	.job_keep = fleet_job_keep,
	.jobs_rest = fleet_jobs_rest,
	.calls_failed = fleet_calls_failed,
	.push = fleet_push,
	.push_due = fleet_push_due,
	.push_ripen = fleet_push_ripen,
	.push_each = fleet_each,
	.push_show = fleet_each,
};

/* The database is asked whether it takes this program, and for named values. That it cannot be
 * reached is told in the log only. 0 or -1 with `err`. */
static int look(struct fleet *q, struct err *err)
{
	const struct fleet_answer *a = NULL;
	struct fleet_call about = { .sql = "SELECT * FROM @S@.about()" };
	struct fleet_call named = { .sql = "SELECT name, value FROM @S@.named" };
	struct fleet_db *db = fleet_db_open(q->fleet.url, q->schema, LOOK_PATIENCE, err);
	int rc = db ? fleet_db_ask(db, &about, LOOK_PATIENCE, &a, err) : -1;
	if (rc && a && fleet_answer_fault(a))
		fleet_look_fault(fleet_answer_fault(a), q->schema, err);
	if (rc == 0)
		rc = fleet_look_about(a, q->fleet.bot_id, err);
	if (rc == 0)
		rc = fleet_db_ask(db, &named, LOOK_PATIENCE, &a, err);
	for (int row = 0; rc == 0 && row < fleet_answer_rows(a); row++)
		if (fleet_named_take(q, fleet_answer_text(a, row, 0), fleet_answer_text(a, row, 1)))
			rc = err_set(err, ERR_INTERNAL, "out of memory");
	fleet_db_free(db);
	if (rc == 0 || err->status != ERR_UNAVAILABLE)
		return rc;
	log_event(q->fleet.log, LOG_WARN, LOG_NONE, "%s; it is tried again and again", err->text);
	*err = (struct err){ 0 };
	return 0;
}

static int init(struct fleet *q, const struct queue_config *config,
		const struct fleet_config *fleet)
{
	q->queue.ops = &ops;
	q->config = *config;
	q->fleet = *fleet;
	fleet_schema_name(fleet->bot_id, q->schema);
	list_init(&q->all);
	list_init(&q->claims);
	list_init(&q->said);
	list_init(&q->flying);
	list_init(&q->out.ops);
	list_init(&q->out.flying);
	list_init(&q->in.batches);
	for (size_t i = 0; i < sizeof q->lists / sizeof *q->lists; i++)
		fleet_list_init(&q->lists[i]);
	fleet_node_cancel_init(&q->cancel);
	fleet_node_cancel_init(&q->cancelling);
	for (size_t i = 0; i < FLEET_ROUTED; i++)
		fleet_list_init(&q->later.lists[i]);
	fleet_ops_init(&q->ops);
	buf_init(&q->text, SIZE_MAX / 4);
	q->others.list = q->others.lists[0];
	q->turn.run = FLEET_RUN;
	q->turn.next_due = q->later.due = -1;
	q->trim.keep = q->trim.age = -1;
	q->sched = sched_new();
	for (unsigned lane = 0; q->sched && config->gather && lane < QUEUE_LANES; lane++) {
		size_t most = config->gather[lane].most;
		sched_gather(q->sched, fleet_mono(q), lane, &config->gather[lane]);
		q->gathers |= (uint64_t)(most > 0) << lane;
		if (most > q->turn.run)
			q->turn.run = most < FLEET_RUN_MAX ? most : FLEET_RUN_MAX;
	}
	q->config.gather = NULL;
	int rc = own(&q->fleet.url);
	rc = own(&q->fleet.node) || rc;
	rc = own(&q->fleet.ident) || rc;
	rc = own(&q->fleet.version) || rc;
	rc = own(&q->config.key_spec) || rc;
	return rc || !q->sched ? -1 : 0;
}

struct queue *fleet_open(const struct queue_config *config, const struct fleet_config *fleet,
			 struct err *err)
{
	struct err why = { 0 };
	struct fleet *q = calloc(1, sizeof *q);
	int rc = !q || init(q, config, fleet) ? err_set(&why, ERR_INTERNAL, "out of memory") : 0;
	if (rc == 0)
		rc = look(q, &why) || fleet_calls_begin(q, &why) ? -1 : 0;
	if (rc == 0)
		return &q->queue;
	if (err)
		*err = why;
	if (q)
		release(q);
	return NULL;
}
