/* update/members: a checked object in, its first members out, as a list. Invariant: the list ends
 * before a name that is written with escapes, and where it is full; so what is found in it is the
 * first of its name. */
#include "update/members.h"

#include <string.h>

#include "update/scan.h"

void members_find(struct members *m, const char *object)
{
	m->object = object;
	m->count = 0;
	m->all = true;
	if (!object || *object != '{')
		return;
	for (struct scan_walk w = scan_walk(object); scan_next(&w); m->count++) {
		const char *name = w.name + 1;
		size_t n = (size_t)(w.name_end - name);
		m->all = m->count < MEMBERS_MAX && !memchr(name, '\\', n);
		if (!m->all)
			return;
		m->list[m->count].name = name;
		m->list[m->count].length = n;
		m->list[m->count].value = w.value;
	}
}

const char *members_get(const struct members *m, const char *name, size_t n)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].length == n && memcmp(m->list[i].name, name, n) == 0)
			return m->list[i].value;
	return m->all ? NULL : scan_member(m->object, name, n);
}
