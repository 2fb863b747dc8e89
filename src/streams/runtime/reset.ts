/**
 * Has an application begin anew (Kafka's `StreamsResetter`): its group goes back in its input topics, and what it keeps for
 * itself on the cluster is deleted. Local state lies on its hosts: `KafkaStreams.cleanUp()` there, before it is started.
 */
import type { Admin, Client, TopicPartition } from '../../client/index.ts';
import { checkOptions, codeOf, flag, having, listOfTexts, MillraceError, someText } from '../../util/index.ts';

/** Where an application goes on in its input topics, each partition within what it holds. */
export type ResetTo =
  | { readonly position: 'earliest' | 'latest' }
  | { readonly offset: number }
  /** The first records at or after a time, in ms since the epoch. */
  | { readonly timestamp: number }
  /** From where the group is now: behind the last record where it has committed nothing. */
  | { readonly shiftBy: number }
  /** Partitions that are not listed stay where they are. */
  | { readonly offsets: readonly (TopicPartition & { readonly offset: number })[] };

export interface ResetOptions {
  readonly client: Client;
  readonly applicationId: string;
  /** Whose offsets are set. */
  readonly inputTopics?: readonly string[];
  /** Topics that the application writes and reads: their offsets are set to the end. */
  readonly intermediateTopics?: readonly string[];
  /** Deletes only these of the application's internal topics. Default: all. */
  readonly internalTopics?: readonly string[];
  /** Default: the earliest records. */
  readonly to?: ResetTo;
  /** Removes members of the group that are still there, instead of refusing. */
  readonly force?: boolean;
  /** Tells what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

export interface ResetReport {
  readonly removedMembers: readonly string[];
  readonly offsets: readonly (TopicPartition & { readonly offset: number })[];
  readonly deletedTopics: readonly string[];
  /** Topics that could be internal ones of another group as well, whose id is longer: they are left. */
  readonly otherTopics: readonly string[];
  /** Input and intermediate topics that do not exist. */
  readonly missingTopics: readonly string[];
}

const INTERNAL = /-(changelog|repartition|subscription-registration-topic|subscription-response-topic)$/;
/** What Kafka Streams calls the topics of foreign-key joins. */
const FOREIGN_KEY = /-KTABLE-FK-JOIN-SUBSCRIPTION-(REGISTRATION|RESPONSE)-\d+-topic$/;

/** All checks come before the first effect. Rejects with `APPLICATION_ACTIVE` while the application runs. */
export async function resetApplication(options: ResetOptions): Promise<ResetReport> {
  checkOptions('resetApplication', options, {
    client: having('a client', 'consumer', 'admin'),
    applicationId: someText,
    inputTopics: listOfTexts,
    intermediateTopics: listOfTexts,
    internalTopics: listOfTexts,
    to: having('where to'),
    force: flag,
    dryRun: flag,
  });
  const { client, applicationId, inputTopics = [], intermediateTopics = [], force, dryRun } = options;
  const admin = client.admin();
  const members = await membersOf(admin, applicationId);
  if (members.length > 0 && force !== true) {
    throw new MillraceError(
      'APPLICATION_ACTIVE',
      `the application ${applicationId} is still active, its group has the members ${members.join(', ')}: stop all of its ` +
        'instances, or remove the members by force',
    );
  }
  const { own, others } = await internalTopicsOf(admin, options);
  const topics = await admin.describeTopics([...inputTopics, ...intermediateTopics]);
  const partitionsOf = (names: readonly string[]): TopicPartition[] =>
    names.flatMap((topic) => topics.get(topic)?.partitions.map(({ partition }) => ({ topic, partition })) ?? []);
  const inputs = await resetPositions(
    admin,
    applicationId,
    partitionsOf(inputTopics),
    options.to ?? { position: 'earliest' },
  );
  const ends = await admin.listOffsets(partitionsOf(intermediateTopics).map((each) => ({ ...each, timestamp: -1 })));
  const offsets = [...inputs, ...ends.map(({ topic, partition, offset }) => ({ topic, partition, offset }))];
  if (dryRun !== true) {
    if (members.length > 0) {
      const names = members.map((memberId) => ({ memberId }));
      await admin.removeMembers(applicationId, names);
    }
    await commit(client, applicationId, offsets);
    if (own.length > 0) await admin.deleteTopics(own);
  }
  return {
    removedMembers: members,
    offsets,
    deletedTopics: own,
    otherTopics: others,
    missingTopics: [...inputTopics, ...intermediateTopics].filter((topic) => !topics.has(topic)),
  };
}

