/* cli/client/watch_picture: numbers of a minute and items of a second in, characters and lines out.
 * Invariant: what is there in two seconds has the same line in both. */
#include "cli/client/watch_picture.h"

#include <stdio.h>
#include <string.h>

void watch_picture_add(struct watch_picture *p, double value)
{
	memmove(p->value, p->value + 1, sizeof p->value - sizeof *p->value);
	p->value[WATCH_SECONDS - 1] = value < 0 ? 0 : value;
	p->count += p->count < WATCH_SECONDS;
}

double watch_picture_most(const struct watch_picture *p)
{
	double most = 0;
	for (size_t i = 0; i < WATCH_SECONDS; i++)
		most = p->value[i] > most ? p->value[i] : most;
	return most;
}

const char *watch_picture_text(const struct watch_picture *p, size_t columns, bool blocks,
			       char out[WATCH_PICTURE_MAX])
{
	static const char *const characters[2][8] = { { "_", ".", ":", "-", "=", "+", "*", "#" },
						      { "\u2581", "\u2582", "\u2583", "\u2584",
							"\u2585", "\u2586", "\u2587", "\u2588" } };
	double most = watch_picture_most(p);
	size_t at = 0, first = columns < WATCH_SECONDS ? WATCH_SECONDS - columns : 0;
	for (size_t i = first; i < WATCH_SECONDS; i++) {
		double part = most > 0 ? p->value[i] / most : 0;
		/* The lowest is nothing, and a little is more than that. */
		size_t height = part > 0 ? 1 + (size_t)(part * 6 + 0.5) : 0;
		const char *c = i < WATCH_SECONDS - p->count ? " " : characters[blocks][height];
		size_t n = strlen(c);
		memcpy(out + at, c, n);
		at += n;
	}
	out[at] = '\0';
	return out;
}

static void name_of(const cJSON *item, const char *member, char out[WATCH_NAME_MAX])
{
	const cJSON *value = json_member(item, member);
	if (cJSON_IsNumber(value))
		snprintf(out, WATCH_NAME_MAX, "%.0f", value->valuedouble);
	else
		snprintf(out, WATCH_NAME_MAX, "%s", json_text(item, member));
}

static bool keep(struct watch_lines *l, const char *name, const cJSON *item)
{
	for (size_t i = 0; i < WATCH_LINES; i++)
		if (!l->line[i].item && strcmp(l->line[i].name, name) == 0) {
			l->line[i].item = item;
			return true;
		}
	return false;
}

void watch_lines_take(struct watch_lines *l, const cJSON *array, const char *member, size_t max)
{
	const cJSON *item, *fresh[WATCH_LINES];
	char name[WATCH_NAME_MAX];
	size_t count = 0, left = max < WATCH_LINES ? max : WATCH_LINES;
	for (size_t i = 0; i < WATCH_LINES; i++)
		l->line[i].item = NULL;
	cJSON_ArrayForEach(item, array)
	{
		if (left == 0)
			break;
		left--;
		name_of(item, member, name);
		if (!*name || !keep(l, name, item))
			fresh[count++] = item;
	}
	for (size_t i = 0, next = 0; i < WATCH_LINES && next < count; i++)
		if (!l->line[i].item) {
			l->line[i].item = fresh[next];
			name_of(fresh[next++], member, l->line[i].name);
		}
	l->count = 0;
	for (size_t i = 0; i < WATCH_LINES; i++) {
		if (l->line[i].item)
			l->count = i + 1;
		else
			l->line[i].name[0] = '\0';
	}
}
