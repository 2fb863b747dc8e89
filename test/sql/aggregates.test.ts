import { describe, expect, test } from 'vitest';
import { plainEngine, runQuery } from './support.ts';

const STREAM = "CREATE STREAM s (g STRING, v INT, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);";

/** The last value of an aggregate over some rows of one group. */
async function last(call: string, rows: readonly (readonly [number | null, string | null])[]): Promise<unknown> {
  const values = rows.map(([v, t]) => ({ G: 'g', V: v, T: t }));
  const out = await runQuery(`${STREAM} CREATE TABLE o AS SELECT g, ${call} AS r FROM s GROUP BY g;`, 's', values);
  return (out.at(-1) as { R: unknown }).R;
}

const rows: [number | null, string | null][] = [
  [3, 'a'],
  [1, 'b'],
  [null, 'a'],
  [3, null],
];

describe('aggregates', () => {
  test.each<[string, unknown]>([
    ['COUNT(*)', 4],
    ['COUNT(v)', 3],
    ['SUM(v)', 7],
    ['AVG(v)', 7 / 3],
    ['MIN(v)', 1],
    ['MAX(t)', 'b'],
    ['COLLECT_LIST(v)', [3, 1, null, 3]],
    ['COLLECT_SET(t)', ['a', 'b', null]],
    ['HISTOGRAM(t)', { a: 2, b: 1, null: 1 }],
    ['EARLIEST_BY_OFFSET(t)', 'a'],
    ['LATEST_BY_OFFSET(t)', 'a'],
    ['LATEST_BY_OFFSET(t, 2, false)', ['a', null]],
    ['TOPK(v, 2)', [3, 3]],
    ['TOPKDISTINCT(v, 2)', [3, 1]],
    ['TOPK(v, t, 1)', [{ sort_col: 3, col0: 'a' }]],
    ['COUNT_DISTINCT(v)', 2],
    ['ATTR(g)', 'g'],
    ['ATTR(t)', null],
    ['STDDEV_SAMP(v)', 4 / 3],
  ])('%s', async (call, want) => {
    expect(await last(call, rows)).toEqual(want);
  });

  test('a table takes back what a row said before', async () => {
    const script = `
      CREATE TABLE t (id INT PRIMARY KEY, g STRING, v INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=1);
      CREATE TABLE o AS SELECT g, SUM(v) AS total, COUNT(*) AS n FROM t GROUP BY g;`;
    const { engine, queries } = plainEngine();
    await engine.execute(script);
    const [query] = queries.values();
    const { TopologyTestDriver } = await import('../../src/streams/index.ts');
    const driver = new TopologyTestDriver(query!.topology);
    const put = (id: number, value: object | null): void =>
      driver.pipe('t', Buffer.from(String(id)), value === null ? null : Buffer.from(JSON.stringify(value)), 0);
    put(1, { G: 'a', V: 5 });
    put(2, { G: 'a', V: 7 });
    put(1, { G: 'b', V: 6 });
    put(2, null);
    expect(driver.read('O').map((record) => `${record.key} ${record.value}`)).toEqual([
      '"a" {"TOTAL":5,"N":1}',
      '"a" {"TOTAL":12,"N":2}',
      '"a" {"TOTAL":7,"N":1}',
      '"b" {"TOTAL":6,"N":1}',
      '"a" {"TOTAL":0,"N":0}',
    ]);
  });

  test.each([
    ['SELECT t, COUNT(*) FROM s GROUP BY g', 'Non-aggregate SELECT expression(s) not part of GROUP BY: T'],
    ['SELECT g, t FROM s GROUP BY g', 'GROUP BY requires aggregate functions'],
    ['SELECT g, SUM(COUNT(*)) AS x FROM s GROUP BY g', 'Aggregate functions can not be nested'],
    ['SELECT COUNT(*) AS n FROM s', 'without a GROUP BY clause'],
    ['SELECT g, COUNT(*) AS n FROM s GROUP BY g EMIT FINAL', 'EMIT FINAL is only supported for windowed aggregations.'],
    ['SELECT COUNT(*) AS n FROM s GROUP BY g', 'must include the grouping expression G in its projection'],
  ])('%s is refused', async (query, message) => {
    const { engine } = plainEngine();
    await expect(engine.execute(`${STREAM} CREATE TABLE o AS ${query};`)).rejects.toThrow(message);
  });
});
