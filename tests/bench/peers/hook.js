// A bot with grammY behind its webhookCallback, which does nothing. Out: the port, a line; ends by a signal.
const { createServer } = require('node:http');
const { Bot, webhookCallback } = require('grammy');

const bot = new Bot('1:bench', {
	botInfo: { id: 1, is_bot: true, first_name: 'bench', username: 'bench_bot', can_join_groups: true, can_read_all_group_messages: false, supports_inline_queries: false },
});
bot.on('message', () => {});
const server = createServer(webhookCallback(bot, 'http'));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
