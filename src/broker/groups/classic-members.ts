/**
 * Members of a consumer group that still speak the classic protocol (KIP-848, online migration): they join, sync and beat as ever,
 * and get what the broker assigns. None of them leads. When a member has to give something up or gets something it is told to
 * join again; what it owns then is what it says in its subscription.
 */
import { ErrorCode } from '../../protocol/index.ts';
import { codeOf, type Environment, MillraceError } from '../../util/index.ts';
import type { JournalRecord } from '../internal-topic.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember, MemberDescription } from './consumer-member.ts';
import { readSubscription, type Subscription, writeAssignment } from './embedded-protocol.ts';
import {
  type JoinRequest,
  type JoinResult,
  refusedJoin,
  refusedSync,
  type SyncRequest,
  type SyncResult,
} from './group-requests.ts';
import { byTopic, type PartitionKey, partitionKeys } from './partition-sets.ts';
import { MemberState } from './reconciliation.ts';
import type { TopicCatalogue } from './subscriptions.ts';

export class ClassicMembers {
  readonly #environment: Environment;
  readonly #topics: TopicCatalogue;

  constructor(environment: Environment, topics: TopicCatalogue) {
    this.#environment = environment;
    this.#topics = topics;
  }

  /** `newId` is what the member is called when it has no id yet. */
  join(group: ConsumerGroup, request: JoinRequest, newId: string, answer: (result: JoinResult) => void): void {
    const { instanceId } = request;
    const memberId = request.memberId === '' ? newId : request.memberId;
    try {
      group.checkRoom(memberId);
      if (!supports(group, request))
        return answer(refusedJoin(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.memberId));
      if (request.memberId === '' && instanceId === null && request.requiresKnownMemberId) {
        return answer(refusedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId));
      }
      const said = read(request.protocols[0]!.metadata);
      if (instanceId !== null && request.memberId !== '') checkInstance(group, instanceId, memberId);
      const changes: JournalRecord[] = [];
      const member = group.enter(memberId, instanceId, changes, true);
      group.take(member, describedBy(request, said), this.#owned(said), changes);
      this.#joined(group, member, request, changes, answer);
    } catch (error) {
      const code = codeOf(error) as keyof typeof ErrorCode | undefined;
      if (code === undefined || !(code in ErrorCode)) throw error;
      answer(refusedJoin(ErrorCode[code], request.memberId));
    }
  }

