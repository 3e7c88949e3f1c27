/* tests/bench/server: a Bot API on loopback that bounds nobody. In: how many updates of how many
 * chats, a round trip, and a command, which finds the address in BENCH_URL and TGRUN_API_URL. Out:
 * the command was served until it ended; then one line, "SECONDS REQUESTS CONFIRMED": from the
 * first getUpdates to the end of the command. Fails when the command does, or did not fetch
 * everything.
 *
 * All updates are written before, side by side, so that an answer is a head and a slice of memory,
 * sent by one call. With -s the command notes each handler's start and end in a file (stamp.h), and
 * gets SIGTERM when all are noted. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/stamp.h"

enum {
	CONNECTIONS = 32,
	IN_MAX = 16 * 1024,
	UPDATE_MAX = 512,
	MS = 1000000,
	WATCH_STAMPS = 20,
	PROBES_AFTER = 500
};

static const char usage[] =
	"usage: server [-n UPDATES] [-c CHATS] [-w LEAST,MOST (ms a handler is to sleep)] [-r RTT (ms)] [-p PROBES (the last of the "
	"updates)] [-e EVERY (ms)] [-s STAMPS] [-t LIMIT (s)] COMMAND...\n";

/* A private message as Telegram sends it: about 360 bytes. */
#define PERSON \
	"\"first_name\":\"Alexandra\",\"last_name\":\"Example\",\"username\":\"alexandra_example\""

enum state { FREE, READING, DELAYED, POLLING };

struct connection {
	enum state state;
	int fd;
	int64_t asked, due; /* when it asked; when it is looked at */
	const char *result; /* the answer; NULL: it is getUpdates, with: */
	long offset, limit, timeout;
	size_t length;
	char in[IN_MAX];
};

static struct {
	long count, chats, least, most, rtt, probes, every, limit;
	const char *stamps;
} want = { .count = 1000, .chats = 50, .every = 50, .limit = 120 };

static char *updates; /* "{...},{...}," */
static size_t *at;    /* where each begins, and the end */
static int64_t *offered_at;
static long offered, handed, confirmed, requests;
static int64_t first_asked;
static pid_t child;
static struct connection connections[CONNECTIONS];

static void die(const char *what)
{
	perror(what);
	if (child > 0)
		kill(child, SIGKILL);
	exit(1);
}

/* ---- the updates ---- */

static void write_updates(void)
{
	updates = malloc((size_t)want.count * UPDATE_MAX);
	at = calloc((size_t)want.count + 1, sizeof *at);
	offered_at = calloc((size_t)want.count, sizeof *offered_at);
	if (!updates || !at || !offered_at)
		die("malloc");
	for (long i = 0; i < want.count; i++) {
		/* Probes are each of a chat of its own, so that none waits for another. */
		long chat = i < want.count - want.probes ? 1000 + i % want.chats : 1000000 + i;
		long sleep = want.least +
			     (long)((unsigned long)(i + 1) * 2654435761UL % 4294967296UL *
					    (unsigned long)(want.most - want.least + 1) >>
				    32);
		at[i + 1] =
			at[i] +
			(size_t)snprintf(
				updates + at[i], UPDATE_MAX,
				"{\"update_id\":%ld,\"message\":{\"message_id\":%ld,\"from\":{\"id\":%ld," PERSON
				",\"is_bot\":false,\"language_code\":\"en\"},"
				"\"chat\":{\"id\":%ld," PERSON
				",\"type\":\"private\"},\"date\":1790000000,\"text\":\"%ld ms is how long this takes\"}},",
				i + 1, i + 1, chat, chat, sleep);
	}
	offered = want.count - want.probes;
}

/* ---- HTTP ---- */

static void drop(struct connection *c)
{
	close(c->fd);
	c->state = FREE;
}

static void answer(struct connection *c, const char *before, const char *slice, size_t n,
		   const char *after)
{
	char head[256];
	size_t length = strlen(before) + n + strlen(after);
	int m = snprintf(
		head, sizeof head,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		length, before);
	struct iovec parts[] = { { head, (size_t)m },
				 { (void *)(size_t)slice, n },
				 { (void *)(size_t)after, strlen(after) } };
	ssize_t sent = writev(c->fd, parts, 3); /* blocks until all is taken */
	c->state = READING;
	if (sent != (ssize_t)(parts[0].iov_len + n + parts[2].iov_len))
		drop(c);
}

/* The number that follows a name, in JSON or in a form. */
static long number_after(const char *text, const char *name, long otherwise)
{
	const char *p = strstr(text, name);
	if (!p)
		return otherwise;
	p += strlen(name);
	return strtol(p + strspn(p, "\":= "), NULL, 10);
}

