import { describe, expect, test } from 'vitest';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { plainEngine } from './support.ts';

const STREAM = "CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);";

/** What a script makes: the messages of its statements and the queries that it leaves. */
async function run(script: string): Promise<{ messages: string[]; queries: string[] }> {
  const { engine, queries } = plainEngine();
  const results = await engine.execute(script);
  return { messages: results.map((result) => result.message), queries: [...queries.keys()] };
}

describe('sources and queries', () => {
  test('queries are numbered through all kinds', async () => {
    const { queries } = await run(`${STREAM}
      CREATE STREAM a AS SELECT * FROM s;
      CREATE TABLE b AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;
      INSERT INTO a SELECT * FROM s;
      INSERT INTO a WITH (QUERY_ID='mine') SELECT * FROM s;`);
    expect(queries).toEqual(['CSAS_A_0', 'CTAS_B_1', 'INSERTQUERY_2', 'MINE']);
  });

  test('dropping a source ends the query that made it', async () => {
    expect((await run(`${STREAM} CREATE STREAM a AS SELECT * FROM s; DROP STREAM a;`)).queries).toEqual([]);
  });

  test('a source that a query reads stays', async () => {
    await expect(run(`${STREAM} CREATE STREAM a AS SELECT * FROM s; DROP STREAM s;`)).rejects.toThrow(
      'Cannot drop S.\nThe following queries read from this source: [CSAS_A_0].',
    );
  });

  test('OR REPLACE keeps the query and its number', async () => {
    const { queries } = await run(`${STREAM}
      CREATE STREAM a AS SELECT k, v FROM s;
      CREATE OR REPLACE STREAM a AS SELECT k, v, v + 1 AS w FROM s WHERE v > 0;`);
    expect(queries).toEqual(['CSAS_A_0']);
  });

  test('OR REPLACE may add columns, but not change them', async () => {
    await expect(
      run(
        `${STREAM} CREATE STREAM a AS SELECT k, v FROM s; CREATE OR REPLACE STREAM a AS SELECT k, CAST(v AS STRING) AS v FROM s;`,
      ),
    ).rejects.toThrow('changed, missing or reordered: [`V` INTEGER]');
  });

  describe('OR REPLACE goes on from the state that is there', () => {
    const OTHER = "CREATE STREAM s2 (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s2', VALUE_FORMAT='JSON', PARTITIONS=1);";
    const AGGREGATE = 'SELECT k, MAX(v) AS m FROM s GROUP BY k';
    const JOIN = 'SELECT s.k, s.v AS v FROM s JOIN s2 WITHIN 1 HOUR ON s.k = s2.k';
    const WINDOWED = 'SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k';
    const PLAIN = 'SELECT k, v FROM s';

    test.each<[string, string, string]>([
      [
        AGGREGATE,
        'SELECT k, SUM(v) AS m FROM s GROUP BY k',
        "Plan step of type StreamAggregate must have matching aggregationFunctions. Values differ: '[MAX(INTEGER)]' vs. '[SUM(INTEGER)]'",
      ],
      [AGGREGATE, 'SELECT k, MAX(v) AS m, COUNT(*) AS n FROM s GROUP BY k', 'matching aggregationFunctions'],
      [AGGREGATE, 'SELECT k, MAX(v) AS m FROM s2 GROUP BY k', 'StreamSource must have matching topicName'],
      [
        'SELECT v, COUNT(*) AS n FROM s GROUP BY v',
        'SELECT v + 1 AS v, COUNT(*) AS n FROM s GROUP BY v + 1',
        'StreamGroupBy must have matching groupByExpressions',
      ],
      [AGGREGATE, WINDOWED.replace('COUNT(*) AS n', 'MAX(v) AS m'), 'must have matching class'],
      [WINDOWED, WINDOWED, 'Upgrades not yet supported for StreamWindowedAggregate'],
      [JOIN, JOIN.replace('JOIN', 'LEFT JOIN'), 'Upgrades not yet supported for StreamStreamJoin'],
      [PLAIN, 'SELECT k, v FROM s2', 'StreamSource must have matching topicName'],
      ['SELECT k, v FROM s PARTITION BY v', 'SELECT k, v FROM s PARTITION BY v', ''],
      [PLAIN, 'SELECT k, v FROM s WHERE v > 1', ''],
      [AGGREGATE, 'SELECT k, MAX(v) AS m, MAX(v) + 1 AS p FROM s WHERE v > 0 GROUP BY k HAVING MAX(v) > 2', ''],
    ])('%s by %s', async (before, after, problem) => {
      const kind = before.includes('GROUP BY') ? 'TABLE' : 'STREAM';
      const { engine, queries } = plainEngine();
      await engine.execute(`${STREAM} ${OTHER} CREATE ${kind} o AS ${before};`);
      const [running] = queries.values();
      const replaced = engine.execute(`CREATE OR REPLACE ${kind} o AS ${after};`);
      if (problem === '') return expect(await replaced).toHaveLength(1);
      await expect(replaced).rejects.toThrow(problem);
      return expect([...queries.values()]).toEqual([running]);
    });
  });

  test.each([
    ['CREATE STREAM o AS SELECT * FROM s LIMIT 2;', "CREATE STREAM AS SELECT statements don't support LIMIT clause."],
    [
      'CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s GROUP BY k LIMIT 2;',
      "CREATE TABLE AS SELECT statements don't support LIMIT clause.",
    ],
    [
      'CREATE TABLE o WITH (RETENTION_MS=1000) AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;',
      'Non-windowed tables do not support retention.',
    ],
    [
      'CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 9 SECONDS) GROUP BY k;',
      'Got size=[10000], grace=[0], retention=[9000]',
    ],
    ["CREATE STREAM o AS SELECT k, ARRAY[1]['x'] AS n FROM s;", 'must be INTEGER, but is STRING'],
    ['CREATE STREAM o AS SELECT k, ARRAY[1][1.5] AS n FROM s;', 'must be INTEGER, but is DECIMAL(2, 1)'],
    ["CREATE STREAM o AS SELECT k, MAP('a' := 1)[1] AS n FROM s;", 'must be STRING, but is INTEGER'],
    ['INSERT INTO s SELECT * FROM s LIMIT 2;', "INSERT INTO statements don't support LIMIT clause."],
  ])('%s is refused', async (statement, problem) => {
    await expect(run(STREAM + statement)).rejects.toThrow(problem);
  });

  test('rows without a window do not go into a windowed stream', async () => {
    const windowed =
      "CREATE STREAM w (k STRING KEY, v INT) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='SESSION');";
    await expect(run(`${STREAM} ${windowed} INSERT INTO w SELECT * FROM s;`)).rejects.toThrow(
      'Incompatible windows between results and sink: no window and SESSION',
    );
  });

  test('a second source of the same name is refused, or only a warning', async () => {
    await expect(run(STREAM + STREAM)).rejects.toThrow(
      "Cannot add stream 'S': A stream with the same name already exists",
    );
    const again = STREAM.replace('STREAM s', 'STREAM IF NOT EXISTS s');
    expect((await run(STREAM + again)).messages[1]).toContain('already exists');
  });

  test('custom types stand for what they were made of', async () => {
    const { engine } = plainEngine();
    await engine.execute(
      `CREATE TYPE point AS STRUCT<x INT, y INT>; CREATE STREAM p (at ARRAY<point>) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON', PARTITIONS=1);`,
    );
    expect(engine.catalog.source('P')?.schema.value[0]?.type).toMatchObject({
      kind: 'ARRAY',
      item: { kind: 'STRUCT' },
    });
  });

  test('ALTER adds columns behind the others', async () => {
    const { engine } = plainEngine();
    await engine.execute(`${STREAM} ALTER STREAM s ADD COLUMN w STRING;`);
    expect(engine.catalog.source('S')?.schema.value.map((column) => column.name)).toEqual(['V', 'W']);
  });

  test('a SOURCE table is kept by a query of its own', async () => {
    const { engine, queries } = plainEngine();
    await engine.execute(
      "CREATE SOURCE TABLE t (id INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=1);",
    );
    const query = queries.get('CST_T_0');
    const driver = new TopologyTestDriver(query!.topology);
    driver.pipe('t', Buffer.from('1'), Buffer.from('{"V": 5}'), 0);
    driver.pipe('t', Buffer.from('2'), Buffer.from('{"V": 6}'), 0);
    driver.pipe('t', Buffer.from('1'), null, 0);
    const rows = [...driver.store('KsqlTopic-Reduce').keyValue<readonly number[], readonly number[]>().all()];
    expect(rows.map((entry) => entry.key)).toEqual([[2]]);
  });
});

