// Registries are killed while they register, again and again: what any of them acknowledged is there, once, for all.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SchemaRegistry } from '../../src/schema-registry/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

const ROUNDS = 6;
const WRITERS = 4;

let embedded: Embedded;
let broker: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  embedded = await openEmbedded();
  const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
  broker = `${host}:${port}`;
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await embedded.close();
});

async function start(): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(join(import.meta.dirname, 'registry-child.ts'), [broker]);
  running.push(child);
  const [url] = (await once(child, 'message')) as [string];
  return { child, url };
}

interface Acknowledged {
  readonly subject: string;
  readonly schema: string;
  readonly id: number;
  readonly version: number;
}

test('what was acknowledged survives', async () => {
  const acknowledged: Acknowledged[] = [];
  let number = 0;
  let [doomed, other] = [await start(), await start()];
  for (let round = 0; round < ROUNDS; round++) {
    let isOver = false;
    const until = acknowledged.length + 10 + 7 * round;
    const write = async (writer: number) => {
      while (!isOver) {
        const { url } = writer % 2 === 0 ? doomed : other;
        const i = number++;
        // Some have subjects of their own, some are versions of the same.
        const subject = i % 3 === 0 ? 'shared' : `own-${i}`;
        const schema = `{"type":"record","name":"R${subject === 'shared' ? '' : i}","fields":[{"name":"f${i}","type":"int","default":0}]}`;
        try {
          const headers = { 'content-type': 'application/json' };
          const body = JSON.stringify({ schema });
          const response = await fetch(`${url}/subjects/${subject}/versions`, { method: 'POST', headers, body });
          const { id, version } = (await response.json()) as { id: number; version: number };
          expect(response.status).toBe(200);
          acknowledged.push({ subject, schema, id, version });
        } catch (error) {
          // Killed before it answered: nobody was told anything.
          if (!(error instanceof TypeError)) throw error;
        }
        if (acknowledged.length >= until && !isOver) {
          isOver = true;
          doomed.child.kill('SIGKILL');
        }
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    [doomed, other] = [other, await start()];
  }

  const client = embedded.connect();
  const registry = await SchemaRegistry.open(client);
  for (const { subject, schema, id, version } of acknowledged) {
    expect(registry.version(subject, String(version))).toMatchObject({ id, schema });
  }
  const contents = new Map<number, string>();
  for (const { id, schema } of registry.schemas()) {
    expect(contents.get(id) ?? schema).toBe(schema);
    contents.set(id, schema);
  }
  expect(new Set(contents.values()).size).toBe(contents.size);
  const versions = registry.versions('shared');
  expect(versions).toEqual(versions.map((_, i) => i + 1));
  expect(acknowledged.length).toBeGreaterThan(ROUNDS * 10);
  await registry.close();
  await client.close();
});
