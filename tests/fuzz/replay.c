/* tests/fuzz/replay: the corpus of one fuzz target goes through it: each file whole, cut at every
 * byte, and with each byte changed. No crash, and every property of the target holds. What the
 * fuzzer once found stays found. */
#include <dirent.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/tap.h"

enum { INPUT_MAX = 64 * 1024, VARIED_MAX = 4096 };

/* The characters that mean something to one format or another. */
static const char odd[] = "\0\"\\{}[],:\n \x7f\xff";

static void run(const char *name, const uint8_t *data, size_t n)
{
	static uint8_t copy[INPUT_MAX];
	size_t runs = 1;
	diag("%s", name); /* the last line that is seen, if it crashes */
	LLVMFuzzerTestOneInput(data, n);
	memcpy(copy, data, n);
	for (size_t i = 0; n <= VARIED_MAX && i < n; i++, runs += 2) {
		LLVMFuzzerTestOneInput(data, i);
		copy[i] = (uint8_t)odd[(i + n) % sizeof odd];
		LLVMFuzzerTestOneInput(copy, n);
		copy[i] = data[i];
	}
	ok(true, "%s: %s and what is near it: %zu inputs", fuzz_name, name, runs);
}

int main(void)
{
	static uint8_t data[INPUT_MAX];
	char path[512];
	struct dirent **names;
	snprintf(path, sizeof path, "tests/fuzz/corpus/%s", fuzz_name);
	int count = scandir(path, &names, NULL, alphasort), files = 0;
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "tests/fuzz/corpus/%s/%s", fuzz_name, names[i]->d_name);
		FILE *f = names[i]->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (f) {
			run(names[i]->d_name, data, fread(data, 1, sizeof data, f));
			fclose(f);
			files++;
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	ok(files > 0, "there is a corpus");
	return done_testing();
}
