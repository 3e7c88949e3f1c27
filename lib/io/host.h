/* io/host: what can be told of a host by its name alone; nobody is asked. */
#ifndef TGRUN_IO_HOST_H
#define TGRUN_IO_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the host of a URL (`n` bytes, an IPv6 address in brackets) is this machine: no proxy is
 * asked for it, and what is sent there nobody else can read. The names are those of RFC 6761, 6.3:
 * `localhost` and all that ends in `.localhost`. */
bool host_is_loopback(const char *host, size_t n);

#endif
