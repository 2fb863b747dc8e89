// A restart after kill -9: a count by key over a million keys, exactly once, in a process with its own broker. Measured is
// the time until a record that was sent after the restart has been counted and committed; once more with a topic and a
// changelog three times as long, which must make no difference.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Broker } from '../src/broker/index.ts';
import { type Client, createClient } from '../src/client/index.ts';
import { stringSerde } from '../src/serde/index.ts';
import { KafkaStreams, StreamsBuilder } from '../src/streams/index.ts';

export const name = 'streams: restart after kill -9, count by key, exactly once, 1 M keys, 4 partitions';

const KEYS = 1_000_000;
const PARTITIONS = 4;
const CHECKPOINT_MS = 1000;
/** Sent after the last checkpoint: what a restart finds in the changelog only. */
const TAIL_RECORDS = 20_000;
const PATIENCE_MS = 60_000;
const FIRST_KEY = 'user-1000000';

interface Restarted {
  readonly broker: number;
  readonly running: number;
  readonly committed: number;
  readonly checkpointRows: number;
  readonly changelogRecords: number;
  readonly rssMb: number;
}

export async function measure(): Promise<Record<string, number | string>> {
  const short = await fillKillRestart(1);
  const long = await fillKillRestart(3);
  return {
    'seconds from the process to the first new record committed': short.fromProcess,
    'seconds from start() to the first new record committed': short.committed / 1000,
    'seconds from start() to RUNNING': short.running / 1000,
    'seconds until the broker was open': short.broker / 1000,
    'rows from the checkpoint': short.checkpointRows,
    'records from the changelog': short.changelogRecords,
    'MB resident afterwards': short.rssMb,
    'topic 3 times as long: seconds from the process': long.fromProcess,
    'topic 3 times as long: seconds from start()': long.committed / 1000,
    'topic 3 times as long: seconds until the broker was open': long.broker / 1000,
    'topic 3 times as long: rows from the checkpoint': long.checkpointRows,
    'topic 3 times as long: records from the changelog': long.changelogRecords,
  };
}

async function fillKillRestart(rounds: number): Promise<Restarted & { readonly fromProcess: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    const first = run(directory, 'fill', rounds);
    await first.line;
    first.child.kill('SIGKILL');
    await first.ended;
    const start = performance.now();
    const second = run(directory, 'restart', rounds);
    const restarted = JSON.parse(await second.line) as Restarted;
    const fromProcess = (performance.now() - start) / 1000;
    second.child.kill('SIGKILL');
    await second.ended;
    return { ...restarted, fromProcess };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Running {
  readonly child: ChildProcess;
  /** The line that the process says when it is where it should be. */
  readonly line: Promise<string>;
  readonly ended: Promise<unknown>;
}

function run(directory: string, phase: 'fill' | 'restart', rounds: number): Running {
  const child = spawn(process.execPath, [import.meta.filename, phase, directory, String(rounds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const line = Promise.race([
    once(lines, 'line').then(([text]) => text as string),
    ended.then(() => Promise.reject(new Error(`the process to ${phase} ended early`))),
  ]);
  return { child, line, ended };
}

// ── The process that is killed ────────────────────────────────────────────────────────────────────────────────────

async function open(directory: string): Promise<Client> {
  const broker = await Broker.open({
    dataDir: join(directory, 'broker'),
    settings: { 'group.initial.rebalance.delay.ms': 0 },
  });
  return createClient({ dial: async () => broker.connect() });
}

function counting(client: Client, directory: string): KafkaStreams {
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>('clicks', { key: stringSerde, value: stringSerde })
    .groupByKey()
    .count({ name: 'by-user' })
    .toStream()
    .to('counts');
  return new KafkaStreams(builder.build(), {
    client,
    applicationId: 'bench',
    stateDir: join(directory, 'state'),
    processingGuarantee: 'exactly_once_v2',
    checkpointIntervalMs: CHECKPOINT_MS,
    onError: (error) => console.error(error),
  });
}

async function fill(directory: string, rounds: number): Promise<void> {
  const client = await open(directory);
  await client.admin().createTopics([
    { name: 'clicks', partitions: PARTITIONS },
    { name: 'counts', partitions: PARTITIONS },
  ]);
  const app = counting(client, directory);
  await app.start();
  const producer = client.producer({ batchSize: 512 * 1024 });
  await producer.partitionsFor('clicks');
  const value = Buffer.from(JSON.stringify({ page: '/index.html' }));
  let sent = 0;
  const send = async (records: number): Promise<void> => {
    for (let i = 0; i < records; i++, sent++) {
      // A stride that is prime to the number of keys: every key once per round, far from its neighbours.
      const key = (sent * 7_368_787) % KEYS;
      producer.enqueue('clicks', key % PARTITIONS, Buffer.from(`user-${1_000_000 + key}`), value, Date.now());
      if (i % 50_000 === 0) await producer.flush();
    }
    await producer.flush();
    while (app.metrics().reduce((sum, { processed }) => sum + processed, 0) < sent) await pause(20);
  };
  await send(KEYS * rounds);
  // Commits and checkpoints follow each other on their own; then there is time for all that is written behind.
  await pause(CHECKPOINT_MS * 3);
  // A checkpoint is due: it comes with the first of these, and the next one only after the end.
  await send(PARTITIONS);
  await pause(CHECKPOINT_MS / 3);
  await send(TAIL_RECORDS);
  await pause(CHECKPOINT_MS / 3);
  console.log('filled');
}

async function restart(directory: string, rounds: number): Promise<void> {
  const begin = performance.now();
  const client = await open(directory);
  const broker = performance.now() - begin;
  const app = counting(client, directory);
  let checkpointRows = 0;
  let changelogRecords = 0;
  app.onRestored((report) => {
    checkpointRows += report.checkpointRows;
    changelogRecords += report.changelogRecords;
  });
  const counts = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 'counts', partition, timestamp: -1 }));
  const ends = await client.admin().listOffsets(counts);
  const producer = client.producer({ lingerMs: 0 });
  await producer.partitionsFor('clicks');
  producer.enqueue('clicks', 0, Buffer.from(FIRST_KEY), Buffer.from('{}'), Date.now());
  await producer.flush();

  const start = performance.now();
  const started = app.start().then(() => performance.now() - start);
  const consumer = client.consumer({ isolationLevel: 'read_committed' });
  consumer.assign(ends.map(({ topic, partition, offset }) => ({ topic, partition, offset })));
  for (let isFound = false; !isFound; ) {
    if (performance.now() - start > PATIENCE_MS) throw new Error(`the count of ${rounds + 2} has not come`);
    for (const { cursor } of await consumer.poll(1000)) {
      while (cursor.advance()) {
        const { bytes, keyStart, keyEnd, valueStart } = cursor;
        if (bytes.toString('latin1', keyStart, keyEnd) !== FIRST_KEY) continue;
        const count = Number(bytes.readBigInt64BE(valueStart));
        // Once per round, once since the last checkpoint or just before it, and this one. What was not committed when the
        // process ended is counted again before it.
        if (count > rounds + 2) throw new Error(`counted ${count} where it should be ${rounds + 2}`);
        isFound = count === rounds + 2;
      }
    }
  }
  const committed = performance.now() - start;
  const running = await started;
  const rssMb = process.memoryUsage.rss() / 1e6;
  console.log(JSON.stringify({ broker, running, committed, checkpointRows, changelogRecords, rssMb }));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

if (process.argv[1] === import.meta.filename) {
  const [phase, directory, rounds] = process.argv.slice(2);
  if (phase === 'fill') await fill(directory!, Number(rounds));
  else await restart(directory!, Number(rounds));
}
