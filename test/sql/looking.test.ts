// What statements show that only look: lists, descriptions, plans, asserts; and rows inserted as JSON. Over HTTP, on a broker
// and a registry of our own.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SqlOverHttp, startSql } from './http.ts';

describe('statements that look', () => {
  let sql: SqlOverHttp;
  const ksql: SqlOverHttp['ksql'] = (...request) => sql.ksql(...request);

  beforeAll(async () => {
    sql = await startSql();
    await ksql(`
      CREATE STREAM s (k INT KEY, v DOUBLE, a ARRAY<STRING>, m MAP<STRING, BIGINT>, t STRUCT<p INT, q DECIMAL(4, 2)>,
        d DATE, h ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS, x BYTES) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
      CREATE STREAM r (k INT KEY, l BIGINT, n INT, b BOOLEAN, a ARRAY<INT>, m MAP<STRING, BIGINT>,
        t STRUCT<p INT, \`q\` DECIMAL(4, 2)>, d DOUBLE) WITH (KAFKA_TOPIC='r', FORMAT='JSON', PARTITIONS=2);
      CREATE STREAM avro (k STRING KEY, v INT) WITH (KAFKA_TOPIC='avro', VALUE_FORMAT='AVRO', PARTITIONS=1);
      CREATE TABLE n AS SELECT k, COUNT(*) AS c FROM r WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k;
      CREATE STREAM copy AS SELECT * FROM r;
      CREATE TYPE point AS STRUCT<x INT, y ARRAY<DOUBLE>>;`);
  });
  afterAll(() => sql.stop());

  const named = (list: unknown): string[] => (list as { name: string }[]).map(({ name }) => name).sort();

  test.each<[string, object]>([
    [
      'SHOW STREAMS;',
      { '@type': 'streams', streams: expect.arrayContaining([expect.objectContaining({ name: 'COPY' })]) },
    ],
    [
      'LIST TABLES;',
      { '@type': 'tables', tables: [expect.objectContaining({ name: 'N', isWindowed: true, keyFormat: 'JSON' })] },
    ],
    [
      'SHOW TABLES EXTENDED;',
      { '@type': 'source_descriptions', sourceDescriptions: [expect.objectContaining({ windowType: 'TUMBLING' })] },
    ],
    [
      'DESCRIBE TABLES;',
      { '@type': 'source_descriptions', sourceDescriptions: [expect.objectContaining({ name: 'N' })] },
    ],
    ['SHOW TYPES;', { '@type': 'type_list', types: { POINT: expect.objectContaining({ type: 'STRUCT' }) } }],
    [
      'SHOW QUERIES;',
      {
        '@type': 'queries',
        queries: expect.arrayContaining([expect.objectContaining({ id: 'CTAS_N_0', sinks: ['N'] })]),
      },
    ],
    [
      'SHOW QUERIES EXTENDED;',
      {
        '@type': 'query_descriptions',
        queryDescriptions: expect.arrayContaining([
          expect.objectContaining({ windowType: 'TUMBLING', sources: ['R'] }),
        ]),
      },
    ],
    [
      'SHOW FUNCTIONS;',
      {
        '@type': 'function_names',
        functions: expect.arrayContaining([{ name: 'EXPLODE', type: 'TABLE', category: 'TABLE' }]),
      },
    ],
    [
      'DESCRIBE FUNCTION filter;',
      {
        name: 'FILTER',
        type: 'SCALAR',
        functions: [
          expect.objectContaining({ returnType: 'ARRAY<T>' }),
          expect.objectContaining({
            arguments: [
              expect.objectContaining({ type: 'MAP<K, V>' }),
              expect.objectContaining({ type: '(K, V) => BOOLEAN' }),
            ],
          }),
        ],
      },
    ],
    [
      'DESCRIBE FUNCTION greatest;',
      { name: 'GREATEST', functions: expect.arrayContaining([expect.objectContaining({ returnType: 'STRING' })]) },
    ],
    [
      'DESCRIBE FUNCTION concat;',
      {
        functions: expect.arrayContaining([
          expect.objectContaining({ arguments: [expect.objectContaining({ type: 'STRING', isVariadic: true })] }),
        ]),
      },
    ],
    [
      'DESCRIBE s;',
      {
        sourceDescription: expect.objectContaining({
          topic: 's',
          partitions: 1,
          fields: expect.arrayContaining([
            expect.objectContaining({ name: 'K', type: 'KEY' }),
            expect.objectContaining({ name: 'H', type: 'HEADER' }),
          ]),
        }),
      },
    ],
    ['DESCRIBE r EXTENDED;', { sourceDescription: expect.objectContaining({ extended: true, partitions: 2 }) }],
    ['EXPLAIN CTAS_N_0;', { queryDescription: expect.objectContaining({ queryType: 'PERSISTENT' }) }],
    [
      'EXPLAIN SELECT k, v FROM s WHERE v > 1 EMIT CHANGES;',
      { queryDescription: expect.objectContaining({ queryType: 'PUSH', sources: ['S'] }) },
    ],
    [
      'EXPLAIN CREATE TABLE z AS SELECT k, COUNT(*) AS c FROM s GROUP BY k;',
      { queryDescription: expect.objectContaining({ executionPlan: expect.stringContaining('AGGREGATE') }) },
    ],
    ['ASSERT TOPIC s WITH (PARTITIONS=1);', { '@type': 'assert_topic', topicName: 's', exists: true }],
    ['ASSERT NOT EXISTS TOPIC nowhere;', { '@type': 'assert_topic', exists: false }],
    ["ASSERT SCHEMA SUBJECT 'avro-value';", { '@type': 'assert_schema', subject: 'avro-value', id: null }],
    ['ASSERT SCHEMA ID 1;', { '@type': 'assert_schema', id: 1, exists: true }],
    ["ASSERT NOT EXISTS SCHEMA SUBJECT 'nothing' ID 99;", { '@type': 'assert_schema', exists: false }],
  ])('%s', async (statement, want) => {
    expect(await ksql(statement)).toEqual([expect.objectContaining(want)]);
  });

  test.each([
    ['DESCRIBE nowhere;', "Could not find STREAM/TABLE 'NOWHERE' in the Metastore"],
    ['DESCRIBE FUNCTION nowhere;', "Can't find any functions with the name 'NOWHERE'"],
    ['EXPLAIN nothing;', 'Query with id:NOTHING does not exist'],
    ['SHOW CONNECTORS;', 'There is no Connect here'],
    ['ASSERT TOPIC nowhere TIMEOUT 0 SECONDS;', 'Topic nowhere does not exist.'],
    ['ASSERT NOT EXISTS TOPIC s TIMEOUT 0 SECONDS;', 'Topic s exists.'],
    [
      'ASSERT TOPIC s WITH (PARTITIONS=7) TIMEOUT 0 SECONDS;',
      'Mismatched configuration for topic s: For config partitions, expected 7 got 1',
    ],
    [
      "ASSERT SCHEMA SUBJECT 'nothing' ID 99 TIMEOUT 0 SECONDS;",
      'Schema with subject name `nothing` and id 99 does not exist.',
    ],
    [
      "ASSERT NOT EXISTS SCHEMA SUBJECT 'avro-value' TIMEOUT 0 SECONDS;",
      'Schema with subject name `avro-value` exists.',
    ],
  ])('%s is refused', async (statement, message) => {
    await expect(ksql(statement)).rejects.toThrow(message);
  });

  test('topics: those of users, all, and who reads them', async () => {
    const [plain, all, extended] = await ksql('SHOW TOPICS; SHOW ALL TOPICS; SHOW TOPICS EXTENDED;');
    expect(named(plain!['topics'])).toEqual(expect.arrayContaining(['COPY', 'N', 'r', 's']));
    expect(named(plain!['topics']).filter((name) => name.startsWith('_'))).toEqual([]);
    expect(named(all!['topics']).some((name) => name.startsWith('_confluent-ksql-'))).toBe(true);
    expect(extended!['topics']).toContainEqual(expect.objectContaining({ name: 'r', replicaInfo: [1, 1] }));
  });

  test('properties show the session over the server', async () => {
    const [shown] = await ksql('SHOW PROPERTIES;', { 'auto.offset.reset': 'latest' });
    expect(shown!['properties']).toContainEqual(
      expect.objectContaining({ name: 'ksql.streams.auto.offset.reset', value: 'latest', level: 'QUERY' }),
    );
    expect(shown!['properties']).toContainEqual(
      expect.objectContaining({ name: 'ksql.streams.commit.interval.ms', value: '20', level: 'SERVER' }),
    );
  });

  test('variables', async () => {
    const [shown] = await ksql('SHOW VARIABLES;', {}, { colour: 'red' });
    expect(shown!['variables']).toEqual([{ name: 'colour', value: 'red' }]);
  });

  test('rows of JSON become rows of the stream, whatever their types are', async () => {
    const rows = [
      { k: 1, l: 3_000_000_000, n: 4, b: true, a: [1, null], m: { x: 5 }, t: { P: 6, '`q`': 1.25 }, d: 7 },
      { K: 2, D: 1.5, '`L`': 8, t: null },
    ];
    const response = await fetch(`${sql.url}/inserts-stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.ksqlapi.delimited.v1' },
      body: `${[{ target: 'r' }, ...rows].map((row) => JSON.stringify(row)).join('\n')}\n`,
    });
    const answers = (await response.text()).trim().split('\n');
    expect(answers.map((line) => (JSON.parse(line) as { status: string }).status)).toEqual(['ok', 'ok']);
    expect((await sql.rows('SELECT k FROM r;')).flat().sort()).toEqual([1, 2]);
    expect(await sql.rows('SELECT * FROM r WHERE k = 1;')).toEqual([
      [1, 3_000_000_000, 4, true, [1, null], { x: 5 }, { P: 6, q: 1.25 }, 7],
    ]);
  });

  test('rows that do not fit are answered one by one', async () => {
    const response = await fetch(`${sql.url}/inserts-stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.ksqlapi.delimited.v1' },
      body: '{"target":"r"}\n{"k":1,"nope":2}\n{"k":1,"n":"x"}\n{"k":3}\n',
    });
    const answers = (await response.text()).trim().split('\n');
    expect(answers.map((line) => (JSON.parse(line) as { status: string }).status)).toEqual(['error', 'error', 'ok']);
  });
});
