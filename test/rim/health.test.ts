// The services tell how they are: a real platform, and what is really wrong with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import { createClient } from '../../src/client/index.ts';
import { Platform } from '../../src/platform/index.ts';
import { healthOf } from '../../src/rim/index.ts';
import { MemorySchemas } from '../../src/serde/index.ts';
import { openSqlService } from '../../src/sql/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { FaultDisk } from '../broker/fault-disk.ts';

const statementOf = (ksql: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ ksql }),
});

describe('health and metrics', () => {
  let dataDir: string;
  let platform: Platform;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-health-'));
    platform = await open();
  });
  afterEach(async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const open = () =>
    Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
      },
    });

  test.each(['schema-registry', 'sql'] as const)('%s lives and is ready', async (name) => {
    const url = platform.url(name);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${url}/health/ready`);
    expect([ready.status, ready.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('application/json'),
    ]);
    expect(await ready.json()).toMatchObject({ isHealthy: true });
  });

  test('a query that stopped makes SQL red, with its reason, and is counted', async () => {
    const url = platform.url('sql');
    const run = async (ksql: string) => expect((await fetch(`${url}/ksql`, statementOf(ksql))).status).toBe(200);
    await run(`CREATE STREAM a (k INT KEY, v INT) WITH (kafka_topic='a', partitions=1, value_format='JSON');
      CREATE STREAM b (k INT KEY, w INT) WITH (kafka_topic='b', partitions=1, value_format='JSON');
      CREATE STREAM c AS SELECT a.k, v, w FROM a JOIN b WITHIN 1 HOUR ON a.k = b.k;`);
    await platform.client.admin().createPartitions('b', 2);
    await platform.stop();
    platform = await open();
    const ready = await fetch(`${platform.url('sql')}/health/ready`);
    expect(ready.status).toBe(503);
    const { checks } = (await ready.json()) as { checks: Record<string, object> };
    expect(checks).toMatchObject({
      metastore: { isHealthy: true },
      kafka: { isHealthy: true },
      commandRunner: { isHealthy: true },
      queries: { isHealthy: false, reason: expect.stringMatching(/^CSAS_C_0: .*partitions/) },
    });
    const metrics = await (await fetch(`${platform.url('sql')}/metrics`)).text();
    expect(metrics).toContain('ksql_persistent_queries{state="ERROR"} 1');
    expect(metrics).toContain('ksql_requests_total{method="GET",route="/health/ready",status="503"} 1');
  });

  test('a source whose topic has gone stays, and so does what reads it', async () => {
    const sql = async (ksql: string): Promise<unknown> =>
      (await fetch(`${platform.url('sql')}/ksql`, statementOf(ksql))).json();
    await platform.client.admin().createTopics([{ name: 'theirs', partitions: 1 }]);
    await sql(
      `CREATE STREAM a (v INT) WITH (kafka_topic='theirs', value_format='JSON'); CREATE STREAM b AS SELECT * FROM a;`,
    );
    await platform.client.admin().deleteTopics(['theirs']);
    await platform.stop();
    platform = await open();
    expect(await sql('SHOW STREAMS;')).toMatchObject([{ streams: [{ name: 'A' }, { name: 'B' }] }]);
    const ready = await fetch(`${platform.url('sql')}/health/ready`);
    expect(await ready.json()).toMatchObject({ checks: { queries: { reason: expect.stringContaining('theirs') } } });
  });

  test('a command that can’t be repeated makes the metastore red', async () => {
    const topic = '_confluent-ksql-default__command_topic';
    const producer = platform.client.producer();
    const value = Buffer.from(JSON.stringify({ version: 1, statement: 'CREAT STREAM s (v INT);', properties: {} }));
    await producer.send({ topic, partition: 0, value });
    await producer.close();
    await platform.stop();
    platform = await open();
    const health = await fetch(`${platform.url('sql')}/healthcheck`);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({
      isHealthy: false,
      details: { metastore: { isHealthy: false, reason: expect.stringContaining("can't be repeated") } },
    });
  });
});

describe('a check', () => {
  const environment = new ManualEnvironment();

  test('that throws is red, with what it threw', async () => {
    const throws = () => {
      throw new Error('broken');
    };
    expect(await healthOf({ throws, well: () => undefined }, environment)).toEqual({
      isHealthy: false,
      checks: { throws: { isHealthy: false, reason: 'broken' }, well: { isHealthy: true } },
    });
  });

  test('that does not answer is red', async () => {
    const health = healthOf({ silent: () => new Promise(() => {}) }, environment);
    await environment.advance(5000);
    expect(await health).toEqual({
      isHealthy: false,
      checks: { silent: { isHealthy: false, reason: 'No answer within 5 seconds.' } },
    });
  });
});

test('a partition that takes no records makes SQL red as long as it lasts', async () => {
  const disk = new FaultDisk();
  const broker = await Broker.open({ dataDir: '/data', disk });
  const client = createClient({ dial: async () => broker.connect() });
  const stateDir = mkdtempSync(join(tmpdir(), 'millrace-health-'));
  const sql = await openSqlService({ client, schemas: new MemorySchemas(), stateDir, version: 'test' });
  const { kafka } = sql.healthChecks();
  expect(await kafka()).toBeUndefined();
  await client.admin().createTopics([{ name: 't', partitions: 1 }]);
  const producer = client.producer();
  disk.failWrites = /t-0/;
  const sent = producer.send({ topic: 't', value: Buffer.from('a') });
  await expect.poll(kafka).toContain('KAFKA_STORAGE_ERROR');
  disk.failWrites = false;
  await sent;
  await expect.poll(kafka).toBeUndefined();
  await producer.close();
  await sql.close();
  await client.close();
  await broker.close();
  rmSync(stateDir, { recursive: true, force: true });
});

test('a statement that is logged and could not be carried out makes the metastore red until the next start', async () => {
  const disk = new FaultDisk();
  const broker = await Broker.open({ dataDir: '/data', disk, settings: { 'auto.create.topics.enable': 'false' } });
  const client = createClient({ dial: async () => broker.connect() });
  const options = { client, schemas: new MemorySchemas(), stateDir: '', version: 'test' };
  const sql = await openSqlService(options);
  disk.failWrites = /topics.json/;
  const statement = "CREATE STREAM s (v INT) WITH (kafka_topic='s', partitions=1, value_format='JSON');";
  await expect(sql.execute(statement)).rejects.toThrow('KAFKA_STORAGE_ERROR');
  expect(await sql.healthChecks().metastore()).toContain('was not carried out');
  await sql.close();
  const stillRed = await openSqlService(options);
  expect(await stillRed.healthChecks().metastore()).toContain("the topic s can't be created");
  await stillRed.close();
  disk.failWrites = false;
  const again = await openSqlService(options);
  expect(await again.healthChecks().metastore()).toBeUndefined();
  await again.execute('INSERT INTO s VALUES (1);');
  await again.close();
  await client.close();
  await broker.close();
});
