// `__consumer_offsets` read back, batch by batch, in the order in which it was written.
import { BatchCursor, batchHeader, ByteReader, TRANSACTIONAL } from '../../protocol/index.ts';
import { codeOf, messageOf } from '../../util/index.ts';
import type { InternalTopic } from '../internal-topic.ts';
import { readMarker } from '../log/producer-state.ts';
import type { Partition } from '../partition.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { OffsetEntry } from './committed-offset.ts';
import { replayConsumerRecord, type StoredConsumerGroup } from './consumer-records.ts';
import { GroupMember, IN_PROCESS_HOST } from './group-member.ts';
import { replayShareRecord, type StoredShareGroup } from './share-records.ts';
import { replayStreamsRecord, type StoredStreamsGroup } from './streams-records.ts';
import { readGroup, readKey, readOffset, type StoredGroup } from './journal-records.ts';

/** Who is told of offsets as they come. */
export interface OffsetReader {
  offset(group: string, entry: OffsetEntry): void;
  /** It counts when the producer's transaction commits. */
  held(group: string, producerId: number, entry: OffsetEntry): void;
  noOffset(group: string, topic: string, partition: number): void;
  ended(producerId: number, isCommitted: boolean): void;
}

export interface StoredGroups {
  readonly classic: Map<string, StoredGroup>;
  readonly consumers: Map<string, StoredConsumerGroup>;
  readonly shares: Map<string, StoredShareGroup>;
  readonly streams: Map<string, StoredStreamsGroup>;
}

/** What is damaged is told and passed over; a disk that can't be read throws. */
export function readJournal(
  journal: InternalTopic,
  report: (message: string) => void,
  offsets: OffsetReader,
): StoredGroups {
  const groups: StoredGroups = {
    classic: new Map(),
    consumers: new Map(),
    shares: new Map(),
    streams: new Map(),
  };
  for (const partition of journal.existing()) {
    try {
      readPartition(journal, partition, groups, offsets);
    } catch (error) {
      if (codeOf(error) !== 'CORRUPT_MESSAGE') throw error;
      report(`the groups of ${journal.name}-${partition.index} can not be read: ${messageOf(error)}`);
    }
  }
  return groups;
}

function readPartition(
  journal: InternalTopic,
  partition: Partition,
  groups: StoredGroups,
  offsets: OffsetReader,
): void {
  journal.replay(partition, (bytes, at) => {
    const marker = readMarker(bytes, at);
    const producerId = batchHeader.producerId(bytes, at);
    if (marker !== undefined) return offsets.ended(producerId, marker.committed);
    const isTransactional = (batchHeader.attributes(bytes, at) & TRANSACTIONAL) !== 0;
    const cursor = new BatchCursor(bytes.subarray(at, at + batchHeader.sizeInBytes(bytes, at)));
    while (cursor.advance()) {
      if (cursor.keyStart < 0) continue;
      const key = cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd);
      const value = cursor.valueStart < 0 ? null : cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd);
      readRecord(key, value, groups, offsets, isTransactional ? producerId : undefined);
    }
  });
}

function readRecord(
  key: Buffer,
  value: Buffer | null,
  groups: StoredGroups,
  offsets: OffsetReader,
  producerId: number | undefined,
): void {
  const about = readKey(key);
  if (about === undefined) {
    const type = key.readInt16BE(0);
    const from = (): ByteReader => new ByteReader(key, 2);
    if (replayConsumerRecord(groups.consumers, type, from(), value)) return;
    if (replayShareRecord(groups.shares, type, from(), value)) return;
    replayStreamsRecord(groups.streams, type, from(), value);
  } else if (about.kind === 'group') {
    const stored = value === null ? undefined : readGroup(value);
    if (stored === undefined) groups.classic.delete(about.group);
    else groups.classic.set(about.group, stored);
  } else {
    const entry = value === null ? undefined : readOffset(value, about.topic, about.partition);
    if (entry === undefined) offsets.noOffset(about.group, about.topic, about.partition);
    else if (producerId !== undefined) offsets.held(about.group, producerId, entry);
    else offsets.offset(about.group, entry);
  }
}

/** Members within this process ended with it: nobody has to wait for their sessions. (Among others they expire as any.) */
export function restoreClassic(group: ClassicGroup, stored: StoredGroup): void {
  const isGone = stored.members.every((member) => member.clientHost === IN_PROCESS_HOST);
  const members = isGone ? [] : stored.members;
  group.restore({
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
