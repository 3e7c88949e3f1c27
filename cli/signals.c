/* cli/signals: dispositions go out, and the last words of a program that a fault ends. What asks
 * for a stop is the engine's (engine_life.c), handlers get their own (slot/slots_fork.c).
 * Invariant: no signal that the kernel sends of its own accord ends this process without a word. */
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

bool signals_init(void)
{
	static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGUSR2, SIGIO, SIGVTALRM, SIGPROF };
	sigset_t none;
	struct sigaction hangup;
	bool nohup = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	if (nohup)
		signal(SIGHUP, SIG_IGN);
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	promise_last_words();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return nohup;
}

void signals_write_always(void)
{
	signal(SIGTTOU, SIG_IGN);
}

void signals_hold(void)
{
	static const int signals[] = { SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
				       SIGUSR1, SIGALRM, SIGXCPU, SIGPWR };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
}
