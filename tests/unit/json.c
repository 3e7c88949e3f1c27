/* tests/unit/json: members of an object, written and read. */
#include "base/json.h"

#include "tests/tap.h"

static void test_writing(void)
{
	struct buf out;
	buf_init(&out, 1000);
	buf_addc(&out, '{');
	ok(json_add_number(&out, "number", -7) == 0, "a number is added");
	ok(json_add_text(&out, "text", "a \"b\"\n") == 0, "a text is added");
	ok(json_add_time(&out, "at", INT64_C(1795467845999)) == 0, "a time is added");
	ok(json_add_null(&out, "none") == 0, "nothing is added");
	ok(json_add_name(&out, "list") == 0 && buf_adds(&out, "[1]}") == 0,
	   "a name is added, and its value by the caller");
	is_str(buf_str(&out),
	       "{\"number\":-7,\"text\":\"a \\\"b\\\"\\n\",\"at\":\"2026-11-23T21:04:05Z\",\"none\":null,\"list\":[1]}",
	       "there is a comma before each but the first, a text is escaped, a time ends at its second");
	buf_release(&out);
}

static void test_full(void)
{
	struct buf out;
	buf_init(&out, 16);
	buf_addc(&out, '{');
	ok(json_add_text(&out, "name", "much too long") == -1,
	   "a member that does not fit is refused");
	is_str(buf_str(&out), "{", "and nothing of it stays");
	ok(json_add_time(&out, "at", 0) == -1, "a time likewise");
	is_str(buf_str(&out), "{", "and nothing of it stays");
	ok(json_add_number(&out, "n", 1) == 0, "one that fits goes in then");
	is_str(buf_str(&out), "{\"n\":1", "without a comma");
	buf_release(&out);
}

static void test_reading(void)
{
	cJSON *object = cJSON_Parse(
		"{\"text\":\"x\",\"number\":2.5,\"yes\":true,\"no\":false,\"null\":null}");
	is_str(json_text(object, "text"), "x", "a text is read");
	is_str(json_text(object, "Text"), "", "a name in other letters is another name");
	is_str(json_text(object, "number"), "", "a number is no text");
	ok(json_number(object, "number") == 2.5, "a number is read");
	ok(json_number(object, "text") == 0, "a text is no number");
	ok(json_has_number(object, "number"), "a number is there");
	ok(!json_has_number(object, "null"), "null is none");
	ok(json_true(object, "yes"), "true is true");
	ok(!json_true(object, "no"), "false is not");
	ok(!json_true(object, "number"), "and neither is a number");
	ok(json_member(object, "null") != NULL, "a member that is null is there");
	ok(json_member(NULL, "null") == NULL, "an object that is not there has none");
	is_str(json_text(NULL, "text"), "", "and its texts are empty");
	cJSON_Delete(object);
}

int main(void)
{
	RUN(test_writing);
	RUN(test_full);
	RUN(test_reading);
	return done_testing();
}
