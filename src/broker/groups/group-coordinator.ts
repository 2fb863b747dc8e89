/**
 * Consumer groups and their committed offsets. Group state is in memory; what must survive a restart is in
 * `__consumer_offsets`, and counts when it is durable there. At startup that topic is read back.
 */
import { BatchCursor, batchHeader, ErrorCode, TRANSACTIONAL } from '../../protocol/index.ts';
import { codeOf, type Environment, messageOf, randomUuid } from '../../util/index.ts';
import { coordinatorError, InternalTopic, type JournalRecord } from '../internal-topic.ts';
import { readMarker } from '../log/producer-state.ts';
import type { Partition, Settled } from '../partition.ts';
import type { BrokerSettings } from '../settings.ts';
import { OFFSETS_TOPIC, type Topic, type Topics } from '../topics.ts';
import { ClassicGroup, type GroupEnvironment } from './classic-group.ts';
import { GroupMember, IN_PROCESS_HOST } from './group-member.ts';
import { groupRecord, groupTombstone, readGroup, readKey, readOffset, type StoredGroup } from './journal-records.ts';
import type { OffsetEntry } from './committed-offset.ts';
import { OffsetStore } from './offset-store.ts';

export interface Group {
  readonly classic: ClassicGroup;
  readonly offsets: OffsetStore;
}

export class GroupCoordinator {
  readonly #settings: BrokerSettings;
  readonly #environment: Environment;
  readonly #report: (message: string) => void;
  readonly #journal: InternalTopic;
  readonly #groups = new Map<string, Group>();
  /** Groups in which a producer's transaction holds offsets back. */
  readonly #held = new Map<number, Set<string>>();
  readonly #env: GroupEnvironment;
  #stopExpiry: () => void = () => {};

