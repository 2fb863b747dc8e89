// How many partitions everything has, and the topics that the application brings along.
import type { Admin, NewTopic } from '../../client/index.ts';
import { codeOf, MillraceError } from '../../util/index.ts';
import type { GraphNode } from '../graph/node.ts';
import type { StoreSpec } from '../state/store.ts';
import type { SubTopology, Topology } from '../graph/topology.ts';
import type { ResolvedSettings } from './settings.ts';

export function changelogTopic(applicationId: string, store: StoreSpec): string {
  return `${applicationId}-${store.name}-changelog`;
}

/**
 * The partition count of every topic that the topology reads, by the topology's own name for it. External topics have
 * theirs; an internal one gets that of the sources it is fed from, or that of the topics it is joined with.
 */
export function partitionCounts(topology: Topology, external: ReadonlyMap<string, number>): Map<string, number> {
  const { internalTopics } = topology;
  const counts = new Map<string, number>();
  for (const topic of topology.sourceTopics()) {
    if (internalTopics.has(topic)) {
      const { partitions } = internalTopics.get(topic)!;
      if (partitions !== undefined) counts.set(topic, partitions);
    } else {
      const partitions = external.get(topic);
      if (partitions === undefined) {
        throw new MillraceError('UNKNOWN_SOURCE_TOPIC', `the topology reads the topic ${topic}, which does not exist`);
      }
      counts.set(topic, partitions);
    }
  }
  const groups = topology.copartitioned.map(({ operator, inputs }) => ({
    operator,
    topics: [...new Set(inputs.flatMap((node) => [...topicsAbove(node)]))],
  }));
  // Every round settles at least one topic, so there are no more rounds than topics.
  for (let round = 0; round <= internalTopics.size + 1; round++) {
    for (const sub of topology.subTopologies) {
      const known = sub.sources.flatMap((node) => node.source!.topics).map((topic) => counts.get(topic));
      const most = Math.max(0, ...known.map((count) => count ?? 0));
      if (most === 0) continue;
      for (const node of sub.nodes) {
        const topic = node.sink?.topic;
        if (typeof topic === 'string' && internalTopics.has(topic) && !counts.has(topic)) counts.set(topic, most);
      }
    }
    for (const { operator, topics } of groups) copartition(operator, topics, topology, counts);
  }
  return counts;
}

function copartition(
  operator: string,
  topics: readonly string[],
  topology: Topology,
  counts: Map<string, number>,
): void {
  const { internalTopics } = topology;
  const isFixed = (topic: string): boolean =>
    internalTopics.get(topic)?.partitions !== undefined || !internalTopics.has(topic);
  const fixed = topics.filter(isFixed);
  const wanted = new Set(fixed.map((topic) => counts.get(topic)!));
  if (wanted.size > 1) {
    const list = fixed.map((topic) => `${topic} (${counts.get(topic)})`).join(', ');
    throw new MillraceError(
      'NOT_COPARTITIONED',
      `${operator} needs topics with equally many partitions, but has ${list}`,
    );
  }
  const [count] = wanted.size === 1 ? wanted : [Math.max(...topics.map((topic) => counts.get(topic) ?? 0))];
  if (count === undefined || count <= 0) return;
  for (const topic of topics) if (!isFixed(topic)) counts.set(topic, count);
}

/**
 * Where one store is fed by topics with different numbers of partitions, without an operator that forbids it: a merge, or a
 * source of several topics. Where equal keys are in several of them, each task has a part of the result only.
 */
function unevenInputs(topology: Topology, counts: ReadonlyMap<string, number>): MillraceError[] {
  const checked = new Set(topology.copartitioned.map(({ operator }) => operator));
  return topology.nodes.flatMap((node) => {
    const topics = node.stores.length === 0 ? [] : [...topicsAbove(node)];
    if (new Set(topics.map((topic) => counts.get(topic))).size < 2 || checked.has(node.name)) return [];
    const list = topics.map((topic) => `${topic} (${counts.get(topic)})`).join(', ');
    const why = `${node.name} has one state for topics with different numbers of partitions: ${list}`;
    return [new MillraceError('NOT_COPARTITIONED', `${why}; equal keys do not meet`)];
  });
}

