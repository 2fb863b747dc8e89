// Joins and queries in FROM of what is there now: over partitions, in threads, by look-ups where keys are known.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { examplesOf, PLACES, type SqlOverHttp, startSql } from './http.ts';

const USERS: readonly [number, string, string][] = [
  [1, 'Ann', 'Rome'],
  [2, 'Bob', 'Oslo'],
  [3, 'Cid', 'Rome'],
  [4, 'Dee', 'Lima'],
];

const ORDERS: readonly [string, number | null, string, string][] = [
  ['a', 1, 'tea', '3.50'],
  ['b', 1, 'rice', '2.00'],
  ['c', 2, 'tea', '4.0'],
  ['d', 9, 'salt', '1.00'],
  ['e', null, 'tea', '5.00'],
];

/** The whole answer to a query: what stops it between its rows, too. */
async function answerTo({ url }: SqlOverHttp, ksql: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${url}/query`, { method: 'POST', headers, body: JSON.stringify({ ksql }) })).text();
}

describe.each(PLACES)('joins in pull queries, %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM user_log (id INT KEY, name STRING, city STRING) WITH (KAFKA_TOPIC='users', FORMAT='JSON', PARTITIONS=3);
      CREATE TABLE users AS SELECT id, LATEST_BY_OFFSET(name) AS name, LATEST_BY_OFFSET(city) AS city FROM user_log GROUP BY id;
      CREATE STREAM order_log (id STRING KEY, uid BIGINT, item STRING, price DECIMAL(6, 2))
        WITH (KAFKA_TOPIC='orders', FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE orders AS SELECT id, LATEST_BY_OFFSET(uid, false) AS uid, LATEST_BY_OFFSET(item) AS item,
        LATEST_BY_OFFSET(price) AS price FROM order_log GROUP BY id;
      CREATE STREAM prices (item STRING, price DECIMAL(8, 3)) WITH (KAFKA_TOPIC='prices', FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE hourly AS SELECT item, COUNT(*) AS n FROM order_log WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY item;
      CREATE TABLE unkept (id INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='unkept', FORMAT='JSON', PARTITIONS=1);`);
    for (const [id, name, city] of USERS) await sql.ksql(`INSERT INTO user_log VALUES (${id}, '${name}', '${city}');`);
    for (const [id, uid, item, price] of ORDERS)
      await sql.ksql(
        `INSERT INTO order_log (ROWTIME, id, uid, item, price) VALUES (0, '${id}', ${uid}, '${item}', ${price});`,
      );
    await sql.ksql("INSERT INTO prices VALUES ('tea', 3.500); INSERT INTO prices VALUES ('salt', 1.000);");
    const counts = () =>
      sql.rows(
        'SELECT COUNT(*) FROM (SELECT name AS x FROM users UNION ALL SELECT id FROM orders UNION ALL SELECT item FROM hourly) AS q;',
      );
    await vi.waitUntil(async () => (await counts())[0]?.[0] === 12, { timeout: 30_000 });
  });
  afterAll(() => sql.stop());

  test.each<[string, unknown[][]]>([
    // Inner joins: numbers of other types are equal by their value, nulls to nothing.
    [
      'SELECT o.id, u.name FROM orders o JOIN users u ON o.uid = u.id ORDER BY o.id;',
      [
        ['a', 'Ann'],
        ['b', 'Ann'],
        ['c', 'Bob'],
      ],
    ],
    [
      'SELECT u.name, o.item FROM users u JOIN orders o ON u.id = o.uid WHERE o.price >= 3.5 ORDER BY 1;',
      [
        ['Ann', 'tea'],
        ['Bob', 'tea'],
      ],
    ],
    // Rows without a partner.
    [
      'SELECT o.id, u.name FROM orders o LEFT JOIN users u ON u.id = o.uid ORDER BY o.id;',
      [
        ['a', 'Ann'],
        ['b', 'Ann'],
        ['c', 'Bob'],
        ['d', null],
        ['e', null],
      ],
    ],
    [
      'SELECT o.id, u.name FROM orders o RIGHT JOIN users u ON u.id = o.uid ORDER BY u.name, o.id;',
      [
        ['a', 'Ann'],
        ['b', 'Ann'],
        ['c', 'Bob'],
        [null, 'Cid'],
        [null, 'Dee'],
      ],
    ],
    [
      'SELECT o.id, u.name FROM orders o FULL OUTER JOIN users u ON u.id = o.uid WHERE o.id IS NULL OR u.id IS NULL ORDER BY o.id, u.name;',
      [
        ['d', null],
        ['e', null],
        [null, 'Cid'],
        [null, 'Dee'],
      ],
    ],
    // What else ON says decides who is a partner, what WHERE says who is in the result.
    [
      "SELECT u.name, o.id FROM users u LEFT JOIN orders o ON u.id = o.uid AND o.item = 'rice' ORDER BY u.name;",
      [
        ['Ann', 'b'],
        ['Bob', null],
        ['Cid', null],
        ['Dee', null],
      ],
    ],
    ["SELECT u.name, o.id FROM users u LEFT JOIN orders o ON u.id = o.uid WHERE o.item = 'rice';", [['Ann', 'b']]],
    [
      'SELECT u.name FROM users u LEFT JOIN orders o ON u.id = o.uid WHERE o.item IS NULL ORDER BY u.name;',
      [['Cid'], ['Dee']],
    ],
    // By keys.
    ["SELECT o.id, u.name FROM orders o JOIN users u ON o.uid = u.id WHERE o.id = 'c';", [['c', 'Bob']]],
    [
      'SELECT o.id, u.name FROM orders o JOIN users u ON o.uid = u.id WHERE u.id IN (1, 7) ORDER BY o.id;',
      [
        ['a', 'Ann'],
        ['b', 'Ann'],
      ],
    ],
    ['SELECT u.id FROM users u LEFT JOIN orders o ON u.id = o.uid WHERE u.id = 3;', [[3]]],
    // More than two sources, a stream among them; one source twice.
    [
      'SELECT u.name, p.price FROM orders o JOIN users u ON o.uid = u.id JOIN prices p ON p.item = o.item AND p.price = o.price;',
      [['Ann', 3.5]],
    ],
    ['SELECT a.name, b.name AS other FROM users a JOIN users b ON a.city = b.city AND a.id < b.id;', [['Ann', 'Cid']]],
    [
      "SELECT u.id FROM users u JOIN prices p ON LCASE(u.name) = CONCAT('an', 'n', LPAD(p.item, 0, '')) LIMIT 1;",
      [[1]],
    ],
    ["SELECT * FROM users u JOIN orders o ON o.uid = u.id WHERE o.id = 'b';", [[1, 'Ann', 'Rome', 'b', 1, 'rice', 2]]],
    // Windows are rows like others.
    [
      'SELECT h.item, h.WINDOWSTART AS since, n, p.price FROM hourly h JOIN prices p ON h.item = p.item ORDER BY 1;',
      [
        ['salt', 0, 1, 1],
        ['tea', 0, 3, 3.5],
      ],
    ],
    // Groups on top.
    [
      'SELECT u.city, COUNT(o.id) AS n, SUM(o.price) AS total FROM users u LEFT JOIN orders o ON u.id = o.uid GROUP BY u.city HAVING COUNT(*) > 1 ORDER BY n DESC;',
      [['Rome', 2, 5.5]],
    ],
    ['SELECT COUNT(*) FROM orders o JOIN users u ON o.uid = u.id WHERE u.id = 77;', [[0]]],
    // Queries in FROM.
    ['SELECT city, n FROM (SELECT city, COUNT(*) AS n FROM users GROUP BY city) AS c WHERE n > 1;', [['Rome', 2]]],
    [
      'WITH spent AS (SELECT uid, SUM(price) AS total FROM orders GROUP BY uid) SELECT u.name, s.total FROM users u JOIN spent s ON s.uid = u.id ORDER BY total DESC LIMIT 1;',
      [['Ann', 5.5]],
    ],
    [
      'SELECT q.name FROM (SELECT name, id FROM users ORDER BY id DESC LIMIT 2) AS q ORDER BY q.name;',
      [['Cid'], ['Dee']],
    ],
    ['SELECT COUNT(*) FROM (SELECT DISTINCT item FROM orders) AS q;', [[3]]],
    ['SELECT COUNT(*) FROM (SELECT name FROM users LIMIT 3) AS q;', [[3]]],
    ['SELECT COUNT(*) FROM (SELECT name FROM users LIMIT 2 OFFSET 3) AS q;', [[1]]],
    [
      "SELECT name FROM users WHERE id = 1 UNION ALL SELECT item FROM prices WHERE item = 'tea' UNION ALL SELECT 'x' AS x FROM users WHERE id = 2 ORDER BY 1;",
      [['Ann'], ['tea'], ['x']],
    ],
    [
      'WITH u AS (SELECT id, city FROM users), n AS (SELECT city, COUNT(*) AS n FROM u GROUP BY city) SELECT u.id, n.n FROM u JOIN n ON u.city = n.city WHERE u.id = 3;',
      [[3, 2]],
    ],
    [
      "SELECT EXPLODE(ARRAY[q.item, 'x']) AS e FROM (SELECT item FROM prices WHERE item = 'tea') AS q;",
      [['tea'], ['x']],
    ],
    ['SELECT t, name FROM (SELECT ROWTIME AS t, name FROM users WHERE id = 1) AS q WHERE t IS NULL;', []],
  ])('%s', async (text, rows) => {
    expect(await sql.rows(text)).toEqual(rows);
  });

  test.each([
    [
      'SELECT * FROM orders o JOIN users u ON o.uid > u.id;',
      'Line: 1, Col: 40: A join needs an equality between `U` and what stands before it. Got (O.UID > U.ID).',
    ],
    [
      'SELECT * FROM orders o JOIN users o ON o.uid = o.id;',
      'Two sources are called `O`: give one of them a name of its own, with AS.',
    ],
    ['SELECT * FROM orders o JOIN users u WITHIN 1 HOUR ON o.uid = u.id;', 'WITHIN is for joins of streams that go on'],
    [
      'SELECT * FROM orders o JOIN users u ON o.uid = u.id AND p.item = o.item JOIN prices p ON p.item = o.item;',
      'ON may name the sources that are joined by then: `P` comes later.',
    ],
    ['SELECT * FROM orders o JOIN unkept k ON k.id = o.uid;', "The `UNKEPT` table isn't queryable."],
    [
      'SELECT * FROM orders o JOIN users u ON o.item = u.id;',
      'Cannot compare O_ITEM (STRING) to U_ID (INTEGER) with EQUAL.',
    ],
    [
      'SELECT * FROM (SELECT * FROM order_log EMIT CHANGES) AS q;',
      'Line: 1, Col: 16: EMIT CHANGES is of queries that go on',
    ],
    ['SELECT ROWTIME FROM (SELECT name FROM users) AS q;', "column 'ROWTIME' cannot be resolved"],
    [
      'SELECT o.ROWOFFSET FROM order_log o JOIN users u ON o.uid = u.id;',
      "Pull queries don't support the following columns in SELECT clauses: `ROWOFFSET`",
    ],
    [
      'SELECT name FROM users UNION ALL SELECT id FROM users;',
      'Column 1 of a UNION is `NAME` STRING in the first query, and `ID` INTEGER in number 2: CAST one of them.',
    ],
    [
      'SELECT name FROM users u JOIN (SELECT id, COUNT(*) AS n FROM order_log WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY id) AS q ON u.name = q.id;',
      "Pull queries don't support WINDOW clauses.",
    ],
  ])('refused: %s', async (text, message) => {
    await expect(sql.rows(text)).rejects.toThrow(message);
  });

  test('the examples of the documentation', async () => {
    const [first, second] = examplesOf('Pull queries: joins, queries in FROM');
    expect(await sql.rows(first!)).toEqual([
      ['Rome', 2, 5.5],
      ['Oslo', 1, 4],
    ]);
    expect((await sql.rows(second!)).sort()).toEqual([
      ['tea', 3.5, 'Ann'],
      ['tea', 4, 'Bob'],
      ['tea', 5, null],
    ]);
  });

  const NO_SCANS = { 'ksql.query.pull.table.scan.enabled': 'false' };

  test('conditions on keys are look-ups, also where an equality says them', async () => {
    const looked = 'SELECT u.name FROM users u JOIN orders o ON o.uid = u.id WHERE u.id = 2 AND o.id = ';
    expect(await sql.rows(`${looked}'c';`, NO_SCANS)).toEqual([['Bob']]);
    const equal = 'SELECT a.name FROM users a LEFT JOIN users b ON a.id = b.id WHERE a.id = 2;';
    expect(await sql.rows(equal, NO_SCANS)).toEqual([['Bob']]);
    await expect(sql.rows(equal.replace(' WHERE a.id = 2', ''), NO_SCANS)).rejects.toThrow('Missing WHERE clause.');
    // In queries in FROM, too, whatever a column is called there.
    for (const inside of [
      'SELECT name FROM (SELECT * FROM users) AS q WHERE id = 2;',
      'SELECT q.name FROM (SELECT id AS i, name FROM users WHERE city IS NOT NULL) AS q WHERE q.i IN (2, 22);',
      'WITH a AS (SELECT id + 0 AS x, id AS i, name FROM users), b AS (SELECT i AS j, name FROM a) SELECT name FROM b WHERE j = 2;',
      'SELECT name FROM (SELECT id, name FROM users UNION ALL SELECT id, city FROM users) AS q WHERE id = 2 ORDER BY name LIMIT 1;',
      'SELECT q.name FROM (SELECT DISTINCT id, name FROM users) AS q LEFT JOIN user_log l ON l.id = q.id WHERE q.id = 2;',
    ])
      expect(await sql.rows(inside, NO_SCANS)).toEqual([['Bob']]);
    for (const behind of [
      'SELECT n FROM (SELECT id, COUNT(*) AS n FROM users GROUP BY id) AS q WHERE id = 2;',
      'SELECT id FROM (SELECT id FROM users LIMIT 1) AS q WHERE id = 2;',
      'SELECT l.id FROM user_log l LEFT JOIN (SELECT * FROM users) AS q ON l.id = q.id WHERE q.id IS NULL;',
    ])
      await expect(sql.rows(behind, NO_SCANS)).rejects.toThrow('Missing WHERE clause.');
    const scanned = 'SELECT u.name FROM users u JOIN orders o ON o.uid = u.id WHERE u.id = 2;';
    await expect(sql.rows(scanned, NO_SCANS)).rejects.toThrow('Missing WHERE clause.');
  });

  test('EXPLAIN tells what is looked up', async () => {
    const explain = async (query: string) => {
      const [entity] = await sql.ksql(`EXPLAIN ${query}`);
      const { executionPlan } = entity!['queryDescription'] as { executionPlan: string };
      return executionPlan.split('\n').map((line) => line.replace(/ \| Schema: [^|]*/, '').trim());
    };
    const joined = "SELECT * FROM orders o JOIN users u ON o.uid = u.id WHERE o.id = 'c' AND u.id = 1;";
    expect((await explain(joined)).slice(-4)).toEqual([
      expect.stringMatching(/FILTER/),
      expect.stringMatching(/TABLE SOURCE .* ORDERS from .* \| look-up of a key$/),
      expect.stringMatching(/FILTER/),
      expect.stringMatching(/TABLE SOURCE .* USERS from .* \| look-up of a key$/),
    ]);
    expect((await explain('SELECT * FROM user_log s JOIN users u ON s.id = u.id;')).slice(-2)).toEqual([
      expect.stringMatching(/USER_LOG .* \| all records of the topic$/),
      expect.stringMatching(
        /USERS .* \| all rows of the table, or look-ups by key where the left side has no more than 1000 rows$/,
      ),
    ]);
    expect((await explain('SELECT * FROM users WHERE id IN (1, 2);')).at(-1)).toMatch(/\| look-up of 2 keys$/);
  });
});

test('what a join keeps has a limit, and ksqlDB has none', async () => {
  const sql = await startSql({ 'ksql.query.pull.kept.rows.max': 2 });
  await sql.ksql(`
    CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
    INSERT INTO s VALUES (1, 1); INSERT INTO s VALUES (2, 2); INSERT INTO s VALUES (3, 3);`);
  const join = 'SELECT a.k, b.v FROM s a JOIN s b ON a.k = b.k';
  expect(await answerTo(sql, `${join};`)).toContain('The query has to keep more than 2 rows');
  expect(await sql.rows(`${join} WHERE a.k = 3;`)).toEqual([[3, 3]]);
  const plain = { 'ksql.query.extensions.enabled': 'false' };
  await expect(sql.rows(`${join};`, plain)).rejects.toThrow("Pull queries don't support JOIN clauses.");
  await expect(sql.rows('SELECT k FROM (SELECT k FROM s) AS q;', plain)).rejects.toThrow('line 1:15: Syntax Error');
  await sql.stop();
});
