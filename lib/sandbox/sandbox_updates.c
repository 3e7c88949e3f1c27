/* sandbox/sandbox_updates: the sandbox's queue of updates, and getUpdates by the server's rules
 * (telegram-bot-api 10.0, Client.cpp): clamped limits, batches of about 4 MiB, one long poll at a
 * time, penalties for asking again too soon.
 *
 * An update leaves only when an offset above it confirms it. Ids usually rise; where tests push
 * others, what was never served stays. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	UPDATES_MAX = 2000000,
	BYTES_MAX = 1 << 30,
	PAST_TAIL = 10, /* an offset further past the newest id is not believed */
	/* unconfirmed updates looked at before the search for confirmed ones ends */
	KEPT_SCAN = 200,
	SAME_LIMIT_MS = 500,
	SAME_TIMEOUT_MS = 3000,
	CONFLICT_MS = 3000,
};

#define TERMINATED \
	"Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
#define WEBHOOK \
	"Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"

void sandbox_updates_drop(struct sandbox *s)
{
	for (size_t i = s->head; i < s->tail; i++)
		free(s->items[i].bytes);
	s->head = s->tail = s->bytes = 0;
	s->stats.pending = 0;
}

void sandbox_updates_free(struct sandbox *s)
{
	sandbox_updates_drop(s);
	free(s->items);
	for (size_t i = 0; i < s->again_count; i++)
		free(s->again[i].bytes);
	cJSON_Delete(s->allowed);
	free(s->webhook);
}

/* Makes room for `n` more at the tail. */
static int make_room(struct sandbox *s, size_t n)
{
	if (s->cap - s->tail >= n)
		return 0;
	size_t waiting = s->tail - s->head, cap = s->cap ? s->cap : 256;
	if (!s->cap || waiting + n > cap / 2) {
		while (cap / 2 < waiting + n)
			cap *= 2;
		struct update_item *items = realloc(s->items, cap * sizeof *items);
		if (!items)
			return -1;
		s->items = items;
		s->cap = cap;
	}
	memmove(s->items, s->items + s->head, waiting * sizeof *s->items);
	s->head = 0;
	s->tail = waiting;
	return 0;
}

int sandbox_updates_add(struct sandbox *s, bool has_id, int64_t id, char *bytes, size_t n)
{
	if (!bytes || n > BYTES_MAX - s->bytes || s->tail - s->head >= UPDATES_MAX ||
	    make_room(s, 1)) {
		free(bytes);
		return -1;
	}
	if (has_id && s->stats.pushed && id < s->stats.last_id)
		s->epoch++;
	if (has_id) {
		s->stats.last_id = id;
		s->next_id = id < INT64_MAX ? id + 1 : id;
	}
	s->items[s->tail++] = (struct update_item){
		.id = id,
		.has_id = has_id,
		.epoch = s->epoch,
		.batch_max = INT64_MIN,
		.bytes = bytes,
		.length = (uint32_t)n,
	};
	s->bytes += n;
	s->stats.pushed++;
	return 0;
}

bool sandbox_updates_wanted(const struct sandbox *s, const char *kind)
{
	if (!s->allowed)
		return strcmp(kind, "chat_member") != 0 && strcmp(kind, "message_reaction") != 0 &&
		       strcmp(kind, "message_reaction_count") != 0;
	const cJSON *name;
	cJSON_ArrayForEach(name, s->allowed) if (cJSON_IsString(name) &&
						 strcmp(name->valuestring, kind) == 0) return true;
	return false;
}

void sandbox_updates_allow(struct sandbox_request *r)
{
	cJSON *names = sandbox_param_json(r, "allowed_updates");
	if (!cJSON_IsArray(names)) {
		cJSON_Delete(names);
		return;
	}
	cJSON_Delete(r->sandbox->allowed);
	r->sandbox->allowed = names;
	if (!names->child) {
		cJSON_Delete(names);
		r->sandbox->allowed = NULL;
	}
}

/* Confirming. */

