/* tests/bench/worker: a worker that does nothing. In: how many updates it takes at once, and
 * perhaps `whole`, if it wants what a line may have besides the update; updates on stdin as
 * tgrun-handler(7) says. Out: each is answered on descriptor 3; the answers to what one read()
 * brought are one write(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 256 * 1024 };

static void say(const char *text, size_t n)
{
	for (ssize_t m; n; text += m, n -= (size_t)m)
		if ((m = write(3, text, n)) <= 0)
			exit(74);
}

/* The answer to a line that begins {"v":1,"id":"1234.1", and is shorter than the line. */
static size_t reply(const char *line, char *out)
{
	static const char before[] = "{\"id\":\"", after[] = "\",\"ok\":true}\n";
	const char *id = strstr(line, "\"id\":\""), *end = id ? strchr(id + 6, '"') : NULL;
	if (!end)
		exit(65);
	size_t n = (size_t)(end - (id + 6));
	memcpy(out, before, sizeof before - 1);
	memcpy(out + sizeof before - 1, id + 6, n);
	memcpy(out + sizeof before - 1 + n, after, sizeof after - 1);
	return sizeof before - 1 + n + sizeof after - 1;
}

int main(int argc, char **argv)
{
	static char in[ROOM], out[ROOM];
	size_t have = 0, length;
	ssize_t n;
	length = (size_t)snprintf(out, sizeof out, "{\"ready\":true,\"concurrency\":%d%s}\n",
				  argc > 1 ? atoi(argv[1]) : 1, argc > 2 ? "" : ",\"bare\":true");
	say(out, length);
	while ((n = read(0, in + have, sizeof in - have)) > 0) {
		char *line = in, *lf;
		have += (size_t)n;
		length = 0;
		while ((lf = memchr(line, '\n', have - (size_t)(line - in)))) {
			*lf = '\0';
			length += reply(line, out + length);
			line = lf + 1;
		}
		say(out, length);
		have -= (size_t)(line - in);
		memmove(in, line, have);
	}
	return n < 0 || have;
}
