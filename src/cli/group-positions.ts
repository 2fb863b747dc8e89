// How far groups have come, for all commands that tell of groups and set their offsets.
import type { Admin, GroupDescription, GroupMemberDescription, TopicPartition } from '../client/index.ts';
import { codeOf, MillraceError } from '../util/index.ts';

/** What a group has read of a partition, and who in it reads it. */
export interface GroupPosition extends TopicPartition {
  /** Undefined: nothing is committed. */
  readonly offset: number | undefined;
  /** Where the partition ends; undefined: it is not there any more. */
  readonly end: number | undefined;
  /** Records that the group has not read yet; undefined where either of them is. */
  readonly lag: number | undefined;
  readonly member: GroupMemberDescription | undefined;
}

/** Undefined: there is no such group. */
export async function groupOf(admin: Admin, groupId: string): Promise<GroupDescription | undefined> {
  try {
    const [group] = await admin.describeGroups([groupId]);
    return group!.state === 'Dead' ? undefined : group!;
  } catch (error) {
    if (codeOf(error) === 'GROUP_ID_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Those of all partitions that the group reads, or has committed offsets of. */
export async function groupPositions(admin: Admin, { groupId, members }: GroupDescription): Promise<GroupPosition[]> {
  const committed = new Map((await admin.committedOffsets(groupId)).map((each) => [nameOf(each), each.offset]));
  const readers = new Map(
    members.flatMap((member) => member.assignment.map((each) => [nameOf(each), member] as const)),
  );
  const partitions = [...new Set([...readers.keys(), ...committed.keys()])].map(partitionOf);
  const ends = await endsOf(admin, partitions);
  return partitions.map((each) => {
    const name = nameOf(each);
    const [offset, end] = [committed.get(name), ends.get(name)];
    const lag = offset === undefined || offset < 0 || end === undefined ? undefined : Math.max(0, end - offset);
    return { ...each, offset, end, lag, member: readers.get(name) };
  });
}

/** Where partitions end; those that are not there any more are left out. */
async function endsOf(admin: Admin, partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
  const topics = await admin.describeReplicas([...new Set(partitions.map(({ topic }) => topic))]);
  const counts = new Map(topics.map((topic) => [topic.name, topic.partitions.length]));
  const there = partitions.filter(({ topic, partition }) => partition < (counts.get(topic) ?? 0));
  const ends = await admin.listOffsets(there.map((each) => ({ ...each, timestamp: -1 })));
  return new Map(ends.map((each) => [nameOf(each), each.offset]));
}

/** Partitions as they are written: `topic` (all of them), or `topic:0,1`. Refuses what is not there. */
export async function namedPartitions(admin: Admin, wanted: readonly string[]): Promise<TopicPartition[]> {
  const named = wanted.map((text): [topic: string, partitions: number[] | undefined] => {
    const match = /^([^:]+):([\d,]+)$/.exec(text);
    return match === null ? [text, undefined] : [match[1]!, match[2]!.split(',').map(Number)];
  });
  const topics = await admin.describeReplicas([...new Set(named.map(([topic]) => topic))]);
  return named.flatMap(([topic, partitions]) => {
    const count = topics.find(({ name }) => name === topic)?.partitions.length;
    if (count === undefined) throw missing(`the topic '${topic}' does not exist`);
    const beyond = partitions?.find((partition) => partition >= count);
    if (beyond !== undefined) throw missing(`the topic '${topic}' has no partition ${beyond}`);
    return (partitions ?? Array.from({ length: count }, (_, i) => i)).map((partition) => ({ topic, partition }));
  });
}

/** Where the group is; where it has committed nothing, the end. */
export async function currentPositions(
  admin: Admin,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<(TopicPartition & { offset: number })[]> {
  const committed = new Map((await admin.committedOffsets(groupId)).map((each) => [nameOf(each), each.offset]));
  const ends = await admin.listOffsets(partitions.map((each) => ({ ...each, timestamp: -1 })));
  return ends.map(({ topic, partition, offset }) => ({
    topic,
    partition,
    offset: committed.get(nameOf({ topic, partition })) ?? offset,
  }));
}

function missing(why: string): MillraceError {
  return new MillraceError('UNKNOWN_TOPIC_OR_PARTITION', why);
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

function partitionOf(name: string): TopicPartition {
  const dash = name.lastIndexOf('-');
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) };
}
