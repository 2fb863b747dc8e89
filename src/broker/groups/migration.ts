/**
 * Groups that change their protocol while they run (KIP-848). A classic group of consumers becomes a consumer group when a member
 * that speaks the consumer protocol joins: everybody keeps what it has. It becomes a classic one again, with a rebalance, when the
 * last such member has left.
 */
import { ErrorCode } from '../../protocol/index.ts';
import { MillraceError } from '../../util/index.ts';
import { ClassicGroup, type GroupEnvironment } from './classic-group.ts';
import { ConsumerGroup, type ConsumerGroupEnvironment } from './consumer-group.ts';
import { ConsumerMember } from './consumer-member.ts';
import { readAssignment, readSubscription, type Subscription, writeAssignment } from './embedded-protocol.ts';
import { GroupMember } from './group-member.ts';
import { byTopic, type PartitionKey, partitionKey } from './partition-sets.ts';
import { MemberState } from './reconciliation.ts';
import type { TopicCatalogue } from './subscriptions.ts';

/** `group.consumer.migration.policy`. */
export type MigrationPolicy = 'bidirectional' | 'upgrade' | 'downgrade' | 'disabled';

export const allowsUpgrade = (policy: MigrationPolicy): boolean => policy === 'bidirectional' || policy === 'upgrade';
export const allowsDowngrade = (policy: MigrationPolicy): boolean =>
  policy === 'bidirectional' || policy === 'downgrade';

/** The consumer group with the members of a classic one, whose waiting requests are answered. Throws what forbids it, before. */
export function upgraded(classic: ClassicGroup, env: ConsumerGroupEnvironment, policy: MigrationPolicy): ConsumerGroup {
  const refuse = (why: string): MillraceError =>
    new MillraceError(
      'GROUP_ID_NOT_FOUND',
      `Cannot upgrade classic group ${classic.id} to consumer group because ${why}`,
    );
  if (!allowsUpgrade(policy)) throw refuse('online upgrade is disabled.');
  if (classic.protocolType !== 'consumer') throw refuse('the group does not use the consumer embedded protocol.');
  const group = new ConsumerGroup(classic.id, env);
  if (classic.members.size > group.settings.maxSize) {
    throw refuse('the group size exceeds the consumer group maximum size.');
  }
  let members: ReturnType<typeof memberOf>[];
  try {
    members = [...classic.members.values()].map((member) => memberOf(member, classic, env.topics));
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'UNSUPPORTED_ASSIGNOR') throw refuse(error.message);
    throw refuse('the embedded consumer protocol is malformed.');
  }
  classic.dissolve(ErrorCode.REBALANCE_IN_PROGRESS);
  group.epoch = classic.generation;
  group.assignmentEpoch = classic.generation;
  for (const { member, ownership } of members) group.adopt(member, ownership);
  return group;
}

function memberOf(from: GroupMember, classic: ClassicGroup, topics: TopicCatalogue) {
  const { protocolName, generation } = classic;
  const metadata = from.metadataFor(protocolName ?? from.protocols[0]?.name ?? '');
  const said: Subscription = readSubscription(metadata);
  const { assignedPartitions, userData } = readAssignment(from.assignment);
  if (userData !== null && userData.length > 0) {
    const advice =
      'Please refer to the documentation or switch to a default assignor before re-attempting the upgrade.';
    throw new MillraceError('UNSUPPORTED_ASSIGNOR', `an unsupported custom assignor is in use. ${advice}`);
  }
  const assigned = new Map<PartitionKey, number>();
  for (const { topic, partitions } of assignedPartitions) {
    const topicId = topics.get(topic)?.id;
    if (topicId === undefined) continue;
    for (const index of partitions) assigned.set(partitionKey(topicId, index), generation);
  }
  const member = new ConsumerMember(from.id, {
    instanceId: from.instanceId,
    rackId: said.rackId,
    clientId: from.clientId,
    clientHost: from.clientHost,
    subscribedTopicNames: [...said.topics].sort(),
    subscribedTopicRegex: '',
    rebalanceTimeoutMs: from.rebalanceTimeoutMs,
    serverAssignor: null,
    classicMemberMetadata: { sessionTimeoutMs: from.sessionTimeoutMs, supportedProtocols: from.protocols },
  });
  const ownership = {
    epoch: generation,
    previousEpoch: generation,
    state: MemberState.stable,
    assigned,
    revoking: new Map<PartitionKey, number>(),
  };
  return { member, ownership };
}

/** The classic group with the members that are left of a consumer group; undefined when there are none, or not only classic ones. */
export function downgraded(
  group: ConsumerGroup,
  without: readonly ConsumerMember[],
  env: GroupEnvironment,
  topics: TopicCatalogue,
): ClassicGroup | undefined {
  const left = [...group.members.values()].filter((member) => !without.includes(member));
  if (left.length === 0 || left.length > env.maxSize || !left.every((member) => member.isClassic)) return undefined;
  const classic = new ClassicGroup(group.id, env);
  const members = left.map((member) => classicMemberOf(member, group, topics));
  const [first, ...others] = members;
  const common = first!.protocols.find(({ name }) => others.every((member) => member.supports(name)));
  classic.restore({
    generation: group.epoch,
    protocolType: group.protocolType,
    protocolName: common?.name ?? first!.protocols[0]!.name,
    leader: first!.id,
    stateSince: -1,
    members,
  });
  return classic;
}

function classicMemberOf(
  { id, description }: ConsumerMember,
  group: ConsumerGroup,
  topics: TopicCatalogue,
): GroupMember {
  const { sessionTimeoutMs, supportedProtocols } = description.classicMemberMetadata!;
  const { instanceId, clientId, clientHost, rebalanceTimeoutMs } = description;
  const member = new GroupMember(id, {
    instanceId,
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols: supportedProtocols,
  });
  const target = byTopic(group.targetOf(id)).flatMap(({ topicId, partitions }) => {
    const topic = topics.byId(topicId)?.name;
    return topic === undefined ? [] : [{ topic, partitions }];
  });
  member.assignment = writeAssignment(supportedProtocols[0]!.metadata, target);
  return member;
}
