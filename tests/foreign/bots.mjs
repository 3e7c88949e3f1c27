// One bot, that says what it was told, in four frameworks: node bots.mjs FRAMEWORK WAY. WAY: glue (share/tgrun/tgrun.mjs), own (the poll of the
// framework) or a number: a webhook on that port. Each has an error handler that takes what goes wrong, as bots have.
import { createServer } from 'node:http';
const [, , framework, way] = process.argv;
const { TG_TOKEN: token, TG_API_ROOT: apiRoot, GLUE } = process.env;
const echo = (ctx) => ctx.reply(ctx.message.text);
const caught = (error) => console.log('caught', String(error));
const hook = (answer) => createServer(answer).listen(+way, '127.0.0.1');

const bots = {
	async grammy() {
		const { Bot, webhookCallback } = await import('grammy');
		const bot = new Bot(token, { client: { apiRoot } });
		bot.on('message', echo);
		bot.catch(caught);
		const webhook = () => {
			const answer = webhookCallback(bot, 'http');
			hook((request, response) => answer(request, response).catch((error) => { // unless somebody takes it, node ends
				caught(error);
				response.writeHead(500).end();
			}));
		};
		return { bot, webhook, own: () => bot.start(), prepare: () => bot.init() };
	},
	async telegraf() {
		const { Telegraf } = await import('telegraf');
		const bot = new Telegraf(token, { telegram: { apiRoot } });
		bot.on('message', echo);
		bot.catch(caught);
		return { bot, own: () => bot.launch(), webhook: () => hook(bot.webhookCallback('/hook')) };
	},
	async ntba2() {
		const { Bot } = await import('node-telegram-bot-api');
		const { createWebhookServer } = await import('node-telegram-bot-api/node');
		const bot = new Bot(token, { apiRoot });
		bot.on('message', echo);
		bot.catch(caught);
		return { bot, own: () => bot.startPolling(), webhook: () => createWebhookServer(bot, { allowUnauthenticated: true, path: '/hook' }).listen(+way, '127.0.0.1') };
	},
	async ntba1() {
		const { default: TelegramBot } = await import('ntba1');
		const bot = new (TelegramBot.default ?? TelegramBot)(token, { baseApiUrl: apiRoot, polling: way === 'own' });
		bot.on('message', (message) => { bot.sendMessage(message.chat.id, message.text); });
		if (way !== 'glue') process.on('unhandledRejection', caught);
		return { bot, own() {}, webhook: () => hook((request, response) => {
			let body = '';
			request.on('data', (data) => { body += data; }).on('end', () => { bot.processUpdate(JSON.parse(body)); response.end('OK'); });
		}) };
	},
};
const { bot, own, webhook, prepare } = await bots[framework]();
if (way === 'glue') (await import(`${GLUE}/tgrun.mjs`)).run(bot);
else if (way === 'own') await own();
else await prepare?.(), webhook();
