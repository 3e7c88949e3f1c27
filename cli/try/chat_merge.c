/* cli/try/chat_merge: the lines of a recorded conversation and what happened in their place come
 * in; the record as it is now, and how it differs, go out. Both are one list of lines: kept, gone
 * or new. Invariant: what was typed, comments and blank lines are kept as they are, and so is a
 * line of the bot's when what happened is the same to chat_mask_same(). */
#include <stdlib.h>
#include <string.h>

#include "cli/try/chat_mask.h"
#include "cli/try/chat_record_internal.h"

#define HEAD                                                                                       \
	"# A conversation with a bot. Lines with > were typed, the others are what the bot did.\n" \
	"# Whether it does so still says: tgrun try --replay THIS_FILE, with its handler.\n"       \
	"# <any>, <number> and <time> stand for what may differ.\n"

enum {
	CONTEXT = 3,            /* lines around what differs */
	COMPARED_MAX = 4 << 20, /* pairs of lines of an input that are compared */
};

/* What was wanted (w) in a step, and what happened (g). */
struct pairs {
	char **w, **g;
	size_t w_count, g_count;
	/* of each pair: how many lines are the same from there on; NULL: there are too many */
	unsigned *common;
};

static void pairs_release(struct pairs *p)
{
	free(p->w);
	free(p->g);
	free(p->common);
}

static unsigned *common_at(const struct pairs *p, size_t w, size_t g)
{
	return &p->common[w * (p->g_count + 1) + g];
}

static int pairs_compare(struct pairs *p)
{
	size_t cells = (p->w_count + 1) * (p->g_count + 1);
	if (cells > COMPARED_MAX)
		return 0;
	p->common = calloc(cells, sizeof *p->common);
	if (!p->common)
		return -1;
	for (size_t w = p->w_count; w-- > 0;)
		for (size_t g = p->g_count; g-- > 0;) {
			unsigned gone = *common_at(p, w + 1, g), fresh = *common_at(p, w, g + 1);
			*common_at(p, w, g) = chat_mask_same(p->w[w], p->g[g])
						      ? *common_at(p, w + 1, g + 1) + 1
					      : gone >= fresh ? gone
							      : fresh;
		}
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	const struct record_item *x = a, *y = b;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->order == RECORD_CHAT && x->chat != y->chat)
		return x->chat < y->chat ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* Puts what happened in its order, and cuts it into lines. 0, or -1 when memory is out. */
static int pairs_of(const struct chat_record *r, struct record_step *step, struct pairs *p)
{
	size_t lines = 0;
	if (step->count)
		qsort(step->items, step->count, sizeof *step->items, compare_items);
	for (size_t i = 0; i < step->count; i++)
		for (const char *s = step->items[i].text; *s; s++)
			lines += *s == '\n';
	*p = (struct pairs){ .w = calloc(step->end - step->first + 1, sizeof *p->w),
			     .g = calloc(lines + 1, sizeof *p->g) };
	if (!p->w || !p->g)
		return -1;
	for (size_t i = step->first; i < step->end; i++)
		if (r->lines[i].kind == WANTED)
			p->w[p->w_count++] = r->lines[i].text;
	for (size_t i = 0; i < step->count; i++)
		for (char *s = step->items[i].text, *end; (end = strchr(s, '\n')); s = end + 1) {
			*end = '\0';
			p->g[p->g_count++] = s;
		}
	return pairs_compare(p);
}

static int put(struct chat_record *r, char mark, const char *text, size_t n)
{
	struct record_out *outs = chat_record_grown(r->outs, r->out_count, sizeof *outs);
	if (!outs)
		return -1;
	r->outs = outs;
	r->outs[r->out_count++] = (struct record_out){ mark, text, n };
	return 0;
}

static int put_line(struct chat_record *r, char mark, const char *text)
{
	return put(r, mark, text, strlen(text));
}

/* Whether it is best to take what happened as new where line `w` is wanted. */
static bool is_new(const struct pairs *p, size_t w, size_t g)
{
	return p->common && w < p->w_count && g < p->g_count && !chat_mask_same(p->w[w], p->g[g]) &&
	       *common_at(p, w + 1, g) < *common_at(p, w, g + 1);
}

static int put_new(struct chat_record *r, const struct pairs *p, size_t w, size_t *g)
{
	for (; is_new(p, w, *g); ++*g)
		if (put_line(r, '+', p->g[*g]))
			return -1;
	return 0;
}

