// `millrace sql test`, a process of its own: three files in, a verdict out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Millrace, type Outcome } from './support.ts';

const root = join(import.meta.dirname, '..', '..');

describe('millrace sql test', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-sql-test-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  async function run(
    statements: string,
    inputs: readonly object[] | undefined,
    outputs: readonly object[],
    more: readonly string[] = [],
  ): Promise<Outcome> {
    const file = (name: string, content: string): string => {
      const path = join(directory, name);
      writeFileSync(path, content);
      return path;
    };
    const given = inputs === undefined ? [] : ['-i', file('input.json', JSON.stringify({ inputs }))];
    return new Millrace([
      ...['sql', 'test', '-s', file('statements.sql', statements), ...given],
      ...['-o', file('output.json', JSON.stringify({ outputs })), ...more],
    ]).ended;
  }
  const passed = { code: 0, stdout: '\t >>> Test passed!\n', stderr: '' };

  const ORDERS = `
    CREATE STREAM orders (id INT KEY, units DOUBLE) WITH (kafka_topic='orders', value_format='JSON');
    CREATE STREAM sized AS SELECT id, units, CASE WHEN units < 2 THEN 'small' ELSE 'large' END AS kind FROM orders;`;
  const orders = [
    { topic: 'orders', key: 0, value: { units: 1.5 }, timestamp: 10 },
    { topic: 'orders', key: 100, value: { UNITS: 5 }, timestamp: 11 },
  ];
  const sized = [
    { topic: 'SIZED', key: 0, value: { UNITS: 1.5, KIND: 'small' }, timestamp: 10 },
    { topic: 'SIZED', key: 100, value: { UNITS: 5.0, KIND: 'large' } },
  ];

  test('passes what is as expected', async () => {
    expect(await run(ORDERS, orders, sized)).toEqual(passed);
  });

  test.each([
    [
      'a value',
      [sized[0]!, { ...sized[1]!, value: { UNITS: 5, KIND: 'small' } }],
      'Topic SIZED, record 1: value.KIND: expected "small", got "large"',
    ],
    ['a key', [{ ...sized[0]!, key: 1 }, sized[1]!], 'Topic SIZED, record 0: key: expected 1, got 0'],
    ['a time', [{ ...sized[0]!, timestamp: 9 }, sized[1]!], 'Topic SIZED, record 0: timestamp: expected 9, got 10'],
    ['a record less', [sized[0]!], 'Topic SIZED: expected 1 records, got 2'],
    [
      'a window',
      [{ ...sized[0]!, window: { start: 0, end: 5, type: 'time' } }, sized[1]!],
      'window: expected 0 to 5, got none',
    ],
    ['a member less', [{ ...sized[0]!, value: { UNITS: 1.5 } }, sized[1]!], 'Topic SIZED, record 0: value: expected'],
  ])('fails for %s, says why, and exits with 1', async (_what, outputs, why) => {
    const { code, stdout, stderr } = await run(ORDERS, orders, outputs);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`>>>>> Test failed: `);
    expect(stderr).toContain(why);
  });

  test.each(['AVRO', 'PROTOBUF', 'JSON_SR', 'JSON', 'DELIMITED'])(
    'knows windows, tables, and rows that statements insert, in %s',
    async (format) => {
      const statements = `
        CREATE STREAM clicks (page STRING KEY, n BIGINT, price DECIMAL(6, 2), at DATE) WITH (kafka_topic='clicks', value_format='${format}');
        CREATE TABLE counts WITH (value_format='${format}') AS SELECT page, COUNT(*) AS c, SUM(price) AS s FROM clicks WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY page;
        CREATE STREAM late AS SELECT * FROM clicks WHERE n > 9007199254740992;
        INSERT INTO clicks (page, n, price) VALUES ('b', 9007199254740993, 2.00);`;
      const isText = format === 'DELIMITED';
      const click = (n: number) => (isText ? `${n},1.50,1` : { N: n, PRICE: 1.5, AT: 1 });
      const inputs = [1, 2].map((n) => ({ topic: 'clicks', key: 'a', value: click(n), timestamp: n * 6000 }));
      const window = (start: number) => ({ start, end: start + 10_000, type: 'time' });
      const outputs = [0, 10_000].map((start, i) => ({
        topic: 'COUNTS',
        key: 'a',
        window: window(start),
        value: isText ? '1,1.50' : { C: 1, S: 1.5 },
        timestamp: (i + 1) * 6000,
      }));
      expect(await run(statements, inputs, outputs)).toEqual(passed);
      const row = isText ? '9007199254740993,2.00,' : { N: 0, PRICE: 2, AT: null };
      const inserted = JSON.stringify({ topic: 'LATE', key: 'b', value: row }).replace('"N":0', '"N":9007199254740993');
      writeFileSync(join(directory, 'late.json'), `{"outputs": [${inserted}]}`);
      const files = ['sql', 'test', '-s', join(directory, 'statements.sql'), '-o', join(directory, 'late.json')];
      expect(await new Millrace(files).ended).toEqual(passed);
    },
  );

  test('calls functions in TypeScript', async () => {
    const statements = `
      CREATE STREAM people (name STRING) WITH (kafka_topic='people', value_format='JSON');
      CREATE STREAM short AS SELECT initials(name) AS i FROM people;`;
    const inputs = [{ topic: 'people', value: { name: 'ada lovelace' } }];
    const outputs = [{ topic: 'SHORT', value: { I: 'AL' } }];
    const extensions = join(root, 'examples', 'functions');
    expect(await run(statements, inputs, outputs, ['-e', extensions])).toEqual(passed);
  });

  test.each([
    ['CREATE STREAM x;', orders, sized, 'Missing'],
    ['SELECT * FROM orders;', orders, sized, 'A test has statements that make something, not SELECT * FROM orders;'],
    [ORDERS, [], sized, '"inputs" is empty'],
    [ORDERS, [{ key: 1 }], sized, 'inputs[0] is no object with a "topic"'],
    [ORDERS, [{ topic: 'orders', val: 1 }], sized, 'inputs[0] has a member "val" that records don\'t have'],
  ])('refuses what is no test: %s %j', async (statements, inputs, outputs, why) => {
    const { code, stderr } = await run(statements, inputs, outputs);
    expect(code).toBe(1);
    expect(stderr).toContain(why);
  });
});
