/* tests/unit/words: a handler's command line means what it would mean to sh, or is refused; and its
 * programs are found, or the reason is said. */
#include "slot/words.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/tap.h"

/* Words as [a][b c] and stages with | between. */
static const char *shown(const struct words *w)
{
	static struct buf b = { .max = 1 << 20 };
	buf_clear(&b);
	for (size_t i = 0; i < w->count; i++) {
		buf_adds(&b, i ? "|" : "");
		for (char **word = w->stages[i]; *word; word++)
			buf_addf(&b, "[%s]", *word);
	}
	return buf_str(&b);
}

static void test_good(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "./bot.sh", "[./bot.sh]" },
		{ "  ./bot.sh\t--lang  en ", "[./bot.sh][--lang][en]" },
		{ "./bot.sh\n", "[./bot.sh]" },
		{ "./bot.sh \r\n", "[./bot.sh]" },
		{ "'a b' c", "[a b][c]" },
		{ "a'b'\"c\"d", "[abcd]" },
		{ "x ''", "[x][]" },
		{ "x \"\" y", "[x][][y]" },
		{ "x 'a\"b' \"a'b\"", "[x][a\"b][a'b]" },
		{ "x \"\\$HOME \\\" \\\\ \\n \\`\"", "[x][$HOME \" \\ \\n `]" },
		{ "x '$HOME `id` > < ; & * \\'", "[x][$HOME `id` > < ; & * \\]" },
		{ "x a\\ b \\$c \\| \\'", "[x][a b][$c][|][']" },
		{ "x a\\\nb \"c\\\nd\"", "[x][ab][cd]" },
		{ "x 'two\nlines'", "[x][two\nlines]" },
		{ "jq -c .message | ./bot.sh", "[jq][-c][.message]|[./bot.sh]" },
		{ "a|b|c", "[a]|[b]|[c]" },
		{ "a '|' \"|\" | b", "[a][|][|]|[b]" },
		{ "x a#b a~b a=b !", "[x][a#b][a~b][a=b][!]" },
		{ "x A=1 --k=v", "[x][A=1][--k=v]" },
		{ "'A=1' x", "[A=1][x]" },
		{ "x \xc3\xa9t\xc3\xa9", "[x][\xc3\xa9t\xc3\xa9]" },
		{ "a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a",
		  "[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]|[a]" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct words w;
		struct err err = { 0 };
		int rc = words_split(rows[i].text, "handler", &w, &err);
		const char *name = strchr(rows[i].want, '\n') ? "a line feed between quotes is kept"
							      : rows[i].want;
		if (is_str(rc ? err.text : shown(&w), rows[i].want, name))
			ok(rc || (w.stages[w.count] == NULL && w.paths == NULL),
			   "the stages end in NULL, and no path is known yet");
		words_release(&w);
	}
}

