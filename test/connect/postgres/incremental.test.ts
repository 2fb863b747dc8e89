// Signals, and the snapshots beside the stream that they ask for: chunks come while the tables change, each row as it is at
// its place in the stream, also when the task is killed meanwhile.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Postgres, postgresMissing, startPostgres } from '../support/postgres.ts';
import { Harness } from './harness.ts';

describe.skipIf(postgresMissing !== undefined)('a signal', () => {
  let postgres: Postgres;
  const harnesses: Harness[] = [];
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterEach(async () => {
    for (const harness of harnesses.splice(0)) await harness.kill();
  });
  afterAll(() => postgres?.stop());

  async function open(settings: Record<string, string> = {}) {
    const database = await postgres.createDatabase();
    const client = await postgres.connect(database);
    await client.query(`
      CREATE TABLE signals (id text PRIMARY KEY, type text, data text);
      CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL);
      CREATE TABLE nokey (v int);
      INSERT INTO t SELECT g, 0 FROM generate_series(1, 100) g;
    `);
    const harness = new Harness(postgres, database, {
      'snapshot.mode': 'no_data',
      'signal.data.collection': 'public.signals',
      'incremental.snapshot.chunk.size': '9',
      ...settings,
    });
    harnesses.push(harness);
    await harness.start();
    // The slot is made by the first poll.
    await harness.poll();
    let signals = 0;
    const signal = (type: string, data: object): Promise<unknown> =>
      client.query('INSERT INTO signals VALUES ($1, $2, $3)', [String(++signals), type, JSON.stringify(data)]);
    return { harness, client, signal };
  }
  const reads = (harness: Harness) => harness.changes('public.t').filter(({ op }) => op === 'r');

  test('reads a table in chunks, marked as an incremental snapshot', async () => {
    const { harness, signal } = await open();
    await signal('execute-snapshot', { 'data-collections': ['public.t'], type: 'INCREMENTAL' });
    await harness.until(() => reads(harness).length === 100, '100 rows');
    expect(reads(harness).map(({ after }) => after?.['id'])).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(reads(harness)[0]!.source['snapshot']).toBe('incremental');
    // The signals themselves are not captured, nor are the marks.
    expect(new Set(harness.written.map(({ topic }) => topic))).toEqual(new Set(['srv.public.t']));
    expect(harness.offset).not.toHaveProperty('incremental_state');
  });

  test('reads only what its condition says, and of tables that patterns name', async () => {
    const { harness, signal } = await open();
    await signal('execute-snapshot', {
      'data-collections': ['public\\.(t|nokey)'],
      'additional-conditions': [{ 'data-collection': 'public.t', filter: 'id % 10 = 0' }],
    });
    await harness.until(() => reads(harness).length === 10, '10 rows');
    await harness.until(() => harness.warnings.length > 0);
    expect(harness.warnings).toEqual([
      'incremental snapshot: table public.nokey has no primary key, and is passed over',
    ]);
    expect(reads(harness).map(({ after }) => after?.['id'])).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  });

  test('pauses, resumes and stops', async () => {
    const { harness, client, signal } = await open();
    await signal('pause-snapshot', {});
    await signal('execute-snapshot', { 'data-collections': ['public.t'] });
    await signal('pause-snapshot', {});
    await client.query('INSERT INTO t VALUES (1000, 0)');
    await harness.until(() => harness.changes('public.t').some(({ op }) => op === 'c'));
    expect(reads(harness)).toEqual([]);
    await signal('resume-snapshot', {});
    await harness.until(() => reads(harness).length >= 18);
    await signal('stop-snapshot', { 'data-collections': ['public.t'] });
    await client.query('INSERT INTO t VALUES (1001, 0)');
    await harness.until(() => harness.changes('public.t').filter(({ op }) => op === 'c').length === 2);
    const told = reads(harness).length;
    expect(told).toBeLessThan(100);
    await client.query('INSERT INTO t VALUES (1002, 0)');
    await harness.until(() => harness.changes('public.t').filter(({ op }) => op === 'c').length === 3);
    expect(reads(harness).length).toBe(told);
  });

  test('that nobody understands is passed over, with a reason', async () => {
    const { harness, client, signal } = await open();
    await signal('dance', {});
    await signal('execute-snapshot', { 'data-collections': 'public.t' });
    await signal('execute-snapshot', { 'data-collections': ['public.t'], type: 'blocking' });
    await client.query(`INSERT INTO signals VALUES ('x', 'log', '{')`);
    await client.query('INSERT INTO t VALUES (1000, 0)');
    await harness.until((written) => written.length === 1);
    expect(harness.warnings).toEqual([
      'a signal was not understood, and is passed over: signal 1 (dance): there is no such type; log, execute-snapshot, stop-snapshot, pause-snapshot and resume-snapshot are',
      'a signal was not understood, and is passed over: signal 2 (execute-snapshot): data-collections must be a list of texts',
      'a signal was not understood, and is passed over: signal 3 (execute-snapshot): snapshots of type blocking are not supported; incremental ones are',
      'a signal was not understood, and is passed over: signal x (log): data must be an object of JSON',
    ]);
  });

  test('has each row read once, and as it is then, while rows change and the task is killed', async () => {
    const { harness, client, signal } = await open({ 'max.batch.size': '7' });
    await signal('execute-snapshot', { 'data-collections': ['public.t'] });
    for (let i = 0; i < 60; i++) {
      await client.query(`UPDATE t SET v = v + 1 WHERE id % 7 = ${i % 7}; INSERT INTO t VALUES (${200 + i}, 0)`);
      await client.query(`DELETE FROM t WHERE id = ${i * 2}`);
      await harness.poll(i % 5 === 0 ? 3 : undefined);
      if (i % 5 !== 0) continue;
      await harness.kill();
      await harness.start();
    }
    // Where the stream changed all of the last chunk, there is nothing to tell of it, and the end is in the next change's offset.
    let id = 0;
    await harness.until(async () => {
      if (harness.offset?.['incremental_state'] === undefined) return true;
      await client.query('INSERT INTO t VALUES ($1, 0)', [--id]);
      return false;
    }, 'the end of the snapshot');
    await client.query('INSERT INTO t VALUES ($1, 0)', [--id]);
    await harness.until(() => harness.changes('public.t').some(({ after }) => after?.['id'] === id), 'the last row');
    const rows = new Map<unknown, unknown>();
    const readOnce = new Set<unknown>();
    for (const { op, before, after } of harness.changes('public.t')) {
      if (op === 'd') rows.delete(before!['id']);
      else rows.set(after!['id'], after!['v']);
      if (op !== 'r') continue;
      expect(readOnce.has(after!['id']), `row ${String(after!['id'])} was read twice`).toBe(false);
      readOnce.add(after!['id']);
    }
    const there = await client.query<{ id: number; v: number }>('SELECT id, v FROM t');
    expect([...rows].sort()).toEqual(there.rows.map(({ id, v }) => [id, v]).sort());
    expect(readOnce.size).toBeGreaterThan(10);
  }, 60_000);
});
