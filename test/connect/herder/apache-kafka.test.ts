// Workers of Apache Kafka's own and ours on the same topics, one after the other and in one group.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../../src/client/index.ts';
import { configRecords } from '../../../src/connect/storage/config-records.ts';
import { statusKeys, statusValue, topicUseValue } from '../../../src/connect/storage/status-records.ts';
import { taskIdOf } from '../../../src/connect/storage/json-records.ts';
import { type Embedded, openEmbedded } from '../../suites/embedded.ts';
import { ask, until } from '../rest/asking.ts';
import { recordsIn, valuesIn } from '../support/worker.ts';
import { hasJavaWorkers, JavaWorker } from './java-worker.ts';
import { clusterSettings, startWorker, type WholeWorker } from './whole-worker.ts';

const CLUSTER = clusterSettings('mixed');
const LONG_MS = 180_000;

describe.skipIf(!hasJavaWorkers)('with workers of Java', { timeout: LONG_MS }, () => {
  let embedded: Embedded;
  let bootstrapServers: string;
  let directory: string;
  let client: Client;
  const ends: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    embedded = await openEmbedded();
    const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
    bootstrapServers = `${host}:${port}`;
    directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'));
    client = createClient({ bootstrapServers });
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await client.close();
    await embedded.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function java(settings: Record<string, string> = {}): Promise<JavaWorker> {
    const worker = await JavaWorker.start({
      mode: 'distributed',
      bootstrapServers,
      settings: { ...CLUSTER, ...settings },
    });
    ends.push(() => worker.kill());
    return worker;
  }

  async function ours(settings: Record<string, string> = {}): Promise<WholeWorker> {
    const worker = await startWorker('distributed', createClient({ bootstrapServers }), { ...CLUSTER, ...settings });
    ends.push(() => worker.close());
    return worker;
  }

  const source = (name: string) => {
    const file = join(directory, `${name}.txt`);
    writeFileSync(file, `${name} 1\n`);
    return { config: { 'connector.class': 'FileStreamSource', file, topic: name }, file };
  };

  const lines = (topic: string, count: number) =>
    until(
      () => valuesIn(client, topic),
      (values) => values.length >= count,
      60_000,
    );

  /** Where everything of these connectors is. */
  async function workersOf(url: string, connectors: readonly string[]): Promise<string[]> {
    const all = await Promise.all(connectors.map((name) => ask(url, `GET /connectors/${name}/status`)));
    return all.flatMap(({ body }) =>
      [body?.connector, ...(body?.tasks ?? [undefined])].map((each) =>
        each?.state === 'RUNNING' ? each.worker_id : '-',
      ),
    );
  }

  test('ours takes over what Java’s had, and Java’s takes over what ours had', async () => {
    const first = await java();
    const [a, b] = [source('a'), source('b')];
    await ask(first.url, 'PUT /connectors/a/config', { body: a.config });
    await ask(first.url, 'PUT /connectors/b/config', { body: b.config });
    expect(await lines('a', 1)).toEqual(['a 1']);
    expect(await lines('b', 1)).toEqual(['b 1']);
    await until(
      async () => (await recordsIn(client, 'mixed-offsets')).length,
      (count) => count >= 2,
    );
    await ask(first.url, 'PUT /connectors/b/pause');
    await until(
      async () => (await ask(first.url, 'GET /connectors/b/status')).body.tasks[0]?.state as string,
      (state) => state === 'PAUSED',
    );
    await first.stop();
    await sameRecords(client);

    const second = await ours();
    expect((await ask(second.url, 'GET /connectors')).body).toEqual(['a', 'b']);
    await until(
      () => workersOf(second.url, ['a']),
      (found) => found.every((name) => name === second.name),
    );
    appendFileSync(a.file, 'a 2\n');
    expect(await lines('a', 2)).toEqual(['a 1', 'a 2']);
    expect((await ask(second.url, 'GET /connectors/b/status')).body.tasks[0].state).toBe('PAUSED');
    expect((await ask(second.url, 'GET /connectors/a/offsets')).body.offsets[0].partition).toEqual({
      filename: a.file,
    });
    await ask(second.url, 'PUT /connectors/c/config', { body: source('c').config });
    expect(await lines('c', 1)).toEqual(['c 1']);
    await ask(second.url, 'PUT /connectors/c/stop');
    await ask(second.url, 'DELETE /connectors/b');
    await until(
      async () => (await recordsIn(client, 'mixed-offsets')).filter(({ value }) => String(value).includes('8')).length,
      (count) => count >= 1,
    );
    ends.pop();
    await second.close();

    const third = await java();
    expect((await ask(third.url, 'GET /connectors')).body.sort()).toEqual(['a', 'c']);
    await until(
      () => workersOf(third.url, ['a']),
      (found) => found.every((name) => name === third.name),
    );
    appendFileSync(a.file, 'a 3\n');
    expect(await lines('a', 3)).toEqual(['a 1', 'a 2', 'a 3']);
    expect((await ask(third.url, 'GET /connectors/c/status')).body).toMatchObject({
      connector: { state: 'STOPPED' },
      tasks: [],
    });
    expect((await ask(third.url, 'GET /connectors/c/offsets')).body.offsets).toHaveLength(1);
  });

  test.each(['sessioned', 'compatible', 'eager'])('one group of both, with the protocol %s', async (protocol) => {
    const settings = { 'connect.protocol': protocol };
    const workers = [await ours(settings), await java(settings)];
    const names = ['a', 'b', 'c', 'd'];
    // Whoever leads writes, whoever is asked.
    for (const [i, name] of names.entries()) {
      const answer = await until(
        () => ask(workers[i % 2]!.url, `PUT /connectors/${name}/config`, { body: source(name).config }),
        ({ status }) => status === 201 || status === 200,
      );
      expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    }
    const views = await until(
      () => Promise.all(workers.map(({ url }) => workersOf(url, names))),
      ([one, other]) => !one!.includes('-') && new Set(one).size === 2 && one!.join() === other!.join(),
      60_000,
    );
    expect([...new Set(views[0])].sort()).toEqual(workers.map(({ name }) => name).sort());
    expect(views[1]).toEqual(views[0]);
    for (const name of names) expect(await lines(name, 1)).toEqual([`${name} 1`]);
    // Other tasks: told by who has the connector, written by who leads.
    for (const [i, name] of names.entries()) {
      const file = join(directory, `${name}.txt`);
      const config = { 'connector.class': 'FileStreamSource', file, topic: `${name}2` };
      const answer = await ask(workers[(i + 1) % 2]!.url, `PUT /connectors/${name}/config`, { body: config });
      expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    }
    for (const name of names) {
      // As long as the old task runs, lines go where they went.
      let written = 1;
      const found = await until(
        () => {
          appendFileSync(join(directory, `${name}.txt`), `${name} ${++written}\n`);
          return valuesIn(client, `${name}2`);
        },
        (values) => values.length > 0,
        60_000,
      );
      expect(found[0]).toMatch(new RegExp(`^${name} \\d+$`));
    }
    for (const worker of workers) {
      for (const name of names)
        expect((await ask(worker.url, `POST /connectors/${name}/tasks/0/restart`)).status).toBe(204);
    }
    // The Java worker dies; what it had comes to ours.
    await (workers[1] as JavaWorker).kill();
    const rest = await until(
      () => workersOf(workers[0]!.url, names),
      (found) => found.every((name) => name === workers[0]!.name),
      60_000,
    );
    expect(new Set(rest)).toEqual(new Set([workers[0]!.name]));
  });

  test('exactly once, in one group: each fences for the other', async () => {
    const settings = { 'exactly.once.source.support': 'enabled' };
    const workers = [await java(settings), await ours(settings)];
    const names = ['a', 'b', 'c', 'd'];
    for (const [i, name] of names.entries()) {
      const config = { ...source(name).config, 'exactly.once.support': 'required' };
      const put = () => ask(workers[i % 2]!.url, `PUT /connectors/${name}/config`, { body: config });
      const answer = await until(put, ({ status }) => status < 300);
      expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    }
    for (const name of names) expect(await lines(name, 1)).toEqual([`${name} 1`]);
    const spread = await until(
      () => workersOf(workers[0]!.url, names),
      (found) => !found.includes('-'),
      60_000,
    );
    expect(new Set(spread).size).toBe(2);
    for (const name of names) appendFileSync(join(directory, `${name}.txt`), `${name} 2\n`);
    await (workers[0] as JavaWorker).kill();
    for (const name of names) expect(await lines(name, 2)).toEqual([`${name} 1`, `${name} 2`]);
    await until(
      () => workersOf(workers[1]!.url, names),
      (found) => found.every((worker) => worker === workers[1]!.name),
      60_000,
    );
    for (const name of names) expect(await valuesIn(client, name)).toEqual([`${name} 1`, `${name} 2`]);
  });
});

