// Records become a batch: header and records in one buffer, compressed and sealed at the end.
import { assert, ByteWriter } from '../util/index.ts';
import { CompressionCodec, type CompressionName, compress } from './compression.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  CONTROL,
  MAGIC,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  sealBatch,
  TRANSACTIONAL,
  writeInt64,
} from './record-batch.ts';

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface BatchOptions {
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
  readonly compression?: CompressionName;
  readonly baseOffset?: number;
  readonly leaderEpoch?: number;
  /** Further bits of the attributes, for batches that are made from others. */
  readonly attributes?: number;
  /** Default: those of the records. A batch that lost records to compaction keeps what it had. */
  readonly lastOffsetDelta?: number;
  readonly maxTimestamp?: number;
}

/**
 * Builds one record batch in one growing buffer. `append` takes scalars and makes no garbage; `finish` returns the
 * batch as a buffer of its own, and the builder starts over.
 */
export class RecordBatchBuilder {
  readonly #out: ByteWriter;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = -1;
  #lastOffsetDelta = -1;
  #hasBase = false;

  constructor(initialBytes = 16384) {
    this.#out = new ByteWriter(initialBytes);
    this.#out.position = BATCH_HEADER_BYTES;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of the batch as it stands, uncompressed. */
  get sizeInBytes(): number {
    return this.#out.position;
  }

  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }

  /** Lets timestamps count from here; by default from the first record's. */
  countFrom(baseTimestamp: number): void {
    assert(this.#count === 0, 'countFrom comes before the first record');
    this.#baseTimestamp = baseTimestamp;
    this.#hasBase = true;
  }

  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers?: readonly RecordHeader[],
    offsetDelta = this.#lastOffsetDelta + 1,
  ): void {
    const out = this.#out;
    if (this.#count === 0 && !this.#hasBase) this.#baseTimestamp = timestamp;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    const timestampDelta = timestamp - this.#baseTimestamp;

    let length = 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta);
    length += key === null ? 1 : varintBytes(key.length) + key.length;
    length += value === null ? 1 : varintBytes(value.length) + value.length;
    length += headers === undefined ? 1 : headersBytes(headers);
    out.reserve(length + 5);
    out.varint(length);
    out.int8(0);
    out.varlong(timestampDelta);
    out.varint(offsetDelta);
    writeBytes(out, key);
    writeBytes(out, value);
    if (headers === undefined) out.int8(0);
    else writeHeaders(out, headers);
    this.#lastOffsetDelta = offsetDelta;
    this.#count++;
  }

  finish(options: BatchOptions = {}): Buffer {
    assert(this.#count > 0, 'a batch without records');
    const codec = CompressionCodec[options.compression ?? 'none'];
    let batch: Buffer;
    if (codec === CompressionCodec.none) {
      batch = this.#out.copy();
    } else {
      const packed = compress(codec, this.#out.view(BATCH_HEADER_BYTES));
      batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + packed.length);
      packed.copy(batch, BATCH_HEADER_BYTES);
    }
    writeInt64(batch, options.baseOffset ?? 0, 0);
    batch.writeInt32BE(batch.length - BATCH_OVERHEAD_BYTES, 8);
    batch.writeInt32BE(options.leaderEpoch ?? -1, 12);
    batch.writeInt8(MAGIC, 16);
    const kind = (options.transactional ? TRANSACTIONAL : 0) | (options.control ? CONTROL : 0);
    batch.writeInt16BE(codec | kind | (options.attributes ?? 0), 21);
    batch.writeInt32BE(options.lastOffsetDelta ?? this.#lastOffsetDelta, 23);
    writeInt64(batch, this.#baseTimestamp, 27);
    writeInt64(batch, options.maxTimestamp ?? this.#maxTimestamp, 35);
    writeInt64(batch, options.producerId ?? NO_PRODUCER_ID, 43);
    batch.writeInt16BE(options.producerEpoch ?? NO_PRODUCER_EPOCH, 51);
    batch.writeInt32BE(options.baseSequence ?? NO_SEQUENCE, 53);
    batch.writeInt32BE(this.#count, 57);
    sealBatch(batch);
    this.reset();
    return batch;
  }

  /** Forgets what was appended. */
  reset(): void {
    this.#out.position = BATCH_HEADER_BYTES;
    this.#count = 0;
    this.#baseTimestamp = 0;
    this.#maxTimestamp = -1;
    this.#lastOffsetDelta = -1;
    this.#hasBase = false;
  }
}

// ── Control batches ───────────────────────────────────────────────────────────────────────────────────────────────

/** How a producer's transaction ended, as its coordinator says it to a partition. */
export interface TransactionMarker {
  readonly committed: boolean;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
}

/** The end of a transaction in a partition, as a batch of one control record. */
export function buildTransactionMarker(marker: TransactionMarker): Buffer {
  const key = Buffer.alloc(4);
  key.writeInt16BE(marker.committed ? 1 : 0, 2);
  const value = Buffer.alloc(6);
  value.writeInt32BE(marker.coordinatorEpoch, 2);
  const builder = new RecordBatchBuilder(128);
  builder.append(key, value, marker.timestamp);
  const { producerId, producerEpoch } = marker;
  return builder.finish({ producerId, producerEpoch, transactional: true, control: true });
}

function writeBytes(out: ByteWriter, bytes: Uint8Array | null): void {
  if (bytes === null) {
    out.varint(-1);
    return;
  }
  out.varint(bytes.length);
  out.bytes(bytes);
}

function writeHeaders(out: ByteWriter, headers: readonly RecordHeader[]): void {
  out.varint(headers.length);
  for (const { key, value } of headers) {
    out.varint(Buffer.byteLength(key));
    out.utf8(key);
    writeBytes(out, value);
  }
}

function headersBytes(headers: readonly RecordHeader[]): number {
  let total = varintBytes(headers.length);
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key);
    total += varintBytes(keyBytes) + keyBytes;
    total += value === null ? 1 : varintBytes(value.length) + value.length;
  }
  return total;
}

function varintBytes(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  return raw < 0x80 ? 1 : raw < 0x4000 ? 2 : raw < 0x200000 ? 3 : raw < 0x10000000 ? 4 : 5;
}

function varlongBytes(value: number): number {
  let raw = value < 0 ? -value * 2 - 1 : value * 2;
  let count = 1;
  while (raw > 0x7f) {
    raw = Math.floor(raw / 128);
    count++;
  }
  return count;
}
