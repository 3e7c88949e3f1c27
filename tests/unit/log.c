/* tests/unit/log: an event is one line, shows no token and no control character, and never waits
 * for a reader. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/log.h"
#include "tests/tap.h"

#define X60   "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz_-012345"
#define TOKEN "123456:AAHsecret_part-" X60 X60 "0123456789abcdefgh" /* a long one */

static int64_t wall(const struct clock *c)
{
	(void)c;
	return 1795467845123; /* 2026-11-23T21:04:05.123Z */
}

static const struct clock fixed = { wall, wall };

/* What one event looks like in a file. */
static char line[64 * 1024];

static struct log *open_file(FILE **file, enum log_format format)
{
	*file = tmpfile();
	return log_new(fileno(*file), LOG_INFO, format, &fixed);
}

static const char *read_file(FILE *file)
{
	ssize_t n = pread(fileno(file), line, sizeof line - 1, 0);
	line[n < 0 ? 0 : n] = '\0';
	return line;
}

static const char *event(enum log_format format, const struct log_field *fields, size_t count,
			 const char *sentence)
{
	FILE *file;
	struct log *l = open_file(&file, format);
	struct err err;
	struct secret *secret = secret_new(TOKEN, &err);
	log_set_secret(l, secret);
	log_event(l, LOG_INFO, fields, count, "%s", sentence);
	log_free(l);
	secret_free(secret);
	read_file(file);
	fclose(file);
	return line;
}

