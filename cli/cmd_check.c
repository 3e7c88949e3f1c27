/* cli/cmd_check: says what would go wrong before it does. It looks at everything that a run would
 * stumble over, in the order of a run, prints a line for each thing, and exits as the run would. It
 * changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/json.h"
#include "cli/check.h"
#include "cli/check_answers.h"
#include "cli/check_machine.h"
#include "cli/check_webhook.h"
#include "cli/cmd.h"
#include "cli/print.h"
#include "cli/setup/setup_store.h"
#include "handler/webhook_url.h"
#include "io/http.h"
#include "update/kinds.h"
#include "update/match.h"
#include "update/update.h"

enum { CALL_TIME = 15000 };

static void found(const struct words *w, const char *what, const char *which)
{
	for (size_t i = 0; i < w->count; i++)
		check_say("ok", "%s%s%s: '%s'", what, *which ? " " : "", which, w->paths[i]);
}

/* The handler of a route, or with NULL that of all others: a program that was found, or a server.
 */
static void check_one(struct check *c, const struct words *w, const struct route_config *route)
{
	struct err err = { 0 };
	char shown[WEBHOOK_SHOWN_MAX];
	const char *url = config_url(&c->setup->config, route);
	const char *what = route ? "route" : "handler", *which = route ? route->match : "";
	found(w, what, which);
	if (!url)
		return;
	webhook_url_show(url, shown);
	if (check_webhook_reach(c->setup, url, &err))
		options_warn(&c->setup->config, "%s%s%s: %s", what, route ? " " : "", which,
			     err.text);
	else
		check_say("ok", "%s%s%s: '%s' takes connections", what, route ? " " : "", which,
			  shown);
}

/* What the handlers and their slots need of the machine. */
static void check_machine(struct check *c)
{
	struct err err = { 0 };
	struct engine_options options = setup_engine_options(c->setup);
	int slots = engine_slots(&options);
	if (check_machine_stops(slots, &err))
		check_bad(c, &err);
	else if (check_machine_hampers(slots, &err))
		options_warn(&c->setup->config, "%s", err.text);
}

/* The way that answers take, and who leaves it. */
static void check_answers(struct check *c)
{
	struct setup *s = c->setup;
	char way[512];
	if (!s->secret)
		return;
	check_answers_way(s, way, sizeof way);
	check_say("ok", "answers: %s", way);
	if (s->config.engine.serve_api)
		setup_look_telegram(s, "is not sent by tgrun, and with --serve-api the token that "
				       "it has is worth nothing there");
}

static void check_handler(struct check *c)
{
	struct err err = { 0 };
	char *cwd = getcwd(NULL, 0);
	if (!cwd)
		err_sys(&err, ERR_CONFIG, errno, "cannot tell the working directory");
	if (!cwd || setup_handler(c->setup, cwd, &err)) {
		check_bad(c, &err);
	} else {
		check_machine(c);
		const struct routes *routes = &c->setup->config.route;
		for (size_t i = 0; i < routes->count; i++)
			check_one(c, &c->setup->route_words[i], &routes->items[i]);
		check_one(c, &c->setup->words, NULL);
		found(&c->setup->on_error, "on-error", "");
		found(&c->setup->on_timeout, "on-timeout", "");
		found(&c->setup->on_undelivered, "on-undelivered", "");
		found(&c->setup->source, "source", "");
		check_answers(c);
	}
	free(cwd);
}

/* Directories above a program that anyone may change are as bad as a program that anyone may
 * change. */
static void check_parents(struct check *c, const struct words *w)
{
	for (size_t i = 0; i < w->count && w->paths; i++) {
		char *path = strdup(w->paths[i]);
		struct stat st;
		while (path && strcmp(path, "/") != 0) {
			check_go_up(path);
			if (stat(path, &st) == 0 && st.st_mode & S_IWOTH && !(st.st_mode & S_ISVTX))
				options_warn(
					&c->setup->config,
					"anyone may replace the %s '%s', since anyone may write in '%s'",
					w->what, w->paths[i], path);
		}
		free(path);
	}
}

static void check_source(struct check *c)
{
	struct err err;
	const struct config *o = &c->setup->config;
	if (setup_source_check(o, &err))
		check_bad(c, &err);
	else if (!setup_source_program(o)) /* a command was looked at with the others */
		check_say("ok", "source: '%s'", o->source);
}

static void check_words(struct check *c)
{
	struct err err = { 0 };
	const struct config *o = &c->setup->config;
	struct key_spec *keys = key_spec_new((const char *const *)o->lists.key.items,
					     o->lists.key.count, &err);
	struct max_age *age = max_age_new();
	if (!keys)
		check_bad(c, &err);
	for (size_t i = 0; age && i < o->lists.max_age.count; i++)
		if (max_age_set(age, o->lists.max_age.items[i], &err)) {
			check_bad(c, &err);
			break;
		}
	key_spec_free(keys);
	max_age_free(age);
}

static void on_answer(void *arg, struct api_answer *answer)
{
	struct check *c = arg;
	c->class = answer->class;
	snprintf(c->text, sizeof c->text, "%s", answer->text);
	c->answer = answer->class == API_OK ? cJSON_ParseWithLength(answer->body, answer->length)
					    : NULL;
	loop_stop(c->loop);
}

/* Calls a method and waits. Returns its result, NULL when it failed (and said so). A run would go
 * on trying, so what is no word on the token is a warning: a unit that begins with a check must
 * start before the network is there. */
