/* queue/verbs_call: a request that is being carried out: what it says, and how it is answered. The
 * bottom of the verbs. Invariant: a page ends where its slice says, after one line at least. */
#include <stdio.h>

#include "queue/verbs_internal.h"

void verbs_tell(struct verbs_call *c, const char *text, size_t n)
{
	c->failed = c->failed || c->line(c->arg, text, n) != 0;
}

void verbs_tell_number(struct verbs_call *c, const char *name, int64_t number)
{
	char line[64];
	int n = snprintf(line, sizeof line, "{\"%s\":%lld}", name, (long long)number);
	verbs_tell(c, line, (size_t)n);
}

/* A number as cJSON has it, -1 for what can be none of ours: no number at all, a broken one, one
 * past what a double tells apart. */
static int64_t whole(const cJSON *json)
{
	double d = cJSON_IsNumber(json) ? json->valuedouble : -1;
	return d >= 0 && d < 0x1p53 && (double)(int64_t)d == d ? (int64_t)d : -1;
}

int64_t verbs_member(const struct verbs_call *c, const char *name)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(c->request, name);
	return number ? whole(number) : 0;
}

int verbs_numbers(const cJSON *numbers, struct buf *out, struct err *err)
{
	const cJSON *one;
	if (!cJSON_IsArray(numbers))
		return err_set(err, ERR_USAGE, "the request's numbers are no list");
	cJSON_ArrayForEach(one, numbers)
	{
		int64_t number = whole(one);
		if (buf_add(out, &number, sizeof number))
			return err_set(err, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

bool verbs_full(struct verbs_call *c, int64_t number)
{
	const struct verbs_slice *s = c->slice;
	if (c->items &&
	    (c->items >= s->items || c->bytes >= s->bytes || s->clock->mono(s->clock) >= s->until))
		c->next = number;
	return c->next != 0;
}

void verbs_tell_made(struct verbs_call *c, int rc, struct buf *line)
{
	c->items++;
	c->bytes += line->len;
	if (rc == 0)
		verbs_tell(c, buf_str(line), line->len);
	buf_release(line);
}

int verbs_tell_next(struct verbs_call *c, int rc)
{
	if (rc < 0)
		return -1;
	if (c->next)
		verbs_tell_number(c, "next", c->next);
	return 0;
}

void verbs_tell_left(struct verbs_call *c, size_t count)
{
	verbs_tell_number(c, "left", (int64_t)count);
}

void verbs_tell_range(struct verbs_call *c, int64_t from, int64_t to, int64_t changed)
{
	char line[128];
	int n = snprintf(line, sizeof line, "{\"next\":%lld,\"to\":%lld,\"changed\":%lld}",
			 (long long)from, (long long)to, (long long)changed);
	verbs_tell(c, line, (size_t)n);
}

int64_t verbs_note_all(struct verbs_call *c, enum verbs_all all, int64_t changed, bool more)
{
	int64_t before = verbs_member(c, "changed");
	changed += before > 0 ? before : 0;
	c->done->all = all;
	c->done->first = verbs_member(c, "to") == 0;
	c->done->last = !more;
	c->done->deleted = changed;
	return changed;
}
