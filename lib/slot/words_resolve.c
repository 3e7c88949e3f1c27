/* slot/words_resolve: names of programs in, absolute paths of files that the kernel can start out.
 * All that execve(2) would refuse is told here once, with what mends it, instead of at each update.
 * The check is advice: what changes afterwards is found again when it is started. */
#include "slot/words.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { HEAD_BYTES = 256 }; /* BINPRM_BUF_SIZE: what the kernel reads of a '#!' line */

static bool may_execute(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* `path` seen from `cwd`. NULL when memory is out. */
static char *absolute(const char *cwd, const char *path)
{
	char *out = NULL;
	if (*path == '/')
		return strdup(path);
	while (path[0] == '.' && path[1] == '/')
		for (path += 2; *path == '/';)
			path++;
	return asprintf(&out, "%s%s%s", cwd, strcmp(cwd, "/") == 0 ? "" : "/", path) < 0 ? NULL
											 : out;
}

/* Whether an errno says that there is no such file; all others say nothing of a file. */
static bool says_absent(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR;
}

/* The first executable `name` along `list`, an empty entry of which is `cwd`. 1 found, 0 not, -1
 * memory. *blocked gets a file of that name that may not be executed, if there is only such. */
static int search(const char *name, const char *cwd, const char *list, char **found, char **blocked)
{
	for (;;) {
		size_t n = strcspn(list, ":");
		char *dir = strndup(list, n), *file = NULL, *path = NULL;
		if (dir && asprintf(&file, "%s%s%s", dir, n ? "/" : "", name) < 0)
			file = NULL;
		path = file ? absolute(cwd, file) : NULL;
		free(dir);
		free(file);
		if (!path)
			return -1;
		if (may_execute(path)) {
			*found = path;
			return 1;
		}
		struct stat st;
		/* What cannot be looked at is told as what cannot be started. Directories that
		 * may not be searched are passed over, as a shell does. */
		bool there = stat(path, &st) ? !says_absent(errno) && errno != EACCES
					     : S_ISREG(st.st_mode);
		if (blocked && !*blocked && there)
			*blocked = path;
		else
			free(path);
		if (!list[n])
			return 0;
		list += n + 1;
	}
}

static int search_path(const char *name, const char *cwd, const char *path_env, char **found,
		       char **blocked)
{
	char standard[256] = "/bin:/usr/bin";
	if (!path_env)
		confstr(_CS_PATH, standard, sizeof standard);
	return search(name, cwd, path_env ? path_env : standard, found, blocked);
}

/* A program's name with a blank in it is most often a whole command in quotes that nobody takes
 * away. */
static const char *advice(const char *name)
{
	return strpbrk(name, " \t")
		       ? "; it is one word: if it is meant as a program and its arguments, leave the quotes out"
		       : "";
}

/* What stands at `path`, which was given as `name`. */
static int check_file(const char *what, const char *name, const char *path, struct err *err)
{
	struct stat st;
	struct statvfs fs;
	if (stat(path, &st)) {
		if (errno == ENOENT && lstat(path, &st) == 0)
			return err_set(err, ERR_CONFIG, "the %s '%s' is a symbolic link to nothing",
				       what, name);
		if (errno == ENOENT)
			return err_set(err, ERR_CONFIG,
				       "the %s '%s' does not exist (looked for '%s')%s", what, name,
				       path, advice(name));
		return err_sys(err, ERR_CONFIG, errno, "cannot look at the %s '%s'", what, name);
	}
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFIG,
			       "the %s '%s' is a directory; name the program in it", what, name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "the %s '%s' is no regular file", what, name);
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
		return 0;
	if (errno != EACCES && errno != EPERM)
		return err_sys(err, ERR_CONFIG, errno, "cannot execute the %s '%s'", what, name);
	if (st.st_mode & 0111 && statvfs(path, &fs) == 0 && fs.f_flag & ST_NOEXEC)
		return err_set(
			err, ERR_CONFIG,
			"the %s '%s' is on a file system from which nothing may be executed (noexec); move it",
			what, name);
	return err_set(err, ERR_CONFIG, "the %s '%s' is not executable; chmod +x '%s'", what, name,
		       path);
}

/* One word of a '#!' line's argument; the rest of the line is returned. */
static char *cut_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	size_t n = strcspn(word, " \t");
	*rest = word + n + (word[n] != '\0');
	word[n] = '\0';
	return word;
}

/* The program that `/usr/bin/env ARGUMENT` will look for, NULL when that cannot be told. The kernel
 * gives all that follows the interpreter as one argument, and only with -S does env cut it into
 * words. */
