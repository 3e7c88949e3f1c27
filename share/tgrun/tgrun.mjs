// A bot of grammY, Telegraf or node-telegram-bot-api, or a function of an update, as a handler; see tgrun-handler(7), FRAMEWORKS. In place of
// bot.start(), bot.launch() or polling: import { run } from '/usr/local/share/tgrun/tgrun.mjs'; run(bot);
import { AsyncLocalStorage } from 'node:async_hooks'; import { writeSync } from 'node:fs'; import { createInterface } from 'node:readline';
import { wrap, spell, say, isLater } from './tgrun_answers.mjs';
const jobs = new AsyncLocalStorage(), open = new Set(), { TG_WORKER: worker, TG_BOT_ID: me, TG_BOT_USERNAME: username } = process.env;
const kept = (call) => (jobs.getStore()?.calls.push(call.catch(() => {})), call.then((result) => result)); // waited for, also if the bot does not
export function run(bot, { concurrency = 8 } = {}) {
	if (!(bot.isInited?.() ?? bot.botInfo)) bot.botInfo = { id: +me, is_bot: true, first_name: username, username }; // nobody has to ask
	bot.api?.config?.use((call, ...args) => kept(call(...args)));
	for (const o of [bot.telegram?.constructor.prototype, bot.api?.transport, bot]) for (const name of ['callApi', 'request', '_request']) wrap(o, name, kept);
	for (const name of ['handleError', 'errorHandler']) wrap(bot, name, async (told, error) => { await told; throw error; }); // bot.catch()
	process.on('unhandledRejection', (e) => { const job = jobs.getStore(); if (!job || job.over) throw e; job.failed.push(e); });
	process.on('beforeExit', () => open.forEach((job) => job.end(job.failed.push(new Error('nothing is left to do, but what the update began has not ended')))));
	const own = bot.handleUpdate ?? bot.processUpdate, handle = own ? async (update) => { await own.call(bot, update); } : bot; // which answers by its calls
	if (worker) writeSync(3, JSON.stringify({ ready: true, concurrency }) + '\n');
	createInterface({ input: process.stdin }).on('line', (line) => jobs.run({ calls: [null], failed: [] }, async () => {
		const job = jobs.getStore(), { id, update } = worker ? JSON.parse(line) : { update: JSON.parse(line) };
		const work = async () => { const said = await Promise.resolve(update).then(handle).then((reply) => spell(reply, worker)).catch((e) => job.failed.push(e));
			for (const call of job.calls) await call, await new Promise(setImmediate); return said; }; // the list grows meanwhile
		const said = await new Promise((end) => { job.end = end, open.add(job), work().then(end); }), bad = job.failed.length, [error] = job.failed;
		const retry = bad && isLater(error), after = bad && +/retry after (\d+)/.exec(say(error))?.[1] || undefined; job.over = open.delete(job);
		if (bad) console.error(error?.stack ?? say(error)), process.exitCode = worker ? 0 : retry ? 75 : 65; else if (!worker) process.stdout.write(JSON.parse(said) ?? '');
		if (worker) writeSync(3, bad ? JSON.stringify({ id, ok: false, retry, after, error: say(error) }) + '\n' : `{"id":${JSON.stringify(id)},"ok":true,"reply":${said}}\n`);
	}));
}
