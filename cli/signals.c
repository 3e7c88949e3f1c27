/* cli/signals: dispositions go out, the last words of a program that a fault ends, and the end of
 * one that is stopped before it has begun. What asks for a stop of one that runs is the engine's
 * (engine_life.c), handlers get their own (slot/slots_fork.c). Invariants: no signal that the
 * kernel sends of its own accord ends this process without a word; and none that the engine heeds
 * is lost, or does otherwise, because it came early. */
#include "cli/signals.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#ifdef __has_feature
#define ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#else
#define ASAN 0
#endif

enum { ALTERNATE = 32 * 1024 /* bytes: a stack for a fault of the stack itself */ };

/* Appends to a line of `size` bytes; the last stays free. */
static void add(char *line, size_t size, const char *text)
{
	size_t n = strlen(line), m = strlen(text);
	if (n + m < size)
		memcpy(line + n, text, m + 1);
}

static void add_number(char *line, size_t size, int number)
{
	char digits[16] = "", *at = digits + sizeof digits - 1;
	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	add(line, size, at);
}

/* Only what signal-safety(7) allows. A stderr that is full is not waited for. */
static void last_words(int signo, siginfo_t *info, void *context)
{
	char line[128] = "tgrun: ended by SIG";
	const char *name = sigabbrev_np(signo);
	struct pollfd out = { STDERR_FILENO, POLLOUT, 0 };
	(void)context;
	add(line, sizeof line, name ? name : "?");
	if (signo == SIGSYS) {
		add(line, sizeof line, ": a filter (seccomp) forbids system call ");
		add_number(line, sizeof line, info->si_syscall);
	} else if (signo == SIGBUS) {
		add(line, sizeof line, ": memory, or a file that stands for it, cannot be read");
	}
	add(line, sizeof line, "\n");
	if (poll(&out, 1, 0) > 0)
		(void)!write(STDERR_FILENO, line, strlen(line));
	raise(signo); /* what it does otherwise, when this returns: SA_RESETHAND */
}

static void promise_last_words(void)
{
	static char stack[ALTERNATE];
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };
	struct sigaction action = { .sa_sigaction = last_words,
				    .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK };
	if (ASAN) /* it has its own */
		return;
	sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		sigaction(faults[i], &action, NULL);
}

/* What the engine heeds; the first of them are orders to stop. */
static const int heeded[] = { SIGTERM, SIGINT, SIGQUIT, SIGALRM, SIGXCPU, SIGPWR, SIGHUP, SIGUSR1 };
enum { STOPS = 6 };

void signals_hold(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++)
		sigaddset(&set, heeded[i]);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

bool signals_init(void)
{
	static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGUSR2, SIGIO, SIGVTALRM, SIGPROF };
	sigset_t all;
	struct sigaction hangup;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	bool nohup = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	if (nohup)
		signal(SIGHUP, SIG_IGN);
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	promise_last_words();
	signals_hold();
	return nohup;
}

void signals_release(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Nothing runs yet that would have to end first; what is written is as safe as from a kill. */
static void stop_at_once(int signo)
{
	char line[128] = "tgrun: stopped by SIG";
	struct pollfd out = { STDERR_FILENO, POLLOUT, 0 };
	/* glibc says that it is safe here: it reads a constant table. */
	add(line, sizeof line, sigabbrev_np(signo)); /* NOLINT(bugprone-signal-handler) */
	add(line, sizeof line, " before anything had begun\n");
	if (poll(&out, 1, 0) > 0)
		(void)!write(STDERR_FILENO, line, strlen(line));
	_exit(signo == SIGXCPU ? 1 : 0);
}

void signals_stop_early(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (int i = 0; i < STOPS; i++) {
		signal(heeded[i], stop_at_once);
		sigaddset(&set, heeded[i]);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_write_always(void)
{
	signal(SIGTTOU, SIG_IGN);
}
