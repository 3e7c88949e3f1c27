/* handler/answer: a line that a worker wrote on descriptor 3. Pure; see "Workers" in
 * tgrun-handler(7). */
#ifndef TGRUN_HANDLER_ANSWER_H
#define TGRUN_HANDLER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line is bounded by --max-output, but may always be so long. */
enum { ANSWER_LINE_MAX = 64 * 1024, ANSWER_ERROR_MAX = 512 };
enum { ANSWER_AFTER_MAX = 24 * 3600 * 1000 };

enum answer_kind {
	ANSWER_OK, /* {"id":"12.1","ok":true,"reply":"hi"}; reply may be left out */
	/* {"id":"12.1","ok":false,"retry":true,"after":34,"error":"…"}; retry, after and error may
	 * be left out */
	ANSWER_FAILED,
	/* {"ready":true,"concurrency":8,"batch":true,"bare":true}; all but the first may be left
	 * out */
	ANSWER_READY,
	ANSWER_BAD, /* none of these; see `why` */
};

struct answer {
	enum answer_kind kind;
	int64_t seq; /* OK, FAILED: the id's two numbers */
	int attempt;
	bool retry; /* FAILED */
	/* FAILED, of one to be tried again: milliseconds until then, at most ANSWER_AFTER_MAX; -1:
	 * left out */
	int64_t after;
	int concurrency; /* READY: from 1; 1 if it was left out */
	bool batch;      /* READY: its lines have lists of updates */
	bool bare;       /* READY: its lines need not say what the update says, too */
	const char *why; /* BAD: `is no JSON`, … */
	/* OK, FAILED: the JSON value of `reply`, part of the line; NULL if it was left out */
	const char *reply;
	size_t reply_length;
	/* FAILED: cut; "" if it was left out. Of the others: not set */
	char error[ANSWER_ERROR_MAX];
};

/* Reads a line of `n` bytes without its line feed. Allocates nothing. */
void answer_parse(const char *line, size_t n, struct answer *out);

#endif