async function membersOf(admin: Admin, applicationId: string): Promise<string[]> {
  try {
    const [group] = await admin.describeGroups([applicationId]);
    return group!.members.map(({ memberId }) => memberId);
  } catch (error) {
    if (codeOf(error) !== 'GROUP_ID_NOT_FOUND') throw error;
    return [];
  }
}

/** Names don't say where the application's id ends: what begins with a longer id of another group may be that one's. */
async function internalTopicsOf(
  admin: Admin,
  { applicationId, internalTopics: wanted }: ResetOptions,
): Promise<{ readonly own: readonly string[]; readonly others: readonly string[] }> {
  const prefix = `${applicationId}-`;
  const found = (await admin.listTopics())
    .filter((name) => name.startsWith(prefix) && (INTERNAL.test(name) || FOREIGN_KEY.test(name)))
    .sort();
  if (wanted !== undefined) {
    const foreign = wanted.filter((name) => !found.includes(name));
    if (foreign.length > 0) {
      const there = found.join(', ') || 'none';
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `${foreign.join(', ')}: not internal topics of the application ${applicationId}; there are ${there}`,
      );
    }
    return { own: wanted, others: [] };
  }
  const groups = (await admin.listGroups()).map(({ groupId }) => groupId).filter((id) => id.startsWith(prefix));
  const isOthers = (name: string): boolean => groups.some((id) => name.startsWith(`${id}-`));
  return { own: found.filter((name) => !isOthers(name)), others: found.filter(isOthers) };
}

/** Where partitions are set to: between their first record and behind their last one. */
export async function resetPositions(
  admin: Admin,
  groupId: string,
  partitions: readonly TopicPartition[],
  to: ResetTo,
): Promise<(TopicPartition & { offset: number })[]> {
  const at = (timestamp: number) => admin.listOffsets(partitions.map((each) => ({ ...each, timestamp })));
  const [beginnings, ends] = await Promise.all([at(-2), at(-1)]);
  // Times before 1970 would be taken for names of offsets.
  const found = 'timestamp' in to ? await at(Math.max(0, to.timestamp)) : [];
  const committed = new Map(
    'shiftBy' in to ? (await admin.committedOffsets(groupId)).map((each) => [nameOf(each), each.offset]) : [],
  );
  const listed = new Map('offsets' in to ? to.offsets.map((each) => [nameOf(each), each.offset]) : []);
  const wanted = (i: number): number | undefined => {
    const name = nameOf(partitions[i]!);
    const [beginning, end] = [beginnings[i]!.offset, ends[i]!.offset];
    if ('position' in to) return to.position === 'earliest' ? beginning : end;
    if ('offset' in to) return to.offset;
    if ('timestamp' in to) return found[i]!.offset < 0 ? end : found[i]!.offset;
    if ('offsets' in to) return listed.get(name);
    const now = committed.get(name) ?? -1;
    return (now < 0 ? end : now) + to.shiftBy;
  };
  return partitions.flatMap(({ topic, partition }, i) => {
    const offset = wanted(i);
    if (offset === undefined) return [];
    return [{ topic, partition, offset: Math.min(Math.max(offset, beginnings[i]!.offset), ends[i]!.offset) }];
  });
}

/** From outside of the group, without what was noted beside the offsets before. */
async function commit(
  client: Client,
  groupId: string,
  offsets: readonly (TopicPartition & { readonly offset: number })[],
): Promise<void> {
  if (offsets.length === 0) return;
  const consumer = client.consumer({ groupId });
  try {
    await consumer.commit(offsets);
  } finally {
    await consumer.close();
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
