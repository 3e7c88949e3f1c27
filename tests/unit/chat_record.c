/* tests/unit/chat_record: a conversation is recorded, read again and held against what happens; the
 * record says what happened, whoever was faster, and the diff what is otherwise now. */
#include "cli/try/chat_record.h"

#include "tests/tap.h"

static struct chat_record *record;
static char written[1 << 16];

static const char *write_out(void)
{
	struct buf out;
	buf_init(&out, CHAT_RECORD_MAX);
	chat_record_write(record, &out);
	snprintf(written, sizeof written, "%s", buf_str(&out));
	buf_release(&out);
	return written;
}

static const char *without_head(void)
{
	const char *s = write_out();
	while (*s == '#')
		s = strchr(s, '\n') + 1;
	return s;
}

static void begin(const char *typed)
{
	is_num(chat_record_begin(record, typed), 0, "(an input)");
}

static void add(enum chat_order order, int64_t chat, const char *text)
{
	is_num(chat_record_add(record, order, chat, text), 0, "(something happens)");
}

static void end(void)
{
	chat_record_free(record);
	record = NULL;
}

static void test_recorded(void)
{
	record = chat_record_new();
	add(RECORD_NO_CHAT, 0, "called setMyCommands\n");
	begin("/start\n");
	add(RECORD_END, 0, "(no answer)\n");
	add(RECORD_CHAT, 7, "(7) bot: seven\n");
	add(RECORD_HERE, 1,
	    "\033[1;32mbot:\033[0m one  \n\001two\n\001\n\001 four\n     [1 A] [2 B]\n");
	add(RECORD_CHAT, -5, "(-5) bot: minus\n");
	add(RECORD_HERE, 1, "bot: then\n");
	add(RECORD_QUERY, 0, "called answerCallbackQuery\n");
	add(RECORD_CHAT, 7, "(7) bot: again\n");
	add(RECORD_HERE, 1, "");
	begin("\"\"\"\na\n\n\"\"\"\n");
	begin("last\n");
	is_str(without_head(),
	       "called setMyCommands\n\n> /start\ncalled answerCallbackQuery\nbot: one\n   | two\n   |\n   |  four\n"
	       "     [1 A] [2 B]\nbot: then\n(-5) bot: minus\n(7) bot: seven\n(7) bot: again\n(no answer)\n\n"
	       "> \"\"\"\n> a\n>\n> \"\"\"\n\n> last\n",
	       "a record is in an order that does not depend on who was faster");
	end();
}

static void reads(const char *text)
{
	struct err err = { 0 };
	record = chat_record_read(text, strlen(text), &err);
	if (!ok(record != NULL, "it can be read"))
		diag("%s", err.text);
}

static void fails(const char *text, size_t n, const char *why)
{
	struct err err = { 0 };
	record = chat_record_read(text, n, &err);
	if (!ok(!record && err.status == ERR_USAGE && strstr(err.text, why), "it says: %s", why))
		diag("got '%s'", err.text);
	end();
}

static void is_line(const char *want, int64_t want_number)
{
	int64_t number;
	const char *line = chat_record_line(record, &number);
	is_str(line ? line : "(end)", want, "the next line that was typed");
	is_num(number, want_number, "its number");
}

#define TALK                                                                                                    \
	"# a comment\n\n> /start\nbot: one\n# why\nbot: two\n(7) bot: at <time> o'clock\n\n> \"\"\"\n>  a\n>\n" \
	"> \"\"\"\nbot: a\n\n# the end\n"

static void test_read(void)
{
	reads(TALK);
	is_line("/start", 3);
	is_line("\"\"\"", 9);
	is_line(" a", 10);
	is_line("", 11);
	is_line("\"\"\"", 12);
	is_line("(end)", 16);
	end();
	reads("\xef\xbb\xbf> a\r\nbot: x\r\n> b");
	is_line("a", 1);
	is_line("b", 3);
	end();
}

static const char *diff(int want)
{
	static char text[1 << 16];
	struct buf out;
	buf_init(&out, CHAT_RECORD_MAX);
	is_num(chat_record_diff(record, "FILE", &out), want, "does anything differ");
	snprintf(text, sizeof text, "%s", buf_str(&out));
	buf_release(&out);
	return text;
}

