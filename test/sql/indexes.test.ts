// Indexes: that they find what a scan finds, whatever happens to the rows, and that they come back with the service.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { examplesOf, overHttp, PLACES, type SqlOverHttp, startSql } from './http.ts';

describe.each(PLACES)('indexes, %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM log (id INT KEY, city STRING, age BIGINT, price DECIMAL(6, 2), day DATE) WITH (KAFKA_TOPIC='log', FORMAT='JSON', PARTITIONS=4);
      CREATE TABLE people AS SELECT id, LATEST_BY_OFFSET(city, false) AS city, LATEST_BY_OFFSET(age, false) AS age,
        LATEST_BY_OFFSET(price) AS price, LATEST_BY_OFFSET(day) AS day, COUNT(*) AS n FROM log GROUP BY id;
      CREATE SOURCE TABLE mirror (id INT PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='mirrored', FORMAT='JSON', PARTITIONS=4);
      CREATE TABLE hourly AS SELECT city, COUNT(*) AS n FROM log WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY city;
      CREATE TABLE both AS SELECT p.id AS id, p.city AS city, m.city AS other FROM people p JOIN mirror m ON p.id = m.id;
      CREATE TABLE plain (id INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='plain', FORMAT='JSON', PARTITIONS=1);`);
  });
  afterAll(() => sql.stop());

  const plan = async (query: string): Promise<string> => {
    const [entity] = await sql.ksql(`EXPLAIN ${query}`);
    return (entity!['queryDescription'] as { executionPlan: string }).executionPlan
      .split('\n')
      .at(-1)!
      .split(' | ')
      .at(-1)!;
  };
  const insert = async (rows: readonly (readonly [number, string | null, number | null])[]) => {
    const statements = rows.map(([id, city, age]) => {
      const shown = city === null ? 'NULL' : `'${city}'`;
      return `INSERT INTO log (id, city, age, price, day) VALUES (${id}, ${shown}, ${age}, 1.5, '2024-01-0${(id % 9) + 1}');`;
    });
    await sql.ksql(statements.join(''));
  };
  const CONDITIONS = [
    "city = 'c1'",
    "city IN ('c1', 'c2', 'nowhere')",
    "city = 'c1' AND age = 11",
    "'c3' = city OR city = 'c4'",
    "(city = 'c1' OR city = 'c2') AND age > 20",
    'age > 30',
    'age >= 30 AND age < 40',
    'age BETWEEN 5 AND 12',
    '10 > age',
    'age = 11',
    'age = 11.5',
    'age > 11.5',
    "city = 'c1' OR age = 12",
    "NOT (city = 'c1')",
    'city IS NULL',
    "day = '2024-01-03'",
    "day < '2024-01-03'",
    'price = 1.50',
  ];

  /** Every condition finds with indexes what it finds without. */
  async function checkAll(count: number): Promise<void> {
    await expect.poll(() => sql.rows('SELECT SUM(n) FROM people;'), { timeout: 30_000 }).toEqual([[count]]);
    for (const condition of CONDITIONS) {
      const found = await sql.rows(`SELECT id, city, age FROM people WHERE ${condition} ORDER BY id;`);
      // Behind a limit, nothing is looked up.
      const scanned = await sql.rows(
        `SELECT id, city, age FROM (SELECT * FROM people LIMIT 100000) AS p WHERE ${condition} ORDER BY id;`,
      );
      expect({ condition, found }).toEqual({ condition, found: scanned });
    }
  }

  test('what is looked up is what a scan finds, also of rows that change', async () => {
    const rows = Array.from(
      { length: 60 },
      (_, i) => [i, i % 10 === 9 ? null : `c${i % 7}`, i % 13 === 12 ? null : i] as const,
    );
    await insert(rows);
    expect(await plan("SELECT * FROM people WHERE city = 'c1';")).toBe('all rows of the table');
    await checkAll(60);
    await sql.ksql('CREATE INDEX by_city ON people (city);');
    await sql.ksql('CREATE INDEX by_age ON people (age);');
    await sql.ksql('CREATE INDEX by_both ON people (city, age);');
    await sql.ksql('CREATE INDEX by_day ON people (day); CREATE INDEX by_price ON people (price);');
    await checkAll(60);
    await insert(rows.slice(0, 30).map(([id]) => [id, `c${(id + 3) % 7}`, 60 - id] as const));
    await checkAll(90);
    await insert([
      [5, null, null],
      [70, 'c1', 11],
      [5, 'c5', 5],
    ]);
    await checkAll(93);
    expect(await plan("SELECT * FROM people WHERE city = 'c1';")).toBe('index BY_CITY, look-up of a value');
    expect(await plan("SELECT * FROM people WHERE city = 'c1' AND age = 11;")).toBe(
      'index BY_BOTH, look-up of a value',
    );
    expect(await plan("SELECT * FROM people WHERE city IN ('c1', 'c2');")).toBe('index BY_CITY, look-up of 2 values');
    expect(await plan('SELECT * FROM people WHERE age > 3 AND age < 9;')).toBe(
      'index BY_AGE, a range between two values',
    );
    expect(await plan('SELECT * FROM people WHERE age > 3;')).toBe('index BY_AGE, a range open at one end');
    expect(await plan("SELECT * FROM people WHERE id = 4 AND city = 'c1';")).toBe('look-up of a key');
    expect(await plan("SELECT * FROM people WHERE city = 'c1' OR id = 4;")).toBe('all rows of the table');
    const noScans = { 'ksql.query.pull.table.scan.enabled': 'false' };
    expect(await sql.rows("SELECT id FROM people WHERE city = 'c1' AND age = 11;", noScans)).toEqual([[70]]);
    // A join looks up, too.
    const joined =
      "SELECT a.id FROM people a JOIN people b ON a.city = b.city WHERE b.city = 'c1' AND a.age = 11 AND b.age = 11;";
    expect(await sql.rows(joined, noScans)).toEqual([[70]]);
  });

  test('a small left side of a join finds the right one in an index', async () => {
    const join =
      'SELECT a.id, b.id FROM people a LEFT JOIN people b ON a.city = b.city AND b.id < a.id WHERE a.id IN (1, 8, 15)';
    expect(await plan(`${join};`)).toBe(
      'all rows of the table, or look-ups in the index BY_CITY where the left side has no more than 1000 rows',
    );
    const found = await sql.rows(`${join} ORDER BY 1, 2;`);
    const scanned = await sql.rows(
      `${join.replace('LEFT JOIN people b', 'LEFT JOIN (SELECT * FROM people LIMIT 100000) AS b')} ORDER BY 1, 2;`,
    );
    expect(found.length).toBeGreaterThan(3);
    expect(found).toEqual(scanned);
  });

  test('they are shown, and go', async () => {
    const [shown] = await sql.ksql('SHOW INDEXES;');
    expect(shown).toMatchObject({ '@type': 'indexes' });
    expect(shown!['indexes']).toContainEqual({ name: 'BY_BOTH', table: 'PEOPLE', columns: ['CITY', 'AGE'] });
    const [described] = await sql.ksql('DESCRIBE people;');
    const { indexes } = described!['sourceDescription'] as { indexes: { name: string }[] };
    expect(indexes.map(({ name }) => name)).toEqual(['BY_CITY', 'BY_AGE', 'BY_BOTH', 'BY_DAY', 'BY_PRICE']);
    expect(await sql.ksql('CREATE INDEX IF NOT EXISTS by_city ON people (age);')).toMatchObject([
      { '@type': 'warning_entity' },
    ]);
    await sql.ksql('DROP INDEX by_both; DROP INDEX IF EXISTS by_both;');
    expect(await plan("SELECT * FROM people WHERE city = 'c1' AND age = 11;")).toBe(
      'index BY_CITY, look-up of a value',
    );
    await sql.ksql('CREATE INDEX of_mirror ON mirror (city);');
  });

  test.each([
    ['CREATE INDEX x ON nothing (a);', 'Cannot index an unknown table: `NOTHING`'],
    ['CREATE INDEX x ON log (city);', 'Cannot index a stream: `LOG`.'],
    ['CREATE INDEX x ON plain (v);', "Cannot index `PLAIN`: no query keeps its rows, so that it isn't queryable."],
    ['CREATE INDEX x ON both (other);', 'Cannot index `BOTH`: its rows are joined when they are asked for.'],
    ['CREATE INDEX x ON hourly (n);', 'Cannot index `HOURLY`: it is windowed.'],
    ['CREATE INDEX x ON people (nothing);', 'Cannot index `PEOPLE`: it has no column `NOTHING`.'],
    ['CREATE INDEX x ON people (city, city);', 'Cannot index `CITY` twice.'],
    ['CREATE INDEX by_city ON people (age);', 'Index `BY_CITY` already exists.'],
    ['CREATE OR REPLACE INDEX x ON people (age);', 'OR REPLACE does not apply to indexes'],
    ['DROP INDEX nothing;', 'Index `NOTHING` does not exist.'],
  ])('refused: %s', async (text, message) => {
    await expect(sql.ksql(text)).rejects.toThrow(message);
  });

  test('with their table they go, too', async () => {
    await sql.ksql('DROP TABLE both; DROP TABLE mirror;');
    await expect(sql.ksql('DROP INDEX of_mirror;')).rejects.toThrow('Index `OF_MIRROR` does not exist.');
  });

  test('ksqlDB has none', async () => {
    const plain = { 'ksql.query.extensions.enabled': 'false' };
    for (const [text, at] of [
      ['CREATE INDEX x ON people (age);', '1:8'],
      ['DROP INDEX by_city;', '1:6'],
      ['SHOW INDEXES;', '1:6'],
    ] as const)
      await expect(sql.ksql(text, plain)).rejects.toThrow(`line ${at}: Syntax Error`);
  });

  test('the example of the documentation', async () => {
    await sql.ksql(`
      CREATE STREAM sold (id INT KEY, city STRING, price INT) WITH (KAFKA_TOPIC='sold', FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE sales_now AS SELECT id, LATEST_BY_OFFSET(city) AS city, LATEST_BY_OFFSET(price) AS price FROM sold GROUP BY id;
      INSERT INTO sold VALUES (1, 'Rome', 3); INSERT INTO sold VALUES (2, 'Oslo', 30); INSERT INTO sold VALUES (3, 'Rome', 30);`);
    await expect.poll(() => sql.rows('SELECT COUNT(*) FROM sales_now;'), { timeout: 30_000 }).toEqual([[3]]);
    const [first, second, one, range] = examplesOf('Indexes of tables');
    await sql.ksql(`${first}${second}`);
    expect((await sql.rows(one!)).sort()).toEqual([
      [1, 'Rome', 3],
      [3, 'Rome', 30],
    ]);
    expect((await sql.rows(range!)).sort()).toEqual([[2], [3]]);
  });
});

test('after a restart they are there', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-indexes-'));
  const start = async () => {
    const platform = await Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'ksql.streams.auto.offset.reset': 'earliest',
        'ksql.streams.commit.interval.ms': 20,
      },
    });
    return overHttp(platform.url('sql'), () => platform.stop());
  };
  let sql = await start();
  await sql.ksql(`
    CREATE STREAM s (k INT KEY, city STRING) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=2);
    CREATE TABLE t AS SELECT k, LATEST_BY_OFFSET(city) AS city FROM s GROUP BY k;
    CREATE INDEX by_city ON t (city);
    INSERT INTO s VALUES (1, 'Rome'); INSERT INTO s VALUES (2, 'Oslo'); INSERT INTO s VALUES (3, 'Rome');`);
  const rome = () => sql.rows("SELECT k FROM t WHERE city = 'Rome' ORDER BY k;");
  await expect.poll(rome, { timeout: 30_000 }).toEqual([[1], [3]]);
  await sql.stop();
  sql = await start();
  await expect.poll(() => rome().catch(() => undefined), { timeout: 30_000 }).toEqual([[1], [3]]);
  await sql.ksql("INSERT INTO s VALUES (3, 'Lima');");
  await expect.poll(rome, { timeout: 30_000 }).toEqual([[1]]);
  const [shown] = await sql.ksql('SHOW INDEXES;');
  expect(shown!['indexes']).toEqual([{ name: 'BY_CITY', table: 'T', columns: ['CITY'] }]);
  await sql.stop();
  rmSync(dataDir, { recursive: true, force: true });
});
