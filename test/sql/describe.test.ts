// What DESCRIBE … EXTENDED, SHOW QUERIES EXTENDED and EXPLAIN tell of queries that run, and of those that don't.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Entity, PLACES, startSql, type SqlOverHttp } from './http.ts';

interface Description {
  readonly statistics: string;
  readonly sourceConstraints: readonly string[];
  readonly queryOffsetSummaries: readonly {
    readonly groupId: string;
    readonly topicSummaries: readonly { readonly kafkaTopic: string; readonly offsets: readonly object[] }[];
  }[];
}

interface QueryDescription {
  readonly id: string;
  readonly tasksMetadata: readonly { readonly taskId: string; readonly topicOffsets: readonly object[] }[];
  readonly queryErrors: readonly { readonly errorMessage: string; readonly type: string; readonly timestamp: number }[];
  readonly ksqlHostQueryStatus: Readonly<Record<string, string>>;
}

describe.each(PLACES)('of queries %s', (_place, settings) => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM s (id INT KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');
      CREATE TABLE t AS SELECT id, COUNT(*) AS n FROM s GROUP BY id;
      CREATE STREAM o AS SELECT id, v + 1 AS w FROM s;
      CREATE STREAM into_it (id INT KEY, w INT) WITH (KAFKA_TOPIC='into_it', PARTITIONS=1, VALUE_FORMAT='JSON');
      INSERT INTO into_it SELECT id, v + 1 AS w FROM s;`);
    for (let i = 0; i < 6; i++) await sql.ksql(`INSERT INTO s (ROWTIME, id, v) VALUES (${1000 + i}, ${i}, ${i});`);
  });
  afterAll(() => sql.stop());

  const described = async (statement: string): Promise<Description> =>
    ((await sql.ksql(statement))[0] as Entity & { sourceDescription: Description }).sourceDescription;

  const queries = async (): Promise<readonly QueryDescription[]> =>
    ((await sql.ksql('SHOW QUERIES EXTENDED;'))[0] as Entity & { queryDescriptions: QueryDescription[] })
      .queryDescriptions;

  test('how much was read, and to where', async () => {
    await expect
      .poll(async () => (await described('DESCRIBE t EXTENDED;')).statistics)
      .toMatch(/^CTAS_T_0 messages-per-sec: \d+\.\d\d total-messages: 6 last-event-time: 1970-01-01T00:00:01\.005Z/);
    await expect
      .poll(async () => sumOf((await described('DESCRIBE t EXTENDED;')).queryOffsetSummaries, 'consumerOffset'))
      .toBe(6);
    const { queryOffsetSummaries } = await described('DESCRIBE t EXTENDED;');
    expect(queryOffsetSummaries).toMatchObject([
      {
        groupId: '_confluent-ksql-default_query_CTAS_T_0',
        topicSummaries: [
          {
            kafkaTopic: 's',
            offsets: [
              { partition: 0, logStartOffset: 0 },
              { partition: 1, logStartOffset: 0 },
            ],
          },
        ],
      },
    ]);
    expect(sumOf(queryOffsetSummaries, 'logEndOffset')).toBe(6);
  });

  test('what is made from a source keeps it', async () => {
    expect((await described('DESCRIBE s EXTENDED;')).sourceConstraints).toEqual(['T', 'O']);
    expect((await described('DESCRIBE o EXTENDED;')).sourceConstraints).toEqual([]);
  });

  test('nothing is asked of the cluster without EXTENDED', async () => {
    const plain = { extended: false, statistics: '', queryOffsetSummaries: [], sourceConstraints: [] };
    expect(await described('DESCRIBE t;')).toMatchObject(plain);
    const [all] = await sql.ksql('DESCRIBE TABLES;');
    expect(all).toMatchObject({ sourceDescriptions: [plain] });
    expect((await sql.ksql('DESCRIBE TABLES EXTENDED;'))[0]).toMatchObject({
      sourceDescriptions: [{ extended: true }],
    });
    expect((await sql.ksql('SHOW TABLES EXTENDED;'))[0]).toMatchObject({ sourceDescriptions: [{ extended: true }] });
  });

  test('the tasks of a query, and where each stands', async () => {
    const tasks = async () => (await queries()).find(({ id }) => id === 'CSAS_O_1')!.tasksMetadata;
    await expect.poll(async () => (await tasks()).length).toBe(2);
    await expect.poll(async () => JSON.stringify(await tasks())).toMatch(/"committedOffset":[1-9]/);
    const sorted = [...(await tasks())].sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
    expect(sorted).toMatchObject(
      [0, 1].map((partition) => ({
        taskId: `0_${partition}`,
        topicOffsets: [{ topicPartitionEntity: { topic: 's', partition } }],
      })),
    );
  });

  test('where a query runs, and what has stopped it', async () => {
    const { host } = new URL(sql.url);
    expect((await queries()).map(({ ksqlHostQueryStatus }) => ksqlHostQueryStatus)).toEqual(
      Array.from({ length: 3 }, () => ({ [host]: 'RUNNING' })),
    );
    await sql.ksql(`
      CREATE STREAM raw (v STRING) WITH (KAFKA_TOPIC='raw', PARTITIONS=1, VALUE_FORMAT='KAFKA');
      CREATE STREAM numbers (v INT) WITH (KAFKA_TOPIC='raw', VALUE_FORMAT='KAFKA');
      SET 'ksql.fail.on.deserialization.error'='true';
      CREATE STREAM stops WITH (VALUE_FORMAT='JSON') AS SELECT v + 1 AS w FROM numbers;
      INSERT INTO raw VALUES ('no number');`);
    const stopped = async () => (await queries()).find(({ id }) => id.startsWith('CSAS_STOPS'))!;
    await expect.poll(async () => (await stopped()).queryErrors.length).toBe(1);
    const [error] = (await stopped()).queryErrors;
    expect(error).toMatchObject({ type: 'USER' });
    expect(error!.timestamp).toBeGreaterThan(0);
    expect((await stopped()).ksqlHostQueryStatus).toEqual({ [host]: 'ERROR' });
  });
});

function sumOf(summaries: Description['queryOffsetSummaries'], member: string): number {
  const offsets = summaries.flatMap(({ topicSummaries }) => topicSummaries.flatMap(({ offsets: list }) => list));
  return offsets.reduce((sum, offset) => sum + Number((offset as Record<string, unknown>)[member]), 0);
}

describe('EXPLAIN of a statement that starts a query', () => {
  let sql: SqlOverHttp;

  beforeAll(async () => {
    sql = await startSql();
    await sql.ksql(`
      CREATE STREAM s (id INT KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');
      CREATE STREAM o (id INT KEY, v INT) WITH (KAFKA_TOPIC='o', PARTITIONS=2, VALUE_FORMAT='JSON');`);
  });
  afterAll(() => sql.stop());

  const explained = async (statement: string): Promise<Record<string, unknown>> =>
    (await sql.ksql(`EXPLAIN ${statement}`))[0]!['queryDescription'] as Record<string, unknown>;

  test('tells what it would start, and starts nothing', async () => {
    const create = "CREATE TABLE t WITH (VALUE_FORMAT='AVRO') AS SELECT id, COUNT(*) AS n FROM s GROUP BY id;";
    expect(await explained(create)).toMatchObject({
      id: 'CTAS_T_0',
      queryType: 'PERSISTENT',
      sources: ['S'],
      sinks: ['T'],
      executionPlan: expect.stringContaining('> [ SINK ] | T (key KAFKA, value AVRO)') as string,
      topology: expect.stringContaining('Sink: T-sink (topic: T)') as string,
      fields: [{ name: 'ID', type: 'KEY' }, { name: 'N' }],
    });
    expect(await explained('INSERT INTO o SELECT id, v FROM s;')).toMatchObject({
      queryType: 'PERSISTENT',
      sinks: ['O'],
    });
    const [tables, queries] = await sql.ksql('SHOW TABLES; SHOW QUERIES;');
    expect([tables!['tables'], queries!['queries']]).toEqual([[], []]);
    await sql.ksql("ASSERT NOT EXISTS SCHEMA SUBJECT 'T-value' TIMEOUT 0 SECONDS;");
    const [created] = await sql.ksql(create);
    expect(created).toMatchObject({ commandStatus: { queryId: 'CTAS_T_0' } });
  });

  test('of queries for clients', async () => {
    expect(await explained('SELECT * FROM s EMIT CHANGES;')).toMatchObject({ queryType: 'PUSH', sinks: [] });
  });

  test.each([
    ['CREATE TABLE u AS SELECT * FROM s;', /Invalid result type/],
    ['CREATE STREAM IF NOT EXISTS o AS SELECT * FROM s;', /already exists/],
    ['SHOW STREAMS;', /does not run a ksql query|Syntax/],
  ])('%s is refused', async (statement, message) => {
    await expect(sql.ksql(`EXPLAIN ${statement}`)).rejects.toThrow(message);
  });
});