  #joined(
    group: ConsumerGroup,
    member: ConsumerMember,
    { sessionTimeoutMs, rebalanceTimeoutMs, protocols }: JoinRequest,
    changes: readonly JournalRecord[],
    answer: (result: JoinResult) => void,
  ): void {
    const environment = this.#environment;
    const fence = (): void => group.fence(member);
    member.done('join');
    member.done('sync');
    member.keepAlive(environment, sessionTimeoutMs, fence);
    member.expect('sync', { environment, ms: rebalanceTimeoutMs }, fence);
    const generationId = member.ownership.epoch;
    const joined = { ...refusedJoin(ErrorCode.NONE, member.id), generationId, protocolType: group.protocolType };
    group.store(changes, (errorCode) => {
      if (errorCode !== ErrorCode.NONE) answer(refusedJoin(errorCode, member.id));
      else answer({ ...joined, protocolName: protocols[0]!.name });
    });
  }

  sync(group: ConsumerGroup, request: SyncRequest): SyncResult {
    const { protocolType, protocolName } = request;
    const found = this.#check(group, request.memberId, request.instanceId, request.generationId);
    if (typeof found === 'number') return refusedSync(found);
    const { classicMemberMetadata } = found.description;
    const own = classicMemberMetadata!.supportedProtocols[0]!;
    const isOther =
      (protocolType !== null && protocolType !== group.protocolType) ||
      (protocolName !== null && protocolName !== own.name);
    if (isOther) return refusedSync(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    // One that has joined again already and is told here what to give up joins once more when it has done that.
    const isBehind = found.ownership.epoch < group.assignmentEpoch && found.ownership.state !== MemberState.unrevoked;
    if (isBehind) return refusedSync(ErrorCode.REBALANCE_IN_PROGRESS);
    found.done('sync');
    this.#keepAlive(group, found);
    const assigned = byTopic(found.ownership.assigned.keys()).flatMap(({ topicId, partitions }) => {
      const topic = this.#topics.byId(topicId)?.name;
      return topic === undefined ? [] : [{ topic, partitions }];
    });
    return {
      errorCode: ErrorCode.NONE,
      protocolType: group.protocolType,
      protocolName: own.name,
      assignment: writeAssignment(own.metadata, assigned),
    };
  }

  heartbeat(group: ConsumerGroup, memberId: string, instanceId: string | null, generationId: number): number {
    const found = this.#check(group, memberId, instanceId, generationId);
    if (typeof found === 'number') return found;
    this.#keepAlive(group, found);
    if (!isRebalancing(group, found)) return ErrorCode.NONE;
    const ms = found.description.rebalanceTimeoutMs;
    found.expect('join', { environment: this.#environment, ms }, () => group.fence(found));
    return ErrorCode.REBALANCE_IN_PROGRESS;
  }

  #keepAlive(group: ConsumerGroup, member: ConsumerMember): void {
    const { sessionTimeoutMs } = member.description.classicMemberMetadata!;
    member.keepAlive(this.#environment, sessionTimeoutMs, () => group.fence(member));
  }

  /** The classic member that speaks, or why it may not. */
  #check(
    group: ConsumerGroup,
    memberId: string,
    instanceId: string | null,
    generationId: number,
  ): ConsumerMember | number {
    if (instanceId !== null) {
      const holder = group.staticMember(instanceId);
      if (holder === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
      if (holder.id !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    }
    const member = group.members.get(memberId);
    if (member === undefined || !member.isClassic) return ErrorCode.UNKNOWN_MEMBER_ID;
    return member.ownership.epoch === generationId ? member : ErrorCode.ILLEGAL_GENERATION;
  }

  #owned({ ownedPartitions }: Subscription): ReadonlySet<PartitionKey> {
    return partitionKeys(
      ownedPartitions.flatMap(({ topic, partitions }) => {
        const topicId = this.#topics.get(topic)?.id;
        return topicId === undefined ? [] : [{ topicId, partitions }];
      }),
    );
  }
}

/** LeaveGroup, which takes out members of both protocols. Each answer is an error code, in the order of the list. */
export function leaveConsumerGroup(
  group: ConsumerGroup,
  leaving: readonly { readonly memberId: string; readonly instanceId: string | null }[],
  answer: (errorCodes: number[]) => void,
): void {
  const gone = new Set<ConsumerMember>();
  const errorCodes = leaving.map(({ memberId, instanceId }) => {
    const member = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (instanceId !== null && memberId !== '' && memberId !== member.id) return ErrorCode.FENCED_INSTANCE_ID;
    gone.add(member);
    return ErrorCode.NONE;
  });
  group.remove([...gone], (failed) => answer(errorCodes.map((code) => (code === ErrorCode.NONE ? failed : code))));
}

/** Whether the member has to join again to learn what it is to read. */
function isRebalancing(group: ConsumerGroup, { id, ownership }: ConsumerMember): boolean {
  if (ownership.epoch < group.assignmentEpoch || ownership.state === MemberState.unrevoked) return true;
  return ownership.state === MemberState.unreleased && !group.waitsForOthers(id);
}

/** Whether classic members of the group could all use one of the protocols. */
function supports(group: ConsumerGroup, { memberId, protocolType, protocols }: JoinRequest): boolean {
  if (protocolType !== group.protocolType || protocols.length === 0) return false;
  const offered = protocols.map(({ name }) => name);
  const others = [...group.members.values()].filter((member) => member.isClassic && member.id !== memberId);
  const common = others.reduce<readonly string[]>((names, { description }) => {
    const known = new Set(description.classicMemberMetadata!.supportedProtocols.map(({ name }) => name));
    return names.filter((name) => known.has(name));
  }, offered);
  return common.length > 0;
}

function read(metadata: Buffer): Subscription {
  try {
    return readSubscription(metadata);
  } catch (cause) {
    const message = 'Malformed embedded consumer protocol in subscription deserialization.';
    throw new MillraceError('INVALID_REQUEST', message, { cause });
  }
}

function checkInstance(group: ConsumerGroup, instanceId: string, memberId: string): void {
  const holder = group.staticMember(instanceId);
  if (holder === undefined) throw new MillraceError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`);
  if (holder.id === memberId) return;
  const message = `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.id}.`;
  throw new MillraceError('FENCED_INSTANCE_ID', message);
}

function describedBy(request: JoinRequest, said: Subscription): MemberDescription {
  const { instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = request;
  return {
    instanceId,
    rackId: said.rackId,
    clientId,
    clientHost,
    subscribedTopicNames: [...said.topics].sort(),
    subscribedTopicRegex: '',
    rebalanceTimeoutMs,
    serverAssignor: null,
    classicMemberMetadata: {
      sessionTimeoutMs,
      supportedProtocols: protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    },
  };
}