/* What is answered to all but getUpdates. */
static const char *result_of(const char *head)
{
	char line[256];
	snprintf(line, sizeof line, "%.*s", (int)strcspn(head, "\r"), head);
	if (strstr(line, "/getUpdates"))
		return NULL;
	if (strstr(line, "/getMe"))
		return "{\"ok\":true,\"result\":{\"id\":1,\"is_bot\":true,\"first_name\":\"Bench\",\"username\":\"bench_bot\"}}";
	if (strstr(line, "/getWebhookInfo"))
		return "{\"ok\":true,\"result\":{\"url\":\"\",\"has_custom_certificate\":false,\"pending_update_count\":0}}";
	return "{\"ok\":true,\"result\":true}";
}

/* Its time has come: answers, or lets it wait for an update. */
static void look(struct connection *c, int64_t now)
{
	if (c->result) {
		answer(c, c->result, "", 0, "");
		return;
	}
	if (c->offset - 1 > confirmed)
		confirmed = c->offset - 1 < handed ? c->offset - 1 : handed;
	long from = confirmed, to = offered < from + c->limit ? offered : from + c->limit;
	if (from == to && now < c->asked + c->timeout * 1000 * MS) {
		c->state = POLLING;
		c->due = c->asked + c->timeout * 1000 * MS;
		return;
	}
	if (to > handed)
		handed = to;
	answer(c, "{\"ok\":true,\"result\":[", updates + at[from],
	       from == to ? 0 : at[to] - at[from] - 1, "]}");
}

/* One request of what has come in, if all of it is there. */
static bool take_request(struct connection *c)
{
	char *body = strstr(c->in, "\r\n\r\n"), *length;
	if (!body)
		return false;
	body += 4;
	length = strcasestr(c->in, "\r\ncontent-length:");
	size_t whole = (size_t)(body - c->in) +
		       (length && length < body ? strtoul(length + 17, NULL, 10) : 0);
	if (c->length < whole)
		return false;
	requests++;
	c->asked = stamp_now();
	c->result = result_of(c->in);
	if (!c->result && !first_asked)
		first_asked = c->asked;
	c->offset = number_after(c->in, "offset", 0);
	c->limit = number_after(c->in, "limit", 100);
	c->limit = c->limit < 1 ? 1 : c->limit > 100 ? 100 : c->limit;
	c->timeout = number_after(c->in, "timeout", 0);
	c->state = DELAYED;
	c->due = c->asked + want.rtt * MS;
	if (want.rtt == 0)
		look(c, c->asked);
	memmove(c->in, c->in + whole, c->length - whole + 1);
	c->length -= whole;
	return c->state == READING;
}

static void on_readable(struct connection *c)
{
	ssize_t n = recv(c->fd, c->in + c->length, IN_MAX - 1 - c->length, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || c->state != READING) { /* gone, or hurrying on, which no client here does */
		drop(c);
		return;
	}
	c->length += (size_t)n;
	c->in[c->length] = '\0';
	while (take_request(c))
		;
}

static void on_connect(int listener)
{
	static const int on = 1;
	static const struct timeval limit = { .tv_sec = 5 };
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	for (int i = 0; i < CONNECTIONS; i++)
		if (connections[i].state == FREE) {
			connections[i].state = READING;
			connections[i].fd = fd;
			connections[i].length = 0;
			return;
		}
	close(fd);
}

/* ---- time ---- */

/* Does what is due, and says in how many ms there is more to do. */
static int do_due(int64_t now)
{
	int64_t next = now + 1000LL * MS;
	if (want.probes && first_asked && offered < want.count) {
		int64_t due = first_asked +
			      (PROBES_AFTER + (offered - (want.count - want.probes)) * want.every) *
				      MS;
		if (due <= now) {
			offered_at[offered++] = now;
			due += want.every * MS;
			for (int i = 0; i < CONNECTIONS; i++)
				if (connections[i].state == POLLING)
					look(&connections[i], now);
		}
		next = due;
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &connections[i];
		if ((c->state == DELAYED || c->state == POLLING) && c->due <= now)
			look(c, now);
		if ((c->state == DELAYED || c->state == POLLING) && c->due < next)
			next = c->due;
	}
	if (want.stamps && next > now + WATCH_STAMPS * MS)
		next = now + WATCH_STAMPS * MS;
	return next <= now ? 0 : (int)((next - now + MS - 1) / MS);
}

