#!/usr/bin/env node
// A worker for Node: tgrun --workers 2 --handler ./worker.mjs. It takes eight updates at once, since it mostly waits for the network.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const answer = (object) => writeSync(3, JSON.stringify(object) + '\n');

// What the bot says; undefined: nothing. What is printed is only logged. job.update is all of the update.
async function handle(job) {
	const text = job.kind === 'message' ? job.text : undefined;
	console.log('text:', text);
	if (job.command === '/start') return 'Say something.';
	return text && `You said: ${text}`;
}

answer({ ready: true, concurrency: 8 });
createInterface({ input: process.stdin }).on('line', (line) => {
	const job = JSON.parse(line);
	const { id } = job;
	handle(job).then(
		(reply) => answer({ id, ok: true, reply }),
		(error) => answer({ id, ok: false, error: String(error) }),
	);
});