/* The wanted line of number `w`, and what is new around it; *g moves behind that. */
static int put_wanted(struct chat_record *r, const struct pairs *p, size_t w, size_t *g)
{
	if (put_new(r, p, w, g))
		return -1;
	if (*g < p->g_count && (p->common || w == *g) && chat_mask_same(p->w[w], p->g[*g])) {
		++*g;
		return put_line(r, ' ', p->w[w]);
	}
	return put_line(r, '-', p->w[w]) || put_new(r, p, w + 1, g);
}

/* The lines that were read of a step; what is new stands behind the last that is no comment. */
static int put_read(struct chat_record *r, const struct record_step *step, const struct pairs *p)
{
	size_t last = step->first, w = 0, g = 0;
	for (size_t i = step->first; i < step->end; i++)
		if (r->lines[i].kind != OTHER)
			last = i + 1;
	last = last > step->first ? last : step->end;
	for (size_t i = step->first; i <= step->end; i++) {
		for (; i == last && g < p->g_count; g++)
			if (put_line(r, '+', p->g[g]))
				return -1;
		if (i == step->end)
			break;
		if (r->lines[i].kind == WANTED ? put_wanted(r, p, w++, &g)
					       : put_line(r, ' ', r->lines[i].text))
			return -1;
	}
	return 0;
}

/* What was typed in a step that is recorded, and what happened. */
static int put_recorded(struct chat_record *r, const struct record_step *step,
			const struct pairs *p)
{
	if (step->typed && put_line(r, ' ', ""))
		return -1;
	for (const char *s = step->typed; s && *s; s += strcspn(s, "\n") + 1)
		if (put(r, ' ', s, strcspn(s, "\n")))
			return -1;
	for (size_t g = 0; g < p->g_count; g++)
		if (put_line(r, '+', p->g[g]))
			return -1;
	return 0;
}

/* Makes the list, once: nothing happens any more. */
static int merge(struct chat_record *r)
{
	int rc = 0;
	for (size_t i = 0; !r->merged && i < r->step_count && rc == 0; i++) {
		struct pairs p;
		rc = pairs_of(r, &r->steps[i], &p) ||
		     (r->read ? put_read : put_recorded)(r, &r->steps[i], &p);
		pairs_release(&p);
	}
	r->merged = true;
	return rc ? -1 : 0;
}

int chat_record_write(struct chat_record *r, struct buf *out)
{
	if (merge(r) || (!r->read && buf_adds(out, HEAD)))
		return -1;
	for (size_t i = 0; i < r->out_count; i++)
		if (r->outs[i].mark != '-' &&
		    (buf_add(out, r->outs[i].text, r->outs[i].n) || buf_addc(out, '\n')))
			return -1;
	return 0;
}

/* ---- differences ---- */

/* Of the outs from `i` to `end`: how many lines of before (or of now) they are. */
static size_t count(const struct chat_record *r, size_t i, size_t end, bool now)
{
	size_t n = 0;
	for (; i < end; i++)
		n += r->outs[i].mark != (now ? '-' : '+');
	return n;
}

/* The end of the hunk that begins with the changed line `i`: it goes on while changes are near. */
static size_t hunk_end(const struct chat_record *r, size_t i)
{
	size_t end = i + 1;
	for (; i < r->out_count && i <= end + 2 * CONTEXT; i++)
		if (r->outs[i].mark != ' ')
			end = i + 1;
	return end + CONTEXT < r->out_count ? end + CONTEXT : r->out_count;
}

static int add_range(struct buf *out, char sign, size_t before, size_t n)
{
	/* a hunk of no lines names the line before it */
	return buf_addf(out, "%c%zu,%zu ", sign, before + (n != 0), n);
}

static int add_hunk(const struct chat_record *r, size_t begin, size_t end, struct buf *out)
{
	if (buf_adds(out, "@@ ") ||
	    add_range(out, '-', count(r, 0, begin, false), count(r, begin, end, false)) ||
	    add_range(out, '+', count(r, 0, begin, true), count(r, begin, end, true)) ||
	    buf_adds(out, "@@\n"))
		return -1;
	for (size_t i = begin; i < end; i++)
		if (buf_addc(out, r->outs[i].mark) || buf_add(out, r->outs[i].text, r->outs[i].n) ||
		    buf_addc(out, '\n'))
			return -1;
	return 0;
}

int chat_record_diff(struct chat_record *r, const char *name, struct buf *out)
{
	bool differs = false;
	if (merge(r))
		return -1;
	for (size_t i = 0; i < r->out_count; i++) {
		if (r->outs[i].mark == ' ')
			continue;
		size_t begin = i > CONTEXT ? i - CONTEXT : 0, end = hunk_end(r, i);
		if (!differs && buf_addf(out, "--- %s\n+++ now\n", name))
			return -1;
		differs = true;
		if (add_hunk(r, begin, end, out))
			return -1;
		i = end - 1;
	}
	return differs;
}
