/* tests/fuzz/answer: bytes as a line that a worker wrote. What comes out is inside its bounds, and
 * the short way for plain answers says what the long way says. */
#include <string.h>

#include "handler/answer.h"
#include "handler/handler.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "answer";

static void check_bounds(const struct answer *a)
{
	switch (a->kind) {
	case ANSWER_FAILED:
		HOLDS(memchr(a->error, '\0', sizeof a->error), "the error ends");
		HOLDS(a->seq >= 0 && a->attempt >= -1, "an id");
		break;
	case ANSWER_OK:
		HOLDS(a->seq >= 0 && a->attempt >= -1, "an id");
		break;
	case ANSWER_READY:
		HOLDS(a->concurrency >= 1 && a->concurrency <= HANDLER_CONCURRENCY_MAX,
		      "%d at once", a->concurrency);
		break;
	case ANSWER_BAD:
		HOLDS(a->why && a->why[0], "a refusal has its words");
		break;
	}
}

static void check_same(const struct answer *a, const struct answer *b)
{
	HOLDS(a->kind == b->kind, "%d, %d", a->kind, b->kind);
	if (a->kind == ANSWER_OK || a->kind == ANSWER_FAILED)
		HOLDS(a->seq == b->seq && a->attempt == b->attempt, "the id");
	if (a->kind == ANSWER_FAILED)
		HOLDS(a->retry == b->retry && strcmp(a->error, b->error) == 0, "the error");
	if (a->kind == ANSWER_READY)
		HOLDS(a->concurrency == b->concurrency, "the concurrency");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct answer plain, spaced;
	if (n > ANSWER_LINE_MAX)
		return 0;
	char *line = fuzz_copy(data, n), *longer = malloc(n + 1);
	if (!longer)
		abort();
	answer_parse(line, n, &plain);
	check_bounds(&plain);
	/* A space in front, and it is not plain any more. */
	longer[0] = ' ';
	memcpy(longer + 1, line, n);
	answer_parse(longer, n + 1, &spaced);
	check_bounds(&spaced);
	check_same(&plain, &spaced);
	free(longer);
	free(line);
	return 0;
}
