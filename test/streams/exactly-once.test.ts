// Exactly-once under kill -9: whenever the process dies, the committed output holds every count once, in order.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

const WORDS = 5;
const KILLS = 4;
const BATCH = 400;

let embedded: Embedded;
let client: Client;
let stateDir: string;
let bootstrapServers: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  embedded = await openEmbedded({ 'group.min.session.timeout.ms': 500 });
  const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
  bootstrapServers = `${host}:${port}`;
  client = embedded.connect();
  stateDir = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await client?.close();
  await embedded?.close();
  rmSync(stateDir, { recursive: true, force: true });
});

function startApp(name: string, memory: number): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./counting-app.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    [script, bootstrapServers, name, stateDir, `${name}-input`, `${name}-output`, String(memory)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.add(child);
  return new Promise((resolve, reject) => {
    child.stdout!.once('data', () => resolve(child));
    child.once('exit', (code) => reject(new Error(`the application ended with ${code}`)));
  });
}

function kill(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => {
      children.delete(child);
      resolve();
    });
    child.kill('SIGKILL');
  });
}

test.each([
  { name: 'killed', memory: 0 },
  { name: 'killed-without-memory', memory: 1 },
])('a process that is killed again and again counts every record once: $name', async ({ name, memory }) => {
  await client.admin().createTopics([
    { name: `${name}-input`, partitions: 2 },
    { name: `${name}-output`, partitions: 1 },
  ]);
  const producer = client.producer();
  const consumer = client.consumer({ isolationLevel: 'read_committed' });
  consumer.assign([{ topic: `${name}-output`, partition: 0, offset: -2 }]);
  const counts = new Map<string, number[]>();
  let seen = 0;
  const readUntil = async (total: number): Promise<void> => {
    while (seen < total) {
      for (const { cursor } of await consumer.poll(500)) {
        while (cursor.advance()) {
          const word = cursor.bytes.toString('utf8', cursor.keyStart, cursor.keyEnd);
          const list = counts.get(word) ?? [];
          list.push(Number(cursor.bytes.readBigInt64BE(cursor.valueStart)));
          counts.set(word, list);
          seen++;
        }
      }
    }
  };
  const send = async (round: number): Promise<void> => {
    const records = Array.from({ length: BATCH }, (_, i) => ({ key: `${round}-${i}`, value: `w${i % WORDS}` }));
    await Promise.all(
      records.map(({ key, value }) =>
        producer.send({ topic: `${name}-input`, key: Buffer.from(key), value: Buffer.from(value) }),
      ),
    );
  };

  for (let round = 0; round < KILLS; round++) {
    const child = await startApp(name, memory);
    const sending = send(round);
    // Somewhere between nothing and nearly all of what this round brings.
    await readUntil(
      Math.max(seen + 1, Math.min(round * BATCH + 1 + ((round * 151) % BATCH), (round + 1) * BATCH - 50)),
    );
    await kill(child);
    await sending;
  }
  const last = await startApp(name, memory);
  await readUntil(KILLS * BATCH);
  // Nothing more comes: what was left undone has been counted once, what was counted is not counted again.
  await producer.send({ topic: `${name}-input`, key: Buffer.from('end'), value: Buffer.from('end') });
  await readUntil(KILLS * BATCH + 1);
  await kill(last);

  const expected = Array.from({ length: (KILLS * BATCH) / WORDS }, (_, i) => i + 1);
  for (let word = 0; word < WORDS; word++) expect(counts.get(`w${word}`)).toEqual(expected);
  expect(counts.get('end')).toEqual([1]);
  await producer.close();
  await consumer.close();
});
