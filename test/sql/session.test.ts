// What statements of one request leave to those behind them, and what a request is told that fails in the middle.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SqlOverHttp, startSql } from './http.ts';

let sql: SqlOverHttp;

beforeAll(async () => {
  sql = await startSql({ 'ksql.server.command.response.timeout.ms': 50 });
  await sql.ksql("CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');");
});
afterAll(() => sql.stop());

interface Failure {
  readonly '@type': string;
  readonly error_code: number;
  readonly message: string;
  readonly statementText?: string;
  readonly entities?: readonly { readonly '@type': string }[];
}

async function refused(body: object, path = '/ksql'): Promise<Failure & { readonly status: number }> {
  const response = await fetch(sql.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as Failure) };
}

describe('a session', () => {
  test('DEFINE holds for the statements behind it, UNDEFINE ends that', async () => {
    const [created, listed] = await sql.ksql(
      "DEFINE x = 'first'; DEFINE y = '${x}_one'; CREATE STREAM ${y} (a INT) WITH (KAFKA_TOPIC='${x}', PARTITIONS=1, VALUE_FORMAT='JSON'); SHOW VARIABLES;",
    );
    expect(created).toMatchObject({ commandId: 'stream/`FIRST_ONE`/create' });
    expect(listed).toMatchObject({
      variables: [
        { name: 'x', value: 'first' },
        { name: 'y', value: 'first_one' },
      ],
    });
    expect(await refused({ ksql: "DEFINE x = 's'; DESCRIBE ${x}; UNDEFINE x; DESCRIBE ${x};" })).toMatchObject({
      status: 400,
      error_code: 40001,
      message: expect.stringContaining('No variable of that name is defined') as string,
      entities: [],
    });
  });

  test('a variable is a part of one statement, whatever is in it', async () => {
    const variables = { name: "it's", more: 's; DROP STREAM s' };
    const quoted = "CREATE STREAM q (a INT) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, VALUE_FORMAT='JSON');";
    expect(await refused({ ksql: quoted, sessionVariables: variables })).toMatchObject({
      message: expect.stringContaining("Invalid topic name 'it's'") as string,
    });
    expect(await refused({ ksql: 'DESCRIBE ${more};', sessionVariables: variables })).toMatchObject({ status: 400 });
    expect(await sql.ksql('DESCRIBE s;')).toHaveLength(1);
  });

  test('variables are left alone where substitution is off', async () => {
    const off = "SET 'ksql.variable.substitution.enable'='false'; DEFINE x = 's';";
    expect(await refused({ ksql: `${off} DESCRIBE \${x};` })).toMatchObject({
      message: expect.stringContaining("at or near '${x}'") as string,
    });
  });

  test('SET holds for the statements behind it, UNSET ends that', async () => {
    const create = (name: string) => `CREATE STREAM ${name} (a INT) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1);`;
    const set = "SET 'ksql.persistence.default.format.value'='JSON';";
    const unset = "UNSET 'ksql.persistence.default.format.value';";
    expect(await refused({ ksql: `${set} ${create('a')} ${unset} ${create('b')}` })).toMatchObject({
      message: expect.stringContaining("missing the 'VALUE_FORMAT' property") as string,
      statementText: create('b'),
      entities: [],
    });
    expect(await sql.ksql(`${set} ${create('a')}`)).toMatchObject([{ commandId: 'stream/`A`/create' }]);
    const [properties] = (await sql.ksql(
      "SET 'ksql.streams.auto.offset.reset'='latest'; SHOW PROPERTIES;",
    )) as unknown as [{ properties: { name: string; value: string; level: string }[] }];
    expect(properties.properties.find(({ name }) => name === 'ksql.streams.auto.offset.reset')).toMatchObject({
      value: 'latest',
      level: 'QUERY',
    });
  });

  test('properties that mean nothing here are told with every answer behind them', async () => {
    const [before, behind] = await sql.ksql("SHOW STREAMS; SET 'ksql.query.pull.max.qps'='1'; SHOW STREAMS;");
    expect(before!['warnings']).toEqual([]);
    expect(behind!['warnings']).toEqual([
      { message: 'The property ksql.query.pull.max.qps is known, and has no effect here.' },
    ]);
  });

  test.each([
    ["SET 'ksql.nothing'='1';", {}],
    ["UNSET 'ksql.nothing';", {}],
    ['SHOW STREAMS;', { 'ksql.nothing': 1 }],
  ])('%s with the properties %j is refused', async (ksql, streamsProperties) => {
    expect(await refused({ ksql, streamsProperties })).toMatchObject({
      status: 400,
      '@type': 'statement_error',
      error_code: 40001,
      message: expect.stringMatching(/^Unknown property: ksql\.nothing/) as string,
      statementText: ksql,
    });
  });
});

