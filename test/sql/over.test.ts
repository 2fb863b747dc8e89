// LAG and LEAD: against plain loops over random rows, and where they run: on a broker, in threads, over a restart.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLACES, type SqlService, startSql } from './http.ts';
import { runQuery } from './support.ts';

test('each row has what the rows beside it have, and comes when they are there', async () => {
  const row = fc.record({ g: fc.constantFrom('a', 'b', 'c', null), v: fc.oneof(fc.nat(9), fc.constant(null)) });
  const distance = fc.integer({ min: 1, max: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 30 }), distance, distance, distance, async (rows, a, b, c) => {
      const out = await runQuery(
        `CREATE STREAM s (i INT, g STRING, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
         CREATE STREAM o AS SELECT i, LAG(v, ${a}, -1) OVER (PARTITION BY g) AS a, LAG(v, ${b}) OVER (PARTITION BY g) AS b,
           LEAD(v, ${c}) OVER (PARTITION BY g) AS c FROM s;`,
        's',
        rows.map(({ g, v }, i) => ({ I: i, G: g, V: v })),
      );
      const valueAt = (of: readonly number[], at: number) => (at in of ? rows[of[at]!]!.v : undefined);
      const expected = rows.flatMap(({ g }, i) => {
        if (g === null) return [{ I: i, A: -1, B: null, C: null }];
        const same = [...rows.keys()].filter((other) => rows[other]!.g === g);
        const at = same.indexOf(i);
        if (!(at + c in same)) return [];
        const before = valueAt(same, at - a);
        return [
          { I: i, A: before === undefined ? -1 : before, B: valueAt(same, at - b) ?? null, C: valueAt(same, at + c) },
        ];
      });
      const byRow = (list: readonly unknown[]) => (list as { I: number }[]).toSorted((x, y) => x.I - y.I);
      expect(byRow(out)).toEqual(byRow(expected));
    }),
    { numRuns: 40 },
  );
});

describe.each(PLACES)('over partitions, %s', (_place, settings) => {
  let sql: SqlService;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM trades (id INT KEY, symbol STRING, price INT) WITH (KAFKA_TOPIC='trades', FORMAT='JSON', PARTITIONS=4);
      CREATE STREAM moves AS SELECT id, symbol, price - LAG(price) OVER (PARTITION BY symbol) AS move,
        LEAD(price) OVER (PARTITION BY symbol) AS next FROM trades;`);
  });
  afterAll(() => sql.stop());

  const trade = (from: number, to: number) => {
    const all = Array.from({ length: to - from }, (_, i) => from + i);
    return sql.ksql(
      all
        .map(
          (id) =>
            `INSERT INTO trades (ROWTIME, id, symbol, price) VALUES (${id + 1}, ${id}, 's${id % 3}', ${id * id});`,
        )
        .join(''),
    );
  };
  /** Those that have a later one of their symbol, up to `count` trades. */
  const expected = (count: number) =>
    Array.from({ length: count - 3 }, (_, id) => [
      id,
      `s${id % 3}`,
      id < 3 ? null : id * id - (id - 3) ** 2,
      (id + 3) ** 2,
    ]);
  const found = () => sql.rows('SELECT id, symbol, move, next FROM moves ORDER BY id;');

  test('rows keep their keys, and the rows beside them over a restart', async () => {
    await trade(0, 20);
    await expect.poll(found, { timeout: 60_000 }).toEqual(expected(20));
    sql = await sql.restarted();
    await trade(20, 30);
    await expect.poll(found, { timeout: 60_000 }).toEqual(expected(30));
  });

  test('push queries have them, pull queries have not', async () => {
    const rows = await sql.rows(
      "SELECT id, LAG(id, 2) OVER (PARTITION BY symbol) AS was FROM trades WHERE symbol = 's1' EMIT CHANGES LIMIT 3;",
    );
    expect(rows).toEqual([
      [1, null],
      [4, null],
      [7, 1],
    ]);
    const pull = sql.rows('SELECT id, LAG(id) OVER (PARTITION BY symbol) AS was FROM trades;');
    await expect(pull).rejects.toThrow("Pull queries don't support OVER.");
  });
});
