/* tests/unit/markup: formatting is read as the Bot API reads it: what it takes becomes plain text
 * and entities, what it refuses is refused in its words. */
#include "sandbox/markup.h"

#include <strings.h>

#include "tests/tap.h"

/* Entities as `bold 0+2`, `text_link 3+4 http://x`, with commas between. */
static void show(const cJSON *entities, char *out, size_t n)
{
	const cJSON *e;
	static const char *const arguments[] = { "url", "language", "custom_emoji_id" };
	*out = '\0';
	cJSON_ArrayForEach(e, entities)
	{
		size_t used = strlen(out);
		const char *argument = "";
		for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
			const char *text = cJSON_GetStringValue(
				cJSON_GetObjectItemCaseSensitive(e, arguments[i]));
			argument = text ? text : argument;
		}
		snprintf(out + used, n - used, "%s%s %d+%d%s%s", used ? ", " : "",
			 cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(e, "type")),
			 cJSON_GetObjectItemCaseSensitive(e, "offset")->valueint,
			 cJSON_GetObjectItemCaseSensitive(e, "length")->valueint,
			 *argument ? " " : "", argument);
	}
}

static void takes(const char *mode, const char *text, const char *plain, const char *entities)
{
	struct markup m;
	char shown[1000] = "";
	int rc = markup_read(&m, mode, text);
	show(m.entities, shown, sizeof shown);
	if (!ok(rc == 0 && strcmp(buf_str(&m.text), plain) == 0 && strcmp(shown, entities) == 0,
		"%s: %s", mode, text))
		diag("got '%s' [%s] %s", buf_str(&m.text), shown, m.error);
	markup_release(&m);
}

static void refuses(const char *mode, const char *text, const char *error)
{
	struct markup m;
	int rc = markup_read(&m, mode, text);
	if (!ok(rc == -1 && strcmp(m.error, error) == 0, "%s refuses: %s", mode, text))
		diag("got %d '%s'", rc, m.error);
	markup_release(&m);
}

static void test_v2(void)
{
	static const char *const marks[] = { "(", ")", ">", "#", "+", "-", "=",
					     "{", "}", ".", "!", "|", "]" };
	takes("MarkdownV2", "*b* _i_ __u__ ~s~ ||p|| `c`", "b i u s p c",
	      "bold 0+1, italic 2+1, underline 4+1, strikethrough 6+1, spoiler 8+1, code 10+1");
	takes("markdownv2", "*a _b __c__ ~d~_ e*", "a b c d e",
	      "bold 0+9, italic 2+5, underline 4+1, strikethrough 6+1");
	takes("MarkdownV2", "[t\\]x](http://e.org/\\)?q)", "t]x", "text_link 0+3 http://e.org/)?q");
	takes("MarkdownV2", "[u](tg://user?id=5)", "u", "text_mention 0+1");
	takes("MarkdownV2", "```\nint a*b;\n``` ```py\nx\\`y```", "int a*b;\n x`y",
	      "pre 0+9, pre 10+3 py");
	takes("MarkdownV2", "![\xf0\x9f\x91\x8d](tg://emoji?id=77) *x*", "\xf0\x9f\x91\x8d x",
	      "custom_emoji 0+2 77, bold 3+1");
	takes("MarkdownV2", ">one\n>two\nthree", "one\ntwo\nthree", "blockquote 0+7");
	takes("MarkdownV2", ">one\n>two||\n**>three", "one\ntwo\nthree",
	      "expandable_blockquote 0+7, blockquote 8+5");
	takes("MarkdownV2", "100% \\. \\\\ \xc3\xa4\\!", "100% . \\ \xc3\xa4!", "");
	takes("MarkdownV2", "___iu_**__", "iu", "underline 0+2, italic 0+2");
	takes("MarkdownV2", "**", "", "");
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		char text[8], error[100];
		snprintf(text, sizeof text, "a%sb", marks[i]);
		snprintf(
			error, sizeof error,
			"Can't parse entities: Character '%s' is reserved and must be escaped with the preceding '\\'",
			marks[i]);
		refuses("MarkdownV2", text, error);
	}
	refuses("MarkdownV2", "a *b",
		"Can't parse entities: Can't find end of Bold entity at byte offset 2");
	refuses("MarkdownV2", "\xc3\xa4_b",
		"Can't parse entities: Can't find end of Italic entity at byte offset 2");
	refuses("MarkdownV2", "*a _b* c_",
		"Can't parse entities: Can't find end of Italic entity at byte offset 8");
	refuses("MarkdownV2", "[a](http://x",
		"Can't parse entities: Can't find end of a URL at byte offset 4");
	refuses("MarkdownV2", "```c\nx",
		"Can't parse entities: Can't find end of PreCode entity at byte offset 0");
	refuses("MarkdownV2", "![x]",
		"Can't parse entities: The entity must contain a tg://emoji or tg://time URL");
	refuses("MarkdownV2", ">a *b\nc*",
		"Can't parse entities: Can't find end of Bold entity at byte offset 3");
}