describe('a request that fails', () => {
  test('has done nothing, whichever of its statements is refused', async () => {
    const create = "CREATE STREAM late (a INT) WITH (KAFKA_TOPIC='late', PARTITIONS=1, VALUE_FORMAT='JSON');";
    expect(await refused({ ksql: `${create} SELECT FROM;` })).toMatchObject({ entities: [] });
    expect(await refused({ ksql: 'DESCRIBE late;' })).toMatchObject({ status: 400 });
    expect(await refused({ ksql: `${create} DESCRIBE nowhere;` })).toMatchObject({
      statementText: 'DESCRIBE nowhere;',
      entities: [],
    });
    expect(await refused({ ksql: 'DESCRIBE late;' })).toMatchObject({ status: 400 });
    const { topics } = (await sql.ksql('SHOW TOPICS;'))[0] as unknown as { topics: { name: string }[] };
    expect(topics.map(({ name }) => name)).not.toContain('late');
  });

  test('is checked as if its statements had been carried out one by one', async () => {
    const source = "(id STRING KEY, a INT) WITH (KAFKA_TOPIC='chain', PARTITIONS=1, VALUE_FORMAT='AVRO');";
    const chain = `
      CREATE TYPE amount AS STRUCT<value INT>;
      CREATE STREAM chain ${source}
      CREATE STREAM ends WITH (KAFKA_TOPIC='ends') AS SELECT id, a + 1 AS b FROM chain;
      CREATE STREAM again WITH (KAFKA_TOPIC='ends', VALUE_FORMAT='AVRO');
      CREATE TABLE counted AS SELECT id, COUNT(*) AS c FROM ends GROUP BY id;
      CREATE STREAM typed (x amount) WITH (KAFKA_TOPIC='typed', PARTITIONS=1, VALUE_FORMAT='JSON');
      DESCRIBE counted;
      ALTER STREAM chain ADD COLUMN z INT;
      DROP STREAM typed DELETE TOPIC;
      CREATE STREAM typed (y INT) WITH (KAFKA_TOPIC='typed', PARTITIONS=2, VALUE_FORMAT='JSON');
      INSERT INTO chain (id, a) VALUES ('k', 1);`;
    for (const wrong of [
      'DROP STREAM chain;',
      'DROP TYPE nothing;',
      'TERMINATE nothing_1;',
      'INSERT INTO nowhere VALUES (1);',
    ])
      expect(await refused({ ksql: `${chain} ${wrong}` })).toMatchObject({ status: 400, entities: [] });
    const { streams } = (await sql.ksql('SHOW STREAMS;'))[0] as unknown as { streams: { name: string }[] };
    expect(streams.filter(({ name }) => ['CHAIN', 'ENDS', 'AGAIN', 'TYPED'].includes(name))).toEqual([]);
    const done = await sql.ksql(chain);
    expect(done.map((entity) => entity['@type'])).toEqual([
      ...Array.from({ length: 6 }, () => 'currentStatus'),
      'sourceDescription',
      ...Array.from({ length: 3 }, () => 'currentStatus'),
    ]);
    await expect.poll(async () => (await sql.rows('SELECT id, c FROM counted;')).length).toBe(1);
  });

  test('has dropped no index, changed no row and made up none, either', async () => {
    await sql.ksql(`
      CREATE STREAM tried (id STRING KEY, a INT) WITH (KAFKA_TOPIC='tried', PARTITIONS=1, VALUE_FORMAT='JSON');
      CREATE TABLE kept AS SELECT id, LATEST_BY_OFFSET(a) AS a FROM tried GROUP BY id;
      CREATE INDEX kept_by_a ON kept (a);
      CREATE TABLE written (id STRING PRIMARY KEY, a INT) WITH (KAFKA_TOPIC='written', PARTITIONS=1, VALUE_FORMAT='JSON');
      INSERT INTO written (id, a) VALUES ('k', 1);`);
    const chain = `
      DROP INDEX kept_by_a;
      CREATE INDEX others ON kept (a);
      DELETE FROM written WHERE id = 'k';
      UPDATE written SET a = 2 WHERE id = 'k';
      CREATE STREAM made_up (a INT) WITH (CONNECTOR='datagen', KAFKA_TOPIC='made_up', VALUE_FORMAT='JSON', PARTITIONS=1);`;
    expect(await refused({ ksql: `${chain} DROP STREAM nowhere;` })).toMatchObject({ status: 400, entities: [] });
    const { topics } = (await sql.ksql('SHOW TOPICS;'))[0] as unknown as { topics: { name: string }[] };
    expect(topics.map(({ name }) => name)).not.toContain('made_up');
    const said = JSON.stringify(await sql.ksql('SHOW INDEXES;'));
    expect(said).toContain('KEPT_BY_A');
    expect(said).not.toContain('OTHERS');
    // Where ksqlDB's limits are in force, nothing of such a request is done.
    const plain = { 'ksql.query.extensions.enabled': 'false' };
    const mixed =
      "CREATE STREAM plainly (a INT) WITH (KAFKA_TOPIC='plainly', PARTITIONS=1, VALUE_FORMAT='JSON'); DROP INDEX kept_by_a;";
    expect(await refused({ ksql: mixed, streamsProperties: plain })).toMatchObject({ status: 400, entities: [] });
    expect(await refused({ ksql: 'DESCRIBE plainly;' })).toMatchObject({ status: 400 });
    expect(await sql.ksql(`${chain} DROP STREAM made_up DELETE TOPIC;`)).toHaveLength(6);
  });

  test('may name the queries that it starts', async () => {
    const name = 'own';
    const source = `CREATE STREAM ${name} (a INT) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, VALUE_FORMAT='JSON');`;
    await sql.ksql(source);
    const [created] = await sql.ksql(`CREATE STREAM ${name}_1 AS SELECT * FROM ${name};`);
    const { queryId } = created!['commandStatus'] as { queryId: string };
    const next = `CSAS_OWN_2_${Number(/\d+$/.exec(queryId)![0]) + 1}`;
    const statements = `CREATE STREAM ${name}_2 AS SELECT * FROM ${name}; PAUSE ${next}; TERMINATE ${next};`;
    expect(await sql.ksql(statements)).toHaveLength(3);
  });

  test.each(['SELECT * FROM s EMIT CHANGES;', 'SELECT * FROM s;', 'PRINT s;'])('%s goes elsewhere', async (text) => {
    expect(await refused({ ksql: `SHOW STREAMS; ${text}` })).toMatchObject({
      status: 400,
      '@type': 'statement_error',
      error_code: 40002,
      statementText: text,
      entities: [],
    });
  });

  test.each([
    ['ASSERT TOPIC nowhere TIMEOUT 0 SECONDS;', 'Topic nowhere does not exist.'],
    [
      "ASSERT TOPIC s WITH (PARTITIONS='one', REPLICAS=100, FOO=2) TIMEOUT 0 SECONDS;",
      'Mismatched configuration for topic s: For config partitions, expected one got 1\n' +
        'Mismatched configuration for topic s: For config replicas, expected 100 got 1\n' +
        'Cannot assert unknown topic property: FOO',
    ],
    ["ASSERT SCHEMA SUBJECT 'x' ID 7 TIMEOUT 0 SECONDS;", 'Schema with subject name `x` and id 7 does not exist.'],
  ])('%s fails', async (ksql, message) => {
    expect(await refused({ ksql })).toEqual({ status: 417, '@type': 'generic_error', error_code: 41700, message });
  });

  test('ASSERT waits for what it asserts', async () => {
    const asserted = sql.ksql('ASSERT TOPIC soon TIMEOUT 30 SECONDS;');
    await sql.ksql("CREATE STREAM soon (a INT) WITH (KAFKA_TOPIC='soon', PARTITIONS=1, VALUE_FORMAT='JSON');");
    expect(await asserted).toMatchObject([{ '@type': 'assert_topic', topicName: 'soon', exists: true }]);
  });

  test('what is behind an ASSERT may need what that waits for, and is checked then', async () => {
    const create = (name: string) => `CREATE STREAM ${name} (a INT) WITH (KAFKA_TOPIC='later', VALUE_FORMAT='JSON');`;
    const text = `DEFINE t = 'later'; ASSERT TOPIC \${t} TIMEOUT 30 SECONDS; ${create('later_1')} ${create('later_2')}`;
    const created = sql.ksql(text);
    const refusal = refused({ ksql: `${text} DROP STREAM nowhere;` });
    await sql.ksql("CREATE STREAM later (a INT) WITH (KAFKA_TOPIC='later', PARTITIONS=1, VALUE_FORMAT='JSON');");
    expect(await created).toHaveLength(3);
    expect(await refusal).toMatchObject({ status: 400, entities: [{ '@type': 'assert_topic' }] });
  });
});

describe('a command sequence number', () => {
  test('that has been reached is not waited for', async () => {
    const [created] = await sql.ksql('CREATE TYPE t AS INT;');
    const commandSequenceNumber = created!['commandSequenceNumber'];
    expect(await refused({ ksql: 'SHOW TYPES;', commandSequenceNumber })).toMatchObject({ status: 200 });
  });

  test.each([
    ['/ksql', { ksql: 'SHOW TYPES;' }],
    ['/query', { ksql: 'SELECT * FROM s;' }],
    ['/query-stream', { sql: 'SELECT * FROM s;' }],
  ])('that is not reached in time is told at %s', async (path, body) => {
    expect(await refused({ ...body, commandSequenceNumber: 9999 }, path)).toMatchObject({
      status: 503,
      '@type': 'generic_error',
      error_code: 50301,
    });
  });

  test('that is none is refused', async () => {
    expect(await refused({ ksql: 'SHOW TYPES;', commandSequenceNumber: 'x' })).toMatchObject({ error_code: 40000 });
  });
});
