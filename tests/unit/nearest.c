/* tests/unit/nearest: a misspelt word finds the one that was meant, another word finds none. */
#include "base/nearest.h"
#include "tests/tap.h"

static const char *const words[] = {
	"token",       "token-file", "handler",   "timeout",    "poll-timeout", "kill-after",
	"concurrency", "key",        "log-level", "log-format", "message",      "edited_message"
};

static void near(const char *word, const char *want, const char *what)
{
	is_str(nearest_find(word, words, sizeof words / sizeof *words), want, what);
}

int main(void)
{
	near("token", "token", "the word itself");
	near("tokn", "token", "a letter left out");
	near("tokken", "token", "a letter put in");
	near("tolen", "token", "a letter replaced");
	near("tkoen", "token", "two neighbours swapped are one step");
	near("yek", NULL, "a short word at distance 2 is not near");
	near("ekyx", "key", "at length 4 a swap and a letter are near enough");
	near("kye", "key", "a swap in a word of three letters");
	near("conncurency", "concurrency", "two slips in a long word");
	near("concur", "concurrency", "a prefix that only one word has");
	near("log-", NULL, "a prefix that two words have says nothing");
	near("edited_mesage", "edited_message", "the nearer of two alike");
	near("banana", NULL, "another word is near to none");
	near("x", NULL, "one wrong letter is near to none");
	near("", NULL, "nothing is near to none");
	char longer[5000];
	memset(longer, 'k', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	near(longer, NULL, "a word without end is near to none");
	is_str(nearest_find("key", words, 0), NULL, "an empty list has none");
	return done_testing();
}
