/* cli/try/chat: a typed line in, an action out; an action in, the update's JSON out. Bot commands
 * begin with a slash too, so only five words are taken from the bot, and each can be sent by a
 * second slash. */
#include "cli/try/chat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_NAME "You"

const char chat_help[] =
	"What you type is a message to the bot, commands such as /start too. But:\n"
	"  /as ID [NAME]            be another user; /as: be yourself again\n"
	"  /in -ID[:TOPIC] [TITLE]  write in a group or its topic; /in: in private\n"
	"  /press N                 press button N of the keyboard shown last\n"
	"  /help, /quit             (or Ctrl-D); //help sends /help to the bot\n";

static const struct {
	const char *word;
	enum chat_verb verb;
	bool takes; /* what follows the word */
} words[] = {
	{ "/as", CHAT_AS, true },       { "/in", CHAT_IN, true },
	{ "/press", CHAT_PRESS, true }, { "/quit", CHAT_QUIT, false },
	{ "/help", CHAT_HELP, false },
};

/* The row of the word that `s` begins with, -1 if it is none of ours. */
static int find_word(const char *s)
{
	size_t n = strcspn(s, " \t");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == n && strncmp(s, words[i].word, n) == 0)
			return (int)i;
	return -1;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* Reads a whole number other than 0 that ends at a blank, a colon or the end; moves *s behind it.
 */
static bool read_id(const char **s, int64_t *id)
{
	char *end;
	if (!(**s >= '0' && **s <= '9') && !(**s == '-' && (*s)[1] >= '0' && (*s)[1] <= '9'))
		return false;
	errno = 0;
	*id = strtoll(*s, &end, 10);
	*s = end;
	return errno == 0 && *id != 0 && strchr(" \t:", *end) != NULL;
}

static struct chat_line wrong(const char *why)
{
	return (struct chat_line){ .verb = CHAT_WRONG, .text = why };
}

static struct chat_line parse_as(const char *rest)
{
	struct chat_line l = { .verb = CHAT_AS, .text = "" };
	if (*rest && (!read_id(&rest, &l.id) || *rest == ':' || l.id < 0))
		return wrong("/as wants the id of a user, and perhaps a name: /as 42 Ann");
	l.text = skip_blanks(rest);
	return l;
}

static struct chat_line parse_in(const char *rest)
{
	struct chat_line l = { .verb = CHAT_IN, .text = "" };
	if (*rest && (!read_id(&rest, &l.id) || l.id > 0))
		return wrong(
			"/in wants the id of a group, which is below zero, and perhaps a title: /in -100123 Friends (a person: /as)");
	if (*rest == ':') {
		rest++;
		if (!read_id(&rest, &l.thread) || *rest == ':' || l.thread < 0)
			return wrong("a topic has a number: /in -100123:7");
	}
	l.text = skip_blanks(rest);
	return l;
}

static struct chat_line parse_press(const char *rest)
{
	struct chat_line l = { .verb = CHAT_PRESS, .text = "" };
	if (!read_id(&rest, &l.id) || l.id < 0 || *skip_blanks(rest))
		return wrong("/press wants the number of a button: /press 1");
	return l;
}

struct chat_line chat_parse(const char *line)
{
	if (!line[strspn(line, " \t\r\n")])
		return (struct chat_line){ .verb = CHAT_NOTHING, .text = "" };
	if (line[0] == '/' && line[1] == '/' && find_word(line + 1) >= 0)
		return (struct chat_line){ .verb = CHAT_SAY, .text = line + 1 };
	int i = find_word(line);
	if (i < 0)
		return (struct chat_line){ .verb = CHAT_SAY, .text = line };
	const char *rest = skip_blanks(line + strlen(words[i].word));
	if (*rest && !words[i].takes)
		return wrong(
			"/help and /quit stand alone; a second slash in front sends the line to the bot");
	if (words[i].verb == CHAT_AS)
		return parse_as(rest);
	if (words[i].verb == CHAT_IN)
		return parse_in(rest);
	if (words[i].verb == CHAT_PRESS)
		return parse_press(rest);
	return (struct chat_line){ .verb = words[i].verb, .text = "" };
}

void chat_init(struct chat *c, bool colour)
{
	*c = (struct chat){ .colour = colour };
	chat_as(c, 0, "");
	chat_in(c, 0, 0, "");
}

