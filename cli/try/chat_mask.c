/* cli/try/chat_mask: a line that a bot said comes in, the same with <time> for what is the time of
 * day, the date or both goes out. Only what is now is masked: a timetable is not. Invariant: a text
 * that is masked matches itself and, at another time, what the same bot says then. */
#include "cli/try/chat_mask.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DAY = 86400, TOKENS_MAX = 12, SLACK = 2 };

enum token {
	TOKEN_NONE,
	TOKEN_TIME,    /* 05:52:01, or a number of seconds or milliseconds since 1970 */
	TOKEN_DATE,    /* 2026-11-26 */
	TOKEN_WEEKDAY, /* of now */
	TOKEN_MONTH,
	TOKEN_MDAY, /* a number that is the day's */
	TOKEN_YEAR,
	TOKEN_ZONE, /* behind a time */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes of characters past ASCII are letters here. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c & 0x80;
}

/* Weekday and month, short and long. */
static const char *const forms[] = { "%a", "%A", "%b", "%B" };
enum { FORMS = 4, DAYS = 4, NAMES = FORMS * DAYS * 2, NAME_MAX_BYTES = 40 };

/* What it is now: at the beginning and the end, local and UTC, in English and the user's language.
 */
struct now {
	const struct chat_masks *m;
	struct tm days[DAYS];
	char names[NAMES][NAME_MAX_BYTES];
};

static void now_read(const struct chat_masks *m, struct now *now)
{
	locale_t locales[] = { newlocale(LC_TIME_MASK, "C", (locale_t)0),
			       newlocale(LC_TIME_MASK, "", (locale_t)0) };
	*now = (struct now){ .m = m };
	for (int i = 0; i < DAYS; i++) {
		time_t t = (time_t)(i & 1 ? m->to : m->from) + (i & 2 ? m->offset : 0);
		gmtime_r(&t, &now->days[i]);
	}
	for (size_t i = 0; i < NAMES; i++) {
		locale_t locale = locales[i / FORMS / DAYS];
		if (!locale || !strftime_l(now->names[i], NAME_MAX_BYTES, forms[i % FORMS],
					   &now->days[i / FORMS % DAYS], locale))
			now->names[i][0] = '\0';
	}
	for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
		if (locales[i])
			freelocale(locales[i]);
}

/* Whether a time of day, of `seconds` since midnight, is now; to the minute if it has no seconds.
 */
static bool is_now(const struct chat_masks *m, long seconds, bool to_minute)
{
	const long half = DAY / 2; /* a clock of twelve hours tells the same */
	long span = (long)(m->to - m->from) + 2 * SLACK;
	for (int local = 0; local < 2; local++) {
		long first = (long)((m->from - SLACK + (local ? m->offset : 0)) % half);
		first -= to_minute ? first % 60 : 0;
		if (((seconds - first) % half + half) % half <= span + (to_minute ? 59 : 0))
			return true;
	}
	return false;
}

static size_t number(const char *s, long *value)
{
	size_t n = 0;
	*value = 0;
	for (; is_digit(s[n]) && n < 18; n++)
		*value = *value * 10 + (s[n] - '0');
	return is_digit(s[n]) ? 0 : n;
}

/* H:MM, HH:MM, with seconds, with a fraction. The length, 0: none that is now. */
static size_t time_of_day(const struct now *now, const char *s)
{
	long hour, minute, second = 0;
	size_t n = number(s, &hour);
	if (n < 1 || n > 2 || hour > 23 || s[n] != ':' || number(s + n + 1, &minute) != 2 ||
	    minute > 59)
		return 0;
	n += 3;
	bool seconds = s[n] == ':' && number(s + n + 1, &second) == 2 && second < 61;
	n += seconds ? 3 : 0;
	if (seconds && (s[n] == '.' || s[n] == ',') && is_digit(s[n + 1]))
		n += 1 + strspn(s + n + 1, "0123456789");
	return is_now(now->m, hour * 3600 + minute * 60 + second, !seconds) ? n : 0;
}