/* What was served goes by what came with it in the answer, what was not by the newest id of the
 * first epoch. */
static bool confirmed_by(const struct update_item *item, int64_t offset, uint32_t first_epoch,
			 int64_t first_tail)
{
	int64_t newest = offset - 1;
	if (item->served && item->batch_max != INT64_MIN && newest - PAST_TAIL <= item->batch_max)
		return item->has_id ? item->id < offset : newest >= item->batch_max;
	return item->has_id && item->id < offset && item->epoch == first_epoch &&
	       newest - PAST_TAIL <= first_tail;
}

static void keep_for_repeat(struct sandbox *s, struct update_item *item)
{
	if (s->again_count == CONFIRMED_KEPT) {
		free(s->again[0].bytes);
		memmove(s->again, s->again + 1, (CONFIRMED_KEPT - 1) * sizeof *s->again);
		s->again_count--;
	}
	s->again[s->again_count++] = *item;
}

/* The highest id of the first epoch: that of the last item before ids go down. */
static int64_t epoch_tail(const struct sandbox *s, uint32_t epoch)
{
	if (epoch == s->epoch)
		return s->stats.last_id;
	int64_t highest = INT64_MIN;
	for (size_t i = s->head; i < s->tail && s->items[i].epoch == epoch; i++)
		if (s->items[i].has_id && s->items[i].id > highest)
			highest = s->items[i].id;
	return highest;
}

static void confirm(struct sandbox *s, int64_t offset)
{
	if (s->head == s->tail)
		return;
	uint32_t epoch = s->items[s->head].epoch;
	int64_t tail = epoch_tail(s, epoch);
	struct update_item kept[KEPT_SCAN];
	size_t kept_count = 0, i = s->head;
	for (; i < s->tail && kept_count < KEPT_SCAN; i++) {
		struct update_item *item = &s->items[i];
		if (!confirmed_by(item, offset, epoch, tail)) {
			kept[kept_count++] = *item;
			continue;
		}
		s->bytes -= item->length;
		s->stats.confirmed++;
		keep_for_repeat(s, item);
	}
	s->head = i - kept_count;
	memcpy(s->items + s->head, kept, kept_count * sizeof *kept);
}

/* What was confirmed last comes once more (a server that lost its newest state). */
static void redeliver(struct sandbox *s)
{
	s->redeliver = false;
	size_t n = s->again_count, waiting = s->tail - s->head;
	if (n > s->head) {
		if (make_room(s, n))
			return;
		memmove(s->items + s->head + n, s->items + s->head, waiting * sizeof *s->items);
		s->head += n;
		s->tail += n;
	}
	s->head -= n;
	for (size_t i = 0; i < n; i++) {
		s->items[s->head + i] = s->again[i];
		s->bytes += s->again[i].length;
	}
	s->again_count = 0;
}

/* A negative offset counts from the tail; all before is forgotten. */
static void confirm_from_tail(struct sandbox *s, int64_t offset)
{
	size_t waiting = s->tail - s->head,
	       keep = offset < -(int64_t)waiting ? waiting : (size_t)-offset;
	while (s->tail - s->head > keep) {
		s->bytes -= s->items[s->head].length;
		s->stats.confirmed++;
		keep_for_repeat(s, &s->items[s->head++]);
	}
}

/* Answers. */

static void told(struct sandbox_request *r, int status, size_t count, int64_t lowest,
		 int64_t highest)
{
	struct sandbox *s = r->sandbox;
	struct sandbox_poll poll = { r->params, r->offset, r->limit, r->timeout,   status,
				     count,     lowest,    highest,  r->fault_name };
	if (s->config.polled)
		s->config.polled(s->config.arg, &poll);
}

