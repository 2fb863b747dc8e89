// The programs that Kafka Streams shows what it can do with, as its users run them: processes that import the package, on a
// whole platform.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { recordsOf } from '../../src/client/index.ts';
import { Platform } from '../../src/platform/index.ts';
import {
  deserialize,
  doubleSerde,
  integerSerde,
  longSerde,
  type Serde,
  serialize,
  stringSerde,
} from '../../src/serde/index.ts';
import { Program } from '../suites/as-package.ts';

const programs = join(import.meta.dirname, '../../examples/streams');
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-programs-'));
const HOUR = 60 * 60 * 1000;
let platform: Platform;
const running = new Set<Program>();

beforeAll(async () => {
  platform = await Platform.start({
    settings: {
      'log.dirs': dataDir,
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
    },
  });
});
afterEach(async () => {
  for (const program of running) assert.equal(await program.stop(), 0, program.output);
  running.clear();
});
afterAll(async () => {
  await platform.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Starts a program whose topics are there. */
async function run(name: string, topics: readonly string[], ...args: readonly string[]): Promise<Program> {
  const admin = platform.client.admin();
  const known = await admin.listTopics();
  await admin.createTopics(
    topics.filter((topic) => !known.includes(topic)).map((topic) => ({ name: topic, partitions: 2 })),
  );
  const program = new Program(join(programs, `${name}.ts`), [platform.url('broker'), ...args]);
  running.add(program);
  await program.says(/^running/);
  return program;
}

type Sent = readonly [key: string | null, value: unknown, timestamp?: number];

/** Values that are not bytes are written as texts, or as JSON. */
async function send(topic: string, ...records: readonly Sent[]): Promise<void> {
  const producer = platform.client.producer();
  for (const [key, value, timestamp = Date.now()] of records) {
    const written = typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
    await producer.send({ topic, key, value: written, timestamp });
  }
  await producer.close();
}

/** Asks for the last value of every key of a topic, as far as it has come. */
function latestOf<T>(topic: string, value: Serde<T>): () => Promise<Record<string, T | null>> {
  const consumer = platform.client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_committed' });
  consumer.assign([0, 1].map((partition) => ({ topic, partition, offset: -2 })));
  const latest: Record<string, T | null> = {};
  return async () => {
    for (const record of recordsOf(await consumer.poll(50))) {
      latest[String(record.key)] = deserialize(value, record.value);
    }
    return latest;
  };
}

test('none is longer than a page', () => {
  const lengths = readdirSync(programs).map(
    (file) => readFileSync(join(programs, file), 'utf8').trimEnd().split('\n').length,
  );
  expect(lengths).toHaveLength(7);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(80);
});

test('word count', async () => {
  await run('word-count', ['streams-plaintext-input', 'streams-wordcount-output']);
  await send('streams-plaintext-input', [null, 'all streams lead to Kafka'], [null, 'hello, Kafka streams']);
  await expect
    .poll(latestOf('streams-wordcount-output', longSerde))
    .toEqual({ all: 1, streams: 2, lead: 1, to: 1, kafka: 2, hello: 1 });
});

test('page views by region', async () => {
  await run('page-views', ['users', 'page-views', 'views-by-region']);
  await send('users', ['ada', { region: 'europe' }, 0], ['bo', { region: 'asia' }, 0]);
  const view = (user: string, at: number): Sent => [null, { user, page: 'index' }, at];
  await send(
    'page-views',
    view('ada', 1000),
    view('bo', 2000),
    view('ada', 3000),
    view('eve', 4000),
    view('ada', 61_000),
  );
  await expect.poll(latestOf('views-by-region', longSerde)).toEqual({
    'europe@1970-01-01T00:00:00.000Z': 2,
    'asia@1970-01-01T00:00:00.000Z': 1,
    'unknown@1970-01-01T00:00:00.000Z': 1,
    'europe@1970-01-01T00:01:00.000Z': 1,
  });
});

test('top articles by industry', async () => {
  await run('top-articles', ['article-views', 'top-articles']);
  const read = (industry: string, page: string, times: number, at = 0): Sent[] =>
    Array.from({ length: times }, () => ['user', { industry, page }, at]);
  await send(
    'article-views',
    ...read('tech', 'a', 2),
    ...read('tech', 'b', 4),
    ...read('tech', 'c', 1),
    ...read('tech', 'd', 3),
    ...read('food', 'e', 1),
    ...read('tech', 'c', 5),
    ...read('tech', 'a', 1, HOUR),
  );
  await expect.poll(latestOf('top-articles', stringSerde)).toEqual({
    'tech@1970-01-01T00:00:00.000Z': 'c (6), b (4), d (3)',
    'food@1970-01-01T00:00:00.000Z': 'e (1)',
    'tech@1970-01-01T01:00:00.000Z': 'a (1)',
  });
});

test('sessions of events', async () => {
  await run('session-windows', ['play-events', 'play-events-per-session']);
  const minute = 60_000;
  const at = (minutes: number): Sent => ['jo', 'song', minutes * minute];
  // The third lies between the first two, which are one session from then on: what they were is taken back.
  await send('play-events', at(0), at(50), at(25), at(120));
  await expect.poll(latestOf('play-events-per-session', longSerde)).toEqual({
    'jo@0->0': null,
    [`jo@${50 * minute}->${50 * minute}`]: null,
    [`jo@0->${50 * minute}`]: 3,
    [`jo@${120 * minute}->${120 * minute}`]: 1,
  });
});

test('tables that refer to one another', async () => {
  await run('foreign-key-join', ['albums', 'track-purchases', 'music-interest', 'income-per-genre']);
  await send(
    'track-purchases',
    ['p1', { albumId: '5', song: 'Houses', price: 2 }],
    ['p2', { albumId: '6', song: 'Jam', price: 1.5 }],
  );
  await send('albums', ['5', { title: 'Physical', genre: 'rock' }], ['6', { title: 'Purple', genre: 'funk' }]);
  await expect.poll(latestOf('income-per-genre', doubleSerde)).toEqual({ rock: 2, funk: 1.5 });
  await send('albums', ['6', { title: 'Purple', genre: 'rock' }]);
  await expect.poll(latestOf('income-per-genre', doubleSerde)).toEqual({ rock: 3.5, funk: 0 });
});

test('counts that are asked of any instance', async () => {
  const [one, two] = [
    await run('interactive-queries', ['queried-lines'], '0'),
    await run('interactive-queries', ['queried-lines'], '0'),
  ];
  await send('queried-lines', [null, 'the mill grinds'], [null, 'the water runs']);
  for (const program of [one, two]) {
    await expect
      .poll(async () => {
        program.output = '';
        program.type('instances');
        program.type('the');
        await program.says(/^the \d+$/);
        return program.output
          .replace(/127\.0\.0\.1:\d+/g, 'it')
          .split('\n')
          .sort()
          .join(' ')
          .trim();
      })
      .toBe('it has 2 partitions it has 2 partitions the 2');
    program.type('all');
    for (const line of ['grinds 1', 'mill 1', 'runs 1', 'the 2', 'water 1']) await program.says(line);
    program.type('nobody');
    await program.says('nobody 0');
  }
  for (const program of [one, two]) {
    program.child.stdin!.end();
    expect(await program.ended).toBe(0);
    running.delete(program);
  }
});

test('the validation of orders', async () => {
  await run('order-validation', ['orders', 'stock']);
  await send('stock', ['tea', serialize(integerSerde, 10)!, 0], ['salt', serialize(integerSerde, 3)!, 0]);
  const order = (id: string, customer: string, product: string, quantity: number, price: number): Sent => [
    id,
    { id, customer, product, quantity, price, state: 'CREATED' },
    Number(id),
  ];
  await send(
    'orders',
    order('1', 'ada', 'tea', 4, 10),
    order('2', 'bo', 'tea', 7, 10),
    order('3', 'ada', 'salt', 3, 700),
  );
  await send('orders', order('4', 'bo', 'tea', 6, 10), order('5', 'cy', 'salt', -1, 1));
  const consumer = platform.client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_committed' });
  consumer.assign([0, 1].map((partition) => ({ topic: 'orders', partition, offset: -2 })));
  const states: string[] = [];
  await expect
    .poll(async () => {
      for (const { value } of recordsOf(await consumer.poll(50))) {
        const { id, state } = JSON.parse(String(value)) as { id: string; state: string };
        if (state !== 'CREATED') states.push(`${id} ${state}`);
      }
      return states.toSorted();
    })
    .toEqual(['1 VALIDATED', '2 FAILED', '3 FAILED', '4 VALIDATED', '5 FAILED']);
  await consumer.close();
});
