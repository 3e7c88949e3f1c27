/* tests/unit/queue_calls: the calls that are to be sent, as a queue keeps them: in one transaction
 * with what they answer, numbered for ever, and found again by the next run. */
#include "queue/calls.h"
#include "tests/unit/queue_rig.h"

static char seen[4096];

static int tell_call(void *arg, const struct queue_call *c)
{
	(void)arg;
	sprintf(seen + strlen(seen), "[%d/%d %s %s %s due=%d %d,%d,%d%s%s]", (int)c->id,
		(int)c->group, c->line, c->method, c->params ? c->params : "-", (int)c->due,
		c->tries, c->servers, c->unsures, c->begun ? " begun" : "",
		c->flags & QUEUE_CALL_PLAIN ? " plain" : "");
	if (c->failed)
		sprintf(seen + strlen(seen), "(%d %s)", c->code, c->reason);
	return 0;
}

static const char *calls(struct queue *q, bool failed)
{
	seen[0] = '\0';
	queue_calls_each(q, 0, failed, true, tell_call, NULL, NULL);
	return seen;
}

static int tell_line(void *arg, const struct queue_line *l)
{
	(void)arg;
	sprintf(seen + strlen(seen), "[%s %d %d]", l->line, (int)l->full, (int)l->cool);
	return 0;
}

static int tell_move(void *arg, const char *from, const char *to)
{
	(void)arg;
	sprintf(seen + strlen(seen), "[%s -> %s]", from, to);
	return 0;
}

static const char *lines(struct queue *q)
{
	seen[0] = '\0';
	queue_lines_each(q, tell_line, NULL, NULL);
	queue_moves_each(q, tell_move, NULL, NULL);
	return seen;
}

static void tell_shown(void *arg, const struct queue_call *c, const struct queue_message *m)
{
	(void)arg;
	tell_call(NULL, c);
	if (m)
		sprintf(seen + strlen(seen), "{%s %s %.*s}", m->params,
			m->file_name ? m->file_name : "-", (int)m->file_length,
			m->file ? m->file : "");
}

static const char *shown(struct queue *q, int64_t id)
{
	seen[0] = '\0';
	int rc = queue_call_show(q, id, tell_shown, NULL, NULL);
	return rc == 1 ? seen : rc == 0 ? "none" : "failed";
}

static int64_t add(struct queue *q, const char *line, const char *params)
{
	return queue_call_add(q, &(struct queue_call){ .line = line,
						       .method = "sendMessage",
						       .params = params,
						       .created = wall_now });
}

static struct queue_call state(int64_t id, int64_t due, int tries, int servers, int unsures)
{
	return (struct queue_call){
		.id = id, .due = due, .tries = tries, .servers = servers, .unsures = unsures
	};
}

static void settlement(void)
{
	struct queue *q = start();
	put(q, 1, "a", "1");
	put(q, 2, "b", "2");
	claim(q);
	queue_flush(q, NULL);
	is_num(queue_call_next(q, 1), 1, "numbers begin at one");
	is_num(add(q, "5", "{\"text\":\"hi\"}"), 1, "a call has a number");
	queue_done(q, last);
	claim_free(last);
	crash(q);
	q = start();
	is_counts(q, 2, 0, 0, "killed before the flush: the update was not settled");
	IS(calls(q, false), "", "… and its reply is not there");
	pass(600000);
	claim(q);
	queue_flush(q, NULL);
	add(q, "5", "{\"text\":\"hi\"}");
	front.how = FAILS;
	done(q);
	front.how = WORKS;
	crash(q);
	q = start();
	IS(calls(q, false), "", "a flush that failed wrote neither of the two");
	is_counts(q, 2, 0, 0, "… nor the other");
	pass(600000);
	claim(q);
	queue_flush(q, NULL);
	add(q, "5", "{\"text\":\"hi\"}");
	front.how = LIES;
	done(q);
	front.how = WORKS;
	is_num(queue_flush(q, NULL), 0, "a flush that lied is repeated");
	crash(q);
	q = start();
	IS(calls(q, false), "[1/1 5 sendMessage {\"text\":\"hi\"} due=0 0,0,0]",
	   "… and wrote both, once");
	is_counts(q, 1, 0, 0, "… both");
	finish_test(q);
}

