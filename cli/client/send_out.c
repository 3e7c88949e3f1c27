/* cli/client/send_out: the options in, the way out of a tool out. */
#include "cli/client/send_out.h"

#include <unistd.h>

#include "io/journal.h"

struct log *send_out_log(const struct setup *s)
{
	struct log *log = log_new(STDERR_FILENO, LOG_WARN, LOG_TEXT, &clock_system);
	if (!log)
		return NULL;
	log_set_secret(log, s->secret);
	log_set_journal(log, journal_is(STDERR_FILENO));
	return log;
}

struct out *send_out_new(struct setup *s, const struct out_config *own, struct err *err)
{
	struct out_config config = *own;
	if (!s->api.url && setup_api(s, err))
		return NULL;
	config.clock = &clock_system;
	config.api_root = s->api.url;
	config.api_login = s->api.login;
	config.ca_file = s->ca_file;
	config.ca_dirs = s->ca_dirs;
	config.secret = s->secret;
	config.rates = s->config.engine.out.rates;
	return out_new(&config, err);
}
