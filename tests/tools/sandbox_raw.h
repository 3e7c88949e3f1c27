/* tests/tools/sandbox_raw: answers that no HTTP server gives, written on a request's connection
 * past io/httpd. For sandbox_script only. */
#ifndef TGRUN_TESTS_TOOLS_SANDBOX_RAW_H
#define TGRUN_TESTS_TOOLS_SANDBOX_RAW_H

#include "sandbox/sandbox_internal.h"

/* What sandbox_script.h describes; those from FAULT_REDIRECT on are left to the script itself. */
enum raw_action {
	RAW_NONE,
	RAW_STALL,
	RAW_STALL_HEADERS,
	RAW_TRICKLE,
	RAW_RESET,
	RAW_CUT,
	RAW_BYTES,
	RAW_ENDLESS,
	RAW_HEADERS,
	RAW_GARBAGE,
	FAULT_REDIRECT,
	FAULT_CLOSE,
	FAULT_DELAY,
	FAULT_DUPLICATE,
	FAULT_TWICE,
	FAULT_BACKWARDS,
	FAULT_PASS,
	FAULT_REFUSE,
	FAULT_HANG_UP,
	FAULT_FLOOD,
	FAULT_BREAK,
};

enum { RAW_UNSET = -1 };

/* What r->fault points to, at the beginning of what a fault keeps of its request. */
struct sandbox_fault {
	/* Called once, in place of sending the request's answer; NULL afterwards. */
	void (*answer)(struct sandbox_request *r);
	void (*release)(struct sandbox_request *r); /* the request is over: frees r->fault */
};

struct raw_plan {
	enum raw_action action;
	enum raw_action end; /* RAW_CUT, RAW_RESET or RAW_STALL */
	int64_t ms;          /* between two pieces of a trickle; before the end of the others */
	int64_t bytes;       /* of a piece; at most, for what has no end */
	bool has_after;
	int64_t after;    /* bytes of the answer that are sent; below 0: that are not */
	int64_t permille; /* the same as a part of it; RAW_UNSET */
	int64_t more;     /* than the body's length, in Content-Length */
};

/* From now on the request's answer, when it comes, is played by the plan instead of being sent. 0,
 * or -1 when memory is out. */
int sandbox_raw_prepare(struct sandbox_request *r, const struct raw_plan *plan);

#endif
