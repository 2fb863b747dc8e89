// The JDBC connectors on a database: the same for all of them. Sinks write what sources have read, so that each value goes both ways.
import { expect, test } from 'vitest';
import type { Client } from '../../../src/client/index.ts';
import { jdbcSink, jdbcSource } from '../../../src/connect/connectors/jdbc/index.ts';
import {
  BOOLEAN,
  type ConfigProblem,
  date,
  decimalOf,
  defineConfig,
  FLOAT64,
  INT32,
  INT64,
  OPTIONAL_BYTES,
  OPTIONAL_STRING,
  parseConfig,
  type Schema,
  type SourceRecord,
  sourcePlugin,
  sourceRecord,
  STRING,
  structOf,
  timestamp,
} from '../../../src/connect/index.ts';
import { Decimal } from '../../../src/util/index.ts';
import { openCluster, openWorker, recordsIn, until } from '../support/worker.ts';

/** A database of a test's own. */
export interface TestDatabase {
  readonly settings: Readonly<Record<string, string>>;
  /** Runs statements one after the other; the rows of the last, with their values as texts. */
  sql(text: string): Promise<Record<string, unknown>[]>;
}

/** What is said otherwise. */
export interface Words {
  readonly counter: string;
  readonly moment: string;
  readonly bytes: string;
  /** The database goes away, and comes back; undefined where it can't. */
  readonly halt?: () => Promise<void>;
  readonly resume?: () => Promise<void>;
}

const JSON_VALUES = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
};

/** Emits given records once. */
export function emitting(records: readonly (Partial<SourceRecord> & { valueSchema: Schema | null; value: unknown })[]) {
  return sourcePlugin({
    className: 'test.Emitting',
    version: '1',
    config: defineConfig({}),
    create: (_config, raw) => ({ taskConfigs: () => [raw] }),
    task() {
      let pause: (delayMs: number, signal: AbortSignal) => Promise<void>;
      let isDone = false;
      return {
        start: (_config, context) => void (pause = context.pause),
        async poll(signal) {
          if (isDone) {
            await pause(60_000, signal);
            return [];
          }
          isDone = true;
          return records.map((record) =>
            sourceRecord({ topic: 'in', sourcePartition: {}, sourceOffset: {}, ...record }),
          );
        },
        stop() {},
      };
    },
  });
}

/** Values of a topic's JSON with schemas. */
async function payloads(client: Client, topic: string): Promise<Record<string, unknown>[]> {
  return (await recordsIn(client, topic)).map(({ value }) => JSON.parse(value!.toString()).payload);
}

const order = structOf(
  {
    id: INT64,
    customer: STRING,
    amount: decimalOf(2),
    price: FLOAT64,
    paid: BOOLEAN,
    at: timestamp(),
    day: date(),
    note: OPTIONAL_STRING,
    picture: OPTIONAL_BYTES,
  },
  { name: 'order' },
);

function orderOf(id: number, note: string | null): Record<string, unknown> {
  return {
    id: BigInt(id),
    customer: `O'Neil "${id}" \\ ☕`,
    amount: new Decimal(BigInt(id) * 100n + 5n, 2),
    price: id + 0.25,
    paid: id % 2 === 0,
    at: new Date(Date.UTC(2026, 2, 29, 1, 30, 0, id)),
    day: new Date(Date.UTC(2026, 0, id)),
    note,
    picture: id === 1 ? null : Buffer.from([0, id, 255]),
  };
}