describe('failures', () => {
  test('the first failing statement stops the rest, the ones before it stay', async () => {
    const { engine } = plainEngine();
    await expect(
      engine.execute(`${STREAM} CREATE STREAM a AS SELECT nope FROM s; CREATE STREAM b AS SELECT * FROM s;`),
    ).rejects.toThrow("SELECT column 'NOPE' cannot be resolved.");
    expect(engine.catalog.sources().map((source) => source.name)).toEqual(['S']);
  });

  test('a mistake in the grammar anywhere stops everything', async () => {
    const { engine } = plainEngine();
    await expect(engine.execute(`${STREAM} CREATE NONSENSE;`)).rejects.toThrow('Syntax Error');
    expect(engine.catalog.sources()).toEqual([]);
  });

  test('rows that can not be read are left out and told', async () => {
    const { engine, queries } = plainEngine();
    await engine.execute(`${STREAM} CREATE STREAM a AS SELECT k, 10 / v AS q FROM s;`);
    const driver = new TopologyTestDriver(queries.get('CSAS_A_0')!.topology);
    for (const value of ['{"V": 5}', 'not JSON', '{"V": 0}']) driver.pipe('s', Buffer.from('k'), Buffer.from(value), 0);
    expect(driver.read('A').map((record) => record.value?.toString())).toEqual(['{"Q":2}', '{"Q":null}']);
  });
});
