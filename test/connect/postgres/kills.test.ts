// A task that is killed at any record, again and again, while the tables it reads are changed: what was written in the end is
// compared with what is in the database, and each change must have been told once, in order for each row.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Postgres, postgresMissing, startPostgres } from '../support/postgres.ts';
import { Harness } from './harness.ts';
import { replay, summary } from './replay.ts';

/** Numbers from a seed (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

describe.skipIf(postgresMissing !== undefined)('a task that is killed', () => {
  let postgres: Postgres;
  const harnesses: Harness[] = [];
  beforeAll(async () => {
    // Names sort otherwise than their bytes do, so that keys must be compared as the server compares them.
    postgres = await startPostgres();
  });
  afterEach(async () => {
    for (const harness of harnesses.splice(0)) await harness.kill();
  });
  afterAll(() => postgres?.stop());

  test.each([1, 2, 3, 4])(
    'at any record loses nothing and tells nothing twice (seed %i)',
    async (seed) => {
      const random = randomFrom(seed);
      const database = await postgres.createDatabase();
      const client = await postgres.connect(database);
      const rowsAtFirst = 400;
      await client.query(`
      CREATE TABLE a (id int PRIMARY KEY, version int NOT NULL, v text);
      CREATE TABLE b (x int NOT NULL, name text COLLATE "und-x-icu" NOT NULL, version int NOT NULL, PRIMARY KEY (name, x));
      INSERT INTO a SELECT g * 2, 0, repeat('x', g % 50) FROM generate_series(1, ${rowsAtFirst}) g;
      INSERT INTO b SELECT g, chr(65 + g % 26 + 32 * (g % 2)) || 'ä' || g, 0 FROM generate_series(1, ${rowsAtFirst}) g;
    `);
      const harness = new Harness(postgres, database, {
        'snapshot.fetch.size': String(1 + random(60)),
        'max.batch.size': String(1 + random(40)),
        'max.queue.size': String(1 + random(100)),
        'provide.transaction.metadata': String(seed % 2 === 0),
      });
      harnesses.push(harness);

      let nextId = 1;
      /** A transaction of some changes: rows come, change, change their keys, and go. */
      const change = async (): Promise<void> => {
        await client.query('BEGIN');
        for (let i = random(8); i >= 0; i--) {
          const target = 1 + random(rowsAtFirst * 2);
          const others = `id % 100 <> 50`;
          const statements = [
            `INSERT INTO a VALUES (${nextId * 2 + 1}, 0, 'new')`,
            `UPDATE a SET version = version + 1, v = 'u' WHERE id BETWEEN ${target} AND ${target + random(5)} AND ${others}`,
            `DELETE FROM a WHERE id = ${target} AND ${others}`,
            `UPDATE a SET id = ${100_000 + nextId}, version = 0 WHERE id = ${target} AND ${others}`,
            `INSERT INTO b SELECT ${10_000 + nextId}, chr(65 + ${random(58)}) || 'é', 0`,
            `UPDATE b SET version = version + 1 WHERE x BETWEEN ${target} AND ${target + random(5)} AND x % 100 <> 50`,
            `DELETE FROM b WHERE x = ${target} AND x % 100 <> 50`,
            `UPDATE b SET name = name || 'z', version = 0 WHERE x = ${target} AND x % 100 <> 50`,
          ];
          nextId++;
          await client.query(statements[random(statements.length)]!);
        }
        await client.query(random(6) === 0 ? 'ROLLBACK' : 'COMMIT');
      };

      // Somebody else, with rows of their own, whose transactions are open for long: snapshots begin and end meanwhile.
      const slow = await postgres.connect(database);
      let isOpen = false;
      const changeSlowly = async (): Promise<void> => {
        if (!isOpen) {
          await slow.query(
            `BEGIN; UPDATE a SET version = version + 1 WHERE id % 100 = 50; UPDATE b SET version = version + 1 WHERE x % 100 = 50`,
          );
          await slow.query(
            `INSERT INTO b VALUES (20000 + ${nextId}, chr(65 + ${random(58)}), 0); SAVEPOINT s; DELETE FROM b WHERE x > 20000 AND x % 3 = 0`,
          );
        } else await slow.query(random(4) === 0 ? 'ROLLBACK' : 'COMMIT');
        isOpen = !isOpen;
      };

      for (let life = 0; life < 40; life++) {
        await harness.start();
        if (life > 0) await changeSlowly();
        for (let polls = random(6); polls >= 0; polls--) {
          if (random(3) > 0) await change();
          // The last poll of a life is cut off: only so many of its records are written.
          await harness.poll(polls === 0 ? random(30) : undefined);
        }
        await harness.kill();
        await change();
      }
      if (isOpen) await changeSlowly();
      await harness.start();
      await client.query(`INSERT INTO a VALUES (-1, 0, 'the end')`);
      await harness.until(() => harness.changes('public.a').some(({ after }) => after?.['id'] === -1), 'the last row');

      const inA = await client.query<{ id: number; version: number }>('SELECT id, version FROM a');
      const told = replay(harness.changes('public.a'), (row) => String(row['id']));
      expect(summary(told.values(), ['v'])).toEqual(summary(inA.rows));
      const inB = await client.query<{ x: number; name: string; version: number }>('SELECT x, name, version FROM b');
      const toldB = replay(harness.changes('public.b'), (row) => `${String(row['name'])} ${String(row['x'])}`);
      expect(summary(toldB.values())).toEqual(summary(inB.rows));
      expect(harness.changes('public.b').filter(({ op }) => op === 'r').length).toBeGreaterThan(rowsAtFirst / 2);
    },
    60_000,
  );
});