  constructor(options: {
    readonly settings: BrokerSettings;
    readonly environment: Environment;
    readonly topics: Topics;
    readonly report: (message: string) => void;
  }) {
    const { settings, environment, topics, report } = options;
    this.#settings = settings;
    this.#environment = environment;
    this.#report = report;
    this.#journal = new InternalTopic({
      name: OFFSETS_TOPIC,
      topics,
      environment,
      partitions: settings['offsets.topic.num.partitions'],
      segmentBytes: settings['offsets.topic.segment.bytes'],
      report,
    });
    this.#env = {
      environment,
      initialRebalanceDelayMs: settings['group.initial.rebalance.delay.ms'],
      maxSize: settings['group.max.size'],
      newMemberSuffix: () => randomUuid(environment),
      persist: (group, done) => {
        this.#append(group.id, [groupRecord(group)], (errorCode) => done(coordinatorError(errorCode)));
      },
    };
    this.#scheduleExpiry();
  }

  get(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  /** About what all groups take of memory. */
  get bytes(): number {
    let sum = 0;
    for (const { classic, offsets } of this.#groups.values()) sum += classic.bytes + offsets.bytes;
    return sum;
  }

  all(): Iterable<Group> {
    return this.#groups.values();
  }

  getOrCreate(id: string): Group {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = { classic: new ClassicGroup(id, this.#env), offsets: new OffsetStore(id) };
      this.#groups.set(id, group);
    }
    return group;
  }

  // ── Offsets ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Stores offsets; they count, and `settled` is called, when they are durable. */
  commit(group: Group, entries: readonly OffsetEntry[], settled: Settled): void {
    this.#append(group.classic.id, group.offsets.records(entries), (errorCode) => {
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
    const { id } = group.classic;
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
    groups.add(group.classic.id);
    this.#held.set(producerId, groups);
  }

  /** Forgets offsets; they are gone at once, and `settled` is called when that is durable. */
  deleteOffsets(group: Group, isGone: (entry: OffsetEntry) => boolean, settled: Settled): void {
    const records = group.offsets.remove(isGone);
    if (records.length === 0) settled(ErrorCode.NONE);
    else this.#append(group.classic.id, records, settled);
  }

  /** Deletes a group that has no members. */
  deleteGroup(id: string, settled: Settled): void {
    const group = this.#groups.get(id);
    if (group === undefined || group.classic.state === 'Dead') return settled(ErrorCode.GROUP_ID_NOT_FOUND);
    if (group.classic.state !== 'Empty') return settled(ErrorCode.NON_EMPTY_GROUP);
    const records = [...group.offsets.remove(() => true), groupTombstone(id)];
    group.classic.kill();
    this.#groups.delete(id);
    this.#append(id, records, settled);
  }

  /** The offsets of a deleted topic mean nothing any more, least of all for a topic of the same name. */
  forgetTopic(topic: Topic): void {
    for (const group of this.#groups.values()) {
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

  /** Forgets the offsets of groups that were empty for long, then the groups. */
  expireOffsets(): void {
    const now = this.#environment.now();
    const retentionMs = this.#settings['offsets.retention.minutes'] * 60_000;
    for (const [id, group] of this.#groups) {
      const { classic, offsets } = group;
      if (classic.state !== 'Empty') continue;
      const isOld = (entry: OffsetEntry): boolean =>
        now - Math.max(entry.committedAt, classic.protocolType === null ? 0 : classic.stateSince) > retentionMs;
      this.deleteOffsets(group, isOld, () => {});
      if (offsets.isEmpty && now - classic.stateSince > retentionMs) this.deleteGroup(id, () => {});
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
    for (const { classic } of this.#groups.values()) classic.stop();
  }

  // ── Reading the journal back ────────────────────────────────────────────────────────────────────────────────────

  /**
   * What is damaged is told and passed over. A disk that does not let itself be read is another matter: a broker that came up
   * without the offsets would send readers back to where they began, so it does not come up.
   */
  load(): void {
    const groups = new Map<string, StoredGroup>();
    for (const partition of this.#journal.existing()) {
      try {
        this.#loadPartition(partition, groups);
      } catch (error) {
        if (codeOf(error) !== 'CORRUPT_MESSAGE') throw error;
        this.#report(`the groups of ${OFFSETS_TOPIC}-${partition.index} can not be read: ${messageOf(error)}`);
      }
    }
    for (const [id, stored] of groups) this.#restore(id, stored);
  }

  #loadPartition(partition: Partition, groups: Map<string, StoredGroup>): void {
    this.#journal.replay(partition, (bytes, at) => {
      const marker = readMarker(bytes, at);
      const producerId = batchHeader.producerId(bytes, at);
      if (marker !== undefined) {
        this.endTransaction(producerId, marker.committed);
        return;
      }
      const isTransactional = (batchHeader.attributes(bytes, at) & TRANSACTIONAL) !== 0;
      const batch = bytes.subarray(at, at + batchHeader.sizeInBytes(bytes, at));
      const cursor = new BatchCursor(batch);
      while (cursor.advance()) {
        if (cursor.keyStart < 0) continue;
        const key = readKey(cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd));
        if (key === undefined) continue;
        const value = cursor.valueStart < 0 ? null : cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd);
        if (key.kind === 'group') {
          const stored = value === null ? undefined : readGroup(value);
          if (stored === undefined) groups.delete(key.group);
          else groups.set(key.group, stored);
          if (value === null) this.#groups.delete(key.group);
          continue;
        }
        const entry = value === null ? undefined : readOffset(value, key.topic, key.partition);
        if (entry === undefined) this.#groups.get(key.group)?.offsets.delete(key.topic, key.partition);
        else if (isTransactional) this.#hold(this.getOrCreate(key.group), producerId, [entry]);
        else this.getOrCreate(key.group).offsets.set(entry);
      }
    });
  }

  #restore(id: string, stored: StoredGroup): void {
    // Members within this process ended with it: nobody has to wait for their sessions. (Among others they expire as any.)
    const isGone = stored.members.every((member) => member.clientHost === IN_PROCESS_HOST);
    const members = isGone ? [] : stored.members;
    this.getOrCreate(id).classic.restore({
      generation: stored.generation,
      protocolType: stored.protocolType,
      protocolName: stored.protocol,
      leader: isGone ? null : stored.leader,
      stateSince: stored.currentStateTimestamp,
      members: members.map((member) => {
        const restored = new GroupMember(member.memberId, {
          instanceId: member.groupInstanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          sessionTimeoutMs: member.sessionTimeout,
          rebalanceTimeoutMs: member.rebalanceTimeout < 0 ? member.sessionTimeout : member.rebalanceTimeout,
          protocols: [{ name: stored.protocol ?? '', metadata: member.subscription }],
        });
        restored.assignment = Buffer.from(member.assignment);
        return restored;
      }),
    });
  }
}
