/* cli/try/cmd_try: the bot in a terminal. The real runner works for a Bot API that this process
 * serves on loopback; typed lines or a file's go in as updates (try_input.c), and what the bot
 * calls comes out as a chat (try.c). Nothing is kept. Here: the start, the figures at the end, and
 * the exit status. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/backoff.h"
#include "cli/cmd.h"
#include "cli/setup/start.h"
#include "cli/signals.h"
#include "cli/try/chat_prompt.h"
#include "cli/try/try_internal.h"
#include "io/statedir.h"
#include "queue/local/local.h"

enum { POLL_TIMEOUT = 30000, POLL_LIMIT = 100 };
enum { TOKEN_RANDOM = 33 }; /* characters */

/* As @BotFather would give it: libraries look at its shape. */
static int make_token(struct try *t, struct err *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	char token[sizeof "1000000001:AA" + TOKEN_RANDOM] = "1000000001:AA";
	for (size_t i = strlen(token), end = i + TOKEN_RANDOM; i < end; i++)
		token[i] = letters[backoff_random() % (sizeof letters - 1)];
	t->setup->secret = secret_new(token, err);
	return t->setup->secret ? 0 : -1;
}

static int open_updates(struct try *t, struct err *err)
{
	const char *path = t->setup->config.updates;
	if (try_record_open(t, err))
		return -1;
	if (t->mode == TRY_REPLAY)
		return 0;
	t->mode = path                                            ? TRY_UPDATES
		  : isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? TRY_TERMINAL
								  : TRY_LINES;
	t->updates_fd = STDIN_FILENO;
	if (!path || strcmp(path, "-") == 0)
		return 0;
	struct stat st;
	t->updates_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (t->updates_fd >= 0 && fstat(t->updates_fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "cannot open '%s' of --updates: it is a directory",
			       path);
	return t->updates_fd < 0
		       ? err_sys(err, ERR_USAGE, errno, "cannot open '%s' of --updates", path)
		       : 0;
}

/* A directory for the sockets by which the sub-commands that a handler uses reach this process. It
 * is there as long as the conversation. */
static int make_place(struct try *t, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	tmp = tmp && *tmp == '/' ? tmp : "/tmp";
	pid_t holder;
	if (asprintf(&t->place, "%s/tgrun-try.XXXXXX", tmp) < 0) {
		t->place = NULL;
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	if (!mkdtemp(t->place)) {
		int rc = err_sys(err, ERR_CANTCREATE, errno, "cannot make a directory in '%s'",
				 tmp);
		free(t->place);
		t->place = NULL;
		return rc;
	}
	t->dir = statedir_open(t->place, err);
	return t->dir && statedir_lock_run(t->dir, &holder, err) == 1 &&
			       statedir_lock_slots(t->dir, err) == 1
		       ? 0
		       : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st, (void)type, (void)place;
	remove(path);
	return 0;
}

/* With what handlers left in it. */
static void remove_place(struct try *t)
{
	statedir_close(t->dir);
	t->dir = NULL;
	if (t->place)
		nftw(t->place, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(t->place);
	t->place = NULL;
}

/* A queue that keeps nothing after its end. */
static struct queue *open_queue(void *arg, const struct queue_config *config, struct err *err)
{
	(void)arg;
	struct store *store = memory_open(err);
	struct queue *q = store ? local_open(config, store, err) : NULL;
	if (store && !q)
		store->ops->close(store);
	return q;
}

static int start_engine(struct try *t, struct err *err)
{
	const struct config *c = &t->setup->config;
	struct engine_config config = {
		.loop = t->loop,
		.log = t->log,
		.clock = &clock_system,
		.slots = t->slots,
		.open_queue = open_queue,
		.dir = t->dir,
		.store_forgets = true,
		.secret = t->setup->secret,
		.run_id = "",
		.slot_count = t->slot_count,
		.source_fd = -1,
		.source_feed_fd = -1,
		.api_root = sandbox_url(t->sandbox),
		.poll = { .timeout = POLL_TIMEOUT, .limit = POLL_LIMIT },
		.rehearsal = true,
		.options = setup_engine_options(t->setup),
		.finished = try_on_finished,
		.settled = try_on_settled,
		.started = try_on_started,
		.output = try_on_output,
		.trouble = try_on_trouble,
		.ignored = try_on_ignored,
		.told = try_on_told,
		.arg = t,
	};
	/* Whoever tries a bot wants to see each failure. */
	if (config_origin(c, &c->engine.breaker) == ORIGIN_DEFAULT)
		config.options.policy.breaker = 0;
	t->engine = engine_new(&config, err);
	if (!t->engine)
		return -1;
	return engine_start(t->engine, err);
}

static int start_input(struct try *t, struct err *err)
{
	/* the last not under nohup */
	static const int signals[TRY_SIGNALS] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };
	struct buf text;
	t->patience = loop_timer_new(t->loop, try_on_patience, t);
	t->pause = loop_timer_new(t->loop, try_on_pause, t);
	t->linger = loop_timer_new(t->loop, try_on_linger, t);
	for (int i = 0; i < TRY_SIGNALS - t->setup->nohup; i++)
		t->signals[i] = loop_signal_new(t->loop, signals[i], try_on_signal, t);
	if (!t->patience || !t->pause || !t->linger)
		return err_set(err, ERR_INTERNAL, "out of memory");
	loop_on_turn(t->loop, try_on_turn, t);
	if (t->mode == TRY_REPLAY)
		return 0;
	if (t->mode != TRY_TERMINAL) {
		t->feed = chat_feed_new(t->loop, t->updates_fd, t->mode == TRY_UPDATES, err);
		return t->feed ? 0 : -1;
	}
	buf_init(&text, 4096);
	chat_prompt(&t->chat, &text);
	int rc = chat_prompt_open(t->loop, buf_str(&text), t->chat.colour, try_typed, t, err);
	buf_release(&text);
	return rc;
}

static bool has_webhooks(const struct config *c)
{
	bool any = config_url(c, NULL);
	for (size_t i = 0; i < c->route.count; i++)
		any = any || config_url(c, &c->route.items[i]);
	return any;
}

static void greet(struct try *t)
{
	const struct config *c = &t->setup->config;
	if (t->mode == TRY_REPLAY) {
		cmd_warn(c);
		return;
	}
	chat_put(&t->chat, &t->out, CHAT_DIM,
		 "tgrun try: a Telegram of its own, for the handler %s",
		 c->handler ? c->handler : "");
	for (size_t i = 0; i < c->handler_argv.count; i++)
		chat_put(&t->chat, &t->out, CHAT_DIM, "%s%s", i ? " " : "",
			 c->handler_argv.items[i]);
	buf_addc(&t->out, '\n');
	if (t->mode == TRY_TERMINAL)
		chat_put_line(&t->chat, &t->out, CHAT_DIM,
			      "Type to the bot; :help tells more, Ctrl-D ends.");
	if (c->record)
		chat_put_line(&t->chat, &t->out, CHAT_DIM, "At the end the conversation is in %s.",
			      c->record);
	if (has_webhooks(c))
		chat_put_line(
			&t->chat, &t->out, CHAT_DIM,
			"A bot behind a URL calls the API of this chat at %s, with any token.",
			sandbox_url(t->sandbox));
	for (size_t i = 0; i < c->warning_count; i++)
		chat_put_line(&t->chat, &t->out, CHAT_DIM, "warning: %s", c->warnings[i]);
	try_say(t);
}

static int run(struct try *t, struct err *err)
{
	struct sandbox_config sandbox = { .no_penalties = true, .called = try_on_called, .arg = t };
	struct engine_options options = setup_engine_options(t->setup);
	t->slot_count = engine_slots(&options);
	t->slots = start_slots(&t->setup->config, t->slot_count, -1, "", err);
	if (!t->slots)
		return -1;
	t->loop = loop_new(err);
	if (!t->loop)
		return -1;
	bool placed = make_place(t, err) == 0;
	if (!placed)
		remove_place(t);
	sandbox.token = secret_token(t->setup->secret);
	/* A server that was started before has a token of its own. */
	sandbox.any_token = has_webhooks(&t->setup->config);
	t->sandbox = sandbox_new(t->loop, &sandbox, err);
	if (!t->sandbox)
		return -1;
	if (!placed)
		options_warn(&t->setup->config,
			     "%s: handlers have no 'tgrun call'; TMPDIR names a place", err->text);
	greet(t);
	if (start_engine(t, err) || start_input(t, err))
		return -1;
	signals_release();
	loop_run(t->loop);
	return 0;
}

/* One line of figures; returns the exit status, -1 with `err`. */
static int conclude(struct try *t, struct err *err)
{
	struct engine_counts c;
	engine_counts(t->engine, &c);
	uint64_t failed = c.dead + c.dropped, left = c.waiting + sandbox_pending(t->sandbox);
	chat_put(&t->chat, &t->out, CHAT_DIM, "%" PRIu64 " handled, %" PRIu64 " failed", c.done,
		 failed);
	if (c.skipped)
		chat_put(&t->chat, &t->out, CHAT_DIM, ", %" PRIu64 " skipped", c.skipped);
	if (c.repeated)
		chat_put(&t->chat, &t->out, CHAT_DIM, ", %" PRIu64 " repeated", c.repeated);
	if (left)
		chat_put(&t->chat, &t->out, CHAT_DIM, ", %" PRIu64 " unfinished", left);
	if (c.later)
		chat_put(&t->chat, &t->out, CHAT_DIM, ", %" PRIu64 " still to come (:wait)",
			 c.later);
	buf_addc(&t->out, '\n');
	try_say(t);
	int differs = try_record_end(t, err);
	if (differs < 0)
		return -1;
	if (t->write_failed && !t->status)
		return ERR_IO;
	if (t->status)
		return t->status;
	if (t->mode == TRY_REPLAY)
		return differs;
	return t->mode == TRY_TERMINAL ? 0 : t->bad_lines ? ERR_USAGE : failed ? 1 : 0;
}

static void release(struct try *t)
{
	chat_prompt_close();
	chat_feed_free(t->feed);
	loop_timer_free(t->patience);
	loop_timer_free(t->pause);
	loop_timer_free(t->linger);
	try_watch_release(t);
	for (int i = 0; i < TRY_SIGNALS; i++)
		loop_signal_free(t->signals[i]);
	engine_free(t->engine, NULL);
	remove_place(t);
	slots_free(t->slots);
	sandbox_free(t->sandbox);
	loop_free(t->loop);
	log_free(t->log);
	if (t->updates_fd > STDERR_FILENO)
		close(t->updates_fd);
	chat_release(&t->chat);
	chat_input_release(&t->input);
	buf_release(&t->typed);
	buf_release(&t->typed_lines);
	chat_record_free(t->record);
	if (t->record_fd >= 0)
		close(t->record_fd);
	buf_release(&t->out);
}

int cmd_try(struct setup *s)
{
	struct err err = { 0 };
	struct config *c = &s->config;
	struct try t = { .setup = s, .record_fd = -1 };
	char *cwd = getcwd(NULL, 0);
	const char *plain = getenv("NO_COLOR"), *term = getenv("TERM");
	int rc = cwd ? 0 : err_sys(&err, ERR_CONFIG, errno, "cannot tell the working directory");
	chat_init(&t.chat,
		  isatty(STDOUT_FILENO) && !(plain && *plain) && term && strcmp(term, "dumb") != 0);
	buf_init(&t.out, 2 * CHAT_SHOW_MAX);
	buf_init(&t.typed, CHAT_INPUT_MAX);
	buf_init(&t.typed_lines, CHAT_RECORD_MAX);
	chat_input_init(&t.input);
	list_init(&t.flights);
	rc = rc || make_token(&t, &err) || setup_webhook(s, &err) || setup_handler(s, cwd, &err) ||
	     open_updates(&t, &err);
	if (rc == 0)
		setup_look_telegram(s, "does not come here, but goes to Telegram");
	if (t.mode == TRY_UPDATES)
		t.chat.chat_id = 0;
	if (rc == 0) {
		bool wanted = config_origin(c, &c->log_level) != ORIGIN_DEFAULT;
		t.log = log_new(wanted ? STDERR_FILENO : -1, (enum log_level)c->log_level,
				(enum log_format)c->log_format, &clock_system);
		rc = t.log ? 0 : err_set(&err, ERR_INTERNAL, "out of memory");
	}
	if (rc == 0) {
		log_set_secret(t.log, s->secret);
		rc = run(&t, &err);
	}
	int status = rc ? 0 : conclude(&t, &err);
	rc = rc || status < 0;
	release(&t);
	free(cwd);
	return rc ? cmd_fail(&err) : status;
}
