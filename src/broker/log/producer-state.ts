/**
 * What a partition remembers of each producer: its epoch, its newest batches (so that a retry is recognised) and where
 * its open transaction began. Kafka's rules for idempotent producers are in `check`.
 */
import { ByteWriter, crc32c } from '../../util/index.ts';
import {
  batchHeader,
  ByteReader,
  CONTROL,
  ErrorCode,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  TRANSACTIONAL,
  type TransactionMarker,
} from '../../protocol/index.ts';

const REMEMBERED_BATCHES = 5;
const SNAPSHOT_VERSION = 1;
const LAST_SEQUENCE = 0x7fffffff;

interface BatchMemory {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

export interface ProducerEntry {
  readonly producerId: number;
  epoch: number;
  /** Oldest first, at most five. Empty after an epoch began with a marker. */
  batches: BatchMemory[];
  lastTimestamp: number;
  coordinatorEpoch: number;
  /** First offset of the open transaction, or -1. */
  transactionStart: number;
}

/** What to do with a batch: append it, answer with where it is already, or refuse it. */
export type Verdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly timestamp: number }
  | { readonly kind: 'refuse'; readonly errorCode: number; readonly reason: string };

const APPEND: Verdict = { kind: 'append' };

export class ProducerState {
  readonly #producers = new Map<number, ProducerEntry>();
  /** Those with an open transaction. */
  readonly #open = new Set<ProducerEntry>();

  /** The rules of C14: duplicates, sequences and epochs. */
  check(batch: Buffer): Verdict {
    const producerId = batchHeader.producerId(batch);
    if (producerId === NO_PRODUCER_ID) return APPEND;
    const entry = this.#producers.get(producerId);
    if (entry === undefined) return APPEND;
    const epoch = batchHeader.producerEpoch(batch);
    const first = batchHeader.baseSequence(batch);
    if (epoch < entry.epoch) {
      return refuse(ErrorCode.INVALID_PRODUCER_EPOCH, `epoch ${epoch} is older than ${entry.epoch}`);
    }
    if (entry.transactionStart >= 0 && (batchHeader.attributes(batch) & TRANSACTIONAL) === 0) {
      return refuse(ErrorCode.INVALID_TXN_STATE, 'a plain batch arrived during a transaction of its producer');
    }
    if (epoch > entry.epoch) {
      return first === 0 || first === NO_SEQUENCE
        ? APPEND
        : refuse(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `epoch ${epoch} starts with sequence ${first}`);
    }
    // Only the broker's own coordinators write without sequences; clients are refused before.
    if (first === NO_SEQUENCE) return APPEND;
    const last = sequenceAfter(first, batchHeader.lastOffsetDelta(batch));
    const known = entry.batches.find((memory) => memory.firstSequence === first && memory.lastSequence === last);
    if (known !== undefined) return { kind: 'duplicate', baseOffset: known.firstOffset, timestamp: known.timestamp };
    const newest = entry.batches.at(-1);
    // An epoch that began with a marker begins at 0, too.
    const expected = newest === undefined ? 0 : sequenceAfter(newest.lastSequence, 1);
    if (first === expected) return APPEND;
    return refuse(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `sequence ${first} arrived where ${expected} was expected`);
  }

  /**
   * Whether a marker is of a producer and a coordinator that are not fenced. In the second version of transactions the marker has
   * the epoch after that of its records (KIP-890): one with theirs comes late.
   */
  checkMarker(marker: Omit<TransactionMarker, 'timestamp'>, transactionVersion: number): number {
    const entry = this.#producers.get(marker.producerId);
    if (entry === undefined) return ErrorCode.NONE;
    const isLate = transactionVersion >= 2 && entry.transactionStart >= 0 && marker.producerEpoch === entry.epoch;
    const isOld = marker.producerEpoch < entry.epoch || isLate;
    if (isOld) return ErrorCode.INVALID_PRODUCER_EPOCH;
    return marker.coordinatorEpoch < entry.coordinatorEpoch ? ErrorCode.TRANSACTION_COORDINATOR_FENCED : ErrorCode.NONE;
  }

  /** Takes note of an appended data batch, or of one found in the log when it is opened. `now` is the broker's time. */
  appended(batch: Buffer, at: number, baseOffset: number, now: number): void {
    const producerId = batchHeader.producerId(batch, at);
    if (producerId === NO_PRODUCER_ID) return;
    const epoch = batchHeader.producerEpoch(batch, at);
    const entry = this.#entry(producerId, epoch);
    const first = batchHeader.baseSequence(batch, at);
    const delta = batchHeader.lastOffsetDelta(batch, at);
    const timestamp = batchHeader.maxTimestamp(batch, at);
    if (first !== NO_SEQUENCE) {
      if (entry.batches.length === REMEMBERED_BATCHES) entry.batches.shift();
      entry.batches.push({
        firstSequence: first,
        lastSequence: sequenceAfter(first, delta),
        firstOffset: baseOffset,
        lastOffset: baseOffset + delta,
        timestamp,
      });
    }
    entry.lastTimestamp = now;
    const isTransactional = (batchHeader.attributes(batch, at) & TRANSACTIONAL) !== 0;
    if (isTransactional && entry.transactionStart < 0) {
      entry.transactionStart = baseOffset;
      this.#open.add(entry);
    }
  }

