/* tests/unit/text: what was printed becomes messages: cleaned, and cut where people would cut it.
 */
#include "reply/text.h"
#include "tests/tap.h"

static struct buf text, clean;

static void begin(void)
{
	buf_release(&text);
	buf_init(&text, 1 << 20);
	buf_reserve(&text, 1);
}

static void add(const char *s, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_adds(&text, s);
}

static void is_clean(const char *in, size_t n, const char *want, const char *what)
{
	buf_release(&clean);
	buf_init(&clean, 1 << 20);
	ok(text_clean(in, n, &clean) == 0, "there is memory");
	is_str(buf_str(&clean), want, what);
}

#define CLEAN(in, want, what) is_clean(in, sizeof(in) - 1, want, what)
#define BAD                   "\xef\xbf\xbd"

static void cleaning(void)
{
	CLEAN("hi\n", "hi", "the last line feed goes");
	CLEAN("hi\n\n", "hi\n", "and no more than that");
	CLEAN("a\0b\0\n\0", "ab", "NULs go, also around it");
	CLEAN("", "", "nothing stays nothing");
	CLEAN("\r\n", "\r", "a carriage return is left for the server");
	CLEAN("gr\xc3\xbc\xc3\x9f" BAD "\xf0\x9f\x98\x80",
	      "gr\xc3\xbc\xc3\x9f" BAD "\xf0\x9f\x98\x80", "UTF-8 stays as it is");
	CLEAN("a\xff"
	      "b",
	      "a" BAD "b", "a byte that is none");
	CLEAN("\xc3", BAD, "a character that is cut off");
	CLEAN("\xf0\x9f\x98", BAD BAD BAD, "each byte of it");
	CLEAN("\x80\xbf", BAD BAD, "bytes that continue nothing");
	CLEAN("\xc0\xaf\xe0\x80\xaf", BAD BAD BAD BAD BAD, "overlong forms");
	CLEAN("\xed\xa0\xbd\xed\xb8\x80", BAD BAD BAD BAD BAD BAD, "surrogates");
	CLEAN("\xf4\x90\x80\x80\xfe", BAD BAD BAD BAD BAD, "past the last character");
	CLEAN("\xc3\0\xbc", BAD BAD, "a character with a NUL inside is none");
}

static void blanks(void)
{
	static const char *const blank[] = {
		"",
		" ",
		"\n\r\n\t \v\f",
		"\x01\x1b",
		"\xc2\xa0",
		"\xe2\x80\x8b\xe2\x80\x8d",
		"\xe2\x80\x8f\xe2\x80\xae",
		"\xe3\x80\x80\xe2\xa0\x80",
		"\xef\xbb\xbf",
		"\xf3\xa0\x80\xa0",
	};
	for (size_t i = 0; i < sizeof blank / sizeof *blank; i++)
		ok(text_is_blank(blank[i], strlen(blank[i])), "blank text %zu is blank", i);
	ok(!text_is_blank(" .", 2), "a dot is not");
	ok(!text_is_blank("\xcc\x81", 2), "nor is a mark");
}

enum { PIECES_MAX = 20 };
static struct text_piece pieces[PIECES_MAX + 1];
static int count;

static void split(void)
{
	struct text_split s = text_split(text.data, text.len);
	bool all = true;
	for (count = 0; count < PIECES_MAX && text_next(&s, &pieces[count]); count++) {
		struct text_piece *p = &pieces[count];
		all = all && p->units <= TEXT_UNITS && p->units == text_units(p->text, p->length) &&
		      !text_is_blank(p->text, p->length);
	}
	ok(all, "each piece may be sent");
}

/* A piece that has `head` and `tail` at its ends, and as many units. */
static void is_piece(int i, size_t units, const char *head, const char *tail, const char *what)
{
	struct text_piece none = { "", 0, 0 }, p = i < count ? pieces[i] : none;
	size_t h = strlen(head), t = strlen(tail);
	bool same = p.length >= h && p.length >= t && memcmp(p.text, head, h) == 0 &&
		    memcmp(p.text + p.length - t, tail, t) == 0;
	if (!ok(p.units == units && same, "%s", what))
		diag("piece %d of %d: %zu units, '%.*s' … '%.*s'", i, count, p.units,
		     (int)(p.length < 40 ? p.length : 40), p.text,
		     (int)(p.length < 40 ? p.length : 40),
		     p.text + (p.length < 40 ? 0 : p.length - 40));
}