export function jdbcSuite(name: string, open: () => Promise<TestDatabase>, words: Words): void {
  const source = (database: TestDatabase, more: Record<string, string>): Record<string, string> => ({
    name: 'rows',
    'connector.class': 'io.confluent.connect.jdbc.JdbcSourceConnector',
    'topic.prefix': 't-',
    'poll.interval.ms': '50',
    ...JSON_VALUES,
    ...database.settings,
    ...more,
  });
  const sink = (database: TestDatabase, more: Record<string, string>): Record<string, string> => ({
    name: 'to-rows',
    'connector.class': 'JdbcSink',
    topics: 'in',
    'retry.backoff.ms': '100',
    'connection.backoff.ms': '100',
    ...JSON_VALUES,
    ...database.settings,
    ...more,
  });
  async function start(records: Parameters<typeof emitting>[0] = []) {
    const cluster = await openCluster();
    const client = cluster.connect();
    const opened = await openWorker(client, [jdbcSource, jdbcSink, emitting(records)]);
    const run = async (config: Record<string, string>): Promise<void> => {
      const connector = config['name']!;
      await opened.worker.startConnector(connector, config, 'STARTED');
      await opened.heard.is(connector, 'RUNNING');
      const tasks = await opened.worker.taskConfigs(connector);
      for (const [task, settings] of tasks.entries())
        await opened.worker.startTask({ connector, task }, config, settings, 'STARTED');
    };
    return { client, run, ...opened };
  }
  const emit = { name: 'emit', 'connector.class': 'test.Emitting', ...JSON_VALUES };
  const stop = { connector: 'rows', task: 0 };

  test(`${name}: a sink makes its table, changes and deletes rows by key, and a source reads them back`, async () => {
    const database = await open();
    const value = (id: number, note: string | null) => ({
      keySchema: INT64,
      key: BigInt(id),
      valueSchema: order,
      value: orderOf(id, note),
    });
    const { client, run, heard } = await start([
      value(1, 'first'),
      value(2, 'second'),
      value(1, null),
      value(3, 'third'),
      { keySchema: INT64, key: 2n, valueSchema: null, value: null },
      value(4, "'; DROP TABLE orders; --"),
    ]);
    await run(emit);
    await run(
      sink(database, {
        'insert.mode': 'upsert',
        'pk.mode': 'record_key',
        'pk.fields': 'id',
        'auto.create': 'true',
        'delete.enabled': 'true',
        'table.name.format': 'orders',
      }),
    );
    await until('three rows', async () => {
      if (heard.stateOf('to-rows-0') === 'FAILED') throw new Error(heard.traces.get('to-rows-0'));
      return (
        (await database.sql('SELECT id FROM orders ORDER BY id').catch(() => [])).map(({ id }) => Number(id)).join() ===
        '1,3,4'
      );
    });
    await run(
      source(database, {
        mode: 'incrementing',
        'incrementing.column.name': 'id',
        'table.whitelist': 'orders',
        'validate.non.null': 'false',
      }),
    );
    await until('three records', async () => {
      if (heard.stateOf('rows-0') === 'FAILED') throw new Error(heard.traces.get('rows-0'));
      return (await payloads(client, 't-orders')).length === 3;
    });
    const rows = await payloads(client, 't-orders');
    expect(rows.map(({ id, customer, price, note }) => ({ id, customer, price, note }))).toEqual([
      { id: 1, customer: `O'Neil "1" \\ ☕`, price: 1.25, note: null },
      { id: 3, customer: `O'Neil "3" \\ ☕`, price: 3.25, note: 'third' },
      { id: 4, customer: `O'Neil "4" \\ ☕`, price: 4.25, note: "'; DROP TABLE orders; --" },
    ]);
    expect(rows.map(({ picture }) => picture)).toEqual([null, 'AAP/', 'AAT/']);
    expect(rows.map(({ paid }) => Number(paid))).toEqual([0, 0, 1]);
    expect(rows[1]!['at']).toBe(Date.UTC(2026, 2, 29, 1, 30, 0, 3));
    expect(rows[1]!['day']).toBe(Date.UTC(2026, 0, 3) / 86_400_000);
  });

  test(`${name}: a source goes on behind what it has read, and finds tables that are new`, async () => {
    const database = await open();
    await database.sql(`CREATE TABLE a (id ${words.counter}, v VARCHAR(20))`);
    await database.sql("INSERT INTO a (v) VALUES ('one'), ('two')");
    const { client, run, worker, heard } = await start();
    const config = source(database, { mode: 'incrementing', 'batch.max.rows': '3', 'table.poll.interval.ms': '50' });
    await run(config);
    await until('two', async () => (await payloads(client, 't-a')).length === 2);
    await worker.stopTasks([stop]);
    await database.sql("INSERT INTO a (v) VALUES ('three'), ('four'), ('five'), ('six')");
    await worker.startTask(stop, config, (await worker.taskConfigs('rows'))[0]!, 'STARTED');
    await until('six', async () => (await payloads(client, 't-a')).length === 6);
    expect((await payloads(client, 't-a')).map(({ v }) => v)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
    await until('a commit', async () => (await worker.offsets('rows', config))[0]?.offset?.['incrementing'] === 6);
    expect((await worker.offsets('rows', config))[0]?.partition).toMatchObject({ protocol: '1' });
    const before = await worker.taskConfigs('rows');
    await database.sql(`CREATE TABLE b (id ${words.counter}, v VARCHAR(20))`);
    await until('the connector asks for tasks', () => heard.reconfigurations.length > 0);
    const after = await worker.taskConfigs('rows');
    expect([before.length, after.length]).toEqual([1, 1]);
    expect(after[0]!['tables']?.split(',')).toHaveLength(before[0]!['tables']!.split(',').length + 1);
  });

  test(`${name}: rows that have changed are found by their time, each once, those of one time together`, async () => {
    const database = await open();
    await database.sql(`CREATE TABLE c (id INT NOT NULL PRIMARY KEY, v VARCHAR(20), changed ${words.moment} NOT NULL)`);
    const at = (second: number): string => `'2026-01-01 00:00:0${second}.000'`;
    const values = Array.from({ length: 7 }, (_, i) => `(${i}, 'v${i}', ${at(i < 4 ? 1 : 2)})`);
    await database.sql(`INSERT INTO c VALUES ${values.join(',')}`);
    const { client, run, worker } = await start();
    const config = source(database, { mode: 'timestamp', 'timestamp.column.name': 'changed', 'batch.max.rows': '3' });
    await run(config);
    await until('seven', async () => (await payloads(client, 't-c')).length === 7);
    await until(
      'a commit',
      async () => (await worker.offsets('rows', config))[0]?.offset?.['timestamp'] === Date.UTC(2026, 0, 1, 0, 0, 2),
    );
    await worker.stopTasks([stop]);
    await database.sql(`UPDATE c SET v = 'changed', changed = ${at(3)} WHERE id = 2`);
    await worker.startTask(stop, config, (await worker.taskConfigs('rows'))[0]!, 'STARTED');
    await until('eight', async () => (await payloads(client, 't-c')).length === 8);
    expect((await payloads(client, 't-c')).at(-1)).toMatchObject({ id: 2, v: 'changed' });
  });

  test(`${name}: a query's rows, by time and number, and whole tables again and again`, async () => {
    const database = await open();
    await database.sql(`CREATE TABLE d (id INT NOT NULL PRIMARY KEY, v VARCHAR(20), changed ${words.moment} NOT NULL)`);
    await database.sql("INSERT INTO d VALUES (1, 'a', '2026-01-01 00:00:01'), (2, 'b', '2026-01-01 00:00:01')");
    const { client, run, worker } = await start();
    const config = source(database, {
      mode: 'timestamp+incrementing',
      query: 'SELECT id, v, changed FROM d',
      'topic.prefix': 'asked',
      'timestamp.column.name': 'changed',
      'incrementing.column.name': 'id',
    });
    await run(config);
    await until('two', async () => (await payloads(client, 'asked')).length === 2);
    await database.sql("INSERT INTO d VALUES (3, 'c', '2026-01-01 00:00:01')");
    await until('three', async () => (await payloads(client, 'asked')).length === 3);
    await worker.stopTasks([stop]);
    await worker.stopConnector('rows');
    await run(source(database, { mode: 'bulk', 'table.whitelist': 'd' }));
    await until('twice', async () => (await payloads(client, 't-d')).length >= 6);
    expect((await payloads(client, 't-d')).slice(0, 6).map(({ v }) => v)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test(`${name}: tables get columns for new fields; a record that no table takes is a dead letter, the others are written`, async () => {
    const database = await open();
    await database.sql('CREATE TABLE narrow (id INT NOT NULL PRIMARY KEY, v VARCHAR(3) CHECK (LENGTH(v) <= 3))');
    const narrow = structOf({ id: INT32, v: STRING });
    const wide = structOf({ id: INT32, v: STRING, more: OPTIONAL_STRING });
    const { client, run, heard } = await start([
      { valueSchema: narrow, value: { id: 1, v: 'one' } },
      { valueSchema: narrow, value: { id: 2, v: 'too long' } },
      { valueSchema: wide, value: { id: 3, v: 'wid', more: 'more' } },
      { valueSchema: null, value: null },
    ]);
    await run(emit);
    const config = sink(database, {
      'pk.mode': 'record_value',
      'pk.fields': 'id',
      'table.name.format': 'narrow',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': 'dead',
    });
    await run({ ...config, name: 'strict', 'errors.tolerance': 'none' });
    await heard.is('strict-0', 'FAILED');
    expect(heard.traces.get('strict-0')).toMatch(
      /has no value, and delete.enabled is false|auto-evolution is disabled|narrow/,
    );
    await run({ ...config, 'auto.evolve': 'true' });
    await until('two rows', async () => (await database.sql('SELECT id FROM narrow')).length === 2);
    await until('two letters', async () => (await recordsIn(client, 'dead')).length === 2);
    expect(
      (await database.sql('SELECT id, v, more FROM narrow ORDER BY id')).map(({ v, more }) => `${v} ${more}`),
    ).toEqual(['one null', 'wid more']);
  });

  test(`${name}: records without schemas go into a table that is there`, async () => {
    const database = await open();
    await database.sql(
      `CREATE TABLE plain (id INT NOT NULL PRIMARY KEY, name VARCHAR(20), at ${words.moment}, score NUMERIC(10,2))`,
    );
    const schemaless = { 'value.converter.schemas.enable': 'false', 'key.converter.schemas.enable': 'false' };
    const { run } = await start([
      { valueSchema: null, value: { id: 1, name: 'Ann', at: '2026-01-02 03:04:05', score: 1.5 } },
      { valueSchema: null, value: { id: 2, name: null, at: null, score: null } },
      { valueSchema: null, value: { name: 'Cid', id: 3 } },
    ]);
    await run({ ...emit, ...schemaless });
    await run(
      sink(database, {
        ...schemaless,
        'insert.mode': 'upsert',
        'pk.mode': 'record_value',
        'pk.fields': 'id',
        'table.name.format': 'plain',
      }),
    );
    await until('three rows', async () => (await database.sql('SELECT id FROM plain')).length === 3);
    const rows = await database.sql('SELECT id, name, score FROM plain ORDER BY id');
    expect(rows.map(({ name: who, score }) => [who, score === null ? null : Number(score)])).toEqual([
      ['Ann', 1.5],
      [null, null],
      ['Cid', null],
    ]);
  });

  test(`${name}: settings that cannot work are told before anything is done`, async () => {
    const database = await open();
    const problems = (more: Record<string, string>): Promise<readonly ConfigProblem[]> | readonly ConfigProblem[] =>
      jdbcSource.validate!(parseConfig(jdbcSource.config, source(database, more)));
    expect(await problems({ mode: 'incrementing' })).toEqual([]);
    expect((await problems({ mode: 'timestamp' })).map((problem) => problem.name)).toEqual(['timestamp.column.name']);
    expect((await problems({ mode: 'bulk', query: 'SELECT 1', 'table.whitelist': 'a' }))[0]?.name).toBe('query');
    const nowhere = name === 'SQLite' ? 'jdbc:sqlite:/nowhere/at/all.db' : 'jdbc:postgresql://127.0.0.1:1/x';
    expect((await problems({ mode: 'bulk', 'connection.url': nowhere })).map((problem) => problem.name)).toEqual([
      'connection.url',
      'connection.user',
      'connection.password',
    ]);
    expect(() =>
      parseConfig(jdbcSource.config, source(database, { mode: 'bulk', 'connection.url': 'jdbc:oracle:thin:@x' })),
    ).toThrow(/no driver for oracle/);
    const bad = jdbcSink.validate!(
      parseConfig(jdbcSink.config, sink(database, { 'insert.mode': 'upsert', 'delete.enabled': 'true' })),
    );
    expect((await bad).map((problem) => problem.name)).toEqual(['delete.enabled', 'pk.mode']);
  });

  if (words.halt !== undefined)
    test(`${name}: a database that goes away is waited for, and nothing is lost`, async () => {
      const database = await open();
      await database.sql(`CREATE TABLE e (id ${words.counter}, v VARCHAR(20))`);
      await database.sql("INSERT INTO e (v) VALUES ('one')");
      const { client, run, heard } = await start();
      await run(source(database, { mode: 'incrementing', 'table.whitelist': 'e', 'connection.backoff.ms': '100' }));
      await run({
        ...sink(database, {
          'insert.mode': 'upsert',
          'pk.mode': 'record_value',
          'pk.fields': 'id',
          'table.name.format': 'f',
          'auto.create': 'true',
          'max.retries': '1000',
        }),
        topics: 't-e',
      });
      await until('one', async () => (await database.sql('SELECT id FROM f').catch(() => [])).length === 1);
      await words.halt!();
      await words.resume!();
      await database.sql("INSERT INTO e (v) VALUES ('two')");
      await until('two', async () => (await database.sql('SELECT id FROM f')).length === 2);
      expect((await payloads(client, 't-e')).map(({ v }) => v)).toEqual(['one', 'two']);
      expect([heard.stateOf('rows-0'), heard.stateOf('to-rows-0')]).toEqual(['RUNNING', 'RUNNING']);
    });
}
