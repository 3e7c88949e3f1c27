/* cli/check_answers: how answers leave, for tgrun check: options in, a sentence out. */
#include "cli/check_answers.h"

#include <stdio.h>

#include "reply/reply.h"

void check_answers_way(const struct setup *s, char *out, size_t n)
{
	const struct engine_policy *policy = &s->config.engine;
	size_t last = s->config.route.count, replies = 0;
	for (size_t i = 0; i <= last; i++)
		replies += s->routes[i].policy.reply != REPLY_NONE;
	const char *calls =
		engine_door_built(NULL)
			? "'tgrun send' goes through this tgrun, calls by TG_API_URL straight to "
			  "the server"
		: policy->serve_api ? "calls by TG_API_URL go through this tgrun, in the order of "
				      "their chat (--serve-api)"
		: policy->hide_token
			? "'tgrun call' and 'tgrun send' go through this tgrun (--hide-token)"
			: "'tgrun call' and 'tgrun send' go through this tgrun, calls by "
			  "TG_API_URL straight to the server";
	if (replies == 0)
		snprintf(out, n, "what handlers print is logged, not sent (--reply none); %s",
			 calls);
	else if (replies > last && s->routes[last].policy.reply != REPLY_NONE)
		snprintf(out, n, "what handlers print is sent (--reply %s); %s",
			 reply_mode_name(s->routes[last].policy.reply), calls);
	else
		snprintf(out, n,
			 "what handlers print is sent in %zu of %zu routes, the handler's own "
			 "counted; %s",
			 replies, last + 1, calls);
}