/* For the journal: a priority, and as a text neither time nor level. */
static void test_journal(void)
{
	static const struct {
		enum log_level level;
		const char *text, *json;
	} rows[] = {
		{ LOG_ERROR, "<3>it happened  n=1\n", "<3>{" },
		{ LOG_WARN, "<4>it happened  n=1\n", "<4>{" },
		{ LOG_INFO, "<6>it happened  n=1\n", "<6>{" },
		{ LOG_DEBUG, "<7>it happened  n=1\n", "<7>{" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
			FILE *file;
			struct log *l = open_file(&file, (enum log_format)format);
			log_set(l, LOG_DEBUG, (enum log_format)format);
			log_set_journal(l, true);
			log_event(l, rows[i].level, LOG_FIELDS(LOG_NUM("n", 1)), "it happened");
			log_free(l);
			read_file(file);
			fclose(file);
			if (format == LOG_TEXT)
				is_str(line, rows[i].text, "a text of the journal");
			else
				is_str((line[4] = '\0', line), rows[i].json, "an object of it");
		}
}

static void test_forms(void)
{
	is_str(event(LOG_TEXT,
		     LOG_FIELDS(LOG_NUM("update", 123), LOG_STR("key", "chat:5"),
				LOG_NUM("ms", -12)),
		     "handled"),
	       "2026-11-23T21:04:05.123Z info  handled  update=123 key=chat:5 ms=-12\n",
	       "a text line: time, level, sentence, fields");
	is_str(event(LOG_TEXT, LOG_NONE, "handled"), "2026-11-23T21:04:05.123Z info  handled\n",
	       "a text line without fields");
	is_str(event(LOG_TEXT,
		     LOG_FIELDS(LOG_STR("a", "x y"), LOG_STR("b", "q\"q"), LOG_STR("c", ""),
				LOG_STR("d", "k=v")),
		     "s"),
	       "2026-11-23T21:04:05.123Z info  s  a=\"x y\" b=\"q\\\"q\" c=\"\" d=\"k=v\"\n",
	       "values that could be misread are quoted");
	is_str(event(LOG_JSON,
		     LOG_FIELDS(LOG_NUM("update", 9007199254740993), LOG_STR("key", "chat:5")),
		     "a \"b\"\n"),
	       "{\"time\":\"2026-11-23T21:04:05.123Z\",\"level\":\"info\",\"message\":\"a \\\"b\\\"\\n\",\"update\":9007199254740993,"
	       "\"key\":\"chat:5\"}\n",
	       "a JSON line; numbers are exact");
}

static void test_escapes(void)
{
	static const char nasty[] = "\x1b[31m\r\n\t\x7f"
				    "\0"
				    "\xc2\x9b"
				    "\xe2\x80\xa8"
				    "\xe2\x80\xae"
				    "\xe2\x81\xa6"
				    "\xe2\x80\x8f"
				    "\xd8\x9c"
				    "\xff\xc3("
				    "\xc3\xa9\xf0\x9f\x98\x80";
	event(LOG_TEXT, LOG_FIELDS(LOG_BYTES("t", nasty, sizeof nasty - 1)), "s");
	is_str(line + 34,
	       "t=\"\\x1b[31m\\r\\n\\t\\x7f\\x00\\u009b\\u2028\\u202e\\u2066\\u200f\\u061c\\xff\\xc3(\xc3\xa9\xf0\x9f\x98\x80\"\n",
	       "in text, whatever a terminal would obey is shown escaped, letters and faces are left");
	event(LOG_TEXT, LOG_NONE, "broken \x1b]0;x\x07\xc2\x85 sentence\nupdate=5");
	is_str(line + 31, "broken \\x1b]0;x\\x07\\u0085 sentence\\nupdate=5\n",
	       "in the sentence too");
	event(LOG_JSON, LOG_FIELDS(LOG_BYTES("t", nasty, sizeof nasty - 1)), "s");
	bool clean = true;
	for (const char *p = line; *p && *p != '\n'; p++)
		clean = clean && (unsigned char)*p >= 0x20 && *p != 0x7f;
	ok(clean && !strstr(line, "\xc2\x9b") && !strstr(line, "\xe2\x80\xae"),
	   "JSON holds no such character either");
	cJSON *json = cJSON_Parse(line);
	const char *t = cJSON_GetStringValue(cJSON_GetObjectItem(json, "t"));
	ok(t && !strncmp(t, "\x1b[31m\r\n\t\x7f", 9) && strstr(line, "\xef\xbf\xbd"),
	   "it is valid, reads back, and bad bytes are U+FFFD");
	cJSON_Delete(json);
}

static bool shows_secret(void)
{
	return strstr(line, "AAHsecr") || strstr(line, "0123456789abc");
}

static void test_secrets(void)
{
	event(LOG_TEXT, LOG_FIELDS(LOG_STR("e", "got " TOKEN)),
	      "cannot reach https://host/bot" TOKEN "/getMe");
	ok(!shows_secret() && strstr(line, "/bot123456:***"),
	   "the token is redacted in sentence and fields, the id stays");
	event(LOG_JSON,
	      LOG_FIELDS(LOG_STR("e", "/bot42:Other_Bots-Token/x /bot42%3aOther_Bots-Token")), "s");
	ok(!strstr(line, "Other") && strstr(line, "/bot42:****") && strstr(line, "/bot42%3a****"),
	   "so is that of any other bot in a path");
	event(LOG_TEXT, LOG_NONE, "a /bot, a /bot7 and /bot7: and /bots:x stay");
	is_str(line + 31, "a /bot, a /bot7 and /bot7: and /bots:x stay\n",
	       "what is no token stays");
	/* The token at every place near where a text is cut. */
	bool leaked = false, complete = true;
	static char big[40000];
	for (size_t at = 16384 - 300; at < 16384 + 10 && !leaked; at++) {
		memset(big, 'x', sizeof big);
		memcpy(big + at, TOKEN, strlen(TOKEN));
		for (int json = 0; json < 2; json++) {
			event(json ? LOG_JSON : LOG_TEXT,
			      LOG_FIELDS(LOG_BYTES("t", big, sizeof big)), "s");
			leaked = leaked || shows_secret() || strstr(line, ":AAH");
			complete = complete && strlen(line) <= 16384 &&
				   line[strlen(line) - 1] == '\n' && strstr(line, "\xe2\x80\xa6");
			cJSON *parsed = json ? cJSON_Parse(line) : NULL;
			complete = complete &&
				   (!json || cJSON_IsTrue(cJSON_GetObjectItem(parsed, "cut")));
			cJSON_Delete(parsed);
		}
	}
	ok(!leaked, "a cut never leaves a part of the token");
	ok(complete,
	   "a line is at most 16 KiB, ends in a line feed, says that it was cut, and stays valid JSON");
	struct log_field many[3000];
	for (int i = 0; i < 3000; i++)
		many[i] = i % 2 ? LOG_NUM("number", i) : LOG_STR("text", "\x01 \x02");
	event(LOG_JSON, many, 3000, "s");
	cJSON *parsed = cJSON_Parse(line);
	ok(parsed && strlen(line) <= 16384,
	   "too many fields are left out, the line stays valid (%zu bytes)", strlen(line));
	cJSON_Delete(parsed);
	event(LOG_TEXT, many, 3000, "s");
	ok(strlen(line) <= 16384 && strstr(line, "\xe2\x80\xa6\n"),
	   "in text too, with an ellipsis");
}

static void test_levels(void)
{
	FILE *file;
	struct log *l = open_file(&file, LOG_TEXT);
	errno = EXDEV;
	log_event(l, LOG_DEBUG, LOG_NONE, "unwanted");
	log_event(l, LOG_WARN, LOG_NONE, "wanted");
	is_num(errno, EXDEV, "errno is kept");
	ok(!strstr(read_file(file), "unwanted") && strstr(line, "Z warn  wanted\n"),
	   "only what the level wants is written");
	log_set(l, LOG_DEBUG, LOG_JSON);
	log_event(l, LOG_DEBUG, LOG_NONE, "more");
	ok(strstr(read_file(file), "\"level\":\"debug\",\"message\":\"more\"}\n") &&
		   log_wants(l, LOG_DEBUG),
	   "level and format can change");
	log_free(l);
	fclose(file);
	log_event(NULL, LOG_ERROR, LOG_NONE, "x");
	l = log_new(-1, LOG_DEBUG, LOG_TEXT, &fixed);
	log_event(l, LOG_ERROR, LOG_NONE, "x");
	ok(log_flush(l) == -1 && log_dropped(l) == 0, "a log to nowhere takes everything");
	log_free(l);
}

/* Writes until lines are dropped, then reads all, and looks whether each line is there or counted.
 */
static void test_full(int fds[2], const char *what)
{
	struct log *l = log_new(fds[1], LOG_INFO, LOG_TEXT, &fixed);
	int wrote = 0;
	while (log_dropped(l) < 1000 && wrote < 100000)
		log_event(l, LOG_INFO, LOG_FIELDS(LOG_NUM("number", wrote++)), "%0300d", 7);
	is_num((int64_t)log_dropped(l), 1000, what);
	int waits = log_flush(l);
	ok(waits >= 0, "a descriptor is given to wait for");
	ok(!(fcntl(fds[1], F_GETFL) & O_NONBLOCK), "and O_NONBLOCK was not forced on others");
	/* Read to the end, letting the log write in between. */
	size_t n = 0, cap = 8 << 20;
	char *all = calloc(1, cap);
	for (;;) {
		struct pollfd p = { .fd = fds[0], .events = POLLIN };
		int ready = poll(&p, 1, 0);
		ssize_t got = ready > 0 ? read(fds[0], all + n, cap - n - 1) : 0;
		n += got > 0 ? (size_t)got : 0;
		if (got <= 0 && log_flush(l) < 0 && poll(&p, 1, 0) == 0)
			break;
	}
	int next = 0, whole = 0, odd = 0;
	int64_t told = 0;
	for (char *p = strtok(all, "\n"); p; p = strtok(NULL, "\n")) {
		char *number = strstr(p, "number=");
		long dropped;
		if (number && atoi(number + 7) == next && strlen(p) > 330)
			next++, whole++;
		else if (sscanf(p, "%*s warn %ld log lines were dropped because nobody read them",
				&dropped) == 1)
			told += dropped, next += (int)dropped;
		else
			odd++;
	}
	is_num(told, 1000, "when it flows again a line says how many were dropped");
	ok(whole == wrote - 1000 && odd == 0,
	   "all other lines came whole and in order (%d of %d, %d odd)", whole, wrote, odd);
	free(all);
	log_free(l);
	close(fds[0]);
	close(fds[1]);
}

static void test_gone(void)
{
	int fds[2];
	if (pipe(fds))
		exit(1);
	struct log *l = log_new(fds[1], LOG_INFO, LOG_TEXT, &fixed);
	close(fds[0]);
	log_event(l, LOG_INFO, LOG_NONE, "into nothing");
	log_event(l, LOG_INFO, LOG_NONE, "into nothing");
	ok(log_flush(l) == -1 && log_dropped(l) == 2,
	   "a closed pipe drops lines, and there is nothing to wait for");
	log_free(l);
	close(fds[1]);

	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	l = log_new(full, LOG_INFO, LOG_TEXT, &fixed);
	log_event(l, LOG_INFO, LOG_NONE, "no space");
	ok(log_flush(l) == -1 && log_dropped(l) == 1, "a full device too");
	log_free(l);
	close(full);
}

/* A fifo loses its reader and gets another. */
static void test_comes_back(void)
{
	char dir[] = "/tmp/log-test-XXXXXX", path[64];
	if (!mkdtemp(dir))
		exit(1);
	snprintf(path, sizeof path, "%s/fifo", dir);
	if (mkfifo(path, 0600))
		exit(1);
	int reader = open(path, O_RDONLY | O_NONBLOCK), writer = open(path, O_WRONLY);
	struct log *l = log_new(writer, LOG_INFO, LOG_TEXT, &fixed);
	close(reader);
	for (int i = 0; i < 3; i++)
		log_event(l, LOG_INFO, LOG_NONE, "lost");
	reader = open(path, O_RDONLY | O_NONBLOCK);
	log_event(l, LOG_INFO, LOG_NONE, "heard");
	ssize_t n = read(reader, line, sizeof line - 1);
	line[n < 0 ? 0 : n] = '\0';
	is_str(line,
	       "2026-11-23T21:04:05.123Z warn  3 log lines were dropped because nobody read them\n"
	       "2026-11-23T21:04:05.123Z info  heard\n",
	       "lines lost while there was no reader are told to the next one");
	log_free(l);
	close(reader);
	close(writer);
	unlink(path);
	rmdir(dir);
}

/* ---- warnings that come again and again ---- */

static int64_t time_now = 5;

static int64_t moving(const struct clock *c)
{
	(void)c;
	return time_now;
}

static const struct clock hands = { moving, wall };

static size_t lines_in(FILE *file, const char *what)
{
	size_t n = 0;
	read_file(file);
	for (const char *p = line; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void test_pace(void)
{
	FILE *file = tmpfile();
	struct log *l = log_new(fileno(file), LOG_INFO, LOG_TEXT, &hands);
	struct log_pace slow = { 0 }, other = { 0 };
	for (int i = 0; i < 59; i++, time_now += 1000) {
		log_paced(l, &slow, LOG_WARN, LOG_FIELDS(LOG_NUM("n", i)), "slow");
		log_event(l, log_pace_end(&slow), LOG_NONE, "fast");
	}
	is_num((intmax_t)lines_in(file, "slow"), 1,
	       "what comes each second is told once in a minute");
	is_num((intmax_t)lines_in(file, "fast"), 1,
	       "its end is told with it, and not when nobody was told of a beginning");
	ok(!log_pace_owes(l, &slow), "nothing is owed before the minute is over");
	log_paced(l, &other, LOG_WARN, LOG_NONE, "another");
	is_num((intmax_t)lines_in(file, "another"), 1, "another warning has a minute of its own");
	time_now = 5 + 60000;
	ok(log_pace_owes(l, &slow) && !log_pace_owes(l, &other),
	   "then what was held back is, and what was not is not");
	log_paced(l, &slow, LOG_WARN, LOG_FIELDS(LOG_NUM("n", 60)), "slow");
	ok(strstr(read_file(file), "slow  n=60 held_back=58\n") != NULL,
	   "the next one counts those that were held back");
	ok(!log_pace_owes(l, &slow), "and nothing is owed any more");
	time_now += 60000;
	log_paced(l, &slow, LOG_WARN, LOG_FIELDS(LOG_NUM("n", 61)), "slow");
	ok(strstr(read_file(file), "slow  n=61\n") != NULL,
	   "when there were none, it says nothing of them");
	log_set(l, LOG_DEBUG, LOG_TEXT);
	log_paced(l, &slow, LOG_WARN, LOG_FIELDS(LOG_NUM("n", 62)), "slow");
	ok(strstr(read_file(file), "debug slow  n=62\n") != NULL,
	   "with --log-level debug all are there");
	log_free(l);
	fclose(file);
	log_paced(NULL, &other, LOG_WARN, LOG_NONE, "nobody");
	ok(!log_pace_owes(NULL, &other), "without a log nothing is told");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	RUN(test_forms);
	RUN(test_escapes);
	RUN(test_secrets);
	RUN(test_levels);
	RUN(test_journal);
	int fds[2];
	if (pipe(fds))
		return 1;
	test_full(fds, "a pipe that nobody reads does not block, and drops lines past 256 KiB");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return 1;
	test_full(fds, "nor does a socket");
	/* A pipe of another user cannot be opened anew. */
	if (pipe(fds) || fchmod(fds[1], 0) || (geteuid() == 0 && seteuid(65534)))
		return 1;
	test_full(fds, "nor does a pipe that cannot be opened anew");
	if (getuid() == 0 && seteuid(0))
		return 1;
	RUN(test_gone);
	RUN(test_comes_back);
	RUN(test_pace);
	return done_testing();
}
