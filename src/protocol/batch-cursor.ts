// A batch becomes records: those that a reader may see, one after the other, without an object for each.
import { CompressionCodec, DEFAULT_MAX_DECOMPRESSED_BYTES, decompress } from './compression.ts';
import { malformed } from './byte-reader.ts';
import {
  BATCH_HEADER_BYTES,
  batchHeader,
  CODEC_MASK,
  CONTROL,
  corruptBatch,
  LOG_APPEND_TIME,
  TRANSACTIONAL,
} from './record-batch.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface BatchCursorOptions {
  /** Records below this offset are passed over: a fetch returns whole batches. */
  readonly fromOffset?: number;
  /** From a read_committed fetch: the records of these transactions are passed over. */
  readonly abortedTransactions?: readonly AbortedTransaction[] | null;
  /** Also stop at control records. */
  readonly controlRecords?: boolean;
  readonly maxDecompressedBytes?: number;
  /** What the records of the source, which is one batch, unpack to, where that is known. */
  readonly plain?: Buffer | undefined;
}

/**
 * Walks the records of concatenated batches without making an object per record: after `advance()` returned true, the
 * fields describe the current record as spans of `bytes`, valid until the next `advance`. A partial batch at the end
 * counts as the end. Throws CORRUPT_MESSAGE where the bytes are not what they claim to be.
 */
export class BatchCursor {
  offset = -1;
  timestamp = -1;
  bytes: Buffer;
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  headerCount = 0;
  /** The offset behind the last batch seen, compacted and control records included: where the next fetch starts. */
  nextOffset: number;

  readonly #source: Buffer;
  readonly #options: BatchCursorOptions;
  readonly #fromOffset: number;
  readonly #controlRecords: boolean;
  readonly #maxBytes: number;
  readonly #plain: Buffer | undefined;
  /** Transactions that start at or before the current batch, and those to come, by first offset. */
  readonly #aborting = new Set<number>();
  readonly #aborted: readonly AbortedTransaction[];
  #nextAborted = 0;
  /** Start of the current and of the next batch in the source. */
  #batchAt = 0;
  #nextBatchAt = 0;
  #recordsLeft = 0;
  #position = 0;
  #end = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  /** The timestamp of all records of a batch stamped by the broker; -1 when each has its own. */
  #batchTimestamp = -1;
  #headersAt = 0;
  #recordEnd = 0;

