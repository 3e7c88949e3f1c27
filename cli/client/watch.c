/* cli/client/watch: a status each second in, one screen out. The head first: one word for what is
 * wrong, then the last minute as two pictures, the figures, what is wrong in words; then the keys
 * for which most waits and what runs, as far as there is room. Invariant: no line passes the edge,
 * and none but those of what comes and goes moves. */
#include "cli/client/watch.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/client/keyboard.h"
#include "cli/client/status.h"
#include "cli/client/watch_picture.h"
#include "cli/print.h"

enum {
	SECOND = 1000,
	PATIENCE = 2000,       /* milliseconds for an answer: `q` is heard after that */
	GIVE_UP_AFTER = 30000, /* without any */
	ROWS_USUAL = 24,
	ROWS_MAX = 500,
	KEYS_MAX = 10,
	KEYS_LEAST = 3,
	LABEL = 9,
	PICTURE_LEAST = 10,
	BESIDE_PICTURE = 24,
	CELL = 16,
};

struct watch {
	cJSON *status;
	bool silent;    /* it did not answer the last time */
	bool blocks;    /* the terminal shows UTF-8 */
	double handled; /* at the last answer */
	int64_t at;     /* when that was, monotonic milliseconds; 0: there was none */
	int64_t heard;  /* the same of the last answer that came */
	struct watch_picture rate, waiting;
	struct watch_lines keys, running;
	/* the screen that is being drawn */
	size_t columns, rows, count;
	struct row lines[ROWS_MAX];
};

static int64_t now(void)
{
	return clock_system.mono(&clock_system);
}

/* ---- the screen ---- */

/* The next line; NULL: there is no room. */
static struct row *line(struct watch *w)
{
	if (w->count == w->rows)
		return NULL;
	row_begin(&w->lines[w->count], w->columns);
	return &w->lines[w->count++];
}

/* A line of nothing but a text. */
static void text(struct watch *w, const char *label, const char *words)
{
	struct row *r = line(w);
	if (!r)
		return;
	row_add(r, LABEL, SIZE_MAX, label);
	row_add(r, 0, SIZE_MAX, words);
}

/* A name and a number, in a cell that keeps its place. */
static void number(struct row *r, const cJSON *s, const char *name, const char *member)
{
	row_addf(r, CELL, "%s %.0f", name, json_number(s, member));
}

/* How many things are wrong, and the word for the first. */
struct wrong {
	const char *first;
	int count;
};

static void note_word(void *arg, const char *word, const char *phrase)
{
	struct wrong *w = arg;
	(void)phrase;
	if (w->count++ == 0)
		w->first = word;
}

static void draw_head(struct watch *w)
{
	const cJSON *s = w->status;
	struct wrong wrong = { "well", 0 };
	char up[CLIENT_SECONDS_MAX], clock[16] = "", word[32];
	time_t t = time(NULL);
	struct tm tm;
	if (w->silent)
		note_word(&wrong, "silent", "");
	if (strcmp(json_text(s, "state"), "running") != 0)
		note_word(&wrong, json_text(s, "state"), "");
	status_troubles(s, note_word, &wrong);
	struct row *r = line(w);
	if (!r)
		return;
	if (localtime_r(&t, &tm))
		strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	snprintf(word, sizeof word, wrong.count > 1 ? "%s +%d" : "%s", wrong.first,
		 wrong.count - 1);
	row_add(r, LABEL, SIZE_MAX, word);
	row_add(r, LABEL + 1, SIZE_MAX, clock);
	if (*json_text(s, "bot_username"))
		row_addf(r, 0, "@%s", json_text(s, "bot_username"));
	row_addf(r, 0, "%.0f", json_number(s, "bot_id"));
	row_addf(r, 0, "process %.0f", json_number(s, "pid"));
	row_addf(r, 0, "up %s", client_seconds(json_number(s, "uptime"), up));
}

static void draw_picture(struct watch *w, const char *label, const struct watch_picture *p,
			 const char *unit)
{
	char picture[WATCH_PICTURE_MAX];
	size_t room = w->columns > LABEL + BESIDE_PICTURE + PICTURE_LEAST
			      ? w->columns - LABEL - BESIDE_PICTURE
			      : PICTURE_LEAST;
	struct row *r = line(w);
	if (!r)
		return;
	size_t columns = room < WATCH_SECONDS ? room : WATCH_SECONDS;
	row_add(r, LABEL, SIZE_MAX, label);
	row_add(r, columns + 2, SIZE_MAX, watch_picture_text(p, columns, w->blocks, picture));
	int digits = *unit ? 1 : 0;
	row_addf(r, 0, "%.*f%s, most %.*f", digits, p->value[WATCH_SECONDS - 1], unit, digits,
		 watch_picture_most(p));
}

