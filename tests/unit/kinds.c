/* tests/unit/kinds: the table of kinds is complete, and age limits are set, removed and refused as
 * asked. */
#include "update/kinds.h"
#include "tests/samples.h"
#include "tests/tap.h"

static void refuses(struct max_age *m, const char *text, const char *part)
{
	struct err err = { 0 };
	int rc = max_age_set(m, text, &err);
	if (!ok(rc == -1 && err.status == ERR_USAGE && strstr(err.text, part),
		"'%s' is refused: %s", text, part))
		diag("got %d, status %d, '%s'", rc, err.status, err.text);
}

static void table(void)
{
	size_t count;
	const struct kind *all = kinds_all(&count);
	is_num((int64_t)count, 27, "the Bot API 10.3 has 27 kinds");
	is_num((int64_t)sample_count, 27, "and there is a sample of each");
	bool found = true, off_by_default = true;
	for (size_t i = 0; i < count; i++) {
		char member[80];
		snprintf(member, sizeof member, ",\"%s\":{", all[i].name);
		bool sampled = false;
		for (size_t j = 0; j < sample_count; j++)
			sampled = sampled || strstr(samples[j], member);
		if (!sampled || kinds_find(all[i].name, strlen(all[i].name)) != &all[i]) {
			diag("%s", all[i].name);
			found = false;
		}
		bool off = strcmp(all[i].name, "chat_member") == 0 ||
			   strncmp(all[i].name, "message_reaction", 16) == 0;
		off_by_default = off_by_default && all[i].by_default == !off;
	}
	ok(found, "every kind has a sample and is found by its name");
	ok(off_by_default, "all but chat_member and the reactions come by default");
	ok(!kinds_find("messag", 6) && !kinds_find("message_", 8) && !kinds_find("", 0) &&
		   !kinds_find("message\0x", 9),
	   "a part of a name, a longer one and none find nothing");
	is_str(kinds_nearest("calback_query"), "callback_query",
	       "the nearest kind to a misspelt one");
	is_str(kinds_nearest("banana"), NULL, "none is near to another word");
}

static void ages(void)
{
	struct max_age *m = max_age_new();
	is_num(max_age_of(m, "inline_query"), 30000, "an inline query is answerable for 30 s");
	is_num(max_age_of(m, "callback_query"), 150000, "a button press for 150 s");
	is_num(max_age_of(m, "shipping_query"), 150000, "a shipping query for 150 s");
	is_num(max_age_of(m, "pre_checkout_query"), 150000, "a pre-checkout query for 150 s");
	is_num(max_age_of(m, "message"), 0, "a message for ever");
	is_num(max_age_of(m, "kind_of_tomorrow"), 0, "an unknown kind for ever");
	is_num(max_age_set(m, "message=1h,callback_query=none", NULL), 0,
	       "two limits in one value");
	is_num(max_age_of(m, "message"), 3600000, "a limit was added");
	is_num(max_age_of(m, "callback_query"), 0, "a limit was removed");
	is_num(max_age_of(m, "inline_query"), 30000, "the others stay");
	refuses(m, "message=2h,mesage=1h", "did you mean 'message'?");
	is_num(max_age_of(m, "message"), 3600000, "a refused value changes nothing");
	refuses(m, "banana=1h", "'banana' is no kind of update");
	refuses(m, "message=soon", "'soon'");
	refuses(m, "message=0", "write none");
	refuses(m, "message=", "''");
	refuses(m, "1h", "KIND=DURATION");
	refuses(m, "", "KIND=DURATION");
	refuses(m, "message=1h,", "KIND=DURATION");
	refuses(m, "message=1h,none", "KIND=DURATION");
	is_num(max_age_set(m, "none", NULL), 0, "none is taken");
	ok(max_age_of(m, "message") == 0 && max_age_of(m, "inline_query") == 0,
	   "none removes every limit");
	max_age_free(m);
	max_age_free(NULL);
}

int main(void)
{
	samples_load();
	RUN(table);
	RUN(ages);
	return done_testing();
}
