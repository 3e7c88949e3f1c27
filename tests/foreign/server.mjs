// npm's telegram-test-api as the Bot API: node server.mjs PORT TOKEN N. Says N things to the bot, and "all came" when it has answered each.
import TelegramServer from 'telegram-test-api';
const [, , port, token, n] = process.argv;
const server = new (TelegramServer.default ?? TelegramServer)({ port: +port, host: '127.0.0.1' });
await server.start();
const client = server.getClient(token);
for (let i = 0; i < +n; i++) await client.sendMessage(client.makeMessage(`number ${i}`));
const came = [];
while (came.length < +n) for (const update of (await client.getUpdates()).result) came.push(update.message.text);
console.log(came.every((text, i) => text === `number ${i}`) ? 'all came' : `they came as ${came}`);
