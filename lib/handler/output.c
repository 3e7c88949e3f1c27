/* handler/output: bytes of a job in, whole redacted lines out. It holds one unfinished line of
 * each stream, of stderr its end and the line that says what went wrong, and of a stdout that is
 * kept as much as may be written, never more, however much is. */
#include "handler/output.h"

#include <string.h>

/* A cut line keeps so many bytes beyond the cut until it is redacted, so that a token across the
 * cut is not shown in half. */
enum { LOOK_AHEAD = 256 };

void output_init(struct output *o, uint64_t max, const struct secret *secret,
		 void (*line)(void *arg, int which, char *text, size_t n), void *arg)
{
	*o = (struct output){ .secret = secret, .max = max, .line = line, .arg = arg };
	for (int i = 0; i < 2; i++)
		buf_init(&o->stream[i].line, OUTPUT_LINE_MAX + LOOK_AHEAD);
	buf_init(&o->stderr_tail, 3 * OUTPUT_STDERR_KEPT);
	buf_init(&o->kept, max < SIZE_MAX / 2 ? (size_t)max : SIZE_MAX / 2);
}

static void keep_stderr(struct output *o, const char *line, size_t n)
{
	struct buf *tail = &o->stderr_tail;
	sentence_line(&o->sentence, line);
	if (strspn(line, " \t\r") == n)
		return;
	if (n > OUTPUT_STDERR_KEPT) {
		line += n - OUTPUT_STDERR_KEPT;
		n = OUTPUT_STDERR_KEPT;
	}
	if ((tail->len == 0 || buf_addc(tail, '\n') == 0) && buf_add(tail, line, n) == 0 &&
	    tail->len > 2 * OUTPUT_STDERR_KEPT)
		buf_consume(tail, tail->len - OUTPUT_STDERR_KEPT);
}

static void pass_on(struct output *o, int which)
{
	struct buf *b = &o->stream[which - 1].line;
	if (b->len == 0) {
		if (which == 2)
			sentence_line(&o->sentence, "");
		return;
	}
	b->len = secret_redact(o->secret, b->data, b->len);
	if (b->len > OUTPUT_LINE_MAX) {
		o->dropped += b->len - OUTPUT_LINE_MAX;
		b->len = OUTPUT_LINE_MAX;
	}
	while (b->len && b->data[b->len - 1] == '\r')
		b->len--;
	b->data[b->len] = '\0';
	/* A NUL would end the line for all who take it as a string. */
	for (char *p = b->data; (p = memchr(p, '\0', b->len - (size_t)(p - b->data)));)
		*p = ' ';
	if (which == 2)
		keep_stderr(o, b->data, b->len);
	o->line(o->arg, which, b->data, b->len);
	buf_clear(b);
}

void output_keep(struct output *o)
{
	o->keeps = true;
}

/* A part of it would be no reply. */
static void keep(struct output *o, const char *bytes, size_t n)
{
	if (o->kept_short || buf_add(&o->kept, bytes, n) == 0)
		return;
	o->kept_short = true;
	size_t room = o->kept.max - o->kept.len;
	buf_add(&o->kept, bytes, n < room ? n : room);
}

void output_tell_kept(struct output *o)
{
	struct buf kept = o->kept;
	if (!o->keeps)
		return;
	o->keeps = false;
	buf_init(&o->kept, kept.max);
	output_feed(o, 1, buf_str(&kept), kept.len);
	pass_on(o, 1);
	buf_release(&kept);
}

void output_feed(struct output *o, int which, const char *bytes, size_t n)
{
	if (o->keeps && which == 1) {
		keep(o, bytes, n);
		return;
	}
	struct output_stream *s = &o->stream[which - 1];
	while (n) {
		const char *lf = memchr(bytes, '\n', n);
		size_t part = lf ? (size_t)(lf - bytes) : n;
		size_t take = s->cut || o->total >= o->max ? 0 : part;
		size_t room = OUTPUT_LINE_MAX + LOOK_AHEAD - s->line.len;
		if (take > room)
			take = room;
		if (take > o->max - (o->total < o->max ? o->total : o->max))
			take = (size_t)(o->max - o->total);
		if (take && buf_add(&s->line, bytes, take))
			take = 0;
		o->total += part + (lf != NULL);
		o->dropped += part - take;
		if (!s->cut && s->line.len == OUTPUT_LINE_MAX + LOOK_AHEAD) {
			pass_on(o, which);
			s->cut = 1;
		}
		if (lf) {
			pass_on(o, which);
			s->cut = 0;
			part++;
		}
		bytes += part;
		n -= part;
	}
}

void output_end(struct output *o)
{
	pass_on(o, 1);
	pass_on(o, 2);
}

const char *output_sentence(const struct output *o)
{
	return sentence_text(&o->sentence);
}

const char *output_last_stderr(const struct output *o)
{
	const char *text = buf_str(&o->stderr_tail);
	if (o->stderr_tail.len > OUTPUT_STDERR_KEPT)
		text += o->stderr_tail.len - OUTPUT_STDERR_KEPT;
	/* Not from the middle of a character. */
	for (int i = 0; i < 3 && ((unsigned char)*text & 0xc0) == 0x80; i++)
		text++;
	return text + (*text == '\n');
}

void output_forget_stderr(struct output *o)
{
	sentence_clear(&o->sentence);
	buf_clear(&o->stderr_tail);
}

void output_release(struct output *o)
{
	buf_release(&o->stream[0].line);
	buf_release(&o->stream[1].line);
	buf_release(&o->stderr_tail);
	buf_release(&o->kept);
}