static void test_bad(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "the handler is empty" },
		{ " \n", "the handler is empty" },
		{ "''", "the name of the handler's program is empty" },
		{ "x 'abc",
		  "the quote (') that opens at character 3 of the handler is not closed" },
		{ "x \"abc",
		  "the quote (\") that opens at character 3 of the handler is not closed" },
		{ "x \"abc\\\"", "the quote (\") that opens at character 3" },
		{ "x \\", "the handler ends in a backslash" },
		{ "| x", "a stage of the handler's pipeline is empty at character 1" },
		{ "x |", "a stage of the handler's pipeline is empty" },
		{ "x | | y", "a stage of the handler's pipeline is empty at character 5" },
		{ "x || y", "'||' at character 3" },
		{ "x $HOME",
		  "an unquoted '$' at character 3, and no shell runs it: quote it, or start a shell: -- sh -c 'x $HOME'" },
		{ "x \"$HOME\"", "a '$' between double quotes at character 4" },
		{ "x \"`id`\"", "a backquote (`) between double quotes at character 4" },
		{ "x `id`", "an unquoted backquote (`) at character 3" },
		{ "\xc3\xa9 > y", "an unquoted '>' at character 3" },
		{ "x < y", "an unquoted '<' at character 3" },
		{ "x; y", "an unquoted ';' at character 2" },
		{ "x & y", "an unquoted '&' at character 3" },
		{ "x && y", "an unquoted '&' at character 3" },
		{ "x\ny", "a line feed at character 2" },
		{ "x\r\ny", "a carriage return at character 2" },
		{ "ls *.txt", "an unquoted '*' at character 4" },
		{ "ls a?", "an unquoted '?' at character 5" },
		{ "ls [ab]", "an unquoted '[' at character 4" },
		{ "ls ~/x", "an unquoted '~' at character 4" },
		{ "ls # all", "an unquoted '#' at character 4" },
		{ "(x)", "an unquoted '(' at character 1" },
		{ "x )", "an unquoted ')' at character 3" },
		{ "{ x", "an unquoted '{' at character 1" },
		{ "x {a,b}", "an unquoted '{' at character 3" },
		{ "A=1 ./bot.sh", "set a variable by --env 'A=1'" },
		{ "x | B=2 y", "set a variable by --env 'B=2'" },
		{ "echo 'a' $x", "-- sh -c '\xe2\x80\xa6'" },
		{ "a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a", "the handler has more than 16 stages" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct words w;
		struct err err = { 0 };
		int rc = words_split(rows[i].text, "handler", &w, &err);
		if (!ok(rc == -1 && err.status == ERR_USAGE && strstr(err.text, rows[i].want) &&
				!w.stages,
			"refused: %s", rows[i].want))
			diag("got %d '%s' for '%s'", rc, rc ? err.text : shown(&w), rows[i].text);
		words_release(&w);
		rc = words_split(rows[i].text, "hook", &w, &err);
		if (!ok(rc == -1 && !strstr(err.text, "handler") && !strstr(err.text, ": -- "),
			"… and a hook is not called a handler"))
			diag("got %d '%s' for '%s'", rc, rc ? err.text : shown(&w), rows[i].text);
		words_release(&w);
	}
}

/* Random texts: whatever is taken, sh takes for the same words. */
static void test_like_sh(void)
{
	static const char alphabet[] = "aab \\\\''\"\"$`#~=*;-";
	struct buf script = { .max = 1 << 20 }, want = { .max = 1 << 20 }, got = { .max = 1 << 20 };
	char path[] = "/tmp/words-sh-XXXXXX", command[64], bytes[4096];
	int taken = 0;
	size_t n;
	srand(11);
	for (int i = 0; i < 20000; i++) {
		char text[12];
		struct words w;
		size_t length = 1 + (size_t)rand() % (sizeof text - 1);
		for (size_t k = 0; k < length; k++)
			text[k] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
		text[length] = '\0';
		if (words_split(text, "handler", &w, NULL) == 0) {
			buf_addf(&script, "set -- %s\nprintf '[%%s]' \"$@\"; echo\n", text);
			buf_addf(&want, "%s\n", shown(&w));
			taken++;
		}
		words_release(&w);
	}
	int fd = mkstemp(path);
	bool written = fd >= 0 && write(fd, script.data, script.len) == (ssize_t)script.len &&
		       close(fd) == 0;
	snprintf(command, sizeof command, "/bin/sh %s", path);
	FILE *sh = written ? popen(command, "re") : NULL;
	while (sh && (n = fread(bytes, 1, sizeof bytes, sh)) > 0)
		buf_add(&got, bytes, n);
	ok(sh && pclose(sh) == 0, "sh reads %d random command lines that were taken", taken);
	unlink(path);
	if (!ok(taken > 1000 && strcmp(buf_str(&got), buf_str(&want)) == 0,
		"and finds the same words in them")) {
		size_t same = 0;
		while (same < got.len && same < want.len && got.data[same] == want.data[same])
			same++;
		diag("sh finds '%.60s', wanted '%.60s'", buf_str(&got) + same,
		     buf_str(&want) + same);
	}
	buf_release(&script);
	buf_release(&want);
	buf_release(&got);
}

