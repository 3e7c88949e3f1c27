/* cli/main: the start of the program, which mends what it inherited, and the choice of its
 * sub-command. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cmd.h"
#include "cli/signals.h"
#include "slot/slots.h"

enum { STACK_LEAST = 64 << 10 };

#define RUNS(bit_, number_, name_, run_, ...) { COMMAND_##bit_, run_ },

static const struct {
	enum command_bit bit;
	cmd_function *run;
} commands[] = { COMMANDS(RUNS) };

/* Descriptors 0 to 2 are open, signals are as they should be, and nobody reads this process's
 * memory. *nohup: it was started by nohup(1). */
static int mend_inheritance(bool *nohup)
{
	int fd;
	*nohup = signals_init();
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -1;
	close(fd);
#if !defined(__SANITIZE_ADDRESS__)
	/* LeakSanitizer needs ptrace; everything else is better off without. */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	return 0;
}

/* Refuses a stack on which tgrun would die where it is deepest. 0 or -1 with `err`. */
static int check_stack(struct err *err)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur >= STACK_LEAST)
		return 0;
	return err_set(
		err, ERR_CONFIG,
		"the limit of the stack is %llu KB, and tgrun needs %d; raise it by ulimit -s",
		(unsigned long long)limit.rlim_cur >> 10, STACK_LEAST >> 10);
}

/* The value of an option of the table that is a secret, which `arg` begins or, with the next word,
 * is; NULL: it is none. */
static char *secret_in(char **arg)
{
	static const char *const names[] = { "--token", "--webhook-secret" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = strlen(names[i]);
		if (strncmp(*arg, names[i], n) != 0)
			continue;
		if ((*arg)[n] == '=')
			return *arg + n + 1;
		if (!(*arg)[n])
			return arg[1];
	}
	return NULL;
}

/* Overwrites tokens, passwords and what is to be sent in this process's own command line, so that
 * ps does not show them. The options were copied before. */
static void scrub(char **argv)
{
	for (char **arg = argv + 1; *arg && strcmp(*arg, "--") != 0; arg++) {
		char *value = secret_in(arg);
		char *colon = value ? strchr(value, ':') : NULL;
		if (value)
			value = colon ? colon + 1 : value;
		if (strncmp(*arg, "--text=", 7) == 0)
			value = *arg + 7;
		if (value)
			memset(value, '*', strlen(value));
		options_redact(*arg);
	}
}

/* The same for TGRUN_TOKEN, TGRUN_WEBHOOK_SECRET and TGRUN_API_URL in the environment. */
static void scrub_env(char **envp)
{
	for (; *envp; envp++)
		if (strncmp(*envp, "TGRUN_TOKEN=", 12) == 0 ||
		    strncmp(*envp, "TGRUN_WEBHOOK_SECRET=", 21) == 0)
			memset(strchr(*envp, '=') + 1, '*', strlen(strchr(*envp, '=') + 1));
		else if (strncmp(*envp, "TGRUN_API_URL=", 14) == 0)
			options_redact(*envp);
}

int main(int argc, char **argv)
{
	struct setup setup;
	struct err err;
	bool nohup;
	(void)argc;
	if (mend_inheritance(&nohup))
		return cmd_fail(
			(err_sys(&err, ERR_INTERNAL, errno, "cannot open '/dev/null'"), &err));
	if (check_stack(&err))
		return cmd_fail(&err);
	int rc = setup_options(&setup, argv, environ, &err);
	setup.nohup = nohup;
	bool runs = rc == 0 && setup.config.command & (COMMAND_RUN | COMMAND_TRY) &&
		    !setup.config.help && !setup.config.version;
	if (runs)
		signals_stop_early();
	else
		signals_release();
	scrub(argv);
	scrub_env(environ);
	slots_set_title_area(argv);
	int status = 0;
	if (rc) {
		cmd_warn(&setup.config);
		status = cmd_fail(&err);
	} else if (setup.config.help || setup.config.version) {
		status = cmd_help(&setup);
	} else {
		for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
			if (commands[i].bit == setup.config.command)
				status = commands[i].run(&setup);
	}
	setup_release(&setup);
	return status;
}
