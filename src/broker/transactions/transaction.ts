/** The states of a transaction and what is kept of it: in memory, and in `__transaction_state` in Kafka's format. */
import {
  array,
  ByteReader,
  type Codec,
  FrameWriter,
  int16,
  int32,
  int64,
  int8,
  string,
  struct,
  type Value,
} from '../../protocol/index.ts';
import type { JournalRecord } from '../internal-topic.ts';

/** The names that clients are told, by the ids that are stored. */
export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const;
export type TransactionState = (typeof TRANSACTION_STATES)[number];

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export interface Transaction {
  readonly id: string;
  producerId: number;
  epoch: number;
  /** The epoch before the last bump, for a retry of the request that bumped it. */
  previousEpoch: number;
  timeoutMs: number;
  state: TransactionState;
  /** Where it has written, or will. */
  readonly places: Map<string, Place>;
  startedAt: number;
  updatedAt: number;
  /** True while a change waits to be durable: nothing else may happen to it meanwhile. */
  isChanging: boolean;
}

export function newTransaction(id: string, producerId: number, timeoutMs: number, now: number): Transaction {
  return {
    id,
    producerId,
    epoch: -1,
    previousEpoch: -1,
    timeoutMs,
    state: 'Empty',
    places: new Map(),
    startedAt: -1,
    updatedAt: now,
    isChanging: false,
  };
}

export function placeKey({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

// ── Journal ───────────────────────────────────────────────────────────────────────────────────────────────────────

const KEY_VERSION = 0;
const VALUE_VERSION = 0;

const journalKey = struct({ transactionalId: string() });
const journalValue = struct({
  producerId: int64(),
  producerEpoch: int16(),
  timeoutMs: int32(),
  status: int8(),
  partitions: array({ topic: string(), partitionIds: array(int32()) }).nullable(),
  lastUpdateTimestamp: int64(),
  startTimestamp: int64(),
});
const keyCodec = journalKey.compile(KEY_VERSION, false) as Codec<Value<typeof journalKey>>;
const valueCodec = journalValue.compile(VALUE_VERSION, false) as Codec<Value<typeof journalValue>>;

export function transactionRecord(transaction: Transaction): JournalRecord {
  const byTopic = Map.groupBy(transaction.places.values(), ({ topic }) => topic);
  const out = new FrameWriter(128);
  out.int16(VALUE_VERSION);
  valueCodec.write(out, {
    producerId: transaction.producerId,
    producerEpoch: transaction.epoch,
    timeoutMs: transaction.timeoutMs,
    status: TRANSACTION_STATES.indexOf(transaction.state),
    partitions: [...byTopic].map(([topic, places]) => ({
      topic,
      partitionIds: places.map(({ partition }) => partition),
    })),
    lastUpdateTimestamp: transaction.updatedAt,
    startTimestamp: transaction.startedAt,
  });
  return { key: keyOf(transaction.id), value: Buffer.concat(out.take()) };
}

export function transactionTombstone(id: string): JournalRecord {
  return { key: keyOf(id), value: null };
}

export function readTransactionKey(key: Buffer): string | undefined {
  return key.readInt16BE(0) === KEY_VERSION ? keyCodec.read(new ByteReader(key, 2)).transactionalId : undefined;
}

export function readTransaction(id: string, value: Buffer): Transaction | undefined {
  if (value.readInt16BE(0) !== VALUE_VERSION) return undefined;
  const stored = valueCodec.read(new ByteReader(value, 2));
  const state = TRANSACTION_STATES[stored.status];
  if (state === undefined) return undefined;
  const transaction = newTransaction(id, stored.producerId, stored.timeoutMs, stored.lastUpdateTimestamp);
  transaction.epoch = stored.producerEpoch;
  transaction.state = state;
  transaction.startedAt = stored.startTimestamp;
  for (const { topic, partitionIds } of stored.partitions ?? []) {
    for (const partition of partitionIds) transaction.places.set(placeKey({ topic, partition }), { topic, partition });
  }
  return transaction;
}

function keyOf(transactionalId: string): Buffer {
  const out = new FrameWriter(64);
  out.int16(KEY_VERSION);
  keyCodec.write(out, { transactionalId });
  return Buffer.concat(out.take());
}
