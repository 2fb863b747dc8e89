// What pull queries find by the keys and windows that their WHERE names, and what they refuse.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLACES, type SqlOverHttp, startSql } from './http.ts';

describe.each(PLACES)('pull queries %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM s (k INT KEY, g STRING, v BIGINT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
      CREATE TABLE by_key AS SELECT k, SUM(v) AS total, LATEST_BY_OFFSET(g) AS g FROM s GROUP BY k;
      CREATE TABLE by_both AS SELECT k, g, COUNT(*) AS n FROM s GROUP BY k, g;
      CREATE TABLE windows AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k;
      CREATE TABLE sessions AS SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (10 SECONDS) GROUP BY k;
      CREATE TABLE plain (k INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='plain', FORMAT='JSON', PARTITIONS=1);`);
    const rows = [
      [1000, 1, 'a', 5],
      [2000, 2, 'b', 6],
      [12_000, 1, 'b', 7],
      [13_000, 3, 'a', 3_000_000_000],
    ];
    for (const [time, k, g, v] of rows)
      await sql.ksql(`INSERT INTO s (ROWTIME, k, g, v) VALUES (${time}, ${k}, '${g}', ${v});`);
    // When the last row has come out of a query, all of them are in its state.
    for (const table of ['by_key', 'by_both', 'windows', 'sessions'])
      await sql.rows(`SELECT * FROM ${table} WHERE k = 3 EMIT CHANGES LIMIT 1;`);
  });
  afterAll(() => sql.stop());

  test.each<[string, unknown[][]]>([
    ['SELECT * FROM by_key WHERE k = 1;', [[1, 12, 'b']]],
    [
      'SELECT total, k + 1 AS next FROM by_key WHERE k IN (1, 3, 9);',
      [
        [12, 2],
        [3_000_000_000, 4],
      ],
    ],
    ['SELECT k FROM by_key WHERE k = 1 OR k = 2;', [[1], [2]]],
    ['SELECT k FROM by_key WHERE k = 1 OR total > 100;', [[1], [3]]],
    ['SELECT k FROM by_key WHERE k = 1 AND total > 100;', []],
    ["SELECT k FROM by_key WHERE k = CAST('2' AS INT);", [[2]]],
    ['SELECT k FROM by_key WHERE k = 1 AND k = 2;', []],
    ['SELECT k FROM by_key WHERE k > 1;', [[2], [3]]],
    ['SELECT k FROM by_key;', [[1], [2], [3]]],
    // One row is made of all, and of none.
    ['SELECT COUNT(*), SUM(total) + 1 FROM by_key WHERE k < 3;', [[2, 19]]],
    ['SELECT COUNT(*) FROM by_key WHERE k = 1;', [[1]]],
    ['SELECT COUNT(*) AS n FROM by_key WHERE k = 99;', [[0]]],
    ['SELECT COUNT(*), SUM(n) FROM windows;', [[4, 4]]],
    ['SELECT COUNT(*), SUM(v), MAX(k) FROM s WHERE v < 100;', [[3, 18, 2]]],
    // A row for which WHERE fails is left out.
    ['SELECT k FROM by_key WHERE 10 / (total - 12) < 5;', [[2], [3]]],
    ['SELECT k, ROWTIME FROM by_key WHERE k = 3;', [[3, 13_000]]],
    ["SELECT n FROM by_both WHERE k = 1 AND g = 'a';", [[1]]],
    [
      "SELECT k, g FROM by_both WHERE k IN (1, 2) AND g IN ('a', 'b');",
      [
        [1, 'a'],
        [1, 'b'],
        [2, 'b'],
      ],
    ],
    [
      "SELECT k, g FROM by_both WHERE g = 'b';",
      [
        [1, 'b'],
        [2, 'b'],
      ],
    ],
    [
      'SELECT k, WINDOWSTART, WINDOWEND, n FROM windows WHERE k = 1;',
      [
        [1, 0, 10_000, 1],
        [1, 10_000, 20_000, 1],
      ],
    ],
    ['SELECT n FROM windows WHERE k = 1 AND WINDOWSTART = 10000;', [[1]]],
    ['SELECT WINDOWSTART FROM windows WHERE k = 1 AND WINDOWSTART > 0 AND WINDOWSTART <= 10000;', [[10_000]]],
    ['SELECT WINDOWSTART FROM windows WHERE k = 1 AND WINDOWSTART >= 0 AND WINDOWSTART < 10000;', [[0]]],
    ["SELECT WINDOWSTART FROM windows WHERE k = 1 AND WINDOWSTART >= '1970-01-01T00:00:10';", [[10_000]]],
    ['SELECT WINDOWSTART FROM windows WHERE k = 1 AND WINDOWSTART BETWEEN 1 AND 10000;', [[10_000]]],
    ['SELECT WINDOWSTART FROM windows WHERE k = 1 AND WINDOWSTART > 9999.5;', [[10_000]]],
    ['SELECT WINDOWSTART FROM windows WHERE k = 1 AND WINDOWSTART < 0.5;', [[0]]],
    ['SELECT WINDOWSTART FROM windows WHERE k = 1 AND WINDOWEND = 10000;', [[0]]],
    [
      'SELECT WINDOWSTART, WINDOWEND, n FROM sessions WHERE k = 1;',
      [
        [1000, 1000, 1],
        [12_000, 12_000, 1],
      ],
    ],
    ["SELECT g FROM s WHERE v > 5 AND g LIKE 'b%';", [['b'], ['b']]],
    [
      'SELECT k, g FROM s LIMIT 2;',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
  ])('%s', async (query, want) => {
    const rows = await sql.rows(query);
    expect(rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))).toEqual(want);
  });

  test('LIMIT ends a table scan', async () => {
    expect(await sql.rows('SELECT k FROM by_key LIMIT 2;')).toHaveLength(2);
    expect(await sql.rows('SELECT k FROM by_key LIMIT 0;')).toHaveLength(0);
  });

  const NO_SCANS = { 'ksql.query.pull.table.scan.enabled': 'false' };
  const PLAIN = { 'ksql.query.extensions.enabled': 'false' };

  test.each<[string, string, object?]>([
    ['SELECT * FROM by_key GROUP BY k;', "Pull queries don't support GROUP BY clauses.", PLAIN],
    ['SELECT * FROM by_key PARTITION BY k;', "Pull queries don't support PARTITION BY clauses."],
    ['SELECT * FROM by_key HAVING k > 1;', "Pull queries don't support HAVING clauses.", PLAIN],
    ['SELECT * FROM by_key WINDOW TUMBLING (SIZE 1 SECOND);', "Pull queries don't support WINDOW clauses."],
    ['SELECT * FROM by_key a JOIN by_both b ON a.k = b.k;', "Pull queries don't support JOIN clauses.", PLAIN],
    [
      'SELECT ROWOFFSET FROM by_key WHERE k = 1;',
      "Pull queries don't support the following columns in SELECT clauses: `ROWOFFSET`",
    ],
    [
      'SELECT k FROM by_key WHERE ROWPARTITION = 1;',
      "Pull queries don't support the following columns in WHERE clauses",
    ],
    ['SELECT * FROM plain WHERE k = 1;', "The `PLAIN` table isn't queryable."],
    ['SELECT * FROM nowhere;', 'NOWHERE does not exist'],
    ['SELECT z FROM by_key;', "SELECT column 'Z' cannot be resolved"],
    ["SELECT * FROM windows WHERE k = 1 AND WINDOWSTART > 'soon';", "Failed to parse timestamp 'soon'"],
    ['SELECT * FROM by_key;', 'Missing WHERE clause.', NO_SCANS],
    ['SELECT * FROM by_key WHERE total = 1;', 'WHERE clause missing key column for disjunct', NO_SCANS],
    [
      'SELECT * FROM by_both WHERE k = 1;',
      'Multi-column sources must specify every key in the WHERE clause.',
      NO_SCANS,
    ],
    ['SELECT * FROM by_key WHERE k = 1;', 'Pull queries are disabled.', { 'ksql.pull.queries.enable': 'false' }],
    ['SELECT * FROM s;', 'Pull queries on streams are disabled.', { 'ksql.query.pull.stream.enabled': 'false' }],
    ['PRINT nowhere;', "Could not find topic 'nowhere'"],
    ['DROP STREAM s;', 'not supported for this resource'],
  ])('%s is refused: %s', async (query, message, properties) => {
    await expect(sql.rows(query, properties)).rejects.toThrow(message);
  });
});

describe.each(PLACES)('pull queries on joins of tables %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE TABLE l (k INT PRIMARY KEY, v STRING) WITH (KAFKA_TOPIC='l', FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE r (k INT PRIMARY KEY, w STRING) WITH (KAFKA_TOPIC='r', FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE c (k INT PRIMARY KEY, x STRING) WITH (KAFKA_TOPIC='c', FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE both_of AS SELECT l.k, v, w FROM l JOIN r ON l.k = r.k;
      CREATE TABLE left_of AS SELECT l.k, v, w FROM l LEFT JOIN r ON l.k = r.k WHERE v <> 'hidden';
      CREATE TABLE any_of AS SELECT ROWKEY, v, w FROM l FULL OUTER JOIN r ON l.k = r.k;
      CREATE TABLE three AS SELECT l.k, v, w, x FROM l JOIN r ON l.k = r.k LEFT JOIN c ON l.k = c.k;`);
    for (const [table, k, value] of [
      ['c', 1, 'c1'],
      ['r', 1, 'r1'],
      ['r', 2, 'r2'],
      ['r', 5, 'r5'],
      ['l', 1, 'l1'],
      ['l', 2, 'l2'],
      ['l', 3, 'l3'],
      ['l', 4, 'hidden'],
    ])
      await sql.ksql(`INSERT INTO ${table} VALUES (${k}, '${value}');`);
    // What was written last has come out of the last query.
    await sql.rows("SELECT * FROM any_of WHERE v = 'hidden' EMIT CHANGES LIMIT 1;");
    for (const table of ['both_of', 'left_of', 'three'])
      await sql.rows(`SELECT * FROM ${table} WHERE v = 'l2' EMIT CHANGES LIMIT 1;`);
    await sql.rows("SELECT * FROM left_of WHERE v = 'l3' EMIT CHANGES LIMIT 1;");
  });
  afterAll(() => sql.stop());

  test.each<[string, unknown[][]]>([
    ['SELECT * FROM both_of WHERE l_k = 1;', [[1, 'l1', 'r1']]],
    [
      'SELECT * FROM both_of;',
      [
        [1, 'l1', 'r1'],
        [2, 'l2', 'r2'],
      ],
    ],
    [
      'SELECT * FROM left_of;',
      [
        [1, 'l1', 'r1'],
        [2, 'l2', 'r2'],
        [3, 'l3', null],
      ],
    ],
    ['SELECT * FROM left_of WHERE l_k IN (3, 4, 5);', [[3, 'l3', null]]],
    [
      'SELECT * FROM any_of WHERE ROWKEY IN (1, 4, 5);',
      [
        [1, 'l1', 'r1'],
        [4, 'hidden', null],
        [5, null, 'r5'],
      ],
    ],
    ['SELECT v FROM any_of WHERE w IS NULL;', [['hidden'], ['l3']]],
    [
      'SELECT * FROM three;',
      [
        [1, 'l1', 'r1', 'c1'],
        [2, 'l2', 'r2', null],
      ],
    ],
    ['SELECT COUNT(*) FROM any_of;', [[5]]],
  ])('%s', async (text, expected) => {
    const rows = await sql.rows(text);
    expect(rows.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(expected);
  });
});

