/* cli/client/cmd_fleet: orders of an operator for the machines that share a queue in, statements
 * for its database out (queue/shared/fleet_admin.h), and what there is, printed. Invariant: a
 * machine's work is handed on only when it is silent, or with --force. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/client/client.h"
#include "cli/client/shared.h"
#include "cli/cmd.h"
#include "cli/print.h"
#include "queue/local/local.h"
#include "queue/shared/fleet_admin.h"
#include "queue/shared/fleet_import.h"
#include "queue/shared/fleet_url.h"

enum verb { INIT, STATUS, IMPORT, DRAIN, RESUME, EVICT };

static const char *const verbs[] = { "init", "status", "import", "drain", "resume", "evict" };

struct fleet {
	struct setup *setup;
	const char *url;
	int64_t bot_id;
	enum verb verb;
	const char *node; /* of DRAIN and those behind it */
	size_t nodes;     /* that were printed */
	bool sick;        /* something is wrong with the server, or with the queue */
};

static int parse(struct fleet *f, struct err *err)
{
	const struct config *c = &f->setup->config;
	int v = client_verb(c, verbs, sizeof verbs / sizeof *verbs, err);
	if (v < 0)
		return -1;
	f->verb = (enum verb)v;
	size_t wanted = v < DRAIN ? 1 : 2;
	if (c->arguments.count < wanted)
		return err_set(
			err, ERR_USAGE,
			"'tgrun fleet %s' wants a machine's name; 'tgrun fleet status' shows "
			"them",
			verbs[v]);
	if (c->arguments.count > wanted)
		return err_set(err, ERR_USAGE, "unexpected argument '%s' behind 'tgrun fleet %s'",
			       c->arguments.items[wanted], verbs[v]);
	f->node = wanted == 2 ? c->arguments.items[1] : NULL;
	if (v != INIT && (c->role || c->print))
		return err_set(err, ERR_USAGE, "'tgrun fleet %s' takes no --%s", verbs[v],
			       c->role ? "role" : "print");
	if (v != EVICT && c->force)
		return err_set(err, ERR_USAGE, "'tgrun fleet %s' takes no --force", verbs[v]);
	if (v != STATUS && c->json)
		return err_set(err, ERR_USAGE, "'tgrun fleet %s' takes no --json", verbs[v]);
	if (c->print && *c->print)
		return err_set(err, ERR_USAGE, "'tgrun fleet init --print' takes no value");
	if (!shared_is(f->setup) && !c->print)
		return err_set(err, ERR_USAGE,
			       "no queue that machines share: name its database by --store "
			       "postgresql://HOST/DATABASE");
	return 0;
}

/* ---- init ---- */

static int print_script(const struct fleet *f, struct err *err)
{
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	int rc = fleet_admin_script(f->bot_id, f->setup->config.role, &text)
			 ? err_set(err, ERR_INTERNAL, "out of memory")
			 : 0;
	for (char *line = text.data, *end; rc == 0 && line && *line; line = end + 1) {
		end = strchrnul(line, '\n');
		bool last = !*end;
		*end = '\0';
		print_line(stdout, "%s", line);
		if (last)
			break;
	}
	buf_release(&text);
	return rc;
}

/* Whose schema it is to be must be said: that of the token. */
static int init(struct fleet *f, struct err *err)
{
	const struct config *c = &f->setup->config;
	struct buf shown;
	if (setup_token(f->setup, err))
		return -1;
	f->bot_id = secret_bot_id(f->setup->secret);
	if (c->print)
		return print_script(f, err);
	if (fleet_admin_init(f->url, f->bot_id, c->role, err))
		return -1;
	buf_init(&shown, SIZE_MAX / 2);
	fleet_url_show(f->url, &shown);
	print_line(stdout, "the queue of bot %lld is ready in %s%s%s", (long long)f->bot_id,
		   buf_str(&shown), c->role ? ", for the role " : "", c->role ? c->role : "");
	buf_release(&shown);
	return 0;
}

/* ---- status ---- */

static const char *wish_of(const struct fleet_admin_node *n)
{
	return strcmp(n->wish, "drain") == 0  ? "  drains"
	       : strcmp(n->wish, "stop") == 0 ? "  is to stop"
					      : "";
}

static bool is_silent(const struct fleet_admin_node *n)
{
	return n->beat_age > n->lease;
}

static void print_node(void *arg, const struct fleet_admin_node *n)
{
	struct fleet *f = arg;
	char age[CLIENT_SECONDS_MAX];
	if (f->nodes++ == 0)
		print_line(stdout, "%-20s %-10s %9s %7s %6s %10s  %s", "NODE", "VERSION",
			   "LAST BEAT", "RUNNING", "HELD", "DONE", "");
	print_part(stdout, "%-20s %-10s %9s %3lld/%-3lld %6lld %10lld", n->name, n->version,
		   client_seconds((double)n->beat_age / 1000, age), (long long)n->running,
		   (long long)n->slots, (long long)n->held, (long long)n->done);
	print_line(stdout, "%s%s%s%s", n->polls ? "  polls" : "", n->sends ? "  sends" : "",
		   wish_of(n), is_silent(n) ? "  SILENT" : "");
	f->sick = f->sick || is_silent(n);
}

