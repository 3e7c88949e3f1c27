/* tests/tools/probe: a handler for tests of order: what it is given goes into a log that all of
 * them share, one line when it starts and one when it ends, each by one write(2) with O_APPEND. So
 * the order of the lines is the order of the events, and an interval in the log lies within the
 * handler's true one.
 *
 *   probe LOG [MICROSECONDS [EVERY]]    works for a time up to that long; each EVERYth update's
 *                                       first attempt ends with 75
 *   probe --worker LOG …                the same as a worker: updates by lines on stdin, answers
 *                                       on descriptor 3
 *   probe --batch LOG …                 the same for a batch: all start, then all end with one
 *                                       status; each EVERYth process fails
 *   probe --alive LOG … EVERY SECONDS   one update, with a line while it works, each 10 ms; each
 *                                       LONGth works for SECONDS; success prints the id
 *
 * Lines, fields between tabs: start|end|alive, update id, keys, pid, attempt, microseconds, exit
 * status ("-" before the end). */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCH_MAX = 1000, LONG = 29, BREATH_US = 10000 };

struct job {
	char update[24], key[48], attempt[12];
};

static int log_fd;
static unsigned longest, every;

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : "-";
}

static int say(const char *what, const struct job *j, const char *status)
{
	char line[1024];
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int n = snprintf(line, sizeof line, "%s\t%s\t%s\t%ld\t%s\t%" PRId64 "\t%s\n", what,
			 j->update, j->key, (long)getpid(), j->attempt,
			 (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, status);
	return n < (int)sizeof line && write(log_fd, line, (size_t)n) == n ? 0 : -1;
}

static unsigned number(const struct job *j)
{
	return (unsigned)strtoul(j->update, NULL, 10);
}

static void work(const struct job *j)
{
	if (longest)
		usleep(number(j) * 2654435761u % longest);
}

static bool fails(const struct job *j)
{
	return every && number(j) % every == 0 && strcmp(j->attempt, "1") == 0;
}

/* What stands after `name`, up to one of `ends`; "-" if it is not there. */
static void after(const char *line, const char *name, const char *ends, char *out, size_t size)
{
	const char *at = strstr(line, name);
	size_t n = at ? strcspn(at += strlen(name), ends) : 0;
	snprintf(out, size, "%.*s", n ? (int)n : 1, n ? at : "-");
}

/* The sandbox writes its updates without blanks, the first chat in it is the message's own. */
static void parse(const char *line, struct job *j)
{
	char chat[32];
	after(line, "\"update_id\":", ",}", j->update, sizeof j->update);
	after(line, "\"chat\":{\"id\":", ",}", chat, sizeof chat);
	snprintf(j->key, sizeof j->key, "chat:%s", chat);
	after(line, "\"attempt\":", ",}", j->attempt, sizeof j->attempt);
}

static int worker(void)
{
	char *line = NULL, id[64];
	size_t room = 0;
	struct job j;
	while (getline(&line, &room, stdin) > 0) {
		after(line, "\"id\":\"", "\"", id, sizeof id);
		parse(line, &j);
		if (say("start", &j, "-"))
			return 100;
		work(&j);
		bool bad = fails(&j);
		if (say("end", &j, bad ? "75" : "0") ||
		    dprintf(3, "{\"id\":\"%s\",\"ok\":%s}\n", id,
			    bad ? "false,\"retry\":true" : "true") < 0)
			return 100;
	}
	free(line);
	return 0;
}

static int batch(void)
{
	static struct job jobs[BATCH_MAX];
	char *line = NULL;
	size_t room = 0;
	int n = 0;
	while (n < BATCH_MAX && getline(&line, &room, stdin) > 0) {
		parse(line, &jobs[n]);
		if (say("start", &jobs[n++], "-"))
			return 100;
	}
	free(line);
	if (n)
		work(&jobs[0]);
	bool bad = every && (unsigned)getpid() % every == 0;
	for (int i = 0; i < n; i++)
		if (say("end", &jobs[i], bad ? "75" : "0"))
			return 100;
	return bad ? 75 : 0;
}

/* So that the log tells how long a process lived that was killed. */
static int work_aloud(const struct job *j, int64_t seconds)
{
	int64_t left = number(j) % LONG == 0 ? seconds * 1000000
					     : number(j) * 2654435761u % (longest + 1);
	for (; left > 0; left -= BREATH_US) {
		usleep(left < BREATH_US ? (useconds_t)left : BREATH_US);
		if (say("alive", j, "-"))
			return -1;
	}
	return 0;
}

static int single(bool aloud, int seconds)
{
	struct job j;
	snprintf(j.update, sizeof j.update, "%s", variable("TG_UPDATE_ID"));
	snprintf(j.key, sizeof j.key, "%s", variable("TG_KEY"));
	snprintf(j.attempt, sizeof j.attempt, "%s", variable("TG_ATTEMPT"));
	if (say("start", &j, "-"))
		return 100;
	if (!aloud)
		work(&j);
	else if (work_aloud(&j, seconds))
		return 100;
	bool bad = fails(&j);
	if (say("end", &j, bad ? "75" : "0") || (aloud && !bad && puts(j.update) < 0))
		return 100;
	return bad ? 75 : 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 && strncmp(argv[1], "--", 2) == 0 ? argv[1] : "";
	int first = *mode ? 2 : 1;
	log_fd = argc > first ? open(argv[first], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
			      : -1;
	if (log_fd < 0)
		return 100;
	longest = argc > first + 1 ? (unsigned)atoi(argv[first + 1]) : 0;
	every = argc > first + 2 ? (unsigned)atoi(argv[first + 2]) : 0;
	return strcmp(mode, "--worker") == 0 ? worker()
	       : strcmp(mode, "--batch") == 0
		       ? batch()
		       : single(*mode, argc > first + 3 ? atoi(argv[first + 3]) : 0);
}
