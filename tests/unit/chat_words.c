/* tests/unit/chat_words: typed lines become whole inputs, and an input what it asks for. What is no
 * word of tgrun try goes to the bot as it is. */
#include "cli/try/chat_words.h"

#include "tests/tap.h"

static void parses(const char *input, enum chat_verb verb, int64_t id, int64_t thread,
		   const char *text)
{
	struct err err = { 0 };
	struct chat_line l;
	int rc = chat_parse(input, false, &l, &err);
	if (!ok(rc == 0 && l.verb == verb && l.id == id && l.thread == thread &&
			strcmp(l.text, text) == 0,
		"'%s' is understood", input))
		diag("got %d, verb %d, id %" PRId64 ", thread %" PRId64 ", text '%s', error '%s'",
		     rc, l.verb, l.id, l.thread, l.text, err.text);
}

/* `why`: part of the sentence. */
static void fails(const char *input, const char *why)
{
	struct err err = { 0 };
	struct chat_line l;
	int rc = chat_parse(input, false, &l, &err);
	if (!ok(rc < 0 && err.status == ERR_USAGE && strstr(err.text, why),
		"'%s' is an error that says: %s", input, why))
		diag("got %d '%s'", rc, err.text);
}

static void test_said(void)
{
	parses("hello :quit", CHAT_SAY, 0, 0, "hello :quit");
	parses("/start x", CHAT_SAY, 0, 0, "/start x");
	parses("/help", CHAT_SAY, 0, 0, "/help");
	parses("//help", CHAT_SAY, 0, 0, "//help");
	parses(":)", CHAT_SAY, 0, 0, ":)");
	parses(":", CHAT_SAY, 0, 0, ":");
	parses("::", CHAT_SAY, 0, 0, "::");
	parses(": press 1", CHAT_SAY, 0, 0, ": press 1");
	parses(":D", CHAT_SAY, 0, 0, ":D");
	parses(":smile:", CHAT_SAY, 0, 0, ":smile:");
	parses(":press1", CHAT_SAY, 0, 0, ":press1");
	parses(" :help", CHAT_SAY, 0, 0, " :help");
	parses("::help", CHAT_SAY, 0, 0, ":help");
	parses("::as 4", CHAT_SAY, 0, 0, ":as 4");
	parses("::x", CHAT_SAY, 0, 0, ":x");
	parses(":::as", CHAT_SAY, 0, 0, ":::as");
	parses(" \t", CHAT_NOTHING, 0, 0, " \t");
	parses("", CHAT_NOTHING, 0, 0, "");
}

