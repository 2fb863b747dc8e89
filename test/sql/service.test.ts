// The SQL service over HTTP, on a broker and a registry of our own: real statements, real queries, real restarts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { PLACES } from './http.ts';
import { headersOf, protobufSerde, serialize } from '../../src/serde/index.ts';

const V1 = 'application/vnd.ksql.v1+json';
const DELIMITED = 'application/vnd.ksqlapi.delimited.v1';

describe.each(PLACES)('SQL over HTTP, queries %s', (_place, settings) => {
  let dataDir: string;
  let platform: Platform;
  let url: string;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-sql-'));
    await open();
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function open(): Promise<void> {
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
    url = platform.url('sql');
  }

  async function post(path: string, body: unknown, accept = V1): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(url + path, { method: 'POST', headers: { 'content-type': V1, accept }, body: text });
  }

  type Entities = (Record<string, unknown> & { '@type': string })[];
  async function ksql(text: string, streamsProperties = {}, sessionVariables = {}): Promise<Entities> {
    const response = await post('/ksql', { ksql: text, streamsProperties, sessionVariables });
    const answer = (await response.json()) as Entities & { message?: string };
    if (!response.ok) throw new Error(answer.message);
    return answer;
  }

  async function select(
    sql: string,
    streamsProperties = {},
  ): Promise<{ header: string; rows: unknown[][]; final: string | undefined }> {
    const response = await post('/query', { ksql: sql, streamsProperties });
    const answer = (await response.json()) as {
      header?: { schema: string };
      row?: { columns: unknown[] };
      finalMessage?: string;
      message?: string;
    }[];
    if (!response.ok) throw new Error((answer as unknown as { message: string }).message);
    return {
      header: answer[0]!.header!.schema,
      rows: answer.flatMap((element) => (element.row === undefined ? [] : [element.row.columns])),
      final: answer.at(-1)!.finalMessage,
    };
  }

  test('says who it is and how it is', async () => {
    const info = (await (await fetch(`${url}/info`)).json()) as { KsqlServerInfo: Record<string, string> };
    expect(info.KsqlServerInfo).toMatchObject({ ksqlServiceId: 'default_', serverStatus: 'RUNNING' });
    expect(await (await fetch(`${url}/healthcheck`)).json()).toMatchObject({ isHealthy: true, serverState: 'READY' });
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);
  });

  test('creates sources, aggregates them, and answers pull queries from the state', async () => {
    const created = await ksql(
      "CREATE STREAM orders (id STRING KEY, item STRING, amount INT, price DECIMAL(6, 2), at TIMESTAMP) WITH (kafka_topic='orders', partitions=3, value_format='AVRO');",
    );
    expect(created[0]).toMatchObject({
      '@type': 'currentStatus',
      commandId: 'stream/`ORDERS`/create',
      commandStatus: { status: 'SUCCESS', message: 'Stream ORDERS created' },
      commandSequenceNumber: 0,
    });
    const [ctas] = await ksql(
      'CREATE TABLE totals AS SELECT item, COUNT(*) AS n, SUM(amount) AS amount, MAX(price) AS price FROM orders GROUP BY item HAVING COUNT(*) > 0 EMIT CHANGES;',
    );
    expect(ctas).toMatchObject({ commandStatus: { queryId: 'CTAS_TOTALS_0' } });
    for (const [id, item, amount, price] of [
      ['1', 'tea', 2, '1.50'],
      ['2', 'milk', 5, '0.99'],
      ['3', 'tea', 4, '2.25'],
    ]) {
      await ksql(`INSERT INTO orders VALUES ('${id}', '${item}', ${amount}, ${price}, '2026-01-02T03:04:05');`);
    }
    await expect
      .poll(async () => (await select("SELECT * FROM totals WHERE item = 'tea';")).rows)
      .toEqual([['tea', 2, 6, 2.25]]);
    const statusOf = async (path: string) => (await fetch(`${url}/status${path}`)).json();
    expect(await statusOf('/stream/ORDERS/create')).toMatchObject({
      status: 'SUCCESS',
      message: 'Stream ORDERS created',
    });
    expect(await statusOf('/table/TOTALS/create')).toMatchObject({ status: 'SUCCESS', queryId: 'CTAS_TOTALS_0' });
    expect(await statusOf('')).toMatchObject({ commandStatuses: { 'stream/`ORDERS`/create': 'SUCCESS' } });
    expect((await fetch(`${url}/status/stream/NONE/create`)).status).toBe(404);
    const all = await select('SELECT amount, item FROM totals WHERE amount > 4;');
    expect(all.header).toBe('`AMOUNT` INTEGER, `ITEM` STRING KEY');
    expect(all.rows.sort()).toEqual([
      [5, 'milk'],
      [6, 'tea'],
    ]);
    expect(all.final).toBeUndefined();
    expect((await select("SELECT * FROM totals WHERE item = 'coffee';")).rows).toEqual([]);
  });

  test('looks several keys up without a scan, and refuses a scan where it is turned off', async () => {
    const noScan = { 'ksql.query.pull.table.scan.enabled': 'false' };
    const amounts = async (where: string) => (await select(`SELECT amount FROM totals WHERE ${where};`, noScan)).rows;
    // In no order: the keys may be in different hands.
    expect((await amounts("item IN ('tea', 'milk', 'tea', 'rum')")).flat().sort()).toEqual([5, 6]);
    expect(await amounts("item = 'milk' OR (item = 'tea' AND amount > 100)")).toEqual([[5]]);
    await expect(amounts('amount > 1')).rejects.toThrow('WHERE clause missing key column for disjunct: ');
    await expect(amounts("item = 'milk' OR amount > 1")).rejects.toThrow('WHERE clause missing key column');
    await expect(select("SELECT ROWOFFSET FROM totals WHERE item = 'tea';")).rejects.toThrow(
      "Pull queries don't support the following columns in SELECT clauses: `ROWOFFSET`",
    );
  });

  test('inserts a key in Avro, which needs its schema registered first', async () => {
    await ksql(
      "CREATE STREAM keyed (id INT KEY, v INT) WITH (kafka_topic='keyed', partitions=1, format='AVRO'); INSERT INTO keyed VALUES (7, 8);",
    );
    expect((await select('SELECT * FROM keyed EMIT CHANGES LIMIT 1;')).rows).toEqual([[7, 8]]);
    await expect(ksql('INSERT INTO keyed (id, ROWOFFSET) VALUES (1, 2);')).rejects.toThrow(
      'Inserting into column `ROWOFFSET` is not allowed.',
    );
    await ksql('DROP STREAM keyed DELETE TOPIC;');
  });

  test('keeps windows, and finds them by key and time', async () => {
    await ksql(
      `CREATE STREAM clicks (who STRING KEY, page STRING, at BIGINT) WITH (kafka_topic='clicks', partitions=1, value_format='JSON', timestamp='at');
       CREATE TABLE clicked AS SELECT who, COUNT(*) AS n FROM clicks WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 1 HOUR) GROUP BY who EMIT CHANGES;`,
    );
    for (const at of [0, 1000, 61_000, 130_000]) await ksql(`INSERT INTO clicks VALUES ('ann', 'x', ${at});`);
    const rows = () => select("SELECT * FROM clicked WHERE who = 'ann' AND windowstart >= '1970-01-01T00:01';");
    await expect
      .poll(async () => (await rows()).rows)
      .toEqual([
        ['ann', 60_000, 120_000, 1],
        ['ann', 120_000, 180_000, 1],
      ]);
    expect((await rows()).header).toBe(
      '`WHO` STRING KEY, `WINDOWSTART` BIGINT KEY, `WINDOWEND` BIGINT KEY, `N` BIGINT',
    );
  });

  test('pushes changes as they come, up to LIMIT', async () => {
    const pushed = await select('SELECT who, page, ROWTIME FROM clicks EMIT CHANGES LIMIT 3;');
    expect(pushed.header).toBe('`WHO` STRING, `PAGE` STRING, `ROWTIME` BIGINT');
    expect(pushed.rows).toEqual([
      ['ann', 'x', 0],
      ['ann', 'x', 1000],
      ['ann', 'x', 61_000],
    ]);
    expect(pushed.final).toBe('Limit Reached');
  });

  test('aggregates everything for a client that asks for no groups', async () => {
    const counted = await select('SELECT COUNT(*), MAX(at) FROM clicks HAVING COUNT(*) = 4 EMIT CHANGES LIMIT 1;');
    expect(counted.rows).toEqual([[4, 130_000]]);
    await expect(ksql('CREATE TABLE no AS SELECT COUNT(*) FROM clicks;')).rejects.toThrow(
      'does not support aggregate function [COUNT(ROWTIME)] without a GROUP BY clause',
    );
  });

  test('reads streams from their start to now', async () => {
    const pulled = await select('SELECT at FROM clicks WHERE at > 1000;');
    expect(pulled).toEqual({ header: '`AT` BIGINT', rows: [[61_000], [130_000]], final: 'Query Completed' });
  });

  test('joins a stream to a table', async () => {
    await ksql(
      `CREATE TABLE people (who STRING PRIMARY KEY, city STRING) WITH (kafka_topic='people', partitions=1, value_format='JSON');
       INSERT INTO people (ROWTIME, who, city) VALUES (0, 'ann', 'Ulm');
       CREATE STREAM placed AS SELECT c.who AS who, p.city AS city, c.at AS at FROM clicks c LEFT JOIN people p ON c.who = p.who EMIT CHANGES;
       INSERT INTO clicks VALUES ('ann', 'y', 200000);
       INSERT INTO clicks VALUES ('bob', 'y', 200001);`,
    );
    const joined = await select('SELECT who, city, at FROM placed WHERE at >= 200000 EMIT CHANGES LIMIT 2;');
    expect(joined.rows).toEqual([
      ['ann', 'Ulm', 200_000],
      ['bob', null, 200_001],
    ]);
    const [described] = await ksql('DESCRIBE placed EXTENDED;');
    expect((described!['sourceDescription'] as { statistics: string }).statistics).toMatch(
      /^CSAS_PLACED_\d+ json-records-read-from-bytes: [1-9]\d* json-records-parsed-as-a-whole: 0$/m,
    );
  });

  test('answers in the other formats: delimited lines, and one array', async () => {
    const sql = 'SELECT who, at FROM clicks WHERE at < 1001;';
    const delimited = await post('/query-stream', { sql }, DELIMITED);
    expect(delimited.headers.get('content-type')).toContain(DELIMITED);
    const [metadata, ...rows] = (await delimited.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(metadata).toMatchObject({ columnNames: ['WHO', 'AT'], columnTypes: ['STRING', 'BIGINT'] });
    expect(rows).toEqual([
      ['ann', 0],
      ['ann', 1000],
    ]);
    const array = (await (await post('/query-stream', { sql }, 'application/json')).json()) as unknown[];
    expect(array.slice(1)).toEqual([
      ['ann', 0],
      ['ann', 1000],
    ]);
  });

  test('takes rows as a stream of lines and acknowledges each', async () => {
    const lines = [{ target: 'people' }, { who: 'eve', city: 'Rom' }, { who: null, city: 'x' }, { nobody: 1 }];
    const response = await post('/inserts-stream', lines.map((line) => JSON.stringify(line)).join('\n'), DELIMITED);
    const acks = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { status: string; seq: number });
    expect(acks.map(({ status, seq }) => [status, seq])).toEqual([
      ['ok', 0],
      ['error', 1],
      ['error', 2],
    ]);
  });

  test('prints a topic, whatever is in it', async () => {
    const response = await post('/query', { ksql: "PRINT 'orders' FROM BEGINNING LIMIT 1;" });
    const lines = (await response.text()).trim().split('\n');
    expect(lines.slice(0, 2)).toEqual(['Key format: KAFKA_STRING', 'Value format: AVRO']);
    expect(lines[2]).toMatch(/^rowtime: .* Z, key: \d, value: \{.*"ITEM":.*\}, partition: \d$/);
  });

  test.each(['PROTOBUF', 'JSON_SR'])('writes, infers and prints %s', async (format) => {
    const topic = `records-${format.toLowerCase()}`;
    await ksql(
      `CREATE STREAM written (id STRING KEY, n INT, tags ARRAY<STRING>, at STRUCT<x DOUBLE>, price DECIMAL(6, 2)) WITH (kafka_topic='${topic}', partitions=1, value_format='${format}');
       INSERT INTO written VALUES ('a', 5, ARRAY['x', 'y'], STRUCT(x := 1.5), 12.34);
       CREATE STREAM inferred WITH (kafka_topic='${topic}', value_format='${format}');`,
    );
    const read = await select('SELECT * FROM inferred EMIT CHANGES LIMIT 1;');
    expect(read.header).toBe('`N` INTEGER, `TAGS` ARRAY<STRING>, `AT` STRUCT<`X` DOUBLE>, `PRICE` DECIMAL(6, 2)');
    expect(read.rows).toEqual([[5, ['x', 'y'], { X: 1.5 }, 12.34]]);
    const printed = await (await post('/query', { ksql: `PRINT '${topic}' FROM BEGINNING LIMIT 1;` })).text();
    expect(printed).toContain(`Value format: ${format}\n`);
    expect(printed).toContain('value: {"N":5,"TAGS":["x","y"],"AT":{"X":1.5},"PRICE":12.34}, partition: 0');
    await ksql('DROP STREAM inferred; DROP STREAM written DELETE TOPIC;');
  });

  test('selects and prints records whose headers name their schemas', async () => {
    const { client, schemas } = platform;
    await client.admin().createTopics([{ name: 'named-in-headers', partitions: 1 }]);
    const schema = 'syntax = "proto3"; message Point { int32 x = 1; }';
    const points = protobufSerde<{ x: number }>({ schemas, topic: 'named-in-headers', schema, schemaIdIn: 'header' });
    await points.prepare?.();
    const value = serialize(points, { x: 5 });
    await client.producer().send({ topic: 'named-in-headers', value, headers: headersOf(points) });
    await ksql("CREATE STREAM points WITH (kafka_topic='named-in-headers', value_format='PROTOBUF');");
    expect((await select('SELECT * FROM points EMIT CHANGES LIMIT 1;')).rows).toEqual([[5]]);
    expect((await select('SELECT * FROM points;')).rows).toEqual([[5]]);
    const printed = await (await post('/query', { ksql: "PRINT 'named-in-headers' FROM BEGINNING LIMIT 1;" })).text();
    expect(printed).toContain('Value format: PROTOBUF\n');
    expect(printed).toContain('value: {"x":5}');
    await ksql('DROP STREAM points DELETE TOPIC;');
  });

  test('lists, describes and explains', async () => {
    const [streams, tables, queries, topics] = await ksql('SHOW STREAMS; SHOW TABLES; SHOW QUERIES; LIST TOPICS;');
    expect(streams).toMatchObject({ '@type': 'streams' });
    expect((streams!['streams'] as { name: string }[]).map((s) => s.name).sort()).toEqual([
      'CLICKS',
      'ORDERS',
      'PLACED',
    ]);
    expect(
      (tables!['tables'] as { name: string; isWindowed: boolean }[]).find((t) => t.name === 'CLICKED')?.isWindowed,
    ).toBe(true);
    expect((queries!['queries'] as { id: string; state: string }[]).every((q) => q.state === 'RUNNING')).toBe(true);
    expect((topics!['topics'] as { name: string }[]).some((t) => t.name.startsWith('_confluent'))).toBe(false);
    const [described] = await ksql('DESCRIBE orders;');
    expect((described!['sourceDescription'] as { fields: unknown[] }).fields).toContainEqual({
      name: 'PRICE',
      schema: { type: 'DECIMAL', fields: null, memberSchema: null, parameters: { precision: 6, scale: 2 } },
    });
    const [explained] = await ksql('EXPLAIN CTAS_TOTALS_0;');
    const { executionPlan, topology } = explained!['queryDescription'] as { executionPlan: string; topology: string };
    expect(executionPlan).toContain('> [ AGGREGATE ]');
    expect(topology).toContain('Sub-topology: 0');
    expect((await ksql('DESCRIBE FUNCTION abs;'))[0]).toMatchObject({
      '@type': 'describe_function',
      name: 'ABS',
      type: 'SCALAR',
    });
    expect((await ksql('SHOW FUNCTIONS;'))[0]!['functions']).toContainEqual({
      name: 'LEN',
      type: 'SCALAR',
      category: 'STRING',
    });
  });

  test.each([
    ['SELEKT 1;', /line 1:1: Syntax Error/],
    ['SELECT * FROM nowhere EMIT CHANGES;', /NOWHERE does not exist/],
    ['SELECT nothing FROM clicks EMIT CHANGES;', /Line: 1, Col: 8: SELECT column 'NOTHING' cannot be resolved/],
    ['SELECT * FROM people;', /isn't queryable/],
    ['SELECT who, COUNT(*) FROM clicks GROUP BY at;', /Non-aggregate SELECT expression\(s\) not part of GROUP BY: WHO/],
  ])('refuses %s', async (sql, message) => {
    const response = await post('/query', { ksql: sql });
    expect(response.status).toBe(400);
    const body = (await response.json()) as { '@type': string; error_code: number; message: string };
    expect(body).toMatchObject({ '@type': 'statement_error', error_code: 40001 });
    expect(body.message).toMatch(message);
  });

  test('refuses what it does not know, with a hint', async () => {
    await expect(ksql("SET 'auto.offset.rest'='earliest';")).rejects.toThrow('Did you mean "auto.offset.reset"?');
    await expect(ksql("CREATE SINK CONNECTOR c WITH ('x'='y');")).rejects.toThrow('There is no Connect here');
    await expect(ksql('SELECT * FROM clicks;')).rejects.toThrow("should be issued to the websocket endpoint '/query'");
    expect((await post('/ksql', 'no json')).status).toBe(400);
  });

  test('replaces variables, and keeps IF NOT EXISTS quiet', async () => {
    const [answer] = await ksql(
      "CREATE STREAM IF NOT EXISTS ${name} (a INT) WITH (kafka_topic='${name}', partitions=1, value_format='JSON');",
      {},
      { name: 'clicks' },
    );
    expect(answer).toMatchObject({ '@type': 'warning_entity' });
  });

  test('pauses, resumes and terminates queries; drops what is free', async () => {
    await expect(ksql('DROP STREAM clicks;')).rejects.toThrow('The following queries read from this source');
    const [placed] = ((await ksql('SHOW QUERIES;'))[0]!['queries'] as { id: string; sinks: string[] }[]).filter((q) =>
      q.sinks.includes('PLACED'),
    );
    const state = async () =>
      ((await ksql('SHOW QUERIES;'))[0]!['queries'] as { id: string; state: string }[]).find((q) => q.id === placed!.id)
        ?.state;
    await ksql(`PAUSE ${placed!.id};`);
    expect(await state()).toBe('PAUSED');
    await ksql(`RESUME ${placed!.id};`);
    expect(await state()).toBe('RUNNING');
    await ksql(`TERMINATE ${placed!.id};`);
    expect(await state()).toBeUndefined();
    expect((await ksql('DROP STREAM placed DELETE TOPIC;'))[0]).toMatchObject({ commandStatus: { status: 'SUCCESS' } });
    expect(await platform.client.admin().listTopics()).not.toContain('PLACED');
  });

  test('closes a push query on request', async () => {
    const response = await post('/query-stream', { sql: 'SELECT * FROM clicks EMIT CHANGES;' }, DELIMITED);
    const reader = response.body!.getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    const { queryId } = JSON.parse(first.split('\n')[0]!) as { queryId: string };
    expect((await post('/close-query', { queryId })).status).toBe(200);
    while (!(await reader.read()).done);
    expect((await post('/close-query', { queryId })).status).toBe(400);
  });

  test('DESCRIBE EXTENDED tells what came too late, and for which operator', async () => {
    await ksql(`
      CREATE STREAM visits (page STRING) WITH (KAFKA_TOPIC='visits', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE TABLE per_page AS SELECT page, COUNT(*) AS n FROM visits WINDOW TUMBLING (SIZE 1 SECOND, GRACE PERIOD 0 SECONDS)
        GROUP BY page EMIT CHANGES;
      INSERT INTO visits (ROWTIME, page) VALUES (5000, 'a');
      INSERT INTO visits (ROWTIME, page) VALUES (9000, 'a');
      INSERT INTO visits (ROWTIME, page) VALUES (1000, 'late');`);
    await expect
      .poll(async () => JSON.stringify(await ksql('DESCRIBE per_page EXTENDED;')))
      .toMatch(/CTAS_PER_PAGE_\d+ \S*[Aa]ggregate\S* records-left-out-as-late: 1"/);
    await ksql('DROP TABLE per_page DELETE TOPIC; DROP STREAM visits DELETE TOPIC;');
  });

  test('a statement that is refused leaves nothing behind', async () => {
    await ksql(`
      CREATE STREAM one (id STRING KEY, v INT) WITH (KAFKA_TOPIC='one', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE STREAM two (id STRING KEY, w INT) WITH (KAFKA_TOPIC='two', VALUE_FORMAT='JSON', PARTITIONS=2);`);
    const commands = async () => {
      const [end] = await platform.client
        .admin()
        .listOffsets([{ topic: '_confluent-ksql-default__command_topic', partition: 0, timestamp: -1 }]);
      return end!.offset;
    };
    const before = await commands();
    await expect(
      ksql('CREATE STREAM no AS SELECT * FROM one JOIN two WITHIN 1 MINUTE ON one.id = two.id;'),
    ).rejects.toThrow(
      "Can't join `ONE` with `TWO` since the number of partitions don't match. `ONE` partitions = 1; `TWO` partitions = 2.",
    );
    await platform.client.admin().deleteTopics(['two']);
    await expect(ksql('CREATE STREAM no AS SELECT * FROM two EMIT CHANGES;')).rejects.toThrow(
      "The topic 'two' of `TWO` does not exist.",
    );
    expect(await commands()).toBe(before);
    expect(JSON.stringify(await ksql('SHOW STREAMS; SHOW QUERIES;'))).not.toContain('"NO"');
    expect(await platform.client.admin().listTopics()).not.toContain('NO');
    await ksql('DROP STREAM one DELETE TOPIC; DROP STREAM two;');
  });

  test('comes back after a restart: sources, queries, state', async () => {
    const before = await ksql('SHOW STREAMS; SHOW TABLES; SHOW QUERIES;');
    await platform.stop();
    await open();
    const after = await ksql('SHOW STREAMS; SHOW TABLES; SHOW QUERIES;');
    expect(after).toEqual(before);
    expect((await select("SELECT * FROM totals WHERE item = 'tea';")).rows).toEqual([['tea', 2, 6, 2.25]]);
    await ksql("INSERT INTO orders VALUES ('4', 'tea', 10, 9.99, NULL);");
    await expect
      .poll(async () => (await select("SELECT n, amount FROM totals WHERE item = 'tea';")).rows)
      .toEqual([[3, 16]]);
    const [next] = await ksql('CREATE STREAM later AS SELECT * FROM clicks EMIT CHANGES;');
    expect(next).toMatchObject({ commandStatus: { queryId: expect.stringMatching(/^CSAS_LATER_\d+$/) } });
  });

  test('a restart does nothing again: what was dropped and made anew keeps its records', async () => {
    await ksql(`
      CREATE STREAM fresh (id STRING KEY, n INT) WITH (KAFKA_TOPIC='fresh', VALUE_FORMAT='JSON', PARTITIONS=1);
      DROP STREAM fresh DELETE TOPIC;
      CREATE STREAM fresh (id STRING KEY, n INT) WITH (KAFKA_TOPIC='fresh', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE STREAM gone (id STRING KEY, n INT) WITH (KAFKA_TOPIC='gone', VALUE_FORMAT='JSON', PARTITIONS=1);
      DROP STREAM gone DELETE TOPIC;
      CREATE STREAM lost (id STRING KEY, n INT) WITH (KAFKA_TOPIC='lost', VALUE_FORMAT='JSON', PARTITIONS=3);
      INSERT INTO fresh VALUES ('a', 1);`);
    await platform.client.admin().deleteTopics(['lost']);
    await platform.stop();
    await open();
    const topics = await platform.client.admin().listTopics();
    expect(topics).not.toContain('gone');
    expect(topics).toContain('lost');
    expect((await select('SELECT * FROM fresh;')).rows).toMatchObject([['a', 1]]);
  });
});
