/**
 * All groups, whatever protocol their members speak (group-protocol.ts), and the offsets that they have committed. A group's protocol
 * may change while it runs (migration.ts). Group state is in memory; what must survive a restart is in `__consumer_offsets`, and
 * counts when it is durable there. At startup that topic is read back (journal-replay.ts).
 */
import { ErrorCode, MemberEpoch } from '../../protocol/index.ts';
import { type Environment, messageOf, MillraceError, randomUuid } from '../../util/index.ts';
import { coordinatorError, InternalTopic, type JournalRecord } from '../internal-topic.ts';
import type { Partition, Settled } from '../partition.ts';
import type { BrokerSettings } from '../settings.ts';
import { OFFSETS_TOPIC, type Topic, type Topics } from '../topics.ts';
import { ClassicGroup, type GroupEnvironment } from './classic-group.ts';
import { ClassicMembers, leaveConsumerGroup } from './classic-members.ts';
import type { OffsetEntry } from './committed-offset.ts';
import {
  ConsumerGroup,
  type ConsumerGroupEnvironment,
  type ConsumerHeartbeat,
  type ConsumerHeartbeatAnswer,
} from './consumer-group.ts';
import { type CommitCheck, type Committer } from './group-protocol.ts';
import {
  type JoinRequest,
  type JoinResult,
  refusedJoin,
  refusedSync,
  type SyncRequest,
  type SyncResult,
} from './group-requests.ts';
import {
  consumerGroupSettings,
  type GroupConfigs,
  shareGroupSettings,
  streamsGroupSettings,
} from './group-settings.ts';
import { IN_PROCESS_HOST } from './group-member.ts';
import { groupRecord } from './journal-records.ts';
import { readJournal, restoreClassic } from './journal-replay.ts';
import { allowsDowngrade, downgraded, type MigrationPolicy, upgraded } from './migration.ts';
import { OffsetStore } from './offset-store.ts';
import {
  ShareGroup,
  type ShareGroupEnvironment,
  type ShareHeartbeat,
  type ShareHeartbeatAnswer,
} from './share-group.ts';
import {
  type AnswerStreams,
  StreamsGroup,
  type StreamsGroupEnvironment,
  type StreamsHeartbeat,
} from './streams-group.ts';

export interface Group {
  readonly id: string;
  /** What its members speak, and where they are in it. */
  protocol: ClassicGroup | ConsumerGroup | ShareGroup | StreamsGroup;
  readonly offsets: OffsetStore;
}

export class GroupCoordinator {
  readonly #settings: BrokerSettings;
  readonly #environment: Environment;
  readonly #topics: Topics;
  readonly #report: (message: string) => void;
  readonly #journal: InternalTopic;
  readonly #groups = new Map<string, Group>();
  /** Groups in which a producer's transaction holds offsets back. */
  readonly #held = new Map<number, Set<string>>();
  readonly #classicEnv: GroupEnvironment;
  readonly #consumerEnv: ConsumerGroupEnvironment;
  readonly #shareEnv: ShareGroupEnvironment;
  readonly #streamsEnv: StreamsGroupEnvironment;
  readonly #classicMembers: ClassicMembers;
  #stopExpiry: () => void = () => {};

