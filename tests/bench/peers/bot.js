// A bot with grammY and its runner, in three ways, each in order by chat. In: `bot.js in-process|spawn|distribute|sleep CONCURRENCY COUNT [HANDLER or THREADS]`, the
// Bot API's address in BENCH_URL. Out: ends when COUNT updates were handled; `sleep` notes each in BENCH_STAMPS and goes on until a signal.
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { openSync, writeSync } = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { Bot } = require('grammy');
const { distribute, run, sequentialize } = require('@grammyjs/runner');

const [way, concurrency, count, more] = process.argv.slice(2);
const bot = new Bot('1:bench', { client: { apiRoot: process.env.BENCH_URL } });
bot.use(sequentialize((ctx) => String(ctx.chat.id)));

const stamps = way === 'sleep' ? openSync(process.env.BENCH_STAMPS, 'a') : -1;
const now = () => process.hrtime.bigint();
const column = (value, width) => String(value).padStart(width);

const handlers = {
	'in-process': () => {},
	// The same handler as tgrun's: the update on its stdin, done when it ends with 0.
	spawn: async (ctx) => {
		const child = spawn(more, [], { stdio: ['pipe', 'ignore', 'inherit'] });
		const ended = once(child, 'exit');
		child.stdin.on('error', () => {}); // it may end without reading
		child.stdin.end(JSON.stringify(ctx.update) + '\n');
		const [status] = await ended;
		if (status !== 0)
			throw new Error(`the handler ended with ${status}`);
	},
	distribute: distribute(`${__dirname}/worker.js`, { count: Number(more) }),
	sleep: async (ctx) => {
		const begun = now();
		await sleep(parseInt(ctx.message.text, 10));
		writeSync(stamps, `${column(ctx.update.update_id, 10)} ${column(begun, 20)} ${column(now(), 20)}\n`);
	},
};

let handled = 0;
bot.use(async (ctx, next) => {
	await handlers[way](ctx, next);
	if (++handled === Number(count) && way !== 'sleep')
		process.exit(0);
});
bot.catch((error) => {
	console.error(error);
	process.exit(1);
});
run(bot, { sink: { concurrency: Number(concurrency) } });
