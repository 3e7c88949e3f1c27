// A bot of grammY, Telegraf or node-telegram-bot-api, or a function of an update, as a handler; see tgrun-handler(7), FRAMEWORKS. In place of
// bot.start(), bot.launch() or polling: import { run } from '/usr/local/share/tgrun/tgrun.mjs'; run(bot);
import { AsyncLocalStorage } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
const jobs = new AsyncLocalStorage(), { TG_WORKER: worker, TG_BOT_ID: me, TG_BOT_USERNAME: username } = process.env;
const busy = /429:? Too Many|\b50[0-4]\b|etwork request|EFATAL|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT/; // tried again; what else fails is not
const kept = (call) => (jobs.getStore()?.calls.push(call.catch(() => {})), call.then((result) => result)); // waited for, also if the bot does not
const wrap = (o, name, by) => { const own = o?.[name]; if (own) o[name] = function (...args) { return by(own.apply(this, args), args[0]); }; };
export function run(bot, { concurrency = 8 } = {}) {
	if (!(bot.isInited?.() ?? bot.botInfo)) bot.botInfo = { id: +me, is_bot: true, first_name: username, username }; // nobody has to ask
	bot.api?.config?.use((call, ...args) => kept(call(...args)));
	for (const o of [bot.telegram?.constructor.prototype, bot.api?.transport, bot]) for (const name of ['callApi', 'request', '_request']) wrap(o, name, kept);
	for (const name of ['handleError', 'errorHandler']) wrap(bot, name, async (told, error) => { await told; throw error; }); // bot.catch()
	process.on('unhandledRejection', (e) => { const job = jobs.getStore(); if (!job || job.over) throw e; job.failed.push(e); });
	if (worker) writeSync(3, JSON.stringify({ ready: true, concurrency }) + '\n');
	createInterface({ input: process.stdin }).on('line', (line) => jobs.run({ calls: [null], failed: [] }, async () => {
		const job = jobs.getStore(), { id, update } = worker ? JSON.parse(line) : { update: JSON.parse(line) };
		const reply = await Promise.resolve(update).then((bot.handleUpdate ?? bot.processUpdate ?? bot).bind(bot)).catch((e) => job.failed.push(e));
		for (const call of job.calls) await call, await new Promise(setImmediate); // the list grows meanwhile
		const [error] = job.failed, retry = busy.test(error), after = +/retry after (\d+)/.exec(error)?.[1] || undefined; job.over = true;
		if (error) console.error(error.stack ?? error), process.exitCode = worker ? 0 : retry ? 75 : 65; else if (reply && !worker) console.log(reply);
		if (worker) writeSync(3, JSON.stringify(error ? { id, ok: false, retry, after, error: String(error) } : { id, ok: true, reply }) + '\n');
	}));
}