static char *env_program(char *argument)
{
	char *split = NULL, *word;
	if (*argument != '-')
		return argument;
	if (strncmp(argument, "--split-string", 14) == 0 &&
	    (argument[14] == '=' || argument[14] == ' '))
		split = argument + 15;
	else if (argument[1] != '-' && (split = strchr(argument, 'S')) &&
		 strcspn(argument, " \t") > (size_t)(split - argument))
		split++;
	else
		return NULL;
	if (strpbrk(split, "'\"\\$"))
		return NULL;
	while (*(word = cut_word(&split))) {
		if (strcmp(word, "-u") == 0 || strcmp(word, "-C") == 0)
			cut_word(&split);
		else if (*word != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

static int check_env(const char *what, const char *name, char *argument, const char *cwd,
		     const char *path_env, struct err *err)
{
	char *program = env_program(argument), *found = NULL;
	if (!program || !*program)
		return 0;
	if (program == argument && strpbrk(program, " \t"))
		return err_set(
			err, ERR_CONFIG,
			"the first line of the %s '%s' makes env look for a program called '%s'; write 'env -S %s'",
			what, name, program, program);
	if (strchr(program, '/'))
		return 0;
	int rc = search_path(program, cwd, path_env, &found, NULL);
	free(found);
	if (rc < 0)
		return err_set(err, ERR_INTERNAL, "out of memory");
	return rc ? 0
		  : err_set(err, ERR_CONFIG,
			    "the %s '%s' needs '%s', which is not in PATH; install it, or mend the first line of '%s'",
			    what, name, program, name);
}

/* The '#!' line, without its end. */
static int check_script(const char *what, const char *name, char *line, bool returns,
			const char *cwd, const char *path_env, struct err *err)
{
	char *interpreter = cut_word(&line), *argument = line + strspn(line, " \t");
	if (returns)
		return err_set(
			err, ERR_CONFIG,
			"the first line of the %s '%s' ends in a carriage return; sed -i 's/\\r$//' '%s'",
			what, name, name);
	if (!*interpreter)
		return err_set(err, ERR_CONFIG, "the '#!' line of the %s '%s' names no interpreter",
			       what, name);
	char *path = absolute(cwd, interpreter);
	if (!path)
		return err_set(err, ERR_INTERNAL, "out of memory");
	int absent = access(path, F_OK) ? errno : 0;
	bool fine = may_execute(path);
	free(path);
	if (absent && !says_absent(absent))
		return err_sys(err, ERR_CONFIG, absent,
			       "cannot look at '%s', which the %s '%s' needs", interpreter, what,
			       name);
	if (absent)
		return err_set(
			err, ERR_CONFIG,
			"the %s '%s' needs '%s', which does not exist; install it, or mend the first line of '%s'",
			what, name, interpreter, name);
	if (!fine)
		return err_set(err, ERR_CONFIG, "the %s '%s' needs '%s', which cannot be executed",
			       what, name, interpreter);
	const char *base = strrchr(interpreter, '/');
	if (strcmp(base ? base + 1 : interpreter, "env") == 0)
		return check_env(what, name, argument, cwd, path_env, err);
	return 0;
}

/* Whether the kernel knows how to start the file. One that cannot be read is left to it. */
static int check_form(const char *what, const char *name, const char *path, const char *cwd,
		      const char *path_env, struct err *err)
{
	char head[HEAD_BYTES + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, head, HEAD_BYTES);
	close(fd);
	if (n < 0)
		return err_sys(err, ERR_CONFIG, errno, "cannot read the %s '%s'", what, name);
	head[n] = '\0';
	if (n >= 4 && memcmp(head, "\177ELF", 4) == 0)
		return 0;
	if (n >= 5 && memcmp(head, "\xef\xbb\xbf#!", 5) == 0)
		return err_set(
			err, ERR_CONFIG,
			"the %s '%s' begins with a byte order mark; sed -i '1s/^\\xEF\\xBB\\xBF//' '%s'",
			what, name, path);
	if (n < 2 || memcmp(head, "#!", 2) != 0)
		return err_set(
			err, ERR_CONFIG,
			"the %s '%s' has no '#!' line; begin it with the interpreter's, such as #!/bin/sh",
			what, name);
	char *line = head + 2;
	line[strcspn(line, "\n")] = '\0';
	size_t length = strlen(line);
	bool returns = length && line[length - 1] == '\r';
	while (length && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	return check_script(what, name, line, returns, cwd, path_env, err);
}

/* Sets *out to the program's path. */
static int find(const char *what, const char *name, const char *cwd, const char *path_env,
		char **out, struct err *err)
{
	char *blocked = NULL;
	int rc;
	if (strchr(name, '/'))
		return (*out = absolute(cwd, name)) ? 0
						    : err_set(err, ERR_INTERNAL, "out of memory");
	rc = search_path(name, cwd, path_env, out, &blocked);
	if (rc == 0 && blocked) {
		*out = blocked;
		return 0;
	}
	free(blocked);
	if (rc)
		return rc > 0 ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
	char *here = absolute(cwd, name);
	bool there = here && access(here, F_OK) == 0;
	free(here);
	if (there)
		return err_set(err, ERR_CONFIG, "the %s '%s' is not in PATH; did you mean './%s'?",
			       what, name, name);
	return err_set(err, ERR_CONFIG,
		       "the %s '%s' is not in PATH; install it, or name it by its path%s", what,
		       name, advice(name));
}

int words_resolve(struct words *w, const char *cwd, const char *path_env, struct err *err)
{
	char **paths = calloc(w->count + 1, sizeof *paths);
	int rc = paths ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; rc == 0 && i < w->count; i++) {
		const char *name = w->stages[i][0];
		rc = find(w->what, name, cwd, path_env, &paths[i], err);
		if (rc == 0)
			rc = check_file(w->what, name, paths[i], err);
		if (rc == 0)
			rc = check_form(w->what, name, paths[i], cwd, path_env, err);
	}
	char **old = rc ? paths : w->paths;
	if (rc == 0)
		w->paths = paths;
	for (size_t i = 0; old && i < w->count; i++)
		free(old[i]);
	free(old);
	return rc;
}
