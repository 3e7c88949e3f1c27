/* engine/engine_status: how the runner does, for `tgrun status`. What the other files and rooms
 * know comes in, one JSON object goes out, and nothing is changed. Invariant: the cost is bounded:
 * of many running updates and of many that wait, so many are looked at, and the object says when
 * that was not all. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/map.h"
#include "engine/engine_internal.h"

enum { RUNNING_MAX = 500, ITEMS_MAX = 20000, KEYS_SHOWN = 10 };

struct key {
	struct map_node node;
	size_t waiting;
	char text[];
};

/* What a pass over the queue gathers. */
struct census {
	struct map map;
	struct map_seed seed;
	size_t seen;
	bool partial, failed;
	const struct key *top[KEYS_SHOWN];
	size_t top_count;
};

static struct key *key_of(struct census *c, const char *text, size_t n)
{
	uint64_t hash = map_hash(&c->seed, text, n);
	for (struct map_node *m = map_first(&c->map, hash); m; m = map_next(m)) {
		struct key *k = container_of(m, struct key, node);
		if (strncmp(k->text, text, n) == 0 && !k->text[n])
			return k;
	}
	struct key *k = calloc(1, sizeof *k + n + 1);
	if (!k)
		return NULL;
	memcpy(k->text, text, n);
	if (map_add(&c->map, &k->node, hash) == 0)
		return k;
	free(k);
	return NULL;
}

static int count_item(void *arg, const struct queue_item *item)
{
	struct census *c = arg;
	if (c->seen++ == ITEMS_MAX) {
		c->partial = true;
		return 1;
	}
	const char *keys = item->state == QUEUE_RUNNING ? "" : item->keys;
	for (size_t n; *keys; keys += n + (keys[n] == ' ')) {
		n = strcspn(keys, " ");
		struct key *k = n ? key_of(c, keys, n) : NULL;
		if (k)
			k->waiting++;
		c->failed = c->failed || (n && !k);
	}
	return c->failed;
}

/* Of those for which as much waits it is by name: who looks again finds the same. */
static bool is_before(const struct key *a, const struct key *b)
{
	return a->waiting != b->waiting ? a->waiting > b->waiting : strcmp(a->text, b->text) < 0;
}

/* Keeps the longest, the longest first. */
static void rank(struct census *c, const struct key *k)
{
	size_t place = 0;
	while (place < c->top_count && is_before(c->top[place], k))
		place++;
	if (place == KEYS_SHOWN)
		return;
	c->top_count += c->top_count < KEYS_SHOWN;
	for (size_t i = c->top_count - 1; i > place; i--)
		c->top[i] = c->top[i - 1];
	c->top[place] = k;
}

static int add_string(struct buf *b, const char *name, const char *value)
{
	return buf_addf(b, ",\"%s\":", name) || buf_add_json(b, value, strlen(value)) ? -1 : 0;
}

static int add_keys(struct engine *e, struct buf *b)
{
	struct census c = { .seed = map_seed() };
	struct err err;
	map_init(&c.map);
	int rc = queue_each(e->queue, 0, count_item, &c, &err) < 0;
	for (size_t i = 0; i < c.map.cap; i++)
		for (struct map_node *m = c.map.slots[i]; m; m = m->next)
			rank(&c, container_of(m, struct key, node));
	/* A store that fails is told by store_failing; the rest is worth telling all the same. */
	rc = buf_addf(b, ",\"keys_partial\":%s,\"keys\":[",
		      c.partial || c.failed || rc ? "true" : "false");
	for (size_t i = 0; rc == 0 && i < c.top_count; i++)
		rc = buf_adds(b, i ? ",{\"key\":" : "{\"key\":") ||
		     buf_add_json(b, c.top[i]->text, strlen(c.top[i]->text)) ||
		     buf_addf(b, ",\"waiting\":%zu}", c.top[i]->waiting);
	for (size_t i = 0; i < c.map.cap; i++)
		for (struct map_node *m = c.map.slots[i], *next; m; m = next) {
			next = m->next;
			free(container_of(m, struct key, node));
		}
	map_release(&c.map);
	return rc || buf_addc(b, ']') ? -1 : 0;
}

static const char *route_name(const struct route *r)
{
	return r->match ? r->match : "";
}

