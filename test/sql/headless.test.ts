// A service that runs the statements of a file, and settings that are changed for everybody.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { overHttp, type SqlOverHttp } from './http.ts';

let folder: string;
let platform: Platform | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-sql-'));
});
afterEach(async () => {
  await platform?.stop();
  platform = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(settings: Record<string, string | number | boolean>): Promise<SqlOverHttp> {
  platform = await Platform.start({
    settings: {
      'log.dirs': join(folder, 'data'),
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'ksql.streams.auto.offset.reset': 'earliest',
      'ksql.streams.commit.interval.ms': 20,
      ...settings,
    },
  });
  return overHttp(platform.url('sql'), () => platform!.stop());
}

function fileOf(script: string): Record<string, string> {
  const file = join(folder, 'queries.sql');
  writeFileSync(file, script);
  return { 'ksql.queries.file': file };
}

const SCRIPT = `
  -- Sources, session, query.
  SET 'ksql.persistence.default.format.value'='JSON';
  DEFINE orders_topic = 'orders';
  CREATE STREAM orders (item STRING KEY, amount INT) WITH (KAFKA_TOPIC='\${orders_topic}', PARTITIONS=1);
  CREATE TABLE totals AS SELECT item, SUM(amount) AS amount FROM orders GROUP BY item;`;

describe('headless mode', () => {
  test('runs the file at every start, goes on with its queries, and keeps no command log', async () => {
    const settings = fileOf(SCRIPT);
    let sql = await start(settings);
    const insert = async (amount: number): Promise<void> => {
      const producer = platform!.client.producer();
      await producer.send({ topic: 'orders', key: 'tea', value: JSON.stringify({ AMOUNT: amount }) });
      await producer.close();
    };
    await insert(2);
    const total = () => sql.rows("SELECT amount FROM totals WHERE item = 'tea';");
    await expect.poll(total).toEqual([[2]]);
    await platform!.stop();
    sql = await start(settings);
    await insert(3);
    await expect.poll(total).toEqual([[5]]);
    expect((await platform!.client.admin().listTopics()).filter((name) => name.includes('command'))).toEqual([]);
    expect(await (await fetch(`${sql.url}/healthcheck`)).json()).toMatchObject({ isHealthy: true });
  });

  test('takes no other statements that change something', async () => {
    const sql = await start(fileOf(SCRIPT));
    await expect(sql.ksql('DROP TABLE totals;')).rejects.toThrow('ksql.queries.file');
    expect(await sql.ksql('SHOW TABLES;')).toMatchObject([{ tables: [{ name: 'TOTALS' }] }]);
  });

  test.each([
    [
      'without queries',
      "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');",
      'persistent',
    ],
    ['with one that is refused', `${SCRIPT} CREATE STREAM s AS SELECT nothing FROM orders;`, 'NOTHING'],
    ['with one for clients', `${SCRIPT} SHOW STREAMS;`, 'is for clients: SHOW STREAMS;'],
    ['with a mistake in its grammar', `${SCRIPT} CREATE;`, 'Syntax'],
  ])('a file %s keeps the service from starting', async (_what, script, message) => {
    await expect(start(fileOf(script))).rejects.toThrow(message);
  });

  test('a file that is not there keeps it from starting', async () => {
    await expect(start({ 'ksql.queries.file': join(folder, 'nothing') })).rejects.toMatchObject({
      code: 'SCRIPT_UNREADABLE',
    });
  });
});

describe('ALTER SYSTEM', () => {
  test('holds for everybody behind it, and over a restart', async () => {
    let sql = await start({});
    const create = (name: string) =>
      sql.ksql(`CREATE STREAM ${name} (a INT) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1);`);
    await expect(create('before')).rejects.toThrow('VALUE_FORMAT');
    expect(await sql.ksql("ALTER SYSTEM 'ksql.persistence.default.format.value'='JSON';")).toMatchObject([
      {
        '@type': 'currentStatus',
        commandId: 'cluster/ksql.persistence.default.format.value/alter',
        commandStatus: { status: 'SUCCESS' },
      },
    ]);
    await create('behind');
    await platform!.stop();
    sql = await start({});
    await create('again');
    expect((await sql.ksql('SHOW STREAMS;'))[0]!['streams']).toHaveLength(2);
    const [listed] = await sql.ksql('SHOW PROPERTIES;');
    const properties = listed!['properties'] as { name: string; value: string; editable: boolean }[];
    const named = (name: string) => properties.find((property) => property.name === name);
    expect(named('ksql.persistence.default.format.value')).toMatchObject({ value: 'JSON', editable: true });
    expect(named('ksql.service.id')).toMatchObject({ editable: false });
  });

  test.each([
    ["ALTER SYSTEM 'ksql.nothing'='1';", 'Unknown property: ksql.nothing'],
    ["ALTER SYSTEM 'ksql.service.id'='other_';", 'is looked at when the service starts'],
    ["ALTER SYSTEM 'ksql.suppress.enabled'='perhaps';", 'true or false'],
  ])('%s is refused', async (statement, message) => {
    const sql = await start({});
    await expect(sql.ksql(statement)).rejects.toThrow(message);
  });
});
