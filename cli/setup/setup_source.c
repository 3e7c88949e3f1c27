/* cli/setup/setup_source: what --source says in, the descriptor that updates come from out. Each
 * kind of source is a row, and nothing else tells them apart; without --source updates are
 * Telegram's, and nothing is opened. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/setup/setup.h"

struct kind {
	const char *name;
	bool prefix;  /* it is how the value begins; else all of it */
	bool program; /* the rest is a command, found with the other commands */
	/* Whether the rest could be opened: 0, or -1 with `err`; NULL: it could. */
	int (*check)(const char *rest, struct err *err);
	/* The descriptor to read; *feed gets the end of a pipe that the program writes. -1 with
	 * `err`. */
	int (*open)(const char *rest, int *feed, struct err *err);
};

static int cannot_open(const char *source, int errnum, struct err *err)
{
	if (errnum == EISDIR)
		return err_set(err, ERR_CONFIG, "cannot open the source '%s': it is a directory",
			       source);
	return err_sys(err, ERR_CONFIG, errnum, "cannot open the source '%s'", source);
}

/* The descriptor, unless it is -1, or a directory's. */
static int opened(const char *source, int fd, struct err *err)
{
	struct stat st;
	if (fd < 0)
		return cannot_open(source, errno, err);
	if (fstat(fd, &st) || !S_ISDIR(st.st_mode))
		return fd;
	close(fd);
	return cannot_open(source, EISDIR, err);
}

static int open_stdin(const char *rest, int *feed, struct err *err)
{
	(void)rest, (void)feed;
	return opened("-", fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), err);
}

static int open_pipe(const char *rest, int *feed, struct err *err)
{
	int ends[2];
	(void)rest;
	if (pipe2(ends, O_CLOEXEC))
		return err_sys(err, ERR_INTERNAL, errno, "cannot make a pipe for the source");
	*feed = ends[1];
	return ends[0];
}

static int check_file(const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return cannot_open(path, EISDIR, err);
	return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) ? cannot_open(path, errno, err) : 0;
}

static int open_file(const char *path, int *feed, struct err *err)
{
	(void)feed;
	return opened(path, open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), err);
}

static const struct kind kinds[] = {
	{ .name = "-", .open = open_stdin },
	{ .name = "exec:", .prefix = true, .program = true, .open = open_pipe },
	{ .name = "", .prefix = true, .check = check_file, .open = open_file },
};

/* The row of a source; *rest gets what follows its name. */
static const struct kind *kind_of(const char *source, const char **rest)
{
	const struct kind *k = kinds;
	while (strncmp(source, k->name, strlen(k->name)) != 0 ||
	       (!k->prefix && source[strlen(k->name)]))
		k++;
	*rest = source + strlen(k->name);
	return k;
}

const char *setup_source_program(const struct config *c)
{
	const char *rest;
	return c->source && kind_of(c->source, &rest)->program ? rest : NULL;
}

int setup_source_check(const struct config *c, struct err *err)
{
	const char *rest;
	const struct kind *k = kind_of(c->source, &rest);
	return k->check ? k->check(rest, err) : 0;
}

int setup_source_open(const struct config *c, int *fd, int *feed, struct err *err)
{
	const char *rest;
	if (!c->source)
		return 0;
	*fd = kind_of(c->source, &rest)->open(rest, feed, err);
	return *fd < 0 ? -1 : 0;
}
