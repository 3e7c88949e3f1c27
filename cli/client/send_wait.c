/* cli/client/send_wait: numbers of messages in, whether they arrived out. Who has the state is
 * asked, whoever that is by then; so a runner that ends or starts meanwhile makes no difference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/send.h"
#include "cli/client/shared.h"
#include "cli/print.h"
#include "queue/shared/fleet_admin.h"

enum { FIRST_STEP = 20, LAST_STEP = 1000 }; /* milliseconds between two looks */

static int note_waits(void *arg, const char *line, size_t n)
{
	cJSON *json = cJSON_ParseWithLength(line, n);
	*(bool *)arg = json_has_number(json, "waits");
	cJSON_Delete(json);
	return 0;
}

static void note_living(void *arg, const struct fleet_admin_node *node)
{
	*(bool *)arg = *(bool *)arg || node->beat_age <= node->lease;
}

/* Whether any machine of a shared queue would send it. 0, or -1 with `err`. */
static int check_machines(struct setup *s, struct err *err)
{
	bool any = false;
	int64_t bot_id;
	const struct fleet_admin_told told = { .node = note_living, .arg = &any };
	if (shared_bot(s, &bot_id, err) ||
	    fleet_admin_status(s->config.store, bot_id, &told, err))
		return -1;
	return any ? 0
		   : err_set(err, ERR_TEMPFAIL,
			     "no machine shares this queue by now: the next one sends it");
}

int send_wait_for(struct setup *s, struct statedir *dir, const struct sending_taken *taken,
		  struct err *err)
{
	char request[128];
	snprintf(request, sizeof request, "{\"verb\":\"outbox-waits\",\"from\":%lld,\"to\":%lld}",
		 (long long)taken->first, (long long)taken->last);
	for (long step = FIRST_STEP;; step = step * 3 / 2 < LAST_STEP ? step * 3 / 2 : LAST_STEP) {
		bool waits = false;
		int rc = client_hand_over(s, dir, request, -1, note_waits, &waits, err);
		if (rc || !waits)
			return rc;
		if (step == LAST_STEP && shared_is(s) && check_machines(s, err))
			return -1;
		client_wait(step);
	}
}

/* ---- what failed ---- */

struct failure {
	size_t chat; /* its place in the list */
	int status, code;
	char *why;
};

struct failures {
	const struct sending_taken *taken;
	struct failure *items;
	size_t count;
	bool broken;
};

/* The exit status for an entry that failed. */
static int status_of(const cJSON *entry)
{
	int code = (int)json_number(entry, "code");
	if (code == 401 || code == 403)
		return ERR_NOPERM;
	if (json_true(entry, "unsure") && (code == 0 || code >= 500))
		return ERR_UNSURE;
	return code >= 400 && code < 500 ? ERR_REFUSED : ERR_TEMPFAIL;
}

static int note_failure(void *arg, const char *line, size_t n)
{
	struct failures *f = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	double number = json_number(json, "number");
	struct failure *more = reallocarray(f->items, f->count + 1, sizeof *more);
	if (!more) {
		cJSON_Delete(json);
		f->broken = true;
		return -1;
	}
	f->items = more;
	f->broken = f->broken || !json || number < (double)f->taken->first;
	if (!f->broken)
		f->items[f->count++] = (struct failure){
			.chat = (size_t)((int64_t)number - f->taken->first) /
				(size_t)f->taken->calls,
			.status = status_of(json),
			.code = (int)json_number(json, "code"),
			.why = strdup(json_text(json, "reason")),
		};
	cJSON_Delete(json);
	return f->broken ? -1 : 0;
}

static const char *why_of(const struct failure *f)
{
	return f->why ? f->why : "";
}

/* A line for each chat, in the order of the list, with what failed in the same order. */
static void print_chats(const struct send_input *in, const struct failures *f)
{
	const char *chat = f->taken->chats    ? f->taken->chats
			   : in->sending.chat ? in->sending.chat
					      : in->sending.chats;
	size_t next = 0;
	size_t count = (size_t)((f->taken->last + 1 - f->taken->first) / f->taken->calls);
	for (size_t i = 0; i < count; i++) {
		struct buf line;
		char name[128];
		size_t n = strcspn(chat, "\n");
		snprintf(name, sizeof name, "%.*s", (int)n, chat);
		chat += n + 1;
		buf_init(&line, 8192);
		bool failed = next < f->count && f->items[next].chat == i;
		int rc = buf_addc(&line, '{') || json_add_text(&line, "chat", name) ||
			 json_add_name(&line, "ok") || buf_adds(&line, failed ? "false" : "true");
		if (failed)
			rc = rc || json_add_number(&line, "status", f->items[next].status) ||
			     json_add_number(&line, "code", f->items[next].code) ||
			     json_add_text(&line, "reason", why_of(&f->items[next]));
		if (rc == 0 && buf_addc(&line, '}') == 0)
			print_json(buf_str(&line));
		while (next < f->count && f->items[next].chat == i)
			next++;
		buf_release(&line);
	}
}

int send_wait_tell(struct setup *s, struct statedir *dir, const struct send_input *in,
		   const struct sending_taken *taken, struct send_end *end, struct err *err)
{
	struct failures f = { .taken = taken };
	*end = (struct send_end){ 0 };
	int rc = client_list_range(s, dir, "outbox-failed", taken->first, taken->last, note_failure,
				   &f, err);
	end->failed = f.count;
	if (rc == 0 && f.count) {
		end->status = f.items[0].status;
		snprintf(end->why, sizeof end->why, "%s", why_of(&f.items[0]));
	}
	if (rc == 0 && s->config.json)
		print_chats(in, &f);
	for (size_t i = 0; i < f.count; i++)
		free(f.items[i].why);
	free(f.items);
	return rc;
}