static bool all_stamped(void)
{
	struct stat st;
	return want.stamps && stat(want.stamps, &st) == 0 &&
	       st.st_size >= want.count * STAMP_LENGTH;
}

/* ---- the command ---- */

static int listen_anywhere(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) || listen(fd, CONNECTIONS) ||
	    getsockname(fd, (struct sockaddr *)&a, &n))
		die("listen");
	snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(a.sin_port));
	if (setenv("BENCH_URL", url, 1) || setenv("TGRUN_API_URL", url, 1) ||
	    (want.stamps && setenv("BENCH_STAMPS", want.stamps, 1)))
		die("setenv");
	return fd;
}

static void start(char **argv)
{
	pid_t parent = getpid();
	child = fork();
	if (child < 0)
		die("fork");
	if (child)
		return;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || dup2(2, 1) < 0)
		_exit(1);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* Serves until the command has ended; its raw status. */
static int serve(int listener, int signals)
{
	struct pollfd fds[2 + CONNECTIONS] = { { listener, POLLIN, 0 }, { signals, POLLIN, 0 } };
	int64_t begun = stamp_now(), now = begun;
	int status;
	bool asked_to_end = false;
	for (;;) {
		int wait = do_due(now);
		for (int i = 0; i < CONNECTIONS; i++)
			fds[2 + i] = (struct pollfd){
				connections[i].state == FREE ? -1 : connections[i].fd, POLLIN, 0
			};
		if (poll(fds, 2 + CONNECTIONS, wait) < 0 && errno != EINTR)
			die("poll");
		for (int i = 0; i < CONNECTIONS; i++)
			if (fds[2 + i].revents)
				on_readable(&connections[i]);
		if (fds[0].revents)
			on_connect(listener);
		now = stamp_now();
		if (fds[1].revents) {
			struct signalfd_siginfo info;
			if (waitpid(child, &status, WNOHANG) == child)
				return asked_to_end && WIFSIGNALED(status) &&
						       WTERMSIG(status) == SIGTERM
					       ? 0
					       : status;
			if (read(signals, &info, sizeof info) == sizeof info &&
			    info.ssi_signo != SIGCHLD)
				kill(child, SIGTERM);
		}
		if (!asked_to_end && all_stamped()) {
			asked_to_end = true;
			kill(child, SIGTERM);
		}
		if (now - begun > want.limit * 1000 * MS) {
			fprintf(stderr, "server: not done in %ld s: handed out %ld of %ld\n",
				want.limit, handed, want.count);
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return status;
		}
	}
}

/* When each probe was offered, for who joins them with the stamps. */
static void write_offers(void)
{
	char path[4096];
	snprintf(path, sizeof path, "%s.offered", want.stamps);
	FILE *f = fopen(path, "we");
	for (long i = want.count - want.probes; f && i < want.count; i++)
		fprintf(f, "%ld %lld\n", i + 1, (long long)offered_at[i]);
	if (!f || fclose(f))
		die(path);
}

static void read_options(int argc, char **argv)
{
	int option;
	while ((option = getopt(argc, argv, "+n:c:w:r:p:e:s:t:")) != -1) {
		char *comma;
		switch (option) {
		case 'n':
			want.count = atol(optarg);
			break;
		case 'c':
			want.chats = atol(optarg);
			break;
		case 'w':
			want.least = want.most = strtol(optarg, &comma, 10);
			if (*comma == ',')
				want.most = atol(comma + 1);
			break;
		case 'r':
			want.rtt = atol(optarg);
			break;
		case 'p':
			want.probes = atol(optarg);
			break;
		case 'e':
			want.every = atol(optarg);
			break;
		case 's':
			want.stamps = optarg;
			break;
		case 't':
			want.limit = atol(optarg);
			break;
		default:
			exit(2);
		}
	}
	if (optind == argc || want.count < 1 || want.chats < 1 || want.probes < 0 ||
	    want.probes > want.count || want.most < want.least) {
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	sigset_t set;
	read_options(argc, argv);
	write_updates();
	if (want.stamps && close(open(want.stamps, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)))
		die(want.stamps);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int signals = signalfd(-1, &set, SFD_CLOEXEC), listener = listen_anywhere();
	start(argv + optind);
	int status = serve(listener, signals);
	int64_t took = stamp_now() - first_asked;
	if (status || handed < want.count) {
		fprintf(stderr, "server: raw status %d of the command, handed out %ld of %ld\n",
			status, handed, want.count);
		return 1;
	}
	if (want.stamps)
		write_offers();
	printf("%.6f %ld %ld\n", (double)took / 1e9, requests, confirmed);
	return 0;
}
