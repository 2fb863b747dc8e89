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
  /** The epoch before the last bump, for a retry of the InitProducerId that bumped it; -1 when nobody may ask again. */
  previousEpoch: number;
  /** The producer id whose epochs are used up, or -1. */
  previousProducerId: number;
  timeoutMs: number;
  state: TransactionState;
  /** Where it has written, or will. */
  readonly places: Map<string, Place>;
  startedAt: number;
  updatedAt: number;
  /** Whether the decision raised the epoch: then records with the current epoch belong to the transaction behind it. */
  isBumped: boolean;
  /**
   * Whether that was done to shut the producer out. Kafka's journal has no place for it: behind a crash such a producer
   * learns that its transaction is aborted, and goes on.
   */
  isFenced: boolean;
  /** True while a change waits to be durable: nothing else may happen to it meanwhile. */
  isChanging: boolean;
}

export function newTransaction(id: string, producerId: number, timeoutMs: number, now: number): Transaction {
  return {
    id,
    producerId,
    epoch: -1,
    previousEpoch: -1,
    previousProducerId: -1,
    timeoutMs,
    state: 'Empty',
    places: new Map(),
    startedAt: -1,
    updatedAt: now,
    isBumped: false,
    isFenced: false,
    isChanging: false,
  };
}

export function placeKey({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

// ── Journal ───────────────────────────────────────────────────────────────────────────────────────────────────────

const KEY_VERSION = 0;
const VALUE_VERSION = 1;
export const FIRST_FLEXIBLE_VALUE = 1;
/** The version of the transaction protocol in which every decision raises the epoch. */
const BUMPING_VERSION = 2;

/** The records of `__transaction_state`, under Kafka's names: its tools print them. */
export const journalKey = struct({ transactionalId: string() });
export const journalValue = struct({
  producerId: int64(),
  producerEpoch: int16(),
  transactionTimeoutMs: int32(),
  transactionStatus: int8(),
  transactionPartitions: array({ topic: string(), partitionIds: array(int32()) }).nullable(),
  transactionLastUpdateTimestampMs: int64(),
  transactionStartTimestampMs: int64(),
  previousProducerId: int64().since(1).default(-1).tagged(0).ignorable(),
  clientTransactionVersion: int16().since(1).tagged(2).ignorable(),
});
const keyCodec = journalKey.compile(KEY_VERSION, false) as Codec<Value<typeof journalKey>>;
const valueCodecs = [0, 1].map(
  (version) => journalValue.compile(version, version >= FIRST_FLEXIBLE_VALUE) as Codec<Value<typeof journalValue>>,
);

export function transactionRecord(transaction: Transaction): JournalRecord {
  const byTopic = Map.groupBy(transaction.places.values(), ({ topic }) => topic);
  const out = new FrameWriter(128);
  out.int16(VALUE_VERSION);
  valueCodecs[VALUE_VERSION]!.write(out, {
    producerId: transaction.producerId,
    producerEpoch: transaction.epoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: TRANSACTION_STATES.indexOf(transaction.state),
    transactionPartitions: [...byTopic].map(([topic, places]) => ({
      topic,
      partitionIds: places.map(({ partition }) => partition),
    })),
    transactionLastUpdateTimestampMs: transaction.updatedAt,
    transactionStartTimestampMs: transaction.startedAt,
    previousProducerId: transaction.previousProducerId,
    clientTransactionVersion: transaction.isBumped ? BUMPING_VERSION : 0,
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
  const codec = valueCodecs[value.readInt16BE(0)];
  if (codec === undefined) return undefined;
  const stored = codec.read(new ByteReader(value, 2));
  const state = TRANSACTION_STATES[stored.transactionStatus];
  if (state === undefined) return undefined;
  const transaction = newTransaction(
    id,
    stored.producerId,
    stored.transactionTimeoutMs,
    stored.transactionLastUpdateTimestampMs,
  );
  transaction.epoch = stored.producerEpoch;
  transaction.state = state;
  transaction.startedAt = stored.transactionStartTimestampMs;
  transaction.previousProducerId = stored.previousProducerId;
  transaction.isBumped = stored.clientTransactionVersion >= BUMPING_VERSION;
  for (const { topic, partitionIds } of stored.transactionPartitions ?? []) {
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
