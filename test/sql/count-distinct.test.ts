// COUNT(DISTINCT …) where it runs: on a broker, in threads, over partitions and a restart; more values than a record can hold.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLACES, type SqlService, startSql } from './http.ts';

const ROWS = 15_000;

describe.each(PLACES)('distinct values, %s', (_place, settings) => {
  let sql: SqlService;

  beforeAll(async () => {
    sql = await startSql(settings);
    // Random texts of 100 letters: all of them are different, and 1.5 MB together.
    await sql.ksql(`
      CREATE STREAM made (id INT KEY, kind INT, t STRING) WITH (CONNECTOR='datagen', PARTITIONS=3, ROWS_PER_SECOND=10000,
        NUMBER_OF_ROWS=${ROWS}, 'fields.id.kind'='sequence', 'fields.kind.values'='1,2,3,4,5', 'fields.t.length'=100);
      CREATE TABLE counted AS SELECT 'all' AS k, COUNT(DISTINCT t) AS texts, COUNT(DISTINCT kind) AS kinds,
        COUNT(DISTINCT kind, t) FILTER (WHERE id < 100) AS some, COUNT(*) AS n FROM made GROUP BY 'all';
      CREATE TABLE by_kind AS SELECT kind, COUNT(DISTINCT id) AS ids, COUNT(*) AS n FROM made GROUP BY kind;`);
  });
  afterAll(() => sql.stop());

  const wait = { timeout: 60_000 };

  test('are counted exactly, however many there are, and over a restart', async () => {
    const found = () => sql.rows("SELECT texts, kinds, some, n FROM counted WHERE k = 'all';");
    await expect.poll(found, wait).toEqual([[ROWS, 5, 100, ROWS]]);
    const groups = async () => {
      const rows = (await sql.rows('SELECT ids, n FROM by_kind;')) as number[][];
      return [rows.length, rows.every(([ids, n]) => ids === n), rows.reduce((sum, [ids]) => sum + ids!, 0)];
    };
    await expect.poll(groups, wait).toEqual([5, true, ROWS]);
    sql = await sql.restarted();
    await sql.ksql(`INSERT INTO made VALUES (0, 1, 'new'); INSERT INTO made VALUES (0, 1, 'new');`);
    await expect.poll(found, wait).toEqual([[ROWS + 1, 5, 101, ROWS + 2]]);
  });

  test('push and pull queries count them, too', async () => {
    const pulled = await sql.rows('SELECT COUNT(DISTINCT kind) AS kinds, COUNT(DISTINCT t) AS texts FROM made;');
    expect(pulled).toEqual([[5, ROWS + 1]]);
    const pushed = await sql.rows(
      "SELECT t, COUNT(DISTINCT id) AS ids, COUNT(*) AS n FROM made WHERE t = 'new' GROUP BY t EMIT CHANGES LIMIT 1;",
    );
    expect(pushed[0]!.slice(0, 2)).toEqual(['new', 1]);
  });
});
