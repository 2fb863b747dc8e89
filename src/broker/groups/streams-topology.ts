/**
 * What a topology (KIP-1071) means with the topics that there are: how many tasks each subtopology has, which internal topics it needs, and
 * what keeps it from running. Pure functions of the topology and the catalogue of topics.
 *
 *     source topics → numbers of partitions of repartition topics, downstream, copartitioned ones alike → changelog topics
 */
import { StreamsStatus } from '../../protocol/index.ts';
import { MillraceError } from '../../util/index.ts';
import type { NewTopic } from '../topics.ts';
import type { StreamsTopology } from './streams-records.ts';
import { taskId } from './streams-tasks.ts';
import { compilePattern, type TopicCatalogue } from './subscriptions.ts';

type Subtopology = StreamsTopology['subtopologies'][number];
type TopicInfo = Subtopology['stateChangelogTopics'][number];

export interface StatusOfGroup {
  readonly statusCode: number;
  readonly statusDetail: string;
}

export interface ConfiguredSubtopology {
  readonly id: string;
  readonly tasks: number;
  readonly isStateful: boolean;
  /** All that it reads, patterns resolved, repartition topics too. */
  readonly sources: readonly string[];
  readonly definition: Subtopology;
}

export interface ConfiguredTopology {
  /** Undefined while something is missing or wrong. */
  readonly subtopologies: readonly ConfiguredSubtopology[] | undefined;
  readonly status: StatusOfGroup | undefined;
  /** Internal topics that are to be made. */
  readonly missing: readonly NewTopic[];
  /** Numbers of partitions of internal topics, as far as they are known. */
  readonly internal: ReadonlyMap<string, number>;
  /** All topics whose changes matter. */
  readonly names: ReadonlySet<string>;
}

const NEVER_WRITTEN =
  'Failed to compute number of partitions for all repartition topics, because a repartition source topic is never used as a sink topic.';

/** Refuses what is no topology whatever topics there are. */
export function checkTopology({ epoch, subtopologies }: StreamsTopology): void {
  const must = (isTrue: boolean, otherwise: string): void => {
    if (!isTrue) throw new MillraceError('STREAMS_INVALID_TOPOLOGY', otherwise);
  };
  must(epoch >= 0, `The epoch ${epoch} of the topology is negative.`);
  must(subtopologies.length > 0, 'The topology has no subtopologies.');
  const ids = subtopologies.map(({ subtopologyId }) => subtopologyId);
  must(new Set(ids).size === ids.length, 'Two subtopologies have the same id.');
  const sinks = new Set(subtopologies.flatMap(({ repartitionSinkTopics }) => repartitionSinkTopics));
  for (const { subtopologyId: id, ...each } of subtopologies) {
    const { sourceTopics, sourceTopicRegex, repartitionSourceTopics } = each;
    const reads = sourceTopics.length + sourceTopicRegex.length + repartitionSourceTopics.length;
    must(reads > 0, `Subtopology ${id} reads no topics.`);
    for (const group of each.copartitionGroups) {
      const isIn = (indexes: readonly number[], of: readonly unknown[]): boolean =>
        indexes.every((index) => index >= 0 && index < of.length);
      const isRight =
        isIn(group.sourceTopics, sourceTopics) &&
        isIn(group.sourceTopicRegex, sourceTopicRegex) &&
        isIn(group.repartitionSourceTopics, repartitionSourceTopics);
      must(isRight, `A copartition group of subtopology ${id} names a topic that the subtopology does not read.`);
    }
    for (const pattern of sourceTopicRegex) compilePattern(pattern);
    for (const topic of each.stateChangelogTopics) {
      must(
        topic.partitions === 0,
        `Changelog topic ${topic.name} must have an undefined partition count, but it is set.`,
      );
    }
    for (const topic of repartitionSourceTopics) {
      must(topic.partitions >= 0, `Repartition topic ${topic.name} has a negative number of partitions.`);
      must(topic.partitions > 0 || sinks.has(topic.name), NEVER_WRITTEN);
    }
  }
}

export function configureTopology(topology: StreamsTopology, topics: TopicCatalogue): ConfiguredTopology {
  const resolved = topology.subtopologies.map((definition) => ({ definition, ...sourcesOf(definition, topics) }));
  const infos = topology.subtopologies.flatMap((each) => [
    ...each.repartitionSourceTopics,
    ...each.stateChangelogTopics,
  ]);
  const names = new Set([...resolved.flatMap(({ external }) => external), ...infos.map(({ name }) => name)]);
  const counts = new Map<string, number>();
  const stopped = (statusCode: number, statusDetail: string): ConfiguredTopology => ({
    subtopologies: undefined,
    status: { statusCode, statusDetail },
    missing: [],
    internal: counts,
    names,
  });
  const absent = resolved.flatMap(({ external, unmatched }) => [
    ...external.filter((name) => topics.get(name) === undefined),
    ...unmatched,
  ]);
  if (absent.length > 0) {
    const list = [...new Set(absent)].sort().join(', ');
    return stopped(StreamsStatus.missingSourceTopics, `Source topics ${list} are missing.`);
  }
  const wrong = countRepartitions(resolved, counts, (name) => topics.get(name)?.partitions.length);
  if (wrong !== undefined) return stopped(StreamsStatus.incorrectlyPartitionedTopics, wrong);
  const countOf = (name: string): number => counts.get(name) ?? topics.get(name)?.partitions.length ?? 0;
  const subtopologies = resolved.map(({ definition, external }) => {
    const sources = [...external, ...definition.repartitionSourceTopics.map(({ name }) => name)];
    const tasks = Math.max(...sources.map(countOf));
    for (const { name } of definition.stateChangelogTopics) counts.set(name, tasks);
    return {
      id: definition.subtopologyId,
      tasks,
      isStateful: definition.stateChangelogTopics.length > 0,
      sources,
      definition,
    };
  });
  for (const [name, wanted] of counts) {
    const found = topics.get(name)?.partitions.length;
    if (found === undefined || found === wanted) continue;
    const detail = `Existing topic ${name} has different number of partitions: expected ${wanted}, found ${found}`;
    return stopped(StreamsStatus.incorrectlyPartitionedTopics, detail);
  }
  const missing = newTopics(infos, counts, topics);
  if (missing.length === 0) return { subtopologies, status: undefined, missing, internal: counts, names };
  const list = missing.map(({ name }) => name).join(', ');
  return { ...stopped(StreamsStatus.missingInternalTopics, `Internal topics are missing: ${list}`), missing };
}

