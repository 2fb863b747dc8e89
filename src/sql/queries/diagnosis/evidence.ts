// What a diagnosis is made from: what the query's hosts have counted, and what the cluster says of the topics that it reads.
import type { Client, TopicPartition } from '../../../client/index.ts';
import type { SourceMetrics } from '../../../streams/index.ts';
import { type QueryPlan, sourceSteps } from '../../plan/plan.ts';
import type { SettingValues } from '../../settings.ts';
import type { EngineContext, PersistentQuery, QueryCounts } from '../../statements/context.ts';

/** A persistent query, or one of a client, which has no sink. */
export interface AnalyzedQuery extends Pick<PersistentQuery, 'queryId' | 'sql'> {
  readonly plan: Pick<QueryPlan, 'root' | 'sources' | 'sink'>;
}

/** A partition that a query reads, as the cluster has it and as the query does. */
export interface PartitionEvidence extends TopicPartition {
  /** The first offset that is there. */
  readonly start: number;
  /** Behind the last record. */
  readonly end: number;
  /** Behind the last record that no open transaction is in front of. */
  readonly stableEnd: number;
  /** Behind the last record whose results are committed; -1: nothing is. */
  readonly committed: number;
  /** Of the task that reads it; undefined: none does. */
  readonly read: SourceMetrics | undefined;
}

export interface Evidence {
  readonly query: AnalyzedQuery;
  readonly settings: SettingValues;
  readonly state: string;
  /** What it stopped at. */
  readonly failure: string | undefined;
  readonly counts: QueryCounts;
  /** By topic; an empty list: the topic is not there. */
  readonly partitions: ReadonlyMap<string, readonly PartitionEvidence[]>;
  /** Why the cluster does not say how its topics are. */
  readonly topicsError: string | undefined;
  readonly engine: EngineContext;
  readonly client: Client;
  readonly now: () => number;
}

/** The partitions of a query's topics: of its sources, and of those in between. */
export async function partitionsOf(
  client: Client,
  groupId: string,
  { plan }: AnalyzedQuery,
  { tasks }: QueryCounts,
): Promise<Map<string, readonly PartitionEvidence[]>> {
  const admin = client.admin();
  const read = tasks.flatMap(({ sources }) => sources);
  const topics = [...new Set([...sourceSteps(plan.root), ...read].map(({ topic }) => topic))];
  const [described, committed] = await Promise.all([admin.describeTopics(topics), admin.committedOffsets(groupId)]);
  const all = topics.flatMap((topic) =>
    (described.get(topic)?.partitions ?? []).map(({ partition }) => ({ topic, partition })),
  );
  const ask = async (timestamp: number, isolation: 'read_committed' | 'read_uncommitted') =>
    all.length === 0
      ? []
      : admin.listOffsets(
          all.map((each) => ({ ...each, timestamp })),
          isolation,
        );
  const [starts, ends, stableEnds] = await Promise.all([
    ask(-2, 'read_uncommitted'),
    ask(-1, 'read_uncommitted'),
    ask(-1, 'read_committed'),
  ]);
  const same = (a: TopicPartition) => (b: TopicPartition) => a.topic === b.topic && a.partition === b.partition;
  const partitions = all.map(
    (each, i): PartitionEvidence => ({
      ...each,
      start: starts[i]!.offset,
      end: ends[i]!.offset,
      stableEnd: stableEnds[i]!.offset,
      committed: committed.find(same(each))?.offset ?? -1,
      read: read.find(same(each)),
    }),
  );
  return new Map(topics.map((topic) => [topic, partitions.filter((each) => each.topic === topic)]));
}

/** Whether one of these records is the last that was taken from its partition. */
export function hasNewest(
  { counts }: Evidence,
  records: readonly (TopicPartition & { readonly offset: number })[],
): boolean {
  const sources = counts.tasks.flatMap((task) => task.sources);
  return records.some(({ topic, partition, offset }) =>
    sources.some((each) => each.topic === topic && each.partition === partition && each.position === offset + 1),
  );
}

/** Records that wait to be processed. */
export function lagOf({ start, end, committed, read }: PartitionEvidence): number {
  const position = read === undefined || read.position < 0 ? committed : read.position;
  return Math.max(0, end - Math.max(start, position));
}
