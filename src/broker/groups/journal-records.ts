/**
 * The records of `__consumer_offsets`, in Kafka's format, since its tools read them: a key and a value that both begin
 * with a version, where the key's version says what kind of record it is.
 */
import {
  array,
  ByteReader,
  bytes,
  type Codec,
  FrameWriter,
  int32,
  int64,
  string,
  struct,
  type Value,
} from '../../protocol/index.ts';
import type { JournalRecord } from '../internal-topic.ts';
import type { OffsetEntry } from './committed-offset.ts';

export const OFFSET_KEY = 1;
export const GROUP_KEY = 2;
export const OFFSET_VALUE = 3;
export const GROUP_VALUE = 3;

export const offsetKey = struct({ group: string(), topic: string(), partition: int32() });
export const offsetValue = struct({
  offset: int64(),
  leaderEpoch: int32().since(3).default(-1).ignorable(),
  metadata: string(),
  commitTimestamp: int64(),
  expireTimestamp: int64().since(1).until(1).default(-1).ignorable(),
});
export const groupKey = struct({ group: string() });
export const groupValue = struct({
  protocolType: string(),
  generation: int32(),
  protocol: string().nullable(),
  leader: string().nullable(),
  currentStateTimestamp: int64().since(2).default(-1).ignorable(),
  members: array({
    memberId: string(),
    groupInstanceId: string().since(3).nullable(3).ignorable(),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeout: int32().since(1).default(-1).ignorable(),
    sessionTimeout: int32(),
    subscription: bytes(),
    assignment: bytes(),
  }),
});

export type StoredGroup = Value<typeof groupValue>;

export type GroupJournalEntry =
  | { readonly kind: 'offset'; readonly group: string; readonly topic: string; readonly partition: number }
  | { readonly kind: 'group'; readonly group: string };

export function offsetRecord(group: string, entry: OffsetEntry): JournalRecord {
  const { topic, partition, offset, leaderEpoch, metadata, committedAt } = entry;
  return {
    key: encode(OFFSET_KEY, offsetKey, { group, topic, partition }),
    value: encode(OFFSET_VALUE, offsetValue, {
      offset,
      leaderEpoch,
      metadata,
      commitTimestamp: committedAt,
      expireTimestamp: -1,
    }),
  };
}

export function offsetTombstone(group: string, topic: string, partition: number): JournalRecord {
  return { key: encode(OFFSET_KEY, offsetKey, { group, topic, partition }), value: null };
}

export function groupRecord(group: string, stored: StoredGroup): JournalRecord {
  return { key: encode(GROUP_KEY, groupKey, { group }), value: encode(GROUP_VALUE, groupValue, stored) };
}

export function groupTombstone(group: string): JournalRecord {
  return { key: encode(GROUP_KEY, groupKey, { group }), value: null };
}

/** What a key is about; undefined for kinds that are not of offsets or classic groups. */
export function readKey(key: Buffer): GroupJournalEntry | undefined {
  const version = key.readInt16BE(0);
  const from = new ByteReader(key, 2);
  if (version === 0 || version === OFFSET_KEY) return { kind: 'offset', ...codecOf(offsetKey, version).read(from) };
  if (version === GROUP_KEY) return { kind: 'group', ...codecOf(groupKey, version).read(from) };
  return undefined;
}

export function readOffset(value: Buffer, topic: string, partition: number): OffsetEntry | undefined {
  const version = value.readInt16BE(0);
  if (version > OFFSET_VALUE) return undefined;
  const stored = codecOf(offsetValue, version).read(new ByteReader(value, 2));
  const { offset, leaderEpoch, metadata, commitTimestamp } = stored;
  return { topic, partition, offset, leaderEpoch, metadata, committedAt: commitTimestamp };
}

export function readGroup(value: Buffer): StoredGroup | undefined {
  const version = value.readInt16BE(0);
  return version > GROUP_VALUE ? undefined : codecOf(groupValue, version).read(new ByteReader(value, 2));
}

interface Schema<T> {
  compile(version: number, flexible: boolean): Codec<unknown>;
  defaultValue(): T;
}

function codecOf<T>(schema: Schema<T>, version: number): Codec<T> {
  return schema.compile(version, false) as Codec<T>;
}

function encode<T>(version: number, schema: Schema<T>, value: T): Buffer {
  const out = new FrameWriter(64);
  out.int16(version);
  codecOf(schema, version).write(out, value);
  return Buffer.concat(out.take());
}