  constructor(source: Buffer, options: BatchCursorOptions = {}) {
    this.#source = source;
    this.#options = options;
    this.bytes = source;
    this.#fromOffset = options.fromOffset ?? 0;
    this.nextOffset = this.#fromOffset;
    this.#controlRecords = options.controlRecords ?? false;
    this.#maxBytes = options.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES;
    this.#plain = options.plain;
    this.#aborted = [...(options.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** The header of the batch that the current record belongs to, for those who need producer ids or attributes. */
  get batchAt(): number {
    return this.#batchAt;
  }

  advance(): boolean {
    for (;;) {
      while (this.#recordsLeft === 0) if (!this.#enterBatch()) return false;
      this.#recordsLeft--;
      this.#readRecord();
      if (this.offset >= this.#fromOffset) return true;
    }
  }

  /** Another cursor over the same records, from the first; undefined where they would have to be unpacked again. */
  again(): BatchCursor | undefined {
    const source = this.#source;
    for (let at = 0; at + BATCH_HEADER_BYTES <= source.length; ) {
      if ((batchHeader.attributes(source, at) & CODEC_MASK) !== CompressionCodec.none) return undefined;
      const size = batchHeader.sizeInBytes(source, at);
      if (size < BATCH_HEADER_BYTES) break;
      at += size;
    }
    return new BatchCursor(source, this.#options);
  }

  headers(): { key: string; value: Buffer | null }[] {
    const result: { key: string; value: Buffer | null }[] = [];
    const resume = this.#position;
    this.#position = this.#headersAt;
    for (let i = 0; i < this.headerCount; i++) {
      const keyLength = this.#varint();
      const keyStart = this.#span(keyLength);
      const valueLength = this.#varint();
      const valueStart = valueLength < 0 ? -1 : this.#span(valueLength);
      result.push({
        key: this.bytes.toString('utf8', keyStart, keyStart + keyLength),
        value: valueStart < 0 ? null : this.bytes.subarray(valueStart, valueStart + valueLength),
      });
    }
    this.#position = resume;
    return result;
  }

  /** Opens the next batch whose records are wanted; false at the end. */
  #enterBatch(): boolean {
    const source = this.#source;
    for (;;) {
      const at = this.#nextBatchAt;
      if (at + BATCH_HEADER_BYTES > source.length) return false;
      const size = batchHeader.sizeInBytes(source, at);
      if (size < BATCH_HEADER_BYTES) throw corruptBatch(`it announces ${size} bytes`);
      if (at + size > source.length) return false;
      if (batchHeader.magic(source, at) !== 2) throw corruptBatch(`message format ${batchHeader.magic(source, at)}`);
      this.#batchAt = at;
      this.#nextBatchAt = at + size;
      const lastOffset = batchHeader.lastOffset(source, at);
      if (lastOffset + 1 > this.nextOffset) this.nextOffset = lastOffset + 1;
      if (!this.#isWanted(at, lastOffset)) continue;
      this.#open(at, size);
      return true;
    }
  }

  #isWanted(at: number, lastOffset: number): boolean {
    const source = this.#source;
    const attributes = batchHeader.attributes(source, at);
    if (this.#aborted.length > 0 && (attributes & TRANSACTIONAL) !== 0) {
      while (this.#nextAborted < this.#aborted.length && this.#aborted[this.#nextAborted]!.firstOffset <= lastOffset) {
        this.#aborting.add(this.#aborted[this.#nextAborted++]!.producerId);
      }
      const producerId = batchHeader.producerId(source, at);
      if ((attributes & CONTROL) !== 0) this.#aborting.delete(producerId);
      else if (this.#aborting.has(producerId)) return false;
    }
    if ((attributes & CONTROL) !== 0 && !this.#controlRecords) return false;
    return lastOffset >= this.#fromOffset && batchHeader.recordCount(source, at) > 0;
  }

  #open(at: number, size: number): void {
    const source = this.#source;
    const attributes = batchHeader.attributes(source, at);
    const codec = attributes & CODEC_MASK;
    this.#baseOffset = batchHeader.baseOffset(source, at);
    this.#baseTimestamp = batchHeader.baseTimestamp(source, at);
    this.#batchTimestamp = (attributes & LOG_APPEND_TIME) !== 0 ? batchHeader.maxTimestamp(source, at) : -1;
    this.#recordsLeft = batchHeader.recordCount(source, at);
    if (codec === CompressionCodec.none) {
      this.bytes = source;
      this.#position = at + BATCH_HEADER_BYTES;
      this.#end = at + size;
    } else {
      this.bytes =
        this.#plain ?? decompress(codec, source.subarray(at + BATCH_HEADER_BYTES, at + size), this.#maxBytes);
      this.#position = 0;
      this.#end = this.bytes.length;
    }
  }

  #readRecord(): void {
    const length = this.#varint();
    const start = this.#position;
    this.#recordEnd = start + length;
    if (length < 0 || this.#recordEnd > this.#end) throw corruptBatch('a record is longer than its batch');
    this.#position = start + 1;
    const timestampDelta = this.#varlong();
    this.timestamp = this.#batchTimestamp >= 0 ? this.#batchTimestamp : this.#baseTimestamp + timestampDelta;
    this.offset = this.#baseOffset + this.#varint();
    const keyLength = this.#varint();
    this.keyStart = keyLength < 0 ? -1 : this.#span(keyLength);
    this.keyEnd = this.#position;
    const valueLength = this.#varint();
    this.valueStart = valueLength < 0 ? -1 : this.#span(valueLength);
    this.valueEnd = this.#position;
    this.headerCount = this.#varint();
    this.#headersAt = this.#position;
    this.#position = this.#recordEnd;
  }

  /** Moves over `length` bytes of the current record and returns where they start. */
  #span(length: number): number {
    const start = this.#position;
    if (length < 0 || start + length > this.#recordEnd) throw corruptBatch('a field is longer than its record');
    this.#position = start + length;
    return start;
  }

  #varint(): number {
    const { bytes } = this;
    let position = this.#position;
    let byte = bytes[position++]!;
    if (byte < 0x80) {
      this.#position = position;
      return (byte >>> 1) ^ -(byte & 1);
    }
    let result = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      if (position >= this.#end) throw corruptBatch('it ends within a number');
      byte = bytes[position++]!;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#position = position;
        return (result >>> 1) ^ -(result & 1);
      }
    }
    throw malformed('a varint is longer than five bytes');
  }

  #varlong(): number {
    const { bytes } = this;
    let result = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#position >= this.#end) throw corruptBatch('it ends within a number');
      const byte = bytes[this.#position++]!;
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result % 2 === 0 ? result / 2 : -(result + 1) / 2;
      scale *= 128;
    }
    throw malformed('a varlong is longer than ten bytes');
  }
}