static void test_same(void)
{
	reads(TALK);
	begin(NULL);
	add(RECORD_CHAT, 7, "(7) bot: at 5 o'clock\n");
	add(RECORD_HERE, 0, "bot: one\n");
	add(RECORD_HERE, 0, "bot: two\n");
	begin(NULL);
	add(RECORD_HERE, 0, "bot: a\n");
	is_str(diff(0), "", "what is the same is told in no word");
	is_str(write_out(), TALK, "and written as it was, comments and all");
	end();
}

static void test_differs(void)
{
	reads(TALK);
	add(RECORD_HERE, 0, "bot: early\n");
	begin(NULL);
	add(RECORD_CHAT, 7, "(7) bot: at 5 o'clock\n");
	add(RECORD_HERE, 0, "bot: new\n");
	add(RECORD_HERE, 0, "bot: two\n");
	begin(NULL);
	add(RECORD_HERE, 0, "bot: a\n");
	add(RECORD_HERE, 0, "bot: more\n");
	is_str(diff(1),
	       "--- FILE\n+++ now\n@@ -1,7 +1,8 @@\n # a comment\n \n+bot: early\n > /start\n-bot: one\n+bot: new\n # why\n bot: two\n"
	       " (7) bot: at <time> o'clock\n@@ -11,5 +12,6 @@\n >\n > \"\"\"\n bot: a\n+bot: more\n \n # the end\n",
	       "what differs is a diff");
	is_str(write_out(),
	       "# a comment\n\nbot: early\n> /start\nbot: new\n# why\nbot: two\n(7) bot: at <time> o'clock\n\n> \"\"\"\n>  a\n>\n"
	       "> \"\"\"\nbot: a\nbot: more\n\n# the end\n",
	       "and the record as it is now keeps all else");
	end();
	reads("> a\nbot: 1\nbot: 2\nbot: 3\nbot: 4\nbot: 5\nbot: 6\nbot: 7\nbot: 8\n> b\n");
	begin(NULL);
	add(RECORD_HERE, 0, "bot: 2\nbot: 3\nbot: 4\nbot: 5\nbot: 6\nbot: 7\nbot: 8\n");
	begin(NULL);
	add(RECORD_HERE, 0, "bot: b\n");
	is_str(diff(1),
	       "--- FILE\n+++ now\n@@ -1,5 +1,4 @@\n > a\n-bot: 1\n bot: 2\n bot: 3\n bot: 4\n"
	       "@@ -8,3 +7,4 @@\n bot: 7\n bot: 8\n > b\n+bot: b\n",
	       "what is far apart is in hunks of its own");
	end();
	reads("> a\nbot: 1\n> b\nbot: 2\n");
	begin(NULL);
	is_str(diff(1), "--- FILE\n+++ now\n@@ -1,4 +1,2 @@\n > a\n-bot: 1\n > b\n-bot: 2\n",
	       "what did not happen is missing, to the end");
	end();
}

static void test_wrong(void)
{
	fails("", 0, "nothing is typed");
	fails("> a\n\xef\xbb\xbf> :pres\n", 14, "line 2: there is no word :pres");
	fails("hello\n", 6, "nothing is typed");
	fails("> a\n>b\n", 7, "line 2: what was typed begins with '> '");
	fails("> a\n> :pres 1\n", 14, "line 2: there is no word :pres");
	fails("> a\n> \"\"\"\n> b\n", 14, "line 2: the text that begins with");
	fails("> \"\"\"\nbot: x\n> \"\"\"\n", 19, "line 1: the text that begins with");
	fails("> a\0b", 5, "it is no text");
}

static void test_many(void)
{
	struct buf text, happened;
	buf_init(&text, CHAT_RECORD_MAX);
	buf_init(&happened, CHAT_RECORD_MAX);
	buf_adds(&text, "> go\n");
	for (int i = 0; i < 3000; i++) {
		buf_addf(&text, "bot: %d\n", i);
		buf_addf(&happened, "bot: %d\n", i == 2000 ? -1 : i);
	}
	reads(buf_str(&text));
	begin(NULL);
	add(RECORD_HERE, 0, buf_str(&happened));
	const char *s = diff(1);
	ok(strstr(s, "\n-bot: 2000\n") && strstr(s, "\n+bot: -1\n"),
	   "too many lines to be compared in pairs are compared from the beginning");
	end();
	buf_release(&text);
	buf_release(&happened);
}

int main(void)
{
	RUN(test_recorded);
	RUN(test_read);
	RUN(test_same);
	RUN(test_differs);
	RUN(test_wrong);
	RUN(test_many);
	return done_testing();
}