static void print_totals(void *arg, const struct fleet_admin_totals *t)
{
	struct fleet *f = arg;
	char age[CLIENT_SECONDS_MAX];
	if (!f->nodes)
		print_line(stdout, "no machine works on it");
	print_part(stdout, "%lld unfinished: %lld ready, %lld delayed, %lld with a machine",
		   (long long)t->unfinished, (long long)t->ready, (long long)t->delayed,
		   (long long)t->held);
	if (t->oldest_ready >= 0)
		print_part(stdout, "; the oldest ready one came %s ago",
			   client_seconds((double)t->oldest_ready / 1000, age));
	print_line(stdout, "%s", "");
	print_line(stdout,
		   "%lld dead letters, %lld to come, %lld messages to be sent, %lld that failed",
		   (long long)t->dead, (long long)t->pushes, (long long)t->calls,
		   (long long)t->failed);
	if (t->faults)
		print_line(
			stdout,
			"FAULT: %lld rows contradict each other (view 'audit'): that is an error "
			"of tgrun, please tell of it",
			(long long)t->faults);
	f->sick = f->sick || t->faults;
}

static void print_warning(void *arg, const char *name, const char *text)
{
	struct fleet *f = arg;
	(void)name;
	print_line(stdout, "warning: %s", text);
	f->sick = true;
}

/* ---- status --json: a line each ---- */

static void print_object(struct buf *line, int rc)
{
	if (rc == 0 && buf_addc(line, '}') == 0)
		print_json(line->data);
	buf_release(line);
}

static int add_bool(struct buf *out, const char *name, bool value)
{
	return json_add_name(out, name) || buf_adds(out, value ? "true" : "false") ? -1 : 0;
}

static void json_node(void *arg, const struct fleet_admin_node *n)
{
	struct fleet *f = arg;
	struct buf line;
	buf_init(&line, SIZE_MAX / 2);
	int rc = buf_addc(&line, '{') || json_add_text(&line, "node", n->name) ||
		 json_add_number(&line, "id", n->id) ||
		 json_add_text(&line, "version", n->version) ||
		 json_add_number(&line, "beat_age_ms", n->beat_age) ||
		 json_add_number(&line, "lease_ms", n->lease) ||
		 add_bool(&line, "silent", is_silent(n)) || add_bool(&line, "polls", n->polls) ||
		 add_bool(&line, "sends", n->sends) || json_add_number(&line, "slots", n->slots) ||
		 json_add_number(&line, "running", n->running) ||
		 json_add_number(&line, "held", n->held) ||
		 json_add_number(&line, "done", n->done) || json_add_text(&line, "wish", n->wish);
	print_object(&line, rc);
	f->sick = f->sick || is_silent(n);
}

static void json_totals(void *arg, const struct fleet_admin_totals *t)
{
	struct fleet *f = arg;
	struct buf line;
	buf_init(&line, SIZE_MAX / 2);
	int rc = buf_addc(&line, '{') || json_add_number(&line, "unfinished", t->unfinished) ||
		 json_add_number(&line, "ready", t->ready) ||
		 json_add_number(&line, "delayed", t->delayed) ||
		 json_add_number(&line, "held", t->held) ||
		 json_add_number(&line, "dead_letters", t->dead) ||
		 json_add_number(&line, "to_come", t->pushes) ||
		 json_add_number(&line, "outbox", t->calls) ||
		 json_add_number(&line, "outbox_failed", t->failed) ||
		 (t->oldest_ready < 0
			  ? json_add_null(&line, "oldest_ready_ms")
			  : json_add_number(&line, "oldest_ready_ms", t->oldest_ready)) ||
		 json_add_number(&line, "faults", t->faults);
	print_object(&line, rc);
	f->sick = f->sick || t->faults;
}

static void json_warning(void *arg, const char *name, const char *text)
{
	struct fleet *f = arg;
	struct buf line;
	buf_init(&line, SIZE_MAX / 2);
	int rc = buf_addc(&line, '{') || json_add_text(&line, "warning", name) ||
		 json_add_text(&line, "text", text);
	print_object(&line, rc);
	f->sick = true;
}

static int status(struct fleet *f, struct err *err)
{
	const struct fleet_admin_told people = { print_node, print_totals, print_warning, f },
				      machines = { json_node, json_totals, json_warning, f };
	return fleet_admin_status(f->url, f->bot_id, f->setup->config.json ? &machines : &people,
				  err);
}

/* ---- import ---- */

