// CONNECTOR='datagen': rows that are made up, as they were planned, until the stream is dropped, and over restarts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowMaker } from '../../src/sql/service/random-rows.ts';
import { planDatagen, splitDatagen } from '../../src/sql/statements/datagen.ts';
import type { CreateSource } from '../../src/sql/parser/ast.ts';
import { type Row, valueText } from '../../src/sql/values/value.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { PLACES, type SqlService, startSql } from './http.ts';
import { parsedScript, plainEngine } from './support.ts';

const COLUMNS = `id BIGINT KEY, n INT, d DOUBLE, x DECIMAL(5, 2), t STRING, b BOOLEAN, y BYTES, day DATE, at TIMESTAMP,
  a ARRAY<INT>, m MAP<STRING, DOUBLE>, s STRUCT<p INT, q ARRAY<DECIMAL(3, 1)>>`;
const created = (options: string, columns = COLUMNS) =>
  `CREATE STREAM made (${columns}) WITH (CONNECTOR='datagen'${options === '' ? '' : `, ${options}`});`;

/** The rows that a statement stands for, and its columns. */
async function rowsOf(text: string, count: number) {
  const { engine } = plainEngine();
  await engine.execute(text);
  const source = engine.catalog.source('MADE')!;
  const statement = parsedScript(text)[0]!.statement as CreateSource;
  const plan = planDatagen(source, splitDatagen(statement, () => undefined).options!);
  const columns = [...source.schema.key, ...source.schema.value];
  const make = rowMaker(new ManualEnvironment(1_700_000_000_000), plan, columns);
  return { plan, columns, source, rows: Array.from({ length: count }, (_, i): Row => make(i)) };
}

describe('rows', () => {
  test('have values of their columns, within what was asked for', async () => {
    const options = `'fields.id.kind'='sequence', 'fields.id.start'=5, 'fields.n.min'=-3, 'fields.n.max'='3',
      'fields.d.min'=1.5, 'fields.d.max'=1.75, 'fields.x.max'=1, 'fields.t.values'='red, green', 'fields.y.length'=4,
      'fields.at.max-past'=1000, 'fields.a.length'=0, 'fields.b.null-rate'=0.5, ROWS_PER_SECOND=7, 'number-of-rows'=9`;
    const { plan, columns, rows } = await rowsOf(created(options), 300);
    expect(plan).toMatchObject({ rowsPerSecond: 7, rows: 9 });
    const of = (name: string) => rows.map((row) => row[columns.findIndex((column) => column.name === name)]!);
    expect(of('ID')).toEqual(rows.map((_row, i) => 5 + i));
    expect([...new Set(of('N'))].sort()).toEqual([-1, -2, -3, 0, 1, 2, 3]);
    for (const value of of('D')) expect(value as number).toSatisfy((d: number) => d >= 1.5 && d <= 1.75);
    for (const value of of('X')) expect(Number(value)).toSatisfy((x: number) => x >= 0 && x <= 1);
    expect(new Set(of('T'))).toEqual(new Set(['red', 'green']));
    expect(new Set(of('B'))).toEqual(new Set([true, false, null]));
    expect(new Set(of('Y').map((y) => (y as Buffer).length))).toEqual(new Set([4]));
    const now = 1_700_000_000_000;
    for (const value of of('AT')) expect(value as number).toSatisfy((at: number) => at <= now && at > now - 1000);
    expect(new Set(of('DAY'))).toEqual(new Set([Math.floor(now / 86_400_000)]));
    expect(of('A')[0]).toEqual([]);
    const inner = of('S').flatMap((s) => (s as [number, unknown[]])[1].map(String));
    expect(new Set(inner).size).toBeGreaterThan(100);
    // All of them are values of their types.
    for (const row of rows)
      row.forEach((value, i) => expect(valueText(columns[i]!.type, value).length).toBeGreaterThan(0));
  });

  test('what is not said has a default', async () => {
    const { plan, source } = await rowsOf(created(''), 1);
    expect(plan).toMatchObject({ rowsPerSecond: 10, rows: undefined });
    expect(source).toMatchObject({ topic: 'MADE', valueFormat: { format: 'JSON' } });
    const { plan: small } = await rowsOf(created("'fields.x.kind'='sequence'"), 1);
    expect(small.rows).toBe(1000);
    const { plan: bounded } = await rowsOf(created("'fields.id.kind'='sequence', 'fields.id.end'=9"), 1);
    expect(bounded.rows).toBe(10);
  });

  test.each([
    [
      "CREATE TABLE made (id INT PRIMARY KEY) WITH (CONNECTOR='datagen');",
      "CONNECTOR='datagen' makes rows of a stream",
    ],
    [
      "CREATE STREAM made (id INT) WITH (CONNECTOR='kafka');",
      "There is no connector 'kafka' for CREATE STREAM: CONNECTOR is 'datagen'.",
    ],
    [created("'fields.z.min'=1"), "There is no column for the option 'fields.z.min'."],
    [
      created("'fields.n.length'=1"),
      "'fields.n.length': a column of INTEGER with kind 'random' has 'fields.n.kind', 'fields.n.null_rate', 'fields.n.min', 'fields.n.max'.",
    ],
    [created("'fields.n.kind'='prime'"), "'fields.n.kind' is 'random', 'sequence' or 'values', not 'prime'."],
    [created("'fields.b.kind'='sequence'"), 'numbers and texts can be a sequence, and `B` is BOOLEAN.'],
    [
      created("'fields.x.kind'='sequence', 'fields.x.start'=1000"),
      "'fields.x.start': 1000 is no value of DECIMAL(5, 2).",
    ],
    [created("'fields.n.values'='1,two'"), "'fields.n.values': 'two' is no value of `N` INTEGER."],
    [created("'fields.n.min'=5, 'fields.n.max'=4"), '5 to 4 is no range of INTEGER.'],
    [created("'fields.x.max'=1000"), '0 to 1000 is no range of DECIMAL(5, 2).'],
    [created("'fields.n.null-rate'=2"), "'fields.n.null_rate' is from 0 to 1, not 2."],
    [created('ROWS_PER_SECOND=0'), "ROWS_PER_SECOND is a whole number from 1 to 100000, not '0'."],
    [created('NUMBER_OF_ROWS=1.5'), "NUMBER_OF_ROWS is a whole number from 1 to 9007199254740991, not '1.5'."],
    [created('OTHER=1'), 'Invalid config variable(s) in the WITH clause: OTHER'],
    [
      `${created('')} ALTER STREAM made ADD COLUMN z INT;`,
      "Cannot alter stream 'MADE': its rows are made by CONNECTOR='datagen'.",
    ],
  ])('refused: %s', async (text, message) => {
    await expect(plainEngine().engine.execute(text)).rejects.toThrow(message);
  });

  test('ksqlDB does not know it', async () => {
    const plain = { 'ksql.query.extensions.enabled': 'false' };
    await expect(plainEngine(plain).engine.execute(created(''))).rejects.toThrow('Syntax Error');
    const quoted = created('').replace('CONNECTOR', "'connector'");
    await expect(plainEngine(plain).engine.execute(quoted)).rejects.toThrow(
      'Invalid config variable(s) in the WITH clause: CONNECTOR',
    );
  });
});

