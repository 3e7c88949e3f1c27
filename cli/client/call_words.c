/* cli/client/call_words: the words of `tgrun call` in, a checked call out. Invariant: what stands
 * behind the `=` of a parameter is data, whatever it looks like: no word of it is an option, a file
 * or a name. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/methods.h"
#include "base/json.h"
#include "cli/client/call.h"
#include "reply/target.h"
#include "reply/text.h"
#include "update/scan.h"

enum {
	PARAMS_MAX = 2 << 20,
	STDIN_MAX = 1 << 20,  /* bytes: no parameter is longer */
	PATIENCE = 60 * 1000, /* milliseconds, outside of a handler */
	DEADLINE_SPARE = 500, /* milliseconds that a handler has left after its call */
};

static int no_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

static int add_text(struct client_call *c, const char *name, const char *text, size_t n,
		    struct err *err)
{
	if (json_add_name(&c->params, name) || buf_add_json(&c->params, text, n))
		return errno == EOVERFLOW
			       ? err_set(err, ERR_USAGE, "the parameters are longer than %d bytes",
					 PARAMS_MAX)
			       : no_memory(err);
	return 0;
}

/* ---- files ---- */

/* A copy of what can be read once only. -1 with `err`. */
static int copy_stream(int fd, const char *path, struct err *err)
{
	char bytes[8192];
	ssize_t n = 0;
	int copy = memfd_create("tgrun-call", MFD_CLOEXEC);
	while (copy >= 0 && ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0 && write(copy, bytes, (size_t)n) != n)
			break;
	if (copy >= 0 && n == 0)
		return copy;
	err_sys(err, ERR_IO, errno, "cannot read the file '%s'", path);
	if (copy >= 0)
		close(copy);
	return -1;
}

