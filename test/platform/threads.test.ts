// The services in a thread of their own: they do what they do in the broker's, don't hold it up, and come back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import { createClient } from '../../src/client/index.ts';
import { Platform } from '../../src/platform/index.ts';
import { ServiceThread } from '../../src/platform/threads.ts';
import { systemEnvironment } from '../../src/util/index.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const listeners = { 'schema.registry.listeners': 'http://127.0.0.1:0', 'ksql.listeners': 'http://127.0.0.1:0' };

async function ksql(url: string, text: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${url}/ksql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ksql: text }),
  });
  return (await response.json()) as Record<string, unknown>[];
}

async function rowsOf(url: string, text: string): Promise<unknown[][]> {
  const response = await fetch(`${url}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ksql: text }),
  });
  const answer = (await response.json()) as { row?: { columns: unknown[] } }[];
  return answer.flatMap(({ row }) => (row === undefined ? [] : [row.columns]));
}

describe('a platform with threads', () => {
  let platform: Platform;
  const open = () =>
    Platform.start({
      settings: { 'log.dirs': dataDir, listeners: 'PLAINTEXT://127.0.0.1:0', 'service.threads': true, ...listeners },
    });
  afterEach(() => platform.stop());

  test('computes, answers, and goes on after a restart', async () => {
    platform = await open();
    const created = await ksql(
      platform.url('sql'),
      `SET 'auto.offset.reset' = 'earliest';
       CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='s', partitions=2, value_format='AVRO');
       CREATE TABLE t AS SELECT k, SUM(v) AS total FROM s GROUP BY k;
       INSERT INTO s VALUES ('a', 1); INSERT INTO s VALUES ('a', 2); INSERT INTO s VALUES ('b', 5);`,
    );
    expect(created).toMatchObject([{ '@type': 'currentStatus' }, { '@type': 'currentStatus' }]);
    const rows = () => rowsOf(platform.url('sql'), "SELECT total FROM t WHERE k = 'a';");
    await expect.poll(rows, { timeout: 60_000 }).toEqual([[3]]);
    expect(await platform.schemas.latest('s-value')).toMatchObject({ schemaType: 'AVRO', version: 1 });
    await platform.stop();
    platform = await open();
    await ksql(platform.url('sql'), "INSERT INTO s VALUES ('a', 10);");
    await expect.poll(rows, { timeout: 60_000 }).toEqual([[13]]);
  });

  test('the broker answers while the services work', async () => {
    platform = await open();
    const client = createClient({ bootstrapServers: platform.url('broker') });
    let isAnswered = false;
    const hostile = ksql(platform.url('sql'), ';'.repeat(1_500_000)).then(() => {
      isAnswered = true;
    });
    let answersMeanwhile = 0;
    while (!isAnswered) {
      await client.admin().listTopics();
      answersMeanwhile++;
    }
    await hostile;
    await client.close();
    expect(answersMeanwhile).toBeGreaterThan(100);
  });

  test('what keeps the services from starting is told, and nothing stays behind', async () => {
    platform = await open();
    const { port } = new URL(platform.url('sql'));
    const other = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
    const second = Platform.start({
      settings: {
        ...listeners,
        'log.dirs': other,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'service.threads': true,
        'ksql.listeners': `http://127.0.0.1:${port}`,
      },
    });
    await expect(second).rejects.toMatchObject({ code: 'PORT_TAKEN', message: expect.stringContaining(port) });
    rmSync(other, { recursive: true });
  });
});

test('on a cluster queries have their threads, too, and each is in the group by itself', async () => {
  const cluster = await Broker.open({ dataDir: join(dataDir, 'cluster') });
  const { host, port } = await cluster.listen({ host: '127.0.0.1', port: 0 });
  const platform = await Platform.start({
    settings: {
      ...listeners,
      'log.dirs': join(dataDir, 'own'),
      'bootstrap.servers': `${host}:${port}`,
      'service.threads': true,
      'ksql.streams.num.stream.threads': 2,
    },
  });
  await ksql(
    platform.url('sql'),
    `SET 'auto.offset.reset' = 'earliest';
     CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='s', partitions=4, value_format='JSON');
     CREATE TABLE t AS SELECT k, SUM(v) AS total FROM s GROUP BY k;
     ${Array.from({ length: 12 }, (_, i) => `INSERT INTO s VALUES ('k${i}', ${i});`).join('')}`,
  );
  await expect
    .poll(() => rowsOf(platform.url('sql'), 'SELECT SUM(total), COUNT(*) FROM t;'), { timeout: 60_000 })
    .toEqual([[66, 12]]);
  const client = createClient({ bootstrapServers: `${host}:${port}` });
  const [group] = await client.admin().describeGroups(['_confluent-ksql-default_query_CTAS_T_0']);
  expect(group!.members).toHaveLength(2);
  await client.close();
  await platform.stop();
  await cluster.close();
});

test('a thread that dies is started again where it was, and the broker does not notice', async () => {
  const broker = await Broker.open({ dataDir });
  const client = createClient({ dial: async () => broker.connect() });
  const logged: string[] = [];
  const thread = new ServiceThread({
    entry: 'platform/service-work',
    name: "the services' thread",
    settings: { 'log.dirs': dataDir, ...listeners },
    serve: (port) => broker.serveThread(port),
    environment: systemEnvironment,
    log: (message) => logged.push(message),
  });
  await thread.start();
  const sql = thread.services.find(({ name }) => name === 'sql')!.url;
  await ksql(
    sql,
    `SET 'auto.offset.reset' = 'earliest';
     CREATE STREAM s (v INT) WITH (kafka_topic='s', partitions=2, value_format='JSON');
     CREATE TABLE t AS SELECT v, COUNT(*) AS n FROM s GROUP BY v;
     INSERT INTO s VALUES (1); INSERT INTO s VALUES (1); INSERT INTO s VALUES (2);`,
  );
  const total = () => rowsOf(sql, 'SELECT SUM(n) FROM t;').catch(() => []);
  await expect.poll(total, { timeout: 60_000 }).toEqual([[3]]);
  // The threads of queries end with it.
  await thread.kill();
  expect(await client.admin().listTopics()).toContain('s');
  const streams = () => ksql(sql, 'SHOW STREAMS;').catch(() => []);
  await expect.poll(streams, { timeout: 60_000 }).toMatchObject([{ streams: [{ name: 'S' }] }]);
  await expect.poll(total, { timeout: 60_000 }).toEqual([[3]]);
  await ksql(sql, 'INSERT INTO s VALUES (2);');
  await expect.poll(total, { timeout: 60_000 }).toEqual([[4]]);
  expect(logged.join('\n')).toContain("the services' thread ended; it is started again");
  await thread.stop();
  await client.close();
  await broker.close();
});