  /** Takes note of a transaction marker; returns where the transaction that it ends had begun, or -1. */
  markerAppended(producerId: number, epoch: number, coordinatorEpoch: number, now: number): number {
    const entry = this.#entry(producerId, epoch);
    const start = entry.transactionStart;
    entry.transactionStart = -1;
    this.#open.delete(entry);
    entry.coordinatorEpoch = coordinatorEpoch;
    entry.lastTimestamp = now;
    return start;
  }

  get(producerId: number): ProducerEntry | undefined {
    return this.#producers.get(producerId);
  }

  entries(): Iterable<ProducerEntry> {
    return this.#producers.values();
  }

  /** The first offset of the oldest open transaction, or Infinity. */
  firstOpenOffset(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const entry of this.#open) if (entry.transactionStart < first) first = entry.transactionStart;
    return first;
  }

  /** Forgets producers that were silent since `before`, except those with an open transaction. */
  expire(before: number): void {
    for (const [id, entry] of this.#producers) {
      if (entry.transactionStart < 0 && entry.lastTimestamp < before) this.#producers.delete(id);
    }
  }

  clear(): void {
    this.#producers.clear();
    this.#open.clear();
  }

  #entry(producerId: number, epoch: number): ProducerEntry {
    let entry = this.#producers.get(producerId);
    if (entry === undefined) {
      entry = { producerId, epoch, batches: [], lastTimestamp: -1, coordinatorEpoch: -1, transactionStart: -1 };
      this.#producers.set(producerId, entry);
    } else if (epoch !== entry.epoch) {
      entry.epoch = epoch;
      entry.batches = [];
    }
    return entry;
  }

  // ── Snapshot file ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Kafka's `.snapshot`: version, CRC, then one entry per producer with its newest batch. */
  snapshot(): Buffer {
    const out = new ByteWriter(256);
    out.int16(SNAPSHOT_VERSION);
    out.uint32(0);
    out.int32(this.#producers.size);
    for (const entry of this.#producers.values()) {
      const newest = entry.batches.at(-1);
      out.int64(entry.producerId);
      out.int16(entry.epoch);
      out.int32(newest?.lastSequence ?? NO_SEQUENCE);
      out.int64(newest?.lastOffset ?? -1);
      out.int32(newest === undefined ? 0 : newest.lastOffset - newest.firstOffset);
      out.int64(entry.lastTimestamp);
      out.int32(entry.coordinatorEpoch);
      out.int64(entry.transactionStart);
    }
    const file = out.copy();
    file.writeUInt32BE(crc32c(file, 6), 2);
    return file;
  }

  /** Takes over a snapshot; false, and nothing taken, when it is broken. */
  load(file: Buffer): boolean {
    if (file.length < 10 || file.readInt16BE(0) !== SNAPSHOT_VERSION || file.readUInt32BE(2) !== crc32c(file, 6)) {
      return false;
    }
    const from = new ByteReader(file, 6);
    for (let count = from.int32(); count > 0; count--) {
      const producerId = from.int64();
      const epoch = from.int16();
      const lastSequence = from.int32();
      const lastOffset = from.int64();
      const offsetDelta = from.int32();
      const timestamp = from.int64();
      const coordinatorEpoch = from.int32();
      const transactionStart = from.int64();
      const firstSequence = sequenceBefore(lastSequence, offsetDelta);
      const firstOffset = lastOffset - offsetDelta;
      const entry: ProducerEntry = {
        producerId,
        epoch,
        batches: lastSequence < 0 ? [] : [{ firstSequence, lastSequence, firstOffset, lastOffset, timestamp }],
        lastTimestamp: timestamp,
        coordinatorEpoch,
        transactionStart,
      };
      this.#producers.set(producerId, entry);
      if (transactionStart >= 0) this.#open.add(entry);
    }
    return true;
  }
}

/** True for the marker that ends a transaction; `committed` says how. */
export function readMarker(
  batch: Buffer,
  at: number,
): { readonly committed: boolean; readonly coordinatorEpoch: number } | undefined {
  if ((batchHeader.attributes(batch, at) & CONTROL) === 0) return undefined;
  const from = new ByteReader(batch, at + 61, at + batchHeader.sizeInBytes(batch, at));
  from.varint();
  from.int8();
  from.varlong();
  from.varint();
  const key = from.bytes(from.varint());
  const type = key.readInt16BE(2);
  if (type > 1) return undefined;
  const value = from.bytes(from.varint());
  return { committed: type === 1, coordinatorEpoch: value.readInt32BE(2) };
}

/** Sequences run from 0 to 2^31 - 1 and begin again at 0. */
export function sequenceAfter(sequence: number, count: number): number {
  const after = sequence + count;
  return after > LAST_SEQUENCE ? after - LAST_SEQUENCE - 1 : after;
}

function sequenceBefore(sequence: number, count: number): number {
  const before = sequence - count;
  return before < 0 ? before + LAST_SEQUENCE + 1 : before;
}

function refuse(errorCode: number, reason: string): Verdict {
  return { kind: 'refuse', errorCode, reason };
}
