/* cli/options/config_file: the config file in, its values set in struct config. `name = value`
 * lines as inih reads them. Some builds of inih take lines of 200 bytes and go on with the rest as
 * if it were another line, and it cuts the name of a section at 50; so lines are cut here, and the
 * lines that open a section are read here. Invariant: nothing of the file is skipped or cut
 * silently. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/options/options_internal.h"

enum { LINE_BYTES_MAX = 16 * 1024, FILE_BYTES_MAX = 1024 * 1024 };

/* A variable in builds of inih that let the program choose the length of a line, absent (NULL) in
 * others. */
extern int ini_max_line __attribute__((weak));

struct reader {
	struct config *c;
	struct err *err;
	const char *at, *end; /* what is left of the file */
	int number;           /* of the line read last */
	bool section;         /* the keys are those of the last route */
	bool failed;
};

static int refuse(struct reader *r, const char *what)
{
	r->failed = true;
	return err_set(r->err, ERR_CONFIG, "config file '%s', line %d: %s", r->c->config, r->number,
		       what);
}

/* `[route "/start"]`, of `n` bytes. */
static void open_section(struct reader *r, const char *text, size_t n)
{
	struct err why;
	const char *end = text + n - 1, *name = text + 1;
	while (name < end && isspace((unsigned char)*name))
		name++;
	size_t length = 0;
	while (name + length < end && isalpha((unsigned char)name[length]))
		length++;
	const char *match = name + length;
	while (match < end && isspace((unsigned char)*match))
		match++;
	while (end > match && isspace((unsigned char)end[-1]))
		end--;
	if (text[n - 1] == ']' && length == 5 && memcmp(name, "tgrun", 5) == 0 && match == end) {
		r->section = false; /* as other programs' files begin */
		return;
	}
	if (text[n - 1] != ']' || length != 5 || memcmp(name, "route", 5) != 0) {
		refuse(r, "unknown section; there are only sections such as [route \"/start\"]");
		return;
	}
	if (end - match < 3 || *match != '"' || end[-1] != '"' ||
	    memchr(match + 1, '"', (size_t)(end - match) - 2)) {
		refuse(r,
		       "a route's section is written [route \"/start\"]: a kind or a command in quotes");
		return;
	}
	r->section = true;
	if (options_section(r->c, match + 1, (size_t)(end - match) - 2, r->number, &why)) {
		refuse(r, why.text);
		r->err->status = why.status;
	}
}

/* Hands inih the next line, without white space around it (inih takes a line that begins with white
 * space for more of the value before); NULL at the end and after an error. */
static char *next_line(char *out, int size, void *arg)
{
	struct reader *r = arg;
	char why[64];
	if (r->failed || r->at == r->end)
		return NULL;
	const char *start = r->at, *stop = memchr(start, '\n', (size_t)(r->end - start));
	if (!stop)
		stop = r->end;
	r->at = stop < r->end ? stop + 1 : stop;
	r->number++;
	if (r->number == 1 && stop - start >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0)
		start += 3;
	while (start < stop && isspace((unsigned char)*start))
		start++;
	while (start < stop && isspace((unsigned char)stop[-1]))
		stop--;
	if (start < stop && (*start == '#' || *start == ';'))
		stop = start;
	size_t n = (size_t)(stop - start);
	snprintf(why, sizeof why, "the line is longer than %d bytes", size - 3);
	if (memchr(start, '\0', n))
		refuse(r, "there is a NUL byte; this is no text file");
	else if (n && *start == '[')
		open_section(r, start, n), n = 0;
	else if (n + 3 > (size_t)size)
		refuse(r, why);
	if (r->failed)
		return NULL;
	memcpy(out, start, n);
	out[n] = '\0';
	config_line_tidy(out, (size_t)size - 2);
	strcat(out, "\n");
	return out;
}