static void states(void)
{
	struct queue *q = start();
	for (int i = 1; i <= 4; i++)
		add(q, "5", "{}");
	queue_flush(q, NULL);
	struct queue_call c = state(1, 0, 0, 0, 0);
	front.synced = 0;
	is_num(queue_call_begin(q, &c, false), 0, "one begins");
	queue_flush(q, NULL);
	is_num(front.synced, 0, "which need not be synced");
	c = state(2, 0, 0, 0, 0);
	queue_call_begin(q, &c, true);
	queue_flush(q, NULL);
	is_num(front.synced, 1, "unless that is asked for");
	c = state(3, 0, 0, 0, 0);
	queue_call_begin(q, &c, false);
	queue_flush(q, NULL);
	is_num(front.synced, 1, "and that once");
	crash(q);
	q = start();
	IS(calls(q, false),
	   "[1/1 5 sendMessage {} due=0 0,0,0 begun][2/2 5 sendMessage {} due=0 0,0,0 begun]"
	   "[3/3 5 sendMessage {} due=0 0,0,0 begun][4/4 5 sendMessage {} due=0 0,0,0]",
	   "after a kill it is known which were being sent");
	for (int i = 1; i <= 3; i++) {
		c = state(i, 0, 0, 0, 0);
		queue_call_begin(q, &c, false);
	}
	queue_flush(q, NULL);
	queue_call_done(q, 1);
	c = state(2, 77, 1, 2, 3);
	queue_call_again(q, &c);
	c = state(3, 0, 0, 0, 0);
	c.reason = "403 bot was blocked by the user";
	c.code = 403;
	queue_call_fail(q, &c);
	c = state(4, 0, 0, 0, 0);
	c.reason = "too old";
	queue_call_give_up(q, &c);
	queue_flush(q, NULL);
	is_num(queue_calls_failed(q), 2, "two failed");
	crash(q);
	q = start();
	IS(calls(q, false), "[2/2 5 sendMessage {} due=77 1,2,3]", "one waits again");
	IS(calls(q, true),
	   "[3/3 5 sendMessage {} due=0 0,0,0](403 403 bot was blocked by the user)"
	   "[4/4 5 sendMessage {} due=0 0,0,0](0 too old)",
	   "two failed, with their reasons");
	is_num(queue_calls_failed(q), 2, "… which are counted");
	queue_call_drop(q, 3, true);
	queue_call_drop(q, 4, false);
	queue_call_drop(q, 2, false);
	queue_flush(q, NULL);
	IS(calls(q, true), "[4/4 5 sendMessage {} due=0 0,0,0](0 too old)",
	   "a failed one is dropped as such, and not taken for one that waits");
	is_num(queue_calls_failed(q), 1, "… and is counted no more");
	IS(calls(q, false), "", "one that waits is dropped");
	crash(q);
	q = start();
	is_num(add(q, "5", "{}"), 5, "no number is used again");
	finish_test(q);
}

/* With room reserved, an end is recorded whatever else fails. */
static void groups(void)
{
	struct queue *q = start();
	int64_t group = queue_call_next(q, 1);
	for (int i = 0; i < 2; i++)
		queue_call_add(q, &(struct queue_call){ .group = group,
							.line = "biz/5",
							.method = "sendMessage",
							.params = "{}",
							.flags = QUEUE_CALL_PLAIN,
							.expires = 99 });
	queue_flush(q, NULL);
	IS(calls(q, false),
	   "[1/1 biz/5 sendMessage {} due=0 0,0,0 plain][2/1 biz/5 sendMessage {} due=0 0,0,0 plain]",
	   "the calls of a reply know each other");
	struct queue_call c = { .id = 2, .line = "6", .params = "{\"chat_id\":6}" };
	queue_call_replace(q, &c);
	queue_flush(q, NULL);
	IS(shown(q, 2), "[2/1 6 sendMessage {\"chat_id\":6} due=0 0,0,0]",
	   "one is replaced: chat, parameters, flags");
	IS(shown(q, 3), "none", "one that is not there");
	queue_message_add(q,
			  &(struct queue_message){ 3, "{\"caption\":\"x\"}", "a.txt", "\0b", 2 });
	for (int i = 0; i < 2; i++)
		queue_call_add(q, &(struct queue_call){ .message = 3,
							.line = "7",
							.method = "sendDocument",
							.params = "{}" });
	queue_flush(q, NULL);
	is_num(shown(q, 3) == seen && strstr(seen, "{{\"caption\":\"x\"} a.txt ") != NULL, 1,
	       "what many have in common is shown with each");
	queue_call_give_up(q, &(struct queue_call){ .id = 4, .code = 400, .reason = "no" });
	queue_call_drop(q, 3, false);
	queue_flush(q, NULL);
	ok(shown(q, 4) == seen && strstr(seen, "{{\"caption\":\"x\"} a.txt "),
	   "also when one is gone and the other failed");
	queue_call_drop(q, 4, true);
	queue_call_add(q, &(struct queue_call){
				  .message = 3, .line = "7", .method = "x", .params = "{}" });
	queue_flush(q, NULL);
	IS(shown(q, 5), "[5/5 7 x {} due=0 0,0,0]", "it goes with the last of them");
	finish_test(q);
}

