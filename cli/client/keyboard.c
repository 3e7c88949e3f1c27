/* cli/client/keyboard: the modes of a terminal, and signals, in; keys out. Invariant: whatever ends
 * or stops this process and can be caught, the terminal has its own modes, screen and cursor before
 * that. What the handlers of signals do is only what they may (signal-safety(7)). */
#include "cli/client/keyboard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The other screen, emptied; the cursor hidden. And back. */
#define TAKE "\033[?1049h\033[H\033[2J\033[?25l"
#define GIVE "\033[?25h\033[?1049l"

static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static struct termios before;
static int modes_fd; /* whose modes `before` is; -1: they could not be told */
static volatile sig_atomic_t taken, redraw;
static sigset_t ours;

bool keyboard_can(void)
{
	const char *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static void put(const char *text)
{
	for (size_t n = strlen(text); n;) {
		ssize_t done = write(STDOUT_FILENO, text, n);
		if (done < 0 && errno != EINTR)
			return;
		text += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
}

static void take(void)
{
	struct termios raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	taken = 1;
	if (modes_fd >= 0)
		tcsetattr(modes_fd, TCSANOW, &raw);
	put(TAKE);
	redraw = 1;
}

static void give(void)
{
	if (!taken)
		return;
	taken = 0;
	put(GIVE);
	if (modes_fd >= 0)
		tcsetattr(modes_fd, TCSANOW, &before);
}

/* Does what it does by default, now. */
static void pass_on(int sig)
{
	sigset_t only;
	signal(sig, SIG_DFL);
	raise(sig);
	sigemptyset(&only);
	sigaddset(&only, sig);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
}

static void on_end(int sig)
{
	give();
	pass_on(sig);
}

static void handle(int sig, void (*handler)(int))
{
	struct sigaction act = { .sa_handler = handler, .sa_mask = ours };
	sigaction(sig, &act, NULL);
}

static void on_stop(int sig)
{
	int errnum = errno;
	give();
	pass_on(sig);
	handle(sig, on_stop);
	take(); /* also where nobody could have continued it, and it was not stopped */
	errno = errnum;
}

/* Also after a SIGSTOP, which nobody sees coming. */
static void on_continue(int sig)
{
	int errnum = errno;
	(void)sig;
	take();
	errno = errnum;
}

static void on_resize(int sig)
{
	(void)sig;
	redraw = 1;
}

void keyboard_begin(void)
{
	struct sigaction old;
	sigemptyset(&ours);
	modes_fd = isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO;
	if (tcgetattr(modes_fd, &before))
		modes_fd = -1;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		sigaddset(&ours, ends[i]);
	sigaddset(&ours, SIGTSTP);
	sigaddset(&ours, SIGCONT);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (sigaction(ends[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			handle(ends[i], on_end);
	handle(SIGTSTP, on_stop);
	handle(SIGCONT, on_continue);
	handle(SIGWINCH, on_resize);
	take();
}

void keyboard_end(void)
{
	sigset_t old;
	sigprocmask(SIG_BLOCK, &ours, &old);
	give();
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		signal(ends[i], SIG_DFL);
	signal(SIGTSTP, SIG_DFL);
	signal(SIGCONT, SIG_DFL);
	signal(SIGWINCH, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int keyboard_wait(long milliseconds)
{
	struct pollfd in = { .fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .events = POLLIN };
	unsigned char key;
	int n = redraw ? 0 : poll(&in, 1, (int)milliseconds);
	if (redraw) {
		redraw = 0;
		return KEYBOARD_REDRAW;
	}
	if (n <= 0)
		return KEYBOARD_NONE;
	ssize_t got = read(STDIN_FILENO, &key, 1);
	return got == 1                                         ? key
	       : got < 0 && (errno == EINTR || errno == EAGAIN) ? KEYBOARD_NONE
								: KEYBOARD_GONE;
}