static void test_argv(void)
{
	struct words w;
	struct err err = { 0 };
	ok(words_from_argv((char *[]){ "python3", "a | b $c", "", NULL }, &w, &err) == 0,
	   "words after -- are taken as they are");
	is_str(shown(&w), "[python3][a | b $c][]", "in one stage");
	words_release(&w);
	ok(words_from_argv((char *[]){ NULL }, &w, &err) == -1 && err.status == ERR_USAGE,
	   "no words are an error");
	ok(words_from_argv((char *[]){ "", NULL }, &w, &err) == -1 && err.status == ERR_USAGE,
	   "an empty program is an error");
}

static char dir[] = "/tmp/words-XXXXXX";

static void file(const char *name, const char *content, mode_t mode)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	if (!f || fputs(content, f) < 0 || fclose(f) || chmod(path, mode))
		printf("Bail out! cannot write %s\n", path), exit(1);
}

/* What words_resolve() says of `command`, with DIR for the test's directory; the paths of a
 * success. */
static const char *resolved_as(const char *what, const char *command, const char *path_env)
{
	static char out[2048];
	struct words w;
	struct err err = { 0 };
	out[0] = '\0';
	if (words_split(command, what, &w, &err) == 0 &&
	    words_resolve(&w, dir, path_env, &err) == 0)
		for (size_t i = 0; i < w.count; i++) {
			bool ours = strncmp(w.paths[i], dir, strlen(dir)) == 0;
			snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s%s",
				 i ? " " : "", ours ? "DIR" : "",
				 w.paths[i] + (ours ? strlen(dir) : 0));
		}
	else
		snprintf(out, sizeof out, "%d %s", err.status, err.text);
	words_release(&w);
	return out;
}

static const char *resolved(const char *command, const char *path_env)
{
	return resolved_as("handler", command, path_env);
}

static void says(const char *command, const char *path_env, const char *want)
{
	const char *got = resolved(command, path_env);
	if (!ok(strstr(got, want) != NULL, "%s: %s", command, want))
		diag("got '%s'", got);
	got = resolved_as("hook", command, path_env);
	if (!ok(!strstr(got, "handler"), "… and a hook is not called a handler"))
		diag("got '%s'", got);
}

