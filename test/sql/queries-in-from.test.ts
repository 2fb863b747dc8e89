// Queries in FROM and unions where they run: on a broker, in threads, over partitions.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLACES, type SqlOverHttp, startSql } from './http.ts';

describe.each(PLACES)('queries in FROM, %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM sales (id INT KEY, shop STRING, amount INT) WITH (KAFKA_TOPIC='sales', FORMAT='JSON', PARTITIONS=4);
      CREATE STREAM returns (id INT KEY, shop STRING, amount INT) WITH (KAFKA_TOPIC='returns', FORMAT='JSON', PARTITIONS=4);
      CREATE STREAM other (id INT KEY, shop STRING, amount INT) WITH (KAFKA_TOPIC='other', FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE balance AS
        WITH moves AS (SELECT * FROM sales UNION ALL SELECT id, shop, amount * -1 AS amount FROM returns)
        SELECT shop, SUM(amount) AS total, COUNT(*) AS n FROM moves GROUP BY shop;
      CREATE TABLE by_count AS SELECT n, COUNT(*) AS shops
        FROM (SELECT shop, COUNT(*) AS n FROM sales GROUP BY shop) AS per_shop GROUP BY n;
      CREATE TABLE twice AS SELECT * FROM (SELECT amount * 2 AS twice, shop, COUNT(*) AS n FROM sales GROUP BY shop, amount * 2);`);
    const insert = (into: string, rows: readonly number[]) =>
      sql.ksql(rows.map((i) => `INSERT INTO ${into} VALUES (${i}, 'shop ${i % 7}', ${i});`).join(''));
    await insert('sales', [...Array(40).keys()]);
    await insert('returns', [...Array(20).keys()]);
  });
  afterAll(() => sql.stop());

  test('a union is counted whole, once', async () => {
    const expected = [...Array(7).keys()].map((shop) => {
      const of = (count: number) => [...Array(count).keys()].filter((i) => i % 7 === shop);
      const sum = (list: readonly number[]) => list.reduce((total, i) => total + i, 0);
      return [`shop ${shop}`, sum(of(40)) - sum(of(20)), of(40).length + of(20).length];
    });
    const found = () => sql.rows('SELECT * FROM balance ORDER BY shop;');
    await expect.poll(found, { timeout: 60_000 }).toEqual(expected);
  });

  test('an aggregate of an aggregate takes back what has changed', async () => {
    // Forty sales in seven shops: five shops have six of them, two have five.
    const found = () => sql.rows('SELECT n, shops FROM by_count WHERE shops > 0 ORDER BY n;');
    const expected = [
      [5, 2],
      [6, 5],
    ];
    await expect.poll(found, { timeout: 60_000 }).toEqual(expected);
  });

  test('a table of a query in FROM is looked up by its key, whatever the order in which that was selected', async () => {
    const found = () => sql.rows("SELECT shop, twice, n FROM twice WHERE shop = 'shop 3' AND twice = 20;");
    await expect.poll(found, { timeout: 60_000 }).toEqual([['shop 3', 20, 1]]);
  });

  test('groups of a push query are told apart by all their columns', async () => {
    const rows = await sql.rows(
      'SELECT shop, amount / 10 AS tens, COUNT(*) AS n FROM sales WHERE amount IN (3, 17, 24) GROUP BY shop, amount / 10 EMIT CHANGES LIMIT 3;',
    );
    expect(rows.sort()).toEqual([
      ['shop 3', 0, 1],
      ['shop 3', 1, 1],
      ['shop 3', 2, 1],
    ]);
  });

  test('push queries have them, too', async () => {
    const rows = await sql.rows(
      'SELECT q.id AS id, twice FROM (SELECT id, amount * 2 AS twice FROM sales WHERE amount > 37) AS q EMIT CHANGES LIMIT 2;',
    );
    expect(rows.sort()).toEqual([
      [38, 76],
      [39, 78],
    ]);
  });

  test.each([
    [
      'CREATE STREAM x AS SELECT * FROM sales UNION ALL SELECT * FROM other;',
      "Can't unite `SALES` with `OTHER` since the number of partitions don't match. `SALES` partitions = 4; `OTHER` partitions = 2.",
    ],
  ])('refused: %s', async (text, message) => {
    const answer = text.startsWith('CREATE') ? sql.ksql(text) : sql.rows(text);
    await expect(answer).rejects.toThrow(message);
  });
});
