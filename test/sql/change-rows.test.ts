// UPDATE and DELETE: what they find, what they write, whom they refuse.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SqlClient } from '../../src/sql-api/index.ts';
import { examplesOf, PLACES, type SqlOverHttp, startSql } from './http.ts';

describe.each(PLACES)('rows of tables are changed, %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE TABLE users (id INT PRIMARY KEY, name STRING, visits BIGINT, price DECIMAL(6, 2), place STRUCT<city STRING, zip INT>)
        WITH (KAFKA_TOPIC='users', FORMAT='JSON', PARTITIONS=3);
      CREATE TABLE pairs (a STRING PRIMARY KEY, b INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='pairs', FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE bare (k STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='bare', FORMAT='KAFKA', PARTITIONS=1);
      CREATE STREAM clicks (id INT KEY, v INT) WITH (KAFKA_TOPIC='clicks', FORMAT='JSON', PARTITIONS=1);
      CREATE TABLE counts AS SELECT id, COUNT(*) AS n FROM clicks GROUP BY id;
      CREATE SOURCE TABLE mirror (id INT PRIMARY KEY, name STRING) WITH (KAFKA_TOPIC='users', FORMAT='JSON');
      CREATE TABLE hourly (k STRING PRIMARY KEY, v INT)
        WITH (KAFKA_TOPIC='hours', FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 HOUR');`);
  });
  afterAll(() => sql.stop());

  /** What a statement says that it did. */
  async function done(statement: string): Promise<string> {
    const [entity] = await sql.ksql(statement);
    return (entity!['commandStatus'] as { message: string }).message;
  }

  /** The rows as somebody sees them who reads the table's topic. */
  const rows = async (columns: string) => {
    const text = `SELECT ${columns} FROM (SELECT * FROM users_now) AS u ORDER BY id;`;
    return sql.rows(text);
  };

  test('rows get other values, and go', async () => {
    await sql.ksql('CREATE TABLE users_now AS SELECT * FROM users;');
    for (const [id, name] of [
      [1, 'Ann'],
      [2, 'Bob'],
      [3, 'Cid'],
      [4, 'Dee'],
    ])
      await sql.ksql(`INSERT INTO users VALUES (${id}, '${name}', ${id}0, 1.5, STRUCT(city := 'Rome', zip := 1));`);
    await sql.ksql("INSERT INTO users (id, name) VALUES (1, 'Anna');");
    expect(await done('UPDATE users SET visits = COALESCE(visits, CAST(0 AS BIGINT)) + 1 WHERE id IN (1, 2, 9);')).toBe(
      'Updated 2 rows.',
    );
    expect(
      await done(
        "UPDATE users SET name = UCASE(name), price = 2, place = STRUCT(zip := 7) WHERE visits > 20 AND ROWTIME > '2020-01-01';",
      ),
    ).toBe('Updated 3 rows.');
    expect(await done("UPDATE users SET price = '3.25', place = NULL WHERE users.name = 'DEE';")).toBe(
      'Updated 1 row.',
    );
    expect(await done("UPDATE users SET name = 'x' WHERE name = 'Ann';")).toBe('Updated 0 rows.');
    await expect
      .poll(() => rows('id, name, visits, price, place'), { timeout: 30_000 })
      .toEqual([
        [1, 'Anna', 1, null, null],
        [2, 'BOB', 21, 2, { CITY: null, ZIP: 7 }],
        [3, 'CID', 30, 2, { CITY: null, ZIP: 7 }],
        [4, 'DEE', 40, 3.25, null],
      ]);
    expect(await done('DELETE FROM users WHERE visits = 30;')).toBe('Deleted 1 row.');
    expect(await done('DELETE FROM users WHERE id = 4 OR id = 44;')).toBe('Wrote tombstones for 2 keys.');
    expect(await done('DELETE FROM users WHERE id = 1 AND id = 2;')).toBe('Wrote tombstones for 0 keys.');
    await expect.poll(() => rows('id'), { timeout: 30_000 }).toEqual([[1], [2]]);
    // Those that are gone are not found again.
    expect(await done('DELETE FROM users WHERE name IS NOT NULL;')).toBe('Deleted 2 rows.');
    expect(await done('DELETE FROM users WHERE TRUE;')).toBe('Deleted 0 rows.');
    await expect.poll(() => rows('id'), { timeout: 30_000 }).toEqual([]);
  });

  test('keys of several columns, and statements that come at once', async () => {
    await sql.ksql(
      "INSERT INTO pairs VALUES ('x', 1, 0); INSERT INTO pairs VALUES ('x', 2, 0); INSERT INTO pairs VALUES ('y', 1, 0);",
    );
    const all = await Promise.all(
      Array.from({ length: 10 }, () => done("UPDATE pairs SET v = v + 1 WHERE a = 'x' AND b < 2;")),
    );
    expect(new Set(all)).toEqual(new Set(['Updated 1 row.']));
    expect(await done("DELETE FROM pairs WHERE v = 10 AND a = 'x';")).toBe('Deleted 1 row.');
    expect(await done("DELETE FROM pairs WHERE a = 'x' AND b IN (2, 3);")).toBe('Wrote tombstones for 2 keys.');
    expect(await done('UPDATE pairs SET v = 5 WHERE TRUE;')).toBe('Updated 1 row.');
  });

  test('from code, and what is written is what was there but for what is set', async () => {
    const client = new SqlClient(sql.url);
    await client.execute("INSERT INTO bare VALUES ('a', 1);");
    const [entity] = await client.execute("UPDATE bare SET v = v * 2 WHERE k = 'a';");
    expect(entity).toMatchObject({
      '@type': 'currentStatus',
      commandStatus: { status: 'SUCCESS', message: 'Updated 1 row.' },
    });
    expect(await done('DELETE FROM bare WHERE v = 2;')).toBe('Deleted 1 row.');
  });

  test('the examples of the documentation', async () => {
    await sql.ksql(`
      CREATE TABLE items (id STRING PRIMARY KEY, price DECIMAL(6, 2), city STRING) WITH (KAFKA_TOPIC='items', FORMAT='JSON', PARTITIONS=2);
      INSERT INTO items VALUES ('tea', 3.50, 'Rome'); INSERT INTO items VALUES ('rice', 1.00, 'Oslo');`);
    const said = [];
    for (const statement of examplesOf('Rows of tables: UPDATE, DELETE')) said.push(await done(statement));
    expect(said).toEqual(['Updated 1 row.', 'Deleted 1 row.', 'Wrote tombstones for 2 keys.']);
  });

  test.each([
    ['UPDATE users SET id = 5 WHERE id = 1;', 'Line: 1, Col: 18: `ID` is of the key'],
    ['UPDATE users SET nothing = 5 WHERE id = 1;', 'Line: 1, Col: 18: Column name `NOTHING` does not exist.'],
    ["UPDATE users SET name = 'a', name = 'b' WHERE id = 1;", 'Line: 1, Col: 18: `NAME` is set twice.'],
    ['UPDATE users SET ROWTIME = 5 WHERE id = 1;', '`ROWTIME` is not a column that can be set.'],
    ['UPDATE users SET name = nothing WHERE id = 1;', "Line: 1, Col: 25: SET column 'NOTHING' cannot be resolved."],
    ["UPDATE users SET visits = 'many' WHERE id = 1;", 'many'],
    ['UPDATE users SET visits = name WHERE id = 1;', 'Expected type BIGINT for field `VISITS` but got STRING (NAME).'],
    ['UPDATE users SET visits = COUNT(*) WHERE id = 1;', 'COUNT'],
    ["UPDATE users SET name = 'a' WHERE nothing = 1;", "WHERE column 'NOTHING' cannot be resolved."],
    ["UPDATE users SET name = 'a' WHERE id;", 'Type error in WHERE expression: Should evaluate to boolean'],
    ['DELETE FROM users WHERE ROWOFFSET = 1;', 'Line: 1, Col: 25: `ROWOFFSET` is of records'],
    ["UPDATE users SET name = 'a';", 'Syntax Error'],
    ['DELETE FROM users;', 'Syntax Error'],
    ['DELETE FROM users WHERE id = NULL;', 'Comparison with NULL not supported'],
    ['DELETE FROM nothing WHERE id = 1;', 'Cannot delete rows from an unknown table: `NOTHING`'],
    ['DELETE FROM clicks WHERE id = 1;', 'Cannot delete rows from a stream: `CLICKS`.'],
    ['DELETE FROM counts WHERE id = 1;', 'Cannot delete rows from `COUNTS`: its rows are those of CTAS_COUNTS_'],
    ['UPDATE counts SET n = 1 WHERE id = 1;', 'Cannot update rows of `COUNTS`: its rows are those of CTAS_COUNTS_'],
    ['DELETE FROM mirror WHERE id = 1;', 'Cannot delete rows from a read-only table: `MIRROR`'],
    ["DELETE FROM hourly WHERE k = 'a';", 'Cannot delete rows from a windowed table: `HOURLY`'],
  ])('refused: %s', async (text, message) => {
    await expect(sql.ksql(text)).rejects.toThrow(message);
  });

  test('what can’t be computed, or would delete, changes nothing', async () => {
    await sql.ksql("INSERT INTO bare VALUES ('z', 0); INSERT INTO bare VALUES ('b', 1);");
    await expect(sql.ksql('UPDATE bare SET v = 4 / v WHERE TRUE;')).rejects.toThrow(
      "There is a row for which the new value can't be computed",
    );
    await expect(sql.ksql('UPDATE bare SET v = NULL WHERE TRUE;')).rejects.toThrow(
      "The only value of a row of `BARE` can't be null",
    );
    expect(await done('DELETE FROM bare WHERE v IN (0, 1);')).toBe('Deleted 2 rows.');
  });

  test('settings', async () => {
    const plain = { 'ksql.query.extensions.enabled': 'false' };
    await expect(sql.ksql('DELETE FROM users WHERE id = 1;', plain)).rejects.toThrow(
      "line 1:1: Syntax Error\nUnknown statement 'DELETE'",
    );
    await expect(sql.ksql('UPDATE users SET name = NULL WHERE id = 1;', plain)).rejects.toThrow(
      "line 1:1: Syntax Error\nUnknown statement 'UPDATE'",
    );
    const noWrites = { 'ksql.insert.into.values.enabled': 'false' };
    await expect(sql.ksql('DELETE FROM users WHERE id = 1;', noWrites)).rejects.toThrow(
      'statements may not write records here',
    );
    const few = { 'ksql.query.pull.kept.rows.max': 1 };
    await sql.ksql("INSERT INTO pairs VALUES ('q', 1, 0); INSERT INTO pairs VALUES ('q', 2, 0);");
    await expect(sql.ksql('DELETE FROM pairs WHERE v = 0;', few)).rejects.toThrow(
      'The query has to keep more than 1 rows',
    );
  });
});