static void test_resolve(void)
{
	char path[512], sub[256];
	if (!mkdtemp(dir))
		printf("Bail out! no directory\n"), exit(1);
	snprintf(sub, sizeof sub, "%s/bin", dir);
	mkdir(sub, 0700);
	snprintf(path, sizeof path, "%s:/usr/bin:/bin", sub);
	file("ok.sh", "#!/bin/sh\n", 0755);
	file("bin/tool", "#! /bin/sh -e \n", 0755);
	file("bin/locked", "#!/bin/sh\n", 0644);
	file("plain.sh", "#!/bin/sh\n", 0644);
	file("bare.sh", "echo hello\n", 0755);
	file("empty.sh", "", 0755);
	file("dos.sh", "#!/bin/sh\r\necho\r\n", 0755);
	file("bom.sh", "\xef\xbb\xbf#!/bin/sh\n", 0755);
	file("lost.sh", "#!/no/such/sh\n", 0755);
	file("none.sh", "#! \n", 0755);
	file("noexec.sh", "#!/etc/passwd\n", 0755);
	file("env.sh", "#!/usr/bin/env sh\n", 0755);
	file("envno.py", "#!/usr/bin/env nosuchpython\n", 0755);
	file("envargs.sh", "#!/usr/bin/env sh -e\n", 0755);
	file("envs.sh", "#!/usr/bin/env -S sh -e\n", 0755);
	file("envsno.sh", "#!/usr/bin/env -iS -u X A=1 nosuchsh -e\n", 0755);
	file("envi.sh", "#!/usr/bin/env -i\n", 0755);
	snprintf(sub, sizeof sub, "%s/link.sh", dir);
	ok(symlink("nothing", sub) == 0, "a link to nothing is made");

	is_str(resolved("./ok.sh", path), "DIR/ok.sh", "a name with a slash is made absolute");
	is_str(resolved("bin/../ok.sh", path), "DIR/bin/../ok.sh",
	       "and links in it are not resolved");
	is_str(resolved("/bin/sh", path), "/bin/sh", "an absolute one stays");
	is_str(resolved("tool | /bin/sh | ./ok.sh", path), "DIR/bin/tool /bin/sh DIR/ok.sh",
	       "a bare name is looked for in PATH; each stage has its path");
	is_str(resolved("ok.sh", ":/usr/bin"), "DIR/ok.sh",
	       "an empty entry of PATH is the current directory");
	is_str(resolved("tool", "bin"), "DIR/bin/tool", "a relative one begins there");
	is_str(resolved("./env.sh", path), "DIR/env.sh",
	       "env with a program that is there is fine");
	is_str(resolved("./envs.sh", path), "DIR/envs.sh", "env -S too");
	is_str(resolved("./envi.sh", path), "DIR/envi.sh", "what env alone can tell is left to it");
	says("sh", NULL, "/bin/sh");
	says("ok.sh", path, "78 the handler 'ok.sh' is not in PATH; did you mean './ok.sh'?");
	says("nosuchtool", path, "78 the handler 'nosuchtool' is not in PATH; install it");
	says("locked", path, "78 the handler 'locked' is not executable; chmod +x '");
	says("./nosuch", path, "78 the handler './nosuch' does not exist");
	says("./ok.sh/x", path, "Not a directory");
	says("./link.sh", path, "78 the handler './link.sh' is a symbolic link to nothing");
	says("./bin", path, "78 the handler './bin' is a directory");
	says("/dev/null", path, "78 the handler '/dev/null' is no regular file");
	says("./plain.sh", path, "78 the handler './plain.sh' is not executable; chmod +x '");
	says("./bare.sh", path, "78 the handler './bare.sh' has no '#!' line");
	says("./empty.sh", path, "78 the handler './empty.sh' has no '#!' line");
	says("./dos.sh", path,
	     "78 the first line of the handler './dos.sh' ends in a carriage return; sed -i");
	says("./bom.sh", path, "78 the handler './bom.sh' begins with a byte order mark");
	says("./lost.sh", path,
	     "78 the handler './lost.sh' needs '/no/such/sh', which does not exist");
	says("./none.sh", path, "78 the '#!' line of the handler './none.sh' names no interpreter");
	says("./noexec.sh", path,
	     "78 the handler './noexec.sh' needs '/etc/passwd', which cannot be executed");
	says("./envno.py", path,
	     "78 the handler './envno.py' needs 'nosuchpython', which is not in PATH");
	says("./envargs.sh", path,
	     "makes env look for a program called 'sh -e'; write 'env -S sh -e'");
	says("./envsno.sh", path, "needs 'nosuchsh', which is not in PATH");

	struct words w;
	struct err err;
	ok(words_split("./ok.sh", "handler", &w, &err) == 0 &&
		   words_resolve(&w, dir, path, &err) == 0 &&
		   words_resolve(&w, dir, path, &err) == 0 && w.paths,
	   "paths may be found again");
	words_release(&w);
	snprintf(path, sizeof path, "rm -rf '%s'", dir);
	ok(system(path) == 0, "the directory is gone");
}

int main(void)
{
	RUN(test_good);
	RUN(test_bad);
	RUN(test_like_sh);
	RUN(test_argv);
	RUN(test_resolve);
	return done_testing();
}
