// Connect as a part of the platform: connectors made with SQL, whose records SQL reads with the columns of their schemas.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';

describe.each([
  ['in one thread', false],
  ['in threads', true],
])('%s', (_name, threads) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'));
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start({
      settings: {
        'log.dirs': join(directory, 'data'),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'connect.listeners': 'http://127.0.0.1:0',
        'connect.offset.flush.interval.ms': 100,
        'service.threads': threads,
      },
    });
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function ksql(text: string): Promise<Record<string, unknown>[]> {
    const response = await fetch(`${platform.url('sql')}/ksql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ksql: text, streamsProperties: { 'auto.offset.reset': 'earliest' } }),
    });
    const body = (await response.json()) as Record<string, unknown>[] & { message?: string };
    if (response.status !== 200) throw new Error(body.message);
    return body;
  }

  test('connectors are made, listed, described and dropped with SQL', async () => {
    expect(platform.services.map(({ name }) => name)).toContain('connect');
    const [plugins] = await ksql('SHOW CONNECTOR PLUGINS;');
    expect(plugins!['connectorsPlugins']).toContainEqual({
      className: 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      type: 'source',
      version: '4.1.1',
    });
    await expect(
      ksql("CREATE SOURCE CONNECTOR bad WITH ('connector.class'='Datagen', 'quickstart'='nothing');"),
    ).rejects.toThrow(/Validation error: .*quickstart - Invalid value nothing.*String must be one of/s);
    await expect(ksql("CREATE SINK CONNECTOR bad WITH ('connector.class'='NoSuch');")).rejects.toThrow(
      /Failed to find any class that implements Connector/,
    );
    const [made] = await ksql(
      "CREATE SOURCE CONNECTOR people WITH ('connector.class'='Datagen', 'kafka.topic'='people', 'quickstart'='clickstream_users', 'max.interval'='0', 'iterations'=100);",
    );
    expect(made).toMatchObject({ '@type': 'connector_info', info: { name: 'PEOPLE', type: 'source' } });
    const [warned] = await ksql("CREATE SOURCE CONNECTOR IF NOT EXISTS people WITH ('connector.class'='Datagen');");
    expect(warned).toMatchObject({ '@type': 'warning_entity', message: 'Connector PEOPLE already exists' });
    await expect
      .poll(async () => (await ksql('SHOW CONNECTORS;'))[0]!['connectors'], { timeout: 20_000 })
      .toEqual([{ name: 'PEOPLE', type: 'source', className: 'Datagen', state: 'RUNNING (1/1 tasks RUNNING)' }]);
    expect((await ksql('SHOW SINK CONNECTORS;'))[0]).toMatchObject({ connectors: [] });

    // Columns come from the schema that the converter has registered.
    await expect
      .poll(
        () =>
          ksql(
            "CREATE TABLE users (id INT PRIMARY KEY) WITH (kafka_topic='people', key_format='JSON', value_format='AVRO');",
          ).catch(() => []),
        { timeout: 20_000 },
      )
      .toMatchObject([{ commandStatus: { status: 'SUCCESS' } }]);
    const [described] = await ksql('DESCRIBE users;');
    const fields = (described!['sourceDescription'] as { fields: { name: string }[] }).fields.map(({ name }) => name);
    expect(fields).toContain('REGISTERED_AT');
    await ksql('CREATE TABLE by_level AS SELECT level, COUNT(*) AS n FROM users GROUP BY level;');
    await expect
      .poll(
        async () => {
          const rows: number[] = [];
          for await (const row of platform.sql.query('SELECT n FROM by_level;')) rows.push(Number(row['N']));
          return rows.reduce((sum, n) => sum + n, 0);
        },
        { timeout: 30_000 },
      )
      .toBe(100);

    const [connector] = await ksql('DESCRIBE CONNECTOR people;');
    expect(connector).toMatchObject({
      '@type': 'connector_description',
      connectorClass: 'Datagen',
      topics: ['people'],
      sources: [{ name: 'USERS' }],
    });
    expect((await ksql('DROP CONNECTOR people;'))[0]).toMatchObject({
      '@type': 'drop_connector',
      connectorName: 'PEOPLE',
    });
    await expect(ksql('DROP CONNECTOR people;')).rejects.toThrow(/Failed to drop connector/);
    expect((await ksql('DROP CONNECTOR IF EXISTS people;'))[0]).toMatchObject({ '@type': 'warning_entity' });
  });

  test('a file comes in over REST, and its lines are in the topic', async () => {
    const file = join(directory, 'lines.txt');
    writeFileSync(file, 'one\ntwo\n');
    const config = {
      'connector.class': 'FileStreamSource',
      file,
      topic: 'lines',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    };
    const response = await fetch(`${platform.url('connect')}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'lines', config }),
    });
    expect(response.status).toBe(201);
    await expect
      .poll(
        async () => {
          const [topic] = await platform.client
            .admin()
            .listOffsets([{ topic: 'lines', partition: 0, timestamp: -1 }])
            .catch(() => [undefined]);
          return (topic?.offset ?? 0) >= 2;
        },
        { timeout: 20_000 },
      )
      .toBe(true);
    await expect
      .poll(async () => (await fetch(`${platform.url('connect')}/connectors/lines/offsets`)).json(), {
        timeout: 20_000,
      })
      .toEqual({ offsets: [{ partition: { filename: file }, offset: { position: 8 } }] });
  });
});
