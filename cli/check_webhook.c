/* cli/check_webhook: a URL in, whether its server takes a connection out. Invariant: no request is
 * made, so the bot gets nothing to do. */
#include "cli/check_webhook.h"

#include <stdio.h>

#include "handler/webhook_url.h"
#include "io/http.h"

enum { CONNECT_TIME = 5000 /* milliseconds */ };

struct reached {
	struct loop *loop;
	bool well;
	char why[512];
};

static void on_reached(void *arg, struct http_response *response)
{
	struct reached *r = arg;
	r->well = response->failure == HTTP_OK;
	snprintf(r->why, sizeof r->why, "%s", response->reason);
	loop_stop(r->loop);
}

int check_webhook_reach(const struct setup *s, const char *url, struct err *err)
{
	char shown[WEBHOOK_SHOWN_MAX];
	struct reached r = { .loop = loop_new(err), .why = "out of memory" };
	struct http *http = r.loop ? http_new(r.loop, err) : NULL;
	bool made = http && http_trust(http, s->ca_file, s->ca_dirs) == 0;
	if (made && http_reach(http, url, CONNECT_TIME, on_reached, &r))
		loop_run(r.loop);
	webhook_url_show(url, shown);
	int rc =
		!http ? -1 /* `err` is told */
		: r.well
			? 0
			: err_set(err, ERR_UNAVAILABLE,
				  "'%s' cannot be reached: %s; a run would go on trying, and touch "
				  "no update before",
				  shown, r.why);
	http_free(http);
	loop_free(r.loop);
	return rc;
}