/** All tasks, and those of them that have state; by partition, so that who gets neighbours gets of each subtopology. */
export function tasksOf(subtopologies: readonly ConfiguredSubtopology[]): {
  readonly tasks: readonly string[];
  readonly stateful: ReadonlySet<string>;
} {
  const tasks: string[] = [];
  const stateful = new Set<string>();
  const most = Math.max(0, ...subtopologies.map((each) => each.tasks));
  for (let partition = 0; partition < most; partition++) {
    for (const { id, tasks: count, isStateful } of subtopologies) {
      if (partition >= count) continue;
      tasks.push(taskId(id, partition));
      if (isStateful) stateful.add(taskId(id, partition));
    }
  }
  return { tasks, stateful };
}

interface Resolved {
  readonly definition: Subtopology;
  /** Source topics that are not the topology's own. */
  readonly external: readonly string[];
  readonly matches: readonly (readonly string[])[];
}

function sourcesOf(
  definition: Subtopology,
  topics: TopicCatalogue,
): Omit<Resolved, 'definition'> & { unmatched: string[] } {
  const matches = definition.sourceTopicRegex.map((pattern) => {
    const compiled = compilePattern(pattern);
    return [...topics.all()]
      .filter(({ name, isInternal }) => !isInternal && compiled.matches(name))
      .map(({ name }) => name);
  });
  const unmatched = definition.sourceTopicRegex.filter((_, i) => matches[i]!.length === 0);
  return { external: [...new Set([...definition.sourceTopics, ...matches.flat()])], matches, unmatched };
}

/** Numbers of partitions of repartition topics, added to `counts`; what is wrong, as a text. */
function countRepartitions(
  resolved: readonly Resolved[],
  counts: Map<string, number>,
  existing: (name: string) => number | undefined,
): string | undefined {
  const repartitions = resolved.flatMap(({ definition }) => definition.repartitionSourceTopics);
  const isOwn = new Set(repartitions.map(({ name }) => name));
  for (const { name, partitions } of repartitions) if (partitions > 0) counts.set(name, partitions);
  const countOf = (name: string): number | undefined =>
    counts.get(name) ?? (isOwn.has(name) ? undefined : existing(name));
  const groups = resolved.flatMap(copartitioned);
  for (const group of groups) {
    const fixed = group.map(countOf).filter((count) => count !== undefined);
    if (new Set(fixed).size > 1) {
      return `Following topics do not have the same number of partitions: [${describeCounts(group, countOf)}]`;
    }
    for (const name of group) if (fixed.length > 0) counts.set(name, fixed[0]!);
  }
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (const name of isOwn) {
      if (counts.has(name)) continue;
      const upstream = resolved.filter(({ definition }) => definition.repartitionSinkTopics.includes(name));
      const read = upstream.flatMap(({ external, definition }) => [
        ...external,
        ...definition.repartitionSourceTopics.map((topic) => topic.name),
      ]);
      const known = read.filter((source) => source !== name).map(countOf);
      if (known.length === 0 || known.includes(undefined)) continue;
      counts.set(name, Math.max(...(known as number[])));
      isMoving = true;
    }
  }
  for (const name of [...counts.keys()]) if (!isOwn.has(name)) counts.delete(name);
  const open = [...isOwn].filter((name) => !counts.has(name));
  if (open.length > 0) {
    return `Failed to compute number of partitions for repartition topics: ${open.sort().join(', ')}.`;
  }
  // Those that nothing but their upstreams fixes are made alike.
  for (const group of groups) {
    const most = Math.max(...group.map((name) => countOf(name)!));
    for (const name of group) if (isOwn.has(name)) counts.set(name, most);
  }
  return undefined;
}

function copartitioned({ definition, matches }: Resolved): string[][] {
  return definition.copartitionGroups.map((group) => [
    ...group.sourceTopics.map((index) => definition.sourceTopics[index]!),
    ...group.sourceTopicRegex.flatMap((index) => matches[index]!),
    ...group.repartitionSourceTopics.map((index) => definition.repartitionSourceTopics[index]!.name),
  ]);
}

function describeCounts(group: readonly string[], countOf: (name: string) => number | undefined): string {
  return group.map((name) => `${name}: ${countOf(name) ?? 'any'}`).join(', ');
}

function newTopics(
  infos: readonly TopicInfo[],
  counts: ReadonlyMap<string, number>,
  topics: TopicCatalogue,
): NewTopic[] {
  const wanted = new Map<string, NewTopic>();
  for (const { name, topicConfigs } of infos) {
    if (topics.get(name) !== undefined) continue;
    const configs = Object.fromEntries(topicConfigs.map(({ key, value }) => [key, value]));
    wanted.set(name, { name, partitions: counts.get(name)!, configs });
  }
  return [...wanted.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