describe.each(PLACES)('a stream of made-up rows, %s', (_place, settings) => {
  let sql: SqlService;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM bounded (id INT KEY, item STRING, price DECIMAL(8, 2), at TIMESTAMP) WITH (CONNECTOR='datagen', PARTITIONS=3,
        ROWS_PER_SECOND=1000, NUMBER_OF_ROWS=500, 'fields.id.kind'='sequence', 'fields.item.values'='pen,cup');
      CREATE STREAM endless (id BIGINT) WITH (CONNECTOR='datagen', ROWS_PER_SECOND=200, 'fields.id.kind'='sequence');
      CREATE TABLE items AS SELECT item, COUNT(*) AS n, MAX(id) AS last FROM bounded GROUP BY item;`);
  });
  afterAll(() => sql.stop());

  const wait = { timeout: 60_000 };
  const ids = async () => (await sql.rows('SELECT id FROM endless;')).map(([id]) => id as number);
  const isWhole = (list: readonly number[]) => list.every((id, i) => id === i);

  test('has as many rows as it should have, each once, which queries read', async () => {
    const found = async () =>
      (await sql.rows('SELECT id FROM bounded;')).map(([id]) => id as number).sort((a, b) => a - b);
    await expect.poll(async () => (await found()).length, wait).toBe(500);
    expect(isWhole(await found())).toBe(true);
    const counted = async () => (await sql.rows('SELECT n FROM items;')).reduce((sum, [n]) => sum + (n as number), 0);
    await expect.poll(counted, wait).toBe(500);
  });

  test('goes on with its sequence over a restart, and ends when it is dropped', async () => {
    await expect.poll(async () => (await ids()).length, wait).toBeGreaterThan(20);
    sql = await sql.restarted();
    const before = (await ids()).length;
    await expect.poll(async () => (await ids()).length, wait).toBeGreaterThan(before + 20);
    expect(isWhole(await ids())).toBe(true);
    expect((await sql.rows('SELECT id FROM bounded;')).length).toBe(500);
    await sql.ksql(`DROP STREAM endless;
      CREATE STREAM dropped (id BIGINT) WITH (KAFKA_TOPIC='ENDLESS', VALUE_FORMAT='JSON');`);
    const left = (await sql.rows('SELECT id FROM dropped;')).length;
    await sql.ksql("CREATE STREAM other (id BIGINT) WITH (CONNECTOR='datagen', ROWS_PER_SECOND=1000);");
    await expect.poll(async () => (await sql.rows('SELECT id FROM other;')).length, wait).toBeGreaterThan(200);
    expect((await sql.rows('SELECT id FROM dropped;')).length).toBe(left);
  });

  test('CREATE OR REPLACE makes other rows from there on', async () => {
    await sql.ksql(`CREATE OR REPLACE STREAM other (id BIGINT, word STRING) WITH (CONNECTOR='datagen', ROWS_PER_SECOND=1000,
      'fields.word.values'='new');`);
    await expect
      .poll(async () => (await sql.rows("SELECT word FROM other WHERE word = 'new' LIMIT 1;")).length, wait)
      .toBe(1);
  });
});
