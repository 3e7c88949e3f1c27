/* tests/unit/options: defaults, the order of the sources, the token, and what each mistake is told.
 */
#include <sys/stat.h>

#include "base/log.h"
#include "handler/handler.h"
#include "tests/unit/options_rig.h"

static void test_defaults(void)
{
	struct config c;
	struct err err;
	ok(parse(&c, "--handler h", "HOME=/ TG_X=1", &err) == 0,
	   "a handler is all that must be given");
	is_num(c.command, COMMAND_RUN, "run may be left out");
	ok(!c.command_given, "and it is known that it was");
	is_num(c.policy.handler.timeout, 60000, "timeout is 60s");
	is_num(c.policy.handler.kill_after, 5000, "kill-after is 5s");
	is_num(c.engine.concurrency, 16, "concurrency is 16");
	is_num(c.policy.handler.max_output, 1 << 20, "max-output is 1M");
	is_num(c.engine.min_free, 64 << 20, "min-free is 64M");
	is_num(c.poll.timeout, 30000, "poll-timeout is 30s");
	is_num(c.poll.give_up_after, 0, "it never gives up");
	is_num(c.log_level, LOG_INFO, "log-level is info");
	is_num(c.policy.handler.background, BACKGROUND_WAIT, "background is wait");
	is_num(c.policy.handler.outcome.on_failure, ON_FAILURE_DEAD, "on-failure is dead");
	is_str(c.api_url, "https://api.telegram.org", "api-url is Telegram's");
	ok(c.lists.key.count == 1 && strcmp(c.lists.key.items[0], "chat") == 0, "key is chat");
	ok(c.engine.dead_keep == -1 && c.engine.dead_keep_age == -1, "all dead letters are kept");
	ok(!c.token && !c.state_dir && !c.once && c.warning_count == 0,
	   "nothing else is set, and nothing is warned of");
	is_num(config_origin(&c, &c.policy.handler.timeout), ORIGIN_DEFAULT,
	       "the origin is the default");
	config_release(&c);
	ok(parse(&c, "--handler h --once --log-level debug --background kill --log-format json", "",
		 &err) == 0,
	   "some words");
	is_num(c.poll.give_up_after, 30000, "with --once it gives up after 30s");
	is_num(c.log_level, LOG_DEBUG, "debug is debug");
	is_num(c.log_format, LOG_JSON, "json is JSON");
	is_num(c.policy.handler.background, BACKGROUND_KILL, "kill is kill");
	config_release(&c);
	ok(parse(&c, "--handler h --once --give-up-after 0", "", &err) == 0 &&
		   c.poll.give_up_after == 0,
	   "unless it was given");
	config_release(&c);
}

