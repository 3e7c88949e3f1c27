/* cli/client/cmd_call: `tgrun call`: a method of the Bot API is called, as it is, and waited for.
 * Prints nothing that was not asked for: in a handler with --reply that would be the answer. The
 * exit status is that of a handler that does nothing else, so `tgrun call … || exit` is right. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/client/beside.h"
#include "cli/client/call.h"
#include "cli/cmd.h"
#include "cli/print.h"
#include "update/scan.h"

static int status_of(enum door_outcome outcome)
{
	switch (outcome) {
	case DOOR_OK:
		return 0;
	case DOOR_REFUSED:
		break;
	case DOOR_LATER:
		return ERR_TEMPFAIL;
	case DOOR_UNSURE:
		return ERR_UNSURE;
	case DOOR_FORBIDDEN:
		return ERR_NOPERM;
	case DOOR_FULL:
		return ERR_CANTCREATE;
	}
	return ERR_REFUSED;
}

/* What the server, or tgrun, said of a call that failed. */
static int fail(const struct client_call *c)
{
	struct err err;
	cJSON *answer = cJSON_ParseWithLength(buf_str(&c->answer), c->answer.len);
	const char *text = json_text(answer, "description");
	if (!*text)
		text = c->outcome == DOOR_UNSURE ? "it may have been delivered: no answer came"
						 : "no answer that can be understood";
	err_set(&err, status_of(c->outcome), "%s: %s%s", c->method, text,
		strstr(text, "is too long") ? "; 'tgrun send' splits a long text" : "");
	cJSON_Delete(answer);
	return cmd_fail(&err);
}

/* ---- --print ---- */

/* A text, as it is; where a terminal would obey it, escaped. */
static int print_text(const char *text, size_t n, struct err *err)
{
	if (isatty(STDOUT_FILENO)) {
		print_line(stdout, "%s", text);
		return 0;
	}
	for (size_t done = 0; done < n;) {
		ssize_t some = write(STDOUT_FILENO, text + done, n - done);
		if (some < 0 && errno != EINTR)
			return err_sys(err, ERR_IO, errno, "cannot write the output");
		done += some > 0 ? (size_t)some : 0;
	}
	return 0;
}

static int print_result(struct client_call *c, struct err *err)
{
	struct scan_fault fault;
	struct buf out;
	if (!c->setup->config.print)
		return 0;
	const char *root = scan_check(buf_str(&c->answer), buf_str(&c->answer) + c->answer.len,
				      &fault);
	const char *value = scan_pointer(scan_named(root, "result"), c->setup->config.print);
	if (!value)
		return err_set(err, ERR_REFUSED, "the result of %s has no '%.100s'", c->method,
			       c->setup->config.print);
	buf_init(&out, c->answer.len + 2);
	int rc = scan_is_string(value) ? scan_add(value, &out)
				       : buf_add(&out, value, (size_t)(scan_skip(value) - value));
	if (rc)
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	else if (!scan_is_string(value))
		print_json(out.data);
	else if (!isatty(STDOUT_FILENO) && buf_addc(&out, '\n'))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	else
		rc = print_text(buf_str(&out), out.len, err);
	buf_release(&out);
	return rc ? rc : print_end(err);
}

int cmd_call(struct setup *s)
{
	struct client_call c;
	struct err err = { 0 };
	struct beside file;
	bool none = false;
	const char *path = s->config.output;
	bool beside = path && strcmp(path, "-") != 0;
	int rc = call_read_words(&c, s, &err);
	if (rc == 0 && beside)
		rc = beside_open(&file, path, &err);
	beside = beside && rc == 0;
	if (path && rc == 0)
		c.to_fd = beside ? file.fd : STDOUT_FILENO;
	if (rc == 0)
		rc = call_by_runner(&c, &none, &err);
	if (none && s->config.queue)
		rc = err_set(&err, ERR_TEMPFAIL, "no tgrun runs that could keep the call");
	else if (none)
		rc = call_straight(&c, &err);
	bool fine = rc == 0 && c.outcome == DOOR_OK;
	if (beside && beside_end(&file, fine, &err))
		rc = -1;
	if (fine && rc == 0)
		rc = print_result(&c, &err);
	int status = rc ? cmd_fail(&err) : fine ? 0 : fail(&c);
	call_release_words(&c);
	return status;
}