static const cJSON *call(struct check *c, const char *method)
{
	struct err err;
	cJSON_Delete(c->answer);
	c->answer = NULL;
	c->class = API_NETWORK;
	snprintf(c->text, sizeof c->text, "out of memory");
	if (api_call(c->api, method, "", CALL_TIME, CALL_TIME, on_answer, c))
		loop_run(c->loop);
	if (c->class == API_OK)
		return json_member(c->answer, "result");
	if (c->class == API_TOKEN && strcmp(method, "getMe") == 0) {
		err_set(&err, ERR_NOPERM,
			"Telegram refuses the token %s (%s); it is wrong or was revoked",
			secret_shown(c->setup->secret), c->text);
		check_bad(c, &err);
	} else {
		options_warn(&c->setup->config,
			     "Telegram could not be asked (%s: %s); a run would go on trying",
			     method, c->text);
	}
	return NULL;
}

static void check_webhook(struct check *c, const cJSON *info)
{
	const char *url = json_text(info, "url");
	double pending = json_number(info, "pending_update_count");
	struct err err;
	if (url[0]) {
		const char *host = strstr(url, "://");
		host = host ? host + 3 : url;
		int n = (int)strcspn(host, "/?#");
		if (c->setup->config.poll.delete_webhook) {
			check_say("note", "a webhook is set (at %.*s); --delete-webhook removes it",
				  n, host);
		} else {
			err_set(&err, ERR_CONFIG,
				"a webhook is set (at %.*s), so Telegram refuses long polling; remove it with --delete-webhook",
				n, host);
			check_bad(c, &err);
		}
	}
	if (pending > 0)
		check_say("note", "%.0f updates wait at Telegram", pending);
}

static void check_api(struct check *c)
{
	struct err err = { 0 };
	struct http *http = NULL;
	const struct setup *s = c->setup;
	c->loop = loop_new(&err);
	http = c->loop ? http_new(c->loop, &err) : NULL;
	if (http && http_trust(http, s->ca_file, s->ca_dirs) == 0)
		c->api = api_new(http, s->api.url, s->api.login, s->secret);
	if (!c->api) {
		check_bad(c, &err);
	} else {
		const cJSON *me = call(c, "getMe");
		const char *name = cJSON_GetStringValue(json_member(me, "username"));
		const char *first = cJSON_GetStringValue(json_member(me, "first_name"));
		if (me)
			check_say("ok", "bot: %lld, @%s (%s)", (long long)secret_bot_id(s->secret),
				  name ? name : "?", first ? first : "?");
		if (cJSON_IsFalse(json_member(me, "can_read_all_group_messages")))
			check_say(
				"note",
				"privacy mode: in groups the bot gets commands, replies to it and mentions of it, no other messages; "
				"@BotFather changes that (/setprivacy)");
		const cJSON *info = me ? call(c, "getWebhookInfo") : NULL;
		if (info)
			check_webhook(c, info);
	}
	cJSON_Delete(c->answer);
	api_free(c->api);
	http_free(http);
	loop_free(c->loop);
}

/* A kind that the server does not send may be a command whose slash was forgotten. */
static void note_kind(const char *what, const char *match)
{
	if (match_is_pushed(match))
		check_say("note",
			  "%s: '%s' means what 'tgrun push' brings; the command would be '/%s'",
			  what, match, match);
}

static void check_kinds(const struct config *c)
{
	const struct {
		const char *what;
		const struct texts *matches;
	} lists[] = { { "only", &c->lists.only },
		      { "ignore", &c->lists.ignore },
		      { "bypass", &c->lists.bypass } };
	for (size_t i = 0; i < c->route.count; i++)
		note_kind("route", c->route.items[i].match);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (size_t j = 0; j < lists[i].matches->count; j++)
			note_kind(lists[i].what, lists[i].matches->items[j]);
}

int cmd_check(struct setup *s)
{
	struct err err = { 0 };
	struct check c = { .setup = s };
	print_with_reader();
	bool token = setup_token(s, &err) == 0;
	if (!token)
		check_bad(&c, &err);
	else if (s->secret)
		check_say("ok", "token: %s", secret_shown(s->secret));
	else
		check_say("note",
			  "no token, so no bot: handlers get neither TG_TOKEN nor TG_API_URL");
	if (setup_webhook(s, &err))
		check_bad(&c, &err);
	if (s->config.engine.serve_api && engine_door_built(&err))
		check_bad(&c, &err);
	bool api = setup_api(s, &err) == 0;
	if (!api)
		check_bad(&c, &err);
	check_handler(&c);
	check_parents(&c, &s->words);
	for (size_t i = 0; s->route_words && i < s->config.route.count; i++)
		check_parents(&c, &s->route_words[i]);
	check_words(&c);
	check_kinds(&s->config);
	if (!s->config.allow_user.count && !s->config.allow_chat.count)
		check_say("note", "whoever finds the bot may use it: neither --allow-user nor "
				  "--allow-chat says who");
	if (token && setup_store(&s->config)->lasts)
		check_state(&c);
	if (s->config.source)
		check_source(&c);
	else if (token && api)
		check_api(&c);
	for (size_t i = 0; i < s->config.warning_count; i++)
		check_say("warning", "%s", s->config.warnings[i]);
	return print_end(&err) ? cmd_fail(&err) : c.status;
}
