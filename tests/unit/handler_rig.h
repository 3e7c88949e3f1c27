/* tests/unit/handler_rig.h: a room of handlers on real slots, claims made up, and what became of
 * each. */
#ifndef TGRUN_TESTS_HANDLER_RIG_H
#define TGRUN_TESTS_HANDLER_RIG_H

#include "base/log.h"
#include "handler/handler.h"
#include "queue/queue.h"
#include "tests/unit/slots_rig.h"

enum { FATES_MAX = 20001 };

/* What became of the update of this number. */
struct fate {
	int done; /* times it came back */
	struct handler_result result;
	char reason[256], sentence[256];
};

struct house {
	struct rig rig; /* its loop and slots; nothing else of it is used */
	struct log *log;
	struct handlers *room;
	struct fate *fates;
	int back; /* claims that came back */
	int unstartable, errnum;
	char why[512];     /* the last reason of an unstartable one */
	char out[2][1024]; /* the last line of stdout and of stderr */
	int64_t out_of;    /* the update that it was of, 0: of none */
	/* takes the claim over */
	void (*then)(struct house *house, struct handler *h, struct claim *c,
		     const struct handler_result *r);
};

static void house_done(void *arg, struct handler *h, struct claim *c,
		       const struct handler_result *r)
{
	struct house *house = arg;
	struct fate *f = &house->fates[c->seq];
	f->done++;
	f->result = *r;
	snprintf(f->reason, sizeof f->reason, "%s",
		 r->end == HANDLER_ENDED ? r->outcome.reason : r->reason);
	snprintf(f->sentence, sizeof f->sentence, "%s", r->sentence);
	house->back++;
	if (house->then)
		house->then(house, h, c, r);
	else
		claim_free(c);
}

static void house_idle(void *arg)
{
	(void)arg;
}

static void house_unstartable(void *arg, struct handler *h, const char *reason, int errnum)
{
	struct house *house = arg;
	(void)h;
	snprintf(house->why, sizeof house->why, "%s", reason);
	house->unstartable++;
	house->errnum = errnum;
}

static void house_output(void *arg, struct handler *h, const struct claim *c, int which,
			 const char *text, size_t n)
{
	struct house *house = arg;
	(void)h;
	(void)n;
	snprintf(house->out[which - 1], sizeof house->out[0], "%s", text);
	house->out_of = c ? c->seq : 0;
}

__attribute__((unused)) static void house_init(struct house *house, int slots, int hook_slots)
{
	struct err err = { 0 };
	signal(SIGPIPE, SIG_IGN);
	*house = (struct house){ .fates = calloc(FATES_MAX, sizeof *house->fates) };
	house->rig.slots = slots_fork(
		&(struct slots_config){ .count = slots, .lock_fd = -1, .stdout_fd = -1 }, &err);
	house->rig.loop = loop_new(&err);
	house->rig.tick = loop_timer_new(house->rig.loop, rig_tick, &house->rig);
	loop_timer_set(house->rig.tick, 5);
	house->log = log_new(getenv("TEST_LOG") ? 2 : -1, LOG_DEBUG, LOG_TEXT, &clock_system);
	struct handlers_config config = {
		.loop = house->rig.loop,
		.slots = house->rig.slots,
		.hook_slots = hook_slots,
		.log = house->log,
		.clock = &clock_system,
		.done = house_done,
		.idle = house_idle,
		.unstartable = house_unstartable,
		.output = house_output,
		.arg = house,
	};
	house->room = house->rig.slots ? handlers_new(&config, &err) : NULL;
	if (!house->room) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	handlers_begin(house->room);
}

__attribute__((unused)) static void house_free(struct house *house)
{
	slots_free(house->rig.slots);
	handlers_free(house->room);
	loop_timer_free(house->rig.tick);
	loop_free(house->rig.loop);
	log_free(house->log);
	free(house->fates);
}

#define HOUSE_UNTIL(house, holds) RIG_UNTIL(&(house)->rig, holds)

static void claim_end(struct claim *c)
{
	free(c->keys);
	free(c->body);
	free(c);
}

/* An update's body says what a helper is to do with it. */
__attribute__((unused)) static struct claim *claim_make(int64_t seq, const char *keys,
							const char *body)
{
	struct claim *c = calloc(1, sizeof *c);
	c->free = claim_end;
	c->seq = seq;
	c->keys = strdup(keys);
	c->body = strdup(body);
	c->length = strlen(body);
	const char *id = strstr(body, "\"update_id\":");
	c->update_id = id ? strtoll(id + 12, NULL, 10) : 0;
	return c;
}

__attribute__((unused)) static struct claim *claim_do(int64_t seq, const char *what)
{
	char body[256];
	snprintf(body, sizeof body, "{\"update_id\":%lld,\"do\":\"%s\"}", (long long)seq, what);
	return claim_make(seq, "chat:1", body);
}

static const struct handler_policy house_policy = {
	.kill_after = 5000,
	.max_output = 1 << 20,
	.outcome = { ON_FAILURE_DEAD, 3 },
	.workers = 1,
};

/* A handler; the command's reference is taken over. */
__attribute__((unused)) static struct handler *house_handler(struct house *house,
							     enum handler_mode mode,
							     struct command *command,
							     const struct handler_policy *policy)
{
	struct handler *h = handler_new(house->room, mode, "default");
	handler_set_policy(h, policy);
	handler_set_command(h, command, "testbot");
	command_unref(command);
	return h;
}

__attribute__((unused)) static bool give(struct handler *h, struct claim *c)
{
	if (!handler_start(h, &c, 1))
		return true;
	claim_free(c);
	return false;
}

/* Processes that this program's slots keep now. */
__attribute__((unused)) static int jobs_alive(struct procs *found)
{
	size_t n = 0;
	found->count = 0;
	procs_descendants(getpid(), found);
	for (size_t i = 0; i < found->count; i++) {
		struct procs_stat stat;
		if (!procs_stat(found->pids[i], &stat) && stat.parent != getpid() &&
		    is_alive(found->pids[i]))
			found->pids[n++] = found->pids[i];
	}
	found->count = n;
	return (int)n;
}

#endif