static void draw_figures(struct watch *w)
{
	const cJSON *s = w->status, *source = json_member(s, "source");
	char age[CLIENT_SECONDS_MAX];
	struct row *r = line(w);
	if (r) {
		row_addf(r, CELL, "oldest %s",
			 json_number(s, "waiting") > 0
				 ? client_age(json_number(s, "oldest_waiting_seconds"), age)
				 : "none");
		number(r, s, "ready", "ready");
		row_addf(r, CELL, "running %.0f/%.0f", json_number(s, "running_count"),
			 json_number(s, "concurrency"));
		number(r, s, "later", "later");
	}
	if ((r = line(w))) {
		number(r, s, "received", "received");
		number(r, s, "done", "done");
		number(r, s, "failed", "failed");
		number(r, s, "retried", "retried");
		number(r, s, "dead", "dead_letters");
	}
	if ((r = line(w))) {
		row_addf(r, CELL, "fetched %s",
			 json_has_number(source, "last_answer_seconds")
				 ? client_age(json_number(source, "last_answer_seconds"), age)
				 : "never");
		number(r, s, "polls", "polls");
		number(r, s, "to send", "outbox");
		row_addf(r, CELL, "oldest %s",
			 json_number(s, "outbox") > 0
				 ? client_age(json_number(s, "outbox_oldest_seconds"), age)
				 : "none");
		number(r, s, "not sent", "failed_calls");
	}
}

static void draw_phrase(void *arg, const char *word, const char *phrase)
{
	text(arg, word, phrase);
}

static void draw_trouble(struct watch *w)
{
	const cJSON *s = w->status;
	char age[CLIENT_SECONDS_MAX], words[600];
	int64_t wall;
	struct err none;
	if (w->silent)
		text(w, "silent", "it does not answer: what stands here is old");
	if (strcmp(json_text(s, "state"), "paused") == 0)
		text(w, "paused", "no handler is started; 'tgrun resume' ends it");
	status_troubles(s, draw_phrase, w);
	if (!json_text(s, "last_error")[0])
		return;
	age[0] = '\0';
	if (clock_read(json_text(s, "last_error_at"), &wall, &none) == 0)
		client_age((double)(clock_system.wall(&clock_system) - wall) / SECOND, age);
	snprintf(words, sizeof words, "%s: %s", age, json_text(s, "last_error"));
	text(w, "error", words);
}

/* Which programs there are, where it is more than one for each update. */
static void draw_routes(struct watch *w)
{
	const cJSON *routes = json_member(w->status, "routes"), *one;
	cJSON_ArrayForEach(one, routes)
	{
		const char *match = json_text(one, "match"), *mode = json_text(one, "mode");
		bool stays = strcmp(mode, "worker") == 0;
		struct row *r = cJSON_GetArraySize(routes) > 1 || stays ? line(w) : NULL;
		if (!r)
			return;
		row_add(r, LABEL, SIZE_MAX, "route");
		row_add(r, CELL, SIZE_MAX, match[0] ? match : "(handler)");
		row_addf(r, 0, "%s, %.0f running", mode, json_number(one, "running"));
		if (stays)
			row_addf(r, 0, "%.0f processes (%.0f ready), %.0f died",
				 json_number(one, "processes"), json_number(one, "ready"),
				 json_number(one, "deaths"));
	}
}

static void draw_keys(struct watch *w)
{
	/* Half of what is left is for what runs. */
	size_t room = (w->rows - w->count) / 2, max = room > KEYS_LEAST + 2 ? room - 2 : KEYS_LEAST;
	watch_lines_take(&w->keys, json_member(w->status, "keys"), "key",
			 max < KEYS_MAX ? max : KEYS_MAX);
	if (!w->keys.count)
		return;
	line(w);
	text(w, "WAITING", "KEY");
	for (size_t i = 0; i < w->keys.count; i++) {
		struct row *r = line(w);
		if (!r || !w->keys.line[i].item)
			continue;
		row_addf(r, LABEL, "%.0f", json_number(w->keys.line[i].item, "waiting"));
		row_add(r, 0, SIZE_MAX, json_text(w->keys.line[i].item, "key"));
	}
}

