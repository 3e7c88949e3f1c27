/* tests/fuzz/record: a text as a recorded conversation. What can be read can be had again: when the
 * bot does what stands there nothing differs, and it is written as it was; when it does nothing, or
 * the opposite, all of that is told. Lines are masked on their way, and match themselves. */
#include <string.h>

#include "base/utf8.h"
#include "cli/try/chat.h"
#include "cli/try/chat_mask.h"
#include "cli/try/chat_record.h"
#include "cli/try/chat_words.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "record";

/* Does with each line that is the bot's what `how` says: 0: nothing; 1: it happens. Returns how
 * many lines of the bot's there are. */
static size_t play(struct chat_record *r, char *text, int how)
{
	struct chat_input input;
	size_t wanted = 0;
	chat_input_init(&input);
	for (char *s = text, *end; *s; s = end) {
		s += utf8_mark(s, strnlen(s, 3));
		end = strchrnul(s, '\n');
		end += *end == '\n';
		char saved = *end;
		*end = '\0';
		size_t n = strcspn(s, "\r\n");
		char cut = s[n];
		if (*s == '>') {
			s[n] = '\0';
			HOLDS(!s[1] || s[1] == ' ', "what is typed begins so");
			if (!input.open)
				HOLDS(chat_record_begin(r, NULL) == 0, "memory");
			HOLDS(chat_input_add(&input, s + 1 + (s[1] == ' ')) >= 0, "memory");
			s[n] = cut;
		} else if (*s != '#' && s[strspn(s, " \t\r\n")]) {
			wanted++;
			if (how)
				HOLDS(chat_record_add(r, RECORD_HERE, 0, s) == 0, "memory");
		}
		*end = saved;
	}
	chat_input_release(&input);
	return wanted;
}

static size_t count(const char *text, char mark)
{
	size_t n = 0;
	for (const char *s = text; s; s = strchr(s, '\n')) {
		s += *s == '\n';
		n += *s == mark;
	}
	return n;
}

static void check(const char *text, size_t n)
{
	struct err err = { 0 };
	for (int how = 0; how < 2; how++) {
		struct chat_record *r = chat_record_read(text, n, &err);
		if (!r) {
			HOLDS(err.status == ERR_USAGE && err.text[0], "a refusal has its words");
			return;
		}
		struct buf diff, out;
		char *copy = fuzz_string(text, n);
		int64_t number;
		buf_init(&diff, CHAT_RECORD_MAX);
		buf_init(&out, CHAT_RECORD_MAX);
		while (chat_record_line(r, &number))
			HOLDS(number > 0, "lines have numbers");
		size_t wanted = play(r, copy, how);
		int differs = chat_record_diff(r, "x", &diff);
		HOLDS(chat_record_write(r, &out) == 0, "memory");
		if (how)
			HOLDS(differs == 0 && diff.len == 0, "it is as it was: %s", buf_str(&diff));
		else
			HOLDS(differs == (wanted > 0) &&
				      (!wanted || count(diff.data, '-') == wanted + 1),
			      "%zu lines are missing: %s", wanted, buf_str(&diff));
		struct chat_record *again = how ? chat_record_read(buf_str(&out), out.len, &err)
						: NULL;
		HOLDS(again || !how, "what was written can be read: %s", err.text);
		chat_record_free(again);
		buf_release(&out);
		buf_release(&diff);
		free(copy);
		chat_record_free(r);
	}
}

static void check_mask(const char *text)
{
	struct chat_masks masks = { .from = 1795672321, .to = 1795672323, .offset = 3600 };
	struct buf out;
	buf_init(&out, 1 << 20);
	HOLDS(chat_mask(&masks, text, &out) == 0, "memory");
	HOLDS(chat_mask_same(text, text), "a text is itself");
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fuzz_string(data, n);
	check_mask(text);
	/* What the bot shows holds no escape of its own, which a record leaves out. */
	for (char *s = text; *s; s++)
		if (*s == '\033' || *s == CHAT_INDENT || (*s == '\r' && s[1] != '\n'))
			*s = '.';
	/* A byte order mark is no part of the first line. */
	char *begin = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
	check(begin, strlen(begin));
	free(text);
	return 0;
}
