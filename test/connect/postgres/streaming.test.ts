// Rows that are there, and their changes, of a simple table: what events say, and that each comes once.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Postgres, postgresMissing, startPostgres } from '../support/postgres.ts';
import { Harness } from './harness.ts';

describe.skipIf(postgresMissing !== undefined)('a table', () => {
  let postgres: Postgres;
  const harnesses: Harness[] = [];
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterEach(async () => {
    for (const harness of harnesses.splice(0)) await harness.kill();
  });
  afterAll(() => postgres?.stop());

  async function open(sql: string, settings: Record<string, string> = {}) {
    const database = await postgres.createDatabase();
    const client = await postgres.connect(database);
    await client.query(sql);
    const harness = new Harness(postgres, database, settings);
    harnesses.push(harness);
    await harness.start();
    return { harness, client, database };
  }

  test('is read, and then each change of it', async () => {
    const { harness, client } = await open(
      `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, NULL)`,
    );
    await harness.until((written) => written.length === 2);
    await client.query(`INSERT INTO t VALUES (3, 'c'); UPDATE t SET v = 'b' WHERE id = 2; DELETE FROM t WHERE id = 1`);
    await harness.until((written) => written.length === 6);
    const told = harness.written.map(({ key, value }) => [
      key,
      value === null ? null : (value as { op: string; after: unknown }).op,
      (value as { after: unknown } | null)?.after,
    ]);
    expect(told).toEqual([
      [{ id: 1 }, 'r', { id: 1, v: 'a' }],
      [{ id: 2 }, 'r', { id: 2, v: null }],
      [{ id: 3 }, 'c', { id: 3, v: 'c' }],
      [{ id: 2 }, 'u', { id: 2, v: 'b' }],
      [{ id: 1 }, 'd', null],
      [{ id: 1 }, null, undefined],
    ]);
  });
});
