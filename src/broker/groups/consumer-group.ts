/**
 * A group in the consumer protocol (KIP-848). Members say in heartbeats what they read; the broker decides who gets what.
 *
 *     a subscription or its topics change → the group's epoch rises → the target is computed for it (assignors.ts)
 *     → each member, at its own heartbeats, comes from what it has to its target (reconciliation.ts)
 *
 * There is no moment at which all have to wait: whoever's partitions do not move reads on. What changes is in memory at once and in
 * the journal when the heartbeat is answered. Members that still speak the classic protocol take part in classic-members.ts.
 */
import { ErrorCode, MemberEpoch } from '../../protocol/index.ts';
import { type Environment, MillraceError } from '../../util/index.ts';
import type { JournalRecord } from '../internal-topic.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { type AssignorMember, CONSUMER_ASSIGNORS } from './assignors.ts';
import { ConsumerMember, type MemberDescription, restoredOwnership, storedOwnership } from './consumer-member.ts';
import {
  consumerGroupCurrentMemberAssignment,
  consumerGroupMemberMetadata,
  consumerGroupMetadata,
  consumerGroupRegularExpression,
  consumerGroupTargetAssignmentMember,
  consumerGroupTargetAssignmentMetadata,
  type StoredConsumerGroup,
} from './consumer-records.ts';
import type { CommitCheck, Committer, GroupProtocol } from './group-protocol.ts';
import { byTopic, isSame, type PartitionKey, partitionKey, partitionKeys, topicIdOf } from './partition-sets.ts';
import { isSameKeys, MemberState, type Ownership, reconciled } from './reconciliation.ts';
import {
  bothSee,
  compilePattern,
  hashOfTopics,
  type Sight,
  type TopicCatalogue,
  TopicPatterns,
} from './subscriptions.ts';

export interface ConsumerGroupSettings {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** The least time between two assignments. */
  readonly assignmentIntervalMs: number;
  readonly maxSize: number;
  /** Names; the first is taken where members do not ask for one. */
  readonly assignors: readonly string[];
}

export interface ConsumerGroupEnvironment {
  readonly environment: Environment;
  readonly topics: TopicCatalogue;
  settingsOf(groupId: string): ConsumerGroupSettings;
  /** Stores records; calls back with an error code when they are durable. */
  append(groupId: string, records: readonly JournalRecord[], done: (errorCode: number) => void): void;
  /** Told before members go (or another takes a static one's place): true when the group has become a classic one without them. */
  becomesClassic(group: ConsumerGroup, without: readonly ConsumerMember[]): boolean;
}

/** What a member says in a heartbeat; null where nothing has changed. */
export interface ConsumerHeartbeat {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly subscribedTopicNames: readonly string[] | null;
  readonly subscribedTopicRegex: string | null;
  readonly serverAssignor: string | null;
  readonly topicPartitions: readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Which of the topics that a pattern matches are for its eyes. */
  readonly maySee?: Sight;
}

export interface ConsumerHeartbeatAnswer {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** Null when it is as it was. */
  readonly assignment: { readonly topicPartitions: { topicId: string; partitions: number[] }[] } | null;
}

/** Epochs of a group that nobody has subscribed to anything in. */
const FIRST_EPOCH = 1;
const NOTHING: ReadonlySet<PartitionKey> = new Set();

export class ConsumerGroup implements GroupProtocol {
  readonly type = 'consumer';
  readonly protocolType = 'consumer';
  readonly id: string;
  readonly members = new Map<string, ConsumerMember>();
  epoch = FIRST_EPOCH;
  assignmentEpoch = FIRST_EPOCH;
  stateSince: number;
  readonly #env: ConsumerGroupEnvironment;
  /** Member ids by instance id. */
  readonly #static = new Map<string, string>();
  readonly #targets = new Map<string, ReadonlySet<PartitionKey>>();
  /** Who has a partition, or has not given it up yet. */
  readonly #owners = new Map<PartitionKey, string>();
  readonly #patterns: TopicPatterns;
  #metadataHash = 0;
  /** The topics' version that the hash was computed at. */
  #seenVersion = -1;
  /** When the target was last computed. */
  #assignedAt = Number.NEGATIVE_INFINITY;
  /** Whether the journal lacks the group, or something of it: with the next change the whole of it is written. */
  #isUnsaved = true;