static void test_order(void)
{
	struct config c;
	struct err err;
	char words[512], out[256];
	static const char text[] =
		"timeout = 1\nkey = user\nkey = topic\nhandler = from-file\nlimit = 5\nonce = yes\ntoken = 1:fromfile\n";
	write_file(text, sizeof text - 1);
	snprintf(words, sizeof words, "--config %s", file);
	ok(parse(&c, words, "", &err) == 0, "a file alone");
	ok(c.lists.key.count == 2 && strcmp(c.lists.key.items[0], "user") == 0 &&
		   strcmp(c.lists.key.items[1], "topic") == 0,
	   "a list keeps the order of its lines");
	is_num(c.policy.handler.timeout, 1000, "a bare number is seconds");
	snprintf(words, sizeof words, "config file '%s', line 5", file);
	is_str(config_where(&c, &c.poll.limit, out, sizeof out), words,
	       "the place of a value is its file and line");
	config_release(&c);

	snprintf(
		words, sizeof words,
		"TGRUN_CONFIG=%s TGRUN_TIMEOUT=2 TGRUN_KEY=none TGRUN_ONCE=no TGRUN_LIMIT= TGRUN_TOKEN_FILE=f",
		file);
	ok(parse(&c, "", words, &err) == 0, "the environment over the file");
	ok(c.policy.handler.timeout == 2000 && c.poll.limit == 5 && !c.once,
	   "beats it; an empty variable does not");
	ok(c.lists.key.count == 1 && strcmp(c.lists.key.items[0], "none") == 0,
	   "its list replaces the file's");
	ok(!c.token && c.token_file, "its token-file beats the file's token");
	is_str(config_where(&c, &c.policy.handler.timeout, out, sizeof out), "TGRUN_TIMEOUT",
	       "the place is the variable");
	config_release(&c);

	ok(parse(&c, "--timeout 3 --timeout=4 --key user --key=topic --token 2:argv --handler me",
		 words, &err) == 0,
	   "the command line over both");
	ok(c.policy.handler.timeout == 4000 && strcmp(c.handler, "me") == 0,
	   "beats them, and its last wins");
	ok(c.lists.key.count == 2 && strcmp(c.lists.key.items[1], "topic") == 0,
	   "its lists add up among themselves");
	ok(c.token && strcmp(c.token, "2:argv") == 0 && !c.token_file,
	   "its token beats the variable's file");
	is_str(config_where(&c, &c.policy.handler.timeout, out, sizeof out), "option '--timeout'",
	       "the place is the option");
	config_release(&c);

	ok(parse(&c, "--handler x", "TGRUN_ENV=A=1\nB=2\n\n", &err) == 0 && c.env.count == 2 &&
		   strcmp(c.env.items[1], "B=2") == 0,
	   "a list in a variable has an item a line");
	config_release(&c);
	ok(parse(&c, "--once -- python3 bot.py --timeout 3 -- x", words, &err) == 0,
	   "a handler after --");
	ok(!c.handler && c.handler_argv.count == 6 &&
		   strcmp(c.handler_argv.items[2], "--timeout") == 0 && !c.handler_argv.items[6] &&
		   c.policy.handler.timeout == 2000,
	   "beats the file's, and its words are its own");
	config_release(&c);
	ok(parse(&c, "dead drop 3 --json -- 4", words, &err) == 0 && c.command == COMMAND_DEAD &&
		   c.json && c.arguments.count == 3 && strcmp(c.arguments.items[2], "4") == 0,
	   "dead has arguments, and may share a config file with run");
	config_release(&c);
	ok(parse(&c, "--handler x check", "", &err) == 0 && c.command == COMMAND_CHECK &&
		   c.command_given,
	   "the sub-command may stand after options");
	config_release(&c);
	ok(parse(&c, "help status", "TGRUN_BAD=1 TGRUN_TIMEOUT=x", &err) == 0 &&
		   c.command == COMMAND_HELP && strcmp(c.arguments.items[0], "status") == 0,
	   "'help' asks for that of a sub-command, whatever else is wrong");
	config_release(&c);
	ok(parse(&c, "help", "", &err) == 0 && c.command == COMMAND_HELP && !c.arguments.count,
	   "or of all");
	config_release(&c);
	ok(parse(&c, "-h", "TGRUN_BAD=1", &err) == 0 && c.help,
	   "-h asks for help, whatever else is wrong");
	config_release(&c);
	ok(parse(&c, "dead -V --bad", "", &err) == 0 && c.version, "-V asks for the version");
	config_release(&c);
	config_release(&c);
	ok(c.command == 0, "a released config may be released again");
}

static void test_token(void)
{
	struct config c;
	struct err err = { 0 };
	char a[] = "123456:AAHsecretsecretsecret", b[] = "--token=123456:AAHsecretsecretsecret",
	     bad[] = "noColonSecret";
	char *argv[] = { "tgrun", "--token", a, b, "--handler", "h", NULL };
	char **copy = options_copy(argv);
	ok(options_parse(&c, 6, argv, NULL, &err) == 0, "a token");
	is_str(c.token, "123456:AAHsecretsecretsecret", "is taken");
	is_str(a, "123456:*********************", "and overwritten in argv, with its length kept");
	is_str(b, "--token=123456:*********************", "in the other form too");
	config_release(&c);
	ok(options_parse(&c, 6, copy, NULL, &err) == 0 &&
		   strcmp(c.token, "123456:AAHsecretsecretsecret") == 0,
	   "a copy of argv may be parsed again");
	config_release(&c);
	options_free_copy(copy);
	argv[2] = bad;
	argv[3] = NULL;
	options_parse(&c, 3, argv, NULL, &err);
	is_str(bad, "*************", "what is no token is overwritten wholly");
	config_release(&c);
	ok(parse(&c, "123456:AAHsecretsecretsecret", "", &err) == -1 &&
		   !strstr(err.text, "secret") && strstr(err.text, "123456:***"),
	   "a token at a wrong place does not come out in the error");
	config_release(&c);
}

static const char bot_in_url[] =
	"option '--api-url': the URL goes on with '/bot', which tgrun adds, and the token; give the server's root only, "
	"such as 'https://api.telegram.org', and the token by --token-file";

static void refused(const char *arguments, const char *environment, int status, const char *want)
{
	struct config c;
	struct err err;
	int rc = parse(&c, arguments, environment, &err);
	if (!ok(rc == -1 && err.status == status && strcmp(err.text, want) == 0, "refused: %s",
		want))
		diag("got %d, %d '%s'", rc, err.status, err.text);
	config_release(&c);
}

