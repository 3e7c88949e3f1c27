/* tests/unit/journal: standard error is the journal only where JOURNAL_STREAM names it by device
 * and inode. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal.h"
#include "tests/tap.h"

int main(void)
{
	struct stat st;
	char own[64], text[80];
	FILE *file = tmpfile(), *other = tmpfile();
	unsetenv("JOURNAL_STREAM");
	ok(!journal_is(fileno(file)), "without the variable nothing is the journal");
	if (fstat(fileno(file), &st))
		return 1;
	snprintf(own, sizeof own, "%" PRIuMAX ":%" PRIuMAX, (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", own, 1);
	ok(journal_is(fileno(file)), "what it names by device and inode is");
	ok(!journal_is(fileno(other)), "another file is not");
	ok(!journal_is(-1), "nor is what is closed");
	snprintf(text, sizeof text, "%s0", own);
	setenv("JOURNAL_STREAM", text, 1);
	ok(!journal_is(fileno(file)), "a longer number is another one");
	setenv("JOURNAL_STREAM", "", 1);
	ok(!journal_is(fileno(file)), "an empty variable names nothing");
	fclose(file);
	fclose(other);
	return done_testing();
}
