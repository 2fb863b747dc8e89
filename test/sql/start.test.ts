// START: where queries begin that read a source, and that they go on from where they were.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { examplesOf, overHttp, PLACES, type SqlOverHttp, startSql } from './http.ts';

const HOUR = 3_600_000;
const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);

describe.each(PLACES)('sources that say where to begin, %s', (_place, settings) => {
  let sql: SqlOverHttp;
  /** The value, the partition and the offset of each record. */
  let log: readonly (readonly [number, number, number])[];

  beforeAll(async () => {
    sql = await startSql({ ...settings, 'ksql.streams.auto.offset.reset': 'latest' });
    await sql.ksql("CREATE STREAM log (k INT KEY, v INT) WITH (KAFKA_TOPIC='log', FORMAT='JSON', PARTITIONS=2);");
    for (let v = 0; v < 8; v++) await sql.ksql(`INSERT INTO log (ROWTIME, k, v) VALUES (${v * HOUR}, ${v}, ${v});`);
    const rows = await sql.rows('SELECT v, ROWPARTITION, ROWOFFSET FROM log EMIT CHANGES LIMIT 8;', {
      'auto.offset.reset': 'earliest',
    });
    log = rows as unknown as typeof log;
  });
  afterAll(() => sql.stop());

  test.each<[string, string, (v: number, offset: number) => boolean]>([
    ['at_first', "'earliest'", () => true],
    ['at_last', "'LATEST'", () => false],
    ['a_time', "'1970-01-01T03:30'", (v) => v >= 4],
    ['with_a_zone', "'1970-01-01T05:00+01:00'", (v) => v >= 4],
    ['an_instant', `${5 * HOUR}`, (v) => v >= 5],
    ['late', "'2099'", () => false],
    ['an_offset', "'offset:2'", (_v, offset) => offset >= 2],
    ['a_far_offset', "'offset:1000'", () => false],
  ])('%s', async (name, start, isRead) => {
    const [, started] = await sql.ksql(`
      CREATE STREAM ${name} (k INT KEY, v INT) WITH (KAFKA_TOPIC='log', FORMAT='JSON', START=${start});
      CREATE TABLE ${name}_seen AS SELECT 1 AS one, COLLECT_SET(v) AS vs FROM ${name} GROUP BY 1;`);
    // Who has said it is not told that there are records before.
    expect(started!['warnings']).toEqual([]);
    // What comes from now on comes to all of them.
    await sql.ksql('INSERT INTO log (k, v) VALUES (100, -1);');
    const seen = async () => sorted((await sql.rows(`SELECT vs FROM ${name}_seen;`)).flat(2).map(Number));
    const wanted = log.flatMap(([v, , offset]) => (isRead(v, offset) ? [v] : []));
    await expect.poll(seen, { timeout: 30_000 }).toEqual(sorted([-1, ...wanted]));
  });

  test('push queries begin there, too; pull queries read all', async () => {
    const pushed = await sql.rows('SELECT v FROM an_instant EMIT CHANGES LIMIT 3;');
    expect(sorted(pushed.map(([v]) => Number(v))).filter((v) => v >= 0 && v < 5)).toEqual([]);
    const [[count]] = (await sql.rows('SELECT COUNT(*) FROM an_instant WHERE v >= 0;')) as [[number]];
    expect(count).toBe(8);
  });

  test('the example of the documentation', async () => {
    for (const statement of examplesOf('Where a source is read from')) await sql.ksql(statement);
    await expect.poll(() => sql.rows('SELECT k FROM sums;'), { timeout: 30_000 }).toEqual([[100]]);
  });

  test.each([
    ["START='soon'", "Invalid value for START property: 'soon'."],
    ["START='offset:-1'", "Invalid value for START property: 'offset:-1'."],
    ["START='2024-13-01'", "Invalid value for START property: '2024-13-01'."],
  ])('refused: %s', async (start, message) => {
    const text = `CREATE STREAM x (v INT) WITH (KAFKA_TOPIC='log', FORMAT='JSON', ${start});`;
    await expect(sql.ksql(text)).rejects.toThrow(message);
  });

  test('it is of sources that are declared, and not of ksqlDB', async () => {
    const made = "CREATE STREAM x WITH (START='earliest') AS SELECT * FROM log;";
    await expect(sql.ksql(made)).rejects.toThrow('Invalid config variable(s) in the WITH clause: START');
    const declared = "CREATE STREAM x (v INT) WITH (KAFKA_TOPIC='log', FORMAT='JSON', START='earliest');";
    await expect(sql.ksql(declared, { 'ksql.query.extensions.enabled': 'false' })).rejects.toThrow(
      'Invalid config variable(s) in the WITH clause: START',
    );
  });
});

test('a restart goes on with what has been committed', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-start-'));
  const start = async () => {
    const platform = await Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'ksql.streams.commit.interval.ms': 20,
      },
    });
    return overHttp(platform.url('sql'), () => platform.stop());
  };
  let sql = await start();
  await sql.ksql(`
    CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1, START='offset:1');
    INSERT INTO s VALUES (1, 1); INSERT INTO s VALUES (1, 2); INSERT INTO s VALUES (1, 4);
    CREATE TABLE t AS SELECT k, SUM(v) AS total, COUNT(*) AS n FROM s GROUP BY k;`);
  const total = () => sql.rows('SELECT total, n FROM t;').catch(() => undefined);
  await expect.poll(total, { timeout: 30_000 }).toEqual([[6, 2]]);
  await sql.stop();
  sql = await start();
  await sql.ksql('INSERT INTO s VALUES (1, 8);');
  await expect.poll(total, { timeout: 30_000 }).toEqual([[14, 3]]);
  await sql.stop();
  rmSync(dataDir, { recursive: true, force: true });
});