static void test_routes(void)
{
	struct config c;
	struct err err;
	char words[256];
	static const char text[] =
		"timeout = 7\nworkers = 3\nmax-attempts = 4\nroute = poll=./poll.sh --a=b\n"
		"[route \"/start\"]\nhandler = ./start.sh x\ntimeout = 5\nworkers = 2\nsticky = yes\n"
		"  [ route  \"callback_query\" ]  \n# buttons\nbatch-size = 9\nmode = batch\nmode = batch\nhandler = ./b.py\non-failure = retry\n";
	write_file(text, sizeof text - 1);
	snprintf(words, sizeof words, "--handler h --config %s", file);
	int rc = parse(&c, words, "", &err);
	if (!ok(rc == 0 && c.route.count == 3,
		"routes are lines and sections of the file, in their order")) {
		diag("got %d, %zu, '%s'", rc, c.route.count, err.text);
		return;
	}
	const struct route_config *r = c.route.items;
	is_str(r[0].match, "poll", "a line is cut at its first equals sign");
	is_str(r[0].handler, "./poll.sh --a=b", "and the rest is the command");
	is_str(r[1].match, "/start", "a section is named by its match");
	is_str(r[1].handler, "./start.sh x", "and has a handler");
	is_str(r[2].match, "callback_query", "white space in a section's line is left out");
	ok(r[1].set[offsetof(struct route_policy, handler.timeout)] &&
		   r[1].set[offsetof(struct route_policy, handler.sticky)] &&
		   !r[1].set[offsetof(struct route_policy, handler.kill_after)],
	   "it is known what a route sets");
	ok(r[1].policy.handler.timeout == 5000 && r[1].policy.handler.workers == 2 &&
		   r[1].policy.handler.sticky,
	   "which counts for it");
	ok(r[2].policy.handler.timeout == 7000 && r[2].policy.handler.outcome.max_attempts == 4 &&
		   r[2].policy.handler.kill_after == 5000,
	   "the rest is as for the handler");
	ok(r[2].policy.handler.workers == 0 && r[0].policy.handler.workers == 0 &&
		   r[0].policy.mode == 0,
	   "except how it is spoken to: a process for each update");
	ok(r[2].policy.mode == 1 && r[2].policy.batch_size == 9 &&
		   r[2].policy.handler.outcome.on_failure == ON_FAILURE_RETRY,
	   "unless it says otherwise");
	ok(c.policy.handler.timeout == 7000 && c.policy.handler.workers == 3,
	   "and the handler's own are untouched");
	config_release(&c);
	static const char gathers[] =
		"reply = text\n[route \"/a\"]\nhandler = x\nmode = batch\nbatch-by = chat\n"
		"[route \"/b\"]\nhandler = x\nmode = batch\n"
		"[route \"/c\"]\nhandler = x\nworkers = 1\nbatch-by = /message/media_group_id\nbatch-wait = 3\n";
	write_file(gathers, sizeof gathers - 1);
	rc = parse(&c, words, "", &err);
	r = c.route.items;
	if (ok(rc == 0 && c.route.count == 3 && strcmp(r[0].policy.batch_by, "chat") == 0 &&
		       !r[1].policy.batch_by &&
		       strcmp(r[2].policy.batch_by, "/message/media_group_id") == 0,
	       "a route has its own batch-by, which the others do not inherit")) {
		ok(r[0].policy.batch_wait == 1000 && r[1].policy.batch_wait == 200 &&
			   r[2].policy.batch_wait == 3000,
		   "which waits for a second, unless it says otherwise");
		ok(r[0].policy.reply == REPLY_TEXT && r[1].policy.reply == REPLY_NONE,
		   "and may answer, as no other batch does");
	}
	config_release(&c);
	write_file(text, sizeof text - 1);
	snprintf(words, sizeof words, "--handler h --config %s --route /a=x --route poll=y", file);
	ok(parse(&c, words, "", &err) == 0 && c.route.count == 2 &&
		   strcmp(c.route.items[1].handler, "y") == 0 &&
		   c.route.items[0].policy.handler.timeout == 7000,
	   "routes of the command line replace those of the file");
	config_release(&c);
	ok(parse(&c, "--handler h --source - --only /start,message --only poll", "", &err) == 0 &&
		   c.lists.only.count == 3,
	   "matches add up");
	config_release(&c);
}