  constructor(options: {
    readonly settings: BrokerSettings;
    readonly environment: Environment;
    readonly topics: Topics;
    readonly configsOf: GroupConfigs;
    readonly report: (message: string) => void;
  }) {
    const { settings, environment, topics, configsOf, report } = options;
    this.#settings = settings;
    this.#environment = environment;
    this.#topics = topics;
    this.#report = report;
    this.#journal = new InternalTopic({
      name: OFFSETS_TOPIC,
      topics,
      environment,
      partitions: settings['offsets.topic.num.partitions'],
      segmentBytes: settings['offsets.topic.segment.bytes'],
      report,
    });
    const append = (id: string, records: readonly JournalRecord[], done: (errorCode: number) => void): void =>
      this.#append(id, records, (errorCode) => done(coordinatorError(errorCode)));
    this.#classicEnv = {
      environment,
      initialRebalanceDelayMs: settings['group.initial.rebalance.delay.ms'],
      maxSize: settings['group.max.size'],
      newMemberSuffix: () => randomUuid(environment),
      persist: (group, done) => append(group.id, [groupRecord(group.id, group.stored())], done),
    };
    this.#consumerEnv = {
      environment,
      topics,
      settingsOf: (id) => consumerGroupSettings(settings, configsOf(id)),
      append,
      becomesClassic: (group, without) => this.#downgrade(group, without),
    };
    this.#shareEnv = { environment, topics, settingsOf: (id) => shareGroupSettings(settings, configsOf(id)), append };
    this.#streamsEnv = {
      environment,
      topics,
      settingsOf: (id) => streamsGroupSettings(settings, configsOf(id)),
      append,
    };
    this.#classicMembers = new ClassicMembers(environment, topics);
    this.#scheduleExpiry();
  }

  get(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  /** About what all groups take of memory. */
  get bytes(): number {
    let sum = 0;
    for (const { protocol, offsets } of this.#groups.values()) sum += protocol.bytes + offsets.bytes;
    return sum;
  }

  all(): Iterable<Group> {
    return this.#groups.values();
  }

  getOrCreate(id: string): Group {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = { id, protocol: new ClassicGroup(id, this.#classicEnv), offsets: new OffsetStore(id) };
      this.#groups.set(id, group);
    }
    return group;
  }

  // ── Members of the classic protocol ─────────────────────────────────────────────────────────────────────────────

  join(id: string, request: JoinRequest, answer: (result: JoinResult) => void): void {
    const group = this.getOrCreate(id);
    if (group.protocol instanceof ConsumerGroup) this.#makeRoomForClassic(group, group.protocol, request.instanceId);
    if (group.protocol instanceof StreamsGroup && group.protocol.isEmpty) {
      this.#replace(group, new ClassicGroup(id, this.#classicEnv), []);
    }
    if (group.protocol instanceof ClassicGroup) return group.protocol.join(request, answer);
    if (!(group.protocol instanceof ConsumerGroup)) {
      return answer(refusedJoin(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.memberId));
    }
    const newId = `${request.instanceId ?? request.clientId}-${randomUuid(this.#environment)}`;
    return this.#classicMembers.join(group.protocol, request, newId, answer);
  }

  /** An empty consumer group becomes a classic one; and where a classic member comes in the place of the last one that is not. */
  #makeRoomForClassic(group: Group, consumers: ConsumerGroup, instanceId: string | null): void {
    const holder = instanceId === null ? undefined : consumers.staticMember(instanceId);
    const others = [...consumers.members.values()].filter((member) => member !== holder);
    const isLast = holder !== undefined && !holder.isClassic && others.every((member) => member.isClassic);
    if (isLast && allowsDowngrade(this.#migrationPolicy)) consumers.remove([holder], () => {});
    if (group.protocol === consumers && consumers.isEmpty) {
      this.#replace(group, new ClassicGroup(group.id, this.#classicEnv), []);
    }
  }

  sync(id: string, request: SyncRequest, answer: (result: SyncResult) => void): void {
    const protocol = this.#groups.get(id)?.protocol;
    if (protocol instanceof ClassicGroup) protocol.sync(request, answer);
    else if (!(protocol instanceof ConsumerGroup)) answer(refusedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    else answer(this.#classicMembers.sync(protocol, request));
  }

  /** The error code of a heartbeat. */
  heartbeat(id: string, memberId: string, instanceId: string | null, generationId: number): number {
    const protocol = this.#groups.get(id)?.protocol;
    if (protocol instanceof ClassicGroup) return protocol.heartbeat(memberId, instanceId, generationId);
    if (!(protocol instanceof ConsumerGroup)) return ErrorCode.UNKNOWN_MEMBER_ID;
    return this.#classicMembers.heartbeat(protocol, memberId, instanceId, generationId);
  }

  /** Takes out members; answers with an error code for each, in the order of the list. */
  leave(
    id: string,
    leaving: readonly { readonly memberId: string; readonly instanceId: string | null }[],
    answer: (errorCodes: number[]) => void,
  ): void {
    const protocol = this.#groups.get(id)?.protocol;
    if (protocol instanceof ConsumerGroup) return leaveConsumerGroup(protocol, leaving, answer);
    const classic = protocol instanceof ClassicGroup ? protocol : undefined;
    answer(
      leaving.map(({ memberId, instanceId }) => classic?.leave(memberId, instanceId) ?? ErrorCode.UNKNOWN_MEMBER_ID),
    );
  }

  /** Takes out a member whose process has ended. */
  forgetMember(id: string, memberId: string): void {
    this.#groups.get(id)?.protocol.forgetMember(memberId);
  }

  // ── Members of the consumer protocol ────────────────────────────────────────────────────────────────────────────

  /** What is refused throws before anything has changed. */
  consumerHeartbeat(
    id: string,
    beat: ConsumerHeartbeat,
    answer: (answer: ConsumerHeartbeatAnswer, errorCode: number) => void,
  ): void {
    this.#consumerGroup(id, beat.memberEpoch).heartbeat(beat, answer);
  }

  #consumerGroup(id: string, memberEpoch: number): ConsumerGroup {
    const known = this.#groups.get(id)?.protocol;
    if (known instanceof ConsumerGroup) return known;
    if (memberEpoch !== 0) {
      const isThere = known !== undefined && known.state !== 'Dead';
      if (memberEpoch < 0) throw notFound(isThere ? `Group ${id} is not a consumer group.` : `Group ${id} not found.`);
      throw notFound(isThere ? `Group ${id} is not a consumer group.` : `Consumer group ${id} not found.`);
    }
    if (known instanceof ShareGroup || known instanceof StreamsGroup) {
      throw notFound(`Group ${id} is not a consumer group.`);
    }
    const group = this.getOrCreate(id);
    const consumers =
      known === undefined || known.isEmpty
        ? new ConsumerGroup(id, this.#consumerEnv)
        : upgraded(known, this.#consumerEnv, this.#migrationPolicy);
    this.#replace(group, consumers, []);
    return consumers;
  }

  // ── Members of share groups ─────────────────────────────────────────────────────────────────────────────────────

  /** What is refused throws before anything has changed. */
  shareHeartbeat(
    id: string,
    beat: ShareHeartbeat,
    answer: (answer: ShareHeartbeatAnswer, errorCode: number) => void,
  ): void {
    const isJoining = beat.memberEpoch === MemberEpoch.join;
    if (!isJoining && this.#groups.get(id) === undefined) {
      throw notFound(beat.memberEpoch < 0 ? `Group ${id} not found.` : `Share group ${id} not found.`);
    }
    this.shareGroup(id).heartbeat(beat, answer);
  }

  /** The share group of that name, which there need not be yet; refuses one of another type. */
  shareGroup(id: string): ShareGroup {
    const known = this.#groups.get(id)?.protocol;
    if (known instanceof ShareGroup) return known;
    if (known !== undefined) throw notFound(`Group ${id} is not a share group.`);
    const protocol = new ShareGroup(id, this.#shareEnv);
    this.#groups.set(id, { id, protocol, offsets: new OffsetStore(id) });
    return protocol;
  }

  // ── Members of streams groups ───────────────────────────────────────────────────────────────────────────────────

  /** What is refused throws before anything has changed. */
  streamsHeartbeat(id: string, beat: StreamsHeartbeat, answer: AnswerStreams): void {
    const known = this.#groups.get(id)?.protocol;
    if (known instanceof StreamsGroup) return known.heartbeat(beat, answer);
    const isEmptyClassic = known instanceof ClassicGroup && known.isEmpty;
    if (known !== undefined && !isEmptyClassic) throw notFound(`Group ${id} is not a streams group.`);
    if (beat.memberEpoch !== MemberEpoch.join) throw notFound(`Streams group ${id} not found.`);
    const streams = new StreamsGroup(id, this.#streamsEnv);
    // What it refuses leaves the group as it was.
    streams.heartbeat(beat, answer);
    this.#replace(this.getOrCreate(id), streams, []);
  }

  // ── Changing the protocol ───────────────────────────────────────────────────────────────────────────────────────

  get #migrationPolicy(): MigrationPolicy {
    return this.#settings['group.consumer.migration.policy'] as MigrationPolicy;
  }

  #downgrade(consumers: ConsumerGroup, without: Parameters<ConsumerGroupEnvironment['becomesClassic']>[1]): boolean {
    const group = this.#groups.get(consumers.id);
    if (group?.protocol !== consumers || !allowsDowngrade(this.#migrationPolicy)) return false;
    const classic = downgraded(consumers, without, this.#classicEnv, this.#topics);
    if (classic === undefined) return false;
    this.#replace(group, classic, [groupRecord(classic.id, classic.stored())]);
    classic.rebalance();
    return true;
  }

  /** Puts another protocol in the place of a group's, here and in the journal. */
  #replace(group: Group, protocol: Group['protocol'], records: readonly JournalRecord[]): void {
    const before = group.protocol;
    const isStored = before.protocolType !== null;
    const tombstones = isStored ? before.tombstones() : [];
    before.stop();
    group.protocol = protocol;
    if (tombstones.length + records.length > 0) this.#append(group.id, [...tombstones, ...records], () => {});
  }

  // ── Committing ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is said of each partition that somebody wants to commit offsets for. A group may begin with a commit from outside. */
  commitCheck(id: string, committer: Committer): CommitCheck {
    const group = this.#groups.get(id);
    if (group !== undefined) return group.protocol.commitCheck(committer);
    const { epoch, memberId, knowsEpochs, isTransactional } = committer;
    if (epoch >= 0) {
      return () => (knowsEpochs && !isTransactional ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION);
    }
    const isFromOutside = !isTransactional || (memberId === '' && committer.instanceId === null);
    return () => (isFromOutside ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID);
  }

  // ── Offsets ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Stores offsets; they count, and `settled` is called, when they are durable. */
  commit(group: Group, entries: readonly OffsetEntry[], settled: Settled): void {
    this.#append(group.id, group.offsets.records(entries), (errorCode) => {
      if (errorCode === ErrorCode.NONE) for (const entry of entries) group.offsets.set(entry);
      settled(coordinatorError(errorCode));
    });
  }

  /**
   * Stores offsets that count when the producer's transaction commits. They are held back from the start, so that a
   * reader that asks for stable offsets waits for them. Returns the partition that wants the transaction's marker.
   */
  commitInTransaction(
    group: Group,
    entries: readonly OffsetEntry[],
    producer: { readonly id: number; readonly epoch: number },
    settled: Settled,
  ): void {
    const { id } = group;
    this.#hold(group, producer.id, entries);
    try {
      this.#journal.appendTransactional(id, group.offsets.records(entries), producer, (errorCode) =>
        settled(coordinatorError(errorCode)),
      );
    } catch (error) {
      this.#report(`offsets of group ${id} can not be stored: ${messageOf(error)}`);
      settled(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
  }

  /** Where a transaction that commits offsets of this group needs a marker. */
  offsetsPartitionOf(group: string): Partition {
    return this.#journal.partitionOf(group);
  }

  /** The marker of a transaction is durable in the partitions of these offsets. */
  endTransaction(producerId: number, committed: boolean): void {
    for (const id of this.#held.get(producerId) ?? []) this.#groups.get(id)?.offsets.release(producerId, committed);
    this.#held.delete(producerId);
  }

  #hold(group: Group, producerId: number, entries: readonly OffsetEntry[]): void {
    group.offsets.hold(producerId, entries);
    const groups = this.#held.get(producerId) ?? new Set();
    groups.add(group.id);
    this.#held.set(producerId, groups);
  }

  /** Forgets offsets; they are gone at once, and `settled` is called when that is durable. */
  deleteOffsets(group: Group, isGone: (entry: OffsetEntry) => boolean, settled: Settled): void {
    const records = group.offsets.remove(isGone);
    if (records.length === 0) settled(ErrorCode.NONE);
    else this.#append(group.id, records, settled);
  }

  /** Deletes a group that has no members. */
  deleteGroup(id: string, settled: Settled): void {
    const group = this.#groups.get(id);
    if (group === undefined || group.protocol.state === 'Dead') return settled(ErrorCode.GROUP_ID_NOT_FOUND);
    if (!group.protocol.isEmpty) return settled(ErrorCode.NON_EMPTY_GROUP);
    const records = [...group.offsets.remove(() => true), ...group.protocol.tombstones()];
    group.protocol.kill();
    this.#groups.delete(id);
    this.#append(id, records, settled);
  }

  /** The offsets of a deleted topic mean nothing any more, least of all for a topic of the same name. */
  forgetTopic(topic: Topic): void {
    for (const group of this.#groups.values()) {
      if (group.protocol instanceof ShareGroup) group.protocol.forgetTopics([topic.id], () => {});
      this.deleteOffsets(
        group,
        (entry) => entry.topic === topic.name,
        () => {},
      );
    }
  }

  #append(group: string, records: readonly JournalRecord[], settled: Settled): void {
    try {
      this.#journal.append(group, records, settled);
    } catch (error) {
      this.#report(`group ${group} can not be stored: ${messageOf(error)}`);
      settled(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
  }

  // ── Expiry ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Forgets the offsets of groups that were empty for long, then the groups; share groups stay, as in Kafka. */
  expireOffsets(): void {
    const now = this.#environment.now();
    const retentionMs = this.#settings['offsets.retention.minutes'] * 60_000;
    for (const [id, group] of this.#groups) {
      const { protocol, offsets } = group;
      if (!protocol.isEmpty || protocol instanceof ShareGroup) continue;
      const isOld = (entry: OffsetEntry): boolean =>
        now - Math.max(entry.committedAt, protocol.protocolType === null ? 0 : protocol.stateSince) > retentionMs;
      this.deleteOffsets(group, isOld, () => {});
      if (offsets.isEmpty && now - protocol.stateSince > retentionMs) this.deleteGroup(id, () => {});
    }
  }

  #scheduleExpiry(): void {
    this.#stopExpiry = this.#environment.after(this.#settings['offsets.retention.check.interval.ms'], () => {
      this.expireOffsets();
      this.#scheduleExpiry();
    });
  }

  stop(): void {
    this.#stopExpiry();
    for (const { protocol } of this.#groups.values()) protocol.stop();
  }

  // ── Reading the journal back ────────────────────────────────────────────────────────────────────────────────────

  /**
   * What is damaged is told and passed over. A disk that does not let itself be read is another matter: a broker that came up
   * without the offsets would send readers back to where they began, so it does not come up.
   */
  load(): void {
    const { classic, consumers, shares, streams } = readJournal(this.#journal, this.#report, {
      offset: (group, entry) => this.getOrCreate(group).offsets.set(entry),
      held: (group, producerId, entry) => this.#hold(this.getOrCreate(group), producerId, [entry]),
      noOffset: (group, topic, partition) => this.#groups.get(group)?.offsets.delete(topic, partition),
      ended: (producerId, isCommitted) => this.endTransaction(producerId, isCommitted),
    });
    for (const [id, stored] of classic) restoreClassic(this.getOrCreate(id).protocol as ClassicGroup, stored);
    for (const [id, stored] of consumers) {
      const protocol = new ConsumerGroup(id, this.#consumerEnv);
      this.getOrCreate(id).protocol = protocol;
      protocol.restore(stored, ({ clientHost }) => clientHost === IN_PROCESS_HOST);
    }
    for (const [id, stored] of shares) {
      // A group of that name may have been there before, with offsets of a transaction that are in the journal still.
      const protocol = new ShareGroup(id, this.#shareEnv);
      this.getOrCreate(id).protocol = protocol;
      protocol.restore(stored, ({ clientHost }) => clientHost === IN_PROCESS_HOST);
    }
    for (const [id, stored] of streams) {
      const protocol = new StreamsGroup(id, this.#streamsEnv);
      this.getOrCreate(id).protocol = protocol;
      protocol.restore(stored, ({ clientHost }) => clientHost === IN_PROCESS_HOST);
    }
    for (const [id, { offsets }] of this.#groups) {
      if (offsets.isEmpty && ![classic, consumers, shares, streams].some((stored) => stored.has(id)))
        this.#groups.delete(id);
    }
  }
}

function notFound(message: string): MillraceError {
  return new MillraceError('GROUP_ID_NOT_FOUND', message);
}
