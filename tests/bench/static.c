/* tests/bench/static: the smallest handler: linked statically, it reads its stdin to the end, and
 * is done. */
#include <unistd.h>

int main(void)
{
	char bytes[65536];
	ssize_t n;
	while ((n = read(0, bytes, sizeof bytes)) > 0)
		;
	return n < 0;
}
