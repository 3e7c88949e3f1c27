/* tests/tools/sandbox_log: what the sandbox's program writes down. Events of the sandbox come in; a
 * line of the log for each, a count of each method's calls, and a line for each delivery go out: a
 * call that was carried out and is seen by people, whether or not its answer arrived.
 *
 * Deliveries stand in the order in which they were carried out, none twice. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/methods.h"
#include "base/hash.h"
#include "base/json.h"
#include "tests/tools/sandbox_tool.h"

void sandbox_log_came(struct tool *t, const char *method)
{
	cJSON *n = cJSON_GetObjectItemCaseSensitive(t->calls, method);
	if (n)
		cJSON_SetNumberValue(n, n->valuedouble + 1);
	else
		cJSON_AddNumberToObject(t->calls, method, 1);
}

static void write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno != EINTR)
			return;
		bytes += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
}

static void log_line(struct tool *t, const char *method, const cJSON *params, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void log_line(struct tool *t, const char *method, const cJSON *params, const char *fmt, ...)
{
	struct buf line;
	va_list ap;
	t->seq++;
	if (t->log < 0)
		return;
	char *text = cJSON_PrintUnformatted(params);
	buf_init(&line, 64 << 20);
	va_start(ap, fmt);
	if (!buf_addf(&line, "{\"seq\":%llu,\"ms\":%lld,\"method\":\"%s\",\"params\":%s,",
		      (unsigned long long)t->seq, (long long)clock_system.mono(&clock_system),
		      method, text ? text : "null") &&
	    !buf_vaddf(&line, fmt, ap) && !buf_adds(&line, "}\n"))
		write_all(t->log, line.data, line.len);
	va_end(ap);
	buf_release(&line);
	cJSON_free(text);
}

/* The messages of a result: one, or a list; *count gets how many. NULL: it is none. */
static const cJSON *messages(const cJSON *result, int *count)
{
	const cJSON *first = cJSON_IsArray(result) ? result->child : result,
		    *id = cJSON_GetObjectItemCaseSensitive(first, "message_id");
	*count = cJSON_IsArray(result) ? cJSON_GetArraySize(result) : 1;
	return id ? first : NULL;
}

/* The id of the query that is answered; the files that were uploaded. */
static int write_queries_and_files(struct buf *out, const cJSON *params)
{
	const cJSON *item;
	int files = 0, failed = 0;
	cJSON_ArrayForEach(item, params)
	{
		size_t n = strlen(item->string);
		if (n > 9 && strcmp(item->string + n - 9, "_query_id") == 0)
			failed = failed ||
				 json_add_text(out, "query", json_text(params, item->string));
	}
	cJSON_ArrayForEach(item, params)
	{
		if (!cJSON_IsObject(item) || !json_has_number(item, "cksum"))
			continue;
		char *file = cJSON_PrintUnformatted(item);
		failed = failed || buf_adds(out, files++ ? "," : ",\"files\":[") ||
			 buf_adds(out, file ? file : "{}");
		cJSON_free(file);
	}
	return failed || (files && buf_addc(out, ']'));
}

static int write_delivery(struct buf *out, struct tool *t, const struct sandbox_call *call)
{
	static const char *const texts[] = { "text", "caption" };
	char *params = cJSON_PrintUnformatted(call->params);
	cJSON *result = cJSON_Parse(call->result);
	int count, failed;
	const cJSON *message = messages(result, &count);
	failed = !params ||
		 buf_addf(out, "{\"n\":%llu,\"ms\":%lld,\"method\":\"%s\",\"hash\":\"%016llx\"",
			  (unsigned long long)t->delivered,
			  (long long)clock_system.mono(&clock_system), call->method,
			  (unsigned long long)hash_bytes(params ? params : "",
							 params ? strlen(params) : 0));
	if (call->chat)
		failed = failed || json_add_number(out, "chat", call->chat);
	if (message)
		failed = failed ||
			 json_add_number(out, "message_id",
					 (int64_t)json_number(message, "message_id")) ||
			 json_add_number(out, "count", count);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (json_member(call->params, texts[i]))
			failed = failed ||
				 json_add_text(out, texts[i], json_text(call->params, texts[i]));
	failed = failed || write_queries_and_files(out, call->params);
	cJSON_free(params);
	cJSON_Delete(result);
	return failed || buf_adds(out, "}\n") ? -1 : 0;
}

static void note_delivery(struct tool *t, const struct sandbox_call *call)
{
	size_t before = t->deliveries.len;
	t->delivered++;
	if (!t->too_many && write_delivery(&t->deliveries, t, call)) {
		t->deliveries.len = before;
		t->too_many = true;
	}
}

void sandbox_log_called(void *arg, const struct sandbox_call *call)
{
	/* Questions deliver nothing. */
	if (call->status == 200 && !(methods_traits(call->method) & METHOD_BARRED))
		note_delivery(arg, call);
	log_line(arg, call->method, call->params, "\"status\":%d", call->status);
}

void sandbox_log_polled(void *arg, const struct sandbox_poll *poll)
{
	char ids[64] = "", fault[48] = "";
	if (poll->count && poll->lowest <= poll->highest)
		snprintf(ids, sizeof ids, ",\"lowest\":%lld,\"highest\":%lld",
			 (long long)poll->lowest, (long long)poll->highest);
	if (poll->fault && poll->fault[0])
		snprintf(fault, sizeof fault, ",\"under\":\"%s\"", poll->fault);
	log_line(arg, "getUpdates", poll->params,
		 "\"offset\":%lld,\"limit\":%d,\"timeout\":%d,\"status\":%d,\"count\":%zu%s%s",
		 (long long)poll->offset, poll->limit, poll->timeout, poll->status, poll->count,
		 ids, fault);
}

void sandbox_log_fault(struct tool *t, const struct sandbox_request *r, const char *fault)
{
	t->scripted++;
	log_line(t, r->method, r->params, "\"fault\":\"%s\"", fault);
}
