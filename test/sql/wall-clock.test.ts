// Windows by the wall clock where they run: on a broker, in threads, over partitions and restarts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLACES, type SqlService, startSql } from './http.ts';

describe.each(PLACES)('windows by the wall clock, %s', (_place, settings) => {
  let sql: SqlService;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM bids (id INT KEY, item STRING) WITH (KAFKA_TOPIC='bids', FORMAT='JSON', PARTITIONS=4);
      CREATE TABLE quiet AS SELECT item, COUNT(*) AS n FROM bids
        WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY item EMIT FINAL AFTER 2 SECONDS;
      CREATE STREAM told (item STRING KEY, n BIGINT)
        WITH (KAFKA_TOPIC='QUIET', FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');
      CREATE TABLE processed AS SELECT item, COUNT(*) AS n FROM bids
        WINDOW TUMBLING (SIZE 1 SECOND, PROCESSING TIME) GROUP BY item EMIT FINAL;
      CREATE STREAM processed_rows (item STRING KEY, n BIGINT)
        WITH (KAFKA_TOPIC='PROCESSED', FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 SECONDS');`);
  });
  afterAll(() => sql.stop());

  const bid = (ids: readonly number[], at: (id: number) => number) =>
    sql.ksql(ids.map((id) => `INSERT INTO bids (ROWTIME, id, item) VALUES (${at(id)}, ${id}, 'i${id % 3}');`).join(''));
  const wait = { timeout: 60_000 };
  const told = () => sql.rows('SELECT WINDOWSTART, item, n FROM told ORDER BY WINDOWSTART, item;');
  const dropped = async () => {
    const [described] = await sql.ksql('DESCRIBE quiet EXTENDED;');
    return JSON.stringify(described);
  };

  test('the last windows come by themselves, each once; what comes for them later is late', async () => {
    // A minute of long ago. While the query is paused, rows wait: that is no time without rows.
    await sql.ksql('PAUSE ALL;');
    await bid([...Array(60).keys()], (id) => 1000 + id * 1000);
    await sql.ksql('RESUME ALL;');
    const expected = Array.from({ length: 7 }, (_, window) => window * 10_000).flatMap((start) =>
      [0, 1, 2].flatMap((item) => {
        const ids = [...Array(60).keys()].filter(
          (id) => id % 3 === item && 1000 + id * 1000 >= start && 1000 + id * 1000 < start + 10_000,
        );
        return ids.length === 0 ? [] : [[start, `i${item}`, ids.length]];
      }),
    );
    await expect.poll(told, wait).toEqual(expected);
    sql = await sql.restarted();
    await bid([60], () => 1000);
    await expect.poll(dropped, wait).toContain('late');
    expect(await told()).toEqual(expected);
  });

  test('each row is counted once, in the window of when it came', async () => {
    const sum = async () => {
      const rows = await sql.rows('SELECT n, WINDOWSTART FROM processed_rows;');
      return [rows.reduce((all, [n]) => all + (n as number), 0), rows.every(([, start]) => (start as number) > 1e12)];
    };
    await expect.poll(sum, wait).toEqual([61, true]);
  });
});
