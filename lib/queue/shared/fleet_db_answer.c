/* queue/shared/fleet_db_answer: what PostgreSQL and libpq say comes in; values, and sentences with
 * a status, go out. Invariant: a sentence is one line, names the server, and quotes no password. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "queue/shared/fleet_db_internal.h"

/* ---- faults ---- */

int fleet_db_status(const char *state)
{
	static const struct {
		const char *prefix;
		int status;
	} rows[] = {
		{ "28", ERR_NOPERM },    /* a wrong password, no such user */
		{ "42501", ERR_NOPERM }, /* no rights */
		{ "3D", ERR_CONFIG },    /* no such database */
		{ "3F", ERR_CONFIG },    /* no such schema */
		{ "42", ERR_CONFIG },    /* no such table or function: an older schema */
		{ "TG003", ERR_CONFIG }, { "TG005", ERR_CONFIG }, { "TG006", ERR_CONFIG },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strncmp(state, rows[i].prefix, strlen(rows[i].prefix)) == 0)
			return rows[i].status;
	return ERR_UNAVAILABLE;
}

static bool is_state(const char *text)
{
	return strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && text[5] == ':' &&
	       text[6] == ' ';
}

/* What libpq says in several lines, as one; `state` gets the SQLSTATE that stands in it, which is
 * left out, and so is where in PostgreSQL's source it was said. */
static void tidy(const char *text, struct buf *out, char state[6])
{
	while (*text) {
		text += strspn(text, " \t\n");
		size_t n = strcspn(text, "\n");
		if (n && strncmp(text, "LOCATION:", 9) != 0) {
			const char *said = memmem(text, n, ":  ", 3); /* FATAL:  28P01: … */
			said = said ? said + 3 : NULL;
			if (out->len)
				buf_adds(out, "; ");
			if (said && is_state(said)) {
				memcpy(state, said, 5);
				buf_add(out, said + 7, n - (size_t)(said + 7 - text));
			} else
				buf_add(out, text, n);
		}
		text += n;
	}
}

void fleet_fault_set(struct fleet_fault *f, const struct fleet_where *w, PGconn *pg,
		     const char *text)
{
	struct buf line;
	buf_init(&line, sizeof f->err.text);
	*f = (struct fleet_fault){ .lost = true };
	tidy(text ? text : pg ? PQerrorMessage(pg) : "out of memory", &line, f->state);
	if (line.len && w->password && strlen(w->password) >= SECRET_MIN) {
		line.len = secret_redact_text(w->password, line.data, line.len);
		line.data[line.len] = '\0';
	}
	err_set(&f->err, fleet_db_status(f->state), "the %s cannot be reached: %s", w->name,
		buf_str(&line));
	buf_release(&line);
}

static void fault_of(struct fleet_fault *f, const struct fleet_where *w, const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *said = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	*f = (struct fleet_fault){ .lost = !state };
	snprintf(f->state, sizeof f->state, "%s", state ? state : "");
	err_set(&f->err, fleet_db_status(f->state), "the %s refuses: %s", w->name,
		said ? said : "it said nothing");
}

/* ---- results ---- */

void fleet_answer_release(struct fleet_answer *a)
{
	if (a->result)
		PQclear(a->result);
	*a = (struct fleet_answer){ 0 };
}

void fleet_answer_take(struct fleet_answer *a, PGresult *r, const struct fleet_where *w)
{
	ExecStatusType status = PQresultStatus(r);
	bool fine = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	if (a->failed) {
		PQclear(r);
		return;
	}
	if (!fine) {
		a->failed = true;
		fault_of(&a->fault, w, r);
	}
	if (a->result)
		PQclear(a->result);
	a->result = r;
}

const struct fleet_fault *fleet_answer_fault(const struct fleet_answer *a)
{
	return a->failed ? &a->fault : NULL;
}

const char *fleet_answer_warning(const struct fleet_answer *a)
{
	return a->warning;
}

int fleet_answer_rows(const struct fleet_answer *a)
{
	return a->result ? PQntuples(a->result) : 0;
}

bool fleet_answer_null(const struct fleet_answer *a, int row, int column)
{
	return row < 0 || row >= fleet_answer_rows(a) || column < 0 ||
	       column >= PQnfields(a->result) || PQgetisnull(a->result, row, column);
}

const char *fleet_answer_text(const struct fleet_answer *a, int row, int column)
{
	return fleet_answer_null(a, row, column) ? "" : PQgetvalue(a->result, row, column);
}

int64_t fleet_answer_number(const struct fleet_answer *a, int row, int column)
{
	return strtoll(fleet_answer_text(a, row, column), NULL, 10);
}

bool fleet_answer_bool(const struct fleet_answer *a, int row, int column)
{
	return *fleet_answer_text(a, row, column) == 't';
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int fleet_answer_bytes(const struct fleet_answer *a, int row, int column, struct buf *out)
{
	const char *text = fleet_answer_text(a, row, column);
	size_t n = strlen(text);
	if (n < 2)
		return 0;
	if (text[0] != '\\' || text[1] != 'x' || n % 2) {
		errno = EINVAL;
		return -1;
	}
	size_t was = out->len;
	if (buf_reserve(out, n / 2))
		return -1;
	for (text += 2; *text; text += 2) {
		int high = digit(text[0]), low = digit(text[1]);
		if (high < 0 || low < 0) {
			out->len = was;
			errno = EINVAL;
			return -1;
		}
		out->data[out->len++] = (char)(high << 4 | low);
	}
	if (out->data)
		out->data[out->len] = '\0';
	return 0;
}