static int add_running(struct engine *e, int64_t now, struct buf *b)
{
	int shown = 0, rc = buf_adds(b, ",\"running\":[");
	for (struct list *l = e->starts.running.next;
	     rc == 0 && l != &e->starts.running && shown < RUNNING_MAX; l = l->next, shown++) {
		const struct flight *f = container_of(l, struct flight, link);
		rc = buf_addf(
			     b,
			     "%s{\"number\":%lld,\"update_id\":%lld,\"attempt\":%d,\"seconds\":%.3f",
			     shown ? "," : "", (long long)f->claim->seq,
			     (long long)f->claim->update_id, f->claim->failures + 1,
			     (double)(now - f->since) / 1000) ||
		     add_string(b, "key", f->claim->keys) ||
		     add_string(b, "route", route_name(f->route));
		int worker = handler_worker(f->route->handler, f->claim);
		if (worker)
			rc = rc || buf_addf(b, ",\"worker\":%d", worker);
		rc = rc || buf_addc(b, '}');
	}
	return rc || buf_addc(b, ']') ? -1 : 0;
}

static int add_routes(struct engine *e, struct buf *b)
{
	int rc = buf_adds(b, ",\"routes\":[");
	for (size_t i = 0; rc == 0 && i < e->route_count; i++) {
		const struct route *r = &e->routes[i];
		struct handler_counts c;
		handler_counts(r->handler, &c);
		rc = buf_addf(
			     b,
			     "%s{\"mode\":\"%s\",\"running\":%d,\"processes\":%d,\"ready\":%d,\"capacity\":%d,\"starts\":%llu,\"deaths\":%llu,"
			     "\"recycled\":%llu,\"bad_answers\":%llu,\"breaker_open\":%s,\"start_failing\":%s",
			     i ? "," : "", handler_traits(r->handler)->name, c.running, c.processes,
			     c.ready, c.capacity, (unsigned long long)c.starts,
			     (unsigned long long)c.deaths, (unsigned long long)c.recycled,
			     (unsigned long long)c.bad_answers, r->breaker.open ? "true" : "false",
			     r->start_backoff.failures ? "true" : "false") ||
		     add_string(b, "match", route_name(r)) || buf_addc(b, '}');
	}
	return rc || buf_addc(b, ']') ? -1 : 0;
}

static int add_state(struct engine *e, int64_t uptime, struct buf *b)
{
	const char *state = e->phase != ENGINE_RUNNING ? "stopping"
			    : e->draining              ? "draining"
			    : e->paused                ? "paused"
						       : "running";
	return buf_addf(b, ",\"uptime\":%.3f,\"state\":\"%s\"", (double)uptime / 1000, state);
}

static int add_trouble(const struct engine *e, int64_t now, struct buf *b)
{
	struct source_counts s;
	e->source->ops->counts(e->source, &s);
	int rc = add_string(b, "last_error", e->pulse.last_error);
	rc = rc ||
	     (e->pulse.last_error_at ? json_add_time(b, "last_error_at", e->pulse.last_error_at)
				     : json_add_null(b, "last_error_at"));
	rc = rc || buf_addf(b, ",\"source\":{\"failing\":%s", s.failing ? "true" : "false") ||
	     add_string(b, "trouble", s.trouble ? s.trouble : "");
	rc = rc || buf_adds(b, ",\"last_answer_seconds\":");
	rc = rc || (s.last_answer ? buf_addf(b, "%.3f", (double)(now - s.last_answer) / 1000)
				  : buf_adds(b, "null"));
	return rc || buf_addc(b, '}') ? -1 : 0;
}

int engine_status_json(struct engine *e, struct buf *b)
{
	int64_t now = e->config.clock->mono(e->config.clock), uptime = now - e->started_at;
	long long bot = e->config.secret ? (long long)secret_bot_id(e->config.secret) : 0;
	int rc = buf_addf(b, "{\"version\":\"%s\",\"pid\":%ld,\"bot_id\":%lld", TGRUN_VERSION,
			  (long)getpid(), bot);
	rc = rc || add_string(b, "bot_username", e->bot_username ? e->bot_username : "");
	rc = rc || add_state(e, uptime, b) || engine_figures_json(e, b) ||
	     buf_addf(b, ",\"rate\":%.3f", engine_rate(e, uptime));
	rc = rc || add_running(e, now, b) || add_keys(e, b) || add_routes(e, b) ||
	     add_trouble(e, now, b);
	return rc || buf_addc(b, '}') ? -1 : 0;
}
