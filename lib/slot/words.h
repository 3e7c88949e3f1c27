/* slot/words: the command line of a handler, a hook or a source cut into words and stages as a
 * shell would, without a shell; and the program of each stage found.
 *
 * Quotes and backslashes are those of sh (POSIX.1-2017, Shell Command Language, 2.2). Whatever
 * would need a shell is an error that says so: nothing is expanded, and nothing is quietly taken as
 * it stands. */
#ifndef TGRUN_SLOT_WORDS_H
#define TGRUN_SLOT_WORDS_H

#include <stddef.h>

#include "base/err.h"

enum { WORDS_STAGES_MAX = 16 };

/* A pipeline. Fits `struct command_spec` (slot/slots.h) as it is. */
struct words {
	char ***stages; /* `count` vectors of words, each ended by NULL, and a NULL at the end */
	char **paths;   /* of each stage's program, absolute: set by words_resolve(), NULL before */
	size_t count;
	const char *what; /* "handler", "hook", …: what errors call it */
};

/* Cuts `text`, which errors call `what` (kept, not copied; only "handler" is advised to use `--`).
 * 0, or -1 with `err` (ERR_USAGE) that names what is wrong and at which character (from 1). `out`
 * is overwritten without looking at it, and empty after an error. */
int words_split(const char *text, const char *what, struct words *out, struct err *err);

/* One stage of the handler, its words copied from `argv`, which ends in NULL. 0, or -1 with `err`
 * (ERR_USAGE: there is none, or the first is empty). */
int words_from_argv(char *const *argv, struct words *out, struct err *err);

/* Finds each stage's program and sets `paths`. A name with a slash is taken from `cwd` (absolute;
 * links are not resolved), another is looked for along `path_env`, as execvp(3) would (NULL: the
 * system's default). The program must be an executable file, of a form that the kernel can start,
 * with an interpreter that is there. 0, or -1 with `err` (ERR_CONFIG; ERR_INTERNAL when memory is
 * out) that says what would mend it. May be called again. */
int words_resolve(struct words *w, const char *cwd, const char *path_env, struct err *err);

/* Whether the scripts that interpreters among the stages are to run (`python3 bot.py`, `env A=b sh
 * -e x.sh`) are there, seen from `dir` (absolute), in which they start; of shells also along
 * `path_env`. Says nothing of what it does not know for certain. 0, or -1 with `err`
 * (ERR_CONFIG). */
int words_check_scripts(const struct words *w, const char *dir, const char *path_env,
			struct err *err);

/* Frees; `w` is then empty. An empty one, { 0 }, is fine. */
void words_release(struct words *w);

#endif