  constructor(id: string, env: ConsumerGroupEnvironment) {
    this.id = id;
    this.#env = env;
    this.#patterns = new TopicPatterns(env.topics);
    this.stateSince = env.environment.now();
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  get state(): string {
    if (this.isEmpty) return 'Empty';
    if (this.epoch > this.assignmentEpoch) return 'Assigning';
    return [...this.members.values()].every((member) => this.#isReconciled(member)) ? 'Stable' : 'Reconciling';
  }

  get bytes(): number {
    let sum = ENTRY_BYTES + textBytes(this.id);
    for (const member of this.members.values()) sum += member.bytes;
    return sum;
  }

  /** What most members ask for, else the first of the settings. */
  get assignorName(): string {
    const votes = new Map<string, number>();
    for (const { description } of this.members.values()) {
      const choice = description.serverAssignor;
      if (choice !== null) votes.set(choice, (votes.get(choice) ?? 0) + 1);
    }
    const best = [...votes].sort(([, a], [, b]) => b - a)[0];
    return best?.[0] ?? this.settings.assignors[0]!;
  }

  get settings(): ConsumerGroupSettings {
    return this.#env.settingsOf(this.id);
  }

  targetOf(memberId: string): ReadonlySet<PartitionKey> {
    return this.#targets.get(memberId) ?? NOTHING;
  }

  // ── Heartbeats ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is refused throws before anything has changed. */
  heartbeat(beat: ConsumerHeartbeat, answer: (answer: ConsumerHeartbeatAnswer, errorCode: number) => void): void {
    if (beat.memberEpoch < 0) return this.#leave(beat, answer);
    const isJoining = beat.memberEpoch === MemberEpoch.join;
    if (beat.subscribedTopicRegex) compilePattern(beat.subscribedTopicRegex);
    if (isJoining) this.checkRoom(beat.memberId);
    const owned = beat.topicPartitions === null ? null : partitionKeys(beat.topicPartitions);
    if (!isJoining) this.#checkEpoch(this.#memberOf(beat), beat.memberEpoch, owned);
    const changes: JournalRecord[] = [];
    const member = isJoining ? this.enter(beat.memberId, beat.instanceId, changes) : this.members.get(beat.memberId)!;
    const before = member.ownership;
    member.maySee = beat.maySee;
    this.take(member, described(member.description, beat), owned, changes);
    member.keepAlive(this.#env.environment, this.settings.sessionTimeoutMs, () => this.#fence(member));
    const { ownership } = member;
    const isFull =
      beat.rebalanceTimeoutMs !== -1 &&
      (beat.subscribedTopicNames !== null || beat.subscribedTopicRegex !== null) &&
      owned !== null;
    const isTold = isJoining || isFull || !isSameKeys(before.assigned, ownership.assigned);
    const result = {
      memberId: member.id,
      memberEpoch: ownership.epoch,
      heartbeatIntervalMs: this.settings.heartbeatIntervalMs,
      assignment: isTold ? { topicPartitions: byTopic(ownership.assigned.keys()) } : null,
    };
    this.store(changes, (errorCode) => answer(result, errorCode));
  }

  /** Refuses a new member where there is no room for it. */
  checkRoom(memberId: string): void {
    const { maxSize } = this.settings;
    if (this.members.has(memberId) || this.members.size < maxSize) return;
    const message = `The consumer group has reached its maximum capacity of ${maxSize} members.`;
    throw new MillraceError('GROUP_MAX_SIZE_REACHED', message);
  }

  /** The member of that id, who is new, or takes the place of a static one that has left for now. */
  enter(memberId: string, instanceId: string | null, changes: JournalRecord[], mayReplace = false): ConsumerMember {
    const holder = instanceId === null ? undefined : this.staticMember(instanceId);
    if (holder === undefined) {
      const known = this.members.get(memberId);
      if (known !== undefined) return known;
      const member = new ConsumerMember(memberId, NO_DESCRIPTION);
      this.members.set(memberId, member);
      return member;
    }
    if (!mayReplace && holder.ownership.epoch !== MemberEpoch.leaveForNow) {
      const owner = `the instance id is owned by ${holder.id} member.`;
      const message = `Static member ${memberId} with instance id ${instanceId} cannot join the group because ${owner}`;
      throw new MillraceError('UNRELEASED_INSTANCE_ID', message);
    }
    if (holder.id === memberId) return holder;
    const member = new ConsumerMember(memberId, holder.description);
    const ownership = { ...holder.ownership, previousEpoch: 0 };
    const target = this.targetOf(holder.id);
    this.#drop(holder, changes);
    this.members.set(memberId, member);
    this.#static.set(instanceId!, memberId);
    this.#own(member, ownership);
    this.#targets.set(memberId, target);
    changes.push(this.#memberRecord(member), this.#targetRecord(member.id), this.#ownershipRecord(member));
    return member;
  }

  /**
   * Takes over what a member says of itself, assigns anew where that is due, and brings the member nearer to its target. All that
   * has to be stored is added to `changes`.
   */
  take(
    member: ConsumerMember,
    description: MemberDescription,
    owned: ReadonlySet<PartitionKey> | null,
    changes: JournalRecord[],
  ): void {
    const before = member.description;
    const isOther = JSON.stringify(before) !== JSON.stringify(description);
    member.description = description;
    if (description.instanceId !== null) this.#static.set(description.instanceId, member.id);
    if (isOther) changes.push(this.#memberRecord(member));
    const hasSubscribed =
      before.subscribedTopicNames.join() !== description.subscribedTopicNames.join() ||
      (before.subscribedTopicRegex ?? '') !== (description.subscribedTopicRegex ?? '');
    this.#lookAtTopics(hasSubscribed, changes);
    this.#assign(changes);
    const read = this.#topicIdsOf(description);
    this.#move(
      member,
      reconciled(member.ownership, {
        targetEpoch: this.assignmentEpoch,
        target: this.targetOf(member.id),
        isTaken: (key) => this.#owners.has(key) && this.#owners.get(key) !== member.id,
        owned,
        isUnwanted: hasSubscribed ? (key) => !read.has(topicIdOf(key)) : () => false,
      }),
      changes,
    );
  }

  /** Stores what has changed, and more where something could not be stored before. */
  store(changes: readonly JournalRecord[], done: (errorCode: number) => void): void {
    if (changes.length === 0 && !this.#isUnsaved) return done(ErrorCode.NONE);
    const records = this.#isUnsaved ? [...changes, ...this.#allRecords()] : changes;
    this.#isUnsaved = false;
    this.#env.append(this.id, records, (errorCode) => {
      if (errorCode !== ErrorCode.NONE) this.#isUnsaved = true;
      done(errorCode);
    });
  }

  #move(member: ConsumerMember, ownership: Ownership, changes: JournalRecord[]): void {
    if (ownership !== member.ownership) {
      this.#own(member, ownership);
      changes.push(this.#ownershipRecord(member));
    }
    if (ownership.state !== MemberState.unrevoked) return member.done('revoke');
    const { environment } = this.#env;
    const { epoch } = ownership;
    member.expect('revoke', { environment, ms: member.description.rebalanceTimeoutMs }, () => {
      if (member.ownership.epoch === epoch) this.#fence(member);
    });
  }

  #own(member: ConsumerMember, ownership: Ownership): void {
    for (const key of [...member.ownership.assigned.keys(), ...member.ownership.revoking.keys()]) {
      if (this.#owners.get(key) === member.id) this.#owners.delete(key);
    }
    member.ownership = ownership;
    for (const key of [...ownership.assigned.keys(), ...ownership.revoking.keys()]) this.#owners.set(key, member.id);
  }

  // ── Who may speak ───────────────────────────────────────────────────────────────────────────────────────────────

  staticMember(instanceId: string): ConsumerMember | undefined {
    const id = this.#static.get(instanceId);
    return id === undefined ? undefined : this.members.get(id);
  }

  #memberOf({ memberId, instanceId }: Pick<ConsumerHeartbeat, 'memberId' | 'instanceId'>): ConsumerMember {
    if (instanceId !== null) {
      const holder = this.staticMember(instanceId);
      if (holder === undefined) throw new MillraceError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`);
      if (holder.id !== memberId) {
        const message = `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.id}.`;
        throw new MillraceError('FENCED_INSTANCE_ID', message);
      }
      return holder;
    }
    const member = this.members.get(memberId);
    if (member !== undefined) return member;
    throw new MillraceError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${this.id}.`);
  }

  #checkEpoch(member: ConsumerMember, received: number, owned: ReadonlySet<PartitionKey> | null): void {
    const { epoch, previousEpoch, assigned } = member.ownership;
    if (received === epoch) return;
    // Its last answer was lost: what it has is still its own.
    if (received === previousEpoch && owned !== null && [...owned].every((key) => assigned.has(key))) return;
    const comparison = received > epoch ? 'greater' : 'smaller';
    const message =
      `The consumer group member has a ${comparison} member epoch (${received}) than the one known by the group coordinator ` +
      `(${epoch}). The member must abandon all its partitions and rejoin.`;
    throw new MillraceError('FENCED_MEMBER_EPOCH', message);
  }