static void answer_updates(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	if (s->poll == r)
		s->poll = NULL;
	size_t count = 0, bytes = 0, waiting = s->tail - s->head;
	int64_t highest = INT64_MIN, lowest = INT64_MAX;
	while (count < waiting && count < (size_t)r->limit) {
		const struct update_item *item = &s->items[s->head + count];
		if (count && bytes + item->length > SANDBOX_BATCH_MAX)
			break;
		bytes += item->length + 2;
		if (item->has_id && item->id > highest)
			highest = item->id;
		if (item->has_id && item->id < lowest)
			lowest = item->id;
		count++;
	}
	struct buf out;
	buf_init(&out, BYTES_MAX);
	int failed = buf_reserve(&out, bytes + 32) || buf_adds(&out, "{\"ok\":true,\"result\":[");
	for (size_t i = 0; i < count * (r->twice ? 2 : 1) && !failed; i++) {
		size_t nth = i % count;
		struct update_item
			*item = &s->items[s->head + (r->backwards ? count - 1 - nth : nth)];
		failed = (i && buf_adds(&out, ",\n")) || buf_add(&out, item->bytes, item->length);
		item->served = true;
		item->batch_max = highest;
	}
	if (failed || buf_adds(&out, "]}"))
		buf_release(&out);
	s->stats.served += count;
	told(r, 200, count, lowest, highest);
	size_t length = out.len;
	sandbox_answer(r, 200, out.data, length);
}

static void late_conflict(struct sandbox_request *r)
{
	sandbox_refuse(r, 409, r->conflict);
}

/* A conflict within 3 s of another is told 3 s late, so that two pollers do not race. */
void sandbox_conflict(struct sandbox_request *r, const char *description)
{
	struct sandbox *s = r->sandbox;
	int64_t now = s->clock->mono(s->clock);
	sandbox_poll_ended(r);
	s->stats.conflicts++;
	r->conflict = description;
	if (s->config.no_penalties || now >= s->next_conflict) {
		s->next_conflict = now + CONFLICT_MS;
		late_conflict(r);
	} else {
		sandbox_later(r, CONFLICT_MS, late_conflict);
	}
}

void sandbox_updates_wake(struct sandbox *s)
{
	if (s->poll && s->head < s->tail)
		answer_updates(s->poll);
}

static int clamp(int64_t value, int least, int most)
{
	return value < least ? least : value > most ? most : (int)value;
}

static void penalise(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	int64_t now = s->clock->mono(s->clock);
	if (!s->config.no_penalties && s->asked && s->last_offset == r->offset) {
		if (now < s->last_asked + SAME_LIMIT_MS)
			r->limit = 1;
		if (now < s->last_asked + SAME_TIMEOUT_MS && r->timeout < 3)
			r->timeout = 3;
	}
	s->asked = true;
	s->last_offset = r->offset;
	s->last_asked = now;
}

void sandbox_get_updates(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	s->stats.polls++;
	r->offset = sandbox_param_number(r, "offset", 0);
	r->limit = clamp(sandbox_param_number(r, "limit", 100), 1, 100);
	r->timeout = clamp(sandbox_param_number(r, "timeout", 0), 0, 50);
	if (s->webhook) {
		sandbox_conflict(r, WEBHOOK);
		return;
	}
	if (s->poll)
		sandbox_conflict(s->poll, TERMINATED);
	sandbox_updates_allow(r);
	s->stats.offset = r->offset;
	penalise(r);
	if (r->offset > 0)
		confirm(s, r->offset);
	else if (r->offset < 0)
		confirm_from_tail(s, r->offset);
	if (s->redeliver)
		redeliver(s);
	if (s->head < s->tail || r->timeout == 0) {
		answer_updates(r);
		return;
	}
	s->poll = r;
	sandbox_later(r, (int64_t)r->timeout * 1000, answer_updates);
}

/* What the sandbox's owner asks. */

size_t sandbox_pending(const struct sandbox *s)
{
	return s->tail - s->head;
}

bool sandbox_polling(const struct sandbox *s)
{
	return s->poll != NULL;
}

void sandbox_stats(const struct sandbox *s, struct sandbox_stats *out)
{
	*out = s->stats;
	out->pending = sandbox_pending(s);
	out->open_polls = s->poll != NULL;
}
