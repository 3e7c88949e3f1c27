/* tests/unit/queue_verbs: what a queue is asked in requests, it answers in lines, a slice at a
 * time: as the runner does over its socket, and the tools when nothing runs. */
#include "queue/verbs.h"
#include "tests/unit/queue_rig.h"

static char answer[4096];
static int lines_left; /* after so many lines nobody takes more */

static int on_line(void *arg, const char *text, size_t n)
{
	(void)arg;
	ok(strlen(text) == n && !strchr(text, '\n'), "%s: a line is one line", backend);
	/* Where an update stands in full, its number is enough. */
	snprintf(answer + strlen(answer), sizeof answer - strlen(answer), "%.*s ",
		 (int)(strchr(text, ',') ? strchr(text, ',') - text : (long)n), text);
	return lines_left-- <= 0;
}

static struct verbs_done happened;

/* The first member of each line of the answer, or the error. */
static const char *ask_by(struct queue *q, const char *text, const struct verbs_slice *slice)
{
	struct err err = { 0 };
	cJSON *request = cJSON_Parse(text);
	const char *verb = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "verb"));
	const struct verbs_row *row = verbs_find(verb);
	answer[0] = '\0';
	if (!row)
		strcpy(answer, "no such verb");
	else if (verbs_run(row, q, NULL, request, slice, on_line, NULL, &happened, &err))
		snprintf(answer, sizeof answer, "%s", err.text);
	cJSON_Delete(request);
	return answer;
}

static const char *ask(struct queue *q, const char *text, size_t page)
{
	return ask_by(q, text, &(struct verbs_slice){ &fake_clock, INT64_MAX, page, SIZE_MAX });
}

/* … in a slice that ends at this time. */
static const char *ask_slice(struct queue *q, const char *text, int64_t until)
{
	return ask_by(q, text, &(struct verbs_slice){ &fake_clock, until, 9, SIZE_MAX });
}

static void bury_all(struct queue *q)
{
	while (*claim(q)) {
		queue_dead(q, last, "bad", "");
		claim_free(last);
	}
}

static void lists(void)
{
	struct queue *q = start();
	for (int i = 1; i <= 3; i++)
		put(q, i, "", "{}");
	IS(ask(q, "{\"verb\":\"queue-list\"}", 2), "{\"number\":1 {\"number\":2 {\"next\":3} ",
	   "a page of what waits, and where to go on");
	IS(ask(q, "{\"verb\":\"queue-list\",\"from\":3}", 2), "{\"number\":3 ",
	   "the last page says no more");
	IS(ask(q, "{\"verb\":\"queue-show\",\"number\":2}", 1), "{\"number\":2 ", "one is shown");
	IS(ask(q, "{\"verb\":\"queue-show\",\"number\":9}", 1), "", "another is not there");
	bury_all(q);
	IS(ask(q, "{\"verb\":\"dead-list\"}", 2), "{\"number\":1 {\"number\":2 {\"next\":3} ",
	   "a page of dead letters, and where to go on");
	IS(ask(q, "{\"verb\":\"dead-list\",\"from\":3}", 2), "{\"number\":3 ",
	   "the last page says no more");
	IS(ask(q, "{\"verb\":\"dead-show\",\"number\":3}", 1), "{\"number\":3 ",
	   "one letter is shown");
	IS(ask(q, "{\"verb\":\"dead-show\",\"number\":0}", 1), "",
	   "what is no number of ours is not there");
	lines_left = 1;
	IS(ask(q, "{\"verb\":\"dead-list\"}", 9), "out of memory",
	   "whose reader takes no more is told no more");
	lines_left = 1000;
	IS(ask(q, "{\"verb\":\"dead-sing\"}", 1), "no such verb", "what is no verb has no row");
	finish_test(q);
}