void chat_as(struct chat *c, int64_t user_id, const char *name)
{
	bool private = c->chat_id > 0;
	c->user_id = user_id ? user_id : CHAT_FIRST_USER;
	if (*name)
		snprintf(c->name, sizeof c->name, "%s", name);
	else if (c->user_id == CHAT_FIRST_USER)
		snprintf(c->name, sizeof c->name, FIRST_NAME);
	else
		snprintf(c->name, sizeof c->name, "User %" PRId64, user_id);
	if (private)
		c->chat_id = c->user_id;
}

void chat_in(struct chat *c, int64_t chat_id, int64_t thread, const char *title)
{
	/* A topic of the group that one is in keeps the group's title. */
	if (*title || chat_id != c->chat_id)
		snprintf(c->title, sizeof c->title, "%s", *title ? title : chat_id ? "Group" : "");
	c->chat_id = chat_id ? chat_id : c->user_id;
	c->thread = chat_id ? thread : 0;
}

void chat_prompt(const struct chat *c, struct buf *out)
{
	struct chat plain = { 0 };
	chat_put(&plain, out, CHAT_PLAIN, "%s", c->name);
	if (c->chat_id < 0)
		chat_put(&plain, out, CHAT_PLAIN, " in %s", c->title);
	if (c->thread)
		chat_put(&plain, out, CHAT_PLAIN, " #%" PRId64, c->thread);
	buf_adds(out, ": ");
}

static int add_user(const struct chat *c, struct buf *out)
{
	return buf_addf(out, "\"from\":{\"id\":%" PRId64 ",\"is_bot\":false,\"first_name\":",
			c->user_id) ||
	       buf_add_json(out, c->name, strlen(c->name)) ||
	       buf_adds(out, ",\"language_code\":\"en\"}");
}

static int add_chat(const struct chat *c, struct buf *out)
{
	bool group = c->chat_id < 0;
	const char *name = group ? c->title : c->name;
	return buf_addf(out, "\"chat\":{\"id\":%" PRId64 ",\"%s\":", c->chat_id,
			group ? "title" : "first_name") ||
	       buf_add_json(out, name, strlen(name)) ||
	       buf_addf(out, "%s,\"type\":\"%s\"}", c->thread ? ",\"is_forum\":true" : "",
			group ? "supergroup" : "private");
}

/* The length of the command that the text begins with, 0 if it is none: a slash, a name, perhaps @
 * and a bot's name. */
static size_t command_length(const char *text)
{
	static const char name[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t n = text[0] == '/' ? strspn(text + 1, name) : 0;
	if (n == 0 || n > 64)
		return 0;
	size_t bot = text[1 + n] == '@' ? strspn(text + 2 + n, name) : 0;
	return 1 + n + (bot ? 1 + bot : 0);
}

int chat_message(const struct chat *c, int64_t message_id, int64_t date, const char *text,
		 struct buf *out)
{
	size_t command = command_length(text);
	if (buf_addf(out, "{\"message_id\":%" PRId64 ",", message_id) || add_user(c, out) ||
	    buf_addc(out, ',') || add_chat(c, out) || buf_addf(out, ",\"date\":%" PRId64, date))
		return -1;
	if (c->thread &&
	    buf_addf(out, ",\"message_thread_id\":%" PRId64 ",\"is_topic_message\":true",
		     c->thread))
		return -1;
	if (buf_adds(out, ",\"text\":") || buf_add_json(out, text, strlen(text)))
		return -1;
	if (command &&
	    buf_addf(out, ",\"entities\":[{\"offset\":0,\"length\":%zu,\"type\":\"bot_command\"}]",
		     command))
		return -1;
	return buf_addc(out, '}');
}

int chat_callback(const struct chat *c, const struct chat_button *b, int64_t query_id,
		  const char *message, struct buf *out)
{
	return buf_addf(out, "{\"id\":\"%" PRId64 "\",", query_id) || add_user(c, out) ||
			       buf_addf(out, ",\"message\":%s", message) ||
			       buf_addf(out, ",\"chat_instance\":\"%" PRId64 "\",\"data\":",
					-query_id) ||
			       buf_add_json(out, b->value, strlen(b->value)) || buf_addc(out, '}')
		       ? -1
		       : 0;
}