/* 2026-11-26, 2026/11/26, 26.11.2026, 11/26/2026, 26/11/26. */
static size_t date(const struct now *now, const char *s)
{
	long part[3];
	size_t n = 0;
	char separator = '\0';
	for (int i = 0; i < 3; i++) {
		size_t digits = number(s + n, &part[i]);
		if (digits == 0 || digits == 3 || digits > 4)
			return 0;
		n += digits;
		if (i == 2)
			break;
		if (!s[n] || !strchr("-./", s[n]) || (i && s[n] != separator))
			return 0;
		separator = s[n++];
	}
	for (int i = 0; i < DAYS; i++) {
		long year = now->days[i].tm_year + 1900, month = now->days[i].tm_mon + 1,
		     day = now->days[i].tm_mday;
		bool begins = part[0] == year && part[1] == month && part[2] == day;
		bool ends = part[2] == year || part[2] == year % 100;
		if (begins || (ends && ((part[0] == day && part[1] == month) ||
					(part[0] == month && part[1] == day))))
			return n;
	}
	return 0;
}

/* A name of today's weekday or month, in English or the user's language. */
static enum token name_of(const struct now *now, const char *s, size_t n)
{
	for (size_t i = 0; i < NAMES; i++)
		if (now->names[i][0] && strlen(now->names[i]) == n &&
		    strncasecmp(now->names[i], s, n) == 0)
			return i % FORMS < 2 ? TOKEN_WEEKDAY : TOKEN_MONTH;
	return TOKEN_NONE;
}

static enum token number_of(const struct now *now, const char *s, size_t *length)
{
	long value;
	size_t n = number(s, &value);
	*length = n;
	if ((n == 10 || n == 13) && !is_letter(s[n])) {
		int64_t seconds = n == 13 ? value / 1000 : value;
		return seconds >= now->m->from - DAY && seconds <= now->m->to + DAY ? TOKEN_TIME
										    : TOKEN_NONE;
	}
	for (int i = 0; i < DAYS; i++) {
		if (n == 4 && value == now->days[i].tm_year + 1900)
			return TOKEN_YEAR;
		if (n && n <= 2 && value == now->days[i].tm_mday) {
			*length += s[n] == '.';
			return TOKEN_MDAY;
		}
	}
	return TOKEN_NONE;
}

/* UTC, CEST, PM, +01:00. */
static size_t zone(const char *s)
{
	static const char known[] =
		" Z AM PM UTC GMT WET WEST BST CET CEST EET EEST MSK IST JST KST "
		"EST EDT CST CDT MST MDT PST PDT AEST AEDT ";
	char word[8];
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (n >= 1 && n <= 4 && !is_letter(s[n]) && !is_digit(s[n])) {
		snprintf(word, sizeof word, " %.*s ", (int)n, s);
		return strstr(known, word) ? n : 0;
	}
	if (*s != '+' && *s != '-')
		return 0;
	n = strspn(s + 1, "0123456789:");
	return n == 4 || n == 5 || n == 2 ? 1 + n : 0;
}

/* The token that stands here, and its length. */
static enum token token_at(const struct now *now, const char *s, size_t *n)
{
	if ((*n = time_of_day(now, s)))
		return TOKEN_TIME;
	if ((*n = date(now, s)))
		return TOKEN_DATE;
	if (is_digit(*s))
		return number_of(now, s, n);
	for (*n = 0; is_letter(s[*n]);)
		++*n;
	return *n >= 2 ? name_of(now, s, *n) : TOKEN_NONE;
}

/* Blanks and commas between the parts of a date; `T` between a date and a time. */
static size_t gap(const char *s, enum token before)
{
	size_t n = strspn(s, ", ");
	return n && n <= 2 ? n : before == TOKEN_DATE && *s == 'T' && is_digit(s[1]) ? 1 : 0;
}

/* The length of the time that stands here; 0: none. `named`: the month stands in it by its name,
 * and numbers may be the day and the year. */
static size_t run_at(const struct now *now, const char *s, bool named)
{
	size_t end = 0, at = 0, n;
	bool seen[TOKEN_ZONE + 1] = { false };
	enum token last = TOKEN_NONE;
	for (int i = 0; i < TOKENS_MAX; i++) {
		enum token token = token_at(now, s + at, &n);
		if (!token && (last == TOKEN_TIME || last == TOKEN_ZONE) && (n = zone(s + at)))
			token = TOKEN_ZONE;
		if (!token || (!named && (token == TOKEN_MDAY || token == TOKEN_YEAR ||
					  token == TOKEN_MONTH)))
			break;
		seen[token] = true;
		last = token;
		end = at + n;
		/* a zone may stand right behind the time */
		size_t between = token == TOKEN_TIME && zone(s + end) ? 0 : gap(s + end, token);
		if (!between && !(token == TOKEN_TIME && zone(s + end)))
			break;
		at = end + between;
	}
	bool whole = named ? seen[TOKEN_MONTH] && seen[TOKEN_MDAY]
			   : seen[TOKEN_TIME] || seen[TOKEN_DATE];
	return whole ? end : 0;
}

