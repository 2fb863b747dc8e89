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