static void test_errors(void)
{
	static const struct {
		const char *arguments, *environment, *want;
	} rows[] = {
		{ "", "", "no handler: say what runs for each update, such as --handler ./bot.sh" },
		{ "rnu", "", "unknown sub-command 'rnu'; did you mean 'run'?" },
		{ "./bot.sh", "",
		  "unknown sub-command './bot.sh'; did you mean '--handler ./bot.sh'?" },
		{ "xyzzy", "",
		  "unknown sub-command 'xyzzy'; there are 'run', 'try', 'check', 'dead', 'queue', 'status', 'stop', 'pause', 'resume', 'drain', 'outbox', "
		  "'send', 'call', 'cancel', 'push', 'list', 'help', 'reload' and 'fleet'" },
		{ "run more", "",
		  "unexpected argument 'more'; a handler follows '--handler' or '--'" },
		{ "--timeot 5", "", "unknown option '--timeot'; did you mean '--timeout'?" },
		{ "--timeot=5", "", "unknown option '--timeot'; did you mean '--timeout'?" },
		{ "-timeout 5", "", "unknown option '-timeout'; did you mean '--timeout'?" },
		{ "--no-onec", "", "unknown option '--no-onec'; did you mean '--no-once'?" },
		{ "--no-timeout", "", "unknown option '--no-timeout': '--timeout' takes a value" },
		{ "--no-once=1", "", "option '--no-once' takes no value" },
		{ "--xyzzy", "", "unknown option '--xyzzy'" },
		{ "-x", "", "unknown option '-x'" },
		{ "--timeout", "", "option '--timeout' needs a value: DURATION" },
		{ "--handler --once", "",
		  "option '--handler' needs a value, but '--once' follows; write '--handler=COMMAND|URL' if that is its value" },
		{ "--handler h --once=maybe", "",
		  "option '--once': 'maybe' is neither yes nor no" },
		{ "--handler h --limit 101", "",
		  "option '--limit': '101' is no whole number from 1 to 100" },
		{ "--handler h --limit 0", "",
		  "option '--limit': '0' is no whole number from 1 to 100" },
		{ "--handler h --concurrency 4097", "",
		  "option '--concurrency': '4097' is no whole number from 1 to 4096" },
		{ "--handler h --breaker -1", "",
		  "option '--breaker': '-1' is no whole number from 0 to 1000000" },
		{ "--handler h --backlog 99999999999999999999", "",
		  "option '--backlog': '99999999999999999999' is no whole number from 1 to 100000000" },
		{ "--handler h --poll-timeout 51", "",
		  "option '--poll-timeout': '51' is too long; at most 50s" },
		{ "--handler h --poll-timeout 1.5s", "",
		  "option '--poll-timeout': poll-timeout takes whole seconds" },
		{ "--handler h --max-output 0", "",
		  "option '--max-output': '0' is too small; at least 1" },
		{ "--handler h --speed-traffic-balance 1.5", "",
		  "option '--speed-traffic-balance': '1.5' is no number from 0 to 1 with up to three decimals, such as 0.5" },
		{ "--handler h --speed-traffic-balance .5", "",
		  "option '--speed-traffic-balance': '.5' is no number from 0 to 1 with up to three decimals, such as 0.5" },
		{ "--handler h --speed-traffic-balance 0.1234", "",
		  "option '--speed-traffic-balance': '0.1234' is no number from 0 to 1 with up to three decimals, such as 0.5" },
		{ "--handler h --retry-interval linear", "",
		  "option '--retry-interval': unknown value 'linear'; it takes exponential|quadratic|constant" },
		{ "--handler h --log-level inof", "",
		  "option '--log-level': unknown value 'inof'; did you mean 'info'?" },
		{ "--handler h --store postgres", "",
		  "option '--store': unknown value 'postgres'; did you mean 'postgresql://'? it takes sqlite, memory, or postgresql://HOST/DATABASE" },
		{ "--handler h --dead-keep some", "",
		  "option '--dead-keep': 'some' is neither 'all' nor a number nor an age such as '7d'" },
		{ "--handler h --chdir=", "", "option '--chdir': the value is empty" },
		{ "--handler h --env 1A=2", "",
		  "option '--env': '1A' is no name of a variable; give NAME or NAME=VALUE" },
		{ "--handler h --env =2", "",
		  "option '--env': '' is no name of a variable; give NAME or NAME=VALUE" },
		{ "--handler h --api-url ftp://x", "",
		  "option '--api-url': 'ftp://x' is no URL such as 'https://api.telegram.org'" },
		{ "--handler h --api-url http://@x", "",
		  "option '--api-url': the URL has nothing before the '@'" },
		{ "--handler h --api-url ftp://a:secret@x", "",
		  "option '--api-url': it is no URL such as 'https://api.telegram.org'" },
		{ "--handler h --api-url http://a:sec/ret@x", "",
		  "option '--api-url': the URL has an '@' behind its host; write %2F for '/' in a password" },
		{ "--handler h --api-url https://x/bot1:AAE/getMe", "", bot_in_url },
		{ "--handler h --api-url https://x/bot1%3aAAE", "", bot_in_url },
		{ "--handler h --api-url https://api.telegram.org/bot", "", bot_in_url },
		{ "--handler h --api-url http://127.0.0.1:8081/bot", "", bot_in_url },
		{ "--handler h --api-url https://me:secret@x/tg/bot//", "", bot_in_url },
		{ "--handler h --api-url https://x?y", "",
		  "option '--api-url': 'https://x?y' has a '?' or a '#'; give the server's root only" },
		{ "--handler h --allowed-updates all,poll", "",
		  "option '--allowed-updates': 'all' stands alone, without other kinds" },
		{ "--handler h --allowed-updates message,,poll", "",
		  "option '--allowed-updates': an item of the list is empty" },
		{ "--handler h --allowed-updates Message", "",
		  "option '--allowed-updates': 'Message' is no kind of update" },
		{ "--handler h --batch-size 1001", "",
		  "option '--batch-size': '1001' is no whole number from 1 to 1000" },
		{ "--handler h --workers 1025", "",
		  "option '--workers': '1025' is no whole number from 0 to 1024" },
		{ "--handler h --workers 2 --mode batch", "",
		  "'workers' and 'mode = batch' exclude each other: a worker gets updates one by one, or by 'batch-by'" },
		{ "--handler h --batch-by chat", "",
		  "option '--batch-by': 'batch-by' needs 'mode = batch', or 'workers' that take several" },
		{ "--handler h --mode batch --batch-by chats", "",
		  "option '--batch-by': 'chats' is neither 'chat' nor a JSON Pointer such as /message/media_group_id" },
		{ "--handler h --workers 2 --batch-by /a~2", "",
		  "option '--batch-by': '/a~2' is neither 'chat' nor a JSON Pointer such as /message/media_group_id" },
		{ "--handler h --mode batch --batch-by chat --key none", "",
		  "'batch-by' gathers what has one key, and with 'key = none' nothing has any; write for example 'key = /message/media_group_id'" },
		{ "--handler h --mode batch --reply text", "",
		  "option '--reply': a batch of many chats answers nobody: 'reply' and 'mode = batch' exclude each other without 'batch-by'" },
		{ "--handler h --route start", "",
		  "option '--route': 'start' is no route such as '/start=./start.sh' or 'callback_query=./buttons.sh'" },
		{ "--handler h --bypass stop", "",
		  "option '--bypass': 'stop' is no kind of update, and a command begins with a slash; did you mean '/stop'?" },
		{ "--handler h --only callback", "",
		  "option '--only': 'callback' is neither a kind of update nor a /command; did you mean 'callback_query'?" },
		{ "--handler h --ignore mesage", "",
		  "option '--ignore': 'mesage' is neither a kind of update nor a /command; did you mean 'message'?" },
		{ "--handler h --bypass a-b", "",
		  "option '--bypass': 'a-b' is neither a kind of update nor a /command" },
		{ "--handler h --route start=./x", "",
		  "option '--route': 'start' is no kind of update, and a command begins with a slash; did you mean '/start'?" },
		{ "--handler h --only Reminder", "",
		  "option '--only': 'Reminder' is no kind of update, and a command begins with a slash; did you mean '/Reminder'?" },
		{ "--handler h --route /start=", "",
		  "option '--route': the route '/start' has an empty command" },
		{ "--handler h --route /a=x --route /a=y", "",
		  "option '--route': there are two routes for '/a', and only the first would count" },
		{ "stop now", "", "unexpected argument 'now'; 'tgrun stop' takes none" },
		{ "stop -- now", "", "unexpected argument 'now'; 'tgrun stop' takes none" },
		{ "stop --json", "",
		  "option '--json' does not belong to 'stop' but to 'dead', 'queue', 'status', 'outbox', 'send', 'list' and 'fleet'" },
		{ "help status stop", "",
		  "unexpected argument 'stop'; 'tgrun help status' tells all" },
		{ "help stauts", "", "unknown sub-command 'stauts'; did you mean 'status'?" },
		{ "stauts", "", "unknown sub-command 'stauts'; did you mean 'status'?" },
		{ "--handler h -- x", "",
		  "the handler is given twice: by '--handler' and after '--'; give one of them" },
		{ "--", "", "no command follows '--'" },
		{ "--handler http://127.0.0.1/ --webhook-secret abc --webhook-secret-file f", "",
		  "the secret of webhooks is given twice: by 'webhook-secret' and by 'webhook-secret-file'; give one of them" },
		{ "--handler h --token 1:abc --token-file f", "",
		  "the token is given twice: by 'token' and by 'token-file'; give one of them" },
		{ "dead list --once", "",
		  "option '--once' does not belong to 'dead' but to 'run' and 'check'" },
		{ "--handler h --json", "",
		  "option '--json' does not belong to 'run' but to 'dead', 'queue', 'status', 'outbox', 'send', 'list' and 'fleet'" },
		{ "try --handler h --token 1:abc", "",
		  "option '--token' does not belong to 'try' but to 'run', 'check', 'dead', 'queue', 'status', 'stop', 'pause', 'resume', 'drain', 'outbox', "
		  "'send', 'call', 'cancel', 'push', 'reload' and 'fleet'" },
		{ "--handler h", "TGRUN_LIMIT=many",
		  "TGRUN_LIMIT: 'many' is no whole number from 1 to 100" },
		{ "--handler h", "TGRUN_ENV=TG_TOKEN",
		  "TGRUN_ENV: 'TG_TOKEN' cannot be passed on: names that begin with TG_ or TGRUN_ are tgrun's own" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		refused(rows[i].arguments, rows[i].environment, ERR_USAGE, rows[i].want);
	refused("--handler h --config /nonexistent/x", "", ERR_CONFIG,
		"cannot open config file '/nonexistent/x': No such file or directory");
	refused("--handler h --config /", "", ERR_CONFIG,
		"cannot read config file '/': Is a directory");
	struct config c;
	struct err err;
	static const char *const starts[][2] = {
		{ "--handler h --timeout 5x", "option '--timeout': " },
		{ "--handler h --max-output 5x", "option '--max-output': " },
		{ "--handler h --key caht", "option '--key': " },
		{ "--handler h --max-age mesage=1h", "option '--max-age': " },
		{ "--handler h --only mesage", "option '--only': " },
		{ "--handler h --ignore poll,/", "option '--ignore': " },
		{ "--handler h --bypass stop", "option '--bypass': " },
		{ "--handler h --route mesage=x", "option '--route': " }
	};
	for (size_t i = 0; i < 8; i++) {
		int rc = parse(&c, starts[i][0], "", &err);
		if (!ok(rc == -1 && err.status == ERR_USAGE &&
				strncmp(err.text, starts[i][1], strlen(starts[i][1])) == 0,
			"refused: %s", starts[i][0]))
			diag("got '%s'", err.text);
		config_release(&c);
	}
}

/* Variables that no option has. */
static void test_strangers(void)
{
	static const char discovered[] =
		"TGRUN_PORT=tcp://10.0.0.1:80 TGRUN_SERVICE_HOST=10.0.0.1 TGRUN_PORT_80_TCP_PROTO=tcp TGRUN_NAME=/a/tgrun "
		"TGRUN_ROUTES=tcp://1 TGRUN_JSON=1 TGRUN_XYZZY=1";
	struct config c;
	struct err err;
	ok(parse(&c, "--handler h", "TGRUN_TIMEOT=5", &err) == 0 && c.warning_count == 1,
	   "a misspelt variable is a warning");
	is_str(c.warnings[0],
	       "the environment variable 'TGRUN_TIMEOT' is no option's and left alone; did you mean 'TGRUN_TIMEOUT'?",
	       "which says what was meant");
	config_release(&c);
	ok(parse(&c, "--handler h", discovered, &err) == 0 && c.warning_count == 1,
	   "those of a service discovery are one warning");
	is_str(c.warnings[0],
	       "environment variables that are no option's are left alone: TGRUN_PORT, TGRUN_SERVICE_HOST, TGRUN_PORT_80_TCP_PROTO, "
	       "TGRUN_NAME, TGRUN_ROUTES, TGRUN_JSON, TGRUN_XYZZY (service discovery sets such names)",
	       "which names them and guesses nothing");
	config_release(&c);
	char many[8000] = "";
	for (int i = 0; i < 200; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), "TGRUN_PORT_%d_TCP=x ",
			 i);
	char *envp[] = { many, NULL };
	for (char *p = many; (p = strchr(p, ' '));)
		*p++ = 'x';
	char *argv[] = { "tgrun", "--handler", "h", NULL };
	ok(options_parse(&c, 3, argv, envp, &err) == 0 && c.warning_count == 1 &&
		   strlen(c.warnings[0]) < 512,
	   "a name without end is cut");
	config_release(&c);
	ok(parse(&c, "", "TGRUN_HANDLR=h", &err) == -1 && c.warning_count == 1,
	   "a warning is there also when something is missing therefore");
	config_release(&c);
	/* No option may be called as service discovery calls its variables: then a service named
	 * "tgrun" would set it. */
	size_t taken = 0;
	for (size_t i = 0; i < options_table_count; i++) {
		char name[64];
		options_variable(&options_table[i], name);
		size_t n = strlen(name);
		taken += strstr(name, "_SERVICE_") || strstr(name, "_PORT_") ||
			 strstr(name, "_ENV_") || strcmp(name + n - 5, "_PORT") == 0 ||
			 strcmp(name + n - 5, "_NAME") == 0;
	}
	is_num((int64_t)taken, 0, "no option has a name that a service discovery sets");
}

static void test_file(void)
{
	static const struct {
		const char *text;
		int status;
		const char *want;
	} rows[] = {
		{ "timeout = 5\n\ntimeot = 5\n", ERR_USAGE,
		  "line 3: unknown key 'timeot'; did you mean 'timeout'?" },
		{ "xyzzy = 5\n", ERR_USAGE, "line 1: unknown key 'xyzzy'" },
		{ "config = x\n", ERR_USAGE, "line 1: 'config' cannot stand in a config file" },
		{ "limit = 0\n", ERR_USAGE, "line 1: limit: '0' is no whole number from 1 to 100" },
		{ "limit\n", ERR_CONFIG, "line 1: neither 'name = value' nor a comment" },
		{ "[handler]\ntimeout = 5\n", ERR_CONFIG,
		  "line 1: unknown section; there are only sections such as [route \"/start\"]" },
		{ "limit = 5\n[route /start]\n", ERR_CONFIG,
		  "line 2: a route's section is written [route \"/start\"]: a kind or a command in quotes" },
		{ "[route \"/start\"\n", ERR_CONFIG,
		  "line 1: unknown section; there are only sections such as [route \"/start\"]" },
		{ "[route \"\"]\n", ERR_CONFIG,
		  "line 1: a route's section is written [route \"/start\"]: a kind or a command in quotes" },
		{ "\n[route \"/a\"]\ntimeout = 5\n", ERR_USAGE,
		  "line 2: the route '/a' has no handler" },
		{ "[route \"/a\"]\nhandler = x\ntimeot = 5\n", ERR_USAGE,
		  "line 3: unknown key 'timeot' of a route; did you mean 'timeout'?" },
		{ "handler = h\n[route \"/a\"]\nreply-with = a=b\n", ERR_USAGE,
		  "line 3: 'reply-with' cannot be set for a route; put it above the first section" },
		{ "[route \"/a\"]\nlimit = 5\n", ERR_USAGE,
		  "line 2: 'limit' cannot be set for a route; put it above the first section" },
		{ "[route \"/a\"]\nxyzzy = 5\n", ERR_USAGE,
		  "line 2: unknown key 'xyzzy' of a route" },
		{ "[route \"/a\"]\nmode = exce\n", ERR_USAGE,
		  "line 2: mode: unknown value 'exce'; did you mean 'exec'?" },
		{ "[route \"/a\"]\nhandler =\n", ERR_USAGE,
		  "line 2: the route '/a' has an empty command" },
		{ "[route \"/a\"]\nhandler = x\n[route \"/a\"]\n", ERR_USAGE,
		  "line 3: there are two routes for '/a', and only the first would count" },
		{ "[route \"/a\"]\nhandler = x\nworkers = 2\nmode = batch\n", ERR_USAGE,
		  "line 1: 'workers' and 'mode = batch' exclude each other" },
		{ "handler =\n", ERR_USAGE, "line 1: handler: the value is empty" },
		{ "limit = 5# five\n", ERR_USAGE,
		  "line 1: limit: '5# five' is no whole number from 1 to 100" },
		{ "limit = \"5\" 6\n", ERR_USAGE,
		  "line 1: limit: '\"5\" 6' is no whole number from 1 to 100" },
		{ "state-dir = /a # b\n", ERR_USAGE,
		  "line 1: state-dir: a comment stands on a line of its own; what has a '#' in it stands in quotes" },
		{ "limit 5\n", ERR_CONFIG, "line 1: neither 'name = value' nor a comment" },
		{ "chdir = ~/bot\n", ERR_USAGE,
		  "line 1: only a shell knows '~'; write the whole path for '~/bot'" },
		{ "--json\n", ERR_USAGE, "line 1: 'json' cannot stand in a config file" },
		{ "---\n", ERR_CONFIG, "line 1: neither 'name = value' nor a comment" },
		{ "--timeot 5\n", ERR_CONFIG, "line 1: neither 'name = value' nor a comment" },
		{ "TGRUN_TIMEOT=5\n", ERR_USAGE, "line 1: unknown key 'TGRUN_TIMEOT'" },
	};
	struct config c;
	struct err err;
	char words[256], want[512];
	snprintf(words, sizeof words, "--handler h --config %s", file);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		write_file(rows[i].text, strlen(rows[i].text));
		snprintf(want, sizeof want, "config file '%s', %s", file, rows[i].want);
		refused(words, "", rows[i].status, want);
	}
	write_file("limit = 5\nlog-level = \0\n", 24);
	snprintf(want, sizeof want,
		 "config file '%s', line 2: there is a NUL byte; this is no text file", file);
	refused(words, "", ERR_CONFIG, want);

	static char big[1100 * 1024];
	memset(big, 'x', sizeof big);
	memcpy(big, "state-dir = ", 12);
	write_file(big, 9000);
	int rc = parse(&c, words, "", &err);
	ok(rc ? strstr(err.text, "the line is longer than 197 bytes") != NULL
	      : strlen(c.state_dir) == 9000 - 12,
	   "a long line is read whole, or is an error where inih has a fixed limit");
	config_release(&c);
	write_file(big, 20000);
	ok(parse(&c, words, "", &err) == -1 && err.status == ERR_CONFIG &&
		   strstr(err.text, "line 1: the line is longer than "),
	   "a line that is too long is an error, not cut");
	config_release(&c);
	write_file(big, sizeof big);
	snprintf(want, sizeof want, "config file '%s' is larger than 1048576 bytes", file);
	refused(words, "", ERR_CONFIG, want);

	static const char text[] =
		"\xef\xbb\xbf"
		"chdir = a;b ; a comment\n\ttimeout: 7\n  ; indented\nstate-dir = \"q\" # no\nenv = A=1;2\nlimit = 3";
	write_file(text, sizeof text - 1);
	ok(parse(&c, words, "", &err) == 0,
	   "a BOM, white space before a key, a colon, and no line feed at the end are fine");
	is_str(c.chdir, "a;b", "a comment begins with white space and ';', a ';' alone does not");
	is_str(c.state_dir, "q",
	       "quotes around a value, and a comment behind them, are no part of it");
	ok(c.policy.handler.timeout == 7000 && c.poll.limit == 3 && c.env.count == 1 &&
		   strcmp(c.env.items[0], "A=1;2") == 0,
	   "the others are read too");
	config_release(&c);

	static const char habits[] =
		"[tgrun]\r\n--timeout=7s\r\n--limit 3\n--once\n--no-hide-token\nexport TGRUN_POLL_TIMEOUT='20'\nexport chdir=\"/a # b\"\n"
		"TGRUN_ENV = 'A=b c'\nenv = B=\"c\"\nkill-after = 5s # soon\nmax-output\t=\t64K\t# kilobytes\non-error = './x y'\n"
		"on-undelivered = './x y' # z\n"
		"only = message,poll # these\ntoken = \"1:abc\" # of the test\n[route \"/start\"]\nhandler = x\n--timeout 9 # seconds\n";
	write_file(habits, sizeof habits - 1);
	ok(parse(&c, words, "", &err) == 0,
	   "arguments, exported variables, quotes and comments are taken (%s)", err.text);
	ok(c.policy.handler.timeout == 7000 && c.poll.limit == 3 && c.once && !c.engine.hide_token,
	   "an argument's dashes, and a value behind white space");
	ok(c.poll.timeout == 20000 && c.env.count == 2 && strcmp(c.env.items[0], "A=b c") == 0,
	   "a variable of the environment is the option's key");
	is_str(c.chdir, "/a # b", "what is in quotes is all value");
	is_str(c.env.items[1], "B=\"c\"", "quotes inside of a value stay");
	ok(c.policy.handler.kill_after == 5000 && c.policy.handler.max_output == 65536 &&
		   c.lists.only.count == 2,
	   "a comment behind a value is none of it, where it could not be");
	is_str(c.on_error, "'./x y'", "commands are left for who cuts them into words");
	is_str(c.on_undelivered, "'./x y' # z", "every command is");
	is_str(c.token, "1:abc", "a token loses its quotes");
	ok(c.route.count == 1 && c.route.items[0].policy.handler.timeout == 9000,
	   "a route's keys are read alike");
	config_release(&c);
}

