// Client-side assignment in the classic group protocol: how subscriptions and assignments travel as bytes
// (ConsumerProtocol), and the assignor for those who bring none.
import { ByteReader } from '../protocol/index.ts';
import { ByteWriter, MillraceError } from '../util/index.ts';
import type { GroupAssignor, GroupMember, MemberAssignment, TopicPartition } from './client.ts';

/** Version 0 is the common beginning of all versions: topics and user data. */
const PROTOCOL_VERSION = 0;
/** Subscriptions have what the member owns besides (KIP-429). */
const WITH_OWNED = 1;

/** Kafka's default: per topic, contiguous ranges of partitions to the members in the order of their ids. */
export const rangeAssignor: GroupAssignor = {
  name: 'range',
  assign(members, partitionCounts) {
    const assigned = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
    for (const [topic, count] of partitionCounts) {
      const takers = members.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId);
      takers.sort();
      let next = 0;
      for (const [i, memberId] of takers.entries()) {
        const share = Math.floor(count / takers.length) + (i < count % takers.length ? 1 : 0);
        for (let n = 0; n < share; n++) assigned.get(memberId)!.push({ topic, partition: next++ });
      }
    }
    return new Map([...assigned].map(([memberId, partitions]) => [memberId, { partitions }]));
  },
};

/** `owned` is left out where the assignor is an eager one. */
export function encodeSubscription(
  topics: readonly string[],
  userData: Uint8Array | undefined,
  owned?: readonly TopicPartition[],
): Buffer {
  const out = new ByteWriter();
  out.int16(owned === undefined ? PROTOCOL_VERSION : WITH_OWNED);
  out.int32(topics.length);
  for (const topic of topics) writeString(out, topic);
  writeNullableBytes(out, userData);
  if (owned !== undefined) writePartitions(out, owned);
  return out.copy();
}

export function decodeSubscription(memberId: string, bytes: Buffer): GroupMember {
  const from = new ByteReader(bytes, 2);
  const topics = readArray(from, 2, () => readString(from));
  const userData = readNullableBytes(from);
  return { memberId, topics, userData, owned: bytes.readInt16BE(0) < WITH_OWNED ? [] : readPartitions(from) };
}

export function encodeAssignment(assignment: MemberAssignment): Buffer {
  const out = new ByteWriter();
  out.int16(PROTOCOL_VERSION);
  writePartitions(out, assignment.partitions);
  writeNullableBytes(out, assignment.userData);
  return out.copy();
}

/** An empty buffer is an empty assignment: a member that was given nothing. */
export function decodeAssignment(bytes: Buffer): { partitions: TopicPartition[]; userData: Uint8Array } {
  if (bytes.length === 0) return { partitions: [], userData: Buffer.alloc(0) };
  const from = new ByteReader(bytes, 2);
  const partitions = readPartitions(from);
  return { partitions, userData: readNullableBytes(from) };
}

function writePartitions(out: ByteWriter, all: readonly TopicPartition[]): void {
  const byTopic = Map.groupBy(all, ({ topic }) => topic);
  out.int32(byTopic.size);
  for (const [topic, partitions] of byTopic) {
    writeString(out, topic);
    out.int32(partitions.length);
    for (const { partition } of partitions) out.int32(partition);
  }
}

function readPartitions(from: ByteReader): TopicPartition[] {
  return readArray(from, 6, () => {
    const topic = readString(from);
    return readArray(from, 4, () => ({ topic, partition: from.int32() }));
  }).flat();
}

function writeString(out: ByteWriter, text: string): void {
  out.int16(Buffer.byteLength(text));
  out.utf8(text);
}

function writeNullableBytes(out: ByteWriter, bytes: Uint8Array | undefined): void {
  out.int32(bytes?.length ?? -1);
  if (bytes !== undefined) out.bytes(bytes);
}

function readString(from: ByteReader): string {
  return from.utf8(from.int16());
}

function readNullableBytes(from: ByteReader): Buffer {
  const length = from.int32();
  return length < 0 ? Buffer.alloc(0) : from.bytes(length);
}

function readArray<T>(from: ByteReader, minBytes: number, read: () => T): T[] {
  const count = from.int32();
  if (count * minBytes > from.remaining) {
    throw new MillraceError(
      'MALFORMED_MESSAGE',
      `a list of ${count} entries was announced and ${from.remaining} bytes are left`,
    );
  }
  return Array.from({ length: Math.max(0, count) }, read);
}
