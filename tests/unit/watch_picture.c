/* unit/watch_picture: what `status --watch` draws of the last minute, and which line is whose. */
#include "cli/client/watch_picture.h"

#include <string.h>

#include "tests/tap.h"

static const char *picture(const double *values, size_t count, size_t columns, bool blocks)
{
	static char out[WATCH_PICTURE_MAX];
	struct watch_picture p = { 0 };
	for (size_t i = 0; i < count; i++)
		watch_picture_add(&p, values[i]);
	return watch_picture_text(&p, columns, blocks, out);
}

static void test_pictures(void)
{
	double rising[80], none[3] = { 0 };
	for (int i = 0; i < 80; i++)
		rising[i] = i;
	is_str(picture(none, 0, 5, false), "     ", "before the first second nothing is drawn");
	is_str(picture(none, 3, 5, false), "  ___", "nothing at all is the lowest line");
	is_str(picture((double[]){ 0, 0.001, 50, 100 }, 4, 4, false), "_.=#",
	       "the most is the highest, and a little is more than nothing");
	is_str(picture((double[]){ 0, 1 }, 2, 3, true), " \u2581\u2588", "the same as blocks");
	is_str(picture((double[]){ 7, 7 }, 2, 2, false), "##", "what stays is a line");
	is_str(picture((double[]){ -5, 1 }, 2, 2, false), "_#", "there is no less than nothing");
	is_num((int)strlen(picture(rising, 80, 200, false)), WATCH_SECONDS,
	       "a minute is the most that is kept");
	is_str(picture(rising, 80, 1, false), "#", "where there is little room, the newest");
}

static cJSON *array(const char *text)
{
	return cJSON_Parse(text);
}

static const char *names(const struct watch_lines *l, char out[256])
{
	out[0] = '\0';
	for (size_t i = 0; i < l->count; i++) {
		strcat(out, l->line[i].item ? l->line[i].name : "-");
		strcat(out, " ");
	}
	return out;
}

static void test_lines(void)
{
	static struct watch_lines l;
	char out[256];
	cJSON *one = array("[{\"k\":\"a\"},{\"k\":\"b\"},{\"k\":\"c\"}]");
	cJSON *two = array("[{\"k\":\"c\"},{\"k\":\"d\"},{\"k\":\"a\"}]");
	cJSON *three = array("[{\"k\":\"e\"},{\"k\":\"d\"},{\"k\":\"f\"},{\"k\":\"g\"}]");
	cJSON *numbers = array("[{\"k\":12},{\"k\":7}]");
	watch_lines_take(&l, one, "k", 10);
	is_str(names(&l, out), "a b c ", "lines in the order in which they come");
	watch_lines_take(&l, two, "k", 10);
	is_str(names(&l, out), "a d c ", "who stays keeps the line, who comes gets a free one");
	watch_lines_take(&l, three, "k", 3);
	is_str(names(&l, out), "e d f ", "no more than there is room for");
	cJSON *empty = array("[]");
	watch_lines_take(&l, empty, "k", 3);
	is_str(names(&l, out), "", "none");
	watch_lines_take(&l, numbers, "k", 3);
	is_str(names(&l, out), "12 7 ", "numbers are names, too");
	cJSON_Delete(one);
	cJSON_Delete(two);
	cJSON_Delete(three);
	cJSON_Delete(numbers);
	cJSON_Delete(empty);
}

int main(void)
{
	RUN(test_pictures);
	RUN(test_lines);
	return done_testing();
}
