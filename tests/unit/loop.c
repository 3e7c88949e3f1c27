/* tests/unit/loop: timers, descriptors, signals and hooks of the loop. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/loop.h"
#include "tests/tap.h"

struct state {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_watch *watch;
	int pipe[2];
	int timers, reads, signals, turns;
	int failure; /* of a read, its errno */
};

static void on_timer(void *arg)
{
	struct state *s = arg;
	if (++s->timers < 3) {
		loop_timer_set(s->timer, 1);
		return;
	}
	loop_timer_free(s->timer);
	loop_stop(s->loop);
}

static void on_read(void *arg, int events)
{
	struct state *s = arg;
	char c;
	if (events & LOOP_READ && read(s->pipe[0], &c, 1) == 1)
		s->reads++;
	loop_watch_free(s->watch, 1);
	loop_stop(s->loop);
}

static void on_part(void *arg, int events)
{
	struct state *s = arg;
	char c;
	(void)events;
	if (read(s->pipe[0], &c, 1) == 1) {
		s->reads++;
		return;
	}
	s->failure = errno;
	loop_watch_free(s->watch, 1);
	loop_stop(s->loop);
}

static void on_late(void *arg)
{
	loop_stop(((struct state *)arg)->loop);
}

/* Closing a socket that holds bytes nobody has read resets the other one. */
static int reset_behind(struct state *s, const char *bytes, size_t n)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s->pipe) || write(s->pipe[0], "x", 1) != 1 ||
	    write(s->pipe[1], bytes, n) != (ssize_t)n)
		return -1;
	return close(s->pipe[1]);
}

static void on_signal(void *arg, int signo)
{
	struct state *s = arg;
	s->signals += signo == SIGUSR1;
	loop_stop(s->loop);
}

static void on_turn(void *arg)
{
	((struct state *)arg)->turns++;
}

int main(void)
{
	struct err err;
	struct state s = { .loop = loop_new(&err) };
	ok(s.loop != NULL, "a loop can be made");
	loop_on_turn(s.loop, on_turn, &s);

	s.timer = loop_timer_new(s.loop, on_timer, &s);
	loop_timer_set(s.timer, 0);
	loop_run(s.loop);
	is_num(s.timers, 3, "a timer goes off once for each time it was set, and may free itself");
	ok(s.turns >= 2, "the hook ran at the end of the turns (%d)", s.turns);

	if (pipe(s.pipe))
		return 1;
	s.watch = loop_watch_new(s.loop, s.pipe[0], on_read, &s);
	loop_watch_set(s.watch, LOOP_READ);
	if (write(s.pipe[1], "x", 1) != 1)
		return 1;
	loop_run(s.loop);
	is_num(s.reads, 1, "a watch tells that its descriptor can be read");
	loop_turn(s.loop, 0);
	ok(fcntl(s.pipe[0], F_GETFD) == -1,
	   "a freed watch has closed its descriptor when asked to");
	close(s.pipe[1]);

	s.reads = 0;
	if (reset_behind(&s, "four", 4))
		return 1;
	s.watch = loop_watch_new(s.loop, s.pipe[0], on_part, &s);
	loop_watch_set(s.watch, LOOP_READ);
	struct loop_timer *late = loop_timer_new(s.loop, on_late, &s);
	loop_timer_set(late, 5000);
	loop_run(s.loop);
	loop_timer_free(late);
	is_num(s.reads, 4, "bytes before a reset are read one by one");
	is_num(s.failure, ECONNRESET, "… and then the reset");

	struct loop_signal *signal = loop_signal_new(s.loop, SIGUSR1, on_signal, &s);
	raise(SIGUSR1);
	loop_run(s.loop);
	is_num(s.signals, 1, "a signal arrives in a turn");
	loop_signal_free(signal);
	loop_free(s.loop);
	return done_testing();
}
