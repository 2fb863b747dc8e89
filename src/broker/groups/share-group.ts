/**
 * A share group (KIP-932): its members read the same partitions together, record by record. What is decided here is only who reads
 * where; nobody has to give up anything first, so that a member has its target at once. Which records are whose is of
 * ../share/share-partition.ts.
 */
import { ErrorCode, MemberEpoch } from '../../protocol/index.ts';
import { type Environment, MillraceError } from '../../util/index.ts';
import type { JournalRecord } from '../internal-topic.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { type AssignorMember, simple } from './assignors.ts';
import type { CommitCheck, GroupProtocol } from './group-protocol.ts';
import { byTopic, isSame, type PartitionKey, partitionKeys } from './partition-sets.ts';
import { MemberState } from './reconciliation.ts';
import { Session } from './session.ts';
import {
  type ShareDescription,
  shareGroupCurrentMemberAssignment,
  shareGroupMemberMetadata,
  shareGroupMetadata,
  shareGroupStatePartitionMetadata,
  shareGroupTargetAssignmentMember,
  shareGroupTargetAssignmentMetadata,
  type StoredShareGroup,
} from './share-records.ts';
import { hashOfTopics, type TopicCatalogue } from './subscriptions.ts';

export interface ShareGroupSettings {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** The least time between two assignments. */
  readonly assignmentIntervalMs: number;
  readonly maxSize: number;
}

export interface ShareGroupEnvironment {
  readonly environment: Environment;
  readonly topics: TopicCatalogue;
  settingsOf(groupId: string): ShareGroupSettings;
  /** Stores records; calls back with an error code when they are durable. */
  append(groupId: string, records: readonly JournalRecord[], done: (errorCode: number) => void): void;
}

/** What a member says in a heartbeat; null where nothing has changed. */
export interface ShareHeartbeat {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly rackId: string | null;
  readonly subscribedTopicNames: readonly string[] | null;
  readonly clientId: string;
  readonly clientHost: string;
}

export interface ShareHeartbeatAnswer {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** Null when it is as it was. */
  readonly assignment: { readonly topicPartitions: { topicId: string; partitions: number[] }[] } | null;
}

export interface ShareMember {
  readonly id: string;
  description: ShareDescription;
  epoch: number;
  previousEpoch: number;
  assigned: ReadonlySet<PartitionKey>;
  readonly session: Session;
}

/** A topic whose partitions have a state. */
interface KnownTopic {
  readonly name: string;
  readonly partitions: number;
}

const FIRST_EPOCH = 1;
const NOTHING: ReadonlySet<PartitionKey> = new Set();

export class ShareGroup implements GroupProtocol {
  readonly type = 'share';
  readonly protocolType = 'share';
  readonly assignorName = 'simple';
  readonly id: string;
  readonly members = new Map<string, ShareMember>();
  /** By id: what the group has ever read, and was not told to forget. */
  readonly topics = new Map<string, KnownTopic>();
  epoch = FIRST_EPOCH;
  assignmentEpoch = FIRST_EPOCH;
  stateSince: number;
  readonly #env: ShareGroupEnvironment;
  readonly #targets = new Map<string, ReadonlySet<PartitionKey>>();
  #metadataHash = 0;
  #seenVersion = -1;
  #assignedAt = Number.NEGATIVE_INFINITY;
  /** Whether the journal lacks the group, or something of it: with the next change the whole of it is written. */
  #isUnsaved = true;

