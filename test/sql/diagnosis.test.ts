// Reasons that pass too soon to be met on a platform, from what a query's hosts would count then.
import { expect, test } from 'vitest';
import type { EmptyReason } from '../../src/sql-api/index.ts';
import type { Client } from '../../src/client/index.ts';
import type { OperatorMetrics, SourceMetrics, TaskMetrics } from '../../src/streams/index.ts';
import type { Evidence } from '../../src/sql/queries/diagnosis/evidence.ts';
import { reasonOf } from '../../src/sql/queries/diagnosis/search.ts';
import { durationText } from '../../src/sql/queries/diagnosis/text.ts';
import type { InstanceStatus } from '../../src/sql/statements/context.ts';
import { plainEngine } from './support.ts';

const HOUR = 3_600_000;

/** A windowed count whose rows of one partition have come in, behind a repartition topic. */
async function windowed() {
  const { engine, queries } = plainEngine();
  await engine.execute(`
    CREATE STREAM s (id STRING KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');
    CREATE TABLE t AS SELECT v, COUNT(*) AS c FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY v EMIT FINAL;`);
  const [query] = queries.values();
  return { engine, query: query! };
}

/** What tasks count when 3 rows have come to the aggregation and none has gone on. */
function tasksOf(query: Awaited<ReturnType<typeof windowed>>['query'], source: Partial<SourceMetrics>): TaskMetrics[] {
  const last = query.topology.nodes.find(({ name }) => name.endsWith('-aggregate'))!;
  const operators = query.topology.nodes.map((node): OperatorMetrics => {
    const recordsOut = node.index < last.index ? 3 : 0;
    const flow = { recordsIn: node.index <= last.index ? 3 : 0, recordsOut };
    return { operator: node.name, index: node.index, part: node.part, ...flow, recent: flow, dropped: {} };
  });
  const read = {
    topic: 'app-t-repartition',
    partition: 0,
    position: 3,
    records: 3,
    partitionTime: 5 * HOUR,
    arrivedAt: 1,
  };
  return [
    {
      taskId: '1_0',
      processed: 3,
      dropped: {},
      droppedBy: {},
      idleTimeouts: 0,
      streamTime: 2 * HOUR,
      positions: {},
      stores: {},
      storeBytes: {},
      operators,
      recentMs: 1000,
      sources: [{ ...read, waitsFor: undefined, ...source }],
    },
  ];
}

async function reason(
  instance: Partial<InstanceStatus>,
  source: Partial<SourceMetrics> = {},
  isIdle = false,
): Promise<EmptyReason> {
  const { engine, query } = await windowed();
  const evidence: Evidence = {
    query,
    settings: {},
    state: 'RUNNING',
    failure: undefined,
    counts: {
      dropped: {},
      json: { fromBytes: 0, asWhole: 0 },
      problems: [],
      instances: [{ state: 'RUNNING', toRestore: 0, lastError: undefined, ...instance }],
      tasks: isIdle ? [] : tasksOf(query, source),
      runningMs: 1000,
    },
    partitions: new Map(),
    topicsError: undefined,
    engine: engine.context,
    // Nothing is asked of the cluster for these reasons.
    client: undefined as unknown as Client,
    now: () => 10 * HOUR,
  };
  return (await reasonOf(evidence))!;
}

test('time that waits for a partition without records', async () => {
  const { kind, text } = await reason({}, { waitsFor: '0_1' });
  expect(kind).toBe('partition-idle');
  expect(text).toContain(
    'Time stands at 1970-01-01T02:00:00.000Z, although records of 1970-01-01T05:00:00.000Z are there',
  );
  expect(text).toContain('task 0_1, which reads partition 1 of the source, has come no further');
});

test('time that has come as far as the records', async () => {
  expect((await reason({}, { partitionTime: 2 * HOUR, waitsFor: '0_1' })).kind).toBe('window-open');
});

test.each([
  [{ state: 'REBALANCING', toRestore: 7 }, 'restoring', '7 records of its changelogs'],
  [{ state: 'REBALANCING' }, 'starting', 'being started'],
  [{ state: 'REBALANCING', lastError: 'ECONNREFUSED' }, 'retrying', 'after: ECONNREFUSED'],
] as const)('a query that does not run yet: %j', async (instance, kind, text) => {
  expect(await reason(instance, {}, true)).toMatchObject({ kind, text: expect.stringContaining(text) as string });
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [61_000, '1 min 1 s'],
  [25 * HOUR, '1 d 1 h'],
  [HOUR + 5, '1 h 5 ms'],
])('%i ms is %s', (ms, text) => expect(durationText(ms)).toBe(text));
