#!/usr/bin/env node
// A worker for Node: tgrun --workers 2 --handler ./worker.mjs. It takes eight updates at once, since it mostly waits for the network.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const answer = (object) => writeSync(3, JSON.stringify(object) + '\n');

async function handle(update) {
	console.log('text:', update.message?.text);
}

answer({ ready: true, concurrency: 8 });
for await (const line of createInterface({ input: process.stdin })) {
	const { id, update } = JSON.parse(line);
	handle(update).then(
		() => answer({ id, ok: true }),
		(error) => answer({ id, ok: false, error: String(error) }),
	);
}
