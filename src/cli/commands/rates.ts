// What goes on in a cluster: how fast records come into topics and are read by groups, by the difference of two looks.
import type { Admin, TopicPartition } from '../../client/index.ts';
import { isInternal } from './internal-topics.ts';

/** What one look sees. */
export interface Look {
  /** ms, of a clock that only goes forward. */
  readonly at: number;
  readonly ends: ReadonlyMap<string, TopicPartition & { readonly offset: number }>;
  /** By group, then by partition. */
  readonly committed: ReadonlyMap<string, ReadonlyMap<string, TopicPartition & { readonly offset: number }>>;
  readonly states: ReadonlyMap<string, string>;
}

export interface TopicRate {
  readonly topic: string;
  readonly partitions: number;
  /** Records per second. */
  readonly inPerSecond: number;
  /** By all groups together, by what they commit. */
  readonly outPerSecond: number;
}

export interface GroupRate {
  readonly group: string;
  readonly state: string;
  readonly lag: number;
  /** How much the lag has grown since the look before. */
  readonly lagGrowth: number;
  readonly outPerSecond: number;
}

export async function look(admin: Admin, withInternal: boolean): Promise<Look> {
  const [names, groups] = await Promise.all([admin.listTopics(), admin.listGroups()]);
  const topics = (await admin.describeReplicas(names)).filter(({ name }) => withInternal || !isInternal(name));
  const partitions = topics.flatMap(({ name, partitions: all }) =>
    all.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic: name, partition })),
  );
  const [ends, committed] = await Promise.all([
    admin.listOffsets(partitions.map((each) => ({ ...each, timestamp: -1 }))),
    Promise.all(groups.map(async ({ groupId }) => [groupId, await admin.committedOffsets(groupId)] as const)),
  ]);
  return {
    at: performance.now(),
    ends: byName(ends),
    committed: new Map(committed.map(([group, offsets]) => [group, byName(offsets)])),
    states: new Map(groups.map(({ groupId, state }) => [groupId, state])),
  };
}

/** The busiest first. */
export function topicRates(before: Look, now: Look): TopicRate[] {
  const seconds = (now.at - before.at) / 1000;
  const rates = [...Map.groupBy(now.ends.values(), ({ topic }) => topic)].map(([topic, ends]) => ({
    topic,
    partitions: ends.length,
    inPerSecond: perSecond(progress(before.ends, ends), seconds),
    outPerSecond: perSecond(
      [...now.committed].reduce((sum, [group, offsets]) => {
        const own = [...offsets.values()].filter((each) => each.topic === topic);
        return sum + progress(before.committed.get(group), own);
      }, 0),
      seconds,
    ),
  }));
  return rates.sort((a, b) => b.inPerSecond - a.inPerSecond || (a.topic < b.topic ? -1 : 1));
}

/** Those that are the furthest behind first. */
export function groupRates(before: Look, now: Look): GroupRate[] {
  const seconds = (now.at - before.at) / 1000;
  const rates = [...now.committed].map(([group, offsets]) => {
    const lag = lagOf(now, group);
    return {
      group,
      state: now.states.get(group) ?? 'Unknown',
      lag,
      lagGrowth: before.committed.has(group) ? lag - lagOf(before, group) : 0,
      outPerSecond: perSecond(progress(before.committed.get(group), [...offsets.values()]), seconds),
    };
  });
  return rates.sort((a, b) => b.lag - a.lag || (a.group < b.group ? -1 : 1));
}

function lagOf({ committed, ends }: Look, group: string): number {
  return [...(committed.get(group) ?? [])].reduce((sum, [name, { offset }]) => {
    const end = ends.get(name)?.offset;
    return sum + (end === undefined || offset < 0 ? 0 : Math.max(0, end - offset));
  }, 0);
}

/** How far offsets have come since; what was not there before has begun now. An offset that was set back is no progress. */
function progress(
  before: ReadonlyMap<string, { readonly offset: number }> | undefined,
  now: readonly (TopicPartition & { readonly offset: number })[],
): number {
  return now.reduce((sum, each) => {
    const since = before?.get(`${each.topic}-${each.partition}`)?.offset;
    return since === undefined ? sum : sum + Math.max(0, each.offset - since);
  }, 0);
}

function perSecond(records: number, seconds: number): number {
  return seconds <= 0 ? 0 : Math.round((records / seconds) * 10) / 10;
}

function byName<T extends TopicPartition>(list: readonly T[]): Map<string, T> {
  return new Map(list.map((each) => [`${each.topic}-${each.partition}`, each]));
}

/** Resolves after some seconds, or when somebody has enough: then with false. */
export function waited(seconds: number, interrupted: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), seconds * 1000);
    void interrupted.then(() => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