static void test_words(void)
{
	parses(":help", CHAT_HELP, 0, 0, "");
	parses(":quit ", CHAT_QUIT, 0, 0, "");
	fails(":quit now", "stand alone");
	fails(":pres 1", "no word :pres (did you mean :press?)");
	fails(":xyzzy", "::xyzzy says it to the bot");
	fails(":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	      "there is no word");
	parses(":as 42 Ann B", CHAT_AS, 42, 0, "Ann B");
	parses(":as 42", CHAT_AS, 42, 0, "");
	parses(":as", CHAT_AS, 0, 0, "");
	fails(":as Ann", ":as wants");
	fails(":as -4", ":as wants");
	fails(":as 4x", ":as wants");
	fails(":as 99999999999999999999", ":as wants");
	parses(":in -100123", CHAT_IN, -100123, 0, "");
	parses(":in -100123:7 Old friends", CHAT_IN, -100123, 7, "Old friends");
	parses(":in", CHAT_IN, 0, 0, "");
	fails(":in 5", ":in wants");
	fails(":in -5:", "a topic has a number");
	fails(":in -5:-7", "a topic has a number");
	fails(":in -5:1:2", "a topic has a number");
	parses(":press 2", CHAT_PRESS, 2, 0, "");
	fails(":press", ":press wants");
	fails(":press 0", ":press wants");
	fails(":press 1 2", ":press wants");
	parses(":wait 2s", CHAT_WAIT, 2000, 0, "");
	parses(":wait 1.5s ", CHAT_WAIT, 1500, 0, "");
	parses(":wait 0", CHAT_WAIT, 0, 0, "");
	fails(":wait", ":wait wants");
	fails(":wait soon", ":wait wants");
	fails(":wait 2s 3s", ":wait wants");
	fails(":wait 2222222222222222222222222222222222222222222s", ":wait wants");
	parses(":edit 1 I mean tea", CHAT_EDIT, 1, 0, "I mean tea");
	fails(":edit 1", ":edit wants");
	fails(":edit tea", ":edit wants");
	fails(":edit -1 tea", ":edit wants");
	fails(":edit 1:2 tea", ":edit wants");
	parses(":inline tea ", CHAT_INLINE, 0, 0, "tea ");
	parses(":inline", CHAT_INLINE, 0, 0, "");
	parses(":json {\"a\":{}}", CHAT_JSON, 0, 0, "{\"a\":{}}");
	parses(":json\n{\"a\":\n{}}", CHAT_JSON, 0, 0, "{\"a\":\n{}}");
	fails(":json", ":json wants");
	fails(":json {bad", "it is no JSON at byte 1");
	fails(":json {\"a\":{\"b\":\"one\ntwo\"}}",
	      "line end or control character in a text at byte 14; write it \\n");
	fails(":json [{}]", "it is no JSON object");
	fails(":json {\"a\":1}", "an object such as");
}

/* Of :file: the name and the caption. */
static void is_file(const char *input, const char *name, const char *caption)
{
	struct err err = { 0 };
	struct chat_line l;
	int rc = chat_parse(input, false, &l, &err);
	if (!ok(rc == 0 && l.verb == CHAT_FILE && l.length == strlen(name) &&
			strncmp(l.file, name, l.length) == 0 && strcmp(l.text, caption) == 0,
		"'%s' names a file", input))
		diag("got %d '%s'", rc, err.text);
}

static void test_files(void)
{
	is_file(":file cat.jpg", "cat.jpg", "");
	is_file(":file cat.jpg  A cat", "cat.jpg", "A cat");
	is_file(":file 'my cat.jpg' A cat", "my cat.jpg", "A cat");
	is_file(":file \"it's.txt\"", "it's.txt", "");
	fails(":file", ":file wants");
	fails(":file 'x", ":file wants");
	fails(":file ''", ":file wants");
}

static struct chat_input input;

/* Takes the lines, separated by line feeds, of one input. */
static void becomes(const char *lines, const char *want, bool said)
{
	char line[256];
	int whole = 0;
	for (const char *p = lines; whole == 0;) {
		size_t n = strcspn(p, "\n");
		snprintf(line, sizeof line, "%.*s", (int)n, p);
		whole = chat_input_add(&input, line);
		if (!p[n])
			break;
		p += n + 1;
	}
	ok(whole == (want != NULL), "it is%s whole: %s", want ? "" : " not", lines);
	if (want)
		is_str(buf_str(&input.text), want, "what it says");
	if (want)
		is_num(input.said, said, "whether it is said in any case");
	if (!want)
		while (chat_input_add(&input, CHAT_QUOTES) == 0)
			continue;
}

static void test_inputs(void)
{
	becomes("hello", "hello", false);
	becomes("", "", false);
	becomes("\"\"\"\none\n:press 1\n\"\"\"", "one\n:press 1", true);
	becomes("\"\"\"\n\n  a \n\n\"\"\" ", "\n  a \n", true);
	becomes("\"\"\"\n\"\"\"", "", true);
	becomes(":json \"\"\"\n{\n}\n\"\"\"", ":json {\n}", false);
	becomes(":edit 1 one \"\"\"\ntwo\n\"\"\"", ":edit 1 one two", false);
	becomes("he said \"\"\"", "he said \"\"\"", false);
	becomes(":inline x\"\"\"", ":inline x\"\"\"", false);
	becomes("\"\"\"one", "\"\"\"one", false);
	becomes("\"\"\"\none", NULL, false);
	struct err err;
	struct chat_line l;
	ok(chat_parse(":press 1", true, &l, &err) == 0 && l.verb == CHAT_SAY &&
		   strcmp(l.text, ":press 1") == 0,
	   "what stands between quotes is a message, whatever it looks like");
}

static void test_old(void)
{
	is_str(chat_word_of_old("/press 1"), ":press", "the words of before are known");
	is_str(chat_word_of_old("//help"), ":help", "and how they were sent to the bot");
	ok(!chat_word_of_old("/start") && !chat_word_of_old("/pressed") &&
		   !chat_word_of_old("/wait 2s") && !chat_word_of_old("press") &&
		   !chat_word_of_old("/") && !chat_word_of_old("") &&
		   !chat_word_of_old("/help@bot"),
	   "a bot's own commands are none");
}

int main(void)
{
	chat_input_init(&input);
	RUN(test_said);
	RUN(test_words);
	RUN(test_files);
	RUN(test_inputs);
	RUN(test_old);
	chat_input_release(&input);
	return done_testing();
}
