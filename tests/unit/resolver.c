/* tests/unit/resolver: names are asked for in a thread, and whoever asked may go meanwhile. This
 * program has a getaddrinfo(3) of its own, that answers when it is told to. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/resolver.h"
#include "tests/tap.h"

static struct loop *loop;
static int calls;
static atomic_int silent, asked, left;

static struct addrinfo *new_address(int family, const char *text, struct addrinfo *next)
{
	struct addrinfo *a = calloc(1, sizeof *a + sizeof(struct sockaddr_in6));
	a->ai_family = family;
	a->ai_next = next;
	a->ai_addr = (struct sockaddr *)(void *)(a + 1);
	a->ai_addr->sa_family = (sa_family_t)family;
	a->ai_addrlen = family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6);
	inet_pton(family, text,
		  family == AF_INET
			  ? (void *)&((struct sockaddr_in *)(void *)a->ai_addr)->sin_addr
			  : (void *)&((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr);
	return a;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
	(void)service, (void)hints;
	asked++;
	while (silent)
		usleep(1000);
	if (strcmp(name, "none") == 0)
		return EAI_NONAME;
	*out = strcmp(name, "two") == 0
		       ? new_address(AF_INET, "10.0.0.1", new_address(AF_INET6, "fe80::1", NULL))
		       : new_address(AF_INET, "10.0.0.2", NULL);
	return 0;
}

void freeaddrinfo(struct addrinfo *a)
{
	for (struct addrinfo *next; a; a = next) {
		next = a->ai_next;
		free(a);
	}
	left++;
}

static void on_done(void *arg)
{
	(void)arg;
	calls++;
	loop_stop(loop);
}

static struct resolver *ask_for(const char *one, const char *two)
{
	const char *names[] = { one, two };
	return resolver_new(loop, names, two ? 2 : 1, on_done, NULL);
}

static void answers(void)
{
	struct resolver *r = ask_for("two", "one");
	loop_run(loop);
	is_num(calls, 1, "that all is known is told once");
	is_str(resolver_addresses(r, 0), "10.0.0.1,fe80::1", "all addresses of a name");
	is_str(resolver_addresses(r, 1), "10.0.0.2", "and those of the next one");
	ok(!resolver_why(r), "nothing is wrong");
	resolver_free(r);
	r = ask_for("none", "one");
	loop_run(loop);
	ok(!*resolver_addresses(r, 0) && *resolver_addresses(r, 1),
	   "a name that is none has no address, the other has");
	is_str(resolver_why(r), gai_strerror(EAI_NONAME), "and why");
	resolver_free(r);
	resolver_free(NULL);
}

static void silence(void)
{
	int before = asked, freed = left;
	silent = 1;
	calls = 0;
	struct resolver *r = ask_for("one", "two");
	while (asked == before)
		loop_turn(loop, 0);
	ok(calls == 0, "the loop goes on while a name server is silent");
	resolver_free(r);
	silent = 0;
	while (left < freed + 2)
		usleep(1000);
	for (int i = 0; i < 10; i++)
		loop_turn(loop, 0);
	is_num(calls, 0, "who has gone is told nothing, and the thread comes to its end");
}

static void signals(void)
{
	sigset_t usr1, pending;
	silent = 1;
	int before = asked;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	struct resolver *r = ask_for("one", NULL);
	while (asked == before)
		usleep(1000);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	kill(getpid(), SIGUSR1);
	silent = 0;
	loop_run(loop);
	ok(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1),
	   "the thread takes no signal from the others");
	resolver_free(r);
}

static void refused(void)
{
	struct rlimit old, none = { 0 };
	getrlimit(RLIMIT_NOFILE, &old);
	none.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &none);
	errno = 0;
	ok(!ask_for("one", NULL) && errno == EMFILE, "without a descriptor there is none");
	setrlimit(RLIMIT_NOFILE, &old);
}

int main(void)
{
	struct err err;
	if (!(loop = loop_new(&err)))
		return 1;
	RUN(answers);
	RUN(silence);
	RUN(signals);
	RUN(refused);
	loop_free(loop);
	return done_testing();
}