test('a key is found however its JSON is spelt', async () => {
  const sql = await startSql();
  try {
    await sql.ksql(`
      CREATE STREAM spelt (k STRING KEY, v STRING) WITH (KAFKA_TOPIC='t', KEY_FORMAT='KAFKA', VALUE_FORMAT='KAFKA', PARTITIONS=2);
      CREATE TABLE t (id INT PRIMARY KEY, part STRING PRIMARY KEY, v STRING) WITH (KAFKA_TOPIC='t', KEY_FORMAT='JSON', VALUE_FORMAT='KAFKA');
      CREATE TABLE kept AS SELECT * FROM t;
      INSERT INTO spelt VALUES ('{ "part": "a", "ID": "1" }', 'x');
      INSERT INTO spelt VALUES ('{"id":1.0,"PART":"b"}', 'y');`);
    await sql.rows("SELECT * FROM kept WHERE v = 'x' EMIT CHANGES LIMIT 1;");
    await sql.rows("SELECT * FROM kept WHERE v = 'y' EMIT CHANGES LIMIT 1;");
    expect(await sql.rows("SELECT v FROM kept WHERE id = 1 AND part = 'a';")).toEqual([['x']]);
    expect(await sql.rows("SELECT v FROM kept WHERE id = 1 AND part = 'b';")).toEqual([['y']]);
  } finally {
    await sql.stop();
  }
});

