// A thread of bot.js distribute: it handles an update by doing nothing.
const { BotWorker } = require('@grammyjs/runner');

const bot = new BotWorker('1:bench', { client: { apiRoot: process.env.BENCH_URL } });
bot.use(() => {});
