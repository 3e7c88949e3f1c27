// Two queues of Node.js in PostgreSQL, with handlers that take no time: how many jobs a second are put, taken and settled.
//
//   fleet.js graphile|boss URL SECONDS
//
// graphile: graphile-worker with a named queue for each of 1,000 chats, whose jobs come one after the other. boss: pg-boss, which
// has no order, in batches of 100. About ten batches of 100 wait all the time, as in tests/bench/fleet.c. Prints the rate.
const [, , which, url, seconds] = process.argv;
const BATCH = 100;
const body = 'x'.repeat(300);
let put = 0;
let done = 0;
let stopped = false;
const pause = (ms) => new Promise((go) => setTimeout(go, ms));

async function fill(add) {
  while (!stopped) {
    if (put - done > 10 * BATCH) await pause(1);
    else {
      await add();
      put += BATCH;
    }
  }
}

async function measure() {
  await pause(1000);
  const [from, begun] = [done, process.hrtime.bigint()];
  await pause(seconds * 1000);
  console.log(Math.round((done - from) / (Number(process.hrtime.bigint() - begun) / 1e9)));
  process.exit(0);
}

async function graphile() {
  const { run, Logger } = require('graphile-worker');
  const { Pool } = require('pg');
  const pool = new Pool({ connectionString: url, max: 24 });
  await run({
    pgPool: pool,
    concurrency: 20,
    pollInterval: 10,
    logger: new Logger(() => () => {}),
    taskList: { update: async () => void done++ },
  });
  fill(() => pool.query(
    "SELECT graphile_worker.add_job('update', json_build_object('body', $2::text), 'chat' || floor(random() * 1000)) FROM generate_series(1, $1)",
    [BATCH, body],
  ));
}

async function boss() {
  const PgBoss = require('pg-boss');
  const b = new PgBoss({ connectionString: url, max: 10, supervise: false, schedule: false });
  b.on('error', (e) => { throw e; });
  await b.start();
  await b.createQueue('update');
  const take = async () => {
    for (;;) {
      const jobs = await b.fetch('update', { batchSize: BATCH });
      if (jobs.length === 0) await pause(1);
      else {
        await b.complete('update', jobs.map((j) => j.id));
        done += jobs.length;
      }
    }
  };
  for (let i = 0; i < 8; i++) take();
  fill(() => b.insert(Array.from({ length: BATCH }, () => ({ name: 'update', data: { body } }))));
}

({ graphile, boss })[which]().then(measure);