test('rows come as Protobuf messages for those who ask for them', async () => {
  const sql = await startSql();
  try {
    await sql.ksql(`
      CREATE STREAM s (k STRING KEY, n BIGINT, tags MAP<STRING, INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
      INSERT INTO s VALUES ('a', 9007199254740993, MAP('x' := 1));`);
    const ask = async (path: string, body: object): Promise<unknown> => {
      const headers = { 'content-type': 'application/json', accept: 'application/vnd.ksql.v1+protobuf' };
      const response = await fetch(sql.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      expect(response.headers.get('content-type')).toContain('application/vnd.ksql.v1+protobuf');
      return response.json();
    };
    const message = Buffer.from([
      ...[0x0a, 1, 0x61],
      ...[0x10, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
      ...[0x1a, 5, 0x0a, 1, 0x78, 0x10, 1],
    ]);
    const expected = [
      {
        header: {
          queryId: expect.any(String),
          protoSchema: expect.stringMatching(
            /message ConnectDefault1 \{\n {2}string K = 1;\n {2}int64 N = 2;\n {2}repeated \w+ TAGS = 3;/,
          ),
        },
      },
      { row: { protobufBytes: message.toString('base64') } },
      { finalMessage: 'Query Completed' },
    ];
    expect(await ask('/query', { ksql: 'SELECT * FROM s;' })).toEqual(expected);
    expect(await ask('/query-stream', { sql: 'SELECT * FROM s;' })).toEqual(expected);
  } finally {
    await sql.stop();
  }
});

test('a scalable push query reads what another query writes from now on', async () => {
  const sql = await startSql({ 'ksql.streams.auto.offset.reset': 'latest', 'ksql.query.push.v2.enabled': true });
  try {
    await sql.ksql(`
      CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE STREAM copy AS SELECT * FROM s;`);
    const headers = { 'content-type': 'application/json' };
    const open = async (ksql: string) => {
      const body = JSON.stringify({ ksql });
      const response = await fetch(`${sql.url}/query`, { method: 'POST', headers, body });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = (await reader.read()).value ?? '';
      return {
        begun: text,
        async end() {
          for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
          return JSON.parse(text) as unknown[];
        },
      };
    };
    const scalable = await open('SELECT k, v FROM copy WHERE v > 1 EMIT CHANGES LIMIT 2;');
    expect(scalable.begun).toContain('"queryId":"SCALABLE_PUSH_QUERY_COPY_');
    for (const other of [
      'SELECT * FROM s EMIT CHANGES LIMIT 1;',
      'SELECT ROWOFFSET FROM copy EMIT CHANGES LIMIT 1;',
      'SELECT k, COUNT(*) FROM copy GROUP BY k EMIT CHANGES LIMIT 1;',
    ]) {
      const usual = await open(other);
      expect(usual.begun).toContain('"queryId":"transient_');
      await sql.ksql("INSERT INTO s VALUES ('z', 0);");
      await usual.end();
    }
    await sql.ksql(
      "INSERT INTO s (v) VALUES (5); INSERT INTO s VALUES ('a', 1); INSERT INTO s VALUES ('b', 2); INSERT INTO s VALUES ('c', 3);",
    );
    expect((await scalable.end()).slice(1)).toEqual([
      { row: { columns: ['b', 2] } },
      { row: { columns: ['c', 3] } },
      { finalMessage: 'Limit Reached' },
    ]);
  } finally {
    await sql.stop();
  }
});

test('what is no LIMIT is refused, and LIMIT where it is switched off', async () => {
  const sql = await startSql();
  try {
    await sql.ksql("CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);");
    const isRefused = (text: string, message: string, properties = {}): Promise<void> =>
      expect(sql.rows(text, properties)).rejects.toThrow(message);
    await isRefused('SELECT * FROM s LIMIT -1;', "Pull queries don't support negative integers in the LIMIT clause.");
    await isRefused('SELECT * FROM s LIMIT 1.5;', 'Value must be integer for command: LIMIT');
    await isRefused('SELECT * FROM s LIMIT 9999999999;', 'Value must be integer for command: LIMIT');
    await isRefused('SELECT * FROM s EMIT CHANGES LIMIT -1;', "Push queries don't support negative integers");
    await isRefused('SELECT * FROM s LIMIT 1;', 'LIMIT clause in pull queries is disabled.', {
      'ksql.query.pull.limit.clause.enabled': false,
    });
    expect(await sql.rows('SELECT * FROM s LIMIT 1;')).toEqual([]);
  } finally {
    await sql.stop();
  }
});

test('properties that mean nothing here are accepted with a warning, others are not known', async () => {
  const sql = await startSql({ 'ksql.streams.producer.linger.ms': 5, 'ksql.udfs.enabled': true });
  try {
    const [entity] = await sql.ksql('SHOW STREAMS;', { 'ksql.streams.num.standby.replicas': 1, 'max.poll.records': 9 });
    expect(entity!['warnings']).toEqual([
      { message: 'The property ksql.streams.num.standby.replicas is known, and has no effect here.' },
      { message: 'The property max.poll.records is known, and has no effect here.' },
    ]);
    await expect(sql.ksql('SHOW STREAMS;', { 'ksql.streams.num.standby.replica': 1 })).rejects.toThrow(
      'Unknown property',
    );
  } finally {
    await sql.stop();
  }
});
