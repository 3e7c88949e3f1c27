/* slot/words_script: a command whose program is an interpreter comes in; whether the script that it
 * is to run is there goes out. A kernel that starts `python3 nosuch.py` is content, and every
 * update would fail.
 *
 * Invariant: only what is certain is refused. What is no known interpreter, an option that is not
 * known to stand alone, and a script that may be found elsewhere (along PATH, with an ending added)
 * are let pass. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slot/words.h"

static const struct interpreter {
	const char *name;    /* perhaps with a version behind it: python3.12 */
	const char *letters; /* options that stand alone and let a script follow */
	const char *endings; /* tried too, each behind a space; NULL: none */
	bool along_path;     /* a name without a slash may be that of a program */
} interpreters[] = {
	{ "python", "bBdEIiOPqsSuv", NULL, false },
	{ "pypy", "bBdEIiOPqsSuv", NULL, false },
	{ "sh", "aefhkmnuvx", NULL, true },
	{ "bash", "aefhkmnuvxBCEHPT", NULL, true },
	{ "dash", "aefmnuvx", NULL, true },
	{ "ksh", "aefhkmnuvx", NULL, true },
	{ "zsh", "aefmnuvx", NULL, true },
	{ "perl", "tTuUwWX", NULL, false },
	{ "ruby", "wUd", NULL, false },
	{ "node", "", ".js .json .node .cjs .mjs", false },
	{ "nodejs", "", ".js .json .node .cjs .mjs", false },
	{ "php", "nq", NULL, false },
	{ "lua", "W", NULL, false },
	{ "luajit", "", NULL, false },
	{ "tclsh", "", NULL, false },
	{ "Rscript", "", NULL, false },
};

static const struct interpreter *find(const char *program)
{
	const char *base = strrchr(program, '/');
	base = base ? base + 1 : program;
	for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++) {
		size_t n = strlen(interpreters[i].name);
		if (strncmp(base, interpreters[i].name, n) == 0 &&
		    base[n + strspn(base + n, "0123456789.")] == '\0')
			return &interpreters[i];
	}
	return NULL;
}

/* Whether there is something at `name` and one of these endings, seen from `dir`. errno of the
 * plain name if not. */
static bool is_there(const char *dir, const char *name, const char *endings)
{
	char path[4096];
	bool absolute = *name == '/';
	int errnum = 0;
	for (const char *ending = ""; ending;) {
		size_t n = strcspn(ending, " ");
		if ((size_t)snprintf(path, sizeof path, "%s%s%s%.*s", absolute ? "" : dir,
				     absolute ? "" : "/", name, (int)n, ending) >= sizeof path ||
		    faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
			return true;
		errnum = errnum ? errnum : errno;
		ending = n == 0 ? endings : ending[n] ? ending + n + 1 : NULL;
	}
	errno = errnum;
	return false;
}

static bool is_in_path(const char *name, const char *list)
{
	for (size_t n; list && !strchr(name, '/'); list = list[n] ? list + n + 1 : NULL) {
		char dir[4096];
		n = strcspn(list, ":");
		snprintf(dir, sizeof dir, "%.*s", (int)n, list);
		if (is_there(*dir ? dir : ".", name, NULL))
			return true;
	}
	return false;
}

/* The words behind env's variables, NULL when it is told more than these. */
static char *const *behind_env(char *const *words)
{
	for (words++; *words && **words != '-' && strchr(*words, '='); words++)
		if (strncmp(*words, "PATH=", 5) == 0)
			return NULL;
	return *words ? words : NULL;
}

/* The script that this command's interpreter is to run; NULL when that cannot be told. */
static const char *script_of(char *const *words, const struct interpreter **which)
{
	const char *base = strrchr(words[0], '/');
	if (strcmp(base ? base + 1 : words[0], "env") == 0)
		words = behind_env(words);
	*which = words ? find(words[0]) : NULL;
	if (!*which)
		return NULL;
	for (words++; *words && **words == '-'; words++)
		if (!(*words)[1] || (*words)[1 + strspn(*words + 1, (*which)->letters)])
			return NULL;
	/* `node inspect x.js` is its debugger. */
	return *words && **words && strcmp(*words, "inspect") != 0 ? *words : NULL;
}

int words_check_scripts(const struct words *w, const char *dir, const char *path_env,
			struct err *err)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct interpreter *which;
		const char *script = script_of(w->stages[i], &which);
		if (!script || is_there(dir, script, which->endings))
			continue;
		int errnum = errno;
		if (which->along_path && is_in_path(script, path_env))
			continue;
		if (errnum != ENOENT && errnum != ENOTDIR)
			return err_sys(err, ERR_CONFIG, errnum,
				       "%s cannot read the %s's script '%s'", which->name, w->what,
				       script);
		return err_set(
			err, ERR_CONFIG,
			"the %s's script '%s', for %s to run, does not exist (looked for '%s%s%s')",
			w->what, script, which->name, *script == '/' ? "" : dir,
			*script == '/' ? "" : "/", script);
	}
	return 0;
}
