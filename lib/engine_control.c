/* engine_control: the verbs of the control socket. A request is {"verb":"dead-list"}, {"verb":"dead-show","number":3}, dead-retry or dead-drop
 * with "numbers":[…] (none: all); the answer is lines of {"letter":{…}} or {"number":3,"ok":true}, and {"end":true} at last.
 *
 * The letters themselves are written by queue/letter.c, as for the tool that reads the store when nothing runs. */
#include <stdio.h>
#include <string.h>

#include "engine_state.h"
#include "queue/letter.h"

enum { REPLY_MAX = 16 << 20 };

static void reply_text(struct control_client *client, const char *text)
{
	control_reply(client, text, strlen(text));
}

static void refuse(struct control_client *client, const char *why)
{
	struct buf b;
	buf_init(&b, REPLY_MAX);
	if (buf_adds(&b, "{\"error\":") == 0 && buf_add_json(&b, why, strlen(why)) == 0 && buf_addc(&b, '}') == 0)
		control_reply(client, b.data, b.len);
	buf_release(&b);
	control_end(client);
}

static int send_letter(void *arg, const struct store_dead *d)
{
	struct buf b;
	buf_init(&b, REPLY_MAX);
	if (letter_json(d, &b) == 0)
		control_reply(arg, b.data, b.len);
	buf_release(&b);
	return 0;
}

static int collect_number(void *arg, const struct store_dead *d)
{
	return buf_add(arg, &d->number, sizeof d->number);
}

/* The numbers of a request, or of all letters, as int64_t in `out`. */
static int numbers_of(struct engine *e, const cJSON *request, struct buf *out, struct err *err)
{
	const cJSON *numbers = cJSON_GetObjectItemCaseSensitive(request, "numbers"), *one;
	if (!cJSON_IsArray(numbers))
		return queue_dead_each(e->queue, 0, collect_number, out, err);
	cJSON_ArrayForEach(one, numbers) {
		int64_t number = cJSON_IsNumber(one) ? (int64_t)one->valuedouble : -1;
		if (buf_add(out, &number, sizeof number))
			return err_set(err, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static void change_letters(struct engine *e, struct control_client *client, const cJSON *request,
			   int (*change)(struct queue *q, int64_t number, struct err *err))
{
	struct err err = { 0 };
	struct buf numbers;
	char line[64];
	buf_init(&numbers, REPLY_MAX);
	int rc = numbers_of(e, request, &numbers, &err);
	for (size_t i = 0; rc == 0 && i < numbers.len; i += sizeof(int64_t)) {
		int64_t number;
		memcpy(&number, numbers.data + i, sizeof number);
		int done = change(e->queue, number, &err);
		if (done < 0)
			rc = -1;
		snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s}", (long long)number, done > 0 ? "true" : "false");
		reply_text(client, line);
	}
	buf_release(&numbers);
	if (rc) {
		refuse(client, err.text);
		return;
	}
	reply_text(client, "{\"end\":true}");
	control_end(client);
	loop_timer_set(e->turn_timer, 0);
}

void engine_control_request(void *arg, struct control_client *client, const cJSON *request)
{
	struct engine *e = arg;
	struct err err = { 0 };
	const char *verb = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "verb"));
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(request, "number");
	if (!verb) {
		refuse(client, "the request has no verb");
	} else if (strcmp(verb, "dead-retry") == 0) {
		change_letters(e, client, request, queue_dead_retry);
	} else if (strcmp(verb, "dead-drop") == 0) {
		change_letters(e, client, request, queue_dead_drop);
	} else if (strcmp(verb, "dead-list") == 0 || strcmp(verb, "dead-show") == 0) {
		int64_t which = cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;
		if (queue_dead_each(e->queue, which, send_letter, client, &err)) {
			refuse(client, err.text);
			return;
		}
		reply_text(client, "{\"end\":true}");
		control_end(client);
	} else {
		refuse(client, "this tgrun does not know the verb");
	}
}
