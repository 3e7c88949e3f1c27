/* cli/try/chat_record_internal: what chat_record.c, which takes lines in, and chat_merge.c, which
 * puts them together, know of each other. */
#ifndef TGRUN_CLI_TRY_CHAT_RECORD_INTERNAL_H
#define TGRUN_CLI_TRY_CHAT_RECORD_INTERNAL_H

#include "cli/try/chat_record.h"

/* A line that was read. */
struct record_line {
	char *text;                         /* in `text` of the record */
	enum { TYPED, WANTED, OTHER } kind; /* OTHER: a comment, or blank */
};

/* What happened at once: lines, as they stand in the record. */
struct record_item {
	enum chat_order order;
	int64_t chat;
	size_t number;
	char *text;
};

/* An input and what followed it; of the first step nothing is typed. */
struct record_step {
	size_t first, end; /* of the lines that were read */
	char *typed;       /* of one that is recorded: its lines; NULL: none */
	struct record_item *items;
	size_t count;
};

struct chat_record {
	bool read;
	char *text;
	struct record_line *lines;
	size_t line_count, next; /* the first that was not handed out yet */
	struct record_step *steps;
	size_t step_count, step; /* the one that is carried out */
	/* All lines, those of before and of now: chat_merge.c's, made when they are asked for. */
	struct record_out {
		char mark; /* ' ' kept, '-' gone, '+' new */
		const char *text;
		size_t n; /* bytes */
	} * outs;
	size_t out_count;
	bool merged;
};

/* A list of `count` items of `size` bytes, moved to where one more has room; NULL when memory is
 * out, and then it is as it was. */
void *chat_record_grown(void *items, size_t count, size_t size);

#endif