static void lengths(void)
{
	begin();
	add("x", 4096);
	split();
	is_num(count, 1, "4096 characters are one message");
	add("x", 1);
	split();
	is_num(count, 2, "4097 are two");
	is_piece(0, 4096, "xx", "xx", "the first is full");
	is_piece(1, 1, "x", "x", "the second has the rest");
	begin();
	add("x", 4096);
	add("\n", 3);
	split();
	is_num(count, 1, "white space at the end makes no message of its own");
	begin();
	add("\xf0\x9f\x98\x80", 2048);
	split();
	is_num(count, 1, "2,048 emoji are 4096 units");
	add("\xf0\x9f\x98\x80", 1);
	split();
	is_num(count, 2, "2,049 are two messages");
	is_piece(0, 4096, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "cut between two");
	begin();
	add("x", 1);
	add("\xf0\x9f\x98\x80", 2048);
	split();
	is_piece(0, 4095, "x\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "and never inside of one");
	begin();
	add("x", 9000);
	split();
	is_num(count, 3, "one line of 9,000 characters is three");
	is_piece(2, 808, "x", "x", "with the rest in the last");
	begin();
	add(" \n\t", 3000);
	split();
	is_num(count, 0, "white space of any length is no message");
	begin();
	split();
	is_num(count, 0, "nor is nothing");
}

static void places(void)
{
	begin();
	add("one\n", 1);
	add("x", 3000);
	add("\n \n  two\nthree\n", 1);
	add("y ", 1000);
	split();
	is_num(count, 2, "a text is cut once");
	is_piece(0, 3004, "one\n", "x", "at the empty line, though lines and words end later");
	is_piece(1, 2012, "  two\nthree\n", "y ", "and the line behind keeps its indentation");

	begin();
	add("x", 4000);
	add("\n", 1);
	add("y ", 1000);
	split();
	is_piece(0, 4000, "x", "x", "without an empty line: at a line end");
	is_piece(1, 2000, "y y", "y ", "which is in no message");

	begin();
	add("word ", 1000);
	split();
	is_piece(0, 4094, "word", " word", "without a line end: at a space");
	is_piece(1, 905, "word ", "word ", "which is in no message");

	begin();
	add("x", 4096);
	add("\n\n\n\ny", 1);
	split();
	is_piece(0, 4096, "x", "x", "a line that just fits is a message");
	is_piece(1, 1, "y", "y", "and no message begins with an empty line that a cut has made");

	begin();
	add("x", 4090);
	add(" ", 5000);
	add("y", 1);
	split();
	is_num(count, 2, "a gap longer than a message is no message");
	is_piece(0, 4090, "x", "x", "what stands before it is one");
	is_piece(1, 1, "y", "y", "and what stands behind it");

	begin();
	add(" ", 5000);
	add("y", 10);
	split();
	is_num(count, 1, "a gap at the beginning is no message, either");

	begin();
	add("\n\n", 1);
	add("x", 4096);
	split();
	is_piece(0, 4096, "\n\nx", "x", "an empty line at the beginning is no place for a cut");

	begin();
	add("x\r\n", 2000);
	split();
	is_piece(0, 4093, "x\r\n", "\nx", "a line ends before its CR LF");
	is_piece(1, 1905, "x\r\n", "x\r\n", "and none of it is left to the next");
}

/* What must stay together, wherever the end of a message would fall inside of it. */
static void together(const char *cluster, const char *what)
{
	size_t units = text_units(cluster, strlen(cluster)), n = strlen(cluster), cuts = 0;
	for (size_t before = TEXT_UNITS + 1 - units; before < TEXT_UNITS; before++) {
		begin();
		add("x", before);
		add(cluster, 1);
		add("y", 100);
		struct text_split s = text_split(text.data, text.len);
		struct text_piece one, two;
		cuts += text_next(&s, &one) && text_next(&s, &two) && one.length == before &&
			two.length == n + 100 && memcmp(two.text, cluster, n) == 0;
	}
	is_num((int64_t)cuts, (int64_t)units - 1, what);
}

static void clusters(void)
{
	together("e\xcc\x81", "a letter keeps its accent");
	together("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", "a flag is one");
	together("\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
		 "a family");
	together("\xe2\x9d\xa4\xef\xb8\x8f", "a heart and how it is shown");
	together("\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", "a thumb and its colour");
	together("1\xef\xb8\x8f\xe2\x83\xa3", "a keycap");
	together("\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xbf",
		 "a flag with tags");
	together("\xe0\xb8\x99\xe0\xb9\x89\xe0\xb8\xb3", "a Thai syllable");
	together("\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xb7\xe0\xa4\xbf", "a Hindi conjunct");
	together("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "the letters of a Hangul syllable");

	begin();
	add("x", 4093);
	add("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", 10);
	split();
	is_piece(0, 4093, "x", "x", "of many flags in a row");
	is_piece(1, 40, "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
		 "none is cut in two");

	begin();
	add("e", 1);
	add("\xcc\x81", 5000);
	split();
	is_num(count, 2, "a letter with 5,000 accents is cut all the same");
	is_piece(0, 4096, "e\xcc\x81", "\xcc\x81", "between them");

	begin();
	add("x", 4000);
	add(" \xcc\x81", 1);
	add("y", 200);
	split();
	is_piece(0, 4096, "x", "y", "a space that bears a mark is no place for a cut");
}

static void fits(void)
{
	is_num((int64_t)text_fit("abc", 3, 5), 3, "a short text fits");
	is_num((int64_t)text_fit("abcdef", 6, 5), 5, "a long one is cut");
	is_num((int64_t)text_fit("abce\xcc\x81", 6, 4), 3, "between two characters");
	is_num((int64_t)text_fit("\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 8, 3), 4, "and units count");
}

int main(void)
{
	RUN(cleaning);
	RUN(blanks);
	RUN(lengths);
	RUN(places);
	RUN(clusters);
	RUN(fits);
	buf_release(&text);
	buf_release(&clean);
	return done_testing();
}