/** What Java has written is, to the byte, what we write of the same. */
async function sameRecords(client: Client): Promise<void> {
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever JSON there is
  const parsed = (value: Buffer | null): any => JSON.parse(String(value));
  let seen = 0;
  for (const { key, value } of await recordsIn(client, 'mixed-configs')) {
    if (value === null) continue;
    const [name, json] = [String(key), parsed(value)];
    const behind = (prefix: string) => name.slice(prefix.length);
    const record = name.startsWith('target-state-')
      ? configRecords.target(behind('target-state-'), json['state.v2'])
      : name.startsWith('connector-')
        ? configRecords.connector(behind('connector-'), json.properties)
        : name.startsWith('task-')
          ? configRecords.task(taskIdOf(behind('task-')), json.properties)
          : name.startsWith('commit-')
            ? configRecords.commit(behind('commit-'), json.tasks)
            : configRecords.sessionKey({
                key: Buffer.from(json.key, 'base64'),
                algorithm: json.algorithm,
                createdAt: json['creation-timestamp'],
              });
    expect(record).toEqual({ key: name, value: String(value) });
    seen++;
  }
  expect(seen).toBeGreaterThan(6);
  for (const { key, value } of await recordsIn(client, 'mixed-status')) {
    if (value === null) continue;
    const [name, json] = [String(key), parsed(value)];
    if (json.topic !== undefined) {
      const { name: topic, connector, task, discoverTimestamp: discoveredAt } = json.topic;
      expect([name, String(value)]).toEqual([
        statusKeys.topic(connector, topic),
        topicUseValue({ topic, connector, task, discoveredAt }),
      ]);
    } else {
      const { worker_id: workerId, ...rest } = json;
      expect(String(value)).toBe(statusValue({ ...rest, workerId }));
    }
  }
}
