// npm run torture -- [--rounds N] [--seed N]: everything that Millrace does goes on while its process is killed (kill -9),
// held (SIGSTOP) or asked to end, N times; then the books of all who wrote are held against what is there.
//
// Every acknowledged record once and in order; no record of an aborted transaction; what an exactly-once application copied
// as whole as its source; under compacted keys the last value; tables as their records say.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createClient } from '../../src/client/index.ts';
import { bytesSerde } from '../../src/serde/index.ts';
import { KafkaStreams, StreamsBuilder } from '../../src/streams/index.ts';
import * as check from './checker.ts';
import { Server } from './server.ts';
import * as work from './workloads.ts';

const PARTITIONS = 3;
const KEYS = 50;
const SETTLE_MS_MAX = 120_000;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
});
const rounds = Number(values.rounds);
const random = randomOf(Number(values.seed));
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-torture-'));
const stateDir = mkdtempSync(join(tmpdir(), 'millrace-torture-streams-'));
const server = new Server(dataDir, await Server.freePorts());
await server.start();
const client = createClient({ bootstrapServers: server.bootstrap });
await client.admin().createTopics([
  ...[
    work.TOPICS.own,
    work.TOPICS.kafkajs,
    work.TOPICS.librdkafka,
    work.TOPICS.transactions,
    work.TOPICS.copied,
    work.TOPICS.numbers,
  ].map((name) => ({ name, partitions: PARTITIONS })),
  {
    name: work.TOPICS.compacted,
    partitions: 1,
    configs: { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.1' },
  },
]);
await sql(`SET 'auto.offset.reset' = 'earliest';
  CREATE STREAM numbers (k STRING KEY, v BIGINT) WITH (kafka_topic='${work.TOPICS.numbers}', value_format='JSON');
  CREATE TABLE sums AS SELECT k, COUNT(*) AS n, SUM(v) AS total FROM numbers GROUP BY k;`);

const own = new work.OwnProducer(client, PARTITIONS);
const kafkajs = new work.KafkaJsProducer(server.bootstrap);
const transactions = new work.Transactions(client, PARTITIONS);
const numbers = new work.KeyedProducer(client, work.TOPICS.numbers, KEYS);
const compacted = new work.KeyedProducer(client, work.TOPICS.compacted, KEYS);
const librdkafka = spawnSync('kcat', ['-V']).status === 0 ? new work.LibrdkafkaProducer(server.bootstrap) : undefined;
if (librdkafka === undefined) console.log('skipped: librdkafka, because there is no kcat');
const workloads: work.Workload[] = [
  own,
  kafkajs,
  transactions,
  numbers,
  compacted,
  ...(librdkafka === undefined ? [] : [librdkafka]),
];
const running = Promise.all(workloads.map((workload) => workload.run()));
let copier = await startCopier();

for (let round = 1; round <= rounds; round++) {
  await sleep(500 + random() * 2000);
  const chance = random();
  if (chance < 0.1) await server.freeze(1000 + random() * 4000);
  else {
    if (chance < 0.2) await server.stop();
    else await server.kill();
    await sleep(random() * 500);
    await server.start();
  }
  if (copier.state === 'ERROR') {
    await copier.close();
    copier = await startCopier();
  }
  if (round % 10 === 0) console.log(`${round} rounds`);
}
for (const workload of workloads) workload.stop();
await running;

const findings = new check.Findings();
await settled();
const counts = {
  'own client': await check.checkOwn(client, own, findings),
  kafkajs: await check.checkKafkaJs(client, kafkajs, findings),
  librdkafka: librdkafka === undefined ? 0 : await check.checkLibrdkafka(client, librdkafka, findings),
  transactions: await check.checkTransactions(client, transactions, findings),
  compacted: await check.checkCompacted(client, compacted, findings),
  numbers: await check.checkNumbers(client, numbers, findings),
  'keys of the table': await check.checkTable(client, server.sqlUrl, findings),
};
for (const [what, count] of Object.entries(counts)) {
  if (count === 0 && (what !== 'librdkafka' || librdkafka !== undefined))
    findings.add(what, 'nothing was acknowledged');
}
console.log(
  `${rounds} rounds; acknowledged: ${Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ')}; aborted ${transactions.aborted.length}, of unknown end ${transactions.unknown.length}`,
);
for (const line of findings.lines) console.log(line);
console.log(`${findings.count} problems`);
await copier.close();
await client.close();
await server.stop();
if (findings.count > 0) console.log(`the data is in ${dataDir}`);
else for (const directory of [dataDir, stateDir]) rmSync(directory, { recursive: true, force: true });
process.exit(findings.count > 0 ? 1 : 0);

/** An exactly-once application of consume, transform and produce, in this process: its broker dies under it. */
async function startCopier(): Promise<KafkaStreams> {
  const builder = new StreamsBuilder();
  builder.stream(work.TOPICS.transactions, { key: bytesSerde, value: bytesSerde }).to(work.TOPICS.copied);
  const streams = new KafkaStreams(builder.build(), {
    applicationId: 'torture-copier',
    client,
    stateDir,
    processingGuarantee: 'exactly_once_v2',
    autoOffsetReset: 'earliest',
    commitIntervalMs: 100,
  });
  for (;;) {
    try {
      await streams.start();
      return streams;
    } catch {
      await sleep(500);
    }
  }
}

/** Until the application and the table have read all that was written. */
async function settled(): Promise<void> {
  const until = performance.now() + SETTLE_MS_MAX;
  const read = async () => {
    const [source, copy] = [
      await check.valuesOf(client, work.TOPICS.transactions),
      await check.valuesOf(client, work.TOPICS.copied),
    ];
    if (copy.flat().length < source.flat().length) return false;
    const total = (await check.valuesOf(client, work.TOPICS.numbers)).flat().length;
    const counted = [...(await check.tableRows(server.sqlUrl)).values()].reduce((sum, [n]) => sum + n, 0);
    return counted >= total;
  };
  while (performance.now() < until) {
    if (await read().catch(() => false)) return;
    if (copier.state === 'ERROR') copier = await startCopier();
    await sleep(500);
  }
  findings.add('settling', `after ${SETTLE_MS_MAX / 1000} s the application or the table has not read everything`);
}

async function sql(ksql: string): Promise<void> {
  const response = await fetch(`${server.sqlUrl}/ksql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ksql }),
  });
  if (!response.ok) throw new Error(await response.text());
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Mulberry32: the kills of a seed come in the same order. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
