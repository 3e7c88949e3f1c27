/* handler/told: what a process writes goes out to the log and to who watches, a line at a time: as
 * it comes, or, of a stdout that was kept for a reply, when it turned out to be none. Lines come in
 * redacted and cut (output.c). Invariant: a line names the update that can have caused it, or the
 * size of the batch where several can. */
#include <string.h>

#include "handler/handler_internal.h"
#include "handler/output.h"

void told_line(struct handler *h, const struct claim *c, size_t batch, int which, const char *text,
	       size_t n)
{
	const struct handlers_config *config = &h->room->config;
	const char *stream = which == 1 ? "stdout" : "stderr";
	if (config->output)
		config->output(config->arg, h, c, which, text, n);
	if (!log_wants(config->log, LOG_INFO))
		return;
	if (c)
		log_event(config->log, LOG_INFO,
			  LOG_FIELDS(LOG_STR("stream", stream), CLAIM_LOG_ID(c),
				     LOG_STR("key", c->keys)),
			  "%s", text);
	else
		log_event(config->log, LOG_INFO,
			  LOG_FIELDS(LOG_STR("stream", stream), LOG_NUM("batch", (int64_t)batch)),
			  "%s", text);
}

struct told {
	struct handler *h;
	const struct claim *claim;
};

static void on_line(void *arg, int which, char *text, size_t n)
{
	const struct told *t = arg;
	told_line(t->h, t->claim, 1, which, text, n);
}

void handler_tell_stdout(struct handler *h, const struct claim *c, const char *text, size_t n)
{
	struct told told = { h, c };
	struct output o;
	output_init(&o, h->policy.max_output, h->room->config.secret, on_line, &told);
	output_feed(&o, 1, text, n);
	output_end(&o);
	output_release(&o);
}
