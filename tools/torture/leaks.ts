// npm run leaks -- [--minutes N]: steady load from every kind of client, with retention, compaction, transactions, a table
// and push and pull queries that come and go; prints what the system says that the process has and what it has in use, as time goes
// on, and how fast both grow at the end. What is in use is what grows where something leaks.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createClient } from '../../src/client/index.ts';
import { tableRows } from './checker.ts';
import { Inspected } from './inspected.ts';
import { Server } from './server.ts';
import * as work from './workloads.ts';

const PARTITIONS = 3;
const SAMPLE_MS = 5000;
/** What is kept of the topics, so that the load is steady: more is deleted. */
const RETENTION = { 'retention.bytes': '20000000', 'segment.bytes': '5000000' };

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-leaks-'));
const server = new Server(dataDir, await Server.freePorts());
await server.start(['--inspect=127.0.0.1:0']);
const inspected = await Inspected.at(server.inspector);
const client = createClient({ bootstrapServers: server.bootstrap });
await client.admin().createTopics(
  Object.values(work.TOPICS).map((name) => ({
    name,
    partitions: PARTITIONS,
    configs: name === work.TOPICS.compacted ? { 'cleanup.policy': 'compact' } : RETENTION,
  })),
);
await post('/ksql', {
  ksql: `CREATE STREAM numbers (k STRING KEY, v BIGINT) WITH (kafka_topic='${work.TOPICS.numbers}', value_format='JSON');
    CREATE TABLE sums AS SELECT k, COUNT(*) AS n, SUM(v) AS total FROM numbers GROUP BY k;`,
});
const workloads: work.Workload[] = [
  new work.OwnProducer(client, PARTITIONS),
  new work.KafkaJsProducer(server.bootstrap),
  new work.Transactions(client, PARTITIONS),
  new work.KeyedProducer(client, work.TOPICS.numbers, 50),
  new work.KeyedProducer(client, work.TOPICS.compacted, 50),
];
const running = Promise.all(workloads.map((workload) => workload.run()));

const until = performance.now() + Number(values.minutes) * 60_000;
const samples: Sample[] = [];
const inUse: Sample[] = [];
const begun = performance.now();
while (performance.now() < until) {
  await tableRows(server.sqlUrl);
  await (await post('/query', { ksql: 'SELECT * FROM numbers EMIT CHANGES LIMIT 10;' })).text();
  await new Promise((resolve) => {
    setTimeout(resolve, SAMPLE_MS);
  });
  const megabytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) / 1024;
  const minutes = (performance.now() - begun) / 60_000;
  samples.push({ minutes, megabytes });
  if (samples.length % 6 > 0) continue;
  const used = await inspected.megabytesInUse();
  inUse.push({ minutes, megabytes: used });
  console.log(`${minutes.toFixed(1)} min: ${Math.round(megabytes)} MB, ${used.toFixed(1)} MB of them in use`);
}
for (const workload of workloads) workload.stop();
await running;
for (const [what, points] of [
  ['resident', samples],
  ['in use', inUse],
] as const) {
  const later = points.slice(Math.floor(points.length / 2));
  const slope = slopeOf(later).toFixed(2);
  console.log(`end: ${points.at(-1)!.megabytes.toFixed(1)} MB ${what}; over the second half ${slope} MB per minute`);
}
inspected.close();
await client.close();
await server.stop();
rmSync(dataDir, { recursive: true, force: true });

interface Sample {
  readonly minutes: number;
  readonly megabytes: number;
}

/** Of the straight line with the least squares. */
function slopeOf(points: readonly Sample[]): number {
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
  const x = mean(points.map(({ minutes }) => minutes));
  const y = mean(points.map(({ megabytes }) => megabytes));
  const over = points.reduce((sum, { minutes, megabytes }) => sum + (minutes - x) * (megabytes - y), 0);
  return over / points.reduce((sum, { minutes }) => sum + (minutes - x) ** 2, 0);
}

function post(path: string, body: object): Promise<Response> {
  return fetch(server.sqlUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
