// EXPLAIN ANALYZE names why a query emits nothing: one stuck pipeline of each kind, on a platform as it is started.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { createSqlClient } from '../../src/sql-api/index.ts';
import { partitionForKey } from '../../src/util/index.ts';
import { overHttp, PLACES, type SqlOverHttp } from './http.ts';

interface Analysis {
  readonly state: string;
  readonly emits: boolean;
  readonly reason: { readonly kind: string; readonly text: string; readonly evidence: Record<string, unknown> } | null;
  readonly operators: readonly (Record<string, number> & { readonly operator: string; readonly step: string })[];
  readonly partitions: readonly Record<string, unknown>[];
  readonly stores: readonly { readonly store: string; readonly rows: number; readonly bytes: number }[];
}

const HOUR = 3_600_000;

describe.each(PLACES)('EXPLAIN ANALYZE, queries %s', (_place, settings) => {
  let dataDir: string;
  let platform: Platform;
  let sql: SqlOverHttp;
  let queries = 0;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-explain-'));
    platform = await Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'ksql.streams.auto.offset.reset': 'earliest',
        'ksql.streams.commit.interval.ms': 20,
        ...settings,
      },
    });
    sql = overHttp(platform.url('sql'), () => platform.stop());
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function analyze(queryId: string): Promise<Analysis> {
    const [entity] = await sql.ksql(`EXPLAIN ANALYZE ${queryId};`);
    expect(entity!['@type']).toBe('query_analysis');
    return entity!['queryAnalysis'] as Analysis;
  }

  /** Creates sources and a query over them, and answers its id. */
  async function create(statements: string): Promise<string> {
    const entities = await sql.ksql(statements);
    const status = entities.at(-1)!['commandStatus'] as { queryId: string };
    return status.queryId;
  }

  async function produce(topic: string, records: readonly (readonly [string | null, string, number?, number?])[]) {
    const producer = platform.client.producer();
    for (const [key, value, timestamp, partition] of records) {
      await producer.send({
        topic,
        key: key === null ? null : Buffer.from(key),
        value: Buffer.from(value),
        ...(timestamp === undefined ? {} : { timestamp }),
        ...(partition === undefined ? {} : { partition }),
      });
    }
    await producer.close();
  }

  /** A source with a topic of its own, as a statement. */
  function source(name: string, columns: string, kind = 'STREAM', partitions = 1): string {
    return `CREATE ${kind} ${name} (${columns}) WITH (KAFKA_TOPIC='${name}', PARTITIONS=${partitions}, VALUE_FORMAT='JSON');`;
  }

  /** The reason, once it is this one. */
  async function reason(queryId: string, kind: string): Promise<NonNullable<Analysis['reason']>> {
    const found = async () => {
      const { reason: why, partitions } = await analyze(queryId);
      const isSettled =
        partitions.every(({ lag }) => lag === 0) || kind === 'open-transaction' || why?.kind === 'failed';
      return isSettled ? why : undefined;
    };
    await expect.poll(async () => (await found())?.kind, { timeout: 20_000 }).toBe(kind);
    return (await analyze(queryId)).reason!;
  }

  const fresh = (): string => `n${++queries}`;

  test('tells what has gone through each operator of a query that emits', async () => {
    const name = fresh();
    const id = await create(
      `${source(name, 'id STRING KEY, v INT')} CREATE TABLE ${name}_t AS SELECT id, COUNT(*) AS c FROM ${name} WHERE v > 1 GROUP BY id;`,
    );
    await produce(name, [
      ['a', '{"V": 1}'],
      ['a', '{"V": 2}'],
      ['b', '{"V": 3}'],
    ]);
    const written = async () => (await analyze(id)).operators.find(({ step }) => step.startsWith('SINK'))?.recordsOut;
    await expect.poll(written, { timeout: 20_000 }).toBe(2);
    const { emits, state, reason: why, operators, partitions, stores } = await analyze(id);
    expect([state, emits, why]).toEqual(['RUNNING', true, null]);
    const of = (step: string) => operators.findLast((each) => each.step.startsWith(step));
    expect(of('FILTER')).toMatchObject({ recordsIn: 3, recordsOut: 2, recentRecordsOut: 2, late: 0, errors: 0 });
    expect(of('SINK')).toMatchObject({ recordsIn: 2, recordsOut: 2 });
    expect(of('SOURCE')).toMatchObject({ recordsOut: 3 });
    expect(partitions).toMatchObject([{ topic: name, partition: 0, position: 3, endOffset: 3, lag: 0 }]);
    expect(stores).toMatchObject([{ rows: 2 }]);
    expect(stores[0]!.bytes).toBeGreaterThan(0);
    expect(Date.parse(partitions[0]!['lastArrival'] as string)).toBeGreaterThan(0);
  });

  test('an empty topic', async () => {
    const name = fresh();
    const id = await create(`${source(name, 'v INT')} CREATE STREAM ${name}_s AS SELECT v FROM ${name};`);
    const { text } = await reason(id, 'topic-empty');
    expect(text).toContain(`topic ${name}`);
  });

  test('the latest offset', async () => {
    const name = fresh();
    await create(source(name, 'v INT'));
    await produce(name, [
      [null, '{"V": 1}'],
      [null, '{"V": 2}'],
    ]);
    const id = await create(`SET 'auto.offset.reset'='latest'; CREATE STREAM ${name}_s AS SELECT v FROM ${name};`);
    const { text } = await reason(id, 'started-at-latest');
    expect(text).toContain('The topic holds 2 records from before');
    await produce(name, [[null, '{"V": 3}']]);
    await expect.poll(async () => (await analyze(id)).emits, { timeout: 20_000 }).toBe(true);
  });

  test('a filter', async () => {
    const name = fresh();
    const id = await create(`${source(name, 'v INT')} CREATE STREAM ${name}_s AS SELECT v FROM ${name} WHERE v > 100;`);
    await produce(name, [
      [null, '{"V": 1}'],
      [null, '{"V": 2}'],
      [null, '{"V": 3}'],
    ]);
    const { text, evidence } = await reason(id, 'filtered');
    expect(text).toBe('All 3 rows were filtered out: WHERE (V > 100) was true for none of them.');
    expect(evidence).toMatchObject({ rows: 3, clause: 'WHERE' });
  });

  test('a filter that fails', async () => {
    const name = fresh();
    const id = await create(
      `${source(name, 'v INT')} CREATE STREAM ${name}_s AS SELECT v FROM ${name} WHERE 1 / v > 100;`,
    );
    await produce(name, [
      [null, '{"V": 0}'],
      [null, '{"V": 2}'],
    ]);
    await expect.poll(async () => (await analyze(id)).reason?.evidence['failures'], { timeout: 20_000 }).toBe(1);
  });

  test('a poison record', async () => {
    const name = fresh();
    const id = await create(`${source(name, 'v INT')} CREATE STREAM ${name}_s AS SELECT v FROM ${name};`);
    await produce(name, [
      [null, 'not JSON'],
      [null, '{"V": "no number"}'],
    ]);
    const { text, evidence } = await reason(id, 'undecodable');
    expect(text).toContain(`None of 2 records of topic ${name} could be read. The first is at ${name}-0, offset 0: `);
    expect(evidence).toMatchObject({ records: 2, first: { topic: name, partition: 0, offset: 0 } });
  });

  test('a filter behind records that can not be read', async () => {
    const name = fresh();
    const id = await create(
      `${source(name, 'id STRING KEY, v INT')} CREATE STREAM ${name}_s AS SELECT id, v FROM ${name} WHERE v > 1;`,
    );
    await produce(name, [
      ['a', 'not JSON'],
      ['a', '{"V": 1}'],
      ['a', 'nor this'],
    ]);
    const { text, evidence } = await reason(id, 'filtered');
    expect(text).toContain('The only row was filtered out: WHERE (V > 1) was not true for it.');
    expect(text).toContain(`Besides, 2 records could not be read, the first at ${name}-0, offset 0: `);
    expect(evidence).toMatchObject({ rows: 1, unreadable: 2 });
  });

  test('a poison record in front of an aggregate', async () => {
    const name = fresh();
    const id = await create(
      `${source(name, 'id STRING KEY, v INT')} CREATE TABLE ${name}_t AS SELECT id, COUNT(*) AS c FROM ${name} GROUP BY id;`,
    );
    await produce(name, [['a', 'not JSON']]);
    expect((await reason(id, 'undecodable')).text).toContain(`${name}-0, offset 0`);
  });

  test('records that stop their query', async () => {
    const name = fresh();
    const id = await create(
      `${source(name, 'v INT')} SET 'ksql.fail.on.deserialization.error'='true'; CREATE STREAM ${name}_s AS SELECT v FROM ${name};`,
    );
    await produce(name, [[null, 'not JSON']]);
    expect((await reason(id, 'failed')).text).toMatch(/^The query has stopped: /);
  });

  const windowed = (name: string, clauses: string): string =>
    `${source(name, 'id STRING KEY, v INT')} CREATE TABLE ${name}_t AS SELECT id, COUNT(*) AS c FROM ${name} WINDOW TUMBLING (${clauses}) GROUP BY id EMIT FINAL;`;

  test('an open window', async () => {
    const name = fresh();
    const id = await create(windowed(name, 'SIZE 1 HOUR, GRACE PERIOD 10 MINUTES'));
    await produce(name, [
      ['a', '{"V": 1}', 10 * HOUR + 1],
      ['b', '{"V": 1}', 10 * HOUR + 2],
    ]);
    const { text } = await reason(id, 'window-open');
    expect(text).toContain(
      'it has ended, at 1970-01-01T11:00:00.000Z and the GRACE PERIOD of 10 min is over, at 1970-01-01T11:10:00.000Z',
    );
    expect(text).toContain(`stands at 1970-01-01T10:00:00.002Z in ${name}-0`);
    await produce(name, [['c', '{"V": 1}', 12 * HOUR]]);
    await expect.poll(async () => (await analyze(id)).emits, { timeout: 20_000 }).toBe(true);
  });

  test('late data', async () => {
    const name = fresh();
    const id = await create(
      `${source(name, 'id STRING KEY, v INT')} CREATE TABLE ${name}_t AS SELECT id, COUNT(*) AS c FROM ${name} WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) WHERE v > 0 GROUP BY id EMIT FINAL;`,
    );
    // A far time is heard of, and closes what comes behind it.
    await produce(name, [
      ['z', '{"V": 1}', 100 * HOUR],
      ['a', '{"V": 1}', 3 * HOUR],
      ['b', '{"V": 1}', 4 * HOUR],
    ]);
    const { text, evidence } = await reason(id, 'late');
    expect(text).toContain('2 rows came too late for their windows. The last has the time 1970-01-01T04:00:00.000Z');
    expect(evidence).toMatchObject({ rows: 2, last: { timestamp: 4 * HOUR, streamTime: 100 * HOUR } });
  });

  const joined = (left: string, right: string, within = 'WITHIN 10 MINUTES'): string =>
    `CREATE STREAM ${left}_j AS SELECT l.id, l.v AS a, r.v AS b FROM ${left} l JOIN ${right} r ${within} ON l.id = r.id;`;

  test('a missing partner', async () => {
    const [left, right] = [fresh(), fresh()];
    const columns = 'id STRING KEY, v INT';
    const id = await create(`${source(left, columns)} ${source(right, columns)} ${joined(left, right)}`);
    await produce(left, [['a1', '{"V": 1}', HOUR]]);
    expect((await reason(id, 'topic-empty')).text).toContain('The join has no rows on its right side');
    await produce(right, [['A1 ', '{"V": 2}', HOUR]]);
    const { text, evidence } = await reason(id, 'no-partner');
    expect(text).toContain('1 row on the left, 1 on the right');
    expect(text).toContain("'a1' and 'A1 ' differ in case or spaces only");
    expect(evidence).toMatchObject({ keys: { left: ['a1'], right: ['A1 '] } });
  });

  test('partners that are too far apart', async () => {
    const [left, right] = [fresh(), fresh()];
    const columns = 'id STRING KEY, v INT';
    const id = await create(`${source(left, columns)} ${source(right, columns)} ${joined(left, right)}`);
    await produce(left, [['a', '{"V": 1}', HOUR]]);
    await produce(right, [['a', '{"V": 2}', 4 * HOUR]]);
    const { text } = await reason(id, 'times-apart');
    expect(text).toContain('which is 3 h; WITHIN is 10 min');
  });

  test('a join whose keys are in the wrong partitions', async () => {
    const [left, right] = [fresh(), fresh()];
    const columns = 'id STRING KEY, v INT';
    const id = await create(
      `${source(left, columns, 'STREAM', 4)} ${source(right, columns, 'STREAM', 4)} ${joined(left, right)}`,
    );
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    await produce(
      left,
      keys.map((key) => [key, '{"V": 1}', HOUR] as const),
    );
    const elsewhere = (key: string) => (partitionForKey(Buffer.from(key), 4) + 1) % 4;
    await produce(
      right,
      keys.map((key) => [key, '{"V": 1}', HOUR, elsewhere(key)] as const),
    );
    await expect
      .poll(async () => (await analyze(id)).partitions.reduce((lag, each) => lag + Number(each['lag']), 0), {
        timeout: 20_000,
      })
      .toBe(0);
    const { text, evidence } = await reason(id, 'misplaced-keys');
    expect(text).toContain(`6 of the last 6 records of topic ${right} are not in the partition of their key`);
    expect(evidence).toMatchObject({ topic: right, misplaced: 6, partitions: 4 });
  });

  test('a table that has the row too late', async () => {
    const [left, right] = [fresh(), fresh()];
    const id = await create(
      `${source(left, 'id STRING KEY, v INT')} ${source(right, 'id STRING PRIMARY KEY, v INT', 'TABLE')} ${joined(left, right, '')}`,
    );
    await produce(left, [['a', '{"V": 1}', HOUR]]);
    await expect
      .poll(async () => (await analyze(id)).partitions.find(({ topic }) => topic === left)!['position'], {
        timeout: 20_000,
      })
      .toBe(1);
    await produce(right, [['a', '{"V": 2}', 2 * HOUR]]);
    const { text } = await reason(id, 'times-apart');
    expect(text).toContain('1 h later');
  });

  test('a query that goes on after it was paused has read what there is', async () => {
    const [left, right] = [fresh(), fresh()];
    const id = await create(
      `${source(left, 'id STRING KEY, v INT')} ${source(right, 'id STRING PRIMARY KEY, v INT', 'TABLE')} ${joined(left, right, '')}`,
    );
    await produce(right, [['b', '{"V": 2}', HOUR]]);
    await produce(left, [['a', '{"V": 1}', 2 * HOUR]]);
    await reason(id, 'no-partner');
    await sql.ksql(`PAUSE ${id};`);
    await sql.ksql(`RESUME ${id};`);
    const { text } = await reason(id, 'caught-up');
    expect(text).toMatch(/^All 1 record of the topic n\d+ .* have been read/);
    await produce(left, [['a', '{"V": 1}', 2 * HOUR]]);
    // The table's row is of before, and in its state.
    expect((await reason(id, 'no-partner')).text).toContain('Left: a; right: b.');
  });

  test('a paused query', async () => {
    const name = fresh();
    const id = await create(`${source(name, 'v INT')} CREATE STREAM ${name}_s AS SELECT v FROM ${name};`);
    await sql.ksql(`PAUSE ${id};`);
    expect((await reason(id, 'paused')).text).toContain(`RESUME ${id};`);
    await sql.ksql(`RESUME ${id};`);
    await reason(id, 'topic-empty');
  });

  test('a transaction that is open', async () => {
    const name = fresh();
    const id = await create(`${source(name, 'v INT')} CREATE STREAM ${name}_s AS SELECT v FROM ${name};`);
    const producer = platform.client.producer({ transactionalId: `open-${name}` });
    await producer.initTransactions();
    producer.beginTransaction();
    await producer.send({ topic: name, key: null, value: Buffer.from('{"V": 1}') });
    const { text } = await reason(id, 'open-transaction');
    expect(text).toContain('holds back 1 record of the topic');
    await producer.commitTransaction();
    await producer.close();
    await expect.poll(async () => (await analyze(id)).emits, { timeout: 20_000 }).toBe(true);
  });

  test('groups that are null, arrays that are empty', async () => {
    const [name, other] = [fresh(), fresh()];
    const grouped = await create(
      `${source(name, 'v INT')} CREATE TABLE ${name}_t AS SELECT v, COUNT(*) AS c FROM ${name} GROUP BY v;`,
    );
    await produce(name, [[null, '{"V": null}']]);
    expect((await reason(grouped, 'null-key')).text).toBe(
      'None of 1 row is in a group: GROUP BY V is null in all of them.',
    );
    const exploded = await create(
      `${source(other, 'l ARRAY<INT>')} CREATE STREAM ${other}_s AS SELECT EXPLODE(l) AS x FROM ${other};`,
    );
    await produce(other, [[null, '{"L": []}']]);
    expect((await reason(exploded, 'no-rows-made')).text).toContain('EXPLODE(L)');
  });

  test('a push query, by the id in its header', async () => {
    const name = fresh();
    await create(source(name, 'v INT'));
    await produce(name, [[null, '{"V": 1}']]);
    const abort = new AbortController();
    const response = await fetch(`${sql.url}/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ksql: `SELECT v FROM ${name} WHERE v > 5 EMIT CHANGES;`,
        streamsProperties: { 'auto.offset.reset': 'latest' },
      }),
      signal: abort.signal,
    });
    const rows = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { value: header = '' } = await rows.read();
    const id = /"queryId":"([^"]+)"/.exec(header)![1]!;
    expect((await reason(id, 'started-at-latest')).text).toContain('The topic holds 1 record from before');
    await produce(name, [[null, '{"V": 2}']]);
    await reason(id, 'filtered');
    await produce(name, [[null, '{"V": 7}']]);
    await expect.poll(async () => (await analyze(id)).emits, { timeout: 20_000 }).toBe(true);
    abort.abort();
    await expect
      .poll(
        () =>
          analyze(id).then(
            () => 'open',
            () => 'gone',
          ),
        { timeout: 20_000 },
      )
      .toBe('gone');
  });

  test('does what its documentation shows', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/reference/sql-extensions.md'), 'utf8');
    const [, section = ''] = page.split('## Why is it empty?');
    const [, example = ''] = /```sql\n([^`]+)```/.exec(section)!;
    const [, answer = ''] = /answers `([^\n]+)` From/.exec(section)!;
    const statements = example.trim().split('\n');
    const id = await create(statements.slice(0, 2).join('\n'));
    await sql.ksql(statements[2]!);
    expect(statements[3]).toMatch(/^EXPLAIN ANALYZE CSAS_LARGE_\d+;$/);
    expect((await reason(id, 'filtered')).text).toBe(answer);
  });

  test('is there from code, and refused by name', async () => {
    await expect(sql.ksql('EXPLAIN ANALYZE nothing_1;')).rejects.toThrow('Query with id:NOTHING_1 does not exist');
    await expect(sql.ksql('EXPLAIN ANALYZE nothing_1;', { 'ksql.query.extensions.enabled': 'false' })).rejects.toThrow(
      "line 1:9: Syntax Error\nSyntax error at or near 'ANALYZE' at line 1:9",
    );
    const name = fresh();
    const id = await create(`${source(name, 'v INT')} CREATE STREAM ${name}_s AS SELECT v FROM ${name};`);
    const client = createSqlClient(platform.url('sql'));
    const analysis = await client.explainAnalyze(id);
    expect(analysis).toMatchObject({ id, state: 'RUNNING', emits: false, reason: { kind: 'topic-empty' } });
    await client.close();
  });
});
