// Groups, order, stretches and single rows of what is there now: what pull queries have here and not in ksqlDB.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PLACES, type SqlOverHttp, startSql } from './http.ts';

/** What a statement is answered with: the refusal before its rows, or behind them. */
async function answerTo({ url }: SqlOverHttp, text: string): Promise<string> {
  const response = await fetch(url + (text.startsWith('CREATE') ? '/ksql' : '/query'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ksql: text }),
  });
  return response.text();
}

describe.each(PLACES)('pull queries %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM sales (id INT KEY, city STRING, item STRING, price DECIMAL(6, 2), at TIMESTAMP)
        WITH (KAFKA_TOPIC='sales', FORMAT='JSON', PARTITIONS=3);
      CREATE TABLE last_sales AS SELECT id, LATEST_BY_OFFSET(city) AS city, LATEST_BY_OFFSET(item) AS item,
        LATEST_BY_OFFSET(price, false) AS price, COLLECT_LIST(item) AS items FROM sales GROUP BY id;
      CREATE TABLE hourly AS SELECT city, COUNT(*) AS n FROM sales WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY city;`);
    const rows = [
      [1, "'Rome'", "'tea'", '3.50'],
      [2, "'Oslo'", "'rice'", '2.00'],
      [3, "'Rome'", "'rice'", '2.25'],
      [4, "'Lima'", "'tea'", 'null'],
      [5, 'null', "'salt'", '10.00'],
      [6, "'Oslo'", "'tea'", '4.00'],
      [7, "'oslo'", "'tea'", '100.00'],
    ];
    for (const [i, row] of rows.entries())
      await sql.ksql(
        `INSERT INTO sales (ROWTIME, id, city, item, price) VALUES (${i * 1_800_000}, ${row.join(', ')});`,
      );
    const counts = async () => [
      await sql.rows('SELECT COUNT(*) FROM last_sales;'),
      await sql.rows('SELECT SUM(n) FROM hourly;'),
    ];
    await vi.waitUntil(async () => (await counts()).join() === '7,6', { timeout: 30_000 });
  });
  afterAll(() => sql.stop());

  test.each<[string, unknown[][]]>([
    // An order: nulls behind the rest, and before it where it descends; texts by their code units, numbers by their size.
    ['SELECT id FROM last_sales ORDER BY price;', [[2], [3], [1], [6], [5], [7], [4]]],
    ['SELECT id FROM last_sales ORDER BY price DESC;', [[4], [7], [5], [6], [1], [3], [2]]],
    ['SELECT id FROM last_sales ORDER BY price DESC NULLS LAST LIMIT 2;', [[7], [5]]],
    ['SELECT id FROM last_sales ORDER BY price NULLS FIRST LIMIT 2;', [[4], [2]]],
    [
      'SELECT city, id FROM last_sales ORDER BY city, 2 DESC;',
      [
        ['Lima', 4],
        ['Oslo', 6],
        ['Oslo', 2],
        ['Rome', 3],
        ['Rome', 1],
        ['oslo', 7],
        [null, 5],
      ],
    ],
    [
      'SELECT id, LCASE(city) AS town FROM last_sales ORDER BY town, id LIMIT 3 OFFSET 1;',
      [
        [2, 'oslo'],
        [6, 'oslo'],
        [7, 'oslo'],
      ],
    ],
    ['SELECT id FROM last_sales ORDER BY price * -1, id LIMIT 1;', [[7]]],
    ['SELECT * FROM last_sales ORDER BY id DESC LIMIT 1;', [[7, 'oslo', 'tea', 100, ['tea']]]],
    ['SELECT item FROM last_sales WHERE city IS NOT NULL ORDER BY ROWTIME DESC LIMIT 2;', [['tea'], ['tea']]],
    ['SELECT id FROM sales ORDER BY id DESC OFFSET 5;', [[2], [1]]],
    ['SELECT id FROM sales ORDER BY id LIMIT 0;', []],
    ['SELECT id FROM sales ORDER BY id LIMIT 5 OFFSET 6;', [[7]]],
    ["SELECT id FROM last_sales WHERE city = 'nowhere' ORDER BY id;", []],
    // Groups.
    [
      'SELECT city, COUNT(*) AS n, SUM(price) AS total FROM last_sales GROUP BY city ORDER BY n DESC, city;',
      [
        ['Oslo', 2, 6],
        ['Rome', 2, 5.75],
        ['Lima', 1, 0],
        ['oslo', 1, 100],
        [null, 1, 10],
      ],
    ],
    [
      'SELECT item, MAX(price) AS most FROM last_sales GROUP BY item HAVING COUNT(*) > 1 ORDER BY item;',
      [
        ['rice', 2.25],
        ['tea', 100],
      ],
    ],
    [
      'SELECT UCASE(city), COUNT(*) FROM last_sales GROUP BY UCASE(city) ORDER BY COUNT(*) DESC, 1 LIMIT 1;',
      [['OSLO', 3]],
    ],
    ['SELECT item FROM sales GROUP BY item ORDER BY item;', [['rice'], ['salt'], ['tea']]],
    [
      'SELECT city, item, COUNT(*) FROM sales WHERE price > 2 GROUP BY city, item ORDER BY city, item LIMIT 2;',
      [
        ['Oslo', 'tea', 1],
        ['Rome', 'rice', 1],
      ],
    ],
    ['SELECT COUNT(*) FROM last_sales HAVING COUNT(*) > 100;', []],
    ['SELECT COUNT(*) FROM last_sales WHERE id > 100 GROUP BY city;', []],
    [
      'SELECT city, SUM(n) FROM hourly GROUP BY city ORDER BY city;',
      [
        ['Lima', 1],
        ['Oslo', 2],
        ['Rome', 2],
        ['oslo', 1],
      ],
    ],
    // Each row once.
    ['SELECT DISTINCT item FROM last_sales ORDER BY item;', [['rice'], ['salt'], ['tea']]],
    [
      'SELECT DISTINCT city, item FROM sales ORDER BY 1 DESC, 2 LIMIT 2;',
      [
        [null, 'salt'],
        ['oslo', 'tea'],
      ],
    ],
  ])('%s', async (text, rows) => {
    expect(await sql.rows(text)).toEqual(rows);
  });

  test('without an order, LIMIT and OFFSET cut a stretch of what there is', async () => {
    const all = await sql.rows('SELECT id FROM last_sales;');
    expect(await sql.rows('SELECT id FROM last_sales LIMIT 3 OFFSET 2;')).toEqual(all.slice(2, 5));
  });

  test('many rows in order, and groups of them', async () => {
    await sql.ksql("CREATE STREAM many (v INT, g INT) WITH (KAFKA_TOPIC='many', VALUE_FORMAT='JSON', PARTITIONS=2);");
    const values = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5000);
    const inserted = values.map((v) => `INSERT INTO many VALUES (${v}, ${v % 700});`);
    for (let at = 0; at < inserted.length; at += 500) await sql.ksql(inserted.slice(at, at + 500).join(''));
    const sorted = values.toSorted((a, b) => a - b);
    expect(await sql.rows('SELECT v FROM many ORDER BY v;')).toEqual(sorted.map((v) => [v]));
    expect(await sql.rows('SELECT v FROM many ORDER BY v DESC LIMIT 20;')).toEqual(
      sorted
        .toReversed()
        .slice(0, 20)
        .map((v) => [v]),
    );
    expect(await sql.rows('SELECT g, COUNT(*) FROM many GROUP BY g ORDER BY g;')).toEqual(
      Array.from({ length: 700 }, (_, g) => [g, values.filter((v) => v % 700 === g).length]),
    );
  });

  test.each([
    ['SELECT id FROM last_sales ORDER BY items;', 'ORDER BY ITEMS: values of type ARRAY<STRING> have no order.'],
    ['SELECT id FROM last_sales ORDER BY 2;', 'ORDER BY 2: the result has 1 columns, which are counted from 1.'],
    ['SELECT id FROM last_sales ORDER BY nothing;', 'NOTHING'],
    [
      'SELECT DISTINCT item FROM last_sales ORDER BY id;',
      'For SELECT DISTINCT, what is ordered by must be among what is selected.',
    ],
    ['SELECT id FROM sales EMIT CHANGES ORDER BY id;', "Push queries don't support ORDER BY"],
    ['SELECT DISTINCT item FROM sales EMIT CHANGES;', "Push queries don't support DISTINCT"],
    [
      'CREATE STREAM x AS SELECT * FROM sales ORDER BY id;',
      "CREATE STREAM AS SELECT statements don't support ORDER BY",
    ],
    [
      'SELECT id, COUNT(*) FROM last_sales GROUP BY city;',
      'Non-aggregate SELECT expression(s) not part of GROUP BY: ID',
    ],
    ['SELECT city FROM last_sales ORDER BY COUNT(*);', 'Non-aggregate SELECT expression(s) not part of GROUP BY: CITY'],
  ])('refused: %s', async (text, message) => {
    expect(await answerTo(sql, text)).toContain(message);
  });
});

test('what a query keeps has a limit, and the language ksqlDB’s where that is wanted', async () => {
  const sql = await startSql({ 'ksql.query.pull.kept.rows.max': 2 });
  await sql.ksql("CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);");
  for (const k of [3, 1, 2]) await sql.ksql(`INSERT INTO s VALUES (${k}, ${k});`);
  const tooMany =
    'The query has to keep more than 2 rows to order, group, compare or join them (ksql.query.pull.kept.rows.max)';
  for (const text of [
    'SELECT k FROM s ORDER BY k;',
    'SELECT DISTINCT k FROM s;',
    'SELECT k, COUNT(*) FROM s GROUP BY k;',
  ])
    expect(await answerTo(sql, text)).toContain(tooMany);
  expect(await sql.rows('SELECT k FROM s ORDER BY k LIMIT 2;')).toEqual([[1], [2]]);
  await sql.stop();

  const plain = await startSql({ 'ksql.query.extensions.enabled': false });
  await plain.ksql("CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);");
  expect(await answerTo(plain, 'SELECT k FROM s ORDER BY k;')).toContain('line 1:23: Syntax Error');
  expect(await answerTo(plain, 'SELECT DISTINCT k FROM s;')).toContain('line 1:8: Syntax Error');
  expect(await answerTo(plain, 'SELECT k, COUNT(*) FROM s GROUP BY k;')).toContain(
    "Pull queries don't support GROUP BY clauses.",
  );
  await plain.stop();
});
