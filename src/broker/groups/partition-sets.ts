// Sets of partitions by topic id. A partition is one text in them: the id's 22 characters, a colon, and the index.

export type PartitionKey = string;

/** As messages and records list partitions. */
export interface TopicPartitions {
  readonly topicId: string;
  readonly partitions: readonly number[];
}

const ID_LENGTH = 22;

export function partitionKey(topicId: string, partition: number): PartitionKey {
  return `${topicId}:${partition}`;
}

export function topicIdOf(key: PartitionKey): string {
  return key.slice(0, ID_LENGTH);
}

export function indexOf(key: PartitionKey): number {
  return Number(key.slice(ID_LENGTH + 1));
}

export function partitionKeys(listed: readonly TopicPartitions[]): Set<PartitionKey> {
  const keys = new Set<PartitionKey>();
  for (const { topicId, partitions } of listed) for (const index of partitions) keys.add(partitionKey(topicId, index));
  return keys;
}

/** The same by topic, indexes in order. */
export function byTopic(keys: Iterable<PartitionKey>): { topicId: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const key of keys) {
    const topicId = topicIdOf(key);
    const listed = topics.get(topicId);
    if (listed === undefined) topics.set(topicId, [indexOf(key)]);
    else listed.push(indexOf(key));
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions: partitions.sort((a, b) => a - b) }));
}

export function isSame(a: ReadonlySet<PartitionKey>, b: ReadonlySet<PartitionKey>): boolean {
  return a.size === b.size && a.isSubsetOf(b);
}
