// Threads of queries: they share a query's partitions, tell what becomes of it, and when one dies, nothing is lost, nothing
// is counted twice, and nobody is shown half a table.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { QueryThread, type QueryThreadsOptions } from '../../src/platform/query-threads.ts';
import { MemorySchemas } from '../../src/serde/index.ts';
import { openSqlService, type SqlService } from '../../src/sql/index.ts';
import { systemEnvironment } from '../../src/util/index.ts';

let dataDir: string;
let broker: Broker;
let client: Client;
let service: SqlService;
let threads: QueryThread[];
let logged: string[];

const APPLICATION = '_confluent-ksql-default_query_CTAS_T_0';

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-query-threads-'));
  broker = await Broker.open({ dataDir: join(dataDir, 'kafka'), settings: { 'group.initial.rebalance.delay.ms': 0 } });
  client = createClient({ dial: async () => broker.connect() });
  await open();
});
afterEach(async () => {
  await service.close();
  await client.close();
  await broker.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function open(): Promise<void> {
  threads = [];
  logged = [];
  const stateDir = join(dataDir, 'streams');
  const options: QueryThreadsOptions = {
    defaultCount: 2,
    stateDir,
    cluster: undefined,
    connect: (port) => broker.serveThread(port),
    environment: systemEnvironment,
    log: (message) => logged.push(message),
  };
  const thread = (index: number) => (threads[index] = new QueryThread(`query thread ${index + 1}`, options));
  service = await openSqlService({
    client,
    schemas: new MemorySchemas(),
    stateDir,
    settings: { 'auto.offset.reset': 'earliest', 'commit.interval.ms': 20 },
    version: 'test',
    threads: { defaultCount: 2, thread },
    log: (message) => logged.push(message),
  });
}

async function rows(text: string): Promise<unknown[][]> {
  const query = await service.query(text);
  if ('lines' in query) throw new Error('that is no SELECT');
  const found: unknown[][] = [];
  for await (const batch of query.batches) found.push(...batch.map(({ json }) => JSON.parse(json) as unknown[]));
  await query.close();
  return found;
}

async function produce(topic: string, records: readonly (readonly [string, string])[]): Promise<void> {
  const producer = client.producer();
  const sent = records.map(([key, value]) =>
    producer.send({ topic, key: Buffer.from(key), value: Buffer.from(value) }),
  );
  await Promise.all(sent);
  await producer.close();
}

const KEYS = Array.from({ length: 50 }, (_, i) => `k${i}`);
const TABLE = `
  CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=4);
  CREATE TABLE t AS SELECT v % 5 AS m, COUNT(*) AS n, SUM(v) AS total FROM s GROUP BY v % 5;`;

/** Records of a topic that readers of committed data see, markers and all. */
async function committed(topic: string): Promise<number> {
  const partitions = [0, 1, 2, 3].map((partition) => ({ topic, partition, timestamp: -1 }));
  const ends = await client.admin().listOffsets(partitions, 'read_committed');
  return ends.reduce((sum, { offset }) => sum + offset, 0);
}

const membersOf = async (group: string): Promise<number> =>
  (await client.admin().describeGroups([group]))[0]!.members.length;

describe('query threads', () => {
  test('leave a query alone whose results depend on an order between partitions', async () => {
    await service.execute(
      "CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=4);",
    );
    const producer = client.producer();
    // One partition after the other: by their times the records take turns.
    const sent = [0, 1, 2, 3].flatMap((partition) =>
      Array.from({ length: 2000 }, (_, i) => {
        const v = 4 * i + partition;
        return producer.send({ topic: 's', partition, key: 'k', value: JSON.stringify({ V: v }), timestamp: 1000 + v });
      }),
    );
    await Promise.all(sent);
    await producer.close();
    await service.execute(
      'CREATE TABLE t AS SELECT v % 5 AS m, COUNT(*) AS n, LATEST_BY_OFFSET(v) AS last FROM s GROUP BY v % 5;',
    );
    await expect
      .poll(async () => (await rows('SELECT m, n, last FROM t;')).toSorted(), { timeout: 30_000 })
      .toEqual([0, 1, 2, 3, 4].map((m) => [m, 1600, 7995 + m]));
    expect(await membersOf(APPLICATION)).toBe(1);
  });

  test('share the partitions of a query', async () => {
    await service.execute(TABLE);
    await expect.poll(() => membersOf(APPLICATION), { timeout: 30_000 }).toBe(2);
    await produce(
      's',
      KEYS.map((key, i) => [key, `{"v":${i}}`]),
    );
    const total = async () => (await rows('SELECT SUM(n), SUM(total) FROM t;'))[0];
    await expect.poll(total, { timeout: 30_000 }).toEqual([50, 1225]);
    expect((await rows('SELECT m FROM t;')).flat().sort()).toEqual([0, 1, 2, 3, 4]);
    expect(await rows('SELECT m FROM t LIMIT 3;')).toHaveLength(3);
    expect(await rows('SELECT n FROM t WHERE m = 3;')).toEqual([[10]]);
  });

  test('when one dies, the others go on, results are exact, and no part of a table is missing', async () => {
    await service.execute(TABLE);
    const round = () =>
      produce(
        's',
        KEYS.map((key, i) => [key, `{"v":${i}}`]),
      );
    await round();
    // What is committed comes back; what was seen before that need not.
    await expect.poll(() => committed('T'), { timeout: 30_000 }).toBeGreaterThanOrEqual(5);
    for (let i = 0; i < 6; i++) {
      await round();
      if (i % 2 === 1) await threads[i % 4 === 1 ? 0 : 1]!.kill();
      expect(await rows('SELECT m FROM t;')).toHaveLength(5);
      for (const m of [0, 1, 2, 3, 4]) expect(await rows(`SELECT m FROM t WHERE m = ${m};`)).toEqual([[m]]);
    }
    const counted = async () => (await rows('SELECT SUM(n), SUM(total) FROM t;'))[0];
    await expect.poll(counted, { timeout: 60_000 }).toEqual([7 * 50, 7 * 1225]);
    await expect.poll(() => membersOf(APPLICATION), { timeout: 30_000 }).toBe(2);
    expect(logged.join('\n')).toContain('it is started again in 500 ms');
    expect(service.metrics().gauges[0]!.value()).toMatchObject({ values: { RUNNING: 1, ERROR: 0 } });
  });

  test('a push query whose thread dies says so', async () => {
    await service.execute("CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);");
    const query = await service.query('SELECT v FROM s EMIT CHANGES;');
    if ('lines' in query) throw new Error('that is no SELECT');
    await produce('s', [['', '{"v":1}']]);
    const batches = query.batches[Symbol.asyncIterator]();
    expect((await batches.next()).value).toMatchObject([{ json: '[1]' }]);
    await threads[0]!.kill();
    await expect(batches.next()).rejects.toMatchObject({ code: 'THREAD_LOST', retriable: true });
    await query.close();
    // The next one finds its place.
    const again = service.query('SELECT v FROM s EMIT CHANGES LIMIT 1;');
    expect('batches' in (await again)).toBe(true);
    await (await again).close();
  });

  test('tell what stops a query, and end it everywhere', async () => {
    await service.execute(TABLE, { properties: { 'ksql.fail.on.deserialization.error': true }, variables: {} });
    await produce('s', [['k', 'no JSON']]);
    const check = async () => (await service.healthChecks().queries()) ?? '';
    await expect.poll(check, { timeout: 30_000 }).toContain('CTAS_T_0: ');
    await expect.poll(() => membersOf(APPLICATION), { timeout: 30_000 }).toBe(0);
    const [listed] = await service.execute('SHOW QUERIES;');
    expect(listed).toMatchObject({ queries: [{ id: 'CTAS_T_0', state: 'ERROR' }] });
    await expect(rows('SELECT * FROM t;')).rejects.toThrow('Cannot determine which host');
  });

  test('pause, resume and replace a query; when it is terminated, nothing of it stays', async () => {
    await service.execute(TABLE);
    const once = KEYS.map((key, i): [string, string] => [key, `{"v":${i}}`]);
    await produce('s', once);
    const counted = async () => (await rows('SELECT SUM(n) FROM t;'))[0];
    await expect.poll(counted, { timeout: 30_000 }).toEqual([50]);
    await service.execute('PAUSE CTAS_T_0;');
    expect(await membersOf(APPLICATION)).toBe(0);
    await expect(rows('SELECT * FROM t;')).rejects.toThrow("isn't queryable");
    await produce('s', once);
    await service.execute('RESUME CTAS_T_0;');
    await expect.poll(counted, { timeout: 30_000 }).toEqual([100]);
    await service.execute(
      'CREATE OR REPLACE TABLE t AS SELECT v % 5 AS m, COUNT(*) AS n, SUM(v) AS total FROM s WHERE v < 10 GROUP BY v % 5;',
    );
    await produce('s', once);
    await expect.poll(counted, { timeout: 30_000 }).toEqual([110]);
    expect(existsSync(join(dataDir, 'streams', APPLICATION))).toBe(true);
    await service.execute('TERMINATE CTAS_T_0;');
    expect(existsSync(join(dataDir, 'streams', APPLICATION))).toBe(false);
    expect(
      (await client.admin().listTopics()).filter((name) => name.startsWith('_confluent-ksql-default_query')),
    ).toEqual([]);
  });

  test('go on after a restart of everything, from their checkpoints', async () => {
    await service.execute(TABLE);
    const once = KEYS.map((key, i): [string, string] => [key, `{"v":${i}}`]);
    await produce('s', once);
    const counted = async () => (await rows('SELECT SUM(n) FROM t;'))[0];
    await expect.poll(counted, { timeout: 30_000 }).toEqual([50]);
    await service.close();
    await open();
    expect(await counted()).toEqual([50]);
    await produce('s', once);
    await expect.poll(counted, { timeout: 30_000 }).toEqual([100]);
  });
});
