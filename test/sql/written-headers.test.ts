// Headers that statements write, as somebody reads them from the topic again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examplesOf, PLACES, type SqlOverHttp, startSql } from './http.ts';

describe.each(PLACES)('headers are written, %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
  });
  afterAll(() => sql.stop());

  test('the example of the documentation', async () => {
    await sql.ksql(
      "CREATE STREAM problems (id INT KEY, text STRING, source STRING, severity INT) WITH (KAFKA_TOPIC='problems', FORMAT='JSON', PARTITIONS=2);",
    );
    for (const statement of examplesOf('Headers that are written')) await sql.ksql(statement);
    await sql.ksql(`
      INSERT INTO problems VALUES (2, 'smoke', 'kitchen', 4);
      INSERT INTO problems VALUES (3, 'noise', NULL, 5);`);
    const found = () => sql.rows("SELECT id, text, FROM_BYTES(trace, 'utf8') AS trace FROM alerts ORDER BY id;");
    await expect.poll(found, { timeout: 30_000 }).toEqual([
      [1, 'it burns', '4bf92f'],
      [2, 'smoke', 'kitchen'],
      [3, 'noise', null],
    ]);
  });

  test('all of a record, in every way that statements write', async () => {
    await sql.ksql(`
      CREATE TABLE notes (id INT PRIMARY KEY, v INT, hs ARRAY<STRUCT<key STRING, value BYTES>> HEADERS)
        WITH (KAFKA_TOPIC='notes', FORMAT='JSON', PARTITIONS=2);
      CREATE STREAM seen (id INT KEY, v INT, a BYTES HEADER('a'), b BYTES HEADER('b')) WITH (KAFKA_TOPIC='notes', FORMAT='JSON');
      INSERT INTO notes VALUES (1, 1, ARRAY[STRUCT(key := 'a', value := TO_BYTES('x', 'utf8')), STRUCT(key := 'b', value := CAST(NULL AS BYTES))]);
      INSERT INTO notes (id, v) VALUES (2, 1);
      UPDATE notes SET v = 2 WHERE id = 1;
      UPDATE notes SET v = 3, hs = ARRAY[STRUCT(key := 'b', value := TO_BYTES('y', 'utf8'))] WHERE v = 2;`);
    const all = await sql.rows(
      "SELECT id, v, FROM_BYTES(a, 'utf8') AS a, FROM_BYTES(b, 'utf8') AS b FROM seen ORDER BY id, v;",
    );
    expect(all).toEqual([
      [1, 1, 'x', null],
      [1, 2, 'x', null],
      [1, 3, null, 'y'],
      [2, 1, null, null],
    ]);
    const lines = [{ target: 'seen' }, { id: 7, v: 7, a: Buffer.from('from afar').toString('base64') }].map((line) =>
      JSON.stringify(line),
    );
    const response = await fetch(`${sql.url}/inserts-stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.ksqlapi.delimited.v1' },
      body: lines.join('\n'),
    });
    expect(await response.text()).toContain('"ok"');
    expect(await sql.rows("SELECT v, FROM_BYTES(a, 'utf8') AS a FROM seen WHERE id = 7;")).toEqual([[7, 'from afar']]);
    const plain = { 'ksql.query.extensions.enabled': 'false' };
    await expect(sql.ksql('INSERT INTO seen VALUES (1, 1, NULL, NULL);', plain)).rejects.toThrow(
      'Cannot insert into HEADER columns: A, B',
    );
  });
});