static void draw_running(struct watch *w)
{
	const cJSON *all = json_member(w->status, "running");
	char took[CLIENT_SECONDS_MAX];
	size_t room = w->rows - w->count, max = room > 3 ? room - 3 : 0;
	watch_lines_take(&w->running, all, "number", max);
	struct row *r = w->running.count && max ? (line(w), line(w)) : NULL;
	if (!r)
		return;
	row_add(r, LABEL, SIZE_MAX, "RUNNING");
	row_add(r, 10, SIZE_MAX, "NUMBER");
	row_add(r, 9, SIZE_MAX, "ATTEMPT");
	row_add(r, 0, SIZE_MAX, "KEY");
	for (size_t i = 0; i < w->running.count && i < max; i++) {
		const cJSON *one = w->running.line[i].item;
		r = line(w);
		if (!r || !one)
			continue;
		row_add(r, LABEL, SIZE_MAX, client_seconds(json_number(one, "seconds"), took));
		row_addf(r, 10, "%.0f", json_number(one, "number"));
		row_addf(r, 9, "%.0f", json_number(one, "attempt"));
		row_add(r, 0, SIZE_MAX, json_text(one, "key"));
	}
	if (json_number(w->status, "running_count") > (double)max && (r = line(w)))
		row_addf(r, 0, "and %.0f more",
			 json_number(w->status, "running_count") - (double)max);
}

static void draw(struct watch *w)
{
	struct winsize size;
	bool told = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row;
	w->columns = row_terminal();
	w->rows = told ? size.ws_row : ROWS_USUAL;
	w->rows = w->rows < ROWS_MAX ? w->rows : ROWS_MAX;
	w->count = 0;
	draw_head(w);
	draw_picture(w, "handled", &w->rate, "/s");
	draw_picture(w, "waiting", &w->waiting, "");
	draw_figures(w);
	draw_trouble(w);
	draw_routes(w);
	draw_keys(w);
	draw_running(w);
	print_screen(w->lines, w->count);
}

/* ---- what is drawn ---- */

static int on_status(void *arg, const char *answer, size_t n)
{
	cJSON **status = arg;
	cJSON_Delete(*status);
	*status = cJSON_ParseWithLength(answer, n);
	return *status ? 0 : -1;
}

static void sample(struct watch *w)
{
	int64_t t = now();
	double handled = json_number(w->status, "done");
	double seconds = w->at ? (double)(t - w->at) / SECOND : 0;
	if (seconds > 0)
		watch_picture_add(&w->rate, (handled - w->handled) / seconds);
	else
		watch_picture_add(&w->rate, json_number(w->status, "rate"));
	watch_picture_add(&w->waiting, json_number(w->status, "waiting"));
	w->handled = handled;
	w->at = w->heard = t;
}

/* One answer. What did not come is waited for by and by. 0, or -1 with `err`. */
static int look(struct watch *w, struct statedir *dir, struct err *err)
{
	cJSON *fresh = NULL;
	int rc = client_ask_within(dir, "{\"verb\":\"status\"}", PATIENCE, on_status, &fresh, err);
	w->silent = rc && err->status == ERR_TEMPFAIL && w->status &&
		    now() - w->heard < GIVE_UP_AFTER;
	if (rc && w->status && err->status == ERR_UNAVAILABLE)
		err_set(err, ERR_UNAVAILABLE, "the tgrun that was watched has ended");
	if (rc) {
		cJSON_Delete(fresh);
		return w->silent ? 0 : -1;
	}
	cJSON_Delete(w->status);
	w->status = fresh;
	sample(w);
	return 0;
}

/* Until the next second has come. True: enough was seen. */
static bool wait_for_key(struct watch *w, int64_t until)
{
	for (int64_t left; (left = until - now()) > 0;) {
		int key = keyboard_wait((long)left);
		if (key == 'q' || key == 'Q' || key == KEYBOARD_GONE)
			return true;
		if (key == KEYBOARD_REDRAW)
			draw(w);
	}
	return false;
}

int watch_run(struct statedir *dir, struct err *err)
{
	static struct watch w;
	static char frame[1 << 16];
	setvbuf(stdout, frame, _IOFBF, sizeof frame);
	w.blocks = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	int rc = look(&w, dir, err);
	if (rc == 0)
		keyboard_begin();
	bool begun = rc == 0, over = false;
	while (rc == 0 && !over) {
		int64_t next = now() + SECOND;
		draw(&w);
		over = wait_for_key(&w, next);
		rc = over ? 0 : look(&w, dir, err);
	}
	if (begun)
		keyboard_end();
	cJSON_Delete(w.status);
	return rc;
}