static void changes_of_many(void)
{
	struct queue *q = start();
	for (int i = 1; i <= 4; i++)
		put(q, i, "", "{}");
	bury_all(q);
	IS(ask(q, "{\"verb\":\"dead-drop\",\"numbers\":[2,9]}", 1), "{\"number\":2 {\"number\":9 ",
	   "what becomes of each number is told");
	IS(ask(q, "{\"verb\":\"dead-drop\",\"numbers\":7}", 1), "the request's numbers are no list",
	   "what is no list is refused");
	IS(ask(q, "{\"verb\":\"dead-retry\",\"to\":3}", 1), "{\"number\":1 {\"number\":3 ",
	   "all of a range are retried");
	is_counts(q, 2, 0, 1, "they wait again");
	IS(ask(q, "{\"verb\":\"queue-skip\",\"numbers\":[5]}", 1), "{\"number\":5 ",
	   "what waits is skipped");
	is_num(happened.skipped, 1, "which is counted");
	ok(happened.all == VERBS_NOT_ALL, "and is no clearing");
	IS(ask(q, "{\"verb\":\"queue-clear\"}", 1), "{\"cleared\":1} ",
	   "a clearing tells how many there were");
	ok(happened.all == VERBS_UPDATES && happened.first && happened.last &&
		   happened.skipped == 1 && happened.deleted == 1,
	   "and that it was all of them");
	is_counts(q, 0, 0, 1, "nothing waits");
	for (int i = 1; i <= 3; i++)
		put(q, 10 + i, "", "{}");
	bury_all(q);
	IS(ask_slice(q, "{\"verb\":\"dead-drop\"}", 0), "{\"number\":4 {\"next\":5 ",
	   "a slice of dropping all letters");
	ok(happened.all == VERBS_LETTERS && happened.first && !happened.last &&
		   happened.deleted == 1,
	   "is the first of it");
	IS(ask(q, "{\"verb\":\"dead-drop\",\"from\":5,\"to\":9,\"changed\":1}", 1),
	   "{\"number\":7 {\"number\":8 {\"number\":9 ", "the rest");
	ok(happened.all == VERBS_LETTERS && !happened.first && happened.last &&
		   happened.deleted == 4,
	   "is the last of it, and all are counted");
	finish_test(q);
}

/* A reply of `calls` calls that failed. */
static void fail_reply(struct queue *q, int calls)
{
	int64_t first = queue_call_next(q, 1);
	for (int i = 0; i < calls; i++) {
		struct queue_call call = { .group = first,
					   .line = "5",
					   .method = "sendMessage",
					   .params = "{}",
					   .reason = "no" };
		call.id = queue_call_add(q, &call);
		queue_call_give_up(q, &call);
	}
	queue_flush(q, NULL);
}

static void outbox(void)
{
	struct queue *q = start();
	for (int i = 0; i < 3; i++)
		fail_reply(q, 2);
	IS(ask(q, "{\"verb\":\"outbox-failed\"}", 2), "{\"number\":1 {\"number\":3 {\"next\":5} ",
	   "a page of entries: what failed together is one");
	IS(ask(q, "{\"verb\":\"outbox-failed\",\"from\":5}", 2), "{\"number\":5 ",
	   "the last page says no more");
	IS(ask(q, "{\"verb\":\"outbox-show\",\"number\":4}", 1), "{\"number\":3 {\"number\":4 ",
	   "an entry is shown by the number of any of its calls");
	IS(ask_slice(q, "{\"verb\":\"outbox-retry\"}", 0), "{\"number\":1 {\"next\":2 ",
	   "a slice of all is one at least");
	IS(ask_slice(q, "{\"verb\":\"outbox-drop\",\"numbers\":[3,5]}", 0),
	   "{\"number\":3 {\"left\":1} ", "so is one of numbers");
	fail_reply(q, 1);
	IS(ask(q, "{\"verb\":\"outbox-retry\",\"from\":2,\"to\":6}", 1), "{\"number\":5 ",
	   "what failed since the first slice is left alone");
	IS(ask(q, "{\"verb\":\"outbox-list\"}", 9),
	   "{\"number\":7 {\"number\":8 {\"number\":10 {\"number\":11 ",
	   "what is tried again waits under new numbers");
	IS(ask(q, "{\"verb\":\"outbox-drop\",\"numbers\":[9,9,7]}", 1),
	   "{\"number\":9 {\"number\":9 {\"number\":7 ", "each number is told of");
	IS(ask(q, "{\"verb\":\"outbox-list\"}", 9), "{\"number\":8 {\"number\":10 {\"number\":11 ",
	   "of what waits one by one goes");
	finish_test(q);
}

static void tests(void)
{
	lines_left = 1000;
	lists();
	changes_of_many();
	outbox();
}

int main(void)
{
	return on_each(tests);
}