/* What tells the queue of one machine from any other, also from one that is begun where it was. */
#define IMPORT_ID "import-id"
enum { IMPORT_ID_BYTES = 16 };

static int make_id(struct queue *q, struct err *err)
{
	unsigned char bytes[IMPORT_ID_BYTES];
	char id[2 * IMPORT_ID_BYTES + 1];
	struct buf old;
	buf_init(&old, SIZE_MAX / 2);
	int rc = queue_meta_get(q, IMPORT_ID, &old, err);
	bool has = old.len > 0;
	buf_release(&old);
	if (rc || has)
		return rc;
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return err_sys(err, ERR_INTERNAL, errno, "cannot draw a number");
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	queue_meta_set(q, IMPORT_ID, id);
	return 0;
}

/* What the last run died with is settled as its next start would. */
static int settle(struct statedir *dir, int64_t bot_id, struct err *err)
{
	struct queue_config config = { .clock = &clock_system, .backlog = INT32_MAX };
	struct store *store = sqlite_open(statedir_fd(dir), statedir_path(dir), bot_id, err);
	struct queue *q = store ? local_open(&config, store, err) : NULL;
	if (store && !q)
		store->ops->close(store);
	int rc = q ? make_id(q, err) : -1;
	return q && queue_close(q, rc ? NULL : err) ? -1 : rc;
}

static int import_it(struct fleet *f, struct statedir *dir, struct fleet_imported *n,
		     struct err *err)
{
	char mark[64];
	struct buf id;
	if (settle(dir, f->bot_id, err))
		return -1;
	struct store *store = sqlite_open(statedir_fd(dir), statedir_path(dir), f->bot_id, err);
	if (!store)
		return -1;
	buf_init(&id, SIZE_MAX / 2);
	int rc = store->ops->meta(store, IMPORT_ID, &id, err);
	snprintf(mark, sizeof mark, "import %s", buf_str(&id));
	buf_release(&id);
	const struct fleet_import from = { f->url, f->bot_id, store, f->setup->api.url, mark };
	rc = rc || fleet_import(&from, n, err) ? -1 : 0;
	store->ops->close(store);
	return rc;
}

/* The state stays where it is, under a name that no run opens. */
static int set_aside(struct statedir *dir, struct err *err)
{
	int fd = statedir_fd(dir);
	return renameat(fd, "queue.db", fd, "queue.db.imported")
		       ? err_sys(err, ERR_IO, errno,
				 "all of it was imported, but '%s/queue.db' cannot be renamed: do "
				 "it before a tgrun runs there without --store",
				 statedir_path(dir))
		       : 0;
}

static int import(struct fleet *f, struct err *err)
{
	struct statedir *dir;
	struct fleet_imported n;
	if (setup_token(f->setup, err) || setup_api(f->setup, err) ||
	    client_open(f->setup, &dir, err))
		return -1;
	f->bot_id = secret_bot_id(f->setup->secret);
	int rc = dir && faccessat(statedir_fd(dir), "queue.db", F_OK, 0) == 0
			 ? statedir_lock_slots(dir, err)
			 : err_set(err, ERR_UNAVAILABLE,
				   "there is no queue in the state directory '%s'",
				   f->setup->state_dir);
	if (rc == 0)
		rc = err_set(err, ERR_TEMPFAIL,
			     "a tgrun uses the state directory '%s'; stop it first",
			     statedir_path(dir));
	rc = rc < 0 || import_it(f, dir, &n, err) || set_aside(dir, err) ? -1 : 0;
	if (rc == 0)
		print_line(stdout,
			   "imported %lld updates, %lld dead letters, %lld to come, %lld messages "
			   "to be sent, %lld that failed; the old queue is '%s/queue.db.imported'",
			   (long long)n.updates, (long long)n.letters, (long long)n.pushes,
			   (long long)n.calls, (long long)n.failed, statedir_path(dir));
	statedir_close(dir);
	return rc;
}

static int carry_out(struct fleet *f, struct err *err)
{
	if (f->verb == IMPORT)
		return import(f, err);
	if (f->verb == INIT)
		return init(f, err);
	if (shared_bot(f->setup, &f->bot_id, err))
		return -1;
	switch (f->verb) {
	case STATUS:
		return status(f, err);
	case DRAIN:
		return fleet_admin_wish(f->url, f->bot_id, f->node, "drain", err);
	case RESUME:
		return fleet_admin_wish(f->url, f->bot_id, f->node, "", err);
	default:
		return fleet_admin_evict(f->url, f->bot_id, f->node, f->setup->config.force, err);
	}
}

int cmd_fleet(struct setup *s)
{
	struct err err = { 0 };
	struct fleet f = { .setup = s, .url = s->config.store };
	cmd_warn(&s->config);
	int rc = parse(&f, &err) || carry_out(&f, &err) || print_end(&err);
	return rc ? cmd_fail(&err) : f.sick ? 1 : 0;
}