static void warned(const char *arguments, const char *want)
{
	struct config c;
	struct err err;
	bool found = false;
	ok(parse(&c, arguments, "", &err) == 0, "taken: %s", arguments);
	for (size_t i = 0; i < c.warning_count; i++)
		found = found || strstr(c.warnings[i], want);
	if (!ok(want ? found : c.warning_count == 0, "%s %s",
		want ? "warned:" : "no warning:", want ? want : arguments))
		diag("got %zu, '%s'", c.warning_count, c.warning_count ? c.warnings[0] : "");
	config_release(&c);
}

static void test_warnings(void)
{
	char words[256];
	warned("--handler h --api-url http://example.org/",
	       "the token goes to 'http://example.org' unencrypted");
	warned("--handler h --api-url http://127.0.0.1.example.org", "unencrypted");
	warned("--handler h --api-url http://127.9.9.9:8081/x", NULL);
	warned("--handler h --api-url http://LOCALHOST:8081", NULL);
	warned("--handler h --api-url http://[::1]:8081", NULL);
	warned("--handler h --allowed-updates message,mesage",
	       "unknown kind of update 'mesage'; did you mean 'message'?");
	warned("--handler h --allowed-updates default", NULL);
	write_file("token = 1:abc\n", 14);
	snprintf(words, sizeof words, "--handler h --config %s", file);
	ok(chmod(file, 0644) == 0, "a config file with a token that others may read");
	warned(words, "holds the token and others may read it; chmod 600");
	ok(chmod(file, 0640) == 0, "or the group");
	warned(words, "holds the token and others may read it; chmod 600");
	ok(chmod(file, 0600) == 0, "and one that they may not");
	warned(words, NULL);
}

int main(void)
{
	make_file();
	RUN(test_defaults);
	RUN(test_order);
	RUN(test_token);
	RUN(test_routes);
	RUN(test_errors);
	RUN(test_strangers);
	RUN(test_file);
	RUN(test_warnings);
	unlink(file);
	return done_testing();
}