function topicsAbove(node: GraphNode): Set<string> {
  const topics = new Set<string>(node.source?.topics ?? []);
  for (const parent of node.parents) for (const topic of topicsAbove(parent)) topics.add(topic);
  return topics;
}

/** How many tasks a sub-topology has. */
export function taskCount(sub: SubTopology, counts: ReadonlyMap<string, number>): number {
  return Math.max(0, ...sub.sources.flatMap((node) => node.source!.topics).map((topic) => counts.get(topic) ?? 0));
}

/** Creates the repartition and changelog topics that are missing; existing ones must have the partitions they should have. */
export async function prepareTopics(
  topology: Topology,
  settings: ResolvedSettings,
  admin: Admin,
): Promise<Map<string, number>> {
  const { applicationId } = settings;
  const external = topology.sourceTopics().filter((topic) => !topology.internalTopics.has(topic));
  const described = await admin.describeTopics([
    ...external,
    ...topology.globalStores.map((store) => store.sourceTopic!),
  ]);
  for (const store of topology.globalStores) {
    if (!described.has(store.sourceTopic!)) {
      throw new MillraceError(
        'UNKNOWN_SOURCE_TOPIC',
        `the global table ${store.name} reads the topic ${store.sourceTopic}, which does not exist`,
      );
    }
  }
  const counts = partitionCounts(
    topology,
    new Map([...described].map(([name, topic]) => [name, topic.partitions.length])),
  );
  for (const warning of unevenInputs(topology, counts)) settings.onError(warning, false);

  const wanted: (NewTopic & { readonly partitions: number })[] = [];
  const replication = settings.replicationFactor === undefined ? {} : { replicationFactor: settings.replicationFactor };
  for (const { name } of topology.internalTopics.values()) {
    const partitions = counts.get(name) ?? 1;
    const configs = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'segment.bytes': '52428800' };
    wanted.push({ name: `${applicationId}-${name}`, partitions, configs, ...replication });
  }
  for (const sub of topology.subTopologies) {
    for (const store of sub.stores) {
      if (!topology.hasChangelog(store)) continue;
      const configs = { ...changelogConfigs(store, settings), ...store.topicConfig };
      wanted.push({
        name: changelogTopic(applicationId, store),
        partitions: taskCount(sub, counts),
        configs,
        ...replication,
      });
    }
  }
  const existing = await admin.describeTopics(wanted.map((topic) => topic.name));
  for (const topic of wanted) {
    const found = existing.get(topic.name);
    if (found === undefined) {
      try {
        await admin.createTopics([topic]);
      } catch (error) {
        // Another instance of the application was faster.
        if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
      }
    } else if (found.partitions.length !== topic.partitions) {
      throw new MillraceError(
        'INTERNAL_TOPIC_MISMATCH',
        `the internal topic ${topic.name} has ${found.partitions.length} partitions, but the application needs ${topic.partitions}; reset the application (millrace streams reset)`,
      );
    }
  }
  return counts;
}

function changelogConfigs(store: StoreSpec, settings: ResolvedSettings): Record<string, string> {
  if (store.historyRetentionMs !== undefined) {
    // A key's older rows are versions that are not to be compacted away before they have expired.
    const lag = String(store.historyRetentionMs + settings.changelogExtraRetentionMs);
    return { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': lag };
  }
  if (store.retentionMs === undefined || store.retentionMs === Number.POSITIVE_INFINITY)
    return { 'cleanup.policy': 'compact' };
  return {
    'cleanup.policy': 'compact,delete',
    'retention.ms': String(store.retentionMs + settings.changelogExtraRetentionMs),
  };
}
