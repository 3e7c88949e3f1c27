/* io/host: a host's name or address in; whether it is this machine out. No resolver is asked, so
 * the answer is the same with and without a network. */
#include "io/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

bool host_is_loopback(const char *host, size_t n)
{
	static const char local[] = ".localhost";
	char name[256];
	struct in_addr four;
	if (n == 0 || n >= sizeof name)
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	if (strcasecmp(name, "localhost") == 0 || strcasecmp(name, "localhost.") == 0 ||
	    strcmp(name, "[::1]") == 0)
		return true;
	size_t end = sizeof local - 1;
	if (n > end && strcasecmp(name + n - end, local) == 0)
		return true;
	return inet_pton(AF_INET, name, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}
