/* tests/bench/spawn: the limit of the machine. In: a file of lines, a number, a program. Out: the
 * program was started for each line, which is its stdin, so many at a time, by posix_spawn(3) and
 * nothing else: no order, no deadline, no store. Fails when any of them fails. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A pipe that holds the line and is closed at its other end. */
static int pipe_with(const char *line, size_t n)
{
	int fd[2];
	if (pipe2(fd, O_CLOEXEC) || write(fd[1], line, n) != (ssize_t)n)
		die("pipe");
	close(fd[1]);
	return fd[0];
}

static void start(char *program, const char *line, size_t n)
{
	posix_spawn_file_actions_t actions;
	char *argv[] = { program, NULL };
	pid_t pid;
	int in = pipe_with(line, n);
	if (posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, in, 0) ||
	    posix_spawn(&pid, program, &actions, NULL, argv, environ))
		die(program);
	posix_spawn_file_actions_destroy(&actions);
	close(in);
}

static void wait_for_one(void)
{
	int status;
	if (wait(&status) < 0)
		die("wait");
	if (status) {
		fprintf(stderr, "spawn: a program ended with raw status %d\n", status);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int running = 0, most = argc == 4 ? atoi(argv[2]) : 0;
	FILE *f = most > 0 ? fopen(argv[1], "re") : NULL;
	if (!f) {
		fputs("usage: spawn FILE NUMBER PROGRAM\n", stderr);
		return 2;
	}
	while ((n = getline(&line, &room, f)) > 0) {
		if (running == most) {
			wait_for_one();
			running--;
		}
		start(argv[3], line, (size_t)n);
		running++;
	}
	while (running-- > 0)
		wait_for_one();
	free(line);
	fclose(f);
	return 0;
}