static int64_t job(struct queue *q, const char *name, const char *chat)
{
	int64_t number = -1;
	return queue_job_get(q, name, chat, &number, NULL) == 1 ? number : -1;
}

static int tell_job(void *arg, const char *name, const char *chat, int64_t number)
{
	*(int *)arg += 1;
	sprintf(seen + strlen(seen), "[%s|%s|%d]", name, chat, (int)number);
	return 0;
}

static void jobs(void)
{
	static const char *const told[] = { "[a|5|17]", "[a||99]", "[ab|5|18]", "[ab||98]" };
	int count = 0;
	struct queue *q = start();
	queue_job_keep(q, "a", "5", 17, 100);
	queue_job_keep(q, "a", "", 99, 100);
	queue_job_keep(q, "ab", "5", 18, 0);
	queue_job_keep(q, "ab", "", 98, 200);
	queue_flush(q, NULL);
	crash(q);
	q = start();
	is_num(job(q, "a", "5"), 17, "a job remembers what each chat got");
	is_num(job(q, "a", ""), 99, "and what is its own");
	is_num(job(q, "a", "6"), -1, "another chat got nothing");
	is_num(job(q, "b", "5"), -1, "nor did it by another job");
	seen[0] = '\0';
	is_num(front.behind->ops->jobs(front.behind, tell_job, &count, NULL), 0, "all are told");
	is_num(count, 4, "… once");
	for (int i = 0; i < 4; i++)
		ok(strstr(seen, told[i]), "… %s", told[i]);
	queue_job_keep(q, "a", "5", 20, 0);
	queue_jobs_rest(q, 99);
	queue_flush(q, NULL);
	is_num(job(q, "a", "5"), 20, "the last number counts");
	queue_jobs_rest(q, 100);
	queue_flush(q, NULL);
	is_num(job(q, "a", "5"), -1, "a job is forgotten with all of its chats");
	is_num(job(q, "a", ""), -1, "and its own number");
	is_num(job(q, "ab", "5"), 18, "one that was used later is not");
	finish_test(q);
}

static void limits(void)
{
	struct queue *q = start();
	queue_line_keep(q, &(struct queue_line){ "5", 100, 200 });
	queue_line_keep(q, &(struct queue_line){ "", 0, 300 });
	queue_line_keep(q, &(struct queue_line){ "6", 1, 0 });
	queue_move_keep(q, "-7", "-1007");
	queue_flush(q, NULL);
	crash(q);
	q = start();
	const char *all = lines(q);
	ok(strstr(all, "[5 100 200]") && strstr(all, "[ 0 300]") && strstr(all, "[6 1 0]"),
	   "%s: the limits of chats are found again: %s", backend, all);
	ok(strstr(all, "[-7 -> -1007]") != NULL, "%s: so are chats with another id", backend);
	queue_line_keep(q, &(struct queue_line){ "5", 0, 0 });
	queue_line_keep(q, &(struct queue_line){ "6", 2, 3 });
	queue_line_keep(q, &(struct queue_line){ "", 0, 0 });
	queue_move_keep(q, "-7", "-1008");
	queue_flush(q, NULL);
	IS(lines(q), "[6 2 3][-7 -> -1008]", "one at rest is forgotten, others are replaced");
	queue_line_keep(q, &(struct queue_line){ "5", 2, 4 });
	queue_lines_rest(q, 3);
	queue_flush(q, NULL);
	IS(lines(q), "[5 2 4][-7 -> -1008]", "all that are at rest are forgotten at once");
	queue_line_keep(q, &(struct queue_line){ "6", 0, 9 });
	queue_clock_set(q, 1000);
	queue_flush(q, NULL);
	all = lines(q);
	ok(strstr(all, "[5 1002 1004]") && strstr(all, "[6 0 1009]"),
	   "%s: when the clock is set, they go along: %s", backend, all);
	finish_test(q);
}

static void tests(void)
{
	RUN(settlement);
	RUN(states);
	RUN(groups);
	RUN(limits);
	RUN(jobs);
}

int main(void)
{
	return on_each(tests);
}
