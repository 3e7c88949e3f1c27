/* cli/try/chat_prompt: readline on the loop. Keys come in, lines go out, and what is half typed
 * survives whatever is printed meanwhile.
 *
 * readline reads the blocking stdin, but only when the loop has seen a key on a description of its
 * own. It catches no signal but the window's size: the others are the engine's, and a stop from the
 * keyboard gives the terminal back first. */
#include "cli/try/chat_prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

static struct prompt {
	bool open;
	bool in_line; /* inside the callback of a line: nothing is being typed */
	bool colour;
	int flags; /* of stdin, to be restored; -1: untouched */
	struct loop_watch *watch;
	struct loop_signal *stop_key;
	void (*line)(void *arg, const char *text);
	void *arg;
} prompt;

static void on_line(char *text)
{
	prompt.in_line = true;
	if (text && text[strspn(text, " \t")])
		add_history(text);
	if (!text)
		fputc('\n', stdout);
	prompt.line(prompt.arg, text);
	prompt.in_line = false;
	free(text);
}

static void on_key(void *arg, int events)
{
	(void)arg;
	(void)events;
	if (prompt.open)
		rl_callback_read_char();
}

/* Ctrl-Z: the shell that comes next gets a terminal that works. */
static void on_stop_key(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	if (prompt.open)
		rl_deprep_terminal();
	raise(SIGSTOP);
	if (!prompt.open)
		return;
	rl_prep_terminal(1);
	rl_on_new_line();
	rl_redisplay();
}

/* The text as readline wants it: escape sequences in brackets that say that they have no width. */
static char *dress(const char *text)
{
	char *dressed = NULL;
	return prompt.colour && asprintf(&dressed, "\001\033[1;34m\002%s\001\033[0m\002", text) < 0
		       ? NULL
	       : dressed ? dressed
			 : strdup(text);
}

static int watch_keys(struct loop *loop)
{
	int fd = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	prompt.flags = -1;
	if (fd < 0) {
		/* A terminal of another user's: share its description, and mend its flags at the
		 * end. */
		prompt.flags = fcntl(STDIN_FILENO, F_GETFL);
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	}
	prompt.watch = fd >= 0 ? loop_watch_new(loop, fd, on_key, NULL) : NULL;
	if (!prompt.watch) {
		int saved = errno;
		if (fd >= 0)
			close(fd);
		errno = saved;
		return -1;
	}
	loop_watch_set(prompt.watch, LOOP_READ);
	return 0;
}

/* What goes to the bot is UTF-8, whatever the locale says. readline looks at the locale's variables
 * itself, and takes a character of two bytes for two without one of UTF-8. */
static void want_utf8(void)
{
	if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setenv("LC_ALL", "C.UTF-8", 1);
}

int chat_prompt_open(struct loop *loop, const char *text, bool colour,
		     void (*line)(void *arg, const char *text), void *arg, struct err *err)
{
	prompt = (struct prompt){ .colour = colour, .line = line, .arg = arg, .flags = -1 };
	char *dressed = dress(text);
	if (!dressed)
		return err_set(err, ERR_INTERNAL, "out of memory");
	if (watch_keys(loop)) {
		free(dressed);
		return err_sys(err, ERR_INTERNAL, errno, "cannot wait for the keyboard");
	}
	prompt.stop_key = loop_signal_new(loop, SIGTSTP, on_stop_key, NULL);
	want_utf8();
	rl_readline_name = "tgrun";
	rl_catch_signals = 0;
	rl_inhibit_completion = 1;
	using_history();
	stifle_history(1000);
	prompt.open = true;
	rl_callback_handler_install(dressed, on_line);
	free(dressed);
	return 0;
}

void chat_prompt_close(void)
{
	if (!prompt.open)
		return;
	prompt.open = false;
	if (!prompt.in_line) {
		rl_clear_visible_line();
		fflush(stdout);
	}
	rl_callback_handler_remove();
	loop_watch_free(prompt.watch, 1);
	loop_signal_free(prompt.stop_key);
	if (prompt.flags >= 0)
		fcntl(STDIN_FILENO, F_SETFL, prompt.flags);
	clear_history();
}

void chat_prompt_set(const char *text)
{
	char *dressed = prompt.open ? dress(text) : NULL;
	if (dressed)
		rl_set_prompt(dressed);
	free(dressed);
}

void chat_prompt_hide(void)
{
	if (prompt.open && !prompt.in_line)
		rl_clear_visible_line();
}

void chat_prompt_show(void)
{
	if (!prompt.open || prompt.in_line)
		return;
	rl_on_new_line();
	rl_redisplay();
}
