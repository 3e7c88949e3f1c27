/* update/pointer: a JSON Pointer (RFC 6901) and an update in, the text it points at out. Works on
 * the checked bytes, so numbers keep all their digits; of members with the same name the first
 * counts. */
#include <string.h>

#include "update/scan.h"
#include "update/update.h"
#include "update/update_internal.h"

enum { POINTER_MAX = 500 };

bool update_pointer_is_valid(const char *pointer)
{
	size_t n = strlen(pointer);
	if (n > POINTER_MAX || (n && pointer[0] != '/'))
		return false;
	for (const char *p = pointer; (p = strchr(p, '~')); p++)
		if (p[1] != '0' && p[1] != '1')
			return false;
	return true;
}

/* The element of an array that `name` counts out; `-`, which stands behind the last, is none. */
static const char *element(const char *array, const char *name, size_t n)
{
	size_t index = 0;
	if (n == 0 || n > 9 || (n > 1 && name[0] == '0'))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!scan_is_digit(name[i]))
			return NULL;
		index = index * 10 + (size_t)(name[i] - '0');
	}
	for (struct scan_walk w = scan_walk(array); scan_next(&w);)
		if (index-- == 0)
			return w.value;
	return NULL;
}

/* One step: the part of the pointer between two slashes. */
static const char *step(const char *value, const char *part, size_t n)
{
	char name[POINTER_MAX];
	size_t length = 0;
	for (size_t i = 0; i < n; i++) {
		if (part[i] == '~')
			name[length++] = part[++i] == '1' ? '/' : '~';
		else
			name[length++] = part[i];
	}
	return *value == '[' ? element(value, name, length) : scan_member(value, name, length);
}

const char *scan_pointer(const char *value, const char *pointer)
{
	if (!update_pointer_is_valid(pointer))
		return NULL;
	while (value && *pointer == '/') {
		pointer++;
		size_t n = strcspn(pointer, "/");
		value = step(value, pointer, n);
		pointer += n;
	}
	return value;
}

int update_pointer(const struct update *u, const char *pointer, struct buf *out)
{
	const char *value = scan_pointer(field_root(u), pointer);
	if (!value)
		return 0;
	if (scan_is_string(value))
		return scan_add(value, out) ? -1 : 1;
	size_t digits = scan_integer_length(value);
	if (digits == 0)
		return 0;
	return buf_add(out, value, digits) ? -1 : 1;
}
