/* cli/try/chat_record: a recorded conversation that is read, and what is typed and happens now.
 * What follows from both is chat_merge.c's. Invariant: what was read has an input for each step but
 * the first, and every one of them can be understood. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/try/chat.h"
#include "cli/try/chat_record_internal.h"
#include "cli/try/chat_words.h"

/* ---- life ---- */

void chat_record_free(struct chat_record *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->step_count; i++) {
		for (size_t j = 0; j < r->steps[i].count; j++)
			free(r->steps[i].items[j].text);
		free(r->steps[i].items);
		free(r->steps[i].typed);
	}
	free(r->steps);
	free(r->lines);
	free(r->outs);
	free(r->text);
	free(r);
}

void *chat_record_grown(void *items, size_t count, size_t size)
{
	if (count & (count - 1) || count == 1)
		return items;
	return realloc(items, (count ? 2 * count : 2) * size);
}

static int add_step(struct chat_record *r, size_t first)
{
	struct record_step *steps = chat_record_grown(r->steps, r->step_count, sizeof *steps);
	if (!steps)
		return -1;
	r->steps = steps;
	r->steps[r->step_count++] = (struct record_step){ .first = first, .end = first };
	return 0;
}

struct chat_record *chat_record_new(void)
{
	struct chat_record *r = calloc(1, sizeof *r);
	if (!r || add_step(r, 0) == 0)
		return r;
	chat_record_free(r);
	return NULL;
}

/* ---- reading ---- */

static int cut_lines(struct chat_record *r, struct err *err)
{
	char *s = r->text;
	while (*s) {
		s += utf8_mark(s, strnlen(s, 3)); /* stands also where files were put together */
		char *end = strchrnul(s, '\n');
		struct record_line line = { .text = s };
		s = *end ? end + 1 : end;
		*end = '\0';
		if (end > line.text && end[-1] == '\r')
			end[-1] = '\0';
		line.kind = *line.text == '>'                                           ? TYPED
			    : *line.text == '#' || !line.text[strspn(line.text, " \t")] ? OTHER
											: WANTED;
		if (line.kind == TYPED && line.text[1] && line.text[1] != ' ')
			return err_set(err, ERR_USAGE, "line %zu: what was typed begins with '> '",
				       r->line_count + 1);
		struct record_line *lines = chat_record_grown(r->lines, r->line_count,
							      sizeof *lines);
		if (!lines)
			return err_set(err, ERR_INTERNAL, "out of memory");
		r->lines = lines;
		r->lines[r->line_count++] = line;
	}
	return 0;
}

static char *typed_of(const struct record_line *line)
{
	return line->text + 1 + (line->text[1] == ' ');
}

/* Finds where inputs begin, and whether each can be understood. */
static int find_steps(struct chat_record *r, struct chat_input *in, struct err *err)
{
	struct chat_line parsed;
	struct err why;
	size_t begin = 0, quit = 0; /* quit: the number of its line */
	bool any = false;
	for (size_t i = 0; i < r->line_count; i++) {
		if (r->lines[i].kind != TYPED && in->open)
			break; /* its end is missing */
		if (r->lines[i].kind == TYPED) {
			if (!in->open && add_step(r, begin = i))
				return err_set(err, ERR_INTERNAL, "out of memory");
			int whole = chat_input_add(in, typed_of(&r->lines[i]));
			if (whole < 0)
				return err_set(err, ERR_INTERNAL, "out of memory");
			if (whole && chat_parse(buf_str(&in->text), in->said, &parsed, &why))
				return err_set(err, ERR_USAGE, "line %zu: %s", begin + 1, why.text);
			if (quit)
				return err_set(err, ERR_USAGE,
					       "line %zu: it is typed behind the end of line %zu",
					       i + 1, quit);
			any = any || (whole && parsed.verb != CHAT_NOTHING);
			quit = whole && parsed.verb == CHAT_QUIT ? i + 1 : 0;
		}
		r->steps[r->step_count - 1].end = i + 1;
	}
	if (in->open)
		return err_set(err, ERR_USAGE,
			       "line %zu: the text that begins with " CHAT_QUOTES " has no end",
			       begin + 1);
	if (!any)
		return err_set(err, ERR_USAGE,
			       "nothing is typed in it: no line is '> ' and a text");
	return 0;
}

struct chat_record *chat_record_read(const char *text, size_t n, struct err *err)
{
	struct chat_input input;
	const char *nul = memchr(text, '\0', n);
	if (nul) {
		err_set(err, ERR_USAGE, "it is no text: it holds a NUL");
		return NULL;
	}
	struct chat_record *r = chat_record_new();
	if (r)
		r->text = strndup(text, n);
	if (!r || !r->text) {
		err_set(err, ERR_INTERNAL, "out of memory");
		chat_record_free(r);
		return NULL;
	}
	r->read = true;
	chat_input_init(&input);
	int rc = cut_lines(r, err) || find_steps(r, &input, err) ? -1 : 0;
	chat_input_release(&input);
	if (rc == 0)
		return r;
	chat_record_free(r);
	return NULL;
}

char *chat_record_line(struct chat_record *r, int64_t *number)
{
	while (r->next < r->line_count && r->lines[r->next].kind != TYPED)
		r->next++;
	*number = (int64_t)r->next + 1;
	return r->next < r->line_count ? typed_of(&r->lines[r->next++]) : NULL;
}

/* ---- what happens ---- */

int chat_record_begin(struct chat_record *r, const char *typed)
{
	if (r->read) {
		r->step += r->step + 1 < r->step_count;
		return 0;
	}
	struct buf lines;
	buf_init(&lines, CHAT_RECORD_MAX);
	int rc = 0;
	while (*typed && rc == 0) {
		size_t n = strcspn(typed, "\n");
		rc = buf_adds(&lines, n ? "> " : ">") || buf_add(&lines, typed, n) ||
		     buf_addc(&lines, '\n');
		typed += n + (typed[n] == '\n');
	}
	if (rc || add_step(r, 0)) {
		buf_release(&lines);
		return -1;
	}
	r->step = r->step_count - 1;
	r->steps[r->step].typed = lines.data;
	return 0;
}

/* As it stands in the record: without colours, blanks at the ends of lines, and with a bar in front
 * of further lines of a text. */
static int dress(const char *text, struct buf *out)
{
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n"), length = out->len;
		for (const char *end = s + n; s < end;) {
			if (*s == '\033') {
				s += strcspn(s, "m") + 1;
				continue;
			}
			if (*s == CHAT_INDENT ? buf_adds(out, "   | ") : buf_addc(out, *s))
				return -1;
			s++;
		}
		while (out->len > length && strchr(" \t", out->data[out->len - 1]))
			out->len--;
		if (buf_addc(out, '\n'))
			return -1;
		s += *s == '\n';
	}
	return 0;
}

int chat_record_add(struct chat_record *r, enum chat_order order, int64_t chat, const char *text)
{
	struct record_step *step = &r->steps[r->step];
	struct record_item *items = chat_record_grown(step->items, step->count, sizeof *items);
	struct buf dressed;
	buf_init(&dressed, CHAT_RECORD_MAX);
	step->items = items ? items : step->items;
	if (!items || dress(text, &dressed)) {
		buf_release(&dressed);
		return -1;
	}
	if (dressed.len)
		step->items[step->count] = (struct record_item){ order, chat, step->count,
								 dressed.data };
	step->count += dressed.len != 0;
	return 0;
}

bool chat_record_is_empty(const struct chat_record *r)
{
	return r->step_count <= 1;
}