  commitCheck({ memberId, epoch, knowsEpochs, isTransactional }: Committer): CommitCheck {
    if (epoch < 0 && this.isEmpty) return () => ErrorCode.NONE;
    // A transaction without a member in it is by a producer that was not told of one.
    if (epoch < 0 && memberId === '' && isTransactional) return () => ErrorCode.NONE;
    const member = this.members.get(memberId);
    if (member === undefined) return () => ErrorCode.UNKNOWN_MEMBER_ID;
    if (!member.isClassic && !knowsEpochs && !isTransactional) return () => ErrorCode.UNSUPPORTED_VERSION;
    // The answer to a transaction's commit knows no epochs.
    const isGeneration = member.isClassic || isTransactional;
    const stale = isGeneration ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH;
    const { ownership } = member;
    if (epoch > ownership.epoch) return () => stale;
    if (epoch === ownership.epoch) return () => ErrorCode.NONE;
    // One that has not heard of its new epoch yet may commit what it has had since before.
    return (topicId, partition) => {
      const key = partitionKey(topicId, partition);
      const since = ownership.assigned.get(key) ?? ownership.revoking.get(key);
      return since !== undefined && since <= epoch ? ErrorCode.NONE : stale;
    };
  }

  checkFetch(memberId: string | null, epoch: number): number {
    if (epoch < 0 && (memberId === null || memberId === '')) return ErrorCode.NONE;
    const member = this.members.get(memberId ?? '');
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    return member.ownership.epoch === epoch ? ErrorCode.NONE : ErrorCode.STALE_MEMBER_EPOCH;
  }

