/* cli/client/cmd_cancel: numbers, keys or a chat in, or the handler that this runs in; requests to
 * the tgrun that runs out. Invariant: the update of the calling handler is never among what is
 * ended, and nothing is ended in a handler's name at another tgrun than its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/client/client.h"
#include "cli/client/shared.h"
#include "cli/cmd.h"
#include "queue/shared/fleet_tools.h"

enum { REQUEST_MAX = 60000, NUMBERS_AT_ONCE = 2000 };

struct cancel {
	struct setup *setup;
	int64_t *numbers;
	size_t count;
	bool by_key, by_chat, own; /* at most one of them, and then no numbers */
	int64_t chat;
	int64_t caller; /* the update of the handler that this runs in; 0: it runs in none */
};

static bool read_id(const char *text, int64_t *out)
{
	char *end;
	errno = 0;
	*out = text ? strtoll(text, &end, 10) : 0;
	return text && *text && !*end && !errno;
}

static int parse(struct cancel *c, struct err *err)
{
	const struct config *config = &c->setup->config;
	if (client_numbers(&config->arguments, 0, "an update", &c->numbers, &c->count, err))
		return -1;
	c->by_key = config_origin(config, &config->lists.key) == ORIGIN_ARGUMENT;
	c->by_chat = config->chat;
	if (c->by_key + c->by_chat + (c->count > 0) > 1)
		return err_set(err, ERR_USAGE,
			       "what is to end is named twice: by numbers, --key and --chat; give "
			       "one of them");
	if (c->by_chat && !read_id(config->chat, &c->chat))
		return err_set(err, ERR_USAGE, "option '--chat': '%s' is no number of a chat",
			       config->chat);
	if (!read_id(getenv("TG_NUMBER"), &c->caller))
		c->caller = 0;
	if (c->by_key || c->by_chat || c->count)
		return 0;
	c->own = c->caller && getenv("TG_CHAT_ID");
	return c->own ? 0
		      : err_set(err, ERR_USAGE,
				"what is to end? name it by numbers, --key or --chat; only in a "
				"handler it is what runs for the handler's chat");
}

/* Numbers of updates, and chats, are those of one bot. */
static bool is_of_caller(const struct statedir *dir)
{
	const char *path = getenv("TG_STATE_DIR");
	struct stat a, b;
	return path && stat(path, &a) == 0 && fstat(statedir_fd(dir), &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int add_keys(const struct texts *keys, struct buf *request)
{
	struct buf all;
	int rc = 0;
	buf_init(&all, REQUEST_MAX);
	for (size_t i = 0; i < keys->count && rc == 0; i++)
		rc = (i && buf_addc(&all, ' ')) || buf_adds(&all, keys->items[i]);
	rc = rc || buf_adds(request, ",\"key\":") || buf_add_json(request, buf_str(&all), all.len);
	buf_release(&all);
	return rc ? -1 : 0;
}

/* Appends a request for the numbers from `at` on, or for all else. Returns how many of them it has,
 * or -1 when it is too long, or memory is out. */
static int write_request(const struct cancel *c, size_t at, struct buf *request)
{
	size_t n = c->count - at < NUMBERS_AT_ONCE ? c->count - at : NUMBERS_AT_ONCE;
	buf_clear(request);
	int rc = buf_adds(request, "{\"verb\":\"cancel\"");
	if (c->caller)
		rc = rc || buf_adds(request, ",\"caller\":") || buf_add_int(request, c->caller);
	if (c->by_key)
		rc = rc || add_keys(&c->setup->config.lists.key, request);
	if (c->by_chat)
		rc = rc || buf_adds(request, ",\"chat\":") || buf_add_int(request, c->chat);
	if (c->own)
		rc = rc || buf_adds(request, ",\"own\":true");
	for (size_t i = 0; i < n; i++)
		rc = rc || buf_adds(request, i ? "," : ",\"numbers\":[") ||
		     buf_add_int(request, c->numbers[at + i]);
	rc = rc || (n && buf_addc(request, ']')) || buf_addc(request, '}');
	return rc ? -1 : (int)n;
}

static int ask(const struct cancel *c, struct statedir *dir, struct err *err)
{
	struct buf request;
	size_t at = 0;
	int rc = 0, n;
	buf_init(&request, REQUEST_MAX);
	do {
		n = write_request(c, at, &request);
		rc = n < 0 ? err_set(err, ERR_USAGE, "the keys are too long")
			   : client_ask(dir, request.data, NULL, NULL, err);
		at += n > 0 ? (size_t)n : 0;
	} while (rc == 0 && at < c->count);
	buf_release(&request);
	return rc;
}

/* Several machines share the queue: each ends what it runs. */
static int share(const struct cancel *c, struct err *err)
{
	const struct fleet_tools_cancel what = {
		.numbers = c->numbers,
		.count = c->count,
		.keys = c->by_key ? &c->setup->config.lists.key : NULL,
		.chat = c->by_chat ? &c->chat : NULL,
	};
	if (c->own)
		return err_set(
			err, ERR_USAGE,
			"what is to end? with --store a handler has no chat of its own: name "
			"it by numbers, --key or --chat");
	struct queue *q = shared_open(c->setup, err);
	int rc = q ? fleet_tools_cancel(q, &what, err) : -1;
	return q && queue_close(q, rc ? NULL : err) ? -1 : rc;
}

int cmd_cancel(struct setup *s)
{
	struct err err = { 0 };
	struct cancel c = { .setup = s };
	struct statedir *dir = NULL;
	int rc = parse(&c, &err);
	if (rc == 0 && shared_is(s)) {
		rc = share(&c, &err);
		free(c.numbers);
		return rc ? cmd_fail(&err) : 0;
	}
	rc = rc || client_open(s, &dir, &err);
	if (rc == 0 && !dir)
		rc = client_none_runs(s->state_dir, &err);
	if (rc == 0 && !is_of_caller(dir)) {
		c.caller = 0;
		if (c.own)
			rc = err_set(&err, ERR_USAGE,
				     "this is no handler of the tgrun that is asked, so it has no "
				     "chat there: name what is to end");
	}
	rc = rc || ask(&c, dir, &err);
	statedir_close(dir);
	free(c.numbers);
	return rc ? cmd_fail(&err) : 0;
}