  constructor(id: string, env: ShareGroupEnvironment) {
    this.id = id;
    this.#env = env;
    this.stateSince = env.environment.now();
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  get state(): string {
    return this.isEmpty ? 'Empty' : 'Stable';
  }

  get bytes(): number {
    let sum = ENTRY_BYTES + textBytes(this.id) + this.topics.size * ENTRY_BYTES;
    for (const { id, description } of this.members.values()) {
      const said = [id, description.clientId, ...description.subscribedTopicNames];
      sum += ENTRY_BYTES + said.reduce((bytes, text) => bytes + textBytes(text), 0);
    }
    return sum;
  }

  // ── Heartbeats ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is refused throws before anything has changed. */
  heartbeat(beat: ShareHeartbeat, answer: (answer: ShareHeartbeatAnswer, errorCode: number) => void): void {
    const { memberId, memberEpoch } = beat;
    const { heartbeatIntervalMs, sessionTimeoutMs } = this.#env.settingsOf(this.id);
    if (memberEpoch === MemberEpoch.leave) {
      const gone = { memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: null };
      return this.#remove(this.#known(memberId), (errorCode) => answer(gone, errorCode));
    }
    const isJoining = memberEpoch === MemberEpoch.join;
    if (!isJoining) checkEpoch(this.#known(memberId), memberEpoch);
    const changes: JournalRecord[] = [];
    const member = isJoining ? this.#enter(memberId) : this.members.get(memberId)!;
    const before = member.assigned;
    this.#take(member, beat, changes);
    member.session.keepAlive(this.#env.environment, sessionTimeoutMs, () => this.forgetMember(memberId));
    const isTold = isJoining || beat.subscribedTopicNames !== null || !isSame(before, member.assigned);
    const assignment = isTold ? { topicPartitions: byTopic(member.assigned) } : null;
    const result = { memberId, memberEpoch: member.epoch, heartbeatIntervalMs, assignment };
    this.store(changes, (errorCode) => answer(result, errorCode));
  }

  #known(memberId: string): ShareMember {
    const member = this.members.get(memberId);
    if (member !== undefined) return member;
    throw new MillraceError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${this.id}.`);
  }

  #enter(memberId: string): ShareMember {
    const known = this.members.get(memberId);
    if (known !== undefined) return known;
    const { maxSize } = this.#env.settingsOf(this.id);
    if (this.members.size >= maxSize) {
      const message = `The share group has reached its maximum capacity of ${maxSize} members.`;
      throw new MillraceError('GROUP_MAX_SIZE_REACHED', message);
    }
    const description = { rackId: null, clientId: '', clientHost: '', subscribedTopicNames: [] };
    const member = { id: memberId, description, epoch: 0, previousEpoch: 0, assigned: NOTHING, session: new Session() };
    this.members.set(memberId, member);
    return member;
  }

  #take(member: ShareMember, beat: ShareHeartbeat, changes: JournalRecord[]): void {
    const before = member.description;
    const { rackId, clientId, clientHost, subscribedTopicNames } = beat;
    member.description = {
      rackId: rackId ?? before.rackId,
      clientId,
      clientHost,
      subscribedTopicNames:
        subscribedTopicNames === null ? before.subscribedTopicNames : [...subscribedTopicNames].sort(),
    };
    if (JSON.stringify(before) !== JSON.stringify(member.description)) changes.push(this.#memberRecord(member));
    const hasSubscribed = before.subscribedTopicNames.join() !== member.description.subscribedTopicNames.join();
    this.#lookAtTopics(hasSubscribed, changes);
    this.#assign(changes);
    const target = this.#targets.get(member.id) ?? NOTHING;
    if (member.epoch === this.assignmentEpoch && isSame(target, member.assigned)) return;
    member.previousEpoch = member.epoch;
    member.epoch = this.assignmentEpoch;
    member.assigned = target;
    changes.push(this.#epochsRecord(member));
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

  // ── Topics and targets ──────────────────────────────────────────────────────────────────────────────────────────

  subscribedTopics(): ReadonlySet<string> {
    return new Set([...this.members.values()].flatMap(({ description }) => description.subscribedTopicNames));
  }

  #lookAtTopics(hasSubscribed: boolean, changes: JournalRecord[]): void {
    const { topics } = this.#env;
    if (!hasSubscribed && this.#seenVersion === topics.version) return;
    this.#seenVersion = topics.version;
    const subscribed = this.subscribedTopics();
    const hash = hashOfTopics(topics, subscribed);
    if (!hasSubscribed && hash === this.#metadataHash) return;
    this.#metadataHash = hash;
    this.#bump(changes);
    this.#know(
      [...subscribed].map((name) => topics.get(name)?.id ?? ''),
      changes,
    );
  }

  /** Takes note that there is, or will be, a state of these topics' partitions. */
  #know(topicIds: readonly string[], changes: JournalRecord[]): void {
    let isNew = false;
    for (const id of topicIds) {
      const topic = this.#env.topics.byId(id);
      if (topic === undefined || this.topics.get(id)?.partitions === topic.partitions.length) continue;
      this.topics.set(id, { name: topic.name, partitions: topic.partitions.length });
      isNew = true;
    }
    if (isNew) changes.push(this.#topicsRecord());
  }

  /** The same, where an administrator sets offsets. */
  know(topicId: string, done: (errorCode: number) => void): void {
    const changes: JournalRecord[] = [];
    this.#know([topicId], changes);
    this.store(changes, done);
  }

  /** Topics whose states are gone. */
  forgetTopics(topicIds: readonly string[], done: (errorCode: number) => void): void {
    const gone = topicIds.filter((id) => this.topics.delete(id));
    this.store(gone.length === 0 ? [] : [this.#topicsRecord()], done);
  }

  #bump(changes: JournalRecord[]): void {
    this.epoch++;
    changes.push(this.#epochRecord());
  }

  #assign(changes: JournalRecord[]): void {
    const { environment, topics } = this.#env;
    if (this.assignmentEpoch === this.epoch) return;
    if (environment.now() - this.#assignedAt < this.#env.settingsOf(this.id).assignmentIntervalMs) return;
    const members = new Map<string, AssignorMember>();
    const partitions = new Map<string, number>();
    for (const { id, description } of this.members.values()) {
      const found = description.subscribedTopicNames.flatMap((name) => topics.get(name) ?? []);
      const before = this.#targets.get(id) ?? NOTHING;
      members.set(id, { instanceId: null, topics: new Set(found.map((topic) => topic.id)), before });
      for (const topic of found) partitions.set(topic.id, topic.partitions.length);
    }
    for (const [id, target] of simple({ members, partitions })) {
      if (isSame(target, this.#targets.get(id) ?? NOTHING)) continue;
      this.#targets.set(id, target);
      changes.push(this.#targetRecord(id));
    }
    this.assignmentEpoch = this.epoch;
    this.#assignedAt = environment.now();
    changes.push(this.#assignmentEpochRecord());
  }

  // ── Leaving, and what others ask of any group ───────────────────────────────────────────────────────────────────

  #remove(member: ShareMember, done: (errorCode: number) => void): void {
    const changes: JournalRecord[] = [];
    member.session.stop();
    this.members.delete(member.id);
    this.#targets.delete(member.id);
    changes.push(...memberTombstones(this.id, member.id));
    this.#bump(changes);
    if (this.isEmpty) {
      this.stateSince = this.#env.environment.now();
      this.#assignedAt = Number.NEGATIVE_INFINITY;
      this.#assign(changes);
      // Whoever comes next need not wait.
      this.#assignedAt = Number.NEGATIVE_INFINITY;
    }
    this.store(changes, done);
  }

  forgetMember(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) this.#remove(member, () => {});
  }

  commitCheck(): CommitCheck {
    return () => ErrorCode.GROUP_ID_NOT_FOUND;
  }

  checkFetch(): number {
    return ErrorCode.GROUP_ID_NOT_FOUND;
  }

  kill(): void {
    this.stop();
    this.members.clear();
  }

  stop(): void {
    for (const { session } of this.members.values()) session.stop();
  }

  // ── Journal ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes over what the journal has; members have a session's time to be heard of. `isGone` says who can't come back. */
  restore(stored: StoredShareGroup, isGone: (member: ShareDescription) => boolean): void {
    this.epoch = stored.epoch;
    this.#metadataHash = stored.metadataHash;
    this.assignmentEpoch = stored.assignmentEpoch;
    for (const { topicId, topicName, partitions } of stored.topics) {
      this.topics.set(topicId, { name: topicName, partitions: partitions.length });
    }
    for (const [id, target] of stored.targets) this.#targets.set(id, partitionKeys(target));
    const { sessionTimeoutMs } = this.#env.settingsOf(this.id);
    for (const [id, description] of stored.members) {
      const { epoch, previousEpoch } = stored.epochs.get(id) ?? { epoch: 0, previousEpoch: 0 };
      const assigned = this.#targets.get(id) ?? NOTHING;
      const session = new Session();
      this.members.set(id, { id, description, epoch, previousEpoch, assigned, session });
      session.keepAlive(this.#env.environment, sessionTimeoutMs, () => this.forgetMember(id));
    }
    this.#isUnsaved = false;
    for (const { id, description } of [...this.members.values()]) if (isGone(description)) this.forgetMember(id);
  }

  tombstones(): JournalRecord[] {
    const groupId = this.id;
    return [
      ...[...this.members.keys()].flatMap((memberId) => memberTombstones(groupId, memberId)),
      shareGroupStatePartitionMetadata.tombstone({ groupId }),
      shareGroupTargetAssignmentMetadata.tombstone({ groupId }),
      shareGroupMetadata.tombstone({ groupId }),
    ];
  }

  #allRecords(): JournalRecord[] {
    const members = [...this.members.values()];
    return [
      ...members.map((member) => this.#memberRecord(member)),
      this.#epochRecord(),
      ...members.map(({ id }) => this.#targetRecord(id)),
      this.#assignmentEpochRecord(),
      ...members.map((member) => this.#epochsRecord(member)),
      this.#topicsRecord(),
    ];
  }

  #epochRecord(): JournalRecord {
    const { epoch } = this;
    return shareGroupMetadata.record({ groupId: this.id }, { epoch, metadataHash: this.#metadataHash });
  }

  #assignmentEpochRecord(): JournalRecord {
    const value = { assignmentEpoch: this.assignmentEpoch, assignmentTimestamp: Math.max(0, this.#assignedAt) };
    return shareGroupTargetAssignmentMetadata.record({ groupId: this.id }, value);
  }

  #memberRecord({ id, description }: ShareMember): JournalRecord {
    return shareGroupMemberMetadata.record({ groupId: this.id, memberId: id }, description);
  }

  #targetRecord(memberId: string): JournalRecord {
    const topicPartitions = byTopic(this.#targets.get(memberId) ?? NOTHING);
    return shareGroupTargetAssignmentMember.record({ groupId: this.id, memberId }, { topicPartitions });
  }

  #epochsRecord({ id, epoch, previousEpoch, assigned }: ShareMember): JournalRecord {
    return shareGroupCurrentMemberAssignment.record(
      { groupId: this.id, memberId: id },
      {
        memberEpoch: epoch,
        previousMemberEpoch: previousEpoch,
        state: MemberState.stable,
        assignedPartitions: byTopic(assigned),
      },
    );
  }

  #topicsRecord(): JournalRecord {
    const initializedTopics = [...this.topics].map(([topicId, { name, partitions }]) => ({
      topicId,
      topicName: name,
      partitions: Array.from({ length: partitions }, (_, index) => index),
    }));
    return shareGroupStatePartitionMetadata.record(
      { groupId: this.id },
      { initializingTopics: [], initializedTopics, deletingTopics: [] },
    );
  }
}

function checkEpoch({ epoch, previousEpoch }: ShareMember, received: number): void {
  if (received === epoch || received === previousEpoch) return;
  const abandon = 'The member must abandon all its partitions and rejoin.';
  const known = `than the one known by the group coordinator (${epoch})`;
  const message =
    received > epoch
      ? `The share group member has a greater member epoch (${received}) ${known}. ${abandon}`
      : `The share group member has a smaller member epoch (${received}) ${known}, and it does not match the previous member ` +
        `epoch (${previousEpoch}). ${abandon}`;
  throw new MillraceError('FENCED_MEMBER_EPOCH', message);
}

function memberTombstones(groupId: string, memberId: string): JournalRecord[] {
  return [
    shareGroupCurrentMemberAssignment.tombstone({ groupId, memberId }),
    shareGroupTargetAssignmentMember.tombstone({ groupId, memberId }),
    shareGroupMemberMetadata.tombstone({ groupId, memberId }),
  ];
}
