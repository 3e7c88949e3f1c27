#!/usr/bin/env node
// A worker for Node: tgrun --workers 2 --handler ./worker.mjs. It takes eight updates at once, since it mostly waits for the network.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const answer = (object) => writeSync(3, JSON.stringify(object) + '\n');

async function handle(update) {
	const { message = {} } = update;
	console.log('text:', message.text);
}

answer({ ready: true, concurrency: 8 });
createInterface({ input: process.stdin }).on('line', (line) => {
	const { id, update } = JSON.parse(line);
	handle(update).then(
		() => answer({ id, ok: true }),
		(error) => answer({ id, ok: false, error: String(error) }),
	);
});
