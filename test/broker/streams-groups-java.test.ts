// Kafka's own Streams in a streams group (KIP-1071) on this broker: it counts right, and goes on when an instance has died and when the
// broker was started again. Runs where KAFKA_LIB is a folder with the jars of Kafka 4.4, kafka-streams among them, and there is a JDK.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import { createClient, recordsOf } from '../../src/client/index.ts';
import type { BrokerAddress } from '../../src/protocol/index.ts';
import { createTopic, openBroker, temporaryDirectory } from './support.ts';

const PATIENCE_MS = 120_000;
const SESSION_MS = 3000;
const PROGRAM = join(import.meta.dirname, '../suites/WordCount.java');

const folder = process.env['KAFKA_LIB'];
const missing = whatIsMissing();
if (missing !== undefined) console.log(`skipped: Java's Kafka Streams in a streams group: ${missing}`);

function whatIsMissing(): string | undefined {
  if (folder === undefined) return 'KAFKA_LIB is not set';
  if (!readdirSync(folder).some((name) => name.startsWith('kafka-streams-4.4'))) {
    return `there is no kafka-streams 4.4 in ${folder}`;
  }
  try {
    execFileSync('javac', ['-version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no javac on the path';
  }
}

const instances: ChildProcess[] = [];

afterEach(() => {
  for (const instance of instances.splice(0)) instance.kill('SIGKILL');
});

test.skipIf(missing !== undefined)('Java applications count on', { timeout: PATIENCE_MS }, async () => {
  const dataDir = temporaryDirectory();
  const quick = Object.fromEntries(
    ['min.session.timeout.ms', 'session.timeout.ms'].map((name) => [`group.streams.${name}`, SESSION_MS]),
  );
  const beats = Object.fromEntries(
    ['min.heartbeat.interval.ms', 'heartbeat.interval.ms'].map((name) => [`group.streams.${name}`, 500]),
  );
  const settings = {
    'group.streams.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    ...quick,
    ...beats,
  };
  const open = (): Promise<Broker> => openBroker({ dataDir, settings });
  let broker = await open();
  for (const name of ['in', 'out']) await createTopic(broker.connect(), name, 2);
  const address: BrokerAddress = await broker.listen({ host: '127.0.0.1', port: 0 });
  const at = `${address.host}:${address.port}`;
  const start = (): ChildProcess => {
    const instance = spawn('java', ['-cp', `${folder}/*`, PROGRAM, at, 'app', temporaryDirectory()], {
      stdio: 'ignore',
    });
    instances.push(instance);
    return instance;
  };
  const say = async (text: string): Promise<void> => {
    const client = createClient({ bootstrapServers: at });
    const producer = client.producer();
    await producer.send({ topic: 'in', value: text });
    await producer.close();
    await client.close();
  };
  /** Reads counts until each word has the count that it is to have. */
  const counted = async (wanted: Record<string, string>): Promise<void> => {
    const client = createClient({ bootstrapServers: at });
    const consumer = client.consumer({
      groupId: `reader-${Object.values(wanted).join('-')}`,
      autoOffsetReset: 'earliest',
    });
    consumer.subscribe(['out']);
    const counts: Record<string, string> = {};
    const isThere = (): boolean => Object.entries(wanted).every(([word, count]) => counts[word] === count);
    while (!isThere()) {
      for (const { key, value } of recordsOf(await consumer.poll(500)))
        counts[String(key)] = Buffer.from(value!).toString();
    }
    await consumer.close();
    await client.close();
    expect(counts).toEqual(wanted);
  };
  const first = start();
  await say('to be or not to be');
  await counted({ to: '2', be: '2', or: '1', not: '1' });
  start();
  await say('be');
  await counted({ to: '2', be: '3', or: '1', not: '1' });
  first.kill('SIGKILL');
  await say('or not');
  await counted({ to: '2', be: '3', or: '2', not: '2' });
  await broker.close();
  broker = await open();
  await broker.listen({ host: address.host, port: address.port });
  await say('to');
  await counted({ to: '3', be: '3', or: '2', not: '2' });
});