/* The word of this run that stands here. */
static const char *word_at(const struct chat_masks *m, const char *s, size_t *n)
{
	for (size_t i = 0; i < sizeof m->words / sizeof *m->words; i++) {
		*n = m->words[i].text ? strlen(m->words[i].text) : 0;
		if (*n && strncmp(s, m->words[i].text, *n) == 0)
			return m->words[i].name;
	}
	return NULL;
}

int chat_mask(const struct chat_masks *masks, const char *text, struct buf *out)
{
	struct now now;
	now_read(masks, &now);
	for (const char *s = text; *s;) {
		size_t n;
		const char *name = word_at(masks, s, &n);
		bool begins = s == text || (!is_letter(s[-1]) && !is_digit(s[-1]));
		if (!name && begins && (is_letter(*s) || is_digit(*s))) {
			n = run_at(&now, s, true);
			n = n ? n : run_at(&now, s, false);
			/* A word or a number goes on: it was none. */
			bool goes_on = n && (is_letter(s[n]) || is_digit(s[n]));
			name = n && !goes_on ? "<time>" : NULL;
		}
		if (name ? buf_adds(out, name) : buf_addc(out, *s))
			return -1;
		s += name ? n : 1;
	}
	return 0;
}

/* ---- comparing ---- */

static const struct wild {
	const char *word;
	bool number;
} wilds[] = { { "<number>", true }, { "<time>", false }, { "<any>", false } };

static const struct wild *wild_at(const char *s)
{
	for (size_t i = 0; *s == '<' && i < sizeof wilds / sizeof *wilds; i++)
		if (strncmp(s, wilds[i].word, strlen(wilds[i].word)) == 0)
			return &wilds[i];
	return NULL;
}

const char *chat_mask_wild(const char *text)
{
	const struct wild *w = NULL;
	for (; !w && (text = strchr(text, '<')); text++)
		w = wild_at(text);
	return w ? w->word : NULL;
}

/* The length of the number at `s`, 0: there is none. What is `wanted` behind it may be the dot and
 * a number of its own: then the one here is whole. */
static size_t number_at(const char *s, const char *wanted)
{
	static const char digits[] = "0123456789";
	size_t minus = *s == '-', n = strspn(s + minus, digits);
	if (!n)
		return 0;
	n += minus;
	bool apart = *wanted == '.' && (is_digit(wanted[1]) || wanted[1] == '<');
	size_t fraction = s[n] == '.' && !apart ? strspn(s + n + 1, digits) : 0;
	return n + (fraction ? 1 + fraction : 0);
}

static size_t trimmed(const char *s)
{
	size_t n = strlen(s);
	while (n && strchr(" \t\r", s[n - 1]))
		n--;
	return n;
}

/* As with the stars of a shell's pattern: when it does not go on, the last word that stands for any
 * text takes one more. */
bool chat_mask_same(const char *want, const char *got)
{
	const char *want_end = want + trimmed(want), *got_end = got + trimmed(got);
	const char *again = NULL, *taken = NULL; /* behind the last <any>; what it has taken */
	if (want_end - want == got_end - got && memcmp(want, got, (size_t)(got_end - got)) == 0)
		return true;
	while (want < want_end || got < got_end) {
		const struct wild *w = want < want_end ? wild_at(want) : NULL;
		size_t number = w && w->number ? number_at(got, want + strlen(w->word)) : 0;
		if (w && !w->number && got < got_end) {
			want += strlen(w->word);
			got++;
			again = want;
			taken = got;
		} else if (number) {
			want += strlen(w->word);
			got += number;
		} else if (!w && want < want_end && got < got_end && *want == *got) {
			want++;
			got++;
		} else if (again && taken < got_end) {
			got = ++taken;
			want = again;
		} else {
			return false;
		}
	}
	return true;
}