static void test_html(void)
{
	takes("HTML",
	      "<b>b</b> <I>i</I> <u>u</u> <s>s</s> <tg-spoiler>p</tg-spoiler> <code>c</code>",
	      "b i u s p c",
	      "bold 0+1, italic 2+1, underline 4+1, strikethrough 6+1, spoiler 8+1, code 10+1");
	takes("html",
	      "<a href=\"http://e.org/?a=1&amp;b=2\">t</a> <a href='http://x'>y</a> <a>http://z</a>",
	      "t y http://z",
	      "text_link 0+1 http://e.org/?a=1&b=2, text_link 2+1 http://x, text_link 4+8 http://z");
	takes("HTML", "<pre><code class=\"language-c\">a &lt; b</code></pre>", "a < b",
	      "pre 0+5 c");
	takes("HTML", "<span class=\"tg-spoiler\">x</span><blockquote expandable>q</blockquote>",
	      "xq", "spoiler 0+1, expandable_blockquote 1+1");
	takes("HTML", "&lt;&gt;&amp;&quot;&#228;&#x1F44D;&nbsp; & &copy; <b>x</>",
	      "<>&\"\xc3\xa4\xf0\x9f\x91\x8d&nbsp; & &copy; x", "bold 23+1");
	takes("HTML", "<b></b>a > b", "a > b", "");
	takes("HTML", "<tg-emoji emoji-id=\"5\">x</tg-emoji>", "x", "custom_emoji 0+1 5");
	refuses("HTML", "<b>a",
		"Can't parse entities: Can't find end tag corresponding to start tag \"b\"");
	refuses("HTML", "a <br> b",
		"Can't parse entities: Unsupported start tag \"br\" at byte offset 2");
	refuses("HTML", "a </b>", "Can't parse entities: Unexpected end tag at byte offset 2");
	refuses("HTML", "<b><i>x</b></i>",
		"Can't parse entities: Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\"");
	refuses("HTML", "a < b",
		"Can't parse entities: Unsupported start tag \"\" at byte offset 2");
	refuses("HTML", "a <b", "Can't parse entities: Unclosed start tag at byte offset 2");
	refuses("HTML", "1 <2>",
		"Can't parse entities: Unsupported start tag \"2\" at byte offset 2");
	refuses("HTML", "<span>x</span>",
		"Can't parse entities: Tag \"span\" must have class \"tg-spoiler\" at byte offset 0");
	takes("HTML", "<a href=>http://x</a>", "http://x", "text_link 0+8 http://x");
	refuses("HTML", "<b>x</b", "Can't parse entities: Unclosed end tag at byte offset 4");
	refuses("HTML", "<a =x>y</a>",
		"Can't parse entities: Empty attribute name in the tag \"a\" at byte offset 0");
}

static void test_others(void)
{
	takes("Markdown", "*b* _i_ `c` [t](http://x) a_b_c\\_ 1.0!", "b i c t abc_ 1.0!",
	      "bold 0+1, italic 2+1, code 4+1, text_link 6+1 http://x, italic 9+1");
	takes("", "*a* <b> 1.0", "*a* <b> 1.0", "");
	takes("none", "*a", "*a", "");
	refuses("Markdown", "a_b",
		"Can't parse entities: Can't find end of the entity starting at byte offset 1");
	refuses("Markdownv3", "a", "Unsupported parse_mode");
	refuses("", "a\xff", "Strings must be encoded in UTF-8");
	char *long_text = calloc(1, MARKUP_TEXT_MAX + 2), *deep = calloc(1, 4 * MARKUP_DEPTH_MAX);
	memset(long_text, 'a', MARKUP_TEXT_MAX + 1);
	refuses("HTML", long_text, "Text is too long");
	for (int i = 0; i <= MARKUP_DEPTH_MAX; i++)
		strcat(deep, "<b>");
	struct markup m;
	is_num(markup_read(&m, "HTML", deep), -1, "what is nested too deeply is refused");
	markup_release(&m);
	free(long_text);
	free(deep);
	is_num((int64_t)markup_units("a\xc3\xa4\xf0\x9f\x91\x8d", 7), 4,
	       "a text is as long as its UTF-16");
}

int main(void)
{
	RUN(test_v2);
	RUN(test_html);
	RUN(test_others);
	return done_testing();
}
