// What goes wrong between the connector and the database, and how far the server is told to forget: servers that end and come
// back, slots and publications that are not there, and a reader that is slower than the stream.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConnectError, parseConfig } from '../../../src/connect/index.ts';
import { postgresSource } from '../../../src/connect/connectors/postgres/connector.ts';
import { parseLsn } from '../../../src/connect/connectors/postgres/pgoutput.ts';
import { type Postgres, postgresMissing, startPostgres } from '../support/postgres.ts';
import { Harness } from './harness.ts';

describe.skipIf(postgresMissing !== undefined)('a task', () => {
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
  const ids = (harness: Harness): unknown[] =>
    harness.changes('public.t').map(({ after, before }) => (after ?? before)!['id']);
  const confirmed = async (slot: string): Promise<number> => {
    const [row] = await postgres.rows<{ lsn: string }>(
      `SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = '${slot}'`,
    );
    return parseLsn(row!.lsn);
  };

  test('goes on where it was when the server was gone, and lets it go', async () => {
    const { harness, client, database } = await open('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await harness.until((written) => written.length === 1);
    await client.query('INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)');
    await harness.until((written) => written.length === 3);
    for (const [i, mode] of (['immediate', 'fast'] as const).entries()) {
      await postgres.halt(mode);
      expect(await harness.poll()).toBe(0);
      await postgres.resume();
      const again = await postgres.connect(database);
      await again.query(`INSERT INTO t VALUES (${4 + i})`);
      await harness.until((written) => written.length === 4 + i);
    }
    expect(ids(harness)).toEqual([1, 2, 3, 4, 5]);
    expect(harness.warnings.length).toBeGreaterThan(0);
  }, 60_000);

  test('gives up when it has been tried as often as it may be', async () => {
    const harness = new Harness({ ...postgres, port: 1, user: 'postgres', password: 'secret' }, 'none', {
      'errors.max.retries': '2',
    });
    await harness.start();
    expect([await harness.poll(), await harness.poll()]).toEqual([0, 0]);
    await expect(harness.poll()).rejects.toThrow(/ECONNREFUSED.* \(tried 2 times: see errors.max.retries\)/);
  });

  test.each([
    [
      'a wrong password',
      { 'database.password': 'wrong' },
      'the user or the password is wrong: see database.user and database.password',
    ],
    [
      'a database that is not there',
      { 'database.dbname': 'nowhere' },
      'there is no such database: see database.dbname',
    ],
    [
      'a publication that is not there',
      { 'publication.autocreate.mode': 'disabled' },
      'there is no publication dbz_publication, and publication.autocreate.mode is disabled',
    ],
    [
      'no table to publish',
      { 'publication.autocreate.mode': 'filtered', 'table.include.list': 'public.none' },
      'no table of database',
    ],
  ])('fails with %s', async (_, settings, message) => {
    const { harness } = await open('CREATE TABLE t (id int PRIMARY KEY)', settings);
    const failure = await harness.poll().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConnectError);
    expect((failure as ConnectError).message).toContain(message);
    expect((failure as ConnectError).retriable).toBe(false);
  });

  test('refuses to go on when its slot is gone, or was made anew; with when_needed it reads all again', async () => {
    const { harness, client, database } = await open('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await harness.until((written) => written.length === 1);
    await client.query('INSERT INTO t VALUES (2)');
    await harness.until((written) => written.length === 2);
    await harness.kill();
    await expect
      .poll(() =>
        client.query(`SELECT pg_drop_replication_slot('${database}')`).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await client.query('INSERT INTO t VALUES (3)');
    await harness.start();
    await expect(harness.poll()).rejects.toThrow(`changes were lost: they were read up to`);
    await harness.kill();
    await client.query(`SELECT pg_create_logical_replication_slot('${database}', 'pgoutput')`);
    await harness.start();
    await expect(harness.poll()).rejects.toThrow(`it was made anew, or somebody else has moved it on`);
    await harness.kill();
    await harness.start({ 'snapshot.mode': 'when_needed' });
    await harness.until((written) => written.length === 5);
    await client.query('INSERT INTO t VALUES (4)');
    await harness.until((written) => written.length === 6);
    expect(ids(harness)).toEqual([1, 2, 1, 2, 3, 4]);
  });

  test('says what is to be done when its publication was dropped meanwhile', async () => {
    const { harness, client } = await open('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await harness.until((written) => written.length === 1);
    await harness.kill();
    await client.query('DROP PUBLICATION dbz_publication; INSERT INTO t VALUES (2)');
    await harness.start();
    await expect(harness.until(() => false)).rejects.toThrow(
      /publication "dbz_publication" does not exist \(what was written before a publication was made cannot be streamed by it/,
    );
  });

  test('does not take a slot that another has', async () => {
    const { harness, database } = await open('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await harness.until((written) => written.length === 1);
    await harness.poll();
    const other = new Harness(postgres, database, { 'slot.max.retries': '0', 'snapshot.mode': 'no_data' });
    harnesses.push(other);
    await other.start();
    await expect(other.poll()).rejects.toThrow(
      /is active for PID \d+: give each connector a slot of its own \(slot.name\)/,
    );
  });

  test('tells the server to forget what is safe, and not more', async () => {
    const { harness, client, database } = await open('CREATE TABLE t (id int PRIMARY KEY)', {
      'snapshot.mode': 'no_data',
    });
    await harness.poll();
    const first = await confirmed(database);
    await client.query('INSERT INTO t SELECT generate_series(1, 10)');
    // Not all of the batch is written: it is not committed.
    await expect.poll(() => harness.poll(3)).toBe(3);
    expect(await confirmed(database)).toBe(first);
    await harness.kill();
    await harness.start();
    await harness.until((written) => written.length === 10);
    await harness.until(async () => (await confirmed(database)) > first, 'the slot on');
    expect(await confirmed(database)).toBeLessThanOrEqual(harness.offset!['tx_lsn'] as number);
    expect(ids(harness)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('does not move the slot when it is not to', async () => {
    const { harness, client, database } = await open('CREATE TABLE t (id int PRIMARY KEY)', {
      'snapshot.mode': 'no_data',
      'flush.lsn.source': 'false',
    });
    await harness.poll();
    const first = await confirmed(database);
    await client.query('INSERT INTO t VALUES (1)');
    await harness.until((written) => written.length === 1);
    await client.query('INSERT INTO t VALUES (2)');
    await harness.until((written) => written.length === 2);
    expect(await confirmed(database)).toBe(first);
  });

  test('beats, runs its query with it, and moves the slot on while nothing that is captured changes', async () => {
    const { harness, client, database } = await open(
      'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id serial); CREATE TABLE beats (at timestamptz)',
      {
        ...{ 'heartbeat.interval.ms': '60', 'heartbeat.action.query': 'INSERT INTO beats VALUES (now())' },
        'table.include.list': 'public.t',
      },
    );
    await harness.poll();
    const first = await confirmed(database);
    await client.query('INSERT INTO other SELECT FROM generate_series(1, 1000)');
    await harness.until((written) => written.length >= 3);
    const [beat] = harness.written;
    expect(beat).toMatchObject({ topic: '__debezium-heartbeat.srv', key: { serverName: 'srv' }, partition: 0 });
    expect(beat!.keySchema!.name).toBe('io.debezium.connector.common.ServerNameKey');
    expect((await client.query('SELECT FROM beats')).rowCount).toBeGreaterThanOrEqual(3);
    await harness.until(async () => (await confirmed(database)) > first + 1000, 'the slot on');
    // And goes on from there.
    await harness.kill();
    await client.query('INSERT INTO t VALUES (7)');
    await harness.start();
    await harness.until(() => ids(harness).length === 1);
  });

  test('keeps the server waiting when it is slower, and reads everything in order', async () => {
    const { harness, client, database } = await open('CREATE TABLE t (id int PRIMARY KEY, v text)', {
      'snapshot.mode': 'no_data',
      'max.queue.size': '100',
    });
    await harness.poll();
    const rows = 40_000;
    await client.query(`INSERT INTO t SELECT g, repeat('x', 200 + g % 300) FROM generate_series(1, ${rows}) g`);
    // A server that has sent everything it can, and not all there is, is held back.
    const isHeldBack = async (): Promise<boolean> => {
      const [row] = await postgres.rows<{ held: boolean }>(
        `SELECT sent_lsn < pg_current_wal_lsn() - 1000000 AS held FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE slot_name = '${database}'`,
      );
      return row?.held === true;
    };
    await expect.poll(isHeldBack).toBe(true);
    await harness.until((written) => written.length === rows);
    expect(ids(harness)).toEqual(Array.from({ length: rows }, (_, i) => i + 1));
    expect(
      harness
        .changes('public.t')
        .every(({ after }) => (after!['v'] as string) === 'x'.repeat(200 + ((after!['id'] as number) % 300))),
    ).toBe(true);
  });

  test('reads a table anew that was written anew while its snapshot was cut off', async () => {
    const { harness, client } = await open(
      `CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a SELECT generate_series(1, 20); CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g FROM generate_series(1, 20) g`,
      { 'snapshot.fetch.size': '5', 'max.batch.size': '5' },
    );
    await harness.until((written) => written.length >= 10);
    // The transaction of the snapshot does not see the rows of the table that is written anew, and must not take it for empty.
    await client.query('ALTER TABLE t ALTER v TYPE text');
    await harness.until((written) => written.length >= 40);
    await client.query(`INSERT INTO t VALUES (21, 'x')`);
    await harness.until((written) => written.length >= 41);
    expect(ids(harness)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
    expect(harness.changes('public.t').at(-2)!.after).toEqual({ id: 20, v: '20' });
  });

  test('reads rows before changes as snapshot.mode says', async () => {
    const sql = 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)';
    const never = await open(sql, { 'snapshot.mode': 'never' });
    await never.harness.poll();
    await never.client.query('INSERT INTO t VALUES (2)');
    await never.harness.until((written) => written.length === 1);
    expect(ids(never.harness)).toEqual([2]);

    const always = await open(sql, { 'snapshot.mode': 'always' });
    await always.harness.until((written) => written.length === 1);
    await always.client.query('INSERT INTO t VALUES (2)');
    await always.harness.until((written) => written.length === 2);
    await always.harness.kill();
    await always.client.query('DELETE FROM t WHERE id = 1');
    await always.harness.start();
    await always.harness.until((written) => written.length === 5);
    // The rows that are there, and then all that had happened meanwhile.
    expect(always.harness.changes('public.t').map(({ op, before, after }) => [op, (after ?? before)!['id']])).toEqual([
      ['r', 1],
      ['c', 2],
      ['r', 2],
      ['d', 1],
    ]);

    const only = await open(sql, { 'snapshot.mode': 'initial_only' });
    await only.harness.until((written) => written.length === 1);
    await only.client.query('INSERT INTO t VALUES (2)');
    expect([await only.harness.poll(), await only.harness.poll()]).toEqual([0, 0]);
    await only.harness.kill();
    await only.harness.start();
    expect(await only.harness.poll()).toBe(0);
  });

  test('takes offsets that Debezium has stored', async () => {
    const { harness, client } = await open('CREATE TABLE t (id int PRIMARY KEY)', { 'snapshot.mode': 'no_data' });
    await harness.poll();
    await client.query('INSERT INTO t VALUES (1)');
    const [here] = await postgres.rows<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
    await client.query('INSERT INTO t VALUES (2)');
    await harness.kill();
    const lsn = parseLsn(here!.lsn);
    harness.offset = {
      lsn_proc: lsn,
      messageType: 'INSERT',
      lsn_commit: lsn,
      lsn,
      txId: 744,
      ts_usec: 1796021091050776,
    };
    await harness.start();
    await harness.until((written) => written.length === 1);
    expect(ids(harness)).toEqual([2]);
  });

  test('can be ended while the server waits for transactions to make its slot', async () => {
    const { harness, client, database } = await open('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await client.query('BEGIN; INSERT INTO t VALUES (2)');
    const stop = new AbortController();
    const polled = harness.poll(1, stop.signal);
    const waits = `SELECT FROM pg_stat_activity WHERE backend_type = 'walsender' AND datname = '${database}'`;
    await expect.poll(() => postgres.rows(waits)).toHaveLength(1);
    stop.abort();
    expect(await polled).toBe(0);
    await client.query('COMMIT');
    await harness.until((written) => written.length === 2);
    expect(ids(harness)).toEqual([1, 2]);
  });

  test('drops its slot at its end when it is to', async () => {
    const { harness, database } = await open('CREATE TABLE t (id int PRIMARY KEY)', { 'slot.drop.on.stop': 'true' });
    await harness.poll();
    await harness.kill();
    expect(await postgres.rows(`SELECT FROM pg_replication_slots WHERE slot_name = '${database}'`)).toEqual([]);
  });

  describe('is told before', () => {
    const problems = async (
      settings: Record<string, string>,
      database: string,
    ): Promise<readonly { name: string; message: string }[]> => {
      const { raw } = new Harness(postgres, database, settings);
      return postgresSource.validate!(parseConfig(postgresSource.config, raw));
    };

    test('that it can begin', async () => {
      expect(await problems({}, await postgres.createDatabase())).toEqual([]);
    });

    test('what is wrong, under the name of the setting', async () => {
      const database = await postgres.createDatabase();
      await postgres.run(
        `CREATE USER reader PASSWORD 'reader'; SELECT pg_create_physical_replication_slot('physical')`,
      );
      const found = await problems(
        {
          ...{ 'database.user': 'reader', 'database.password': 'reader' },
          ...{ 'publication.autocreate.mode': 'disabled', 'slot.name': 'physical' },
        },
        database,
      );
      expect(found.map(({ name }) => name)).toEqual(['database.user', 'publication.name', 'slot.name']);
      expect((await problems({ 'database.password': 'wrong' }, database))[0]).toMatchObject({
        name: 'database.hostname',
        message: expect.stringContaining('Unable to connect: ') as string,
      });
    });

    test('that the server does not log what it needs', async () => {
      const other = await startPostgres({ wal_level: 'replica' });
      try {
        const { raw } = new Harness(other, 'postgres');
        const found = await postgresSource.validate!(parseConfig(postgresSource.config, raw));
        expect(found).toEqual([
          {
            name: 'database.hostname',
            message: "Postgres server wal_level property must be 'logical' but is: 'replica'",
          },
        ]);
      } finally {
        await other.stop();
      }
    });
  });
});