  /** Whether something that the member is to have is not free yet. */
  waitsForOthers(memberId: string): boolean {
    const { assigned } = this.members.get(memberId)!.ownership;
    return [...this.targetOf(memberId)].some((key) => !assigned.has(key) && this.#owners.has(key));
  }

  // ── Topics and targets ──────────────────────────────────────────────────────────────────────────────────────────

  subscribedTopics(): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { description } of this.members.values()) for (const name of this.#namesOf(description)) names.add(name);
    return names;
  }

  *#namesOf({ subscribedTopicNames, subscribedTopicRegex }: MemberDescription): Iterable<string> {
    yield* subscribedTopicNames;
    yield* this.#patterns.names(subscribedTopicRegex);
  }

  #topicIdsOf(description: MemberDescription): Set<string> {
    const ids = new Set<string>();
    for (const name of this.#namesOf(description)) {
      const topic = this.#env.topics.get(name);
      if (topic !== undefined) ids.add(topic.id);
    }
    return ids;
  }

  /** Finds out whether the group reads other topics, or the same with other partitions: then a new epoch begins. */
  #lookAtTopics(hasSubscribed: boolean, changes: JournalRecord[]): void {
    const { topics, environment } = this.#env;
    if (!hasSubscribed && this.#seenVersion === topics.version) return;
    this.#seenVersion = topics.version;
    const patterns = new Map<string, Sight>();
    for (const { description, maySee } of this.members.values()) {
      const pattern = description.subscribedTopicRegex;
      // Members with the same pattern are given the same topics: those that all of them may see.
      if (pattern) patterns.set(pattern, bothSee(patterns.get(pattern), maySee));
    }
    const { changed, gone } = this.#patterns.follow(patterns);
    const groupId = this.id;
    for (const regularExpression of gone) {
      changes.push(consumerGroupRegularExpression.tombstone({ groupId, regularExpression }));
    }
    for (const regularExpression of changed) {
      const value = {
        topics: this.#patterns.names(regularExpression),
        version: topics.version,
        timestamp: environment.now(),
      };
      changes.push(consumerGroupRegularExpression.record({ groupId, regularExpression }, value));
    }
    const hash = hashOfTopics(topics, this.subscribedTopics());
    if (!hasSubscribed && hash === this.#metadataHash) return;
    this.#metadataHash = hash;
    this.bump(changes);
  }

  /** A new epoch: the target has to be computed for it. */
  bump(changes: JournalRecord[]): void {
    this.epoch++;
    changes.push(this.#epochRecord());
  }

  #assign(changes: JournalRecord[]): void {
    const { environment, topics } = this.#env;
    if (this.assignmentEpoch === this.epoch) return;
    const { assignmentIntervalMs, assignors } = this.settings;
    if (environment.now() - this.#assignedAt < assignmentIntervalMs) return;
    const members = new Map<string, AssignorMember>();
    const partitions = new Map<string, number>();
    for (const { id, description } of this.members.values()) {
      const read = this.#topicIdsOf(description);
      members.set(id, { instanceId: description.instanceId, topics: read, before: this.targetOf(id) });
      for (const topicId of read) partitions.set(topicId, topics.byId(topicId)!.partitions.length);
    }
    const wanted = this.assignorName;
    const assignor = CONSUMER_ASSIGNORS[wanted] ?? CONSUMER_ASSIGNORS[assignors[0]!]!;
    for (const [id, target] of assignor({ members, partitions })) {
      if (isSame(target, this.targetOf(id))) continue;
      this.#targets.set(id, target);
      changes.push(this.#targetRecord(id));
    }
    this.assignmentEpoch = this.epoch;
    this.#assignedAt = environment.now();
    changes.push(this.#assignmentEpochRecord());
  }

  // ── Leaving ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #leave(beat: ConsumerHeartbeat, answer: (answer: ConsumerHeartbeatAnswer, errorCode: number) => void): void {
    const member = this.#memberOf(beat);
    const { memberId, memberEpoch } = beat;
    const gone = { memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: null };
    if (memberEpoch !== MemberEpoch.leaveForNow) {
      return this.remove([member], (errorCode) => answer(gone, errorCode));
    }
    const changes: JournalRecord[] = [];
    member.done('revoke');
    this.#own(member, { ...member.ownership, epoch: memberEpoch, revoking: new Map() });
    changes.push(this.#ownershipRecord(member));
    this.store(changes, (errorCode) => answer(gone, errorCode));
  }

  /** Takes members out. Where the last one that speaks the consumer protocol goes, the others go on as a classic group. */
  remove(members: readonly ConsumerMember[], done: (errorCode: number) => void): void {
    if (members.length === 0) return done(ErrorCode.NONE);
    if (this.#env.becomesClassic(this, members)) return done(ErrorCode.NONE);
    const changes: JournalRecord[] = [];
    for (const member of members) {
      this.#drop(member, changes);
      const { instanceId } = member.description;
      if (instanceId !== null) this.#static.delete(instanceId);
    }
    this.bump(changes);
    if (this.isEmpty) {
      this.stateSince = this.#env.environment.now();
      this.#assignedAt = Number.NEGATIVE_INFINITY;
      this.#assign(changes);
      // Whoever comes next need not wait.
      this.#assignedAt = Number.NEGATIVE_INFINITY;
    }
    this.store(changes, done);
  }

  /** A member that was not heard of, or did not do in time what it had to. */
  fence(member: ConsumerMember): void {
    this.#fence(member);
  }

  #fence(member: ConsumerMember): void {
    if (this.members.get(member.id) === member) this.remove([member], () => {});
  }

  forgetMember(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) this.#fence(member);
  }

  #drop(member: ConsumerMember, changes: JournalRecord[]): void {
    member.stop();
    this.#own(member, { ...member.ownership, assigned: new Map(), revoking: new Map() });
    this.members.delete(member.id);
    this.#targets.delete(member.id);
    changes.push(...memberTombstones(this.id, member.id));
  }

  kill(): void {
    this.stop();
    this.members.clear();
  }

  stop(): void {
    for (const member of this.members.values()) member.stop();
  }

  // ── Journal ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes over what the journal has; members have a session's time to be heard of. `isGone` says who can't come back. */
  restore(stored: StoredConsumerGroup, isGone: (member: MemberDescription) => boolean): void {
    this.epoch = stored.epoch;
    this.#metadataHash = stored.metadataHash;
    this.assignmentEpoch = stored.assignmentEpoch;
    for (const [id, target] of stored.targets) this.#targets.set(id, partitionKeys(target));
    for (const [id, description] of stored.members) {
      const ownership = stored.owned.get(id);
      this.adopt(new ConsumerMember(id, copied(description)), ownership && restoredOwnership(ownership));
    }
    this.#isUnsaved = false;
    this.remove(
      [...this.members.values()].filter(({ description }) => isGone(description)),
      () => {},
    );
  }

  /** Adds a member that was one before, here or in a classic group; with the target that is what it has, unless it has one. */
  adopt(member: ConsumerMember, ownership: Ownership | undefined): void {
    const { id, description } = member;
    this.members.set(id, member);
    if (description.instanceId !== null) this.#static.set(description.instanceId, id);
    if (ownership !== undefined) this.#own(member, ownership);
    if (!this.#targets.has(id)) this.#targets.set(id, new Set(member.ownership.assigned.keys()));
    const { classicMemberMetadata } = description;
    const timeoutMs = classicMemberMetadata?.sessionTimeoutMs ?? this.settings.sessionTimeoutMs;
    member.keepAlive(this.#env.environment, timeoutMs, () => this.#fence(member));
    if (member.ownership.state === MemberState.unrevoked) this.#move(member, member.ownership, []);
  }

  tombstones(): JournalRecord[] {
    const groupId = this.id;
    return [
      ...[...this.members.keys()].flatMap((memberId) => memberTombstones(groupId, memberId)),
      consumerGroupTargetAssignmentMetadata.tombstone({ groupId }),
      consumerGroupMetadata.tombstone({ groupId }),
    ];
  }

  #allRecords(): JournalRecord[] {
    return [
      ...[...this.members.values()].map((member) => this.#memberRecord(member)),
      this.#epochRecord(),
      ...[...this.members.keys()].map((id) => this.#targetRecord(id)),
      this.#assignmentEpochRecord(),
      ...[...this.members.values()].map((member) => this.#ownershipRecord(member)),
    ];
  }

  #epochRecord(): JournalRecord {
    const { epoch } = this;
    return consumerGroupMetadata.record({ groupId: this.id }, { epoch, metadataHash: this.#metadataHash });
  }

  #assignmentEpochRecord(): JournalRecord {
    const assignmentTimestamp = Math.max(0, this.#assignedAt);
    const value = { assignmentEpoch: this.assignmentEpoch, assignmentTimestamp };
    return consumerGroupTargetAssignmentMetadata.record({ groupId: this.id }, value);
  }

  #memberRecord({ id, description }: ConsumerMember): JournalRecord {
    return consumerGroupMemberMetadata.record({ groupId: this.id, memberId: id }, description);
  }

  #targetRecord(memberId: string): JournalRecord {
    const topicPartitions = byTopic(this.targetOf(memberId));
    return consumerGroupTargetAssignmentMember.record({ groupId: this.id, memberId }, { topicPartitions });
  }

  #ownershipRecord({ id, ownership }: ConsumerMember): JournalRecord {
    return consumerGroupCurrentMemberAssignment.record({ groupId: this.id, memberId: id }, storedOwnership(ownership));
  }

  #isReconciled({ ownership }: ConsumerMember): boolean {
    return ownership.state === MemberState.stable && ownership.epoch === this.assignmentEpoch;
  }
}

const NO_DESCRIPTION: MemberDescription = {
  instanceId: null,
  rackId: null,
  clientId: '',
  clientHost: '',
  subscribedTopicNames: [],
  subscribedTopicRegex: '',
  rebalanceTimeoutMs: -1,
  serverAssignor: null,
  classicMemberMetadata: null,
};

/** What a member has said so far, with what it says now. */
function described(before: MemberDescription, beat: ConsumerHeartbeat): MemberDescription {
  return {
    instanceId: beat.instanceId ?? before.instanceId,
    rackId: beat.rackId ?? before.rackId,
    clientId: beat.clientId,
    clientHost: beat.clientHost,
    subscribedTopicNames:
      beat.subscribedTopicNames === null ? before.subscribedTopicNames : [...beat.subscribedTopicNames].sort(),
    subscribedTopicRegex: beat.subscribedTopicRegex ?? before.subscribedTopicRegex,
    rebalanceTimeoutMs: beat.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : beat.rebalanceTimeoutMs,
    serverAssignor: beat.serverAssignor ?? before.serverAssignor,
    classicMemberMetadata: null,
  };
}

/** Received bytes are views of a batch: what is kept is copied. */
function copied(description: MemberDescription): MemberDescription {
  const classic = description.classicMemberMetadata;
  if (classic === null) return description;
  const supportedProtocols = classic.supportedProtocols.map(({ name, metadata }) => ({
    name,
    metadata: Buffer.from(metadata),
  }));
  return { ...description, classicMemberMetadata: { ...classic, supportedProtocols } };
}

function memberTombstones(groupId: string, memberId: string): JournalRecord[] {
  return [
    consumerGroupCurrentMemberAssignment.tombstone({ groupId, memberId }),
    consumerGroupTargetAssignmentMember.tombstone({ groupId, memberId }),
    consumerGroupMemberMetadata.tombstone({ groupId, memberId }),
  ];
}