static int add_file(struct client_call *c, const char *name, const char *path, struct err *err)
{
	struct stat st;
	if (c->file_count == CALL_FILES_MAX)
		return err_set(err, ERR_USAGE, "a call has at most %d files", CALL_FILES_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st)) {
		err_sys(err, ERR_USAGE, errno, "cannot open the file '%s'", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (S_ISDIR(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_USAGE, "'%s' is a directory", path);
	}
	if (!S_ISREG(st.st_mode)) {
		int copy = copy_stream(fd, path, err);
		close(fd);
		fd = copy;
		if (fd < 0 || fstat(fd, &st))
			return -1;
	}
	const char *slash = strrchr(path, '/');
	c->files[c->file_count++] = (struct api_file){ .field = name,
						       .name = slash ? slash + 1 : path,
						       .data = { .fd = fd,
								 .length = (uint64_t)st.st_size } };
	return 0;
}

/* ---- parameters ---- */

static int add_word(struct client_call *c, char *word, struct err *err)
{
	size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz_");
	char kind = word[n];
	if (n == 0 || (kind != '=' && kind != '@'))
		return err_set(err, ERR_USAGE,
			       "'%.60s' is no NAME=VALUE and no NAME@PATH, where NAME is a "
			       "parameter such as text",
			       word);
	word[n] = '\0';
	if (strcmp(word, "method") == 0)
		return err_set(err, ERR_USAGE,
			       "the method stands before its parameters, and is none");
	return kind == '=' ? add_text(c, word, word + n + 1, strlen(word + n + 1), err)
			   : add_file(c, word, word + n + 1, err);
}

static int read_stdin(struct client_call *c, const char *name, struct err *err)
{
	struct buf text, clean;
	char bytes[8192];
	ssize_t n;
	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")])
		return err_set(err, ERR_USAGE, "'%.60s' is no parameter's name", name);
	buf_init(&text, STDIN_MAX);
	buf_init(&clean, 3 * STDIN_MAX);
	int rc = 0;
	while (rc == 0 &&
	       ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0 && buf_add(&text, bytes, (size_t)n))
			rc = err_set(err, ERR_USAGE, "standard input is longer than %d bytes",
				     STDIN_MAX);
	if (rc == 0 && n < 0)
		rc = err_sys(err, ERR_IO, errno, "cannot read standard input");
	if (rc == 0 && text_clean(buf_str(&text), text.len, &clean))
		rc = no_memory(err);
	rc = rc ? rc : add_text(c, name, buf_str(&clean), clean.len, err);
	buf_release(&text);
	buf_release(&clean);
	return rc;
}

/* ---- buttons ---- */

static bool is_url(const char *data)
{
	return strncmp(data, "https://", 8) == 0 || strncmp(data, "http://", 7) == 0 ||
	       strncmp(data, "tg://", 5) == 0;
}

static int add_button(struct buf *rows, char *item, struct err *err)
{
	char *data = strchr(item, '=');
	if (!data || data == item || !data[1])
		return err_set(err, ERR_USAGE,
			       "'%.60s' is no button: LABEL=DATA, where DATA may be a URL", item);
	*data++ = '\0';
	int rc = buf_adds(rows, rows->data[rows->len - 1] == '[' ? "{" : ",{") ||
		 json_add_text(rows, "text", item) ||
		 json_add_text(rows, is_url(data) ? "url" : "callback_data", data) ||
		 buf_addc(rows, '}');
	return rc ? no_memory(err) : 0;
}

/* --button and --row in their order become the keyboard below the message. */
static int add_buttons(struct client_call *c, const struct texts *items, struct err *err)
{
	struct buf rows;
	int rc = 0;
	if (!items->count)
		return 0;
	buf_init(&rows, PARAMS_MAX);
	if (buf_adds(&rows, "{\"inline_keyboard\":[["))
		rc = no_memory(err);
	for (size_t i = 0; i < items->count && rc == 0; i++) {
		if (strcmp(items->items[i], "=") != 0)
			rc = add_button(&rows, items->items[i], err);
		else if (rows.data[rows.len - 1] != '[' && buf_adds(&rows, "],["))
			rc = no_memory(err);
	}
	if (rc == 0 && buf_adds(&rows, "]]}"))
		rc = no_memory(err);
	rc = rc ? rc : add_text(c, "reply_markup", rows.data, rows.len, err);
	buf_release(&rows);
	return rc;
}

/* ---- all of it ---- */

static int check(const struct config *o, const char *method, struct err *err)
{
	if (!method)
		return err_set(err, ERR_USAGE,
			       "'tgrun call' wants a method, such as sendMessage text=hi");
	for (const char *p = method; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')) || p - method > 63)
			return err_set(err, ERR_USAGE, "'%.60s' is no method's name", method);
	if (!o->queue && (o->bulk || config_origin(o, &o->expire) == ORIGIN_ARGUMENT))
		return err_set(err, ERR_USAGE, "--bulk and --expire are of a call with --queue");
	if (o->output && (strcasecmp(method, "getFile") != 0 || o->queue || o->print))
		return err_set(err, ERR_USAGE,
			       "--output is of getFile, and stands neither beside --print nor "
			       "--queue");
	if (o->print && *o->print && *o->print != '/')
		return err_set(err, ERR_USAGE,
			       "'%.60s' is no JSON Pointer; it begins with '/', as in "
			       "--print=/message_id",
			       o->print);
	return 0;
}

static int64_t patience(void)
{
	const char *text = getenv("TG_DEADLINE");
	char *end = NULL;
	long long deadline = text && *text ? strtoll(text, &end, 10) : 0;
	if (!end || *end)
		return PATIENCE;
	int64_t left = deadline * 1000 - clock_system.wall(&clock_system) - DEADLINE_SPARE;
	return left > 0 ? left : 0;
}

/* Adds what the handler's update tells, and makes the body. */
static int compose(struct client_call *c, struct err *err)
{
	struct scan_fault fault;
	struct target target;
	struct buf whole;
	if (buf_addc(&c->params, '}'))
		return no_memory(err);
	const char *object = scan_check(c->params.data, c->params.data + c->params.len, &fault);
	buf_init(&whole, PARAMS_MAX + 4096);
	target_of_vars(environ, &target);
	if (!object || target_complete(&target, methods_traits(c->method), object, NULL, &whole)) {
		buf_release(&whole);
		return no_memory(err);
	}
	buf_release(&c->params);
	c->params = whole;
	if (c->file_count) {
		c->form = api_form_new(c->params.data, c->params.len, c->files, c->file_count, err);
		if (c->form)
			c->body = *api_form_body(c->form);
		return c->form ? 0 : -1;
	}
	c->piece = (struct http_piece){ .bytes = c->params.data, .length = c->params.len };
	c->body = (struct http_body){ "application/json", &c->piece, 1 };
	return 0;
}

int call_read_words(struct client_call *c, struct setup *s, struct err *err)
{
	const struct config *o = &s->config;
	*c = (struct client_call){ .setup = s, .to_fd = -1 };
	buf_init(&c->params, PARAMS_MAX);
	buf_init(&c->answer, 64 << 20);
	c->method = o->arguments.count ? o->arguments.items[0] : NULL;
	c->patience = patience();
	int rc = check(o, c->method, err);
	if (rc == 0 && buf_addc(&c->params, '{'))
		rc = no_memory(err);
	for (size_t i = 1; i < o->arguments.count && rc == 0; i++)
		rc = add_word(c, o->arguments.items[i], err);
	if (rc == 0 && o->queue && c->file_count)
		rc = err_set(err, ERR_USAGE,
			     "a call with a file cannot be left in the outbox; 'tgrun send "
			     "--file' can");
	if (rc == 0 && o->stdin_name)
		rc = read_stdin(c, o->stdin_name, err);
	rc = rc ? rc : add_buttons(c, &o->button, err);
	return rc ? rc : compose(c, err);
}

void call_release_words(struct client_call *c)
{
	for (size_t i = 0; i < c->file_count; i++)
		close(c->files[i].data.fd);
	api_form_free(c->form);
	buf_release(&c->params);
	buf_release(&c->answer);
}
