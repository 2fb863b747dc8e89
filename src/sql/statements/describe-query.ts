// What there is to know of a persistent query: its plan, where it stands in the topics that it reads, what it has counted.
import type { Client } from '../../client/index.ts';
import type { TaskMetrics } from '../../streams/index.ts';
import { explainPlan } from '../plan/explain.ts';
import type { PersistentQuery, QueryCounts } from './context.ts';
import { fieldEntity } from './entities.ts';
import type { Looking } from './looking.ts';

export function queryListing({ stateOf }: Looking, { queryId, plan, sql }: PersistentQuery) {
  const state = stateOf(queryId);
  return {
    queryString: sql,
    sinks: plan.sink === undefined ? [] : [plan.sink.name],
    sinkKafkaTopics: plan.sink === undefined ? [] : [plan.sink.topic],
    id: queryId,
    statusCount: { [state]: 1 },
    queryType: 'PERSISTENT',
    state,
  };
}

/** A running query with what is known of it besides its plan. */
export async function queryDescription(look: Looking, query: PersistentQuery) {
  const { queryId } = query;
  const state = look.stateOf(queryId);
  const groupId = look.applicationId(queryId);
  const [{ tasks }, offsets] = await Promise.all([look.counts(queryId), offsetsOf(look.client, groupId)]);
  return {
    ...planDescription(query),
    ksqlHostQueryStatus: look.host === undefined ? {} : { [look.host]: state },
    queryErrors: look.errorsOf(queryId),
    tasksMetadata: tasks.map((task) => taskEntity(task, offsets)),
    consumerGroupId: groupId,
    state,
  };
}

/** A query as it is planned, whether it runs or not. */
export function planDescription({ queryId, plan, topology, sql }: PersistentQuery) {
  return {
    id: queryId,
    statementText: sql,
    windowType: plan.root.window?.type ?? null,
    fields: [
      ...plan.root.key.map(({ name, type }) => fieldEntity(name, type, 'KEY')),
      ...plan.root.columns.map(({ name, type }) => fieldEntity(name, type)),
    ],
    sources: plan.sources,
    sinks: plan.sink === undefined ? [] : [plan.sink.name],
    topology: topology.describe().toString(),
    executionPlan: explainPlan(plan),
    overriddenProperties: {},
    queryType: 'PERSISTENT',
  };
}

// ── Offsets ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** A partition that a query reads. */
interface PartitionOffsets {
  readonly topic: string;
  readonly partition: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Behind the last record whose results are committed. */
  readonly consumerOffset: number;
}

async function offsetsOf(client: Client, groupId: string): Promise<PartitionOffsets[]> {
  const admin = client.admin();
  const committed = await admin.committedOffsets(groupId);
  // A group's offsets outlive their topics.
  const topics = await admin.describeTopics([...new Set(committed.map(({ topic }) => topic))]);
  const read = committed.filter(({ topic, partition }) => topics.get(topic)?.partitions[partition] !== undefined);
  const ask = (timestamp: number) =>
    admin.listOffsets(read.map(({ topic, partition }) => ({ topic, partition, timestamp })));
  const [starts, ends] = await Promise.all([ask(-2), ask(-1)]);
  return read.map(({ topic, partition, offset }, i) => ({
    topic,
    partition,
    logStartOffset: starts[i]!.offset,
    logEndOffset: ends[i]!.offset,
    consumerOffset: offset,
  }));
}

/** Where a query stands, topic by topic. */
export async function offsetSummary({ client, applicationId }: Looking, queryId: string) {
  const groupId = applicationId(queryId);
  const byTopic = new Map<string, Omit<PartitionOffsets, 'topic'>[]>();
  for (const { topic, ...offsets } of await offsetsOf(client, groupId)) {
    const known = byTopic.get(topic) ?? [];
    byTopic.set(topic, known);
    known.push(offsets);
  }
  const topicSummaries = [...byTopic].map(([kafkaTopic, offsets]) => ({
    kafkaTopic,
    offsets: offsets.sort((a, b) => a.partition - b.partition),
  }));
  return { groupId, topicSummaries };
}

function taskEntity({ taskId, positions }: TaskMetrics, offsets: readonly PartitionOffsets[]) {
  const topicOffsets = offsets
    .filter(({ topic, partition }) => `${topic}-${partition}` in positions)
    .map(({ topic, partition, logEndOffset, consumerOffset }) => ({
      topicPartitionEntity: { topic, partition },
      endOffset: logEndOffset,
      committedOffset: consumerOffset,
    }));
  return { taskId, topicOffsets };
}

// ── Counts ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a query has counted, by its id. */
export type CountsById = ReadonlyMap<string, QueryCounts>;

/** How much the queries behind a source have read, and how they read their JSON. */
export function statisticsText(counts: CountsById): string {
  return [...counts]
    .flatMap(([id, { tasks, json, runningMs }]) => {
      const total = tasks.reduce((sum, { processed }) => sum + processed, 0);
      const rate = runningMs > 0 ? (total * 1000) / runningMs : 0;
      const time = Math.max(-1, ...tasks.map(({ streamTime }) => streamTime));
      const last = time < 0 ? '' : ` last-event-time: ${new Date(time).toISOString()}`;
      const messages = `${id} messages-per-sec: ${rate.toFixed(2)} total-messages: ${total}${last}`;
      if (json.fromBytes + json.asWhole === 0) return [messages];
      return [
        messages,
        `${id} json-records-read-from-bytes: ${json.fromBytes} json-records-parsed-as-a-whole: ${json.asWhole}`,
      ];
    })
    .join('\n');
}

/** What the operators of the queries behind a source have left out: a line for each and its reason. */
export function errorText(counts: CountsById): string {
  const lines = [...counts].flatMap(([id, { dropped }]) =>
    Object.entries(dropped).flatMap(([operator, reasons]) =>
      Object.entries(reasons).map(([reason, count]) => `${id} ${operator} records-left-out-as-${reason}: ${count}`),
    ),
  );
  return lines.join('\n');
}