static int unknown(struct reader *r, const char *name)
{
	const struct option_row *row = options_row(name, strlen(name)),
				*near = row ? NULL : options_nearest(name, ORIGIN_FILE);
	r->failed = true;
	if (row)
		return err_set(r->err, ERR_USAGE,
			       "config file '%s', line %d: '%s' cannot stand in a config file",
			       r->c->config, r->number, name);
	if (near)
		return err_set(r->err, ERR_USAGE,
			       "config file '%s', line %d: unknown key '%s'; did you mean '%s'?",
			       r->c->config, r->number, name, near->name);
	return err_set(r->err, ERR_USAGE, "config file '%s', line %d: unknown key '%s'",
		       r->c->config, r->number, name);
}

static int set(struct reader *r, const char *name, char *value)
{
	struct err why;
	const struct option_row *row = options_row(name, strlen(name));
	int rc = row ? config_line_value(row, value, &why) : 0;
	if (rc == 0 && r->section)
		rc = options_route_set(&r->c->route.items[r->c->route.count - 1], name, value,
				       &why);
	else if (rc == 0 && (!row || row->least > ORIGIN_FILE))
		return unknown(r, name);
	else if (rc == 0)
		return (r->failed = options_set(r->c, row, value, ORIGIN_FILE, r->number, r->err) !=
				    0)
			       ? -1
			       : 0;
	if (rc) {
		refuse(r, why.text);
		r->err->status = why.status;
	}
	return rc;
}

/* Called by inih with what stands in a line: 1, or 0 after an error. */
static int take(void *arg, const char *section, const char *name, const char *value)
{
	(void)section;
	struct reader *r = arg;
	char *copy = r->failed ? NULL : strdup(value);
	if (!copy && !r->failed) {
		r->failed = true;
		err_set(r->err, ERR_INTERNAL, "out of memory");
	}
	if (!copy)
		return 0;
	int rc = set(r, name, copy);
	explicit_bzero(copy, strlen(copy));
	free(copy);
	return rc == 0;
}

static int parse(struct config *c, const struct buf *text, struct err *err)
{
	const char *start = buf_str(text);
	struct reader r = { .c = c, .err = err, .at = start, .end = start + text->len };
	if (text->len >= 2 &&
	    (memcmp(start, "\xff\xfe", 2) == 0 || memcmp(start, "\xfe\xff", 2) == 0))
		return err_set(
			err, ERR_CONFIG,
			"config file '%s' is written in UTF-16; mend it by: iconv -f UTF-16 -t UTF-8 '%s' > x && mv x '%s'",
			c->config, c->config, c->config);
	if (&ini_max_line)
		ini_max_line = LINE_BYTES_MAX;
	int bad = ini_parse_stream(next_line, &r, take, &r);
	if (r.failed)
		return -1;
	if (bad > 0)
		return err_set(err, ERR_CONFIG,
			       "config file '%s', line %d: neither 'name = value' nor a comment",
			       c->config, bad);
	return bad ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

/* Reads all of `fd`, which may be a pipe. */
static int read_all(int fd, const char *name, struct buf *text, struct err *err)
{
	for (;;) {
		if (buf_reserve(text, text->max - text->len < 4096 ? text->max - text->len : 4096))
			return err_set(err, ERR_INTERNAL, "out of memory");
		size_t room = text->cap - text->len - 1;
		if (room > text->max - text->len)
			room = text->max - text->len;
		if (room == 0)
			return err_set(err, ERR_CONFIG, "config file '%s' is larger than %d bytes",
				       name, FILE_BYTES_MAX);
		ssize_t n = read(fd, text->data + text->len, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, ERR_CONFIG, errno, "cannot read config file '%s'",
				       name);
		if (n == 0)
			return 0;
		text->len += (size_t)n;
		text->data[text->len] = '\0';
	}
}

int config_file_read(struct config *c, struct err *err)
{
	struct buf text;
	int rc = -1;
	int fd = open(c->config, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, ERR_CONFIG, errno, "cannot open config file '%s'", c->config);
	buf_init(&text, FILE_BYTES_MAX);
	if (read_all(fd, c->config, &text, err) == 0)
		rc = parse(c, &text, err);
	if (text.data)
		explicit_bzero(text.data, text.cap);
	buf_release(&text);
	close(fd);
	return rc;
}
