/* tests/samples.h: the lines of tests/data/update-samples.jsonl. Tests run in the top directory of
 * the tree. */
#ifndef TGRUN_TESTS_SAMPLES_H
#define TGRUN_TESTS_SAMPLES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 64 };

static char samples_text[64 * 1024];
static const char *samples[SAMPLES_MAX];
static size_t sample_count;

__attribute__((unused)) static void samples_load(void)
{
	FILE *f = fopen("tests/data/update-samples.jsonl", "r");
	size_t n = f ? fread(samples_text, 1, sizeof samples_text - 1, f) : 0;
	if (n == 0) {
		printf("Bail out! cannot read tests/data/update-samples.jsonl\n");
		exit(1);
	}
	fclose(f);
	char *rest = samples_text, *line;
	while ((line = strsep(&rest, "\n")) && sample_count < SAMPLES_MAX)
		if (*line)
			samples[sample_count++] = line;
}

#endif
