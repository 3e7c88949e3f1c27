/* tests/tools/sandbox_tool: what the files of the sandbox's program share: sandbox.c, its life;
 * sandbox_log.c, what it writes down; sandbox_steer.c, what tests ask of it over HTTP. */
#ifndef TGRUN_TESTS_TOOLS_SANDBOX_TOOL_H
#define TGRUN_TESTS_TOOLS_SANDBOX_TOOL_H

#include "tests/tools/sandbox_script.h"

enum { CHATS_MAX = 100000, COUNT_MAX = 2000000 };

struct tool {
	struct sandbox *sandbox;
	struct sandbox_script *script;
	int log; /* the log's descriptor; -1: none */
	uint64_t seq, scripted;
	cJSON *calls;          /* how many of each method came */
	uint32_t *numbers;     /* of the last generated update in each chat */
	struct buf deliveries; /* lines of JSON */
	uint64_t delivered;
	bool too_many; /* deliveries for their buffer */
};

/* sandbox_log.c: the sandbox's events `called` and `polled` with the tool as `arg`; a call that
 * came; a fault that is played on it. */
void sandbox_log_called(void *arg, const struct sandbox_call *call);
void sandbox_log_polled(void *arg, const struct sandbox_poll *poll);
void sandbox_log_came(struct tool *t, const char *method);
void sandbox_log_fault(struct tool *t, const struct sandbox_request *r, const char *fault);

/* sandbox_steer.c */
/* Answers POST or GET /sandbox/WHAT. */
void sandbox_steer(struct tool *t, struct sandbox_request *r, const char *what);
/* Queues lines as /sandbox/push does. 0, or -1. */
int sandbox_steer_push(struct tool *t, const char *bytes, size_t n);

#endif
